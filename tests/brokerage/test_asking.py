"""Asking the brokers of a region for help, whether or not they have an agency here."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from portal.accounts.models import User
from portal.brokerage.models.cases import Case
from portal.brokerage.services.asking import MOST_ASKED
from portal.kernel.database import session, unit_of_work
from portal.kernel.mail import OutgoingMail
from portal.organizations.queries.profiles import list_organizations_of
from portal.regions.models import BrokerAppointment
from tests.brokerage.conftest import ActorOf
from tests.cast import World

ClientOf = Callable[[str], FlaskClient]
ADDRESS = "/regions/greater-louisville/ask"
QUESTION = {"title": "Large castings", "text": "Who measures castings of two tons?"}


def asked() -> list[Any]:
    return list(session.scalars(select(Case).where(Case.title == QUESTION["title"])))


def test_a_broker_without_an_agency_is_asked_and_answers(
    world: World, actor: ActorOf, client_of: ClientOf, drain: Callable[[], None]
) -> None:
    ana, dov = client_of("ana"), client_of("dov")
    assert not list_organizations_of(actor("dov"))
    assert ADDRESS in ana.get("/regions/greater-louisville").text
    form = {**QUESTION, "organization_id": world.organizations["shop"]}
    sent = ana.post(ADDRESS, data=form)
    assert sent.status_code == 303
    assert "Your question was sent." in ana.get(sent.location).text
    [case] = asked()
    # There is one broker alone, so it is theirs.
    assert (case.keeper_id, case.organization_id) == (
        world.users["dov"],
        world.organizations["shop"],
    )
    assert f"/broker/cases/{case.id}" in dov.get("/desk").text
    page = dov.get(f"/broker/cases/{case.id}").text
    for told in (QUESTION["text"], "ana@cast.example", "Machine Shop"):
        assert told in page
    assert ana.get(f"/broker/cases/{case.id}").status_code == 404
    drain()
    [mail] = session.scalars(
        select(OutgoingMail).where(OutgoingMail.subject.contains(QUESTION["title"]))
    )
    assert mail.recipient == "dov@cast.example"


def test_what_several_brokers_are_asked_waits_on_the_desk_of_each(
    world: World, client_of: ClientOf
) -> None:
    with unit_of_work():
        session.add(
            BrokerAppointment(
                region_id=world.regions["greater-louisville"], user_id=world.users["eve"]
            )
        )
    client_of("ben").post(ADDRESS, data=QUESTION)
    [case] = asked()
    assert case.keeper_id is None
    for name in ("dov", "eve"):
        assert f"/broker/cases/{case.id}" in client_of(name).get("/desk").text
    assert "New cases" not in client_of("ana").get("/desk").text


def test_questions_are_bounded_and_keep_what_was_typed(client_of: ClientOf, world: World) -> None:
    ana = client_of("ana")
    for _time in range(MOST_ASKED):
        assert ana.post(ADDRESS, data=QUESTION).status_code == 303
    late = ana.post(ADDRESS, data=QUESTION)
    assert late.status_code == 422
    assert "Please go on tomorrow." in late.text
    assert QUESTION["text"] in late.text
    # Nobody asks for an organization of others.
    theirs = {**QUESTION, "organization_id": world.organizations["college"]}
    assert client_of("ben").post(ADDRESS, data=theirs).status_code == 422


@pytest.mark.parametrize(
    "gone",
    [delete(BrokerAppointment), update(User).where(User.name == "Dov").values(is_active=False)],
)
def test_a_region_without_brokers_says_so(client_of: ClientOf, gone: Any) -> None:
    with unit_of_work():
        session.execute(gone)
    assert "Ask a broker" not in client_of("ana").get("/regions/greater-louisville").text
    refused = client_of("ana").post("/regions/greater-louisville/ask", data=QUESTION)
    assert "This region has no broker yet." in refused.text
    assert not asked()
