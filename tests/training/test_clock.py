"""What happens to sections on their days, and when their facility moves."""

import datetime as dt
from collections.abc import Callable

from sqlalchemy import update

from portal.facilities.queries.records import get_facility
from portal.facilities.services.facilities import update_facility
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import today_here
from portal.kernel.database import session, unit_of_work
from portal.training.models.sections import Section
from portal.training.queries import listings
from portal.training.queries.programs import get_program
from portal.training.queries.sections import get_section
from portal.training.rules.sections import Schedule
from portal.training.services import sections as services
from tests.cast import World
from tests.support.statements import count_statements

ActorOf = Callable[[str], Actor]
DAY = dt.timedelta(days=1)


def put(section_id: int, **values: object) -> None:
    with unit_of_work():
        session.execute(update(Section).where(Section.id == section_id).values(**values))


def test_sections_begin_and_are_completed_on_their_days(world: World) -> None:
    today = today_here()
    put(world.sections["open"], starts_on=today, min_seats=0)
    put(world.sections["running"], ends_on=today - DAY)

    assert services.advance_sections(SYSTEM) == 2
    assert get_section(world.sections["open"]).status == "running"
    assert get_section(world.sections["running"]).status == "completed"
    assert services.advance_sections(SYSTEM) == 0


def test_the_desk_warns_before_a_section_below_its_minimum_is_cancelled(
    world: World, actor: ActorOf
) -> None:
    number = world.sections["open"]
    put(number, enroll_until=today_here() + 3 * DAY, min_seats=2)
    assert services.advance_sections(SYSTEM) == 0
    with count_statements() as alone:
        (warning,) = listings.list_sections_below(actor("cleo"), 20)
    assert warning.detail.startswith("0 of at least 2 enrolled, 2 not answered yet")
    assert warning.url == f"/training/sections/{number}"
    assert listings.list_sections_below(actor("ana"), 20) == []
    put(world.sections["planned"], status="open", enroll_until=today_here() + 3 * DAY, min_seats=2)
    with count_statements() as both:
        assert len(listings.list_sections_below(actor("cleo"), 20)) == 2
    assert both.count == alone.count

    put(number, enroll_until=today_here() - DAY)
    services.advance_sections(SYSTEM)
    assert get_section(number).status == "cancelled"


def test_a_section_is_where_its_facility_has_moved(
    world: World, actor: ActorOf, drain: Callable[[], None]
) -> None:
    cleo, facility_id = actor("cleo"), world.facilities["college_public"]
    section = services.create_section(
        cleo,
        get_program(world.programs["college_public"]),
        seats=5,
        schedule=Schedule(today_here() + 40 * DAY, 540, 720),
        facility_id=facility_id,
    )
    assert section.county_fips == "21111"

    update_facility(cleo, get_facility(facility_id), county_fips="", zip_code="67202")
    drain()

    moved = get_section(section.id)
    assert (moved.city, moved.county_fips, moved.timezone) == (
        "Wichita",
        "20173",
        "America/Chicago",
    )
