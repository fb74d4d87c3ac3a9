"""What bookings plug into the app."""

from portal.bookings import events, reactions
from portal.bookings.api import bookings as bookings_api
from portal.bookings.policies import policy
from portal.bookings.queries.bookings import list_due
from portal.bookings.queries.waiting import list_lapsing
from portal.bookings.services import booking, waiting
from portal.bookings.views.blueprint import blueprint
from portal.kernel.authorization import SYSTEM
from portal.kernel.manifest import Job, Manifest
from portal.kernel.outbox import Reaction

manifest = Manifest(
    name="bookings",
    blueprints=(blueprint, bookings_api.blueprint),
    policy=policy,
    reactions=(
        Reaction(events.SpanFreed, reactions.offer_time_on_span_freed),
        Reaction(events.CalendarChanged, reactions.offer_time_on_calendar_changed),
    ),
    jobs=(
        Job(
            "close_bookings",
            60,
            lambda: booking.close_overdue(SYSTEM),
            is_due=lambda: bool(list_due()),
        ),
        Job(
            "pass_on_offers",
            60,
            lambda: waiting.pass_on_offers(SYSTEM),
            is_due=lambda: bool(list_lapsing()),
        ),
    ),
)
