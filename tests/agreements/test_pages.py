"""The pages of agreements and outcomes, as the parties and brokers use them."""

from collections.abc import Callable

from flask.testing import FlaskClient

from portal.agreements.models import Outcome
from portal.agreements.queries import agreements as queries
from portal.kernel.clock import today_here
from portal.kernel.database import session
from tests.agreements.conftest import Make
from tests.cast import World

Clients = Callable[[str], FlaskClient]


def test_draft_that_lacks_something_is_completed_where_it_lacks_it(
    make: Make, client_of: Clients
) -> None:
    draft = make("shop", "college", "draft", starts_on=None, title="Saturdays on the mill")
    ana = client_of("ana")
    text = ana.post(f"/agreements/{draft.id}/actions/propose").text
    assert "Please say from which day it holds." in text
    assert f'action="/agreements/{draft.id}/edit"' in text
    assert "Saturdays on the mill" in text


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


def test_third_party_reads_nothing_of_an_agreement(make: Make, client_of: Clients) -> None:
    made = make("shop", "college", title="Saturdays on the mill", terms="canary-terms")
    for name in ("eve", "nobody"):
        client = client_of(name)
        assert client.get(f"/agreements/{made.id}").status_code == 404
        assert "Saturdays on the mill" not in client.get("/agreements").text
