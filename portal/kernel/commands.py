"""Commands: the only writers. A command authorizes, runs, and commits once at the outermost."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Any, ParamSpec, TypeVar, cast

from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError, InvalidRequestError, OperationalError
from sqlalchemy.orm.attributes import instance_state

from portal.kernel.authorization import Actor, authorize
from portal.kernel.database import Model, Overtaken, is_deadlock, lock, session, unit_of_work
from portal.kernel.errors import ChangedMeanwhile, Conflict, NotFound, changed_meanwhile

P = ParamSpec("P")
R = TypeVar("R")

_asks_only: ContextVar[bool] = ContextVar("asks_only", default=False)


_refuses_changed: ContextVar[bool] = ContextVar("refuses_changed", default=False)


@contextmanager
def unless_changed() -> Iterator[None]:
    """Have each command of this block raise `ChangedMeanwhile` instead of running, if somebody has
    changed its subject's row since that was read. Those that it calls just run.
    """
    token = _refuses_changed.set(True)
    try:
        yield
    finally:
        _refuses_changed.reset(token)


class Allowed(Exception):
    """Raised in place of running a command, where only the right to run it is asked for."""


@contextmanager
def asking_only() -> Iterator[None]:
    """Let no command run in this block: one that the actor may run raises `Allowed`."""
    token = _asks_only.set(True)
    try:
        yield
    finally:
        _asks_only.reset(token)


def command(
    permission: StrEnum | Callable[..., str],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a service function a command: `verb_noun(actor, subject, *, keyword_only)`.

    permission: what the actor needs on the subject; or a function of the arguments after the
    subject that returns it (for a workflow, where the action decides).
    The subject's row is read again under the lock before anything is decided. Several subjects are
    given as a tuple: they are locked in the order of their ids, and each of them is authorized.
    Raises Unauthenticated, Forbidden, NotFound, and Conflict when the database refuses what two
    people did at once.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            actor = cast(Actor, args[0])
            subject = args[1] if len(args) > 1 else None
            subjects = subject if isinstance(subject, tuple) else (subject,)
            needed = (
                permission if isinstance(permission, StrEnum) else permission(*args[2:], **kwargs)
            )
            try:
                with unit_of_work():
                    is_changed = _lock_subjects(subjects)
                    for row in subjects:
                        authorize(actor, needed, row)
                    if _asks_only.get():
                        raise Allowed
                    if is_changed and _refuses_changed.get():
                        raise ChangedMeanwhile
                    # The commands that this one calls change what it has changed already.
                    token = _refuses_changed.set(False)
                    try:
                        result = function(*args, **kwargs)
                    finally:
                        _refuses_changed.reset(token)
                    session.flush()
                    return result
            except (IntegrityError, OperationalError, Overtaken) as error:
                if isinstance(error, OperationalError) and not is_deadlock(error):
                    raise
                raise Conflict(changed_meanwhile()) from error

        run.permission = permission  # type: ignore[attr-defined]
        return run

    return decorate


def is_command(function: Any) -> bool:
    """Tell whether a function was made a command."""
    return hasattr(function, "permission")


def _lock_subjects(subjects: tuple[object, ...]) -> bool:
    """Lock the rows among the subjects; tell whether any was changed since it was read."""
    given = [row for row in subjects if isinstance(row, Model)]
    if any(instance_state(row).detached for row in given):
        raise RuntimeError("a row that is kept is nobody's to change: give `own_row` of it")
    rows = [row for row in given if instance_state(row).persistent]
    try:
        # Always in one order, or two commands could each wait for what the other has locked.
        rows.sort(key=lambda row: instance_state(row).identity or ())
        changed = [lock(row) for row in rows]
    except InvalidRequestError as error:
        raise NotFound(_("This is no longer here.")) from error
    return any(changed)
