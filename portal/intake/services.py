"""Commands of imports: rows are written in batches, each row whole or not at all.

The check before an import is the import itself, undone: what it says is what will happen.
"""

from collections.abc import Callable, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete
from werkzeug.datastructures import FileStorage

from portal.facilities.models import Equipment, Facility
from portal.facilities.services import equipment as equipment_services
from portal.facilities.services import facilities as facility_services
from portal.facilities.services.values import is_hour_for_others
from portal.intake import queries
from portal.intake.models import ImportFinding, ImportRun
from portal.intake.policies import Permission
from portal.intake.rules.batches import next_batch
from portal.intake.rules.rows import Candidate, Finding, Reading, Tally, own_number
from portal.intake.rules.runs import IMPORTS, MOST_FINDINGS, SAMPLE
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid, NotFound, PortalError
from portal.kernel.files import StoredFile, remove_file, store_document
from portal.organizations.models import Organization
from portal.organizations.queries import profiles
from portal.organizations.rules import match_key
from portal.organizations.services import records
from portal.regions.queries.capabilities import match_capabilities
from portal.regions.queries.counties import counties_by_fips
from portal.training.services import programs as training
from portal.training.services import sections

# Rows


@command(Permission.IMPORT_ORGANIZATIONS)
def import_organizations(
    actor: Actor,
    *,
    source: str,
    candidates: Sequence[Candidate],
    allow_duplicates: bool = False,
    is_trial: bool = False,
) -> Tally:
    """Write a batch of organizations and say what became of each row.

    source: "ipeds" or "csv". With `is_trial` everything is undone, but for what there is to tell.
    """
    tally = Tally()
    counties = counties_by_fips(
        {str(item.values["county_fips"]) for item in candidates if item.values.get("county_fips")}
    )
    namesakes = {}
    if source == "ipeds" and not allow_duplicates:
        namesakes = queries.find_namesakes(
            {match_key(item.values["name"]) for item in candidates if item.values}
        )

    def write(candidate: Candidate) -> str:
        values = prepare(candidate)
        if not allow_duplicates:
            found = profiles.find_imported(source, candidate.country, values)
            doubt = "" if found is not None else _doubt(source, candidate, namesakes)
            if doubt:
                column = candidate.columns.get("name", "")
                tally.findings.append(Finding(candidate.line, column, doubt, "duplicate"))
                return "doubtful"
        _organization, outcome = records.import_organization(
            actor, source=source, country=candidate.country, **values
        )
        return outcome

    def prepare(candidate: Candidate) -> dict[str, Any]:
        values = dict(candidate.values)
        if source == "ipeds" and values["county_fips"] not in (None, "", *counties):
            values["county_fips"] = ""
            message = _("We do not know this county; the organization is kept without it.")
            tally.findings.append(Finding(candidate.line, "COUNTYCD", message, "note"))
        return values

    def write_together() -> list[str] | None:
        if source != "ipeds" or not all(item.is_good for item in candidates):
            return None
        if any(_doubt(source, item, namesakes) for item in candidates):
            return None
        rows = [(item.country, prepare(item)) for item in candidates]
        return records.import_known_organizations(actor, source=source, rows=rows)

    _write_all(tally, candidates, write, is_trial, write_together)
    return tally


def _doubt(source: str, candidate: Candidate, namesakes: dict[tuple[str, str], str]) -> str:
    values = candidate.values
    if not values:
        return ""
    if source == "ipeds":
        other = namesakes.get((match_key(values["name"]), values["state"]))
        return _("Probably here already: %(names)s.", names=other) if other else ""
    county = str(values.get("county_fips") or "")
    found = profiles.find_duplicates(
        values["name"],
        county if county.isdecimal() else None,
        zip_code=values.get("zip_code") or "" if candidate.country == "US" else "",
    )
    if found:
        names = ", ".join(f"{item.name} (/organizations/{item.id})" for item in found)
        return _("Probably here already: %(names)s.", names=names)
    if candidate.namesake_line is not None:
        line = candidate.namesake_line
        return _("Probably the same as line %(line)d, at another address.", line=line)
    return ""


@command(Permission.IMPORT_EQUIPMENT)
def import_equipment(
    actor: Actor,
    organization: Organization,
    *,
    candidates: Sequence[Candidate],
    promised: Sequence[str] = (),
    visibility: str = "public",
    is_trial: bool = False,
) -> Tally:
    """Write a batch of an organization's facilities and equipment; say what became of each row.

    visibility: of new records. promised: IDs of facilities that a trial has already undone.
    """
    tally = Tally()
    homes: dict[str, int | None] = {
        **dict.fromkeys(promised),
        **queries.facility_ids_by_exported_id(organization.id),
    }

    def write(candidate: Candidate) -> str:
        values = dict(candidate.values)
        if candidate.kind == "equipment":
            values["facility_id"] = _home(candidate, homes)
        # A machine without a price in the list keeps what it has.
        if (cents := values.pop("hourly_rate", None)) is not None:
            values["hour_cents"] = cents
        if "capabilities" in values:
            values["capabilities"] = _known_capabilities(candidate, tally)
        number = own_number(candidate.kind, candidate.external_id)
        own = queries.find_own_record(candidate.kind, organization.id, number)
        if own is not None:
            return _change_own(actor, own, values)
        load = (
            facility_services.import_facility
            if candidate.kind == "facility"
            else equipment_services.import_equipment
        )
        imported: Any = load(
            actor,
            organization,
            external_id=candidate.external_id,
            visibility=visibility,
            **values,
        )
        if candidate.kind == "facility":
            homes[candidate.external_id] = imported.record.id
        return str(imported.outcome)

    _write_all(tally, candidates, write, is_trial)
    return tally


def _known_capabilities(candidate: Candidate, tally: Tally) -> list[str]:
    """Return the keys of those of a row's capabilities that are known here, and note the others."""
    texts: list[str] = candidate.values["capabilities"]
    known = match_capabilities(texts)
    column = candidate.columns["capabilities"]
    for text in texts:
        if text not in known:
            message = _("We do not know “%(text)s”. It is left out.", text=text)
            tally.findings.append(Finding(candidate.line, column, message, "note"))
    return list(dict.fromkeys(known[text] for text in texts if text in known))


def _home(candidate: Candidate, homes: dict[str, int | None]) -> int | None:
    if not candidate.related_id:
        return None
    if candidate.related_id not in homes:
        raise Invalid(
            "facility_id",
            _(
                "There is no facility “%(id)s”, neither in this file nor in the organization.",
                id=candidate.related_id,
            ),
        )
    return homes[candidate.related_id]


def _change_own(actor: Actor, record: Facility | Equipment, values: dict[str, Any]) -> str:
    """Change a record that was made here and came back in a file."""
    # Its own columns are the truth; what UNIQUIP adds was only written for other catalogs.
    values.pop("external_values", None)
    changed = {name: value for name, value in values.items() if _kept(record, name) != value}
    if not changed:
        return "unchanged"
    if isinstance(record, Facility):
        facility_services.update_facility(actor, record, **changed)
    else:
        equipment_services.update_equipment(actor, record, **changed)
    return "changed"


def _kept(record: Facility | Equipment, name: str) -> Any:
    if name == "hour_cents" and isinstance(record, Equipment):
        return next((one.price_cents for one in record.rates if is_hour_for_others(one)), None)
    value = getattr(record, name)
    return [one.key for one in value] if name == "capabilities" else value


@command(Permission.IMPORT_PROGRAMS)
def import_programs(
    actor: Actor,
    organization: Organization,
    *,
    candidates: Sequence[Candidate],
    visibility: str = "public",
    is_trial: bool = False,
) -> Tally:
    """Write a batch of an organization's programs; say what became of each row.

    Skills, credentials and occupations that are not known here are left out, with a note.
    """
    tally = Tally()

    def write(candidate: Candidate) -> str:
        values, unknown = queries.known_words(organization.id, candidate.values)
        for name, text in unknown:
            column = candidate.columns.get(name, name)
            message = _("We do not know “%(text)s”. It is left out.", text=text)
            tally.findings.append(Finding(candidate.line, column, message, "note"))
        number = own_number("program", candidate.external_id)
        own = queries.find_own_program(organization.id, number)
        if own is not None:
            imported = training.import_values(actor, own, **values)
        else:
            imported = training.import_program(
                actor,
                organization,
                external_id=candidate.external_id,
                visibility=visibility,
                **values,
            )
        return imported.outcome

    _write_all(tally, candidates, write, is_trial)
    return tally


@command(Permission.IMPORT_PROGRAMS)
def import_sections(
    actor: Actor,
    organization: Organization,
    *,
    candidates: Sequence[Candidate],
    is_trial: bool = False,
) -> Tally:
    """Write a batch of an organization's sections; say what became of each row.

    Rooms are booked as they are by hand. One that the table calls open is opened.
    """
    tally = Tally()

    def write(candidate: Candidate) -> str:
        values = dict(candidate.values)
        status = values.pop("status")
        program = queries.get_named_program(organization.id, candidate.related_id)
        section = queries.find_section(program, candidate.external_id)
        if "facility" in values:
            values["facility_id"] = queries.facility_of_table(
                actor,
                organization.id,
                values.pop("facility"),
                present_id=section.facility_id if section is not None else None,
            )
        if section is None:
            section = sections.create_section(
                actor, program, external_id=candidate.external_id, **values
            )
            outcome = "created"
        else:
            is_changed = sections.import_values(actor, section, **values)
            outcome = "changed" if is_changed else "unchanged"
        if status == "open" and section.status == "planned":
            sections.open_section(actor, section)
            outcome = "created" if outcome == "created" else "changed"
        return outcome

    _write_all(tally, candidates, write, is_trial)
    return tally


def _write_all(
    tally: Tally,
    candidates: Sequence[Candidate],
    write: Callable[[Candidate], str],
    is_trial: bool,
    write_together: Callable[[], list[str] | None] | None = None,
) -> None:
    """Write each row in a savepoint of its own; or all in one, if that goes without refusal."""
    trial = session.begin_nested() if is_trial else None
    outcomes = _try_together(tally, write_together) if write_together else None
    for outcome in outcomes or ():
        tally.counts[outcome] += 1
    for candidate in candidates if outcomes is None else ():
        tally.findings += candidate.findings
        if not candidate.is_good:
            tally.counts["refused"] += 1
            continue
        known = len(tally.findings)
        try:
            # A row is written whole or not at all.
            with session.begin_nested():
                outcome = write(candidate)
        except PortalError as error:
            del tally.findings[known:]
            field = error.field if isinstance(error, Invalid) else None
            column = candidate.columns.get(field or "", field or "")
            tally.findings.append(Finding(candidate.line, column, error.message))
            outcome = "refused"
        tally.counts[outcome] += 1
    if trial is not None:
        trial.rollback()


def _try_together(tally: Tally, write_together: Callable[[], list[str] | None]) -> list[str] | None:
    known = len(tally.findings)
    try:
        with session.begin_nested():
            return write_together()
    except PortalError:
        # One of them is refused; row by row, the others are not.
        del tally.findings[known:]
        return None


# Runs


@command(Permission.IMPORT_ORGANIZATIONS)
def upload_organizations(
    actor: Actor,
    *,
    file: FileStorage,
    source_format: str,
    kind: str = "sme",
    allow_duplicates: bool = False,
) -> ImportRun:
    """Take in a list of organizations, to be checked and then decided on."""
    return _upload(
        actor, file, source_format=source_format, kind=kind, allow_duplicates=allow_duplicates
    )


@command(Permission.IMPORT_EQUIPMENT)
def upload_equipment(
    actor: Actor, organization: Organization, *, file: FileStorage, visibility: str
) -> ImportRun:
    """Take in a catalog of an organization's facilities and equipment."""
    if organization.status != "active":
        raise Conflict(_("This organization is archived."))
    return _upload(
        actor,
        file,
        source_format="uniquip",
        organization_id=organization.id,
        visibility=visibility,
    )


@command(Permission.IMPORT_PROGRAMS)
def upload_programs(
    actor: Actor, organization: Organization, *, file: FileStorage, visibility: str
) -> ImportRun:
    """Take in a catalog of an organization's programs."""
    if organization.status != "active":
        raise Conflict(_("This organization is archived."))
    return _upload(
        actor,
        file,
        source_format="programs",
        organization_id=organization.id,
        visibility=visibility,
    )


@command(Permission.IMPORT_PROGRAMS)
def upload_sections(actor: Actor, organization: Organization, *, file: FileStorage) -> ImportRun:
    """Take in a table of an organization's sections."""
    if organization.status != "active":
        raise Conflict(_("This organization is archived."))
    return _upload(actor, file, source_format="sections", organization_id=organization.id)


def _upload(actor: Actor, upload: FileStorage, **options: Any) -> ImportRun:
    if actor.user_id is None:
        raise Conflict(_("Only a person can upload a file."))
    stored = store_document(upload, field="file", user_id=actor.user_id)
    session.flush()
    run = ImportRun(
        user_id=actor.user_id,
        file_id=stored.id,
        file_name=stored.original_name,
        counts={},
        sample=[],
        **options,
    )
    session.add(run)
    return run


@command(IMPORTS.permission)
def act_on_import(actor: Actor, run: ImportRun, action: str) -> ImportRun:
    """Start, cancel or close an import."""
    if action == "start" and run.file_id is None:
        raise Conflict(_("The file was deleted meanwhile. Please upload it again."))
    IMPORTS.apply(actor, run, action)
    if action == "start":
        run.position, run.counts = 0, {}
    return run


@command(Permission.IMPORT_ADVANCE)
def advance_import(
    actor: Actor, run: ImportRun, *, reading: Reading, position: int, on_behalf_of: Actor
) -> ImportRun:
    """Check or import the next batch of a run, in one transaction with its progress."""
    if run.status not in ("checking", "importing") or run.position != position:
        # Somebody cancelled it, or another worker was faster.
        return run
    is_trial = run.status == "checking"
    if position == 0:
        session.execute(delete(ImportFinding).where(ImportFinding.run_id == run.id))
        run.total, run.finding_count = len(reading.candidates), 0
        run.counts = {"repeated": reading.repeated, "skipped": reading.skipped}
        _tell(run, (*reading.findings, *(reading.foreseen if is_trial else ())))
    batch = next_batch(reading.candidates, position)
    if run.source_format == "programs":
        tally = import_programs(
            on_behalf_of,
            _organization(run),
            candidates=batch,
            visibility=run.visibility,
            is_trial=is_trial,
        )
    elif run.source_format == "sections":
        tally = import_sections(
            on_behalf_of, _organization(run), candidates=batch, is_trial=is_trial
        )
    elif run.source_format == "uniquip":
        tally = import_equipment(
            on_behalf_of,
            _organization(run),
            candidates=batch,
            promised=_promised(reading) if is_trial else (),
            visibility=run.visibility,
            is_trial=is_trial,
        )
    else:
        tally = import_organizations(
            on_behalf_of,
            source=run.source_format,
            candidates=batch,
            allow_duplicates=run.allow_duplicates,
            is_trial=is_trial,
        )
    counts = {name: run.counts.get(name, 0) + number for name, number in tally.counts.items()}
    run.counts = counts
    _tell(run, tally.findings)
    run.position = position + len(batch)
    run.updated_at = now()
    if run.position >= run.total:
        run.sample = _sample(reading)
        IMPORTS.apply(actor, run, "ready" if is_trial else "finish")
        run.finished_at = None if is_trial else now()
    return run


@command(Permission.IMPORT_ADVANCE)
def fail_import(actor: Actor, run: ImportRun, *, message: str) -> ImportRun:
    """End a run that cannot go on, and keep why."""
    if run.status in ("checking", "importing"):
        run.message = message[:1000]
        run.finished_at = now()
        IMPORTS.apply(actor, run, "fail")
    return run


@command(Permission.IMPORT_ADVANCE)
def delete_old_files(actor: Actor) -> int:
    """Delete the files of imports that are older than a month; the reports stay."""
    runs = queries.list_outdated_runs()
    for run in runs:
        file = run.file
        run.file_id = None
        if run.status in ("checking", "checked", "importing"):
            run.status = "cancelled"
        session.flush()
        if isinstance(file, StoredFile):
            remove_file(file)
    return len(runs)


def _organization(run: ImportRun) -> Organization:
    organization = (
        session.get(Organization, run.organization_id) if run.organization_id is not None else None
    )
    if organization is None:
        raise NotFound()
    return organization


def _promised(reading: Reading) -> list[str]:
    return [
        item.external_id for item in reading.candidates if item.kind == "facility" and item.is_good
    ]


def _tell(run: ImportRun, findings: Sequence[Finding]) -> None:
    room = max(0, MOST_FINDINGS - run.finding_count)
    session.add_all(
        ImportFinding(
            run_id=run.id,
            line=finding.line,
            column=finding.column[:200],
            message=finding.message[:1000],
            kind=finding.kind,
        )
        for finding in findings[:room]
    )
    run.finding_count += len(findings)


def _sample(reading: Reading) -> list[dict[str, Any]]:
    good = [item for item in reading.candidates if item.is_good][:SAMPLE]
    return [
        {
            "line": item.line,
            "kind": str(item.values.get("kind", "")) if item.kind == "organization" else item.kind,
            "title": item.title[:200],
            "detail": item.detail[:200],
            "country": item.country,
        }
        for item in good
    ]
