"""Lists of machines: what they call the columns of UNIQUIP and those that it has not."""

import re
from collections.abc import Iterable, Mapping

from portal.intake.rules.uniquip import UNIQUIP

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

#: The columns of an empty list of machines: all that are known. Without the column Type, nobody has
#: to write into each row that it is equipment.
MACHINE_COLUMNS: tuple[str, ...] = (
    "Name",
    *(name.replace("_", " ").capitalize() for name in MACHINE_FIELDS),
    *(column for column in UNIQUIP if column not in ("Name", "Type")),
)

_PER_HOUR = re.compile(r"(?:/|per|por)\s*(?:an\s+)?(?:h|hr|hour|hora)\.?$", re.IGNORECASE)


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
    return _PER_HOUR.sub("", text).rstrip()
