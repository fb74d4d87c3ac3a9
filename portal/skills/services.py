"""Commands: loading skills and credentials, writing down what an organization issues itself.

The reference files stand in `portal/skills/data`; loading them again changes nothing.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from portal.kernel.authorization import Actor
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.reference import Part, Row, sync, table_of
from portal.organizations.models import Organization
from portal.regions.models import Capability
from portal.regions.rules import name_key
from portal.skills import queries
from portal.skills.models import (
    Credential,
    Occupation,
    Skill,
    SkillName,
    credential_skill,
    skill_capability,
    skill_occupation,
)
from portal.skills.policies import Permission

DATA = Path(__file__).parent / "data"


@command(Permission.SKILL_LOAD)
def load_skills(actor: Actor) -> tuple[int, int, int]:
    """Bring skills, occupations and credentials to the state of the files; idempotent.

    Returns how many rows were added, changed and removed. A capability that the portal does not
    have is left out.
    """
    counts = [sync(part) for part in _read_skills()]
    counts += [sync(part) for part in _read_credentials()]
    counts.append(sync(_read_credential_skills()))
    session.expire_all()
    added, changed, removed = (sum(column) for column in zip(*counts, strict=True))
    return added, changed, removed


@command(Permission.CREDENTIAL_CREATE)
def create_credential(actor: Actor, organization: Organization, **values: Any) -> Credential:
    """Write down a credential that an organization issues; fields as `CredentialForm` has them."""
    if organization.status != "active":
        raise Conflict(_("This organization is archived."))
    credential = Credential(
        issuer_organization_id=organization.id,
        issuer_organization=organization,
        issuer=organization.name,
        skills=[],
    )
    _set(credential, values)
    session.add(credential)
    session.flush()
    return credential


@command(Permission.CREDENTIAL_EDIT)
def change_credential(actor: Actor, credential: Credential, **values: Any) -> Credential:
    """Change the fields that are given of a credential that an organization issues."""
    queries.load_for_change(credential)
    if credential.issuer_organization is None:
        raise Conflict(_("This credential comes with the portal. It cannot be changed."))
    credential.issuer = credential.issuer_organization.name
    _set(credential, values)
    return credential


def _set(credential: Credential, values: Mapping[str, Any]) -> None:
    taken = session.scalar(
        select(Credential.id).where(
            Credential.issuer_organization_id == credential.issuer_organization_id,
            Credential.name_key == name_key(values["name"]),
        )
    )
    if taken is not None and taken != credential.id:
        raise Invalid("name", _("Your organization issues a credential of this name already."))
    if queries.comes_with_the_portal(values["name"], values["abbreviation"]):
        raise Invalid(
            "name",
            _(
                "A credential of this name comes with the portal. Please award that one, or "
                "choose another name."
            ),
        )
    credential.name_key = name_key(values["name"])
    credential.skills = queries.get_skills(values["skills"])
    for name in ("name", "kind", "abbreviation", "valid_months", "url"):
        setattr(credential, name, values[name])


def _read_skills() -> list[Part]:
    skills: list[Row] = []
    occupations: list[Row] = []
    capabilities: list[Row] = []
    names: dict[str, Row] = {}
    known = set(session.scalars(select(Capability.key)))
    for row in read_table("skills.tsv"):
        key = row["key"]
        skills.append((key, row["kind"], row["name"], row["name_es"]))
        occupations += [(key, code) for code in listed(row["occupations"])]
        capabilities += [(key, other) for other in listed(row["capabilities"]) if other in known]
        for name, kind, language in (
            (row["name"], "preferred", "en"),
            *((name, "alternate", "en") for name in listed(row["also"])),
            (row["name_es"], "preferred", "es"),
            *((name, "alternate", "es") for name in listed(row["also_es"])),
        ):
            # A word that both languages share needs to be found only once.
            names.setdefault(name_key(name), (name_key(name), key, name, kind, language))
    titles = [(row["code"], row["title"], row["title_es"]) for row in read_table("occupations.tsv")]
    return [
        Part(table_of(Occupation), ("code", "title", "title_es"), 1, titles),
        Part(table_of(Skill), ("key", "kind", "name", "name_es"), 1, skills),
        Part(
            table_of(SkillName),
            ("match_key", "skill_key", "text", "kind", "language"),
            1,
            list(names.values()),
            only_ours=True,
        ),
        Part(skill_occupation, ("skill_key", "occupation_code"), 2, occupations, only_ours=True),
        Part(skill_capability, ("skill_key", "capability_key"), 2, capabilities, only_ours=True),
    ]


def _read_credentials() -> list[Part]:
    columns = (
        "key",
        "kind",
        "name",
        "name_key",
        "abbreviation",
        "issuer",
        "url",
        "valid_months",
    )
    rows: list[Row] = [
        (
            row["key"],
            row["kind"],
            row["name"],
            name_key(row["name"]),
            row["abbreviation"],
            row["issuer"],
            row["url"],
            int(row["valid_months"]) if row["valid_months"] else None,
        )
        for row in read_table("credentials.tsv")
    ]
    return [Part(table_of(Credential), columns, 1, rows, among=Credential.key.is_not(None))]


def _read_credential_skills() -> Part:
    ids = dict(
        session.execute(
            select(Credential.key, Credential.id).where(Credential.key.is_not(None))
        ).all()
    )
    rows: list[Row] = [
        (ids[row["key"]], key)
        for row in read_table("credentials.tsv")
        for key in listed(row["skills"])
    ]
    return Part(
        credential_skill,
        ("credential_id", "skill_key"),
        2,
        rows,
        only_ours=True,
        among=credential_skill.c.credential_id.in_(ids.values()),
    )


def read_table(name: str) -> Iterator[dict[str, str]]:
    """Return the rows of a file of reference data, by the names in its first line."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def listed(text: str) -> list[str]:
    """Return what a cell lists: "a; b" is two."""
    return [part for piece in text.split(";") if (part := piece.strip())]
