"""The search box's page, its suggestions while typing, and the map of the results."""

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from markupsafe import Markup, escape

from portal.directory.queries import searching
from portal.directory.queries.searching import Found
from portal.directory.rules import LAST_PAGE, PLAIN, RADII_MILES, UPDATED_DAYS, Search
from portal.directory.views.addresses import address, asked_search
from portal.directory.views.blueprint import blueprint
from portal.directory.views.leading_on import note_unmet, request_url, ways_on
from portal.kernel.fulltext.port import Hit
from portal.kernel.kept import keep_answer
from portal.kernel.web.answers import page
from portal.kernel.web.arguments import text_argument
from portal.kernel.web.formats import format_date, format_money, format_number
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import list_organizations_of
from portal.regions.queries import county_labels, outlines_of
from portal.regions.rules import draw_map

MOST_COUNTIES_DRAWN = 120
MOST_VALUES_SHOWN = 24
VALUES_UNFOLDED = 8
MOST_OWN_PLACES = 3
# Stand for a value of a facet, and for a facet.
_ANY_VALUE = "\x01"
_ANY_FACET = "\x02"
_VALUE_IN_ARGUMENTS = quote(_ANY_VALUE)
_IN_ARGUMENTS = f"{quote(_ANY_FACET)}={_VALUE_IN_ARGUMENTS}"
# A text that begins with so many letters of another says the same.
_SAME = 40
# Stands in no text: requests with it are refused.
_CUT = "\0"


class FoundRow(NamedTuple):
    """A record as the list of results shows it; `found` is where the words stand in its text."""

    kind: str
    direction: str
    url: str
    title: str
    summary: str
    found: Markup
    organization: str
    place: str
    distance_miles: float | None
    confirmed_at: dt.datetime | None


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


@blueprint.get("/search")
def search() -> ResponseReturnValue:
    """Show what a search finds, with facets, sorting and a map."""
    wanted = asked_search()
    # The map is drawn from the counties, however many there are.
    most = MOST_VALUES_SHOWN if wanted.view == "list" else None
    found = searching.search(current_actor(), wanted, most_values=most)
    keep_answer(is_for=note_unmet(found))
    return page(
        "directory/results.html",
        found=found,
        search=wanted,
        hits=[_shown(hit) for hit in found.hits],
        partial=[_shown(hit) for hit in found.partial] if wanted.view == "list" else [],
        facets=_facets(found),
        sorts=_sorts(wanted),
        views=_views(wanted),
        near_own=_near_own(wanted),
        radii=RADII_MILES,
        kept=_kept(wanted),
        save_url=address(wanted, "directory.save_search"),
        feeds=_feeds(wanted),
        updated=_updated(wanted),
        filters=_filters(wanted),
        ways_on=ways_on(found),
        request_url=None if found.hits else request_url(found),
        drawing=_map(found) if wanted.view == "map" else None,
        previous_url=address(wanted.turned_to(wanted.page - 1)) if wanted.page > 1 else None,
        next_url=(
            address(wanted.turned_to(wanted.page + 1))
            if found.has_next and wanted.page < LAST_PAGE and wanted.view == "list"
            else None
        ),
    )


@blueprint.get("/search/suggestions")
def suggestions() -> ResponseReturnValue:
    """Offer records while somebody types."""
    typed = text_argument("q")
    found = searching.suggest(current_actor(), typed) if len(typed) >= 2 else []
    return render_template("components/suggestions.html", suggestions=found)


def _facets(found: Found) -> list[FacetList]:
    """Return the facets with the addresses that choose their values, or take the choice back.

    Addresses with a value added differ in nothing else, so one is made for all of them.
    """
    wanted, language = found.search, str(get_locale())
    any_facet = _around(wanted, _ANY_FACET, _IN_ARGUMENTS)
    facets = []
    for name, title, values in found.facets:
        around = any_facet
        if name in wanted.chosen:
            around = _around(wanted, name, _VALUE_IN_ARGUMENTS)
        elif around is not None:
            around = f"{around[0]}{name}=", around[1]
        links: list[str] = []
        is_open = False
        for value, label, count, is_selected in values:
            if is_selected or around is None:
                url = str(escape(address(wanted.toggled(name, value))))
            else:
                url = f"{around[0]}{_quoted(value)}{around[1]}"
            is_open = is_open or (is_selected and len(links) >= VALUES_UNFOLDED)
            links.append(value_link(language, name, value, label, count, is_selected, url))
        facets.append(
            facet_list(name, _("What") if title is None else str(title), links, is_open=is_open)
        )
    return facets


def _around(wanted: Search, facet: str, between: str) -> tuple[str, str] | None:
    """Return what stands around `between` in the address with any value added, escaped; or None,
    if the search itself has that.
    """
    parts = str(escape(address(wanted.toggled(facet, _ANY_VALUE)))).split(between)
    return (parts[0], parts[1]) if len(parts) == 2 else None


def facet_list(name: str, label: str, links: list[str], *, is_open: bool) -> FacetList:
    """Return a facet of so many links, the first of them unfolded."""
    first, more = "".join(links[:VALUES_UNFOLDED]), "".join(links[VALUES_UNFOLDED:])
    count_more = max(len(links) - VALUES_UNFOLDED, 0)
    return FacetList(name, label, Markup(first), Markup(more), count_more, is_open)  # noqa: S704


def value_link(
    language: str, facet: str, value: str, label: str, count: int, is_selected: bool, url: str
) -> str:
    """Return a value as the page shows it. language: the reader's; url: escaped."""
    first, second, third, last = _pieces(language, facet, value, label, is_selected)
    return f"{first}{url}{second}{url}{third}{format_number(count)}{last}"


# Half of what a page of results is made of, and the same on every page.
@lru_cache(maxsize=8192)
def _pieces(
    _language: str, facet: str, value: str, label: str, is_selected: bool
) -> tuple[str, ...]:
    """Return what surrounds the address of a value (twice) and its count."""
    html = render_template(
        "directory/facet_value.html",
        name=f"facet-{facet}-{quote(value)}",
        label=label,
        is_selected=is_selected,
        url=_CUT,
        count=_CUT,
    )
    first, second, third, last = html.split(_CUT)
    return first, intern(second), third, intern(last)


@lru_cache(maxsize=8192)
def _quoted(value: str) -> str:
    """Return a value of a facet as it stands in the arguments of an address, escaped."""
    return str(escape(quote_plus(value, safe=PLAIN)))


def _shown(hit: Hit) -> FoundRow:
    confirmed = hit.extra.get("confirmed")
    summary, found = _text_of(hit)
    return FoundRow(
        kind=hit.kind,
        direction=next(iter(hit.facets.get("direction", ())), ""),
        url=hit.url,
        title=hit.title,
        summary=summary,
        found=found,
        organization=hit.organization if hit.kind != "organization" else "",
        place=hit.extra.get("county", "") if "next_on" not in hit.extra else _next_of(hit.extra),
        distance_miles=hit.distance_miles,
        confirmed_at=dt.datetime.fromisoformat(confirmed) if confirmed else None,
    )


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


def _text_of(hit: Hit) -> tuple[str, Markup]:
    """Return the summary, and where the words stand; one of them where both say the same."""
    marked = " · ".join(piece.__html__() for piece in hit.highlights).replace("· …", "…")
    found = Markup(marked)  # noqa: S704 (fragments escape what is not theirs)
    if not hit.summary or not hit.highlights:
        return hit.summary, found
    plain = hit.highlights[0].text
    if len(plain) < _SAME:
        plain = " · ".join(piece.text for piece in hit.highlights).replace("· …", "…")
    return "" if plain[:_SAME].strip("… ") in hit.summary else hit.summary, found


def _near_own(wanted: Search) -> list[dict[str, str]]:
    """Return the search around each of the actor's organizations, unless it has a place."""
    if wanted.near or not current_actor().memberships:
        return []
    return [
        {
            "name": row.name,
            "zip_code": row.zip_code,
            "url": address(wanted.changed(near=row.zip_code)),
        }
        for row in list_organizations_of(current_actor())[:MOST_OWN_PLACES]
        if row.zip_code
    ]


def _sorts(wanted: Search) -> list[dict[str, Any]]:
    labels = {"relevance": _("Best match"), "newest": _("Newest"), "title": _("Name")}
    if wanted.near:
        labels["distance"] = _("Distance")
    return [
        {
            "label": label,
            "url": address(wanted.changed(sort=sort)),
            "is_selected": wanted.sort == sort,
        }
        for sort, label in labels.items()
    ]


def _views(wanted: Search) -> list[dict[str, Any]]:
    return [
        {
            "label": label,
            "url": address(wanted.changed(view=view)),
            "is_selected": wanted.view == view,
        }
        for view, label in (("list", _("List")), ("map", _("Map")))
    ]


def _updated(wanted: Search) -> list[dict[str, Any]]:
    labels = {
        None: _("Any time"),
        30: _("Last 30 days"),
        90: _("Last 90 days"),
        365: _("Last year"),
    }
    return [
        {
            "label": labels[days],
            "url": address(wanted.changed(updated_days=days)),
            "is_selected": wanted.updated_days == days,
        }
        for days in (None, *UPDATED_DAYS)
    ]


def _filters(wanted: Search) -> list[dict[str, Any]]:
    """Return the filters of the domains as forms: their fields, and what goes along with them."""
    return [
        {
            "label": item.label,
            "fields": [
                {
                    "name": known.name,
                    "label": known.label,
                    "type": known.type,
                    "value": wanted.filters.get(item.name, {}).get(known.name, ""),
                }
                for known in item.fields
            ],
            "kept": [*_kept(wanted.without(item.name)), *_own_fields(wanted)],
            "remove_url": (
                address(wanted.without(item.name)) if item.name in wanted.filters else None
            ),
        }
        for item in searching.search_filters()
    ]


def _feeds(wanted: Search) -> list[dict[str, str]]:
    plain = wanted.changed(sort="relevance", view="list")
    return [
        {
            "type": media_type,
            "label": label,
            "url": address(plain, endpoint),
        }
        for media_type, label, endpoint in (
            ("application/atom+xml", "Atom", "directory.show_atom_feed"),
            ("application/feed+json", "JSON Feed", "directory.show_json_feed"),
        )
    ]


def _own_fields(wanted: Search) -> list[tuple[str, str]]:
    """Return what the fields of the search form hold."""
    fields = wanted.criteria()
    return [(name, str(fields[name])) for name in ("q", "near", "radius_miles") if name in fields]


def _kept(wanted: Search) -> list[tuple[str, str]]:
    """Return what the search form must carry along so that nothing chosen is lost."""
    fields = wanted.changed().arguments()
    return [
        (name, value)
        for name, values in fields.items()
        if name not in ("q", "near", "radius_miles")
        for value in ([values] if isinstance(values, str) else values)
    ]


def _map(found: Found) -> dict[str, Any]:
    """Return the counties of the results and the hits as points on them."""
    counties = next((facet.values for facet in found.facets if facet.name == "county"), [])
    # Where counties are chosen, the others are offered beside them, but have none of the results.
    is_chosen = any(value.is_selected for value in counties)
    with_results = [
        value.value for value in counties if value.count and value.is_selected >= is_chosen
    ][:MOST_COUNTIES_DRAWN]
    outlines = outlines_of(with_results)
    located = [hit for hit in found.hits if hit.latitude is not None and hit.longitude is not None]
    return {
        "drawing": draw_map(
            outlines,
            [(hit.latitude or 0.0, hit.longitude or 0.0) for hit in located],
        ),
        "names": county_labels(with_results),
        "places": [
            {"label": hit.title, "url": hit.url, "place": hit.extra.get("county", "")}
            for hit in located
        ],
        "missing": found.total - len(located),
    }
