"""Words and rules of imports and exports: formats, columns, countries, repeats, the run's workflow.

Pure functions from a row's texts to what the forms take; nothing here reads the database.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from babel import Locale
from babel.core import get_global
from flask_babel import format_date
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.bookings.rules.attempt import Span
from portal.intake.events import ImportFinished
from portal.kernel.workflow import Transition, Workflow
from portal.organizations.rules import match_key
from portal.regions.rules import name_key

BATCH = 100
#: So many meetings, each with its room, are about as much as such a batch.
MOST_MEETINGS_AT_ONCE = 400
#: So many meetings of a file are compared with each other before any is written.
MOST_MEETINGS_FORESEEN = 50_000
MOST_FINDINGS = 5000
SHOWN_FINDINGS = 200
SAMPLE = 10
KEPT_DAYS = 30

FORMATS: Mapping[str, Any] = {
    "csv": _l("A list with the columns name, address and country"),
    "ipeds": _l("The directory file (HD) of IPEDS"),
    "uniquip": _l("UNIQUIP"),
    "programs": _l("Programs of training"),
    "sections": _l("Sections of training"),
}

#: What becomes of a row, in the order in which a report tells it.
OUTCOMES: Mapping[str, Any] = {
    "created": _l("Created"),
    "changed": _l("Changed"),
    "unchanged": _l("Unchanged"),
    "refused": _l("With a problem, left out"),
    "doubtful": _l("Probably here already, left out"),
    "repeated": _l("Repeats of an earlier row"),
    "skipped": _l("Closed or administrative, left out"),
}

#: The columns of UNIQUIP, the catalog format of shared research equipment.
UNIQUIP: tuple[str, ...] = (
    "Type",
    "Name",
    "Description",
    "Related Facility ID",
    "Technique",
    "Location",
    "Contact Name",
    "Contact Telephone",
    "Contact URL",
    "Contact Email",
    "Secondary Contact Name",
    "Secondary Contact Telephone",
    "Secondary Contact URL",
    "Secondary Contact Email",
    "ID",
    "Photo",
    "Department",
    "Site Location",
    "Building",
    "Service Level",
    "Web Address",
)

#: The field for a column of UNIQUIP, by kind of record; every other column is kept as it is.
UNIQUIP_FIELDS: Mapping[str, Mapping[str, str]] = {
    "facility": {
        "Name": "name",
        "Description": "description",
        "Contact Name": "contact_name",
        "Contact Telephone": "contact_phone",
        "Contact Email": "contact_email",
    },
    "equipment": {
        "Name": "name",
        "Description": "description",
        "Technique": "technique",
        "Service Level": "service_level",
    },
}

#: The fields of equipment that lists of machines have columns for, and UNIQUIP has not.
MACHINE_FIELDS: tuple[str, ...] = (
    "make",
    "model",
    "serial_number",
    "year",
    "capabilities",
    "hourly_rate",
)

#: What lists of machines call the columns of UNIQUIP and these fields, without signs.
_MACHINE_COLUMNS: Mapping[str, str] = {
    "asset": "Name",
    "asset_name": "Name",
    "equipment": "Name",
    "equipment_name": "Name",
    "instrument": "Name",
    "machine": "Name",
    "machine_name": "Name",
    "asset_id": "ID",
    "asset_number": "ID",
    "asset_tag": "ID",
    "equipment_id": "ID",
    "inventory_number": "ID",
    "contact": "Contact Name",
    "e_mail": "Contact Email",
    "email": "Contact Email",
    "phone": "Contact Telephone",
    "telephone": "Contact Telephone",
    "room": "Location",
    "brand": "make",
    "maker": "make",
    "manufacturer": "make",
    "model_number": "model",
    "serial": "serial_number",
    "serial_no": "serial_number",
    "s_n": "serial_number",
    "year_built": "year",
    "capability": "capabilities",
    "process": "capabilities",
    "processes": "capabilities",
    **dict.fromkeys(
        (
            "cost_per_hour",
            "hour_rate",
            "hourly_price",
            "precio_por_hora",
            "price_per_hour",
            "rate_h",
            "rate_hour",
            "rate_hr",
            "rate_per_hour",
            "tarifa_por_hora",
            "usd_per_hour",
        ),
        "hourly_rate",
    ),
}

_PER_HOUR = re.compile(r"\s*(?:/|per|por)\s*(?:an\s+)?(?:h|hr|hour|hora)\.?$", re.IGNORECASE)

#: The columns of an empty list of machines: all that are known. Without the column Type, nobody has
#: to write into each row that it is equipment.
MACHINE_COLUMNS: tuple[str, ...] = (
    "Name",
    *(name.replace("_", " ").capitalize() for name in MACHINE_FIELDS),
    *(column for column in UNIQUIP if column not in ("Name", "Type")),
)

#: Columns that name people, which only those who are signed in get to read.
PERSONAL: frozenset[str] = frozenset(
    f"{order}Contact {what}"
    for order in ("", "Secondary ")
    for what in ("Name", "Telephone", "Email")
)

_OWN_ID = re.compile(r"commons-(facility|equipment|program|section)-([0-9]{1,9})")


@dataclass(frozen=True)
class Finding:
    """Something to tell about a row; kind: "problem", "duplicate" or "note"."""

    line: int
    column: str
    message: str
    kind: str = "problem"


@dataclass(frozen=True)
class Candidate:
    """A row as it would be: checked values by field, or the problems that keep it out.

    columns: the file's name of the column for each field; namesake_line: an earlier row of the
    same name; related_id: of the facility that equipment stands in, or of a section's program.
    """

    line: int
    kind: str
    title: str
    detail: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    country: str = "US"
    external_id: str = ""
    related_id: str = ""
    namesake_line: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def is_good(self) -> bool:
        return not any(finding.kind == "problem" for finding in self.findings)


@dataclass(frozen=True)
class Reading:
    """A whole file, read and checked without the database.

    foreseen: what the import itself will find, and the check, which undoes its batches, cannot.
    """

    candidates: list[Candidate]
    findings: list[Finding] = field(default_factory=list)
    foreseen: tuple[Finding, ...] = ()
    repeated: int = 0
    skipped: int = 0


@dataclass
class Tally:
    """What became of rows: a number for each of `OUTCOMES`, and what there is to tell."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Take another tally's numbers and findings in."""
        for name, number in other.counts.items():
            self.counts[name] += number
        self.findings += other.findings


# Batches


def next_batch(candidates: Sequence[Candidate], position: int) -> Sequence[Candidate]:
    """Return those that one transaction writes: one at least, and no more than others can await."""
    meetings = 0
    batch = candidates[position : position + BATCH]
    for place, candidate in enumerate(batch):
        meetings += len(_meetings_of(candidate))
        if place and meetings > MOST_MEETINGS_AT_ONCE:
            return batch[:place]
    return batch


def find_rooms_wanted_twice(candidates: Sequence[Candidate]) -> list[Finding]:
    """Return a note for each section whose room is wanted at its times by an earlier batch."""
    taken: dict[str, list[Span]] = {}
    found: list[Finding] = []
    position = looked_at = 0
    while position < len(candidates):
        batch = next_batch(candidates, position)
        position += len(batch)
        wanted: dict[str, list[Span]] = defaultdict(list)
        for candidate in batch:
            room = str(candidate.values.get("facility") or "").casefold()
            spans = _meetings_of(candidate) if room and candidate.is_good else []
            looked_at += len(spans)
            column = candidate.columns.get("facility_id", "")
            if looked_at > MOST_MEETINGS_FORESEEN:
                message = _("From here on, the check does not compare the rooms of rows.")
                return [*found, Finding(candidate.line, column, message, "note")]
            wanted[room] += spans
            clash = next((span for span in spans if _is_taken(taken.get(room, []), span)), None)
            if clash is not None:
                message = _(
                    "An earlier row wants the same room on %(day)s. Unless it holds both, this row "
                    "will be left out.",
                    day=format_date(clash.starts_at.date()),
                )
                found.append(Finding(candidate.line, column, message, "note"))
        for room, spans in wanted.items():
            taken[room] = _merged([*taken.get(room, []), *spans])
    return found


def _meetings_of(candidate: Candidate) -> list[Span]:
    # Which zone it is does not matter: a room has one.
    schedule = candidate.values.get("schedule")
    return schedule.spans("UTC") if schedule is not None else []


def _is_taken(taken: Sequence[Span], span: Span) -> bool:
    """Tell whether a span overlaps one of these, which are apart and in order."""
    place = bisect_left(taken, span.ends_at, key=lambda one: one.starts_at)
    return place > 0 and taken[place - 1].ends_at > span.starts_at


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Return what spans cover together: apart, and in order."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda one: one.starts_at):
        if merged and span.starts_at <= merged[-1].ends_at:
            ends_at = max(merged[-1].ends_at, span.ends_at)
            merged[-1] = Span(merged[-1].starts_at, ends_at)
        else:
            merged.append(span)
    return merged


# Countries

_MORE_COUNTRIES = {
    "america": "US",
    "united states of america": "US",
    "england": "GB",
    "great britain": "GB",
    "scotland": "GB",
    "uk": "GB",
    "wales": "GB",
    "holland": "NL",
    "the netherlands": "NL",
    "korea": "KR",
    "republic of korea": "KR",
    "korea republic of": "KR",
    "pr china": "CN",
    "prc": "CN",
    "p r china": "CN",
    "peoples republic of china": "CN",
    "mainland china": "CN",
    "hong kong": "HK",
    "macau": "MO",
    "macao": "MO",
    "taiwan roc": "TW",
    "turkey": "TR",
    "viet nam": "VN",
    "russian federation": "RU",
    "czech republic": "CZ",
    "ivory coast": "CI",
    "burma": "MM",
    "uae": "AE",
}


@cache
def _countries() -> Mapping[str, str]:
    """Return codes by every spelling: ISO 3166 codes of two and three letters, names."""
    known = {}
    for language in ("zh", "ja", "ko", "de", "pt", "fr", "es", "en"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in ("EU", "EZ", "UN", "QO", "ZZ"):
                known[_country_key(name)] = code
                known[code.casefold()] = code
    for alias, codes in get_global("territory_aliases").items():
        if len(alias) == 3 and alias.isalpha() and len(codes) == 1:
            known.setdefault(alias.casefold(), codes[0])
    return {**known, **_MORE_COUNTRIES}


def _country_key(text: str) -> str:
    return " ".join(re.sub(r"[.,()'’&]", " ", name_key(text)).split())


def country_code(text: str) -> str | None:
    """Return the two letters of a country in any usual spelling, or None."""
    return _countries().get(_country_key(text))


# Lists of organizations

_COLUMN_NAMES = {
    "company": "name",
    "company_name": "name",
    "facility": "name",
    "facility_name": "name",
    "organisation": "name",
    "organization": "name",
    "organization_name": "name",
    "alias": "other_names",
    "aliases": "other_names",
    "country_code": "country",
    "country_name": "country",
    "county": "county_fips",
    "fips": "county_fips",
    "e_mail": "email",
    "employees": "employee_band",
    "industry": "naics_codes",
    "lat": "latitude",
    "lng": "longitude",
    "lon": "longitude",
    "long": "longitude",
    "naics": "naics_codes",
    "postal_code": "zip_code",
    "postcode": "zip_code",
    "telephone": "phone",
    "town": "city",
    "url": "website",
    "web": "website",
    "web_address": "website",
    "zip": "zip_code",
}

_US_ADDRESS = re.compile(
    r"(?P<street>.+?),\s*(?P<city>[^,]+),\s*(?P<state>[A-Za-z]{2})\.?,?\s+(?P<zip_code>\d{5}(?:-\d{4})?)"
    r"(?:,?\s*(?:USA?|United States(?: of America)?))?",
    re.IGNORECASE,
)


def column_field(column: str) -> str:
    """Return the field that a column of a list probably means."""
    plain = re.sub(r"[\W_]+", "_", column.casefold()).strip("_")
    return _COLUMN_NAMES.get(plain, plain)


def place_texts(texts: Mapping[str, str], country: str) -> dict[str, str]:
    """Return the texts with the address taken apart, as far as it says so itself."""
    found = {name: text for name, text in texts.items() if name not in ("address", "country")}
    address = " ".join(texts.get("address", "").split())
    if country == "US":
        whole = _US_ADDRESS.fullmatch(address)
        parts = whole.groupdict() if whole else {"street": address}
        for name, text in parts.items():
            found[name] = found.get(name) or text
        if re.fullmatch(r"\d{4}", found.get("zip_code", "")):
            # Spreadsheets take leading zeros away.
            found["zip_code"] = "0" + found["zip_code"]
        return found
    found["street"] = found.get("street") or address
    if len(found.get("state", "")) > 2:
        # There is no column for the provinces of other countries.
        found["street"] = ", ".join(text for text in (found["street"], found["state"]) if text)
        found["state"] = ""
    return found


def repeat_key(texts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return what exact repeats of a row share, whatever their case and spaces."""
    return tuple(
        sorted((name, " ".join(text.casefold().split())) for name, text in texts.items() if text)
    )


def namesake_key(name: str, country: str) -> tuple[str, str]:
    """Return what rows share that are probably the same organization."""
    return match_key(name), country


# IPEDS

#: SECTOR: control and level. Private two-year colleges stand with the community colleges, which
#: they resemble in what they teach; schools of less than two years have no kind of their own.
_KIND_BY_SECTOR = {
    "1": "university",
    "2": "university",
    "3": "university",
    "4": "community_college",
    "5": "community_college",
    "6": "community_college",
}

#: States in free association: countries with U.S. postal addresses.
_ASSOCIATED = ("FM", "MH", "PW")

IPEDS_COLUMNS: Mapping[str, str] = {
    "ipeds_id": "UNITID",
    "name": "INSTNM",
    "other_names": "IALIAS",
    "kind": "SECTOR",
    "street": "ADDR",
    "city": "CITY",
    "state": "STABBR",
    "zip_code": "ZIP",
    "county_fips": "COUNTYCD",
    "latitude": "LATITUDE",
    "longitude": "LONGITUD",
    "phone": "GENTELE",
    "website": "WEBADDR",
}

IPEDS_NEEDED = ("UNITID", "INSTNM", "SECTOR", "STABBR", "COUNTYCD")


def ipeds_is_left_out(row: Mapping[str, str]) -> bool:
    """Tell whether a row is an administrative unit or an institution that closed."""
    return (
        row["SECTOR"] == "0"
        or row.get("CYACTIVE", "1") != "1"
        or bool(_given(row.get("DEATHYR", "")))
    )


def ipeds_texts(row: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Return the texts of a row by field, and the country. No person's name is among them."""
    texts = {name: _given(row.get(column, "")) for name, column in IPEDS_COLUMNS.items()}
    country = texts["state"] if texts["state"] in _ASSOCIATED else "US"
    texts["kind"] = _KIND_BY_SECTOR.get(texts["kind"], "other_intermediary")
    texts["other_names"] = "; ".join(_aliases(texts["other_names"]))
    texts["county_fips"] = texts["county_fips"].zfill(5) if texts["county_fips"] else ""
    texts["phone"] = _phone(texts["phone"])
    # One chain writes a campus's name with spaces behind a number sign.
    texts["website"] = texts["website"].partition("#")[0].rstrip("/")
    return texts, country


def _given(text: str) -> str:
    """Return a text; the file writes "not applicable" and "not reported" as -2 and -1."""
    text = text.strip()
    return "" if text in ("-1", "-2", "-3") else text


def _aliases(text: str) -> list[str]:
    pieces = re.split(r"[|;]|\s{2,}", text)
    names = dict.fromkeys(piece.strip(" ,") for piece in pieces)
    return [name for name in names if 0 < len(name) <= 200][:10]


def _phone(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    if len(digits) < 10:
        return ""
    extension = f" x{digits[10:]}" if len(digits) > 10 else ""
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:10]}{extension}"


# UNIQUIP


def catalog_columns(columns: Iterable[str]) -> dict[str, str]:
    """Return the file's column for each of UNIQUIP's and each of `MACHINE_FIELDS` that it has.

    A column's own name goes before one that probably means the same.
    """
    exact = {name.casefold(): name for name in UNIQUIP} | {name: name for name in MACHINE_FIELDS}
    found: dict[str, str] = {}
    for names in (exact, _MACHINE_COLUMNS):
        for column in columns:
            plain = re.sub(r"[\W_]+", "_", column.casefold()).strip("_")
            name = names.get(column.casefold()) or names.get(plain)
            if name and name not in found and column not in found.values():
                found[name] = column
    return found


def hourly_text(text: str) -> str:
    """Return "$85" for "$85 per hour": the column says that already."""
    return _PER_HOUR.sub("", text)


def uniquip_name(texts: Mapping[str, str]) -> str:
    """Return a record's name: its own, or the beginning of its description."""
    if texts["Name"]:
        return texts["Name"]
    first = next(iter(texts["Description"].splitlines()), "").strip()
    return first if len(first) <= 120 else f"{first[:119].rsplit(' ', 1)[0]}…"


def uniquip_kept(
    texts: Mapping[str, str], kind: str, values: Mapping[str, Any], external_id: str
) -> dict[str, Any]:
    """Return what a record keeps of its row, so that an export can give back every cell.

    "uniquip" has the columns that have no field here; "uniquip_as_given" has those whose text
    became another value, as [text, value], which holds until somebody changes the value.
    """
    fields = UNIQUIP_FIELDS[kind]
    written = {column: str(values.get(name) or "") for column, name in fields.items()}
    written |= {"Type": kind, "ID": external_id}
    if kind == "equipment":
        written["Related Facility ID"] = texts["Related Facility ID"]
    return {
        "uniquip": {column: texts[column] for column in UNIQUIP if column not in written},
        "uniquip_as_given": {
            column: [texts[column], value]
            for column, value in written.items()
            if texts[column] != value
        },
    }


def uniquip_cells(written: Mapping[str, str], kept: Mapping[str, Any]) -> list[str]:
    """Return a record's row: as it was imported where that still holds, else as it is written."""
    given, as_given = kept.get("uniquip", {}), kept.get("uniquip_as_given", {})
    cells = []
    for column in UNIQUIP:
        text = given.get(column, written.get(column, ""))
        before = as_given.get(column)
        cells.append(str(before[0] if before and before[1] == text else text))
    return cells


def without_people(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a record keeps of its row but for the columns that name people."""
    return {
        name: {column: value for column, value in cells.items() if column not in PERSONAL}
        for name, cells in kept.items()
    }


def own_id(kind: str, number: int) -> str:
    """Return the ID under which a record that was made here leaves in an export."""
    return f"commons-{kind}-{number}"


def own_number(kind: str, external_id: str) -> int | None:
    """Return the number of a record in an ID of ours, or None for any other ID."""
    found = _OWN_ID.fullmatch(external_id)
    return int(found[2]) if found and found[1] == kind else None


def missing_columns(columns: Iterable[str], needed: Iterable[str]) -> str:
    """Return what to say of columns that a file should have, or nothing."""
    missing = [name for name in needed if name not in set(columns)]
    if not missing:
        return ""
    return _("This file lacks the column %(names)s.", names=", ".join(missing))


# The run

IMPORTS = Workflow(
    "import_run",
    {
        "checking": _l("being checked"),
        "checked": _l("ready to be imported"),
        "importing": _l("being imported"),
        "done": _l("done"),
        "failed": _l("failed"),
        "cancelled": _l("cancelled"),
        "closed": _l("closed"),
    },
    (
        Transition(
            "start",
            ("checked",),
            "importing",
            "import.decide",
            _l("Import"),
            _l("The import has begun. You may leave this page."),
            is_main=True,
        ),
        Transition(
            "cancel",
            ("checking", "checked"),
            "cancelled",
            "import.decide",
            _l("Cancel"),
            _l("The import was cancelled. Nothing was written."),
        ),
        Transition(
            "close",
            ("done", "failed"),
            "closed",
            "import.decide",
            _l("Take off my desk"),
            _l("The report is still in the list of your imports."),
        ),
        Transition(
            "ready", ("checking",), "checked", "import.advance", _l("Ready"), _l("It is checked.")
        ),
        Transition(
            "finish",
            ("importing",),
            "done",
            "import.advance",
            _l("Finish"),
            _l("It is done."),
            event=lambda row, actor, note: ImportFinished(row.id),
        ),
        Transition(
            "fail",
            ("checking", "importing"),
            "failed",
            "import.advance",
            _l("Fail"),
            _l("It failed."),
            event=lambda row, actor, note: ImportFinished(row.id),
        ),
    ),
)
