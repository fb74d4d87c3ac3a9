"""What stands against an attempt to book: every problem at once, in words for the person."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from textwrap import shorten

from flask_babel import gettext as _
from flask_babel import ngettext

from portal.bookings.rules.attempt import (
    Attempt,
    ClosedSpan,
    Problem,
    Situation,
    Span,
    Taken,
)
from portal.bookings.rules.free import (
    FARTHEST_DAYS,
    apart_among,
    apart_from,
    day_end,
    earliest_start,
    horizon_days,
    kept_spans,
    latest_end,
    lets_in,
)
from portal.bookings.rules.hours import (
    is_on_slot,
    local_date,
    local_days,
    open_rows,
    open_spans,
    slot_row,
    without,
)
from portal.bookings.rules.places import crowded
from portal.bookings.rules.quotas import Excess, exceeded
from portal.bookings.rules.telling import (
    write_day,
    write_instant,
    write_length,
    write_list,
    write_span,
)
from portal.bookings.rules.wording import write_sharer
from portal.bookings.rules.words import PROBLEMS, QUOTA_PERIODS
from portal.kernel.times import write_hours, write_time
from portal.organizations.rules import ORGANIZATION_KINDS

#: The longest booking where the rules say nothing; of what is longer, no more than this is judged.
LONGEST_DAYS = 366
#: So many sentences one problem says at most, and so long what a host wrote may be in them: with
#: an override the message is kept, in 500 characters.
_MOST_SENTENCES = 2
_LONGEST_REASON = 60


def find_problems(attempt: Attempt, situation: Situation) -> list[Problem]:
    """Return all problems of an attempt, in the order of `words.PROBLEMS`."""
    found = []
    for code, is_overridable in PROBLEMS.items():
        hint, find = _FINDERS[code]
        message = " ".join(islice(find(attempt, situation), _MOST_SENTENCES))
        if message:
            may_be = is_overridable and not (
                code == "too_far_ahead" and attempt.span.ends_at > day_end(situation, FARTHEST_DAYS)
            )
            found.append(Problem(code, message, may_be, hint))
    return found


def _in_the_past(attempt: Attempt, situation: Situation) -> Iterator[str]:
    if attempt.span.starts_at < situation.now and not _goes_on(attempt, situation):
        yield _(
            "Please choose a later beginning: it is %(time)s now.",
            time=write_instant(
                situation.now, situation.hours.zone, on=_first_day(attempt, situation)
            ),
        )


def _goes_on(attempt: Attempt, situation: Situation) -> bool:
    """Tell whether only the end of a booking is changed, to a time that is still to come."""
    return (
        attempt.was is not None
        and attempt.was.starts_at == attempt.span.starts_at
        and attempt.span.ends_at > situation.now
    )


def _outside_hours(attempt: Attempt, situation: Situation) -> Iterator[str]:
    hours, span = situation.hours, _judged(attempt)
    left = without([span], open_spans(hours, span))
    if not left:
        return
    for day in local_days(hours.zone, left[0]):
        rows = open_rows(hours, day)
        if rows:
            yield _(
                "On %(day)s it is open %(hours)s.",
                day=write_day(day),
                hours=write_list(write_hours(opens, closes) for opens, closes in rows),
            )
        else:
            yield _("On %(day)s it is not open.", day=write_day(day))


def _judged(attempt: Attempt) -> Span:
    longest = attempt.span.starts_at + dt.timedelta(days=LONGEST_DAYS)
    return Span(attempt.span.starts_at, min(attempt.span.ends_at, longest))


def _closed(attempt: Attempt, situation: Situation) -> Iterator[str]:
    for one in _closed_spans(attempt, situation, "closure", "blocking"):
        when = write_span(one.span, situation.hours.zone)
        if one.kind == "blocking":
            yield _("It is kept free for others %(when)s%(why)s.", when=when, why=_why(one))
        else:
            yield _("It is closed %(when)s%(why)s.", when=when, why=_why(one))


def _outage(attempt: Attempt, situation: Situation) -> Iterator[str]:
    for one in _closed_spans(attempt, situation, "outage"):
        when = write_span(one.span, situation.hours.zone)
        if one.because_of:
            yield _(
                "“%(name)s”, which it needs, is out of order %(when)s%(why)s.",
                name=shorten(one.because_of, _LONGEST_REASON, placeholder="…"),
                when=when,
                why=_why(one),
            )
        else:
            yield _("It is out of order %(when)s%(why)s.", when=when, why=_why(one))


def _closed_spans(attempt: Attempt, situation: Situation, *kinds: str) -> Iterable[ClosedSpan]:
    return sorted(
        (
            one
            for one in situation.closed
            if one.kind in kinds
            and one.span.overlaps(attempt.span)
            and not lets_in(one, attempt.organization_id)
        ),
        key=lambda one: one.span,
    )


def _why(one: ClosedSpan) -> str:
    return f" ({shorten(one.reason, _LONGEST_REASON, placeholder='…')})" if one.reason else ""


def _too_short(attempt: Attempt, situation: Situation) -> Iterator[str]:
    least = situation.rules.min_length_minutes
    if attempt.span.minutes < least:
        yield _("Please book at least %(length)s.", length=write_length(least))


def _too_long(attempt: Attempt, situation: Situation) -> Iterator[str]:
    longest = LONGEST_DAYS * 24 * 60
    most = min(situation.rules.max_length_minutes or longest, longest)
    if attempt.span.minutes > most:
        yield _("Please book at most %(length)s.", length=write_length(most))


def _not_on_slot(attempt: Attempt, situation: Situation) -> Iterator[str]:
    hours, slot = situation.hours, situation.rules.slot_minutes
    for moment, is_end in ((attempt.span.starts_at, False), (attempt.span.ends_at, True)):
        if not is_on_slot(hours, slot, moment, is_end=is_end):
            _day, (opens, _closes) = slot_row(hours, moment, is_end=is_end)
            yield _(
                "Bookings begin and end in steps of %(length)s, counted from %(time)s.",
                length=write_length(slot),
                time=write_time(opens),
            )
            return


def _too_soon(attempt: Attempt, situation: Situation) -> Iterator[str]:
    earliest = earliest_start(situation)
    # What is over already is not merely soon.
    if situation.now <= attempt.span.starts_at < earliest and not _goes_on(attempt, situation):
        yield _(
            "Please book at least %(length)s ahead: from %(time)s on.",
            length=write_length(situation.rules.lead_time_minutes),
            time=write_instant(earliest, situation.hours.zone, on=_first_day(attempt, situation)),
        )


def _too_far_ahead(attempt: Attempt, situation: Situation) -> Iterator[str]:
    if attempt.span.ends_at > latest_end(situation):
        days, zone = horizon_days(situation.rules), situation.hours.zone
        last = local_date(zone, situation.now) + dt.timedelta(days=days)
        yield ngettext(
            "Please book at most %(num)d day ahead: until %(day)s.",
            "Please book at most %(num)d days ahead: until %(day)s.",
            days,
            day=write_day(last, has_year=True),
        )


def _buffer(attempt: Attempt, situation: Situation) -> Iterator[str]:
    rules, span, zone = situation.rules, attempt.span, situation.hours.zone
    if rules.capacity > 1:
        if not _full_spans(attempt, situation):
            others = _others(attempt, situation)
            for one in kept_spans(others, rules):
                if one.overlaps(span.widened(0, apart_among(others, rules))):
                    yield _(
                        "All %(count)d places are booked or kept free between bookings %(when)s.",
                        count=rules.capacity,
                        when=write_span(one, zone),
                    )
        return
    day = _first_day(attempt, situation)
    near = [
        (other.span, apart)
        for other in _others(attempt, situation)
        if (apart := apart_from(other, rules, attempt.user_id))
        and not other.span.overlaps(span)
        and other.span.widened(apart, apart).overlaps(span)
    ]
    for other, apart in sorted(near):
        if other.ends_at <= span.starts_at:
            yield _(
                "Please leave %(length)s free after the booking that ends at %(time)s.",
                length=write_length(apart),
                time=write_instant(other.ends_at, zone, on=day),
            )
        else:
            yield _(
                "Please leave %(length)s free before the booking that begins at %(time)s.",
                length=write_length(apart),
                time=write_instant(other.starts_at, zone, on=day),
            )


def _first_day(attempt: Attempt, situation: Situation) -> dt.date:
    return local_date(situation.hours.zone, attempt.span.starts_at)


def _others(attempt: Attempt, situation: Situation) -> list[Taken]:
    return [one for one in situation.taken if one.booking_id != attempt.booking_id]


def _full_spans(attempt: Attempt, situation: Situation) -> list[Span]:
    spans = [one.span for one in _others(attempt, situation)]
    if not any(one.overlaps(attempt.span) for one in spans):
        return []
    full = crowded(spans, situation.rules.capacity)
    return [one for one in full if one.overlaps(attempt.span)]


def _quota_exceeded(attempt: Attempt, situation: Situation) -> Iterator[str]:
    for excess in exceeded(situation.quotas, _judged(attempt), situation.hours.zone):
        yield _tell_excess(excess, situation.hours.zone)


def keeps_quotas(attempt: Attempt, situation: Situation) -> bool:
    """Tell whether no quota stands against an attempt."""
    return not exceeded(situation.quotas, _judged(attempt), situation.hours.zone)


def _tell_excess(excess: Excess, zone: str) -> str:
    quota, period = excess.quota, excess.period
    if excess.is_of_minutes and quota.most_minutes is not None:
        most, much = write_length(quota.most_minutes), write_length(excess.minutes)
    else:
        most = _count_bookings(quota.most_bookings or 0)
        much = _count_bookings(excess.bookings)
    first = local_date(zone, period.starts_at)
    last = local_date(zone, period.ends_at - dt.timedelta(seconds=1))
    said = {
        "most": most,
        "period": QUOTA_PERIODS[quota.period],
        "sharer": write_sharer(quota.shared_by, quota.source),
        "much": much,
        "first": write_day(first),
    }
    if first == last:
        return _(
            "At most %(most)s %(period)s for %(sharer)s: with this booking it would be %(much)s "
            "on %(first)s.",
            **said,
        )
    return _(
        "At most %(most)s %(period)s for %(sharer)s: with this booking it would be %(much)s "
        "from %(first)s to %(last)s.",
        **said,
        last=write_day(last),
    )


def _count_bookings(count: int) -> str:
    return ngettext("%(num)d booking", "%(num)d bookings", count)


def _not_eligible(attempt: Attempt, situation: Situation) -> Iterator[str]:
    rules, gates = situation.rules, situation.gates
    if rules.eligible_kinds is not None and not gates.is_eligible_kind:
        kinds = [
            str(words) for kind, words in ORGANIZATION_KINDS.items() if kind in rules.eligible_kinds
        ]
        if kinds:
            yield _(
                "Only these kinds of organizations may book it: %(kinds)s.", kinds=", ".join(kinds)
            )
        else:
            yield _("No other organization may book it.")
    if rules.eligible_region_ids is not None and not gates.is_eligible_region:
        if gates.region_names:
            names = ", ".join(gates.region_names)
            yield _("Only organizations of these regions may book it: %(regions)s.", regions=names)
        else:
            yield _("No other organization may book it.")


def _not_qualified(attempt: Attempt, situation: Situation) -> Iterator[str]:
    if situation.rules.needs_qualification and not situation.gates.is_qualified:
        yield _("Whoever uses it needs a qualification that is valid until the end of the booking.")


def _agreement_missing(attempt: Attempt, situation: Situation) -> Iterator[str]:
    if situation.rules.needs_agreement and not situation.gates.has_agreement:
        yield _("There is no signed agreement yet between your organization and the host.")


def _insurance_missing(attempt: Attempt, situation: Situation) -> Iterator[str]:
    if situation.rules.needs_insurance and not situation.gates.has_insurance:
        yield _("The host has no insurance certificate of yours that is valid at that time.")


def _induction_missing(attempt: Attempt, situation: Situation) -> Iterator[str]:
    if situation.rules.needs_induction and not situation.gates.has_induction:
        yield _("Whoever uses it needs a safety induction by the host first.")


def _conflict(attempt: Attempt, situation: Situation) -> Iterator[str]:
    capacity = situation.rules.capacity
    for one in _full_spans(attempt, situation):
        when = write_span(one, situation.hours.zone)
        if capacity == 1:
            yield _("It is already booked %(when)s.", when=when)
        else:
            yield _("All %(count)d places are already booked %(when)s.", count=capacity, when=when)


#: How each problem is found, and where a missing gate can be opened.
_FINDERS: Mapping[str, tuple[str, Callable[[Attempt, Situation], Iterator[str]]]] = {
    "in_the_past": ("", _in_the_past),
    "outside_hours": ("", _outside_hours),
    "closed": ("", _closed),
    "outage": ("", _outage),
    "too_short": ("", _too_short),
    "too_long": ("", _too_long),
    "not_on_slot": ("", _not_on_slot),
    "too_soon": ("", _too_soon),
    "too_far_ahead": ("", _too_far_ahead),
    "buffer": ("", _buffer),
    "quota_exceeded": ("", _quota_exceeded),
    "not_eligible": ("", _not_eligible),
    "not_qualified": ("qualification", _not_qualified),
    "agreement_missing": ("agreement", _agreement_missing),
    "insurance_missing": ("insurance", _insurance_missing),
    "induction_missing": ("induction", _induction_missing),
    "conflict": ("", _conflict),
}
