"""Who may see the pages of the whole portal."""

from enum import StrEnum

from portal.kernel.authorization import Policy, administrator, brokers_anywhere, signed_in


class Permission(StrEnum):
    DESK_VIEW = "desk.view"
    ADMINISTRATION_VIEW = "administration.view"
    MAIL_STATE_VIEW = "mail_state.view"


policy = Policy(
    write_scope="read",
    table={
        Permission.DESK_VIEW: signed_in,
        Permission.ADMINISTRATION_VIEW: administrator | brokers_anywhere,
        Permission.MAIL_STATE_VIEW: administrator,
    },
)
