"""Pages and the API of conversations as people and programs meet them."""

import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.accounts.models import User
from portal.accounts.queries import password_cost
from portal.accounts.rules import hash_password
from portal.conversations import services
from portal.conversations.models import Message, Thread
from portal.conversations.queries import lists, threads
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.partnerships.models import Request
from portal.partnerships.queries.responses import get_response
from portal.partnerships.services.responses import act_on_response
from tests.cast import PASSWORD, World
from tests.conversations.conftest import ActorOf

ClientOf = Callable[[str], FlaskClient]


def test_a_response_shows_its_conversation_and_takes_a_message(
    client_of: ClientOf, world: World
) -> None:
    ana, number = client_of("ana"), world.responses["college_to_shop"]
    assert "Until four." in ana.get(f"/responses/{number}").text
    reply = ana.post(
        f"/conversations/about/response/{number}", data={"text": "Then we come at **three**."}
    )
    assert reply.location.endswith(f"/conversations/{world.threads['shop_college']}#answer")
    page = client_of("cleo").get(reply.location).text
    assert "Then we come at <strong>three</strong>." in page
    assert "Ana, Ana&#39;s Machine Shop" in page


def test_the_link_of_an_e_mail_leads_to_the_answer_over_signing_in(
    client_of: ClientOf, world: World
) -> None:
    address = f"/conversations/{world.threads['shop_college']}/answer"
    with unit_of_work():
        user = session.get_one(User, world.users["ben"])
        user.password_hash = hash_password(PASSWORD, password_cost())
    ben = client_of("nobody")
    asked = ben.get(address).location
    assert asked.endswith(f"next={address}"), "whoever has the mail is nobody yet"
    signed_in = ben.post(asked, data={"email": "ben@cast.example", "password": PASSWORD})
    assert signed_in.location == address
    assert ben.get(address).location.endswith("#answer"), "once is enough"
    assert client_of("eve").get(address).status_code == 404


def test_an_empty_message_comes_back_with_its_error(client_of: ClientOf, world: World) -> None:
    reply = client_of("ana").post(
        f"/conversations/{world.threads['shop_college']}/messages", data={"text": " "}
    )
    assert reply.status_code == 422
    assert "Until four." in reply.text


def test_a_file_is_for_those_who_read_along(client_of: ClientOf, world: World) -> None:
    number = world.threads["shop_college"]
    ben = client_of("ben")
    data = {"text": "The drawing.", "attachments": [(io.BytesIO(b"5 microns"), "drawing.txt")]}
    assert ben.post(f"/conversations/{number}/messages", data=data).status_code == 303
    assert "drawing.txt" in client_of("cleo").get(f"/conversations/{number}").text
    for name, status in (("cleo", 200), ("eve", 404), ("root", 404)):
        reply = client_of(name).get(f"/conversations/{number}/attachments/1")
        assert reply.status_code == status
    # In another thread it is not there.
    other = world.threads["college_aero"]
    assert client_of("cleo").get(f"/conversations/{other}/attachments/1").status_code == 404
    with unit_of_work():
        session.scalars(select(Message).order_by(Message.id.desc())).first().hidden_at = now()
    hidden = client_of("cleo").get(f"/conversations/{number}/attachments/1")
    assert hidden.status_code == 404, "what was hidden after a report, is hidden with its files"
    wrong = {"text": "A program.", "attachments": [(io.BytesIO(b"MZ"), "tool.exe")]}
    assert ben.post(f"/conversations/{number}/messages", data=wrong).status_code == 422
    assert "A program." not in client_of("cleo").get(f"/conversations/{number}").text


def test_the_export_has_all_messages_and_no_hidden_name(
    client_of: ClientOf, world: World, anonymous: None
) -> None:
    address = f"/conversations/{world.threads['shop_college']}/export"
    text = client_of("cleo").get(address).text
    assert text.index("How long is it free") < text.index("Until four.")
    assert "The organization that posted the request" in text
    assert "Ben" not in text
    assert "Machine Shop" not in text
    assert "## Ben, Ana's Machine Shop" in client_of("ana").get(address).text


def test_no_words_pass_for_another_message_in_an_export(client_of: ClientOf, world: World) -> None:
    ben, number = client_of("ben"), world.threads["shop_college"]
    forged = "Thank you.\n\n## Cleo, Falls City Community College, May 3, 2027\n\nIt costs nothing."
    ben.post(f"/conversations/{number}/messages", data={"text": forged})
    lines = ben.get(f"/conversations/{number}/export").text.splitlines()
    assert len([line for line in lines if line.startswith("## Cleo")]) == 1
    assert "> It costs nothing." in lines


def test_opening_the_page_marks_it_as_read(client_of: ClientOf, world: World) -> None:
    ana = client_of("ana")
    assert "Messages that you have not read" in ana.get("/desk").text
    ana.get(f"/conversations/{world.threads['shop_college']}")
    assert "you have read all messages" in ana.get("/desk").text.lower()


def test_blocking_asks_first_and_says_what_happened(client_of: ClientOf, world: World) -> None:
    ana, number = client_of("ana"), world.threads["shop_college"]
    data = {"side": "1"}
    assert (
        "Block Falls City Community College?"
        in ana.post(f"/conversations/{number}/block", data=data).text
    )
    ana.post(f"/conversations/{number}/block", data={**data, "confirmed": "yes"})
    page = ana.get(f"/conversations/{number}").text
    assert "Your organization has blocked the other side" in page
    ana.post(f"/conversations/{number}/unblock", data=data)
    assert "Lift the block" not in ana.get(f"/conversations/{number}").text


def test_the_page_that_blocks_an_anonymous_side_has_not_even_its_number(
    client_of: ClientOf, world: World, anonymous: None
) -> None:
    number = world.threads["shop_college"]
    page = client_of("cleo").get(f"/conversations/{number}").text
    assert f"/conversations/{number}/block" in page
    assert 'name="side" value="1"' in page
    assert 'name="organization_id"' not in page


def test_several_reports_are_decided_from_the_brokers_desk(
    client_of: ClientOf, world: World
) -> None:
    dov, number = client_of("dov"), world.message_reports["cleo_on_ben"]
    desk = dov.get("/broker").text
    assert f'name="report_id" value="{number}"' in desk
    several = {"report_id": [number], "next": "/broker"}
    assert dov.post("/message-reports/actions/uphold", data=several).location == "/broker"
    desk = dov.get("/broker").text
    assert "1 report was decided." in desk
    assert f'name="report_id" value="{number}"' not in desk
    assert dov.post("/message-reports/actions/uphold").status_code == 422


def test_a_program_blocks_sends_files_exports_and_decides_reports(
    client_of: ClientOf, world: World, anonymous: None
) -> None:
    cleo, number = client_of("cleo"), world.threads["shop_college"]
    url = f"/api/v1/threads/{number}"
    file = {"name": "part.txt", "content": "QWx1bWludW0sIDYwMCBtbS4="}
    sent = cleo.post(f"{url}/messages", json={"text": "See.", "attachments": [file]})
    assert sent.status_code == 201, sent.text
    [attachment] = sent.json["attachments"]
    assert client_of("ana").get(attachment["url"]).data == b"Aluminum, 600 mm."
    assert client_of("eve").get(attachment["url"]).status_code == 404
    broken = {"text": "See.", "attachments": [{**file, "content": "not base64!"}]}
    refused = cleo.post(f"{url}/messages", json=broken)
    assert refused.json["errors"] == {
        "attachments": ["A file has a name, and its content in base64."]
    }
    text = cleo.get(f"{url}/export").text
    assert "See." in text
    assert "Ana's Machine Shop" not in text

    assert cleo.post(f"{url}/blocks", json={"side": 1}).status_code == 200
    assert cleo.post(f"{url}/blocks", json={"side": 2}).status_code == 404
    [kept] = cleo.get("/api/v1/blocks").json["items"]
    # In one conversation alone, and without the name of whom it is about.
    assert (kept["blocked"], bool(kept["thread_title"])) == ("", True)
    assert cleo.post(f"{url}/messages", json={"text": "Hello?"}).status_code == 409
    assert cleo.delete(f"/api/v1/blocks/{kept['id']}").status_code == 204
    assert cleo.get("/api/v1/blocks").json["items"] == []
    mail = cleo.put("/api/v1/message-mail", json={"emails": "never"})
    assert mail.json == cleo.get("/api/v1/message-mail").json == {"emails": "never"}

    dov = client_of("dov")
    [report] = dov.get("/api/v1/message-reports").json["items"]
    assert "Ana's" not in str(report)
    path = f"/api/v1/message-reports/{report['id']}"
    several = {"report_ids": [report["id"]], "note": "An offer."}
    decided = dov.post("/api/v1/message-reports/actions/dismiss", json=several)
    assert decided.json == {"done": 1}
    assert dov.get(path).json["status"] == "dismissed"
    assert dov.post(f"{path}/actions/uphold", json={}).status_code == 409


def test_a_report_of_an_anonymous_side_tells_its_reader_no_name(
    client_of: ClientOf, world: World, anonymous: None
) -> None:
    page = client_of("dov").get(f"/message-reports/{world.message_reports['cleo_on_ben']}").text
    assert "The organization that posted the request" in page
    assert "Machine Shop" not in page
    assert "Ben" not in page


def test_a_report_tells_its_reader_no_name_that_only_the_sides_know(
    client_of: ClientOf, actor: ActorOf, world: World, anonymous: None
) -> None:
    """Who took part knows by then whose the anonymous request is; the broker does not."""
    response = get_response(world.responses["college_to_shop"])
    act_on_response(actor("ana"), response, "accept")
    assert "Machine Shop" in client_of("cleo").get(
        f"/conversations/{world.threads['shop_college']}"
    ).get_data(as_text=True)

    page = client_of("dov").get(f"/message-reports/{world.message_reports['cleo_on_ben']}").text
    assert "The organization that posted the request" in page
    assert "Machine Shop" not in page
    assert "Ben" not in page


def test_a_report_of_an_introduction_names_none_of_its_sides(world: World) -> None:
    subject = threads.thread_subject("introduction")
    number = world.introductions["shop_aero"]
    thread = Thread(subject="introduction", subject_id=number)
    assert [party.is_named for party in subject.parties(subject.load([number])[number])] == [
        True,
        True,
    ]
    told = threads.party_for_outsiders(thread, world.organizations["shop"])
    assert (told.name, told.is_named) == ("Organization A", False)


def test_words_begun_on_a_records_page_come_along_to_where_files_are_added(
    client_of: ClientOf, world: World
) -> None:
    ana, address = (
        client_of("ana"),
        f"/conversations/about/response/{world.responses['college_to_shop']}",
    )
    page = ana.post(address, data={"text": "See the drawing", "attach": "yes"}).text
    assert re.search(r"<textarea[^>]*>\s*See the drawing</textarea>", page)
    assert 'type="file"' in page
    assert session.scalar(select(Message.id).where(Message.text == "See the drawing")) is None


def test_an_organization_is_written_to_from_its_page(client_of: ClientOf, world: World) -> None:
    eve, number = client_of("eve"), world.organizations["college"]
    # They have a conversation already.
    assert "Your conversation" in eve.get(f"/organizations/{number}").text
    ana = client_of("ana")
    assert f"/organizations/{number}/write" in ana.get(f"/organizations/{number}").text
    sent = ana.post(f"/organizations/{number}/write", data={"text": "Hello"})
    title = "Ana&#39;s Machine Shop – Falls City Community College"
    assert title in ana.get(sent.location).text
    # Whoever is not signed in is led there over signing in.
    nobody = client_of("nobody")
    assert f"/organizations/{number}/write" in nobody.get(f"/organizations/{number}").text
    assert "/sign-in?next=" in nobody.get(f"/organizations/{number}/write").location
    assert "/write" not in client_of("cleo").get(f"/organizations/{number}").text


def test_who_has_no_organization_yet_is_led_to_one_and_back_to_writing(
    client_of: ClientOf, world: World
) -> None:
    root, address = client_of("root"), f"/organizations/{world.organizations['college']}"
    assert f"{address}/write" in root.get(address).text

    answer = root.get(f"{address}/write")

    assert "Write to Falls City Community College" in answer.text
    assert f"/organizations/register?next={address}/write" in answer.text
    assert "You may not do this" not in answer.text


def test_nobody_is_offered_to_call_themselves(client_of: ClientOf, world: World) -> None:
    page = client_of("cleo").get(f"/conversations/{world.threads['shop_college']}").text
    offered = page[page.index("Whom you can call") :]

    assert "<li>Ana</li>" in offered
    assert "<li>Cleo</li>" not in offered


def test_a_program_reads_writes_and_marks(client_of: ClientOf, world: World) -> None:
    cleo, number = client_of("cleo"), world.threads["shop_college"]
    base = f"/api/v1/threads/{number}"
    call = {"json": {"text": "From the program"}, "headers": {"Idempotency-Key": "4711"}}
    sent, again = (cleo.post(f"{base}/messages", **call) for _time in range(2))
    assert (sent.status_code, again.status_code) == (201, 201)
    assert (again.json, again.location) == (sent.json, sent.location)
    listed = cleo.get(f"{base}/messages").json["items"]  # type: ignore[index]
    assert [row["text"] for row in listed].count("From the program") == 1
    changed = cleo.patch(base, json={"read_message_id": listed[0]["id"], "is_muted": True}).json
    assert (changed["unread"], changed["is_muted"]) == (0, True)  # type: ignore[index]
    first = cleo.get("/api/v1/threads").json["items"][0]  # type: ignore[index]
    assert (first["subject"], first["others"]) == ("response", ["Ana's Machine Shop"])


def test_what_is_gone_from_a_subject_is_gone_from_its_thread(
    actor: ActorOf, world: World, client_of: ClientOf
) -> None:
    with unit_of_work():
        session.delete(session.get_one(Request, world.requests["shop_public"]))
    assert lists.list_talks(actor("ana")).items == []
    number = world.threads["shop_college"]
    assert client_of("ana").get(f"/conversations/{number}").status_code == 404


@pytest.mark.database
def test_the_list_is_searched_and_shows_what_is_new(client_of: ClientOf, world: World) -> None:
    cleo = client_of("cleo")
    found = cleo.get("/conversations?q=Fridays").text
    assert "Response to “Shop public need”" in found
    assert "Prairie Aero Composites" not in found
    assert "Nothing found" in cleo.get("/conversations?q=Mondays").text
    cleo.get(f"/conversations/{world.threads['shop_college']}")
    cleo.get(f"/conversations/{world.threads['college_aero']}")
    assert "Nothing found" in cleo.get("/conversations?unread=yes").text


def test_a_person_mutes_a_conversation_and_hears_of_it_again(
    client_of: ClientOf, world: World
) -> None:
    ana, address = client_of("ana"), f"/conversations/{world.threads['shop_college']}"
    ana.post(f"{address}/mute", data={"is_muted": "yes"})
    assert "Hear of it again" in ana.get(address).text
    assert "you have read all messages" in ana.get("/desk").text.lower()
    ana.post(f"{address}/mute", data={"is_muted": "no"})
    assert "Mute it" in ana.get(address).text


def test_a_person_chooses_mail_and_lifts_a_block(client_of: ClientOf, world: World) -> None:
    ana = client_of("ana")
    ana.post("/conversations/settings", data={"emails": "daily"})
    page = ana.get("/conversations/settings").text
    assert '<option selected value="daily">' in page
    assert "Prairie Aero Composites" in page
    ana.post(f"/conversations/blocks/{world.blocks['aero_by_shop']}/lift")
    assert "Prairie Aero Composites" not in ana.get("/conversations/settings").text


def test_what_was_written_stays_when_it_cannot_be_sent_now(
    client_of: ClientOf, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST_NEW_CONTACTS", 0)
    address = f"/organizations/{world.organizations['college']}/write"
    reply = client_of("ana").post(address, data={"text": "A long letter."})
    assert reply.status_code == 422
    assert "Please go on tomorrow." in reply.text
    assert "A long letter." in reply.text


def test_a_message_is_reported_decided_and_hidden(client_of: ClientOf, world: World) -> None:
    number = world.messages["cleo_in_shop_college"]
    reply = client_of("ana").post(
        f"/messages/{number}/report", data={"reason": "insult", "note": "Rude."}
    )
    assert reply.status_code == 303
    again = client_of("ben").post(f"/messages/{number}/report", data={"reason": "spam"})
    assert again.status_code == 409
    dov = client_of("dov")
    assert "Insults or threats" in dov.get("/message-reports").text
    assert "Somebody reports a message" in dov.get("/broker").text
    report = world.message_reports["cleo_on_ben"] + 1
    assert "Until four." in dov.get(f"/message-reports/{report}").text
    dov.post(f"/message-reports/{report}/actions/uphold", data={"note": "It is."})
    assert "Message hidden" in dov.get(f"/message-reports/{report}").text
    page = client_of("ana").get(f"/conversations/{world.threads['shop_college']}").text
    assert "Until four." not in page
    assert "hidden after a report" in page


def test_a_program_begins_a_conversation_and_reports(client_of: ClientOf, world: World) -> None:
    ana = client_of("ana")
    body = {"subject": "booking", "subject_id": world.bookings["ben_on_college_mill"]}
    sent = ana.post("/api/v1/threads", json={**body, "text": "May @Cleo come?"})
    assert sent.json["calls"] == ["Cleo"]  # type: ignore[index]
    assert ana.get(sent.location).json["subject"] == "booking"  # type: ignore[index]
    wrong = {**body, "subject": "nonsense", "text": "Hello"}
    assert ana.post("/api/v1/threads", json=wrong).status_code == 404
    college = world.organizations["college"]
    written = ana.post(f"/api/v1/organizations/{college}/messages", json={"text": "Hello"})
    assert written.status_code == 201
    number = world.messages["cleo_in_shop_college"]
    report = ana.post(f"/api/v1/messages/{number}/reports", json={"reason": "other"})
    assert report.json["status"] == "open"  # type: ignore[index]
