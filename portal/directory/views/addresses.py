"""The address of a search, and of what is made of it."""

from typing import Any

from flask import url_for

from portal.directory.rules import Search


def address(wanted: Search, endpoint: str = "directory.search") -> str:
    """Return where a search is shown, or with another endpoint where it is saved or followed."""
    arguments: dict[str, Any] = dict(wanted.arguments())
    return url_for(endpoint, **arguments)
