"""Command: `flask skills load`."""

import click
from flask.cli import AppGroup

from portal.kernel.authorization import SYSTEM
from portal.skills import services

skills_group = AppGroup("skills", help="Skills, occupations, credentials.")


@skills_group.command("load")
def load() -> None:
    """Load skills and credentials, or bring them up to date; a second run changes nothing."""
    load_skills()


def load_skills() -> None:
    """Load skills and credentials and say what changed."""
    added, changed, removed = services.load_skills(SYSTEM)
    click.echo(f"Skills: {added} rows added, {changed} changed, {removed} removed.", err=True)
