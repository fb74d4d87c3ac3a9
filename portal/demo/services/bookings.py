"""Calendars of the demo's machines, who has access to them, and who has booked them."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import exists, select
from sqlalchemy.orm import joinedload

from portal.accounts.models import User
from portal.accounts.queries import find_user_by_email
from portal.bookings.models.access import AccessRequest
from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Closure, Resource
from portal.bookings.queries.bookings import get_booking, get_resource
from portal.bookings.queries.calendar import load_hours
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.recurrence import Recurrence
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.timetable import day_span
from portal.bookings.services import access as gates
from portal.bookings.services import calendar as calendars
from portal.bookings.services import closures, making, steps
from portal.demo.policies import Permission
from portal.demo.rules.bookings import DemoAccess, DemoBooking, workday_after
from portal.demo.rules.organizations import DemoOrganization
from portal.demo.services.acting import find_organization, member_of, owner_of, without_mail
from portal.demo.services.dating import ago, date_step
from portal.facilities.models import Equipment
from portal.kernel.authorization import Actor
from portal.kernel.clock import now, today_here
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.organizations.models import Organization
from portal.regions.queries.regions import counties_of_region, find_region


@command(Permission.DEMO_LOAD)
def load_access(actor: Actor, *, access: DemoAccess, host: DemoOrganization) -> int:
    """Let somebody ask a host for access to its equipment, and the host grant it.

    Returns 1, or 0 where it was asked for before.
    """
    row, user = find_organization(host), find_user_by_email(access.person)
    if row is None or user is None:
        return 0
    equipment = session.scalars(
        select(Equipment)
        .options(joinedload(Equipment.organization))
        .where(Equipment.organization_id == row.id, Equipment.name == access.equipment)
    ).one()
    is_asked = exists().where(
        AccessRequest.user_id == user.id,
        AccessRequest.kind == access.kind,
        AccessRequest.equipment_id == equipment.id,
    )
    if session.scalar(select(is_asked)):
        return 0
    with without_mail():
        owner = owner_of(row)
        _ask_and_grant(owner, row, user, equipment, access)
        if access.needed:
            resource = calendars.open_resource(owner, equipment)
            needs: dict[str, Any] = {f"needs_{access.kind}": True}
            calendars.change_rules(owner, resource, **needs)
    return 1


@command(Permission.DEMO_LOAD)
def load_booking(actor: Actor, *, booking: DemoBooking, host: DemoOrganization) -> int:
    """Let somebody book a machine under its rules, and the host approve it.

    Returns how many bookings were made: none where it was booked before, or cannot be.
    """
    row, user = find_organization(host), find_user_by_email(booking.person)
    if row is None or user is None:
        return 0
    equipment = session.scalars(
        select(Equipment)
        .options(joinedload(Equipment.organization))
        .where(Equipment.organization_id == row.id, Equipment.name == booking.equipment)
    ).one()
    is_booked = exists().where(Booking.user_id == user.id, Booking.purpose == booking.purpose)
    if session.scalar(select(is_booked)):
        return 0
    with without_mail():
        person = member_of(user)
        resource = get_resource(calendars.open_resource(person, equipment).id)
        day = workday_after(today_here(), booking.in_workdays)
        zone = load_hours(resource, day_span("UTC", day)).zone
        try:
            made = making.create_booking(
                person,
                resource,
                organization=session.get_one(Organization, next(iter(person.memberships))),
                span=_times(booking, day, zone),
                purpose=booking.purpose,
                recurrence=Recurrence("weekly", count=booking.weeks) if booking.weeks > 1 else None,
                on_conflict="skip",
            )
        except Refused:
            return 0
        for one in made:
            one.is_demo = True
            if booking.decision and one.status == "requested":
                steps.act_on_booking(owner_of(row), get_booking(one.id), booking.decision)
    return len(made)


def _times(booking: DemoBooking, day: dt.date, zone: str) -> Span:
    starts_at, ends_at = (
        dt.datetime.combine(day, dt.time.fromisoformat(time), ZoneInfo(zone)).astimezone(dt.UTC)
        for time in (booking.starts, booking.ends)
    )
    return Span(starts_at, ends_at)


def _ask_and_grant(
    owner: Actor, host: Organization, user: User, equipment: Equipment, access: DemoAccess
) -> None:
    person = member_of(user)
    organization_id = next(iter(person.memberships))
    asked = gates.ask_for_access(
        person,
        host,
        organization_id=organization_id,
        kind=access.kind,
        equipment_id=equipment.id,
        message=access.message,
    )
    days = access.granted_days_ago
    asked.created_at = ago(days + 6 if days is not None else 2)
    if days is None:
        return
    good = access.expires_in_days
    expires_on = today_here() + dt.timedelta(days=good) if good is not None else None
    granted_on = today_here() - dt.timedelta(days=days)
    if access.kind == "qualification":
        granted: Any = gates.grant_qualification(
            owner,
            host,
            user_id=user.id,
            equipment_id=equipment.id,
            granted_on=granted_on,
            expires_on=expires_on,
            lapses_after_days=access.lapses_after_days,
            evidence=access.evidence,
        )
    else:
        holder = (
            {"user_id": user.id}
            if access.kind == "induction"
            else {"organization": session.get_one(Organization, organization_id).name}
        )
        granted = gates.file_clearance(
            owner,
            host,
            kind=access.kind,
            valid_from=granted_on,
            expires_on=expires_on,
            reference=access.evidence,
            **holder,
        )
    granted.created_at = asked.closed_at = ago(days)
    subject = "qualification" if access.kind == "qualification" else "clearance"
    date_step(subject, granted.id, "grant", ago(days))
    date_step("access_request", asked.id, "grant", ago(days))


def write_calendars(owner: Actor, row: Organization, organization: DemoOrganization) -> None:
    """Let an organization's bookable machines be booked by rules that suit them.

    What holds for all of them the organization says; a machine that needs training is booked at
    once by those who have it. In each region, the first of them is closed for a day and one of its
    machines is out of order.
    """
    machines = session.scalars(
        select(Equipment)
        .options(joinedload(Equipment.organization))
        .where(Equipment.organization_id == row.id, Equipment.is_bookable)
        .order_by(Equipment.id)
    ).all()
    if not machines:
        return
    whole = calendars.open_resource(owner, row)
    calendars.apply_preset(owner, whole, preset="weekdays")
    for machine in machines:
        if machine.training_needed:
            resource = calendars.open_resource(owner, machine)
            calendars.change_rules(
                owner, resource, approval="instant", needs_qualification=True, lead_time_minutes=0
            )
    if not _has_closures(organization.region):
        midnight = now().replace(hour=0, minute=0, second=0, microsecond=0)
        closures.add_closure(
            owner,
            whole,
            kind="closure",
            starts_at=midnight + dt.timedelta(days=10, hours=13),
            ends_at=midnight + dt.timedelta(days=11, hours=1),
            reason="Closed for inventory.",
        )
        closures.add_closure(
            owner,
            calendars.open_resource(owner, machines[-1]),
            kind="outage",
            starts_at=ago(1),
            ends_at=None,
            reason="Waits for a spare part.",
            is_planned=False,
        )


def _has_closures(region_key: str) -> bool:
    region = find_region(region_key)
    counties = [county.fips for county in counties_of_region(region.id)] if region else []
    found = session.scalar(
        select(Closure.id)
        .join(Resource, Resource.id == Closure.resource_id)
        .join(Organization, Organization.id == Resource.organization_id)
        .where(Organization.county_fips.in_(counties))
        .limit(1)
    )
    return found is not None
