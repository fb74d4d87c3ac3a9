"""Reads the demo's records from its files, with dates counted from today."""

import tomllib
from pathlib import Path
from typing import Any

from portal.demo.rules import DemoCast, DemoOrganization, parse_cast, parse_organization
from portal.kernel.clock import today

DATA = Path(__file__).parent / "data"


def read_cast() -> DemoCast:
    """Return who signs in to the demo, and who owns its organizations."""
    return parse_cast(_read(DATA / "people.toml"))


def read_organizations() -> list[DemoOrganization]:
    """Return all organizations of the demo with what they have, region by region."""
    owners, day = read_cast().owners, today()
    return [
        parse_organization(raw, path.parent.name, owners, day)
        for path in sorted(DATA.glob("*/*.toml"))
        for raw in _read(path)["organization"]
    ]


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))
