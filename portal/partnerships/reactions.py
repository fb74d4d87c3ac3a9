"""What follows on requests and responses: e-mails to the two sides, to a firm, to helpers.

A responder's mail says whose request it is only where the response's page would say so too.
"""

from portal.kernel.authorization import SYSTEM
from portal.kernel.errors import NotFound
from portal.kernel.mail import Reader, queue_mail, queue_mails
from portal.kernel.web.addresses import external_url
from portal.organizations.queries.people import managers_of
from portal.partnerships import events
from portal.partnerships.models import Mandate, Request, Response
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as response_queries
from portal.partnerships.queries.mandates import get_mandate
from portal.partnerships.queries.urgent import hearers_of
from portal.partnerships.services.mandates import renew_mandate_link
from portal.partnerships.services.urgent import call_helpers


def email_managers_on_response_sent(event: events.ResponseSent) -> None:
    """Ask who decides for the request's organization to answer a response; tell who wrote it."""
    response = _response(event.response_id)
    if response is None or response.status != "sent":
        return
    deciders = queries.deciders_of(response.request)
    others = [user for user in queries.keepers_of(response.request) if user not in deciders]
    for people, decides in ((deciders, True), (others, False)):
        queue_mails(
            people,
            "response_sent",
            title=response.request.title,
            organization=response.organization.name,
            message=response.message,
            url=_response_url(response),
            decides=decides,
        )


def email_asked_organization_on_request_published(event: events.RequestMoved) -> None:
    """Tell the managers of an organization that somebody asks to use what it shares."""
    request = _request(event.request_id) if event.action == "publish" else None
    if request is None or request.status != "published":
        return
    subject = request.equipment or request.facility
    if subject is None:
        return
    queue_mails(
        managers_of(subject.organization_id),
        "request_asks",
        name=subject.name,
        title=request.title,
        organization="" if request.is_anonymous else request.organization.name,
        summary=request.anonymous_summary if request.is_anonymous else request.summary,
        url=external_url("partnerships.show", request_id=request.id),
    )


def email_responder_on_response_decided(event: events.ResponseDecided) -> None:
    """Tell who responded the answer; who withdrew a response knows."""
    response = _response(event.response_id)
    if response is None or event.action == "withdraw":
        return
    is_accepted = event.action == "accept"
    is_named = is_accepted or not response.request.is_anonymous
    queue_mails(
        response_queries.responders_of(response),
        "response_decided",
        is_accepted=is_accepted,
        is_lapsed=event.action == "lapse",
        title=response.request.title,
        organization=response.request.organization.name if is_named else "",
        note=event.note,
        url=_response_url(response),
    )


def email_keepers_on_request_expired(event: events.RequestMoved) -> None:
    """Tell who looks after a request that its time was over."""
    request = _request(event.request_id) if event.action == "expire" else None
    if request is not None and request.status == "expired":
        queue_mails(
            queries.keepers_of(request),
            "request_expired",
            title=request.title,
            may_renew=not request.renewals,
            url=external_url("partnerships.show", request_id=request.id),
            close_url=external_url("partnerships.close", request_id=request.id),
        )


def email_keepers_on_request_ends_soon(event: events.RequestEndsSoon) -> None:
    """Tell who looks after a request that it ends soon."""
    request = _request(event.request_id)
    if request is not None and request.status in ("published", "paused"):
        queue_mails(
            queries.keepers_of(request),
            "request_ends_soon",
            title=request.title,
            day=request.expires_on,
            may_renew=not request.renewals,
            url=external_url("partnerships.show", request_id=request.id),
        )


def email_responders_on_request_revealed(event: events.RequestRevealed) -> None:
    """Tell an organization whose the anonymous request is to which it responded.

    An accepted response has a mail of its own.
    """
    if event.organization_id is None:
        return
    response = response_queries.find_response(event.request_id, event.organization_id)
    if response is None or response.status != "sent":
        return
    queue_mails(
        response_queries.responders_of(response),
        "request_revealed",
        title=response.request.title,
        organization=response.request.organization.name,
        url=_response_url(response),
    )


def email_firm_on_mandate_asked(event: events.MandateAsked) -> None:
    """Ask a firm for its word: the mail alone has the link."""
    mandate = _mandate(event.mandate_id)
    if mandate is None or mandate.status != "asked":
        return
    token = renew_mandate_link(SYSTEM, mandate)
    request = mandate.request
    queue_mail(
        mandate.email,
        "mandate_asked",
        reader=Reader(mandate.language),
        broker=mandate.asked_by.name if mandate.asked_by else "",
        organization=request.organization.name,
        title=request.title,
        summary=request.summary,
        message=mandate.message,
        day=mandate.expires_at,
        url=external_url("partnerships.show_mandate", token=token),
    )


def email_broker_on_mandate_answered(event: events.MandateAnswered) -> None:
    """Tell the broker what a firm said, or that it said nothing in time."""
    mandate = _mandate(event.mandate_id)
    if mandate is None or mandate.status != event.status:
        return
    broker = queries.find_present_broker(mandate.request, mandate.asked_by_id)
    if broker is None:
        return
    queue_mails(
        [broker],
        "mandate_answered",
        status=mandate.status,
        name=mandate.answered_by,
        note=mandate.note,
        title=mandate.request.title,
        organization=mandate.request.organization.name,
        url=external_url("partnerships.show", request_id=mandate.request_id),
    )


def tell_helpers_of_urgent_request(event: events.RequestMoved | events.RequestSaved) -> None:
    """Tell everyone near who offers what an urgent request asks for, each once."""
    request = _request(event.request_id)
    if request is None or not request.is_urgent or request.status != "published":
        return
    for organization_id in call_helpers(SYSTEM, request):
        queue_mails(
            hearers_of(organization_id),
            "urgent_request",
            title=request.title,
            organization="" if request.is_anonymous else request.organization.name,
            summary=request.anonymous_summary if request.is_anonymous else request.summary,
            day=request.expires_on,
            url=external_url("partnerships.show", request_id=request.id),
            choice_url=external_url("accounts.show_mail", _anchor="urgent"),
        )


def _response_url(response: Response) -> str:
    return external_url("partnerships.show_response", response_id=response.id)


# What an event names may be gone by the time that it is delivered.


def _response(response_id: int) -> Response | None:
    try:
        return response_queries.get_response(response_id)
    except NotFound:
        return None


def _request(request_id: int) -> Request | None:
    try:
        return queries.get_request(request_id)
    except NotFound:
        return None


def _mandate(mandate_id: int) -> Mandate | None:
    try:
        return get_mandate(mandate_id)
    except NotFound:
        return None
