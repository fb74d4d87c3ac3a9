"""Programs and sections in the JSON API."""

import datetime as dt
from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.bookings.models.booking import Booking
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.training.models.sections import Section
from tests.cast import World

ClientOf = Callable[[str], FlaskClient]
PROGRAMS, SECTIONS = "/api/v1/programs", "/api/v1/sections"
#: A Tuesday far enough ahead.
DAY = (now() + dt.timedelta(days=50)).date()
DAY += dt.timedelta(days=(1 - DAY.weekday()) % 7)


def test_an_apprenticeship_comes_back_as_it_was_sent(client_of: ClientOf, world: World) -> None:
    client = client_of("cleo")
    sent = {
        "organization_id": world.organizations["college"],
        "title": "Machinist apprenticeship",
        "kind": "apprenticeship",
        "delivery": "at_work",
        "language": "en-es",
        "skills": ["VMC operation"],
        "credential": "nims-cnc-milling-operations",
        "occupation": "51-4041",
        "sponsor": "Machinists’ joint committee",
        "wage_schedule": [{"period": "First 1,000 hours", "wage_cents": 1_650}],
        "funding": ["employer", "union"],
        "visibility": "public",
    }

    refused = client.post(PROGRAMS, json=sent)
    assert list(refused.get_json()["errors"]) == ["related_instruction"]
    sent["related_instruction"] = "Blueprint reading, on Tuesdays"
    made = client.post(PROGRAMS, json=sent)

    assert made.status_code == 201, made.text
    read = client_of("nobody").get(made.headers["Location"]).get_json()
    assert read["skills"] == ["cnc-mill-operation"]
    assert (read["credential"], read["occupation_code"]) == ("CNC Milling: Operations", "51-4041")
    same = ("wage_schedule", "funding", "sponsor", "language", "kind")
    assert {name: read[name] for name in same} == {name: sent[name] for name in same}


def test_only_its_issuer_awards_a_credential(client_of: ClientOf, world: World) -> None:
    answer = client_of("ana").patch(
        f"{PROGRAMS}/{world.programs['shop_members']}",
        json={"credential": "Coordinate Measuring Operator"},
    )

    assert answer.status_code == 422
    assert "credential" in answer.get_json()["errors"]


def test_a_planned_section_leaves_out_exceptions_and_hides_its_link(
    client_of: ClientOf, world: World
) -> None:
    client = client_of("cleo")
    made = client.post(
        SECTIONS,
        json={
            "program_id": world.programs["college_public"],
            "date": DAY.isoformat(),
            "starts": "18:00",
            "ends": "21:00",
            "frequency": "weekly",
            "weekdays": ["1", "3"],
            "count": 4,
            "except_dates": [(DAY + dt.timedelta(days=2)).isoformat()],
            "facility_id": world.facilities["college_public"],
            "online_url": "https://meet.example/secret",
            "seats": 10,
        },
    )

    assert made.status_code == 201, made.text
    section = made.get_json()
    days = [dt.datetime.fromisoformat(one["starts_at"]).date() for one in section["meetings"]]
    assert len(days) == 3
    assert all(meeting["booking_id"] for meeting in section["meetings"])
    url = f"{SECTIONS}/{section['id']}"
    assert client_of("nobody").get(url).status_code == 404
    assert client.post(f"{url}/actions/open", json={}).get_json()["status"] == "open"
    seen = client_of("nobody").get(url).get_json()
    assert (seen["online_url"], seen["seats_free"]) == (None, 10)
    assert {meeting["booking_id"] for meeting in seen["meetings"]} == {None}


def test_a_refused_move_changes_no_fact(client_of: ClientOf, world: World) -> None:
    client = client_of("cleo")
    facility = {"facility_id": world.facilities["college_public"]}
    times = {"date": DAY.isoformat(), "starts": "10:00", "ends": "12:00"}
    first = {"program_id": world.programs["college_public"], "seats": 5, **times, **facility}
    assert client.post(SECTIONS, json=first).status_code == 201
    before = session.scalar(select(func.count()).select_from(Booking))
    section = world.sections["open"]

    answer = client.patch(f"{SECTIONS}/{section}", json={"seats": 6, **times, **facility})

    assert answer.status_code == 409
    assert answer.get_json()["problems"][0]["code"] == "conflict"
    assert client.get(f"{SECTIONS}/{section}").get_json()["seats"] == 8
    assert session.scalar(select(func.count()).select_from(Booking)) == before


def test_a_room_that_fewer_may_see_gives_its_part_of_town_alone(
    client_of: ClientOf, world: World
) -> None:
    facility = world.facilities["college_members"]

    answer = client_of("cleo").patch(
        f"{SECTIONS}/{world.sections['open']}", json={"facility_id": facility}
    )

    assert answer.status_code == 200, answer.text
    assert answer.get_json()["facility_id"] == facility
    assert not session.get_one(Section, world.sections["open"]).street


def test_no_number_of_people_means_that_a_section_runs_with_any(
    client_of: ClientOf, world: World
) -> None:
    answer = client_of("cleo").patch(
        f"{SECTIONS}/{world.sections['open']}", json={"min_seats": None}
    )

    assert answer.status_code == 200, answer.text
    assert answer.get_json()["min_seats"] == 0


def test_a_note_is_needed_to_cancel(client_of: ClientOf, world: World) -> None:
    url = f"{SECTIONS}/{world.sections['open']}/actions/cancel"

    assert client_of("cleo").post(url, json={}).status_code == 422
    assert client_of("cleo").post(url, json={"note": "Too few."}).get_json()["status"] == (
        "cancelled"
    )
