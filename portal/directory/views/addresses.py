"""The address of a search, and of what is made of it."""

from flask import request
from flask_babel import gettext as _

from portal.directory.queries import searching
from portal.directory.rules import LONGEST_QUERY, Search, read_search
from portal.kernel.errors import Invalid
from portal.kernel.web.addresses import path_of


def asked_search() -> Search:
    """Return the search that the address asks for.

    Raises Invalid for more values of a facet than a search can have, and for so many filters that
    a page, whose links repeat them all, grew to megabytes.
    """
    arguments = dict(request.args.lists())
    searching.refuse_too_many(arguments)
    wanted = read_search(arguments, searching.facet_names(), searching.search_filters())
    # Nothing else that a search has grows so long.
    is_long = wanted.chosen or wanted.filters
    if is_long and len(wanted.changed(text="").query()) > LONGEST_QUERY:
        raise Invalid(None, _("These are too many filters at once. Take some away."))
    return wanted


def address(wanted: Search, endpoint: str = "directory.search") -> str:
    """Return where a search is shown, or with another endpoint where it is saved or followed."""
    query = wanted.written()
    return f"{path_of(endpoint)}?{query}" if query else path_of(endpoint)
