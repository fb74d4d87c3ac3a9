"""Matches in the JSON API: what a program reads, judges and answers."""

from collections.abc import Callable

from flask.testing import FlaskClient

from tests.cast import World

Clients = Callable[[str], FlaskClient]


def test_program_of_the_request_reads_and_judges_its_candidates(
    world: World, client_of: Clients
) -> None:
    ana, url = client_of("ana"), f"/api/v1/matches/{world.matches['college_mill_for_shop']}"
    of_request = ana.get(f"/api/v1/requests/{world.requests['shop_public']}/matches").json["items"]
    assert world.matches["college_mill_for_shop"] in [row["id"] for row in of_request]
    assert [row["verdict"] for row in ana.get(url).json["reasons"]] == ["met", "unknown"]
    told = ana.post(
        f"{url}/feedback",
        json={"opinion": "not_useful", "criterion": "distance", "note": "Over the bridge."},
    ).json
    assert (told["is_useful"], told["criterion"]) == (False, "distance")
    assert client_of("eve").get(url).status_code == 404


def test_program_of_the_owner_answers_what_nobody_could_tell(
    world: World, client_of: Clients
) -> None:
    cleo = client_of("cleo")
    given = cleo.post(
        f"/api/v1/matches/{world.matches['college_mill_for_shop']}/answers",
        json={"criterion": "rate", "answer": "yes", "note": "We take $90 an hour."},
    ).json
    assert (given["criterion"], given["is_met"]) == ("rate", True)
    assert cleo.get("/api/v1/matches").status_code == 200


def test_program_of_a_broker_reads_what_was_said_of_criteria(client_of: Clients) -> None:
    assert client_of("dov").get("/api/v1/matches/feedback").status_code == 200
    assert client_of("ana").get("/api/v1/matches/feedback").status_code == 403
