"""The domains of the portal, bottom to top: a domain may import only what stands below it.

This order is the import rule; the contracts that enforce it are generated from this tuple.
"""

DOMAINS: tuple[str, ...] = (
    "accounts",
    "regions",
    "organizations",
    "skills",
    "conversations",
    "facilities",
    "bookings",
    "training",
    "partnerships",
    "directory",
    "matching",
    "brokerage",
    "agreements",
    "webhooks",
    "intake",
    "home",
    "demo",
)
