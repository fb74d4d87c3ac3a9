"""The requests of the demo's organizations, who answers them, and how they end."""

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from portal.demo.policies import Permission
from portal.demo.rules.organizations import DemoOrganization, DemoRequest
from portal.demo.services.acting import find_organization, owner_of, without_mail
from portal.demo.services.dating import ago, date_back, date_step
from portal.demo.services.places import point_near
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.organizations.models import Organization
from portal.organizations.rules import match_key
from portal.partnerships.models import Request, Response
from portal.partnerships.rules.words import LONGEST_LIFE_DAYS
from portal.partnerships.services import requests as partnerships
from portal.partnerships.services import responses

_ACTIONS = {
    "paused": "pause",
    "fulfilled": "fulfil",
    "withdrawn": "withdraw",
    "expired": "expire",
}
_DECISIONS = {"accepted": "accept", "declined": "decline"}


@command(Permission.DEMO_LOAD)
def load_answers(
    actor: Actor, *, organization: DemoOrganization, senders: Mapping[str, str]
) -> int:
    """Let others respond to an organization's requests, and its owner decide and close them.

    senders: the names of organizations by their keys. A request waits while one of those that
    respond to it is not here. Returns how many steps were taken.
    """
    row = find_organization(organization)
    if row is None or organization.owner is None:
        return 0
    steps = 0
    with without_mail():
        owner = owner_of(row)
        for request in organization.requests:
            found = session.scalar(
                select(Request).where(
                    Request.organization_id == row.id, Request.title == request.values["title"]
                )
            )
            if found is not None and found.status == "published":
                found.organization = row
                answering = _list_answering(request, senders)
                if len(answering) == len(request.responses):
                    steps += _answer(owner, found, request, answering)
                    steps += _close(owner, found, request)
    return steps


def write_request(
    owner: Actor, row: Organization, request: DemoRequest, organization: DemoOrganization
) -> None:
    """Write a request of an organization in the state that it is to be in."""
    values = dict(request.values)
    ends_on = values["expires_on"]
    if request.state == "expired":
        # Nobody can publish what is over: it is published first, and then its time runs out.
        values["expires_on"] = now().date()
    posted = partnerships.create_request(owner, row, is_demo=True, **values)
    if request.state != "draft":
        partnerships.act_on_request(owner, posted, "publish")
    # A command reads the row again, so what no command writes comes after the last one.
    point = point_near(organization, values["zip_code"])
    posted.latitude, posted.longitude = point["latitude"], point["longitude"]
    posted.expires_on = ends_on
    date_back(posted, request.confirmed_days_ago, owner.user_id)
    if request.state != "draft":
        overdue = max(0, (now().date() - ends_on).days)
        longest_ago = LONGEST_LIFE_DAYS - 1 - (ends_on - now().date()).days
        days = min((now() - posted.updated_at).days, longest_ago)
        posted.published_at = ago(max(days, overdue + 30 if overdue else 0))
        # Who publishes a request says that it is right.
        posted.confirmed_at = max(ago(request.confirmed_days_ago), posted.published_at)
        date_step("request", posted.id, "publish", posted.published_at)


def _list_answering(request: DemoRequest, senders: Mapping[str, str]) -> list[Organization]:
    """Return those who respond to a request, in the order of their responses, if they are here."""
    found = (
        session.scalar(
            select(Organization).where(
                Organization.match_key == match_key(senders[answer.organization]),
                Organization.source == "demo",
            )
        )
        for answer in request.responses
    )
    return [row for row in found if row is not None]


def _answer(
    owner: Actor, row: Request, request: DemoRequest, answering: Sequence[Organization]
) -> int:
    steps = 0
    for answer, sender in zip(request.responses, answering, strict=True):
        is_there = session.scalar(
            select(Response.id).where(
                Response.request_id == row.id, Response.organization_id == sender.id
            )
        )
        if is_there is not None:
            continue
        response = responses.send_response(
            owner_of(sender), row, organization_id=sender.id, message=answer.message
        )
        steps += 1
        if answer.state != "sent":
            action = _DECISIONS[answer.state]
            responses.act_on_response(owner, response, action, note=answer.reason)
            response.decided_at = ago(request.confirmed_days_ago // 3)
            date_step("response", response.id, action, response.decided_at)
        response.created_at = ago(request.confirmed_days_ago // 2)
    return steps


def _close(owner: Actor, row: Request, request: DemoRequest) -> int:
    action = _ACTIONS.get(request.state)
    if action is None:
        return 0
    updated_at = row.updated_at
    partnerships.act_on_request(SYSTEM if action == "expire" else owner, row, action)
    session.flush()
    row.updated_at = updated_at
    closed_at = dt.datetime.combine(row.expires_on, dt.time(), dt.UTC)
    date_step("request", row.id, action, min(closed_at, ago(1)))
    return 1
