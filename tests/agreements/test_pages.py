"""The pages of agreements and outcomes, as the parties and brokers use them."""

from collections.abc import Callable

from flask.testing import FlaskClient

from portal.accounts.models import User
from portal.agreements.models import Outcome
from portal.agreements.queries import agreements as queries
from portal.kernel.clock import today_here
from portal.kernel.database import session, unit_of_work
from tests.agreements.conftest import Make, a_document
from tests.cast import World

Clients = Callable[[str], FlaskClient]


def test_draft_that_lacks_something_is_completed_where_it_lacks_it(
    make: Make, client_of: Clients
) -> None:
    draft = make("shop", "college", "draft", starts_on=None, title="Saturdays on the mill")
    ana = client_of("ana")
    led = ana.post(f"/agreements/{draft.id}/actions/propose")
    assert led.status_code == 303
    text = ana.get(led.headers["Location"]).text
    assert "Please say from which day it holds." in text
    assert f'action="/agreements/{draft.id}/edit"' in text
    assert "Saturdays on the mill" in text
    assert "Please say from which day" not in ana.get(f"/agreements/{draft.id}/edit").text
    assert 'value="0.00"' not in text

    assert "Save and propose" in text
    completed = {
        "kind": draft.kind,
        "title": draft.title,
        "role": "provider",
        "parties-0-organization": "Falls City Community College",
        "parties-0-role": "receiver",
        "starts_on": today_here().isoformat(),
        "action": "propose",
    }
    answer = ana.post(f"/agreements/{draft.id}/edit", data=completed)
    assert answer.status_code == 303
    assert queries.get_agreement(draft.id).status == "proposed"


def test_form_says_before_it_is_sent_what_a_proposal_needs(client_of: Clients) -> None:
    text = client_of("ana").get("/agreements/new").text
    assert "The first day. A proposal needs it; a draft does not." in text


def test_agreement_goes_from_draft_to_a_confirmed_outcome(world: World, client_of: Clients) -> None:
    ana, cleo = client_of("ana"), client_of("cleo")
    url = ana.post(
        "/agreements/new",
        data={
            "organization_id": world.organizations["shop"],
            "kind": "rd_cooperation",
            "title": "A fixture for thin plates",
            "parties-0-organization": f"/organizations/{world.organizations['college']}",
            "starts_on": str(today_here()),
        },
    ).headers["Location"]
    ana.post(f"{url}/actions/propose")
    assert "Agree" in cleo.get(url).text
    agreement = queries.get_agreement(int(url.rpartition("/")[2]))
    cleo.post(f"{url}/acknowledge", data={"revision": agreement.revision, "confirmed": "yes"})
    assert queries.get_agreement(agreement.id).status == "active"

    outcome_url = ana.post(
        f"{url}/outcomes/new",
        data={
            "kind": "savings",
            "amount_hundredths": "1200",
            "happened_on": str(today_here()),
            "evidence": "Two scrapped plates fewer a week.",
        },
    ).headers["Location"]
    cleo.post(f"{outcome_url}/actions/confirm")
    outcome = session.get_one(Outcome, int(outcome_url.rpartition("/")[2]))
    assert (outcome.status, outcome.amount_hundredths) == ("confirmed", 120_000)
    assert "$1,200" in cleo.get(url).text


def test_a_draft_offers_no_conversation_with_nobody(make: Make, client_of: Clients) -> None:
    draft, proposed = (make("shop", "college", status) for status in ("draft", "proposed"))

    assert "Message to" not in client_of("ana").get(f"/agreements/{draft.id}").text
    assert "Message to" in client_of("ana").get(f"/agreements/{proposed.id}").text


def test_draft_is_changed_and_deleted_by_who_wrote_it(make: Make, client_of: Clients) -> None:
    draft = make("shop", "college", "draft", title="Saturdays")
    ana, url = client_of("ana"), f"/agreements/{draft.id}"
    assert 'value="Saturdays"' in ana.get(f"{url}/edit").text
    ana.post(
        f"{url}/edit",
        data={
            "kind": "other",
            "title": "Saturdays on the mill",
            "parties-0-organization": "Nobody that we know",
        },
    )
    assert queries.get_agreement(draft.id).title == "Saturdays"
    ana.post(
        f"{url}/edit",
        data={
            "kind": "other",
            "title": "Saturdays on the mill",
            "parties-0-organization": "River College",
        },
    )
    assert "Its documents go with it." in ana.post(f"{url}/delete").text
    ana.post(f"{url}/delete", data={"confirmed": "yes"})
    assert ana.get(url).status_code == 404


def test_documents_come_in_versions_with_which_all_agree(make: Make, client_of: Clients) -> None:
    made = make("shop", "college")
    ana, cleo, url = client_of("ana"), client_of("cleo"), f"/agreements/{made.id}"
    ana.post(f"{url}/documents/new", data={"title": "Drawing", "document": a_document()})
    document = queries.get_agreement(made.id).documents[0]
    newer = {"document": a_document(b"Revision B.", "b.txt"), "note": "The radius is larger."}
    assert "Drawing" in cleo.get(f"{url}/documents/new?document={document.id}").text
    cleo.post(f"{url}/documents/new?document={document.id}", data=newer)
    text = ana.get(url).text
    assert "Version 2" in text
    assert "There is a new document." in text
    version = queries.get_agreement(made.id).documents[0].versions[-1]
    assert cleo.get(f"{url}/documents/{version.id}").data == b"Revision B."
    assert client_of("eve").get(f"{url}/documents/{version.id}").status_code == 404
    assert ana.get(f"{url}/documents/new?document=999").status_code == 404


def test_document_of_a_draft_is_taken_away(make: Make, client_of: Clients) -> None:
    draft = make("shop", "college", "draft")
    ana, url = client_of("ana"), f"/agreements/{draft.id}"
    ana.post(f"{url}/documents/new", data={"document": a_document()})
    document = queries.get_agreement(draft.id).documents[0]
    remove = f"{url}/documents/{document.id}/remove"
    assert "All its versions are deleted." in ana.post(remove).text
    ana.post(remove, data={"confirmed": "yes"})
    assert queries.get_agreement(draft.id).documents == []


def test_milestones_are_set_changed_reached_and_taken_away(make: Make, client_of: Clients) -> None:
    made = make("shop", "college")
    ana, url = client_of("ana"), f"/agreements/{made.id}"
    assert "Please" in ana.post(f"{url}/milestones/new", data={"title": "", "due_on": ""}).text
    ana.post(f"{url}/milestones/new", data={"title": "First part", "due_on": str(today_here())})
    milestone = queries.get_agreement(made.id).milestones[0]
    page = f"/milestones/{milestone.id}"
    assert 'value="First part"' in ana.get(f"{page}/edit").text
    ana.post(f"{page}/edit", data={"title": "First plate", "due_on": str(today_here())})
    ana.post(f"{page}/tick")
    assert "“First plate” is done." in ana.get(url).text
    ana.post(f"{page}/tick?undo=yes")
    assert "“First plate” is open again." in ana.get(url).text
    assert "Remove “First plate”?" in ana.post(f"{page}/remove").text
    ana.post(f"{page}/remove", data={"confirmed": "yes"})
    assert queries.get_agreement(made.id).milestones == []


def test_ending_early_needs_a_reason(make: Make, client_of: Clients) -> None:
    made = make("shop", "college")
    ana, url = client_of("ana"), f"/agreements/{made.id}/actions/terminate"
    assert "Please give a reason." in ana.post(url, data={"confirmed": "yes"}).text
    ana.post(url, data={"note": "The machine was sold.", "confirmed": "yes"})
    assert queries.get_agreement(made.id).status == "terminated"


def test_word_is_given_only_for_what_was_read(make: Make, client_of: Clients) -> None:
    made = make("shop", "college", "proposed")
    url = f"/agreements/{made.id}/acknowledge"
    assert "read it again" in client_of("cleo").post(url, data={"revision": "x"}).text
    assert queries.get_agreement(made.id).status == "proposed"


def test_outcome_is_corrected_with_its_evidence(make: Make, client_of: Clients) -> None:
    made = make("shop", "college")
    ana = client_of("ana")
    url = ana.post(
        f"/agreements/{made.id}/outcomes/new",
        data={
            "kind": "jobs_created",
            "amount_hundredths": "2",
            "happened_on": str(today_here()),
            "document": a_document(b"Payroll."),
        },
    ).headers["Location"]
    assert "Jobs created" in ana.get(f"{url}/edit").text
    ana.post(
        f"{url}/edit",
        data={"amount_hundredths": "3", "happened_on": str(today_here()), "evidence": "Payroll"},
    )
    outcome = session.get_one(Outcome, int(url.rpartition("/")[2]))
    session.refresh(outcome)
    assert outcome.amount_hundredths == 300
    assert "Payroll" in ana.get(url).text


def test_third_party_reads_nothing_of_an_agreement(make: Make, client_of: Clients) -> None:
    made = make("shop", "college", title="Saturdays on the mill", terms="canary-terms")
    for name in ("eve", "nobody"):
        client = client_of(name)
        assert client.get(f"/agreements/{made.id}").status_code == 404
        assert "Saturdays on the mill" not in client.get("/agreements").text


def test_filter_speaks_spanish_in_one_gender(world: World, client_of: Clients) -> None:
    with unit_of_work():
        session.get_one(User, world.users["ana"]).language = "es"
    text = client_of("ana").get("/agreements").text
    assert all(f">{word}</a>" in text for word in ("Propuesto", "Completado", "Terminado"))
    assert "Todos" in text
    assert not any(f">{word}<" in text for word in ("Todas", "Completada"))
