"""Which gates are open for whom."""

import datetime as dt
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    bindparam,
    exists,
    literal,
    or_,
    select,
    true,
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
from portal.organizations.models import Organization
from portal.regions.models import RegionCounty

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
    """Return which of the gates that the rules put up are open, in two statements at most.

    since, until: the dates of the span's first and last instant at the resource's place; what opens
    a gate must be good on both. Without `since`, the span is within one day.
    A gate that the rules do not put up is open and asks the database nothing.
    """
    return list_gates(
        [(resource, rules)],
        user_id=user_id,
        organization=organization,
        until=until,
        since=since,
    )[0]


def list_gates(
    wanted: Sequence[tuple[Resource, BookingRules]],
    *,
    user_id: int | None,
    organization: Organization,
    until: dt.date,
    since: dt.date | None = None,
) -> list[Gates]:
    """Return the gates of many resources in their order, in two statements at most.

    Qualification and induction are the person's, so the host's own people need them too; agreement,
    insurance and eligibility are between organizations, so the host itself needs none.
    """
    found = _found_open(wanted, user_id, organization, since or until, until)
    regions = _regions_of(organization) if _asks_region(wanted, organization) else frozenset()
    gates = []
    for resource, rules in wanted:
        row = found.get(_key(resource))
        is_own = resource.organization_id == organization.id
        kinds, region_ids = rules.eligible_kinds, rules.eligible_region_ids
        gates.append(
            Gates(
                is_eligible_kind=is_own or kinds is None or organization.kind in kinds,
                is_eligible_region=is_own or region_ids is None or bool(region_ids & regions),
                is_qualified=not rules.needs_qualification or _says(row, "qualification"),
                has_agreement=is_own or not rules.needs_agreement or _says(row, "agreement"),
                has_insurance=is_own or not rules.needs_insurance or _says(row, "insurance"),
                has_induction=not rules.needs_induction or _says(row, "induction"),
            )
        )
    return gates


_PERSONAL = ("qualification", "induction")


def _needs(resource: Resource, rules: BookingRules, organization: Organization) -> set[str]:
    is_own = resource.organization_id == organization.id
    return {
        name
        for name in ("qualification", "agreement", "insurance", "induction")
        if getattr(rules, f"needs_{name}") and (name in _PERSONAL or not is_own)
    }


def _asks_region(
    wanted: Sequence[tuple[Resource, BookingRules]], organization: Organization
) -> bool:
    return any(
        rules.eligible_region_ids and resource.organization_id != organization.id
        for resource, rules in wanted
    )


def _regions_of(organization: Organization) -> frozenset[int]:
    return frozenset(
        session.scalars(
            select(RegionCounty.region_id).where(
                RegionCounty.county_fips == organization.county_fips
            )
        )
    )


def _key(resource: Resource) -> tuple[str, int | None]:
    if resource.kind == "equipment":
        return "equipment", resource.equipment_id
    if resource.kind == "facility":
        return "facility", resource.facility_id
    return "organization", resource.organization_id


def _says(row: Any, name: str) -> bool:
    return row is not None and bool(getattr(row, name))


def _found_open(
    wanted: Sequence[tuple[Resource, BookingRules]],
    user_id: int | None,
    organization: Organization,
    since: dt.date,
    until: dt.date,
) -> dict[tuple[str, int | None], Any]:
    """Return a row of what is open by kind and id, of the resources that need something."""
    needs: set[str] = set()
    ids: dict[str, list[int | None]] = {}
    for resource, rules in wanted:
        needed = _needs(resource, rules, organization)
        if needed:
            needs |= needed
            kind, number = _key(resource)
            ids.setdefault(kind, []).append(number)
    if not needs:
        return {}
    values: dict[str, Any] = {f"{kind}_ids": numbers for kind, numbers in ids.items()}
    values |= {
        "user_id": user_id,
        "organization_id": organization.id,
        "since": since,
        "until": until,
    }
    rows = session.execute(_gates_statement(frozenset(ids), frozenset(needs)), values)
    return {(row.kind, row.id): row for row in rows}


@cache
def _gates_statement(
    kinds: frozenset[str], needs: frozenset[str]
) -> Select[Any] | CompoundSelect[Any]:
    """Put together once what is asked for these kinds of resources and these gates."""
    parts = [_gates_of(kind, needs) for kind in sorted(kinds)]
    return parts[0] if len(parts) == 1 else union_all(*parts)


def _gates_of(kind: str, needs: frozenset[str]) -> Select[Any]:
    model: Any = {"equipment": Equipment, "facility": Facility, "organization": Organization}[kind]
    host = model.id if kind == "organization" else model.organization_id
    facilities: dict[str, Any] = {"equipment": Equipment.facility_id, "facility": Facility.id}
    gates = {
        "qualification": _is_qualified(kind, model),
        "agreement": _is_cleared("agreement", host, model),
        "insurance": _is_cleared("insurance", host, model),
        "induction": _is_cleared("induction", host, model, facilities.get(kind)),
    }
    return select(
        literal(kind).label("kind"),
        model.id.label("id"),
        *((gates[name] if name in needs else true()).label(name) for name in gates),
    ).where(model.id.in_(bindparam(f"{kind}_ids", expanding=True)))


def _is_qualified(kind: str, model: Any) -> ColumnElement[bool]:
    if kind == "organization":  # of an operator's time there is nothing to operate
        return true()
    return (
        exists()
        .where(
            Qualification.user_id == bindparam("user_id"),
            Qualification.status == "valid",
            Qualification.granted_on <= bindparam("since"),
            or_(Qualification.ends_on.is_(None), Qualification.ends_on >= bindparam("until")),
            opens(kind, model),
        )
        .correlate(model)
    )


def opens(kind: str, model: Any) -> ColumnElement[bool]:
    """Say that a qualification is for this equipment or facility: for itself or what it can do."""
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
    if kind == "facility":
        return is_for_kind
    return ((Qualification.equipment_id == Equipment.id) & is_own) | is_for_kind


def _is_cleared(
    name: str, host: ColumnElement[Any], model: Any, facility: ColumnElement[Any] | None = None
) -> ColumnElement[bool]:
    if name == "induction":
        whose = Clearance.user_id == bindparam("user_id")
        place = Clearance.facility_id.is_(None)
        whose &= place if facility is None else place | (Clearance.facility_id == facility)
    else:
        whose = Clearance.organization_id == bindparam("organization_id")
    return (
        exists()
        .where(
            Clearance.host_organization_id == host,
            Clearance.kind == name,
            Clearance.status == "valid",
            Clearance.valid_from <= bindparam("since"),
            or_(Clearance.expires_on.is_(None), Clearance.expires_on >= bindparam("until")),
            whose,
        )
        .correlate(model)
    )
