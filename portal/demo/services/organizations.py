"""The organizations of the demo with their people, facilities and equipment."""

from portal.accounts.queries import find_user_by_email
from portal.demo.policies import Permission
from portal.demo.rules.organizations import DemoOrganization, DemoRecord
from portal.demo.rules.people import DemoCast
from portal.demo.services.acting import find_organization, without_mail
from portal.demo.services.bookings import write_calendars
from portal.demo.services.dating import ago, date_back
from portal.demo.services.people import open_without_password
from portal.demo.services.places import place_near, point_near
from portal.demo.services.requests import write_request
from portal.facilities.models import Facility
from portal.facilities.services.equipment import create_equipment
from portal.facilities.services.facilities import create_facility
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.commands import command
from portal.organizations.models import Organization
from portal.organizations.services import records, roles
from portal.regions.queries.regions import find_region


@command(Permission.DEMO_LOAD)
def load_organization(actor: Actor, *, organization: DemoOrganization, cast: DemoCast) -> int:
    """Write an organization with its people, facilities, equipment and requests.

    Returns the number of records, or 0 where it is here already: then nothing is touched.
    """
    if find_organization(organization) is not None:
        return 0
    with without_mail():
        row = _write_profile(organization)
        if organization.owner is None:
            date_back(row, organization.confirmed_days_ago, None)
            return 1
        owner = _represent(row, organization, cast)
        for record in organization.facilities:
            _write_facility(owner, row, record, organization)
        for record in organization.equipment:
            _write_equipment(owner, row, record, organization, None)
        for request in organization.requests:
            write_request(owner, row, request, organization)
        write_calendars(owner, row, organization)
        if organization.is_verified:
            vouch_for(row, cast, organization)
        date_back(row, organization.confirmed_days_ago, owner.user_id)
    return organization.record_count


def _write_profile(organization: DemoOrganization) -> Organization:
    row, _outcome = records.import_organization(
        SYSTEM,
        source="demo",
        is_demo=True,
        **organization.values,
        **place_near(organization, organization.values["zip_code"]),
    )
    return row


def _represent(row: Organization, organization: DemoOrganization, cast: DemoCast) -> Actor:
    """Give an organization its owner and those of the cast who belong to it; return the owner."""
    assert organization.owner is not None  # noqa: S101 (for the type checker)
    name, email = organization.owner
    user = find_user_by_email(email) or open_without_password(name, email, organization, cast)
    roles.appoint_member(SYSTEM, row, user_id=user.id, role="owner")
    for person in cast.people:
        if person.organization == organization.key and person.role != "owner":
            member = find_user_by_email(person.email)
            if member is not None:
                roles.appoint_member(SYSTEM, row, user_id=member.id, role=person.role)
    return Actor(user_id=user.id, name=user.name, memberships={row.id: "owner"})


def vouch_for(row: Organization, cast: DemoCast, organization: DemoOrganization) -> None:
    """Let the region's broker vouch for an organization other than the broker's own."""
    region = find_region(organization.region)
    for person in cast.people:
        if person.brokers == organization.region and person.organization != organization.key:
            user = find_user_by_email(person.email)
            if user is not None and region is not None and row.county_fips is not None:
                broker = Actor(
                    user_id=user.id,
                    name=user.name,
                    brokered_regions=frozenset({region.id}),
                    brokered_counties=frozenset({row.county_fips}),
                )
                records.verify_organization(broker, row)
                row.verified_at = ago(organization.confirmed_days_ago + 3)


def _write_facility(
    owner: Actor, row: Organization, record: DemoRecord, organization: DemoOrganization
) -> None:
    facility = create_facility(
        owner,
        row,
        is_demo=True,
        confirmed_at=ago(record.confirmed_days_ago),
        **record.values,
        **point_near(organization, record.values["zip_code"]),
    )
    date_back(facility, record.confirmed_days_ago, owner.user_id)
    for machine in record.equipment:
        _write_equipment(owner, row, machine, organization, facility)


def _write_equipment(
    owner: Actor,
    row: Organization,
    record: DemoRecord,
    organization: DemoOrganization,
    facility: Facility | None,
) -> None:
    where = (
        {"facility_id": facility.id}
        if facility is not None
        else point_near(organization, record.values["zip_code"])
    )
    equipment = create_equipment(
        owner,
        row,
        is_demo=True,
        confirmed_at=ago(record.confirmed_days_ago),
        **record.values,
        **where,
    )
    date_back(equipment, record.confirmed_days_ago, owner.user_id)
