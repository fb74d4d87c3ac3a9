"""The authoring format of the demo's records, and the making of synthetic ones.

Pure functions: from what stands in `data/*.toml`, or from a vocabulary and chance, to the fields
that forms and services take.
"""

import datetime as dt
import hashlib
import math
import random
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SPAN = re.compile(r"(\w{3})(?:-(\w{3}))? (\d\d:\d\d)-(\d\d:\d\d)")
_RATE = re.compile(r"(\w+) (\d+(?:\.\d\d)?)/(\w+)")
_CERTIFICATION = re.compile(r"(.+?)(?: ([+-]\d+))?")
_COUNTED_DAYS = {
    "wanted_by": "wanted_in_days",
    "expires_on": "expires_in_days",
    "call_deadline": "call_deadline_in_days",
}
_SECTION = re.compile(r"(-?\d+) ([\w,]+) (\d\d:\d\d)-(\d\d:\d\d) x(\d+)( done)?")
_DEMAND = re.compile(
    r"([a-z0-9-]+) x(\d+) in (\d+)(?: \$(\d+)-(\d+))?(?: (\d\d-\d{4}))?"
    r"((?: co-funds| apprentices)*)"
)
_PROGRAM_EXTRAS = {
    *("provider", "credential", "hours", "weeks", "cost", "place", "seats", "prices"),
    "sections",
}
_MILES_PER_DEGREE = 69.0

#: What the authoring format adds to the fields of a form, by kind of record.
_EXTRAS = {
    "organization": {"key", "claimed", "confirmed_days_ago", "facility", "equipment", "request"},
    "facility": {"confirmed_days_ago", "equipment"},
    "equipment": {"confirmed_days_ago"},
    "request": {
        "budget",
        "call_deadline_in_days",
        "confirmed_days_ago",
        "expires_in_days",
        "response",
        "state",
        "wanted_in_days",
    },
}


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


@dataclass(frozen=True)
class DemoRecord:
    """A facility or a piece of equipment: the fields of its form, and how old its word is."""

    values: Mapping[str, Any]
    confirmed_days_ago: int
    equipment: Sequence["DemoRecord"] = ()


@dataclass(frozen=True)
class DemoResponse:
    """What an organization (by key) answered, and what became of it."""

    organization: str
    message: str
    state: str
    reason: str


@dataclass(frozen=True)
class DemoRequest:
    """A request: the fields of its form, where it stands in its workflow, and its responses."""

    values: Mapping[str, Any]
    state: str
    confirmed_days_ago: int
    responses: Sequence[DemoResponse]


@dataclass(frozen=True)
class DemoOrganization:
    """An organization with all it has. owner: name and address of its owner, or None."""

    key: str
    region: str
    values: Mapping[str, Any]
    confirmed_days_ago: int
    owner: tuple[str, str] | None
    facilities: Sequence[DemoRecord]
    equipment: Sequence[DemoRecord]
    requests: Sequence[DemoRequest]

    @property
    def is_verified(self) -> bool:
        """Whether the region's broker has vouched for it: those long here, or audited."""
        return self.owner is not None and (
            self.values["kind"] != "sme" or bool(self.values.get("certifications"))
        )

    @property
    def record_count(self) -> int:
        within = sum(1 + len(facility.equipment) for facility in self.facilities)
        return 1 + within + len(self.equipment) + len(self.requests)


@dataclass(frozen=True)
class DemoAccess:
    """What somebody (by address) asked a host (by key) for, and the host's grant of it, if any.

    needed: whether the machine's booking rules ask for it.
    """

    kind: str
    host: str
    person: str
    equipment: str
    message: str
    evidence: str = ""
    granted_days_ago: int | None = None
    expires_in_days: int | None = None
    lapses_after_days: int | None = None
    needed: bool = False


@dataclass(frozen=True)
class DemoStory:
    """What became of an accepted response; data/stories.toml says the fields."""

    organization: str
    request: str
    partner: str
    messages: Sequence[tuple[str, str]]
    introduction: Mapping[str, Any]
    agreement: Mapping[str, Any]


@dataclass(frozen=True)
class DemoBooking:
    """What somebody (by address) booked of a host (by key); data/bookings.toml says the fields."""

    host: str
    equipment: str
    person: str
    in_workdays: int
    starts: str
    ends: str
    purpose: str
    decision: str = ""
    weeks: int = 1


@dataclass(frozen=True)
class DemoSection:
    """When a section of a program begins (days from today), meets, and how often.

    is_over: it was held, so many days ago.
    """

    in_days: int
    weekdays: tuple[int, ...]
    starts: int
    ends: int
    weeks: int
    is_over: bool

    @property
    def count(self) -> int:
        """How often it meets."""
        return self.weeks * len(self.weekdays)


@dataclass(frozen=True)
class DemoProgram:
    """What an organization (by key) teaches: the fields of its form, and its sections.

    credential: a key, or the name of one that the provider issues itself (is_own).
    """

    provider: str
    values: Mapping[str, Any]
    credential: str
    is_own: bool
    place: str
    seats: int
    prices: Mapping[str, int]
    sections: Sequence[DemoSection]


@dataclass(frozen=True)
class DemoEnrollment:
    """Who takes part in a section; data/enrollments.toml says the fields."""

    provider: str
    program: str
    section: int
    people: Sequence[str]
    by: str = ""
    accepted: Sequence[str] = ()
    passed: Sequence[str] = ()
    failed: Sequence[str] = ()


@dataclass(frozen=True)
class DemoRecognition:
    """A credential (by key, or by the name of one that somebody issues) that a host recognizes."""

    host: str
    credential: str
    capability: str = ""


@dataclass(frozen=True)
class DemoDemand:
    """How many people with a skill (by key) an organization needs, and by when."""

    skill: str
    people: int
    in_days: int
    wages: tuple[int, int] | None
    occupation: str
    is_cofunding: bool
    hosts_apprentices: bool


def parse_demand(text: str) -> DemoDemand:
    """Return "cnc-mill-operation x2 in 120 $24-31 51-4041 co-funds apprentices"."""
    found = _DEMAND.fullmatch(text)
    if found is None:
        raise ValueError(f"no demand: {text}")
    return DemoDemand(
        skill=found[1],
        people=int(found[2]),
        in_days=int(found[3]),
        wages=(int(found[4]) * 100, int(found[5]) * 100) if found[4] else None,
        occupation=found[6] or "",
        is_cofunding="co-funds" in found[7],
        hosts_apprentices="apprentices" in found[7],
    )


def parse_program(raw: Mapping[str, Any]) -> DemoProgram:
    """Return one `[[program]]`; hours, weeks and dollars get the names of the form."""
    values = {name: value for name, value in raw.items() if name not in _PROGRAM_EXTRAS}
    values["duration_hours"], values["duration_weeks"] = raw["hours"], raw["weeks"]
    values["cost_cents"] = raw["cost"] * 100
    values["visibility"] = "public"
    values["wage_schedule"] = [
        {"period": period, "wage_cents": round(wage * 100)}
        for period, wage in raw.get("wage_schedule", ())
    ]
    credential = raw.get("credential", "")
    return DemoProgram(
        provider=raw["provider"],
        values=values,
        credential=credential.removeprefix("own: "),
        is_own=credential.startswith("own: "),
        place=raw.get("place", ""),
        seats=raw["seats"],
        prices=raw.get("prices", {}),
        sections=[parse_section(text) for text in raw["sections"]],
    )


def parse_section(text: str) -> DemoSection:
    """Return "12 Mon,Wed 17:30-21:30 x12", or "-60 Sat 08:00-13:00 x2 done"."""
    found = _SECTION.fullmatch(text)
    if found is None:
        raise ValueError(f"no section: {text}")
    return DemoSection(
        in_days=int(found[1]),
        weekdays=tuple(_DAYS.index(day) for day in found[2].split(",")),
        starts=_minutes(found[3]),
        ends=_minutes(found[4]),
        weeks=int(found[5]),
        is_over=found[6] is not None,
    )


def first_day(section: DemoSection, day: dt.date) -> dt.date:
    """Return the first day on which a section meets, counted from a day."""
    first = day + dt.timedelta(days=section.in_days)
    return first + dt.timedelta(
        days=min((weekday - first.weekday()) % 7 for weekday in section.weekdays)
    )


def _minutes(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


def workday_after(day: dt.date, count: int) -> dt.date:
    """Return the how manyth Monday to Friday after a day."""
    while count:
        day += dt.timedelta(days=1)
        count -= day.weekday() < 5
    return day


def parse_cast(raw: Mapping[str, Any]) -> DemoCast:
    """Return the people of `people.toml`."""
    return DemoCast(
        raw["password"],
        raw["time_zones"],
        [DemoPerson(**person) for person in raw["person"]],
        [DemoNewcomer(**newcomer) for newcomer in raw["newcomer"]],
        raw["owners"],
    )


def parse_organization(
    raw: Mapping[str, Any], region: str, cast: DemoCast, day: dt.date
) -> DemoOrganization:
    """Return one `[[organization]]`, with dates counted from the day."""
    confirmed = raw["confirmed_days_ago"]
    values = _values(raw, "organization")
    values["certifications"] = [
        parse_certification(text, day) for text in raw.get("certifications", ())
    ]
    values["contacts"] = [parse_contact(text) for text in raw.get("contacts", ())]
    values.setdefault("website", f"https://www.{raw['email'].partition('@')[2]}")
    owner = _owner(raw, cast, values) if raw.get("claimed", True) else None
    return DemoOrganization(
        key=raw["key"],
        region=region,
        values=values,
        confirmed_days_ago=confirmed,
        owner=owner,
        facilities=[_parse_facility(item, raw, confirmed) for item in raw.get("facility", ())],
        equipment=[
            _parse_equipment(item, raw, confirmed, has_facility=False)
            for item in raw.get("equipment", ())
        ],
        requests=[_parse_request(item, raw, confirmed, day) for item in raw.get("request", ())],
    )


def _owner(raw: Mapping[str, Any], cast: DemoCast, values: Mapping[str, Any]) -> tuple[str, str]:
    for person in cast.people:
        if person.organization == raw["key"] and person.role == "owner":
            return person.name, person.email
    name = cast.owners.get(raw["key"])
    if name is not None:
        first = re.sub(r"^(Dr|Prof)\. ", "", name).split()[0].lower()
        plain = unicodedata.normalize("NFKD", first).encode("ascii", "ignore").decode()
        return name, f"{plain}@{raw['email'].partition('@')[2]}"
    if values["contacts"]:
        return values["contacts"][0]["name"], values["contacts"][0]["email"]
    facility = raw["facility"][0]
    return facility["contact_name"], facility["contact_email"]


def _parse_facility(raw: Mapping[str, Any], owner: Mapping[str, Any], confirmed: int) -> DemoRecord:
    values = _values(raw, "facility")
    values["opening_hours"] = parse_hours(raw.get("opening_hours", ""))
    values.setdefault("visibility", "public")
    for name in ("street", "zip_code"):
        values.setdefault(name, owner[name])
    confirmed = raw.get("confirmed_days_ago", confirmed)
    equipment = [
        _parse_equipment(item, owner, confirmed, has_facility=True)
        for item in raw.get("equipment", ())
    ]
    return DemoRecord(values, confirmed, equipment)


def _parse_equipment(
    raw: Mapping[str, Any], owner: Mapping[str, Any], confirmed: int, *, has_facility: bool
) -> DemoRecord:
    values = _values(raw, "equipment")
    values["specifications"] = [parse_specification(text) for text in raw.get("specifications", ())]
    values["rates"] = [parse_rate(text) for text in raw.get("rates", ())]
    values.setdefault("visibility", "public")
    if not has_facility:
        for name in ("street", "zip_code"):
            values.setdefault(name, owner[name])
    return DemoRecord(values, raw.get("confirmed_days_ago", confirmed))


def _parse_request(
    raw: Mapping[str, Any], owner: Mapping[str, Any], confirmed: int, day: dt.date
) -> DemoRequest:
    values = _values(raw, "request")
    values.setdefault("visibility", "public")
    values.setdefault("zip_code", owner["zip_code"])
    for name, short in _COUNTED_DAYS.items():
        if short in raw:
            values[name] = day + dt.timedelta(days=raw[short])
    if "budget" in raw:
        values["budget_cents"] = raw["budget"] * 100
    responses = [
        DemoResponse(
            item["from"], item["message"], item.get("state", "sent"), item.get("reason", "")
        )
        for item in raw.get("response", ())
    ]
    return DemoRequest(
        values,
        raw.get("state", "published"),
        raw.get("confirmed_days_ago", confirmed),
        responses,
    )


def _values(raw: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {
        name: value.strip() if isinstance(value, str) else value
        for name, value in raw.items()
        if name not in _EXTRAS[kind]
    }


def moved_apart(key: str, latitude: float, longitude: float) -> tuple[float, float]:
    """Return a point near that of a ZIP code, so that neighbors do not cover each other.

    Always the same for the same key: at most three quarters of a mile away.
    """
    digest = hashlib.sha256(key.encode()).digest()
    angle, miles = digest[0] / 256 * math.tau, 0.15 + digest[1] / 256 * 0.6
    north = miles / _MILES_PER_DEGREE * math.sin(angle)
    east = miles / (_MILES_PER_DEGREE * math.cos(math.radians(latitude))) * math.cos(angle)
    return round(latitude + north, 5), round(longitude + east, 5)


def days_before(name: str) -> tuple[int, int]:
    """Return how many days before its confirmation a record was changed, and before that made.

    Always the same for the same name, so that what one owner has is not all of one day.
    """
    digest = hashlib.sha256(name.encode()).digest()
    return digest[2] % 12, digest[3]


def parse_certification(text: str, day: dt.date) -> dict[str, Any]:
    """Return "ISO 9001 +310" as a name and the day on which it expires (None: never)."""
    found = _CERTIFICATION.fullmatch(text)
    if found is None:
        raise ValueError(f"no certification: {text}")
    expires_on = day + dt.timedelta(days=int(found[2])) if found[2] else None
    return {"name": found[1], "expires_on": expires_on}


def parse_contact(text: str) -> dict[str, str]:
    """Return "Name | role | e-mail | phone" as a row; what is left out is empty."""
    return dict(zip(("name", "role", "email", "phone"), _columns(text, 4), strict=True))


def parse_specification(text: str) -> dict[str, str]:
    """Return "X travel | 50 | in" as a row; the unit may be left out."""
    return dict(zip(("name", "value", "unit"), _columns(text, 3), strict=True))


def parse_rate(text: str) -> dict[str, Any]:
    """Return "member_sme 78/hour" as a row in cents."""
    found = _RATE.fullmatch(text)
    if found is None:
        raise ValueError(f"no rate: {text}")
    return {
        "customer_class": found[1],
        "price_cents": round(float(found[2]) * 100),
        "unit": found[3],
    }


def parse_hours(text: str) -> list[dict[str, Any]]:
    """Return "Mon-Thu 08:00-20:00, Fri 08:00-17:00" as one row per day and span."""
    rows = []
    for part in filter(None, text.split(", ")):
        found = _SPAN.fullmatch(part)
        if found is None:
            raise ValueError(f"no opening hours: {part}")
        first = _DAYS.index(found[1])
        last = _DAYS.index(found[2] or found[1])
        rows += [
            {"weekday": weekday, "opens": found[3], "closes": found[4]}
            for weekday in range(first, last + 1)
        ]
    return rows


def _columns(text: str, most: int) -> list[str]:
    columns = [column.strip() for column in text.split(" | ")]
    if len(columns) > most:
        raise ValueError(f"too many columns: {text}")
    return [*columns, *[""] * (most - len(columns))]


# Synthetic records, for load tests


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
