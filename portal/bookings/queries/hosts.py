"""What hosts see of their own calendars: each part with its number, so that it can be changed."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import aliased, joinedload

from portal.bookings.models.calendar import (
    Closure,
    Dependency,
    Quota,
    Resource,
    SpecialHours,
)
from portal.bookings.policies import Permission
from portal.bookings.queries.bookings import list_bookers
from portal.bookings.queries.books import RULE_COLUMNS
from portal.bookings.queries.calendar import load_calendars
from portal.bookings.queries.closures import veil
from portal.bookings.queries.resources import is_written, new_resource, resource_of
from portal.bookings.rules.attempt import ClosedSpan, Span
from portal.bookings.rules.calendar import Calendar
from portal.bookings.rules.customers import customer_class_of
from portal.bookings.rules.telling import write_span
from portal.bookings.rules.wording import tell_visitors, write_quota, write_week
from portal.facilities.models import Equipment, Facility
from portal.facilities.queries.records import get_visible_equipment, get_visible_facility
from portal.kernel.authorization import Actor, authorize, can
from portal.kernel.clock import now, today
from portal.kernel.database import session
from portal.kernel.errors import Invalid, NotFound
from portal.organizations.models import Organization
from portal.organizations.queries.profiles import get_visible_organization
from portal.organizations.rules import match_key
from portal.regions.models import Region

P = TypeVar("P", Quota, SpecialHours)

MOST_SHOWN = 100
#: How far ahead visitors are told of closures.
TOLD_AHEAD = dt.timedelta(days=30)
MOST_TOLD = 4


@dataclass(frozen=True)
class Subject:
    """What a host's page is about: a resource, and the record that it is the resource of."""

    place: str
    id: int
    name: str
    resource: Resource
    record: Any


def get_subject(actor: Actor, place: str, record_id: int) -> Subject:
    """Return what the actor may change the calendar of. Raises NotFound or Forbidden.

    place: "equipment", "facilities" or "organizations" with the record's number, or "operators"
    with the resource's.
    """
    record: Any
    if place == "operators":
        record = session.scalar(
            select(Resource)
            .options(
                joinedload(Resource.organization),
                joinedload(Resource.equipment),
                joinedload(Resource.facility),
            )
            .where(Resource.id == record_id, Resource.kind == "operator")
        )
        if record is None:
            raise NotFound(_("This is no longer here."))
        resource = record
    else:
        get = {
            "equipment": get_visible_equipment,
            "facilities": get_visible_facility,
            "organizations": get_visible_organization,
        }[place]
        record = get(actor, record_id)
        resource = resource_of(record)
    authorize(actor, Permission.CALENDAR_EDIT, resource)
    return Subject(place, record_id, record.name, resource, record)


def list_special_hours(resource: Resource) -> Sequence[SpecialHours]:
    """Return the special dates that are not over, the next ones first."""
    if not is_written(resource):
        return []
    return session.scalars(
        select(SpecialHours)
        .where(SpecialHours.resource_id == resource.id, SpecialHours.date >= today())
        .order_by(SpecialHours.date)
        .limit(MOST_SHOWN)
    ).all()


def list_quotas(resource: Resource) -> Sequence[Quota]:
    """Return a resource's own limits in the order in which they were written."""
    if not is_written(resource):
        return []
    return session.scalars(
        select(Quota).where(Quota.resource_id == resource.id).order_by(Quota.id).limit(MOST_SHOWN)
    ).all()


def get_part(model: type[P], resource: Resource, number: int) -> P:
    """Return a limit, or a date, that a resource itself has. Raises NotFound."""
    part = session.scalar(select(model).where(model.id == number, model.resource_id == resource.id))
    if part is None:
        raise NotFound(_("This is no longer here."))
    return part


def get_quota(resource: Resource, number: int) -> Quota:
    """Return a limit that a resource itself has. Raises NotFound."""
    return get_part(Quota, resource, number)


def get_special_hours(resource: Resource, number: int) -> SpecialHours:
    """Return a date with hours that a resource itself has. Raises NotFound."""
    return get_part(SpecialHours, resource, number)


def list_closures(resource: Resource) -> Sequence[Closure]:
    """Return a resource's own closures that are not over, those that began first."""
    if not is_written(resource):
        return []
    return session.scalars(
        select(Closure)
        .where(
            Closure.resource_id == resource.id,
            or_(
                Closure.ends_at > now(),
                Closure.ends_at.is_(None),
                Closure.recurrence.is_not(None),
            ),
        )
        .order_by(Closure.starts_at, Closure.id)
        .limit(MOST_SHOWN)
    ).all()


def list_needs(resource: Resource) -> list[tuple[int, str]]:
    """Return (id, name) of the resources without which one does not work, by name."""
    if not is_written(resource):
        return []
    needed = aliased(Resource)
    rows = session.execute(
        select(needed.id, needed.name)
        .join(Dependency, Dependency.needs_id == needed.id)
        .where(Dependency.resource_id == resource.id)
        .order_by(needed.name, needed.id)
        .limit(MOST_SHOWN)
    )
    return [(row.id, row.name) for row in rows]


def need_choices(resource: Resource) -> list[tuple[str, str]]:
    """Return ("equipment:5", name) of all of an organization that something may depend on."""
    found: list[tuple[str, str]] = []
    models: tuple[tuple[str, Any, int | None], ...] = (
        ("facilities", Facility, resource.facility_id),
        ("equipment", Equipment, resource.equipment_id),
    )
    for place, model, own_id in models:
        rows = session.execute(
            select(model.id, model.name)
            .where(model.organization_id == resource.organization_id, model.id != (own_id or 0))
            .order_by(model.name, model.id)
            .limit(500)
        )
        found.extend((f"{place}:{row.id}", row.name) for row in rows)
    return found


def list_operators(organization_id: int) -> Sequence[Resource]:
    """Return the people of an organization whose time can be booked along, by name."""
    return session.scalars(
        select(Resource)
        .where(
            Resource.organization_id == organization_id,
            Resource.kind == "operator",
            Resource.is_open,
        )
        .order_by(Resource.name, Resource.id)
        .limit(MOST_SHOWN)
    ).all()


def region_choices() -> list[tuple[str, str]]:
    """Return (key, name) of the regions by name."""
    rows = session.execute(select(Region.key, Region.name).order_by(Region.name).limit(500))
    return [(row.key, row.name) for row in rows]


def region_names(ids: Collection[int]) -> dict[int, str]:
    """Return the names of regions by id."""
    if not ids:
        return {}
    rows = session.execute(select(Region.id, Region.name).where(Region.id.in_(ids)))
    return {row.id: row.name for row in rows}


def region_keys(ids: Collection[int]) -> list[str]:
    """Return the keys of regions in the order of their names."""
    if not ids:
        return []
    return list(session.scalars(select(Region.key).where(Region.id.in_(ids)).order_by(Region.name)))


def organization_ids_named(names: Collection[str]) -> list[int]:
    """Return the ids of the organizations of these names, however they are written.

    Raises Invalid, at the field `allowed`, for a name that none or several have.
    """
    wanted = {match_key(name): name for name in names}
    rows = session.execute(
        select(Organization.id, Organization.match_key)
        .where(Organization.match_key.in_(wanted), Organization.status == "active")
        .order_by(Organization.id)
    ).all()
    for key, name in wanted.items():
        count = sum(row.match_key == key for row in rows)
        if count != 1:
            raise Invalid(
                "allowed",
                _("There is no organization “%(name)s”.", name=name)
                if not count
                else _("Several organizations are called “%(name)s”.", name=name),
            )
    return [row.id for row in rows]


# What programs read


def booking_rules(equipment: Equipment, customer_class: str) -> dict[str, Any]:
    """Return what holds for bookings of equipment and who says what, as the API answers it."""
    (calendar,) = load_calendars([resource_of(equipment)])
    keys = _keys_of_regions(calendar)
    rules = calendar.rules_for(customer_class)
    held = {name: getattr(rules, name) for name in RULE_COLUMNS}
    held["eligible_region_ids"] = rules.eligible_region_ids
    held["is_regional"] = rules.eligible_region_ids is not None
    return {
        **_plain(held, keys),
        "equipment_id": equipment.id,
        "customer_class": customer_class,
        "is_bookable": equipment.is_bookable,
        "time_zone": calendar.hours.zone,
        "hours": None
        if calendar.hours.week is None
        else [
            {"weekday": day, "opens": opens, "closes": closes}
            for day, spans in sorted(calendar.hours.week.items())
            for opens, closes in spans
        ],
        "hours_from": calendar.hours_from,
        "own": _plain(calendar.own_layer(customer_class), keys),
        "layers": [
            {
                "source": layer.source,
                "customer_class": layer.customer_class,
                "values": _plain(layer.values, keys),
            }
            for layer in calendar.layers
        ],
        "quotas": calendar.quota_rules,
    }


def _plain(values: Mapping[str, Any], keys: Mapping[int, str]) -> dict[str, Any]:
    found = {name: values.get(name) for name in (*RULE_COLUMNS, "is_regional")}
    kinds, regions = values.get("eligible_kinds"), values.get("eligible_region_ids")
    found["eligible_kinds"] = None if kinds is None else sorted(kinds)
    found["eligible_regions"] = (
        None if regions is None else sorted(keys[number] for number in regions)
    )
    return found


def _keys_of_regions(calendar: Calendar) -> dict[int, str]:
    ids = {
        number
        for layer in calendar.layers
        for number in layer.values.get("eligible_region_ids", ())
    }
    if not ids:
        return {}
    rows = session.execute(select(Region.id, Region.key).where(Region.id.in_(ids)))
    return {row.id: row.key for row in rows}


# What records tell visitors


def booking_section(actor: Actor, record: Facility | Equipment) -> dict[str, Any] | None:
    """Return what a record's page says of booking it; None where nobody can and nobody may
    change that."""
    may_edit = can(actor, Permission.CALENDAR_EDIT, new_resource(record))
    if isinstance(record, Equipment) and not record.is_bookable and not may_edit:
        return None
    resource = resource_of(record)
    if not resource.is_open and not may_edit:
        return None
    content: dict[str, Any] = {
        "place": "equipment" if isinstance(record, Equipment) else "facilities",
        "id": record.id,
        "is_bookable": resource.is_open,
        "may_edit": may_edit,
    }
    if resource.is_open:
        content |= _told(actor, resource)
    return content


def host_section(actor: Actor, organization: Organization) -> dict[str, Any] | None:
    """Return the way to an organization's bookings and rules on its page, for its people."""
    if not can(actor, Permission.BOOKING_VIEW_HOSTED, organization):
        return None
    may_edit = can(actor, Permission.CALENDAR_EDIT, new_resource(organization))
    return {"id": organization.id, "may_edit": may_edit}


def _told(actor: Actor, resource: Resource) -> Mapping[str, Any]:
    moment = now()
    window = Span(moment, moment + TOLD_AHEAD)
    (calendar,) = load_calendars([resource], window)
    booker = next(iter(list_bookers(actor, resource.organization_id)), None)
    customer_class = (
        customer_class_of(resource.organization_id, booker.id, booker.kind) if booker else "other"
    )
    rules = calendar.rules_for(customer_class)
    quotas = [
        write_quota(
            quota.shared_by, quota.period, quota.most_minutes, quota.most_bookings, quota.source
        )
        for quota in calendar.quotas_for(customer_class)
    ]
    zone = calendar.hours.zone
    shut = [closed for closed in veil(actor, calendar.closed) if closed.kind != "blocking"]
    ahead = [_write_closed(one, zone) for one in shut if one.span.starts_at > moment]
    facts: list[tuple[str, Any]] = [
        # What they need, a section of its own says, with what of it they have.
        *tell_visitors(
            rules, region_names(rules.eligible_region_ids or ()), quotas, tells_needs=False
        )
    ]
    if ahead:
        facts.append((_("Not available"), ahead[:MOST_TOLD]))
    return {
        "is_always_open": calendar.hours.week is None,
        "zone": zone,
        "week": write_week(calendar.hours),
        "facts": facts,
        "closed_now": [_write_closed(one, zone) for one in shut if one.span.starts_at <= moment],
    }


def _write_closed(closed: ClosedSpan, zone: str) -> str:
    what = _("Out of order") if closed.kind == "outage" else _("Closed")
    because = " · ".join(part for part in (closed.because_of, closed.reason) if part)
    line = _("%(what)s %(when)s", what=what, when=write_span(closed.span, zone))
    return f"{line} ({because})" if because else line
