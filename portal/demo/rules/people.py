"""The people of the demo, as `people.toml` has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class DemoPerson:
    """Somebody who can sign in to the demo; `brokers` is a region's key or empty.

    searches: queries of saved searches by their names.
    """

    name: str
    email: str
    does: str
    region: str
    organization: str = ""
    role: str = ""
    brokers: str = ""
    administrator: bool = False
    searches: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DemoNewcomer:
    """Somebody without a password who claims an organization, or asks to join one (by key)."""

    name: str
    email: str
    region: str
    words: str
    claims: str = ""
    joins: str = ""


@dataclass(frozen=True)
class DemoCast:
    """The people of the demo: who signs in with which password, who asks, who owns the rest."""

    password: str
    time_zones: Mapping[str, str]
    people: Sequence[DemoPerson]
    newcomers: Sequence[DemoNewcomer]
    owners: Mapping[str, str]


def parse_cast(raw: Mapping[str, Any]) -> DemoCast:
    """Return the people of `people.toml`."""
    return DemoCast(
        raw["password"],
        raw["time_zones"],
        [DemoPerson(**person) for person in raw["person"]],
        [DemoNewcomer(**newcomer) for newcomer in raw["newcomer"]],
        raw["owners"],
    )
