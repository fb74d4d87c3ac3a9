"""What the commands on bookings share: judging an attempt, finding its place, writing it down.

None of it is a command: each part is called within one, which has locked the resource.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.orm.attributes import set_committed_value

from portal.bookings.events import BookingMade, SpanFreed
from portal.bookings.models.booking import (
    Booking,
    BookingOverride,
    BookingSeries,
    WaitingEntry,
)
from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries.calendar import load_hours
from portal.bookings.queries.charging import estimate_cents
from portal.bookings.queries.refusals import list_suggestions
from portal.bookings.queries.situations import list_holding, load_situation
from portal.bookings.rules.attempt import Attempt, Problem, Situation, Span
from portal.bookings.rules.customers import customer_class_of
from portal.bookings.rules.free import apart_among
from portal.bookings.rules.places import deal_places
from portal.bookings.rules.problems import find_problems
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.telling import write_list
from portal.kernel.authorization import Actor, authorize, can
from portal.kernel.database import change_rows, session, write
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.outbox import record
from portal.organizations.models import Organization
from portal.organizations.queries.people import find_membership

_LONGEST_REASON = 500
#: Of what repeats, a problem names so many of the days that it is about.
MOST_DAYS_TOLD = 8


@dataclass(frozen=True)
class Wish:
    """Who wants to book, for whom, what for, and why rules may be set aside."""

    organization: Organization
    user_id: int | None
    purpose: str
    override_reason: str


def read_wish(
    actor: Actor, organization: Organization, user_id: int | None, purpose: str, reason: str
) -> Wish:
    """Return what somebody wishes for. Raises Invalid for whom they cannot book."""
    if organization.id not in actor.memberships and not actor.is_system:
        raise Invalid("organization_id", _("Please choose one of your organizations."))
    if organization.status != "active":
        raise Invalid("organization_id", _("This organization is archived."))
    user_id = actor.user_id if user_id is None else user_id
    if user_id != actor.user_id:
        check_person(organization.id, user_id)
    return Wish(organization, user_id, purpose.strip(), read_reason(reason))


def check_person(organization_id: int, user_id: int | None) -> None:
    """Raise Invalid unless a person belongs to an organization."""
    if find_membership(organization_id, user_id) is None:
        raise Invalid("for_user", _("Please choose somebody of the organization that books."))


def read_reason(reason: str) -> str:
    """Return why something is done. Raises Invalid for a text that is too long."""
    reason = reason.strip()
    if len(reason) > _LONGEST_REASON:
        raise Invalid("override_reason", _("Please use 500 characters at most."))
    return reason


def check_bookable(resource: Resource, organization: Organization) -> None:
    """Raise Conflict unless an organization may book a resource at all."""
    if resource.is_gone:
        raise Conflict(_("This can no longer be booked."))
    if not resource.is_open_to(organization.id):
        raise Conflict(_("This cannot be booked here. Ask its organization to use it."))


def tell_together(
    refusals: Sequence[tuple[Resource, Span, Refused]], *, things: int, times: int
) -> list[Problem]:
    """Return all that stands against several, each once, with what and which days it is about.

    things, times: how many there are; what is about all of them names none.
    """
    about: dict[Problem, list[tuple[Resource, Span]]] = {}
    for resource, span, refusal in refusals:
        for problem in refusal.problems:
            about.setdefault(problem, []).append((resource, span))
    found = []
    for problem, its in about.items():
        told = [its[0][0].name] if things > 1 else []
        if times > 1 and len(its) < times:
            days = [_tell_day(resource, span) for resource, span in its[:MOST_DAYS_TOLD]]
            told.append(
                write_list(days)
                if len(its) <= MOST_DAYS_TOLD
                else _("%(days)s and others", days=", ".join(days))
            )
        which = ", ".join(told)
        message = f"{which}: {problem.message}" if which else problem.message
        found.append(replace(problem, message=message))
    return found


def _tell_day(resource: Resource, span: Span) -> str:
    zone = ZoneInfo(load_hours(resource, span).zone)
    return format_date(span.starts_at.astimezone(zone), "medium")


def book(
    actor: Actor,
    resource: Resource,
    wish: Wish,
    span: Span,
    *,
    series: BookingSeries | None = None,
    party: str | None = None,
    call: tuple[str | None, str | None] = (None, None),
) -> Booking:
    """Write a booking of one resource, or raise Refused with all that stands against it.

    call: an idempotency key, and the digest of what was asked for with it.
    """
    customer_class = customer_class_of(
        resource.organization_id, wish.organization.id, wish.organization.kind
    )
    attempt = Attempt(span, wish.user_id, wish.organization.id, customer_class)
    situation, overridden = judge(actor, resource, attempt, wish.organization, wish.override_reason)
    is_sure = situation.rules.approval == "instant" or decides_about(actor, resource)
    booking = write(
        Booking,
        related={"resource": resource, "organization": wish.organization},
        resource_id=resource.id,
        host_organization_id=resource.organization_id,
        organization_id=wish.organization.id,
        user_id=wish.user_id,
        booked_by_id=actor.user_id,
        series_id=series.id if series else None,
        party=party,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        place=find_place(resource, span, situation) if is_sure else 1,
        status="approved" if is_sure else "requested",
        purpose=wish.purpose,
        customer_class=customer_class,
        estimate_cents=estimate_cents(resource, span, customer_class),
        idempotency_key=call[0],
        request_digest=call[1],
    )
    overrides = overrides_of(actor, booking, overridden, wish.override_reason)
    session.add_all(overrides)
    set_committed_value(booking, "overrides", overrides)
    set_committed_value(booking, "moves", [])
    record(BookingMade(booking.id, actor.user_id))
    take_from_waiting_list(booking)
    return booking


def decides_about(actor: Actor, resource: Resource) -> bool:
    """Tell whether the actor decides about the resource."""
    return can(actor, Permission.BOOKING_OVERRIDE, resource)


def judge(
    actor: Actor,
    resource: Resource,
    attempt: Attempt,
    organization: Organization,
    override_reason: str,
    *,
    leaving_out: Sequence[int] = (),
    about: Callable[[Problem], bool] = lambda _problem: True,
) -> tuple[Situation, list[Problem]]:
    """Return the situation and the problems that a host sets aside; else raise Refused.

    about: which problems count.
    """
    situation = load_situation(
        resource,
        organization=organization,
        user_id=attempt.user_id,
        window=attempt.span,
        leaving_out=leaving_out,
        reader=actor,
        is_binding=True,
    )
    problems = [problem for problem in find_problems(attempt, situation) if about(problem)]
    if problems and override_reason:
        authorize(actor, Permission.BOOKING_OVERRIDE, resource)
        if all(problem.overridable for problem in problems):
            return situation, problems
    if problems:
        raise Refused(
            problems,
            lambda: list_suggestions(
                resource, attempt, organization=organization, leaving_out=leaving_out
            ),
            resource_id=resource.id,
        )
    return situation, []


def find_place(
    resource: Resource,
    span: Span,
    situation: Situation,
    leaving_out: Sequence[int] = (),
    *,
    place: int | None = None,
) -> int:
    """Return a free place, after others that have not begun have changed theirs if need be.

    place: the one where it is in use.
    """
    if situation.rules.capacity == 1:
        return 1
    holding = list_holding(resource, leaving_out)
    dealt = deal_places(
        holding,
        span,
        situation.rules.capacity,
        apart_minutes=apart_among(holding, situation.rules),
        place=place,
    )
    if dealt is None:
        raise Conflict(_("All places are taken at this time."))
    others = {number: place for number, place in dealt.items() if number}
    if others:
        rows = session.scalars(
            select(Booking).where(Booking.id.in_(others)).order_by(Booking.id)
        ).all()
        # Two that change places would collide on the way, but for places that nobody has.
        for row in rows:
            row.place = -row.place
        session.flush()
        for row in rows:
            row.place = others[row.id]
        session.flush()
    return dealt[0]


def take_from_waiting_list(booking: Booking) -> None:
    """Whoever books what was offered, or all of what they waited for, waits no longer.

    What was kept for them and is not booked now, or only asked for, is for the next in line.
    """
    taken = change_rows(
        _TAKE,
        {
            "number": booking.resource_id,
            "person": booking.user_id,
            "since": booking.starts_at,
            "until": booking.ends_at,
        },
    )
    if taken:
        record(SpanFreed(booking.resource_id))


_TAKE = (
    update(WaitingEntry.__table__)  # type: ignore[arg-type]
    .where(
        WaitingEntry.resource_id == bindparam("number"),
        WaitingEntry.user_id == bindparam("person"),
        or_(
            and_(
                WaitingEntry.status == "offered",
                WaitingEntry.starts_at < bindparam("until"),
                WaitingEntry.ends_at > bindparam("since"),
            ),
            and_(
                WaitingEntry.status == "waiting",
                WaitingEntry.starts_at >= bindparam("since"),
                WaitingEntry.ends_at <= bindparam("until"),
            ),
        ),
    )
    .values(status="taken", offered_until=None)
)


def span_of(booking: Booking) -> Span:
    """Return the time of a booking."""
    return Span(booking.starts_at, booking.ends_at)


def attempt_of(booking: Booking, span: Span, user_id: int | None = None) -> Attempt:
    """Return what it is to move a booking to a time, or to give it to a person."""
    return Attempt(
        span,
        booking.user_id if user_id is None else user_id,
        booking.organization_id,
        booking.customer_class,
        booking_id=booking.id,
        was=span_of(booking),
    )


def overrides_of(
    actor: Actor, booking: Booking, problems: Sequence[Problem], reason: str
) -> list[BookingOverride]:
    """Return what is kept of the rules that a host sets aside for a booking."""
    return [
        BookingOverride(
            booking_id=booking.id,
            code=problem.code,
            message=problem.message[:500],
            reason=reason,
            overridden_by_id=actor.user_id,
        )
        for problem in problems
    ]
