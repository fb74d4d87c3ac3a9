"""Commands of saved searches, and the count of what was searched for and not found."""

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import case, delete, func, insert, literal, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from portal.accounts.models import User
from portal.directory.events import ResultsFound
from portal.directory.models import (
    SavedSearch,
    SavedSearchBaseline,
    SavedSearchReader,
    SavedSearchResult,
    UnmetDemand,
)
from portal.directory.policies import Permission
from portal.directory.queries import saved_searches, searching
from portal.directory.rules import (
    AT_ONCE_MINUTES,
    FREQUENCIES,
    LONGEST_QUERY,
    MOST_SAVED,
    Search,
    demand_words,
    next_run,
    pack_numbers,
    read_query,
    read_search,
    unknown_arguments,
    unpack_numbers,
)
from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import now, today_here
from portal.kernel.commands import command
from portal.kernel.database import lock, session, unless_busy
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.fulltext.port import Key
from portal.kernel.outbox import record
from portal.kernel.settings import setting
from portal.organizations.models import Organization

#: Different words counted in a day; beyond that, only those that are known already count on.
MOST_WORDS_A_DAY = 5_000
DEMAND_DAYS = 400
_ROWS = 1_000


@command(Permission.SAVED_SEARCH_SAVE)
def save_search(
    actor: Actor,
    organization: Organization | None = None,
    *,
    name: str,
    search: str,
    channel: str,
    frequency: str,
) -> SavedSearch:
    """Save a search of the actor's own, or of an organization for all its people.

    search: the part of its address after "?". What it finds now is no news.
    Raises Invalid for a search that there cannot be, Conflict where there are too many,
    IndexUnavailable while nobody can tell what is there already.
    """
    owner: dict[str, Any] = {"user_id": actor.user_id}
    if organization is not None:
        authorize(actor, Permission.SAVED_SEARCH_SHARE, organization)
        owner = {"organization_id": organization.id}
    else:
        # Whoever saves two at once saves the second when the first is counted.
        lock(session.get_one(User, actor.user_id))
    present = session.scalar(select(func.count(SavedSearch.id)).filter_by(**owner)) or 0
    if present >= MOST_SAVED:
        raise Conflict(
            _(
                "There are %(most)d saved searches already. Delete one that is not needed.",
                most=MOST_SAVED,
            )
        )
    wanted = _checked(search)
    saved = SavedSearch(
        **owner,
        organization=organization,
        name=_one_line(name),
        query=wanted.query(),
        channel=channel,
        frequency=frequency,
        is_paused=False,
        round=0,
        due_at=_next(frequency),
    )
    session.add(saved)
    session.flush()
    _write_baseline(actor, saved, wanted)
    return saved


@command(Permission.SAVED_SEARCH_CHANGE)
def change_search(
    actor: Actor,
    saved: SavedSearch,
    *,
    name: str,
    search: str,
    channel: str,
    frequency: str,
    is_paused: bool | None = None,
) -> SavedSearch:
    """Change a saved search; what a changed search finds now is no news either.

    is_paused: None leaves that as it is.
    """
    # First, since these commands read the row again.
    if is_paused is not None and is_paused != saved.is_paused:
        (pause_search if is_paused else resume_search)(actor, saved)
    # One whose filter is gone can be renamed and paused all the same.
    wanted = None if search.removeprefix("?") == saved.query else _checked(search)
    if frequency != saved.frequency:
        saved.due_at = _next(frequency)
    saved.name, saved.channel, saved.frequency = _one_line(name), channel, frequency
    if wanted is not None and wanted.query() != saved.query:
        saved.query = wanted.query()
        _write_baseline(actor, saved, wanted)
    return saved


@command(Permission.SAVED_SEARCH_CHANGE)
def pause_search(actor: Actor, saved: SavedSearch) -> SavedSearch:
    """Let a saved search rest. What comes meanwhile is reported once it goes on."""
    saved.is_paused = True
    return saved


@command(Permission.SAVED_SEARCH_CHANGE)
def resume_search(actor: Actor, saved: SavedSearch) -> SavedSearch:
    """Let a paused search go on."""
    saved.is_paused = False
    saved.due_at = now() if saved.frequency == "at_once" else _next(saved.frequency)
    return saved


@command(Permission.SAVED_SEARCH_DELETE)
def delete_search(actor: Actor, saved: SavedSearch) -> SavedSearch:
    """Delete a saved search with all that it has found."""
    session.execute(delete(SavedSearch).where(SavedSearch.id == saved.id))
    return saved


@command(Permission.SAVED_SEARCH_FOLLOW)
def mark_seen(actor: Actor, saved: SavedSearch, *, round_number: int | None = None) -> SavedSearch:
    """Note that the actor has looked at what was found up to a round, or at all so far.

    What came while the actor was looking has not been seen.
    """
    seen = saved.round if round_number is None else min(round_number, saved.round)
    reader = _reader(saved, actor.user_id)
    reader.seen_round = max(reader.seen_round, seen)
    return saved


@command(Permission.SAVED_SEARCH_FOLLOW)
def stop_mail(actor: Actor, saved: SavedSearch) -> SavedSearch:
    """Send the actor no more e-mail of an organization's search; the others still get it."""
    _reader(saved, actor.user_id).is_stopped = True
    return saved


@command(Permission.SAVED_SEARCH_FOLLOW)
def receive_mail(actor: Actor, saved: SavedSearch) -> SavedSearch:
    """Send the actor the e-mail of an organization's search again."""
    _reader(saved, actor.user_id).is_stopped = False
    return saved


@command(Permission.SAVED_SEARCH_STOP)
def stop_by_link(actor: Actor, saved: SavedSearch, *, user_id: int) -> SavedSearch:
    """Stop the e-mail of a saved search for the person whose link it is.

    One's own search rests, so that nothing is lost; an organization's goes on for the others.
    """
    if saved.user_id == user_id:
        saved.is_paused = True
    elif saved.organization_id is not None:
        _reader(saved, user_id).is_stopped = True
    return saved


@command(Permission.SAVED_SEARCH_RUN)
def report_results(
    actor: Actor,
    saved: SavedSearch,
    *,
    reader: Actor,
    query: str,
    keys: Collection[Key],
) -> int:
    """Report what is new among the results of a saved search; return how much that is.

    reader: whose eyes the search has. query, keys: the search that was run, and all it found.
    The row is locked, so that of two runs at the same time the later finds nothing new.
    """
    if saved.is_paused or saved.query != query:
        return 0
    news = saved_searches.news_for(saved, reader, keys)
    if not news:
        return 0
    saved.round += 1
    moment = now()
    for start in range(0, len(news), _ROWS):
        session.execute(
            insert(SavedSearchResult),
            [
                {
                    "saved_search_id": saved.id,
                    "kind": kind,
                    "record_id": number,
                    "round": saved.round,
                    "found_at": moment,
                }
                for kind, number in news[start : start + _ROWS]
            ],
        )
    record(ResultsFound(saved.id, saved.round))
    return len(news)


@command(Permission.SAVED_SEARCH_RUN)
def finish_round(
    actor: Actor,
    *,
    saved_search_ids: Collection[int],
    began_at: dt.datetime,
    seen_event_id: int | None,
) -> None:
    """Note that searches were run in a round, and when they are due next.

    seen_event_id: the newest event that the round is sure to have heeded, if any.
    What became due while the round was going on stays due.
    """
    moments = {one: literal(_next(one), SavedSearch.due_at.type) for one in FREQUENCIES}
    due = case(moments, value=SavedSearch.frequency)
    values: dict[str, Any] = {"due_at": due, "updated_at": SavedSearch.updated_at}
    if seen_event_id is not None:
        values["seen_event_id"] = seen_event_id
    session.execute(
        update(SavedSearch)
        .where(
            SavedSearch.id.in_(saved_search_ids),
            or_(SavedSearch.due_at <= began_at, SavedSearch.due_at > now()),
        )
        .values(values)
        .execution_options(synchronize_session=False)
    )


@command(Permission.SAVED_SEARCH_RUN)
def put_off_search(actor: Actor, *, saved_search_id: int, seen_event_id: int) -> None:
    """Let a search that failed wait for some minutes; one that tells at once, for anything new."""
    session.execute(
        update(SavedSearch)
        .where(SavedSearch.id == saved_search_id)
        .values(due_at=now() + dt.timedelta(minutes=AT_ONCE_MINUTES), seen_event_id=seen_event_id)
    )


@command(Permission.SAVED_SEARCH_RUN)
def look_again(actor: Actor, *, user_id: int) -> None:
    """Let the searches of a person that tell at once run again: the person may see more now."""
    session.execute(
        update(SavedSearch)
        .where(SavedSearch.user_id == user_id, SavedSearch.frequency == "at_once")
        .values(due_at=now())
    )


@command(Permission.SAVED_SEARCH_RUN)
def take_back(
    actor: Actor, saved: SavedSearch, *, round_number: int, told: Collection[Key]
) -> SavedSearch:
    """Forget what a round found and nobody was told of, so that it is news at another time."""
    untold = sorted(set(saved_searches.list_round(saved, round_number)) - set(told))
    for start in range(0, len(untold), _ROWS):
        session.execute(
            delete(SavedSearchResult).where(
                SavedSearchResult.saved_search_id == saved.id,
                tuple_(SavedSearchResult.kind, SavedSearchResult.record_id).in_(
                    untold[start : start + _ROWS]
                ),
            )
        )
    return saved


@command(Permission.SAVED_SEARCH_RUN)
def forget_record(actor: Actor, *, kind: str, number: int) -> int:
    """Forget a deleted record everywhere; return in how many searches it was known.

    SQLite gives the number of a deleted row to the next one, which must not pass for known. On
    PostgreSQL no number comes again, so what was there when a search was saved is left alone.
    """
    deleted = session.execute(
        delete(SavedSearchResult).where(
            SavedSearchResult.kind == kind, SavedSearchResult.record_id == number
        )
    )
    forgotten: int = deleted.rowcount  # type: ignore[attr-defined]
    if session.get_bind().dialect.name != "sqlite":
        return forgotten
    baselines = session.execute(
        select(SavedSearchBaseline.saved_search_id, SavedSearchBaseline.numbers).where(
            SavedSearchBaseline.kind == kind
        )
    ).all()
    for saved_search_id, packed in baselines:
        numbers = unpack_numbers(packed)
        if number in numbers:
            forgotten += 1
            session.execute(
                update(SavedSearchBaseline)
                .where(
                    SavedSearchBaseline.saved_search_id == saved_search_id,
                    SavedSearchBaseline.kind == kind,
                )
                .values(numbers=pack_numbers(numbers - {number}))
            )
    return forgotten


def _write_baseline(actor: Actor, saved: SavedSearch, wanted: Search) -> None:
    # As those who are told later see it: a program's token may see less than its person.
    reader = dataclasses.replace(actor, scopes=None)
    if saved.organization_id is not None:
        reader = saved_searches.organization_actor(saved.organization_id)
    # In a request that holds the write lock.
    matching = searching.matching_keys(reader, wanted, is_waited_for=True)
    found = searching.visible_keys(reader, matching)
    numbers: dict[str, set[int]] = defaultdict(set)
    for kind, number in found:
        numbers[kind].add(number)
    session.execute(
        delete(SavedSearchBaseline).where(SavedSearchBaseline.saved_search_id == saved.id)
    )
    session.add_all(
        SavedSearchBaseline(saved_search_id=saved.id, kind=kind, numbers=pack_numbers(its))
        for kind, its in numbers.items()
    )


def _checked(search: str) -> Search:
    """Read a search, its place in the form in which it is kept. Raises Invalid."""
    arguments = read_query(search.removeprefix("?"))
    facets, filters = searching.facet_names(), searching.search_filters()
    unknown = unknown_arguments(arguments, facets, filters)
    if unknown:
        raise Invalid("search", _("There is no filter “%(name)s”.", name=unknown[0][:40]))
    searching.refuse_too_many(arguments, "search")
    wanted, place = searching.understood(read_search(arguments, facets, filters))
    if wanted.near:
        if place is None:
            raise Invalid("search", _("We do not know this ZIP code or town."))
        wanted = wanted.changed(near=place.zip_code)
    if len(wanted.query()) > LONGEST_QUERY:
        raise Invalid("search", _("This search is too long to be saved. Use fewer words."))
    return wanted


def _next(frequency: str) -> dt.datetime:
    return next_run(frequency, now(), setting("DEFAULT_TIME_ZONE"))


def _one_line(name: str) -> str:
    return " ".join(name.split())


def _reader(saved: SavedSearch, user_id: int | None) -> SavedSearchReader:
    found = session.get(SavedSearchReader, (saved.id, user_id))
    if found is None:
        found = SavedSearchReader(
            saved_search_id=saved.id, user_id=user_id, seen_round=0, is_stopped=False
        )
        session.add(found)
    return found


# Unmet demand


@unless_busy()
@command(Permission.DEMAND_COUNT)
def count_unmet(actor: Actor, *, searches: Sequence[tuple[str, str]]) -> int:
    """Count searches that found nothing, without a trace of who searched; return how many were.

    searches: the text of each, and the county around which it was, or nothing. While somebody else
    writes, none is counted.
    """
    return sum(_count_unmet(text, county_fips) for text, county_fips in searches)


def _count_unmet(text: str, county_fips: str) -> bool:
    words, day = demand_words(text), today_here()
    if not words:
        return False
    known = session.scalar(
        select(UnmetDemand.id).where(
            UnmetDemand.day == day,
            UnmetDemand.words == words,
            UnmetDemand.county_fips == county_fips,
        )
    )
    if known is None:
        counted = session.scalar(select(func.count(UnmetDemand.id)).where(UnmetDemand.day == day))
        if (counted or 0) >= MOST_WORDS_A_DAY:
            return False
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    row = dialect.insert(UnmetDemand).values(
        day=day, words=words, county_fips=county_fips, searches=1
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=[UnmetDemand.day, UnmetDemand.words, UnmetDemand.county_fips],
            set_={"searches": UnmetDemand.searches + 1},
        )
    )
    return True


@command(Permission.DEMAND_FORGET)
def forget_old_demand(actor: Actor) -> int:
    """Forget what was not found more than a year ago; return how many rows went."""
    horizon = today_here() - dt.timedelta(days=DEMAND_DAYS)
    result = session.execute(delete(UnmetDemand).where(UnmetDemand.day < horizon))
    return int(result.rowcount)  # type: ignore[attr-defined]
