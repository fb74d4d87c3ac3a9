"""UNIQUIP: its columns, and what a record keeps of its row so that an export gives it back."""

from collections.abc import Mapping
from typing import Any

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

#: Columns that name people, which only those who are signed in get to read.
PERSONAL: frozenset[str] = frozenset(
    f"{order}Contact {what}"
    for order in ("", "Secondary ")
    for what in ("Name", "Telephone", "Email")
)


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
