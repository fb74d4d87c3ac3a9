"""Searching the directory: the index finds, the database has the last word on who sees what."""

import dataclasses
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

from flask_babel import get_locale
from flask_babel import gettext as _

from portal.directory.rules import (
    MAP_SIZE,
    MOST_VALUES,
    PAGE_SIZE,
    Search,
    facet_with_too_many,
    read_nearby,
)
from portal.kernel import authorization
from portal.kernel.authorization import NOBODY, Actor
from portal.kernel.clock import now
from portal.kernel.errors import Invalid
from portal.kernel.fulltext.port import (
    FacetValues,
    Hit,
    Key,
    Near,
    Query,
    Results,
    Suggestion,
)
from portal.kernel.kept import for_a_minute, while_unwritten
from portal.kernel.manifest import SearchFilter, installed_manifests
from portal.kernel.search import search_index
from portal.regions.queries.places import Place, find_place


class FacetChoice(NamedTuple):
    """A value of a facet with the name that people know it by."""

    value: str
    label: str
    count: int  # type: ignore[assignment]
    is_selected: bool


class FacetView(NamedTuple):
    """A facet with the values that are shown, the most frequent first; `found` are all of them."""

    name: str
    label: Any
    shown: FacetValues
    found: FacetValues

    @property
    def labels(self) -> Mapping[str, str]:
        """What people know the shown values by, which a page that was asked for before knows."""
        return _labels(self.name, self.shown, self.found, _known_labels()[self.name])

    @property
    def values(self) -> list[FacetChoice]:
        """Each value by itself."""
        labels = self.labels
        return [
            FacetChoice(value, labels.get(value, value), count, is_selected)
            for value, count, is_selected in self.shown
        ]


@dataclass(frozen=True)
class Found:
    """What a search found: one page of hits, and what holds for all of them.

    search: as it was understood. place: what its ZIP code or town stands for, or None;
    is_place_unknown: it was given and there is none; is_place_missing: its words ask for what is
    near and do not say where. suggestion: another spelling, is_fuzzy: not all words were found.
    partial: more that have some of the words, where few have all; they are not counted.
    """

    search: Search
    total: int
    hits: list[Hit]
    partial: list[Hit]
    facets: list[FacetView]
    suggestion: str | None
    is_fuzzy: bool
    place: Place | None
    is_place_unknown: bool
    is_place_missing: bool
    has_next: bool

    @property
    def is_unmet(self) -> bool:
        """Whether nothing has what was asked for, in no spelling that we can think of."""
        return self.total == 0 or (self.is_fuzzy and self.suggestion is None)


def facet_names() -> tuple[str, ...]:
    """Return the names of the facets that the domains have registered, in their order."""
    return tuple(search_index().facets)


def search_filters() -> tuple[SearchFilter, ...]:
    """Return the filters that the domains have registered, bottom to top."""
    return tuple(item for manifest in installed_manifests() for item in manifest.filters)


def refuse_too_many(arguments: Mapping[str, list[str]], field: str | None = None) -> None:
    """Raise Invalid where the arguments choose more values of a facet than a search can have.

    field: whose mistake that is, if not the facet's own.
    """
    if max(map(len, arguments.values()), default=0) <= MOST_VALUES:
        return
    name = facet_with_too_many(arguments, facet_names())
    if name is not None:
        raise Invalid(
            field or name,
            _("Choose at most %(most)d values of one filter.", most=MOST_VALUES),
        )


def search(
    actor: Actor,
    wanted: Search,
    *,
    offset: int | None = None,
    limit: int | None = None,
    most_values: int | None = None,
) -> Found:
    """Find what the actor may see. offset, limit: instead of the search's page (for the API).

    most_values: so many of each facet's values, the most frequent, and every chosen one.

    Raises IndexUnavailable while there is no index.
    """
    asked, (wanted, place) = wanted, understood(wanted)
    if limit is None:
        limit = MAP_SIZE if wanted.view == "map" else PAGE_SIZE
        offset = (wanted.page - 1) * PAGE_SIZE
    offset = offset or 0
    results = search_index().index.search(
        Query(
            **_conditions(actor, wanted, place),
            sort=_sort(wanted, place),
            limit=limit,
            offset=offset,
        )
    )
    hits, partial = list(results.hits), list(results.partial)
    keys = [(hit.kind, hit.id) for hit in (*hits, *partial)]
    seen = visible_keys(actor, keys)
    hidden: list[Hit] = []
    if len(seen) < len(keys):
        # What was hidden since the index last heard of it counts no longer either.
        hidden = [hit for hit in hits if hit.key not in seen]
        hits, partial = ([hit for hit in its if hit.key in seen] for its in (hits, partial))
    return Found(
        search=wanted,
        total=results.total - len(hidden),
        hits=hits,
        partial=partial,
        facets=list(_facets(results, hidden, most_values)),
        suggestion=results.suggestion,
        is_fuzzy=results.is_fuzzy,
        place=place,
        is_place_unknown=bool(wanted.near) and place is None,
        is_place_missing=wanted.text != asked.text and place is None,
        has_next=results.total > offset + limit,
    )


def understood(wanted: Search) -> tuple[Search, Place | None]:
    """Return a search with the place that its words name, unless it has one, as its own; and it."""
    if wanted.near:
        return wanted, find_place(wanted.near)
    for words, near, radius_miles in read_nearby(wanted.text):
        place = find_place(near) if near else None
        if place is not None or not near:
            if radius_miles is None:
                radius_miles = wanted.radius_miles
            return dataclasses.replace(
                wanted, text=words, near=near, radius_miles=radius_miles
            ), place
    return wanted, None


def _conditions(actor: Actor, wanted: Search, place: Place | None) -> dict[str, Any]:
    """Return what decides what is found, as a query of the index has it."""
    allowed = [
        item.keys(wanted.filters[item.name])
        for item in (search_filters() if wanted.filters else ())
        if item.name in wanted.filters
    ]
    days = wanted.updated_days
    return {
        "audience": actor.audience,
        "hidden": _hidden(actor),
        "text": wanted.text,
        "kinds": frozenset(wanted.chosen.get("kind", ())),
        "facets": {
            name: frozenset(values)
            for name, values in wanted.chosen.items()
            if values and name != "kind"
        },
        "near": Near(place.latitude, place.longitude, wanted.radius_miles) if place else None,
        "among": reduce(frozenset.intersection, allowed) if allowed else None,
        "updated_since": now() - dt.timedelta(days=days) if days else None,
    }


def _hidden(actor: Actor) -> frozenset[Key]:
    """Return what the actor may not see any more and the index has not heard of."""
    changed = while_unwritten("unindexed", search_index().unindexed)
    return changed - visible_keys(actor, changed) if changed else changed


def suggest(actor: Actor, typed: str, limit: int = 8) -> list[Suggestion]:
    """Return records whose names begin with what is typed, those that the actor may see."""
    found = search_index().index.suggest(typed, actor.audience, limit)
    seen = visible_keys(actor, [(item.kind, item.id) for item in found])
    return [item for item in found if (item.kind, item.id) in seen]


def _sort(wanted: Search, place: Place | None) -> Any:
    if wanted.sort == "distance" and place is None:
        return "relevance"
    if wanted.sort == "relevance" and not wanted.text:
        return "distance" if place else "newest"
    return wanted.sort


def visible_keys(actor: Actor, keys: Collection[Key]) -> set[Key]:
    """Return those of the records that the database says the actor may see right now."""
    # What everybody may see is asked for again and again.
    known: set[Key] = while_unwritten("visible", set) if actor is NOBODY else set()
    by_kind: dict[str, list[int]] = {}
    for key in keys:
        if key not in known:
            by_kind.setdefault(key[0], []).append(key[1])
    if by_kind:
        known |= authorization.visible_keys(actor, search_index().viewing, by_kind)
    return known.intersection(keys)


def _known_labels() -> dict[str, dict[str, str]]:
    """Return the names of values, by facet, that pages of this minute had in the reader's language.

    Each minute all that were known are asked for at once, so that hardly any page asks at all.
    """
    return for_a_minute(("labels", str(get_locale())), lambda: defaultdict(dict), _renewed_labels)


def _renewed_labels(before: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    renewed = {name: _names_of(name, list(known)) for name, known in list(before.items())}
    return defaultdict(dict, renewed)


def _labels(
    name: str, shown: FacetValues, values: FacetValues, known: dict[str, str]
) -> Mapping[str, str]:
    """Return the names of a facet's shown values. known: those that are kept, with theirs from now.

    Only those of values that something has are kept: any others can stand in an address. Where
    one is not known yet, all values found are asked for, so that no page has to ask for long.
    """
    if all(map(known.__contains__, shown.names)):
        return known
    names = _names_of(name, [value for value in values.names if value not in known])
    counts = dict(zip(values.names, values.counts, strict=True))
    known.update((value, label) for value, label in names.items() if counts[value])
    return {**known, **names}


def _names_of(name: str, values: Sequence[str]) -> dict[str, str]:
    found: Mapping[str, Any]
    if name == "kind":
        found = {kind: item.label for kind, item in search_index().kinds.items()}
    else:
        found = search_index().facets[name].labels(values)
    return {value: str(found.get(value, value)) for value in values}


def _facets(
    results: Results, hidden: Sequence[Hit], most_values: int | None
) -> Iterable[FacetView]:
    found, facets = results.facets, search_index().facets
    for name in ("kind", *facets):
        values = found.get(name)
        if values is None or not values.names:
            continue
        shown = values.first(most_values)
        if hidden:
            shown = _without(hidden, name, shown)
        yield FacetView(name, facets[name].label if name in facets else None, shown, values)


def _without(hidden: Sequence[Hit], name: str, values: FacetValues) -> FacetValues:
    """Return the values of a facet as they are without some of the hits."""
    less = Counter(
        value
        for hit in hidden
        for value in ((hit.kind,) if name == "kind" else hit.facets.get(name, ()))
    )
    fewer = [item._replace(count=item.count - less[item.value]) for item in values]
    left = [item for item in fewer if item.count or item.is_selected]
    return FacetValues(
        [item.value for item in left], [item.count for item in left], values.selected
    )


def count(actor: Actor, wanted: Search) -> int:
    """Return how many records a search finds by its words as they are."""
    found = search(actor, wanted, offset=0, limit=0)
    return 0 if found.is_fuzzy else found.total


def describe(wanted: Search) -> list[str]:
    """Return in words what a search looks for, part by part; nothing where it is everything."""
    return describe_all([wanted])[0]


def describe_all(searches: Sequence[Search]) -> list[list[str]]:
    """Return the same for many, asking each facet for the names of all their values at once."""
    index = search_index()
    labels: dict[str, Mapping[str, Any]] = {
        "kind": {kind: item.label for kind, item in index.kinds.items()}
    }
    for name, facet in index.facets.items():
        chosen = {value for wanted in searches for value in wanted.chosen.get(name, ())}
        labels[name] = facet.labels(sorted(chosen)) if chosen else {}
    return [_describe(wanted, labels) for wanted in searches]


def _describe(wanted: Search, labels: Mapping[str, Mapping[str, Any]]) -> list[str]:
    parts = [f"“{wanted.text}”"] if wanted.text else []
    for name, values in wanted.chosen.items():
        parts += [str(labels[name].get(value, value)) for value in values]
    if wanted.near and wanted.radius_miles:
        parts.append(
            _("within %(miles)d miles of %(zip)s", miles=wanted.radius_miles, zip=wanted.near)
        )
    if wanted.updated_days:
        parts.append(_("updated in the last %(days)d days", days=wanted.updated_days))
    for item in search_filters():
        if given := wanted.filters.get(item.name):
            parts.append(f"{item.label}: {', '.join(given.values())}")
    return parts


def matching_keys(actor: Actor, wanted: Search, *, is_waited_for: bool = False) -> frozenset[Key]:
    """Return all that a search finds by its words as they are, as the index knows it.

    is_waited_for: it may take some seconds at most. Raises IndexUnavailable.
    """
    wanted, place = understood(wanted)
    return search_index().index.matching(
        Query(**_conditions(actor, wanted, place)), is_waited_for=is_waited_for
    )


def hits_of(actor: Actor, keys: Sequence[Key]) -> list[Hit]:
    """Return the records of some keys that the actor may see, in the order of the keys."""
    if not keys:
        return []
    results = search_index().index.search(
        Query(audience=actor.audience, among=frozenset(keys), sort="newest", limit=len(keys))
    )
    places = {key: place for place, key in enumerate(keys)}
    seen = visible_keys(actor, [hit.key for hit in results.hits])
    shown = (hit for hit in results.hits if hit.key in seen)
    return sorted(shown, key=lambda hit: places[hit.key])
