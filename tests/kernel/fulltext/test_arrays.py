"""The arrays beside a segment: made of what any Whoosh writes, and made again when they are not
what they should be."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from whoosh.filedb.filestore import FileStorage
from whoosh.index import FileIndex

from portal.kernel.fulltext import arrays, writing
from portal.kernel.fulltext.index import Index
from portal.kernel.fulltext.port import Document, Near, Query
from portal.kernel.fulltext.rows import SCHEMA, decode, encode, row_of
from portal.kernel.fulltext.vocabulary import Concept, Vocabulary
from tests.kernel.fulltext.conftest import IndexOf
from tests.kernel.fulltext.model import PUBLIC, matches_of, record

SHOWN = (
    *("title", "url", "summary", "body", "organization"),
    *("keywords", "facets", "extra", "latitude", "longitude"),
)
RECORDS = [
    record(
        number,
        f"Laser {number}",
        kind="facility" if number % 3 else "request",
        body="the laser lab cuts; " * (number % 4) + "five laser labs",
        keywords=("laser", "sheet metal"),
        facets={"parity": (str(number % 2),), "some": ("a", "b")[: number % 3]},
        latitude=38.0 + number / 100,
        longitude=-85.0,
    )
    for number in range(40)
]
QUESTIONS = [
    Query(audience=PUBLIC),
    Query(audience=PUBLIC, text="laser"),
    Query(audience=PUBLIC, text='"laser lab" cuts', sort="title"),
    Query(audience=PUBLIC, text="lasr", near=Near(38.1, -85.0, 8), sort="distance"),
]


def answers(index: Index) -> list[str]:
    return [repr(index.search(question)) for question in QUESTIONS]


def files(directory: Path, ending: str) -> list[Path]:
    return sorted(directory.glob(f"*/*{ending}"))


@pytest.fixture
def directory(index_of: IndexOf, tmp_path: Path) -> Path:
    index_of(*RECORDS)
    return tmp_path / "index"


def test_every_commit_leaves_arrays_beside_each_segment_and_none_of_dropped_ones(
    index_of: IndexOf, tmp_path: Path
) -> None:
    index = index_of(*RECORDS[:3])
    for document in RECORDS[3:12]:
        index.apply([document])
        segments = [path.stem for path in files(tmp_path / "index", ".seg")]
        assert [path.stem for path in files(tmp_path / "index", ".arrays")] == segments
        assert len(segments) == index.status().segments
    assert files(tmp_path / "index", ".new") == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"garbage" * 1000),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: arrays.write(path, "another label", []),
        lambda path: path.write_bytes(path.read_bytes()[:64] + bytes(path.stat().st_size - 64)),
        lambda path: path.write_bytes(path.read_bytes().replace(b"laser", b"maser", 1)),
    ],
    ids=["gone", "empty", "garbage", "cut", "half", "foreign", "zeros", "one letter"],
)
def test_arrays_that_are_missing_or_damaged_are_made_again(directory: Path, damage: object) -> None:
    expected = answers(Index(directory))
    paths = files(directory, ".arrays")
    whole = [path.read_bytes() for path in paths]
    for path in paths:
        damage(path)  # type: ignore[operator]
    assert answers(Index(directory)) == expected
    assert [path.read_bytes() for path in paths] == whole


def test_a_file_that_is_written_anew_leaves_what_readers_have_mapped(tmp_path: Path) -> None:
    """To cut a mapped file short would end every process that then looks at what is missing."""
    path = tmp_path / "segment.arrays"
    arrays.write(path, "label", [("numbers", [np.arange(100_000)])])
    mapped = arrays.open_file(path, "label")["numbers"]
    arrays.write(path, "label", [("numbers", [np.arange(3)])])
    assert mapped.sum() == sum(range(100_000))
    assert arrays.open_file(path, "label")["numbers"].tolist() == [0, 1, 2]


def test_the_next_commit_makes_arrays_that_a_crash_left_out(directory: Path) -> None:
    index = Index(directory)
    index.status()
    for path in files(directory, ".arrays"):
        path.unlink()
    index.apply([record(99, "Late")])
    assert [p.stem for p in files(directory, ".arrays")] == [
        p.stem for p in files(directory, ".seg")
    ]


def test_a_reader_that_cannot_write_reads_all_the_same(directory: Path) -> None:
    expected = answers(Index(directory))
    for path in files(directory, ".arrays"):
        path.unlink()
        path.with_name(f"{path.name}.{os.getpid()}.new").mkdir()
    assert answers(Index(directory)) == expected
    assert files(directory, ".arrays") == []


def test_phrases_of_the_vocabulary_are_found_once_and_read_by_those_who_come_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    concepts = [
        Concept("laser", ("cutter", "laser lab", "five laser", "no such lab")),
        Concept("sheet", ("plate", "sheet metal")),
    ]
    phrases = [("laser", "lab"), ("five", "laser"), ("no", "such", "lab"), ("sheet", "metal")]
    questions = [Query(audience=PUBLIC, text=text) for text in ("cutter", "plate cutter", "laser")]
    index = Index(tmp_path / "index", lambda: Vocabulary.of(concepts))
    index.rebuild(RECORDS)
    expected = [repr(index.search(question)) for question in questions]
    assert files(tmp_path / "index", ".phrases") == []
    monkeypatch.setattr("portal.kernel.fulltext.segment.FEWEST_DOCUMENTS", len(RECORDS))
    index.apply(deleted=[("facility", 99)])
    (path,) = files(tmp_path / "index", ".phrases")
    for reader in (index, Index(tmp_path / "index", lambda: Vocabulary.of(concepts))):
        (segment,) = reader._latest().parts
        assert segment.postings(("laser", "no")) is None
        for terms in phrases:
            postings, looked_for = segment.postings(terms), segment.having(segment.together(terms))
            assert postings is not None
            assert postings.ids.tolist() == looked_for.ids.tolist()
            assert postings.impacts.tolist() == looked_for.impacts.tolist()
        assert [repr(reader.search(question)) for question in questions] == expected
    path.write_bytes(b"garbage")
    damaged = Index(tmp_path / "index", lambda: Vocabulary.of(concepts))
    assert [repr(damaged.search(question)) for question in questions] == expected


@pytest.mark.parametrize("options", [{}, {"compound": False}])
def test_what_an_unmodified_whoosh_writes_is_read_like_our_own(
    directory: Path, options: dict[str, bool]
) -> None:
    """Its own codec compresses, in smaller blocks; and it may leave a segment in several files."""
    expected = answers(Index(directory))
    folder = files(directory, ".toc")[0].parent
    for path in folder.iterdir():
        path.unlink()
    for number, documents in enumerate((RECORDS[:1], RECORDS[1:])):
        storage = FileStorage(str(folder))
        plain = FileIndex.create(storage, SCHEMA) if not number else FileIndex(storage)
        writer = plain.writer(**options)
        for document in documents:
            writer.add_document(**row_of(document))
        writer.commit()
    assert files(directory, ".arrays") == []
    assert answers(Index(directory)) == expected
    Index(directory).apply([RECORDS[5]])
    assert Index(directory).status().documents == len(RECORDS)


@pytest.mark.parametrize("in_memory", [10_000, 100], ids=["in memory", "through the disk"])
def test_our_writer_writes_what_whooshs_own_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    monkeypatch.setattr(writing, "_MOST_POSTINGS", in_memory)
    monkeypatch.setattr(writing, "_BLOCK", 16)
    monkeypatch.setattr(writing, "_WORTH_BYTES", 300)
    contents = []
    for name in ("ours", "theirs"):
        folder = tmp_path / name
        folder.mkdir()
        index = FileIndex.create(FileStorage(str(folder)), SCHEMA, "MAIN")
        writer = writing.RowWriter(folder, "MAIN") if name == "ours" else index.writer()
        for document in (*RECORDS, record(99, "Once " * 300)):
            writer.add_document(**row_of(document))
        writer.commit()
        with index.reader() as reader:
            assert reader.is_atomic()
            columns = [column for column in SCHEMA.names() if reader.has_column(column)]
            contents.append((
                list(reader.iter_postings()),
                [list(reader.column_reader(column, translate=False)) for column in columns],
                [reader.field_length(field) for field in SCHEMA.names()],
            ))  # fmt: skip
        assert {path.suffix for path in folder.iterdir() if path.stat().st_size} == {".seg", ".toc"}
    ours, theirs = contents
    assert ours == theirs


def test_what_is_shown_of_a_document_survives_whatever_it_says() -> None:
    strange = ["", " ", "\x1e\x1f\n", "Ünï©ode 🏭", "\ud800", "a" * 70_000]
    for text in strange:
        document = Document(
            kind="k",
            id=1,
            title=text,
            url=text,
            summary=text,
            body=text,
            organization=text,
            keywords=(text, "", text),
            facets={text: (text, ""), "none": ()},
            extra={text: text},
            latitude=None,
            longitude=-0.1,
            audience=PUBLIC,
            updated_at=RECORDS[0].updated_at,
        )
        shown = decode(encode(document))
        assert all(getattr(shown, name) == getattr(document, name) for name in SHOWN)


def test_what_is_shown_has_none_of_the_characters_that_pages_mark_it_with() -> None:
    one = record(1, "a\0b", body="c\1d\2e", keywords=("f\2",))
    shown = decode(encode(one))
    assert (shown.title, shown.body, shown.keywords) == ("a b", "c d e", ("f ",))


def test_a_word_too_far_on_to_be_shown_is_found_all_the_same(index_of: IndexOf) -> None:
    index = index_of(record(1, body="laser " + "filler " * 12_000 + "zirconium laser"))
    (far,) = index.search(Query(text="zirconium", audience=PUBLIC)).hits
    assert far.highlights == ()
    (near,) = index.search(Query(text="laser zirconium", audience=PUBLIC)).hits
    assert [match for f in near.highlights for match in matches_of(f)] == ["laser"]


def test_no_more_is_mapped_beforehand_than_asked_for_and_nothing_changes(
    index_of: IndexOf, tmp_path: Path
) -> None:
    path = tmp_path / "some.arrays"
    parts = {"a": 100_000, "empty": 0, "b": 70_000, "c": 1}
    arrays.write(path, "some", [(name, [np.ones(size, "u4")]) for name, size in parts.items()])
    found = arrays.open_file(path, "some").values()
    assert [arrays.touch(found, most) for most in (0, 400_000, 680_000, 10**9)] == [
        0,
        400_000,
        680_000,
        680_004,
    ]

    index = index_of(*RECORDS)
    before = answers(index)
    index.warm()
    assert answers(index) == before
