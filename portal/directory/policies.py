"""Who may do what with saved searches, and who sees what was not found."""

from enum import StrEnum

from portal.directory.models import SavedSearch
from portal.kernel.authorization import (
    Policy,
    administrator,
    anyone,
    brokers_anywhere,
    clock,
    is_self,
    role_in,
    signed_in,
)
from portal.organizations.models import Organization


class Permission(StrEnum):
    SAVED_SEARCH_VIEW = "saved_search.view"
    SAVED_SEARCH_VIEW_OWN = "saved_search.view_own"
    SAVED_SEARCH_SAVE = "saved_search.save"
    SAVED_SEARCH_SHARE = "saved_search.share"
    SAVED_SEARCH_CHANGE = "saved_search.change"
    SAVED_SEARCH_DELETE = "saved_search.delete"
    SAVED_SEARCH_FOLLOW = "saved_search.follow"
    SAVED_SEARCH_STOP = "saved_search.stop"
    SAVED_SEARCH_RUN = "saved_search.run"
    DEMAND_VIEW = "demand.view"
    DEMAND_COUNT = "demand.count"
    DEMAND_FORGET = "demand.forget"


_readers = (is_self(SavedSearch.user_id) | role_in(SavedSearch.organization_id)).described(
    "the person who saved it; an organization's: its people"
)
_keepers = (
    is_self(SavedSearch.user_id) | role_in(SavedSearch.organization_id, "owner", "manager")
).described("the person who saved it; an organization's: its owners and managers")

policy = Policy(
    write_scope="searches:write",
    views={SavedSearch: Permission.SAVED_SEARCH_VIEW},
    table={
        Permission.SAVED_SEARCH_VIEW: _readers,
        Permission.SAVED_SEARCH_VIEW_OWN: signed_in,
        Permission.SAVED_SEARCH_SAVE: signed_in,
        Permission.SAVED_SEARCH_SHARE: role_in(Organization.id, "owner", "manager"),
        Permission.SAVED_SEARCH_CHANGE: _keepers,
        Permission.SAVED_SEARCH_DELETE: _keepers,
        Permission.SAVED_SEARCH_FOLLOW: _readers,
        Permission.SAVED_SEARCH_STOP: anyone.described(
            "whoever has the link that the e-mail brought"
        ),
        Permission.SAVED_SEARCH_RUN: clock,
        Permission.DEMAND_VIEW: brokers_anywhere | administrator,
        Permission.DEMAND_COUNT: anyone,
        Permission.DEMAND_FORGET: clock,
    },
)
