"""Refuses what is taken before anybody waits, and looks for what would work instead.

Whoever loses a time is told nearly the same as all others who do, within the same second: that is
worked out once. What it is worked out of is read once until anything is committed.
"""

import datetime as dt
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field, replace

from flask_babel import get_locale
from sqlalchemy import bindparam, literal, select

from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource
from portal.bookings.queries.bookings import find_by_key
from portal.bookings.queries.calendar import load_rules
from portal.bookings.queries.situations import Scene, gates_for, load_scene, load_situation
from portal.bookings.rules.attempt import Attempt, BookingRules, Gates, Problem, Situation, Span
from portal.bookings.rules.customers import customer_class_of
from portal.bookings.rules.free import apart_among, lets_in
from portal.bookings.rules.problems import find_problems, keeps_quotas
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.suggestions import MOST_SLOTS, Suggestion, suggest
from portal.bookings.rules.words import HOLDING_STATUSES
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import read_committed
from portal.kernel.settled import committed_for_now, settled_for_now
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
    customer_class = customer_class_of(resource.organization_id, organization.id, organization.kind)
    contest = committed_for_now(
        ("contest", resource.id, customer_class, span, int(now().timestamp())),
        lambda: _find_contest(resource, customer_class, span),
    )
    if contest is None or (key and find_by_key(actor.user_id, key) is not None):
        return
    loser = _Loser(
        contest,
        actor,
        resource,
        organization,
        Attempt(span, actor.user_id, organization.id, customer_class),
    )
    problems = loser.problems()
    if any(problem.code == "conflict" for problem in problems):
        raise Refused(problems, loser.suggestions, resource_id=resource.id)


class _Contest:
    """A time that somebody has, as it is for all of a customer class until the next commit."""

    def __init__(self, resource: Resource, customer_class: str, span: Span) -> None:
        self.customer_class = customer_class
        self.span = span
        self.rules = load_rules(resource, customer_class)
        self._scenes: dict[dt.timedelta | None, Scene] = {}

    def scene(self, resource: Resource, ahead: dt.timedelta | None) -> Scene:
        """Return what decides about the time and what lies around it; None: about it alone."""
        if ahead not in self._scenes:
            window = self.span if ahead is None else _around(self.span, self.rules, ahead)
            self._scenes[ahead] = load_scene(resource, self.customer_class, window)
        return self._scenes[ahead]


def _find_contest(resource: Resource, customer_class: str, span: Span) -> _Contest | None:
    asked = {"resource_id": resource.id, "since": span.starts_at, "until": span.ends_at}
    is_held = read_committed(_IS_HELD, asked)
    return _Contest(resource, customer_class, span) if is_held else None


@dataclass(frozen=True)
class _Loser:
    """Whoever wants a time that somebody has. looked: what they found around it."""

    contest: _Contest
    actor: Actor
    resource: Resource
    organization: Organization
    attempt: Attempt
    looked: dict[dt.timedelta | None, tuple[Situation, tuple[Hashable, ...]]] = field(
        default_factory=dict
    )

    def problems(self) -> list[Problem]:
        """Return all that stands against it."""
        # Where there is one place it is refused, and what would work is looked for in the same
        # time.
        is_full = self.contest.rules.capacity == 1
        situation, alike = self._look(SUGGESTED_SOON if is_full else None)
        # Who may book is asked for the time itself, not for all of what is looked at.
        gates = situation.gates
        if gates != Gates():
            gates = gates_for(
                self.resource,
                self.organization,
                self.attempt.user_id,
                self.attempt.span,
                situation.rules,
                situation.hours.zone,
            )
        if not keeps_quotas(self.attempt, situation):
            return find_problems(self.attempt, replace(situation, gates=gates))
        return settled_for_now(
            ("problems", gates, *alike),
            lambda: find_problems(self.attempt, replace(situation, gates=gates, quotas=())),
        )

    def suggestions(self) -> list[Suggestion]:
        """Return what would work instead."""
        return _soon_or_later(self.attempt, self._suggest)

    def _suggest(self, ahead: dt.timedelta) -> list[Suggestion]:
        """Return what `suggest` does; without quotas it is the same for all who are alike."""
        situation, alike = self._look(ahead)
        found = settled_for_now(
            ("suggestions", ahead, *alike),
            lambda: suggest(self.attempt, replace(situation, quotas=())),
        )
        if all(keeps_quotas(replace(self.attempt, span=one.span), situation) for one in found):
            return found
        return suggest(self.attempt, situation)

    def _look(self, ahead: dt.timedelta | None) -> tuple[Situation, tuple[Hashable, ...]]:
        """Return the situation, and all of it that is not settled, but for quotas.

        Of who it is, no more than decides: most people are alike.
        """
        if ahead not in self.looked:
            user_id, organization = self.attempt.user_id, self.organization
            situation = self.contest.scene(self.resource, ahead).situation(
                self.resource, organization=organization, user_id=user_id, reader=self.actor
            )
            closed, taken = situation.closed, situation.taken
            is_apart = apart_among(taken, situation.rules) > 0
            self.looked[ahead] = (
                situation,
                (
                    self.resource.id,
                    self.attempt.span,
                    self.attempt.customer_class,
                    int(situation.now.timestamp()),
                    get_locale(),
                    situation.gates,
                    closed,
                    tuple(lets_in(one, organization.id) for one in closed),
                    taken,
                    tuple(is_apart and one.user_id == user_id for one in taken),
                ),
            )
        return self.looked[ahead]


_IS_HELD = (
    select(literal(1))
    .where(
        Booking.resource_id == bindparam("resource_id"),
        Booking.status.in_(HOLDING_STATUSES),
        Booking.ends_at > bindparam("since"),
        Booking.starts_at < bindparam("until"),
    )
    .limit(1)
)


def list_suggestions(
    resource: Resource,
    attempt: Attempt,
    *,
    organization: Organization,
    leaving_out: Collection[int] = (),
) -> list[Suggestion]:
    """Return what would work instead of an attempt that does not."""

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

    return _soon_or_later(attempt, look)


def _soon_or_later(
    attempt: Attempt, look: Callable[[dt.timedelta], list[Suggestion]]
) -> list[Suggestion]:
    """Look for suggestions; what lies far ahead is read only where nothing is free soon."""
    found = look(SUGGESTED_SOON)
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
