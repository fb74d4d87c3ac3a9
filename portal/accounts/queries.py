"""Reads of accounts."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import joinedload

from portal.accounts.models import ApiToken, EmailLink, User, UserSession
from portal.accounts.policies import Permission
from portal.accounts.rules import PasswordCost, hash_secret
from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.manifest import Hindrance
from portal.kernel.paging import Page, keyset_page
from portal.kernel.settings import setting
from portal.kernel.settled import settled


@dataclass(frozen=True)
class SignedIn:
    """The person behind a session: what every page needs to know of them."""

    session_id: int
    user_id: int
    email: str
    name: str
    language: str
    time_zone: str
    authenticated_at: dt.datetime
    last_seen_at: dt.datetime


@dataclass
class UsableToken:
    """An API token, as requests need it.

    last_used_at: as far as this process knows; others write it down as well.
    """

    id: int
    user_id: int
    scopes: frozenset[str]
    expires_at: dt.datetime | None
    last_used_at: dt.datetime | None


# Every request asks these, so they are put together once.
_ACTOR_FACTS = select(User.name, User.is_administrator).where(
    User.id == bindparam("user_id"), User.is_active
)
_SIGNED_IN = (
    select(
        UserSession.id,
        UserSession.user_id,
        User.email,
        User.name,
        User.language,
        User.time_zone,
        UserSession.authenticated_at,
        UserSession.last_seen_at,
    )
    .join(User, User.id == UserSession.user_id)
    .where(
        UserSession.token_hash == bindparam("token_hash"),
        UserSession.expires_at > bindparam("moment"),
        UserSession.last_seen_at > bindparam("horizon"),
        User.is_active,
    )
)
_USABLE_TOKEN = (
    select(
        ApiToken.id, ApiToken.user_id, ApiToken.scopes, ApiToken.expires_at, ApiToken.last_used_at
    )
    .join(ApiToken.user)
    .where(
        ApiToken.token_hash == bindparam("token_hash"),
        ApiToken.revoked_at.is_(None),
        User.is_active,
    )
)


def list_hindrances(actor: Actor) -> list[Hindrance]:
    """Return that administrators, whom others rely on, are not gone in one click."""
    if not actor.is_administrator:
        return []
    return [
        Hindrance(
            _("Ask another administrator to close your account: you administer the portal."),
            "/administration/users",
        )
    ]


def actor_facts(user_id: int) -> Mapping[str, Any]:
    """Return what an actor needs to know of a user: name and whether an administrator."""
    row = session.execute(_ACTOR_FACTS, {"user_id": user_id}).one_or_none()
    return {"name": row.name, "is_administrator": row.is_administrator} if row else {}


def password_cost() -> PasswordCost:
    """Return the parameters that passwords are hashed with today."""
    return PasswordCost(
        memory_kib=setting("PASSWORD_MEMORY_KIB"),
        passes=setting("PASSWORD_PASSES"),
        lanes=setting("PASSWORD_LANES"),
    )


def find_signed_in(token: str) -> SignedIn | None:
    """Return who is signed in with a session token, unless the session is over."""
    row = session.execute(
        _SIGNED_IN,
        {
            "token_hash": hash_secret(token),
            "moment": now(),
            "horizon": now() - dt.timedelta(hours=setting("SESSION_IDLE_HOURS")),
        },
    ).one_or_none()
    return SignedIn(*row) if row else None


def find_usable_token(raw: str) -> UsableToken | None:
    """Return an API token that is neither revoked nor expired, by its secret."""
    token_hash = hash_secret(raw)

    def read() -> UsableToken | None:
        row = session.execute(_USABLE_TOKEN, {"token_hash": token_hash}).one_or_none()
        if row is None:
            return None
        return UsableToken(row[0], row[1], frozenset(row[2]), *row[3:])

    token = settled(("token", token_hash), read)
    is_over = token is None or (token.expires_at is not None and token.expires_at <= now())
    return None if is_over else token


def find_user(user_id: int | None) -> User | None:
    """Return a user by id."""
    return session.get(User, user_id) if user_id is not None else None


def get_user(user_id: int) -> User:
    """Return a user by id. Raises NotFound."""
    user = session.get(User, user_id)
    if user is None:
        raise NotFound()
    return user


def find_user_by_email(email: str) -> User | None:
    """Return the user of an address, in whatever case it is written."""
    return session.scalar(select(User).where(User.email == email.strip().lower()))


def get_visible_user(actor: Actor, user_id: int) -> User:
    """Return a user whom the actor may see. Raises NotFound."""
    user = get_user(user_id)
    authorize(actor, Permission.ACCOUNT_VIEW, user)
    return user


def list_users(actor: Actor, *, q: str = "", cursor: str | None = None) -> Page[User]:
    """Return a page of all users by address, those whose name or address holds the words."""
    authorize(actor, Permission.ACCOUNT_ADMINISTER)
    statement = select(User)
    for word in q.split()[:5]:
        statement = statement.where(
            or_(
                User.email.icontains(word, autoescape=True),
                User.name.icontains(word, autoescape=True),
            )
        )
    return keyset_page(statement, [User.email], cursor=cursor, limit=50)


def find_link(token: str, purpose: str) -> EmailLink | None:
    """Return an unused, unexpired link of a purpose with its user, by its secret."""
    return session.scalar(
        select(EmailLink)
        .join(EmailLink.user)
        .where(
            EmailLink.token_hash == hash_secret(token),
            EmailLink.purpose == purpose,
            EmailLink.used_at.is_(None),
            EmailLink.expires_at > now(),
            User.is_active,
        )
        .options(joinedload(EmailLink.user))
    )


def list_sessions(actor: Actor, *, cursor: str | None = None) -> Page[UserSession]:
    """Return a page of the actor's own sessions that are not over."""
    statement = select(UserSession).where(
        UserSession.user_id == actor.user_id,
        UserSession.expires_at > now(),
        UserSession.last_seen_at > now() - dt.timedelta(hours=setting("SESSION_IDLE_HOURS")),
    )
    keys = [UserSession.last_seen_at, UserSession.id]
    return keyset_page(statement, keys, cursor=cursor, limit=50, descending=True)


def get_visible_session(actor: Actor, session_id: int) -> UserSession:
    """Return a session that the actor may see. Raises NotFound."""
    found = session.get(UserSession, session_id)
    if found is None:
        raise NotFound(_("This session is over already."))
    authorize(actor, Permission.SESSION_VIEW, found)
    return found


def list_tokens(actor: Actor, *, cursor: str | None = None) -> Page[ApiToken]:
    """Return a page of the actor's own tokens that are not revoked, newest first."""
    statement = select(ApiToken).where(
        ApiToken.user_id == actor.user_id, ApiToken.revoked_at.is_(None)
    )
    return keyset_page(statement, [ApiToken.id], cursor=cursor, limit=50, descending=True)


def get_visible_token(actor: Actor, token_id: int) -> ApiToken:
    """Return a token that the actor may see. Raises NotFound."""
    found = session.get(ApiToken, token_id)
    if found is None:
        raise NotFound()
    authorize(actor, Permission.TOKEN_VIEW, found)
    return found
