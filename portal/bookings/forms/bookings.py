"""The shape of bookings as people and programs give them."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import FieldList

from portal.bookings.rules.recurrence import MOST_COUNT, MOST_INTERVAL
from portal.kernel.fields import (
    ChoiceField,
    DateField,
    InstantField,
    RecordField,
    TextField,
    WholeNumberField,
    YesNoField,
)
from portal.kernel.forms import Form, Part, PartField

SCOPES = {
    "one": _l("This one only"),
    "following": _l("This one and those after it"),
    "all": _l("All of them"),
}
ON_CONFLICT = {
    "refuse": _l("Book none, if one of them cannot be booked"),
    "skip": _l("Leave out what cannot be booked"),
}
#: So many runs or samples are planned at most.
MOST_COUNTED = 100_000

FREQUENCIES = {"daily": _l("Every day"), "weekly": _l("Every week"), "monthly": _l("Every month")}


class RecurrenceForm(Part):
    """How a booking repeats."""

    frequency = ChoiceField(_l("Repeats"), choices=FREQUENCIES)
    interval = WholeNumberField(_l("Every how many"), least=1, most=MOST_INTERVAL)
    weekdays = FieldList(WholeNumberField(_l("Weekday"), least=0, most=6), max_entries=7)
    month_day = WholeNumberField(_l("Day of the month"), least=-1, most=31)
    nth = WholeNumberField(_l("Which weekday of the month"), least=-1, most=5)
    weekday = WholeNumberField(_l("Weekday"), least=0, most=6)
    until = DateField(_l("Until"))
    count = WholeNumberField(_l("How many times"), least=1, most=MOST_COUNT)
    except_dates = FieldList(DateField(_l("Except")), max_entries=100)


class PlannedUse(Form):
    """How a booking is to be used, as far as its price depends on it."""

    runs = WholeNumberField(_l("Runs"), most=MOST_COUNTED)
    samples = WholeNumberField(_l("Samples"), most=MOST_COUNTED)
    with_operator = YesNoField(_l("With an operator of the host"))

    @property
    def use(self) -> dict[str, Any]:
        """What is said of it, as `report_usage` takes it."""
        return {
            "runs": self.runs.data or 0,
            "samples": self.samples.data or 0,
            "with_operator": bool(self.with_operator.data),
        }

    @property
    def plan(self) -> dict[str, Any]:
        """What is planned; nothing where nothing is."""
        return {name: value for name, value in self.use.items() if value}


class BookingForm(PlannedUse):
    """A time to book, for whom and what for."""

    starts_at = InstantField(_l("Begins"), is_required=True)
    ends_at = InstantField(_l("Ends"), is_required=True)
    purpose = TextField(_l("What for"), longest=500)
    organization_id = RecordField(_l("For which organization"))
    for_user = RecordField(_l("Who will be there"))
    override = YesNoField(_l("Set broken rules aside"))
    override_reason = TextField(_l("Why rules are set aside"), longest=500)
    recurrence = PartField(RecurrenceForm)
    on_conflict = ChoiceField(_l("If one of several cannot be booked"), choices=ON_CONFLICT)

    @property
    def recurrence_json(self) -> dict[str, Any] | None:
        """What is said of repeating, as `read_recurrence` takes it; None for a single booking."""
        if not self.recurrence.is_given:
            return None
        said = {
            name: value
            for name, value in self.recurrence.data.items()
            if value not in (None, "", [])
        }
        if not said:
            return None
        if "until" in said:
            said["until"] = said["until"].isoformat()
        if "except_dates" in said:
            said["except_dates"] = [day.isoformat() for day in said["except_dates"] if day]
        return said


class PartyForm(BookingForm):
    """Several things to book for one time."""

    equipment_ids = FieldList(RecordField(_l("Equipment")), max_entries=20)
    facility_ids = FieldList(RecordField(_l("Facility")), max_entries=20)
    operator_ids = FieldList(RecordField(_l("Operator")), max_entries=20)

    def numbers(self, name: str) -> list[int]:
        """Return the numbers in one of the lists, each once."""
        return list(dict.fromkeys(number for number in self[name].data if number is not None))


class KindForm(Form):
    """A time to book whatever of a kind is free then."""

    capability = TextField(_l("Capability"), longest=120, is_required=True)
    starts_at = InstantField(_l("Begins"), is_required=True)
    ends_at = InstantField(_l("Ends"), is_required=True)
    purpose = TextField(_l("What for"), longest=500)
    organization_id = RecordField(_l("For which organization"))
    for_user = RecordField(_l("Who will be there"))


class WaitForm(Form):
    """A time to wait for."""

    starts_at = InstantField(_l("Begins"), is_required=True)
    ends_at = InstantField(_l("Ends"), is_required=True)
    purpose = TextField(_l("What for"), longest=500)
    organization_id = RecordField(_l("For which organization"))


class BookingChangeForm(PlannedUse):
    """Another time, thing, person or use for a booking or several of its series."""

    starts_at = InstantField(_l("Begins"), is_required=True)
    ends_at = InstantField(_l("Ends"), is_required=True)
    for_user = RecordField(_l("Who will be there"))
    purpose = TextField(_l("What for"), longest=500)
    equipment_id = RecordField(_l("Equipment"))
    facility_id = RecordField(_l("Facility"))
    scope = ChoiceField(_l("Which of the series"), choices=SCOPES)
    reason = TextField(_l("Why"), longest=500)
    override = YesNoField(_l("Set broken rules aside"))
    override_reason = TextField(_l("Why rules are set aside"), longest=500)


class BookingStepForm(Form):
    """What may go with a step of a booking."""

    note = TextField(_l("Note"), longest=2000)
    scope = ChoiceField(_l("Which of the series"), choices=SCOPES)
    override = YesNoField(_l("Set broken rules aside"))
    override_reason = TextField(_l("Why rules are set aside"), longest=500)
