"""The search box's page, its suggestions while typing, and the map of the results."""

import dataclasses
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus

from flask import redirect, render_template
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup, escape

from portal.directory.queries import searching
from portal.directory.queries.searching import Found
from portal.directory.rules import (
    LAST_PAGE,
    PAGE_SIZE,
    PLAIN,
    RADII_MILES,
    UPDATED_DAYS,
    USUAL_RADIUS_MILES,
    VIEWS,
    Search,
)
from portal.directory.views.addresses import address, asked_search
from portal.directory.views.blueprint import blueprint
from portal.directory.views.leading_on import meant_place, note_unmet, request_url, ways_on
from portal.directory.views.results import facets_of, rows_of
from portal.kernel.kept import keep_answer
from portal.kernel.templating import filled, marks_of
from portal.kernel.web.additions import pattern_for_nobody
from portal.kernel.web.addresses import present_address
from portal.kernel.web.answers import page
from portal.kernel.web.arguments import text_argument
from portal.kernel.web.texts import ngettext
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import list_organizations_of
from portal.regions.queries.counties import county_labels, outlines_of
from portal.regions.rules import draw_map

MOST_COUNTIES_DRAWN = 120
MOST_VALUES_SHOWN = 24
MOST_OWN_PLACES = 3


@blueprint.get("/search")
def search() -> ResponseReturnValue:
    """Show what a search finds, with facets, sorting and a map."""
    wanted = asked_search()
    # The map is drawn from the counties, however many there are.
    most = MOST_VALUES_SHOWN if wanted.view == "list" else None
    found = searching.search(current_actor(), wanted, most_values=most)
    if wanted.page > 1 and not found.hits:
        # There were more results once; an address that was kept leads to the last of them.
        last = min(-(-found.total // PAGE_SIZE), wanted.page - 1)
        return redirect(address(wanted.turned_to(max(last, 1))))
    keep_answer(is_for=note_unmet(found))
    own = {
        "count": ngettext(
            "%(number)s result", "%(number)s results", found.total, number=f"{found.total:,}"
        ).encode(),
        "hits": rows_of(found.hits),
        "partial": rows_of(found.partial) if wanted.view == "list" else b"",
        "facets": facets_of(found.search, found.facets),
    }
    plain = _plain_page(found, own)
    if plain is not None:
        return plain
    parts = {name: Markup(part.decode()) for name, part in own.items()}  # noqa: S704 (written)
    return page("directory/results.html", **parts, **_surroundings(found))


def _plain_page(found: Found, own: Mapping[str, bytes]) -> bytes | None:
    """Return the page of words alone that were all found, for nobody in particular.

    That is nearly every page, and what is around its `own` parts differs in the words only.
    """
    text = found.search.text
    if not found.search.has_words_alone or not found.hits:
        return None
    # Where nothing has all words, what is offered instead names them in several ways.
    if found.is_fuzzy or found.is_place_missing:
        return None
    # Titles have a single space between words.
    if text != " ".join(text.split()):
        return None
    shape = (bool(found.partial), found.has_next)

    def written() -> str:
        marks = marks_of(*own, "text", "shown_at")
        if not found.partial:
            marks["partial"] = ""
        marked = dataclasses.replace(found, search=Search(marks.pop("text")))
        return render_template("directory/results.html", **marks, **_surroundings(marked))

    pattern = pattern_for_nobody(shape, written)
    if pattern is None:
        return None
    address_of_text = escape(quote_plus(text, safe=PLAIN))
    back = quote_plus(present_address(), safe="")
    return filled(
        pattern,
        {**own, "text": escape(text), "text_quoted": address_of_text, "shown_at_quoted": back},
    )


def _surroundings(found: Found) -> dict[str, Any]:
    """Return what the page shows around what was found."""
    wanted = found.search
    return {
        "found": found,
        "search": wanted,
        "sorts": _sorts(found),
        "views": _choices("view", VIEWS, wanted),
        "near_own": _near_own(wanted),
        "radii": RADII_MILES,
        "usual_radius": USUAL_RADIUS_MILES,
        "kept": _kept(wanted),
        "save_url": address(wanted, "directory.save_search"),
        "feeds": _feeds(wanted),
        "updated": _choices("updated_days", (None, *UPDATED_DAYS), wanted),
        "filters": _filters(wanted),
        "meant_place": meant_place(found),
        "ways_on": ways_on(found),
        "request_url": request_url(found) if found.is_unmet or not found.hits else None,
        "drawing": _map(found) if wanted.view == "map" else None,
        "previous_url": address(wanted.turned_to(wanted.page - 1)) if wanted.page > 1 else None,
        "next_url": (
            address(wanted.turned_to(wanted.page + 1))
            if found.has_next and wanted.page < LAST_PAGE and wanted.view == "list"
            else None
        ),
    }


@blueprint.get("/search/suggestions")
def suggestions() -> ResponseReturnValue:
    """Offer records while somebody types."""
    typed = text_argument("q")
    found = searching.suggest(current_actor(), typed) if len(typed) >= 2 else []
    return render_template("components/suggestions.html", suggestions=found)


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


@lru_cache(maxsize=16)
def _words(_language: str) -> dict[str, str]:
    """Return what the choices are called in the reader's language: looking it up takes long."""
    return {
        "relevance": _("Best match"),
        "newest": _("Newest"),
        "title": _("Name"),
        "distance": _("Distance"),
        "list": _("List"),
        "map": _("Map"),
        "": _("Any time"),
        "30": _("Last 30 days"),
        "90": _("Last 90 days"),
        "365": _("Last year"),
    }


def _choices(field: str, values: Iterable[Any], wanted: Search) -> list[dict[str, Any]]:
    """Return links to the same search with each of these values in a field."""
    words, present = _words(str(get_locale())), getattr(wanted, field)
    return [
        {
            "label": words[str(value or "")],
            "url": address(wanted.changed(**{field: value})),
            "is_selected": present == value,
        }
        for value in values
    ]


def _sorts(found: Found) -> list[dict[str, Any]]:
    wanted = found.search
    if found.place is None and wanted.sort == "distance":
        # How far away anything is cannot be told, so the best come first.
        wanted = wanted.changed(sort="relevance")
    sorts = ("relevance", "newest", "title", *(("distance",) if found.place else ()))
    return _choices("sort", sorts, wanted)


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
