"""The index in PostgreSQL as tables: generations, other connections, limits, damage."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
import sqlalchemy
from sqlalchemy import inspect, text

from portal.kernel.fulltext.port import (
    Document,
    IndexBusy,
    IndexOutOfReach,
    IndexUnavailable,
    Query,
    QueryTooCostly,
)
from portal.kernel.fulltext.postgresql import index as module
from portal.kernel.fulltext.postgresql import ranking
from portal.kernel.fulltext.postgresql.index import PostgreSQLIndex
from portal.kernel.fulltext.postgresql.tables import SCHEMA
from portal.kernel.search import SearchIndex, Thesaurus
from tests.kernel.fulltext.model import NEW_YEAR, PUBLIC, record

EVERYTHING = Query(audience=PUBLIC)
LASER = Query(audience=PUBLIC, text="laser")


@pytest.fixture
def index(fresh_database: sqlalchemy.Engine) -> PostgreSQLIndex:
    index = PostgreSQLIndex(fresh_database)
    index.rebuild([record(1, "Laser"), record(2, "Laser lab")])
    return index


def titles(index: PostgreSQLIndex, query: Query = EVERYTHING) -> list[str]:
    return sorted(hit.title for hit in index.search(query).hits)


def tables(database: sqlalchemy.Engine) -> set[str]:
    return set(inspect(database).get_table_names(schema=SCHEMA))


def run(database: sqlalchemy.Engine, statement: str) -> None:
    with database.begin() as connection:
        connection.execute(text(statement))


def test_a_rebuild_leaves_the_tables_of_one_generation_and_nothing_elsewhere(
    index: PostgreSQLIndex, fresh_database: sqlalchemy.Engine
) -> None:
    index.rebuild([record(3, "New")])
    assert titles(index) == ["New"]
    assert tables(fresh_database) == {"current", "document_2", "content_2", "word_2"}
    assert inspect(fresh_database).get_table_names() == []


def test_a_reader_in_the_middle_of_an_answer_keeps_its_generation(
    index: PostgreSQLIndex, fresh_database: sqlalchemy.Engine
) -> None:
    with fresh_database.connect() as reader:
        reader.execute(text("SELECT count(*) FROM search.document_1"))
        index.rebuild([record(3, "New")])
        assert titles(index) == ["New"]
        assert "document_1" in tables(fresh_database)
        assert reader.scalar(text("SELECT count(*) FROM search.document_1")) == 2
    index.rebuild([record(4, "Newer")])
    assert tables(fresh_database) == {"current", "document_3", "content_3", "word_3"}


def test_answers_of_readers_are_whole_while_the_index_is_rebuilt_again_and_again(
    index: PostgreSQLIndex,
) -> None:
    stop = Event()

    def read() -> set[int]:
        seen: set[int] = set()
        while not stop.is_set():
            results = index.search(LASER)
            assert len(results.hits) == results.total == results.facets["kind"][0].count
            seen.add(results.total)
        return seen

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        try:
            for size in (3, 4, 5):
                index.rebuild(record(number, "Laser") for number in range(size))
        finally:
            stop.set()
        for reader in readers:
            assert reader.result() <= {2, 3, 4, 5}


def test_a_second_writer_waits_and_then_gives_up(
    index: PostgreSQLIndex, fresh_database: sqlalchemy.Engine
) -> None:
    other = PostgreSQLIndex(fresh_database)

    def documents() -> Iterator[Document]:
        for write in (
            lambda: other.apply([record(9, "Other")], timeout=0.05),
            lambda: other.rebuild([record(9, "Other")], timeout=0),
        ):
            with pytest.raises(IndexBusy):
                write()
        assert titles(other) == ["Laser", "Laser lab"]
        yield record(3, "Rebuilt")

    index.rebuild(documents())
    other.apply([record(9, "Other")])
    assert titles(index) == ["Other", "Rebuilt"]


def test_a_writer_whose_connection_is_cut_leaves_a_whole_index_and_no_lock(
    index: PostgreSQLIndex, fresh_database: sqlalchemy.Engine
) -> None:
    def documents() -> Iterator[Document]:
        yield record(3, "Lost")
        run(
            fresh_database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
            " AND pid <> pg_backend_pid()",
        )
        yield record(4, "Lost too")

    with pytest.raises(sqlalchemy.exc.DBAPIError):
        index.rebuild(documents())
    assert titles(index) == ["Laser", "Laser lab"]
    index.apply([record(5, "Kept")], timeout=0)
    assert titles(index) == ["Kept", "Laser", "Laser lab"]


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE search.document_1",
        "DROP TABLE search.current",
        "DELETE FROM search.current",
        "UPDATE search.current SET format = 0",
        "UPDATE search.current SET number = 7",
        "DROP SCHEMA search CASCADE",
    ],
)
def test_a_damaged_index_says_so_and_a_rebuild_recovers_it(
    index: PostgreSQLIndex, fresh_database: sqlalchemy.Engine, damage: str
) -> None:
    run(fresh_database, damage)
    for use in (lambda: index.search(EVERYTHING), lambda: index.apply([record(1)])):
        with pytest.raises(IndexUnavailable):
            use()
    index.rebuild([record(3, "Laser")])
    assert titles(index) == ["Laser"]
    assert len(tables(fresh_database)) == 4


def test_a_server_that_does_not_answer_is_no_reason_to_rebuild() -> None:
    nowhere = sqlalchemy.create_engine("postgresql+psycopg://nobody@/none?host=/nowhere")
    index = PostgreSQLIndex(nowhere)
    with pytest.raises(IndexOutOfReach, match="does not answer"):
        index.search(EVERYTHING)
    assert not SearchIndex(index, {}, {}, Thesaurus(())).is_damaged()


def test_a_query_that_takes_too_long_is_given_up(
    index: PostgreSQLIndex, fresh_database: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.05)
    monkeypatch.setitem(module._WAITED_FOR, "statement_timeout", "50")
    with fresh_database.begin() as blocking:
        blocking.execute(text("LOCK TABLE search.document_1 IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(QueryTooCostly):
            index.search(LASER)
        with pytest.raises(QueryTooCostly):
            index.matching(LASER, is_waited_for=True)
    monkeypatch.setattr(module, "_SECONDS", 60)
    assert titles(index, LASER) == ["Laser", "Laser lab"]


def test_a_query_of_very_many_words_has_a_moment_for_all_it_asks(
    index: PostgreSQLIndex, fresh_database: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_HURRIED_SECONDS", 0.05)
    many = Query(audience=PUBLIC, text=" ".join(["laser", *(f"no{n}" for n in range(20))]))
    with fresh_database.begin() as blocking:
        blocking.execute(text("LOCK TABLE search.content_1 IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(QueryTooCostly):
            index.search(many)
    monkeypatch.setattr(module, "_HURRIED_SECONDS", 60)
    assert titles(index, many) == titles(index, LASER) == ["Laser", "Laser lab"]


def test_limits_of_a_query_do_not_stay_with_the_connection(
    fresh_database: sqlalchemy.Engine,
) -> None:
    single = sqlalchemy.create_engine(fresh_database.url, pool_size=1, max_overflow=0)
    index = PostgreSQLIndex(single)
    asked = text(
        "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings"
        " WHERE name IN ('statement_timeout', 'jit', 'work_mem', 'transaction_read_only',"
        " 'transaction_isolation', 'idle_in_transaction_session_timeout')"
    )
    with single.connect() as connection:
        before = connection.scalar(asked)
    index.rebuild([record(1, "Laser")])
    index.search(LASER)
    with single.connect() as connection:
        assert connection.scalar(asked) == before
    single.dispose()


def test_the_best_of_very_many_matches_come_first_on_every_page(
    index: PostgreSQLIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "_RANKED", 20)
    index.apply(
        [
            *(record(number, body="laser cutting " * (number % 5 + 1)) for number in range(60)),
            record(100, "Laser", body="cutting"),
            record(101, "Cutting", body="laser"),
            record(102, "Laser cutting"),
        ]
    )
    pages = [
        [hit.id for hit in index.search(
            Query(audience=PUBLIC, text="laser cutting", limit=5, offset=offset)
        ).hits]
        for offset in range(0, 20, 5)
    ]  # fmt: skip
    assert pages[0][:3] == [102, 100, 101]
    assert len({number for page in pages for number in page}) == 20


def test_a_document_larger_than_what_postgresql_indexes_is_found_by_its_beginning(
    index: PostgreSQLIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SECONDS", 60)
    flood = " ".join(f"{number:040}" for number in range(26_000))
    index.apply([record(3, "Huge lab", body=f"first words {flood} last words")])
    assert titles(index, Query(audience=PUBLIC, text='"huge lab" "first words"')) == ["Huge lab"]


def test_a_title_longer_than_an_index_entry_is_kept_and_sorted(index: PostgreSQLIndex) -> None:
    long = "Laser " + "x" * 40 + " lab" * 3_000
    index.apply([record(3, long), record(4, long + " two")])
    assert [hit.id for hit in index.search(
        Query(audience=PUBLIC, text="laser", sort="title")
    ).hits] == [1, 2, 3, 4]  # fmt: skip
    assert [found.id for found in index.suggest("laser xx", PUBLIC)] == [3, 4]


def test_among_many_records_as_few_as_are_wanted_are_found(index: PostgreSQLIndex) -> None:
    index.apply(record(number, "Lab", updated_at=NEW_YEAR + timedelta(number)) for number in
                range(10, 20))  # fmt: skip
    among = frozenset(("organization", number) for number in range(15, 5_000))
    assert index.search(Query(audience=PUBLIC, among=among)).total == 5
