"""What follows on requests and responses: e-mails to the two sides.

A responder's mail says whose request it is only where the response's page would say so too.
"""

from collections.abc import Iterable
from typing import Any

from portal.accounts.models import User
from portal.kernel.errors import NotFound
from portal.kernel.mail import queue_mail
from portal.kernel.web import external_url
from portal.organizations.queries.people import managers_of
from portal.partnerships import events
from portal.partnerships.models import Request, Response
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as response_queries


def email_managers_on_response_sent(event: events.ResponseSent) -> None:
    """Ask the managers of the request's organization to decide a response."""
    response = _response(event.response_id)
    if response is None or response.status != "sent":
        return
    _tell(
        managers_of(response.request.organization_id),
        "response_sent",
        title=response.request.title,
        organization=response.organization.name,
        message=response.message,
        url=_response_url(response),
    )


def email_asked_organization_on_request_published(event: events.RequestMoved) -> None:
    """Tell the managers of an organization that somebody asks to use what it shares."""
    request = _request(event.request_id) if event.action == "publish" else None
    if request is None or request.status != "published":
        return
    subject = request.equipment or request.facility
    if subject is None:
        return
    _tell(
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
    _tell(
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
        _tell(
            queries.keepers_of(request),
            "request_expired",
            title=request.title,
            may_renew=not request.renewals,
            url=external_url("partnerships.show", request_id=request.id),
        )


def email_keepers_on_request_ends_soon(event: events.RequestEndsSoon) -> None:
    """Tell who looks after a request that it ends soon."""
    request = _request(event.request_id)
    if request is not None and request.status in ("published", "paused"):
        _tell(
            queries.keepers_of(request),
            "request_ends_soon",
            title=request.title,
            day=request.expires_on,
            may_renew=not request.renewals,
            url=external_url("partnerships.show", request_id=request.id),
        )


def _tell(people: Iterable[User], template: str, **context: Any) -> None:
    for person in people:
        queue_mail(person.email, template, locale=person.language or "en", **context)


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
