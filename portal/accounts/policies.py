"""Who may do what with accounts."""

from enum import StrEnum

from portal.accounts.models import ApiToken, User, UserSession
from portal.kernel.authorization import Policy, administrator, anyone, clock, is_self


class Permission(StrEnum):
    ACCOUNT_OPEN = "account.open"
    ACCOUNT_VIEW = "account.view"
    ACCOUNT_CHANGE = "account.change"
    ACCOUNT_ADMINISTER = "account.administer"
    SESSION_END = "session.end"
    TOKEN_MAKE = "token.make"  # noqa: S105
    TOKEN_REVOKE = "token.revoke"  # noqa: S105
    USER_PROMOTE = "user.promote"


policy = Policy(
    write_scope="account:write",
    views={User: Permission.ACCOUNT_VIEW},
    table={
        Permission.ACCOUNT_OPEN: anyone,
        Permission.ACCOUNT_VIEW: is_self(User.id) | administrator,
        Permission.ACCOUNT_CHANGE: is_self(User.id),
        Permission.ACCOUNT_ADMINISTER: administrator,
        Permission.SESSION_END: is_self(UserSession.user_id),
        Permission.TOKEN_MAKE: is_self(User.id),
        Permission.TOKEN_REVOKE: is_self(ApiToken.user_id) | administrator,
        Permission.USER_PROMOTE: clock,
    },
)
