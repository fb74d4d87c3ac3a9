"""`flask import organizations`, `flask import equipment` and `flask export equipment`."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from portal.intake import queries, services
from portal.intake.forms import read_candidates
from portal.intake.rules.batches import BATCH
from portal.intake.rules.rows import Candidate, Finding, Reading, Tally
from portal.intake.rules.uniquip import UNIQUIP
from portal.kernel.authorization import NOBODY, SYSTEM
from portal.kernel.cli import rebuild_index
from portal.kernel.errors import PortalError
from portal.kernel.fulltext.port import IndexUnavailable
from portal.kernel.listing import VISIBILITIES
from portal.kernel.search import search_index
from portal.kernel.spreadsheets import csv_pieces, xlsx_bytes
from portal.kernel.worker import Worker
from portal.organizations.queries.profiles import get_organization
from portal.organizations.rules import ORGANIZATION_KINDS

import_group = AppGroup("import", help="Bring real data in, from CSV and XLSX files.")
export_group = AppGroup("export", help="Take data out.")

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SHOWN = 50
_MANY = 500
_check = click.option("--check", is_flag=True, help="Only say what would happen.")
_problems = click.option(
    "--problems",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write everything there is to tell, by line and column, into this CSV file.",
)
_index = click.option(
    "--index/--no-index",
    default=True,
    show_default=True,
    help="Put the rows into the search index at once, or leave it to the worker.",
)


@import_group.command("organizations")
@click.argument("file", type=_FILE)
@click.option("--format", "source", type=click.Choice(["ipeds", "csv"]), required=True)
@click.option(
    "--kind",
    type=click.Choice(list(ORGANIZATION_KINDS)),
    default="sme",
    show_default=True,
    help="Of organizations whose row names none.",
)
@click.option(
    "--allow-duplicates", is_flag=True, help="Import rows that are probably here already."
)
@_check
@_problems
@_index
def import_organizations(
    file: Path,
    source: str,
    kind: str,
    allow_duplicates: bool,
    check: bool,
    problems: Path | None,
    index: bool,
) -> None:
    """Import the organizations of FILE; a second run changes nothing.

    ipeds: the directory file (HD) of the federal survey of colleges and universities.
    csv: a list with the columns name, address and country, and any other field of a profile.
    """

    def write(batch: Sequence[Candidate]) -> Tally:
        return services.import_organizations(
            SYSTEM,
            source=source,
            candidates=batch,
            allow_duplicates=allow_duplicates,
            is_trial=check,
        )

    _run(_read(file, source, kind), write, problems, index and not check)


@import_group.command("equipment")
@click.argument("file", type=_FILE)
@click.option("--format", "source", type=click.Choice(["uniquip"]), required=True)
@click.option("--organization", type=int, required=True, help="The number of its owner.")
@click.option(
    "--visibility",
    type=click.Choice(list(VISIBILITIES)),
    default="public",
    show_default=True,
    help="Who sees new records.",
)
@_check
@_problems
@_index
def import_equipment(
    file: Path,
    source: str,
    organization: int,
    visibility: str,
    check: bool,
    problems: Path | None,
    index: bool,
) -> None:
    """Import the facilities and equipment of FILE; a second run changes nothing."""
    reading = _read(file, source)
    promised = [item.external_id for item in reading.candidates if item.kind == "facility"]
    try:
        owner = get_organization(organization)
    except PortalError as error:
        raise click.ClickException(error.message) from error

    def write(batch: Sequence[Candidate]) -> Tally:
        return services.import_equipment(
            SYSTEM,
            owner,
            candidates=batch,
            promised=promised if check else (),
            visibility=visibility,
            is_trial=check,
        )

    _run(reading, write, problems, index and not check)


def _read(file: Path, source: str, kind: str = "sme") -> Reading:
    try:
        return read_candidates(file.read_bytes(), source, kind=kind)
    except PortalError as error:
        raise click.ClickException(error.message) from error


def _run(
    reading: Reading,
    write: Callable[[Sequence[Candidate]], Tally],
    problems: Path | None,
    index: bool,
) -> None:
    total = Tally(findings=list(reading.findings))
    total.counts |= {"repeated": reading.repeated, "skipped": reading.skipped}
    rows = reading.candidates
    try:
        with click.progressbar(length=len(rows), label="Importing", file=sys.stderr) as bar:
            for start in range(0, len(rows), BATCH):
                batch = rows[start : start + BATCH]
                total.add(write(batch))
                bar.update(len(batch))
    except PortalError as error:
        raise click.ClickException(error.message) from error
    _report(total, problems)
    written = total.counts["created"] + total.counts["changed"]
    if index and written:
        _make_searchable(written)


def _report(total: Tally, problems: Path | None) -> None:
    counts = total.counts
    click.echo(
        f"{counts['created']:,} created, {counts['changed']:,} changed, "
        f"{counts['unchanged']:,} unchanged"
    )
    for name, words in (
        ("refused", "with a problem, left out"),
        ("doubtful", "probably here already, left out (see --allow-duplicates)"),
        ("repeated", "repeats of an earlier row"),
        ("skipped", "closed or administrative, left out"),
    ):
        if counts[name]:
            click.echo(f"{counts[name]:,} {words}")
    findings = sorted(total.findings, key=lambda finding: finding.line)
    for finding in findings[:_SHOWN]:
        click.echo(_line(finding), err=True)
    if len(findings) > _SHOWN:
        click.echo(f"and {len(findings) - _SHOWN:,} more; see --problems", err=True)
    if problems is not None:
        cells = [[str(item.line), item.column, item.kind, item.message] for item in findings]
        pieces = csv_pieces(("Line", "Column", "Kind", "Message"), cells)
        problems.write_text("".join(pieces), "utf-8", newline="")


def _line(finding: Finding) -> str:
    where = f"line {finding.line}" + (f", {finding.column}" if finding.column else "")
    return f"{where}: {finding.message}"


def _make_searchable(written: int) -> None:
    """Serve the search index at once: a large import by one rebuild, a small one by its events."""
    try:
        search_index().index.status()
        is_small = written <= _MANY
    except IndexUnavailable:
        is_small = False
    if not is_small:
        click.echo(f"{rebuild_index():,} documents indexed")
        return
    worker = Worker(current_app._get_current_object(), {})  # type: ignore[attr-defined]
    while worker.deliver():
        pass


@export_group.command("equipment")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--format", "target", type=click.Choice(["uniquip"]), required=True)
@click.option("--organization", type=int, help="Only of the organization of this number.")
@click.option("--everything", is_flag=True, help="Not only what is public: drafts as well.")
def export_equipment(file: Path, target: str, organization: int | None, everything: bool) -> None:
    """Write facilities and equipment into FILE, as CSV or, if it is named so, as XLSX."""
    rows = queries.uniquip_rows(
        SYSTEM if everything else NOBODY, organization_id=organization, keeps_contacts=True
    )
    number = 0

    def counted() -> Iterator[list[str]]:
        nonlocal number
        for row in rows:
            number += 1
            yield row

    if file.suffix.lower() == ".xlsx":
        file.write_bytes(xlsx_bytes(UNIQUIP, counted(), title=target))
    else:
        with file.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(csv_pieces(UNIQUIP, counted()))
    click.echo(f"{number:,} records were written to {file}.")
