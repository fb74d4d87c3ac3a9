"""Agreements with parties, documents and milestones; outcomes and what claims them.

Revision: 0011, after 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outcome",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("amount_hundredths", sa.BigInteger(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=9), nullable=False),
        sa.Column("asserted_by_id", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("confirmed_by_id", sa.Integer(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("twin_id", sa.Integer(), nullable=True),
        sa.Column("merged_into_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'confirmed') = (confirmed_at IS NOT NULL)",
            name=op.f("ck_outcome_confirmed_has_time"),
        ),
        sa.CheckConstraint(
            "(status = 'merged') = (merged_into_id IS NOT NULL)",
            name=op.f("ck_outcome_merged_into_another"),
        ),
        sa.CheckConstraint(
            "kind IN ('private_investment', 'public_funds', 'revenue', 'savings', 'jobs_created', 'jobs_retained', 'wages', 'people_trained', 'credentials', 'patents_licenses', 'products_processes', 'equipment_hours', 'firms_founded')",
            name=op.f("ck_outcome_kind_known"),
        ),
        sa.CheckConstraint(
            "status <> 'confirmed' OR twin_id IS NULL", name=op.f("ck_outcome_confirmed_is_no_twin")
        ),
        sa.CheckConstraint(
            "status IN ('asserted', 'confirmed', 'disputed', 'withdrawn', 'merged')",
            name=op.f("ck_outcome_status_known"),
        ),
        sa.CheckConstraint("amount_hundredths > 0", name=op.f("ck_outcome_amount_positive")),
        sa.CheckConstraint("merged_into_id <> id", name=op.f("ck_outcome_not_merged_into_itself")),
        sa.CheckConstraint("twin_id <> id", name=op.f("ck_outcome_no_twin_of_itself")),
        sa.ForeignKeyConstraint(
            ["asserted_by_id"],
            ["organization.id"],
            name=op.f("fk_outcome_asserted_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["confirmed_by_id"],
            ["organization.id"],
            name=op.f("fk_outcome_confirmed_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name=op.f("fk_outcome_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["merged_into_id"],
            ["outcome.id"],
            name=op.f("fk_outcome_merged_into_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_outcome_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["twin_id"], ["outcome.id"], name=op.f("fk_outcome_twin_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome")),
    )
    with op.batch_alter_table("outcome", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_outcome_asserted_by_id"), ["asserted_by_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_outcome_confirmed_by_id"), ["confirmed_by_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_outcome_created_by_id"), ["created_by_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_outcome_merged_into_id"), ["merged_into_id"], unique=False
        )
        batch_op.create_index(
            "ix_outcome_organization_id_kind_happened_on",
            ["organization_id", "kind", "happened_on"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_outcome_twin_id"), ["twin_id"], unique=False)

    op.create_table(
        "agreement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("private_cents", sa.BigInteger(), nullable=False),
        sa.Column("public_cents", sa.BigInteger(), nullable=False),
        sa.Column("in_kind_cents", sa.BigInteger(), nullable=False),
        sa.Column("is_reported", sa.Boolean(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("response_id", sa.Integer(), nullable=True),
        sa.Column("introduction_id", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status IN ('completed', 'terminated')) = (closed_at IS NOT NULL)",
            name=op.f("ck_agreement_closed_has_time"),
        ),
        sa.CheckConstraint(
            "kind IN ('equipment_use', 'training_contract', 'rd_cooperation', 'supply', 'mutual_aid', 'consortium', 'other')",
            name=op.f("ck_agreement_kind_known"),
        ),
        sa.CheckConstraint(
            "status = 'draft' OR proposed_at IS NOT NULL",
            name=op.f("ck_agreement_proposed_has_time"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'proposed', 'active', 'completed', 'terminated')",
            name=op.f("ck_agreement_status_known"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('active', 'completed') OR activated_at IS NOT NULL",
            name=op.f("ck_agreement_active_has_time"),
        ),
        sa.CheckConstraint("in_kind_cents >= 0", name=op.f("ck_agreement_in_kind_not_negative")),
        sa.CheckConstraint("private_cents >= 0", name=op.f("ck_agreement_private_not_negative")),
        sa.CheckConstraint("public_cents >= 0", name=op.f("ck_agreement_public_not_negative")),
        sa.CheckConstraint("revision > 0", name=op.f("ck_agreement_revision_positive")),
        sa.CheckConstraint(
            "starts_on IS NULL OR ends_on IS NULL OR ends_on >= starts_on",
            name=op.f("ck_agreement_dates_in_order"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name=op.f("fk_agreement_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["introduction_id"],
            ["introduction.id"],
            name=op.f("fk_agreement_introduction_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_agreement_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["request.id"],
            name=op.f("fk_agreement_request_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["response_id"],
            ["response.id"],
            name=op.f("fk_agreement_response_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
    )
    with op.batch_alter_table("agreement", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_agreement_created_by_id"), ["created_by_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_agreement_introduction_id"), ["introduction_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_agreement_organization_id"), ["organization_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_agreement_request_id"), ["request_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_agreement_response_id"), ["response_id"], unique=False)
        batch_op.create_index("ix_agreement_status_ends_on", ["status", "ends_on"], unique=False)

    op.create_table(
        "agreement_document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agreement_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"],
            ["agreement.id"],
            name=op.f("fk_agreement_document_agreement_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_document")),
    )
    with op.batch_alter_table("agreement_document", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_agreement_document_agreement_id"), ["agreement_id"], unique=False
        )

    op.create_table(
        "agreement_party",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agreement_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("clearance_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "role IN ('provider', 'receiver', 'partner')",
            name=op.f("ck_agreement_party_role_known"),
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id"],
            ["agreement.id"],
            name=op.f("fk_agreement_party_agreement_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["clearance_id"],
            ["clearance.id"],
            name=op.f("fk_agreement_party_clearance_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_agreement_party_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_party")),
        sa.UniqueConstraint(
            "agreement_id",
            "organization_id",
            name=op.f("uq_agreement_party_agreement_id_organization_id"),
        ),
    )
    with op.batch_alter_table("agreement_party", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_agreement_party_clearance_id"), ["clearance_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_agreement_party_organization_id"), ["organization_id"], unique=False
        )

    op.create_table(
        "milestone",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agreement_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("told_soon_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["agreement_id"],
            ["agreement.id"],
            name=op.f("fk_milestone_agreement_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["done_by_id"], ["users.id"], name=op.f("fk_milestone_done_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_milestone_organization_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone")),
    )
    with op.batch_alter_table("milestone", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_milestone_agreement_id"), ["agreement_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_milestone_done_by_id"), ["done_by_id"], unique=False)
        batch_op.create_index("ix_milestone_due_on_id", ["due_on", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_milestone_organization_id"), ["organization_id"], unique=False
        )

    op.create_table(
        "outcome_claim",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outcome_id", sa.Integer(), nullable=False),
        sa.Column("agreement_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.String(length=2000), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"],
            ["agreement.id"],
            name=op.f("fk_outcome_claim_agreement_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name=op.f("fk_outcome_claim_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["stored_file.id"],
            name=op.f("fk_outcome_claim_file_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_outcome_claim_organization_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["outcome_id"],
            ["outcome.id"],
            name=op.f("fk_outcome_claim_outcome_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome_claim")),
        sa.UniqueConstraint("file_id", name=op.f("uq_outcome_claim_file_id")),
        sa.UniqueConstraint(
            "outcome_id", "agreement_id", name=op.f("uq_outcome_claim_outcome_id_agreement_id")
        ),
    )
    with op.batch_alter_table("outcome_claim", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_outcome_claim_agreement_id"), ["agreement_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_outcome_claim_created_by_id"), ["created_by_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_outcome_claim_organization_id"), ["organization_id"], unique=False
        )

    op.create_table(
        "acknowledgment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("revision > 0", name=op.f("ck_acknowledgment_revision_positive")),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["agreement_party.id"],
            name=op.f("fk_acknowledgment_party_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_acknowledgment_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acknowledgment")),
        sa.UniqueConstraint(
            "party_id", "revision", name=op.f("uq_acknowledgment_party_id_revision")
        ),
    )
    with op.batch_alter_table("acknowledgment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_acknowledgment_user_id"), ["user_id"], unique=False)

    op.create_table(
        "document_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_document_version_number_positive")),
        sa.CheckConstraint("revision > 0", name=op.f("ck_document_version_revision_positive")),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["users.id"],
            name=op.f("fk_document_version_created_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["agreement_document.id"],
            name=op.f("fk_document_version_document_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_document_version_file_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_document_version_organization_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_version")),
        sa.UniqueConstraint(
            "document_id", "number", name=op.f("uq_document_version_document_id_number")
        ),
        sa.UniqueConstraint("file_id", name=op.f("uq_document_version_file_id")),
    )
    with op.batch_alter_table("document_version", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_document_version_created_by_id"), ["created_by_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_document_version_organization_id"), ["organization_id"], unique=False
        )


def downgrade() -> None:
    for table in (
        "document_version",
        "acknowledgment",
        "outcome_claim",
        "milestone",
        "agreement_party",
        "agreement_document",
        "agreement",
        "outcome",
    ):
        op.drop_table(table)
