"""Synthetic records for load tests, made from a vocabulary and chance."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.demo.rules.organizations import parse_hours


@dataclass(frozen=True)
class Place:
    """A ZIP code's place, county and point."""

    zip_code: str
    city: str
    state: str
    county_fips: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Vocabulary:
    """What synthetic records are made of.

    capabilities: (key, label) of concepts without narrower ones; industries: six-digit codes;
    machines: the fields of machines that were written by hand.
    """

    capabilities: Sequence[tuple[str, str]]
    places: Sequence[Place]
    industries: Sequence[str]
    machines: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class SyntheticRecord:
    """A facility, machine or request: its columns, capabilities and rates."""

    values: Mapping[str, Any]
    capabilities: Sequence[str]
    rates: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class SyntheticOrganization:
    """An organization: its columns, its lists, and what it has."""

    values: Mapping[str, Any]
    capabilities: Sequence[str]
    naics_codes: Sequence[str]
    facilities: Sequence[SyntheticRecord]
    equipment: Sequence[SyntheticRecord]
    requests: Sequence[SyntheticRecord]

    @property
    def record_count(self) -> int:
        return 1 + len(self.facilities) + len(self.equipment) + len(self.requests)


_KINDS = {
    "sme": 78,
    "large_firm": 5,
    "university": 3,
    "community_college": 4,
    "research_lab": 2,
    "government_agency": 1,
    "economic_development_organization": 2,
    "labor_union": 1,
    "trade_association": 2,
    "other_intermediary": 2,
}
_ENDINGS = {
    "sme": ("Works", "Company", "Products", "Services", "Shop", "Technologies", "& Sons"),
    "large_firm": ("Industries", "Systems", "Group"),
    "university": ("University", "Institute of Technology", "State University"),
    "community_college": ("Community College", "Technical College"),
    "research_lab": ("Laboratory", "Research Institute"),
    "government_agency": ("Office of Industry", "Bureau of Manufacturing"),
    "economic_development_organization": ("Development Council", "Growth Alliance"),
    "labor_union": ("Metal Trades Local", "Machinists Lodge"),
    "trade_association": ("Manufacturers Association", "Suppliers Council"),
    "other_intermediary": ("Makers Guild", "Technology Bridge"),
}
_SMALL_BANDS = ("1-9", "1-9", "10-19", "10-19", "20-49", "50-99", "100-249")
_LARGE_BANDS = ("250-499", "500+")
_FIRST_WORDS = (
    *("Alder", "Anchor", "Basin", "Beacon", "Bluff", "Bridge", "Canal", "Cedar", "Clearwater"),
    *("Copper", "Crossing", "Depot", "Eagle", "Elm", "Ferry", "Foundry", "Granite", "Harbor"),
    *("Hickory", "Highland", "Ironwood", "Junction", "Keystone", "Lake", "Limestone", "Maple"),
    *("Meadow", "Mill", "Northside", "Oak", "Pioneer", "Prairie", "Quarry", "Ridge", "River"),
    *("Sawmill", "Station", "Summit", "Sycamore", "Terminal", "Union", "Valley", "Walnut"),
)
_STREETS = ("Industrial", "Mill", "Depot", "Commerce", "Railroad", "Market", "Foundry", "Airport")
_MATERIALS = (
    *("aluminum", "tool steel", "316 stainless", "titanium", "brass", "PEEK", "cast iron"),
    *("carbon fiber", "copper", "Inconel", "polypropylene", "glass", "hardwood", "silicone"),
)
_HABITS = (
    "Quotes within two days",
    "Second shift is open",
    "Small lots are welcome",
    "First-article reports on request",
    "Rush work by telephone",
    "Prototypes first, production later",
    "Students and visitors by appointment",
    "Delivery by our own truck",
)
_WISHES = {
    "need": (
        "before the end of the quarter",
        "for a pilot lot",
        "every month",
        "until our own machine is repaired",
        "for a customer's audit",
    ),
    "offer": (
        "on second shift",
        "by the day",
        "for small lots",
        "with an operator",
        "until the end of the quarter",
    ),
}


def make_organizations(
    vocabulary: Vocabulary, records: int, seed: int
) -> Iterator[SyntheticOrganization]:
    """Make organizations that have together exactly so many records; the same for one seed."""
    chance = random.Random(seed)
    left = records
    while left:
        made = _make_organization(chance, vocabulary, left - 1)
        left -= made.record_count
        yield made


def _make_organization(
    chance: random.Random, vocabulary: Vocabulary, most: int
) -> SyntheticOrganization:
    place = chance.choice(vocabulary.places)
    kind = chance.choices(list(_KINDS), list(_KINDS.values()))[0]
    machines = [chance.choice(vocabulary.machines) for _ in range(chance.randint(0, 4))]
    most_known = min(5, len(vocabulary.capabilities))
    known = chance.sample(vocabulary.capabilities, chance.randint(2, most_known))
    name = f"{chance.choice(_FIRST_WORDS)} {_trade(chance, kind, known, place)}"
    capabilities = [key for key, _label in known]
    (material, other), habit = chance.sample(_MATERIALS, 2), chance.choice(_HABITS)
    labels = [label for _key, label in known]
    values = {
        "source": "demo",
        "name": name,
        "kind": kind,
        "summary": f"{labels[0]}, also {_lower(labels[1])}, in {place.city}; mostly {material}. "
        f"{habit}.",
        "description": f"Founded in {chance.randint(1921, 2024)}. We are known for "
        f"{', '.join(_lower(label) for label in labels)}; lots from {chance.randint(1, 9)} to "
        f"{chance.randint(2, 90) * 100:,}, mostly in {material} and {other}.",
        "employee_band": chance.choice(_SMALL_BANDS if kind == "sme" else _LARGE_BANDS),
        "street": f"{chance.randint(1, 9999)} {chance.choice(_STREETS)} St",
        **_place_values(chance, place),
        "confirmed_days_ago": int(chance.triangular(0, 500, 20)),
    }
    facilities, equipment, requests = _parts(chance, most, len(machines))
    return SyntheticOrganization(
        values,
        capabilities,
        chance.sample(vocabulary.industries, chance.randint(1, 2)),
        [_make_facility(chance, values, known) for _ in range(facilities)],
        [_make_machine(chance, values, machine) for machine in machines[:equipment]],
        [_make_request(chance, values, known) for _ in range(requests)],
    )


def _parts(chance: random.Random, most: int, machines: int) -> tuple[int, int, int]:
    """Return how many facilities, machines and requests there are, at most so many in all."""
    equipment = min(machines, most)
    facilities = min(int(chance.random() < 0.4), most - equipment)
    requests = min(chance.choice((0, 0, 1, 1, 2)), most - equipment - facilities)
    return facilities, equipment, requests


def _trade(chance: random.Random, kind: str, known: Sequence[tuple[str, str]], place: Place) -> str:
    ending = chance.choice(_ENDINGS[kind])
    if kind in ("sme", "large_firm"):
        words = chance.choice(known)[1].split()
        return " ".join([*(word[0].upper() + word[1:] for word in words), ending])
    return f"{place.city} {ending}"


def _lower(label: str) -> str:
    """Return a label as it stands within a sentence; abbreviations keep their capitals."""
    return label if label[1:2].isupper() or label[:1].isdigit() else label[0].lower() + label[1:]


def _place_values(chance: random.Random, place: Place) -> dict[str, Any]:
    return {
        "city": place.city,
        "state": place.state,
        "zip_code": place.zip_code,
        "county_fips": place.county_fips,
        "latitude": round(place.latitude + chance.uniform(-0.02, 0.02), 5),
        "longitude": round(place.longitude + chance.uniform(-0.02, 0.02), 5),
    }


_PLACE_NAMES = ("city", "state", "zip_code", "county_fips", "latitude", "longitude")


def _make_facility(
    chance: random.Random, owner: Mapping[str, Any], known: Sequence[tuple[str, str]]
) -> SyntheticRecord:
    key, label = chance.choice(known)
    values = {
        "name": f"{label} {chance.choice(('laboratory', 'shop', 'center', 'hall'))}",
        "kind": chance.choice(("lab", "pilot_line", "makerspace", "test_bed", "shop_floor")),
        "summary": f"{chance.randint(9, 400) * 100:,} square feet for {_lower(label)}. "
        f"{chance.choice(_HABITS)}.",
        "visibility": "public",
        "opening_hours": parse_hours("Mon-Fri 08:00-17:00"),
        "street": owner["street"],
        **{name: owner[name] for name in _PLACE_NAMES},
        "confirmed_days_ago": owner["confirmed_days_ago"],
    }
    return SyntheticRecord(values, [key])


def _make_machine(
    chance: random.Random, owner: Mapping[str, Any], machine: Mapping[str, Any]
) -> SyntheticRecord:
    values = {
        **{name: machine[name] for name in ("name", "make", "model", "specifications")},
        "year": chance.randint(1985, 2024),
        "condition": chance.choice(("new", "good", "good", "good", "fair", "needs_repair")),
        "summary": f"{machine['make']} {machine['model']}. {chance.choice(_HABITS)}; "
        f"mostly {chance.choice(_MATERIALS)}.",
        "sharing_terms": chance.choice(("in_house", "by_request", "by_request", "bookable")),
        "visibility": chance.choices(("public", "members", "organization"), (90, 7, 3))[0],
        **{name: owner[name] for name in ("street", *_PLACE_NAMES)},
        "confirmed_days_ago": owner["confirmed_days_ago"],
    }
    rates = [
        {"customer_class": customer, "unit": "hour", "price_cents": chance.randint(4, 60) * 500}
        for customer in ("member_sme", "other")
    ]
    return SyntheticRecord(values, machine["capabilities"], rates)


def _make_request(
    chance: random.Random, owner: Mapping[str, Any], known: Sequence[tuple[str, str]]
) -> SyntheticRecord:
    key, label = chance.choice(known)
    kind = chance.choice(
        ("equipment_sharing", "rd_cooperation", "technology", "supply_chain", "training")
    )
    direction = chance.choice(("need", "offer"))
    material, wish = chance.choice(_MATERIALS), chance.choice(_WISHES[direction])
    verb = "wanted" if direction == "need" else "offered"
    values = {
        "kind": kind,
        "direction": direction,
        "status": "published",
        "visibility": "public",
        "title": f"{label} {verb}: {material}, {wish}",
        "summary": f"{label} in {material} {wish}, within {chance.randint(2, 30) * 10} miles of "
        f"{owner['city']}.",
        "expertise_sought": f"{label} of {material}." if direction == "need" else "",
        "advantages": f"{chance.choice(_HABITS)}." if direction == "offer" else "",
        "innovations": f"A way of our own with {material}." if direction == "offer" else "",
        "ip_status": "none",
        "trl": chance.randint(1, 9),
        "partner_kinds": ["sme", "university"],
        "duration_months": chance.randint(1, 36),
        "radius_miles": chance.choice((25, 50, 100, 250)),
        **{name: owner[name] for name in _PLACE_NAMES if name not in ("city", "state")},
        "confirmed_days_ago": min(owner["confirmed_days_ago"], 120),
        "expires_in_days": chance.randint(5, 240),
    }
    return SyntheticRecord(values, [key])
