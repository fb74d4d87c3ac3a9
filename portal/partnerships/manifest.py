"""What requests and responses plug into the app."""

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.conversations.queries.sections import section_about
from portal.kernel.authorization import SYSTEM
from portal.kernel.manifest import (
    DeskSection,
    Facet,
    Job,
    Manifest,
    NavigationItem,
    RecordSection,
    Searchable,
    ThreadSubject,
)
from portal.kernel.outbox import Event, Reaction
from portal.organizations import events as organization_events
from portal.partnerships import api, documents, events, reactions
from portal.partnerships.policies import Permission, policy
from portal.partnerships.queries import closing, desk, mandates, urgent
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as responding
from portal.partnerships.rules.words import DIRECTIONS, REQUEST_KINDS
from portal.partnerships.services import mandates as mandate_services
from portal.partnerships.services import requests as services
from portal.partnerships.views import drafts, requests, responses, steps, writing
from portal.partnerships.views import mandates as mandate_pages
from portal.partnerships.views import urgent as urgent_pages
from portal.partnerships.views.blueprint import blueprint

#: Importing them is what puts their routes on the blueprint.
PAGES = (drafts, mandate_pages, requests, responses, steps, urgent_pages, writing)

_CHANGED_BY: dict[type[Event], Callable[[Any], list[int]]] = {
    **{
        event: lambda event: [event.request_id]
        for event in (
            events.RequestSaved,
            events.RequestMoved,
            events.RequestRenewed,
            events.RequestRevealed,
            events.RequestDeleted,
        )
    },
    **{
        event: lambda event: documents.request_ids_of_organization(event.organization_id)
        for event in (
            organization_events.OrganizationChanged,
            organization_events.OrganizationVerified,
            organization_events.OrganizationArchived,
            organization_events.OrganizationRestored,
        )
    },
}

manifest = Manifest(
    name="partnerships",
    blueprints=(blueprint, api.blueprint),
    policy=policy,
    reactions=(
        Reaction(events.ResponseSent, reactions.email_managers_on_response_sent),
        Reaction(events.ResponseDecided, reactions.email_responder_on_response_decided),
        Reaction(events.RequestMoved, reactions.email_asked_organization_on_request_published),
        Reaction(events.RequestMoved, reactions.email_keepers_on_request_expired),
        Reaction(events.RequestMoved, reactions.tell_helpers_of_urgent_request),
        Reaction(events.RequestSaved, reactions.tell_helpers_of_urgent_request),
        Reaction(events.RequestRevealed, reactions.email_responders_on_request_revealed),
        Reaction(events.MandateAsked, reactions.email_firm_on_mandate_asked),
        Reaction(events.MandateAnswered, reactions.email_broker_on_mandate_answered),
        Reaction(events.RequestEndsSoon, reactions.email_keepers_on_request_ends_soon),
    ),
    searchables=(
        Searchable(
            kind="request",
            label=_l("Requests"),
            documents=documents.list_request_documents,
            list_ids=documents.list_request_ids,
            changed_by=_CHANGED_BY,
            viewing=documents.VIEWING,
        ),
    ),
    facets=(
        Facet(
            "request_kind",
            _l("Kind of request"),
            lambda values: {value: REQUEST_KINDS.get(value, value) for value in values},
        ),
        Facet(
            "direction",
            _l("Need or offer"),
            lambda values: {value: DIRECTIONS.get(value, value) for value in values},
        ),
    ),
    navigation=(
        NavigationItem(_l("Requests"), "partnerships.list_requests", order=40),
        NavigationItem(
            _l("Your requests"),
            "partnerships.list_mine",
            permission=Permission.REQUEST_VIEW_OWN,
            section="partners",
            order=30,
        ),
        NavigationItem(
            _l("Responses"),
            "partnerships.list_responses",
            permission=Permission.REQUEST_VIEW_OWN,
            section="partners",
            order=31,
        ),
    ),
    desk=(
        DeskSection(
            _l("Responses to your requests"),
            _l("No response waits for your decision."),
            desk.list_to_decide,
            order=15,
        ),
        DeskSection(
            _l("Requests to use what you share"),
            _l("Nobody waits for your answer about your equipment and facilities."),
            desk.list_asked,
            order=16,
        ),
        DeskSection(
            _l("Urgent requests near you"),
            _l("Nobody near you needs help at once."),
            urgent.list_calls,
            order=5,
        ),
        DeskSection(
            _l("Requests that wait for a firm’s word"),
            _l("No firm is asked to confirm a request of yours."),
            desk.list_proposed,
            order=45,
            permission=Permission.REQUEST_VIEW_PROPOSED,
        ),
        DeskSection(
            _l("What came of your requests?"),
            _l("Of all your requests that are over, it is known what came of them."),
            closing.list_untold,
            order=55,
        ),
        DeskSection(
            _l("Answers to your responses"),
            _l("No answer came in the last two weeks."),
            desk.list_answers,
            order=25,
        ),
        DeskSection(
            _l("Drafts of requests"),
            _l("You have no unfinished request."),
            desk.list_drafts,
            order=40,
        ),
        DeskSection(
            _l("Requests that end soon"),
            _l("None of your requests ends within two weeks."),
            desk.list_ending,
            order=50,
        ),
    ),
    sections=(
        RecordSection(
            "mail",
            _l("Urgent requests"),
            "partnerships/mail.html",
            urgent_pages.mail_section,
            order=40,
        ),
        RecordSection(
            "response",
            _l("Conversation"),
            "conversations/section.html",
            section_about("response"),
        ),
        RecordSection(
            "organization",
            _l("Open requests"),
            "partnerships/section.html",
            queries.list_of_organization,
            order=60,
        ),
        RecordSection(
            "organization",
            _l("For this organization"),
            "partnerships/write_for_section.html",
            queries.link_to_write_for,
            order=90,
        ),
        RecordSection(
            "equipment",
            _l("Requests to use it"),
            "partnerships/section.html",
            queries.list_for_equipment,
        ),
        RecordSection(
            "facility",
            _l("Requests to use it"),
            "partnerships/section.html",
            queries.list_for_facility,
        ),
    ),
    thread_subjects=(
        ThreadSubject(
            kind="response",
            load=responding.load_responses,
            view=Permission.RESPONSE_VIEW,
            parties=responding.parties_of,
            title=lambda row: _("Response to “%(title)s”", title=row.request.title),
            url=lambda row: f"/responses/{row.id}",
            parties_for_others=responding.parties_for_others,
        ),
    ),
    jobs=(
        Job(
            "lapse_mandates",
            3600,
            lambda: mandate_services.lapse_mandates(SYSTEM),
            is_due=lambda: bool(mandates.list_lapsed(1)),
        ),
        Job("expire_requests", 3600, lambda: services.expire_overdue(SYSTEM)),
        Job("remind_of_ending_requests", 3600, lambda: services.remind_of_ends(SYSTEM)),
    ),
)
