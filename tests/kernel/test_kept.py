"""Answers kept for visitors: the same as made anew, never another person's, never out of date."""

import datetime as dt
import re
from collections.abc import Callable, Iterator

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from portal.directory.models import UnmetDemand
from portal.directory.views import leading_on
from portal.kernel import kept
from portal.kernel.clock import now
from portal.kernel.database import db, session, unit_of_work
from portal.kernel.kept import KeptAnswers
from portal.kernel.search import search_index
from portal.organizations.models import Organization
from tests.cast import World

Clients = Callable[[str], FlaskClient]


class Counted:
    """The app, with the number of requests that reached it."""

    def __init__(self, app: Flask) -> None:
        self.inner = app.wsgi_app
        self.count = 0

    def __call__(self, environ, start_response):  # type: ignore[no-untyped-def]
        self.count += 1
        return self.inner(environ, start_response)


@pytest.fixture
def asked(app: Flask, indexed: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    """An app that keeps answers for real, and what still reaches it."""
    counted = Counted(app)
    monkeypatch.setitem(app.config, "KEPT_ANSWERS_MEGABYTES", 1)
    monkeypatch.setattr(app, "wsgi_app", counted)
    keeping = KeptAnswers(app, lambda _address, _endpoint: True)
    monkeypatch.setattr(app, "wsgi_app", keeping)
    yield counted
    keeping.close()


@pytest.fixture
def address(world: World) -> str:
    """The page of Ana's organization."""
    return f"/organizations/{world.organizations['shop']}"


def _rename(name: str) -> None:
    with unit_of_work():
        session.execute(update(Organization).values(name=name))


@pytest.mark.sqlite
def test_visitor_gets_a_kept_answer_that_equals_the_one_made_for_the_first(
    asked: Counted, client_of: Clients, address: str
) -> None:
    first, second = (client_of("nobody").get(address) for _ in range(2))
    assert asked.count == 1
    assert second.data == first.data
    assert dict(second.headers) == dict(first.headers)
    assert second.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
    assert second.headers["Vary"] == "Cookie, Accept-Language"


@pytest.mark.sqlite
@pytest.mark.parametrize("wrap", ["{}", "W/{}", '"other", {}'])
def test_visitor_who_has_the_answer_is_told_so_with_all_security_headers(
    asked: Counted, client_of: Clients, address: str, wrap: str
) -> None:
    first = client_of("nobody").get(address)
    condition = wrap.format(first.headers["ETag"])
    again = client_of("nobody").get(address, headers={"If-None-Match": condition})
    assert asked.count == 1
    assert (again.status_code, again.data) == (304, b"")
    lost = {name for name, _ in first.headers} - {name for name, _ in again.headers}
    assert lost == {"Content-Type", "Content-Length"}


@pytest.mark.sqlite
@pytest.mark.parametrize("is_kept", [True, False])
def test_headers_alone_are_those_of_the_whole_answer(
    asked: Counted, client_of: Clients, address: str, is_kept: bool
) -> None:
    if is_kept:
        client_of("nobody").get(address)
    alone = client_of("nobody").head(address)
    whole = client_of("nobody").get(address)
    assert asked.count == 1
    assert (alone.status_code, alone.data) == (200, b"")
    assert dict(alone.headers) == dict(whole.headers)
    condition = {"If-None-Match": whole.headers["ETag"]}
    assert client_of("nobody").head(address, headers=condition).status_code == 304


@pytest.mark.sqlite
def test_headers_alone_of_what_is_not_kept_are_those_of_the_whole_answer_too(
    asked: Counted, client_of: Clients
) -> None:
    of_visitors = ("/sign-in", "/nothing-here", "/exports/programs.csv", "/static/css/portal.css")
    for name, address in [("ana", "/desk"), *(("nobody", one) for one in of_visitors)]:
        alone, whole = client_of(name).head(address), client_of(name).get(address)
        assert alone.data == b""
        assert alone.status_code == whole.status_code
        assert alone.headers["Cache-Control"] == whole.headers["Cache-Control"]


def test_what_anybody_writes_ends_what_was_kept(
    asked: Counted, client_of: Clients, address: str
) -> None:
    before = client_of("nobody").get(address)
    _rename("Changed in this process")
    assert "Changed in this process" in client_of("nobody").get(address).text
    with db.engine.connect() as other:
        other.exec_driver_sql("UPDATE organization SET name = 'Changed beside it'")
        other.commit()
    after = client_of("nobody").get(address, headers={"If-None-Match": before.headers["ETag"]})
    assert "Changed beside it" in after.text
    assert asked.count == 3


def test_copy_stays_right_when_something_else_was_written(
    asked: Counted, client_of: Clients, address: str
) -> None:
    first = client_of("nobody").get(address)
    with db.engine.connect() as other:
        other.exec_driver_sql("UPDATE state SET name = name")
        other.commit()
    again = client_of("nobody").get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (asked.count, again.status_code, again.data) == (2, 304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert client_of("nobody").get(address).data == first.data


@pytest.mark.sqlite
def test_answer_is_kept_for_a_minute_at_most(
    asked: Counted, client_of: Clients, address: str
) -> None:
    moment = now()
    with time_machine.travel(moment, tick=False):
        client_of("nobody").get(address)
    with time_machine.travel(moment + dt.timedelta(seconds=59), tick=False):
        client_of("nobody").get(address)
    assert asked.count == 1
    with time_machine.travel(moment + dt.timedelta(seconds=61), tick=False):
        client_of("nobody").get(address)
    assert asked.count == 2


def test_rebuilding_the_index_ends_what_was_kept(asked: Counted, client_of: Clients) -> None:
    client_of("nobody").get("/search")
    search_index().rebuild()
    client_of("nobody").get("/search")
    assert asked.count == 2


@pytest.mark.parametrize("name", ["ana", "eve", "root"])
def test_person_neither_gets_a_kept_answer_nor_leaves_one(
    asked: Counted, client_of: Clients, address: str, name: str
) -> None:
    own = client_of(name).get(address)
    visitors = client_of("nobody").get(address)
    assert "Sign out" in client_of(name).get(address).text
    assert asked.count == 3
    assert "Sign out" in own.text
    assert "Sign out" not in visitors.text
    assert own.headers["Cache-Control"] == "private, no-store"
    assert "ETag" not in own.headers


def test_token_neither_gets_a_kept_answer_nor_leaves_one(
    asked: Counted, client_of: Clients, address: str
) -> None:
    header = {"Authorization": "Bearer nonsense"}
    for _ in range(2):
        client_of("nobody").get(address, headers=header)
    assert asked.count == 2


@pytest.mark.sqlite
def test_visitor_with_a_session_gets_no_kept_answer(
    asked: Counted, client_of: Clients, address: str
) -> None:
    client_of("nobody").get(address)
    visitor = client_of("nobody")
    with visitor.session_transaction() as cookie:
        cookie["_flashes"] = [("done", {"text": "Only for you", "undo_url": None, "link": None})]
    assert "Only for you" in visitor.get(address).text
    assert "Only for you" not in client_of("nobody").get(address).text
    assert asked.count == 2


@pytest.mark.sqlite
def test_each_language_has_its_own(asked: Counted, client_of: Clients, address: str) -> None:
    chosen = client_of("nobody")
    chosen.set_cookie("language", "es")
    pages = [
        client_of("nobody").get(address).text,
        client_of("nobody").get(address, headers={"Accept-Language": "es"}).text,
        chosen.get(address).text,
    ]
    assert [re.findall(r'<html lang="(..)"', text) for text in pages] == [["en"], ["es"], ["es"]]
    assert asked.count == 3
    assert chosen.get(address).text == pages[2]
    assert asked.count == 3


@pytest.mark.sqlite
def test_search_that_finds_nothing_is_kept_for_those_of_whom_it_was_counted(
    asked: Counted, client_of: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    def search(network: str) -> None:
        reply = client_of("nobody").get(
            "/search?q=zzzzqqqqkept", environ_base={"REMOTE_ADDR": network}
        )
        assert "Nothing found" in reply.text

    monkeypatch.setattr(leading_on, "_waiting", leading_on.Waiting())
    # To count writes, which ends what was kept: the second of a network makes what the third gets.
    for network in ("192.0.2.1",) * 4 + ("192.0.2.2",) * 4 + ("192.0.2.1",):
        search(network)
    assert asked.count == 3
    # Within a minute, counts wait to be written together.
    assert session.scalars(select(UnmetDemand.searches)).all() == [1]
    with time_machine.travel(now() + dt.timedelta(minutes=2)):
        search("192.0.2.3")
    session.rollback()
    # Days are counted apart, and one may have ended meanwhile.
    assert session.scalar(select(func.sum(UnmetDemand.searches))) == 3


@pytest.mark.sqlite
def test_search_that_has_not_all_of_the_words_is_kept(
    asked: Counted, client_of: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading_on, "_waiting", leading_on.Waiting())
    for _ in range(4):
        assert "come closest" in client_of("nobody").get("/search?q=mill+zzzzqqqqsome").text
    assert asked.count == 2


@pytest.mark.parametrize("path", ["/sign-in", "/organizations/999999", "/readyz"])
def test_other_answers_pass_through_as_they_are(
    asked: Counted, client_of: Clients, path: str
) -> None:
    for _ in range(2):
        assert client_of("nobody").get(path).headers["Cache-Control"].startswith("private")
    assert asked.count == 2


def test_static_files_are_still_revalidated_by_their_own_tag(
    asked: Counted, client_of: Clients
) -> None:
    first = client_of("nobody").get("/static/css/portal.css")
    tag = first.headers["ETag"]
    again = client_of("nobody").get("/static/css/portal.css", headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert first.headers["Cache-Control"] == again.headers["Cache-Control"] == "no-cache"
    older = client_of("nobody").get("/static/css/portal.css", headers={"If-None-Match": '"old"'})
    assert (older.status_code, older.data) == (200, first.data)
    assert asked.count == 3


@pytest.mark.sqlite
def test_who_asks_too_often_hears_of_it_for_kept_answers_too(
    asked: Counted, client_of: Clients, address: str, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    allowed = iter([True, False])
    keeping = KeptAnswers(app, lambda _address, _endpoint: next(allowed))
    monkeypatch.setattr(app, "wsgi_app", keeping)
    keeping._inner = asked
    for _ in range(3):
        client_of("nobody").get(address)
    keeping.close()
    # Made, kept, and then left to the app, which counts and refuses by itself.
    assert asked.count == 2


@pytest.mark.sqlite
def test_only_so_much_is_kept_the_oldest_goes_first(
    asked: Counted, client_of: Clients, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(client_of("nobody").get("/help").data)
    keeping = KeptAnswers(app, lambda _address, _endpoint: True)
    keeping._inner, keeping._most_bytes = asked, int(size * 2.5)
    monkeypatch.setattr(app, "wsgi_app", keeping)
    asked.count = 0
    for number in (1, 2, 3, 3, 2, 1):
        client_of("nobody").get(f"/help?{number}")
    keeping.close()
    assert asked.count == 4


def test_names_that_only_an_address_has_are_not_kept(
    app: Flask, asked: Counted, client_of: Clients
) -> None:
    text = client_of("nobody").get("/search?county=21111&county=made-up").text
    assert "made-up" in text
    remembered = [
        key
        for facets in app.extensions["portal-kept"].of_minute._values.values()
        if isinstance(facets, dict)
        for names in facets.values()
        if isinstance(names, dict)
        for key in names
    ]
    assert "21111" in remembered
    assert "made-up" not in remembered


def test_nothing_is_kept_while_the_index_is_missing(
    app: Flask, client_of: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(app)
    monkeypatch.setitem(app.config, "KEPT_ANSWERS_MEGABYTES", 1)
    monkeypatch.setattr(app, "wsgi_app", counted)
    keeping = KeptAnswers(app, lambda _address, _endpoint: True)
    monkeypatch.setattr(app, "wsgi_app", keeping)
    for _ in range(2):
        client_of("nobody").get("/")
    keeping.close()
    assert counted.count == 2
    assert kept.KEPT_SECONDS <= 60
