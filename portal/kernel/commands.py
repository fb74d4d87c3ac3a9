"""Commands: the only writers. A command authorizes, runs, and commits once at the outermost."""

import functools
from collections.abc import Callable
from enum import StrEnum
from typing import Any, ParamSpec, TypeVar, cast

from flask_babel import gettext as _
from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError, InvalidRequestError

from portal.kernel.authorization import Actor, authorize
from portal.kernel.database import Model, lock, session, unit_of_work
from portal.kernel.errors import Conflict, NotFound

P = ParamSpec("P")
R = TypeVar("R")


def command(
    permission: StrEnum | Callable[..., str],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a service function a command: `verb_noun(actor, subject, *, keyword_only)`.

    permission: what the actor needs on the subject; or a function of the arguments after the
    subject that returns it (for a workflow, where the action decides).
    The subject's row is read again under the lock before anything is decided.
    Raises Unauthenticated, Forbidden, NotFound, and Conflict when a constraint of the database
    refuses what two people did at once.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            actor = cast(Actor, args[0])
            subject = args[1] if len(args) > 1 else None
            needed = (
                permission if isinstance(permission, StrEnum) else permission(*args[2:], **kwargs)
            )
            try:
                with unit_of_work():
                    _lock_subject(subject)
                    authorize(actor, needed, subject)
                    result = function(*args, **kwargs)
                    session.flush()
                    return result
            except IntegrityError as error:
                raise Conflict(
                    _("Somebody else changed this at the same moment. Please look again.")
                ) from error

        run.permission = permission  # type: ignore[attr-defined]
        return run

    return decorate


def is_command(function: Any) -> bool:
    """Tell whether a function was made a command."""
    return hasattr(function, "permission")


def _lock_subject(subject: object) -> None:
    if isinstance(subject, Model) and inspect(subject).persistent:
        try:
            lock(subject)
        except InvalidRequestError as error:
            raise NotFound(_("This is no longer here.")) from error
