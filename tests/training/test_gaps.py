"""The gap view: what it shows, to whom, and that nobody can tell a firm apart by asking again."""

import csv
import datetime as dt
import io
import itertools
import random
import re
from html import unescape

import pytest
from markupsafe import escape
from sqlalchemy import update

from portal.app import warm_up
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now, today_here
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Invalid, NotFound
from portal.organizations.models import Organization
from portal.organizations.services.records import (
    archive_organization,
    verify_organization,
    withdraw_verification,
)
from portal.training.models.demands import CohortInvitation
from portal.training.models.sections import Section
from portal.training.queries.demands import find_invitation
from portal.training.queries.gaps import GapFilters, forget, get_cell, show_gaps
from portal.training.queries.sections import get_section
from portal.training.rules.demands import quarter_code, quarter_of
from portal.training.services import demands
from portal.training.services import enrollments as services
from portal.training.services import sections as section_services
from portal.training.services.holding import release_held_seats
from tests.cast import actor_named
from tests.support.statements import count_statements
from tests.training.conftest import again, mails
from tests.training.firms import add_askers, add_firm, ask, later


@pytest.fixture(autouse=True)
def _verified(world):
    """The region's broker has verified the college of the cast."""
    broker = actor_named("dov")
    verify_organization(broker, session.get_one(Organization, world.organizations["college"]))


def filters(world):
    """Every way in which the gap view can be asked, but for those that only name other skills."""
    yield GapFilters(kind="machining")
    yield GapFilters(only_missing=True)
    for skill, regions, county, quarter in itertools.product(
        ("", "cnc-mill-operation"),
        ((), (world.regions["greater-louisville"],), tuple(world.regions.values())),
        ("", "21111", "18019"),
        ("", quarter_code(quarter_of(later(2))), quarter_code(quarter_of(later(3)))),
    ):
        yield GapFilters(skill=skill, region_ids=regions, county=county, quarter=quarter)


def answers(world):
    """Everything that can be asked of the gap view, and what it answers."""
    found = {}
    for number, asked in enumerate(filters(world)):
        answer = show_gaps(SYSTEM, asked, limit=500)
        rows = {row.gap.key: row.gap for row in answer.rows}
        assert answer.people == sum(gap.people for gap in rows.values())
        found[number] = rows
    return found


def test_no_filter_tells_a_firm_apart_however_answers_are_subtracted(world):
    chance = random.Random(6)
    asked = []
    for county, quarters in itertools.product(("21111", "18019"), (2, 3)):
        for number in range(chance.randint(2, 6)):
            firm = add_firm(f"Firm {county} {quarters} {number}", county)
            asked.append(ask(firm, "cnc-mill-operation", chance.randint(1, 4), quarters))
    add_firm("One of very many", id=60_000)
    before = answers(world)
    cells = {key: gap for rows in before.values() for key, gap in rows.items()}
    assert any(gap.firms for gap in cells.values())
    for rows in before.values():
        for key, gap in rows.items():
            # A cell says the same, whatever is asked: only whole cells can be subtracted.
            assert gap == cells[key]
            assert gap.firms == 0 or gap.firms >= 4
    for one, other in itertools.combinations(before.values(), 2):
        left = set(one) ^ set(other)
        assert all(cells[key].firms == 0 or cells[key].firms >= 4 for key in left)


def test_a_firm_that_is_not_shown_leaves_no_trace(world):
    add_askers([2, 2, 3, 2])
    lone = add_firm("A lone firm", "18019")
    before = answers(world)
    hidden = ask(lone, "cnc-mill-operation", 9)
    assert answers(world) == before
    demands.act_on_demand(SYSTEM, hidden, "withdraw")
    assert answers(world) == before


def test_a_dominating_firm_keeps_the_sum_hidden(world):
    add_askers([50, 1, 1, 1])
    assert all(gap.firms == 0 for rows in answers(world).values() for gap in rows.values())


def test_neither_archived_firms_nor_those_that_nobody_vouches_for_nor_needs_that_were_met_count(
    world,
):
    firms = add_askers([2, 2, 3, 2, 2])
    assert max(gap.firms for gap in answers(world)[2].values()) == 5
    met = ask(firms[0], "cnc-mill-operation", 1)
    demands.act_on_demand(SYSTEM, met, "meet")
    assert max(gap.people for gap in answers(world)[2].values()) == 11
    archive_organization(actor_named("root"), firms[0])
    assert max(gap.people for gap in answers(world)[2].values()) == 9
    # Else whoever registers three firms reads what the fourth one needs.
    withdraw_verification(actor_named("dov"), firms[1])
    assert all(gap.firms == 0 for gap in answers(world)[2].values())
    verify_organization(actor_named("dov"), firms[1])
    assert max(gap.people for gap in answers(world)[2].values()) == 9


def test_a_college_sees_demand_beside_free_seats_and_what_to_do(client_of, world):
    add_askers([2, 2, 3, 3])
    cleo = client_of("cleo")
    page = cleo.get("/training/gaps").text
    assert "4 firms ask for this" in page
    assert "10 people" in page
    assert "10 seats are missing." in page
    assert "Offer a cohort" in page
    # It begins with the region of who reads.
    region = world.regions["greater-louisville"]
    for reader in (page, client_of("dov").get("/training/gaps").text):
        assert f'<option value="{region}" selected>' in reader
    # The sections of the cast are held in another county: their seats stand for themselves, last.
    assert "So few firms ask that it is not shown, or none." not in page
    assert "of seats for which no demand is shown</a>" in page
    page = cleo.get("/training/gaps?idle=yes&region=all").text
    assert page.index("4 firms ask for this") < page.index("So few firms ask that it is not shown")
    assert "free seats in " in page
    # Counties are chosen by their names, below their regions.
    assert '<optgroup label="Wichita"><option value="20173">Sedgwick, KS</option>' in page
    table = list(csv.DictReader(io.StringIO(cleo.get("/training/gaps.csv?missing=yes").text)))
    assert [(row["skill_key"], row["firms"], row["missing"]) for row in table] == [
        ("cnc-mill-operation", "4", "10")
    ]
    items = cleo.get("/api/v1/skill-gaps?county=21111").json["items"]
    assert items[0]["area"] == "county-21111"
    assert items[0]["people"] == 10
    assert cleo.get("/api/v1/skill-gaps?quarter=soon").status_code == 422
    assert cleo.get("/api/v1/skill-gaps?cursor=x").status_code == 422


def test_a_process_that_has_warmed_up_makes_no_cells_while_somebody_waits(app, world):
    add_askers([2, 2, 3, 3])
    forget()
    warm_up(app)
    with count_statements() as sent:
        assert show_gaps(SYSTEM, GapFilters()).people == 10
    assert not [text for text in sent.texts if "_concat(" in text or "string_agg(" in text]


def test_those_who_teach_come_to_the_gap_view_from_training_and_from_what_they_teach(client_of):
    for address in ("/training", "/training/mine"):
        for name, is_led in (("cleo", True), ("ana", False)):
            page = client_of(name).get(address).text
            assert ('href="/training/gaps"' in page.split("<main", 1)[1]) is is_led


@pytest.mark.parametrize("name", ["ana", "eve"])
def test_firms_do_not_see_the_gap_view(client_of, name):
    add_askers([2, 2, 3, 3])
    for address in ("/training/gaps", "/training/gaps.csv"):
        answer = client_of(name).get(address)
        assert answer.status_code == 403
        assert "firms ask for this" not in answer.text


def test_a_college_that_nobody_has_verified_does_not_see_the_gap_view(client_of, world):
    add_askers([2, 2, 3, 3])
    college = session.get_one(Organization, world.organizations["college"])
    withdraw_verification(actor_named("dov"), college)
    cleo = client_of("cleo")
    for address in ("/training/gaps", "/training/gaps.csv", "/api/v1/skill-gaps"):
        assert cleo.get(address).status_code == 403
    assert cleo.get("/training/gaps/offer", query_string=cell_of(world)).status_code == 403
    assert "/training/gaps" not in cleo.get("/training/demands").text


def cell_of(world):
    return {
        "skill": "cnc-mill-operation",
        "area": "county-21111",
        "quarter": quarter_code(quarter_of(later(2))),
    }


def test_four_firms_become_a_cohort_in_two_clicks(client_of, world, drain):
    firms = add_askers([2, 2, 3])
    shop = ask_of_shop(world)
    cleo, ana = client_of("cleo"), client_of("ana")
    # The cast's college has offered this to the shop before, which wanted nothing of it.
    ana.post(f"/training/invitations/{world.cohort_invitations['shop']}/actions/decline")
    form = cleo.get("/training/gaps/offer", query_string=cell_of(world))
    assert "Offer CNC mill operation to 4 firms" in form.text
    values = {
        "program_id": world.programs["college_public"],
        "starts_on": later(1).isoformat(),
        "ends_on": later(2).isoformat(),
        "seats": "6",
        "message": "Evenings in the new lab.",
    }
    made = cleo.post("/training/gaps/offer", query_string=cell_of(world), data=values)
    offer_url = made.headers["Location"]
    offer = cleo.get(offer_url).text
    assert "4 firms were told" in offer
    names = [firm.name for firm in firms]
    for name in [shop, *names]:
        assert name not in offer
    section = re.search(r"/training/sections/\d+", offer)[0]
    assert "Set days, times and room" in cleo.get(section).text
    drain()
    (mail,) = mails_to("ana@cast.example")
    assert "offers what you asked for" in mail.subject
    assert "Evenings in the new lab." in mail.body_text

    number = mail.body_text.rpartition("/training/invitations/")[2].split(">")[0]
    invitation = f"/training/invitations/{number}"
    assert "6 seats are left." in ana.post(invitation, data={"people": "7"}).text
    assert client_of("eve").get(invitation).status_code == 404
    ana.post(invitation, data={"people": "4"})
    assert "You send" in ana.get(invitation).text
    accepted = cleo.get(offer_url).text
    assert shop in accepted
    assert "4 of 6" in accepted
    assert all(name not in accepted for name in names)
    drain()
    assert "takes seats" in mails_to("cleo@cast.example")[-1].subject

    ana.post(f"{invitation}/actions/decline")
    assert shop not in cleo.get(offer_url).text
    drain()
    last = mails_to("cleo@cast.example")[-1]
    assert "A firm declined" in last.subject
    assert "Machine Shop" not in last.subject + last.body_text

    # Said before anything is filled in, and again if it is sent nonetheless.
    for answer in (
        cleo.get("/training/gaps/offer", query_string=cell_of(world)),
        cleo.post("/training/gaps/offer", query_string=cell_of(world), data=values),
    ):
        assert answer.text.count("Most of these firms have your offer already.") == 1


def test_seats_that_a_firm_took_are_held_from_the_opening_on(client_of, actor, world, drain):
    ana, cleo = client_of("ana"), actor("cleo")
    section_id = world.sections["planned"]
    address = f"/training/invitations/{world.cohort_invitations['shop']}"
    section_services.update_section(cleo, get_section(section_id), seats=3, min_seats=0)
    ana.post(address, data={"people": "2"})
    # What is promised is nobody else's, and the section gets no smaller than that.
    services.enroll_by_hand(cleo, get_section(section_id), name="Jo", email="jo@x.example")
    with pytest.raises(Conflict, match="No seat is free"):
        services.enroll_by_hand(cleo, get_section(section_id), name="Al", email="al@x.example")
    with pytest.raises(Invalid, match="3 seats are taken or kept"):
        section_services.update_section(cleo, get_section(section_id), seats=2)
    section_services.open_section(cleo, get_section(section_id))
    drain()
    (mail,) = [one for one in mails_to("ana@cast.example") if "are kept for your" in one.subject]
    assert f"/training/sections/{section_id}/enroll-others" in mail.body_text
    panel = ana.get(f"/training/sections/{section_id}").text
    assert re.search("2 seats are kept for Ana&#39;s Machine Shop until [A-Z]", panel)
    assert "All seats are taken or kept for firms" in panel
    assert "Kept for you until" in ana.get(address).text

    eve = services.enroll(actor("eve"), get_section(section_id))
    shop = session.get_one(Organization, world.organizations["shop"])
    emails = ["a@shop.example", "b@shop.example", "c@shop.example"]
    rows = services.enroll_others(
        actor("ana"), get_section(section_id), organization=shop, emails=emails
    )
    assert [row.status for row in (eve, *rows)] == ["waiting", "invited", "invited", "waiting"]
    # Who does not come leaves the seat to the firm, as long as it is held.
    services.act_on_enrollment(actor("ana"), rows[0], "withdraw")
    assert [again(row).status for row in (eve, rows[2])] == ["waiting", "invited"]
    services.act_on_enrollment(actor("ana"), again(rows[2]), "withdraw")
    assert again(eve).status == "waiting"
    with unit_of_work():
        session.get_one(CohortInvitation, world.cohort_invitations["shop"]).held_until = (
            now() - dt.timedelta(minutes=1)
        )
    assert release_held_seats(SYSTEM) == 1
    assert release_held_seats(SYSTEM) == 0
    drain()
    assert again(eve).status == "offered"


def test_who_waits_gets_the_seats_of_a_firm_that_declines_after_all(client_of, actor, world, drain):
    ana, cleo = client_of("ana"), actor("cleo")
    section_id = world.sections["planned"]
    address = f"/training/invitations/{world.cohort_invitations['shop']}"
    section_services.update_section(cleo, get_section(section_id), seats=2, min_seats=0)
    ana.post(address, data={"people": "2"})
    section_services.open_section(cleo, get_section(section_id))
    eve = services.enroll(actor("eve"), get_section(section_id))
    assert eve.status == "waiting"
    ana.post(f"{address}/actions/decline")
    drain()
    assert again(eve).status == "offered"


def test_a_firm_that_took_seats_hears_that_the_section_is_not_held(actor, world, drain):
    cleo, ana = actor("cleo"), actor("ana")
    section = get_section(world.sections["planned"])
    invitation = find_invitation(world.cohort_invitations["shop"])
    demands.accept_invitation(ana, invitation, people=1)
    with pytest.raises(Conflict, match="Firms have taken seats"):
        section_services.delete_section(cleo, section)
    section_services.act_on_section(cleo, section, "cancel", note="The mill broke down.")
    drain()
    (mail,) = [one for one in mails_to("ana@cast.example") if "is not held" in one.subject]
    assert "The mill broke down." in mail.body_text


def mails_to(address):
    return [mail for mail in mails() if mail.recipient == address]


def ask_of_shop(world):
    shop = session.get_one(Organization, world.organizations["shop"])
    verify_organization(actor_named("dov"), shop)
    ask(shop, "cnc-mill-operation", 2)
    # As pages write it.
    return str(escape(shop.name))


def test_firms_are_not_told_of_one_cohort_after_the_other(client_of, world):
    add_askers([2, 2, 3, 2])
    cleo = client_of("cleo")
    values = {
        "program_id": world.programs["college_public"],
        "starts_on": later(1).isoformat(),
        "ends_on": later(2).isoformat(),
        "seats": "6",
    }
    for _offer in range(3):
        made = cleo.post("/training/gaps/offer", query_string=cell_of(world), data=values)
        assert "4 firms were told" in cleo.get(made.headers["Location"]).text
        with unit_of_work():
            session.execute(update(CohortInvitation).values(status="declined"))
    again = cleo.post("/training/gaps/offer", query_string=cell_of(world), data=values)
    assert "Most of these firms have your offer already." in again.text


def test_what_is_not_shown_cannot_be_offered(client_of, world):
    add_askers([2, 2])
    assert (
        client_of("cleo").get("/training/gaps/offer", query_string=cell_of(world)).status_code
        == 404
    )
    with pytest.raises(NotFound):
        get_cell({"skill": "cnc-mill-operation"})


def test_what_nobody_teaches_leads_to_a_program_and_that_to_an_offer(client_of, world):
    add_askers([2, 2, 2, 2], skill="mig-welding")
    cleo, cell = client_of("cleo"), {**cell_of(world), "skill": "mig-welding"}
    form = cleo.get("/training/gaps/offer", query_string=cell)
    assert "None of your programs teaches this" in form.text
    for address in (form.text, cleo.get("/training/gaps").text):
        assert "/training/programs/new?" in address

    form = cleo.get("/training/programs/new", query_string=cell).text
    for carried in ("MIG welding, Jefferson", "MIG welding</textarea>", "51-4121 Welders"):
        assert carried in form
    values = {
        "organization_id": world.organizations["college"],
        "title": "MIG evenings",
        "kind": "course",
        "skills": "MIG welding",
        "delivery": "in_person",
        "language": "en",
        "visibility": "public",
    }
    saved = cleo.post("/training/programs/new", query_string=cell, data=values)
    offer = re.search(r'href="(/training/gaps/offer\?[^"]+)"', follow(cleo, saved))[1]
    assert "MIG evenings" in cleo.get(unescape(offer)).text


def follow(client, answer):
    return client.get(answer.headers["Location"]).text


def test_each_row_leads_to_what_could_close_its_gap(client_of, world):
    add_askers([2, 2, 3, 3])
    with unit_of_work():
        section = session.get_one(Section, world.sections["open"])
        section.status, section.county_fips = "planned", "21111"
        section.starts_on = section.ends_on = later(2)
        section.enroll_until = None
    client = client_of("cleo")
    planned = client.get("/api/v1/skill-gaps?county=21111").json["items"][0]["planned_seats"]
    assert 0 < planned < section.seats
    page = client.get("/training/gaps").text
    # What is only planned closes no gap.
    assert "10 seats are missing." in page
    assert f"{planned} more seats are planned." in page
    assert f'href="/training/sections/{world.sections["open"]}"' in page
    with unit_of_work():
        section.status, section.seats = "open", 40
    page = client.get("/training/gaps").text
    assert "planned." not in page
    assert "Seats are left: firms that work with it could be invited." in page
    assert "kind=organization&amp;capability=" in page
    assert "&amp;county=21111" in page
    with unit_of_work():
        section.enroll_until = today_here() - dt.timedelta(days=1)
    assert "10 seats are missing." in client.get("/training/gaps").text
