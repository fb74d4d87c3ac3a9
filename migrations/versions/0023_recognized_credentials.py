"""Hosts recognize credentials instead of texts, and certificates grant qualifications.

What hosts had written becomes the credential of that name, or one of their own.

Revision: 0023, after 0022
"""

import datetime as dt
import re

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_FOR_ALL = "equipment_id IS NULL AND capability_key IS NULL"
_BY_CERTIFICATE = "certificate_path <> ''"
_MARKS = (
    ("uq_recognition_credential", ["capability_key"], "capability_key IS NOT NULL"),
    ("uq_recognition_credential_for_all", [], "capability_key IS NULL"),
)

_recognition = sa.table(
    "recognition",
    sa.column("id", sa.Integer),
    sa.column("host_organization_id", sa.Integer),
    sa.column("credential", sa.String),
    sa.column("credential_id", sa.Integer),
    sa.column("capability_key", sa.String),
)
_credential = sa.table(
    "credential",
    sa.column("id", sa.Integer),
    sa.column("kind", sa.String),
    sa.column("name", sa.String),
    sa.column("name_key", sa.String),
    sa.column("abbreviation", sa.String),
    sa.column("issuer", sa.String),
    sa.column("url", sa.String),
    sa.column("issuer_organization_id", sa.Integer),
    sa.column("created_at", sa.DateTime(timezone=True)),
    sa.column("updated_at", sa.DateTime(timezone=True)),
)
_organization = sa.table("organization", sa.column("id", sa.Integer), sa.column("name", sa.String))


def upgrade() -> None:
    _drop_indexes("recognition", *(name for name, _columns, _where in _MARKS))
    with op.batch_alter_table("recognition") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_recognition_one_source"), type_="check")
        batch_op.add_column(sa.Column("credential_id", sa.Integer(), nullable=True))
    _point_at_credentials(op.get_bind())
    with op.batch_alter_table("recognition") as batch_op:
        batch_op.drop_column("credential")
        batch_op.create_foreign_key(
            batch_op.f("fk_recognition_credential_id"),
            "credential",
            ["credential_id"],
            ["id"],
            ondelete="CASCADE",
        )
        batch_op.create_check_constraint(
            "one_source", "(recognized_organization_id IS NULL) <> (credential_id IS NULL)"
        )
        batch_op.create_index(batch_op.f("ix_recognition_credential_id"), ["credential_id"])
    for name, columns, where in _MARKS:
        _make_index(
            "recognition",
            name,
            ["host_organization_id", "credential_id", *columns],
            f"credential_id IS NOT NULL AND {where}",
            unique=True,
        )
    with op.batch_alter_table("qualification") as batch_op:
        batch_op.add_column(
            sa.Column("certificate_path", sa.String(length=200), nullable=False, server_default="")
        )
        batch_op.drop_constraint(batch_op.f("ck_qualification_one_thing_to_operate"), type_="check")
        batch_op.create_check_constraint(
            "one_thing_to_operate", "equipment_id IS NULL OR capability_key IS NULL"
        )
    with op.batch_alter_table("qualification") as batch_op:
        batch_op.alter_column("certificate_path", server_default=None)
    _make_index(
        "qualification",
        "uq_qualification_for_all",
        ["host_organization_id", "user_id"],
        _FOR_ALL,
        unique=True,
    )
    _make_index(
        "qualification",
        "ix_qualification_certificate_path",
        ["certificate_path"],
        _BY_CERTIFICATE,
    )


def downgrade() -> None:
    _drop_indexes("qualification", "uq_qualification_for_all", "ix_qualification_certificate_path")
    # What is for all that a host has could not be told any more.
    op.execute(f"DELETE FROM qualification WHERE {_FOR_ALL}")
    with op.batch_alter_table("qualification") as batch_op:
        batch_op.drop_column("certificate_path")
        batch_op.drop_constraint(batch_op.f("ck_qualification_one_thing_to_operate"), type_="check")
        batch_op.create_check_constraint(
            "one_thing_to_operate", "(equipment_id IS NULL) <> (capability_key IS NULL)"
        )
    _drop_indexes("recognition", *(name for name, _columns, _where in _MARKS))
    with op.batch_alter_table("recognition") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_recognition_one_source"), type_="check")
        batch_op.add_column(
            sa.Column("credential", sa.String(length=200), nullable=False, server_default="")
        )
    _write_names(op.get_bind())
    with op.batch_alter_table("recognition") as batch_op:
        batch_op.drop_index(batch_op.f("ix_recognition_credential_id"))
        batch_op.drop_constraint(batch_op.f("fk_recognition_credential_id"), type_="foreignkey")
        batch_op.drop_column("credential_id")
        batch_op.alter_column("credential", server_default=None)
        batch_op.create_check_constraint(
            "one_source", "(recognized_organization_id IS NULL) <> (credential = '')"
        )
    for name, columns, where in _MARKS:
        _make_index(
            "recognition",
            name,
            ["host_organization_id", "credential", *columns],
            f"recognized_organization_id IS NULL AND {where}",
            unique=True,
        )


def _point_at_credentials(connection: sa.Connection) -> None:
    taken = set()
    for row in connection.execute(
        sa.select(_recognition).where(_recognition.c.credential != "").order_by(_recognition.c.id)
    ).all():
        host, text = row.host_organization_id, row.credential
        number = _find(connection, host, text)
        if (host, number, row.capability_key) in taken:
            # Written in two ways, it was recognized twice: both stay, as two.
            number, text = None, f"{text[:180]} ({row.id})"
        number = number or _make(connection, host, text)
        taken.add((host, number, row.capability_key))
        connection.execute(
            _recognition.update().where(_recognition.c.id == row.id).values(credential_id=number)
        )


def _find(connection: sa.Connection, host: int, text: str) -> int | None:
    issuer = _credential.c.issuer_organization_id
    return connection.scalar(
        sa.select(_credential.c.id)
        .where(_credential.c.name_key == _name_key(text), sa.or_(issuer.is_(None), issuer == host))
        .order_by(issuer.is_(None), _credential.c.id)
        .limit(1)
    )


def _make(connection: sa.Connection, host: int, text: str) -> int | None:
    moment = dt.datetime.now(dt.UTC)
    connection.execute(
        _credential.insert().values(
            kind="certificate",
            name=text,
            name_key=_name_key(text),
            abbreviation="",
            issuer=connection.scalar(
                sa.select(_organization.c.name).where(_organization.c.id == host)
            ),
            url="",
            issuer_organization_id=host,
            created_at=moment,
            updated_at=moment,
        )
    )
    return _find(connection, host, text)


def _write_names(connection: sa.Connection) -> None:
    taken = set()
    for row in connection.execute(
        sa.select(_recognition.c.id, _recognition.c.host_organization_id, _credential.c.name)
        .join_from(_recognition, _credential, _credential.c.id == _recognition.c.credential_id)
        .order_by(_recognition.c.id)
    ).all():
        text = row.name
        if (row.host_organization_id, text) in taken:
            text = f"{text[:180]} ({row.id})"
        taken.add((row.host_organization_id, text))
        connection.execute(
            _recognition.update().where(_recognition.c.id == row.id).values(credential=text)
        )


def _name_key(text: str) -> str:
    return re.sub(r"[\s\-_‐‑‒–—]+", " ", text.casefold()).strip()


def _make_index(
    table: str, name: str, columns: list[str], where: str, *, unique: bool = False
) -> None:
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def _drop_indexes(table: str, *names: str) -> None:
    for name in names:
        op.drop_index(name, table_name=table)
