"""The world of the cast, written into an empty database: people first, then what each part adds."""

import datetime as dt
import hashlib

from portal.accounts.models import User, UserSession
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from tests.cast import PEOPLE, World, token_of
from tests.world.bookings import add_access, add_bookings
from tests.world.brokerage import add_agreements, add_cases, add_introductions, add_matches
from tests.world.conversations import add_conversations
from tests.world.organizations import add_organizations, add_regions
from tests.world.records import add_records
from tests.world.reference import add_reference, add_skills
from tests.world.training import add_demands, add_enrollments, add_training


def build_world() -> World:
    """Write the cast's world into an empty database and return its ids.

    Organizations: "shop" (Ana owns, Ben is a member), "college" (Cleo manages), "aero" (Eve owns),
    "unclaimed" (imported, nobody's, claimed by Cleo). Eve asks to join the college, and the shop
    has invited a newcomer without an account. Records are named `<organization>_<visibility>`.
    """
    world = World()
    with unit_of_work():
        add_reference()
        for name in PEOPLE:
            user = User(
                email=f"{name}@cast.example",
                name=name.capitalize(),
                email_verified_at=now(),
                is_administrator=name == "root",
                language="en",
                time_zone="America/Kentucky/Louisville",
            )
            session.add(user)
            session.flush()
            world.users[name] = user.id
            world.tokens[name] = token_of(name)
            session.add(
                UserSession(
                    user_id=user.id,
                    token_hash=hashlib.sha256(token_of(name).encode()).hexdigest(),
                    expires_at=now() + dt.timedelta(days=3650),
                    # Use is written down every few minutes: not by chance in the midst of a test.
                    last_seen_at=now() + dt.timedelta(minutes=30),
                )
            )
        add_organizations(world)
        add_regions(world)
        add_records(world)
        add_skills(world)
        add_bookings(world)
        add_access(world)
        add_training(world)
        add_enrollments(world)
        add_demands(world)
        add_conversations(world)
        add_introductions(world)
        add_matches(world)
        add_cases(world)
        add_agreements(world)
    return world
