"""SQLite FTS5, by Python's own module.

Five columns weighted by bm25(), porter over unicode61, an index of prefixes for names; facets,
places and audiences in narrow tables, an R*Tree for radii; one materialized set of matches for a
page's count, counts and top 20; highlights by snippet(); merged by `optimize`, read through a
memory map. FTS5 corrects no spelling: the nearest words are looked up in its list of words, held
in memory, by rapidfuzz, as the portal does.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA

from benchmarks.corpus import FACETS, SEVERAL_FACETS, SINGLE_FACETS, Ask
from benchmarks.engines import Answer, size_of
from benchmarks.engines.shared import EARTH_MILES, facets_of, square_around
from portal.kernel.fulltext.port import Document

_TABLES = """
CREATE TABLE record (id INTEGER PRIMARY KEY, kind INTEGER, organization_kind INTEGER,
    county INTEGER, latitude REAL, longitude REAL);
CREATE TABLE tag (id INTEGER, facet INTEGER, value INTEGER, PRIMARY KEY (id, facet, value))
    WITHOUT ROWID;
CREATE TABLE audience (token TEXT, id INTEGER, PRIMARY KEY (token, id)) WITHOUT ROWID;
CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT UNIQUE);
CREATE VIRTUAL TABLE place USING rtree (id, south, north, west, east);
CREATE VIRTUAL TABLE texts USING fts5 (title, organization, keywords, summary, body,
    tokenize = 'porter unicode61');
CREATE VIRTUAL TABLE names USING fts5 (text, content = '', prefix = '2 3');
CREATE VIRTUAL TABLE plain USING fts5 (text, content = '', detail = none);
CREATE VIRTUAL TABLE lexicon USING fts5vocab (plain, row);
"""
_INDEXES = """
CREATE INDEX record_kind ON record (kind);
CREATE INDEX record_organization_kind ON record (organization_kind);
CREATE INDEX record_county ON record (county);
ANALYZE;
"""
_WEIGHTS = "5.0, 3.0, 4.0, 2.0, 1.0"
_SEEN = "EXISTS (SELECT 1 FROM audience AS a WHERE a.id = {id} AND a.token IN ({tokens}))"


class Engine:
    """A database file and one connection."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection: sqlite3.Connection | None = None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.folder / "search.db", isolation_level=None)
        connection.execute("PRAGMA mmap_size = 2000000000")
        connection.execute("PRAGMA cache_size = -64000")
        connection.execute("PRAGMA temp_store = memory")
        connection.execute("PRAGMA synchronous = off")
        return connection

    def build(self, documents: Iterable[Document]) -> None:
        self.folder.mkdir(parents=True)
        connection = self._connect()
        connection.executescript(_TABLES)
        connection.execute("BEGIN")
        codes: dict[str, int] = {}
        for document in documents:
            for sql, rows in _rows(document, codes):
                connection.executemany(sql, rows)
        connection.executemany(
            "INSERT INTO word VALUES (?, ?)", ((code, text) for text, code in codes.items())
        )
        connection.execute("COMMIT")
        for table in ("texts", "names", "plain"):
            connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")
        connection.executescript(_INDEXES)
        connection.close()

    def open(self) -> None:
        self.connection = self._connect()
        self._all("SELECT 1 FROM record LIMIT 1")

    def warm(self) -> None:
        self.codes: dict[str, int] = dict(self._all("SELECT text, id FROM word"))
        self.texts = {code: text for text, code in self.codes.items()}
        self.lexicon = [row[0] for row in self._all("SELECT term FROM lexicon")]

    def _all(self, statement: str, *values: Any) -> list[Any]:
        assert self.connection is not None
        return self.connection.execute(statement, values).fetchall()

    def answer(self, ask: Ask) -> Answer:
        if ask.near:
            return self._near(ask)
        if ask.is_prefix:
            return self._prefix(ask)
        source, match = self._source(ask)
        where, values = self._where(ask, "m.id")
        if ask.has_facets:
            return self._page(
                ask, f"SELECT m.id, m.score FROM {source} WHERE {where}", match, values
            )
        sql = f"SELECT m.id, count(*) OVER () FROM {source} WHERE {where} ORDER BY m.score LIMIT ?"
        rows = self._all(sql, *match, *values, ask.limit)
        return Answer(rows[0][1] if rows else 0, [row[0] for row in rows])

    def _source(self, ask: Ask) -> tuple[str, tuple[str, ...]]:
        if not ask.words:
            return "(SELECT id, 0.0 AS score FROM record) AS m", ()
        source = (
            f"(SELECT rowid AS id, bm25(texts, {_WEIGHTS}) AS score FROM texts "
            "WHERE texts MATCH ?) AS m"
        )
        if ask.is_phrase:
            return source, (f'"{" ".join(ask.words)}"',)
        if ask.is_fuzzy:
            alike = process.extract(
                ask.words[0], self.lexicon, scorer=OSA.distance, score_cutoff=1, limit=None
            )
            return source, (" OR ".join(f'"{word}"' for word, _, _ in alike) or '""',)
        return source, (" ".join(f'"{word}"' for word in ask.words),)

    def _where(self, ask: Ask, number: str) -> tuple[str, list[Any]]:
        tokens = ", ".join("?" * len(ask.audience))
        parts = [_SEEN.format(id=number, tokens=tokens)]
        values: list[Any] = sorted(ask.audience)
        for name, chosen in ask.chosen.items():
            marks = ", ".join("?" * len(chosen))
            parts.append(f"(SELECT {name} FROM record AS r WHERE r.id = {number}) IN ({marks})")
            values += [self.codes.get(f"{name}:{value}", 0) for value in chosen]
        return " AND ".join(parts), values

    def _page(self, ask: Ask, matches: str, match: tuple[str, ...], values: list[Any]) -> Answer:
        single = (
            f"SELECT '{name}', {name}, count(*) FROM m JOIN record AS r ON r.id = m.id GROUP BY 2"
            for name in SINGLE_FACETS
        )
        sql = f"""
            WITH m (id, score) AS MATERIALIZED ({matches})
            SELECT 'total', count(*), 0 FROM m
            UNION ALL SELECT * FROM (SELECT 'hit', id, score FROM m ORDER BY score LIMIT ?)
            UNION ALL {" UNION ALL ".join(single)}
            UNION ALL SELECT facet, value, count(*) FROM m JOIN tag AS t ON t.id = m.id
                GROUP BY facet, value"""
        answer = Answer(0, [], {name: {} for name in FACETS})
        for name, value, count in self._all(sql, *match, *values, ask.limit):
            if name == "total":
                answer.total = value
            elif name == "hit":
                answer.ids.append(value)
            else:
                facet = FACETS[name] if isinstance(name, int) else name
                answer.facets[facet][self.texts[value].partition(":")[2]] = count
        if ask.has_highlights and answer.ids:
            marks = ", ".join("?" * len(answer.ids))
            rows = self._all(
                "SELECT snippet(texts, -1, '<mark>', '</mark>', '…', 30) FROM texts "
                f"WHERE texts MATCH ? AND rowid IN ({marks})",
                *match,
                *answer.ids,
            )
            answer.fragments = [row[0] for row in rows]
        return answer

    def _prefix(self, ask: Ask) -> Answer:
        where, values = self._where(ask, "names.rowid")
        rows = self._all(
            f"SELECT rowid FROM names WHERE names MATCH ? AND {where} LIMIT ?",
            f"{ask.words[0]}*",
            *values,
            ask.limit,
        )
        return Answer(len(rows), [row[0] for row in rows])

    def _near(self, ask: Ask) -> Answer:
        assert ask.near is not None
        where, values = self._where(ask, "m.id")
        south, north, west, east = square_around(ask.near)
        sql = f"""
            SELECT m.id, count(*) OVER () FROM (
                SELECT r.id, 2 * {EARTH_MILES} * asin(sqrt(
                    power(sin(radians(r.latitude - ?) / 2), 2) + cos(radians(?))
                    * cos(radians(r.latitude)) * power(sin(radians(r.longitude - ?) / 2), 2)
                )) AS miles
                FROM place AS p JOIN record AS r ON r.id = p.id
                WHERE p.south >= ? AND p.north <= ? AND p.west >= ? AND p.east <= ?
            ) AS m WHERE m.miles <= ? AND {where} ORDER BY m.miles LIMIT ?"""
        here = ask.near
        point = (here.latitude, here.latitude, here.longitude)
        square = (south, north, west, east)
        rows = self._all(sql, *point, *square, here.radius_miles, *values, ask.limit)
        return Answer(rows[0][1] if rows else 0, [row[0] for row in rows])

    def size(self) -> int:
        return size_of(self.folder)

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()


def _rows(document: Document, codes: dict[str, int]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    number = document.id
    facets = {
        name: [codes.setdefault(f"{name}:{value}", len(codes) + 1) for value in values]
        for name, values in facets_of(document).items()
    }
    point = (document.latitude, document.longitude)
    single = (facets[name][0] for name in SINGLE_FACETS)
    texts = (document.title, document.organization, "\n".join(document.keywords))
    yield "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?)", [(number, *single, *point)]
    yield (
        "INSERT INTO tag VALUES (?, ?, ?)",
        [(number, FACETS.index(name), value) for name in SEVERAL_FACETS for value in facets[name]],
    )
    yield "INSERT INTO audience VALUES (?, ?)", [(token, number) for token in document.audience]
    latitude, longitude = point
    yield "INSERT INTO place VALUES (?, ?, ?, ?, ?)", [(number, *[latitude] * 2, *[longitude] * 2)]
    yield (
        "INSERT INTO texts (rowid, title, organization, keywords, summary, body) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [(number, *texts, document.summary, document.body)],
    )
    names = " ".join((document.title, *document.keywords))
    yield "INSERT INTO names (rowid, text) VALUES (?, ?)", [(number, names)]
    whole = " ".join((*texts, document.summary, document.body))
    yield "INSERT INTO plain (rowid, text) VALUES (?, ?)", [(number, whole)]
