"""Spreadsheets are read within bounds, whoever made them, and written so that nothing runs."""

import io
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kernel.errors import Invalid
from portal.kernel.spreadsheets import (
    Bounds,
    csv_pieces,
    neutralize,
    read_sheet,
    restore,
    xlsx_bytes,
)


@pytest.fixture(autouse=True)
def _in_an_app(app):
    """Messages are in somebody's language."""


def cells_of(data, **bounds):
    return [dict(row.cells) for row in read_sheet(data, **bounds).rows]


def workbook(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def with_member(data, name, content):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for entry in old.infolist():
            new.writestr(entry, content if entry.filename == name else old.read(entry))
    return out.getvalue()


TEXT = "name,city\nBäckerei “Süd”,Köln\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("cp1252"),
        TEXT.replace(",", ";").encode(),
        TEXT.replace(",", "\t").encode(),
        TEXT.replace("\n", "\r\n").encode(),
        workbook(["name", "city"], ["Bäckerei “Süd”", "Köln"]),
    ],
    ids=["utf-8", "byte order mark", "latin-1", "semicolon", "tab", "windows line ends", "xlsx"],
)
def test_a_table_reads_the_same_however_it_was_saved(data):
    assert cells_of(data) == [{"name": "Bäckerei “Süd”", "city": "Köln"}]


def test_a_quote_within_a_quoted_cell_does_not_stop_a_real_file():
    data = b'name,url\nA,"x?hl="fees"&b"\nB,y\n'
    assert [cells["name"] for cells in cells_of(data)] == ["A", "B"]


def test_names_in_any_script_survive():
    rows = [{"name": name} for name in ("東莞精密工業", "Завод «Прогресс»", "مصنع الخليج")]
    text = "name\n" + "\n".join(row["name"] for row in rows)
    assert cells_of(text.encode()) == rows


def test_a_row_knows_the_line_it_begins_on():
    data = b'name,note\n\nA,"one\ntwo"\n,\nB,x\n'
    assert [(row.line, row.cells["name"]) for row in read_sheet(data).rows] == [(3, "A"), (6, "B")]


def test_a_row_of_a_workbook_knows_its_line():
    data = workbook(["name"], ["A"], [None], ["B"])
    assert [(row.line, row.cells["name"]) for row in read_sheet(data).rows] == [(2, "A"), (4, "B")]


def test_cells_of_a_workbook_become_texts():
    import datetime as dt

    data = workbook(list("abcde"), [40202.0, -85.75, True, dt.date(2026, 3, 1), " x "])
    assert cells_of(data) == [
        {"a": "40202", "b": "-85.75", "c": "yes", "d": "2026-03-01", "e": "x"}
    ]


def test_a_short_row_has_empty_cells_and_a_long_one_a_problem():
    short, long = read_sheet(b"a,b\n1\n1,2,3\n").rows
    assert (short.cells, short.problems) == ({"a": "1", "b": ""}, ())
    assert [problem.column for problem in long.problems] == [""]


def test_a_cell_that_is_too_long_is_a_problem_of_its_row_alone():
    rows = read_sheet(b"a,b\nxxxxx,1\nx,2\n", bounds=Bounds(longest_cell=4)).rows
    assert [len(row.problems) for row in rows] == [1, 0]
    assert rows[0].problems[0].column == "a"


@pytest.mark.parametrize(
    ("data", "bounds"),
    [
        (b"", {}),
        (b"\n\n", {}),
        (b"a,b\n\x00,1\n", {}),
        (b"name,Name\n1,2\n", {}),
        (b'a\n"never closed\n', {}),
        (b"a\n1\n2\n3\n", {"most_rows": 2}),
        (b"a,b,c\n", {"most_columns": 2}),
        (b"a\n1\n", {"most_bytes": 3}),
        (b"PK\x03\x04 is not enough", {}),
        (workbook(["a"], ["1"], ["2"], ["3"]), {"most_rows": 2}),
        (workbook(["a", "b", "c"]), {"most_columns": 2}),
        (workbook(["a"]), {"most_unpacked_bytes": 100}),
    ],
    ids=[
        "nothing", "blank", "NUL", "column twice", "open quote", "rows", "columns", "bytes",
        "no archive", "rows of a workbook", "columns of a workbook", "unpacked",
    ],
)  # fmt: skip
def test_what_is_no_table_or_too_much_is_refused_at_the_file(data, bounds):
    with pytest.raises(Invalid) as refusal:
        read_sheet(data, bounds=Bounds(**bounds))
    assert refusal.value.field == "file"
    assert refusal.value.message


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    "content",
    [
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x []><worksheet/>'.encode("utf-16"),
        b"<worksheet><sheetData><row",
    ],
    ids=["entity", "entity in another encoding", "cut off"],
)
def test_a_workbook_with_entities_or_damage_is_refused(content):
    with pytest.raises(Invalid):
        read_sheet(with_member(workbook(["a"], ["1"]), SHEET, content))


def with_bytes(data, place, value):
    return data[:place] + value + data[place + len(value) :]


WHOLE = workbook(["name", "city"], *(["Ana's shop", f"Town {number}"] for number in range(99)))
TABLE_AT = WHOLE.index(b"PK\x03\x04", WHOLE.index(b"xl/worksheets") - 60)
ENTRY_AT = WHOLE.index(b"PK\x01\x02", WHOLE.rindex(b"xl/worksheets") - 60)


@pytest.mark.parametrize(
    "data",
    [
        with_bytes(WHOLE, TABLE_AT + 120, b"\xff" * 30),
        with_bytes(WHOLE, ENTRY_AT + 8, b"\x01\x00"),
        with_bytes(WHOLE, ENTRY_AT + 10, b"\x13\x00"),
        WHOLE[: len(WHOLE) // 2],
    ],
    ids=["damaged within", "encrypted", "compressed oddly", "cut short"],
)
def test_a_workbook_that_cannot_be_unpacked_is_refused(data):
    assert WHOLE[TABLE_AT + 30 :].startswith(b"xl/worksheets")
    with pytest.raises(Invalid) as refusal:
        read_sheet(data)
    assert refusal.value.field == "file"


def test_what_a_workbook_computed_reads_as_it_was_shown():
    data = workbook(["price", "share"], [16.2 * 3, 1 / 3])
    assert cells_of(data) == [{"price": "48.6", "share": "0.333333333333333"}]


def test_a_bomb_is_refused_by_what_it_unpacks_to():
    bomb = with_member(workbook(["a"]), SHEET, b"<!-- " + b"x" * 3_000_000 + b" --><worksheet/>")
    assert len(bomb) < 20_000
    with pytest.raises(Invalid, match="unpacks"):
        read_sheet(bomb, bounds=Bounds(most_unpacked_bytes=1_000_000))


def test_a_row_far_below_does_not_make_millions_of_rows():
    far = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'
        b'<row r="900000000"><c r="A900000000"><v>1</v></c></row></sheetData></worksheet>'
    )
    with pytest.raises(Invalid, match="empty rows"):
        read_sheet(with_member(workbook(["a"]), SHEET, far), bounds=Bounds(most_rows=100))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1 502 555", "'+1 502 555"),
        ("-cmd|x", "'-cmd|x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("'=1", "''=1"),
        ("-85.75", "-85.75"),
        ("-7", "-7"),
        ("-1+cmd", "'-1+cmd"),
        ("a=b", "a=b"),
        ("'quoted'", "'quoted'"),
        ("", ""),
    ],
)
def test_no_cell_runs_as_a_formula(text, written):
    assert neutralize(text) == written
    assert restore(written) == text


@given(st.text(alphabet="'=+-@\t\r19.a ", max_size=8))
def test_what_is_neutralized_comes_back(text):
    assert restore(neutralize(text)) == text


HOSTILE = ["=HYPERLINK(1)", "'+x", "-85.75", 'say "no", twice', "two\nlines", "東莞"]


def test_a_written_table_reads_back_cell_for_cell():
    columns = tuple("abcdef")
    table = "".join(csv_pieces(columns, [HOSTILE])).encode()
    for data in (table, xlsx_bytes(columns, [HOSTILE], title="a/b")):
        assert cells_of(data) == [dict(zip(columns, HOSTILE, strict=True))]


def test_a_written_workbook_holds_no_formula():
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes(["a"], [["=1+1"]])))
    cell = book.active["A2"]
    assert (cell.data_type, cell.value) == ("s", "'=1+1")
