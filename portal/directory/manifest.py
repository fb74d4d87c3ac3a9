"""What the directory plugs into the app."""

from flask_babel import lazy_gettext as _l

from portal.directory import api, events, reactions, services
from portal.directory.policies import Permission, policy
from portal.directory.queries.demand import list_for_brokers
from portal.directory.queries.saved_searches import has_due, list_news
from portal.directory.views import demand, feeds, saved_searches, searching
from portal.directory.views.blueprint import blueprint
from portal.facilities import events as facility_events
from portal.kernel.authorization import SYSTEM
from portal.kernel.manifest import (
    DeskSection,
    Job,
    Leaving,
    Manifest,
    NavigationItem,
    RecordSection,
)
from portal.kernel.outbox import Reaction
from portal.organizations import events as organization_events
from portal.partnerships import events as partnership_events
from portal.training import events as training_events

#: Importing them is what puts their routes on the blueprint.
PAGES = (searching, feeds, saved_searches, demand)

manifest = Manifest(
    name="directory",
    blueprints=(blueprint, api.blueprint),
    policy=policy,
    reactions=(
        Reaction(events.ResultsFound, reactions.email_readers_on_results_found),
        Reaction(organization_events.MembershipStarted, reactions.look_again_on_membership_started),
        Reaction(facility_events.EquipmentDeleted, reactions.forget_equipment_on_equipment_deleted),
        Reaction(facility_events.FacilityDeleted, reactions.forget_facility_on_facility_deleted),
        Reaction(partnership_events.RequestDeleted, reactions.forget_request_on_request_deleted),
        Reaction(training_events.ProgramDeleted, reactions.forget_program_on_program_deleted),
    ),
    leaving=Leaving(leave=reactions.forget_searches_of_person),
    navigation=(
        NavigationItem(_l("Directory"), "directory.search", order=10),
        NavigationItem(
            _l("Saved searches"),
            "directory.list_saved_searches",
            Permission.SAVED_SEARCH_VIEW_OWN,
            "partners",
            35,
        ),
        NavigationItem(
            _l("Searched for and not found"),
            "directory.list_unmet_demand",
            Permission.DEMAND_VIEW,
            "administration",
            60,
        ),
    ),
    sections=(
        RecordSection(
            "mail",
            _l("Saved searches"),
            "directory/mail.html",
            saved_searches.mail_section,
            order=50,
        ),
    ),
    desk=(
        DeskSection(
            _l("New results of saved searches"),
            _l("Your saved searches have found nothing new."),
            list_news,
            order=30,
        ),
        DeskSection(
            _l("Searched for and not found"),
            _l("Whatever was searched for around your regions was found."),
            list_for_brokers,
            order=70,
            permission=Permission.DEMAND_VIEW,
            places=("broker",),
        ),
    ),
    jobs=(
        Job("report_due_searches", 5, reactions.report_due_searches, has_due),
        Job("forget_old_demand", 86_400, lambda: services.forget_old_demand(SYSTEM)),
    ),
)
