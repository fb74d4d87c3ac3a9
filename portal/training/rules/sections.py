"""What holds for sections: their workflow, what a seat costs, when they stand below the minimum.

Pure functions and tables; nothing here reads the database.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import get_day_names
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.bookings.rules.attempt import Span
from portal.bookings.rules.hours import instant_at
from portal.bookings.rules.recurrence import Recurrence, occurrences, read_recurrence
from portal.bookings.rules.telling import write_clocks, write_list
from portal.facilities.rules import CUSTOMER_CLASSES
from portal.kernel.workflow import Transition, Workflow
from portal.training.events import SectionCancelled, SectionOpened, SectionSaved

SECTION_STATUSES: Mapping[str, Any] = {
    "planned": _l("planned"),
    "open": _l("open for enrollment"),
    "running": _l("running"),
    "completed": _l("completed"),
    "cancelled": _l("cancelled"),
}
#: What others than the provider's people see.
SHOWN_STATUSES = ("open", "running", "completed", "cancelled")
#: What is still to come or under way, so that its dates and rooms may change.
LIVE_STATUSES = ("planned", "open", "running")
#: What has not begun: its free seats are still to be had.
COMING_STATUSES = ("planned", "open")

#: Where a section's page is.
SECTION_ADDRESS = "/training/sections/%d"

MOST_SEATS = 5_000
MOST_MEETINGS = 200
#: Below its minimum a section is cancelled on the day after its deadline; so long before that the
#: provider's desk says so.
WARN_DAYS = 7
#: So long before it begins, the desk asks for a planned section to be opened.
OPEN_DAYS = 14

SECTIONS = Workflow(
    "section",
    SECTION_STATUSES,
    (
        Transition(
            "open",
            ("planned",),
            "open",
            "section.edit",
            _l("Open for enrollment"),
            _l("People can enroll now."),
            lambda row, _actor, _note: SectionOpened(row.id, row.program_id),
            is_main=True,
        ),
        Transition(
            "start",
            ("planned", "open"),
            "running",
            "section.advance",
            _l("Begin now"),
            _l("The section has begun; nobody can enroll any more."),
            lambda row, _actor, _note: SectionSaved(row.id, row.program_id),
        ),
        Transition(
            "complete",
            ("running",),
            "completed",
            "section.advance",
            _l("Complete"),
            _l("The section is completed."),
            lambda row, _actor, _note: SectionSaved(row.id, row.program_id),
        ),
        Transition(
            "cancel",
            ("planned", "open", "running"),
            "cancelled",
            "section.cancel",
            _l("Cancel the section"),
            _l("The section was cancelled. Everybody enrolled is told."),
            lambda row, _actor, note: SectionCancelled(row.id, row.program_id, note),
            note="required",
            confirm=_l("Cancel this section? Everybody enrolled is told, and its rooms are freed."),
        ),
    ),
)

_DAY_MINUTES = 24 * 60
_LONGEST_MEETING = 16 * 60
#: Meetings at more different times than these are not summed up in a line.
_MOST_TIMES = 3


@dataclass(frozen=True)
class Schedule:
    """When a section meets: from and until a time on the wall, once or as it repeats.

    starts, ends: minutes after midnight; what ends before it begins ends on the next day.
    """

    date: dt.date
    starts: int
    ends: int
    recurrence: Recurrence | None = None

    def spans(self, zone: str) -> list[Span]:
        """Return the meetings in order; one more than `MOST_MEETINGS` at most."""
        ends = self.ends if self.ends > self.starts else self.ends + _DAY_MINUTES
        last = self.date + dt.timedelta(days=ends // _DAY_MINUTES)
        first = Span(
            instant_at(zone, self.date, self.starts),
            instant_at(zone, last, ends % _DAY_MINUTES),
        )
        if self.recurrence is None:
            return [first]
        return occurrences(self.recurrence, first, zone, most=MOST_MEETINGS + 1)

    def as_json(self) -> dict[str, Any]:
        """Return what `read_schedule` reads."""
        return {
            "date": self.date.isoformat(),
            "starts": self.starts,
            "ends": self.ends,
            "recurrence": self.recurrence and self.recurrence.as_json(),
        }


def read_schedule(kept: Mapping[str, Any] | None) -> Schedule | None:
    """Return the schedule that a section keeps, if it does."""
    if kept is None:
        return None
    recurrence = kept["recurrence"]
    return Schedule(
        dt.date.fromisoformat(kept["date"]),
        kept["starts"],
        kept["ends"],
        read_recurrence(recurrence) if recurrence else None,
    )


def schedule_words(
    kept: Mapping[str, Any] | None, starts_on: dt.date, last_day: dt.date | None
) -> dict[str, Any]:
    """Return when a section meets by the fields of its form, for the form and for tables.

    kept: the schedule as the section keeps it. last_day: where there are no meetings.
    """
    schedule = read_schedule(kept)
    if schedule is None:
        return {"date": starts_on, "last_day": last_day}
    recurrence = schedule.recurrence
    words: dict[str, Any] = {
        "date": schedule.date,
        "starts": _time(schedule.starts),
        "ends": _time(schedule.ends),
        "last_day": last_day,
    }
    if recurrence is not None:
        words |= {
            "frequency": recurrence.frequency,
            "interval": recurrence.interval,
            "weekdays": [str(day) for day in recurrence.weekdays],
            "monthly": "date" if recurrence.nth is None else "weekday",
            "until": recurrence.until,
            "count": recurrence.count,
            "except_dates": sorted(day.isoformat() for day in recurrence.except_dates),
        }
    return words


def _time(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def check_schedule(schedule: Schedule) -> None:
    """Raise ValueError, with words for the person, where a meeting would be much too long."""
    length = (schedule.ends - schedule.starts) % _DAY_MINUTES or _DAY_MINUTES
    if length > _LONGEST_MEETING:
        raise ValueError(_("Please let a meeting end after it begins, within 16 hours."))


def sum_up_meetings(spans: Sequence[Span], zone: str) -> str:
    """Write on what weekdays and when meetings are: "Mon and Wed, 5:30–9:30 PM".

    Days of the same times stand together, the most usual first; of more than three times, only
    that they differ.
    """
    days: dict[str, set[int]] = defaultdict(set)
    usual: Counter[str] = Counter()
    for span in spans:
        begins, ends = (one.astimezone(ZoneInfo(zone)) for one in (span.starts_at, span.ends_at))
        times = write_clocks(begins, ends)
        days[times].add(begins.weekday())
        usual[times] += 1
    if len(usual) > _MOST_TIMES:
        return _("at different times")
    names = get_day_names("abbreviated", locale=get_locale() or "en")
    return "; ".join(
        f"{write_list(names[day] for day in sorted(days[times]))}, {times}"
        for times, _number in usual.most_common()
    )


def find_repeated_class(rows: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the number of the first price whose customer class stood before, or None."""
    seen: set[str] = set()
    for number, row in enumerate(rows):
        if row["customer_class"] in seen:
            return number
        seen.add(row["customer_class"])
    return None


def price_for(
    prices: Mapping[str, int], customer_class: str, program_cents: int | None
) -> int | None:
    """Return what a seat costs a customer class, in cents; None where nobody has said so.

    prices: by class. A class without a price pays what others pay, else what the program costs;
    the provider's own people pay only where a price for them is written down.
    """
    if customer_class in prices:
        return prices[customer_class]
    if customer_class == "own_organization":
        return 0
    return prices.get("other", program_cents)


def price_range(
    prices: Mapping[str, int], program_cents: int | None
) -> tuple[int | None, int | None]:
    """Return the lowest and the highest price that people of other organizations pay."""
    known = [
        cents
        for name in CUSTOMER_CLASSES
        if name != "own_organization"
        and (cents := price_for(prices, name, program_cents)) is not None
    ]
    return (min(known), max(known)) if known else (None, None)


def last_day_to_enroll(enroll_until: dt.date | None, starts_on: dt.date) -> dt.date:
    """Return the last day on which one may enroll: the deadline, or the day before it begins."""
    return enroll_until if enroll_until is not None else starts_on - dt.timedelta(days=1)


def is_open_on(status: str, day: dt.date, enroll_until: dt.date | None, starts_on: dt.date) -> bool:
    """Tell whether one may enroll in a section on a day."""
    return status == "open" and day <= last_day_to_enroll(enroll_until, starts_on)
