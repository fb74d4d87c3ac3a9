"""Commands on calendars: what hosts say about when and how their things can be booked.

Values have passed the forms; what needs other rows or other values is checked here. Nothing here
cancels a booking by the way.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from zoneinfo import available_timezones

from flask_babel import gettext as _
from sqlalchemy import delete, func, inspect, select
from sqlalchemy.orm import selectinload

from portal.accounts.models import User
from portal.bookings.events import CalendarChanged
from portal.bookings.models.calendar import (
    Closure,
    Dependency,
    Quota,
    Resource,
    RuleLayer,
    SpecialHours,
)
from portal.bookings.policies import Permission
from portal.bookings.queries.books import RULE_COLUMNS, load_needs
from portal.bookings.queries.hosts import get_part
from portal.bookings.queries.resources import is_written, resource_of
from portal.bookings.rules.dependencies import closes_circle
from portal.bookings.rules.presets import PRESETS
from portal.facilities.models import Equipment, Facility
from portal.facilities.policies import Permission as FacilityPermission
from portal.facilities.queries.records import get_equipment, get_facility
from portal.facilities.rules import find_hours_problem, sort_hours
from portal.facilities.services.equipment import update_equipment
from portal.facilities.services.facilities import update_facility
from portal.kernel.authorization import Actor, authorize
from portal.kernel.commands import command
from portal.kernel.database import lock, session
from portal.kernel.errors import Conflict, Invalid, NotFound
from portal.kernel.outbox import record
from portal.organizations.models import Membership, Organization
from portal.regions.models import Region

#: What is not given stays as it is.
KEPT: Any = object()

MOST_SPECIAL_DATES = 200
MOST_DEPENDENCIES = 20


@command(Permission.CALENDAR_OPEN)
def open_resource(actor: Actor, record: Facility | Equipment | Organization) -> Resource:
    """Return the resource of a record that the actor sees; it is written if there is none yet.

    The organization of a facility or of equipment is loaded beforehand.
    """
    if isinstance(record, Equipment):
        authorize(actor, FacilityPermission.EQUIPMENT_VIEW, record)
    elif isinstance(record, Facility):
        authorize(actor, FacilityPermission.FACILITY_VIEW, record)
    resource = resource_of(record)
    if not is_written(resource):
        session.add(resource)
        session.flush()
    return resource


# Rules


@command(Permission.CALENDAR_EDIT)
def change_rules(
    actor: Actor, resource: Resource, *, customer_class: str = "", **values: Any
) -> Resource:
    """Say what a resource's rules are for one customer class, or ("") for all.

    values: those of `RULE_COLUMNS` that change, with None where nothing shall be said here any
    more, so that it is inherited; and `is_regional` with `eligible_regions` (keys).
    Raises Invalid for values that contradict each other, and for unknown regions.
    """
    _change_layer(resource, customer_class, values)
    touch(resource)
    return resource


@command(Permission.CALENDAR_EDIT)
def apply_preset(actor: Actor, resource: Resource, *, preset: str) -> Resource:
    """Let a resource be booked as most hosts want it, in one step; see `rules/presets.py`."""
    chosen = PRESETS.get(preset)
    if chosen is None:
        raise NotFound(_("There is no such choice."))
    _change_layer(resource, "", chosen.rules)
    if chosen.hours is not None:
        _change_hours(actor, resource, chosen.hours)
    _change_bookable(actor, resource, True)
    touch(resource)
    return resource


@command(Permission.CALENDAR_EDIT)
def change_bookable(actor: Actor, resource: Resource, *, is_bookable: bool) -> Resource:
    """Let others book a resource, or stop it; what is booked stays booked."""
    _change_bookable(actor, resource, is_bookable)
    touch(resource)
    return resource


@command(Permission.CALENDAR_EDIT)
def change_hours(
    actor: Actor, resource: Resource, *, hours: Sequence[Mapping[str, Any]], time_zone: str = ""
) -> Resource:
    """Say when a resource is open; no hours at all are inherited, as an empty time zone is."""
    if time_zone and time_zone not in available_timezones():
        raise Invalid("time_zone", _("Please choose a time zone of the list."))
    _change_hours(actor, resource, hours)
    resource.time_zone = time_zone
    touch(resource)
    return resource


@command(Permission.CALENDAR_EDIT)
def set_special_hours(
    actor: Actor,
    resource: Resource,
    *,
    date: dt.date,
    hours: Sequence[Mapping[str, Any]],
    reason: str = "",
    special_id: int | None = None,
) -> Resource:
    """Say when a resource is open on one date, instead of the weekday's hours; none: closed.

    special_id: what is changed, perhaps to another date; None for what is said of the date.
    """
    rows = sorted(
        ({"opens": row["opens"], "closes": row["closes"]} for row in hours),
        key=lambda row: row["opens"],
    )
    _check_hours([{"weekday": date.weekday(), **row} for row in rows])
    special = session.scalar(
        select(SpecialHours).where(
            SpecialHours.resource_id == resource.id, SpecialHours.date == date
        )
    )
    if special_id is not None:
        changed = get_part(SpecialHours, resource, special_id)
        if special not in (changed, None):
            raise Invalid("date", _("This date has hours of its own already."))
        special = changed
    elif special is None:
        keep_to(SpecialHours, resource, MOST_SPECIAL_DATES)
        special = SpecialHours(resource_id=resource.id)
        session.add(special)
    special.date = date
    special.hours = rows
    special.reason = reason
    touch(resource)
    return resource


@command(Permission.CALENDAR_EDIT)
def remove_special_hours(actor: Actor, resource: Resource, *, special_id: int) -> Resource:
    """Let a date have its weekday's hours again."""
    session.delete(get_part(SpecialHours, resource, special_id))
    touch(resource)
    return resource


@command(Permission.CALENDAR_EDIT)
def set_quota(
    actor: Actor,
    resource: Resource,
    *,
    shared_by: str,
    period: str,
    customer_class: str = "",
    most_minutes: int | None = None,
    most_bookings: int | None = None,
    quota_id: int | None = None,
) -> Resource:
    """Limit what one person, one organization or everybody together may book in a period.

    quota_id: the limit that is changed; None for the one that is counted so, or a new one.
    """
    if most_minutes is None and most_bookings is None:
        raise Invalid("most_minutes", _("Please give a number of hours or of bookings."))
    quota = session.scalar(
        select(Quota).where(
            Quota.resource_id == resource.id,
            Quota.customer_class == customer_class,
            Quota.shared_by == shared_by,
            Quota.period == period,
        )
    )
    if quota_id is not None:
        changed = get_part(Quota, resource, quota_id)
        if quota not in (changed, None):
            raise Invalid("period", _("There is another limit that is counted so. Change that."))
        quota = changed
    elif quota is None:
        quota = Quota(resource_id=resource.id)
        session.add(quota)
    quota.customer_class, quota.shared_by, quota.period = customer_class, shared_by, period
    quota.most_minutes = most_minutes
    quota.most_bookings = most_bookings
    touch(resource)
    return resource


@command(Permission.CALENDAR_EDIT)
def remove_quota(actor: Actor, resource: Resource, *, quota_id: int) -> Resource:
    """Let go of a limit."""
    session.delete(get_part(Quota, resource, quota_id))
    touch(resource)
    return resource


@command(Permission.CALENDAR_EDIT)
def write_calendar(
    actor: Actor,
    resource: Resource,
    *,
    customer_class: str = "",
    rules: Mapping[str, Any],
    hours: Sequence[Mapping[str, Any]] | None = KEPT,
    time_zone: str | None = KEPT,
    quotas: Sequence[Mapping[str, Any]] | None = KEPT,
    is_bookable: bool | None = KEPT,
) -> Resource:
    """Change several things that a resource says, all of them or none.

    rules: as of `change_rules`; hours, time_zone: None inherits them. quotas: all that it shall
    have, as of `set_quota`.
    """
    _change_layer(resource, customer_class, rules)
    if hours is not KEPT or time_zone is not KEPT:
        present = resource.time_zone if time_zone is KEPT else time_zone or ""
        rows = _present_hours(resource) if hours is KEPT else hours or []
        change_hours(actor, resource, hours=rows, time_zone=present)
    if quotas is not KEPT:
        session.execute(delete(Quota).where(Quota.resource_id == resource.id))
        for quota in quotas or ():
            set_quota(actor, resource, **quota)
    if is_bookable is not KEPT and is_bookable is not None:
        _change_bookable(actor, resource, is_bookable)
    touch(resource)
    return resource


# Dependencies and operators


@command(Permission.CALENDAR_EDIT)
def add_dependency(actor: Actor, resource: Resource, *, needs_id: int) -> Resource:
    """Say that a resource does not work without another one of the same organization.

    Raises Invalid where the other, or what it depends on, needs this one in turn.
    """
    needed = session.get(Resource, needs_id)
    if (
        needed is None
        or needed.organization_id != resource.organization_id
        or needed.kind not in ("equipment", "facility")
    ):
        raise Invalid(
            "needs_id", _("Please choose equipment or a facility of the same organization.")
        )
    # Two people could each write one half of a circle; both wait for the organization's row.
    lock(session.get_one(Organization, resource.organization_id))
    needs = load_needs(resource.organization_id)
    if needed.id in needs.get(resource.id, ()):
        return resource
    if closes_circle(needs, resource.id, needed.id):
        raise Invalid("needs_id", _("“%(name)s” itself depends on this.", name=needed.name))
    if len(needs.get(resource.id, ())) >= MOST_DEPENDENCIES:
        raise Invalid("needs_id", _("Please keep to %(most)d at most.", most=MOST_DEPENDENCIES))
    session.add(Dependency(resource_id=resource.id, needs_id=needed.id))
    touch(resource)
    return resource


@command(Permission.CALENDAR_EDIT)
def remove_dependency(actor: Actor, resource: Resource, *, needs_id: int) -> Resource:
    """Say that a resource works without another one after all."""
    session.execute(
        delete(Dependency).where(
            Dependency.resource_id == resource.id, Dependency.needs_id == needs_id
        )
    )
    touch(resource)
    return resource


@command(Permission.CALENDAR_EDIT)
def add_operator(actor: Actor, resource: Resource, *, user_id: int) -> Resource:
    """Let the time of a person be booked along, of the organization whose resource is given."""
    person = session.scalar(
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == resource.organization_id, User.id == user_id)
    )
    if resource.kind != "organization" or person is None:
        raise Invalid("user_id", _("Please choose a person of the organization."))
    operator = session.scalar(
        select(Resource).where(
            Resource.organization_id == resource.organization_id, Resource.operator_id == user_id
        )
    )
    if operator is None:
        operator = Resource(
            kind="operator", organization_id=resource.organization_id, operator_id=user_id
        )
        session.add(operator)
    operator.name = person.name
    operator.is_bookable = True
    touch(operator)
    return operator


# What they share


def touch(resource: Resource) -> None:
    """Let those who follow a calendar know that it was changed."""
    session.flush()
    record(CalendarChanged(resource.id))


def _change_layer(resource: Resource, customer_class: str, values: Mapping[str, Any]) -> None:
    unknown = set(values) - {*RULE_COLUMNS, "is_regional", "eligible_regions"}
    if unknown:
        raise TypeError(f"no such rules: {', '.join(sorted(unknown))}")
    layer = session.scalar(
        select(RuleLayer)
        .options(selectinload(RuleLayer.eligible_regions))
        .where(RuleLayer.resource_id == resource.id, RuleLayer.customer_class == customer_class)
    )
    if layer is None:
        layer = RuleLayer(
            resource_id=resource.id, customer_class=customer_class, eligible_regions=[]
        )
    for name in (*RULE_COLUMNS, "is_regional"):
        if name in values:
            setattr(layer, name, values[name])
    if "eligible_regions" in values:
        layer.eligible_regions = _regions(values["eligible_regions"] or ())
    if not layer.is_regional:
        layer.eligible_regions = []
    if customer_class and layer.capacity is not None:
        raise Invalid("capacity", _("How many fit at once is the same for everybody."))
    shortest, longest = layer.min_length_minutes, layer.max_length_minutes
    if shortest is not None and longest is not None and shortest > longest:
        raise Invalid("max_length_minutes", _("The longest is shorter than the shortest."))
    says_something = any(
        getattr(layer, name) is not None for name in (*RULE_COLUMNS, "is_regional")
    )
    if says_something:
        session.add(layer)
    elif inspect(layer).persistent:
        session.delete(layer)


def _regions(keys: Collection[str]) -> list[Region]:
    found = list(session.scalars(select(Region).where(Region.key.in_(keys)).order_by(Region.name)))
    if len(found) != len(set(keys)):
        raise Invalid("eligible_regions", _("There is no such region."))
    return found


def _change_hours(actor: Actor, resource: Resource, hours: Sequence[Mapping[str, Any]]) -> None:
    _check_hours(hours)
    if resource.kind == "facility":
        facility = get_facility(resource.facility_id or 0)
        if facility.opening_hours != sort_hours(hours):
            update_facility(actor, facility, opening_hours=hours)
    else:
        resource.hours = sort_hours(hours) or None


def _present_hours(resource: Resource) -> Sequence[Mapping[str, Any]]:
    if resource.kind == "facility":
        return get_facility(resource.facility_id or 0).opening_hours
    return resource.hours or []


def _check_hours(hours: Sequence[Mapping[str, Any]]) -> None:
    problem = find_hours_problem(hours)
    if problem is not None and problem.kind == "order":
        raise Invalid(
            "hours", _("Row %(number)d closes before it opens.", number=problem.number + 1)
        )
    if problem is not None:
        raise Invalid(
            "hours", _("Row %(number)d overlaps another of its day.", number=problem.number + 1)
        )


def _change_bookable(actor: Actor, resource: Resource, is_bookable: bool) -> None:
    if resource.kind == "equipment":
        equipment = get_equipment(resource.equipment_id or 0)
        if equipment.is_bookable != is_bookable:
            terms = "bookable" if is_bookable else "by_request"
            update_equipment(actor, equipment, sharing_terms=terms)
    elif resource.kind != "organization":
        resource.is_bookable = is_bookable


def keep_to(model: type[Closure] | type[SpecialHours], resource: Resource, most: int) -> None:
    """Raise Conflict where a resource has as many of a kind as it may."""
    present = session.scalar(
        select(func.count()).select_from(model).where(model.resource_id == resource.id)
    )
    if (present or 0) >= most:
        raise Conflict(_("Please keep to %(most)d at most.", most=most))
