"""Organizations with their people, regions with their broker."""

import datetime as dt
import hashlib

from portal.kernel.clock import now
from portal.kernel.database import session
from portal.organizations.models import Claim, Invitation, JoinRequest, Membership, Organization
from portal.regions.models import BrokerAppointment, County, NaicsCode, Region
from tests.cast import INVITATION_TOKEN, World
from tests.world.reference import capability_of


def add_organizations(world: World) -> None:
    shop = Organization(
        name="Ana's Machine Shop",
        match_key="anas machine shop",
        kind="sme",
        summary="Precision milling for short runs.",
        description="Family shop with **five-axis** mills.",
        website="https://shop.example",
        phone="(502) 555-0101",
        email="office@shop.example",
        street="100 Main Street",
        city="Louisville",
        state="KY",
        zip_code="40202",
        county_fips="21111",
        latitude=38.2529,
        longitude=-85.7514,
        employee_band="1-9",
        certifications=[{"name": "ISO 9001", "expires_on": None}],
        members_only_fields=["phone"],
    )
    college = Organization(
        name="Falls City Community College",
        match_key="falls city community college",
        kind="community_college",
        summary="Workforce training and open labs.",
        city="Jeffersonville",
        state="IN",
        zip_code="47130",
        county_fips="18019",
        latitude=38.3006,
        longitude=-85.7266,
    )
    aero = Organization(
        name="Prairie Aero Composites",
        match_key="prairie aero composites",
        kind="sme",
        summary="Composite parts for aircraft.",
        city="Wichita",
        state="KS",
        zip_code="67202",
        county_fips="20173",
        latitude=37.6889,
        longitude=-97.3361,
    )
    unclaimed = Organization(
        name="Ohio Valley Institute",
        match_key="ohio valley institute",
        kind="university",
        city="Louisville",
        state="KY",
        zip_code="40210",
        county_fips="21111",
        source="ipeds",
        ipeds_id="999001",
    )
    shop.capabilities = [capability_of("5-axis-milling")]
    college.capabilities = [capability_of("coordinate-measuring"), capability_of("welding")]
    shop.naics = [session.get_one(NaicsCode, "332710")]
    for name, row in (
        ("shop", shop),
        ("college", college),
        ("aero", aero),
        ("unclaimed", unclaimed),
    ):
        session.add(row)
        session.flush()
        world.organizations[name] = row.id
    for organization, person, role in (
        ("shop", "ana", "owner"),
        ("shop", "ben", "member"),
        ("college", "cleo", "manager"),
        ("aero", "eve", "owner"),
    ):
        membership = Membership(
            organization_id=world.organizations[organization],
            user_id=world.users[person],
            role=role,
        )
        session.add(membership)
        session.flush()
        world.memberships[f"{person}_{organization}"] = membership.id
    invitation = Invitation(
        organization_id=world.organizations["shop"],
        email="newcomer@elsewhere.example",
        role="member",
        token_hash=hashlib.sha256(INVITATION_TOKEN.encode()).hexdigest(),
        invited_by_id=world.users["ana"],
        expires_at=now() + dt.timedelta(days=14),
    )
    join_request = JoinRequest(
        organization_id=world.organizations["college"],
        user_id=world.users["eve"],
        message="I teach composites on Fridays.",
    )
    claim = Claim(
        organization_id=world.organizations["unclaimed"],
        user_id=world.users["cleo"],
        evidence="I am its registrar; the website names me.",
    )
    session.add_all([invitation, join_request, claim])
    session.flush()
    world.invitations["shop_to_newcomer"] = invitation.id
    world.join_requests["eve_to_college"] = join_request.id
    world.claims["cleo_on_unclaimed"] = claim.id


def add_regions(world: World) -> None:
    for key, name, counties in (
        ("greater-louisville", "Greater Louisville", ["21111", "18019"]),
        ("wichita", "Wichita", ["20173"]),
    ):
        region = Region(key=key, name=name, summary=f"The makers of {name}.")
        region.counties = [session.get_one(County, fips) for fips in counties]
        session.add(region)
        session.flush()
        world.regions[key] = region.id
    session.add(
        BrokerAppointment(region_id=world.regions["greater-louisville"], user_id=world.users["dov"])
    )
