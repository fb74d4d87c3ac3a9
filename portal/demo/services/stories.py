"""What became of accepted responses: introductions, agreements, outcomes."""

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import exists, select, update

from portal.accounts.queries import find_user_by_email
from portal.agreements.models import Agreement
from portal.agreements.queries.agreements import get_agreement
from portal.agreements.services import agreements, outcomes
from portal.brokerage.models.introductions import (
    Introduction,
    IntroductionParty,
    IntroductionReveal,
)
from portal.brokerage.queries.introductions import get_introduction
from portal.brokerage.services import introductions
from portal.conversations import services as conversations
from portal.demo.policies import Permission
from portal.demo.rules.organizations import DemoOrganization
from portal.demo.rules.people import DemoCast
from portal.demo.rules.stories import DemoStory
from portal.demo.services.acting import find_organization, owner_of, without_mail
from portal.demo.services.dating import ago, date_steps
from portal.kernel.authorization import Actor
from portal.kernel.clock import today_here
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.organizations.models import Organization
from portal.partnerships.models import Request, Response
from portal.partnerships.queries.requests import get_request
from portal.partnerships.queries.responses import get_response
from portal.regions.queries.regions import counties_of_region, find_region


@command(Permission.DEMO_LOAD)
def load_story(
    actor: Actor,
    *,
    story: DemoStory,
    organization: DemoOrganization,
    partner: DemoOrganization,
    cast: DemoCast,
) -> int:
    """Let two organizations meet through their region's broker, talk, agree and get to something.

    Returns 1, or 0 where it was told before, or its response is not accepted.
    """
    row, other = find_organization(organization), find_organization(partner)
    if row is None or other is None:
        return 0
    found = session.scalar(
        select(Response.id)
        .join(Request, Request.id == Response.request_id)
        .where(
            Request.organization_id == row.id,
            Request.title == story.request,
            Response.organization_id == other.id,
            Response.status == "accepted",
        )
    )
    is_told = exists().where(Agreement.title == story.agreement["title"], Agreement.is_demo)
    if found is None or session.scalar(select(is_told)):
        return 0
    with without_mail():
        owners = {organization.key: owner_of(row), partner.key: owner_of(other)}
        response = get_response(found)
        for key, words in story.messages:
            message = conversations.write_about(
                owners[key], response, subject="response", text=words
            )
            message.created_at = ago(story.agreement["days_ago"] + 2)
        introduction = _introduce(story, response, (row, other), owners, organization, cast)
        _agree(story, introduction, (row, other), tuple(owners.values()))
    return 1


def _introduce(
    story: DemoStory,
    response: Response,
    sides: tuple[Organization, Organization],
    owners: Mapping[str, Actor],
    organization: DemoOrganization,
    cast: DemoCast,
) -> Introduction:
    """Let the region's broker introduce two organizations, and both agree to meet."""
    told = story.introduction
    region = find_region(organization.region)
    assert region is not None  # noqa: S101 (for the type checker)
    introduction = introductions.propose_introduction(
        _broker_of(organization.region, cast),
        region,
        title=told["title"],
        parties=[
            {"organization_id": side.id, "summary": summary, "reason": reason}
            for side, summary, reason in zip(sides, told["summaries"], told["reasons"], strict=True)
        ],
        request=get_request(response.request_id),
        is_demo=True,
    )
    for step in (_consent, _share):
        for owner in owners.values():
            step(owner, introduction)
    moment = ago(told["days_ago"])
    introduction.asked_at = introduction.created_at = moment
    introduction.identified_at = introduction.opened_at = moment
    for party in introduction.parties:
        party.terms_accepted_at = party.shared_at = moment
        date_steps("introduction_party", party.id, moment)
    date_steps("introduction", introduction.id, moment)
    session.execute(
        update(IntroductionReveal)
        .where(IntroductionReveal.introduction_id == introduction.id)
        .values(revealed_at=moment)
    )
    return introduction


def _consent(owner: Actor, introduction: Introduction) -> None:
    party = _side_of(owner, introduction)
    introductions.consent_to_meet(owner, party, accepts_terms=True)


def _share(owner: Actor, introduction: Introduction) -> None:
    introductions.share_contact(
        owner,
        _side_of(owner, introduction),
        contact_name=owner.name,
        contact_phone="(502) 555-0142",
    )


def _side_of(owner: Actor, introduction: Introduction) -> IntroductionParty:
    found = get_introduction(introduction.id)
    return next(row for row in found.parties if row.organization_id in owner.memberships)


def _broker_of(region_key: str, cast: DemoCast) -> Actor:
    region = find_region(region_key)
    person = next(person for person in cast.people if person.brokers == region_key)
    user = find_user_by_email(person.email)
    assert region is not None and user is not None  # noqa: PT018, S101 (for the type checker)
    return Actor(
        user_id=user.id,
        name=user.name,
        brokered_regions=frozenset({region.id}),
        brokered_counties=frozenset(row.fips for row in counties_of_region(region.id)),
    )


def _agree(
    story: DemoStory,
    introduction: Introduction,
    sides: tuple[Organization, Organization],
    owners: tuple[Actor, ...],
) -> None:
    """Let two organizations agree on something, and say what came of it."""
    told = story.agreement
    first, second = owners
    ends = told.get("ends_in_days")
    agreement = agreements.create_agreement(
        first,
        sides[0],
        introduction_id=introduction.id,
        is_demo=True,
        starts_on=ago(told["days_ago"]).date(),
        ends_on=today_here() + dt.timedelta(days=ends) if ends else None,
        **{
            name: told[name]
            for name in (
                "kind",
                "title",
                "terms",
                "role",
                "private_cents",
                "public_cents",
                "in_kind_cents",
            )
            if name in told
        },
    )
    for raw in told.get("milestones", ()):
        due_on = today_here() + dt.timedelta(days=raw["due_in_days"])
        milestone = agreements.add_milestone(first, agreement, title=raw["title"], due_on=due_on)
        milestone.done_at = ago(-raw["due_in_days"]) if raw.get("is_done") else None
    agreements.act_on_agreement(first, agreement, "propose")
    agreements.acknowledge_agreement(second, agreement, revision=agreement.revision)
    for raw in told.get("outcomes", ()):
        outcome = outcomes.assert_outcome(
            first,
            agreement,
            kind=raw["kind"],
            amount_hundredths=raw["amount_hundredths"],
            happened_on=ago(raw["days_ago"]).date(),
            evidence=raw["evidence"],
        )
        if raw.get("confirmed"):
            outcomes.act_on_outcome(second, outcome, "confirm")
            outcome.confirmed_at = ago(raw["days_ago"] - 2)
        outcome.created_at = ago(raw["days_ago"] - 1)
        date_steps("outcome", outcome.id, ago(raw["days_ago"] - 2))
    if told.get("state") == "completed":
        agreements.act_on_agreement(second, agreement, "complete")
        agreement.closed_at = ago(30)
    moment = ago(told["days_ago"])
    agreement.created_at = agreement.proposed_at = agreement.activated_at = moment
    date_steps("agreement", agreement.id, moment)
    for party in get_agreement(agreement.id).parties:
        if party.clearance is not None:
            party.clearance.created_at = moment
            date_steps("clearance", party.clearance.id, moment)
        for word in party.acknowledgments:
            word.acknowledged_at = moment
