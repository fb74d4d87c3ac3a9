"""`flask demo load` and `flask demo generate`."""

import itertools
import sys

import click
from flask import current_app
from flask.cli import AppGroup

from portal.demo import queries
from portal.demo.rules.synthetic import make_organizations
from portal.demo.services import (
    bookings,
    organizations,
    people,
    requests,
    stories,
    synthetic,
    training,
)
from portal.kernel.authorization import SYSTEM
from portal.kernel.cli import rebuild_index

demo_group = AppGroup("demo", help="Fictional regions to look at, and many records for load tests.")
_BATCH = 400


def load_if_empty() -> None:
    """Load the demo where there is nothing yet, and say who can sign in to it."""
    if not current_app.config["DEMO_DATA"]:
        return
    if not queries.has_organizations():
        load_demo()
    if queries.has_cast():
        show_cast()


@demo_group.command("load")
@click.option(
    "--region",
    type=click.Choice(sorted(queries.read_regions())),
    help="Only one of them, which takes a third of the time.",
)
def load(region: str | None) -> None:
    """Load three fictional regions with their people; a second run adds what is missing."""
    if not current_app.config["DEMO_DATA"]:
        raise click.ClickException(
            "The demo's people share a password that everybody can read. "
            "Set DEMO_DATA=1 if nobody uses this portal in earnest."
        )
    load_demo(region)
    show_cast()


def load_demo(region: str | None = None) -> None:
    """Load the demo, or what is in one of its regions, with a progress bar and say what was new."""
    if not queries.has_reference():
        raise click.ClickException("Please run “flask reference load” first.")
    cast = queries.read_cast()
    listed = queries.read_organizations()
    by_key = {item.key: item for item in listed}
    senders = {item.key: item.values["name"] for item in listed}
    # What belongs to an organization that is not here is left out where it is loaded.
    wanted = [item for item in listed if region in (None, item.region)]
    new = people.load_cast(SYSTEM, cast=cast, demo_regions=queries.read_regions())
    with click.progressbar(
        length=2 * len(wanted), label="Loading the demo regions", file=sys.stderr
    ) as bar:
        for item in wanted:
            new += organizations.load_organization(SYSTEM, organization=item, cast=cast)
            bar.update(1)
        for item in wanted:
            new += requests.load_answers(SYSTEM, organization=item, senders=senders)
            bar.update(1)
        for newcomer in cast.newcomers:
            new += people.load_newcomer(
                SYSTEM,
                newcomer=newcomer,
                organization=by_key[newcomer.claims or newcomer.joins],
                cast=cast,
            )
    for access in queries.read_access():
        new += bookings.load_access(SYSTEM, access=access, host=by_key[access.host])
    for booking in queries.read_bookings():
        new += bookings.load_booking(SYSTEM, booking=booking, host=by_key[booking.host])
    taking_part = queries.read_enrollments()
    for program in queries.read_programs():
        new += training.load_program(
            SYSTEM,
            program=program,
            provider=by_key[program.provider],
            enrollments=[
                one
                for one in taking_part
                if (one.provider, one.program) == (program.provider, program.values["title"])
            ],
            firms=by_key,
        )
    for recognition in queries.read_recognitions():
        new += training.load_recognition(
            SYSTEM, recognition=recognition, host=by_key[recognition.host]
        )
    for key, demands in queries.read_demands().items():
        new += training.load_demands(SYSTEM, demands=demands, organization=by_key[key], cast=cast)
    for story in queries.read_stories():
        new += stories.load_story(
            SYSTEM,
            story=story,
            organization=by_key[story.organization],
            partner=by_key[story.partner],
            cast=cast,
        )
    total = sum(item.record_count for item in wanted)
    if new:
        click.echo(f"The demo regions hold {total} records.", err=True)
    else:
        click.echo(f"All {total} records of the demo are here; nothing changed.", err=True)


def show_cast() -> None:
    """Say who can sign in to the demo."""
    cast = queries.read_cast()
    click.echo(f"Sign in to the demo with the password “{cast.password}” as")
    for person in cast.people:
        click.echo(f"  {person.email:<20} {person.name} {person.does}")


@demo_group.command("generate")
@click.option(
    "--records", type=click.IntRange(1, 2_000_000), required=True, help="How many, of all kinds."
)
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same records.")
@click.option(
    "--index/--no-index", default=True, show_default=True, help="Rebuild the search index after."
)
def generate(records: int, seed: int, index: bool) -> None:
    """Add many synthetic records all over the country, for load tests."""
    if not queries.has_reference():
        raise click.ClickException("Please run “flask reference load” first.")
    vocabulary = queries.read_vocabulary()
    made = make_organizations(vocabulary, records, seed)
    with click.progressbar(length=records, label="Generating", file=sys.stderr) as bar:
        while batch := list(itertools.islice(made, _BATCH)):
            bar.update(synthetic.insert_synthetic(SYSTEM, batch=batch))
    click.echo(f"{records} records were added.")
    if index:
        click.echo(f"{rebuild_index()} documents indexed.")
