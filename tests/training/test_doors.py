"""Credentials open doors: passing qualifies at hosts, a closed gate leads to the next course."""

import datetime as dt
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.bookings.models.access import Qualification, Recognition
from portal.bookings.queries import ledger
from portal.bookings.services import access
from portal.bookings.services.calendar import change_rules, open_resource
from portal.facilities.queries.records import get_equipment
from portal.facilities.services.equipment import update_equipment
from portal.kernel.clock import now, today_here
from portal.kernel.database import session
from portal.organizations.services.records import verify_organization, withdraw_verification
from portal.training.models.certificates import Certificate
from portal.training.queries.certificates import list_of_enrollment
from portal.training.services import enrollments as services
from portal.training.services import results
from portal.training.services.programs import update_program
from tests.cast import World
from tests.training.conftest import ActorOf, OpenSection, OrganizationOf, begin

Drain = Callable[[], None]
ClientOf = Callable[[str], FlaskClient]
NIMS = "CNC Milling: Operations"


def recognize(
    actor: ActorOf, organization_of: OrganizationOf, capability: str = "", *providers: str
) -> Recognition:
    """The shop recognizes what the college's public program awards; of these providers alone."""
    return access.add_recognition(
        actor("ana"),
        organization_of("shop"),
        credential=NIMS,
        capability=capability,
        providers=[organization_of(name).name for name in providers],
    )


def passed(actor: ActorOf, open_section: OpenSection, name: str = "ben") -> Certificate:
    """Let somebody enroll and pass; return the certificate."""
    section = open_section()
    row = services.enroll(actor(name), section)
    begin(section)
    results.record_result(actor("cleo"), row, passed=True)
    return list_of_enrollment(row.id)[-1]


def by_certificate(world: World, name: str = "ben") -> list[Qualification]:
    session.expire_all()
    statement = select(Qualification).where(
        Qualification.user_id == world.users[name], Qualification.certificate_path != ""
    )
    return list(session.scalars(statement))


@pytest.fixture
def verified(world: World, actor: ActorOf, organization_of: OrganizationOf) -> None:
    """The region's broker has verified the college."""
    verify_organization(actor("dov"), organization_of("college"))


@pytest.mark.usefixtures("verified")
def test_passing_qualifies_where_the_credential_is_recognized_until_it_expires(
    world: World,
    actor: ActorOf,
    open_section: OpenSection,
    organization_of: OrganizationOf,
    drain: Drain,
) -> None:
    recognize(actor, organization_of, "five-axis")
    certificate = passed(actor, open_section)
    number, expires_on = certificate.number, certificate.expires_on
    assert by_certificate(world) == []
    drain()

    (row,) = by_certificate(world)
    assert (row.host_organization_id, row.capability_key, row.status) == (
        world.organizations["shop"],
        "5-axis-milling",
        "valid",
    )
    assert row.expires_on == expires_on
    assert row.certificate_path == f"/training/certificates/{number}"
    assert ledger.list_ledger(organization_of("shop")).items[0].note == (
        f"{NIMS} · Falls City Community College · {number}"
    )


@pytest.mark.usefixtures("verified")
def test_recognition_that_comes_later_counts_what_is_held_already(
    world: World,
    actor: ActorOf,
    open_section: OpenSection,
    organization_of: OrganizationOf,
    drain: Drain,
) -> None:
    passed(actor, open_section)
    drain()
    recognize(actor, organization_of)
    drain()

    (row,) = by_certificate(world)
    assert (row.equipment_id, row.capability_key) == (None, None)


@pytest.mark.usefixtures("verified")
def test_certificate_counts_where_the_host_takes_that_of_its_provider(
    world: World,
    actor: ActorOf,
    open_section: OpenSection,
    organization_of: OrganizationOf,
    drain: Drain,
) -> None:
    of_another = recognize(actor, organization_of, "", "aero").id
    passed(actor, open_section)
    drain()
    assert by_certificate(world) == []

    standing = session.get_one(Recognition, of_another)
    access.act_on_recognition(actor("ana"), standing, "revoke", note="They stopped.")
    recognize(actor, organization_of, "", "aero", "college")
    drain()
    assert [row.status for row in by_certificate(world)] == ["valid"]


@pytest.mark.usefixtures("verified")
def test_revoked_certificate_closes_what_it_opened(
    world: World,
    actor: ActorOf,
    open_section: OpenSection,
    organization_of: OrganizationOf,
    drain: Drain,
) -> None:
    recognize(actor, organization_of)
    certificate = passed(actor, open_section)
    drain()
    (certificate,) = list_of_enrollment(certificate.enrollment_id)
    results.revoke_certificate(actor("cleo"), certificate, reason="Another person took the test.")
    drain()

    (row,) = by_certificate(world)
    assert row.status == "revoked"
    # Why is between the provider and the holder.
    assert ledger.list_ledger(organization_of("shop")).items[0].note == (
        "The certificate was revoked."
    )


@pytest.mark.usefixtures("verified")
def test_who_holds_another_certificate_stays_qualified_by_it(
    actor: ActorOf,
    world: World,
    open_section: OpenSection,
    organization_of: OrganizationOf,
    drain: Drain,
) -> None:
    recognize(actor, organization_of)
    first = passed(actor, open_section).enrollment_id or 0
    drain()
    section = open_section("planned", status="open")
    row = services.enroll(actor("ben"), section)
    begin(section)
    results.record_result(actor("cleo"), row, passed=True)
    drain()
    (certificate,) = list_of_enrollment(first)
    results.revoke_certificate(actor("cleo"), certificate, reason="The wrong name stands on it.")
    drain()

    (other,) = list_of_enrollment(row.id)
    (qualification,) = by_certificate(world)
    assert qualification.status == "valid"
    assert qualification.certificate_path.endswith(other.number)


def test_certificate_opens_elsewhere_once_a_broker_has_verified_its_provider(
    world: World,
    actor: ActorOf,
    open_section: OpenSection,
    organization_of: OrganizationOf,
    drain: Drain,
) -> None:
    recognize(actor, organization_of)
    access.add_recognition(actor("cleo"), organization_of("college"), credential=NIMS)
    passed(actor, open_section)
    drain()
    hosts = [row.host_organization_id for row in by_certificate(world)]
    assert hosts == [world.organizations["college"]]

    verify_organization(actor("dov"), organization_of("college"))
    drain()

    assert {row.host_organization_id for row in by_certificate(world)} == {
        world.organizations["college"],
        world.organizations["shop"],
    }


@pytest.mark.usefixtures("verified")
def test_certificates_of_a_provider_that_is_not_verified_any_more_open_its_own_gates_alone(
    world: World,
    actor: ActorOf,
    open_section: OpenSection,
    organization_of: OrganizationOf,
    drain: Drain,
) -> None:
    recognize(actor, organization_of)
    access.add_recognition(actor("cleo"), organization_of("college"), credential=NIMS)
    passed(actor, open_section)
    drain()

    def states() -> dict[int, str]:
        return {row.host_organization_id: row.status for row in by_certificate(world)}

    shop, college = world.organizations["shop"], world.organizations["college"]
    withdraw_verification(actor("dov"), organization_of("college"))
    drain()
    assert states() == {shop: "revoked", college: "valid"}

    verify_organization(actor("dov"), organization_of("college"))
    drain()
    assert states() == {shop: "valid", college: "valid"}

    # What the host's people revoke stays so, whoever is verified.
    (row,) = (row for row in by_certificate(world) if row.host_organization_id == shop)
    access.act_on_qualification(actor("ana"), row, "revoke", note="Broke a spindle.")
    verify_organization(actor("dov"), organization_of("college"))
    drain()
    assert states() == {shop: "revoked", college: "valid"}


def test_own_credential_of_a_provider_that_nobody_has_verified_opens_nothing_elsewhere(
    world: World,
    actor: ActorOf,
    open_section: OpenSection,
    organization_of: OrganizationOf,
    drain: Drain,
) -> None:
    own = "Coordinate Measuring Operator"
    access.add_recognition(actor("ana"), organization_of("shop"), credential=own)
    section = open_section()
    update_program(actor("cleo"), section.program, credential=own)
    passed(actor, open_section)
    drain()
    assert by_certificate(world) == []


@pytest.mark.usefixtures("verified")
def test_closed_gate_leads_to_the_next_section_on_the_page_the_form_and_the_api(
    world: World,
    actor: ActorOf,
    organization_of: OrganizationOf,
    client_of: ClientOf,
) -> None:
    recognize(actor, organization_of, "five-axis", "college")
    ana, number = actor("ana"), world.equipment["shop_public"]
    update_equipment(ana, get_equipment(number), sharing_terms="bookable")
    resource = open_resource(ana, get_equipment(number))
    change_rules(ana, resource, needs_qualification=True, approval="instant")
    eve, section = client_of("eve"), f"/training/sections/{world.sections['open']}"
    begins = now().replace(hour=15, minute=0, second=0, microsecond=0) + dt.timedelta(days=3)

    page = eve.get(f"/equipment/{number}").text
    form = eve.post(
        f"/equipment/{number}/book",
        data={"date": begins.date().isoformat(), "starts": "10:00", "ends": "11:00"},
    )
    problem = eve.post(
        f"/api/v1/equipment/{number}/bookings",
        json={
            "organization_id": world.organizations["aero"],
            "starts_at": begins.isoformat(),
            "ends_at": (begins + dt.timedelta(hours=1)).isoformat(),
        },
    ).get_json()

    assert f'href="{section}"' in page
    assert form.status_code == 422
    assert f'href="{section}"' in form.text
    update_equipment(
        actor("cleo"),
        get_equipment(world.equipment["college_public"]),
        sharing_terms="bookable",
    )
    several = eve.post(
        "/api/v1/bookings",
        json={
            "organization_id": world.organizations["aero"],
            "equipment_ids": [number, world.equipment["college_public"]],
            "starts_at": begins.isoformat(),
            "ends_at": (begins + dt.timedelta(hours=1)).isoformat(),
        },
    ).get_json()
    led = [one for one in several["problems"] if "ways" in one]
    assert [one["ways"][0]["url"] for one in led] == [section]

    (missing,) = problem["problems"]
    assert missing["code"] == "not_qualified"
    assert [way["url"] for way in missing["ways"]] == [section]
    assert missing["ways"][0]["provider"] == "Falls City Community College"
    assert missing["ways"][0]["starts_on"] > today_here().isoformat()


@pytest.mark.parametrize("named", [(), ("aero",)])
def test_gate_leads_nowhere_where_no_certificate_would_count(
    world: World,
    actor: ActorOf,
    organization_of: OrganizationOf,
    client_of: ClientOf,
    named: tuple[str, ...],
) -> None:
    if named:
        verify_organization(actor("dov"), organization_of("college"))
    recognize(actor, organization_of, "five-axis", *named)
    ana, number = actor("ana"), world.equipment["shop_public"]
    update_equipment(ana, get_equipment(number), sharing_terms="bookable")
    change_rules(ana, open_resource(ana, get_equipment(number)), needs_qualification=True)

    page = client_of("eve").get(f"/equipment/{number}").text

    assert "A qualification of whoever operates it" in page
    assert "/training/sections/" not in page
