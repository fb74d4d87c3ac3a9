"""Introductions in the JSON API: proposed by a broker's program, answered by those of the sides."""

from collections.abc import Callable

from flask.testing import FlaskClient

from tests.cast import World

Clients = Callable[[str], FlaskClient]


def proposal(world: World) -> dict[str, object]:
    return {
        "region_id": world.regions["greater-louisville"],
        "title": "Somebody who measures, and a plate",
        "parties": [
            {
                "organization_id": world.organizations[name],
                "summary": "Somebody in the next county.",
                "reason": "You want the same thing.",
            }
            for name in ("college", "aero")
        ],
    }


def test_programs_bring_two_organizations_together(world: World, client_of: Clients) -> None:
    dov = client_of("dov")
    made = dov.post("/api/v1/introductions", json=proposal(world))
    assert made.status_code == 201, made.text
    url = made.headers["Location"]
    sides = dict(zip(("cleo", "eve"), made.json["sides"], strict=True))
    for action, body in (
        ("consent", {"accepts_terms": True}),
        ("share", {"contact_name": "Desk", "contact_email": "desk@cast.example"}),
    ):
        for name, side in sides.items():
            answer = client_of(name).post(f"{url}/parties/{side['id']}/actions/{action}", json=body)
            assert answer.status_code == 200, answer.text
    assert client_of("eve").get(url).json["status"] == "open"
    listed = client_of("cleo").get("/api/v1/introductions?status=open").json["items"]
    assert made.json["id"] in [row["id"] for row in listed]
    assert client_of("ana").get(url).status_code == 404


def test_program_of_the_broker_takes_a_proposal_back(world: World, client_of: Clients) -> None:
    dov = client_of("dov")
    url = dov.post("/api/v1/introductions", json=proposal(world)).headers["Location"]
    taken = dov.post(f"{url}/actions/withdraw", json={"note": "They met already."}).json
    assert taken["status"] == "withdrawn"


def test_who_brokers_nothing_proposes_nothing(world: World, client_of: Clients) -> None:
    answer = client_of("ana").post("/api/v1/introductions", json=proposal(world))
    assert answer.status_code == 403
