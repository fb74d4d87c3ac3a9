"""What commands raise when they refuse. Messages are for people, in their language.

One place (`portal.kernel.web.refusals`) turns them into a form error, a page or a problem document.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from flask_babel import gettext as _

#: A form's field, or None, and what is wrong with its value.
Problem: TypeAlias = tuple[str | None, str]


class PortalError(Exception):
    """A refusal with a message for the person and the HTTP status that says the same."""

    status = 400

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message

    def details(self) -> Mapping[str, Any]:
        """Return what a program is told besides, as members of the problem document."""
        return {}


class Invalid(PortalError):
    """A value that the rules refuse; `field` is the form field it belongs to, or None.

    more: what they refuse besides, so that a person mends all of it at once.
    """

    status = 422

    def __init__(self, field: str | None, message: str, *more: Problem) -> None:
        super().__init__(message)
        self.field = field
        #: All that is refused: (field, message).
        self.problems: tuple[Problem, ...] = ((field, message), *more)


def check_all(*checks: Callable[[], object]) -> None:
    """Run checks that do not build on each other; raise one Invalid with all that they refuse."""
    refused: list[Problem] = []
    for check in checks:
        try:
            check()
        except Invalid as error:
            refused += error.problems
    if refused:
        (field, message), *more = refused
        raise Invalid(field, message, *more)


class Unauthenticated(PortalError):
    """Nobody is signed in, and this needs somebody."""

    status = 401


class Forbidden(PortalError):
    """The actor sees the thing and may not do this to it."""

    status = 403


class NotFound(PortalError):
    """There is no such thing, or the actor may not know of it.

    Where both are possible it is raised without a message, or the words would tell which it is.
    """

    status = 404

    def __init__(self, message: str = "") -> None:
        super().__init__(message or _("There is nothing here that you can see."))


class Conflict(PortalError):
    """The thing has changed meanwhile, or its state does not allow this now."""

    status = 409


class ChangedMeanwhile(Conflict):
    """Somebody else has changed a record between the moment it was read and its lock."""

    def __init__(self) -> None:
        super().__init__(changed_meanwhile())


def changed_meanwhile() -> str:
    """Return what people are told who change the same thing at the same moment as others."""
    return _("Somebody else changed this at the same moment. Please look again.")


class TooMany(PortalError):
    """Too many attempts; `retry_after_seconds` says when the next one is heard."""

    status = 429

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
