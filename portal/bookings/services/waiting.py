"""Commands on the waiting list: joined, left, offered in turn, and passed on when not taken."""

import datetime as dt

from flask_babel import gettext as _

from portal.bookings.events import SpanFreed, SpanOffered, WaitingGoesOn
from portal.bookings.models.booking import WaitingEntry
from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries import waiting as queries
from portal.bookings.queries.refusals import list_suggestions
from portal.bookings.queries.situations import load_situation
from portal.bookings.rules.attempt import Attempt, Span
from portal.bookings.rules.customers import customer_class_of
from portal.bookings.rules.problems import find_problems
from portal.bookings.rules.refusal import Refused
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import lock, session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.outbox import record
from portal.kernel.settings import setting
from portal.organizations.models import Organization

#: What goes away when others cancel.
_TAKEN_BY_OTHERS = ("conflict", "buffer")


@command(Permission.WAITING_JOIN)
def join_waiting_list(
    actor: Actor,
    resource: Resource,
    *,
    organization: Organization,
    span: Span,
    purpose: str = "",
) -> WaitingEntry:
    """Wait for a time that others have booked.

    Raises Conflict when it is free, waited for already or not booked here, Refused when it could
    not be booked even if it were free.
    """
    if organization.id not in actor.memberships:
        raise Invalid("organization_id", _("Please choose one of your organizations."))
    if not resource.is_open_to(organization.id):
        raise Conflict(_("This cannot be booked here, so there is nothing to wait for."))
    attempt = _attempt(resource, organization, actor.user_id, span)
    situation = load_situation(
        resource, organization=organization, user_id=actor.user_id, window=span, reader=actor
    )
    problems = find_problems(attempt, situation)
    others = [problem for problem in problems if problem.code not in _TAKEN_BY_OTHERS]
    if others:
        raise Refused(
            others, lambda: list_suggestions(resource, attempt, organization=organization)
        )
    if not problems:
        raise Conflict(_("This time is free. Please book it."))
    if queries.find_waiting(resource.id, actor.user_id, span) is not None:
        raise Conflict(_("You are waiting for this time already."))
    entry = WaitingEntry(
        resource_id=resource.id,
        resource=resource,
        organization_id=organization.id,
        organization=organization,
        user_id=actor.user_id,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        purpose=purpose.strip(),
        status="waiting",
    )
    session.add(entry)
    return entry


@command(Permission.WAITING_LEAVE)
def leave_waiting_list(actor: Actor, entry: WaitingEntry) -> WaitingEntry:
    """Wait no longer; what was offered goes to the next."""
    if entry.status not in ("waiting", "offered"):
        raise Conflict(_("You are not waiting for this any more."))
    if entry.status == "offered":
        record(SpanFreed(entry.resource_id))
    entry.status, entry.offered_until = "left", None
    return entry


@command(Permission.WAITING_OFFER)
def offer_freed_time(
    actor: Actor, resource: Resource, *, after_entry_id: int = 0
) -> list[WaitingEntry]:
    """Offer what is free now to those who wait for it, in the order in which they came.

    Where many wait, those who came later are asked in a transaction of their own, so that nobody
    who wants to book meanwhile waits for all of them.
    """
    offered = []
    asked = queries.list_waiting(resource.id, after_entry_id)
    if len(asked) == queries.MOST_ASKED:
        record(WaitingGoesOn(resource.id, asked[-1].id))
    for entry in asked:
        if not resource.is_open_to(entry.organization_id):
            continue
        span = Span(entry.starts_at, entry.ends_at)
        situation = load_situation(
            resource, organization=entry.organization, user_id=entry.user_id, window=span
        )
        if find_problems(_attempt(resource, entry.organization, entry.user_id, span), situation):
            continue
        until = now() + dt.timedelta(minutes=setting("WAITING_OFFER_MINUTES"))
        entry.status, entry.offered_until = "offered", min(until, entry.starts_at)
        session.flush()
        record(SpanOffered(entry.id))
        offered.append(entry)
    return offered


@command(Permission.WAITING_OFFER)
def pass_on_offers(actor: Actor) -> int:
    """Let offers lapse that nobody took in time, for the next in line; return how many."""
    lapsed = 0
    for entry in queries.list_lapsing():
        lock(entry)
        if entry.status == "offered":
            record(SpanFreed(entry.resource_id))
        elif entry.status != "waiting":
            continue
        entry.status, entry.offered_until = "lapsed", None
        lapsed += 1
    return lapsed


def _attempt(
    resource: Resource, organization: Organization, user_id: int | None, span: Span
) -> Attempt:
    return Attempt(
        span,
        user_id,
        organization.id,
        customer_class_of(resource.organization_id, organization.id, organization.kind),
    )
