"""The search documents of programs: what the index knows of them, and who may find them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select

from portal.facilities.rules import Place
from portal.kernel.authorization import Viewing
from portal.kernel.clock import today_here
from portal.kernel.database import session
from portal.kernel.fulltext.port import Document, Key
from portal.kernel.listing import audience_of
from portal.kernel.richtext import plain
from portal.organizations.queries.profiles import clusters_of_organizations
from portal.regions.queries.capabilities import broader_by_key
from portal.regions.queries.counties import county_labels
from portal.skills.queries import capability_keys_of, names_of_skills
from portal.training.models.enrollments import Enrollment
from portal.training.models.programs import Program
from portal.training.models.sections import Section
from portal.training.policies import Permission
from portal.training.queries.enrollments import load_seats
from portal.training.queries.programs import PROGRAM_OPTIONS
from portal.training.queries.sections import SECTION_OPTIONS, can_enroll, place_of_provider
from portal.training.rules.programs import PROGRAM_ADDRESS, SEARCH_WORDS
from portal.training.rules.sections import price_range

VIEWING = Viewing(Program.id, Permission.PROGRAM_VIEW)


@dataclass(frozen=True)
class _SharedFacts:
    """What the documents of one batch need beside their rows, read once for all of them."""

    next_sections: Mapping[int, Section]
    free_seats: Mapping[int, int]
    capabilities: Mapping[str, list[str]]
    broader: Mapping[str, list[str]]
    names: Mapping[str, list[str]]
    counties: Mapping[str, str]
    clusters: Mapping[int, tuple[str, ...]]


def list_program_documents(ids: Sequence[int]) -> list[Document]:
    """Return the search documents of programs; drafts and what is in the archive have none."""
    programs = session.scalars(
        select(Program)
        .options(*PROGRAM_OPTIONS)
        .where(Program.id.in_(ids), Program.visibility != "draft", Program.is_archived.is_(False))
        .order_by(Program.id)
    ).all()
    shared = _shared_facts(programs)
    return [_document(program, shared) for program in programs]


def _shared_facts(programs: Sequence[Program]) -> _SharedFacts:
    found: dict[int, Section] = {}
    for section in session.scalars(
        select(Section)
        .options(*SECTION_OPTIONS)
        .where(
            Section.program_id.in_([program.id for program in programs]), can_enroll(today_here())
        )
        .order_by(Section.starts_on.desc(), Section.id.desc())
    ):
        found[section.program_id] = section  # the next one is the last
    skills = {skill.key for program in programs for skill in program.skills}
    capabilities = capability_keys_of(skills)
    return _SharedFacts(
        found,
        {number: seats.free for number, seats in load_seats(_ids_of(found)).items()},
        capabilities,
        broader_by_key({key for keys in capabilities.values() for key in keys}),
        names_of_skills(skills),
        county_labels({fips for one in programs if (fips := _place(one, found).county_fips)}),
        clusters_of_organizations({program.organization_id for program in programs}),
    )


def _ids_of(sections: Mapping[int, Section]) -> list[int]:
    return [section.id for section in sections.values()]


def _place(program: Program, sections: Mapping[int, Section]) -> Place:
    """Return where the next section is held; without one, where the provider is."""
    section = sections.get(program.id)
    if section is None:
        return Place(**place_of_provider(program.organization))
    return Place(
        section.street,
        section.city,
        section.state,
        section.zip_code,
        section.county_fips,
        section.latitude,
        section.longitude,
    )


def _document(program: Program, shared: _SharedFacts) -> Document:
    organization = program.organization
    place = _place(program, shared.next_sections)
    county = shared.counties.get(place.county_fips or "", "")
    skills = [skill.key for skill in program.skills]
    capabilities = {key for skill in skills for key in shared.capabilities.get(skill, ())}
    credential, occupation = program.credential, program.occupation
    named = list(SEARCH_WORDS[program.kind])
    if credential is not None:
        named += [credential.name, credential.abbreviation, credential.issuer]
    if occupation is not None:
        named += [occupation.title, occupation.title_es]
    body = (
        program.description,
        program.outcomes,
        program.prerequisites,
        program.eligibility,
        program.related_instruction,
        program.sponsor,
    )
    return Document(
        kind="program",
        id=program.id,
        title=program.title,
        url=PROGRAM_ADDRESS % program.id,
        audience=audience_of(
            program.visibility, program.organization_id, organization.status == "active"
        ),
        updated_at=program.updated_at,
        summary=program.summary,
        body="\n".join(text for piece in body if (text := plain(piece))),
        organization=organization.name,
        facets={
            "organization_kind": (organization.kind,),
            "capability": tuple(
                sorted({above for key in capabilities for above in shared.broader[key]})
            ),
            "county": (place.county_fips,) if place.county_fips else (),
            "cluster": shared.clusters.get(program.organization_id, ()),
            "program_kind": (program.kind,),
            "delivery": (program.delivery,),
            "skill": tuple(sorted(skills)),
            "credential": (str(credential.id),) if credential is not None else (),
        },
        keywords=tuple(
            dict.fromkeys(
                word
                for word in (
                    *(name for skill in skills for name in shared.names.get(skill, ())),
                    *named,
                    place.city,
                    county,
                )
                if word
            )
        ),
        latitude=place.latitude,
        longitude=place.longitude,
        extra={
            "county": county,
            "image": "",
            "confirmed": program.confirmed_at.isoformat() if program.confirmed_at else "",
            "verified": "yes" if organization.verified_at else "",
            **_next_facts(program, shared),
        },
    )


def _next_facts(program: Program, shared: _SharedFacts) -> dict[str, str]:
    """Return what a result says of the next section: its day, its free seats, its prices."""
    section = shared.next_sections.get(program.id)
    if section is None:
        return {}
    lowest, highest = price_range(section.price_by_class, program.cost_cents)
    return {
        "next_on": section.starts_on.isoformat(),
        "free_seats": str(shared.free_seats[section.id]),
        "lowest_cents": "" if lowest is None else str(lowest),
        "highest_cents": "" if highest is None else str(highest),
    }


def list_program_ids(after: int, limit: int) -> list[int]:
    """Return ids of programs in ascending order, for a rebuild of the index."""
    return _ids(select(Program.id).where(Program.id > after).order_by(Program.id).limit(limit))


def program_ids_of_organization(organization_id: int) -> list[int]:
    """Return the ids of all programs of an organization."""
    return _ids(select(Program.id).where(Program.organization_id == organization_id))


def program_ids_of_enrollment(enrollment_id: int) -> list[int]:
    """Return the id of the program whose seats an enrollment counts to."""
    return _ids(
        select(Section.program_id)
        .join(Enrollment, Enrollment.section_id == Section.id)
        .where(Enrollment.id == enrollment_id)
    )


def _ids(statement: Select[int]) -> list[int]:
    return list(session.scalars(statement))


# The directory's filter by dates


def read_dates(values: Mapping[str, str]) -> Mapping[str, str]:
    """Return the values of the filter as addresses keep them, or nothing where none is a date."""
    given = {name: values.get(name, "").strip() for name in ("begins_from", "begins_until")}
    return {name: text for name, text in given.items() if _date(text) is not None}


def keys_by_dates(values: Mapping[str, str]) -> frozenset[Key]:
    """Return the keys of the programs with a section to enroll in that begins between two days."""
    first, last = (_date(values.get(name, "")) for name in ("begins_from", "begins_until"))
    statement = select(Section.program_id).where(can_enroll(today_here()))
    if first is not None:
        statement = statement.where(Section.starts_on >= first)
    if last is not None:
        statement = statement.where(Section.starts_on <= last)
    return frozenset(("program", number) for number in session.scalars(statement.distinct()))


def _date(text: str) -> dt.date | None:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None
