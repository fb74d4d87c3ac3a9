"""What follows on events that webhooks are told of, and on notices that wait to be sent.

A notice holds what its organization may see anyway: numbers, an address, a title.
"""

from portal.agreements.events import AgreementMoved
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now
from portal.kernel.mail import queue_mails
from portal.kernel.outgoing import Refused, Unreachable, post
from portal.kernel.web.addresses import external_url
from portal.organizations.queries.people import managers_of
from portal.partnerships.events import RequestMoved, ResponseDecided
from portal.webhooks import queries, services
from portal.webhooks.events import NoticeQueued, WebhookStopped
from portal.webhooks.rules import headers_of, write_body


class NotDelivered(Exception):
    """A notice that is to be sent again."""


def tell_webhooks_on_request_published(event: RequestMoved) -> None:
    """Tell who posted a request, and whom it asks, that it is published."""
    request = queries.find_request(event.request_id) if event.action == "publish" else None
    if request is None:
        return
    told = {request.organization_id}
    if request.asked_organization_id is not None:
        told.add(request.asked_organization_id)
    services.tell_webhooks(
        SYSTEM,
        kind="request.published",
        organization_ids=told,
        data={
            "request_id": request.id,
            "title": request.title,
            "kind": request.kind,
            "direction": request.direction,
            "url": external_url("partnerships.show", request_id=request.id),
        },
    )


def tell_webhooks_on_response_accepted(event: ResponseDecided) -> None:
    """Tell the two sides of a response that it is accepted."""
    response = queries.find_response(event.response_id) if event.action == "accept" else None
    if response is None:
        return
    services.tell_webhooks(
        SYSTEM,
        kind="response.accepted",
        organization_ids={response.organization_id, response.request.organization_id},
        data={
            "response_id": response.id,
            "request_id": response.request_id,
            "title": response.request.title,
            "url": external_url("partnerships.show_response", response_id=response.id),
        },
    )


def tell_webhooks_on_agreement_signed(event: AgreementMoved) -> None:
    """Tell the parties of an agreement that all of them have agreed."""
    agreement = queries.find_agreement(event.agreement_id) if event.action == "activate" else None
    if agreement is None:
        return
    services.tell_webhooks(
        SYSTEM,
        kind="agreement.signed",
        organization_ids={party.organization_id for party in agreement.parties},
        data={
            "agreement_id": agreement.id,
            "title": agreement.title,
            "kind": agreement.kind,
            "url": external_url("agreements.show_agreement", agreement_id=agreement.id),
        },
    )


def send_notice_on_notice_queued(event: NoticeQueued) -> None:
    """Send a notice. Raises NotDelivered as long as it is to be sent again."""
    notice = queries.find_notice(event.notice_id)
    if notice is None or notice.status != "open":
        return
    if not notice.webhook.is_active:
        services.drop_notice(SYSTEM, notice_id=event.notice_id)
        return
    webhook = notice.webhook
    body = write_body(notice.kind, notice.created_at.isoformat(), notice.data)
    headers = headers_of(webhook.secret, notice.key, int(now().timestamp()), body)
    url, answer, problem = webhook.url, None, ""
    # Nothing is held while another server takes its time.
    queries.let_go()
    try:
        answer = post(url, body, headers)
    except (Refused, Unreachable) as error:
        problem = str(error)
    state = services.note_attempt(SYSTEM, notice_id=event.notice_id, answer=answer, problem=problem)
    if state == "open":
        raise NotDelivered(problem or f"answered {answer}")


def email_managers_on_webhook_stopped(event: WebhookStopped) -> None:
    """Tell the managers of an organization that one of its webhooks is told nothing any more."""
    webhook = queries.find_webhook(event.webhook_id)
    if webhook is None or webhook.is_active:
        return
    queue_mails(
        managers_of(webhook.organization_id),
        "webhook_stopped",
        address=webhook.url,
        organization=webhook.organization.name,
        url=external_url("webhooks.show", webhook_id=webhook.id),
    )
