"""The interview: what a firm says in one sitting is written down whole, or not at all."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.brokerage.models.cases import Case
from portal.facilities.models import Equipment
from portal.kernel.database import session
from portal.organizations.models import Organization
from portal.partnerships.models import Request
from tests.cast import World

Clients = Callable[[str], FlaskClient]


def said(world: World, **more: Any) -> Mapping[str, Any]:
    return {
        "region_id": world.regions["greater-louisville"],
        "name": "Portland Avenue Pattern Shop",
        "kind": "sme",
        "zip_code": "40202",
        "email": "owner@pattern.example",
        "capabilities": "welding",
        "equipment_name": "Five-axis router",
        "equipment_capabilities": "5-axis milling",
        "equipment_sharing_terms": "by_request",
        "request_title": "A course for two pattern makers",
        "request_kind": "training",
        "request_direction": "need",
        "request_summary": "Two people, evenings, before summer.",
        "request_capabilities": "welding",
        "request_expertise_sought": "Somebody who teaches pattern making.",
        "note": "The owner retires in two years.",
        **more,
    }


def counts() -> list[int]:
    models = (Organization, Equipment, Request, Case)
    return [session.scalar(select(func.count()).select_from(model)) or 0 for model in models]


def test_one_sitting_brings_firm_machine_request_and_case(world: World, client_of: Clients) -> None:
    answer = client_of("dov").post("/broker/interview", data=said(world))
    request = session.scalars(
        select(Request).where(Request.title == "A course for two pattern makers")
    ).one()
    assert answer.headers["Location"] == f"/requests/{request.id}/ask"
    firm = session.get_one(Organization, request.organization_id)
    assert (firm.name, firm.county_fips, firm.source) == (
        "Portland Avenue Pattern Shop",
        "21111",
        "broker",
    )
    assert request.status == "draft"
    assert request.is_on_behalf
    machine = session.scalars(select(Equipment).where(Equipment.name == "Five-axis router")).one()
    assert (machine.organization_id, machine.visibility) == (firm.id, "public")
    assert machine.confirmed_at is None
    case = session.scalars(select(Case).where(Case.request_id == request.id)).one()
    assert (case.organization_id, case.keeper_id) == (firm.id, world.users["dov"])


def test_firm_alone_brings_a_case(world: World, client_of: Clients) -> None:
    alone = said(world, equipment_name="", request_title="")
    answer = client_of("dov").post("/broker/interview", data=alone)
    case = session.scalars(select(Case).where(Case.title == "Portland Avenue Pattern Shop")).one()
    assert answer.headers["Location"] == f"/broker/cases/{case.id}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "Please give its name."),
        ({"zip_code": ""}, "Please give its ZIP code."),
        ({"equipment_capabilities": "alchemy"}, "alchemy"),
        ({"request_capabilities": "alchemy"}, "alchemy"),
    ],
    ids=["no name", "no place", "machine does nothing known", "need is for nothing known"],
)
def test_nothing_is_written_where_a_part_is_refused(
    world: World, client_of: Clients, change: Mapping[str, str], words: str
) -> None:
    before = counts()
    text = client_of("dov").post("/broker/interview", data=said(world, **change)).text
    assert words in text
    assert "The owner retires in two years." in text
    assert counts() == before


def test_firm_that_is_here_already_is_offered_first(world: World, client_of: Clients) -> None:
    dov, before = client_of("dov"), counts()
    name = session.get_one(Organization, world.organizations["unclaimed"]).name
    assert "Is it one of these?" in dov.post("/broker/interview", data=said(world, name=name)).text
    assert counts() == before
    chosen = said(world, name=name, organization_id=world.organizations["unclaimed"])
    dov.post("/broker/interview", data=chosen)
    assert counts() == [before[0], *(number + 1 for number in before[1:])]


def test_nobody_writes_for_a_firm_that_has_people_here(world: World, client_of: Clients) -> None:
    before = counts()
    answer = client_of("dov").post(
        "/broker/interview", data=said(world, organization_id=world.organizations["shop"])
    )
    assert "has people here" in answer.text
    assert counts() == before


def test_firm_of_another_region_is_refused(world: World, client_of: Clients) -> None:
    before = counts()
    client_of("dov").post("/broker/interview", data=said(world, zip_code="67202"))
    assert counts() == before
