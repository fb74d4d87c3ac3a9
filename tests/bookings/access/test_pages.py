"""Pages of qualifications and clearances: who sees them, the way from a missing gate to an open."""

import io
import re
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from portal.bookings.models.access import AccessRequest, Clearance, Qualification
from portal.bookings.models.calendar import RuleLayer
from portal.bookings.services import access
from portal.kernel.clock import today_here
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Membership
from tests.bookings.access.conftest import ActorOf, OrganizationOf, credential_of
from tests.cast import CAST, World
from tests.support.statements import count_statements

ClientOf = Callable[[str], FlaskClient]


def sent(client: FlaskClient, address: str, **data: Any) -> str:
    """Send a form that is taken, and return the page that it leads to."""
    answer = client.post(address, data=data)
    assert answer.status_code == 303, answer.text
    return client.get(answer.headers["Location"]).text


def test_nobody_else_sees_what_a_person_may_operate(world: World, client_of: ClientOf) -> None:
    """Cleo is qualified at the shop: its people, Cleo and the administrator know of it."""
    number = world.qualifications["cleo_at_shop"]
    clearance = world.clearances["college_at_shop"]
    asked = world.access_requests["eve_at_shop"]
    for name in CAST:
        client = client_of(name)
        knows = name in ("ana", "ben", "cleo", "root")
        statuses = [
            client.get(f"/qualifications/{number}").status_code,
            client.get(f"/clearances/{clearance}").status_code,
        ]
        assert statuses == [200, 200] if knows else set(statuses) <= {303, 404}, name
        status = client.get(f"/access-requests/{asked}").status_code
        assert status == 200 if name in ("ana", "eve") else status in (303, 404), name
    for name in ("ben", "dov", "eve"):
        assert (
            "Shop public mill"
            not in client_of(name).get("/qualifications").text.partition("What you asked for")[0]
        )
    assert client_of("eve").get("/qualifications/9999").status_code == 404


def test_a_host_page_lists_only_its_own(
    world: World, actor: ActorOf, organization: OrganizationOf, client_of: ClientOf
) -> None:
    access.grant_qualification(
        actor("cleo"), organization("college"), user_id=world.users["ben"], capability="welding"
    )

    shop = client_of("ana").get(f"/organizations/{world.organizations['shop']}/access?state=all")
    college = client_of("cleo").get(f"/organizations/{world.organizations['college']}/access")

    assert "Cleo" in shop.text
    assert "Welding" not in shop.text
    assert "Welding" in college.text
    assert "Shop public mill" not in college.text
    assert client_of("ana").get(college.request.path).status_code == 403


def test_a_request_of_another_host_cannot_be_granted_from_here(
    world: World, client_of: ClientOf
) -> None:
    asked = world.access_requests["eve_at_shop"]
    college = world.organizations["college"]

    answer = client_of("cleo").get(f"/organizations/{college}/access/grant?request={asked}")

    assert answer.status_code == 404
    assert "There is nothing here that you can see." in answer.text


def test_from_a_missing_gate_to_an_open_one(world: World, client_of: ClientOf) -> None:
    mill = world.equipment["college_public"]
    with unit_of_work():
        session.add(
            RuleLayer(
                resource_id=world.resources["college_public"],
                needs_qualification=True,
                needs_induction=True,
            )
        )
    eve, cleo = client_of("eve"), client_of("cleo")
    shown = eve.get(f"/equipment/{mill}").text
    assert shown.count("Missing") == 2
    assert f"/access/ask?kind=qualification&amp;organization={world.organizations['aero']}" in shown
    assert "Ask for it" not in client_of("nobody").get(f"/equipment/{mill}").text

    # The week says it as well, before it offers a time.
    week = eve.get(f"/equipment/{mill}/times").text
    assert week.index("Missing") < week.index("Earlier")
    assert f"/access/ask?kind=qualification&amp;organization={world.organizations['aero']}" in week
    assert "Missing" not in client_of("nobody").get(f"/equipment/{mill}/times").text

    address = f"/access/ask?kind=qualification&equipment={mill}"
    answer = sent(
        eve,
        address,
        kind="qualification",
        organization_id=world.organizations["aero"],
        message="I run one at home.",
    )
    assert "Falls City Community College was asked." in answer
    assert f'href="/equipment/{mill}"' in answer
    waiting = eve.get(f"/equipment/{mill}").text
    assert waiting.count("Missing") == 1
    assert waiting.count("Asked for") == 1
    assert "/access/ask?kind=qualification" not in waiting
    asked = session.scalars(select(AccessRequest.id).order_by(AccessRequest.id.desc())).first()
    page = cleo.get(f"/access-requests/{asked}").text
    assert "I run one at home." in page
    grant = f"/organizations/{world.organizations['college']}/access/grant?request={asked}"
    assert f'<option selected value="{world.users["eve"]}">' in cleo.get(grant).text
    granted = sent(
        cleo,
        grant,
        user_id=world.users["eve"],
        equipment_id=mill,
        evidence="Cut the test piece.",
        document=(io.BytesIO(b"Passed."), "test.txt"),
    )
    assert "The qualification was granted." in granted
    assert "test.txt" in granted
    assert eve.get(f"/equipment/{mill}").text.count("Missing") == 1

    number = session.scalars(
        select(Qualification.id).where(Qualification.user_id == world.users["eve"])
    ).one()
    document = f"/qualifications/{number}/document"
    assert eve.get(document).data == b"Passed."
    assert client_of("ana").get(document).status_code == 404
    assert "Unsafe." in sent(cleo, f"/qualifications/{number}/actions/revoke", note="Unsafe.")
    assert eve.get(f"/equipment/{mill}").text.count("Missing") == 2


def test_what_was_asked_for_one_organization_is_missing_for_another(
    world: World, client_of: ClientOf, actor: ActorOf, organization: OrganizationOf
) -> None:
    with unit_of_work():
        session.add(
            RuleLayer(
                resource_id=world.resources["college_public"],
                needs_induction=True,
                needs_agreement=True,
            )
        )
        session.add(
            Membership(
                organization_id=world.organizations["shop"],
                user_id=world.users["eve"],
                role="member",
            )
        )
    for kind in ("induction", "agreement"):
        access.ask_for_access(
            actor("eve"),
            organization("college"),
            organization_id=world.organizations["aero"],
            kind=kind,
        )
    week = f"/equipment/{world.equipment['college_public']}/times?organization_id="
    eve = client_of("eve")

    shown = eve.get(week + str(world.organizations["aero"])).text
    assert (shown.count("Asked for"), shown.count("Ask for it")) == (2, 0)
    # An agreement is between organizations, an induction the person's.
    shown = eve.get(week + str(world.organizations["shop"])).text
    assert (shown.count("Asked for"), shown.count("Ask for it")) == (1, 1)


def test_whoever_opens_the_gates_of_a_machine_is_not_told_to_ask(
    world: World, client_of: ClientOf
) -> None:
    with unit_of_work():
        session.add(
            RuleLayer(
                resource_id=world.resources["college_public"],
                needs_qualification=True,
                needs_agreement=True,
            )
        )
    shown = client_of("cleo").get(f"/equipment/{world.equipment['college_public']}").text
    college = world.organizations["college"]

    assert "Ask for it" not in shown
    assert f"/organizations/{college}/access/grant" in shown


def test_a_host_sees_which_bookings_rest_on_a_qualification(
    world: World, actor: ActorOf, organization: OrganizationOf, client_of: ClientOf
) -> None:
    """Ben has asked for the college's mill, which carries five-axis milling."""
    of_the_mill, of_all, of_nothing = (
        access.grant_qualification(
            actor("cleo"), organization("college"), user_id=world.users["ben"], **what
        )
        for what in (
            {"equipment_id": world.equipment["college_public"]},
            {"capability": "5-axis-milling"},
            {"capability": "welding"},
        )
    )
    booking = f'href="/bookings/{world.bookings["ben_on_college_mill"]}"'

    for row, is_listed in ((of_the_mill, True), (of_all, True), (of_nothing, False)):
        assert (booking in client_of("cleo").get(f"/qualifications/{row.id}").text) is is_listed
        assert booking not in client_of("ben").get(f"/qualifications/{row.id}").text


def test_a_refused_grant_keeps_what_was_typed_and_says_what_to_do(
    world: World, client_of: ClientOf
) -> None:
    answer = client_of("ana").post(
        f"/organizations/{world.organizations['shop']}/access/grant",
        data={"email": "dov@cast.example", "capability": "welding", "evidence": "A day's class."},
    )

    assert answer.status_code == 422
    assert "Nobody with this address has booked or asked here." in answer.text
    assert "A day&#39;s class." in answer.text


def test_an_agreement_is_filed_with_its_document_for_both_sides(
    world: World, client_of: ClientOf
) -> None:
    answer = sent(
        client_of("ana"),
        f"/organizations/{world.organizations['shop']}/access/clearances/file",
        kind="insurance",
        organization="Prairie Aero Composites",
        document=(io.BytesIO(b"Covered."), "cover.txt"),
    )
    assert "The clearance was filed." in answer
    row = session.scalars(select(Clearance).where(Clearance.kind == "insurance")).one()
    document = f"/clearances/{row.id}/document"

    assert client_of("eve").get(document).data == b"Covered."
    assert client_of("cleo").get(document).status_code == 404
    assert "Insurance certificate" in client_of("eve").get("/qualifications").text
    missing = client_of("ana").post(
        f"/organizations/{world.organizations['shop']}/access/clearances/file",
        data={"kind": "agreement"},
    )
    assert missing.status_code == 422


def test_the_ledger_says_who_did_what_and_why(
    world: World, actor: ActorOf, organization: OrganizationOf, client_of: ClientOf
) -> None:
    ana, shop = actor("ana"), organization("shop")
    credential_of(world, "college", "AWS certified welder")
    access.add_recognition(ana, shop, credential="AWS certified welder", note="Same test.")
    access.renew_qualification(
        ana, session.get_one(Qualification, world.qualifications["cleo_at_shop"]), evidence="Again."
    )

    text = client_of("ana").get(f"/organizations/{shop.id}/access/ledger").text

    assert "Recognized: AWS certified welder" in text
    assert "Same test." in text
    assert "Renewed: Shop public mill" in text


def test_lists_take_as_many_statements_for_few_rows_as_for_many(
    world: World, actor: ActorOf, organization: OrganizationOf, client_of: ClientOf
) -> None:
    ana, shop = actor("ana"), organization("shop")
    client = client_of("ana")
    addresses = [
        f"/organizations/{shop.id}/access",
        f"/organizations/{shop.id}/access/ledger",
        "/api/v1/qualifications",
    ]

    def counts() -> list[int]:
        found = []
        for address in addresses:
            with count_statements() as statements:
                assert client.get(address).status_code == 200
            found.append(statements.count)
        return found

    access.grant_qualification(ana, shop, user_id=ana.user_id, capability="welding")
    few = counts()
    for name in ("ana", "ben", "cleo"):
        for capability in ("machining", "metrology", "cnc-milling"):
            access.grant_qualification(ana, shop, user_id=world.users[name], capability=capability)
    assert counts() == few


def test_programs_read_their_own_and_what_their_organization_granted(
    world: World, actor: ActorOf, organization: OrganizationOf, client_of: ClientOf
) -> None:
    ana, shop = actor("ana"), organization("shop")
    access.grant_qualification(
        ana, shop, user_id=world.users["cleo"], capability="welding", expires_on=today_here()
    )
    address = f"/api/v1/qualifications?organization_id={shop.id}"

    own = client_of("cleo").get("/api/v1/qualifications?limit=1").get_json()
    rest = client_of("cleo").get(f"/api/v1/qualifications?cursor={own['next']}").get_json()
    granted = client_of("ana").get(f"{address}&state=ending").get_json()

    assert [item["capability"] for item in own["items"]] == ["welding"]
    assert [item["equipment"] for item in rest["items"]] == ["Shop public mill"]
    assert [(item["person"], item["ends_on"]) for item in granted["items"]] == [
        ("Cleo", today_here().isoformat())
    ]
    assert client_of("ana").get("/api/v1/qualifications").get_json()["items"] == []
    for name in ("ben", "cleo", "eve", "root"):
        assert client_of(name).get(address).status_code == 403
    assert client_of("nobody").get(address).status_code == 401


def test_programs_recognize_a_credential_and_no_longer(world: World, client_of: ClientOf) -> None:
    shop, credential = world.organizations["shop"], credential_of(world, "college", "Mill operator")
    values = {
        "organization_id": shop,
        "credential": "Mill operator",
        "providers": ["Falls City Community College"],
        "capability": "five-axis",
    }
    ana, address = client_of("ana"), "/api/v1/recognitions"

    made = ana.post(address, json=values).get_json()
    listed = ana.get(f"{address}?organization_id={shop}").get_json()["items"]
    again = ana.post(address, json=values)
    host = {**values, "credential": "", "organization": "Falls City Community College"}
    strange = ana.post(address, json={**values, "providers": ["Nobody at all"]})
    part = ana.post(address, json={**values, "providers": ["falls city"]})
    number = made["id"]
    unreasoned = ana.post(f"{address}/{number}/actions/revoke", json={})
    revoked = ana.post(f"{address}/{number}/actions/revoke", json={"note": "It is easier now."})

    assert (made["credential_id"], made["credential"]) == (credential.id, "Mill operator")
    assert (made["capability"], made["organization"]) == ("5-axis-milling", None)
    assert [row["organization"] for row in listed] == ["Prairie Aero Composites", None]
    assert made["provider_ids"] == [world.organizations["college"]]
    assert [row["provider_ids"] for row in listed] == [None, made["provider_ids"]]
    assert "You recognize this already." in again.text
    assert "Please name the credential that they award." in ana.post(address, json=host).text
    assert "We do not know an organization of this name." in strange.text
    assert "Names like it: Falls City Community College." in part.text
    assert unreasoned.status_code == 422
    assert revoked.get_json()["status"] == "revoked"
    assert ana.get(address).status_code == 422
    assert client_of("eve").get(f"{address}?organization_id={shop}").status_code == 403
    assert client_of("eve").post(address, json=values).status_code == 403


def test_a_reason_is_kept_without_what_a_database_refuses(
    world: World, client_of: ClientOf
) -> None:
    number = world.access_requests["eve_at_shop"]
    sent(client_of("ana"), f"/access-requests/{number}/actions/decline", note="Not\0 now.")
    assert session.get_one(AccessRequest, number).answer == "Not now."


def test_host_takes_the_word_of_another_and_takes_that_back(
    world: World, client_of: ClientOf
) -> None:
    ana, address = client_of("ana"), f"/organizations/{world.organizations['shop']}/access"
    issuer = credential_of(world, "college", "MSSC Certified Production Technician").issuer
    label = f"MSSC Certified Production Technician ({issuer})"
    assert f'<option value="{label}">' in ana.get(f"{address}/recognitions").text
    named = {"credential": label, "providers": "Falls City Community College"}
    page = sent(ana, f"{address}/recognitions", **named)
    assert "awarded by Falls City Community College alone" in page
    assert "Please" in ana.post(f"{address}/recognitions", data={}).text
    number = re.findall(r"/recognitions/(\d+)/actions/", page)[-1]
    sent(ana, f"/recognitions/{number}/actions/revoke", note="It is no longer awarded.")
    assert client_of("cleo").get(f"{address}/recognitions").status_code == 403


def test_what_is_on_file_gets_new_dates_and_is_revoked(world: World, client_of: ClientOf) -> None:
    ana = client_of("ana")
    listed = ana.get(f"/organizations/{world.organizations['shop']}/access/clearances?state=all")
    clearance = f"/clearances/{world.clearances['college_at_shop']}"
    assert clearance in listed.text
    assert "Good from" in ana.get(f"{clearance}/renew").text
    assert "2040" in sent(
        ana, f"{clearance}/renew", valid_from="2026-01-05", expires_on="2040-01-05"
    )
    assert "It lapsed." in sent(ana, f"{clearance}/actions/revoke", note="It lapsed.")


def test_qualification_gets_new_dates(world: World, client_of: ClientOf) -> None:
    ana, address = client_of("ana"), f"/qualifications/{world.qualifications['cleo_at_shop']}"
    assert "2040" in sent(ana, f"{address}/renew", expires_on="2040-01-05")
