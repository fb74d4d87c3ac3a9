"""The shape of input on prices, charges, disputes and incidents."""

from flask_babel import lazy_gettext as _l

from portal.bookings.forms.bookings import PlannedUse
from portal.kernel.fields import (
    ChoiceField,
    LongTextField,
    MoneyField,
    TextField,
    YesNoField,
)
from portal.kernel.forms import Form


class FeesForm(Form):
    """Fees around a booking; an empty one is inherited."""

    minimum_cents = MoneyField(_l("Minimum charge"), description=_l("The least a booking costs."))
    operator_cents = MoneyField(
        _l("Operator, per hour"), description=_l("Where one of your people comes along.")
    )
    cancellation_cents = MoneyField(
        _l("Late cancellation"),
        description=_l("For cancelling later than your notice allows."),
    )
    no_show_cents = MoneyField(_l("Nobody came"))


class PricesForm(FeesForm):
    """Fees, and the prices of use of a facility or of everything an organization has."""

    hour_cents = MoneyField(_l("Per hour"))
    day_cents = MoneyField(_l("Per day"))
    run_cents = MoneyField(_l("Per run"))
    sample_cents = MoneyField(_l("Per sample"))


class AdjustmentForm(Form):
    """What a host adds to a charge or takes off it by hand."""

    kind = ChoiceField(
        _l("What it is"),
        choices={
            "take_off": _l("Take off"),
            "voucher": _l("Take off: paid by voucher"),
            "in_kind": _l("Take off: paid in kind"),
            "add": _l("Add"),
        },
        is_required=True,
        default="take_off",
    )
    amount_cents = MoneyField(_l("Amount"))
    note = TextField(_l("Reason"), longest=500)


class DisputeForm(Form):
    """What is not right about a charge."""

    reason = LongTextField(_l("What is not right?"))


class DecisionForm(Form):
    """A host's answer to a dispute."""

    decision = ChoiceField(
        _l("Your answer"),
        choices={"settle": _l("They are right"), "reject": _l("The charge stands")},
        is_required=True,
    )
    taken_off_cents = MoneyField(
        _l("Take off"), description=_l("Only if they are right; empty takes nothing off.")
    )
    answer = LongTextField(_l("Reason"), longest=500)


class UsageForm(PlannedUse):
    """How a booking is used, beyond its time."""

    notes = LongTextField(_l("Notes for the host"))


class IncidentForm(Form):
    """What went wrong at the machine."""

    text = LongTextField(_l("What happened?"))
    opens_outage = YesNoField(
        _l("It cannot be used"),
        description=_l("Nobody can book it until its people say that it works again."),
    )
