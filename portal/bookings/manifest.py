"""What bookings plug into the app."""

from flask_babel import lazy_gettext as _l

from portal.bookings import events
from portal.bookings.api import access as access_api
from portal.bookings.api import bookings as bookings_api
from portal.bookings.api import calendar as calendar_api
from portal.bookings.api import several as several_api
from portal.bookings.api import waiting as waiting_api
from portal.bookings.api.blueprint import blueprint as api_blueprint
from portal.bookings.policies import Permission, policy
from portal.bookings.queries import asking, free, grants, listings
from portal.bookings.queries.at_hand import at_hand_section
from portal.bookings.queries.bookings import list_due, load_bookings, parties_of
from portal.bookings.queries.charging import list_disputed
from portal.bookings.queries.hosts import booking_section, host_section
from portal.bookings.queries.needs import needs_section
from portal.bookings.queries.notices import list_reminders
from portal.bookings.queries.waiting import list_lapsing
from portal.bookings.reactions import access as on_access
from portal.bookings.reactions import charging as on_charging
from portal.bookings.reactions import notices as on_notices
from portal.bookings.reactions import removal as on_removal
from portal.bookings.reactions import waiting as on_waiting
from portal.bookings.services import access as access_services
from portal.bookings.services import notices as notices_services
from portal.bookings.services import steps, waiting
from portal.bookings.views import (
    access,
    bookings,
    calendar,
    changing,
    charging,
    closures,
    making,
    notices,
    showing,
    statements,
)
from portal.bookings.views import free as free_pages
from portal.bookings.views.blueprint import blueprint
from portal.conversations.queries.sections import section_about
from portal.facilities.events import EquipmentDeleted, FacilityDeleted
from portal.kernel.authorization import SYSTEM
from portal.kernel.manifest import (
    DeskSection,
    FilterField,
    Job,
    Leaving,
    Manifest,
    NavigationItem,
    RecordSection,
    SearchFilter,
    ThreadSubject,
)
from portal.kernel.outbox import Reaction
from portal.kernel.web.formats import format_date

#: Importing them is what puts their routes on the blueprints.
PAGES = (
    access,
    bookings,
    changing,
    calendar,
    charging,
    closures,
    statements,
    free_pages,
    making,
    notices,
    showing,
    access_api,
    bookings_api,
    calendar_api,
    several_api,
    waiting_api,
)

manifest = Manifest(
    name="bookings",
    blueprints=(blueprint, api_blueprint),
    policy=policy,
    reactions=(
        Reaction(events.SpanFreed, on_waiting.offer_time_on_span_freed),
        Reaction(events.WaitingGoesOn, on_waiting.offer_time_on_waiting_goes_on),
        Reaction(events.CalendarChanged, on_waiting.offer_time_on_calendar_changed),
        Reaction(EquipmentDeleted, on_removal.cancel_bookings_on_record_deleted),
        Reaction(FacilityDeleted, on_removal.cancel_bookings_on_record_deleted),
        Reaction(events.AccessAsked, on_access.email_host_on_access_asked),
        Reaction(events.AccessAnswered, on_access.email_person_on_access_answered),
        Reaction(events.QualificationStepped, on_access.email_person_on_qualification_stepped),
        Reaction(events.QualificationEndsSoon, on_access.email_person_on_qualification_ends_soon),
        Reaction(events.ClearanceStepped, on_access.email_holder_on_clearance_stepped),
        Reaction(events.ClearanceEndsSoon, on_access.email_holder_on_clearance_ends_soon),
        Reaction(events.BookingStepped, on_access.note_use_on_booking_completed),
        Reaction(events.BookingMade, on_notices.email_on_booking_made),
        Reaction(events.BookingStepped, on_notices.email_on_booking_stepped),
        Reaction(events.BookingMoved, on_notices.email_on_booking_moved),
        Reaction(events.SpanOffered, on_notices.email_on_span_offered),
        Reaction(events.BookingStartsSoon, on_notices.email_on_booking_starts_soon),
        Reaction(events.BookingStepped, on_charging.settle_on_booking_over),
        Reaction(events.ChargeSettled, on_charging.email_payer_on_charge_settled),
        Reaction(events.DisputeStepped, on_charging.email_other_side_on_dispute_stepped),
        Reaction(events.IncidentReported, on_charging.email_host_on_incident_reported),
    ),
    navigation=(
        NavigationItem(
            _l("Notices and calendars"),
            "bookings.choose_notices",
            permission=Permission.NOTICES_CHOOSE,
            section="self",
            order=37,
        ),
        NavigationItem(
            _l("Your bookings"),
            "bookings.list_own",
            permission=Permission.BOOKING_VIEW_OWN,
            section="self",
            order=25,
        ),
        NavigationItem(
            _l("Your qualifications"),
            "bookings.list_own_qualifications",
            permission=Permission.QUALIFICATION_VIEW_OWN,
            section="self",
            order=35,
        ),
    ),
    desk=(
        DeskSection(
            _l("Free at last: kept for you"),
            _l("Nothing that you wait for is free now."),
            listings.list_offered,
            order=11,
        ),
        DeskSection(
            _l("Bookings that wait for your approval"),
            _l("No booking waits for your approval."),
            listings.list_to_approve,
            order=12,
        ),
        DeskSection(
            _l("Your bookings of the next days"),
            _l("You have no booking in the next days."),
            listings.list_next,
            order=20,
        ),
        DeskSection(
            _l("Disputed charges"),
            _l("No charge of yours is disputed."),
            list_disputed,
            order=18,
        ),
        DeskSection(
            _l("They ask for access"),
            _l("Nobody waits for a qualification, agreement or induction of yours."),
            asking.list_asked,
            order=17,
        ),
        DeskSection(
            _l("Qualifications and clearances that end soon"),
            _l("Nothing of yours ends within 30 days."),
            grants.list_ending,
            order=51,
        ),
    ),
    sections=(
        RecordSection(
            "mail",
            _l("Bookings and training"),
            "bookings/mail.html",
            notices.mail_section,
            order=20,
        ),
        RecordSection(
            "booking",
            _l("Conversation"),
            "conversations/section.html",
            section_about("booking"),
        ),
        RecordSection(
            "organization",
            _l("Bookings"),
            "bookings/host_section.html",
            host_section,
            order=79,
        ),
        RecordSection(
            "organization",
            _l("Qualifications and clearances"),
            "bookings/access/section.html",
            grants.host_section,
            order=80,
        ),
        *(
            RecordSection(
                kind, _l("Booking it"), "bookings/section.html", booking_section, order=30
            )
            for kind in ("equipment", "facility")
        ),
        *(
            RecordSection(
                f"{kind} at hand",
                _l("Your booking"),
                "bookings/at_hand_section.html",
                at_hand_section,
            )
            for kind in ("equipment", "facility")
        ),
        *(
            RecordSection(
                kind,
                _l("What you need to book it"),
                "bookings/access/needs.html",
                needs_section,
                order=40,
            )
            for kind in ("equipment", "facility")
        ),
    ),
    filters=(
        SearchFilter(
            name="booking",
            label=_l("Free to book"),
            fields=(
                FilterField("free_on", _l("Day"), "date"),
                FilterField("free_starts", _l("From"), "time"),
                FilterField("free_ends", _l("Until"), "time"),
            ),
            read=free.read_filter,
            keys=free.free_keys,
        ),
    ),
    thread_subjects=(
        ThreadSubject(
            kind="booking",
            load=load_bookings,
            view=Permission.BOOKING_VIEW,
            parties=parties_of,
            title=lambda row: f"{row.resource.name}, {format_date(row.starts_at)}",
            url=lambda row: f"/bookings/{row.id}",
        ),
    ),
    leaving=Leaving(listings.list_hindrances, leave=on_removal.leave_lines),
    jobs=(
        Job(
            "close_bookings",
            60,
            lambda: steps.close_overdue(SYSTEM),
            is_due=lambda: bool(list_due()),
        ),
        Job(
            "remind_of_bookings",
            60,
            lambda: notices_services.remind(SYSTEM),
            is_due=lambda: bool(list_reminders(1)),
        ),
        Job(
            "pass_on_offers",
            60,
            lambda: waiting.pass_on_offers(SYSTEM),
            is_due=lambda: bool(list_lapsing()),
        ),
        Job(
            "warn_of_ending_qualifications",
            3600,
            lambda: access_services.warn_of_ends(SYSTEM),
            is_due=grants.has_ends_to_warn_of,
        ),
    ),
)
