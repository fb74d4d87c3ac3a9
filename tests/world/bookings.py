"""Bookings, and what opens machines to people."""

import datetime as dt

from portal.bookings.models.access import AccessRequest, Clearance, Qualification, Recognition
from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource
from portal.facilities.models import Equipment
from portal.kernel.clock import now
from portal.kernel.database import session
from tests.cast import World


def add_bookings(world: World) -> None:
    """Ben has asked for the college's public mill, which others book if the college agrees."""
    mill = session.get_one(Equipment, world.equipment["college_public"])
    mill.sharing_terms = "bookable"
    resource = Resource(
        kind="equipment",
        organization_id=mill.organization_id,
        equipment_id=mill.id,
        name=mill.name,
    )
    session.add(resource)
    session.flush()
    world.resources["college_public"] = resource.id
    monday = (now() + dt.timedelta(days=14 - now().weekday())).replace(
        hour=15, minute=0, second=0, microsecond=0
    )
    booking = Booking(
        resource_id=resource.id,
        host_organization_id=mill.organization_id,
        organization_id=world.organizations["shop"],
        user_id=world.users["ben"],
        booked_by_id=world.users["ben"],
        starts_at=monday,
        ends_at=monday + dt.timedelta(hours=2),
        status="requested",
        purpose="Housings, first articles",
        customer_class="member_sme",
    )
    session.add(booking)
    session.flush()
    world.bookings["ben_on_college_mill"] = booking.id


def add_access(world: World) -> None:
    """The shop has qualified Cleo and an agreement with the college; Eve asks it for access."""
    shop = world.organizations["shop"]
    qualification = Qualification(
        host_organization_id=shop,
        user_id=world.users["cleo"],
        equipment_id=world.equipment["shop_public"],
        granted_on=dt.date(2026, 1, 15),
        evidence="Taught by Ana for a day.",
        created_by_id=world.users["ana"],
    )
    clearance = Clearance(
        host_organization_id=shop,
        kind="agreement",
        organization_id=world.organizations["college"],
        valid_from=dt.date(2026, 1, 1),
        reference="C-17",
        created_by_id=world.users["ana"],
    )
    recognition = Recognition(
        host_organization_id=shop,
        recognized_organization_id=world.organizations["aero"],
        created_by_id=world.users["ana"],
    )
    access_request = AccessRequest(
        host_organization_id=shop,
        user_id=world.users["eve"],
        organization_id=world.organizations["aero"],
        kind="qualification",
        equipment_id=world.equipment["shop_public"],
        message="I run the same mill at home.",
    )
    session.add_all([qualification, clearance, recognition, access_request])
    session.flush()
    world.qualifications["cleo_at_shop"] = qualification.id
    world.clearances["college_at_shop"] = clearance.id
    world.recognitions["aero_by_shop"] = recognition.id
    world.access_requests["eve_at_shop"] = access_request.id
