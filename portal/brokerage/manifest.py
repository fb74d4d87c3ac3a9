"""What brokerage plugs into the app."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.brokerage import events
from portal.brokerage.api import cases as cases_api
from portal.brokerage.api import desk as desk_api
from portal.brokerage.api import introductions as introductions_api
from portal.brokerage.api.blueprint import blueprint as api_blueprint
from portal.brokerage.policies import Permission, policy
from portal.brokerage.queries import cases as case_queries
from portal.brokerage.queries import desk as desk_queries
from portal.brokerage.queries import disclosure, waiting
from portal.brokerage.queries import introductions as queries
from portal.brokerage.reactions import cases as on_cases
from portal.brokerage.reactions import introductions as on_introductions
from portal.brokerage.services import introductions as services
from portal.brokerage.views import asking, cases, desk, interview, introductions
from portal.brokerage.views.blueprint import blueprint
from portal.conversations.queries.sections import section_about
from portal.kernel.authorization import SYSTEM
from portal.kernel.manifest import (
    DeskSection,
    Job,
    Manifest,
    NavigationItem,
    RecordSection,
    ThreadSubject,
)
from portal.kernel.outbox import Reaction

#: Importing them is what puts their routes on the blueprints.
PAGES = (asking, cases, desk, interview, introductions, cases_api, desk_api, introductions_api)

manifest = Manifest(
    name="brokerage",
    blueprints=(blueprint, api_blueprint),
    policy=policy,
    reactions=(
        Reaction(
            events.IntroductionProposed, on_introductions.email_sides_on_introduction_proposed
        ),
        Reaction(
            events.IntroductionConsented, on_introductions.email_all_on_introduction_consented
        ),
        Reaction(events.IntroductionOpened, on_introductions.email_all_on_introduction_opened),
        Reaction(events.IntroductionDeclined, on_introductions.email_all_on_introduction_declined),
        Reaction(events.IntroductionResumed, on_introductions.email_sides_on_introduction_resumed),
        Reaction(events.IntroductionLapsed, on_introductions.email_all_on_introduction_lapsed),
        Reaction(
            events.IntroductionWithdrawn, on_introductions.email_sides_on_introduction_withdrawn
        ),
        Reaction(events.IntroductionWaits, on_introductions.email_awaited_on_introduction_waits),
        Reaction(events.BrokersAsked, on_cases.email_brokers_on_brokers_asked),
        Reaction(events.CaseHandedOver, on_cases.email_keeper_on_case_handed_over),
        Reaction(events.CaseTaskGiven, on_cases.email_keeper_on_task_given),
        Reaction(events.IntroductionConsented, on_cases.advance_cases_on_introduction_consented),
        Reaction(events.IntroductionOpened, on_cases.advance_cases_on_introduction_opened),
        Reaction(events.ConfirmationAsked, on_cases.email_managers_on_confirmation_asked),
    ),
    navigation=(
        NavigationItem(
            _l("Introductions"),
            "brokerage.list_introductions",
            permission=Permission.INTRODUCTION_VIEW_OWN,
            section="partners",
            order=32,
        ),
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
            _l("Introductions that wait for your answer"),
            _l("No introduction waits for your answer."),
            waiting.list_to_answer,
            order=13,
        ),
        DeskSection(
            _l("New introductions"),
            _l("You met nobody through an introduction in the last two weeks."),
            waiting.list_new,
            order=24,
        ),
        DeskSection(
            _l("Suggested introductions"),
            _l("No match waits for an introduction."),
            waiting.list_suggested,
            order=20,
            permission=Permission.INTRODUCTION_DRAFT,
            places=("desk", "broker"),
        ),
        DeskSection(
            _l("Introductions under way"),
            _l("No introduction waits for an answer."),
            waiting.list_under_way,
            order=30,
            permission=Permission.INTRODUCTION_DRAFT,
            places=("broker",),
        ),
        DeskSection(
            _l("Introductions that came to nothing"),
            _l("None was declined or lapsed in the last two weeks."),
            waiting.list_failed,
            order=31,
            permission=Permission.INTRODUCTION_DRAFT,
            places=("desk", "broker"),
        ),
        DeskSection(
            _l("New cases that others brought"),
            _l("Nobody brought a case."),
            case_queries.list_new,
            order=12,
            permission=Permission.CASE_VIEW_OWN,
            places=("desk", "broker"),
        ),
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
            "introduction",
            _l("Conversation"),
            "conversations/section.html",
            section_about("introduction"),
        ),
        RecordSection(
            "introduction",
            _l("Questions to the broker"),
            "brokerage/introductions/questions.html",
            queries.questions_section,
            order=40,
        ),
        RecordSection(
            "request",
            _l("Introductions"),
            "brokerage/introductions/request_section.html",
            queries.request_section,
            order=55,
        ),
        RecordSection(
            "match",
            _l("Introduction"),
            "brokerage/introductions/propose_section.html",
            queries.match_section,
        ),
        RecordSection(
            "organization",
            _l("Introduction"),
            "brokerage/introductions/propose_section.html",
            queries.organization_section,
            order=89,
        ),
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
    thread_subjects=(
        ThreadSubject(
            kind="introduction",
            load=queries.introductions_by_id,
            view=Permission.INTRODUCTION_VIEW_IDENTITIES,
            parties=disclosure.parties_in_thread,
            title=lambda introduction: introduction.title,
            url=lambda introduction: f"/introductions/{introduction.id}",
            parties_for_others=disclosure.parties_for_others,
        ),
        ThreadSubject(
            kind="introduction_party",
            load=queries.parties_by_id,
            view=Permission.INTRODUCTION_ASK,
            parties=disclosure.parties_in_question,
            title=lambda party: _("Question about “%(title)s”", title=party.introduction.title),
            url=lambda party: f"/introductions/{party.introduction_id}#questions",
            parties_for_others=disclosure.parties_in_question_for_others,
        ),
    ),
    jobs=(
        Job(
            "lapse_introductions",
            3600,
            lambda: services.lapse_overdue(SYSTEM),
            is_due=lambda: bool(queries.list_overdue(1)),
        ),
        Job(
            "remind_of_introductions",
            3600,
            lambda: services.remind_awaited(SYSTEM),
            is_due=lambda: bool(queries.list_to_remind(1)),
        ),
    ),
)
