"""How the fields of facilities and equipment are written, by hand and by imports.

Values have passed the forms; what needs other rows (places, capabilities) is checked here.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask_babel import gettext as _

from portal.facilities.events import EquipmentSaved, FacilitySaved
from portal.facilities.models import Equipment, EquipmentRate, Facility
from portal.facilities.rules import sort_hours
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.outbox import record
from portal.organizations.models import Organization
from portal.organizations.queries.resolving import complete_place, get_capabilities

R = TypeVar("R", Facility, Equipment)


PLACE = ("street", "city", "state", "zip_code", "county_fips", "latitude", "longitude")


_LISTED = ("name", "summary", "description", "visibility", "external_values")


FACILITY_FIELDS = (
    *_LISTED,
    "kind",
    "access_policy",
    "services",
    "safety_notes",
    "contact_name",
    "contact_email",
    "contact_phone",
)


EQUIPMENT_FIELDS = (
    *_LISTED,
    "make",
    "model",
    "serial_number",
    "year",
    "condition",
    "technique",
    "sharing_terms",
    "eligibility",
    "operator_provided",
    "training_needed",
    "service_level",
)


@dataclass(frozen=True)
class Imported(Generic[R]):
    """A row that an import met; outcome: "created", "changed" or "unchanged"."""

    record: R
    outcome: str


def check_active(organization: Organization) -> None:
    if organization.status != "active":
        raise Conflict(_("This organization is archived."))


def set_facility(facility: Facility, values: Mapping[str, Any]) -> bool:
    """Write the given fields; return whether any of them changed."""
    _check_names(values, (*FACILITY_FIELDS, *PLACE, "capabilities", "opening_hours"))
    changed = _set(facility, {name: values[name] for name in FACILITY_FIELDS if name in values})
    changed |= _set(facility, _place_values(facility, values))
    if "opening_hours" in values:
        changed |= _set(facility, {"opening_hours": sort_hours(values["opening_hours"])})
    if "capabilities" in values:
        changed |= _set_capabilities(facility, values["capabilities"])
    return changed


def set_equipment(equipment: Equipment, values: Mapping[str, Any]) -> bool:
    """Write the given fields; return whether any of them changed.

    hour_cents: the price of an hour for others, beside whatever other prices there are.
    """
    of_parts = ("facility_id", "capabilities", "specifications", "rates", "hour_cents")
    _check_names(values, (*EQUIPMENT_FIELDS, *PLACE, *of_parts))
    changed = _set(equipment, {name: values[name] for name in EQUIPMENT_FIELDS if name in values})
    if "specifications" in values:
        rows = [
            {"name": row["name"], "value": row["value"], "unit": row.get("unit", "")}
            for row in values["specifications"]
        ]
        changed |= _set(equipment, {"specifications": rows})
    if "capabilities" in values:
        changed |= _set_capabilities(equipment, values["capabilities"])
    if "rates" in values:
        changed |= _set_rates(equipment, values["rates"])
    if "hour_cents" in values:
        kept = [rate_values(rate) for rate in equipment.rates if not is_hour_for_others(rate)]
        hour = {**_HOUR_FOR_OTHERS, "price_cents": values["hour_cents"]}
        changed |= _set_rates(equipment, [*kept, hour])
    # Last, since a query would flush the facility's list of equipment before there is a new row.
    if "facility_id" in values:
        changed |= _set_home(equipment, values["facility_id"])
    if equipment.facility_id is None:
        changed |= _set(equipment, _place_values(equipment, values))
    else:
        nowhere = dict.fromkeys(("street", "city", "state", "zip_code"), "")
        changed |= _set(
            equipment, {**nowhere, "county_fips": None, "latitude": None, "longitude": None}
        )
    return changed


def _check_names(values: Mapping[str, Any], known: Sequence[str]) -> None:
    unknown = set(values) - set(known)
    if unknown:
        raise TypeError(f"no such fields: {', '.join(sorted(unknown))}")


def _set(row: Facility | Equipment, values: Mapping[str, Any]) -> bool:
    changed = False
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
            changed = True
    return changed


def _set_home(equipment: Equipment, facility_id: int | None) -> bool:
    if facility_id == equipment.facility_id:
        return False
    facility = session.get(Facility, facility_id) if facility_id is not None else None
    if facility_id is not None and (
        facility is None or facility.organization_id != equipment.organization_id
    ):
        raise Invalid("facility_id", _("Please choose a facility of the same organization."))
    equipment.facility_id = facility_id
    equipment.facility = facility
    return True


def _set_capabilities(row: Facility | Equipment, names: Sequence[str]) -> bool:
    wanted = get_capabilities(names)
    if {item.key for item in wanted} == {item.key for item in row.capabilities}:
        return False
    row.capabilities = wanted
    return True


def _set_rates(equipment: Equipment, rates: Sequence[Mapping[str, Any]]) -> bool:
    wanted = {(rate["customer_class"], rate["unit"]): rate["price_cents"] for rate in rates}
    present = {(rate.customer_class, rate.unit): rate for rate in equipment.rates}
    if wanted == {key: rate.price_cents for key, rate in present.items()}:
        return False
    for key, rate in present.items():
        if key in wanted:
            rate.price_cents = wanted[key]
    equipment.rates = [rate for key, rate in present.items() if key in wanted] + [
        EquipmentRate(customer_class=key[0], unit=key[1], price_cents=cents)
        for key, cents in wanted.items()
        if key not in present
    ]
    return True


_HOUR_FOR_OTHERS = {"customer_class": "other", "unit": "hour"}


def is_hour_for_others(rate: EquipmentRate) -> bool:
    """Tell whether a rate is what an hour costs whoever is of no class of their own."""
    return all(getattr(rate, name) == value for name, value in _HOUR_FOR_OTHERS.items())


def rate_values(rate: EquipmentRate) -> dict[str, Any]:
    return {
        "customer_class": rate.customer_class,
        "unit": rate.unit,
        "price_cents": rate.price_cents,
    }


def _place_values(row: Facility | Equipment, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the place as given, completed from the ZIP code."""
    if not any(name in values for name in PLACE):
        return {}
    street = {"street": values["street"]} if "street" in values else {}
    return {**street, **complete_place(values, row)}


def confirm(actor: Actor, row: Facility | Equipment, moment: dt.datetime | None = None) -> None:
    """Whoever writes a record confirms it; a program that imports it cannot."""
    row.confirmed_at = moment if actor.is_system or moment else now()
    row.confirmed_by_id = actor.user_id


def touch(actor: Actor, row: Facility | Equipment) -> None:
    """Confirm a record, give it a new version, and say that it changed."""
    if not actor.is_system:
        confirm(actor, row)
    row.updated_at = now()
    if isinstance(row, Facility):
        record(FacilitySaved(row.id, row.organization_id))
    else:
        record(EquipmentSaved(row.id, row.organization_id))
