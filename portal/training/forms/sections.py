"""The shape of sections as people and programs give them."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import FormField, ValidationError

from portal.bookings.forms.bookings import FREQUENCIES
from portal.bookings.forms.pages import MONTHLY, SpanForm, check_year
from portal.bookings.rules.recurrence import MOST_INTERVAL, Recurrence, read_recurrence
from portal.facilities.forms import PlaceForm
from portal.facilities.rules import CUSTOMER_CLASSES, WEEKDAYS
from portal.kernel.fields import (
    ChoiceField,
    ChoicesField,
    ClockField,
    DateField,
    InstantField,
    ListField,
    LongTextField,
    MoneyField,
    RecordField,
    RowsField,
    TextField,
    UrlField,
    WholeNumberField,
    YesNoField,
)
from portal.kernel.forms import Form, RowForm
from portal.training.models.sections import Section
from portal.training.rules.sections import (
    MOST_MEETINGS,
    MOST_SEATS,
    Schedule,
    find_repeated_class,
    schedule_words,
)

_MOST_CENTS = 100_000_000


class PriceRow(RowForm):
    """What a seat costs for a class of customers."""

    customer_class = ChoiceField(_l("Customer"), choices=CUSTOMER_CLASSES)
    price_cents = MoneyField(_l("Price of a seat"), most_cents=_MOST_CENTS)

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if self.is_blank:
            return True
        for field in (self.customer_class, self.price_cents):
            if field.data in ("", None) and not field.errors:
                field.errors = [_("Please fill this in.")]
                is_valid = False
        return is_valid


class SectionFactsForm(Form):
    """What a section says of itself, but not when and where it is held."""

    name = TextField(
        _l("Name"),
        longest=120,
        description=_l("What tells it from others of the program, such as “Evenings”."),
    )
    seats = WholeNumberField(_l("Seats"), least=1, most=MOST_SEATS, is_required=True)
    min_seats = WholeNumberField(
        _l("Held with at least"),
        most=MOST_SEATS,
        default=0,
        description=_l("With fewer enrolled it is cancelled after the last day to enroll."),
    )
    enroll_until = DateField(
        _l("Last day to enroll"),
        [check_year],
        description=_l("Empty: until the day before it begins."),
    )
    needs_approval = YesNoField(_l("You approve each enrollment"))
    notice_days = WholeNumberField(
        _l("Free to withdraw until"),
        most=365,
        default=0,
        unit=_l("days before it begins"),
        description=_l("Who withdraws later owes the price."),
    )
    prices = RowsField(
        FormField(PriceRow),
        _l("Prices"),
        max_entries=len(CUSTOMER_CLASSES),
        description=_l(
            "Who has no price here pays what others pay, else what the program costs; 0 is free."
        ),
    )
    instructor = TextField(_l("Instructor"))
    notes = LongTextField(
        _l("Good to know"), description=_l("What to bring, where to park, what to wear.")
    )

    def validate_min_seats(self, field: Any) -> None:
        if field.data is not None and field.data > (self.seats.data or MOST_SEATS):
            raise ValidationError(_("Please give no more than there are seats."))

    def validate_prices(self, field: Any) -> None:
        if field.errors:
            return
        number = find_repeated_class(field.data)
        if number is not None:
            raise ValidationError(_("Row %(number)d repeats a customer.", number=number + 1))


class SectionPlaceForm(PlaceForm):
    """Where a section is held: a facility, an address of its own, online, or several of these."""

    facility_id = RecordField(
        _l("Facility"), description=_l("It is booked for each meeting, for your organization.")
    )
    place = TextField(_l("Room"), description=_l("For example: Building C, room 214."))
    online_url = UrlField(
        _l("Link to the online room"),
        description=_l("Only those enrolled and your people see it."),
    )
    override_reason = TextField(
        _l("Why the rules are set aside"), longest=500, description=_l("It stays with the booking.")
    )


class ScheduleForm(Form):
    """When a section meets, as people say it: a first time, how it repeats, and exceptions."""

    date = DateField(_l("First day"), [check_year], is_required=True)
    starts = ClockField(_l("From"))
    ends = ClockField(_l("Until"))
    last_day = DateField(
        _l("Last day"),
        [check_year],
        description=_l("Only without fixed times, where people learn at their own pace."),
    )
    frequency = ChoiceField(_l("Repeats"), choices=FREQUENCIES)
    interval = WholeNumberField(
        _l("Every how many days, weeks or months"), least=1, most=MOST_INTERVAL
    )
    weekdays = ChoicesField(_l("On which weekdays"), choices=WEEKDAYS)
    monthly = ChoiceField(_l("In each month"), choices=MONTHLY, default="date", is_required=True)
    until = DateField(_l("Last date"), [check_year])
    count = WholeNumberField(_l("Or how many times"), least=1, most=MOST_MEETINGS)
    except_dates = ListField(
        _l("Not on these dates"),
        most=MOST_MEETINGS,
        longest=10,
        description=_l("One per line, such as 2027-11-25."),
    )

    def validate_except_dates(self, field: Any) -> None:
        for text in field.data:
            try:
                dt.date.fromisoformat(text)
            except ValueError:
                raise ValidationError(_("Please give dates like 2027-01-31.")) from None

    def read_schedule(self) -> Schedule | None:
        """Return when it meets; None without times. Raises ValueError in words."""
        starts, ends = self.starts.minutes, self.ends.minutes
        # An empty field that may be empty is not asked for its own rules.
        if (starts is None) != (ends is None):
            raise ValueError(_("Please give both times, or neither."))
        if starts is None or ends is None or self.date.data is None:
            return None
        return Schedule(self.date.data, starts, ends, self._read_recurrence())

    def _read_recurrence(self) -> Recurrence | None:
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
        if "until" not in said and "count" not in said:
            raise ValueError(_("Please say until when it repeats, or how many times."))
        said["except_dates"] = given["except_dates"]
        return read_recurrence(said)

    @property
    def dates(self) -> dict[str, Any]:
        """What commands take besides the schedule: first and last day where there are no times."""
        return {"starts_on": self.date.data, "ends_on": self.last_day.data}


class SectionMoveForm(ScheduleForm, SectionPlaceForm):
    """When and where a section is held."""


class SectionForm(SectionMoveForm, SectionFactsForm):
    """A whole section."""


class NewSectionForm(SectionForm):
    """A section together with its program."""

    program_id = RecordField(_l("Program"), is_required=True)


class MeetingForm(SpanForm):
    """Another time for one meeting, or the time of one more."""

    override_reason = TextField(
        _l("Why the rules are set aside"), longest=500, description=_l("It stays with the booking.")
    )


class MeetingBodyForm(Form):
    """Another time for one meeting, as programs give it."""

    starts_at = InstantField(_l("Begins"), is_required=True)
    ends_at = InstantField(_l("Ends"), is_required=True)
    override_reason = TextField(_l("Why the rules are set aside"), longest=500)

    def validate_ends_at(self, field: Any) -> None:
        if field.data and self.starts_at.data and field.data <= self.starts_at.data:
            raise ValidationError(_("Please let it end after it begins."))


class NoteForm(Form):
    """What may go with a step of a section."""

    note = TextField(_l("Note"), longest=2000)


_FACTS = (
    "name",
    "seats",
    "min_seats",
    "enroll_until",
    "needs_approval",
    "notice_days",
    "instructor",
    "notes",
)
_PLACE = (
    "street",
    "city",
    "state",
    "zip_code",
    "county_fips",
    "latitude",
    "longitude",
    "facility_id",
    "place",
    "online_url",
)


def facts_of(form: SectionFactsForm) -> dict[str, Any]:
    """Return what a form says for `update_section`."""
    given = {name: form.data[name] for name in (*_FACTS, "prices")}
    return given | {name: given[name] or 0 for name in ("min_seats", "notice_days")}


def place_of(form: SectionPlaceForm) -> dict[str, Any]:
    """Return what a form says of where it is held, for `move_section`."""
    return {name: form.data[name] for name in (*_PLACE, "override_reason")}


def section_values(section: Section) -> SimpleNamespace:
    """Return a section as its form takes it."""
    # Where the facility says so, the address is not the section's own.
    address = dict.fromkeys(_PLACE[:5], "") | {"latitude": None, "longitude": None}
    if section.facility_id is None:
        address = {name: getattr(section, name) for name in _PLACE[:7]}
    return SimpleNamespace(
        **{name: getattr(section, name) for name in (*_FACTS, *_PLACE[7:])},
        **address,
        prices=[
            {"customer_class": price.customer_class, "price_cents": price.price_cents}
            for price in section.prices
        ],
        **schedule_words(
            section.schedule, section.starts_on, None if section.meetings else section.ends_on
        ),
    )
