"""What matching plugs into the app."""

from flask_babel import lazy_gettext as _l

from portal.bookings import events as booking_events
from portal.facilities import events as facility_events
from portal.kernel.manifest import DeskSection, Job, Manifest, NavigationItem, RecordSection
from portal.kernel.outbox import Event, Reaction
from portal.matching import api, events, reactions, views
from portal.matching.policies import Permission, policy
from portal.matching.queries import matches, rounds
from portal.organizations import events as organization_events
from portal.partnerships import events as request_events
from portal.training import events as training_events

_OF_ORGANIZATION: tuple[type[Event], ...] = (
    organization_events.OrganizationChanged,
    organization_events.OrganizationConfirmed,
    organization_events.OrganizationArchived,
    organization_events.OrganizationRestored,
)

_OF_PROGRAM: tuple[type[Event], ...] = (
    training_events.ProgramSaved,
    training_events.ProgramDeleted,
    training_events.SectionSaved,
    training_events.SectionOpened,
    training_events.SectionMoved,
    training_events.SectionCancelled,
)

manifest = Manifest(
    name="matching",
    blueprints=(views.blueprint, api.blueprint),
    policy=policy,
    reactions=(
        *(
            Reaction(event, reactions.compute_anew_on_request_changed)
            for event in (
                request_events.RequestSaved,
                request_events.RequestMoved,
                request_events.RequestRenewed,
            )
        ),
        *(
            Reaction(event, reactions.compute_anew_on_equipment_changed)
            for event in (facility_events.EquipmentSaved, facility_events.EquipmentDeleted)
        ),
        *(
            Reaction(event, reactions.compute_anew_on_booking_changed)
            for event in (
                booking_events.BookingMade,
                booking_events.BookingMoved,
                booking_events.BookingStepped,
            )
        ),
        Reaction(booking_events.CalendarChanged, reactions.compute_anew_on_calendar_changed),
        *(
            Reaction(event, reactions.compute_anew_on_facility_changed)
            for event in (facility_events.FacilitySaved, facility_events.FacilityDeleted)
        ),
        *(
            Reaction(event, reactions.compute_anew_on_organization_changed)
            for event in _OF_ORGANIZATION
        ),
        *(Reaction(event, reactions.compute_anew_on_program_changed) for event in _OF_PROGRAM),
        Reaction(events.MatchesFound, reactions.email_both_sides_on_matches_found),
        Reaction(events.MatchAnswered, reactions.email_keepers_on_match_answered),
    ),
    navigation=(
        NavigationItem(
            _l("Matched for you"),
            "matching.list_for_me",
            permission=Permission.MATCH_VIEW_OWN,
            section="partners",
            order=32,
        ),
        NavigationItem(
            _l("Feedback on matches"),
            "matching.report",
            permission=Permission.MATCH_VIEW_FEEDBACK,
            section="administration",
            order=61,
        ),
    ),
    desk=(
        DeskSection(
            _l("Matched for you"),
            _l("Nothing found for you waits to be looked at."),
            matches.list_for_desk,
            order=18,
        ),
    ),
    sections=(
        RecordSection("mail", _l("Matches"), "matching/mail.html", views.mail_section, order=30),
        RecordSection(
            "request",
            _l("Candidates"),
            "matching/section.html",
            matches.candidates_section,
            order=30,
        ),
    ),
    jobs=(Job("compute_due_matches", 5, reactions.compute_due_matches, rounds.has_due),),
)
