"""Who may do what with accounts."""

from enum import StrEnum

from portal.accounts.models import ApiToken, User, UserSession
from portal.kernel.authorization import Policy, administrator, anyone, clock, is_self


class Permission(StrEnum):
    ACCOUNT_OPEN = "account.open"
    ACCOUNT_PROVISION = "account.provision"
    ACCOUNT_RECOVER = "account.recover"
    ACCOUNT_VIEW = "account.view"
    ACCOUNT_CHANGE = "account.change"
    ACCOUNT_CLOSE = "account.close"
    ACCOUNT_ADMINISTER = "account.administer"
    ACCOUNT_KEEP = "account.keep"
    LINK_SEND = "link.send"
    LINK_USE = "link.use"
    SIGN_IN_TRY = "sign_in.try"
    SESSION_START = "session.start"
    SESSION_VIEW = "session.view"
    SESSION_RENEW = "session.renew"
    SESSION_END = "session.end"
    TOKEN_VIEW = "token.view"  # noqa: S105
    TOKEN_MAKE = "token.make"  # noqa: S105
    TOKEN_REVOKE = "token.revoke"  # noqa: S105
    USER_PROMOTE = "user.promote"


_portal = clock.described("the portal itself and its command line")

policy = Policy(
    write_scope="account:write",
    views={
        User: Permission.ACCOUNT_VIEW,
        UserSession: Permission.SESSION_VIEW,
        ApiToken: Permission.TOKEN_VIEW,
    },
    table={
        Permission.ACCOUNT_OPEN: anyone,
        Permission.ACCOUNT_PROVISION: _portal,
        Permission.ACCOUNT_RECOVER: anyone,
        Permission.ACCOUNT_VIEW: is_self(User.id) | administrator,
        Permission.ACCOUNT_CHANGE: is_self(User.id),
        Permission.ACCOUNT_CLOSE: is_self(User.id),
        Permission.ACCOUNT_ADMINISTER: administrator,
        Permission.ACCOUNT_KEEP: _portal,
        Permission.LINK_SEND: _portal,
        Permission.LINK_USE: anyone.described("whoever has the link that the e-mail brought"),
        Permission.SIGN_IN_TRY: anyone,
        Permission.SESSION_START: clock.described(
            "the portal itself, for whoever gave the right password"
        ),
        Permission.SESSION_VIEW: is_self(UserSession.user_id),
        Permission.SESSION_RENEW: is_self(UserSession.user_id),
        Permission.SESSION_END: is_self(UserSession.user_id),
        Permission.TOKEN_VIEW: is_self(ApiToken.user_id) | administrator,
        Permission.TOKEN_MAKE: is_self(User.id),
        Permission.TOKEN_REVOKE: is_self(ApiToken.user_id) | administrator,
        Permission.USER_PROMOTE: _portal,
    },
)
