"""Two people, or two tabs, change one record: what either of them wrote is not lost silently."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from portal.kernel.database import db
from tests.cast import World
from tests.support.forms import filled

ClientOf = Callable[[str], FlaskClient]

#: What is changed: whose record of the world, where its form is, by whom, what names it,
#: and what is sent besides.
RECORDS = [
    ("equipment", "shop_public", "/equipment/{}/edit", ("ana", "root"), "name", {}),
    ("facilities", "shop_public", "/facilities/{}/edit", ("ana", "root"), "name", {}),
    ("organizations", "shop", "/organizations/{}/edit", ("ana", "root"), "name", {}),
    (
        "programs",
        "college_public",
        "/training/programs/{}/edit",
        ("cleo", "root"),
        "title",
        {},
    ),
    ("requests", "shop_draft", "/requests/{}/edit", ("ana", "ana"), "title", {"action": "draft"}),
]


@pytest.mark.parametrize(("kind", "key", "address", "people", "title", "more"), RECORDS)
def test_whoever_saves_later_is_told_what_has_changed_meanwhile(
    world: World,
    client_of: ClientOf,
    kind: str,
    key: str,
    address: str,
    people: tuple[str, str],
    title: str,
    more: dict[str, str],
) -> None:
    url = address.format(getattr(world, kind)[key])
    first, second = (client_of(person) for person in people)
    one, other = filled(first.get(url).text), filled(second.get(url).text)

    saved = first.post(
        url, data={**one, **more, title: "First of two", "summary": "What the first says."}
    )
    assert saved.status_code == 303, saved.text
    refused = second.post(url, data={**other, **more, title: "Second & last"})

    assert refused.status_code == 409
    assert "This has changed meanwhile" in refused.text
    assert "now “First of two”" in refused.text
    again = filled(refused.text)
    assert again[title] == ["Second & last"], "what was typed is still there"
    assert again["summary"] == ["What the first says."], "what only the other changed is kept"
    assert filled(second.get(url).text)[title] == ["First of two"], "nothing was overwritten"
    assert second.post(url, data={**again, **more}).status_code == 303
    now = filled(first.get(url).text)
    assert (now[title], now["summary"]) == (["Second & last"], ["What the first says."])


@pytest.mark.parametrize(("kind", "key", "address", "people", "title", "more"), RECORDS)
def test_who_changes_other_fields_or_writes_the_same_is_not_held_up(
    world: World,
    client_of: ClientOf,
    kind: str,
    key: str,
    address: str,
    people: tuple[str, str],
    title: str,
    more: dict[str, str],
) -> None:
    url = address.format(getattr(world, kind)[key])
    first, second = (client_of(person) for person in people)
    one, other = filled(first.get(url).text), filled(second.get(url).text)

    assert first.post(url, data={**one, **more, title: "First of two"}).status_code == 303
    assert second.post(url, data={**other, **more, "summary": "Of the second."}).status_code == 303
    # The first tab is still as it was, and says the same again.
    assert first.post(url, data={**one, **more, title: "First of two"}).status_code == 303

    now = filled(first.get(url).text)
    assert (now[title], now["summary"]) == (["First of two"], ["Of the second."])


@contextmanager
def just_before_writing(app: Flask, do: Callable[[], None]) -> Iterator[None]:
    """Do something, once, after a request has read what it changes and before it has the lock."""
    engine, pending = db.engine, [do]

    def in_own_context() -> None:
        with app.app_context():
            pending.pop()()

    def step_in(_connection: object) -> None:
        if pending:
            with ThreadPoolExecutor(max_workers=1) as pool:
                pool.submit(in_own_context).result()

    event.listen(engine, "commit", step_in)
    try:
        yield
    finally:
        event.remove(engine, "commit", step_in)
    assert not pending, "nothing was written"


@pytest.mark.parametrize(("kind", "key", "address", "people", "title", "more"), RECORDS)
def test_nothing_is_lost_either_where_the_other_saves_at_the_very_same_moment(
    app: Flask,
    world: World,
    client_of: ClientOf,
    kind: str,
    key: str,
    address: str,
    people: tuple[str, str],
    title: str,
    more: dict[str, str],
) -> None:
    url = address.format(getattr(world, kind)[key])
    first, second = (client_of(person) for person in people)
    one, other = filled(first.get(url).text), filled(second.get(url).text)

    def save(**typed: str) -> Callable[[], None]:
        def do() -> None:
            assert first.post(url, data={**one, **more, **typed}).status_code == 303

        return do

    with just_before_writing(app, save(**{title: "First of two"})):
        refused = second.post(url, data={**other, **more, title: "Second & last"})
    assert "at the same moment" in refused.text
    again = filled(refused.text)
    assert again[title] == ["Second & last"], "what was typed is still there"
    refused = second.post(url, data={**again, **more})
    assert refused.status_code == 409
    assert "now “First of two”" in refused.text
    again = filled(refused.text)
    assert filled(second.get(url).text)[title] == ["First of two"], "nothing was overwritten"

    one = filled(first.get(url).text)
    with just_before_writing(app, save(summary="What the first says.")):
        refused = second.post(url, data={**again, **more})
    assert "at the same moment" in refused.text
    with just_before_writing(app, lambda: None):
        assert second.post(url, data={**filled(refused.text), **more}).status_code == 303
    now = filled(first.get(url).text)
    assert (now[title], now["summary"]) == (["Second & last"], ["What the first says."])


def test_a_form_that_says_nothing_of_what_it_was_made_from_is_saved(
    world: World, client_of: ClientOf
) -> None:
    url = f"/facilities/{world.facilities['shop_public']}/edit"
    client = client_of("ana")
    old = filled(client.get(url).text)
    del old["made_from"]
    client.post(url, data={**filled(client.get(url).text), "name": "Newer"})
    assert client.post(url, data=old | {"name": ["Older"]}).status_code == 303
    assert filled(client.get(url).text)["name"] == ["Older"]


def test_it_is_said_in_spanish(world: World, client_of: ClientOf) -> None:
    url = f"/facilities/{world.facilities['shop_public']}/edit"
    client = client_of("ana")
    old = filled(client.get(url).text)
    client.post(url, data={**old, "description": "Long words.\n\nOf two parts.", "name": "A"})
    client.post("/account/language", data={"language": "es"})
    refused = client.post(url, data={**old, "description": "Mine", "name": "B"})
    assert "Esto cambió mientras tanto" in refused.text
    assert re.search(r"<textarea[^>]* readonly[^>]*>\s*Long words.\s+Of two parts.", refused.text)
