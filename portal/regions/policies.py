"""Who may draw regions, appoint brokers and load reference data."""

from enum import StrEnum

from portal.kernel.authorization import Policy, administrator, anyone, clock
from portal.regions.models import Region


class Permission(StrEnum):
    """What can be done here."""

    REGION_VIEW = "region.view"
    REGION_MANAGE = "region.manage"
    BROKER_APPOINT = "broker.appoint"
    REFERENCE_LOAD = "reference.load"


policy = Policy(
    write_scope="regions:write",
    table={
        Permission.REGION_VIEW: anyone,
        Permission.REGION_MANAGE: administrator,
        Permission.BROKER_APPOINT: administrator,
        Permission.REFERENCE_LOAD: clock,
    },
    views={Region: Permission.REGION_VIEW},
)
