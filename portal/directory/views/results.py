"""What a page of results has by the dozen, as HTML: the records found, the values of facets.

Of each shape the template is rendered once; what differs is then put in. Nothing else of a page of
results takes as long as these.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import compress
from operator import attrgetter, itemgetter
from typing import NamedTuple
from urllib.parse import quote, quote_plus

from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup, escape

from portal.directory.queries.searching import FacetView
from portal.directory.rules import PLAIN, Search
from portal.directory.views.addresses import address
from portal.kernel.fulltext.port import MATCH, MATCH_END, Hit, with_matches
from portal.kernel.kept import for_a_minute
from portal.kernel.search import search_index
from portal.kernel.templating import pattern_of, pieces_of, written
from portal.kernel.web import viewer
from portal.kernel.web.formats import (
    format_date,
    format_distance,
    format_money,
    format_number,
    times_ago,
)

VALUES_UNFOLDED = 8
# Stand for a value of a facet, and for a facet.
_ANY_VALUE = "\x01"
_ANY_FACET = "\x02"
_IN_ARGUMENTS = f"{quote(_ANY_FACET)}={quote(_ANY_VALUE)}"
# What a row says, by name; `found` is where the words stand. `ago` (when it was confirmed) and how
# far away it is are markup, and come on top.
_TEXTS = ("summary", "found", "url", "title", "organization", "place")
_VALUES = (*_TEXTS, "ago", "miles", "kilometers", "away")
_MARKED = attrgetter("marked")
# A text that begins with so many letters of another says the same.
_SAME = 40
# Stand in links that are kept for what is before facet and value in their address, and for what is
# after them. To look for one character is much faster than for two.
_BEFORE_TEXT, _AFTER_TEXT = _MARKS = "\0\1"
_BEFORE, _AFTER = _BEFORE_TEXT.encode(), _AFTER_TEXT.encode()
_UNMARKED = dict.fromkeys(map(ord, _MARKS))
# So many counts are kept as pages write them.
_MOST_COUNTS = 10_000


# Records


def rows_of(hits: Sequence[Hit]) -> bytes:
    """Return the records found, as the page lists them."""
    if not hits:
        return b""
    language, ago = viewer.language(), times_ago()
    # The texts of all rows are escaped at once: for each, the call alone would take longer.
    texts = escape("\0".join([text for hit in hits for text in _texts_of(hit)]))
    safe = with_matches(str(texts).encode()).split(b"\0")
    rows: list[bytes] = []
    for at, hit in enumerate(hits):
        extra = hit.extra
        values = safe[at * len(_TEXTS) : (at + 1) * len(_TEXTS)]
        confirmed = extra.get("confirmed")
        values.append(ago(confirmed).encode() if confirmed else b"")
        if hit.distance_miles is not None:
            values += _distance_of(hit.distance_miles)
        row, chosen = _row(language, hit.kind, extra.get("direction", ""), *map(bool, values))
        row = row.copy()
        row[1::2] = chosen(values)
        rows += row
    return b"".join(rows)


@lru_cache(maxsize=1024)
def _row(
    language: str, kind: str, direction: str, *has: bool
) -> tuple[list[bytes], Callable[[list[bytes]], tuple[bytes, ...]]]:
    """Return a row in pieces, and what chooses of its values those that are put in between.

    has: for each of the first values of `_VALUES` whether there is one.
    """
    names = tuple(compress(_VALUES, has))
    shape = {"kind": kind, "direction": direction}
    pieces, places = pieces_of("directory/found_row.html", language, names, **shape)
    return pieces, itemgetter(*map(_VALUES.index, places))


def _texts_of(hit: Hit) -> tuple[str, ...]:
    """Return what a row says, in the order of `_TEXTS`."""
    extra, summary = hit.extra, hit.summary
    found = " · ".join(map(_MARKED, hit.highlights))
    if found:
        found = found.replace("· …", "…")
        if summary:
            # A word has a letter between its two marks, so that this has letters enough.
            plain = found[: 3 * _SAME].replace(MATCH, "").replace(MATCH_END, "")
            # One of them where both say the same.
            summary = "" if plain[:_SAME].strip("… ") in summary else summary
    organization = hit.organization if hit.kind != "organization" else ""
    place = extra.get("county", "") if "next_on" not in extra else _next_of(extra)
    return summary, found, hit.url, hit.title, organization, place


def _distance_of(miles: float) -> list[bytes]:
    kilometers = format_number(round(miles * 1.609344, 1))
    return [part.encode() for part in (str(miles), kilometers, format_distance(miles))]


def _next_of(extra: Mapping[str, str]) -> str:
    """Return where and when training is held next, how many seats are left, and the price."""
    seats = int(extra["free_seats"])
    told = [
        extra.get("county", ""),
        _("begins on %(day)s", day=format_date(dt.date.fromisoformat(extra["next_on"]))),
        ngettext("%(num)s seat left", "%(num)s seats left", seats) if seats > 0 else _("full"),
    ]
    lowest, highest = (extra.get(name, "") for name in ("lowest_cents", "highest_cents"))
    if highest == "0":
        told.append(_("Free"))
    elif lowest:
        told.append(
            format_money(int(lowest))
            if lowest == highest
            else _(
                "%(lowest)s to %(highest)s",
                lowest=format_money(int(lowest)),
                highest=format_money(int(highest)),
            )
        )
    return " · ".join(part for part in told if part)


# Facets


class FacetList(NamedTuple):
    """A facet as the page shows it: links that choose a value, or take the choice back.

    more: those that wait to be unfolded, `count_more` of them, `is_open` if one of them is chosen.
    """

    name: str
    label: str
    first: Markup
    more: Markup
    count_more: int
    is_open: bool


def facets_of(wanted: Search, facets: Iterable[FacetView]) -> bytes:
    """Return the facets with links that choose their values, or take the choice back.

    Addresses with a value added differ in nothing else, so one is made for all of them.
    """
    language = viewer.language()
    around = _around(wanted)
    links_of: dict[str, dict[str, bytes]] = for_a_minute(
        ("links", language), lambda: defaultdict(dict)
    )
    counted = _counted(language)
    found: list[bytes] = []
    for facet in facets:
        name, shown = facet.name, facet.shown
        is_open = False
        links: list[bytes] = []
        if wanted.chosen.get(name) or around is None:
            labels = facet.labels
            for value, count, is_selected in shown:
                is_open = is_open or (is_selected and len(links) >= VALUES_UNFOLDED)
                url = address(wanted.toggled(name, value))
                label = labels.get(value, value)
                link = value_link(language, name, value, label, count, is_selected, url)
                links.append(link.encode())
        else:
            known = links_of[name]
            if not all(map(known.__contains__, shown.names)):
                labels = facet.labels
                for value in shown.names:
                    known[value] = _link(language, name, value, labels.get(value, value))
            links = [b""] * (2 * len(shown.names))
            links[::2] = map(known.__getitem__, shown.names)
            links[1::2] = map(counted.__getitem__, shown.counts)
        found += _facet(language, name, links, len(shown.names), is_open)
    page = b"".join(found)
    if around is not None:
        page = page.replace(_BEFORE, around[0]).replace(_AFTER, around[1])
    return page


def _facet(
    language: str, name: str, links: list[bytes], count: int, is_open: bool
) -> Iterable[bytes]:
    """Return a facet in pieces. links: of so many values, all in as many pieces."""
    if not links:
        return ()
    unfolded = VALUES_UNFOLDED * len(links) // count
    values = {"first": b"".join(links[:unfolded])}
    if count > VALUES_UNFOLDED:
        values["more"] = b"".join(links[unfolded:])
        values["count_more"] = b"%d" % (count - VALUES_UNFOLDED)
    pieces, names = _facet_pieces(language, name, is_open, *values)
    pieces = pieces.copy()
    pieces[1::2] = [values[name] for name in names]
    return pieces


@lru_cache(maxsize=1024)
def _facet_pieces(
    language: str, name: str, is_open: bool, *values: str
) -> tuple[list[bytes], list[str]]:
    title = _("What") if name == "kind" else search_index().facets[name].label
    shape = {"name": name, "label": escape(title), "is_open": is_open}
    return pieces_of("directory/facet.html", language, values, **shape)


def facet_list(name: str, label: str, links: list[str], *, is_open: bool = False) -> FacetList:
    """Return a facet of so many links, the first of them unfolded, for a template."""
    first = Markup().join(map(Markup, links[:VALUES_UNFOLDED]))
    more = Markup().join(map(Markup, links[VALUES_UNFOLDED:]))
    return FacetList(name, label, first, more, max(len(links) - VALUES_UNFOLDED, 0), is_open)


def value_link(
    language: str, facet: str, value: str, label: str, count: int, is_selected: bool, url: str
) -> str:
    """Return a value as the page shows it. language: the reader's."""
    return _value_pattern(language, is_selected) % {
        "name": written(f"facet-{facet}-{quote(value)}"),
        "label": written(label).translate(_UNMARKED),
        "count": format_number(count),
        "url": written(url),
    }


# A page has a hundred of them, the same as all others.
@lru_cache(maxsize=8192)
def _link(language: str, facet: str, value: str, label: str) -> bytes:
    """Return a value that is not chosen as it stands before its count."""
    link = _value_pattern(language, is_selected=False).partition("%(count)s")[0] % {
        "name": written(f"facet-{facet}-{quote(value)}"),
        "label": written(label).translate(_UNMARKED),
        "url": f"{_BEFORE_TEXT}{facet}={escape(quote_plus(value, safe=PLAIN))}{_AFTER_TEXT}",
    }
    return link.encode()


class _Counted(dict[int, bytes]):
    """What stands at the end of a value that is not chosen, by its count, in one language."""

    def __init__(self, after: str) -> None:
        self._after = after

    def __missing__(self, count: int) -> bytes:
        if len(self) >= _MOST_COUNTS:
            self.clear()
        text = self[count] = f"{count:,}{self._after}".encode()
        return text


@lru_cache(maxsize=16)
def _counted(language: str) -> _Counted:
    # Nothing that stands there differs from value to value, or this fails.
    return _Counted(_value_pattern(language, is_selected=False).partition("%(count)s")[2] % {})


def _value_pattern(language: str, is_selected: bool) -> str:
    return pattern_of(
        "directory/facet_value.html",
        language,
        ("name", "label", "count", "url"),
        is_selected=is_selected,
    )


def _around(wanted: Search) -> tuple[bytes, bytes] | None:
    """Return what stands around a value and its facet in the address with any value added, escaped;
    or None, if the search itself has what stands for them.
    """
    if wanted.has_words_alone:
        return str(escape(f"{address(wanted)}&")).encode(), b""
    added = str(escape(address(wanted.toggled(_ANY_FACET, _ANY_VALUE))))
    parts = added.split(_IN_ARGUMENTS)
    return (parts[0].encode(), parts[1].encode()) if len(parts) == 2 else None
