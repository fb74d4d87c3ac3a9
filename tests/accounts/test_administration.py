"""The administration of users, and the command line."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts import queries, services
from portal.accounts.models import User
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid, NotFound
from tests.cast import PASSWORD, World
from tests.support.statements import count_statements

Clients = Callable[[str], FlaskClient]


def people(count: int) -> None:
    for number in range(count):
        services.open_account(
            SYSTEM, name=f"Person {number}", email=f"p{number:03d}@many.example", is_verified=True
        )


def test_administrators_find_people_by_name_or_address(client_of: Clients) -> None:
    client = client_of("root")
    assert "ana@cast.example" in client.get("/administration/users").text
    assert "ana@cast.example" not in client.get("/administration/users?q=BEN").text
    assert "ben@cast.example" in client.get("/administration/users?q=ben+cast").text
    assert "Nobody found" in client.get("/administration/users?q=%25").text


def test_long_lists_go_on_by_link(client_of: Clients) -> None:
    people(60)
    client = client_of("root")
    first = client.get("/administration/users?q=person").text
    link = re.search(r'href="([^"]*cursor=[^"]*)" rel="next"', first)
    assert link is not None
    second = client.get(link[1].replace("&amp;", "&")).text
    assert "p000@many.example" in first
    assert "p059@many.example" not in first
    assert "p059@many.example" in second
    assert "p000@many.example" not in second


def test_a_broken_cursor_is_refused_kindly(client_of: Clients) -> None:
    answer = client_of("root").get("/administration/users?cursor=%F0%9F%92%A9")
    assert answer.status_code == 422
    assert "This page link is broken." in answer.text


def test_the_list_costs_the_same_for_few_and_for_many(client_of: Clients) -> None:
    client = client_of("root")

    def count() -> int:
        client.get("/")  # who this is, is known from now on
        with count_statements() as sent:
            client.get("/administration/users")
        return sent.count

    few = count()
    people(20)
    assert count() == few


def test_an_account_is_closed_after_a_question_and_opened_again(
    client_of: Clients, world: World, give_password: Callable[..., User]
) -> None:
    give_password("ben")
    client, of_ben = client_of("root"), client_of("ben")
    path = f"/administration/users/{world.users['ben']}/actions"
    assert "Close the account of Ben?" in client.post(f"{path}/deactivate").text
    assert of_ben.get("/api/v1/me").status_code == 200

    client.post(f"{path}/deactivate", data={"confirmed": "yes"})
    assert of_ben.get("/api/v1/me").status_code == 401
    assert "Closed" in client.get("/administration/users?q=ben").text

    client.post(f"{path}/activate")
    data = {"email": "ben@cast.example", "password": PASSWORD}
    assert client_of("nobody").post("/sign-in", data=data).status_code == 303


def test_an_unknown_action_does_not_exist(client_of: Clients, world: World) -> None:
    path = f"/administration/users/{world.users['ben']}/actions/promote"
    assert client_of("root").post(path).status_code == 404
    assert not session.get_one(User, world.users["ben"]).is_administrator


def test_administrators_do_not_close_their_own_account(
    app: Flask, actor: Callable[[str], Actor], world: World
) -> None:
    with pytest.raises(Conflict):
        services.deactivate_user(actor("root"), session.get_one(User, world.users["root"]))


@pytest.mark.parametrize("name", ["ana", "ben", "cleo", "dov", "eve"])
def test_only_administrators_close_accounts(
    app: Flask, actor: Callable[[str], Actor], world: World, name: str
) -> None:
    other = "ben" if name != "ben" else "ana"
    with pytest.raises(NotFound):
        services.deactivate_user(actor(name), session.get_one(User, world.users[other]))


def test_an_account_is_opened_once_per_address(app: Flask) -> None:
    with pytest.raises(Invalid) as refused:
        services.open_account(SYSTEM, name="Ana", email="ANA@cast.example")
    assert refused.value.field == "email"


def test_the_command_line_makes_an_administrator_who_chooses_a_password_by_link(
    app: Flask, client_of: Clients
) -> None:
    result = app.test_cli_runner().invoke(
        args=["users", "create", "Hal@Admin.example", "--name", "Hal", "--administrator"]
    )
    assert result.exit_code == 0, result.output
    link = re.search(r"http://[^/]+(/password/\S+)", result.output)
    assert link is not None
    client = client_of("nobody")
    client.post(link[1], data={"password": PASSWORD})
    client.post("/sign-in", data={"email": "hal@admin.example", "password": PASSWORD})
    assert client.get("/administration/users").status_code == 200


def test_the_command_line_takes_a_password_from_standard_input(
    app: Flask, sign_in: Callable[..., FlaskClient]
) -> None:
    args = ["users", "create", "hal@admin.example", "--name", "Hal", "--password-stdin"]
    result = app.test_cli_runner().invoke(args=args, input=f"{PASSWORD}\n")
    assert result.exit_code == 0, result.output
    client = sign_in("hal@admin.example")
    assert client.get("/administration/users").status_code == 403


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("no address", PASSWORD),
        ("hal@admin.example", "password123"),
        ("hal@admin.example", ""),
        ("ana@cast.example", PASSWORD),
    ],
)
def test_the_command_line_refuses_what_the_pages_refuse(
    app: Flask, email: str, password: str
) -> None:
    args = ["users", "create", email, "--name", "Hal", "--password-stdin"]
    result = app.test_cli_runner().invoke(args=args, input=f"{password}\n")
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert queries.find_user_by_email("hal@admin.example") is None


@pytest.mark.parametrize("given", [["--name", "H" * 121], ["--name", "Hal", "--language", "xx"]])
def test_the_command_line_opens_no_account_that_no_page_would(app: Flask, given: list[str]) -> None:
    result = app.test_cli_runner().invoke(args=["users", "create", "hal@admin.example", *given])
    assert result.exit_code in (1, 2)
    assert "Error: " in result.output
    assert queries.find_user_by_email("hal@admin.example") is None


def test_the_command_line_promotes(app: Flask, client_of: Clients) -> None:
    result = app.test_cli_runner().invoke(args=["users", "promote", "ana@cast.example"])
    assert result.exit_code == 0, result.output
    session.rollback()
    assert client_of("ana").get("/administration/users").status_code == 200


def test_the_command_line_makes_a_token_and_prints_nothing_else(
    app: Flask, client_of: Clients
) -> None:
    args = ["tokens", "create", "ana@cast.example", "--scopes", "read, facilities:write"]
    result = app.test_cli_runner().invoke(args=[*args, "--name", "Import"])
    assert result.exit_code == 0, result.output
    secret = result.output.strip()
    me = client_of("nobody").get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
    assert me.json["scopes"] == ["facilities:write", "read"]


@pytest.mark.parametrize(
    "args",
    [
        ["users", "promote", "stranger@cast.example"],
        ["tokens", "create", "stranger@cast.example", "--scopes", "read"],
        ["tokens", "create", "ana@cast.example", "--scopes", "everything"],
        ["tokens", "create", "ana@cast.example", "--scopes", ","],
    ],
)
def test_the_command_line_says_what_is_wrong(app: Flask, args: list[str]) -> None:
    result = app.test_cli_runner().invoke(args=args)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
