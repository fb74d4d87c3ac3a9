"""Demands for skills, and cohorts offered to meet them.

Revision: 0022, after 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "skill_demand",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("skill_key", sa.String(length=80), nullable=False),
        sa.Column("occupation_code", sa.String(length=7), nullable=True),
        sa.Column("county_fips", sa.String(length=5), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("needed_by", sa.Date(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("wage_min_cents", sa.Integer(), nullable=True),
        sa.Column("wage_max_cents", sa.Integer(), nullable=True),
        sa.Column("is_cofunding", sa.Boolean(), nullable=False),
        sa.Column("hosts_apprentices", sa.Boolean(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("joined_id", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "status IN ('open', 'met', 'withdrawn')", name=op.f("ck_skill_demand_status_known")
        ),
        sa.CheckConstraint("people > 0", name=op.f("ck_skill_demand_people_positive")),
        sa.CheckConstraint(
            "wage_max_cents IS NULL OR wage_min_cents IS NOT NULL AND wage_max_cents >= wage_min_cents",
            name=op.f("ck_skill_demand_wages_in_order"),
        ),
        sa.CheckConstraint(
            "wage_min_cents IS NULL OR wage_min_cents >= 0",
            name=op.f("ck_skill_demand_wage_min_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["confirmed_by_id"],
            ["users.id"],
            name=op.f("fk_skill_demand_confirmed_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["county_fips"], ["county.fips"], name=op.f("fk_skill_demand_county_fips")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name=op.f("fk_skill_demand_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["joined_id"],
            ["skill_demand.id"],
            name=op.f("fk_skill_demand_joined_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["occupation_code"], ["occupation.code"], name=op.f("fk_skill_demand_occupation_code")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_skill_demand_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["skill_key"], ["skill.key"], name=op.f("fk_skill_demand_skill_key")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skill_demand")),
    )
    with op.batch_alter_table("skill_demand", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_skill_demand_confirmed_by_id"), ["confirmed_by_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_skill_demand_county_fips"), ["county_fips"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_skill_demand_created_by_id"), ["created_by_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_skill_demand_joined_id"), ["joined_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_skill_demand_occupation_code"), ["occupation_code"], unique=False
        )
        batch_op.create_index(
            "ix_skill_demand_organization_id_id", ["organization_id", "id"], unique=False
        )
        batch_op.create_index(
            "ix_skill_demand_skill_key_version",
            ["skill_key", "status", "quarter", "updated_at"],
            unique=False,
        )

    op.create_table(
        "cohort_offer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("section_id", sa.Integer(), nullable=False),
        sa.Column("skill_key", sa.String(length=80), nullable=False),
        sa.Column("area", sa.String(length=160), nullable=False),
        sa.Column("message", sa.String(length=2000), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name=op.f("fk_cohort_offer_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_cohort_offer_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["section_id"],
            ["section.id"],
            name=op.f("fk_cohort_offer_section_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["skill_key"], ["skill.key"], name=op.f("fk_cohort_offer_skill_key")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohort_offer")),
        sa.UniqueConstraint("section_id", name=op.f("uq_cohort_offer_section_id")),
    )
    with op.batch_alter_table("cohort_offer", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_cohort_offer_created_by_id"), ["created_by_id"], unique=False
        )
        batch_op.create_index(
            "ix_cohort_offer_organization_id_id", ["organization_id", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_cohort_offer_skill_key"), ["skill_key"], unique=False)

    op.create_table(
        "cohort_invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("offer_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'accepted') = (people IS NOT NULL) AND (people IS NULL OR people > 0)",
            name=op.f("ck_cohort_invitation_people_once_accepted"),
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'accepted', 'declined')",
            name=op.f("ck_cohort_invitation_status_known"),
        ),
        sa.CheckConstraint("wanted > 0", name=op.f("ck_cohort_invitation_wanted_positive")),
        sa.ForeignKeyConstraint(
            ["answered_by_id"],
            ["users.id"],
            name=op.f("fk_cohort_invitation_answered_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["offer_id"],
            ["cohort_offer.id"],
            name=op.f("fk_cohort_invitation_offer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_cohort_invitation_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohort_invitation")),
        sa.UniqueConstraint(
            "offer_id",
            "organization_id",
            name=op.f("uq_cohort_invitation_offer_id_organization_id"),
        ),
    )
    with op.batch_alter_table("cohort_invitation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_cohort_invitation_answered_by_id"), ["answered_by_id"], unique=False
        )
        batch_op.create_index(
            "ix_cohort_invitation_organization_id_status",
            ["organization_id", "status"],
            unique=False,
        )


def downgrade() -> None:
    for table in ("cohort_invitation", "cohort_offer", "skill_demand"):
        op.drop_table(table)
