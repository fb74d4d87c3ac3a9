"""What agreements and outcomes plug into the app."""

from flask_babel import lazy_gettext as _l

from portal.agreements import api, events, reactions
from portal.agreements.policies import Permission, policy
from portal.agreements.queries import agreements, outcomes
from portal.agreements.services.agreements import remind_of_days
from portal.agreements.views import agreements as agreement_views
from portal.agreements.views import outcomes as outcome_views
from portal.agreements.views import reports as report_views
from portal.agreements.views.blueprint import blueprint
from portal.conversations.queries.sections import section_about
from portal.kernel.authorization import SYSTEM
from portal.kernel.manifest import (
    DeskSection,
    Job,
    Manifest,
    NavigationItem,
    RecordSection,
    ThreadSubject,
    Timeline,
)
from portal.kernel.outbox import Reaction

# The modules of views fill the blueprint when they are loaded.
_VIEWS = (agreement_views, outcome_views, report_views)

manifest = Manifest(
    name="agreements",
    blueprints=(blueprint, api.blueprint),
    policy=policy,
    reactions=(
        Reaction(events.AgreementMoved, reactions.email_parties_on_agreement_moved),
        Reaction(events.AgreementMoved, reactions.advance_cases_on_agreement_moved),
        Reaction(events.DocumentAdded, reactions.email_parties_on_document_added),
        Reaction(events.MilestoneDue, reactions.email_party_on_milestone_due),
        Reaction(events.AgreementEndsSoon, reactions.email_parties_on_agreement_ends_soon),
        Reaction(events.OutcomeMoved, reactions.email_parties_on_outcome_moved),
        Reaction(events.OutcomeAlike, reactions.email_organization_on_outcome_alike),
    ),
    navigation=(
        NavigationItem(
            _l("Agreements"),
            "agreements.list_agreements",
            permission=Permission.AGREEMENT_VIEW_OWN,
            section="partners",
            order=35,
        ),
        NavigationItem(
            _l("Outcomes"),
            "agreements.list_reports",
            permission=Permission.REPORT_VIEW_ANY,
            section="administration",
            order=45,
        ),
    ),
    desk=(
        DeskSection(
            _l("Agreements that wait for you"),
            _l("No agreement waits for your word."),
            agreements.list_to_acknowledge,
            order=17,
        ),
        DeskSection(
            _l("Outcomes to tell apart"),
            _l("Nothing of yours may be recorded twice."),
            outcomes.list_to_tell_apart,
            order=18,
        ),
        DeskSection(
            _l("Outcomes to confirm"),
            _l("No outcome waits for your word."),
            outcomes.list_to_confirm,
            order=19,
        ),
        DeskSection(
            _l("Milestones"),
            _l("No milestone of your agreements is due within a week."),
            agreements.list_milestones_due,
            order=26,
        ),
        DeskSection(
            _l("Drafts of agreements"),
            _l("You have no unfinished agreement."),
            agreements.list_drafts,
            order=41,
        ),
    ),
    sections=(
        RecordSection(
            "agreement",
            _l("Conversation"),
            "conversations/section.html",
            section_about("agreement"),
        ),
        RecordSection(
            "response",
            _l("What was agreed on"),
            "agreements/section.html",
            agreements.agreements_after_response,
            order=60,
        ),
        RecordSection(
            "case",
            _l("What was agreed on"),
            "agreements/section.html",
            agreements.agreements_of_case,
        ),
        RecordSection(
            "introduction",
            _l("What was agreed on"),
            "agreements/section.html",
            agreements.agreements_after_introduction,
            order=60,
        ),
    ),
    timelines=(Timeline("case", outcomes.case_timeline),),
    thread_subjects=(
        ThreadSubject(
            kind="agreement",
            load=agreements.load_agreements,
            view=Permission.AGREEMENT_VIEW_INSIDE,
            parties=agreements.talking_parties,
            title=lambda row: row.title,
            url=lambda row: f"/agreements/{row.id}",
        ),
    ),
    jobs=(Job("remind_of_agreements", 3600, lambda: remind_of_days(SYSTEM)),),
)
