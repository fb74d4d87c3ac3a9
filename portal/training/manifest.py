"""What training plugs into the app."""

from flask_babel import lazy_gettext as _l

from portal.bookings.events import RecognitionStepped
from portal.kernel.manifest import DeskSection, Manifest, NavigationItem, RecordSection
from portal.kernel.outbox import Reaction
from portal.organizations.events import OrganizationVerified
from portal.training import events
from portal.training.policies import policy
from portal.training.queries import listings
from portal.training.queries.doors import list_ways
from portal.training.reactions import doors
from portal.training.views import programs as program_views
from portal.training.views import sections as section_views
from portal.training.views.blueprint import blueprint

# The modules of views fill the blueprint when they are loaded.
_VIEWS = (program_views, section_views)

manifest = Manifest(
    name="training",
    blueprints=(blueprint,),
    policy=policy,
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
