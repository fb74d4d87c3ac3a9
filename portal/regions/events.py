"""What happens to regions and their brokers, as ids and plain values."""

from dataclasses import dataclass

from portal.kernel.outbox import Event


@dataclass(frozen=True)
class RegionCreated(Event):
    """A region was drawn."""

    region_id: int


@dataclass(frozen=True)
class RegionChanged(Event):
    """A region got another name or summary, or other counties.

    county_fips: the counties that came or went.
    """

    region_id: int
    county_fips: list[str]


@dataclass(frozen=True)
class BrokerAppointed(Event):
    """A user became broker of a region."""

    region_id: int
    user_id: int


@dataclass(frozen=True)
class BrokerDismissed(Event):
    """A user is no longer broker of a region."""

    region_id: int
    user_id: int
