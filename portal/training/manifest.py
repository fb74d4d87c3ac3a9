"""What training plugs into the app."""

from flask_babel import lazy_gettext as _l

from portal.bookings.events import RecognitionStepped
from portal.kernel.manifest import (
    DeskSection,
    Facet,
    FilterField,
    Manifest,
    NavigationItem,
    RecordSection,
    Searchable,
    SearchFilter,
)
from portal.kernel.outbox import Reaction
from portal.organizations.events import (
    OrganizationArchived,
    OrganizationChanged,
    OrganizationRestored,
    OrganizationVerified,
)
from portal.skills.queries import credential_names, skill_labels
from portal.training import documents, events
from portal.training.policies import policy
from portal.training.queries import listings
from portal.training.queries.doors import list_ways
from portal.training.reactions import doors
from portal.training.rules.programs import DELIVERIES, PROGRAM_KINDS
from portal.training.views import programs as program_views
from portal.training.views import sections as section_views
from portal.training.views.blueprint import blueprint

# The modules of views fill the blueprint when they are loaded.
_VIEWS = (program_views, section_views)

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
    blueprints=(blueprint,),
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
            visible_ids=documents.visible_program_ids,
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
    navigation=(
        NavigationItem(_l("Training"), "training.list_programs", order=35),
        NavigationItem(_l("What you teach"), "training.list_own", section="account", order=21),
    ),
    desk=(
        DeskSection(
            _l("Sections to open"),
            _l("No planned section of yours begins within two weeks."),
            listings.list_sections_to_open,
            order=22,
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
    sections=(
        RecordSection(
            "organization",
            _l("Training"),
            "training/programs/section.html",
            listings.program_section,
            order=40,
        ),
    ),
    reactions=(
        Reaction(events.CertificateIssued, doors.qualify_holder_on_certificate_issued),
        Reaction(events.CertificateRevoked, doors.disqualify_holder_on_certificate_revoked),
        Reaction(RecognitionStepped, doors.qualify_holders_on_recognition_stepped),
        Reaction(OrganizationVerified, doors.qualify_holders_on_organization_verified),
    ),
    ways_to_qualify=list_ways,
)
