"""Pages of programs and sections, as people use them."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from icalendar import Calendar

from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.organizations.queries.profiles import get_organization
from portal.training.queries.programs import get_program, list_history
from portal.training.queries.sections import get_section
from portal.training.services import programs, sections
from tests.cast import World
from tests.support.statements import count_statements

ClientOf = Callable[[str], FlaskClient]
DAY = (now() + dt.timedelta(days=45)).date()


def section_form(world: World, **more: Any) -> dict[str, Any]:
    return {
        "date": DAY.isoformat(),
        "starts": "18:00",
        "ends": "21:00",
        "frequency": "weekly",
        "count": "2",
        "facility_id": world.facilities["college_public"],
        "seats": "6",
        "prices-0-customer_class": "other",
        "prices-0-price_cents": "120",
        **more,
    }


def test_a_record_leads_with_the_next_section_its_seats_and_price(
    client_of: ClientOf, world: World
) -> None:
    text = client_of("nobody").get(f"/training/programs/{world.programs['college_public']}").text

    enroll = text.index(f'href="/training/sections/{world.sections["open"]}"')
    assert enroll < text.index("Next sections") < text.index("Description")
    assert "seats left" in text
    assert "$150 to $200" in text
    assert "training@college.example" not in text


def test_a_section_is_planned_and_opened_in_one_form(client_of: ClientOf, world: World) -> None:
    url = f"/training/programs/{world.programs['college_public']}/sections/new"

    made = client_of("cleo").post(url, data=section_form(world))

    assert made.status_code == 303
    text = client_of("nobody").get(made.headers["Location"]).text
    assert "Open for enrollment" in text
    assert "$120" in text
    assert "room booked" not in text
    assert "room booked" in client_of("cleo").get(made.headers["Location"]).text


def test_a_taken_facility_is_told_by_day_and_the_form_is_kept(
    client_of: ClientOf, world: World
) -> None:
    url = f"/training/programs/{world.programs['college_public']}/sections/new"
    client = client_of("cleo")
    client.post(url, data=section_form(world, count="1"))

    refused = client.post(url, data=section_form(world, name="Evenings"))

    assert refused.status_code == 409
    assert "It is already booked" in refused.text
    assert 'value="Evenings"' in refused.text
    assert "Why the rules are set aside" not in refused.text


def test_only_who_takes_part_reads_the_link_to_the_online_room(
    client_of: ClientOf, world: World
) -> None:
    number = world.sections["completed"]
    secret = "https://meet.example/milling"

    for url in (f"/training/sections/{number}", f"/api/v1/sections/{number}", "/api/v1/sections"):
        assert secret not in client_of("nobody").get(url).text
        assert secret not in client_of("ana").get(url).text
        assert secret in client_of("ben").get(url).text  # who passed it
        assert secret in client_of("cleo").get(url).text


def test_the_calendar_of_a_program_has_no_planned_or_cancelled_section(
    client_of: ClientOf, world: World
) -> None:
    url = f"/training/programs/{world.programs['college_public']}/sections.ics"

    answer = client_of("nobody").get(url)

    events = Calendar.from_ical(answer.data).walk("VEVENT")
    ids = {str(event["uid"]).partition("@")[0] for event in events}
    assert f"meeting-{world.meetings['open']}" in ids
    assert f"meeting-{world.meetings['planned']}" not in ids
    assert "meet.example" not in answer.text
    assert f"meeting-{world.meetings['cancelled']}" not in ids


def test_history_names_who_changed_what(
    client_of: ClientOf, actor: Callable[[str], Actor], world: World
) -> None:
    number = world.programs["college_public"]
    client = client_of("cleo")
    client.post(f"/training/programs/{number}/confirm")
    form = {"title": "Milling", "kind": "course", "delivery": "hybrid", "language": "en"}
    client.post(f"/training/programs/{number}/edit", data={**form, "visibility": "public"})

    steps = [(step.action, step.actor_name) for step in list_history(get_program(number))]

    assert steps[:2] == [("change", "Cleo"), ("confirm", "Cleo")]
    page = client.get(f"/training/programs/{number}").text
    assert "Changed: Title" in page
    assert "History" not in client_of("nobody").get(f"/training/programs/{number}").text


def test_a_held_program_is_archived_and_not_deleted(client_of: ClientOf, world: World) -> None:
    number = world.programs["college_public"]
    client = client_of("cleo")

    assert (
        client.post(f"/training/programs/{number}/delete", data={"confirmed": "yes"}).status_code
        == 409
    )
    assert client.post(f"/training/programs/{number}/archive").status_code == 409

    for status in ("planned", "open", "running"):
        url = f"/training/sections/{world.sections[status]}/actions/cancel"
        client.post(url, data={"note": "The mill broke down."})
    client.post(f"/training/programs/{number}/archive")
    assert get_section(world.sections["open"]).status == "cancelled"
    assert "College public milling course" not in client_of("nobody").get("/training").text
    assert client_of("nobody").get(f"/training/programs/{number}").status_code == 200


def test_skills_and_credentials_name_the_programs_that_lead_to_them(
    client_of: ClientOf, world: World
) -> None:
    for url in ("/skills/cnc-mill-operation", f"/credentials/{world.credentials['nims']}"):
        assert "College public milling course" in client_of("nobody").get(url).text
    assert "milling course" not in client_of("nobody").get("/skills/mig-welding").text


def test_pages_ask_no_more_for_many_programs_and_sections_than_for_few(
    client_of: ClientOf, actor: Callable[[str], Actor], world: World
) -> None:
    cleo = actor("cleo")
    number = world.programs["college_public"]
    college = get_organization(world.organizations["college"])
    readers = {
        "/training": "eve",
        f"/training/programs/{number}": "eve",
        f"/training/programs/{number}.jsonld": "eve",
        f"/training/programs/{number}/sections.ics": "eve",
        f"/training/sections/{world.sections['open']}": "eve",
        "/training/mine": "cleo",
        "/skills/cnc-mill-operation": "eve",
        f"/organizations/{college.id}": "eve",
        "/api/v1/programs": "eve",
        "/api/v1/sections": "eve",
        "/desk": "cleo",
    }

    def add(count: int) -> None:
        for _at in range(count):
            program = programs.create_program(
                cleo, college, title="Milling", visibility="public", skills=["cnc-mill-operation"]
            )
            for taught in (program, get_program(number)):
                section = sections.create_section(
                    cleo,
                    taught,
                    seats=5,
                    starts_on=DAY,
                    prices=[{"customer_class": "other", "price_cents": 100}],
                )
                sections.open_section(cleo, get_section(section.id))

    def count() -> dict[str, int]:
        found = {}
        for address, name in readers.items():
            client = client_of(name)
            client.get(address)
            with count_statements() as seen:
                assert client.get(address).status_code == 200
            found[address] = seen.count
        return found

    add(1)
    few = count()
    add(4)
    assert count() == few
