"""Memberships, invitations, requests to join and claims: who may, and what follows."""

import datetime as dt

import pytest
import time_machine
from sqlalchemy import select

from portal.accounts.models import User
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from portal.kernel.mail import OutgoingMail
from portal.organizations.models import Claim, Invitation, JoinRequest, Membership, Organization
from portal.organizations.queries import desk, people, profiles
from portal.organizations.services import joining, roles
from tests.cast import INVITATION_TOKEN


def role_of(world, organization, person):
    return session.scalar(
        select(Membership.role).where(
            Membership.organization_id == world.organizations[organization],
            Membership.user_id == world.users[person],
        )
    )


def mails():
    """Recipient and subject of every message in line."""
    return [
        tuple(row)
        for row in session.execute(
            select(OutgoingMail.recipient, OutgoingMail.subject).order_by(OutgoingMail.id)
        )
    ]


@pytest.fixture
def shop(world):
    return profiles.get_organization(world.organizations["shop"])


@pytest.fixture
def membership(world):
    return lambda name: session.get_one(Membership, world.memberships[name])


@pytest.fixture
def invitation(world):
    return session.get_one(Invitation, world.invitations["shop_to_newcomer"])


@pytest.fixture
def join_request(world):
    return session.get_one(JoinRequest, world.join_requests["eve_to_college"])


@pytest.fixture
def claim(world, actor):
    return people.get_visible_claim(actor("root"), world.claims["cleo_on_unclaimed"])


# Memberships


def test_people_come_in_pages_owners_first(world, shop):
    with unit_of_work():
        session.add_all(
            Membership(organization_id=shop.id, user_id=user_id, role="member")
            for name, user_id in world.users.items()
            if name in ("cleo", "dov", "eve")
        )
    everybody = [row.id for row in people.list_people(shop.id)]
    first = people.page_people(shop.id, limit=2)
    rest = people.page_people(shop.id, limit=50, cursor=first.next)
    assert first.items[0].role == "owner"
    assert [row.id for row in (*first.items, *rest.items)] == everybody
    assert rest.next is None
    assert len(everybody) > 3


def test_the_last_owner_neither_leaves_nor_steps_down(actor, membership, world):
    for refused in (
        lambda: roles.end_membership(actor("ana"), membership("ana_shop")),
        lambda: roles.change_membership_role(actor("ana"), membership("ana_shop"), role="manager"),
        lambda: roles.end_membership(actor("root"), membership("ana_shop")),
    ):
        with pytest.raises(Invalid, match="needs an owner"):
            refused()
    assert role_of(world, "shop", "ana") == "owner"


def test_an_owner_leaves_once_there_is_another(actor, membership, world):
    roles.change_membership_role(actor("ana"), membership("ben_shop"), role="owner")
    roles.end_membership(actor("ana"), membership("ana_shop"))
    assert role_of(world, "shop", "ana") is None
    assert role_of(world, "shop", "ben") == "owner"


def test_members_leave_by_themselves_but_remove_nobody(actor, membership, world):
    with pytest.raises(Forbidden):
        roles.end_membership(actor("ben"), membership("ana_shop"))
    roles.end_membership(actor("ben"), membership("ben_shop"))
    assert role_of(world, "shop", "ben") is None


def test_members_give_themselves_no_role(actor, membership):
    with pytest.raises(Forbidden):
        roles.change_membership_role(actor("ben"), membership("ben_shop"), role="owner")


def test_whoever_was_removed_is_told(actor, membership, drain):
    roles.end_membership(actor("ana"), membership("ben_shop"))
    drain()
    assert mails() == [("ben@cast.example", "You left Ana's Machine Shop")]


def test_administrators_give_an_organization_its_people(actor, world):
    unclaimed = profiles.get_organization(world.organizations["unclaimed"])
    roles.appoint_member(actor("root"), unclaimed, user_id=world.users["dov"], role="owner")
    assert role_of(world, "unclaimed", "dov") == "owner"
    with pytest.raises(Forbidden):
        roles.appoint_member(actor("dov"), unclaimed, user_id=world.users["eve"], role="member")


# Invitations


def test_the_link_in_the_mail_lets_any_signed_in_person_join(actor, shop, world, drain, client_of):
    joining.send_invitation(actor("ana"), shop, email="Dov.Private@elsewhere.example")
    drain()
    recipient, words = session.execute(select(OutgoingMail.recipient, OutgoingMail.body_text)).one()
    assert recipient == "dov.private@elsewhere.example"
    token = words.partition("/invitations/link/")[2].partition(">")[0]

    page = client_of("dov").get(f"/invitations/link/{token}")
    assert "dov.private@elsewhere.example" in page.text
    invitation = people.get_invitation_by_token(token)
    joining.act_on_invitation(actor("dov"), invitation, action="accept", token=token)

    assert role_of(world, "shop", "dov") == "member"
    drain()
    assert mails()[-1] == ("ana@cast.example", "Dov joined Ana's Machine Shop")


def test_without_the_link_an_invitation_is_nobody_elses(actor, invitation, world):
    for token in ("", "guessed", invitation.token_hash):
        with pytest.raises(NotFound):
            joining.act_on_invitation(actor("eve"), invitation, action="accept", token=token)
    assert role_of(world, "shop", "eve") is None


def test_the_verified_address_is_as_good_as_the_link(actor, shop, world):
    invitation = joining.send_invitation(actor("ana"), shop, email="dov@cast.example")
    assert [item.url for item in desk.list_invitations_for(actor("dov"), 5)] == [
        f"/invitations/{invitation.id}"
    ]
    with unit_of_work():
        session.get_one(User, world.users["dov"]).email_verified_at = None
    assert desk.list_invitations_for(actor("dov"), 5) == []
    with pytest.raises(NotFound):
        joining.act_on_invitation(actor("dov"), invitation, action="accept")
    with unit_of_work():
        session.get_one(User, world.users["dov"]).email_verified_at = now()
    joining.act_on_invitation(actor("dov"), invitation, action="accept")
    assert role_of(world, "shop", "dov") == "member"


@pytest.mark.parametrize("action", ["accept", "decline"])
def test_an_answered_invitation_is_not_answered_again(actor, invitation, action):
    joining.act_on_invitation(actor("eve"), invitation, action="decline", token=INVITATION_TOKEN)
    with pytest.raises(Conflict):
        joining.act_on_invitation(actor("dov"), invitation, action=action, token=INVITATION_TOKEN)


def test_a_withdrawn_invitation_lets_nobody_in(actor, invitation, world):
    joining.act_on_invitation(actor("ana"), invitation, action="withdraw")
    with pytest.raises(Conflict):
        joining.act_on_invitation(actor("eve"), invitation, action="accept", token=INVITATION_TOKEN)
    assert role_of(world, "shop", "eve") is None


def test_invitations_expire_and_can_be_sent_again(actor, invitation, drain):
    with unit_of_work():
        invitation.expires_at = now() - dt.timedelta(minutes=1)
    with pytest.raises(Conflict, match="expired"):
        joining.act_on_invitation(actor("eve"), invitation, action="accept", token=INVITATION_TOKEN)
    assert joining.expire_invitations(SYSTEM) == 1
    assert invitation.status == "expired"
    joining.act_on_invitation(actor("ana"), invitation, action="resend")
    assert invitation.expires_at > now() + dt.timedelta(days=13)
    drain()
    assert mails() == [
        ("newcomer@elsewhere.example", "Join Ana's Machine Shop at Industrial Commons")
    ]
    with pytest.raises(NotFound):
        people.get_invitation_by_token(INVITATION_TOKEN)


def test_an_address_gets_three_invitations_of_an_organization_a_day(actor, shop, invitation):
    for _again in range(2):
        joining.act_on_invitation(actor("ana"), invitation, action="resend")
    with pytest.raises(TooMany, match="tomorrow"):
        joining.act_on_invitation(actor("ana"), invitation, action="resend")
    joining.act_on_invitation(actor("ana"), invitation, action="withdraw")
    with pytest.raises(TooMany):
        joining.send_invitation(actor("ana"), shop, email=invitation.email)
    assert joining.send_invitation(actor("ana"), shop, email="another@elsewhere.example")
    with time_machine.travel(now() + dt.timedelta(hours=25), tick=False):
        assert joining.send_invitation(actor("ana"), shop, email=invitation.email)


def test_only_owners_send_an_invitation_to_become_owner_again(actor, world):
    college = profiles.get_organization(world.organizations["college"])
    sent = joining.send_invitation(SYSTEM, college, email="old@elsewhere.example", role="owner")
    with unit_of_work():
        sent.expires_at = now() - dt.timedelta(minutes=1)
    joining.expire_invitations(SYSTEM)
    with pytest.raises(Forbidden):
        joining.act_on_invitation(actor("cleo"), sent, action="resend")
    with unit_of_work():
        college.status = "archived"
    with pytest.raises(Conflict, match="archived"):
        joining.act_on_invitation(SYSTEM, sent, action="resend")


def test_only_owners_invite_owners(actor, world):
    college = profiles.get_organization(world.organizations["college"])
    with pytest.raises(Forbidden):
        joining.send_invitation(actor("cleo"), college, email="x@cast.example", role="owner")
    assert joining.send_invitation(actor("cleo"), college, email="x@cast.example", role="manager")


@pytest.mark.parametrize("email", ["ben@cast.example", "newcomer@elsewhere.example"])
def test_nobody_is_invited_twice(actor, shop, email):
    with pytest.raises(Invalid) as refusal:
        joining.send_invitation(actor("ana"), shop, email=email)
    assert refusal.value.field == "email"


# Requests to join


def test_a_request_to_join_is_decided_by_those_who_manage(actor, join_request, world, drain):
    with pytest.raises(NotFound):
        joining.act_on_join_request(actor("ana"), join_request, action="accept")
    with pytest.raises(Forbidden):
        joining.act_on_join_request(actor("eve"), join_request, action="accept")
    joining.act_on_join_request(actor("cleo"), join_request, action="accept")
    assert role_of(world, "college", "eve") == "member"
    drain()
    assert mails() == [("eve@cast.example", "Welcome to Falls City Community College")]


def test_nobody_is_let_into_an_archived_organization(actor, join_request, claim, world):
    for name in ("college", "unclaimed"):
        with unit_of_work():
            profiles.get_organization(world.organizations[name]).status = "archived"
    with pytest.raises(Conflict, match="Please restore it first"):
        joining.act_on_join_request(actor("cleo"), join_request, action="accept")
    with pytest.raises(Conflict, match="An administrator can restore it"):
        joining.act_on_claim(actor("dov"), claim, action="approve")
    assert role_of(world, "college", "eve") is role_of(world, "unclaimed", "cleo") is None
    # Whoever asked can still be told no.
    joining.act_on_join_request(actor("cleo"), join_request, action="decline")
    claim = people.get_visible_claim(actor("dov"), claim.id)
    joining.act_on_claim(actor("dov"), claim, action="deny", note="It was closed.")


def test_a_declined_request_tells_the_reason(actor, join_request, world, drain):
    joining.act_on_join_request(
        actor("cleo"), join_request, action="decline", note="Contractors stay outside."
    )
    assert role_of(world, "college", "eve") is None
    drain()
    assert "> Contractors stay outside." in session.scalar(select(OutgoingMail.body_text))


def test_managers_are_told_of_a_new_request(actor, shop, drain):
    joining.send_join_request(actor("dov"), shop, message="Hello")
    drain()
    assert mails() == [("ana@cast.example", "Dov asks to join Ana's Machine Shop")]
    assert [item.title for item in desk.list_decisions_for(actor("ana"), 5)] == [
        "Dov asks to join Ana's Machine Shop"
    ]
    with pytest.raises(Invalid, match="asked already"):
        joining.send_join_request(actor("dov"), shop)


def test_one_claims_what_nobody_represents_and_asks_to_join_the_rest(actor, shop, world):
    unclaimed = profiles.get_organization(world.organizations["unclaimed"])
    with pytest.raises(Invalid, match="claim"):
        joining.send_join_request(actor("dov"), unclaimed)
    with pytest.raises(Invalid, match="ask to join"):
        joining.send_claim(actor("dov"), shop, evidence="Mine.")
    with pytest.raises(Forbidden):
        joining.send_join_request(actor("ana"), shop)


# Claims


def test_an_approved_claim_makes_the_claimant_owner(actor, claim, world, drain):
    joining.act_on_claim(actor("dov"), claim, action="approve")
    assert role_of(world, "unclaimed", "cleo") == "owner"
    drain()
    assert mails() == [("cleo@cast.example", "Ohio Valley Institute is yours now")]


def test_nobody_decides_their_own_claim_nor_one_of_another_region(actor, claim, world):
    with pytest.raises(Forbidden):
        joining.act_on_claim(actor("cleo"), claim, action="approve")
    with pytest.raises(NotFound):
        joining.act_on_claim(actor("eve"), claim, action="approve")
    dov = actor("dov")
    own = joining.send_claim(
        dov, profiles.get_organization(world.organizations["unclaimed"]), evidence="It is mine."
    )
    with pytest.raises(Forbidden):
        joining.act_on_claim(dov, people.get_visible_claim(dov, own.id), action="approve")


def test_brokers_are_asked_to_decide_a_claim(actor, world, drain):
    unclaimed = profiles.get_organization(world.organizations["unclaimed"])
    joining.send_claim(actor("eve"), unclaimed, evidence="I sit on its board.")
    drain()
    assert mails() == [("dov@cast.example", "Eve claims Ohio Valley Institute")]
    assert len(desk.list_decisions_for(actor("dov"), 5)) == 2


def test_without_a_broker_administrators_are_asked(actor, world, drain):
    unclaimed = profiles.get_organization(world.organizations["unclaimed"])
    with unit_of_work():
        unclaimed.county_fips = "20173"
    joining.send_claim(actor("eve"), unclaimed, evidence="I sit on its board.")
    drain()
    assert mails() == [("root@cast.example", "Eve claims Ohio Valley Institute")]


def test_the_second_claim_on_one_organization_is_not_approved(actor, claim, world):
    unclaimed = profiles.get_organization(world.organizations["unclaimed"])
    second = joining.send_claim(actor("eve"), unclaimed, evidence="Mine as well.")
    joining.act_on_claim(actor("dov"), claim, action="approve")
    second = people.get_visible_claim(actor("dov"), second.id)
    with pytest.raises(Conflict):
        joining.act_on_claim(actor("dov"), second, action="approve")
    assert session.scalar(select(Claim.status).where(Claim.id == second.id)) == "pending"


@pytest.mark.parametrize("action", ["deny", "revoke"])
def test_refusing_a_claim_needs_a_reason(actor, claim, action):
    if action == "revoke":
        joining.act_on_claim(actor("dov"), claim, action="approve")
    with pytest.raises(Invalid, match="reason"):
        joining.act_on_claim(actor("dov"), claim, action=action)
    joining.act_on_claim(actor("dov"), claim, action=action, note="The website names another.")


def test_a_revoked_claim_takes_those_along_whom_it_let_in(actor, claim, world):
    joining.act_on_claim(actor("dov"), claim, action="approve")
    unclaimed = profiles.get_organization(world.organizations["unclaimed"])
    joining.send_invitation(actor("cleo"), unclaimed, email="friend@elsewhere.example")
    roles.appoint_member(SYSTEM, unclaimed, user_id=world.users["eve"], role="manager")
    joining.act_on_claim(actor("dov"), claim, action="revoke", note="A mistake.")
    assert not people.has_people(unclaimed.id)
    assert [
        row.status
        for row in session.scalars(
            select(Invitation).where(Invitation.organization_id == unclaimed.id)
        )
    ] == ["withdrawn"]


def test_who_asked_to_join_reads_so_on_its_page_and_the_desk(world, client_of):
    page, eve = f"/organizations/{world.organizations['shop']}", client_of("eve")
    assert "Ask to join" in eve.get(page).text
    eve.post(f"{page}/join", data={"message": "I work there now."})
    assert "You asked to join" in eve.get(page).text
    assert "You asked to join Ana&#39;s Machine Shop" in eve.get("/desk").text
    assert "You asked to join" not in client_of("dov").get(page).text


# Where they work


@pytest.mark.parametrize(("chosen", "shown"), [("", "Chicago"), ("America/Denver", "Denver")])
def test_who_joins_reads_times_where_they_work_unless_they_chose(
    chosen, shown, actor, world, drain, client_of
):
    with unit_of_work():
        session.get_one(User, world.users["dov"]).time_zone = chosen
        aero = session.get_one(Organization, world.organizations["aero"])
        roles.join(aero, world.users["dov"], "member")
    drain()
    assert f"Times in {shown}" in client_of("dov").get("/desk").text
    # Another one that they join changes nothing.
    with unit_of_work():
        college = session.get_one(Organization, world.organizations["college"])
        roles.join(college, world.users["dov"], "member")
    drain()
    assert f"Times in {shown}" in client_of("dov").get("/desk").text
