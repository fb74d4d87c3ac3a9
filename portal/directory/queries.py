"""Searching the directory: the index finds, the database has the last word on who sees what."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from portal.directory.rules import MAP_SIZE, PAGE_SIZE, Search
from portal.kernel.authorization import Actor
from portal.kernel.fulltext.port import Hit, Near, Query, Results, Suggestion
from portal.kernel.search import search_index
from portal.regions.queries import ZipPlace, find_zip


@dataclass(frozen=True)
class FacetChoice:
    """A value of a facet with the name that people know it by."""

    value: str
    label: str
    count: int
    is_selected: bool


@dataclass(frozen=True)
class FacetView:
    """A facet with its values, the most frequent first."""

    name: str
    label: Any
    values: list[FacetChoice]


@dataclass(frozen=True)
class Found:
    """What a search found: one page of hits, and what holds for all of them.

    place: what the ZIP code of the search stands for, or None; is_place_unknown: it was given and
    no such ZIP code exists. suggestion: another spelling, is_fuzzy: not all words were found.
    """

    search: Search
    total: int
    hits: list[Hit]
    facets: list[FacetView]
    suggestion: str | None
    is_fuzzy: bool
    place: ZipPlace | None
    is_place_unknown: bool
    has_next: bool


def facet_names() -> tuple[str, ...]:
    """Return the names of the facets that the domains have registered, in their order."""
    return tuple(search_index().facets)


def search(
    actor: Actor, wanted: Search, *, offset: int | None = None, limit: int | None = None
) -> Found:
    """Find what the actor may see. offset, limit: instead of the search's page (for the API).

    Raises IndexUnavailable while there is no index.
    """
    place = find_zip(wanted.near) if wanted.near else None
    near = Near(place.latitude, place.longitude, wanted.radius_miles) if place else None
    if limit is None:
        limit = MAP_SIZE if wanted.view == "map" else PAGE_SIZE
        offset = (wanted.page - 1) * PAGE_SIZE
    offset = offset or 0
    results = search_index().index.search(
        Query(
            audience=actor.audience,
            text=wanted.text,
            kinds=frozenset(wanted.chosen.get("kind", ())),
            facets={
                name: frozenset(values)
                for name, values in wanted.chosen.items()
                if values and name != "kind"
            },
            near=near,
            sort=_sort(wanted, near),
            limit=limit,
            offset=offset,
        )
    )
    hits = _still_visible(actor, results.hits)
    return Found(
        search=wanted,
        # What was hidden since the index last heard of it counts no longer either.
        total=results.total - (len(results.hits) - len(hits)),
        hits=hits,
        facets=list(_facets(results, wanted)),
        suggestion=results.suggestion,
        is_fuzzy=results.is_fuzzy,
        place=place,
        is_place_unknown=bool(wanted.near) and place is None,
        has_next=results.total > offset + limit,
    )


def suggest(actor: Actor, typed: str, limit: int = 8) -> list[Suggestion]:
    """Return records whose names begin with what is typed, those that the actor may see."""
    found = search_index().index.suggest(typed, actor.audience, limit)
    visible = _visible_keys(actor, ((item.kind, item.id) for item in found))
    return [item for item in found if (item.kind, item.id) in visible]


def _sort(wanted: Search, near: Near | None) -> Any:
    if wanted.sort == "distance" and near is None:
        return "relevance"
    if wanted.sort == "relevance" and not wanted.text:
        return "distance" if near else "newest"
    return wanted.sort


def _still_visible(actor: Actor, hits: Collection[Hit]) -> list[Hit]:
    visible = _visible_keys(actor, (hit.key for hit in hits))
    return [hit for hit in hits if hit.key in visible]


def _visible_keys(actor: Actor, keys: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
    by_kind: dict[str, list[int]] = defaultdict(list)
    for kind, number in keys:
        by_kind[kind].append(number)
    kinds = search_index().kinds
    return {
        (kind, number)
        for kind, numbers in by_kind.items()
        if kind in kinds
        for number in kinds[kind].visible_ids(actor, numbers)
    }


def _facets(results: Results, wanted: Search) -> Iterable[FacetView]:
    index = search_index()
    kinds = {kind: item.label for kind, item in index.kinds.items()}
    for name, label in (
        ("kind", None),
        *((name, item.label) for name, item in index.facets.items()),
    ):
        values = results.facets.get(name, ())
        if not values:
            continue
        keys = [value.value for value in values]
        labels = kinds if name == "kind" else index.facets[name].labels(keys)
        yield FacetView(
            name,
            label,
            [
                FacetChoice(
                    value.value,
                    str(labels.get(value.value, value.value)),
                    value.count,
                    value.is_selected,
                )
                for value in values
            ],
        )
