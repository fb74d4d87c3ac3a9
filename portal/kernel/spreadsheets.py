"""Spreadsheets: CSV and XLSX read into rows with line numbers within bounds, and written safely.

Cells that are read are texts, stripped. What a spreadsheet program would take for a formula is
written with a leading apostrophe, which reading takes away again; formulas are never evaluated.
"""

import csv
import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from flask_babel import gettext as _

from portal.kernel.errors import Invalid, PortalError

ACCEPT = ".csv,.txt,.xlsx"
_DELIMITERS = (",", ";", "\t")
_ENTITIES = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED = re.compile(r"'+[=+\-@\t\r]")
_PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_CHUNK = 1 << 16

#: The number of a line, and its texts.
Line = tuple[int, Sequence[str]]
#: What is written: a text, or a number to be reckoned with.
Cell = str | Decimal


class Bounds(NamedTuple):
    """How much of a file is read; what goes beyond is refused."""

    most_bytes: int = 20 * 1024 * 1024
    most_unpacked_bytes: int = 100 * 1024 * 1024
    most_rows: int = 50_000
    most_columns: int = 200
    longest_cell: int = 32_767


BOUNDS = Bounds()


class CellProblem(NamedTuple):
    """What is wrong with a cell, or with the whole row where the column is empty."""

    column: str
    message: str


@dataclass(frozen=True)
class SheetRow:
    """A row that is not blank: the line it begins on and its texts by column."""

    line: int
    cells: Mapping[str, str]
    problems: tuple[CellProblem, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A table: its columns as the first row names them, and the other rows."""

    columns: tuple[str, ...]
    rows: list[SheetRow] = field(default_factory=list)


def read_sheet(data: bytes, *, bounds: Bounds = BOUNDS, header_only: bool = False) -> Sheet:
    """Read a CSV file or the first sheet of an XLSX file, whichever the content is.

    A row with a cell that is too long, or with more cells than columns, says so in `problems`.
    Raises Invalid("file") for what is no such table or goes beyond the bounds.
    """
    if len(data) > bounds.most_bytes:
        raise _refusal(
            _("This file is too large. At most %(most)d MB are read.", most=bounds.most_bytes >> 20)
        )
    is_workbook = data.startswith(b"PK\x03\x04")
    lines = _undamaged(_xlsx_lines(data, bounds)) if is_workbook else _csv_lines(data)
    try:
        return _sheet(lines, bounds, header_only)
    except csv.Error as error:
        raise _refusal(
            _("This is no table that we can read. Please save it as CSV or XLSX.")
        ) from error


def _refusal(message: str) -> Invalid:
    return Invalid("file", message)


def _sheet(lines: Iterable[Line], bounds: Bounds, header_only: bool) -> Sheet:
    columns: tuple[str, ...] | None = None
    rows: list[SheetRow] = []
    for line, cells in lines:
        if not any(cells):
            continue
        if columns is None:
            columns = _columns(cells, bounds)
            if header_only:
                break
            continue
        if len(rows) == bounds.most_rows:
            raise _refusal(
                _(
                    "This file has more than %(most)d rows. Please split it.",
                    most=bounds.most_rows,
                )
            )
        rows.append(_row(line, cells, columns, bounds))
    if columns is None:
        raise _refusal(_("This file is empty. The first row must name the columns."))
    return Sheet(tuple(name for name in columns if name), rows)


def _columns(cells: Sequence[str], bounds: Bounds) -> tuple[str, ...]:
    names = list(cells)
    while names and not names[-1]:
        names.pop()
    if len(names) > bounds.most_columns:
        raise _refusal(
            _("This file has more than %(most)d columns.", most=bounds.most_columns),
        )
    if any(len(name) > 200 for name in names):
        raise _refusal(_("The first row must name the columns; its cells are too long for that."))
    given = [name.casefold() for name in names if name]
    for name in names:
        if name and given.count(name.casefold()) > 1:
            raise _refusal(_("The column “%(name)s” stands there twice.", name=name))
    return tuple(names)


def _row(line: int, cells: Sequence[str], columns: Sequence[str], bounds: Bounds) -> SheetRow:
    problems = []
    if any(cells[len(columns) :]):
        problems.append(CellProblem("", _("This row has more cells than there are columns.")))
    kept = {}
    for name, text in zip(columns, cells, strict=False):
        if len(text) > bounds.longest_cell:
            text = text[:100]
            problems.append(CellProblem(name, _("This cell is too long.")))
        if name:
            kept[name] = restore(text)
    for name in columns[len(cells) :]:
        if name:
            kept[name] = ""
    return SheetRow(line, kept, tuple(problems))


# CSV


def _csv_lines(data: bytes) -> Iterator[Line]:
    text = _decode(data)
    delimiter = _delimiter(text)
    # `newline=""` leaves line ends within quotes to the reader.
    lines = list(io.StringIO(text, newline=""))
    # Real files have quotes within quoted cells; only one that nothing closes is an error.
    reader = csv.reader(lines, delimiter=delimiter)
    line = 1
    for cells in reader:
        if reader.line_num == len(lines):
            _check_end(lines[line - 1 :], delimiter)
        yield line, [cell.strip() for cell in cells]
        line = reader.line_num + 1


def _check_end(lines: Sequence[str], delimiter: str) -> None:
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise


def _decode(data: bytes) -> str:
    if b"\x00" in data:
        raise _refusal(_("This is no table that we can read. Please save it as CSV or XLSX."))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        # Latin-1 as Windows writes it: the same letters, with typographic quotes and dashes.
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _delimiter(text: str) -> str:
    """Return the delimiter that parts the first row into the most cells."""

    def count(delimiter: str) -> int:
        reader = csv.reader(io.StringIO(text[: 1 << 20], newline=""), delimiter=delimiter)
        try:
            return len(next((cells for cells in reader if any(cells)), []))
        except csv.Error:
            return 0

    return max(_DELIMITERS, key=count)


# XLSX


def _xlsx_lines(data: bytes, bounds: Bounds) -> Iterator[Line]:
    import openpyxl  # takes longer to load than the rest of the kernel, and few need it

    _check_archive(data, bounds)
    book = openpyxl.load_workbook(
        io.BytesIO(data), read_only=True, data_only=True, keep_links=False
    )
    try:
        sheet = book.worksheets[0]
        # What a file says of its own size is not to be believed.
        sheet.reset_dimensions()
        most_lines = 2 * bounds.most_rows + 1000
        for line, values in enumerate(
            sheet.iter_rows(values_only=True, max_col=bounds.most_columns + 1), 1
        ):
            if line > most_lines:
                raise _refusal(_("This workbook has too many empty rows."))
            yield line, [_text(value) for value in values]
    finally:
        book.close()


def _undamaged(lines: Iterator[Line]) -> Iterator[Line]:
    """Yield the lines of a workbook; refuse it where it cannot be read on."""
    try:
        yield from lines
    except PortalError:
        raise
    except Exception as error:
        # Damaged, encrypted or compressed in an odd way: what reads it raises whatever comes of it.
        raise _refusal(
            _("This workbook is damaged. Please open it, save it anew, and try again.")
        ) from error


def _check_archive(data: bytes, bounds: Bounds) -> None:
    """Refuse archives that unpack to too much, and XML that declares entities."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if len(entries) > 2000 or "xl/workbook.xml" not in archive.namelist():
            raise zipfile.BadZipFile
        unpacked = 0
        for entry in entries:
            if not entry.filename.lower().endswith((".xml", ".rels")):
                continue
            tail = b""
            with archive.open(entry) as stream:
                while chunk := stream.read(_CHUNK):
                    unpacked += len(chunk)
                    if unpacked > bounds.most_unpacked_bytes:
                        raise _refusal(_("This workbook unpacks to too much. Please split it."))
                    # Entities could hide from this search in another encoding than UTF-8.
                    if _ENTITIES.search(tail + chunk) or b"\x00" in chunk:
                        raise zipfile.BadZipFile
                    tail = chunk[-20:]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, float):
        # What was computed has more digits than anybody was shown: 48.599999999999994 is 48.6.
        return f"{value:.15g}"
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return str(value).strip()


# Writing


def neutralize(text: str) -> str:
    """Return a cell that no spreadsheet program takes for a formula."""
    if _FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def restore(text: str) -> str:
    """Take away the apostrophe that `neutralize` has put before a cell."""
    return text[1:] if _ESCAPED.match(text) else text


def amount_cell(cents: int | None) -> str:
    """Write an amount of money as `MoneyField` reads it; "" where none was said."""
    return "" if cents is None else f"{cents / 100:.2f}"


def amount_number(cents: int | None) -> Cell:
    """Return an amount of money to be reckoned with in a table; "" where none was said."""
    return "" if cents is None else (Decimal(cents) / 100).quantize(Decimal("0.01"))


def csv_pieces(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Write a table as CSV, a line at a time, for streamed answers."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    for row in _with_header(columns, rows):
        writer.writerow([neutralize(str(cell)) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _with_header(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> Iterator[Sequence[Cell]]:
    yield columns
    yield from rows


def xlsx_bytes(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, title: str = "") -> bytes:
    """Write a table as the one sheet of a workbook: texts, and numbers that can be summed up."""
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(re.sub(r"[\[\]:*?/\\]", " ", title)[:31] or None)
    for row in _with_header(columns, rows):
        sheet.append(
            [
                neutralize(ILLEGAL_CHARACTERS_RE.sub("", cell)) if isinstance(cell, str) else cell
                for cell in row
            ]
        )
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
