"""A call of the API that comes twice with the same `Idempotency-Key` does its work once.

The answer is kept for a day, in the transaction of what it answers, and given again to whoever may
still make the call and read what it made. Bookings and enrollments keep the key with what they make
instead, which their pages use as well.
"""

import datetime as dt
import functools
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import ForeignKey, String, Text, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.api import Operation
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.commands import Allowed, asking_only
from portal.kernel.database import Model, session, unit_of_work
from portal.kernel.errors import Forbidden, Invalid, NotFound, PortalError, Unauthenticated
from portal.kernel.web.viewer import current_actor, set_actor

LONGEST_KEY = 80
KEPT_HOURS = 24


class AnsweredCall(Model):
    """A call with a key, and what it was answered; an open transaction has no answer yet.

    digest: of the address, the body and the token's scopes, for a key stands for one call.
    """

    is_settled = False

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(LONGEST_KEY), primary_key=True)
    digest: Mapped[str] = mapped_column(String(32))
    status: Mapped[int] = mapped_column(default=0)
    body: Mapped[str] = mapped_column(Text, default="")
    location: Mapped[str] = mapped_column(String(500), default="")
    called_at: Mapped[dt.datetime] = mapped_column(default=now, index=True)


def init_idempotency(app: Flask) -> None:
    """Make every call repeatable that makes something and says so (`Operation.repeats`)."""
    for endpoint, view in app.view_functions.items():
        described: Operation | None = getattr(view, "operation", None)
        if described is not None and described.takes_key and described.repeats == "answer":
            app.view_functions[endpoint] = _answered_once(view)


def idempotency_key() -> str | None:
    """Return the key by which the same call sent twice does its work once, or None."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise Invalid(
            "Idempotency-Key",
            _("Please use %(most)d plain characters at most.", most=LONGEST_KEY),
        )
    return key or None


def forget_answered_calls() -> int:
    """Forget answers after a day; return 1."""
    horizon = now() - dt.timedelta(hours=KEPT_HOURS)
    with unit_of_work():
        session.execute(delete(AnsweredCall).where(AnsweredCall.called_at < horizon))
    return 1


def _answered_once(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def run(**arguments: Any) -> ResponseReturnValue:
        key, actor = idempotency_key(), current_actor()
        if key is None or actor.user_id is None:
            return view(**arguments)
        # Read before others wait for this one to have written: a body may come slowly.
        digest = _digest(actor)
        # A refusal undoes the row as well, so that the same call may be tried again.
        with unit_of_work():
            answer = _find_answer(actor, key, digest)
            if answer is None:
                return _answer(actor, key, view(**arguments))
        _check_right(actor, view, arguments, answer)
        return answer

    return run


def _answer(actor: Actor, key: str, response: Response) -> Response:
    """Keep what a call is answered, and return it."""
    session.execute(
        update(AnsweredCall)
        .where(AnsweredCall.user_id == actor.user_id, AnsweredCall.key == key)
        .values(
            status=response.status_code,
            body=response.get_data(as_text=True),
            location=response.headers.get("Location", ""),
        )
    )
    return response


def _check_right(
    actor: Actor, view: Callable[..., Any], arguments: dict[str, Any], answer: Response
) -> None:
    """Refuse what the actor has no permission to call any more, or made and cannot read any more.

    Raises Unauthenticated, Forbidden and NotFound as the call, and reading, would.
    """
    try:
        with asking_only():
            view(**arguments)
    except (Unauthenticated, Forbidden, NotFound):
        raise
    except (Allowed, PortalError):
        # Whatever else stands against it now, it may have done itself.
        pass
    if location := answer.headers.get("Location"):
        urls = current_app.url_map.bind("")
        path = location.partition("?")[0].removeprefix(request.script_root)
        endpoint, values = urls.match(path, method="GET")
        # Who makes something may do so with a token that reads nothing.
        set_actor(replace(actor, scopes=None))
        try:
            made: Any = current_app.view_functions[endpoint](**values)
            # A document may have been opened.
            current_app.make_response(made).close()
        finally:
            set_actor(actor)


def _find_answer(actor: Actor, key: str, digest: str) -> Response | None:
    """Return what this call was answered before; or note that it is being answered.

    Whoever comes while the first one is at work waits for it at the row.
    """
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    # Not by the number of rows, which PostgreSQL's driver does not tell here.
    made = session.scalar(
        dialect.insert(AnsweredCall)
        .values(user_id=actor.user_id, key=key, digest=digest, called_at=now())
        .on_conflict_do_nothing()
        .returning(AnsweredCall.key)
    )
    if made is not None:
        return None
    call = session.execute(
        select(
            AnsweredCall.digest, AnsweredCall.status, AnsweredCall.body, AnsweredCall.location
        ).where(AnsweredCall.user_id == actor.user_id, AnsweredCall.key == key)
    ).one()
    if call.digest != digest:
        raise Invalid(
            "Idempotency-Key", _("This key was used for another call. Please use a new one.")
        )
    response = Response(call.body, call.status, mimetype="application/json")
    if call.location:
        response.headers["Location"] = call.location
    return response


def _digest(actor: Actor) -> str:
    said = (request.full_path, sorted(actor.scopes or ()), actor.scopes is None)
    found = hashlib.blake2s(repr(said).encode(), digest_size=16)
    found.update(request.get_data())
    return found.hexdigest()
