"""The shape of booking rules, hours, closures and limits as people and programs give them.

What is left empty is inherited.
"""

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import FormField, ValidationError
from wtforms.fields.choices import Choice

from portal.accounts.forms import time_zones
from portal.bookings.rules.hours import instant_at
from portal.bookings.rules.recurrence import MOST_INTERVAL
from portal.bookings.rules.telling import write_length
from portal.bookings.rules.wording import REPEATS
from portal.bookings.rules.words import (
    APPROVALS,
    CLOSURE_KINDS,
    QUOTA_PERIODS,
    QUOTA_SHARERS,
)
from portal.facilities.forms import HoursRow, SpanRow
from portal.facilities.rules import (
    CUSTOMER_CLASSES,
    MOST_HOURS,
    WEEKDAYS,
    find_hours_problem,
)
from portal.kernel.fields import (
    ChoiceField,
    ChoicesField,
    DateField,
    ListField,
    LongTextField,
    RecordField,
    RowsField,
    TextField,
    TimeField,
    WholeNumberField,
    YesNoField,
)
from portal.kernel.forms import Form, RowForm
from portal.organizations.rules import ORGANIZATION_KINDS

_LONGEST_MINUTES = 366 * 24 * 60
_PART = re.compile(r"(\d{1,6}(?:[.,]\d{1,3})?)\s*([a-zéí]*)\.?")
_UNITS = {"": 1, "m": 1, "h": 60, "d": 24 * 60}


def read_length(text: str) -> int:
    """Return the minutes of "90", "1.5 h", "2 days", "1 hour 30 minutes"; ValueError otherwise."""
    rest = text.strip().lower()
    minutes = 0.0
    if not rest:
        raise ValueError(text)
    while rest:
        found = _PART.match(rest)
        unit = _UNITS.get(found[2][:1]) if found else None
        if found is None or unit is None:
            raise ValueError(text)
        minutes += float(found[1].replace(",", ".")) * unit
        rest = rest[found.end() :].strip(" ,")
    if minutes != round(minutes):
        raise ValueError(text)
    return round(minutes)


class LengthField(WholeNumberField):
    """A length of time, typed as "90", "2 h" or "1 day" and kept in whole minutes, or None."""

    widget = wtforms.widgets.TextInput()
    data: Any

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        kwargs.setdefault("most", _LONGEST_MINUTES)
        super().__init__(label, **kwargs)

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data = None
        if not text:
            return
        try:
            self.data = read_length(text[:60])
        except ValueError as error:
            raise ValueError(
                _("Please give a length such as 30 minutes, 2 hours or 1 day.")
            ) from error

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else write_length(self.data)


def _check_unit(_form: wtforms.Form, field: Any) -> None:
    """Refuse a bare number: who types 8 where hours are the example means no minutes."""
    if str(field.raw_data[0]).strip().isdigit():
        raise ValidationError(_("Please say hours or minutes, such as 8 hours."))


class MaybeField(wtforms.BooleanField):
    """Yes, no, or ("") nothing said; `unsaid` is what a page calls the last."""

    widget = wtforms.widgets.Select()
    unsaid: Any = _l("As inherited")
    data: Any

    def process_data(self, value: Any) -> None:
        self.data = value

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data = {"y": True, "n": False, "false": False}.get(text)

    def has_groups(self) -> bool:
        return False

    def iter_choices(self) -> list[Choice]:
        offered = (("", self.unsaid, None), ("y", _("Yes"), True), ("n", _("No"), False))
        return [Choice(value, label, self.data is kept, {}) for value, label, kept in offered]

    # The widget asks under this name since WTForms 3.3.
    _iter_choices_normalized = iter_choices


class RulesForm(Form):
    """What one resource says of its booking rules for one customer class, or ("") for all."""

    approval = ChoiceField(_l("Who decides"), choices=APPROVALS)
    min_length_minutes = LengthField(_l("Shortest booking"), least=1)
    max_length_minutes = LengthField(_l("Longest booking"), least=1)
    slot_minutes = LengthField(_l("Bookings begin every"), least=1, most=24 * 60)
    lead_time_minutes = LengthField(_l("At the latest before it begins"))
    horizon_days = WholeNumberField(_l("How far ahead"), least=1, most=1100, unit=_l("days"))
    cancel_notice_minutes = LengthField(_l("Cancelled free of charge until"))
    capacity = WholeNumberField(_l("How many at once"), least=1, most=1000)
    turnaround_minutes = LengthField(_l("Clearing up after every booking"), most=7 * 24 * 60)
    buffer_before_minutes = LengthField(
        _l("Kept free before somebody else’s booking"), most=7 * 24 * 60
    )
    buffer_after_minutes = LengthField(
        _l("Kept free after somebody else’s booking"), most=7 * 24 * 60
    )
    no_show_minutes = LengthField(_l("Released when nobody checks in for"), least=1)
    needs_qualification = MaybeField(_l("Qualification of who operates it"))
    needs_agreement = MaybeField(_l("Signed agreement"))
    needs_insurance = MaybeField(_l("Insurance certificate"))
    needs_induction = MaybeField(_l("Safety induction"))
    eligible_kinds = ChoicesField(_l("Kinds of organizations"), choices=ORGANIZATION_KINDS)
    is_regional = MaybeField(_l("Only organizations of certain regions"))
    eligible_regions = ListField(
        _l("Regions"),
        most=60,
        longest=80,
        description=_l("Keys of regions, as in /api/v1/regions."),
    )

    def validate_max_length_minutes(self, field: Any) -> None:
        shortest = self.min_length_minutes.data
        if field.data is not None and shortest is not None and shortest > field.data:
            raise ValidationError(_("The longest is shorter than the shortest."))

    def said(self) -> dict[str, Any]:
        """Return the rules as `services.calendar.change_rules` takes them."""
        values = {name: None if value in ("", []) else value for name, value in self.data.items()}
        if values["eligible_regions"] and values["is_regional"] is None:
            values["is_regional"] = True
        return values


class RulesPageForm(RulesForm):
    """The same on a page, where regions are chosen by name."""

    eligible_regions = ChoicesField(_l("Regions"), choices={})


class QuotaRow(RowForm):
    """One limit."""

    customer_class = ChoiceField(_l("For"), choices=CUSTOMER_CLASSES)
    shared_by = ChoiceField(_l("Counted for"), choices=QUOTA_SHARERS, default="person")
    period = ChoiceField(_l("In"), choices=QUOTA_PERIODS, default="week")
    most_minutes = LengthField(_l("Most time"), least=1)
    most_bookings = WholeNumberField(_l("Most bookings"), least=1, most=10_000)


class RulesBodyForm(RulesForm):
    """What the API takes: the rules, and with them hours and limits."""

    customer_class = ChoiceField(_l("Customer class"), choices=CUSTOMER_CLASSES)
    is_bookable = MaybeField(_l("Whether others may book it"))
    time_zone = TextField(_l("Time zone"), longest=60)
    hours = RowsField(FormField(HoursRow), _l("Hours"), max_entries=MOST_HOURS)
    quotas = RowsField(FormField(QuotaRow), _l("Limits"), max_entries=60)


class HoursForm(Form):
    """The hours of the week and the time zone."""

    hours = RowsField(
        FormField(HoursRow),
        _l("Hours"),
        max_entries=MOST_HOURS,
        description=_l("Several spans a day are possible; the last may end at midnight."),
    )
    time_zone = ChoiceField(_l("Time zone"), choices=time_zones())

    def validate_hours(self, field: Any) -> None:
        if not field.errors:
            _check_rows(field.data)


class SpecialHoursForm(Form):
    """One date with hours of its own."""

    date = DateField(_l("Date"), is_required=True)
    hours = RowsField(
        FormField(SpanRow),
        _l("Hours on that date"),
        max_entries=6,
        description=_l("Closed all day without any."),
    )
    reason = TextField(_l("Why"), description=_l("Shown to people who look at the calendar."))

    def validate_hours(self, field: Any) -> None:
        if not field.errors:
            _check_rows([{"weekday": 0, **row} for row in field.data])


class QuotaForm(Form):
    """A limit on what is booked in a period."""

    shared_by = ChoiceField(
        _l("Counted for"), choices=QUOTA_SHARERS, is_required=True, default="person"
    )
    period = ChoiceField(_l("In"), choices=QUOTA_PERIODS, is_required=True, default="week")
    most_minutes = LengthField(
        _l("Most time"),
        checks=[_check_unit],
        least=1,
        description=_l("Such as 8 hours. Or only a number of bookings."),
    )
    most_bookings = WholeNumberField(_l("Most bookings"), least=1, most=10_000)
    customer_class = ChoiceField(_l("For"), choices=CUSTOMER_CLASSES)


class ClosureForm(Form):
    """A closure, blocking or outage, by dates and times on the wall of its place."""

    kind = ChoiceField(_l("What it is"), choices=CLOSURE_KINDS, is_required=True, default="closure")
    reason = TextField(
        _l("Why"), longest=500, description=_l("Shown to people who look at the calendar.")
    )
    first_date = DateField(_l("From"), is_required=True)
    first_time = TimeField(_l("From what time"), description=_l("Empty: from its first minute."))
    last_date = DateField(_l("Until"), description=_l("Empty: the same day."))
    last_time = TimeField(_l("Until what time"), description=_l("Empty: to its last minute."))
    is_open = YesNoField(
        _l("Nobody knows the end yet"), description=_l("Only for what is out of order.")
    )
    repeats = ChoiceField(_l("Repeats"), choices=REPEATS, empty=_l("Once"))
    interval = WholeNumberField(
        _l("Every how many"), least=1, most=MOST_INTERVAL, description=_l("2: every second time.")
    )
    weekdays = ChoicesField(_l("On these days, every week"), choices=WEEKDAYS)
    until = DateField(_l("Repeats until"))
    except_dates = ListField(
        _l("But not on"), most=100, longest=10, description=_l("Dates such as 2027-12-24.")
    )
    allowed = ListField(
        _l("Who may book it all the same"),
        most=30,
        description=_l("Names of organizations, where it is kept free for some."),
    )

    def span(self, zone: str) -> tuple[dt.datetime, dt.datetime | None]:
        """Return when it begins and ends, in UTC; no end where nobody knows it."""
        first: Any = self.first_date.data
        last: Any = self.last_date.data or first
        begins = instant_at(zone, first, self.first_time.minutes or 0)
        if self.is_open.data:
            return begins, None
        until = self.last_time.minutes
        return begins, instant_at(zone, last, 24 * 60 if until is None else until)

    def recurrence(self) -> dict[str, Any] | None:
        """Return how it repeats, as `rules/recurrence.py` reads it."""
        repeats = self.repeats.data
        if not repeats:
            return None
        found: dict[str, Any] = {"frequency": repeats.partition("_")[0]}
        if repeats == "monthly_weekday":
            first: Any = self.first_date.data
            found |= {"nth": (first.day - 1) // 7 + 1, "weekday": first.weekday()}
        if repeats == "weekly" and self.weekdays.data:
            found["weekdays"] = [int(day) for day in self.weekdays.data]
        if self.except_dates.data:
            found["except_dates"] = self.except_dates.data
        interval: Any = self.interval.data
        if interval is not None:
            found["interval"] = interval
        until: Any = self.until.data
        if until is not None:
            found["until"] = until.isoformat()
        return found


class CancelHitForm(Form):
    """Why bookings that a closure hits are cancelled; which ones, the page says."""

    reason = LongTextField(
        _l("Why they are cancelled"),
        is_required=True,
        longest=500,
        description=_l("Each person concerned gets it by e-mail."),
    )


class DependencyForm(Form):
    """What something does not work without."""

    needs = ChoiceField(_l("It needs"), choices={}, is_required=True)


class OperatorForm(Form):
    """Whose time can be booked along."""

    user_id = RecordField(_l("Person"), is_required=True)


def closure_values(closure: Any, zone: str) -> dict[str, Any]:
    """Return a closure as its form takes it."""
    place = ZoneInfo(zone)
    begins = closure.starts_at.astimezone(place)
    values: dict[str, Any] = {
        "kind": closure.kind,
        "reason": closure.reason,
        "first_date": begins.date(),
        "first_time": "" if begins.time() == dt.time() else f"{begins:%H:%M}",
        "is_open": closure.ends_at is None,
        "allowed": [organization.name for organization in closure.allowed],
    }
    if closure.ends_at is not None:
        ends = closure.ends_at.astimezone(place)
        is_midnight = ends.time() == dt.time()
        values["last_date"] = ends.date() - dt.timedelta(days=is_midnight)
        values["last_time"] = "" if is_midnight else f"{ends:%H:%M}"
    recurrence = closure.recurrence
    if recurrence is not None:
        by_weekday = "nth" in recurrence
        values["repeats"] = "monthly_weekday" if by_weekday else recurrence["frequency"]
        values["interval"] = recurrence.get("interval")
        values["weekdays"] = [str(day) for day in recurrence.get("weekdays", ())]
        values["except_dates"] = recurrence.get("except_dates", [])
        if "until" in recurrence:
            values["until"] = dt.date.fromisoformat(recurrence["until"])
    return values


def _check_rows(rows: list[dict[str, Any]]) -> None:
    problem = find_hours_problem(rows)
    if problem is None:
        return
    row = {"number": problem.number + 1}
    if problem.kind == "order":
        raise ValidationError(_("Row %(number)d closes before it opens.", **row))
    raise ValidationError(_("Row %(number)d overlaps another of its day.", **row))
