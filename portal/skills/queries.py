"""Reads of skills, occupations and credentials, for pages, forms, the API and the search.

All of it is public.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.kernel.database import reload, session
from portal.kernel.errors import Invalid, NotFound
from portal.kernel.fulltext.vocabulary import Concept
from portal.kernel.paging import Page, keyset_page
from portal.regions.rules import name_key
from portal.skills.models import (
    Credential,
    Occupation,
    Skill,
    SkillName,
    credential_skill,
    skill_capability,
    skill_occupation,
)
from portal.skills.rules import SKILL_KINDS, is_soc_code

SKILL_OPTIONS = (
    selectinload(Skill.names),
    selectinload(Skill.occupations),
    selectinload(Skill.capabilities),
)
CREDENTIAL_OPTIONS = (
    selectinload(Credential.skills),
    joinedload(Credential.issuer_organization),
)


@dataclass(frozen=True)
class Suggestion:
    """Something offered for what is being typed; `matched` is the name that fits."""

    key: str
    label: str
    matched: str


# Skills


def get_skill(key: str) -> Skill:
    """Return a skill with its names, occupations and capabilities. Raises NotFound."""
    skill = session.scalar(select(Skill).options(*SKILL_OPTIONS).where(Skill.key == key))
    if skill is None:
        raise NotFound(_("There is no such skill."))
    return skill


def list_skills(
    *,
    kind: str = "",
    capability: str = "",
    occupation: str = "",
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Skill]:
    """Return a page of skills by name, with all that belongs to them.

    kind: of this field of work; capability, occupation: that serve it, that it needs.
    """
    statement = select(Skill).options(*SKILL_OPTIONS)
    if kind:
        statement = statement.where(Skill.kind == kind)
    if capability:
        serving = select(skill_capability.c.skill_key).where(
            skill_capability.c.capability_key == capability
        )
        statement = statement.where(Skill.key.in_(serving))
    if occupation:
        needed = select(skill_occupation.c.skill_key).where(
            skill_occupation.c.occupation_code == occupation
        )
        statement = statement.where(Skill.key.in_(needed))
    return keyset_page(statement, (Skill.label, Skill.key), cursor=cursor, limit=limit)


def skills_by_key(keys: Iterable[str]) -> list[Skill]:
    """Return those skills that exist, in the order of the keys, with all that belongs to them."""
    wanted = list(keys)
    found = {
        row.key: row
        for row in session.scalars(
            select(Skill).options(*SKILL_OPTIONS).where(Skill.key.in_(wanted))
        )
    }
    return [found[key] for key in wanted if key in found]


def skills_by_kind() -> dict[str, list[tuple[str, str]]]:
    """Return (key, name in the reader's language) of all skills by field of work."""
    found: dict[str, list[tuple[str, str]]] = {kind: [] for kind in SKILL_KINDS}
    name = _skill_name()
    for kind, key, label in session.execute(select(Skill.kind, Skill.key, name).order_by(name)):
        found[kind].append((key, label))
    return {kind: rows for kind, rows in found.items() if rows}


def skill_labels(keys: Collection[str] | None = None) -> dict[str, str]:
    """Return names of skills in the reader's language by key; of all without keys."""
    statement = select(Skill.key, _skill_name())
    if keys is not None:
        statement = statement.where(Skill.key.in_(keys))
    return dict(session.execute(statement).all())


def names_of_skills(keys: Collection[str]) -> dict[str, list[str]]:
    """Return all names of skills in both languages by key, for the search's documents."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, text in session.execute(
        select(SkillName.skill_key, SkillName.text)
        .where(SkillName.skill_key.in_(keys))
        .order_by(SkillName.kind.desc(), SkillName.language, SkillName.text)
    ):
        found[key].append(text)
    return dict(found)


def capability_keys_of(skill_keys: Collection[str]) -> dict[str, list[str]]:
    """Return the capabilities that each of the skills serves."""
    found: dict[str, list[str]] = defaultdict(list)
    for skill, capability in session.execute(
        select(skill_capability.c.skill_key, skill_capability.c.capability_key)
        .where(skill_capability.c.skill_key.in_(skill_keys))
        .order_by(skill_capability.c.capability_key)
    ):
        found[skill].append(capability)
    return dict(found)


def suggest_skills(typed: str, limit: int = 8) -> list[Suggestion]:
    """Return skills of which a name, or a word in a name, begins with what was typed."""
    wanted = name_key(typed[:100])
    if not wanted or limit < 1:
        return []
    begins = SkillName.match_key.startswith(wanted, autoescape=True)
    rows = session.execute(
        select(SkillName.skill_key, _skill_name(), SkillName.text)
        .join(Skill, Skill.key == SkillName.skill_key)
        .where(or_(begins, SkillName.match_key.contains(f" {wanted}", autoescape=True)))
        .order_by(
            case((SkillName.match_key == wanted, 0), (begins, 1), else_=2),
            SkillName.kind.desc(),
            func.length(SkillName.match_key),
            SkillName.match_key,
        )
        .limit(limit * 6)
    )
    found: dict[str, Suggestion] = {}
    for key, label, matched in rows:
        found.setdefault(key, Suggestion(key, label, matched))
    return list(found.values())[:limit]


def get_skills(names: Collection[str], *, field: str = "skills") -> list[Skill]:
    """Return the skills of keys or names in any language; each once.

    Raises Invalid(field) for an unknown name, with the nearest ones that are known.
    """
    if not names:
        return []
    keys = match_skills(names)
    for name in names:
        if name in keys:
            continue
        words = sorted(name.split(), key=len, reverse=True)
        near = suggest_skills(name, 3)
        for word in words[:3]:
            near = near or suggest_skills(word, 3)
        if not near:
            message = _(
                "We do not know “%(name)s”. The list of skills shows what we know.", name=name
            )
        else:
            message = _(
                "We do not know “%(name)s”. Did you mean %(others)s?",
                name=name,
                others=", ".join(f"“{match.label}”" for match in near),
            )
        raise Invalid(field, message)
    return list(
        session.scalars(select(Skill).where(Skill.key.in_(keys.values())).order_by(Skill.label))
    )


def get_named_skill(name: str, *, field: str = "skill") -> Skill:
    """Return the skill of a key or name. Raises Invalid(field)."""
    return get_skills([name], field=field)[0]


def match_skills(texts: Collection[str]) -> dict[str, str]:
    """Return the keys of skills by those texts that are a key, or a name in any language."""
    folded = {text: name_key(text) for text in texts}
    keys = set(session.scalars(select(Skill.key).where(Skill.key.in_([t.strip() for t in texts]))))
    by_name = dict(
        session.execute(
            select(SkillName.match_key, SkillName.skill_key).where(
                SkillName.match_key.in_(set(folded.values()))
            )
        ).all()
    )
    found = {}
    for text in texts:
        if text.strip() in keys:
            found[text] = text.strip()
        elif folded[text] in by_name:
            found[text] = by_name[folded[text]]
    return found


def list_concepts() -> list[Concept]:
    """Return the skills as search uses them; the preferred English names come first."""
    names: dict[str, list[str]] = defaultdict(list)
    for key, text in session.execute(
        select(SkillName.skill_key, SkillName.text).order_by(
            SkillName.language, SkillName.kind.desc(), SkillName.match_key
        )
    ):
        names[key].append(text)
    # Capabilities have keys of their own.
    return [Concept(f"skill:{key}", tuple(found)) for key, found in sorted(names.items())]


def _skill_name() -> ColumnElement[str]:
    return Skill.label_es.expression if _is_spanish() else Skill.label.expression


# Occupations


def suggest_occupations(typed: str, limit: int = 8) -> list[Suggestion]:
    """Return occupations whose code begins so, or whose title in any language has the words."""
    text = typed.strip()[:100]
    words = text.split()[:6]
    if not words:
        return []
    title = _title()
    statement = select(Occupation.code, title).order_by(title)
    if text[0].isdecimal():
        statement = statement.where(Occupation.code.startswith(text, autoescape=True))
    else:
        for word in words:
            statement = statement.where(
                or_(
                    Occupation.title.icontains(word, autoescape=True),
                    Occupation.title_es.icontains(word, autoescape=True),
                )
            )
    return [
        Suggestion(code, f"{code} {name}", name)
        for code, name in session.execute(statement.limit(limit))
    ]


def get_occupation(text: str, *, field: str = "occupation") -> Occupation:
    """Return the occupation of a code ("51-4041", with or without its title) or a title.

    Raises Invalid(field).
    """
    typed = text.strip()
    code = typed.split(" ")[0]
    occupation = session.get(Occupation, code) if is_soc_code(code) else None
    if occupation is None:
        folded = typed.casefold()
        occupation = session.scalar(
            select(Occupation).where(
                or_(
                    func.lower(Occupation.title) == folded,
                    func.lower(Occupation.title_es) == folded,
                )
            )
        )
    if occupation is None:
        raise Invalid(
            field, _("We do not know this occupation. Please choose one of those offered.")
        )
    return occupation


def list_occupations(*, cursor: str | None = None, limit: int = 20) -> Page[Occupation]:
    """Return a page of occupations by code."""
    return keyset_page(
        select(Occupation), (Occupation.title, Occupation.code), cursor=cursor, limit=limit
    )


def _title() -> ColumnElement[str]:
    return Occupation.title_es.expression if _is_spanish() else Occupation.title.expression


# Credentials


def get_credential(credential_id: int) -> Credential:
    """Return a credential with its skills and its issuer. Raises NotFound."""
    credential = session.scalar(
        select(Credential).options(*CREDENTIAL_OPTIONS).where(Credential.id == credential_id)
    )
    if credential is None:
        raise NotFound(_("There is no such credential."))
    return credential


def load_for_change(credential: Credential) -> None:
    """Read what commands change of a credential again, under its lock."""
    reload(credential, *CREDENTIAL_OPTIONS)


def list_credentials(
    *,
    typed: str = "",
    skill: str = "",
    organization_id: int | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Credential]:
    """Return a page of credentials by name, with their skills and issuers.

    typed: with all of these words in name, abbreviation or issuer; skill: that prove it.
    """
    statement = select(Credential).options(*CREDENTIAL_OPTIONS)
    for word in typed.split()[:6]:
        statement = statement.where(_has_word(word))
    if skill:
        proving = select(credential_skill.c.credential_id).where(
            credential_skill.c.skill_key == skill
        )
        statement = statement.where(Credential.id.in_(proving))
    if organization_id is not None:
        statement = statement.where(Credential.issuer_organization_id == organization_id)
    return keyset_page(statement, (Credential.name, Credential.id), cursor=cursor, limit=limit)


def credentials_of_skill(key: str) -> list[Credential]:
    """Return the credentials that prove a skill, by name; fifty at most."""
    return list(list_credentials(skill=key, limit=50).items)


def suggest_credentials(typed: str, limit: int = 8) -> list[Suggestion]:
    """Return credentials with all of the words typed in name, abbreviation or issuer."""
    words = typed.split()[:6]
    if not words:
        return []
    statement = select(Credential.id, Credential.name, Credential.issuer).where(
        *map(_has_word, words)
    )
    is_exact = func.lower(Credential.abbreviation) == typed.strip().casefold()
    ordered = statement.order_by(case((is_exact, 0), else_=1), Credential.name, Credential.id)
    return [
        Suggestion(str(number), credential_line(name, issuer), name)
        for number, name, issuer in session.execute(ordered.limit(limit))
    ]


def credential_line(name: str, issuer: str) -> str:
    """Return a credential as forms have it in one line: "Certified Welder (American …)"."""
    return f"{name} ({issuer})"


def get_named_credential(text: str, *, field: str = "credential") -> Credential:
    """Return the credential of a number, of the line that forms offer, or of a name.

    Raises Invalid(field) for one that is unknown, or that several issue.
    """
    typed = text.strip()
    statement = select(Credential).order_by(Credential.id).limit(2)
    if typed.isdecimal() and typed.isascii() and len(typed) < 10:
        found = session.scalars(statement.where(Credential.id == int(typed))).all()
    else:
        name, _parenthesis, issuer = typed.removesuffix(")").rpartition(" (")
        found = session.scalars(
            statement.where(
                Credential.name_key == name_key(name),
                func.lower(Credential.issuer) == issuer.lower(),
            )
        ).all()
        found = (
            found
            or session.scalars(
                statement.where(
                    or_(
                        Credential.name_key == name_key(typed),
                        Credential.key == typed,
                        func.lower(Credential.abbreviation) == typed.lower(),
                    )
                )
            ).all()
        )
    if not found:
        raise Invalid(
            field,
            _(
                "We do not know this credential. Choose one of those offered, or write it down "
                "first if you issue it."
            ),
        )
    if len(found) > 1:
        raise Invalid(field, _("Several issue a credential of this name. Please name the issuer."))
    return found[0]


def comes_with_the_portal(name: str, abbreviation: str) -> bool:
    """Tell whether a credential that does is called so, or known by one of the two."""
    short = {text.strip().lower() for text in (name, abbreviation)} - {""}
    found = session.scalar(
        select(Credential.id)
        .where(
            Credential.key.is_not(None),
            or_(
                Credential.name_key == name_key(name),
                func.lower(Credential.abbreviation).in_(sorted(short)),
            ),
        )
        .limit(1)
    )
    return found is not None


def credential_names(ids: Collection[int]) -> Mapping[int, str]:
    """Return names of credentials by id."""
    statement = select(Credential.id, Credential.name).where(Credential.id.in_(ids))
    return dict(session.execute(statement).all())


def _has_word(word: str) -> ColumnElement[bool]:
    columns: tuple[Any, ...] = (Credential.name, Credential.abbreviation, Credential.issuer)
    return or_(*(column.icontains(word, autoescape=True) for column in columns))


def _is_spanish() -> bool:
    return str(get_locale() or "en")[:2] == "es"
