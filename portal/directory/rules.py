"""What a search is, as a value: read from an address, written back into one.

Every state of the results page is a link, so a search and its address say the same.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from portal.kernel.fulltext.port import MAX_OFFSET, SORTS

PAGE_SIZE = 20
MAP_SIZE = 50
LAST_PAGE = MAX_OFFSET // PAGE_SIZE + 1
LONGEST_TEXT = 400
MOST_VALUES = 20
RADII_MILES = (10, 25, 50, 100, 250)
USUAL_RADIUS_MILES = 50
VIEWS = ("list", "map")

Values = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Search:
    """What somebody looks for.

    chosen: the values selected in each facet, "kind" among them. near: a ZIP code, as typed.
    radius_miles: how far around it, or None for any distance. page counts from 1.
    """

    text: str = ""
    chosen: Values = field(default_factory=dict)
    near: str = ""
    radius_miles: int | None = USUAL_RADIUS_MILES
    sort: str = "relevance"
    view: str = "list"
    page: int = 1

    def arguments(self) -> dict[str, str | list[str]]:
        """Return the address's arguments, without those that say what holds anyway."""
        found: dict[str, str | list[str]] = {}
        if self.text:
            found["q"] = self.text
        found.update({name: list(values) for name, values in self.chosen.items() if values})
        if self.near:
            found["near"] = self.near
            if self.radius_miles != USUAL_RADIUS_MILES:
                found["radius_miles"] = str(self.radius_miles or "any")
        if self.sort != "relevance":
            found["sort"] = self.sort
        if self.view != "list":
            found["view"] = self.view
        if self.page > 1:
            found["page"] = str(self.page)
        return found

    def turned_to(self, page: int) -> "Search":
        """Return the same search on another page."""
        return dataclasses.replace(self, page=page)

    def toggled(self, facet: str, value: str) -> "Search":
        """Return the search with a value of a facet added, or taken away if it was there."""
        values = self.chosen.get(facet, ())
        changed = (
            tuple(item for item in values if item != value)
            if value in values
            else (*values, value)[:MOST_VALUES]
        )
        return dataclasses.replace(self, chosen={**self.chosen, facet: changed}, page=1)

    def changed(self, **values: object) -> "Search":
        """Return the search with other values, on its first page."""
        return dataclasses.replace(self, page=1, **values)  # type: ignore[arg-type]


def read_search(arguments: Mapping[str, list[str]], facets: tuple[str, ...]) -> Search:
    """Read a search from an address; what does not fit is passed over, never an error.

    arguments: all values by name. facets: the names of the facets that there are.
    """
    chosen = {}
    for name in ("kind", *facets):
        values = [value for value in arguments.get(name, []) if 0 < len(value) <= 100]
        if values:
            chosen[name] = tuple(dict.fromkeys(values))[:MOST_VALUES]
    near = _first(arguments, "near")[:20]
    sort = _first(arguments, "sort")
    view = _first(arguments, "view")
    page = _first(arguments, "page")
    return Search(
        text=_first(arguments, "q")[:LONGEST_TEXT],
        chosen=chosen,
        near=near,
        radius_miles=_radius(_first(arguments, "radius_miles")),
        sort=sort if sort in SORTS and (sort != "distance" or near) else "relevance",
        view=view if view in VIEWS else "list",
        page=min(max(int(page[:4]), 1), LAST_PAGE) if page.isdecimal() and page.isascii() else 1,
    )


def _first(arguments: Mapping[str, list[str]], name: str) -> str:
    values = arguments.get(name, [])
    return values[0].strip() if values else ""


def _radius(text: str) -> int | None:
    if text == "any":
        return None
    if text.isdecimal() and text.isascii() and 0 < int(text[:5]) <= 5000:
        return int(text[:5])
    return USUAL_RADIUS_MILES
