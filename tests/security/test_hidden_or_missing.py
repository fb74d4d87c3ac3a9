"""Whether a record exists is not told: what is hidden is answered like what was never there."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.cast import World

#: A number that no record has, and those of the cast's first ones.
MISSING, SOME = 2**31 - 7, (1, 2, 3)


def paths(app: Flask) -> list[str]:
    """Return the addresses of one record each, with a place for its number."""
    return sorted(
        re.sub(r"<int:\w+>", "{}", rule.rule)
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and re.fullmatch(r"[^<]*<int:\w+>[^<]*", rule.rule)
    )


def said(client: FlaskClient, path: str) -> str | None:
    """Return what a 404 says without what every page has, or None where something is there."""
    answer = client.get(path)
    if answer.status_code != 404:
        return None
    if answer.content_type == "application/problem+json":
        return str(answer.json["detail"])
    main = re.search(r"<main.*</main>", answer.text, re.DOTALL)
    return re.sub(r"\d+", "#", main[0] if main else answer.text)


@pytest.mark.sqlite
@pytest.mark.parametrize("name", ["eve", "nobody"])
def test_a_hidden_record_is_answered_like_a_missing_one(
    app: Flask, world: World, client_of: Callable[[str], FlaskClient], name: str
) -> None:
    client = client_of(name)
    told = []
    hidden = 0
    for path in paths(app):
        missing = said(client, path.format(MISSING))
        for number in SOME if missing is not None else ():
            found = said(client, path.format(number))
            hidden += found is not None
            if found not in (None, missing):
                told.append(path.format(number))

    assert told == []
    assert hidden > 20
