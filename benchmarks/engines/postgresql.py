"""PostgreSQL full-text search, on a private server of its own.

One weighted `tsvector` per record as a stored column under a GIN index, GIN for audiences and
names, B-trees for facets, GiST over `ll_to_earth` for radii; prepared statements, no JIT, 512 MB of
shared buffers. A page's count, counts and top 20 come from one materialized set of matches;
highlights by `ts_headline` of those 20 only. Misspelled words are looked up in a table of words by
`pg_trgm` and `levenshtein`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.corpus import FACETS, SEVERAL_FACETS, SINGLE_FACETS, Ask
from benchmarks.engines import Answer
from benchmarks.engines.shared import EARTH_MILES, facets_of
from portal.kernel.fulltext.port import Document
from tests.support.postgresql import SUPERUSER, Cluster

_DATABASE = "benchmark"
_TABLE = """
CREATE EXTENSION pg_trgm; CREATE EXTENSION fuzzystrmatch;
CREATE EXTENSION cube; CREATE EXTENSION earthdistance;
CREATE TABLE record (
    id integer PRIMARY KEY, kind text, organization_kind text, county text,
    cluster text[], capability text[], certification text[], audience text[],
    latitude float8, longitude float8,
    title text, organization text, keywords text, summary text, body text,
    vector tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('english', title || ' ' || keywords), 'A')
        || setweight(to_tsvector('english', organization), 'B')
        || setweight(to_tsvector('english', summary), 'C')
        || to_tsvector('english', body)) STORED,
    names tsvector GENERATED ALWAYS AS (to_tsvector('simple', title || ' ' || keywords)) STORED
)"""
_INDEXES = """
CREATE INDEX ON record USING gin (vector);
CREATE INDEX ON record USING gin (names);
CREATE INDEX ON record USING gin (audience);
CREATE INDEX ON record (kind); CREATE INDEX ON record (organization_kind);
CREATE INDEX ON record (county);
CREATE INDEX ON record USING gist (ll_to_earth(latitude, longitude));
CREATE TABLE lexicon AS SELECT word FROM ts_stat(
    $$SELECT to_tsvector('simple', concat_ws(' ', title, organization, keywords, summary, body))
    FROM record$$);
CREATE INDEX ON lexicon USING gin (word gin_trgm_ops);
"""
_COLUMNS = (
    *("id", *FACETS, "audience", "latitude", "longitude"),
    *("title", "organization", "keywords", "summary", "body"),
)
SHOWN = "'MaxFragments=2, MaxWords=20, MinWords=8'"
_SET = "SET jit = off; SET work_mem = '64MB'; SET pg_trgm.similarity_threshold = 0.4"


class Engine:
    """A server while it builds, and one connection to it while it answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.note = folder / "server"
        self.cluster: Cluster | None = None
        self.connection: psycopg.Connection | None = None

    def build(self, documents: Iterable[Document]) -> None:
        self.folder.mkdir(parents=True)
        self.cluster = Cluster.start()
        self.cluster.create(_DATABASE)
        self.note.write_text(self.cluster.folder)
        with self._connect() as connection:
            connection.execute("ALTER SYSTEM SET shared_buffers = '512MB'")
            connection.execute("ALTER SYSTEM SET maintenance_work_mem = '512MB'")
        self.cluster._run("pg_ctl", "restart", "--wait", *self.cluster._where())
        with self._connect() as connection:
            connection.execute(_TABLE)
            copy = sql.SQL("COPY record ({}) FROM STDIN").format(
                sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
            )
            with connection.cursor().copy(copy) as target:
                for document in documents:
                    target.write_row(_row(document))
            connection.execute(_INDEXES)
            connection.execute("VACUUM ANALYZE")

    def _connect(self) -> psycopg.Connection:
        host = self.note.read_text()
        connection = psycopg.connect(host=host, user=SUPERUSER, dbname=_DATABASE, autocommit=True)
        connection.execute(_SET)
        return connection

    def open(self) -> None:
        self.connection = self._connect()
        self.connection.prepare_threshold = 0

    def warm(self) -> None:
        return

    def process_id(self) -> int:
        """Return the process whose memory counts: the server's for this connection."""
        assert self.connection is not None
        return self.connection.info.backend_pid

    def answer(self, ask: Ask) -> Answer:
        assert self.connection is not None
        if ask.is_prefix:
            rows = self.connection.execute(
                "SELECT id FROM record WHERE names @@ to_tsquery('simple', %s) AND audience && %s "
                "LIMIT %s",
                (f"{ask.words[0]}:*", sorted(ask.audience), ask.limit),
            ).fetchall()
            return Answer(len(rows), [row[0] for row in rows])
        if ask.near:
            return self._near(ask)
        asked = self._asked(ask)
        source, where, values = self._matches(ask, asked)
        score = "ts_rank(vector, query)" if ask.words else "0"
        if ask.has_facets:
            return self._page(ask, asked, f"{score} AS score FROM {source} WHERE {where}", values)
        rows = self.connection.execute(
            f"SELECT id, count(*) OVER () FROM {source} WHERE {where} "
            f"ORDER BY {score} DESC, id LIMIT %s",
            (*values, ask.limit),
        ).fetchall()
        return Answer(rows[0][1] if rows else 0, [row[0] for row in rows])

    def _asked(self, ask: Ask) -> tuple[str, str]:
        """Return the function that makes the query, and its text."""
        assert self.connection is not None
        text = " ".join(ask.words)
        if ask.is_phrase:
            return "phraseto_tsquery", text
        if ask.is_fuzzy:
            alike = self.connection.execute(
                "SELECT word FROM lexicon WHERE word %% %s AND "
                "levenshtein_less_equal(word, %s, 1) <= 1",
                (text, text),
            ).fetchall()
            return "to_tsquery", " | ".join(f"'{row[0]}'" for row in alike)
        return "plainto_tsquery", text

    def _matches(self, ask: Ask, asked: tuple[str, str]) -> tuple[str, str, list[Any]]:
        source, parts, values = "record", [], []
        if ask.words:
            source = f"record, {asked[0]}('english', %s) AS query"
            parts.append("vector @@ query")
            values.append(asked[1])
        parts.append("audience && %s")
        values.append(sorted(ask.audience))
        for name, chosen in ask.chosen.items():
            parts.append(f"{name} = ANY(%s)")
            values.append(list(chosen))
        return source, " AND ".join(parts), values

    def _page(self, ask: Ask, asked: tuple[str, str], matches: str, values: list[Any]) -> Answer:
        assert self.connection is not None
        several = (
            f"SELECT '{name}', value, count(*) FROM m, unnest({name}) AS value GROUP BY value"
            for name in SEVERAL_FACETS
        )
        single = ", ".join(SINGLE_FACETS)
        rows = self.connection.execute(
            f"""
            WITH m AS MATERIALIZED (SELECT id, {", ".join(FACETS)}, {matches})
            SELECT 'total', '', count(*) FROM m
            UNION ALL SELECT 'hit', '', id FROM
                (SELECT id FROM m ORDER BY score DESC, id LIMIT %s) AS best
            UNION ALL SELECT
                CASE grouping({single}) WHEN 3 THEN 'kind' WHEN 5 THEN 'organization_kind'
                    ELSE 'county' END,
                coalesce({single}), count(*) FROM m
                GROUP BY GROUPING SETS ((kind), (organization_kind), (county))
            UNION ALL {" UNION ALL ".join(several)}""",
            (*values, ask.limit),
        ).fetchall()
        answer = Answer(0, [], {name: {} for name in FACETS})
        for name, value, count in rows:
            if name == "total":
                answer.total = count
            elif name == "hit":
                answer.ids.append(count)
            else:
                answer.facets[name][value] = count
        if ask.has_highlights and answer.ids:
            found = self.connection.execute(
                f"SELECT ts_headline('english', summary || ' ' || body, {asked[0]}('english', %s), "
                f"{SHOWN}) FROM record WHERE id = ANY(%s)",
                (asked[1], answer.ids),
            )
            answer.fragments = [row[0] for row in found]
        return answer

    def _near(self, ask: Ask) -> Answer:
        assert self.connection is not None
        assert ask.near is not None
        here = (ask.near.latitude, ask.near.longitude)
        # The module reckons with a slightly larger earth.
        meters = f"(%s * earth() / {EARTH_MILES})"
        rows = self.connection.execute(
            f"""
            SELECT id, count(*) OVER () FROM record, ll_to_earth(%s, %s) AS here
            WHERE earth_box(ll_to_earth(%s, %s), {meters}) @> ll_to_earth(latitude, longitude)
                AND earth_distance(here, ll_to_earth(latitude, longitude)) <= {meters}
                AND audience && %s
            ORDER BY earth_distance(here, ll_to_earth(latitude, longitude)) LIMIT %s""",
            (
                *(*here, *here, ask.near.radius_miles, ask.near.radius_miles),
                *(sorted(ask.audience), ask.limit),
            ),
        ).fetchall()
        return Answer(rows[0][1] if rows else 0, [row[0] for row in rows])

    def size(self) -> int:
        with self._connect() as connection:
            row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
        if self.cluster is not None:
            self.cluster.stop()


def _row(document: Document) -> tuple[Any, ...]:
    facets = {name: list(values) for name, values in facets_of(document).items()}
    return (
        document.id,
        *(facets[name][0] if name in SINGLE_FACETS else facets[name] for name in FACETS),
        sorted(document.audience),
        document.latitude,
        document.longitude,
        document.title,
        document.organization,
        "\n".join(document.keywords),
        document.summary,
        document.body,
    )
