"""Occupations, skills and credentials.

Revision: 0018, after 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "occupation",
        sa.Column("code", sa.String(length=7), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("title_es", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_occupation")),
        sa.UniqueConstraint("title", name=op.f("uq_occupation_title")),
    )
    op.create_table(
        "skill",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("name_es", sa.String(length=120), nullable=False),
        sa.CheckConstraint(
            "kind IN ('machining', 'cnc', 'welding', 'fabrication', 'casting', 'finishing',"
            " 'metrology', 'quality', 'design', 'additive', 'composites', 'plastics', 'electrical',"
            " 'automation', 'maintenance', 'electronics', 'semiconductors', 'battery', 'process',"
            " 'food', 'aviation', 'assembly', 'logistics', 'safety', 'improvement', 'digital',"
            " 'leadership', 'foundation')",
            name=op.f("ck_skill_kind_known"),
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_skill")),
        sa.UniqueConstraint("name", name=op.f("uq_skill_name")),
        sa.UniqueConstraint("name_es", name=op.f("uq_skill_name_es")),
    )
    with op.batch_alter_table("skill", schema=None) as batch_op:
        batch_op.create_index("ix_skill_kind_name", ["kind", "name"], unique=False)

    op.create_table(
        "skill_capability",
        sa.Column("skill_key", sa.String(length=80), nullable=False),
        sa.Column("capability_key", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["capability_key"], ["capability.key"], name=op.f("fk_skill_capability_capability_key")
        ),
        sa.ForeignKeyConstraint(
            ["skill_key"],
            ["skill.key"],
            name=op.f("fk_skill_capability_skill_key"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("skill_key", "capability_key", name=op.f("pk_skill_capability")),
    )
    with op.batch_alter_table("skill_capability", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_skill_capability_capability_key"), ["capability_key"], unique=False
        )

    op.create_table(
        "skill_name",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("skill_key", sa.String(length=80), nullable=False),
        sa.Column("text", sa.String(length=120), nullable=False),
        sa.Column("match_key", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.CheckConstraint(
            "kind IN ('preferred', 'alternate')", name=op.f("ck_skill_name_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["skill_key"], ["skill.key"], name=op.f("fk_skill_name_skill_key"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skill_name")),
        sa.UniqueConstraint("match_key", name=op.f("uq_skill_name_match_key")),
    )
    with op.batch_alter_table("skill_name", schema=None) as batch_op:
        batch_op.create_index("ix_skill_name_skill_key", ["skill_key"], unique=False)

    op.create_table(
        "skill_occupation",
        sa.Column("skill_key", sa.String(length=80), nullable=False),
        sa.Column("occupation_code", sa.String(length=7), nullable=False),
        sa.ForeignKeyConstraint(
            ["occupation_code"],
            ["occupation.code"],
            name=op.f("fk_skill_occupation_occupation_code"),
        ),
        sa.ForeignKeyConstraint(
            ["skill_key"],
            ["skill.key"],
            name=op.f("fk_skill_occupation_skill_key"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("skill_key", "occupation_code", name=op.f("pk_skill_occupation")),
    )
    with op.batch_alter_table("skill_occupation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_skill_occupation_occupation_code"), ["occupation_code"], unique=False
        )

    op.create_table(
        "credential",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_key", sa.String(length=200), nullable=False),
        sa.Column("abbreviation", sa.String(length=20), nullable=False),
        sa.Column("issuer", sa.String(length=200), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("valid_months", sa.Integer(), nullable=True),
        sa.Column("issuer_organization_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('certification', 'certificate', 'license', 'degree', 'badge',"
            " 'apprenticeship')",
            name=op.f("ck_credential_kind_known"),
        ),
        sa.CheckConstraint(
            "(key IS NULL) = (issuer_organization_id IS NOT NULL)",
            name=op.f("ck_credential_reference_or_own"),
        ),
        sa.CheckConstraint(
            "valid_months IS NULL OR valid_months BETWEEN 1 AND 600",
            name=op.f("ck_credential_valid_months_plausible"),
        ),
        sa.ForeignKeyConstraint(
            ["issuer_organization_id"],
            ["organization.id"],
            name=op.f("fk_credential_issuer_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
        sa.UniqueConstraint(
            "issuer_organization_id",
            "name_key",
            name=op.f("uq_credential_issuer_organization_id_name_key"),
        ),
        sa.UniqueConstraint("key", name=op.f("uq_credential_key")),
    )
    with op.batch_alter_table("credential", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_credential_issuer_organization_id"),
            ["issuer_organization_id"],
            unique=False,
        )
        batch_op.create_index("ix_credential_name_id", ["name", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_credential_name_key"), ["name_key"], unique=False)

    op.create_table(
        "credential_skill",
        sa.Column("credential_id", sa.Integer(), nullable=False),
        sa.Column("skill_key", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"],
            ["credential.id"],
            name=op.f("fk_credential_skill_credential_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["skill_key"], ["skill.key"], name=op.f("fk_credential_skill_skill_key")
        ),
        sa.PrimaryKeyConstraint("credential_id", "skill_key", name=op.f("pk_credential_skill")),
    )
    with op.batch_alter_table("credential_skill", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_credential_skill_skill_key"), ["skill_key"], unique=False
        )


def downgrade() -> None:
    for table in (
        "credential_skill",
        "credential",
        "skill_occupation",
        "skill_name",
        "skill_capability",
        "skill",
        "occupation",
    ):
        op.drop_table(table)
