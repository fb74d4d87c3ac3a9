"""What happened to facilities and equipment: ids and plain values."""

from dataclasses import dataclass

from portal.kernel.outbox import Event


@dataclass(frozen=True)
class FacilitySaved(Event):
    """A facility was made or changed in any way: its fields, visibility, photos, freshness."""

    facility_id: int
    organization_id: int


@dataclass(frozen=True)
class FacilityDeleted(Event):
    """A facility is gone; its equipment stays and now has the organization's place."""

    facility_id: int
    organization_id: int
    equipment_ids: list[int]


@dataclass(frozen=True)
class EquipmentSaved(Event):
    """A piece of equipment was made or changed in any way."""

    equipment_id: int
    organization_id: int


@dataclass(frozen=True)
class EquipmentDeleted(Event):
    """A piece of equipment is gone."""

    equipment_id: int
    organization_id: int
