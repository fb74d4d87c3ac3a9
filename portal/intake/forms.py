"""The shape of uploads and of the rows in them, over the same forms as pages and JSON."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import ValidationError
from wtforms.validators import InputRequired

from portal.facilities.forms import EquipmentForm, FacilityForm
from portal.intake.rules.batches import find_rooms_wanted_twice
from portal.intake.rules.countries import country_code
from portal.intake.rules.ipeds import IPEDS_COLUMNS, IPEDS_NEEDED, ipeds_is_left_out, ipeds_texts
from portal.intake.rules.machines import MACHINE_FIELDS, catalog_columns, hourly_text
from portal.intake.rules.organizations import column_field, namesake_key, place_texts
from portal.intake.rules.rows import Candidate, Finding, Reading, missing_columns, repeat_key
from portal.intake.rules.uniquip import UNIQUIP, UNIQUIP_FIELDS, uniquip_kept, uniquip_name
from portal.kernel.errors import Invalid
from portal.kernel.fields import ChoiceField, MoneyField, RecordField, UploadField, YesNoField
from portal.kernel.files import MOST_DOCUMENT_BYTES
from portal.kernel.forms import Form
from portal.kernel.listing import VISIBILITIES
from portal.kernel.spreadsheets import ACCEPT, Sheet, SheetRow, read_sheet
from portal.organizations.forms import OrganizationForm
from portal.organizations.rules import ORGANIZATION_KINDS
from portal.training.forms.programs import ProgramForm
from portal.training.forms.sections import SectionForm, facts_of, place_of
from portal.training.rules.catalogs import (
    COLUMNS,
    SECTION_COLUMNS,
    choice_of,
    column_of,
    is_linked_data,
    read_linked_data,
    read_prices,
    read_wages,
    read_weekdays,
    section_column_of,
)


class UploadForm(Form):
    """A file that can be read, at least its first row."""

    file = UploadField(
        _l("File"),
        [InputRequired(message=_l("Please choose a file."))],
        accept=ACCEPT,
        description=_l("CSV or XLSX, 10 MB at most. The first row names the columns."),
    )

    def validate_file(self, field: Any) -> None:
        if field.data is None:
            raise ValidationError(_("Please choose a file."))
        data = field.data.stream.read(MOST_DOCUMENT_BYTES + 1)
        field.data.stream.seek(0)
        try:
            columns = _read_table(data, self.format_of_file(), header_only=True).columns
            check_columns(columns, self.format_of_file())
        except Invalid as error:
            raise ValidationError(error.message) from error

    def format_of_file(self) -> str:
        """Return the format in which the file is to be read."""
        return "uniquip"


class UploadOrganizationsForm(UploadForm):
    """A list of organizations."""

    source_format = ChoiceField(
        _l("What it is"),
        choices={
            "csv": _l("A list with the columns name, address and country"),
            "ipeds": _l("The directory file (HD) of IPEDS"),
        },
        is_required=True,
        default="csv",
    )
    kind = ChoiceField(
        _l("Kind of organization"),
        choices=ORGANIZATION_KINDS,
        is_required=True,
        default="sme",
        description=_l("For rows that do not name one."),
    )
    allow_duplicates = YesNoField(
        _l("Import rows that are probably here already"),
        description=_l("Otherwise they are shown to you and left out."),
    )

    def format_of_file(self) -> str:
        return "ipeds" if self.source_format.data == "ipeds" else "csv"


class UploadEquipmentForm(UploadForm):
    """A catalog of facilities and equipment in UNIQUIP columns, or a list of machines."""

    organization_id = RecordField(_l("Organization"), is_required=True)
    visibility = ChoiceField(
        _l("Who may see new records"), choices=VISIBILITIES, is_required=True, default="public"
    )


class UploadProgramsForm(UploadForm):
    """A catalog of programs, as a table or as linked data."""

    file = UploadField(
        _l("File"),
        [InputRequired(message=_l("Please choose a file."))],
        accept=f"{ACCEPT},.json,.jsonld",
        description=_l("CSV, XLSX or JSON-LD, 10 MB at most."),
    )
    organization_id = RecordField(_l("Organization"), is_required=True)
    visibility = ChoiceField(
        _l("Who may see new records"), choices=VISIBILITIES, is_required=True, default="public"
    )

    def format_of_file(self) -> str:
        return "programs"


class UploadSectionsForm(UploadForm):
    """A table of an organization's sections."""

    organization_id = RecordField(_l("Organization"), is_required=True)

    def format_of_file(self) -> str:
        return "sections"


# Rows


class MachineForm(EquipmentForm):
    """Equipment as a list of machines tells of it, with one price."""

    hourly_rate = MoneyField(_l("Price"))


class _RowReader:
    """Checks rows through a form of which only the given fields are left.

    One form serves all rows: making a new one for each would take most of an import's time.
    """

    def __init__(self, form_class: type[Form], names: Sequence[str]) -> None:
        self._form_class = form_class
        self._has_lists = not {"certifications", "contacts"}.isdisjoint(names)
        self._form = form_class()
        self._names = [name for name in names if name in self._form._fields]
        for name in list(self._form._fields):
            # A form looks at both coordinates together.
            if name not in (*self._names, "latitude", "longitude"):
                del self._form[name]

    def read(self, texts: Mapping[str, str]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """Return the values by field, and (field, message) for each problem."""
        given = {name: text for name, text in texts.items() if text.strip()}
        if self._has_lists:
            form: Form = self._form_class.from_row(given)
        else:
            form = self._form
            form.process(MultiDict(given))
        if form.validate():
            return {name: form.data[name] for name in self._names}, []
        found = [
            (name.partition("-")[0], " ".join(messages))
            for name, messages in form.errors_by_name.items()
        ]
        return {}, found


def check_columns(columns: Sequence[str], source_format: str) -> None:
    """Raise Invalid("file") where a file lacks the columns of its format."""
    if source_format == "ipeds":
        message = missing_columns(columns, IPEDS_NEEDED)
    elif source_format == "uniquip":
        catalog = catalog_columns(columns)
        name = "Description" if "Description" in catalog else "Name"
        message = missing_columns(catalog, (name,))
    elif source_format == "programs":
        message = missing_columns([column_of(column) for column in columns], ("title",))
    elif source_format == "sections":
        given = [section_column_of(column) for column in columns]
        program = "program_id" if "program_id" in given else "program"
        message = missing_columns(given, (program, "date", "seats"))
    else:
        message = missing_columns([column_field(column) for column in columns], ("name",))
    if message:
        raise Invalid("file", message)


def read_candidates(data: bytes, source_format: str, *, kind: str = "sme") -> Reading:
    """Read a file into rows that are checked, all but what needs the database.

    Raises Invalid("file") for what is no table or lacks a column.
    """
    sheet = _read_table(data, source_format)
    check_columns(sheet.columns, source_format)
    return _READERS[source_format](sheet, kind)


def _read_table(data: bytes, source_format: str, *, header_only: bool = False) -> Sheet:
    if source_format != "programs" or not is_linked_data(data):
        return read_sheet(data, header_only=header_only)
    try:
        programs = read_linked_data(data)
    except ValueError as error:
        message = _("This is no JSON-LD that we can read.")
        raise Invalid("file", message) from error
    # Linked data has no lines: its programs are counted.
    rows = [
        SheetRow(number, {name: texts.get(name, "") for name in COLUMNS})
        for number, texts in enumerate(programs, 1)
    ]
    return Sheet(COLUMNS, rows)


def _problems(row: SheetRow) -> list[Finding]:
    return [Finding(row.line, problem.column, problem.message) for problem in row.problems]


# Organizations


def _read_ipeds(sheet: Sheet, _kind: str) -> Reading:
    reader = _RowReader(OrganizationForm, list(IPEDS_COLUMNS))
    reading = Reading([])
    skipped = 0
    seen: dict[str, int] = {}
    for row in sheet.rows:
        if not row.problems and ipeds_is_left_out(row.cells):
            skipped += 1
            continue
        texts, country = ipeds_texts(row.cells)
        values, errors = reader.read(texts)
        findings = _problems(row)
        findings += [
            Finding(row.line, IPEDS_COLUMNS.get(name, name), text) for name, text in errors
        ]
        first = seen.setdefault(texts["ipeds_id"], row.line)
        if first != row.line:
            message = _("This id stands on line %(line)d already.", line=first)
            findings.append(Finding(row.line, "UNITID", message))
        if not errors and not values["ipeds_id"]:
            findings.append(Finding(row.line, "UNITID", _("Please fill this in.")))
        reading.candidates.append(
            Candidate(
                line=row.line,
                kind="organization",
                title=texts["name"],
                detail=", ".join(text for text in (texts["city"], texts["state"]) if text),
                values=values,
                country=country,
                columns=IPEDS_COLUMNS,
                findings=tuple(findings),
            )
        )
    return Reading(reading.candidates, [], skipped=skipped)


def _read_list(sheet: Sheet, kind: str) -> Reading:
    fields = {column: column_field(column) for column in sheet.columns}
    known = set(OrganizationForm()._fields) | {"address", "country"}
    findings = []
    columns: dict[str, str] = {}
    for column, name in fields.items():
        if name not in known:
            message = _("We do not know this column. It is left out.")
            findings.append(Finding(1, column, message, "note"))
        elif name in columns:
            message = _("This means the same as “%(other)s”. It is left out.", other=columns[name])
            findings.append(Finding(1, column, message, "note"))
        else:
            columns[name] = column
    place = ("street", "city", "state", "zip_code")
    names = [*columns, "kind", *(place if "address" in columns else ())]
    reader = _RowReader(OrganizationForm, list(dict.fromkeys(names)))
    candidates: list[Candidate] = []
    repeats: dict[Any, int] = {}
    namesakes: dict[Any, int] = {}
    headings = {"street": columns.get("address", ""), **columns}
    for row in sheet.rows:
        texts = {name: row.cells[column] for name, column in columns.items()}
        country, problem = _country(texts.get("country"))
        key = repeat_key({**texts, "country": country})
        if not row.problems and repeats.setdefault(key, row.line) != row.line:
            continue
        placed = place_texts(texts, country)
        placed["kind"] = placed.get("kind") or kind
        values, errors = reader.read(placed)
        found = _problems(row)
        if problem:
            found.append(Finding(row.line, columns["country"], problem))
        found += [
            Finding(row.line, headings.get(name) or headings.get("address", name), text)
            for name, text in errors
        ]
        first = namesakes.setdefault(namesake_key(texts["name"], country), row.line)
        candidates.append(
            Candidate(
                line=row.line,
                kind="organization",
                title=texts["name"],
                detail=texts.get("address") or placed.get("city", ""),
                values=values,
                country=country,
                namesake_line=first if first != row.line else None,
                columns=headings,
                findings=tuple(found),
            )
        )
    return Reading(candidates, findings, repeated=len(sheet.rows) - len(candidates))


def _country(text: str | None) -> tuple[str, str]:
    """Return the code, and what is wrong with it; a list without the column is of the U.S."""
    if text is None:
        return "US", ""
    if not text:
        return "US", _("Please name the country.")
    code = country_code(text)
    return code or "US", "" if code else _("We do not know the country “%(name)s”.", name=text)


# Facilities and equipment


def _read_uniquip(sheet: Sheet, _kind: str) -> Reading:
    """Read a catalog, or a list of machines: without a column Type all of it is equipment."""
    columns = catalog_columns(sheet.columns)
    read = set(columns.values())
    message = _("We do not know this column. It is left out.")
    findings = [
        Finding(1, column, message, "note") for column in sheet.columns if column not in read
    ]
    readers = {
        kind: _RowReader(
            form_class,
            [
                name
                for column, name in (*UNIQUIP_FIELDS[kind].items(), *((n, n) for n in own))
                if column in columns or name == "name"
            ],
        )
        for kind, form_class, own in (
            ("facility", FacilityForm, ()),
            ("equipment", MachineForm, MACHINE_FIELDS),
        )
    }
    candidates: list[Candidate] = []
    repeats: dict[Any, int] = {}
    ids: dict[tuple[str, str], int] = {}
    for row in sheet.rows:
        texts = {
            name: row.cells.get(columns.get(name, ""), "") for name in (*UNIQUIP, *MACHINE_FIELDS)
        }
        if "Type" not in columns:
            texts["Type"] = "equipment"
        if not row.problems and repeats.setdefault(tuple(texts.values()), row.line) != row.line:
            continue
        candidates.append(_uniquip_candidate(row, texts, columns, readers, ids))
    repeated = len(sheet.rows) - len(candidates)
    # A facility must be there before the equipment that stands in it.
    candidates.sort(key=lambda candidate: candidate.kind != "facility")
    return Reading(candidates, findings, repeated=repeated)


def _uniquip_candidate(
    row: SheetRow,
    texts: Mapping[str, str],
    columns: Mapping[str, str],
    readers: Mapping[str, _RowReader],
    ids: dict[tuple[str, str], int],
) -> Candidate:
    kind = texts["Type"].casefold()
    found = _problems(row)
    if kind not in readers:
        message = _("Please write “equipment” or “facility”.")
        found.append(Finding(row.line, "Type", message))
        return Candidate(row.line, "equipment", texts["Name"], findings=tuple(found))
    title = uniquip_name(texts)
    if not title:
        found.append(Finding(row.line, "Name", _("Please give a name or a description.")))
    fields = UNIQUIP_FIELDS[kind]
    named = {name: texts[column] for column, name in fields.items()} | {"name": title}
    if kind == "equipment":
        named |= {name: texts[name] for name in MACHINE_FIELDS}
        named["hourly_rate"] = hourly_text(texts["hourly_rate"])
    values, errors = readers[kind].read(named)
    headings = {name: columns.get(column, column) for column, name in fields.items()}
    headings |= {name: columns.get(name, name) for name in MACHINE_FIELDS}
    if title:
        found += [Finding(row.line, headings.get(name, name), text) for name, text in errors]
    external_id = texts["ID"]
    if len(external_id) > 120:
        found.append(Finding(row.line, "ID", _("Please use 120 characters at most.")))
    if external_id:
        first = ids.setdefault((kind, external_id), row.line)
        if first != row.line:
            message = _("This ID stands on line %(line)d already.", line=first)
            found.append(Finding(row.line, "ID", message))
    else:
        external_id = _made_up_id(kind, title, ids, row.line)
    if values:
        values["external_values"] = uniquip_kept(texts, kind, values, external_id)
    return Candidate(
        line=row.line,
        kind=kind,
        title=title,
        detail=texts["Related Facility ID"] if kind == "equipment" else "",
        values=values,
        external_id=external_id,
        related_id=texts["Related Facility ID"] if kind == "equipment" else "",
        columns=headings | {"facility_id": "Related Facility ID"},
        findings=tuple(found),
    )


def _made_up_id(kind: str, title: str, ids: dict[tuple[str, str], int], line: int) -> str:
    """Return an ID for a row without one, the same whenever the same file comes again."""
    name = f"name:{' '.join(title.casefold().split())}"[:110]
    made_up, number = name, 1
    while ids.setdefault((kind, made_up), line) != line:
        number += 1
        made_up = f"{name} {number}"
    return made_up


def _columns_of(
    sheet: Sheet, name_of: Callable[[str], str], known: Collection[str]
) -> tuple[dict[str, str], list[Finding]]:
    """Return the columns of a sheet by their known names, and a note for each other one."""
    columns: dict[str, str] = {}
    findings = []
    for column in sheet.columns:
        name = name_of(column)
        if name in known and name not in columns:
            columns[name] = column
        else:
            message = _("We do not know this column. It is left out.")
            findings.append(Finding(1, column, message, "note"))
    return columns, findings


# Programs


_PROGRAM_FIELDS = {"cost": "cost_cents"}
_USUAL = {"kind": "course", "delivery": "in_person", "language": "en"}


def _read_programs(sheet: Sheet, _kind: str) -> Reading:
    columns, findings = _columns_of(sheet, column_of, COLUMNS)
    fields = [_PROGRAM_FIELDS.get(name, name) for name in columns]
    reader = _RowReader(ProgramForm, fields)
    candidates: list[Candidate] = []
    ids: dict[tuple[str, str], int] = {}
    for row in sheet.rows:
        texts = {name: row.cells.get(column, "") for name, column in columns.items()}
        candidates.append(_program_candidate(row, texts, columns, reader, ids))
    return Reading(candidates, findings)


def _program_candidate(
    row: SheetRow,
    texts: dict[str, str],
    columns: Mapping[str, str],
    reader: _RowReader,
    ids: dict[tuple[str, str], int],
) -> Candidate:
    for name, usual in _USUAL.items():
        if name in texts:
            texts[name] = choice_of(texts[name]) or usual
    named = {_PROGRAM_FIELDS.get(name, name): text for name, text in texts.items()}
    for number, step in enumerate(read_wages(named.pop("wage_schedule", ""))):
        named |= {f"wage_schedule-{number}-{name}": text for name, text in step.items()}
    values, errors = reader.read(named)
    headings = {_PROGRAM_FIELDS.get(name, name): column for name, column in columns.items()}
    found = _problems(row)
    found += [Finding(row.line, headings.get(name, name), text) for name, text in errors]
    external_id = texts.get("id", "")
    if len(external_id) > 200:
        message = _("Please use 200 characters at most.")
        found.append(Finding(row.line, headings["id"], message))
    if external_id:
        first = ids.setdefault(("program", external_id), row.line)
        if first != row.line:
            message = _("This ID stands on line %(line)d already.", line=first)
            found.append(Finding(row.line, headings["id"], message))
    else:
        external_id = _made_up_id("program", texts.get("title", ""), ids, row.line)
    return Candidate(
        line=row.line,
        kind="program",
        title=texts.get("title", ""),
        detail=texts.get("credential", "") or texts.get("kind", ""),
        values=values,
        external_id=external_id,
        columns=headings,
        findings=tuple(found),
    )


# Sections


#: The columns that are fields of `SectionForm` by the same name.
_SECTION_FIELDS = set(SECTION_COLUMNS) - {"id", "program_id", "program", "status", "facility"}


def _read_sections(sheet: Sheet, _kind: str) -> Reading:
    columns, findings = _columns_of(sheet, section_column_of, SECTION_COLUMNS)
    candidates: list[Candidate] = []
    ids: dict[tuple[str, str], int] = {}
    for row in sheet.rows:
        texts = {name: row.cells.get(column, "") for name, column in columns.items()}
        candidates.append(_section_candidate(row, texts, columns, ids))
    return Reading(candidates, findings, foreseen=tuple(find_rooms_wanted_twice(candidates)))


def _section_candidate(
    row: SheetRow,
    texts: Mapping[str, str],
    columns: Mapping[str, str],
    ids: dict[tuple[str, str], int],
) -> Candidate:
    headings = {**columns, "facility_id": columns.get("facility", "")}
    found = _problems(row)
    values, errors = _section_values(texts)
    found += [Finding(row.line, headings.get(name, name), text) for name, text in errors]
    program = texts.get("program_id") or texts.get("program", "")
    if not program:
        column = columns.get("program") or columns["program_id"]
        found.append(Finding(row.line, column, _("Please name the program.")))
    external_id = texts.get("id", "")
    if len(external_id) > 200:
        message = _("Please use 200 characters at most.")
        found.append(Finding(row.line, headings["id"], message))
    if external_id:
        first = ids.setdefault(("section", external_id), row.line)
        if first != row.line:
            message = _("This ID stands on line %(line)d already.", line=first)
            found.append(Finding(row.line, headings["id"], message))
    else:
        named = " ".join(
            filter(None, (program, texts.get("name"), texts["date"], texts.get("starts")))
        )
        external_id = _made_up_id("section", named, ids, row.line)
    return Candidate(
        line=row.line,
        kind="section",
        title=texts.get("program") or program,
        detail=" · ".join(filter(None, (texts["date"], texts.get("name")))),
        values=values,
        external_id=external_id,
        related_id=program,
        columns=headings,
        findings=tuple(found),
    )


def _section_values(texts: Mapping[str, str]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return what a row says of a section, by field, and (field, message) for each problem.

    Of the columns that a table lacks nothing is said, so a section keeps what it has.
    """
    given = {name: text for name, text in texts.items() if name in _SECTION_FIELDS}
    given["weekdays"] = read_weekdays(texts.get("weekdays", ""))
    for number, price in enumerate(read_prices(given.pop("prices", ""))):
        given |= {f"prices-{number}-{name}": text for name, text in price.items()}
    form = SectionForm.from_row(given)
    if not form.validate():
        return {}, [
            (name.partition("-")[0], " ".join(messages))
            for name, messages in form.errors_by_name.items()
        ]
    try:
        schedule = form.read_schedule()
    except ValueError as error:
        return {}, [("frequency" if form.frequency.data else "starts", str(error))]
    facts = {**facts_of(form), **place_of(form)}
    values = {name: value for name, value in facts.items() if name in texts}
    if "facility" in texts:
        values["facility"] = texts["facility"].strip()
    values |= {"schedule": schedule, **form.dates, "status": choice_of(texts.get("status", ""))}
    return values, []


_READERS: Mapping[str, Callable[[Sheet, str], Reading]] = {
    "ipeds": _read_ipeds,
    "csv": _read_list,
    "uniquip": _read_uniquip,
    "programs": _read_programs,
    "sections": _read_sections,
}
