"""What a page of results has by the dozen, as HTML: the records found, the values of facets.

Of each shape the template is rendered once; what differs is then put in. Nothing else of a page of
results takes as long as these.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup, escape

from portal.directory.queries.searching import FacetView
from portal.directory.rules import PLAIN, Search
from portal.directory.views.addresses import address
from portal.kernel.fulltext.port import MATCH, MATCH_END, Hit, with_matches
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
# A text that begins with so many letters of another says the same.
_SAME = 40
# Stand in links that are kept for what is before facet and value in their address, for what is
# after them, and for the count. To look for one character is much faster than for two.
_BEFORE, _AFTER, _COUNT = _MARKS = "\0\1\2"
_UNMARKED = dict.fromkeys(map(ord, _MARKS))


# Records


def rows_of(hits: Sequence[Hit]) -> bytes:
    """Return the records found, as the page lists them."""
    if not hits:
        return b""
    language, ago = viewer.language(), times_ago()
    # The texts of all rows are escaped at once: for each, the call alone would take longer.
    texts = escape("\0".join([text for hit in hits for text in _texts_of(hit)]))
    safe = iter(with_matches(str(texts).encode()).split(b"\0"))
    rows: list[bytes] = []
    for hit in hits:
        extra = hit.extra
        values = {name: text for name, text in zip(_TEXTS, safe, strict=False) if text}
        if confirmed := extra.get("confirmed"):
            values["ago"] = ago(confirmed).encode()
        if hit.distance_miles is not None:
            values |= _distance_of(hit.distance_miles)
        row, names = _row(language, hit.kind, extra.get("direction", ""), *values)
        row = row.copy()
        row[1::2] = [values[name] for name in names]
        rows += row
    return b"".join(rows)


@lru_cache(maxsize=1024)
def _row(language: str, kind: str, direction: str, *values: str) -> tuple[list[bytes], list[str]]:
    """Return a row in pieces, between which its values are to be put."""
    return pieces_of("directory/found_row.html", language, values, kind=kind, direction=direction)


def _texts_of(hit: Hit) -> tuple[str, ...]:
    """Return what a row says, in the order of `_TEXTS`."""
    extra = hit.extra
    summary, found = _summary_of(hit)
    organization = hit.organization if hit.kind != "organization" else ""
    place = extra.get("county", "") if "next_on" not in extra else _next_of(extra)
    return summary, found, hit.url, hit.title, organization, place


def _distance_of(miles: float) -> dict[str, bytes]:
    return {
        "miles": str(miles).encode(),
        "kilometers": format_number(round(miles * 1.609344, 1)).encode(),
        "away": format_distance(miles).encode(),
    }


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


def _summary_of(hit: Hit) -> tuple[str, str]:
    """Return the summary, and where the words stand; one of them where both say the same."""
    found = " · ".join([piece.marked for piece in hit.highlights]).replace("· …", "…")
    if not hit.summary or not found:
        return hit.summary, found
    plain = found.replace(MATCH, "").replace(MATCH_END, "")
    return "" if plain[:_SAME].strip("… ") in hit.summary else hit.summary, found


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
    found = []
    for facet in facets:
        name, shown, label_of = facet.name, facet.shown, facet.labels.get
        is_open = False
        if wanted.chosen.get(name) or around is None:
            links: list[str] = []
            for value, count, is_selected in shown:
                is_open = is_open or (is_selected and len(links) >= VALUES_UNFOLDED)
                url = address(wanted.toggled(name, value))
                label = label_of(value, value)
                links.append(value_link(language, name, value, label, count, is_selected, url))
        else:
            labels = map(label_of, shown.names, shown.names)
            around_count = map(_link, repeat(language), repeat(name), shown.names, labels)
            links = [
                f"{before}{count:,}{after}"
                for (before, after), count in zip(around_count, shown.counts, strict=True)
            ]
        found.append(_facet(language, name, links, is_open))
    page = "".join(found)
    if around is not None:
        page = page.replace(_BEFORE, around[0]).replace(_AFTER, around[1])
    return page.encode()


def _facet(language: str, name: str, links: list[str], is_open: bool) -> str:
    if not links:
        return ""
    first, more = _folded(links)
    values: dict[str, Any] = {"first": first}
    if more:
        values |= {"more": more, "count_more": len(links) - VALUES_UNFOLDED}
    return _facet_pattern(language, name, is_open, *values) % values


@lru_cache(maxsize=1024)
def _facet_pattern(language: str, name: str, is_open: bool, *values: str) -> str:
    title = _("What") if name == "kind" else search_index().facets[name].label
    shape = {"name": name, "label": escape(title), "is_open": is_open}
    return pattern_of("directory/facet.html", language, values, **shape)


def facet_list(name: str, label: str, links: list[str], *, is_open: bool = False) -> FacetList:
    """Return a facet of so many links, the first of them unfolded, for a template."""
    first, more = map(Markup, _folded(links))
    return FacetList(name, label, first, more, max(len(links) - VALUES_UNFOLDED, 0), is_open)


def _folded(links: list[str]) -> tuple[str, str]:
    return "".join(links[:VALUES_UNFOLDED]), "".join(links[VALUES_UNFOLDED:])


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
def _link(language: str, facet: str, value: str, label: str) -> tuple[str, str]:
    """Return a value that is not chosen as it stands before and after its count."""
    link = _value_pattern(language, is_selected=False) % {
        "name": written(f"facet-{facet}-{quote(value)}"),
        "label": written(label).translate(_UNMARKED),
        "count": _COUNT,
        "url": f"{_BEFORE}{facet}={escape(quote_plus(value, safe=PLAIN))}{_AFTER}",
    }
    before, after = link.split(_COUNT)
    return before, after


def _value_pattern(language: str, is_selected: bool) -> str:
    return pattern_of(
        "directory/facet_value.html",
        language,
        ("name", "label", "count", "url"),
        is_selected=is_selected,
    )


def _around(wanted: Search) -> tuple[str, str] | None:
    """Return what stands around a value and its facet in the address with any value added, escaped;
    or None, if the search itself has what stands for them.
    """
    added = str(escape(address(wanted.toggled(_ANY_FACET, _ANY_VALUE))))
    parts = added.split(_IN_ARGUMENTS)
    return (parts[0], parts[1]) if len(parts) == 2 else None
