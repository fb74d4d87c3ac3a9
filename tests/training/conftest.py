"""What tests of enrollments share: a section that is open, and people who get in."""

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import delete, inspect, select, update

from portal.kernel.authorization import Actor
from portal.kernel.clock import today_here
from portal.kernel.database import session, unit_of_work
from portal.kernel.mail import OutgoingMail
from portal.organizations.models import Organization
from portal.training.models.enrollments import Enrollment
from portal.training.models.sections import Section
from portal.training.queries import enrollments as queries
from portal.training.queries.sections import get_section
from tests.cast import World

ActorOf = Callable[[str], Actor]
OpenSection = Callable[..., Section]
OrganizationOf = Callable[[str], Organization]


@pytest.fixture
def open_section(world: World) -> OpenSection:
    """Return a section of the world (the open one, if none is named) with nobody in it, after
    changing its columns."""

    def change(name: str = "open", **values: object) -> Section:
        with unit_of_work():
            session.execute(delete(Enrollment).where(Enrollment.section_id == world.sections[name]))
            section = session.get_one(Section, world.sections[name])
            for column, value in values.items():
                setattr(section, column, value)
        session.expire_all()
        return get_section(world.sections[name])

    return change


@pytest.fixture
def organization_of(world: World) -> OrganizationOf:
    """Return an organization of the cast's world by name."""
    return lambda name: session.get_one(Organization, world.organizations[name])


def again(row: Enrollment) -> Enrollment:
    """Return an enrollment as it is now, even after the worker has let go of it."""
    (number,) = inspect(row).identity
    return queries.get_enrollment(number)


def begin(section: Section, days_ago: int = 0) -> Section:
    """Let a section have begun."""
    with unit_of_work():
        row = session.get_one(Section, section.id)
        row.starts_on = today_here() - dt.timedelta(days=days_ago)
        row.ends_on = max(row.ends_on, row.starts_on)
        row.enroll_until = None
        session.execute(
            update(Enrollment)
            .where(Enrollment.section_id == section.id, Enrollment.is_by_hand.is_(False))
            .values(free_until=row.starts_on - dt.timedelta(days=1))
        )
    return get_section(section.id)


def mails(template_word: str = "") -> list[OutgoingMail]:
    """Return the messages on their way whose subject has a word, in order."""
    rows = session.scalars(select(OutgoingMail).order_by(OutgoingMail.id))
    return [row for row in rows if template_word in row.subject]


def end_free_days(row: Enrollment) -> Enrollment:
    """Let the days be over in which an enrollment could be withdrawn for free."""
    with unit_of_work():
        again(row).free_until = today_here() - dt.timedelta(days=1)
    return again(row)
