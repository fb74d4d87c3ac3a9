"""Pages, desks and the API of introductions: what people read, and what their buttons do."""

import datetime as dt
from collections.abc import Callable
from urllib.parse import quote_plus

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts.models import User
from portal.brokerage.models.introductions import Introduction, IntroductionParty
from portal.brokerage.queries import waiting
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.mail import OutgoingMail
from portal.kernel.manifest import DeskItem
from portal.matching.models import Match, MatchFeedback
from portal.organizations.models import Membership, Organization
from portal.partnerships.models import Request, Response
from tests.brokerage.conftest import ActorOf, Table
from tests.cast import World
from tests.support.statements import count_statements

ClientOf = Callable[[str], FlaskClient]
Propose = Callable[..., Table]

#: The two sides of a proposal, as its form sends them.
SHOP_AND_COLLEGE = {
    "parties-0-organization": "Ana's Machine Shop",
    "parties-0-summary": "Somebody mills.",
    "parties-0-reason": "They weld.",
    "parties-1-organization": "Falls City Community College",
    "parties-1-summary": "Somebody welds.",
    "parties-1-reason": "They mill.",
}


@pytest.fixture
def match(world: World) -> Match:
    """A likely match: the college's measuring machine for what the shop looks for."""
    with unit_of_work():
        # Who has responded needs no introduction.
        session.delete(session.get_one(Response, world.responses["college_to_shop"]))
        row = session.get_one(Match, world.matches["college_mill_for_shop"])
        row.score = 0.9
    return row


def test_a_broker_confirms_a_suggested_match_by_proposing_an_introduction(
    client_of: ClientOf, actor: ActorOf, world: World, match: Match
) -> None:
    client = client_of("dov")
    [item] = waiting.list_suggested(actor("dov"), 10)
    assert item.title == "“College public mill” may help with “Shop public need”"
    assert f'href="/introductions/new?match={match.id}"' in client.get(item.url).text

    form = client.get(f"/introductions/new?match={match.id}")
    assert "Ana&#39;s Machine Shop" in form.text
    assert "Falls City Community College" in form.text
    sent = client.post(
        "/introductions/new",
        data={
            "match_id": match.id,
            "title": "Equipment sharing",
            "parties-0-stands_for": "poster",
            "parties-0-summary": "A shop of nine.",
            "parties-0-reason": "They measure.",
            "parties-1-stands_for": "candidate",
            "parties-1-summary": "A college with a laboratory.",
            "parties-1-reason": "They need to measure.",
            "answer_days": "14",
        },
    )

    assert sent.status_code == 303
    page = client.get(sent.headers["Location"]).text
    assert "The introduction is proposed." in page
    assert "Shop public need" in page
    assert waiting.list_suggested(actor("dov"), 10) == []


@pytest.mark.parametrize("case", ["no use", "responded", "declined match", "closed"])
def test_a_match_is_not_suggested_where_it_is_settled(
    actor: ActorOf, world: World, match: Match, case: str
) -> None:
    with unit_of_work():
        row = session.get_one(Match, match.id)
        if case == "no use":
            session.add(
                MatchFeedback(
                    match_id=row.id, user_id=world.users["dov"], side="broker", is_useful=False
                )
            )
        elif case == "responded":
            session.add(
                Response(
                    request_id=row.request_id, organization_id=row.organization_id, message="Yes."
                )
            )
        elif case == "declined match":
            row.status = "ruled_out"
        else:
            session.get_one(Request, row.request_id).status = "paused"

    assert waiting.list_suggested(actor("dov"), 10) == []


def test_what_was_typed_stays_when_a_proposal_is_refused(client_of: ClientOf) -> None:
    sent = client_of("dov").post(
        "/introductions/new",
        data={"title": "For Anas Machine Shop", **SHOP_AND_COLLEGE},
    )

    assert sent.status_code == 422
    assert "stands in a text that the others read" in sent.text
    assert "Somebody welds." in sent.text


def test_two_sides_meet_by_the_buttons_of_their_pages(
    client_of: ClientOf, propose: Propose, world: World
) -> None:
    table = propose("shop", "college")
    url = f"/introductions/{table.id}"
    ana, cleo = client_of("ana"), client_of("cleo")

    def answer(client: FlaskClient, name: str, action: str, **values: str) -> str:
        number = table.party(name).id
        sent = client.post(f"{url}/parties/{number}/actions/{action}", data=values)
        return sent.text if sent.status_code == 422 else client.get(url).text

    assert "Organization B" in ana.get(url).text
    assert "Please accept the terms" in answer(ana, "shop", "consent")
    assert "You have answered" in answer(ana, "shop", "consent", accepts_terms="y")
    assert "Falls City" not in ana.get(url).text
    assert "Ana&#39;s Machine Shop" in answer(cleo, "college", "consent", accepts_terms="y")
    assert 'value="ana@cast.example"' in ana.get(url).text
    answer(ana, "shop", "share", contact_name="Ana", contact_phone="502 555 0199")
    assert "502 555 0199" not in cleo.get(url).text
    page = answer(cleo, "college", "share", contact_name="Cleo", contact_email="cleo@lab.example")
    assert "502 555 0199" in page
    assert "cleo@lab.example" in ana.get(url).text
    assert "cleo@lab.example" not in client_of("dov").get(url).text


def test_a_side_asks_the_broker_and_no_other_side_reads_it(
    client_of: ClientOf, propose: Propose, world: World, drain: Callable[[], None]
) -> None:
    table = propose("shop", "college", "aero")
    ana = client_of("ana")
    # Where brokers have no agency here, a side asks as anybody does, and they are told of it.
    page = ana.get(f"/introductions/{table.id}").text
    assert f"/regions/greater-louisville/ask?title={quote_plus(table.row.title)}" in page
    page = client_of("dov").get(f"/introductions/{table.id}").text
    assert "The sides cannot talk with you here" in page
    assert "/organizations/register" in page
    with unit_of_work():
        office = Organization(
            name="Falls Office", match_key="falls office", kind="economic_development_organization"
        )
        session.add(office)
        session.flush()
        session.add(Membership(organization_id=office.id, user_id=world.users["dov"], role="owner"))
        session.get_one(User, world.users["dov"]).language = "es"
    page = ana.get(f"/introductions/{table.id}").text
    assert 'href="#questions">Ask the broker first' in page
    assert "/ask?" not in page
    assert (
        "cannot talk with you here" not in client_of("dov").get(f"/introductions/{table.id}").text
    )
    about = f"/conversations/about/introduction_party/{table.party('shop').id}"
    thread = ana.post(about, data={"text": "Who would pay for it?"}).headers["Location"]

    drain()
    asked = select(OutgoingMail).where(OutgoingMail.body_text.contains("Who would pay"))
    [mail] = session.scalars(asked)
    assert mail.recipient == "dov@cast.example"
    assert "Pregunta sobre" in mail.subject
    with unit_of_work():
        session.get_one(User, world.users["dov"]).language = "en"
    page = client_of("dov").get(f"/introductions/{table.id}").text
    assert "Who would pay for it?" in page
    assert "Write to Falls City Community College" in page
    assert "Who would pay" not in client_of("cleo").get(f"/introductions/{table.id}").text
    assert client_of("cleo").get(thread).status_code == 404
    assert client_of("eve").post(about, data={"text": "Me too."}).status_code == 404

    with unit_of_work():
        table.row.parties[0].is_hidden = True
    page = client_of("dov").get(thread).text
    assert "Organization A" in page
    assert "Ana" not in page


def test_a_decline_without_a_reason_asks_for_it(
    client_of: ClientOf, propose: Propose, world: World
) -> None:
    table = propose("shop", "college")
    url = f"/introductions/{table.id}"
    number = table.party("college").id
    cleo = client_of("cleo")

    assert "Please fill this in." in cleo.post(f"{url}/parties/{number}/actions/decline").text
    cleo.post(f"{url}/parties/{number}/actions/decline", data={"note": "My cousin owns it."})

    assert "My cousin" in cleo.get(url).text
    assert "My cousin" in client_of("dov").get(url).text
    page = client_of("ana").get(url).text
    assert "did not come about" in page
    assert "My cousin" not in page
    assert "declined" not in page.lower()


def test_taking_back_asks_first(client_of: ClientOf, propose: Propose) -> None:
    table = propose("shop", "college")
    url = f"/introductions/{table.id}/actions/withdraw"
    client = client_of("dov")

    assert "Take this introduction back?" in client.post(url).text
    assert table.row.status == "proposed"
    client.post(url, data={"confirmed": "yes", "note": "They met at the fair."})

    assert table.row.status == "withdrawn"
    assert "They met at the fair." in client.get(f"/introductions/{table.id}").text
    assert "fair" not in client_of("ana").get(f"/introductions/{table.id}").text


def test_members_read_but_do_not_answer(client_of: ClientOf, propose: Propose) -> None:
    table = propose("shop", "college")
    page = client_of("ben").get(f"/introductions/{table.id}").text

    assert "An owner or manager of your organization answers." in page
    assert "/actions/consent" not in page


def test_desks_show_what_waits_and_what_became_of_it(propose: Propose, actor: ActorOf) -> None:
    def titles(section: Callable[[Actor, int], list[DeskItem]], name: str) -> list[str]:
        return [str(item.title) for item in section(actor(name), 10)]

    table = propose("shop", "college", title="Measuring")
    assert titles(waiting.list_to_answer, "ana") == ["Measuring"]
    assert titles(waiting.list_to_answer, "ben") == []
    assert titles(waiting.list_under_way, "dov") == ["Measuring"]
    table.consent("shop")
    assert titles(waiting.list_to_answer, "ana") == []
    assert titles(waiting.list_to_answer, "cleo") == ["Measuring"]
    table.consent("college")
    assert titles(waiting.list_to_answer, "ana") == ["Measuring"]
    table.share("shop", "college")

    assert titles(waiting.list_new, "ben") == [
        "You were introduced to Falls City Community College"
    ]
    assert titles(waiting.list_under_way, "dov") == []
    # The world's own: the college declined to meet Eve's firm.
    [failed] = waiting.list_failed(actor("dov"), 10)
    assert failed.detail == "We are busy until summer."
    assert titles(waiting.list_failed, "cleo") == []


def test_the_list_tells_each_reader_apart_what_waits_and_what_ended(
    client_of: ClientOf, world: World
) -> None:
    eve = client_of("eve")
    assert "Did not come about" in eve.get("/introductions").text
    assert "Organization A" in eve.get("/introductions?status=ended").text
    assert "None in this state" in eve.get("/introductions?status=waiting").text
    assert "Declined" in client_of("dov").get("/introductions?status=ended").text
    assert "No introductions yet" in client_of("root").get("/introductions").text


def test_the_list_asks_no_more_of_the_database_for_twenty_than_for_three(
    client_of: ClientOf, world: World
) -> None:
    dov = client_of("dov")
    dov.get("/introductions")  # what is read once by a process is read now
    with count_statements() as few:
        dov.get("/introductions")
    with unit_of_work():
        for _number in range(17):
            row = Introduction(
                region_id=world.regions["greater-louisville"],
                title="Another",
                terms="Keep quiet.",
                answer_days=1,
                answer_by=now() + dt.timedelta(days=1),
            )
            session.add(row)
            session.flush()
            session.add_all(
                IntroductionParty(
                    introduction_id=row.id,
                    organization_id=world.organizations[name],
                    position=position,
                    summary="Somebody.",
                    reason="Because.",
                )
                for position, name in enumerate(("shop", "college", "aero"), start=1)
            )
    dov.get("/introductions")  # who somebody is is read anew after a change
    with count_statements() as many:
        page = dov.get("/introductions").text

    assert page.count("Another") == 17
    assert many.count == few.count


def test_what_was_typed_stays_where_the_same_are_asked_already(
    client_of: ClientOf, propose: Propose
) -> None:
    propose("shop", "college")
    sent = client_of("dov").post(
        "/introductions/new",
        data={"title": "Anything else", **SHOP_AND_COLLEGE},
    )

    assert "An introduction of these organizations waits for an answer already." in sent.text
    assert "Somebody welds." in sent.text


def test_sides_read_who_proposes_it(client_of: ClientOf, propose: Propose) -> None:
    page = client_of("ana").get(f"/introductions/{propose('shop', 'college').id}").text

    assert "Proposed by Dov" in page


def test_a_broker_begins_on_the_page_of_an_organization(client_of: ClientOf, world: World) -> None:
    page = f"/organizations/{world.organizations['college']}"
    link = f"/introductions/new?organization={world.organizations['college']}"

    assert link in client_of("dov").get(page).text
    assert link not in client_of("ana").get(page).text
    form = client_of("dov").get(link).text
    assert 'value="Falls City Community College"' in form
    assert "Coordinate measuring, Welding" in form


def test_the_form_says_how_a_match_fits(client_of: ClientOf, match: Match) -> None:
    with unit_of_work():
        session.get_one(Match, match.id).criteria = [
            {"name": "distance", "verdict": "met", "variant": "met", "values": {"miles": 3}},
            {
                "name": "eligibility",
                "verdict": "met",
                "variant": "says",
                "values": {"text": "Friends of Falls City"},
            },
        ]
    form = client_of("dov").get(f"/introductions/new?match={match.id}").text

    assert "It is 3 mi away." in form
    # What somebody wrote may tell who they are.
    assert "Friends of Falls City" not in form


def test_the_api_says_no_more_than_the_page(
    client_of: ClientOf, propose: Propose, world: World
) -> None:
    table = propose("shop", "college")
    url = f"/api/v1/introductions/{table.id}"
    cleo = client_of("cleo")
    shown = cleo.get(url).get_json()
    assert [side["organization_id"] for side in shown["sides"]] == [
        None,
        world.organizations["college"],
    ]
    assert "Machine Shop" not in cleo.get(url).text

    answered = cleo.post(
        f"{url}/parties/{table.party('college').id}/actions/consent", json={"accepts_terms": True}
    )
    assert answered.status_code == 200
    refused = cleo.post(
        f"{url}/parties/{table.party('college').id}/actions/share",
        json={"contact_name": "Cleo", "contact_email": "c@lab.example"},
    )
    assert refused.status_code == 409
    table.consent("shop")
    shown = cleo.get(url).get_json()
    assert shown["status"] == "identified"
    assert [reveal["stage"] for reveal in shown["reveals"]].count("identity") == 2
    assert shown["sides"][0]["contact"] is None
