"""The facts of both sides of matches, read for many candidates at once."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, Table, select
from sqlalchemy.orm import joinedload, selectinload

from portal.bookings.queries.availability import availability
from portal.bookings.queries.resources import resources_of
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.customers import customer_class_of
from portal.facilities.models import Equipment, Facility, equipment_capability, facility_capability
from portal.facilities.queries.records import place_of_record
from portal.kernel.authorization import NOBODY
from portal.kernel.clock import date_here, now, today_here
from portal.kernel.database import session
from portal.kernel.listing import SHOWN_TO_OTHERS
from portal.kernel.richtext import plain
from portal.matching.rules.facts import Offered, Wanted
from portal.matching.rules.kinship import Kinship, emphasis
from portal.matching.rules.learning import credentials_in, languages_in, people_in
from portal.matching.rules.sizes import certificates_in, sizes_in, sizes_of
from portal.organizations.models import Organization, organization_capability
from portal.organizations.queries.profiles import clusters_of_organizations
from portal.partnerships.models import Request
from portal.partnerships.queries.requests import shown_point_of
from portal.regions.models import capability_broader
from portal.regions.queries.capabilities import match_phrases, preferred_labels
from portal.skills.models import Credential, Skill, skill_capability
from portal.training.models.programs import Program, ProgramSkill
from portal.training.models.sections import Section
from portal.training.queries.enrollments import load_seats
from portal.training.queries.sections import can_enroll
from portal.training.rules.sections import price_for

#: So far ahead a machine is looked at where the request says no day.
LOOK_AHEAD_DAYS = 30
#: So many sections are looked at for the next one of each program.
MOST_SECTIONS = 1000
_ORGANIZATION = (joinedload(Organization.county), joinedload(Organization.zip_place))


def read_kinship() -> Kinship:
    """Return the thesaurus as distances."""
    broader: dict[str, list[str]] = defaultdict(list)
    for key, above in session.execute(
        select(capability_broader.c.capability_key, capability_broader.c.broader_key)
    ):
        broader[key].append(above)
    return Kinship(broader)


def wanted_of(request: Request) -> Wanted:
    """Return what a request asks for; of an anonymous one what everybody reads of it."""
    is_identified = not request.is_anonymous
    organization = request.organization
    words = [request.title]
    if is_identified:
        words += [request.expertise_sought, request.advantages, request.summary]
    else:
        words.append(request.anonymous_summary)
    text = "\n".join(found for word in words if (found := plain(word)))
    keys = [capability.key for capability in request.capabilities]
    named = [key for key in _named_in(text) if key not in keys]
    # A consortium is made of those who can do the same; all others look for what they lack.
    lacks = is_identified and request.kind != "consortium"
    own = _own_capabilities(organization.id) if lacks else set()
    clusters = clusters_of_organizations([organization.id]) if is_identified else {}
    is_training = request.kind == "training"
    return Wanted(
        request_id=request.id,
        organization_id=organization.id,
        kind=request.kind,
        direction=request.direction,
        text=text,
        organization_kind=organization.kind if is_identified else "",
        capabilities=emphasis(text, preferred_labels(keys), named, own),
        point=_point_of_request(request),
        radius_miles=request.radius_miles,
        wanted_by=request.wanted_by,
        certifications=certificates_in(text),
        sizes=sizes_in(text),
        budget_cents=request.budget_cents if is_identified else None,
        trl=request.trl,
        partner_kinds=tuple(request.partner_kinds),
        partner_sizes=tuple(request.partner_sizes),
        clusters=frozenset(clusters.get(organization.id, ())),
        people=people_in(text) if is_training else None,
        languages=languages_in(text) if is_training else frozenset(),
        credentials=credentials_in(text, _credential_names()) if is_training else {},
    )


def _credential_names() -> dict[int, tuple[str, ...]]:
    """Return what the credentials are called that are no organization's own."""
    rows = session.execute(
        select(Credential.id, Credential.name, Credential.abbreviation, Credential.key).where(
            Credential.key.is_not(None)
        )
    )
    return {row.id: (row.name, row.abbreviation, row.key) for row in rows}


def _named_in(text: str) -> list[str]:
    """Return the capabilities that a text names: by several words, or by letters ("CMM")."""
    return [
        key
        for words, key in match_phrases(text)
        if " " in words or re.search(rf"\b{re.escape(words.upper())}\b", text)
    ]


def _own_capabilities(organization_id: int) -> set[str]:
    link = organization_capability
    return set(
        session.scalars(
            select(link.c.capability_key).where(link.c.organization_id == organization_id)
        )
    )


def load_offered(
    keys: Collection[tuple[str, int]], wanted: Wanted
) -> dict[tuple[str, int], Offered]:
    """Return what is known of the candidates among the keys that members may see."""
    ids: dict[str, list[int]] = defaultdict(list)
    for kind, number in keys:
        ids[kind].append(number)
    found = [
        offered
        for kind, load in _LOADERS.items()
        if ids[kind]
        for offered in load(sorted(ids[kind]), wanted)
    ]
    return {offered.key: offered for offered in found}


def free_in_span(
    equipment_ids: Sequence[int], wanted: Wanted
) -> dict[int, tuple[bool, dt.date | None]]:
    """Return by id whether bookable machines are free in the wanted span, and from which day."""
    rows = session.scalars(
        select(Equipment)
        .options(joinedload(Equipment.organization), joinedload(Equipment.facility))
        .where(Equipment.id.in_(equipment_ids), Equipment.sharing_terms == "bookable")
        .order_by(Equipment.id)
    ).all()
    if not rows:
        return {}
    start = now()
    end = start + dt.timedelta(days=LOOK_AHEAD_DAYS)
    if wanted.wanted_by is not None:
        day_after = wanted.wanted_by + dt.timedelta(days=1)
        end = max(start, min(end, dt.datetime.combine(day_after, dt.time(), dt.UTC)))
    # What the request's organization books already is no reason against it, so nobody asks.
    known = availability(NOBODY, resources_of(rows), Span(start, end))
    return {
        row.id: (bool(one.free), date_here(one.free[0].starts_at) if one.free else None)
        for row, one in zip(rows, known, strict=True)
    }


def _load_equipment(ids: Sequence[int], wanted: Wanted) -> list[Offered]:
    rows = session.scalars(
        select(Equipment)
        .options(
            joinedload(Equipment.organization).options(*_ORGANIZATION),
            joinedload(Equipment.county),
            joinedload(Equipment.facility).options(
                joinedload(Facility.county), joinedload(Facility.zip_place)
            ),
            selectinload(Equipment.capabilities),
            selectinload(Equipment.rates),
        )
        .where(
            Equipment.id.in_(ids), Equipment.visibility.in_(SHOWN_TO_OTHERS), _is_open(Equipment)
        )
        .order_by(Equipment.id)
    ).all()
    clusters = clusters_of_organizations({row.organization_id for row in rows})
    found = []
    for row in rows:
        place = place_of_record(row)
        customer = customer_class_of(
            row.organization_id, wanted.organization_id, wanted.organization_kind
        )
        found.append(
            Offered(
                kind="equipment",
                id=row.id,
                point=_point(place.latitude, place.longitude),
                capabilities=tuple(capability.key for capability in row.capabilities),
                sharing=row.sharing_terms,
                eligibility=plain(row.eligibility),
                rates=tuple(
                    (rate.unit, rate.price_cents)
                    for rate in row.rates
                    if rate.customer_class == customer
                ),
                sizes=sizes_of(row.specifications),
                confirmed_on=_day(row.confirmed_at),
                **_of_organization(row.organization, clusters),
            )
        )
    return found


def _load_facilities(ids: Sequence[int], _wanted: Wanted) -> list[Offered]:
    rows = session.scalars(
        select(Facility)
        .options(
            joinedload(Facility.organization).options(*_ORGANIZATION),
            joinedload(Facility.county),
            joinedload(Facility.zip_place),
            selectinload(Facility.capabilities),
        )
        .where(Facility.id.in_(ids), Facility.visibility.in_(SHOWN_TO_OTHERS), _is_open(Facility))
        .order_by(Facility.id)
    ).all()
    clusters = clusters_of_organizations({row.organization_id for row in rows})
    inside = _capabilities_within(
        select(Equipment.facility_id, equipment_capability.c.capability_key)
        .join(equipment_capability, equipment_capability.c.equipment_id == Equipment.id)
        .where(Equipment.facility_id.in_(ids), *_shared(Equipment))
    )
    found = []
    for row in rows:
        place = place_of_record(row)
        own = [capability.key for capability in row.capabilities]
        found.append(
            Offered(
                kind="facility",
                id=row.id,
                point=_point(place.latitude, place.longitude),
                capabilities=tuple(own),
                held=tuple(sorted(inside[row.id].difference(own))),
                confirmed_on=_day(row.confirmed_at),
                **_of_organization(row.organization, clusters),
            )
        )
    return found


def _load_organizations(ids: Sequence[int], wanted: Wanted) -> list[Offered]:
    rows = session.scalars(
        select(Organization)
        .options(*_ORGANIZATION, selectinload(Organization.capabilities))
        .where(Organization.id.in_(ids), Organization.status == "active")
        .order_by(Organization.id)
    ).all()
    clusters = clusters_of_organizations(ids)
    inside = _capabilities_within(
        *(
            select(model.organization_id, link.c.capability_key)
            .join(link, link.c[f"{model.__tablename__}_id"] == model.id)
            .where(model.organization_id.in_(ids), *_shared(model))
            for model, link in _HELD
        ),
        *([_taught_by(ids)] if wanted.kind == "training" else []),
    )
    found = []
    for row in rows:
        own = [capability.key for capability in row.capabilities]
        point = row.shown_point
        found.append(
            Offered(
                kind="organization",
                id=row.id,
                point=point,
                capabilities=tuple(own),
                held=tuple(sorted(inside[row.id].difference(own))),
                confirmed_on=_day(row.confirmed_at),
                **_of_organization(row, clusters),
            )
        )
    return found


def _load_requests(ids: Sequence[int], _wanted: Wanted) -> list[Offered]:
    rows = session.scalars(
        select(Request)
        .options(
            joinedload(Request.organization).options(*_ORGANIZATION),
            joinedload(Request.county),
            selectinload(Request.capabilities),
        )
        .where(
            Request.id.in_(ids),
            Request.status == "published",
            Request.visibility.in_(SHOWN_TO_OTHERS),
            _is_open(Request),
        )
        .order_by(Request.id)
    ).all()
    clusters = clusters_of_organizations(
        {row.organization_id for row in rows if not row.is_anonymous}
    )
    found = []
    for row in rows:
        named = (
            {"organization_id": row.organization_id}
            if row.is_anonymous
            else _of_organization(row.organization, clusters)
        )
        found.append(
            Offered(
                kind="request",
                id=row.id,
                point=_point_of_request(row),
                capabilities=tuple(capability.key for capability in row.capabilities),
                request_kind=row.kind,
                trl=row.trl,
                takes_kinds=tuple(row.partner_kinds),
                confirmed_on=_day(row.confirmed_at),
                **named,
            )
        )
    return found


def _load_programs(ids: Sequence[int], wanted: Wanted) -> list[Offered]:
    rows = session.scalars(
        select(Program)
        .options(
            joinedload(Program.organization).options(*_ORGANIZATION),
            joinedload(Program.credential),
            selectinload(Program.skills).selectinload(Skill.capabilities),
        )
        .where(
            Program.id.in_(ids),
            Program.visibility.in_(SHOWN_TO_OTHERS),
            Program.is_archived.is_(False),
            _is_open(Program),
        )
        .order_by(Program.id)
    ).all()
    clusters = clusters_of_organizations({row.organization_id for row in rows})
    coming = _next_sections(ids)
    seats = load_seats([section.id for section in coming.values()])
    found = []
    for row in rows:
        section = coming.get(row.id)
        customer = customer_class_of(
            row.organization_id, wanted.organization_id, wanted.organization_kind
        )
        place = _point(section.latitude, section.longitude) if section else None
        served = {item.key for skill in row.skills for item in skill.capabilities}
        found.append(
            Offered(
                kind="program",
                id=row.id,
                point=place or row.organization.shown_point,
                capabilities=tuple(sorted(served)),
                starts_on=section.starts_on if section else None,
                free_seats=seats[section.id].free if section else None,
                cost_cents=price_for(
                    section.price_by_class if section else {}, customer, row.cost_cents
                ),
                is_online=row.delivery in ("online", "self_paced"),
                languages=frozenset(row.language.split("-")),
                credential_id=row.credential_id,
                credential=row.credential.name if row.credential else "",
                confirmed_on=_day(row.confirmed_at),
                **_of_organization(row.organization, clusters),
            )
        )
    return found


def _next_sections(program_ids: Sequence[int]) -> dict[int, Section]:
    """Return by program the next section in which one can enroll."""
    found: dict[int, Section] = {}
    for section in session.scalars(
        select(Section)
        .options(selectinload(Section.prices))
        .where(Section.program_id.in_(program_ids), can_enroll(today_here()))
        .order_by(Section.starts_on, Section.id)
        .limit(MOST_SECTIONS)
    ):
        found.setdefault(section.program_id, section)
    return found


def _taught_by(organization_ids: Sequence[int]) -> Select[int, str]:
    """Select the capabilities that skills serve which organizations teach."""
    return (
        select(Program.organization_id, skill_capability.c.capability_key)
        .join(ProgramSkill, ProgramSkill.program_id == Program.id)
        .join(skill_capability, skill_capability.c.skill_key == ProgramSkill.skill_key)
        .where(
            Program.organization_id.in_(organization_ids),
            Program.visibility.in_(SHOWN_TO_OTHERS),
            Program.is_archived.is_(False),
        )
    )


#: One more kind of candidate is one more line here, and one in `rules.words.CANDIDATE_KINDS`.
_LOADERS: Mapping[str, Callable[[Sequence[int], Wanted], list[Offered]]] = {
    "equipment": _load_equipment,
    "facility": _load_facilities,
    "organization": _load_organizations,
    "request": _load_requests,
    "program": _load_programs,
}
_HELD: tuple[tuple[Any, Table], ...] = (
    (Equipment, equipment_capability),
    (Facility, facility_capability),
)


def _of_organization(
    organization: Organization, clusters: Mapping[int, tuple[str, ...]]
) -> dict[str, Any]:
    today = date_here(now())
    return {
        "organization_id": organization.id,
        "organization_kind": organization.kind,
        "employee_band": organization.employee_band,
        "certifications": tuple(
            str(item["name"])
            for item in organization.certifications
            if not item.get("expires_on") or str(item["expires_on"]) >= today.isoformat()
        ),
        "clusters": frozenset(clusters.get(organization.id, ())),
    }


def _is_open(model: Any) -> Any:
    return model.organization.has(Organization.status == "active")


def _shared(model: Any) -> tuple[Any, ...]:
    """What others may see and, of machines, use."""
    shown = (model.visibility.in_(SHOWN_TO_OTHERS),)
    return (*shown, model.sharing_terms != "in_house") if model is Equipment else shown


def _capabilities_within(*statements: Select[Any, Any]) -> Mapping[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for statement in statements:
        for number, key in session.execute(statement):
            found[number].add(key)
    return found


def _point_of_request(request: Request) -> tuple[float, float] | None:
    """Where a request stands, as everybody may know it; the middle of its county, at least."""
    return shown_point_of(request, not request.is_anonymous) or shown_point_of(request, False)


def _point(latitude: float | None, longitude: float | None) -> tuple[float, float] | None:
    return None if latitude is None or longitude is None else (latitude, longitude)


def _day(moment: dt.datetime | None) -> dt.date | None:
    return date_here(moment) if moment else None
