"""Many synthetic records, for load tests."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert

from portal.demo.policies import Permission
from portal.demo.rules.synthetic import SyntheticOrganization
from portal.facilities.models import (
    Equipment,
    EquipmentRate,
    Facility,
    equipment_capability,
    facility_capability,
)
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.organizations.models import Organization, organization_capability, organization_naics
from portal.organizations.rules import match_key
from portal.partnerships.models import Request, request_capability


@command(Permission.DEMO_GENERATE)
def insert_synthetic(actor: Actor, *, batch: Sequence[SyntheticOrganization]) -> int:
    """Write a batch of synthetic organizations with all they have; return how many records.

    They bypass the domains' commands for speed and record no events: the index is to be rebuilt.
    """
    moment = now()
    ids = _insert(
        Organization,
        [
            _stamped({**item.values, "match_key": match_key(item.values["name"])}, moment)
            for item in batch
        ],
    )
    _link(
        organization_capability,
        "organization_id",
        "capability_key",
        ids,
        [item.capabilities for item in batch],
    )
    _link(
        organization_naics,
        "organization_id",
        "naics_code",
        ids,
        [item.naics_codes for item in batch],
    )
    count = len(ids)
    for model, kind, table, column in (
        (Facility, "facilities", facility_capability, "facility_id"),
        (Equipment, "equipment", equipment_capability, "equipment_id"),
        (Request, "requests", request_capability, "request_id"),
    ):
        records = [
            (organization_id, record)
            for organization_id, item in zip(ids, batch, strict=True)
            for record in getattr(item, kind)
        ]
        rows = [
            _stamped({**record.values, "organization_id": organization_id}, moment)
            for organization_id, record in records
        ]
        made = _insert(model, rows)
        _link(table, column, "capability_key", made, [record.capabilities for _, record in records])
        if model is Equipment:
            rates = [
                {"equipment_id": number, **rate}
                for number, (_, record) in zip(made, records, strict=True)
                for rate in record.rates
            ]
            if rates:
                session.execute(insert(EquipmentRate), rates)
        count += len(made)
    return count


def _stamped(values: Mapping[str, Any], moment: dt.datetime) -> dict[str, Any]:
    days = dt.timedelta(days=values["confirmed_days_ago"])
    stamps: dict[str, Any] = dict.fromkeys(
        ("confirmed_at", "created_at", "updated_at"), moment - days
    )
    if "expires_in_days" in values:
        stamps["published_at"] = moment - days
        stamps["expires_on"] = moment.date() + dt.timedelta(days=values["expires_in_days"])
    fields = {
        name: value
        for name, value in values.items()
        if name not in ("confirmed_days_ago", "expires_in_days")
    }
    return {**fields, **stamps, "is_demo": True}


def _insert(model: Any, rows: list[dict[str, Any]]) -> list[int]:
    if not rows:
        return []
    table = model.__table__
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(session.scalars(statement, rows))


def _link(
    table: Any, owner: str, other: str, ids: Sequence[int], values: Sequence[Sequence[str]]
) -> None:
    rows = [
        {owner: number, other: value}
        for number, found in zip(ids, values, strict=True)
        for value in found
    ]
    if rows:
        session.execute(insert(table), rows)
