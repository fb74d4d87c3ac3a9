"""Refuses what is taken before anybody waits, and looks for what would work instead.

Whoever loses a time is told nearly the same as all others who do, within the same second: that is
worked out once.
"""

import datetime as dt
from collections.abc import Collection, Hashable
from dataclasses import replace

from flask_babel import get_locale
from sqlalchemy import bindparam, exists, select

from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource
from portal.bookings.queries.calendar import load_rules
from portal.bookings.queries.situations import gates_for, load_situation
from portal.bookings.rules.attempt import Attempt, BookingRules, Gates, Situation, Span
from portal.bookings.rules.customers import customer_class_of
from portal.bookings.rules.free import apart_among, lets_in
from portal.bookings.rules.problems import find_problems, keeps_quotas
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.suggestions import MOST_SLOTS, Suggestion, suggest
from portal.bookings.rules.words import HOLDING_STATUSES
from portal.kernel.authorization import Actor
from portal.kernel.database import read_committed
from portal.kernel.settled import settled_for_now
from portal.organizations.models import Organization

#: How far after the wish a suggestion is looked for: first, and where nothing is free until then.
SUGGESTED_SOON = dt.timedelta(days=1)
SUGGESTED_AFTER = dt.timedelta(days=21)


def refuse_what_is_taken(
    actor: Actor, resource: Resource, *, organization: Organization, span: Span, key: str | None
) -> None:
    """Raise Refused for a time that is taken already, for those who need not wait for the lock.

    Whoever passes still has to be judged under the lock. key: the idempotency key; whoever has made
    a booking with it is not refused here.
    """
    user_id = actor.user_id
    asked = {
        "resource_id": resource.id,
        "since": span.starts_at,
        "until": span.ends_at,
        "user_id": user_id,
        "key": key,
    }
    ((is_held, is_made),) = read_committed(_IS_HELD, asked)
    if is_made or not is_held:
        return
    attempt = Attempt(
        span,
        user_id,
        organization.id,
        customer_class_of(resource.organization_id, organization.id, organization.kind),
    )
    rules = load_rules(resource, attempt.customer_class)
    # Where there is one place it is refused, and what would work is looked for in the same time.
    is_full = rules.capacity == 1
    situation = load_situation(
        resource,
        organization=organization,
        user_id=user_id,
        window=_around(span, rules, SUGGESTED_SOON) if is_full else span,
        reader=actor,
    )
    # Who may book is asked for the time itself, not for all of what is looked at.
    gates = situation.gates
    if gates != Gates():
        gates = gates_for(resource, organization, user_id, span, rules, situation.hours.zone)
    alike = _decides_alike(resource, attempt, situation, gates)
    if keeps_quotas(attempt, situation):
        problems = settled_for_now(
            ("problems", *alike),
            lambda: find_problems(attempt, replace(situation, gates=gates, quotas=())),
        )
    else:
        problems = find_problems(attempt, replace(situation, gates=gates))
    if any(problem.code == "conflict" for problem in problems):
        raise Refused(
            problems,
            lambda: list_suggestions(
                resource,
                attempt,
                organization=organization,
                soon=_suggest_alike(attempt, situation, alike) if is_full else None,
            ),
            resource_id=resource.id,
        )


def _decides_alike(
    resource: Resource, attempt: Attempt, situation: Situation, gates: Gates
) -> tuple[Hashable, ...]:
    """Return all that is not settled and decides about an attempt, but for quotas.

    Of who it is, no more than decides: most people are alike.
    """
    closed, taken = situation.closed, situation.taken
    is_apart = apart_among(taken, situation.rules) > 0
    return (
        resource.id,
        attempt.span,
        attempt.customer_class,
        int(situation.now.timestamp()),
        str(get_locale()),
        (situation.gates, gates),
        closed,
        tuple(lets_in(one, attempt.organization_id) for one in closed),
        taken,
        tuple(is_apart and one.user_id == attempt.user_id for one in taken),
    )


def _suggest_alike(
    attempt: Attempt, situation: Situation, alike: tuple[Hashable, ...]
) -> list[Suggestion]:
    """Return what `suggest` does; without quotas it is the same for all who are alike."""
    found = settled_for_now(
        ("suggestions", *alike), lambda: suggest(attempt, replace(situation, quotas=()))
    )
    if all(keeps_quotas(replace(attempt, span=one.span), situation) for one in found):
        return found
    return suggest(attempt, situation)


_IS_HELD = select(
    exists().where(
        Booking.resource_id == bindparam("resource_id"),
        Booking.status.in_(HOLDING_STATUSES),
        Booking.ends_at > bindparam("since"),
        Booking.starts_at < bindparam("until"),
    ),
    exists().where(
        Booking.booked_by_id == bindparam("user_id"), Booking.idempotency_key == bindparam("key")
    ),
)


def list_suggestions(
    resource: Resource,
    attempt: Attempt,
    *,
    organization: Organization,
    leaving_out: Collection[int] = (),
    soon: list[Suggestion] | None = None,
) -> list[Suggestion]:
    """Return what would work instead of an attempt that does not.

    What lies far ahead is read only where nothing is free soon. soon: what would work until then,
    where it is known already.
    """

    def look(ahead: dt.timedelta) -> list[Suggestion]:
        rules = load_rules(resource, attempt.customer_class)
        situation = load_situation(
            resource,
            organization=organization,
            user_id=attempt.user_id,
            window=_around(attempt.span, rules, ahead),
            leaving_out=leaving_out,
        )
        return suggest(attempt, situation)

    found = look(SUGGESTED_SOON) if soon is None else soon
    is_later = any(
        one.kind == "next_free"
        or (one.kind == "shift" and one.span.starts_at > attempt.span.starts_at)
        for one in found
    )
    return found if is_later else look(SUGGESTED_AFTER)


def _around(span: Span, rules: BookingRules, ahead: dt.timedelta) -> Span:
    """Return the time of what would work instead of a span, so far ahead."""
    reach = dt.timedelta(minutes=(MOST_SLOTS + 1) * rules.slot_minutes)
    return Span(span.starts_at - reach, span.ends_at + max(ahead, reach))
