"""What commands raise when they refuse. Messages are for people, in their language.

One place (`portal.kernel.web.refusals`) turns them into a form error, a page or a problem document.
"""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _


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
    """A value that the rules refuse; `field` is the form field it belongs to, or None."""

    status = 422

    def __init__(self, field: str | None, message: str) -> None:
        super().__init__(message)
        self.field = field


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


class TooMany(PortalError):
    """Too many attempts; `retry_after_seconds` says when the next one is heard."""

    status = 429

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
