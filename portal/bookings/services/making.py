"""Commands that make bookings: of one thing or several, once or repeated, all or none.

Each locks the resource first, then judges by what is written and writes, in one transaction.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from flask_babel import gettext as _

from portal.bookings.models.booking import (
    Booking,
    BookingSeries,
)
from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries import bookings as queries
from portal.bookings.queries.calendar import load_hours
from portal.bookings.queries.situations import problems_at
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.recurrence import Recurrence, occurrences, replace_some
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.suggestions import MOST_ADVISED, MOST_FOR_EACH, Suggestion
from portal.bookings.services.charging import report_usage
from portal.bookings.services.judging import Wish, book, check_bookable, read_wish, tell_together
from portal.kernel.authorization import Actor
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid
from portal.organizations.models import Organization

MOST_OCCURRENCES = 200


@dataclass(frozen=True)
class _When:
    """A time, how it repeats, and which of the times that follow are at which other time."""

    span: Span
    recurrence: Recurrence | None = None
    instead: Mapping[Span, Span] = field(default_factory=dict)


@command(Permission.BOOKING_CREATE)
def create_booking(
    actor: Actor,
    resource: Resource,
    *,
    organization: Organization,
    span: Span,
    user_id: int | None = None,
    purpose: str = "",
    override_reason: str = "",
    recurrence: Recurrence | None = None,
    instead: Mapping[Span, Span] | None = None,
    on_conflict: str = "refuse",
    idempotency_key: str | None = None,
    plan: Mapping[str, Any] | None = None,
) -> list[Booking]:
    """Book a resource for an organization, or ask for it where its host approves.

    user_id: who will be there, of the same organization; the actor, if nobody is named.
    override_reason: why a host sets broken rules aside; kept with each of them.
    recurrence: makes a booking of each occurrence; with `on_conflict` "skip" those that break a
    rule are left out, as long as one is left. instead: which of them are at which other time.
    idempotency_key: the same call again returns what the first one made.
    plan: how it is to be used, as `report_usage` takes it; the estimate follows.
    Raises Refused with all problems and suggestions, Invalid for a person of another organization
    and for a key that stands for another call.
    """
    wish = read_wish(actor, organization, user_id, purpose, override_reason)
    when = _When(span, recurrence, instead or {})
    return _create(actor, [resource], wish, when, on_conflict, idempotency_key, plan)


@command(Permission.BOOKING_CREATE)
def create_party(
    actor: Actor,
    resources: tuple[Resource, ...],
    *,
    organization: Organization,
    span: Span,
    user_id: int | None = None,
    purpose: str = "",
    override_reason: str = "",
    recurrence: Recurrence | None = None,
    instead: Mapping[Span, Span] | None = None,
    on_conflict: str = "refuse",
    idempotency_key: str | None = None,
    plan: Mapping[str, Any] | None = None,
) -> list[Booking]:
    """Book several resources for one time, all of them or none (machine, bay and operator).

    The rest is as in `create_booking`; a recurrence is told by the clock of the first one's place,
    the plan is about that one, and an occurrence is left out as a whole.
    """
    wish = read_wish(actor, organization, user_id, purpose, override_reason)
    several = list(dict.fromkeys(resources))
    when = _When(span, recurrence, instead or {})
    return _create(actor, several, wish, when, on_conflict, idempotency_key, plan)


@command(Permission.BOOKING_CREATE)
def create_booking_of_kind(
    actor: Actor,
    resources: tuple[Resource, ...],
    *,
    kind: str,
    organization: Organization,
    span: Span,
    user_id: int | None = None,
    purpose: str = "",
    idempotency_key: str | None = None,
) -> list[Booking]:
    """Book the first of several resources of a kind that can be booked at a time.

    kind: what the key stands for, since others may be free when the same call comes again.
    Raises Refused with what stands against the one that has the fewest problems.
    """
    wish = read_wish(actor, organization, user_id, purpose, "")
    digest = _digest(wish, [], _When(span), kind)
    if made := _made_before(actor, idempotency_key, digest):
        return made
    refusals: list[Refused] = []
    for resource in resources:
        check_bookable(resource, organization)
        try:
            made = [book(actor, resource, wish, span)]
        except Refused as refusal:
            refusals.append(refusal)
        else:
            if idempotency_key:
                made[0].idempotency_key, made[0].request_digest = idempotency_key, digest
            return made
    if not refusals:
        raise Conflict(_("There is nothing of this kind that can be booked."))
    raise min(refusals, key=lambda refusal: len(refusal.problems))


def _digest(
    wish: Wish,
    resources: Sequence[Resource],
    when: _When,
    on_conflict: str = "",
    plan: Mapping[str, Any] | None = None,
) -> str:
    said = (
        sorted(resource.id for resource in resources),
        wish.organization.id,
        wish.user_id,
        wish.purpose,
        wish.override_reason,
        when.span.starts_at.isoformat(),
        when.span.ends_at.isoformat(),
        sorted(when.recurrence.as_json().items()) if when.recurrence else None,
        on_conflict,
        sorted(plan.items()) if plan else None,
        # Calls that say nothing of it keep the digest that they had.
        *(
            (was.starts_at.isoformat(), other.starts_at.isoformat(), other.ends_at.isoformat())
            for was, other in when.instead.items()
        ),
    )
    return hashlib.blake2s(repr(said).encode(), digest_size=16).hexdigest()


def _made_before(actor: Actor, key: str | None, digest: str) -> list[Booking]:
    """Return what the same call made before, if anything."""
    number = queries.find_by_key(actor.user_id, key) if key else None
    first = queries.get_booking(number) if number is not None else None
    if first is None:
        return []
    if first.request_digest != digest:
        raise Invalid(
            "idempotency_key", _("This key was used for another booking. Please use a new one.")
        )
    return queries.list_made_together(first)


def _create(
    actor: Actor,
    resources: list[Resource],
    wish: Wish,
    when: _When,
    on_conflict: str,
    key: str | None,
    plan: Mapping[str, Any] | None,
) -> list[Booking]:
    """Book resources together, once or at each occurrence, unless the same call did so before.

    plan: of the first of them.
    """
    digest = _digest(wish, resources, when, on_conflict, plan)
    if made := _made_before(actor, key, digest):
        return made
    for resource in resources:
        check_bookable(resource, wish.organization)
    spans, series = [when.span], None
    if when.recurrence is not None:
        spans = _repeat(resources, when, when.recurrence)
        series = BookingSeries(recurrence=when.recurrence.as_json())
        session.add(series)
        session.flush()
    # In the order in which they are locked.
    ordered = sorted(resources, key=lambda resource: resource.id)
    call = (key, digest) if key else (None, None)
    made = _book_all(
        actor, wish, ordered, spans, series=series, skips=on_conflict == "skip", call=call
    )
    if key and made[0].idempotency_key is None:
        made[0].idempotency_key, made[0].request_digest = call
    for booking in made if plan else ():
        if booking.resource_id == resources[0].id:
            report_usage(actor, booking, **(plan or {}))
    return made


def _repeat(resources: Sequence[Resource], when: _When, recurrence: Recurrence) -> list[Span]:
    """Return when what repeats is."""
    most = MOST_OCCURRENCES // len(resources)
    zone = load_hours(resources[0], when.span).zone
    spans = occurrences(recurrence, when.span, zone, most=most + 1)
    if not spans:
        raise Invalid("recurrence", _("It never repeats this way. Please look again."))
    if len(spans) > most:
        raise Invalid("recurrence", _("Please repeat it %(most)d times at most.", most=most))
    return replace_some(spans, when.instead)


def _book_all(
    actor: Actor,
    wish: Wish,
    resources: Sequence[Resource],
    spans: Sequence[Span],
    *,
    series: BookingSeries | None,
    skips: bool,
    call: tuple[str | None, str | None],
) -> list[Booking]:
    """Book all at all times, or (with `skips`) whenever all can be; else raise all problems."""
    if len(spans) == len(resources) == 1:
        return [book(actor, resources[0], wish, spans[0], series=series, call=call)]
    made: list[Booking] = []
    refusals: list[tuple[Resource, Span, Refused]] = []
    for span in spans:
        try:
            # What was booked already of an occurrence that is left out must not stay.
            with session.begin_nested() if skips else nullcontext():
                made += _book_together(actor, wish, resources, span, series)
        except _NotWhole as error:
            refusals += [(resource, span, refusal) for resource, refusal in error.refusals]
    if refusals and not (skips and made):
        raise Refused(
            tell_together(refusals, things=len(resources), times=len(spans)),
            lambda: _suggest(wish, resources, spans, refusals),
            leaves_some=bool(made),
        )
    return made


def _suggest(
    wish: Wish,
    resources: Sequence[Resource],
    spans: Sequence[Span],
    refusals: Sequence[tuple[Resource, Span, Refused]],
) -> list[Suggestion]:
    """Return what would work instead; of what repeats, instead of the first that cannot be."""
    if len(spans) == 1:
        return _suggest_together(wish, resources, refusals)
    refused = list(dict.fromkeys(span for _resource, span, _refusal in refusals))
    return [
        replace(one, instead_of=span)
        for span in refused[:MOST_ADVISED]
        for one in _suggest_together(
            wish, resources, [refusal for refusal in refusals if refusal[1] == span]
        )[:MOST_FOR_EACH]
    ]


def _suggest_together(
    wish: Wish, resources: Sequence[Resource], refusals: Sequence[tuple[Resource, Span, Refused]]
) -> list[Suggestion]:
    """Return what is suggested for one of several resources and would work for all of them."""
    offered = {one.span: one for _what, _when, refusal in refusals for one in refusal.suggestions}
    return [
        one
        for one in offered.values()
        if not any(
            problems_at(resource, one.span, organization=wish.organization, user_id=wish.user_id)
            for resource in resources
        )
    ]


class _NotWhole(Exception):
    """Not all of what is booked together can be booked."""

    def __init__(self, refusals: list[tuple[Resource, Refused]]) -> None:
        super().__init__()
        self.refusals = refusals


def _book_together(
    actor: Actor,
    wish: Wish,
    resources: Sequence[Resource],
    span: Span,
    series: BookingSeries | None,
) -> list[Booking]:
    """Book resources for one time; raise _NotWhole with all that stands against any of them."""
    party = secrets.token_hex(16) if len(resources) > 1 else None
    made: list[Booking] = []
    refusals: list[tuple[Resource, Refused]] = []
    for resource in resources:
        try:
            made.append(book(actor, resource, wish, span, series=series, party=party))
        except Refused as refusal:
            refusals.append((resource, refusal))
    if refusals:
        raise _NotWhole(refusals)
    return made
