"""Which gates are open for whom."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    and_,
    bindparam,
    exists,
    literal,
    or_,
    select,
    union_all,
)

from portal.bookings.models.access import Clearance, Qualification, Recognition
from portal.bookings.models.calendar import Resource
from portal.bookings.rules.attempt import BookingRules, Gates
from portal.facilities.models import (
    Equipment,
    Facility,
    equipment_capability,
    facility_capability,
)
from portal.kernel.database import session
from portal.kernel.settled import settled, settled_each, settled_for_now
from portal.organizations.models import Organization
from portal.regions.models import Region, RegionCounty

# Gates


def load_gates(
    resource: Resource,
    *,
    user_id: int | None,
    organization: Organization,
    until: dt.date,
    rules: BookingRules,
    since: dt.date | None = None,
) -> Gates:
    """Return which of the gates that the rules put up are open.

    since, until: the dates of the span's first and last instant at the resource's place; what opens
    a gate must be good on both. Without `since`, the span is within one day.
    A gate that the rules do not put up is open and asks the database nothing.
    """
    return settled_for_now(
        ("gates", _key(resource), rules, user_id, organization.id, since, until),
        lambda: list_gates(
            [(resource, rules)],
            user_id=user_id,
            organization=organization,
            until=until,
            since=since,
        )[0],
    )


def list_gates(
    wanted: Sequence[tuple[Resource, BookingRules]],
    *,
    user_id: int | None,
    organization: Organization,
    until: dt.date,
    since: dt.date | None = None,
) -> list[Gates]:
    """Return the gates of many resources in their order, with the same statements for many.

    Qualification and induction are the person's, so the host's own people need them too; agreement,
    insurance and eligibility are between organizations, so the host itself needs none.
    """
    since = since or until
    opened = _opened(wanted, user_id, organization)
    regions = _regions_of(organization) if _asks_region(wanted, organization) else frozenset()
    asked = [
        rules.eligible_region_ids or frozenset()
        for resource, rules in wanted
        if resource.organization_id != organization.id
    ]
    shut = frozenset().union(*(ids for ids in asked if not ids & regions))
    names = _names_of_regions(shut) if shut else {}
    gates = []
    for resource, rules in wanted:
        spans = opened.get(_key(resource), {})
        is_own = resource.organization_id == organization.id
        kinds, region_ids = rules.eligible_kinds, rules.eligible_region_ids
        is_of_region = is_own or region_ids is None or bool(region_ids & regions)
        gates.append(
            Gates(
                is_eligible_kind=is_own or kinds is None or organization.kind in kinds,
                is_eligible_region=is_of_region,
                region_names=()
                if is_of_region
                else tuple(sorted(names[number] for number in region_ids or ())),
                **{
                    gate: getattr(rules, f"needs_{name}") is False
                    or (is_own and name not in _PERSONAL)
                    or any(
                        first <= since and (last is None or last >= until)
                        for first, last in spans.get(name, ())
                    )
                    for name, gate in _GATES.items()
                },
            )
        )
    return gates


#: From when until when (None: for good) each gate is open.
_Spans: TypeAlias = Mapping[str, Sequence[tuple[dt.date, dt.date | None]]]
_GATES = {
    "qualification": "is_qualified",
    "agreement": "has_agreement",
    "insurance": "has_insurance",
    "induction": "has_induction",
}
_PERSONAL = ("qualification", "induction")


def _asks_region(
    wanted: Sequence[tuple[Resource, BookingRules]], organization: Organization
) -> bool:
    return any(
        rules.eligible_region_ids and resource.organization_id != organization.id
        for resource, rules in wanted
    )


def _regions_of(organization: Organization) -> frozenset[int]:
    asked = select(RegionCounty.region_id).where(
        RegionCounty.county_fips == organization.county_fips
    )
    key = ("regions of", organization.county_fips)
    return settled(key, lambda: frozenset(session.scalars(asked)))


def _names_of_regions(ids: frozenset[int]) -> Mapping[int, str]:
    asked = select(Region.id, Region.name).where(Region.id.in_(ids))
    return settled(
        ("names of regions", ids),
        lambda: {row.id: row.name for row in session.execute(asked)},
    )


def _key(resource: Resource) -> tuple[str, int | None]:
    if resource.kind == "equipment":
        return "equipment", resource.equipment_id
    if resource.kind == "facility":
        return "facility", resource.facility_id
    return "organization", resource.organization_id


def _opened(
    wanted: Sequence[tuple[Resource, BookingRules]],
    user_id: int | None,
    organization: Organization,
) -> dict[tuple[str, int | None], _Spans]:
    """Return by kind and number what opens the gates of the resources that have any."""
    ids: dict[str, set[int]] = defaultdict(set)
    for resource, rules in wanted:
        kind, number = _key(resource)
        if number is not None and any(getattr(rules, f"needs_{name}") for name in _GATES):
            ids[kind].add(number)
    found: dict[tuple[str, int | None], _Spans] = {}
    asked = {"user_id": user_id, "organization_id": organization.id}
    for kind, numbers in ids.items():
        read = partial(_read_spans, kind, asked)
        spans = settled_each(("gates", kind, *asked.values()), numbers, read)
        found.update({(kind, number): one for number, one in spans.items()})
    return found


def _read_spans(kind: str, asked: Mapping[str, Any], numbers: list[int]) -> dict[int, _Spans]:
    # For an operator's time there is nothing to operate.
    always = {"qualification": [(dt.date.min, None)]} if kind == "organization" else {}
    found: dict[int, dict[str, Any]] = {number: defaultdict(list, always) for number in numbers}
    for name, number, first, last in session.execute(
        _spans_statement(kind), {**asked, "ids": numbers}
    ):
        found[number][name].append((first, last))
    return dict(found)


@cache
def _spans_statement(kind: str) -> CompoundSelect[Any]:
    """Put together once what is asked for a kind of resources."""
    model: Any = {"equipment": Equipment, "facility": Facility, "organization": Organization}[kind]
    host = model.id if kind == "organization" else model.organization_id
    facilities: dict[str, Any] = {"equipment": Equipment.facility_id, "facility": Facility.id}
    parts = [
        select(literal(name), model.id, Clearance.valid_from, Clearance.expires_on)
        .join(Clearance, _clears(name, host, facilities.get(kind)))
        .where(model.id.in_(bindparam("ids", expanding=True)))
        for name in ("agreement", "insurance", "induction")
    ]
    if kind != "organization":
        is_theirs = (Qualification.user_id == bindparam("user_id")) & (
            Qualification.status == "valid"
        )
        parts.append(
            select(
                literal("qualification"), model.id, Qualification.granted_on, Qualification.ends_on
            )
            .join(Qualification, is_theirs & opens(kind, model))
            .where(model.id.in_(bindparam("ids", expanding=True)))
        )
    return union_all(*parts)


def opens(kind: str, model: Any) -> ColumnElement[bool]:
    """Say that a qualification is for this equipment or facility: for itself, for what it can do,
    or for all that its host has."""
    if kind == "equipment":
        carried = equipment_capability.c.equipment_id == Equipment.id
        capability = equipment_capability.c.capability_key
    else:
        carried = facility_capability.c.facility_id == Facility.id
        capability = facility_capability.c.capability_key
    recognizes = (
        exists()
        .where(
            Recognition.host_organization_id == model.organization_id,
            Recognition.status == "valid",
            Recognition.recognized_organization_id == Qualification.host_organization_id,
            or_(
                Recognition.capability_key.is_(None),
                Recognition.capability_key == Qualification.capability_key,
            ),
        )
        .correlate(model, Qualification)
    )
    is_own = Qualification.host_organization_id == model.organization_id
    is_for_kind = Qualification.capability_key.in_(
        select(capability).where(carried).correlate(model)
    ) & (is_own | recognizes)
    is_for_all = (
        is_own & Qualification.equipment_id.is_(None) & Qualification.capability_key.is_(None)
    )
    if kind == "facility":
        return is_for_kind | is_for_all
    return ((Qualification.equipment_id == Equipment.id) & is_own) | is_for_kind | is_for_all


def _clears(
    name: str, host: ColumnElement[Any], facility: ColumnElement[Any] | None
) -> ColumnElement[bool]:
    if name == "induction":
        whose = Clearance.user_id == bindparam("user_id")
        place = Clearance.facility_id.is_(None)
        whose &= place if facility is None else place | (Clearance.facility_id == facility)
    else:
        whose = Clearance.organization_id == bindparam("organization_id")
    return and_(
        Clearance.host_organization_id == host,
        Clearance.kind == name,
        Clearance.status == "valid",
        whose,
    )
