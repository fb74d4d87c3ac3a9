"""Introductions: who learns what of whom, when, and who reads why it came to nothing."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from portal.accounts.models import User
from portal.brokerage.models.introductions import Introduction, IntroductionParty
from portal.brokerage.policies import Permission
from portal.brokerage.queries import disclosure
from portal.brokerage.queries import introductions as queries
from portal.brokerage.services import introductions as services
from portal.conversations.models import Block
from portal.kernel.authorization import SYSTEM, Actor, can, visible
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from portal.organizations.models import Membership, Organization
from portal.partnerships.models import Request, RequestReveal
from portal.partnerships.queries.requests import get_request
from portal.regions.models import Region
from tests.brokerage.conftest import MANAGERS, ActorOf, Table, name_of
from tests.cast import CAST, World

Propose = Callable[..., Table]
Proposal = Callable[..., Mapping[str, Any]]


def stages(table: Table, reader: str) -> list[str]:
    row = queries.get_visible_introduction(table.actor(reader), table.id)
    return [reveal.stage for reveal in disclosure.list_reveals(table.actor(reader), row)]


# What becomes known


def test_nobody_learns_a_name_before_all_agreed(propose: Propose, world: World) -> None:
    table = propose("shop", "college")
    table.consent("shop")

    for reader, other in (("ana", "college"), ("cleo", "shop")):
        side = next(side for side in table.sides(reader) if not side.is_own)
        assert side.label in ("Organization A", "Organization B")
        assert side.organization_id is None
        assert side.summary == f"An organization with a {other} machine."
        assert (side.reason, side.status, side.terms_accepted_at) == ("", "", None)
        assert stages(table, reader) == ["summary", "summary"]


def test_all_learn_the_names_once_the_last_agreed(propose: Propose, world: World) -> None:
    table = propose("shop", "college")
    table.consent("college", "shop")

    assert table.row.status == "identified"
    assert [side.label for side in table.sides("ben")] == [
        "Ana's Machine Shop",
        "Falls City Community College",
    ]
    assert [side.contact for side in table.sides("ben")] == [None, None]
    assert stages(table, "cleo") == ["summary", "summary", "identity", "identity"]


def test_contacts_are_open_once_all_gave_theirs(propose: Propose, world: World) -> None:
    table = propose("shop", "college")
    table.consent("shop", "college")
    table.share("shop")
    before = {side.label: side.contact for side in table.sides("cleo")}
    assert before["Ana's Machine Shop"] is None

    table.share("college")

    assert table.row.status == "open"
    after = {side.label: side.contact for side in table.sides("cleo")}
    assert after["Ana's Machine Shop"] == disclosure.Contact(
        "Contact of shop", "shop@contact.example", ""
    )
    assert stages(table, "ana")[-2:] == ["contact", "contact"]
    # The broker sees that they met, not how they reach each other.
    assert [side.contact for side in table.sides("dov")] == [None, None]
    assert len(stages(table, "dov")) == 6


def test_who_accepted_the_terms_and_when_is_recorded(propose: Propose, world: World) -> None:
    table = propose("shop", "college")
    with pytest.raises(Invalid) as refusal:
        services.consent_to_meet(table.actor("ana"), table.party("shop"), accepts_terms=False)
    assert refusal.value.field == "accepts_terms"

    table.consent("shop")

    party = table.party("shop")
    assert party.terms_accepted_by_id == world.users["ana"]
    assert party.terms_accepted_at is not None
    assert "We do not pass it on" in table.row.terms


def test_three_meet_when_the_third_agreed(propose: Propose, world: World) -> None:
    table = propose("shop", "college", "aero")
    table.consent("shop", "college")
    assert {side.organization_id for side in table.sides("eve") if not side.is_own} == {None}
    # What became known between two others is not told to the third.
    assert len(stages(table, "eve")) == 4

    table.consent("aero")
    table.share("aero", "college", "shop")

    assert table.row.status == "open"
    others = [side for side in table.sides("eve") if not side.is_own]
    assert [side.contact.email if side.contact else "" for side in others] == [
        "shop@contact.example",
        "college@contact.example",
    ]
    assert len(stages(table, "dov")) == 18


# Who decides


def test_only_owners_and_managers_answer_for_their_own_side(
    propose: Propose, world: World, actor: ActorOf
) -> None:
    table = propose("shop", "college")
    party = table.party("shop")

    for name in ("ben", "cleo", "dov"):
        with pytest.raises(Forbidden):
            services.consent_to_meet(actor(name), party, accepts_terms=True)
    for name in ("eve", "root"):
        with pytest.raises(NotFound):
            services.consent_to_meet(actor(name), party, accepts_terms=True)


def test_a_contact_is_not_asked_for_before_the_names_are_known(propose: Propose) -> None:
    table = propose("shop", "college")
    table.consent("shop")

    with pytest.raises(Conflict):
        table.share("shop")


def test_a_contact_has_an_address_or_a_telephone_number(propose: Propose, actor: ActorOf) -> None:
    table = propose("shop", "college")
    table.consent("shop", "college")

    with pytest.raises(Invalid) as refusal:
        services.share_contact(actor("ana"), table.party("shop"), contact_name="Ana")
    assert refusal.value.field == "contact_email"


def test_only_the_broker_reads_why_a_side_declined(propose: Propose, world: World) -> None:
    table = propose("shop", "college")
    table.consent("shop", "college")
    table.decline("college", "Their owner is my cousin.")

    reasons = {
        reader: [side.decline_reason for side in table.sides(reader) if side.decline_reason]
        for reader in ("ana", "cleo", "dov")
    }
    assert reasons == {
        "ana": [],
        "cleo": ["Their owner is my cousin."],
        "dov": ["Their owner is my cousin."],
    }
    shown = {name: disclosure.shown_status(table.actor(name), table.row) for name in reasons}
    assert shown == {"ana": "ended", "cleo": "declined", "dov": "declined"}


def test_a_broker_of_the_other_side_reads_no_reason(
    propose: Propose, world: World, actor: ActorOf
) -> None:
    table = propose("shop", "college")
    table.decline("college")
    with unit_of_work():
        session.add(
            Membership(
                organization_id=world.organizations["shop"],
                user_id=world.users["dov"],
                role="member",
            )
        )

    assert [side.decline_reason for side in table.sides("dov")] == ["", ""]
    assert not can(actor("dov"), Permission.INTRODUCTION_MANAGE, table.row)


def test_declining_needs_a_reason_and_ends_it_for_all(propose: Propose) -> None:
    table = propose("shop", "college")
    with pytest.raises(Invalid):
        table.decline("shop", "  ")

    table.decline("shop")

    with pytest.raises(Conflict):
        table.consent("college")


# Proposing


@pytest.mark.parametrize(
    ("names", "changes", "message"),
    [
        (("shop",), {}, "Two or three organizations meet."),
        (("shop", "shop"), {}, "Please name each organization once."),
        (("shop", "unclaimed"), {}, "Ohio Valley Institute has nobody here yet"),
        (("shop", "college"), {"title": "For Anas machine shop, Inc."}, "stands in a text"),
        (("shop", "college"), {"title": "Write to office@shop.example"}, "leave out addresses"),
        (("shop", "college"), {"terms": "Call (502) 555-0101."}, "leave out addresses"),
    ],
)
def test_a_proposal_is_refused_that_cannot_be_answered_or_gives_somebody_away(
    actor: ActorOf,
    region: Region,
    proposal: Proposal,
    names: tuple[str, ...],
    changes: Mapping[str, Any],
    message: str,
) -> None:
    with pytest.raises(Invalid, match=message):
        services.propose_introduction(actor("dov"), region, **proposal(*names, **changes))


def test_the_reason_of_one_side_may_name_it_but_not_the_other(
    propose: Propose, actor: ActorOf, region: Region, proposal: Proposal
) -> None:
    said = proposal("shop", "college")
    own, other = said["parties"]
    with pytest.raises(Invalid, match="Falls City"):
        services.propose_introduction(
            actor("dov"),
            region,
            title="Measuring",
            parties=[{**own, "reason": "Falls-City Community College measures."}, other],
        )

    propose("shop", "college", parties=[{**own, "reason": "Ana's Machine Shop mills."}, other])


def test_a_broker_introduces_neither_strangers_to_the_region_nor_an_organization_of_their_own(
    actor: ActorOf, world: World, region: Region, proposal: Proposal
) -> None:
    other = session.get_one(Region, world.regions["wichita"])
    with pytest.raises(Forbidden):
        services.propose_introduction(actor("dov"), other, **proposal("shop", "aero"))
    with unit_of_work():
        college = session.get_one(Organization, world.organizations["college"])
        college.county_fips = "20173"
    with pytest.raises(Invalid, match="region that you broker"):
        services.propose_introduction(actor("dov"), region, **proposal("college", "aero"))
    with unit_of_work():
        session.add(
            Membership(
                organization_id=world.organizations["shop"],
                user_id=world.users["dov"],
                role="member",
            )
        )
    with pytest.raises(Invalid, match="Another broker"):
        services.propose_introduction(actor("dov"), region, **proposal("shop", "aero"))


def test_the_same_is_not_proposed_twice_while_it_waits(propose: Propose) -> None:
    first = propose("shop", "aero")
    with pytest.raises(Conflict):
        propose("aero", "shop", "college")
    first.decline("aero")

    assert propose("shop", "aero", "college").row.status == "proposed"


def test_who_posted_an_anonymous_request_is_kept_from_the_broker_until_all_agreed(
    propose: Propose, world: World, proposal: Proposal
) -> None:
    with unit_of_work():
        request = session.get_one(Request, world.requests["shop_public"])
        request.is_anonymous, request.anonymous_summary = True, "Somebody mills."
    poster, candidate = proposal("shop", "college")["parties"]
    table = propose(
        request=get_request(request.id),
        parties=[
            {
                "stands_for": "poster",
                "summary": poster["summary"],
                "reason": "Ana's Machine Shop is a name that the broker may guess.",
            },
            candidate,
        ],
    )

    assert [side.label for side in table.sides("dov")] == [
        "Organization A",
        "Falls City Community College",
    ]
    table.consent("shop", "college")
    assert next(side.label for side in table.sides("dov")) == "Ana's Machine Shop"


def hide(world: World) -> Request:
    """Let the shop post its public request without its name."""
    with unit_of_work():
        request = session.get_one(Request, world.requests["shop_public"])
        request.is_anonymous, request.anonymous_summary = True, "Somebody mills."
    return get_request(request.id)


def test_who_declines_for_an_anonymous_side_is_not_named_to_the_broker(
    propose: Propose,
    world: World,
    proposal: Proposal,
    client_of: Callable[[str], FlaskClient],
) -> None:
    request = hide(world)
    with unit_of_work():
        session.get_one(User, world.users["ana"]).name = "Anastasia Mill"
    poster, candidate = proposal("shop", "college")["parties"]
    del poster["organization_id"]
    table = propose(request=request, parties=[{**poster, "stands_for": "poster"}, candidate])
    case = world.cases["shop"]
    table.decline("shop", note="Not now.")

    for path in (f"/introductions/{table.id}", f"/broker/cases/{case}"):
        read = client_of("dov").get(path).text
        assert "One side declined." in read
        assert "Anastasia" not in read


def test_a_broker_cannot_try_out_who_posted_an_anonymous_request(
    propose: Propose, world: World, proposal: Proposal
) -> None:
    """By naming a guess beside the poster, in a proposal that is refused anyway."""
    request = hide(world)

    def refusals_of(guess: str) -> list[str]:
        poster, other = proposal("shop", guess)["parties"]
        del poster["organization_id"]
        parties = [{**poster, "stands_for": "poster"}, other]
        third = proposal("aero")["parties"][0]
        tried = [
            {"title": "Call 502 555 0100", "parties": parties},
            {"title": f"For {name_of(world, guess)}", "parties": parties},
            {"title": "Call 502 555 0100", "parties": [other, third]},
        ]
        said = []
        for changes in tried:
            with pytest.raises(Invalid) as refusal:
                propose(request=request, **changes)
            said.append(refusal.value.message.replace(name_of(world, guess), "The guess"))
        return said

    assert refusals_of("shop") == refusals_of("college")


def guess(propose: Propose, proposal: Proposal, request: Request, name: str) -> Table:
    """Propose that whoever posted an anonymous request meets an organization that is named."""
    poster, other = proposal("shop", name)["parties"]
    del poster["organization_id"]
    return propose(request=request, parties=[{**poster, "stands_for": "poster"}, other])


def test_a_right_guess_of_who_posted_looks_like_a_wrong_one(
    propose: Propose,
    proposal: Proposal,
    world: World,
    actor: ActorOf,
    mails: Callable[[], dict[str, list[str]]],
    client_of: Callable[[str], FlaskClient],
) -> None:
    request = hide(world)
    wrong = guess(propose, proposal, request, "college")
    right = guess(propose, proposal, request, "shop")
    mails()

    def reads(table: Table, name: str) -> list[Any]:
        row = queries.get_visible_introduction(actor("dov"), table.id)
        sides = [
            (side.label.replace(name_of(world, name), "The guess"), side.status)
            for side in disclosure.sides_of(actor("dov"), row)
        ]
        with pytest.raises(Conflict) as again:
            guess(propose, proposal, request, name)
        return [row.status, *sides, again.value.message, mails().get("dov", [])]

    assert reads(right, "shop") == reads(wrong, "college")
    assert reads(right, "shop")[1:3] == [("Organization A", "waiting"), ("The guess", "waiting")]

    # Whoever posted it agrees for both sides; the broker still waits for one of them.
    for party in right.row.parties:
        shown = queries.get_visible_party(actor("ana"), right.id, party.id)
        services.consent_to_meet(actor("ana"), shown, accepts_terms=True)
    wrong.consent("shop")
    assert [status for _label, status in reads(right, "shop")[1:3]] == ["consented", "waiting"]
    assert reads(right, "shop") == reads(wrong, "college")
    own = client_of("ana")
    assert "You are named twice" in own.get(f"/introductions/{right.id}").text
    assert "You are named twice" not in own.get(f"/introductions/{wrong.id}").text


def block(world: World, one: str, other: str) -> None:
    """Let one organization of the cast block another wherever they meet."""
    with unit_of_work():
        session.add(
            Block(
                organization_id=world.organizations[one],
                blocked_organization_id=world.organizations[other],
            )
        )


def test_two_of_whom_one_blocked_the_other_are_not_introduced_and_the_broker_learns_not_who(
    propose: Propose, world: World
) -> None:
    said = []
    for one, other in (("shop", "college"), ("college", "shop")):
        with unit_of_work():
            session.execute(delete(Block))
        block(world, one, other)
        with pytest.raises(Invalid) as refusal:
            propose("shop", "college", "aero")
        said.append(refusal.value.message)

    assert said == ["Two of these organizations cannot be introduced to each other now."] * 2
    assert propose("shop", "aero").row.status == "proposed"


@pytest.mark.parametrize("is_before", [True, False])
def test_a_block_that_a_broker_must_not_learn_of_looks_like_silence(
    propose: Propose, proposal: Proposal, world: World, is_before: bool, mails: Any
) -> None:
    """Between a side and who posted an anonymous request, or made since the proposal."""
    if is_before:
        request = hide(world)
        block(world, "college", "shop")
        table = guess(propose, proposal, request, "college")
    else:
        table = propose("shop", "college")
        block(world, "college", "shop")
    table.consent("shop", "college")

    assert table.row.status == "proposed"
    assert [side.status for side in table.sides("dov")] == ["consented", "waiting"]
    assert next(side.status for side in table.sides("cleo") if side.is_own) == "consented"
    move(table, 20)
    services.lapse_overdue(SYSTEM)
    assert [side.status for side in table.sides("dov")] == ["consented", "waiting"]
    assert [side.organization_id for side in table.sides("ana") if not side.is_own] == [None]
    assert {disclosure.shown_status(table.actor(name), table.row) for name in ("ana", "cleo")} == {
        "ended"
    }


def test_where_one_of_three_declines_the_other_two_go_on_if_the_broker_says_so(
    propose: Propose, world: World, actor: ActorOf, mails: Callable[[], dict[str, list[str]]]
) -> None:
    table = propose("shop", "college", "aero")
    table.consent("shop", "aero")
    mails()
    table.decline("aero", "Too far away.")

    assert table.row.status == "halted"
    sent = mails()
    assert "Too far away." in sent["dov"][0]
    assert "Too far away." not in sent["ana"][0] + sent["cleo"][0]
    assert "what you have answered stays" in sent["ana"][0]
    assert "eve" not in sent
    with pytest.raises(Conflict):
        table.consent("college")
    with pytest.raises(Forbidden):
        services.act_on_introduction(actor("ana"), table.row, "go_on")

    services.act_on_introduction(actor("dov"), table.row, "go_on")
    sent = mails()
    assert "An organization with a shop machine." in sent["cleo"][0]
    assert "You have answered already" in sent["ana"][0]
    assert [side.label for side in table.sides("ana") if side.has_left] == ["Organization C"]
    table.consent("college")
    table.share("shop", "college")

    assert table.row.status == "open"
    assert [side.label for side in table.sides("ana")] == [
        "Ana's Machine Shop",
        "Falls City Community College",
        "Organization C",
    ]
    others = [side for side in table.sides("eve") if not side.is_own]
    assert [(side.organization_id, side.terms_accepted_at) for side in others] == [(None, None)] * 2
    assert not can(actor("eve"), Permission.INTRODUCTION_VIEW_IDENTITIES, table.row)
    talk = {party.organization_id for party in disclosure.parties_in_thread(table.row)}
    assert talk == {world.organizations["shop"], world.organizations["college"]}


def test_sides_that_get_more_time_have_as_much_as_at_first(
    propose: Propose, actor: ActorOf, mails: Callable[[], dict[str, list[str]]]
) -> None:
    table = propose("shop", "college")
    table.consent("shop")
    move(table, 13)
    mails()

    services.act_on_introduction(actor("dov"), table.row, "extend")

    assert table.row.answer_by > now() + dt.timedelta(days=13)
    assert set(mails()) == {"cleo"}
    with pytest.raises(Forbidden):
        services.act_on_introduction(actor("ana"), table.row, "extend")


def test_an_introduction_of_three_ends_when_fewer_than_two_are_left(propose: Propose) -> None:
    table = propose("shop", "college", "aero")
    table.consent("shop", "college", "aero")
    table.decline("aero")
    table.decline("shop")

    assert table.row.status == "declined"
    shown = {
        name: disclosure.shown_status(table.actor(name), table.row) for name in MANAGERS.values()
    }
    assert shown == {"ana": "declined", "cleo": "ended", "eve": "declined"}


def test_a_broker_who_knows_an_anonymous_side_does_not_name_it_to_the_others(
    propose: Propose, world: World, actor: ActorOf
) -> None:
    """As one whose own organization was let know."""
    request = hide(world)
    with unit_of_work():
        session.add(
            Membership(
                organization_id=world.organizations["aero"],
                user_id=world.users["dov"],
                role="member",
            )
        )
        session.add(
            RequestReveal(
                request_id=request.id, organization_id=world.organizations["aero"], cause="owner"
            )
        )
    table = propose("shop", "college", request=get_request(request.id))
    colleague = Actor(brokered_regions=actor("dov").brokered_regions)

    labels = [side.label for side in disclosure.sides_of(colleague, table.row)]
    assert labels == ["Organization A", "Falls City Community College"]


def test_a_request_that_names_its_organization_is_not_linked_before_all_agreed(
    propose: Propose, world: World, actor: ActorOf
) -> None:
    table = propose("shop", "college", request=get_request(world.requests["shop_public"]))
    request = get_request(world.requests["shop_public"])

    def readers() -> set[str]:
        return {
            name
            for name in ("ana", "cleo", "dov")
            if disclosure.shown_request(actor(name), table.row) is not None
        }

    assert readers() == {"ana", "dov"}
    assert not (queries.request_section(actor("cleo"), request))
    table.consent("shop", "college")
    assert readers() == {"ana", "cleo", "dov"}


# The clock


def move(table: Table, days: float) -> None:
    """Let time pass for an introduction."""
    with unit_of_work():
        row = session.get_one(Introduction, table.id)
        for name in ("asked_at", "answer_by", "remind_at"):
            moment = getattr(row, name)
            if moment is not None:
                setattr(row, name, moment - dt.timedelta(days=days))


def test_silence_is_reminded_twice_and_then_lapses(
    propose: Propose, mails: Callable[[], dict[str, list[str]]]
) -> None:
    table = propose("shop", "college", answer_days=10)
    table.consent("shop")
    mails()
    assert services.remind_awaited(SYSTEM) == 0

    for days in (5, 4):
        move(table, days)
        assert services.remind_awaited(SYSTEM) == 1
        assert services.remind_awaited(SYSTEM) == 0
        told = mails()
        assert set(told) == {"cleo"}
        assert "Your answer is awaited" in told["cleo"][0]
    assert services.lapse_overdue(SYSTEM) == 0
    move(table, 1)
    assert services.remind_awaited(SYSTEM) == 0
    assert services.lapse_overdue(SYSTEM) == 1

    assert table.row.status == "lapsed"
    told = mails()
    assert set(told) == {"ana", "cleo", "dov"}
    assert "did not come about" in told["ana"][0]
    assert "College" not in told["ana"][0]
    assert "The introduction of Ana's Machine Shop, Falls City" in told["dov"][0]


def test_the_second_answer_has_a_time_of_its_own(propose: Propose) -> None:
    table = propose("shop", "college", answer_days=10)
    move(table, 9)
    table.consent("shop", "college")
    move(table, 9)

    assert services.lapse_overdue(SYSTEM) == 0
    move(table, 1)
    assert services.lapse_overdue(SYSTEM) == 1
    assert table.row.identified_at is not None


# Lists


def test_row_and_list_agree(propose: Propose, world: World, actor: ActorOf) -> None:
    agreed = propose("shop", "aero")
    agreed.consent("shop", "aero")
    opened = propose("aero", "college")
    opened.consent("college", "aero")
    opened.share("college", "aero")
    rows = [queries.get_introduction(number) for number in session.scalars(select(Introduction.id))]
    of_rows = [
        permission
        for permission in Permission
        if permission.startswith("introduction.")
        and permission
        not in (
            Permission.INTRODUCTION_PROPOSE,
            Permission.INTRODUCTION_VIEW_PARTY,
            Permission.INTRODUCTION_ANSWER,
            Permission.INTRODUCTION_ASK,
        )
    ]
    for name in CAST:
        person = actor(name)
        for permission in of_rows:
            listed = set(
                session.scalars(select(Introduction.id).where(visible(person, permission)))
            )
            assert listed == {row.id for row in rows if can(person, permission, row)}, permission
        for permission in (
            Permission.INTRODUCTION_VIEW_PARTY,
            Permission.INTRODUCTION_ANSWER,
            Permission.INTRODUCTION_ASK,
        ):
            listed = set(
                session.scalars(select(IntroductionParty.id).where(visible(person, permission)))
            )
            parties = [
                queries.get_party(party.introduction_id, party.id)
                for row in rows
                for party in row.parties
            ]
            checked = {party.id for party in parties if can(person, permission, party)}
            assert listed == checked, permission


def test_mails_say_no_more_than_the_page(
    propose: Propose, mails: Callable[[], dict[str, list[str]]], world: World
) -> None:
    table = propose("shop", "college")
    told = mails()
    assert set(told) == {"ana", "cleo"}
    assert "An organization with a college machine." in told["ana"][0]
    assert "They need what a shop has." in told["ana"][0]
    assert name_of(world, "college") not in told["ana"][0]
    assert "They need what a college has." not in told["ana"][0]

    table.consent("shop", "college")
    told = mails()
    assert set(told) == {"ana", "cleo", "dov"}
    assert name_of(world, "college") in told["ana"][0]
    table.share("shop", "college")
    told = mails()
    assert "You are introduced to Falls City Community College" in told["ana"][0]
    assert all("contact.example" not in text for texts in told.values() for text in texts)


def test_the_reason_of_who_declines_goes_to_the_broker_alone(
    propose: Propose, mails: Callable[[], dict[str, list[str]]]
) -> None:
    table = propose("shop", "college")
    mails()
    table.decline("college", "Their owner is my cousin.")

    told = mails()
    assert set(told) == {"ana", "dov"}
    assert "my cousin" in told["dov"][0]
    assert "cousin" not in told["ana"][0]
    assert "declined" not in told["ana"][0].lower()
