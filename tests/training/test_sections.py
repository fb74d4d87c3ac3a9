"""Sections: planned with their rooms, opened, moved along with their bookings, cancelled."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from portal.bookings.models.booking import Booking
from portal.bookings.rules.recurrence import Recurrence
from portal.bookings.rules.refusal import Refused
from portal.facilities.queries.records import get_facility
from portal.facilities.services.facilities import delete_facility
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden
from portal.training.models.sections import Section
from portal.training.queries.listings import list_sections_without_room
from portal.training.queries.programs import get_program
from portal.training.queries.sections import get_section, list_meetings, list_next_sections
from portal.training.rules.sections import Schedule
from portal.training.services import sections as services
from tests.cast import World

DAY = (now() + dt.timedelta(days=40)).date()


def weekly(count: int, date: dt.date = DAY) -> Schedule:
    return Schedule(date, 18 * 60, 21 * 60, Recurrence("weekly", count=count))


@pytest.fixture
def cleo(actor: Callable[[str], Actor]) -> Actor:
    return actor("cleo")


def plan(cleo: Actor, world: World, **values: Any) -> Section:
    program = get_program(world.programs["college_public"])
    section = services.create_section(
        cleo,
        program,
        **{"seats": 8, "schedule": weekly(3), "facility_id": world.facilities["college_public"]}
        | values,
    )
    return get_section(section.id)


def bookings_of(section: Section) -> list[tuple[dt.datetime, str]]:
    numbers = [meeting.booking_id for meeting in section.meetings]
    rows = session.execute(
        select(Booking.starts_at, Booking.status)
        .where(Booking.id.in_(numbers))
        .order_by(Booking.starts_at)
    )
    return [(row.starts_at, row.status) for row in rows]


def test_planning_a_section_books_its_facility_for_each_meeting(cleo: Actor, world: World) -> None:
    section = plan(cleo, world)

    assert section.status == "planned"
    assert bookings_of(section) == [(one.starts_at, "approved") for one in section.meetings]
    assert len(section.meetings) == 3
    assert (section.starts_on, section.ends_on) == (DAY, DAY + dt.timedelta(days=14))
    assert section.timezone == "America/Kentucky/Louisville"


def test_what_is_taken_plans_nothing_and_names_the_day(cleo: Actor, world: World) -> None:
    plan(cleo, world, schedule=weekly(1, DAY + dt.timedelta(days=7)))

    with pytest.raises(Refused) as refusal:
        plan(cleo, world)

    assert [problem.code for problem in refusal.value.problems] == ["conflict"]
    assert (
        refusal.value.problems[0]
        .message.partition(":")[0]
        .endswith(str((DAY + dt.timedelta(days=7)).day))
    )
    assert session.scalar(select(Section.id).where(Section.starts_on == DAY)) is None


def test_a_section_moves_into_its_own_time_with_its_bookings(cleo: Actor, world: World) -> None:
    section = plan(cleo, world)
    before = [meeting.booking_id for meeting in section.meetings]

    services.move_section(cleo, section, schedule=weekly(3, DAY + dt.timedelta(days=7)))

    moved = get_section(section.id)
    assert moved.starts_on == DAY + dt.timedelta(days=7)
    assert [meeting.booking_id for meeting in moved.meetings] == before
    assert bookings_of(moved) == [(one.starts_at, "approved") for one in moved.meetings]


def test_a_section_can_be_cancelled_while_its_room_is_in_use(cleo: Actor, world: World) -> None:
    section = plan(cleo, world)
    numbers = [one.booking_id for one in section.meetings]
    with unit_of_work():
        session.get_one(Booking, numbers[0]).status = "in_use"
    services.act_on_section(cleo, section, "cancel", note="The mill broke down.")
    states = dict(session.execute(select(Booking.id, Booking.status)).all())
    assert [states[number] for number in numbers[:2]] == ["in_use", "cancelled"]


def test_a_cancelled_section_frees_its_rooms(cleo: Actor, world: World) -> None:
    section = services.open_section(cleo, plan(cleo, world))
    numbers = [meeting.booking_id for meeting in section.meetings]

    services.act_on_section(cleo, section, "cancel", note="The mill broke down.")

    states = session.scalars(select(Booking.status).where(Booking.id.in_(numbers)))
    assert set(states) == {"cancelled"}


def test_a_section_whose_facility_was_deleted_needs_a_room_until_it_is_held_elsewhere(
    cleo: Actor, world: World, drain: Callable[[], None]
) -> None:
    section = plan(cleo, world)
    assert list_sections_without_room(cleo, 5) == []

    delete_facility(cleo, get_facility(world.facilities["college_public"]))
    drain()

    (item,) = [
        one for one in list_sections_without_room(cleo, 5) if one.url.endswith(f"/{section.id}")
    ]
    assert (item.action, item.detail) == ("Find a room", "Its facility is no longer here.")
    section = get_section(section.id)
    assert {one.room for one in list_meetings(section)} == {"missing"}
    services.move_section(cleo, section, facility_id=None, place="Town hall")
    assert list_sections_without_room(cleo, 5) == []
    assert {one.room for one in list_meetings(get_section(section.id))} == {""}


def test_members_who_did_not_plan_a_section_cannot_open_it(
    actor: Callable[[str], Actor], world: World
) -> None:
    with pytest.raises(Forbidden):
        services.act_on_section(actor("ana"), get_section(world.sections["open"]), "cancel")


def test_a_section_of_a_draft_cannot_be_opened(cleo: Actor, world: World) -> None:
    section = services.create_section(
        cleo, get_program(world.programs["college_draft"]), seats=5, schedule=weekly(1)
    )

    with pytest.raises(Conflict, match="Publish"):
        services.open_section(cleo, section)


def test_next_sections_are_those_where_one_can_enroll(
    actor: Callable[[str], Actor], world: World
) -> None:
    found = list_next_sections(actor("nobody"))

    assert [one.id for one in found] == [world.sections["open"]]
    assert (found[0].lowest_cents, found[0].highest_cents) == (15_000, 20_000)
    wanted = {"capability_keys": ["cnc-milling"], "credential_ids": [world.credentials["nims"]]}
    assert len(list_next_sections(actor("nobody"), **wanted)) == 1
    assert list_next_sections(actor("nobody"), skill_keys=["mig-welding"]) == []
