"""Reads of saved searches: which are due, what they match, what they have found for whom."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import joinedload

from portal.accounts.models import User
from portal.directory.models import (
    SavedSearch,
    SavedSearchBaseline,
    SavedSearchReader,
    SavedSearchResult,
)
from portal.directory.policies import Permission
from portal.directory.queries.searching import (
    describe_all,
    facet_names,
    hits_of,
    search_filters,
    visible_keys,
)
from portal.directory.rules import (
    MOST_SAVED,
    Search,
    read_query,
    read_search,
    unknown_arguments,
    unpack_numbers,
)
from portal.kernel.authorization import Actor, authorize, visible
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.fulltext.port import Hit, IndexUnavailable, Key, Query
from portal.kernel.manifest import DeskItem
from portal.kernel.outbox import OutboxDelivery, OutboxEvent
from portal.kernel.paging import keyset_page
from portal.kernel.search import INDEX_HANDLER, search_index
from portal.organizations.models import Membership
from portal.regions.queries.places import find_zips

RESULTS_PER_PAGE = 20
#: The desk counts no further for each search.
MOST_NEWS = 200


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
class ResultView:
    """A record that a saved search found, when, and whether the reader has yet to look at it."""

    hit: Hit
    found_at: dt.datetime
    is_new: bool


@dataclass(frozen=True)
class Results:
    """A page of what a saved search has found, the newest first.

    missing: how many of this page are gone or no longer open to the reader.
    """

    items: list[ResultView]
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
        raise NotFound()
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


def _saved_views(rows: Sequence[tuple[SavedSearch, bool]]) -> list[SavedView]:
    """Return rows, and whether each is stopped, as pages show them."""
    searches = _searches_of([row.query for row, _is_stopped in rows])
    words = iter(describe_all([wanted for wanted in searches if wanted]))
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


def organization_actor(organization_id: int) -> Actor:
    """Return who sees what all people of an organization see, and no more."""
    return Actor(memberships={organization_id: "member"})


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
        select(SavedSearchResult.kind, SavedSearchResult.record_id).where(
            SavedSearchResult.saved_search_id == saved.id
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
        select(SavedSearchResult.kind, SavedSearchResult.record_id)
        .where(
            SavedSearchResult.saved_search_id == saved.id,
            SavedSearchResult.round == number,
        )
        .order_by(SavedSearchResult.id)
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


def list_results(actor: Actor, saved: SavedSearch, *, cursor: str | None = None) -> Results:
    """Return a page of what a saved search has found, as far as the actor may see it."""
    page = keyset_page(
        select(SavedSearchResult).where(SavedSearchResult.saved_search_id == saved.id),
        [SavedSearchResult.id],
        cursor=cursor,
        limit=RESULTS_PER_PAGE,
        descending=True,
    )
    hits = {hit.key: hit for hit in hits_of(actor, [(m.kind, m.record_id) for m in page.items])}
    horizon = _read_until(actor, saved)
    items = [
        ResultView(
            hits[(result.kind, result.record_id)],
            result.found_at,
            result.round > horizon[0] and result.found_at > horizon[1],
        )
        for result in page.items
        if (result.kind, result.record_id) in hits
    ]
    return Results(
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
        partition_by=SavedSearchResult.saved_search_id, order_by=SavedSearchResult.id
    )
    unseen = (
        select(
            SavedSearchResult.id,
            SavedSearchResult.saved_search_id,
            SavedSearch.name,
            SavedSearchResult.kind,
            SavedSearchResult.record_id,
            SavedSearchResult.found_at,
            place.label("place"),
        )
        .join(SavedSearch, SavedSearchResult.saved_search_id == SavedSearch.id)
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
            SavedSearchResult.round > func.coalesce(SavedSearchReader.seen_round, 0),
            SavedSearchResult.found_at
            > func.coalesce(Membership.joined_at, SavedSearch.created_at),
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
        return str(_("%(num)d new results or more", num=number))
    return str(ngettext("%(num)s new result", "%(num)s new results", number))


def list_of_person(actor: Actor) -> list[SavedSearch]:
    """Return the saved searches that are the actor's alone."""
    return list(
        session.scalars(
            select(SavedSearch).where(SavedSearch.user_id == actor.user_id).order_by(SavedSearch.id)
        )
    )
