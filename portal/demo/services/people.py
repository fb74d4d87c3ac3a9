"""The people of the demo: its cast, and newcomers who claim an organization or ask to join one."""

from collections.abc import Mapping
from typing import Any

from portal.accounts import services as accounts
from portal.accounts.models import User
from portal.accounts.queries import find_user_by_email, password_cost
from portal.accounts.rules import hash_password
from portal.demo.policies import Permission
from portal.demo.rules.organizations import DemoOrganization
from portal.demo.rules.people import DemoCast, DemoNewcomer, DemoPerson
from portal.demo.services.acting import find_organization, without_mail
from portal.demo.services.places import draw_region
from portal.directory.models import SavedSearch
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.organizations.services import joining
from portal.regions import services as regions
from portal.regions.queries.regions import find_region


@command(Permission.DEMO_LOAD)
def load_cast(actor: Actor, *, cast: DemoCast, demo_regions: Mapping[str, Any]) -> int:
    """Draw the demo's regions and open the accounts of its cast; return how many were new.

    demo_regions: name, summary and county_fips by key.
    """
    with without_mail():
        new = sum(draw_region(key, fields) for key, fields in demo_regions.items())
        # One hash for all: the password is no secret, and hashing takes its time.
        password_hash = hash_password(cast.password, password_cost())
        return new + sum(_open_account(person, cast, password_hash) for person in cast.people)


@command(Permission.DEMO_LOAD)
def load_newcomer(
    actor: Actor, *, newcomer: DemoNewcomer, organization: DemoOrganization, cast: DemoCast
) -> int:
    """Let somebody without an account arrive and claim the organization, or ask to join it.

    Returns 1, or 0 where the person has been here before.
    """
    row = find_organization(organization)
    if row is None or find_user_by_email(newcomer.email) is not None:
        return 0
    with without_mail():
        user = open_without_password(newcomer.name, newcomer.email, organization, cast)
        person = Actor(user_id=user.id, name=user.name)
        if newcomer.claims:
            joining.send_claim(person, row, evidence=newcomer.words)
        else:
            joining.send_join_request(person, row, message=newcomer.words)
    return 1


def _open_account(person: DemoPerson, cast: DemoCast, password_hash: str) -> bool:
    if find_user_by_email(person.email) is not None:
        return False
    user = accounts.open_account(
        SYSTEM,
        name=person.name,
        email=person.email,
        password_hash=password_hash,
        time_zone=cast.time_zones[person.region],
        is_verified=True,
        is_administrator=person.administrator,
        is_demo=True,
    )
    # There is no index yet, so all that these find is news: the desk has something to show.
    session.add_all(
        SavedSearch(user_id=user.id, name=name, query=query, channel="desk", frequency="at_once")
        for name, query in person.searches.items()
    )
    region = find_region(person.brokers) if person.brokers else None
    if region is not None:
        regions.appoint_broker(SYSTEM, region, email=person.email)
    return True


def open_without_password(
    name: str, email: str, organization: DemoOrganization, cast: DemoCast
) -> User:
    """Open the account of somebody who never signs in to the demo."""
    return accounts.open_account(
        SYSTEM,
        name=name,
        email=email,
        time_zone=cast.time_zones[organization.region],
        is_verified=True,
        is_demo=True,
    )
