"""Searching the directory: the index finds, the database has the last word on who sees what.

And the reads of saved searches: which are due, what they match, what they have found for whom.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from typing import Any

from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import joinedload

from portal.accounts.models import User
from portal.directory.models import (
    SavedSearch,
    SavedSearchBaseline,
    SavedSearchMatch,
    SavedSearchReader,
    UnmetDemand,
)
from portal.directory.policies import Permission
from portal.directory.rules import (
    FEWEST_SEARCHES,
    MAP_SIZE,
    MOST_SAVED,
    PAGE_SIZE,
    Search,
    read_query,
    read_search,
    unknown_arguments,
    unpack_numbers,
)
from portal.kernel.authorization import Actor, authorize, visible
from portal.kernel.clock import now, today_here
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.fulltext.port import (
    FacetValue,
    Hit,
    IndexUnavailable,
    Key,
    Near,
    Query,
    Results,
    Suggestion,
)
from portal.kernel.kept import while_unwritten
from portal.kernel.manifest import DeskItem, SearchFilter, installed_manifests
from portal.kernel.outbox import OutboxDelivery, OutboxEvent
from portal.kernel.paging import keyset_page
from portal.kernel.search import INDEX_HANDLER, search_index
from portal.organizations.models import Membership, Organization
from portal.regions.queries import ZipPlace, counties_of_region, find_zip, find_zips

#: As many ids go into one statement.
_CHUNK = 1_000
MATCHES_PER_PAGE = 20
#: The desk counts no further for each search.
MOST_NEWS = 200


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
    partial: more that have some of the words, where few have all; they are not counted.
    """

    search: Search
    total: int
    hits: list[Hit]
    partial: list[Hit]
    facets: list[FacetView]
    suggestion: str | None
    is_fuzzy: bool
    place: ZipPlace | None
    is_place_unknown: bool
    has_next: bool


def facet_names() -> tuple[str, ...]:
    """Return the names of the facets that the domains have registered, in their order."""
    return tuple(search_index().facets)


def search_filters() -> tuple[SearchFilter, ...]:
    """Return the filters that the domains have registered, bottom to top."""
    return tuple(item for manifest in installed_manifests() for item in manifest.filters)


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
    place = find_zip(wanted.near) if wanted.near else None
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
    hits = _still_visible(actor, results.hits)
    return Found(
        search=wanted,
        # What was hidden since the index last heard of it counts no longer either.
        total=results.total - (len(results.hits) - len(hits)),
        hits=hits,
        partial=_still_visible(actor, results.partial),
        facets=list(_facets(results, most_values)),
        suggestion=results.suggestion,
        is_fuzzy=results.is_fuzzy,
        place=place,
        is_place_unknown=bool(wanted.near) and place is None,
        has_next=results.total > offset + limit,
    )


def _conditions(actor: Actor, wanted: Search, place: ZipPlace | None) -> dict[str, Any]:
    """Return what decides what is found, as a query of the index has it."""
    known = {item.name: item for item in search_filters()}
    allowed = [known[name].keys(values) for name, values in wanted.filters.items()]
    days = wanted.updated_days
    return {
        "audience": actor.audience,
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


def suggest(actor: Actor, typed: str, limit: int = 8) -> list[Suggestion]:
    """Return records whose names begin with what is typed, those that the actor may see."""
    found = search_index().index.suggest(typed, actor.audience, limit)
    seen = visible_keys(actor, ((item.kind, item.id) for item in found))
    return [item for item in found if (item.kind, item.id) in seen]


def _sort(wanted: Search, place: ZipPlace | None) -> Any:
    if wanted.sort == "distance" and place is None:
        return "relevance"
    if wanted.sort == "relevance" and not wanted.text:
        return "distance" if place else "newest"
    return wanted.sort


def _still_visible(actor: Actor, hits: Collection[Hit]) -> list[Hit]:
    seen = visible_keys(actor, (hit.key for hit in hits))
    return [hit for hit in hits if hit.key in seen]


def visible_keys(actor: Actor, keys: Iterable[Key]) -> set[Key]:
    """Return those of the records that the database says the actor may see right now."""
    by_kind: dict[str, list[int]] = defaultdict(list)
    for kind, number in keys:
        by_kind[kind].append(number)
    kinds = search_index().kinds
    return {
        (kind, number)
        for kind, numbers in by_kind.items()
        if kind in kinds
        for start in range(0, len(numbers), _CHUNK)
        for number in kinds[kind].visible_ids(actor, numbers[start : start + _CHUNK])
    }


def _labels(name: str, values: Sequence[FacetValue]) -> Mapping[str, str]:
    """Return the names of a facet's values in the reader's language.

    Only those of values that something has are kept: any others can stand in an address.
    """
    known: dict[str, str] = while_unwritten(("labels", name, str(get_locale())), dict)
    unknown = [item for item in values if item.value not in known]
    if not unknown:
        return known
    found = search_index().facets[name].labels([item.value for item in unknown])
    names = {item.value: str(found.get(item.value, item.value)) for item in unknown}
    known.update((item.value, names[item.value]) for item in unknown if item.count)
    return {**known, **names}


def _facets(results: Results, most_values: int | None) -> Iterable[FacetView]:
    index = search_index()
    kinds = {kind: str(item.label) for kind, item in index.kinds.items()}
    for name, label in (
        ("kind", None),
        *((name, item.label) for name, item in index.facets.items()),
    ):
        values = results.facets.get(name, ())
        if not values:
            continue
        shown = values[:most_values]
        if len(shown) < len(values):
            shown += tuple(value for value in values[most_values:] if value.is_selected)
        labels = kinds if name == "kind" else _labels(name, shown)
        yield FacetView(
            name,
            label,
            [
                FacetChoice(
                    value.value,
                    labels.get(value.value, value.value),
                    value.count,
                    value.is_selected,
                )
                for value in shown
            ],
        )


# Saved searches


@dataclass(frozen=True)
class SavedView:
    """A saved search as lists show it.

    search: what it looks for, or None where it can no longer run: one of its filters is gone.
    looks_for: the same in words. owner: the organization's name, or empty for a person's own.
    """

    row: SavedSearch
    search: Search | None
    looks_for: list[str]
    owner: str
    is_stopped: bool


@dataclass(frozen=True)
class MatchView:
    """A record that a saved search found, when, and whether the reader has yet to look at it."""

    hit: Hit
    found_at: dt.datetime
    is_new: bool


@dataclass(frozen=True)
class Matches:
    """A page of what a saved search has found, the newest first.

    missing: how many of this page are gone or no longer open to the reader.
    """

    items: list[MatchView]
    missing: int
    next: str | None
    has_news: bool


def list_saved_searches(actor: Actor) -> list[SavedView]:
    """Return the saved searches of the actor and of the actor's organizations, by name.

    Each owner has so few that they are one page.
    """
    rows = session.execute(
        select(SavedSearch, SavedSearchReader.is_stopped)
        .outerjoin(
            SavedSearchReader,
            and_(
                SavedSearchReader.saved_search_id == SavedSearch.id,
                SavedSearchReader.user_id == actor.user_id,
            ),
        )
        .options(joinedload(SavedSearch.organization))
        .where(visible(actor, Permission.SAVED_SEARCH_VIEW))
        .order_by(SavedSearch.name, SavedSearch.id)
        .limit(MOST_SAVED * (1 + len(actor.memberships)))
    )
    return _saved_views([(row, bool(is_stopped)) for row, is_stopped in rows])


def page_of_saved_searches(actor: Actor, **page: Any) -> Any:
    """Return a page of the same for programs, by number."""
    return keyset_page(
        select(SavedSearch)
        .options(joinedload(SavedSearch.organization))
        .where(visible(actor, Permission.SAVED_SEARCH_VIEW)),
        [SavedSearch.id],
        **page,
    )


def get_visible_saved_search(actor: Actor, saved_search_id: int) -> SavedSearch:
    """Return a saved search that the actor may see. Raises NotFound."""
    row = find_saved_search(saved_search_id)
    if row is None:
        raise NotFound(_("There is no such saved search."))
    authorize(actor, Permission.SAVED_SEARCH_VIEW, row)
    return row


def view_of(actor: Actor, row: SavedSearch) -> SavedView:
    """Return a saved search as pages show it to the actor."""
    reader = session.get(SavedSearchReader, (row.id, actor.user_id))
    return _saved_views([(row, reader is not None and reader.is_stopped)])[0]


def find_saved_search(saved_search_id: int) -> SavedSearch | None:
    """Return a saved search with its organization, whoever asks."""
    return session.scalar(
        select(SavedSearch)
        .options(joinedload(SavedSearch.organization))
        .where(SavedSearch.id == saved_search_id)
    )


def find_followed(saved_search_id: int, user_id: int) -> SavedSearch | None:
    """Return a saved search if it is that person's, or of an organization of theirs.

    SQLite gives the number of a deleted search to the next one, so a number alone proves nothing.
    """
    saved = find_saved_search(saved_search_id)
    if saved is None or saved.user_id == user_id:
        return saved
    is_member = exists().where(
        Membership.organization_id == saved.organization_id, Membership.user_id == user_id
    )
    return saved if session.scalar(select(is_member)) else None


def list_replaceable(actor: Actor) -> list[tuple[int, str]]:
    """Return number and name of the saved searches that the actor may change, by name."""
    rows = session.execute(
        select(SavedSearch.id, SavedSearch.name)
        .where(visible(actor, Permission.SAVED_SEARCH_CHANGE))
        .order_by(SavedSearch.name, SavedSearch.id)
        .limit(MOST_SAVED * (1 + len(actor.memberships)))
    )
    return [(row.id, row.name) for row in rows]


def find_organization(organization_id: int | None) -> Organization | None:
    """Return an organization by number."""
    return session.get(Organization, organization_id) if organization_id else None


def _saved_views(rows: Sequence[tuple[SavedSearch, bool]]) -> list[SavedView]:
    """Return rows, and whether each is stopped, as pages show them."""
    searches = _searches_of([row.query for row, _is_stopped in rows])
    words = iter(_describe_all([wanted for wanted in searches if wanted]))
    return [
        SavedView(
            row,
            wanted,
            next(words) if wanted else [],
            row.organization.name if row.organization else "",
            is_stopped,
        )
        for (row, is_stopped), wanted in zip(rows, searches, strict=True)
    ]


def search_of(query: str) -> Search | None:
    """Return the search of a saved one, or None where one of its filters or its ZIP code is gone.

    To pass such a part over, as an address does, would find far too much.
    """
    return _searches_of([query])[0]


def _searches_of(queries: Sequence[str]) -> list[Search | None]:
    facets, filters = facet_names(), search_filters()
    arguments = [read_query(query) for query in queries]
    found = [read_search(given, facets, filters) for given in arguments]
    places = find_zips({wanted.near for wanted in found if wanted.near})
    return [
        wanted
        # A filter that no longer understands what it is given would let everything through too.
        if wanted.query() == query
        and not unknown_arguments(given, facets, filters)
        and (not wanted.near or wanted.near in places)
        else None
        for query, given, wanted in zip(queries, arguments, found, strict=True)
    ]


def count(actor: Actor, wanted: Search) -> int:
    """Return how many records a search finds by its words as they are."""
    found = search(actor, wanted, offset=0, limit=0)
    return 0 if found.is_fuzzy else found.total


def describe(wanted: Search) -> list[str]:
    """Return in words what a search looks for, part by part; nothing where it is everything."""
    return _describe_all([wanted])[0]


def _describe_all(searches: Sequence[Search]) -> list[list[str]]:
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


def organization_actor(organization_id: int) -> Actor:
    """Return who sees what all people of an organization see, and no more."""
    return Actor(memberships={organization_id: "member"})


def matching_keys(actor: Actor, wanted: Search, *, is_waited_for: bool = False) -> frozenset[Key]:
    """Return all that a search finds by its words as they are, as the index knows it.

    is_waited_for: it may take some seconds at most. Raises IndexUnavailable.
    """
    place = find_zip(wanted.near) if wanted.near else None
    return search_index().index.matching(
        Query(**_conditions(actor, wanted, place)), is_waited_for=is_waited_for
    )


def reported_keys(saved: SavedSearch) -> set[Key]:
    """Return what is no news for a saved search: what was there before, and what it reported."""
    known = {
        (row.kind, number)
        for row in session.execute(
            select(SavedSearchBaseline.kind, SavedSearchBaseline.numbers).where(
                SavedSearchBaseline.saved_search_id == saved.id
            )
        )
        for number in unpack_numbers(row.numbers)
    }
    rows = session.execute(
        select(SavedSearchMatch.kind, SavedSearchMatch.record_id).where(
            SavedSearchMatch.saved_search_id == saved.id
        )
    )
    return known | {(row.kind, row.record_id) for row in rows}


def news_for(saved: SavedSearch, reader: Actor, keys: Collection[Key]) -> list[Key]:
    """Return what of all that a saved search finds now is news to its reader."""
    return sorted(visible_keys(reader, set(keys) - reported_keys(saved)))


def find_newest_event() -> tuple[int, bool]:
    """Return the newest event's number, and whether the index has taken up all events so far."""
    newest = session.scalar(select(func.max(OutboxEvent.id))) or 0
    is_waiting = session.scalar(
        select(
            exists().where(
                OutboxDelivery.handler == INDEX_HANDLER,
                OutboxDelivery.done_at.is_(None),
                OutboxDelivery.failed_at.is_(None),
            )
        )
    )
    return newest, not is_waiting


def list_due_ids(newest_event_id: int, limit: int) -> list[int]:
    """Return saved searches that are due, those that have waited longest first."""
    is_due = or_(
        SavedSearch.due_at <= now(),
        and_(
            SavedSearch.frequency == "at_once",
            SavedSearch.seen_event_id.is_distinct_from(newest_event_id),
        ),
    )
    return list(
        session.scalars(
            select(SavedSearch.id)
            .outerjoin(User, User.id == SavedSearch.user_id)
            .where(
                is_due,
                SavedSearch.is_paused.is_(False),
                or_(SavedSearch.user_id.is_(None), User.is_active),
            )
            .order_by(SavedSearch.due_at, SavedSearch.id)
            .limit(limit)
        )
    )


def has_due() -> bool:
    """Tell whether any saved search is due."""
    newest, _is_settled = find_newest_event()
    return bool(list_due_ids(newest, 1))


def list_round(saved: SavedSearch, number: int) -> list[Key]:
    """Return what a saved search found in one of its rounds."""
    rows = session.execute(
        select(SavedSearchMatch.kind, SavedSearchMatch.record_id)
        .where(
            SavedSearchMatch.saved_search_id == saved.id,
            SavedSearchMatch.round == number,
        )
        .order_by(SavedSearchMatch.id)
    )
    return [(row.kind, row.record_id) for row in rows]


def list_recipients(saved: SavedSearch) -> list[User]:
    """Return whom a saved search sends e-mail: those of its people who did not stop it."""
    is_stopped = exists().where(
        SavedSearchReader.saved_search_id == saved.id,
        SavedSearchReader.user_id == User.id,
        SavedSearchReader.is_stopped,
    )
    statement = select(User).where(User.is_active, ~is_stopped)
    if saved.organization_id is None:
        statement = statement.where(User.id == saved.user_id)
    else:
        statement = statement.join(Membership, Membership.user_id == User.id).where(
            Membership.organization_id == saved.organization_id
        )
    return list(session.scalars(statement.order_by(User.id)))


def hits_of(actor: Actor, keys: Sequence[Key]) -> list[Hit]:
    """Return the records of some keys that the actor may see, in the order of the keys."""
    if not keys:
        return []
    results = search_index().index.search(
        Query(audience=actor.audience, among=frozenset(keys), sort="newest", limit=len(keys))
    )
    places = {key: place for place, key in enumerate(keys)}
    return sorted(_still_visible(actor, results.hits), key=lambda hit: places[hit.key])


def list_matches(actor: Actor, saved: SavedSearch, *, cursor: str | None = None) -> Matches:
    """Return a page of what a saved search has found, as far as the actor may see it."""
    page = keyset_page(
        select(SavedSearchMatch).where(SavedSearchMatch.saved_search_id == saved.id),
        [SavedSearchMatch.id],
        cursor=cursor,
        limit=MATCHES_PER_PAGE,
        descending=True,
    )
    hits = {hit.key: hit for hit in hits_of(actor, [(m.kind, m.record_id) for m in page.items])}
    horizon = _read_until(actor, saved)
    items = [
        MatchView(
            hits[(match.kind, match.record_id)],
            match.found_at,
            match.round > horizon[0] and match.found_at > horizon[1],
        )
        for match in page.items
        if (match.kind, match.record_id) in hits
    ]
    return Matches(
        items=items,
        missing=len(page.items) - len(items),
        next=page.next,
        has_news=any(item.is_new for item in items),
    )


def _read_until(actor: Actor, saved: SavedSearch) -> tuple[int, dt.datetime]:
    """Return the round up to which the actor has read, and since when the actor is a reader."""
    reader = session.get(SavedSearchReader, (saved.id, actor.user_id))
    joined_at = session.scalar(
        select(Membership.joined_at).where(
            Membership.organization_id == saved.organization_id,
            Membership.user_id == actor.user_id,
        )
    )
    return (reader.seen_round if reader else 0), joined_at or saved.created_at


def list_news(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the saved searches that found something for the actor's desk, oldest news first."""
    place = func.row_number().over(
        partition_by=SavedSearchMatch.saved_search_id, order_by=SavedSearchMatch.id
    )
    unseen = (
        select(
            SavedSearchMatch.id,
            SavedSearchMatch.saved_search_id,
            SavedSearch.name,
            SavedSearchMatch.kind,
            SavedSearchMatch.record_id,
            SavedSearchMatch.found_at,
            place.label("place"),
        )
        .join(SavedSearch, SavedSearchMatch.saved_search_id == SavedSearch.id)
        .outerjoin(
            SavedSearchReader,
            and_(
                SavedSearchReader.saved_search_id == SavedSearch.id,
                SavedSearchReader.user_id == actor.user_id,
            ),
        )
        .outerjoin(
            Membership,
            and_(
                Membership.organization_id == SavedSearch.organization_id,
                Membership.user_id == actor.user_id,
            ),
        )
        .where(
            visible(actor, Permission.SAVED_SEARCH_VIEW),
            SavedSearch.channel == "desk",
            SavedSearchMatch.round > func.coalesce(SavedSearchReader.seen_round, 0),
            SavedSearchMatch.found_at > func.coalesce(Membership.joined_at, SavedSearch.created_at),
        )
        .subquery()
    )
    rows = session.execute(
        select(unseen)
        .where(unseen.c.place <= MOST_NEWS)
        .order_by(unseen.c.id)
        .limit(MOST_NEWS * MOST_SAVED)
    ).all()
    seen = _listed_keys(actor, {(row.kind, row.record_id) for row in rows})
    news: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        if (row.kind, row.record_id) in seen:
            news[row.saved_search_id].append(row)
    return [
        DeskItem(
            found[0].name,
            f"/saved-searches/{saved_search_id}",
            found[0].found_at,
            detail=_news_in_words(len(found)),
            action=_("Look"),
        )
        for saved_search_id, found in list(news.items())[:limit]
    ]


def _listed_keys(actor: Actor, keys: set[Key]) -> set[Key]:
    """Return those of the records that the page of a saved search lists to the actor.

    The index has no drafts, which the database lets those see who work on them.
    """
    if not keys:
        return set()
    with suppress(IndexUnavailable):
        asked = Query(audience=actor.audience, among=frozenset(keys))
        return visible_keys(actor, search_index().index.matching(asked, is_waited_for=True))
    return visible_keys(actor, keys)  # the desk is there without an index, too


def _news_in_words(number: int) -> str:
    if number >= MOST_NEWS:
        return str(_("%(num)d new matches or more", num=number))
    return str(ngettext("%(num)s new match", "%(num)s new matches", number))


# Unmet demand


@dataclass(frozen=True)
class Demand:
    """Words that were searched for and not found: how often, and on which day last."""

    words: str
    searches: int
    last_on: dt.date


def list_unmet_demand(
    actor: Actor, *, days: int, region_id: int | None = None, limit: int = 200
) -> list[Demand]:
    """Return what was not found in the last days, the most wanted first.

    region_id: of searches around the region's counties only. Words that were counted seldom may
    be somebody's own, so they are left out.
    """
    authorize(actor, Permission.DEMAND_VIEW)
    searches = func.sum(UnmetDemand.searches)
    statement = (
        select(UnmetDemand.words, searches, func.max(UnmetDemand.day))
        .where(UnmetDemand.day > today_here() - dt.timedelta(days=days))
        .group_by(UnmetDemand.words)
        .having(searches >= FEWEST_SEARCHES)
        .order_by(searches.desc(), UnmetDemand.words)
        .limit(limit)
    )
    if region_id is not None:
        codes = [county.fips for county in counties_of_region(region_id)]
        statement = statement.where(UnmetDemand.county_fips.in_(codes))
    return [Demand(*row) for row in session.execute(statement)]
