"""Booking rules in words: what each of them is called, and what its value means to people."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from babel.dates import get_day_names
from flask_babel import get_locale, ngettext, pgettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.bookings.rules.attempt import BookingRules, Hours
from portal.bookings.rules.recurrence import Recurrence
from portal.bookings.rules.telling import write_day, write_length, write_list
from portal.bookings.rules.words import QUOTA_PERIODS, QUOTA_POOLS, QUOTA_SHARERS
from portal.facilities.rules import WEEKDAYS
from portal.kernel.times import minutes_of, write_hours
from portal.organizations.rules import ORGANIZATION_KINDS

#: The rules in the order of pages, as hosts call them.
RULES: Mapping[str, Any] = {
    "approval": _l("Who decides"),
    "min_length_minutes": _l("Shortest booking"),
    "max_length_minutes": _l("Longest booking"),
    "slot_minutes": _l("Bookings begin every"),
    "lead_time_minutes": _l("At the latest before it begins"),
    "horizon_days": _l("How far ahead"),
    "cancel_notice_minutes": _l("Cancelled free of charge until"),
    "capacity": _l("How many at once"),
    "turnaround_minutes": _l("Clearing up after every booking"),
    "buffer_before_minutes": _l("Kept free before somebody else’s booking"),
    "buffer_after_minutes": _l("Kept free after somebody else’s booking"),
    "no_show_minutes": _l("Released when nobody checks in for"),
    "needs_qualification": _l("Qualification of who operates it"),
    "needs_agreement": _l("Signed agreement"),
    "needs_insurance": _l("Insurance certificate"),
    "needs_induction": _l("Safety induction"),
    "eligible_kinds": _l("Kinds of organizations"),
    "eligible_region_ids": _l("Regions"),
}

#: Whose word holds, as seen from the page of what inherits it.
SOURCES: Mapping[str, Any] = {
    "own": _l("set here"),
    "facility": _l("from the facility"),
    "organization": _l("from the organization"),
    "": _l("the usual"),
}

_NEEDS: Mapping[str, Any] = {
    "needs_qualification": _l("a qualification"),
    "needs_agreement": _l("a signed agreement"),
    "needs_insurance": _l("an insurance certificate"),
    "needs_induction": _l("a safety induction"),
}


def write_rule(name: str, value: Any, regions: Mapping[int, str] | None = None) -> str:
    """Write what the value of a rule of `RULES` means; regions: names by id."""
    if name == "approval":
        return _("Booked at once") if value == "instant" else _("You approve each booking")
    if name.startswith("needs_"):
        return _("Needed") if value else _("Not needed")
    if name == "capacity":
        return str(value)
    if name == "horizon_days":
        return ngettext("%(num)d day", "%(num)d days", value)
    if name == "eligible_kinds":
        return _("All") if value is None else write_kinds(value)
    if name == "eligible_region_ids":
        return _("All") if value is None else _write_regions(value, regions or {})
    if value is None:
        return _("Never") if name == "no_show_minutes" else _("No limit")
    if value == 0:
        return _("No time") if name.startswith(("buffer", "turnaround")) else _("Any time before")
    if name in ("lead_time_minutes", "cancel_notice_minutes"):
        return _("%(length)s before", length=write_length(value))
    return write_length(value)


def write_kinds(kinds: Collection[str]) -> str:
    """Write the kinds of organizations in the order of their list."""
    names = [str(label) for kind, label in ORGANIZATION_KINDS.items() if kind in kinds]
    return write_list(names) if names else _("None")


def _write_regions(ids: Collection[int], regions: Mapping[int, str]) -> str:
    names = sorted(regions[number] for number in ids if number in regions)
    return write_list(names) if names else _("None")


def write_week(hours: Hours) -> list[tuple[str, str]]:
    """Write the hours of the week by day, days in a row with the same hours together."""
    if hours.week is None:
        return [(_("Every day"), _("Always open"))]
    days = [
        ", ".join(
            write_hours(minutes_of(opens), minutes_of(closes))
            for opens, closes in hours.week.get(day, ())
        )
        or pgettext("hours", "Closed")
        for day in range(7)
    ]
    found: list[tuple[str, str]] = []
    first = 0
    for day in range(1, 8):
        if day == 7 or days[day] != days[first]:
            name = str(WEEKDAYS[str(first)])
            if day - first > 1:
                # Within a phrase, a day is written as its language does: "Lunes a jueves".
                last = get_day_names("wide", locale=get_locale() or "en")[day - 1]
                name = _("%(first)s to %(last)s", first=name, last=last)
            found.append((name, days[first]))
            first = day
    return found


#: How closures repeat, as forms offer it.
REPEATS: Mapping[str, Any] = {
    "daily": _l("every day"),
    "weekly": _l("every week"),
    "monthly": _l("every month, on the same date"),
    "monthly_weekday": _l("every month, on the same weekday of it"),
}


def write_recurrence(recurrence: Recurrence) -> str:
    """Write how something repeats: "every 2 weeks until March 3, 2027"."""
    if recurrence.interval == 1:
        by_weekday = recurrence.frequency == "monthly" and recurrence.nth is not None
        often = str(REPEATS["monthly_weekday" if by_weekday else recurrence.frequency])
    elif recurrence.frequency == "daily":
        often = _("every %(num)d days", num=recurrence.interval)
    elif recurrence.frequency == "weekly":
        often = _("every %(num)d weeks", num=recurrence.interval)
    else:
        often = _("every %(num)d months", num=recurrence.interval)
    if recurrence.until is None:
        return often
    return _("%(often)s until %(day)s", often=often, day=write_day(recurrence.until))


def write_sharer(shared_by: str, source: str) -> str:
    """Write for whom a quota counts, and over what where it is inherited."""
    parts = [QUOTA_SHARERS[shared_by], QUOTA_POOLS.get(source)]
    return ", ".join(str(part) for part in parts if part)


def write_quota(
    shared_by: str,
    period: str,
    most_minutes: int | None,
    most_bookings: int | None,
    source: str = "own",
) -> str:
    """Write a quota: "3 hours a week for each person"."""
    parts = []
    if most_minutes is not None:
        parts.append(write_length(most_minutes))
    if most_bookings is not None:
        parts.append(ngettext("%(num)d booking", "%(num)d bookings", most_bookings))
    return _(
        "At most %(most)s %(period)s for %(sharer)s",
        most=write_list(parts),
        period=QUOTA_PERIODS[period],
        sharer=write_sharer(shared_by, source),
    )


def tell_visitors(
    rules: BookingRules,
    regions: Mapping[int, str],
    quotas: Sequence[str] = (),
    *,
    tells_needs: bool = True,
) -> list[tuple[str, str]]:
    """Say to somebody who wants to book what holds: (what it is about, words) each.

    tells_needs: whether qualification, agreement and the like are among it.
    """
    shortest = write_length(rules.min_length_minutes)
    length = (
        _("From %(shortest)s", shortest=shortest)
        if rules.max_length_minutes is None
        else _(
            "From %(shortest)s to %(longest)s",
            shortest=shortest,
            longest=write_length(rules.max_length_minutes),
        )
    )
    ahead = ngettext("Up to %(num)d day ahead", "Up to %(num)d days ahead", rules.horizon_days)
    if rules.lead_time_minutes:
        ahead = _(
            "%(ahead)s, at the latest %(length)s before",
            ahead=ahead,
            length=write_length(rules.lead_time_minutes),
        )
    found = [
        (
            _("How you book"),
            _("At once, when all of this is kept")
            if rules.approval == "instant"
            else _("You ask, and the host approves"),
        ),
        (_("How long"), length),
        (_("How early"), ahead),
    ]
    if rules.cancel_notice_minutes:
        found.append(
            (
                _("Cancelling"),
                _("Until %(length)s before", length=write_length(rules.cancel_notice_minutes)),
            )
        )
    needed = [str(words) for name, words in _NEEDS.items() if getattr(rules, name)]
    if needed and tells_needs:
        words = write_list(needed)
        found.append((_("What you need"), words[:1].upper() + words[1:]))
    if rules.eligible_kinds is not None:
        found.append((_("For whom"), write_kinds(rules.eligible_kinds)))
    if rules.eligible_region_ids is not None:
        found.append((_("From where"), _write_regions(rules.eligible_region_ids, regions)))
    if rules.capacity > 1:
        found.append((_("How many at once"), str(rules.capacity)))
    found.extend((_("Limit"), words) for words in quotas)
    return found
