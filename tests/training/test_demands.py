"""Firms state what they need, join others, import and confirm, and nobody else reads it."""

import csv
import datetime as dt
import io

import pytest
from sqlalchemy import update

from portal.kernel.clock import now, today_here
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from portal.training.models.demands import CohortOffer, SkillDemand
from portal.training.models.enrollments import Enrollment
from portal.training.models.sections import Section
from portal.training.queries import demands as queries
from tests.training.firms import later


def need(world, **values):
    return {
        "organization_id": world.organizations["shop"],
        "skill": "GMAW",
        "people": "3",
        "needed_by": later(3).isoformat(),
        **values,
    }


def newest() -> SkillDemand:
    return session.query(SkillDemand).order_by(SkillDemand.id.desc()).first()


def test_a_firm_states_changes_and_meets_a_need(client_of, world):
    ben, ana = client_of("ben"), client_of("ana")
    made = ben.post(
        "/training/demands/new",
        data=need(world, wage_min_cents="22.50", wage_max_cents="28", occupation="51-4121"),
    )
    page = ben.get(made.headers["Location"]).text
    for text in (
        "MIG welding: 3 people",
        "$22.50",
        "Welders",
        "Jefferson",
        "Needed by",
        "It counts in",
    ):
        assert text in page
    demand = newest()
    assert (demand.county_fips, demand.occupation_code) == ("21111", "51-4121")
    address = f"/training/demands/{demand.id}"
    assert "MIG welding" in ben.get(f"{address}/edit").text
    ben.post(f"{address}/edit", data={**need(world), "people": "5", "county": "Clark County, IN"})
    assert (newest().people, newest().county_fips) == (5, "18019")
    assert "Withdraw this need?" in ana.post(f"{address}/actions/withdraw").text
    ana.post(f"{address}/actions/meet")
    assert newest().status == "met"
    assert ana.post(f"{address}/confirm").status_code == 409
    ana.post(f"{address}/actions/reopen")
    assert newest().status == "open"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"skill": "Juggling"}, "We do not know “Juggling”"),
        ({"county": "Nowhere, XX"}, "We do not know this county."),
        ({"occupation": "51-9999"}, "We do not know this occupation."),
        ({"needed_by": "2020-01-01"}, "Please choose a day that is not over."),
        ({"wage_min_cents": "30", "wage_max_cents": "20"}, "Please give a wage from"),
        ({"people": "5001"}, "Number must be between"),
    ],
)
def test_what_will_not_do_is_said_at_its_field(client_of, world, wrong, message):
    answer = client_of("ben").post("/training/demands/new", data=need(world, **wrong))
    assert message in answer.text


def test_others_join_a_need_without_learning_whose_it_is(client_of, world):
    ana = client_of("ana")
    listed = ana.get("/training/demands").text
    assert "We need this too" in listed
    assert "Aero" not in listed
    shared = world.demands["aero"]
    form = ana.get(f"/training/demands/new?joins={shared}")
    assert "Join: MIG welding" in form.text
    ana.post(f"/training/demands/new?joins={shared}", data=need(world, joined_id=str(shared)))
    assert newest().joined_id == shared
    wrong = ana.post(
        f"/training/demands/new?joins={shared}",
        data=need(world, joined_id=str(shared), skill="cmm-operation"),
    )
    assert "The need that you join is for another skill." in wrong.text
    # What nobody opened for others cannot be joined.
    assert (
        client_of("eve").get(f"/training/demands/new?joins={world.demands['shop']}").status_code
        == 404
    )


def test_who_needs_another_skill_now_counts_no_longer_in_the_need_that_was_joined(
    client_of, world, actor, monkeypatch
):
    monkeypatch.setattr(queries, "FEWEST_FIRMS", 1)
    with unit_of_work():
        session.get_one(Organization, world.organizations["shop"]).verified_at = now()
    ana, shared = client_of("ana"), world.demands["aero"]

    def firms():
        return queries.get_shared(actor("cleo"), shared).firms

    ana.post(f"/training/demands/new?joins={shared}", data=need(world, joined_id=str(shared)))
    joined = newest().id
    assert firms() == 2
    ana.post(f"/training/demands/{joined}/edit", data=need(world, skill="cmm-operation"))
    assert (firms(), newest().joined_id) == (1, None)
    ana.post(f"/training/demands/new?joins={shared}", data=need(world, joined_id=str(shared)))
    assert firms() == 2
    # Nobody is taken along when the need that was joined becomes another.
    changed = {"skill": "cmm-operation"}
    assert (
        client_of("eve").patch(f"/api/v1/skill-demands/{shared}", json=changed).status_code == 200
    )
    assert firms() == 1


def test_a_table_goes_out_and_comes_in_again(client_of, world):
    ana = client_of("ana")
    text = ana.get("/training/demands.csv").text
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["skill"], row["people"], row["county"]) == ("cnc-mill-operation", "2", "21111")
    changed = text.replace("cnc-mill-operation,2,", "cnc-mill-operation,6,")
    changed += f",,GMAW,4,{later(2).isoformat()},,,24.50,31,yes,,,,\r\n"
    done = upload(ana, world, changed)
    assert done.status_code == 303
    assert session.get_one(SkillDemand, world.demands["shop"]).people == 6
    assert (newest().skill_key, newest().is_cofunding) == ("mig-welding", True)
    assert (newest().wage_min_cents, newest().wage_max_cents) == (2450, 3100)
    assert "wage_min,wage_max" in ana.get("/training/demands.csv").text


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",,Juggling,4,{day},,,,,,,,,", "Line 3, column skill: We do not know"),
        (",,GMAW,none,{day},,,,,,,,,", "Line 3, column people: "),
        (",,GMAW,4,{day},,,much,,,,,,", "Line 3, column wage_min: "),
        ("x,,GMAW,4,{day},,,,,,,,,", "Line 3, column id: This is no number."),
        ("{other},,GMAW,4,{day},,,,,,,,,", "There is nothing here that you can see."),
    ],
)
def test_one_wrong_row_keeps_all_of_them_out(client_of, world, row, message):
    ana = client_of("ana")
    text = ana.get("/training/demands.csv").text.replace(",2,", ",7,", 1)
    answer = upload(
        ana,
        world,
        text + row.format(day=later(2).isoformat(), other=world.demands["aero"]) + "\r\n",
    )
    assert message in answer.text
    assert session.get_one(SkillDemand, world.demands["shop"]).people == 2


def upload(client, world, text):
    return client.post(
        "/training/demands/import",
        data={
            "organization_id": world.organizations["shop"],
            "file": (io.BytesIO(text.encode()), "needs.csv"),
        },
    )


def test_the_desk_asks_to_confirm_what_has_aged(client_of, world):
    ana = client_of("ana")
    assert "needed by" not in ana.get("/desk").text
    with unit_of_work():
        demand = session.get_one(SkillDemand, world.demands["shop"])
        demand.confirmed_at = now() - dt.timedelta(days=100)
    assert "needed by" in ana.get("/desk").text
    assert "Please confirm" in ana.get("/training/demands").text
    ana.post(f"/training/demands/{world.demands['shop']}/confirm")
    assert "needed by" not in ana.get("/desk").text
    with unit_of_work():
        demand = session.get_one(SkillDemand, world.demands["shop"])
        demand.needed_by = today_here() - dt.timedelta(days=1)
    page = ana.get(f"/training/demands/{world.demands['shop']}").text
    # A need leads to where one can learn it already.
    assert f'href="/training/sections/{world.sections["open"]}"' in page
    assert "Its day is over. Was it met?" in page


def test_the_desk_shows_an_offer_until_it_is_answered_and_the_firms_people_are_enrolled(
    client_of, world
):
    ana = client_of("ana")
    assert "Training offered to you" in ana.get("/desk").text
    assert "College public milling course" in ana.get("/desk").text
    invitation = f"/training/invitations/{world.cohort_invitations['shop']}"
    ana.post(f"{invitation}/actions/decline")
    assert "College public milling course" not in ana.get("/desk").text
    ana.post(invitation, data={"people": "2"})
    assert "Then the seats are kept for you for a while" in ana.get(invitation).text
    assert "College public milling course" not in ana.get("/desk").text
    with unit_of_work():
        offer = session.get_one(CohortOffer, world.cohort_offers["college"])
        section = session.get_one(Section, offer.section_id)
        section.status, offer_seats = "open", section.seats
    assert "Enroll your people" in ana.get("/desk").text
    with unit_of_work():
        session.execute(
            update(Enrollment)
            .where(Enrollment.id == world.enrollments["ben_invited"])
            .values(section_id=offer.section_id, of_seats=offer_seats)
        )
    assert "Enroll your people" not in ana.get("/desk").text


def test_programs_state_and_change_needs(client_of, world):
    ana = client_of("ana")
    made = ana.post(
        "/api/v1/skill-demands",
        json={**need(world), "people": 3, "wage_min_cents": 2250},
    )
    assert made.status_code == 201
    assert made.json["skill"] == "mig-welding"
    address = made.headers["Location"]
    changed = ana.patch(address, json={"people": 9}).json
    assert (changed["people"], changed["wage_min_cents"], changed["county"]) == (9, 2250, "21111")
    assert ana.post(f"{address}/actions/withdraw").json["status"] == "withdrawn"
    assert ana.patch(address, json={"people": 2}).status_code == 409
    listed = ana.get("/api/v1/skill-demands?status=open").json["items"]
    assert [row["id"] for row in listed] == [world.demands["shop"]]
    assert client_of("nobody").get("/api/v1/skill-demands").json["items"] == []
    assert [
        row["organization"] for row in client_of("dov").get("/api/v1/skill-demands").json["items"]
    ] == [listed[0]["organization"], listed[0]["organization"]]
