"""What a search is, as a value: read from an address, written back into one; when saved ones run.

Every state of the results page is a link, so a search and its address say the same.
"""

import dataclasses
import datetime as dt
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode
from zoneinfo import ZoneInfo

import numpy as np
from flask_babel import lazy_gettext as _l

from portal.kernel.fulltext.port import MAX_OFFSET, SORTS
from portal.kernel.manifest import SearchFilter
from portal.kernel.sealing import read_numbers, seal_numbers

PAGE_SIZE = 20
MAP_SIZE = 50
LAST_PAGE = MAX_OFFSET // PAGE_SIZE + 1
LONGEST_TEXT = 400
LONGEST_NEAR = 60
MOST_VALUES = 20
RADII_MILES = (10, 25, 50, 100, 250)
USUAL_RADIUS_MILES = 50
VIEWS = ("list", "map")
UPDATED_DAYS = (30, 90, 365)

LONGEST_QUERY = 4000
MOST_SAVED = 50
CHANNELS: Mapping[str, Any] = {
    "email": _l("By e-mail"),
    "desk": _l("On the desk, without e-mail"),
}
FREQUENCIES: Mapping[str, Any] = {
    "at_once": _l("At once"),
    "daily": _l("Every morning"),
    "weekly": _l("Every Monday morning"),
}
MORNING = dt.time(7)
#: A search that tells at once looks again after so many minutes, even if nothing seems to happen.
AT_ONCE_MINUTES = 10

LONGEST_WORDS = 120
#: Words that fewer searches than this had are shown to nobody.
FEWEST_SEARCHES = 3
DEMAND_PERIODS_DAYS = (30, 90, 365)
USUAL_DEMAND_DAYS = 90

#: What the router leaves as it is in the values of an address.
PLAIN = "!$'()*,/:;?@"

_ZIP = re.compile(r"\d{5}(?:-\d{4})?", re.ASCII)
_MOST_MILES = 5_000
_KILOMETERS_PER_MILE = 1.609344
_NEARBY = re.compile(
    r"(?<!\S)(?:"
    r"(?:within|in|inside|a\s+menos\s+de|dentro\s+de|en\s+un\s+radio\s+de|a)\s+(?:a\s+|an\s+)?"
    r"(?P<number>\d{1,4})[\s-]*(?P<unit>miles?|mi|millas?|kms?|kilom[eé]t(?:er|re|ro)s?)"
    r"(?:\s+radius)?(?:\s+(?:of|from|around|de|desde))?"
    r"|(?P<here>nearby|near\s+me|near\s+us|near\s+here|close\s+to\s+(?:me|us)"
    r"|cerca\s+de\s+(?:m[ií]|aqu[ií]|nosotros)|cerca(?=\s*$))"
    r"|near|close\s+to|cerca\s+de"
    r")(?!\S)",
    re.IGNORECASE,
)
_HERE = frozenset(["me", "us", "here", "mi", "mí", "aqui", "aquí", "nosotros"])
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

Values = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Search:
    """What somebody looks for.

    chosen: the values selected in each facet, "kind" among them. near: a ZIP code or a town, as
    typed. radius_miles: how far around it, or None for any distance. updated_days: updated in the
    last so many days, or None. filters: what was given to the filters of the domains, by their
    names. page counts from 1.
    """

    text: str = ""
    chosen: Values = field(default_factory=dict)
    near: str = ""
    radius_miles: int | None = USUAL_RADIUS_MILES
    updated_days: int | None = None
    filters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sort: str = "relevance"
    view: str = "list"
    page: int = 1

    @property
    def has_words_alone(self) -> bool:
        """Tell whether nothing but words is asked for, and how they are shown is as usual."""
        return (
            self.text != ""
            and not (self.chosen or self.near or self.updated_days or self.filters)
            and self.radius_miles == USUAL_RADIUS_MILES
            and (self.sort, self.view, self.page) == ("relevance", "list", 1)
        )

    @property
    def typed_zip(self) -> str | None:
        """Return the word that looks like a ZIP code, unless one is given as such."""
        words = () if self.near else self.text.split()
        return next((word for word in words if _ZIP.fullmatch(word)), None)

    def arguments(self) -> dict[str, str | list[str]]:
        """Return the address's arguments, without those that say what holds anyway."""
        found = self.criteria()
        if self.sort != "relevance":
            found["sort"] = self.sort
        if self.view != "list":
            found["view"] = self.view
        if self.page > 1:
            found["page"] = str(self.page)
        return found

    def criteria(self) -> dict[str, str | list[str]]:
        """Return those of the arguments that decide what is found, not how it is shown."""
        found: dict[str, str | list[str]] = {}
        if self.text:
            found["q"] = self.text
        found.update({name: list(values) for name, values in self.chosen.items() if values})
        if self.near:
            found["near"] = self.near
            if self.radius_miles != USUAL_RADIUS_MILES:
                found["radius_miles"] = str(self.radius_miles or "any")
        if self.updated_days:
            found["updated_days"] = str(self.updated_days)
        for values in self.filters.values():
            found.update(values)
        return found

    def query(self) -> str:
        """Return the criteria as the part of an address after "?"."""
        return urlencode(self.criteria(), doseq=True)

    def written(self) -> str:
        """Return all arguments as the part of an address after "?", as the router writes them."""
        return "&".join(
            _argument(name, value)
            for name, values in self.arguments().items()
            for value in ((values,) if isinstance(values, str) else values)
        )

    def turned_to(self, page: int) -> "Search":
        """Return the same search on another page."""
        return dataclasses.replace(self, page=page)

    def toggled(self, facet: str, value: str) -> "Search":
        """Return the search with a value of a facet added, or taken away if it was there."""
        values = self.chosen.get(facet, ())
        changed = (
            tuple(item for item in values if item != value) if value in values else (*values, value)
        )
        return dataclasses.replace(self, chosen={**self.chosen, facet: changed}, page=1)

    def without(self, name: str) -> "Search":
        """Return the search without a facet or a filter of a domain."""
        return dataclasses.replace(
            self,
            chosen={key: values for key, values in self.chosen.items() if key != name},
            filters={key: values for key, values in self.filters.items() if key != name},
            page=1,
        )

    def changed(self, **values: object) -> "Search":
        """Return the search with other values, on its first page."""
        return dataclasses.replace(self, page=1, **values)  # type: ignore[arg-type]


# The links of a page differ in one argument each.
@lru_cache(maxsize=4096)
def _argument(name: str, value: str) -> str:
    return urlencode({name: value}, safe=PLAIN)


def read_search(
    arguments: Mapping[str, list[str]],
    facets: tuple[str, ...],
    filters: Sequence[SearchFilter] = (),
) -> Search:
    """Read a search from an address; what does not fit is passed over, never an error.

    arguments: all values by name. facets, filters: those that there are.
    """
    chosen = {}
    for name in ("kind", *facets):
        given = arguments.get(name)
        if given and (values := [value for value in given if 0 < len(value) <= 100]):
            chosen[name] = tuple(dict.fromkeys(values))[:MOST_VALUES]
    filled = {
        item.name: item.read(
            {known.name: _first(arguments, known.name, 100) for known in item.fields}
        )
        for item in filters
        if any(known.name in arguments for known in item.fields)
    }
    near = _first(arguments, "near", LONGEST_NEAR)
    sort = _first(arguments, "sort")
    view = _first(arguments, "view")
    page = _first(arguments, "page")
    return Search(
        text=_first(arguments, "q", LONGEST_TEXT),
        chosen=chosen,
        near=near,
        radius_miles=_radius(_first(arguments, "radius_miles")),
        updated_days=_days(_first(arguments, "updated_days")),
        filters={name: given for name, given in filled.items() if given},
        sort=sort if sort in SORTS and (sort != "distance" or near) else "relevance",
        view=view if view in VIEWS else "list",
        page=min(max(int(page[:4]), 1), LAST_PAGE) if page.isdecimal() and page.isascii() else 1,
    )


class Nearby(NamedTuple):
    """What a text looks for, around what, and how far; near is empty where it does not say."""

    words: str
    near: str
    radius_miles: int | None


def read_nearby(text: str) -> Iterator[Nearby]:
    """Read "welding near Wichita" or "lathes within 20 miles of 67202", in each possible way.

    Whether what follows is a place is for others to know: "near net shape" is none. One's own place
    ("near me", "within 20 miles") is left empty. radius_miles: None where no distance is said.
    """
    for found in _NEARBY.finditer(text):
        words, near = text[: found.start()].strip(" ,"), text[found.end() :].strip(" ,.?!")
        miles = None
        if found["number"]:
            per_unit = _KILOMETERS_PER_MILE if found["unit"].lower().startswith("k") else 1
            miles = min(max(round(int(found["number"]) / per_unit), 1), _MOST_MILES)
        if near.lower() in _HERE:
            near = ""
        if len(near) <= LONGEST_NEAR and (near or found["number"] or found["here"]):
            yield Nearby(words, near, miles)


def read_query(query: str) -> dict[str, list[str]]:
    """Return the arguments of the part of an address after "?".

    NUL, which no database takes, is replaced as octets are that are no UTF-8: it finds nothing.
    """
    return parse_qs(query.replace("%00", _REPLACEMENT), keep_blank_values=True)


def unknown_arguments(
    arguments: Iterable[str], facets: tuple[str, ...], filters: Sequence[SearchFilter] = ()
) -> list[str]:
    """Return the names that stand for nothing: without them a search would find much more."""
    known = {*_OWN_ARGUMENTS, *facets, *(item.name for one in filters for item in one.fields)}
    return sorted(set(arguments) - known)


def facet_with_too_many(arguments: Mapping[str, list[str]], facets: tuple[str, ...]) -> str | None:
    """Return a facet of which more values are chosen than a search can have, if there is one."""
    for name in ("kind", *facets):
        if name in arguments and len(set(arguments[name])) > MOST_VALUES:
            return name
    return None


_OWN_ARGUMENTS = (
    "q kind near radius_miles updated_days sort view page limit cursor".split()  # noqa: SIM905
)


def _first(arguments: Mapping[str, list[str]], name: str, longest: int = 20) -> str:
    """Return the first value without the spaces around it, so that it is read back as it is."""
    values = arguments.get(name)
    return values[0].strip()[:longest].rstrip() if values else ""


def _radius(text: str) -> int | None:
    if text == "any":
        return None
    if text.isdecimal() and text.isascii() and 0 < int(text[:5]) <= _MOST_MILES:
        return int(text[:5])
    return USUAL_RADIUS_MILES


def _days(text: str) -> int | None:
    return int(text) if text in map(str, UPDATED_DAYS) else None


# Saved searches

_STOP = "stop-saved-search"


def next_run(frequency: str, after: dt.datetime, zone: str) -> dt.datetime:
    """Return when a saved search is due next: the next morning, or that of the next Monday."""
    if frequency == "at_once":
        return after + dt.timedelta(minutes=AT_ONCE_MINUTES)
    here = after.astimezone(ZoneInfo(zone))
    day = here.date()
    while True:
        morning = dt.datetime.combine(day, MORNING, ZoneInfo(zone))
        if morning > here and (frequency == "daily" or day.weekday() == 0):
            return morning.astimezone(dt.UTC)
        day += dt.timedelta(days=1)


def pack_numbers(numbers: Iterable[int]) -> bytes:
    """Write a set of numbers in few bytes: sorted, as steps, compressed."""
    ordered = np.sort(np.fromiter(set(numbers), dtype="<u4"))
    return zlib.compress(np.diff(ordered, prepend=np.uint32(0)).tobytes())


def unpack_numbers(packed: bytes) -> set[int]:
    """Read what `pack_numbers` wrote."""
    steps = np.frombuffer(zlib.decompress(packed), dtype="<u4")
    return set(np.cumsum(steps, dtype=np.uint64).tolist())


def sign_stop(secret: str, saved_search_id: int, user_id: int) -> str:
    """Return the token of a link with which a person stops the e-mail of a saved search."""
    return seal_numbers(secret, _STOP, saved_search_id, user_id)


def read_stop(secret: str, token: str) -> tuple[int, int] | None:
    """Return the saved search and the person of a token, or None unless it is one of ours."""
    return read_numbers(secret, _STOP, token)


# Unmet demand

_WORD = re.compile(r"[^\W_]+(?:[-./'’][^\W_]+)*")
_DIGITS = re.compile(r"\d[\d\s().+/-]*\d")
_MOST_DIGITS = 6


def demand_words(text: str) -> str:
    """Return the words of a search as they are counted, or nothing where they may name a person.

    A text with an e-mail address or with a number as long as a telephone's is not kept at all.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    if "@" in folded or has_long_number(folded):
        return ""
    return " ".join(_WORD.findall(folded))[:LONGEST_WORDS].strip()


def has_long_number(text: str) -> bool:
    """Tell whether a number as long as a telephone's stands in a text, however it is parted."""
    return any(
        sum(letter.isdigit() for letter in found[0]) > _MOST_DIGITS
        for found in _DIGITS.finditer(text)
    )
