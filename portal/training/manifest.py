"""What training plugs into the app."""

from flask_babel import lazy_gettext as _l

from portal.bookings.events import RecognitionStepped
from portal.facilities.events import FacilitySaved
from portal.kernel.authorization import SYSTEM
from portal.kernel.manifest import (
    DeskSection,
    Facet,
    FilterField,
    Job,
    Leaving,
    Manifest,
    NavigationItem,
    RecordSection,
    Searchable,
    SearchFilter,
    ThreadSubject,
)
from portal.kernel.outbox import Reaction
from portal.kernel.web.formats import format_date
from portal.organizations.events import (
    OrganizationArchived,
    OrganizationChanged,
    OrganizationRestored,
    OrganizationVerified,
)
from portal.skills.queries import credential_names, skill_labels
from portal.training import documents, events
from portal.training.api import demands as demand_api
from portal.training.api import enrollments as enrollments_api
from portal.training.api import programs as program_api
from portal.training.api import sections as section_api
from portal.training.api.blueprint import blueprint as api_blueprint
from portal.training.policies import Permission, policy
from portal.training.queries import demands, gaps, learning, listings, panels, talks
from portal.training.queries import enrollments as enrollment_queries
from portal.training.queries import holding as holding_queries
from portal.training.queries import sections as section_queries
from portal.training.queries.doors import list_ways
from portal.training.reactions import demands as demand_reactions
from portal.training.reactions import doors
from portal.training.reactions import enrollments as on_enrollments
from portal.training.reactions import sections as on_sections
from portal.training.rules.enrollments import ENROLLMENT_ADDRESS
from portal.training.rules.programs import DELIVERIES, PROGRAM_KINDS
from portal.training.services import holding as holding_services
from portal.training.services import seats
from portal.training.services import sections as section_services
from portal.training.views import certificates as certificate_views
from portal.training.views import demands as demand_views
from portal.training.views import enrollments as enrollment_views
from portal.training.views import gaps as gap_views
from portal.training.views import programs as program_views
from portal.training.views import rosters as roster_views
from portal.training.views import sections as section_views
from portal.training.views import statements as statement_views
from portal.training.views.blueprint import blueprint

# The modules of views fill the blueprints when they are loaded.
_VIEWS = (
    demand_api,
    demand_views,
    gap_views,
    program_views,
    section_views,
    enrollment_views,
    roster_views,
    statement_views,
    certificate_views,
    program_api,
    section_api,
    enrollments_api,
)

_OF_SECTIONS = (
    events.SectionSaved,
    events.SectionOpened,
    events.SectionMoved,
    events.SectionCancelled,
    events.SectionDeleted,
)
_OF_ORGANIZATION = (
    OrganizationArchived,
    OrganizationChanged,
    OrganizationRestored,
    OrganizationVerified,
)

manifest = Manifest(
    name="training",
    blueprints=(blueprint, api_blueprint),
    policy=policy,
    searchables=(
        Searchable(
            kind="program",
            label=_l("Training"),
            documents=documents.list_program_documents,
            list_ids=documents.list_program_ids,
            changed_by={
                events.ProgramSaved: lambda event: [event.program_id],
                events.ProgramDeleted: lambda event: [event.program_id],
                **dict.fromkeys(_OF_SECTIONS, lambda event: [event.program_id]),
                **dict.fromkeys(
                    (events.EnrollmentMade, events.EnrollmentStepped),
                    lambda event: documents.program_ids_of_enrollment(event.enrollment_id),
                ),
                **dict.fromkeys(
                    _OF_ORGANIZATION,
                    lambda event: documents.program_ids_of_organization(event.organization_id),
                ),
            },
            viewing=documents.VIEWING,
        ),
    ),
    facets=(
        Facet(
            "program_kind",
            _l("Kind of training"),
            lambda values: {value: PROGRAM_KINDS.get(value, value) for value in values},
        ),
        Facet(
            "delivery",
            _l("How it is held"),
            lambda values: {value: DELIVERIES.get(value, value) for value in values},
        ),
        Facet("skill", _l("Skill"), skill_labels),
        Facet(
            "credential",
            _l("Credential"),
            lambda values: {
                str(number): name
                for number, name in credential_names(
                    [int(value) for value in values if value.isdecimal() and len(value) < 10]
                ).items()
            },
        ),
    ),
    filters=(
        SearchFilter(
            name="training",
            label=_l("Training that begins"),
            fields=(
                FilterField("begins_from", _l("From"), "date"),
                FilterField("begins_until", _l("Until"), "date"),
            ),
            read=documents.read_dates,
            keys=documents.keys_by_dates,
        ),
    ),
    reactions=(
        Reaction(events.CohortOffered, demand_reactions.email_firms_on_cohort_offered),
        Reaction(events.SeatsHeld, demand_reactions.email_firm_on_seats_held),
        Reaction(events.SectionCancelled, demand_reactions.email_firms_on_section_cancelled),
        Reaction(events.CohortAnswered, demand_reactions.email_provider_on_cohort_answered),
        Reaction(FacilitySaved, on_sections.follow_facility_on_facility_saved),
        Reaction(events.EnrollmentMade, on_enrollments.email_on_enrollment_made),
        Reaction(events.EnrollmentStepped, on_enrollments.email_on_enrollment_stepped),
        Reaction(events.SectionCancelled, on_enrollments.cancel_enrollments_on_section_cancelled),
        Reaction(events.SectionSaved, on_enrollments.offer_seats_on_section_changed),
        Reaction(events.SectionOpened, on_enrollments.offer_seats_on_section_changed),
        Reaction(events.SectionMoved, on_enrollments.email_meetings_on_section_moved),
        Reaction(events.CertificateIssued, on_enrollments.email_holder_on_certificate_issued),
        Reaction(events.CertificateRevoked, on_enrollments.email_holder_on_certificate_revoked),
        Reaction(events.CertificateIssued, doors.qualify_holder_on_certificate_issued),
        Reaction(events.CertificateRevoked, doors.disqualify_holder_on_certificate_revoked),
        Reaction(RecognitionStepped, doors.qualify_holders_on_recognition_stepped),
        Reaction(OrganizationVerified, doors.qualify_holders_on_organization_verified),
    ),
    navigation=(
        NavigationItem(_l("Training"), "training.list_programs", order=35),
        NavigationItem(
            _l("Your training"),
            "training.list_enrollments",
            permission=Permission.ENROLLMENT_VIEW_OWN,
            section="self",
            order=26,
        ),
        NavigationItem(_l("What you teach"), "training.list_own", section="sharing", order=21),
        NavigationItem(
            _l("Skills that you need"),
            "training.list_demands",
            permission=Permission.DEMAND_VIEW_SHARED,
            section="partners",
            order=22,
        ),
        NavigationItem(
            _l("Skills asked for and taught"),
            "training.show_gaps",
            permission=Permission.GAP_VIEW,
            section="partners",
            order=23,
        ),
    ),
    desk=(
        DeskSection(
            _l("Training that waits for your answer"),
            _l("No seat is kept for you, and no roster waits for you."),
            learning.list_seats_kept,
            order=11,
        ),
        DeskSection(
            _l("They ask for a seat"),
            _l("Nobody asks for a seat in your training."),
            learning.list_to_decide,
            order=13,
        ),
        DeskSection(
            _l("Results to record"),
            _l("No training of yours that is over lacks results."),
            learning.list_to_record,
            order=19,
        ),
        DeskSection(
            _l("Your training of the next days"),
            _l("You have no training in the next days."),
            learning.list_next_meetings,
            order=21,
        ),
        DeskSection(
            _l("Sections to open"),
            _l("No planned section of yours begins within two weeks."),
            listings.list_sections_to_open,
            order=22,
        ),
        DeskSection(
            _l("Training offered to you"),
            _l("Nobody waits for your answer to an offer of training."),
            demands.list_waiting_invitations,
            order=16,
        ),
        DeskSection(
            _l("Needs for skills to confirm"),
            _l("All that you said you need is fresh."),
            demands.list_to_confirm,
            order=62,
        ),
        DeskSection(
            _l("Sections below their minimum"),
            _l("No section of yours is about to be cancelled."),
            listings.list_sections_below,
            order=14,
        ),
        DeskSection(
            _l("Sections without a room"),
            _l("Every meeting of your sections has its room."),
            listings.list_sections_without_room,
            order=23,
        ),
        DeskSection(
            _l("Programs to publish"),
            _l("No drafts of programs."),
            listings.list_drafts,
            order=42,
        ),
        DeskSection(
            _l("Programs to confirm again"),
            _l("All your programs were confirmed within half a year."),
            listings.list_stale,
            order=61,
        ),
    ),
    thread_subjects=(
        ThreadSubject(
            kind="enrollment",
            load=talks.load_enrollments,
            view=Permission.ENROLLMENT_VIEW,
            parties=talks.parties_of,
            title=lambda row: f"{row.section.program.title}, {format_date(row.section.starts_on)}",
            url=lambda row: ENROLLMENT_ADDRESS % row.id,
        ),
    ),
    sections=(
        RecordSection(
            "enrollment",
            _l("Conversation"),
            "conversations/section.html",
            talks.talk_section,
        ),
        RecordSection(
            "section", _l("Enroll"), "training/enroll_panel.html", panels.enroll_panel, order=10
        ),
        RecordSection(
            "skill",
            _l("Where one learns it"),
            "training/programs/section.html",
            listings.skill_section,
            order=20,
        ),
        RecordSection(
            "credential",
            _l("Where one gets it"),
            "training/programs/section.html",
            listings.credential_section,
            order=20,
        ),
        RecordSection(
            "organization",
            _l("Training"),
            "training/programs/section.html",
            listings.program_section,
            order=40,
        ),
    ),
    ways_to_qualify=list_ways,
    warm_up=gaps.warm_up,
    jobs=(
        Job(
            "advance_sections",
            600,
            lambda: section_services.advance_sections(SYSTEM),
            is_due=lambda: bool(section_queries.list_due(1)),
        ),
        Job(
            "release_held_seats",
            60,
            lambda: holding_services.release_held_seats(SYSTEM),
            is_due=lambda: bool(holding_queries.list_ended(1)),
        ),
        Job(
            "pass_on_seats",
            60,
            lambda: seats.pass_on_seats(SYSTEM),
            is_due=lambda: bool(enrollment_queries.list_lapsing(1)),
        ),
    ),
    calendar=learning.list_calendar,
    leaving=Leaving(learning.list_hindrances, leave=on_enrollments.withdraw_what_is_open),
)
