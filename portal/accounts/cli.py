"""`flask users …` and `flask tokens …`."""

import sys

import click
from flask.cli import AppGroup

from portal.accounts import queries, rules, services
from portal.accounts.forms import LANGUAGE_NAMES, AddressForm, NewPasswordForm, ProfileForm
from portal.accounts.models import User
from portal.kernel.authorization import SYSTEM, known_scopes
from portal.kernel.errors import PortalError
from portal.kernel.web.addresses import external_url

users = AppGroup("users", help="Make accounts and administrators.")
tokens = AppGroup("tokens", help="Make API tokens.")


@users.command("create")
@click.argument("email")
@click.option("--name", required=True, help="The person's name.")
@click.option("--administrator", is_flag=True, help="Make them an administrator.")
@click.option(
    "--language",
    type=click.Choice(list(LANGUAGE_NAMES)),
    default="en",
    show_default=True,
    help="The language of their e-mails.",
)
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from standard input; else a link to choose one is printed.",
)
def create_user(
    email: str, name: str, administrator: bool, language: str, password_stdin: bool
) -> None:
    """Open an account with a confirmed address."""
    address = AddressForm.from_row({"email": email})
    if not address.validate():
        raise click.ClickException(f"{email} is no e-mail address.")
    profile = ProfileForm.from_row({"name": name, "language": language})
    if not profile.validate():
        raise click.ClickException(" ".join(text for _id, _label, text in profile.problems))
    password_hash = None
    if password_stdin:
        form = NewPasswordForm.from_row({"password": sys.stdin.readline().rstrip("\n")})
        form.context_words = (name, email)
        if not form.validate():
            raise click.ClickException(" ".join(text for _id, _label, text in form.problems))
        password_hash = rules.hash_password(form.password.data, queries.password_cost())
    try:
        user = services.open_account(
            SYSTEM,
            name=profile.name.data,
            email=address.email.data,
            password_hash=password_hash,
            language=language,
            is_verified=True,
            is_administrator=administrator,
        )
    except PortalError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"{user.email} has an account now.")
    if password_hash is None:
        secret = services.make_link(SYSTEM, user, purpose="reset", email=user.email)
        click.echo("They choose a password here, within two hours:")
        click.echo(external_url("accounts.reset_password", token=secret))


@users.command("promote")
@click.argument("email")
def promote_user(email: str) -> None:
    """Make somebody who has an account an administrator."""
    user = services.promote_user(SYSTEM, _user_of(email))
    click.echo(f"{user.email} is an administrator now.")


@tokens.command("create")
@click.argument("email")
@click.option("--scopes", required=True, help="Separated by commas, such as read,account:write.")
@click.option("--name", default="Command line", show_default=True, help="What it is for.")
@click.option(
    "--days",
    type=click.IntRange(0, 3650),
    default=365,
    show_default=True,
    help="How long it works; 0 for no end.",
)
def create_token(email: str, scopes: str, name: str, days: int) -> None:
    """Make a token that acts for somebody, and print it this once."""
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    unknown = sorted(set(wanted) - set(known_scopes()))
    if unknown or not wanted:
        raise click.ClickException(f"The scopes are: {', '.join(known_scopes())}.")
    _token, secret = services.make_token(
        SYSTEM, _user_of(email), name=name[:80], scopes=wanted, days=days or None
    )
    click.echo(secret)


def _user_of(email: str) -> User:
    user = queries.find_user_by_email(email)
    if user is None:
        raise click.ClickException(f"There is no account with the address {email}.")
    return user
