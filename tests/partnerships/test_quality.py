"""The quality meter: what is missing, what is vague, what similar requests say."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal.kernel.database import session, unit_of_work
from portal.partnerships.models import Request
from portal.partnerships.rules.examples import EXAMPLES, KIND_HELP
from portal.partnerships.rules.publishing import PLAIN_FIELDS
from portal.partnerships.rules.quality import assess
from portal.partnerships.rules.words import DIRECTIONS, REQUEST_KINDS
from tests.cast import World

ClientOf = Callable[[str], FlaskClient]
CLEAR: dict[str, Any] = {
    **dict.fromkeys(PLAIN_FIELDS, ""),
    "kind": "equipment_sharing",
    "direction": "need",
    "title": "A bridge CMM for two days a month",
    "summary": "We measure first articles of aluminum housings of 600 mm, about 20 a month.",
    "expertise_sought": "An operator who programs the runs from STEP files.",
    "capabilities": ["coordinate-measuring"],
    "wanted_by": dt.date(2030, 3, 1),
    "visibility": "public",
    "radius_miles": 40,
    "trl": None,
    "budget_cents": None,
    "call_deadline": None,
    "duration_months": None,
    "partner_kinds": [],
    "partner_sizes": [],
    "is_anonymous": False,
    "is_urgent": False,
    "asked_organization_id": None,
}


def fields(rows: Any) -> list[str]:
    return [field for field, _message in rows]


def test_a_clear_request_gets_all_points(app: Any) -> None:
    found = assess(CLEAR, names=["Ana's Machine Shop"])
    assert (found.score, found.missing, found.vague, found.unsaid) == (100, (), (), ())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "Need help"}, "title"),
        ({"summary": "We need 2 parts."}, "summary"),
        ({"title": "A bridge CMM for our shop", "summary": "x " * 12}, "summary"),
        (
            {"expertise_sought": "Somebody who measures it all asap."},
            "expertise_sought",
        ),
        ({"description": "Piezas varias de alta calidad."}, "description"),
        ({"expertise_sought": "An operator."}, "expertise_sought"),
        ({"wanted_by": None}, "wanted_by"),
        ({"radius_miles": None}, "radius_miles"),
        (
            {"is_anonymous": True, "anonymous_summary": "Ana's  machine shop seeks a CMM."},
            "anonymous_summary",
        ),
    ],
)
def test_what_is_vague_is_named_at_its_field_and_costs_points(
    app: Any, change: Mapping[str, Any], field: str
) -> None:
    found = assess({**CLEAR, **change}, names=["Ana's Machine Shop"])
    assert field in fields(found.vague)
    assert found.score < 100
    assert not found.missing


def test_what_is_missing_costs_more_than_what_is_vague(app: Any) -> None:
    missing = assess({**CLEAR, "expertise_sought": ""})
    assert fields(missing.missing) == ["expertise_sought"]
    # What is missing is not called vague as well.
    assert "expertise_sought" not in fields(missing.vague)
    assert missing.score < assess({**CLEAR, "expertise_sought": "An operator."}).score


def test_what_most_similar_requests_say_is_named_where_one_says_nothing(app: Any) -> None:
    similar = [{**CLEAR, "budget_cents": 10_000}, {**CLEAR, "budget_cents": 20_000}, CLEAR]
    found = assess(CLEAR, similar=similar)
    assert fields(found.unsaid) == ["budget_cents"]
    assert "2 of 3" in found.unsaid[0][1]
    assert assess(CLEAR, similar=similar[:1]).unsaid == ()


def test_every_kind_has_help_and_examples_that_are_clear_themselves(app: Any) -> None:
    assert set(KIND_HELP) == set(REQUEST_KINDS)
    assert set(EXAMPLES) == {(kind, way) for kind in REQUEST_KINDS for way in DIRECTIONS}
    for (kind, direction), texts in EXAMPLES.items():
        telling = "expertise_sought" if direction == "need" else "advantages"
        assert set(texts) == {"title", "summary", telling}
        written = {name: str(text) for name, text in texts.items()}
        found = assess(
            {**CLEAR, "expertise_sought": "", "kind": kind, "direction": direction, **written}
        )
        assert not set(fields(found.vague)) & set(written), (kind, direction, found.vague)


def test_the_form_shows_what_its_kind_needs_and_an_example(client_of: ClientOf) -> None:
    client = client_of("ana")
    page = client.get("/requests/new?kind=consortium&direction=need").text
    assert "Foundry to lead work on low-carbon casting" in page
    # The call's part stands open, since this kind needs it.
    assert "<legend>The call</legend>" in page
    reply = client.post(
        "/requests/new",
        data={"kind": "training", "direction": "offer", "title": "Mine", "action": "shape"},
    )
    assert reply.status_code == 200
    assert "CNC basics, 40 hours" in reply.text
    assert 'value="Mine"' in reply.text
    assert "Error:" not in reply.text


def test_checking_says_what_is_missing_and_writes_nothing(
    client_of: ClientOf, world: World
) -> None:
    before = session.query(Request).count()
    reply = client_of("ana").post(
        "/requests/new",
        data={
            "kind": "training",
            "direction": "need",
            "title": "Help",
            "visibility": "public",
            "capabilities": "no such thing",
            "action": "check",
        },
    )
    assert reply.status_code == 200
    assert "Needed to publish" in reply.text
    assert 'href="#expertise_sought"' in reply.text
    assert "a few words more" in reply.text
    assert session.query(Request).count() == before


def test_similar_requests_that_found_a_partner_are_shown_to_who_may_see_them(
    client_of: ClientOf, world: World, change: Callable[..., Request]
) -> None:
    for name in ("aero_public", "college_public", "aero_organization"):
        change(name, status="fulfilled", budget_cents=50_000)
    change("college_public", is_anonymous=True, anonymous_summary="A lab.")
    body = client_of("ana").get(f"/api/v1/requests/{world.requests['shop_draft']}/quality").json
    assert [example["title"] for example in body["examples"]] == ["Aero public need"]
    assert {"capabilities"} <= {item["field"] for item in body["missing"]}
    assert body["score"] < 100
    page = client_of("ana").get(f"/requests/{world.requests['shop_draft']}").text
    assert "Requests that found a partner" in page
    assert (
        "Before you publish"
        not in client_of("ben").get(f"/requests/{world.requests['shop_public']}").text
    )


def test_a_copy_takes_over_all_but_what_was_for_its_time(
    client_of: ClientOf, world: World, change: Callable[..., Request]
) -> None:
    request = change(
        "shop_public", status="expired", summary="Told once.", wanted_by=dt.date(2020, 1, 1)
    )
    page = client_of("ben").get(f"/requests/new?copy={request.id}").text
    assert "Told once." in page
    assert "2020-01-01" not in page
    assert str(request.expires_on) not in page
    assert client_of("eve").get(f"/requests/new?copy={request.id}").status_code == 403
    with unit_of_work():
        session.get_one(Request, request.id).visibility = "organization"
    assert client_of("eve").get(f"/requests/new?copy={request.id}").status_code == 404
