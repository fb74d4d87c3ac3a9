"""Who may fill the portal with demo data: the portal itself, on the command line."""

from enum import StrEnum

from portal.kernel.authorization import Policy, clock


class Permission(StrEnum):
    DEMO_LOAD = "demo.load"
    DEMO_GENERATE = "demo.generate"


policy = Policy(
    write_scope="demo:write",
    table={Permission.DEMO_LOAD: clock, Permission.DEMO_GENERATE: clock},
)
