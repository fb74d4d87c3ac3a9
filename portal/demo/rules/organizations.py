"""The demo's organizations with what they have, as the files of its regions write them."""

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.demo.rules.people import DemoCast

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SPAN = re.compile(r"(\w{3})(?:-(\w{3}))? (\d\d:\d\d)-(\d\d:\d\d)")
_RATE = re.compile(r"(\w+) (\d+(?:\.\d\d)?)/(\w+)")
_CERTIFICATION = re.compile(r"(.+?)(?: ([+-]\d+))?")
_COUNTED_DAYS = {
    "wanted_by": "wanted_in_days",
    "expires_on": "expires_in_days",
    "call_deadline": "call_deadline_in_days",
}
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
        first = WEEKDAYS.index(found[1])
        last = WEEKDAYS.index(found[2] or found[1])
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
