"""Answers queries in SQL: who may see what, matching, counting, ranking, suggesting.

Every statement is bounded: in its terms, in what it counts for ranking, and by the time limit that
its transaction has. All of one answer is read from one snapshot of the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from itertools import islice
from math import log
from typing import Any, Final, Protocol

from rapidfuzz.distance import OSA
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    FromClause,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from portal.kernel.fulltext.asked import Asked, understand
from portal.kernel.fulltext.highlighting import highlight_by_reading
from portal.kernel.fulltext.language import words_of
from portal.kernel.fulltext.port import (
    KIND_FACET,
    MAX_LIMIT,
    MAX_OFFSET,
    FacetValues,
    Hit,
    Key,
    Near,
    Query,
    Results,
    Suggestion,
)
from portal.kernel.fulltext.postgresql.tables import (
    NAME,
    ORGANIZATION,
    Generation,
    facet_value,
    heading_start,
    quoted,
    storable,
)
from portal.kernel.fulltext.postgresql.texts import (
    all_of,
    any_of,
    clause_text,
    every_text,
    excluding,
    is_short,
    phrase,
    reading_text,
    some_text,
    telling,
    texts_of,
    word_text,
)
from portal.kernel.fulltext.ranking import miles_between
from portal.kernel.fulltext.reading import (
    Clause,
    Corrections,
    Reading,
    Unit,
    Word,
    clauses_of,
    is_correctable,
    likeliest,
    most_slips,
    read,
)
from portal.kernel.fulltext.rows import DEGREES, SEPARATOR, Record, decode
from portal.kernel.fulltext.suggesting import MAX_SUGGESTIONS

_EARTH_MILES: Final = 3_958.7613
_MILES_PER_DEGREE: Final = 69.0
"""A little less than a degree of latitude has, so that none within a radius is left out."""

_MAX_CORRECTED: Final = 8
_MAX_ALIKE: Final = 500
_COUNTED_AT_ONCE: Final = 100
_MAX_PREFIX_WORDS: Final = 8
_COMMON: Final = 2_000
"""A word that so many visible documents have is as common as can be: counting ends there."""
_FREQUENT: Final = 200
"""The same for a word that is offered as another spelling: there may be hundreds of those."""

_RANKED: Final = MAX_OFFSET + MAX_LIMIT
"""Of more matches than these, so many are chosen for ranking by a coarser measure."""

# What an occurrence counts in body, summary, keywords, and title; in the organization's name it
# counts as one in the summary, and as one there under its own mark.
_WEIGHTS: Final[ColumnElement[Any]] = literal_column("'{0.15, 0.3, 0.75, 1}'::real[]")
_BY_LENGTH: Final[ColumnElement[Any]] = literal_column("1")
"""Long documents count less: by 1 + the logarithm of their length."""

_HINT: Final = 0.6
"""What a word of another name for what is asked counts, times how rare such a word usually is."""
_MOST_HINTS: Final = 16

# What a row of the results needs of `document`.
_SHOWN: Final = ("kind", "id", "updated_at", "latitude", "longitude")

_Condition = ColumnElement[bool]


class Runner(Protocol):
    """Runs statements, as a connection does."""

    def execute(self, statement: Any, /) -> Any: ...


class Executor:
    """Answers what people with some audience tokens ask of one generation."""

    def __init__(self, connection: Runner, generation: Generation, audience: Iterable[str]) -> None:
        self._connection = connection
        self._document = generation.document
        self._content = generation.content
        self._word = generation.word
        tokens = sorted({storable(token) for token in audience})
        self._is_visible = self._document.c.audience.overlap(cast(tokens, ARRAY(Text)))

    # Finding

    def search(
        self, query: Query, asked: Asked, reread: Callable[[str], Asked] = understand
    ) -> Results:
        """`asked` is how the query's text is understood, `reread` how another spelling would be."""
        reading = read(asked, reread, _Matcher(self, asked))
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
            rest = [*some, *chosen, ~self._has(text or "")]
            fitting = replace(query, limit=query.limit - len(hits))
            # How many there are is not worth counting; there may be very many.
            partial = self._page(fitting, asked, reading.loose, rest, _RANKED + 1)
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
        return frozenset((row.kind, row.id) for row in self._connection.execute(statement))

    def _has(self, text: str) -> _Condition:
        return _has(text, self._document)

    def _base(self, query: Query, text: str | None) -> list[_Condition]:
        """What holds for all results before values of facets are chosen."""
        document = self._document.c
        conditions = [self._is_visible]
        if text is not None:
            conditions.append(self._has(text))
        if query.among is not None:
            conditions.append(_is_among(self._document, sorted(query.among)))
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

    def _chosen(self, selected: Mapping[str, frozenset[str]]) -> dict[str, _Condition]:
        facets = self._document.c.facets
        return {
            name: facets.overlap(
                cast([facet_value(name, value) for value in sorted(values)], ARRAY(Text))
            )
            for name, values in selected.items()
        }

    # Understanding

    def finds(self, text: str | None) -> bool:
        """Tell whether a visible document matches."""
        return text is None or self.which_find([text])[0]

    def which_find(self, texts: Sequence[str]) -> list[bool]:
        """For each text whether a visible document matches."""
        if not texts:
            return []
        found = (
            exists().select_from(self._document).where(self._is_visible, self._has(text))
            for text in texts
        )
        return list(self._connection.execute(select(*found)).one())

    def spelled_alike(self, words: list[str]) -> dict[str, list[str]]:
        """For each word those of visible documents closest to it, the most frequent first."""
        if not words:
            return {}
        asked = _each(cast(words, ARRAY(Text)), "asked")
        length = func.length(self._word.c.word)
        near = (
            select(self._word.c.word)
            .where(
                self._word.c.word.bool_op("%")(asked),
                length.between(func.length(asked) - 2, func.length(asked) + 2),
            )
            .order_by(func.similarity(self._word.c.word, asked).desc(), self._word.c.word)
            .limit(_MAX_ALIKE)
            .lateral("near")
        )
        statement = select(asked, near.c.word)
        away: dict[str, dict[int, list[str]]] = {word: defaultdict(list) for word in words}
        for word, other in self._connection.execute(statement):
            distance = int(OSA.distance(word, other, score_cutoff=2))
            if 0 < distance <= most_slips(word):
                away[word][distance].append(other)
        # Words are tried against what is visible before anything is said about them; those a slip
        # further away only for what has none nearer.
        alike: dict[str, list[str]] = {}
        for distance in (1, 2):
            tried = {word: its[distance] for word, its in away.items() if word not in alike}
            counts = self._with_word({other for others in tried.values() for other in others})
            for word, others in tried.items():
                if seen := likeliest(word, {other: counts[other] for other in others}):
                    alike[word] = seen
        return alike

    def _with_word(self, words: Iterable[str]) -> dict[str, int]:
        """How many visible documents say each of the words, counted up to a bound."""
        content, document = self._content.c, self._document.c
        searches: dict[str, Select[Any]] = {
            word: select(literal_column("1"))
            .select_from(self._content)
            .join(
                self._document,
                and_(document.kind == content.kind, document.id == content.id),
            )
            .where(content.words.contains(cast([word], ARRAY(Text))), self._is_visible)
            for word in words
        }
        return self._counted(searches, _FREQUENT)

    def _counted(self, searches: Mapping[str, Select[Any]], bound: int) -> dict[str, int]:
        """How much each search finds, up to a bound."""
        found: dict[str, int] = {}
        names = iter(searches)
        while some := list(islice(names, _COUNTED_AT_ONCE)):
            counts = (
                select(func.count())
                .select_from(searches[name].limit(bound).subquery())
                .scalar_subquery()
                for name in some
            )
            found.update(zip(some, self._connection.execute(select(*counts)).one(), strict=True))
        return found

    # Ranking

    def _rarities(self, reading: Reading) -> dict[str, float]:
        """How much each word of the query tells, by its text together with what stands for it.

        Judged by visible documents, so that no score tells of others.
        """
        searches: dict[str, Select[Any]] = {
            text: select(literal_column("1"))
            .select_from(self._document)
            .where(self._is_visible, self._has(text))
            for clause in reading.clauses
            for text in texts_of(clause)
        }
        # The rarity of the only word changes the order of nothing.
        counts = (
            self._counted(searches, _COMMON) if len(searches) > 1 else dict.fromkeys(searches, 0)
        )
        return {text: log(1 + _COMMON / (count + 0.5)) for text, count in counts.items()}

    def _score(
        self, reading: Reading, rarities: Mapping[str, float], rows: FromClause
    ) -> ColumnElement[float]:
        """Terms weighted by field and rarity.

        What stands for words of the query counts as if it were all of them, times its weight; of
        it and the words themselves the best counts. Where some of the words suffice, single words
        of what stands for them count a little, as if all were as rare.
        """
        score: ColumnElement[float] = literal(0.0, Double)
        for clause in reading.clauses:
            own = [rarities[text] for text in texts_of(clause)]
            gains = [
                _rank(unit, rows) * (rarity * word.weight)
                for word, rarity in zip(clause.words, own, strict=True)
                for unit in word.units
            ]
            gain = sum(gains[1:], gains[0])
            if clause.others:
                others = (_rank(unit, rows) * (sum(own) * weight) for unit, weight in clause.others)
                gain = func.greatest(gain, *others)
            score += gain
        hints = list(reading.hints)[:_MOST_HINTS] if reading.is_loose else []
        if hints and is_short(reading.clauses):
            score += _rank_of_any(hints, rows) * (_HINT * len(hints))
        return score

    def _page(
        self,
        query: Query,
        asked: Asked,
        reading: Reading,
        conditions: list[_Condition],
        total: int,
    ) -> tuple[Hit, ...]:
        rows: FromClause = self._document
        is_ranked = query.sort == "relevance" and bool(reading.clauses)
        rarities = self._rarities(reading)
        terms = telling(reading, rarities)
        if is_ranked and total > _RANKED and len(terms) > 1:
            rows = self._likeliest(asked, terms, conditions)
            conditions = []
        score = self._score(reading, rarities, rows).label("score")
        order: tuple[Any, ...] = (rows.c.updated_at.desc(),)
        if query.sort == "title":
            order = (rows.c.heading,)
        elif query.sort == "distance" and query.near is not None:
            order = (self._miles(query.near).asc().nulls_last(),)
        elif is_ranked:
            order = (rows.c.heading != storable(asked.title), score.desc())
        statement = (
            select(*(rows.c[name] for name in _SHOWN), score)
            .where(*conditions)
            .order_by(*order, rows.c.kind, rows.c.id)
            .limit(query.limit)
            .offset(query.offset)
        )
        found = self._connection.execute(statement).all()
        records = self._records([(row.kind, row.id) for row in found])
        return tuple(_hit(row, records[row.kind, row.id], reading, query.near) for row in found)

    def _likeliest(
        self, asked: Asked, terms: list[str], conditions: list[_Condition]
    ) -> FromClause:
        """The matches to rank, if there are very many: those that one call says most of."""
        document = self._document.c
        text = any_of(map(quoted, terms))
        likeliness = func.ts_rank(_WEIGHTS, document.terms, cast(text, TSQUERY), _BY_LENGTH)
        return (
            select(*(document[name] for name in (*_SHOWN, "heading", "terms")))
            .where(*conditions)
            .order_by(
                document.heading != storable(asked.title),
                likeliness.desc(),
                document.kind,
                document.id,
            )
            .limit(_RANKED)
            .subquery("likeliest")
        )

    def _records(self, keys: list[Key]) -> dict[Key, Record]:
        """What is shown of documents."""
        content = self._content.c
        statement = select(content.kind, content.id, content.record).where(
            _is_among(self._content, keys)
        )
        return {
            (row.kind, row.id): decode(row.record) for row in self._connection.execute(statement)
        }

    # Counting

    def _counts(
        self, base: list[_Condition], selected: Mapping[str, frozenset[str]]
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
        for both, count in self._connection.execute(statement.group_by(value)):
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
            .where(self._is_visible, begins)
            .order_by(heading_start(self._document), *order)
            .limit(limit)
        )
        best = list(self._connection.execute(statement))
        if len(best) < limit:
            named = all_of(f"{quoted(NAME + word)}:*" for word in dict.fromkeys(words))
            padded = " " + document.heading
            is_titled = and_(*(func.strpos(padded, " " + word) > 0 for word in words))
            statement = (
                select(*columns)
                .where(self._is_visible, self._has(named), ~begins)
                .order_by(is_titled.desc(), *order)
                .limit(limit - len(best))
            )
            best += self._connection.execute(statement)
        records = self._records([(row.kind, row.id) for row in best])
        by_kind: dict[str, list[Suggestion]] = {}
        for kind, number in best:
            record = records[kind, number]
            by_kind.setdefault(kind, []).append(Suggestion(kind, number, record.title, record.url))
        return tuple(suggestion for group in by_kind.values() for suggestion in group)


class _Matcher:
    """Asks the database for what the reading of a query has to know."""

    def __init__(self, executor: Executor, asked: Asked) -> None:
        self._executor = executor
        self._asked = asked

    def finds_all(self, clauses: Sequence[Clause]) -> bool:
        return self._executor.finds(excluding(every_text(clauses), self._asked))

    def finds_some(self, clauses: Sequence[Clause]) -> bool:
        return self._executor.finds(excluding(some_text(clauses), self._asked))

    def corrections(self, asked: Asked, clauses: Sequence[Clause]) -> Corrections:
        is_known = self._executor.which_find(list(map(clause_text, clauses)))
        places: list[tuple[int, Word]] = []
        at = 0
        for clause, known in zip(clauses, is_known, strict=True):
            for word in clause.words:
                if not known and is_correctable(asked.wanted[at]):
                    places.append((at, word))
                at += 1
        is_known = self._executor.which_find([word_text(word) for _, word in places])
        wrong = {
            place: asked.wanted[place].words[0]
            for (place, _), known in zip(places, is_known, strict=True)
            if not known
        }
        words = list(dict.fromkeys(wrong.values()))[:_MAX_CORRECTED]
        alike = self._executor.spelled_alike(words)
        return {place: alike[word] for place, word in wrong.items() if word in alike}


def _each(values: ColumnElement[Any], name: str) -> ColumnElement[str]:
    """The values of an array, one a row, to be joined with what the array comes from."""
    rows = func.unnest(values).table_valued("value", name=name, joins_implicitly=True)
    each: ColumnElement[str] = rows.render_derived().c.value
    return each


def _rank(unit: Unit, rows: FromClause) -> ColumnElement[float]:
    """What a unit counts in a document, 0 to 1: of several terms the least."""
    ranks = [_rank_of_any([term, ORGANIZATION + term], rows) for term in dict.fromkeys(unit)]
    if len(unit) == 1:
        return cast(ranks[0], Double)
    least = func.least(*ranks) if len(ranks) > 1 else ranks[0]
    return case((_has(phrase(unit), rows), cast(least, Double)), else_=0.0)


def _rank_of_any(terms: Iterable[str], rows: FromClause) -> ColumnElement[float]:
    """What these count in a document on average."""
    text = any_of(map(quoted, terms))
    return func.ts_rank(_WEIGHTS, rows.c.terms, cast(text, TSQUERY), _BY_LENGTH)


def _has(text: str, rows: FromClause) -> _Condition:
    matches: _Condition = rows.c.terms.bool_op("@@")(cast(text, TSQUERY))
    return matches


def _is_among(rows: FromClause, keys: Collection[Key]) -> _Condition:
    kinds = [storable(kind) for kind, _ in keys]
    listed = select(
        func.unnest(cast(kinds, ARRAY(Text))),
        func.unnest(cast([number for _, number in keys], ARRAY(BigInteger))),
    )
    return tuple_(rows.c.kind, rows.c.id).in_(listed)


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
