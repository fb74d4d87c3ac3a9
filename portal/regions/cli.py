"""Commands: `flask reference load`, `flask regions create`, `flask regions list`."""

import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from portal.kernel.authorization import SYSTEM
from portal.kernel.errors import PortalError
from portal.regions import services
from portal.regions.queries.regions import list_regions

reference_group = AppGroup("reference", help="Counties, ZIP codes, industries, capabilities.")
regions_group = AppGroup("regions", help="Regions: named sets of counties.")


@reference_group.command("load")
def load() -> None:
    """Load the reference data, or bring it up to date; a second run changes nothing."""
    load_reference()


def load_reference() -> None:
    """Load the reference data with a progress bar and say what changed."""
    outlines = Path(current_app.config["ROOT"]) / current_app.config["COUNTY_OUTLINES"]
    with click.progressbar(length=1, label="Loading reference data", file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        report = services.load_reference(SYSTEM, outlines=outlines, progress=show)
    if report.is_unchanged:
        click.echo(f"{report.total} rows are up to date; nothing changed.", err=True)
    else:
        click.echo(
            f"{report.added} added, {report.changed} changed, {report.removed} removed.", err=True
        )
    if not report.has_outlines:
        click.echo(f"No county outlines at {outlines}: maps show points only.", err=True)


@regions_group.command("create")
@click.argument("name")
@click.option("--county", "counties", multiple=True, required=True, help="21111 or “Clark, IN”.")
@click.option("--key", default="", help="Its name in addresses; made from NAME if left out.")
@click.option("--summary", default="", help="What the region is known for.")
def create(name: str, counties: tuple[str, ...], key: str, summary: str) -> None:
    """Draw a region NAME out of counties."""
    try:
        region = services.create_region(
            SYSTEM, name=name, county_fips=counties, key=key, summary=summary
        )
    except PortalError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"{region.name} was created as {region.key}.")


@regions_group.command("list")
def list_all() -> None:
    """List the regions with their counties."""
    cursor = None
    while True:
        found = list_regions(cursor=cursor)
        for region in found.items:
            names = "; ".join(county.label for county in region.counties)
            click.echo(f"{region.key}\t{region.name}\t{names}")
        cursor = found.next
        if cursor is None:
            return
