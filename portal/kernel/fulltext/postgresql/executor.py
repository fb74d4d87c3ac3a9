"""Answers queries in SQL: filtering, counting, pages of hits, suggestions.

Every statement is bounded: in its terms, in what it counts for ranking, and by the time limit that
its transaction has. All of one answer is read from one snapshot of the database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Double,
    Subquery,
    Table,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from portal.kernel.fulltext.asked import Asked, understand
from portal.kernel.fulltext.highlighting import highlight_by_reading
from portal.kernel.fulltext.language import words_of
from portal.kernel.fulltext.port import (
    KIND_FACET,
    FacetValues,
    Hit,
    Key,
    Near,
    Query,
    Results,
    Suggestion,
)
from portal.kernel.fulltext.postgresql.matching import Matcher
from portal.kernel.fulltext.postgresql.ranking import SHOWN, Ranking
from portal.kernel.fulltext.postgresql.tables import (
    NAME,
    Generation,
    facet_value,
    heading_start,
    quoted,
    storable,
)
from portal.kernel.fulltext.postgresql.texts import all_of, excluding, reading_text, some_text
from portal.kernel.fulltext.postgresql.visible import Condition, Runner, Visible, is_among
from portal.kernel.fulltext.ranking import miles_between
from portal.kernel.fulltext.reading import Reading, clauses_of, read
from portal.kernel.fulltext.rows import DEGREES, SEPARATOR, Record, decode
from portal.kernel.fulltext.suggesting import MAX_SUGGESTIONS

_EARTH_MILES: Final = 3_958.7613
_MILES_PER_DEGREE: Final = 69.0
"""A little less than a degree of latitude has, so that none within a radius is left out."""

_MAX_PREFIX_WORDS: Final = 8


class Executor:
    """Answers what people with some audience tokens ask of one generation."""

    def __init__(
        self,
        connection: Runner,
        generation: Generation,
        audience: Iterable[str],
        hidden: Collection[Key] = (),
    ) -> None:
        self._visible = Visible(connection, generation, audience, hidden)
        self._ranking = Ranking(self._visible)
        self._document = generation.document
        self._content = generation.content

    # Finding

    def search(
        self, query: Query, asked: Asked, reread: Callable[[str], Asked] = understand
    ) -> Results:
        """`asked` is how the query's text is understood, `reread` how another spelling would be."""
        reading = read(asked, reread, Matcher(self._visible, asked))
        text = excluding(reading_text(reading), asked)
        base = self._base(query, text)
        selected = _selected(query)
        counts = self._counts(base, selected)
        kinds = counts.get(KIND_FACET, {})
        # Every document is of one kind, and counts of kinds ignore only the choice of kinds.
        total = sum(kinds[kind] for kind in (query.kinds & set(kinds) if query.kinds else kinds))
        hits: tuple[Hit, ...] = ()
        chosen = self._chosen(selected).values()
        if total > query.offset and query.limit:
            hits = self._page(query, asked, reading, [*base, *chosen], total)
        partial: tuple[Hit, ...] = ()
        if query.wants_partial(total) and reading.has_partial:
            some = self._base(query, excluding(some_text(reading.clauses), asked))
            rest = [*some, *chosen, ~self._visible.has(text or "")]
            fitting = replace(query, limit=query.limit - len(hits))
            # How many there are is not worth counting; there may be very many.
            partial = self._page(fitting, asked, reading.loose, rest, None)
        return Results(
            total=total,
            hits=hits,
            facets=_facets(counts, selected),
            suggestion=reading.suggestion,
            is_fuzzy=reading.is_fuzzy,
            partial=partial,
        )

    def matching(self, query: Query, asked: Asked) -> frozenset[Key]:
        """Everything that has the words as typed, or what stands for them."""
        text = reading_text(Reading(clauses_of(asked)))
        base = self._base(query, excluding(text, asked))
        document = self._document.c
        statement = select(document.kind, document.id).where(
            *base, *self._chosen(_selected(query)).values()
        )
        return frozenset((row.kind, row.id) for row in self._visible.run(statement))

    def _base(self, query: Query, text: str | None) -> list[Condition]:
        """What holds for all results before values of facets are chosen."""
        document = self._document.c
        conditions = [self._visible.condition]
        if text is not None:
            conditions.append(self._visible.has(text))
        if query.among is not None:
            conditions.append(is_among(self._document, sorted(query.among)))
        if query.updated_since is not None:
            conditions.append(document.updated_at >= query.updated_since)
        if query.near is not None and query.near.radius_miles is not None:
            radius, middle = query.near.radius_miles, query.near.latitude * DEGREES
            reach = radius / _MILES_PER_DEGREE * DEGREES + 2
            if reach < 180 * DEGREES:
                low, high = int(middle - reach), int(middle + reach)
                conditions.append(document.latitude.between(low, high))
            conditions.append(self._miles(query.near) <= radius)
        return conditions

    def _miles(self, near: Near) -> ColumnElement[float]:
        """The great-circle distance (haversine); null for what has no place."""

        def angle(degrees: ColumnElement[Any]) -> ColumnElement[float]:
            return func.radians(cast(degrees, Double) / float(DEGREES))

        north = func.radians(literal(near.latitude, Double))
        east = func.radians(literal(near.longitude, Double))
        north2 = angle(self._document.c.latitude)
        half = func.power(func.sin((north2 - north) / 2.0), 2.0) + func.cos(north) * func.cos(
            north2
        ) * func.power(func.sin((angle(self._document.c.longitude) - east) / 2.0), 2.0)
        return 2 * _EARTH_MILES * func.asin(func.least(1.0, func.sqrt(half)))

    def _chosen(self, selected: Mapping[str, frozenset[str]]) -> dict[str, Condition]:
        facets = self._document.c.facets
        return {
            name: facets.overlap(
                cast([facet_value(name, value) for value in sorted(values)], ARRAY(Text))
            )
            for name, values in selected.items()
        }

    # Ranking

    def _page(
        self,
        query: Query,
        asked: Asked,
        reading: Reading,
        conditions: list[Condition],
        total: int | None,
    ) -> tuple[Hit, ...]:
        """The hits of the page asked for. total: how many match, or None."""
        rows: Table | Subquery = self._document
        is_ranked = query.sort == "relevance" and bool(reading.clauses)
        rarities = self._ranking.rarities(reading)
        if is_ranked:
            likeliest = self._ranking.likeliest(asked, reading, rarities, conditions, total)
            if likeliest is not None:
                rows, conditions = likeliest, []
        score = self._ranking.score(reading, rarities, rows).label("score")
        order: tuple[Any, ...] = (rows.c.updated_at.desc(),)
        if query.sort == "title":
            order = (rows.c.heading,)
        elif query.sort == "distance" and query.near is not None:
            order = (self._miles(query.near).asc().nulls_last(),)
        elif is_ranked:
            order = (rows.c.heading != storable(asked.title), score.desc())
        statement = (
            select(*(rows.c[name] for name in SHOWN), score)
            .where(*conditions)
            .order_by(*order, rows.c.kind, rows.c.id)
            .limit(query.limit)
            .offset(query.offset)
        )
        found = self._visible.run(statement).all()
        records = self._records([(row.kind, row.id) for row in found])
        return tuple(_hit(row, records[row.kind, row.id], reading, query.near) for row in found)

    def _records(self, keys: list[Key]) -> dict[Key, Record]:
        """What is shown of documents."""
        content = self._content.c
        statement = select(content.kind, content.id, content.record).where(
            is_among(self._content, keys)
        )
        return {(row.kind, row.id): decode(row.record) for row in self._visible.run(statement)}

    # Counting

    def _counts(
        self, base: list[Condition], selected: Mapping[str, frozenset[str]]
    ) -> dict[str, dict[str, int]]:
        """How many documents have each value of each facet.

        A document counts in all facets if it has a chosen value in each; if it misses just one
        facet, it counts in that one, whose own choice is ignored.
        """
        facets = self._document.c.facets
        conditions = list(base)
        missed: ColumnElement[str] | None = None
        if chosen := self._chosen(selected):
            missed = case(
                *((~condition, name + SEPARATOR) for name, condition in chosen.items()),
                else_=None,
            )
            if len(chosen) > 1:
                hits = [case((condition, 1), else_=0) for condition in chosen.values()]
                conditions.append(sum(hits[1:], hits[0]) >= len(hits) - 1)
        # Unnested among the columns: as a joined function it takes twice as long.
        columns: list[ColumnElement[Any]] = [func.unnest(facets).label("value")]
        if missed is not None:
            columns.append(missed.label("missed"))
        rows = select(*columns).where(*conditions).subquery("rows")
        value: ColumnElement[str] = rows.c.value
        statement = select(value, func.count()).select_from(rows)
        if missed is not None:
            statement = statement.where(
                or_(rows.c.missed.is_(None), func.starts_with(value, rows.c.missed))
            )
        counts: dict[str, dict[str, int]] = {KIND_FACET: {}}
        for both, count in self._visible.run(statement.group_by(value)):
            name, _, own = both.partition(SEPARATOR)
            counts.setdefault(name, {})[own] = count
        return counts

    # Suggesting

    def suggest(self, prefix: str, limit: int) -> tuple[Suggestion, ...]:
        words = words_of(prefix[:100])[:_MAX_PREFIX_WORDS]
        limit = min(limit, MAX_SUGGESTIONS)
        if not words or limit < 1:
            return ()
        document = self._document.c
        begins = heading_start(self._document).startswith(" ".join(words), autoescape=True)
        columns = (document.kind, document.id)
        order = (document.heading, document.kind, document.id)
        # The index has headings in order, so the usual case reads a few rows only.
        statement = (
            select(*columns)
            .where(self._visible.condition, begins)
            .order_by(heading_start(self._document), *order)
            .limit(limit)
        )
        best = list(self._visible.run(statement))
        if len(best) < limit:
            named = all_of(f"{quoted(NAME + word)}:*" for word in dict.fromkeys(words))
            padded = " " + document.heading
            is_titled = and_(*(func.strpos(padded, " " + word) > 0 for word in words))
            statement = (
                select(*columns)
                .where(self._visible.condition, self._visible.has(named), ~begins)
                .order_by(is_titled.desc(), *order)
                .limit(limit - len(best))
            )
            best += self._visible.run(statement)
        records = self._records([(row.kind, row.id) for row in best])
        by_kind: dict[str, list[Suggestion]] = {}
        for kind, number in best:
            record = records[kind, number]
            by_kind.setdefault(kind, []).append(Suggestion(kind, number, record.title, record.url))
        return tuple(suggestion for group in by_kind.values() for suggestion in group)


def _selected(query: Query) -> dict[str, frozenset[str]]:
    selected = {name: frozenset(values) for name, values in query.facets.items() if values}
    if query.kinds:
        selected[KIND_FACET] = query.kinds
    return selected


def _facets(
    counts: Mapping[str, Mapping[str, int]], selected: Mapping[str, frozenset[str]]
) -> dict[str, FacetValues]:
    facets: dict[str, FacetValues] = {}
    for name in sorted({*counts, *selected}):
        picked = selected.get(name, frozenset())
        found = {**dict.fromkeys(picked, 0), **counts.get(name, {})}
        names = sorted(found, key=lambda value: (-found[value], value))
        facets[name] = FacetValues(names, [found[value] for value in names], picked)
    return facets


def _hit(row: Any, record: Record, reading: Reading, near: Near | None) -> Hit:
    distance = None
    if near is not None and row.latitude is not None:
        place = (row.latitude / DEGREES, row.longitude / DEGREES)
        distance = miles_between(near.latitude, near.longitude, *place)
    return Hit(
        kind=row.kind,
        id=row.id,
        url=record.url,
        title=record.title,
        summary=record.summary,
        organization=record.organization,
        facets=record.facets,
        extra=record.extra,
        updated_at=row.updated_at.astimezone(UTC),
        latitude=record.latitude,
        longitude=record.longitude,
        highlights=highlight_by_reading(record, reading),
        score=row.score,
        distance_miles=distance,
    )
