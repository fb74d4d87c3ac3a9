"""What brokerage plugs into the app."""

from flask_babel import lazy_gettext as _l

from portal.brokerage import events
from portal.brokerage.api import cases as cases_api
from portal.brokerage.api.blueprint import blueprint as api_blueprint
from portal.brokerage.policies import Permission, policy
from portal.brokerage.queries import cases as case_queries
from portal.brokerage.queries import desk as desk_queries
from portal.brokerage.reactions import cases as on_cases
from portal.brokerage.views import cases, desk
from portal.brokerage.views.blueprint import blueprint
from portal.kernel.manifest import DeskSection, Manifest, NavigationItem, RecordSection
from portal.kernel.outbox import Reaction

#: Importing them is what puts their routes on the blueprints.
PAGES = (cases, desk, cases_api)

manifest = Manifest(
    name="brokerage",
    blueprints=(blueprint, api_blueprint),
    policy=policy,
    reactions=(
        Reaction(events.CaseHandedOver, on_cases.email_keeper_on_case_handed_over),
        Reaction(events.CaseTaskGiven, on_cases.email_keeper_on_task_given),
        Reaction(events.IntroductionConsented, on_cases.advance_cases_on_introduction_consented),
        Reaction(events.IntroductionOpened, on_cases.advance_cases_on_introduction_opened),
        Reaction(events.ConfirmationAsked, on_cases.email_managers_on_confirmation_asked),
    ),
    navigation=(
        NavigationItem(
            _l("Broker’s desk"),
            "brokerage.desk",
            permission=Permission.CASE_VIEW_OWN,
            section="account",
            order=12,
        ),
        NavigationItem(
            _l("Cases"),
            "brokerage.list_cases",
            permission=Permission.CASE_VIEW_OWN,
            section="account",
            order=13,
        ),
    ),
    desk=(
        DeskSection(
            _l("Your cases and tasks that are due"),
            _l("None of your cases is due."),
            case_queries.list_due,
            order=13,
            permission=Permission.CASE_VIEW_OWN,
            places=("desk", "broker"),
        ),
    ),
    sections=(
        RecordSection(
            "organization",
            _l("Cases"),
            "brokerage/section.html",
            desk_queries.cases_of_organization,
            order=90,
        ),
        RecordSection(
            "request",
            _l("Cases"),
            "brokerage/section.html",
            desk_queries.cases_of_request,
            order=90,
        ),
    ),
)
