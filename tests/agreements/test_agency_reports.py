"""What an agency reads of its region's outcomes, and what it does not."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from portal.agreements.models import Agreement, AgreementParty, Outcome, OutcomeClaim
from portal.agreements.queries.reports import load_report, year_of
from portal.kernel.clock import now, today_here
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Forbidden
from portal.organizations.models import Organization
from portal.organizations.services.records import change_organization
from portal.training.models.certificates import Certificate
from tests.agreements.conftest import ActorOf
from tests.cast import World

REGION = "greater-louisville"
THIS_YEAR = year_of(now().year)
Change = Callable[..., None]


@pytest.fixture
def agency(world: World) -> Change:
    """Make of Cleo's college a verified agency, but for what is said otherwise."""

    def change(**values: object) -> None:
        college = Organization.id == world.organizations["college"]
        facts = {
            "kind": "economic_development_organization",
            "verified_at": now(),
            "status": "active",
            **values,
        }
        with unit_of_work():
            session.execute(update(Organization).where(college).values(**facts))

    return change


@pytest.fixture
def firms(world: World) -> list[int]:
    """Four firms of the region, each with an agreement with the shop that nobody else counts."""
    with unit_of_work():
        for model in (OutcomeClaim, Outcome, AgreementParty, Certificate, Agreement):
            session.execute(delete(model))
        made = [
            Organization(name=f"Firm {number}", match_key=f"firm {number}", kind="sme",
                         county_fips="21111", city="Louisville", state="KY")
            for number in range(4)
        ]  # fmt: skip
        session.add_all(made)
        session.flush()
        numbers = [firm.id for firm in made]
        for number in numbers:
            agree(world.organizations["shop"], number)
    return numbers


def agree(*parties: int) -> None:
    session.add(
        Agreement(
            organization_id=parties[0],
            kind="equipment_use",
            title=f"Hours of {parties}",
            status="active",
            starts_on=today_here(),
            activated_at=now(),
            proposed_at=now(),
            private_cents=100_000,
            parties=[AgreementParty(organization_id=number, role="partner") for number in parties],
        )
    )


def tell_of(firm: int, amount: int, status: str = "confirmed") -> None:
    """Write an outcome at a firm down to its agreement."""
    with unit_of_work():
        claimed = session.scalars(
            select(Agreement).join(Agreement.parties).where(AgreementParty.organization_id == firm)
        ).first()
        assert claimed is not None
        outcome = Outcome(
            organization_id=firm,
            kind="private_investment",
            amount_hundredths=amount,
            happened_on=today_here(),
            status=status,
            confirmed_at=now() if status == "confirmed" else None,
        )
        outcome.claims = [OutcomeClaim(agreement_id=claimed.id)]
        session.add(outcome)


def test_people_of_a_verified_agency_read_the_report_of_their_region(
    agency: Change, actor: ActorOf
) -> None:
    with pytest.raises(Forbidden):
        load_report(actor("cleo"), REGION, THIS_YEAR)
    for missing in ({"verified_at": None}, {"kind": "sme"}, {"status": "archived"}):
        agency(**missing)
        with pytest.raises(Forbidden):
            load_report(actor("cleo"), REGION, THIS_YEAR)
    agency()
    assert load_report(actor("cleo"), REGION, THIS_YEAR).region.key == REGION
    agency(kind="government_agency")
    assert load_report(actor("cleo"), REGION, THIS_YEAR).region.key == REGION
    with pytest.raises(Forbidden):
        load_report(actor("cleo"), "wichita", THIS_YEAR)


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ({"kind": "sme"}, {"kind": "government_agency"}),
        ({"county_fips": "20173"}, {"county_fips": "21111"}),
        ({"county_fips": None}, {"county_fips": "21111"}),
    ],
)
def test_nobody_becomes_an_agency_of_a_region_without_being_verified_as_that(
    world: World, agency: Change, actor: ActorOf, before: Any, change: Any
) -> None:
    agency(**before)
    college = session.get_one(Organization, world.organizations["college"])
    change_organization(actor("cleo"), college, **change)
    with pytest.raises(Forbidden):
        load_report(actor("cleo"), REGION, THIS_YEAR)
    assert college.verified_at is None


def test_an_agency_that_stays_what_and_where_it_is_stays_verified(
    world: World, agency: Change, actor: ActorOf
) -> None:
    agency()
    college = session.get_one(Organization, world.organizations["college"])
    change_organization(actor("cleo"), college, name="Office of Trade", kind="government_agency")
    assert load_report(actor("cleo"), REGION, THIS_YEAR).region.key == REGION
    # What is no agency reads nothing, so it may move.
    agency(kind="sme")
    change_organization(actor("cleo"), college, county_fips="20173")
    assert college.verified_at is not None


def test_an_agency_reads_sums_of_four_organizations(
    agency: Change, firms: list[int], actor: ActorOf
) -> None:
    agency()

    def investment() -> tuple[int | None, int | None]:
        line = load_report(actor("cleo"), REGION, THIS_YEAR).of("private_investment")
        assert (line.waiting, line.records) == (None, None)
        return line.confirmed, load_report(actor("dov"), REGION, THIS_YEAR).confirmed(
            "private_investment"
        )

    assert investment() == (0, 0)
    for firm in firms[:3]:
        tell_of(firm, 100_000)
    tell_of(firms[0], 500)
    tell_of(firms[3], 900, status="asserted")
    assert investment() == (None, 300_500)
    tell_of(firms[3], 700)
    assert investment() == (301_200, 301_200)


def test_an_agency_reads_of_four_agreements_between_four_organizations(
    world: World, agency: Change, firms: list[int], actor: ActorOf
) -> None:
    agency()

    def told() -> tuple[int | None, ...]:
        report = load_report(actor("cleo"), REGION, THIS_YEAR)
        return report.of("equipment_use").confirmed, report.of("private_cents").confirmed

    assert told() == (400, 400_000)
    with unit_of_work():
        last = select(AgreementParty.agreement_id).where(AgreementParty.organization_id == firms[3])
        session.execute(update(Agreement).where(Agreement.id.in_(last)).values(is_reported=False))
    assert told() == (None, None)
    with unit_of_work():
        # As many agreements again, but always the same two.
        for _time in range(4):
            agree(world.organizations["shop"], firms[0])
        others = select(AgreementParty.agreement_id).where(
            AgreementParty.organization_id.in_(firms[1:])
        )
        session.execute(update(Agreement).where(Agreement.id.in_(others)).values(is_reported=False))
    assert told() == (None, None)


def test_an_agency_reads_whole_years_only(agency: Change, actor: ActorOf) -> None:
    agency()
    some = year_of(2024)
    asked = type(some)(dt.date(2023, 11, 5), dt.date(2024, 3, 1))
    assert load_report(actor("cleo"), REGION, asked).period == some
    assert load_report(actor("dov"), REGION, asked).period == asked


def test_the_pages_lead_an_agency_to_its_report_and_name_nobody(
    agency: Change, firms: list[int], client_of: Callable[[str], FlaskClient]
) -> None:
    agency()
    tell_of(firms[0], 123_400)
    client, address = client_of("cleo"), f"/regions/{REGION}/outcomes"
    for place in ("/desk", f"/regions/{REGION}"):
        assert address in client.get(place).text
    answer = client.get(address)
    assert "too few to tell" in answer.text
    for word in ("1,234", "Firm 0", "chains.csv", "Not yet confirmed"):
        assert word not in answer.text
    assert "1234" not in client.get(f"{address}.csv").text
    assert client.get(f"{address}.xlsx").status_code == 200
    assert client.get("/administration/outcomes").location.endswith(address)
    assert client.get(f"/regions/{REGION}/chains.csv").status_code == 403
    assert client.get(f"/api/v1/regions/{REGION}/chains").status_code == 403
    told = client.get(f"/api/v1{address}").json
    assert {line["measure"]: line["confirmed"] for line in told["lines"]}[
        "private_investment"
    ] is None
