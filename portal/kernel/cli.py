"""The kernel's commands: `flask worker`, `flask index …`, `flask setup`, `flask docs`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from flask_migrate import upgrade
from sqlalchemy.exc import OperationalError

from portal.kernel.fulltext.port import IndexBusy, IndexOutOfReach, IndexUnavailable
from portal.kernel.manifest import installed_manifests
from portal.kernel.search import search_index
from portal.kernel.worker import Worker

index_group = AppGroup("index", help="Look at the search index and rebuild it.")


def add_commands(app: Flask) -> None:
    """Add the kernel's commands to the app."""
    app.cli.add_command(run_worker)
    app.cli.add_command(index_group)
    app.cli.add_command(set_up)


@click.command("worker")
@click.option("--drain", is_flag=True, help="Do what is due and stop.")
@with_appcontext
def run_worker(drain: bool) -> None:
    """Deliver side effects, keep the search index, send mail, run the clock's jobs."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    worker = Worker(app, app.extensions["portal-jobs"])
    if drain:
        worker.drain()
    else:
        worker.run()


@index_group.command("status")
def index_status() -> None:
    """Say how large the index is."""
    with _failures_explained():
        status = search_index().index.status()
    click.echo(f"{status.documents} documents, {status.segments} segments, {status.generation}")


@index_group.command("verify")
def index_verify() -> None:
    """Compare what the index says with the database; exit with 1 when they differ."""
    with _failures_explained():
        differences = search_index().differences()
    for name, keys in differences._asdict().items():
        for kind, number in sorted(keys)[:20]:
            click.echo(f"{name}: {kind} {number}")
    click.echo(", ".join(f"{len(keys)} {name}" for name, keys in differences._asdict().items()))
    if any(differences):
        raise SystemExit(1)


@contextmanager
def _failures_explained() -> Iterator[None]:
    """Say in words, and with an exit code of 1, why the index could not be read or written."""
    try:
        yield
    except (IndexBusy, IndexOutOfReach) as error:
        raise click.ClickException(f"{error}. Please try again later.") from error
    except OperationalError as error:
        raise click.ClickException(f"The database does not answer: {error.orig}") from error
    except IndexUnavailable as error:
        raise click.ClickException(f"{error}. `flask index rebuild` writes a new one.") from error


@index_group.command("rebuild")
def index_rebuild() -> None:
    """Write the index anew from the database, while the old one serves, and swap it in."""
    with _failures_explained():
        size = rebuild_index()
    click.echo(f"{size} documents indexed")


def rebuild_index() -> int:
    """Rebuild the index with a progress bar; return the number of documents."""
    index = search_index()
    total = sum(_count(list_ids.list_ids) for list_ids in index.kinds.values())
    with click.progressbar(length=total, label="Indexing", file=sys.stderr) as bar:
        return index.rebuild(lambda done: bar.update(done - bar.pos))


def _count(list_ids: object) -> int:
    after, total = 0, 0
    while ids := list_ids(after, 5000):  # type: ignore[operator]
        total, after = total + len(ids), ids[-1]
    return total


@click.command("setup")
@with_appcontext
def set_up() -> None:
    """Bring database and reference data up to date; fill an empty one with the demo regions."""
    upgrade()
    for manifest in installed_manifests():
        if manifest.first_data is not None:
            manifest.first_data()
    try:
        search_index().index.status()
    except IndexUnavailable:
        rebuild_index()
