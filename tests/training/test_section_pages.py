"""Forms of sections: changed, moved, meeting by meeting, copied and deleted, as a dean does it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal.kernel.clock import now
from portal.kernel.database import session
from portal.training.models.sections import Section
from portal.training.queries.sections import get_section
from tests.cast import World

DAY = (now() + dt.timedelta(days=60)).date()
EVENING = {"date": DAY.isoformat(), "starts": "18:00", "ends": "21:00"}
WEEKLY = EVENING | {"frequency": "weekly", "count": "3"}


@pytest.fixture
def cleo(client_of: Callable[[str], FlaskClient]) -> FlaskClient:
    return client_of("cleo")


@pytest.fixture
def plan(cleo: FlaskClient, world: World) -> Callable[..., str]:
    """Return the address of a section just planned in the college's facility."""

    def make(**values: Any) -> str:
        answer = cleo.post(
            f"/training/programs/{world.programs['college_public']}/sections/new",
            data={
                "seats": "6",
                "facility_id": world.facilities["college_public"],
                "action": "draft",
                **WEEKLY,
                **values,
            },
        )
        assert answer.status_code == 303
        return answer.headers["Location"]

    return make


def section_at(url: str) -> Section:
    session.expire_all()
    return get_section(int(url.rsplit("/", 1)[1]))


def begins(url: str) -> list[dt.date]:
    return [meeting.starts_at.date() for meeting in section_at(url).meetings]


def test_a_planned_section_says_that_nobody_sees_it(cleo: FlaskClient, plan: Any) -> None:
    url = plan()

    assert "Nobody sees it before you open it." in cleo.get(url).text
    assert section_at(url).status == "planned"


def test_what_a_section_says_of_itself_is_changed(cleo: FlaskClient, plan: Any) -> None:
    url = plan()
    assert 'value="6"' in cleo.get(f"{url}/edit").text

    saved = cleo.post(
        f"{url}/edit", data={"seats": "9", "min_seats": "4", "instructor": "Marta Ruiz"}
    )

    assert (saved.status_code, saved.headers["Location"]) == (303, url)
    section = section_at(url)
    assert (section.seats, section.min_seats, section.instructor) == (9, 4, "Marta Ruiz")
    refused = cleo.post(f"{url}/edit", data={"seats": "9", "min_seats": "10"})
    assert "Please give no more than there are seats." in refused.text
    assert section_at(url).min_seats == 4


def test_a_section_is_moved_with_all_its_meetings(
    cleo: FlaskClient, world: World, plan: Any
) -> None:
    url = plan()
    shown = cleo.get(f"{url}/move").text
    assert f'value="{DAY.isoformat()}"' in shown
    room = {"facility_id": world.facilities["college_public"]}
    later = WEEKLY | {"date": (DAY + dt.timedelta(days=1)).isoformat()}

    moved = cleo.post(f"{url}/move", data=later | room)

    assert (moved.status_code, moved.headers["Location"]) == (303, url)
    assert begins(url) == [DAY + dt.timedelta(days=1 + 7 * week) for week in range(3)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ends": ""}, "Please give both times, or neither."),
        ({"count": ""}, "Please say until when it repeats, or how many times."),
        ({"except_dates": "soon"}, "Please give dates like 2027-01-31."),
        ({"ends": "17:00"}, "Please let a meeting end after it begins, within 16 hours."),
    ],
)
def test_a_schedule_that_cannot_be_is_said_and_moves_nothing(
    cleo: FlaskClient, plan: Any, given: dict[str, str], said: str
) -> None:
    url = plan()
    before = begins(url)

    refused = cleo.post(f"{url}/move", data=WEEKLY | given)

    assert refused.status_code in (409, 422)
    assert said in refused.text
    assert begins(url) == before


def test_meetings_are_added_moved_and_left_out_one_by_one(cleo: FlaskClient, plan: Any) -> None:
    url = plan(count="1")
    next_day = DAY + dt.timedelta(days=1)
    assert "Add" in cleo.get(f"{url}/meetings/new").text

    added = cleo.post(f"{url}/meetings/new", data=EVENING | {"date": next_day.isoformat()})
    assert added.headers["Location"] == url
    assert begins(url) == [DAY, next_day]

    second = section_at(url).meetings[1].id
    assert f'value="{next_day.isoformat()}"' in cleo.get(f"{url}/meetings/{second}").text
    in_the_way = cleo.post(f"{url}/meetings/{second}", data=EVENING)
    assert in_the_way.status_code in (409, 422)
    assert begins(url) == [DAY, next_day]

    last_day = next_day + dt.timedelta(days=1)
    moved = cleo.post(f"{url}/meetings/{second}", data=EVENING | {"date": last_day.isoformat()})
    assert moved.headers["Location"] == url
    assert begins(url) == [DAY, last_day]

    assert cleo.post(f"{url}/meetings/{second}/drop").headers["Location"] == url
    assert begins(url) == [DAY]


def test_another_section_begins_with_what_the_last_one_said(
    cleo: FlaskClient, world: World, plan: Any
) -> None:
    url = plan(instructor="Marta Ruiz", seats="11")
    number = url.rsplit("/", 1)[1]

    form = cleo.get(
        f"/training/programs/{world.programs['college_public']}/sections/new?like={number}"
    ).text

    assert "Marta Ruiz" in form
    assert 'value="11"' in form


def test_a_planned_section_is_deleted_once_that_is_confirmed(
    cleo: FlaskClient, world: World, plan: Any
) -> None:
    url = plan()
    asked = cleo.post(f"{url}/delete")
    assert "Its rooms are freed." in asked.text
    assert cleo.get(url).status_code == 200

    gone = cleo.post(f"{url}/delete", data={"confirmed": "yes"})

    assert gone.headers["Location"] == f"/training/programs/{world.programs['college_public']}"
    assert cleo.get(url).status_code == 404


def test_a_section_is_linked_data_as_well(
    client_of: Callable[[str], FlaskClient], world: World
) -> None:
    answer = client_of("nobody").get(f"/training/sections/{world.sections['open']}.jsonld")

    assert answer.status_code == 200
    assert "CourseInstance" in answer.text
