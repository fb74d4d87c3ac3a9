"""What people fill in on the pages of bookings: dates and times of a clock on the wall."""

import datetime as dt
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import ValidationError

from portal.bookings.forms.bookings import FREQUENCIES, ON_CONFLICT, SCOPES, PlannedUse
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.recurrence import MOST_COUNT, MOST_INTERVAL, Recurrence, read_recurrence
from portal.bookings.rules.telling import write_times
from portal.bookings.rules.timetable import moments_at
from portal.facilities.rules import WEEKDAYS
from portal.kernel.fields import (
    ChoiceField,
    ChoicesField,
    ClockField,
    DateField,
    ListField,
    RecordField,
    TextField,
    WholeNumberField,
    YesNoField,
    read_instant,
)
from portal.kernel.forms import Form

MONTHLY = {
    "date": _l("On the same date"),
    "weekday": _l("On the same weekday, such as the second Tuesday"),
}
#: Miles, as texts.
DISTANCES = {
    "25": _l("within 25 miles"),
    "50": _l("within 50 miles"),
    "100": _l("within 100 miles"),
    "250": _l("within 250 miles"),
}
#: So far people look for what they could drive to, if they do not say how far.
USUAL_DISTANCE = "100"
_YEARS = (2000, 2100)


def check_year(_form: wtforms.Form, field: Any) -> None:
    if field.data is not None and not _YEARS[0] <= field.data.year <= _YEARS[1]:
        raise ValidationError(_("Please give a date of this century."))


class SpanForm(Form):
    """A time from one moment to another, as clocks show them where the resource is.

    is_second_…: of a time that the clock shows twice on a night, the second one is meant.
    """

    date = DateField(_l("Day"), [check_year], is_required=True)
    starts = ClockField(_l("From"), is_required=True)
    ends = ClockField(_l("Until"), is_required=True)
    ends_on = DateField(
        _l("Last day"), [check_year], description=_l("Only if it ends on another day.")
    )
    is_second_start = YesNoField(_l("It begins the second time that the clock shows this"))
    is_second_end = YesNoField(_l("It ends the second time that the clock shows this"))

    def second_times(self, zone: str) -> list[str]:
        """Return the fields that ask which of two equal times of the clock is meant."""
        found = []
        if self._is_twice(zone, self.date.data, self.starts):
            found.append("is_second_start")
        if self._is_twice(zone, self.ends_on.data or self.date.data, self.ends):
            found.append("is_second_end")
        return found

    @staticmethod
    def _is_twice(zone: str, date: Any, field: ClockField) -> bool:
        return (
            isinstance(date, dt.date)
            and _YEARS[0] <= date.year <= _YEARS[1]
            and field.minutes is not None
            and len(moments_at(zone, date, field.minutes)) > 1
        )

    def read_span(self, zone: str) -> Span | None:
        """Return the span of a form whose fields are valid, or None with an error at a field."""
        starts, ends = self.starts.minutes, self.ends.minutes
        if starts is None or ends is None or self.date.data is None:
            return None
        last = self.ends_on.data or self.date.data
        if not ends and self.ends_on.data is None:
            ends = 24 * 60  # midnight is the end of the day
        span = Span(
            _pick(moments_at(zone, self.date.data, starts), self.is_second_start.data),
            _pick(moments_at(zone, last, ends), self.is_second_end.data),
        )
        if span.ends_at <= span.starts_at:
            self.add_error("ends", _("Please let it end after it begins."))
            return None
        return span


def _pick(moments: list[dt.datetime], is_second: bool) -> dt.datetime:
    return moments[-1] if is_second else moments[0]


def span_values(span: Span, zone: str) -> dict[str, Any]:
    """Return what stands in the fields of a `SpanForm` for a span."""
    place = ZoneInfo(zone)
    begins, ends = (moment.astimezone(place) for moment in (span.starts_at, span.ends_at))
    is_midnight = (ends.hour, ends.minute) == (0, 0)
    last = ends.date() - dt.timedelta(days=int(is_midnight))
    is_one_day = last == begins.date()
    return {
        "date": begins.date(),
        "starts": f"{begins:%H:%M}",
        "ends": f"{ends:%H:%M}",
        "ends_on": None if is_one_day else ends.date(),
        "is_second_start": bool(begins.fold),
        "is_second_end": bool(ends.fold),
    }


def write_instead(was: Span, other: Span) -> str:
    """Write that something is to be at another time, as `BookingPageForm.instead` reads it."""
    moments = (was.starts_at, was.ends_at, other.starts_at, other.ends_at)
    return "/".join(moment.isoformat() for moment in moments)


def tell_instead(was: Span, other: Span, zone: str) -> str:
    """Say that something is at another time."""
    return _(
        "Instead of %(was)s: %(when)s", was=write_times(was, zone), when=write_times(other, zone)
    )


class BookingPageForm(SpanForm, PlannedUse):
    """A booking: when, for whom, what for, with what else, and how it repeats."""

    organization_id = RecordField(_l("Which organization books"))
    for_user = RecordField(
        _l("Who will be there"),
        empty=_l("Nobody yet"),
        description=_l("You, or a colleague who may use it."),
    )
    purpose = TextField(
        _l("What for"),
        longest=500,
        description=_l("The people of both organizations see it; others do not."),
    )
    also = ChoicesField(_l("Book along"), choices={})
    frequency = ChoiceField(_l("Repeats"), choices=FREQUENCIES)
    interval = WholeNumberField(
        _l("Every how many days, weeks or months"), least=1, most=MOST_INTERVAL
    )
    weekdays = ChoicesField(_l("On which weekdays"), choices=WEEKDAYS)
    monthly = ChoiceField(_l("In each month"), choices=MONTHLY, default="date", is_required=True)
    until = DateField(_l("Last date"), [check_year])
    count = WholeNumberField(_l("Or how many times"), least=1, most=MOST_COUNT)
    except_dates = ListField(
        _l("But not on"), most=100, longest=10, description=_l("Dates such as 2027-12-24.")
    )
    instead = ChoicesField(_l("At another time"), choices={})
    on_conflict = ChoiceField(
        _l("If one of them cannot be booked"),
        choices=ON_CONFLICT,
        default="refuse",
        is_required=True,
    )
    override_reason = TextField(
        _l("Why the rules are set aside"), longest=500, description=_l("It stays with the booking.")
    )

    def offer_instead(self, zone: str) -> None:
        """Let what was chosen to be at another time be chosen, and say it in words."""
        self.instead.choices = [
            (write_instead(was, other), tell_instead(was, other, zone))
            for was, other in self.read_instead().items()
        ]

    def read_instead(self) -> dict[Span, Span]:
        """Return what of what repeats is to be at which other time."""
        found = {}
        for text in self.instead.data or ():
            with suppress(ValueError):
                begins, ends, *others = (read_instant(one) for one in text.split("/"))
                found[Span(begins, ends)] = Span(*others)
        return {was: other for was, other in found.items() if other.ends_at > other.starts_at}

    def read_recurrence(self) -> Recurrence | None:
        """Return how a booking repeats, if it does; raises ValueError in words."""
        given: dict[str, Any] = self.data
        frequency = given["frequency"]
        if not frequency:
            return None
        said: dict[str, Any] = {"frequency": frequency, "interval": given["interval"] or 1}
        if frequency == "weekly":
            said["weekdays"] = [int(day) for day in given["weekdays"]]
        if frequency == "monthly" and given["monthly"] == "weekday":
            date: dt.date = given["date"]
            nth = (date.day - 1) // 7 + 1
            said |= {"nth": -1 if nth == 5 else nth, "weekday": date.weekday()}
        if given["until"] is not None:
            said["until"] = given["until"].isoformat()
        if given["count"] is not None:
            said["count"] = given["count"]
        if given["except_dates"]:
            said["except_dates"] = given["except_dates"]
        if "until" not in said and "count" not in said:
            raise ValueError(_("Please say until when it repeats, or how many times."))
        return read_recurrence(said)


class MoveForm(SpanForm):
    """Another time or another thing for a booking, or for several of its series."""

    target = ChoiceField(_l("What is booked"), choices={})
    scope = ChoiceField(_l("Which of the series"), choices=SCOPES, default="one", is_required=True)
    reason = TextField(_l("Why"), longest=500)
    override_reason = TextField(_l("Why the rules are set aside"), longest=500)


class HandOverForm(Form):
    """Who of the organization that booked will be there instead."""

    for_user = RecordField(_l("Who will be there"), is_required=True)
    scope = ChoiceField(_l("Which of the series"), choices=SCOPES, default="one", is_required=True)
    reason = TextField(_l("Why"), longest=500)
    override_reason = TextField(_l("Why the rules are set aside"), longest=500)


class PurposeForm(Form):
    """What a booking, or several of its series, are for."""

    purpose = TextField(
        _l("What for"),
        longest=500,
        description=_l("The people of both organizations see it; others do not."),
    )
    scope = ChoiceField(_l("Which of the series"), choices=SCOPES, default="one", is_required=True)


class StepForm(Form):
    """What may go with a step of a booking: a note, for which of its series, rules set aside."""

    note = TextField(_l("Note"), longest=2000)
    scope = ChoiceField(_l("Which of the series"), choices=SCOPES, default="one", is_required=True)
    override_reason = TextField(_l("Why the rules are set aside"), longest=500)


class FreeForm(Form):
    """A time, and perhaps what for and where, to see what is free then."""

    date = DateField(_l("Day"), [check_year], is_required=True)
    starts = ClockField(_l("From"), is_required=True)
    ends = ClockField(_l("Until"), is_required=True)
    capability = TextField(_l("Capability"), longest=120)
    within = ChoiceField(_l("How far from you"), choices=DISTANCES, empty=_l("any distance"))
    organization_id = RecordField(_l("Which organization books"))
    # What was typed where something was taken comes along to what is free instead.
    purpose = TextField(_l("What for"), longest=500)
    for_user = RecordField(_l("Who will be there"))

    @property
    def kept(self) -> dict[str, Any]:
        """What goes into the form of a booking from here, as its address names it."""
        found = {name: self[name].data for name in ("organization_id", "purpose", "for_user")}
        return {name: value for name, value in found.items() if value}
