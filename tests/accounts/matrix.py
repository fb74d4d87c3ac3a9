"""Who reaches the pages and the API of accounts."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from portal.accounts.models import UserSession
from portal.kernel.database import session
from tests.architecture.matrix import EVERYBODY, SIGNED_IN, Row
from tests.cast import World


def no_link(_world: World) -> Mapping[str, Any]:
    return {"token": "a-link-that-nobody-sent"}


def session_of_ana(world: World) -> Mapping[str, Any]:
    found = session.scalar(select(UserSession.id).where(UserSession.user_id == world.users["ana"]))
    return {"session_id": found}


def address(_world: World) -> Mapping[str, Any]:
    return {"email": "somebody@elsewhere.example"}


def password(_world: World) -> Mapping[str, Any]:
    return {"password": "violet tractor moon"}


ROUTES = [
    Row("accounts.sign_in", "GET", EVERYBODY),
    Row(
        "accounts.sign_in",
        "POST",
        EVERYBODY,
        data=lambda world: {**address(world), **password(world)},
    ),
    Row("accounts.sign_out", "POST", EVERYBODY),
    Row("accounts.sign_up", "GET", EVERYBODY),
    Row(
        "accounts.sign_up",
        "POST",
        EVERYBODY,
        data=lambda world: {"name": "Fay", **address(world), **password(world)},
    ),
    Row("accounts.request_verification", "GET", EVERYBODY),
    Row("accounts.request_verification", "POST", EVERYBODY, data=address),
    Row("accounts.verify_email", "GET", EVERYBODY, values=no_link),
    Row("accounts.verify_email", "POST", EVERYBODY, values=no_link, data=password),
    Row("accounts.request_reset", "GET", EVERYBODY),
    Row("accounts.request_reset", "POST", EVERYBODY, data=address),
    Row("accounts.reset_password", "GET", EVERYBODY, values=no_link),
    Row("accounts.reset_password", "POST", EVERYBODY, values=no_link, data=password),
    Row("accounts.change_email", "GET", EVERYBODY, values=no_link),
    Row("accounts.change_email", "POST", EVERYBODY, values=no_link),
    Row("accounts.confirm_password", "GET", SIGNED_IN),
    Row("accounts.confirm_password", "POST", SIGNED_IN, data=password),
    Row("accounts.profile", "GET", SIGNED_IN),
    Row("accounts.show_mail", "GET", SIGNED_IN),
    Row(
        "accounts.profile",
        "POST",
        SIGNED_IN,
        data=lambda _world: {"name": "Fay", "language": "en", "time_zone": "America/Chicago"},
    ),
    Row("accounts.switch_language", "POST", SIGNED_IN, data=lambda _world: {"language": "es"}),
    Row("accounts.request_email_change", "GET", SIGNED_IN),
    Row("accounts.request_email_change", "POST", SIGNED_IN, data=address),
    Row("accounts.change_password", "GET", SIGNED_IN),
    Row(
        "accounts.change_password",
        "POST",
        SIGNED_IN,
        data=lambda world: {"current_password": "x", **password(world)},
    ),
    Row("accounts.close_account", "GET", SIGNED_IN),
    Row("accounts.close_account", "POST", SIGNED_IN),
    Row("accounts.sessions", "GET", SIGNED_IN),
    Row("accounts.end_session", "POST", "ana", values=session_of_ana),
    Row("accounts.end_all_sessions", "POST", SIGNED_IN),
    Row("accounts.tokens", "GET", SIGNED_IN),
    Row(
        "accounts.tokens",
        "POST",
        SIGNED_IN,
        data=lambda _world: {"name": "Web site", "scopes": "read", "expires_in": "30"},
    ),
    # The cast has no tokens; test_tokens.py tries those of others.
    Row("accounts.revoke_token", "POST", "", values=lambda _world: {"token_id": 999}),
    Row("accounts.users", "GET", "root"),
    Row(
        "accounts.act_on_user",
        "POST",
        "root",
        values=lambda world: {"user_id": world.users["ben"], "action": "deactivate"},
        data=lambda _world: {"confirmed": "yes"},
    ),
    Row("accounts_api.show_me", "GET", SIGNED_IN),
    Row(
        "accounts_api.change_me",
        "PATCH",
        SIGNED_IN,
        data=lambda _world: {"name": "Fay"},
        is_json=True,
    ),
]
