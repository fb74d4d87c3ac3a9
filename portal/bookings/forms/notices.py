"""The shape of what people choose about notices."""

from flask_babel import lazy_gettext as _l

from portal.bookings.rules.notices import REMINDERS
from portal.kernel.fields import ChoiceField, RecordField, YesNoField
from portal.kernel.forms import Form


class NoticesForm(Form):
    """What to get by e-mail."""

    tells_person = YesNoField(
        _l("Your bookings and your training"),
        description=_l(
            "With an invitation for your calendar. If the host or the provider declines or "
            "cancels, you are told in any case."
        ),
    )
    tells_host = YesNoField(
        _l("Bookings of what your organization shares, seats in what it teaches"),
        description=_l("Also what waits for your approval; it stands on your desk as well."),
    )
    tells_offers = YesNoField(_l("Times and seats that get free while you are on a waiting list"))
    remind_minutes = ChoiceField(_l("Remind me of a booking"), choices=REMINDERS, is_required=True)


class FeedForm(Form):
    """Which bookings a calendar shall show: one's own (nothing chosen), or those of one thing."""

    resource_id = RecordField(_l("Which bookings"))
