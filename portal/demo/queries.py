"""Reads the demo's records from its files, and the words of synthetic ones from the database.

Dates are counted from today.
"""

import tomllib
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from portal.accounts.models import User
from portal.demo.rules.bookings import DemoAccess, DemoBooking
from portal.demo.rules.organizations import DemoOrganization, parse_organization
from portal.demo.rules.people import DemoCast, parse_cast
from portal.demo.rules.stories import DemoStory
from portal.demo.rules.synthetic import Place, Vocabulary
from portal.demo.rules.training import (
    DemoDemand,
    DemoEnrollment,
    DemoProgram,
    DemoRecognition,
    parse_demand,
    parse_program,
)
from portal.kernel.clock import today
from portal.kernel.database import session
from portal.organizations.models import Organization
from portal.regions.models import Capability, NaicsCode, ZipCode, capability_broader

DATA = Path(__file__).parent / "data"


def read_cast() -> DemoCast:
    """Return who signs in to the demo, and who owns its organizations."""
    return parse_cast(_read(DATA / "people.toml"))


def read_organizations() -> list[DemoOrganization]:
    """Return all organizations of the demo with what they have, region by region."""
    cast, day = read_cast(), today()
    return [
        parse_organization(raw, path.parent.name, cast, day)
        for path in sorted(DATA.glob("*/*.toml"))
        for raw in _read(path)["organization"]
    ]


def read_access() -> list[DemoAccess]:
    """Return who asked whom for access, in the order in which it is told."""
    return [DemoAccess(**raw) for raw in _read(DATA / "access.toml")["access"]]


def read_bookings() -> list[DemoBooking]:
    """Return what people have booked, in the order in which it is told."""
    return [DemoBooking(**raw) for raw in _read(DATA / "bookings.toml")["booking"]]


def read_stories() -> list[DemoStory]:
    """Return what became of accepted responses, in the order in which it is told."""
    return [DemoStory(**raw) for raw in _read(DATA / "stories.toml")["story"]]


def read_programs() -> list[DemoProgram]:
    """Return what is taught in the demo, region by region."""
    return [parse_program(raw) for raw in _read(DATA / "programs.toml")["program"]]


def read_enrollments() -> list[DemoEnrollment]:
    """Return who takes part in the demo's training."""
    return [DemoEnrollment(**raw) for raw in _read(DATA / "enrollments.toml")["enrollment"]]


def read_demands() -> dict[str, list[DemoDemand]]:
    """Return which skills organizations of the demo need, by their keys."""
    return {
        raw["organization"]: [parse_demand(text) for text in raw["demands"]]
        for raw in _read(DATA / "demands.toml")["firm"]
    }


def read_recognitions() -> list[DemoRecognition]:
    """Return which credentials hosts of the demo recognize."""
    return [DemoRecognition(**raw) for raw in _read(DATA / "enrollments.toml")["recognition"]]


def read_regions() -> dict[str, Any]:
    """Return name, summary and counties of the demo's regions by key."""
    return _read(DATA.parents[1] / "regions" / "data" / "regions.toml")


def has_organizations() -> bool:
    """Tell whether there is any organization at all."""
    return session.scalar(select(Organization.id).limit(1)) is not None


def has_cast() -> bool:
    """Tell whether the demo's people can sign in here."""
    emails = [person.email for person in read_cast().people]
    return session.scalar(select(User.id).where(User.email.in_(emails)).limit(1)) is not None


def has_reference() -> bool:
    """Tell whether counties, ZIP codes and the thesaurus are loaded."""
    return all(
        session.scalar(select(column).limit(1)) is not None
        for column in (ZipCode.zip_code, Capability.key, NaicsCode.code)
    )


def read_vocabulary() -> Vocabulary:
    """Return what synthetic records are made of: the thesaurus, ZIP codes, industries, machines."""
    capabilities = session.execute(
        select(Capability.key, Capability.label)
        .where(Capability.key.not_in(select(capability_broader.c.broader_key)))
        .order_by(Capability.key)
    )
    places = session.execute(
        select(
            ZipCode.zip_code,
            ZipCode.place,
            ZipCode.state,
            ZipCode.county_fips,
            ZipCode.latitude,
            ZipCode.longitude,
        ).order_by(ZipCode.zip_code)
    )
    industries = session.scalars(
        select(NaicsCode.code)
        .where(NaicsCode.code.like("3%"), func.length(NaicsCode.code) == 6)
        .order_by(NaicsCode.code)
    )
    machines = [
        machine.values
        for organization in read_organizations()
        for machine in (
            *organization.equipment,
            *(machine for facility in organization.facilities for machine in facility.equipment),
        )
    ]
    return Vocabulary(
        [(key, label) for key, label in capabilities],
        [
            Place(code, city, state, fips, latitude, longitude)
            for code, city, state, fips, latitude, longitude in places
            if fips is not None
        ],
        list(industries),
        machines,
    )


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))
