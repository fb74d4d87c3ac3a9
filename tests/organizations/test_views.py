"""The pages of organizations, as people see and use them."""

import io
import re

import pytest
from PIL import Image
from sqlalchemy import select

from portal.kernel.authorization import SYSTEM
from portal.kernel.database import session, unit_of_work
from portal.organizations import documents
from portal.organizations.models import Claim, Invitation, JoinRequest, Membership, Organization
from portal.organizations.queries import profiles
from portal.organizations.services import joining, records
from tests.cast import INVITATION_TOKEN
from tests.support.forms import filled
from tests.support.statements import count_statements

FIRM = {"name": "Salt River Springs", "kind": "sme", "zip_code": "40202"}


@pytest.fixture
def shop_url(world):
    return f"/organizations/{world.organizations['shop']}"


@pytest.fixture
def unclaimed_url(world):
    return f"/organizations/{world.organizations['unclaimed']}"


def picture():
    data = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(data, "PNG")
    data.seek(0)
    return data


def test_several_are_verified_and_claims_approved_from_the_brokers_desk(client_of, world):
    dov, shop = client_of("dov"), world.organizations["shop"]
    claim = world.claims["cleo_on_unclaimed"]
    with unit_of_work():
        session.get_one(Organization, shop).verified_at = None
    desk = dov.get("/broker").text
    assert f'name="organization_id" value="{shop}"' in desk
    assert f'name="claim_id" value="{claim}"' in desk

    back = {"next": "/broker"}
    dov.post("/organizations/verify", data={"organization_id": [shop], **back})
    assert "1 organization was marked as verified." in dov.get("/broker").text
    dov.post("/claims/actions/approve", data={"claim_id": [claim], **back})
    desk = dov.get("/broker").text
    assert "1 claim was decided." in desk
    assert f'name="claim_id" value="{claim}"' not in desk
    assert session.get_one(Organization, shop).verified_at is not None
    again = dov.post("/api/v1/claims/actions/approve", json={"claim_ids": [claim]})
    assert again.status_code == 409
    many = {"organization_ids": [shop] * 3}
    assert dov.post("/api/v1/organizations/verifications", json=many).json == {"done": 1}


def test_a_record_says_what_where_and_who_confirmed_it(client_of, shop_url):
    client_of("ben").post(f"{shop_url}/actions/confirm")
    client_of("dov").post(f"{shop_url}/actions/verify")
    page = client_of("nobody").get(shop_url).text
    for words in (
        "Ana&#39;s Machine Shop",
        "Precision milling for short runs.",
        "<strong>five-axis</strong>",
        "Jefferson",
        "Confirmed by Ben",
        "Verified by Dov",
        '332710 <span lang="en">Machine Shops</span>',
        "5-axis milling",
        "ISO 9001",
        "1 to 9",
        '<a href="/search?cluster=metalworking-technology">Metalworking Technology</a>',
    ):
        assert words in page


@pytest.mark.parametrize(
    ("name", "sees"), [("nobody", False), ("dov", False), ("eve", True), ("root", True)]
)
def test_members_only_fields_are_shown_to_people_of_organizations_alone(
    client_of, shop_url, name, sees
):
    client = client_of(name)
    for url in (shop_url, f"{shop_url}.jsonld", f"/api/v1{shop_url}", "/api/v1/organizations"):
        assert ("555-0101" in client.get(url).text) is sees, url


def test_every_members_only_field_is_hidden_everywhere(client_of, shop_url, world, actor):
    records.change_organization(
        actor("ana"),
        profiles.get_organization(world.organizations["shop"]),
        members_only_fields=["phone", "email", "street", "employee_band", "contacts"],
        contacts=[{"name": "Canary Contact", "role": "", "email": "", "phone": ""}],
        employee_band="100-249",
        latitude=38.26111,
        longitude=-85.74222,
    )
    client = client_of("nobody")
    document = str(documents.list_organization_documents([world.organizations["shop"]]))
    texts = [client.get(url).text for url in (shop_url, f"{shop_url}.jsonld", f"/api/v1{shop_url}")]
    for text in (*texts, document):
        for canary in (
            "Canary Contact",
            "100 Main Street",
            "office@shop",
            "100-249",
            "38.26",
            "-85.74",
        ):
            assert canary not in text


def test_the_people_are_shown_to_their_own_only(client_of, shop_url):
    assert "Ben, Member" in client_of("ana").get(shop_url).text
    assert "Ben, Member" not in client_of("eve").get(shop_url).text


def test_an_archived_organization_is_not_there_for_outsiders(client_of, shop_url):
    question = client_of("ana").post(f"{shop_url}/actions/archive")
    assert "Archive “Ana&#39;s Machine Shop”?" in question.text
    client_of("ana").post(f"{shop_url}/actions/archive", data={"confirmed": "yes"})
    for url in (shop_url, f"{shop_url}.jsonld", f"/api/v1{shop_url}"):
        assert client_of("nobody").get(url).status_code == 404
    assert "Archived" in client_of("ben").get(shop_url).text
    client_of("ana").post(f"{shop_url}/actions/restore")
    assert client_of("nobody").get(shop_url).status_code == 200


def test_registering_shows_probable_duplicates_first(client_of):
    client = client_of("dov")
    sent = {**FIRM, "name": "Anas Machine Shop LLC"}
    page = client.post("/organizations/register", data=sent)
    assert "Is it one of these?" in page.text
    assert "This is ours: ask to join" in page.text
    assert 'value="Anas Machine Shop LLC"' in page.text
    assert session.scalar(select(Organization).where(Organization.name == sent["name"])) is None

    reply = client.post("/organizations/register", data={**sent, "is_another": "yes"})
    assert reply.status_code == 303
    page = client.get(reply.headers["Location"])
    assert "“Anas Machine Shop LLC” is in the directory now." in page.text


def test_what_was_typed_comes_back_with_the_problem(client_of):
    page = client_of("dov").post(
        "/organizations/register", data={**FIRM, "capabilities": "basket weaving\nCMM"}
    )
    assert page.status_code == 422
    assert "We do not know “basket weaving”" in page.text
    assert "basket weaving\nCMM" in page.text


def test_an_empty_row_is_added_without_saving(client_of, shop_url):
    page = client_of("ana").post(
        f"{shop_url}/edit",
        data={**FIRM, "certifications-0-name": "UL", "add-row": "certifications"},
    )
    assert 'name="certifications-1-name"' in page.text
    assert "Ana&#39;s Machine Shop" in client_of("nobody").get(shop_url).text


def test_editing_keeps_what_the_form_shows(client_of, shop_url):
    """Send back what the page shows, as a browser would, and nothing is lost."""
    client = client_of("ana")
    before = client.get(f"/api/v1{shop_url}").json
    reply = client.post(f"{shop_url}/edit", data=filled(client.get(f"{shop_url}/edit").text))
    assert reply.status_code == 303, reply.text
    after = client.get(f"/api/v1{shop_url}").json
    moving = ("updated_at", "confirmed_at", "confirmed_by")
    assert {name: after[name] for name in after if name not in moving} == {
        name: before[name] for name in before if name not in moving
    }


def test_a_logo_is_saved_with_the_profile_and_taken_down(client_of, shop_url):
    client, nobody = client_of("ana"), client_of("nobody")
    profile = {"name": "Ana's Shop", "kind": "sme", "zip_code": "40202"}
    assert 'enctype="multipart/form-data"' in client.get(f"{shop_url}/edit").text

    def save(content, **values):
        return client.post(f"{shop_url}/edit", data={**profile, **values, "new_logo": content})

    refused = save((io.BytesIO(b"<svg/>"), "x.png"))
    assert refused.status_code == 422
    assert client.get(f"/api/v1{shop_url}").json["name"] != "Ana's Shop", "all or nothing"
    # A browser does not send again what was chosen before.
    assert "Please choose the picture again." in save((picture(), "sign.png"), name="").text
    assert save((picture(), "sign.png")).status_code == 303
    assert client.get(f"/api/v1{shop_url}").json["name"] == "Ana's Shop"
    assert nobody.get(f"{shop_url}/logo").mimetype == "image/webp"
    assert f"{shop_url}/logo" in nobody.get(f"/api/v1{shop_url}").text
    # Who saves the rest keeps the logo.
    assert client.post(f"{shop_url}/edit", data=profile).status_code == 303
    assert nobody.get(f"{shop_url}/logo").status_code == 200
    assert "Remove the logo" in client.get(f"{shop_url}/edit").text
    client.post(f"{shop_url}/logo/remove")
    assert nobody.get(f"{shop_url}/logo").status_code == 404


def test_an_owner_invites_from_the_page_of_people(client_of, shop_url):
    page = client_of("ana").post(f"{shop_url}/people", data={"email": "not an address"})
    assert page.status_code == 422
    client_of("ana").post(
        f"{shop_url}/people", data={"email": "new@elsewhere.example", "role": "manager"}
    )
    page = client_of("ana").get(f"{shop_url}/people").text
    assert "new@elsewhere.example" in page
    assert "An invitation is on its way" in page or "Send again" in page
    assert "new@elsewhere.example" not in client_of("ben").get(f"{shop_url}/people").text


def test_somebody_without_an_account_is_led_through_sign_up_and_back(client_of):
    url = f"/invitations/link/{INVITATION_TOKEN}"
    page = client_of("nobody").get(url).text
    assert "newcomer@elsewhere.example" in page
    assert f"/sign-up?next={url}&amp;email=newcomer@elsewhere.example" in page


def test_an_invitation_is_accepted_on_its_page(client_of, world):
    number = world.invitations["shop_to_newcomer"]
    reply = client_of("eve").post(
        f"/invitations/{number}/actions/accept", data={"token": INVITATION_TOKEN}
    )
    assert reply.status_code == 303
    assert session.scalar(select(Invitation.status).where(Invitation.id == number)) == "accepted"
    assert (
        session.scalar(
            select(Membership.role).where(
                Membership.user_id == world.users["eve"],
                Membership.organization_id == world.organizations["shop"],
            )
        )
        == "member"
    )
    page = client_of("dov").get(f"/invitations/link/{INVITATION_TOKEN}").text
    assert "This invitation is not open any more (it is accepted)" in page


def test_the_token_of_one_invitation_opens_no_other(client_of, world, actor):
    other = joining.send_invitation(
        actor("eve"),
        profiles.get_organization(world.organizations["aero"]),
        email="other@elsewhere.example",
        role="owner",
    )
    reply = client_of("dov").post(
        f"/invitations/{other.id}/actions/accept", data={"token": INVITATION_TOKEN}
    )
    assert reply.status_code == 404
    assert "There is nothing here" in reply.text


def test_asking_to_join_and_withdrawing_again(client_of, shop_url, world):
    client = client_of("dov")
    client.post(f"{shop_url}/join", data={"message": "I broker here."})
    row = session.scalar(select(JoinRequest).where(JoinRequest.user_id == world.users["dov"]))
    assert row.message == "I broker here."
    assert "I broker here." in client_of("ana").get(f"{shop_url}/people").text
    assert "You have asked already" in client.get(f"{shop_url}/join").text
    client.post(f"/join-requests/{row.id}/actions/withdraw")
    session.expire_all()
    assert row.status == "withdrawn"


def test_a_claim_goes_from_evidence_to_approval(client_of, unclaimed_url, world):
    page = client_of("eve").post(f"{unclaimed_url}/claim", data={"evidence": ""})
    assert page.status_code == 422
    reply = client_of("eve").post(f"{unclaimed_url}/claim", data={"evidence": "I am its dean."})
    url = reply.headers["Location"]
    assert "I am its dean." in client_of("dov").get(url).text
    client_of("dov").post(f"{url}/actions/approve")
    assert session.scalar(select(Claim.status).where(Claim.user_id == world.users["eve"])) == (
        "approved"
    )
    page = client_of("eve").get(url).text
    assert "approved by Dov" in page
    assert "Revoke" not in page


def test_an_imported_organization_offers_to_be_claimed(client_of, unclaimed_url):
    page = client_of("nobody").get(unclaimed_url).text
    assert "Nobody has confirmed this yet" in page
    assert "Source: IPEDS" in page
    assert f"{unclaimed_url}/claim" in page


def test_the_last_owner_is_told_why_she_stays(client_of, world):
    reply = client_of("ana").post(
        f"/memberships/{world.memberships['ana_shop']}/end", data={"confirmed": "yes"}
    )
    assert reply.status_code == 422
    assert "An organization needs an owner" in reply.text


@pytest.mark.parametrize("action", ["destroy", "status"])
def test_there_are_no_other_actions(client_of, shop_url, world, action):
    for url in (
        f"{shop_url}/actions/{action}",
        f"/claims/{world.claims['cleo_on_unclaimed']}/actions/{action}",
        f"/join-requests/{world.join_requests['eve_to_college']}/actions/{action}",
        f"/invitations/{world.invitations['shop_to_newcomer']}/actions/{action}",
    ):
        reply = client_of("root").post(url)
        assert reply.status_code == 404
        assert "There is no such action." in reply.text


def test_linked_data_speaks_schema_org(client_of, shop_url):
    reply = client_of("nobody").get(f"{shop_url}.jsonld")
    assert reply.mimetype == "application/ld+json"
    assert reply.json["@type"] == "Corporation"
    assert reply.json["address"]["streetAddress"] == "100 Main Street"
    assert reply.json["knowsAbout"] == ["5-axis milling"]
    again = client_of("nobody").get(
        f"{shop_url}.jsonld", headers={"If-None-Match": reply.headers["ETag"]}
    )
    assert again.status_code == 304


def test_lists_filter_by_kind_and_take_the_same_statements_for_few_and_many(client_of):
    client = client_of("nobody")
    urls = ("/organizations?kind=sme", "/api/v1/organizations?kind=sme&limit=100")
    counts = []
    for _round in range(2):
        for url in urls:
            client.get(url)
            with count_statements() as seen:
                text = client.get(url).text
            counts.append(seen.count)
            assert "Prairie Aero Composites" in text
            assert "Falls City Community College" not in text
        for number in range(18):
            records.import_organization(
                SYSTEM,
                source="csv",
                name=f"Prairie Tool {number}",
                kind="sme",
                city=f"Town {number}",
                capabilities=["welding"],
                naics_codes=["332710"],
            )
    assert counts[:2] == counts[2:]


@pytest.mark.database
def test_a_list_goes_on_with_its_next_page(client_of):
    for number in range(25):
        records.import_organization(SYSTEM, source="csv", name=f"Union {number:02}", kind="sme")
    page = client_of("nobody").get("/organizations").text
    next_url = re.search(r'href="([^"]+)" rel="next"', page)[1].replace("&amp;", "&")
    assert "Union 24" not in page
    assert "Union 24" in client_of("nobody").get(next_url).text


def test_organizations_are_suggested_while_typing(client_of):
    found = client_of("nobody").get("/organizations/suggestions?q=city+fal").text
    assert "Falls City Community College" in found
    assert "Prairie" not in found
    assert "option" not in client_of("nobody").get("/organizations/suggestions?q=%25").text
    line = client_of("nobody").get("/organizations/suggestions?parties-0-organization=city+fal")
    assert "Falls City Community College" in line.text


def test_your_organizations_are_listed_with_your_role(client_of):
    assert "Your role: Member" in client_of("ben").get("/organizations/mine").text
    assert "You do not belong to an organization yet" in (
        client_of("dov").get("/organizations/mine").text
    )
