"""Commands on accounts: signing up and in, sessions, links by e-mail, tokens, administration.

Passwords come as hashes, so that no write lock waits for argon2.
"""

import datetime as dt
import hashlib
import hmac
from collections.abc import Iterable

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import case, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from portal.accounts import events, queries
from portal.accounts.models import ApiToken, EmailLink, ThrottleCount, User, UserSession
from portal.accounts.policies import Permission
from portal.accounts.rules import erased_address, hash_secret, network_of, new_secret
from portal.kernel.authorization import Actor, known_scopes
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import lock, session, unless_busy
from portal.kernel.errors import Conflict, Forbidden, Invalid, TooMany
from portal.kernel.mail import erase_recipient
from portal.kernel.manifest import hindrances_of_leaving, leavings
from portal.kernel.outbox import record
from portal.kernel.settings import setting
from portal.kernel.settled import KEEPS_SETTLED

#: How long a link works, by purpose.
LINK_HOURS = {"verify": 72, "reset": 2, "change_email": 24}
#: Programs carry this in front of their token, so that leaked ones are found by searching for it.
TOKEN_PREFIX = "ic_"  # noqa: S105
#: One network may stand for a whole college: it is heard this much longer than one pair.
NETWORK_FACTOR = 10
#: E-mails that strangers can cause to one address within an hour.
MAILS_PER_HOUR = 5
#: Use is noted at most so often, to spare writes.
NOTE_MINUTES = 5


@command(Permission.SIGN_IN_TRY)
def count_attempt(actor: Actor, *, email: str, address: str | None) -> None:
    """Count one try of a password, before it is looked at.

    Counted per pair of e-mail address and client network, and per network: who comes from
    elsewhere is never kept out by somebody's guesses. Raises TooMany.
    """
    pause = dt.timedelta(minutes=setting("SIGN_IN_PAUSE_MINUTES"))
    most = setting("SIGN_IN_ATTEMPTS")
    for key, limit in (
        (_pair_key(email, address), most),
        (_network_key(address), most * NETWORK_FACTOR),
    ):
        if not _count(key, limit, pause):
            _raise_too_many(key, pause)


@command(Permission.SIGN_IN_TRY)
def count_form(actor: Actor, *, address: str | None) -> None:
    """Count one form of a stranger that leads to an e-mail. Raises TooMany."""
    pause = dt.timedelta(minutes=setting("SIGN_IN_PAUSE_MINUTES"))
    key = _key("form", network_of(address))
    if not _count(key, setting("SIGN_IN_ATTEMPTS") * NETWORK_FACTOR, pause):
        _raise_too_many(key, pause)


@command(Permission.SESSION_START)
def start_session(
    actor: Actor,
    user: User,
    *,
    checked_hash: str,
    new_hash: str | None = None,
    address: str | None = None,
    browser: str = "",
) -> str:
    """Sign a person in whose password was right; return the token for the cookie.

    checked_hash: the hash that the password was compared with; new_hash: one with the parameters
    of today, when they have changed.
    """
    if user.password_hash != checked_hash or not user.is_active:
        raise Conflict(_("This account has just changed. Please sign in again."))
    if user.email_verified_at is None:
        raise Forbidden(_("Please confirm your e-mail address first."))
    if new_hash is not None:
        user.password_hash = new_hash
    _forgive(user.email, address)
    token = new_secret()
    session.add(
        UserSession(
            user_id=user.id,
            token_hash=hash_secret(token),
            expires_at=now() + dt.timedelta(days=setting("SESSION_LIFETIME_DAYS")),
            browser=browser[:200],
            address=(address or "")[:64],
        )
    )
    return token


@command(Permission.SESSION_RENEW)
def renew_session(
    actor: Actor, user_session: UserSession, *, email: str, address: str | None = None
) -> str:
    """Note that the person has just given the right password again; return a new token."""
    _forgive(email, address)
    token = new_secret()
    user_session.token_hash = hash_secret(token)
    user_session.authenticated_at = now()
    return token


@command(Permission.SESSION_END)
def end_session(actor: Actor, user_session: UserSession) -> UserSession:
    """End one session; its cookie is worthless from now on."""
    session.delete(user_session)
    return user_session


@command(Permission.ACCOUNT_CHANGE)
def end_other_sessions(actor: Actor, user: User, *, kept_id: int | None) -> User:
    """End all sessions of a person but one (or all, without one)."""
    _end_sessions(user, kept_id)
    return user


@unless_busy()
@command(Permission.ACCOUNT_KEEP)
def note_session_use(actor: Actor, *, session_id: int) -> None:
    """Write down that a session is in use."""
    session.execute(
        update(UserSession).where(UserSession.id == session_id).values(last_seen_at=now())
    )


@unless_busy()
@command(Permission.ACCOUNT_KEEP)
def note_token_use(actor: Actor, *, token_id: int) -> None:
    """Write down that a token was used."""
    session.execute(
        update(ApiToken)
        .where(ApiToken.id == token_id)
        .values(last_used_at=now())
        .execution_options(**KEEPS_SETTLED)
    )


@command(Permission.ACCOUNT_KEEP)
def forget_expired(actor: Actor) -> None:
    """Delete sessions, links and counters whose time is over."""
    idle = dt.timedelta(hours=setting("SESSION_IDLE_HOURS"))
    week_ago, day_ago = now() - dt.timedelta(days=7), now() - dt.timedelta(days=1)
    session.execute(
        delete(UserSession).where(
            or_(UserSession.expires_at < now(), UserSession.last_seen_at < now() - idle)
        )
    )
    session.execute(delete(EmailLink).where(EmailLink.expires_at < week_ago))
    session.execute(delete(ThrottleCount).where(ThrottleCount.window_started_at < day_ago))


@command(Permission.ACCOUNT_OPEN)
def sign_up(
    actor: Actor, *, name: str, email: str, password_hash: str, language: str, target: str = ""
) -> None:
    """Open an account that an e-mail will confirm; `target` is where its link leads on to.

    Nobody learns here whether the address was known: its owner learns it by e-mail. The last
    sign-up with an address counts until it is confirmed, which takes the password.
    """
    user = queries.find_user_by_email(email)
    may_mail = _may_mail(email)
    if user is None:
        user = _add_user(name, email, password_hash, language)
    else:
        lock(user)
    is_waiting = user.email_verified_at is None and user.is_active
    if is_waiting:
        user.name, user.password_hash, user.language = name, password_hash, language
        user.password_changed_at = now()
    if may_mail:
        record(
            events.UserSignedUp(user.id, target)
            if is_waiting
            else events.KnownAddressSignedUp(user.id)
        )


@command(Permission.ACCOUNT_PROVISION)
def open_account(
    actor: Actor,
    *,
    name: str,
    email: str,
    password_hash: str | None = None,
    language: str = "en",
    time_zone: str = "",
    is_verified: bool = False,
    is_administrator: bool = False,
    is_demo: bool = False,
) -> User:
    """Open an account for somebody; without a password, they choose one through a link."""
    if queries.find_user_by_email(email) is not None:
        raise Invalid("email", _("There is an account with this address already."))
    user = _add_user(name, email, password_hash, language)
    user.time_zone = time_zone
    user.is_administrator = is_administrator
    user.is_demo = is_demo
    if is_verified:
        user.email_verified_at = now()
    return user


@command(Permission.ACCOUNT_RECOVER)
def request_verification(actor: Actor, *, email: str, target: str = "") -> None:
    """Ask for a new link that confirms an address; the answer tells nothing about the address."""
    user = queries.find_user_by_email(email)
    is_waiting = _may_mail(email) and user is not None and user.email_verified_at is None
    record(events.VerificationRequested(user.id if user and is_waiting else None, target))


@command(Permission.ACCOUNT_RECOVER)
def request_password_reset(actor: Actor, *, email: str) -> None:
    """Ask for a link to choose a new password; the answer tells nothing about the address."""
    user = queries.find_user_by_email(email)
    is_sent = _may_mail(email) and user is not None and user.is_active
    record(events.PasswordResetRequested(user.id if user and is_sent else None))


@command(Permission.LINK_SEND)
def make_link(actor: Actor, user: User, *, purpose: str, email: str) -> str:
    """Make a link for an e-mail and return its secret; earlier ones of its purpose end."""
    _end_links(user, purpose)
    token = new_secret()
    session.add(
        EmailLink(
            user_id=user.id,
            purpose=purpose,
            email=email,
            token_hash=hash_secret(token),
            expires_at=now() + dt.timedelta(hours=LINK_HOURS[purpose]),
        )
    )
    return token


@command(Permission.LINK_USE)
def verify_email(actor: Actor, link: EmailLink, *, checked_hash: str) -> User:
    """Confirm that the address is read by the person who also knows the password.

    Who opens an account with somebody else's address cannot have it confirmed by them.
    """
    user = _use(link, "verify")
    if user.password_hash != checked_hash:
        raise Conflict(_("This account has just changed. Please use the newest link."))
    user.email_verified_at = user.email_verified_at or now()
    record(events.EmailVerified(user.id))
    return user


@command(Permission.LINK_USE)
def reset_password(actor: Actor, link: EmailLink, *, password_hash: str) -> User:
    """Set the password that the reader of the address chose; every session and API token ends.

    Who resets a password may have lost the account to somebody, and a token would keep them in.
    """
    user = _use(link, "reset")
    _set_password(user, password_hash, kept_id=None, ended_tokens=_end_tokens(user))
    if user.email_verified_at is None:
        user.email_verified_at = now()
        record(events.EmailVerified(user.id))
    return user


@command(Permission.LINK_USE)
def change_email(actor: Actor, link: EmailLink) -> User:
    """Move an account to the new address whose link was opened."""
    user = _use(link, "change_email")
    other = queries.find_user_by_email(link.email)
    if other is not None and other.id != user.id:
        raise Conflict(_("There is an account with this address already."))
    old_email, user.email = user.email, link.email
    _end_links(user, "reset", "verify", "change_email")
    record(events.EmailChanged(user.id, old_email))
    return user


@command(Permission.ACCOUNT_CHANGE)
def request_email_change(actor: Actor, user: User, *, email: str) -> User:
    """Ask to move the account to another address; a link sent there does it."""
    email = email.strip().lower()
    if email == user.email:
        raise Invalid("email", _("This is your address already."))
    if _may_mail(email):
        record(events.EmailChangeRequested(user.id, email))
    return user


@command(Permission.ACCOUNT_CHANGE)
def change_password(
    actor: Actor, user: User, *, password_hash: str, kept_id: int | None = None
) -> User:
    """Set a new password; all other sessions end. API tokens stay: their list is at hand."""
    _set_password(user, password_hash, kept_id)
    return user


@command(Permission.ACCOUNT_KEEP)
def suggest_time_zone(actor: Actor, user: User, *, time_zone: str) -> User:
    """Show times in a zone to somebody who has chosen none."""
    user.time_zone = user.time_zone or time_zone
    return user


@command(Permission.ACCOUNT_CHANGE)
def change_profile(actor: Actor, user: User, *, name: str, time_zone: str, language: str) -> User:
    """Change how the portal speaks to a person."""
    user.name, user.time_zone, user.language = name, time_zone, language
    return user


@command(Permission.ACCOUNT_CLOSE)
def close_account(actor: Actor, user: User) -> User:
    """Close one's own account for good, and erase who it was.

    The row stays, without name and address: what the person wrote, signed or booked is part of
    what others have. The address can be signed up with again.
    """
    for hindrance in hindrances_of_leaving(actor):
        raise Conflict(hindrance.text)
    for leaving in leavings():
        if leaving.leave is not None:
            leaving.leave(actor)
    for table in (UserSession, ApiToken, EmailLink):
        session.execute(delete(table).where(table.user_id == user.id))
    erase_recipient(user.email)
    user.name, user.email = _("Closed account"), erased_address(user.id)
    user.language = user.time_zone = ""
    user.password_hash = user.password_changed_at = user.email_verified_at = None
    user.is_active = False
    record(events.AccountClosed(user.id))
    return user


@command(Permission.TOKEN_MAKE)
def make_token(
    actor: Actor, user: User, *, name: str, scopes: Iterable[str], days: int | None
) -> tuple[ApiToken, str]:
    """Make a token for programs; return it with its secret, which is shown this once."""
    chosen = sorted(set(scopes))
    unknown = [scope for scope in chosen if scope not in known_scopes()]
    if unknown or not chosen:
        raise Invalid("scopes", _("Please choose from: %(list)s.", list=", ".join(known_scopes())))
    secret = TOKEN_PREFIX + new_secret()
    token = ApiToken(
        user_id=user.id,
        name=name,
        scopes=chosen,
        token_hash=hash_secret(secret),
        expires_at=now() + dt.timedelta(days=days) if days else None,
    )
    session.add(token)
    session.flush()
    record(events.TokenMade(user.id, token.id))
    return token, secret


@command(Permission.TOKEN_REVOKE)
def revoke_token(actor: Actor, token: ApiToken) -> ApiToken:
    """End a token for good."""
    token.revoked_at = token.revoked_at or now()
    return token


@command(Permission.ACCOUNT_ADMINISTER)
def deactivate_user(actor: Actor, user: User) -> User:
    """Close an account: no sign-in, no session, no token works until it is opened again."""
    if user.id == actor.user_id:
        raise Conflict(_("You cannot close your own account here."))
    user.is_active = False
    _end_sessions(user, None)
    _end_links(user, "reset", "verify", "change_email")
    record(events.AccountDeactivated(user.id))
    return user


@command(Permission.ACCOUNT_ADMINISTER)
def activate_user(actor: Actor, user: User) -> User:
    """Open a closed account again."""
    user.is_active = True
    return user


@command(Permission.USER_PROMOTE)
def promote_user(actor: Actor, user: User) -> User:
    """Make somebody an administrator."""
    user.is_administrator = True
    return user


def _add_user(name: str, email: str, password_hash: str | None, language: str) -> User:
    user = User(
        name=name,
        email=email.strip().lower(),
        password_hash=password_hash,
        password_changed_at=now() if password_hash else None,
        language=language,
    )
    session.add(user)
    session.flush()
    return user


def _set_password(
    user: User, password_hash: str, kept_id: int | None, *, ended_tokens: int = 0
) -> None:
    user.password_hash = password_hash
    user.password_changed_at = now()
    _end_sessions(user, kept_id)
    # Whoever had the old password may have asked to move the account to an address of their own.
    _end_links(user, "reset", "change_email")
    record(events.PasswordChanged(user.id, ended_tokens))


def _end_sessions(user: User, kept_id: int | None) -> None:
    statement = delete(UserSession).where(UserSession.user_id == user.id)
    if kept_id is not None:
        statement = statement.where(UserSession.id != kept_id)
    session.execute(statement)


def _end_tokens(user: User) -> int:
    """Revoke all API tokens of a person that still work; return how many there were."""
    ended = session.execute(
        update(ApiToken)
        .where(
            ApiToken.user_id == user.id,
            ApiToken.revoked_at.is_(None),
            or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now()),
        )
        .values(revoked_at=now())
        .returning(ApiToken.id)
    )
    return len(ended.all())


def _end_links(user: User, *purposes: str) -> None:
    session.execute(
        update(EmailLink)
        .where(
            EmailLink.user_id == user.id,
            EmailLink.purpose.in_(purposes),
            EmailLink.used_at.is_(None),
        )
        .values(used_at=now())
    )


def _use(link: EmailLink, purpose: str) -> User:
    """Spend a link whose row is locked; of two who open it at once, one comes too late."""
    lock(link.user)
    is_open = link.used_at is None and link.expires_at > now() and link.purpose == purpose
    if not is_open or not link.user.is_active:
        raise Conflict(_("This link has been used already."))
    link.used_at = now()
    return link.user


def _key(*parts: str) -> str:
    material = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hmac.new(setting("SECRET_KEY").encode(), material, hashlib.sha256).hexdigest()


def _pair_key(email: str, address: str | None) -> str:
    return _key("pair", email.strip().lower(), network_of(address))


def _network_key(address: str | None) -> str:
    return _key("network", network_of(address))


def _count(key: str, most: int, window: dt.timedelta) -> bool:
    """Count one attempt unless there were `most` in this window, in one statement.

    One statement, so that processes that count at the same moment cannot both take the last one.
    """
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    is_over = ThrottleCount.window_started_at <= now() - window
    row = dialect.insert(ThrottleCount).values(key=key, window_started_at=now(), attempts=1)
    statement = row.on_conflict_do_update(
        index_elements=[ThrottleCount.key],
        set_={
            "attempts": case((is_over, 1), else_=ThrottleCount.attempts + 1),
            "window_started_at": case(
                (is_over, row.excluded.window_started_at), else_=ThrottleCount.window_started_at
            ),
        },
        where=or_(is_over, ThrottleCount.attempts < most),
    ).returning(ThrottleCount.attempts)
    return session.execute(statement).first() is not None


def _may_mail(email: str) -> bool:
    key = _key("mail", email.strip().lower())
    return _count(key, MAILS_PER_HOUR, dt.timedelta(hours=1))


def _raise_too_many(key: str, window: dt.timedelta) -> None:
    started = session.scalar(
        select(ThrottleCount.window_started_at).where(ThrottleCount.key == key)
    )
    left = (started + window - now() if started else window).total_seconds()
    minutes = max(1, -int(-left // 60))
    raise TooMany(
        ngettext(
            "There were too many tries from your network. You can try again in a minute.",
            "There were too many tries from your network. You can try again in %(num)d minutes.",
            minutes,
        ),
        max(1, int(left)),
    )


def _forgive(email: str, address: str | None) -> None:
    """Take back what was counted for somebody who knew the password after all."""
    session.execute(delete(ThrottleCount).where(ThrottleCount.key == _pair_key(email, address)))
    session.execute(
        update(ThrottleCount)
        .where(ThrottleCount.key == _network_key(address), ThrottleCount.attempts > 0)
        .values(attempts=ThrottleCount.attempts - 1)
    )
