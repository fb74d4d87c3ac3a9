"""The index as files: commits, generations, other processes, damage and recovery."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.kernel.fulltext.index import Index
from portal.kernel.fulltext.port import Document, IndexBusy, IndexUnavailable, Query
from tests.kernel.fulltext.conftest import IndexOf
from tests.kernel.fulltext.model import PUBLIC, record

ROOT = Path(__file__).parents[3]
EVERYTHING = Query(audience=PUBLIC)


def titles(index: Index) -> list[str]:
    return sorted(hit.title for hit in index.search(EVERYTHING).hits)


def generations(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if path.is_dir())


def program(code: str, directory: Path) -> subprocess.Popen[str]:
    """Another process, which runs `code` with an `index` over the same directory."""
    prelude = (
        "import sys\n"
        "from portal.kernel.fulltext.index import Index\n"
        "from portal.kernel.fulltext.port import Query\n"
        "from tests.kernel.fulltext.model import PUBLIC, record\n"
        f"index = Index({str(directory)!r})\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", prelude + code],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def asked(process: subprocess.Popen[str], line: str = "") -> str:
    assert process.stdin
    assert process.stdout
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_the_old_generation_serves_until_the_new_one_is_whole(
    index_of: IndexOf, tmp_path: Path
) -> None:
    index = index_of(record(1, "old"))
    before = index.status().generation
    other = Index(tmp_path / "index")
    told: list[int] = []

    def documents() -> Iterator[Document]:
        for number in range(1, 4):
            assert titles(index) == titles(other) == ["old"]
            yield record(number, f"new {number}")

    index.rebuild(documents(), told.append)
    assert told == [1, 2, 3]
    assert titles(index) == titles(other) == ["new 1", "new 2", "new 3"]
    assert index.status().generation != before
    assert generations(tmp_path / "index") == [index.status().generation]


def test_a_rebuild_that_fails_leaves_the_old_generation(index_of: IndexOf, tmp_path: Path) -> None:
    def documents() -> Iterator[Document]:
        yield record(1, "new")
        raise ZeroDivisionError

    index = index_of(record(1, "old"))
    with pytest.raises(ZeroDivisionError):
        index.rebuild(documents())
    assert titles(index) == ["old"]
    assert generations(tmp_path / "index") == [index.status().generation]
    index.rebuild([record(1, "newer"), record(1, "repeated")])
    assert titles(index) == ["newer"]


def test_a_rebuild_by_several_processes_is_the_same_index(tmp_path: Path) -> None:
    documents = [record(n, f"Laser {n}", body="laser lab " * (n % 5)) for n in range(230)]
    told: list[int] = []
    index, alone = Index(tmp_path / "several"), Index(tmp_path / "alone")
    index.rebuild([*documents, record(1, "repeated")], told.append, processes=2)
    alone.rebuild(documents)
    assert told == list(range(1, 231))
    assert alone.status().segments == 1
    assert index.digests() == alone.digests()
    for query in (EVERYTHING, Query(text='"lab laser"', audience=PUBLIC, sort="title")):
        assert index.search(query) == alone.search(query)
    (folder,) = (path for path in (tmp_path / "several").iterdir() if path.is_dir())
    assert {path.suffix for path in folder.iterdir()} == {".toc", ".seg", ".arrays"}


def test_more_processes_than_there_is_to_do_are_no_harm(tmp_path: Path) -> None:
    index = Index(tmp_path / "index")
    for documents in ([record(1, "a"), record(2, "b")], []):
        index.rebuild(documents, processes=2)
        assert titles(index) == [document.title for document in documents]
        assert index.status().segments == len(documents) // 2


def test_a_failure_in_one_of_several_processes_leaves_the_old_index(
    index_of: IndexOf, tmp_path: Path
) -> None:
    index = index_of(record(1, "old"))
    documents = [record(n) for n in range(300)] + [record(300, latitude=1e9, longitude=0.0)]
    with pytest.raises(Exception, match=r"format|range"):
        index.rebuild(documents, processes=2)
    assert titles(index) == ["old"]
    assert generations(tmp_path / "index") == [index.status().generation]


def test_a_reader_in_another_process_follows_commits_and_rebuilds(
    index_of: IndexOf, tmp_path: Path
) -> None:
    index = index_of(record(1, "first"))
    code = (
        "for line in sys.stdin:\n"
        "    print(sorted(h.title for h in index.search(Query(audience=PUBLIC)).hits), flush=True)"
    )
    with program(code, tmp_path / "index") as reader:
        assert asked(reader) == "['first']"
        index.apply([record(2, "second")])
        assert asked(reader) == "['first', 'second']"
        index.apply([record(1, "changed")], [("organization", 2)])
        assert asked(reader) == "['changed']"
        index.rebuild([record(3, "rebuilt")])
        assert asked(reader) == "['rebuilt']"
        index.apply([record(4, "after")])
        assert asked(reader) == "['after', 'rebuilt']"


def test_a_second_writer_waits_and_then_gives_up(index_of: IndexOf, tmp_path: Path) -> None:
    index = index_of(record(1, "old"))
    code = (
        "def documents():\n"
        "    print('writing', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    yield record(1, 'theirs')\n"
        "index.rebuild(documents())\n"
        "print('done', flush=True)"
    )
    with program(code, tmp_path / "index") as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "writing\n"
        for write in (
            lambda: index.apply([record(2, "ours")], timeout=0.1),
            lambda: index.rebuild([record(2, "ours")], timeout=0),
        ):
            with pytest.raises(IndexBusy):
                write()
        assert titles(index) == ["old"]
        assert asked(writer) == "done"
        index.apply([record(2, "ours")])
        assert titles(index) == ["ours", "theirs"]


def test_a_writer_that_is_killed_leaves_a_whole_index_and_no_lock(
    index_of: IndexOf, tmp_path: Path
) -> None:
    index = index_of(record(1, "old"))
    code = (
        "def documents():\n"
        "    yield record(1, 'lost')\n"
        "    print('writing', flush=True)\n"
        "    sys.stdin.readline()\n"
        "index.{}(documents())"
    )
    for method in ("rebuild", "apply"):
        with program(code.format(method), tmp_path / "index") as writer:
            assert writer.stdout
            assert writer.stdout.readline() == "writing\n"
            writer.kill()
        assert titles(index) == ["old"]
        index.apply([record(1, "old")], timeout=0)
    index.rebuild([record(1, "new")], timeout=0)
    assert titles(index) == ["new"]
    assert generations(tmp_path / "index") == [index.status().generation]


@pytest.mark.parametrize("content", ["0-000001-00000000\n", None])
def test_who_looks_while_there_is_no_index_of_this_version_does_not_wait_for_one(
    index_of: IndexOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    """It takes minutes to be made, and a web process that waits answers nobody meanwhile."""
    index_of(record(1, "old"))
    current = tmp_path / "index" / "CURRENT"
    current.unlink()
    if content is not None:
        current.write_text(content)
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    with pytest.raises(IndexUnavailable):
        Index(tmp_path / "index").search(EVERYTHING)
    assert waits == []


@pytest.mark.parametrize(
    ("pattern", "content"),
    [
        ("CURRENT", b""),
        ("CURRENT", b"\xff\x00"),
        ("CURRENT", b"../../elsewhere\n"),
        ("CURRENT", b"0-000001-00000000\n"),
        ("CURRENT", None),
        ("*/*.toc", b""),
        ("*/*.toc", b"garbage" * 100),
        ("*/*.toc", None),
        ("*/*.seg", b""),
        ("*/*.seg", b"garbage" * 100),
        ("*/*.seg", None),
    ],
)
def test_a_damaged_index_says_so_and_a_rebuild_recovers_it(
    index_of: IndexOf, tmp_path: Path, pattern: str, content: bytes | None
) -> None:
    index_of(record(1, "a"), record(2, "b"))
    for file in list((tmp_path / "index").glob(pattern)):
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
    index = Index(tmp_path / "index")
    for use in (
        lambda: index.search(EVERYTHING),
        lambda: index.apply([record(1)], [("organization", 2)]),
    ):
        with pytest.raises(IndexUnavailable):
            use()
    index.rebuild([record(3, "c")])
    assert titles(index) == ["c"]
    assert generations(tmp_path / "index") == [index.status().generation]


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_segment_cut_short_is_unavailable_rather_than_wrong(
    index_of: IndexOf, tmp_path: Path, part: float
) -> None:
    index_of(record(1, "a", body="lorem ipsum " * 50))
    (file,) = (tmp_path / "index").glob("*/*.seg")
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * part)])
    with pytest.raises(IndexUnavailable):
        Index(tmp_path / "index").search(Query(text="lorem", audience=PUBLIC))
