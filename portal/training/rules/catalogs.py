"""Catalogs: the columns of tables of programs and sections, and linked data read into the former.

Linked data is schema.org (Course, EducationalOccupationalProgram) or CTDL, as JSON-LD; only what a
program has a field for is read. Pure functions; nothing here reads the database.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

#: What a table of programs has, in the order of an export.
COLUMNS = (
    "id",
    "title",
    "kind",
    "summary",
    "description",
    "skills",
    "credential",
    "delivery",
    "language",
    "duration_hours",
    "duration_weeks",
    "cost",
    "cost_note",
    "funding",
    "prerequisites",
    "eligibility",
    "outcomes",
    "accessibility",
    "sponsor",
    "occupation",
    "wage_schedule",
    "related_instruction",
    "website",
)
#: What a table of sections has, in the order of an export: the fields of their form. "program_id"
#: is the id of a table of programs; what stands under "program" is its title.
SECTION_COLUMNS = (
    "id",
    "program_id",
    "program",
    "name",
    "status",
    "date",
    "starts",
    "ends",
    "last_day",
    "frequency",
    "interval",
    "weekdays",
    "monthly",
    "until",
    "count",
    "except_dates",
    "facility",
    "place",
    "street",
    "city",
    "state",
    "zip_code",
    "online_url",
    "instructor",
    "seats",
    "min_seats",
    "enroll_until",
    "needs_approval",
    "notice_days",
    "prices",
    "notes",
)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ALIASES = {
    "name": "title",
    "course": "title",
    "program": "title",
    "identifier": "id",
    "ctid": "id",
    "type": "kind",
    "price": "cost",
    "tuition": "cost",
    "hours": "duration_hours",
    "weeks": "duration_weeks",
    "soc": "occupation",
    "soc_code": "occupation",
    "url": "website",
    "web_address": "website",
    "mode": "delivery",
}
_KINDS = {
    "course": "course",
    "courseinstance": "course",
    "educationaloccupationalprogram": "certificate",
    "workbasedprogram": "apprenticeship",
    "ceterms:course": "course",
    "ceterms:learningprogram": "certificate",
    "ceterms:learningopportunityprofile": "course",
    "ceterms:apprenticeshipcertificate": "apprenticeship",
}
_MODES = {"onsite": "in_person", "online": "online", "blended": "hybrid", "hybrid": "hybrid"}
_DURATION = re.compile(
    r"P(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?.*)?", re.ASCII
)
MOST_PROGRAMS = 5_000


def column_of(heading: str) -> str:
    """Return the column that a heading of a table probably means."""
    plain = re.sub(r"[\W_]+", "_", heading.casefold()).strip("_")
    return _ALIASES.get(plain, plain)


def section_column_of(heading: str) -> str:
    """Return the column of a table of sections that a heading means: case and blanks aside."""
    return re.sub(r"[\W_]+", "_", heading.casefold()).strip("_")


def read_weekdays(text: str) -> str:
    """Return "Mon; Wednesday" as forms take it: the days' numbers, from Monday."""
    found = []
    for piece in filter(None, re.split(r"[;,\s]+", text.casefold())):
        is_day = piece[:3] in _WEEKDAYS
        found.append(str(_WEEKDAYS.index(piece[:3])) if is_day else piece)
    return "; ".join(found)


def write_weekdays(days: Iterable[int]) -> str:
    """Return the numbers of weekdays as a table has them."""
    return "; ".join(_WEEKDAYS[day].title() for day in sorted(days))


def read_prices(text: str) -> list[dict[str, str]]:
    """Return the prices of "Member SME | 150; other | 200", as a form takes them."""
    found = []
    for piece in text.split(";"):
        name, _bar, price = piece.rpartition("|")
        if piece.strip():
            found.append({"customer_class": choice_of(name), "price_cents": price.strip()})
    return found


def choice_of(text: str) -> str:
    """Return a text as the fixed words are written: "On the job" as "on_the_job"."""
    return re.sub(r"[\s_]+", "_", text.strip().casefold())


def read_wages(text: str) -> list[dict[str, str]]:
    """Return the steps of "First 1,000 hours | 16.50; Then | 18", as a form takes them."""
    found = []
    for piece in text.split(";"):
        period, _bar, wage = piece.rpartition("|")
        if piece.strip():
            found.append({"period": period.strip(), "wage_cents": wage.strip()})
    return found


def is_linked_data(data: bytes) -> bool:
    """Tell whether a file is JSON rather than a table."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def read_linked_data(data: bytes) -> list[dict[str, str]]:
    """Return the programs of a JSON-LD file as texts by column. Raises ValueError for no such file.

    A program without a name is left to the form, which refuses it.
    """
    try:
        found = [_texts(item) for item in _programs(json.loads(data.decode("utf-8-sig")))]
    except (ValueError, RecursionError) as error:
        raise ValueError("no JSON") from error
    if len(found) > MOST_PROGRAMS:
        raise ValueError("too many")
    return found


def _programs(given: Any) -> Iterator[Mapping[str, Any]]:
    items = given.get("@graph", [given]) if isinstance(given, dict) else given
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict) and _kind(item):
            yield item


def _kind(item: Mapping[str, Any]) -> str:
    types = item.get("@type")
    for name in types if isinstance(types, list) else [types]:
        known = _KINDS.get(str(name).casefold().removeprefix("schema:"))
        if known:
            return known
    return ""


def _texts(item: Mapping[str, Any]) -> dict[str, str]:
    def pick(*names: str) -> str:
        return next((text for name in names if (text := _text(item.get(name)))), "")

    hours, weeks = (
        _duration(pick("timeRequired")),
        _duration(pick("timeToComplete", "ceterms:estimatedDuration")),
    )
    own_kind = _text(item.get("commons:kind"))
    modes = _MODES.get(pick("educationalProgramMode", "courseMode").casefold(), "")
    texts = {
        "id": pick("identifier", "ceterms:ctid", "@id"),
        "title": pick("name", "ceterms:name"),
        "kind": own_kind or _kind(item),
        "summary": pick("abstract") or pick("description", "ceterms:description")[:280],
        "description": pick("description", "ceterms:description"),
        "skills": "; ".join(_names(item.get("teaches"))),
        "credential": next(iter(_names(item.get("educationalCredentialAwarded"))), ""),
        "delivery": _text(item.get("commons:delivery")) or modes,
        "language": pick("inLanguage", "ceterms:inLanguage")[:2].casefold(),
        "duration_hours": hours[0],
        "duration_weeks": weeks[1] or hours[1],
        "cost": _price(item.get("offers") or item.get("ceterms:estimatedCost")),
        "prerequisites": pick("coursePrerequisites", "programPrerequisites"),
        "occupation": _code(item.get("occupationalCategory")),
        "eligibility": next(iter(_names(item.get("audience"))), ""),
        "website": pick("ceterms:subjectWebpage", "sameAs", "url"),
    }
    return {name: text for name, text in texts.items() if text}


def _text(value: Any) -> str:
    """Return a plain text: of a value, of its English or first wording, of the first of a list."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return next((text for one in value if (text := _text(one))), "")
    if isinstance(value, dict):
        for name in ("en-US", "en", "@value", "name", "ceterms:name", "value", "@id"):
            if text := _text(value.get(name)):
                return text
        return _text(value.get("ceterms:exactDuration"))
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _names(value: Any) -> list[str]:
    found = []
    for one in value if isinstance(value, list) else [value]:
        own = one.get("name") or one.get("ceterms:name") if isinstance(one, dict) else one
        if text := _text(own):
            found.append(text.replace(";", ","))
    return found


def _duration(text: str) -> tuple[str, str]:
    """Return hours and weeks of an ISO 8601 duration, each as a text or nothing."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return "", ""
    months, weeks, days, hours = (int(part or 0) for part in found.groups())
    whole = weeks + round(days / 7) + round(months * 52 / 12)
    return str(hours) if hours else "", str(whole) if whole else ""


def _price(value: Any) -> str:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            price = one.get("price", one.get("ceterms:price"))
            if text := _text(price):
                return text
    return ""


def _code(value: Any) -> str:
    for one in value if isinstance(value, list) else [value]:
        code = one.get("codeValue") if isinstance(one, dict) else one
        if found := re.search(r"\b\d\d-\d{4}\b", _text(code)):
            return found[0]
    return ""
