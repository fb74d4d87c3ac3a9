"""Saved searches: whose they are, what is news, who hears of it, and how one makes it stop."""

import dataclasses
import datetime as dt
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from portal.directory import rules, services
from portal.directory.models import SavedSearch, SavedSearchResult
from portal.directory.queries import saved_searches, searching
from portal.directory.reactions import report_due_searches
from portal.facilities.models import Equipment
from portal.facilities.services.equipment import (
    change_equipment_visibility,
    create_equipment,
    delete_equipment,
    update_equipment,
)
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now
from portal.kernel.database import db, session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from portal.kernel.search import search_index
from portal.kernel.worker import Worker
from portal.organizations.models import Organization
from portal.organizations.services import roles
from portal.training.services.programs import create_program
from tests.cast import World
from tests.directory.conftest import Alerts
from tests.support.smtp import MailServer
from tests.support.statements import count_statements

ActorOf = Callable[[str], Actor]
ClientOf = Callable[[str], FlaskClient]


@pytest.fixture
def save(actor: ActorOf, world: World, alerts: Alerts) -> Callable[..., SavedSearch]:
    """Save a search for zinc as one of the cast; it tells at once by e-mail, if not told else."""

    def save_(person: str, organization: str = "", **values: Any) -> SavedSearch:
        owner = None
        if organization:
            owner = session.get_one(Organization, world.organizations[organization])
        given = {
            "name": "Zinc",
            "search": "q=zinc",
            "channel": "email",
            "frequency": "at_once",
            **values,
        }
        return services.save_search(actor(person), owner, **given)

    return save_


@pytest.fixture
def add(actor: ActorOf, world: World) -> Callable[..., Equipment]:
    """Add equipment of the shop."""

    def add_(name: str = "Zinc bath", visibility: str = "public") -> Equipment:
        shop = session.get_one(Organization, world.organizations["shop"])
        return create_equipment(actor("ana"), shop, name=name, visibility=visibility)

    return add_


def open_to(actor: ActorOf, row: Equipment, visibility: str) -> None:
    fresh = session.get_one(Equipment, row.id)
    change_equipment_visibility(actor("ana"), fresh, visibility=visibility)


def test_what_is_there_already_is_no_news_and_what_comes_is_told_once(
    save: Any, add: Any, alerts: Alerts
) -> None:
    add()
    alerts.drain()
    save("dov")
    assert alerts.round() == []

    second = add()
    [alert] = alerts.round()
    assert alert.recipient == "dov@cast.example"
    assert alert.subject == "“Zinc”: 1 new result"
    assert "/account/mail#searches" in alert.text
    assert alert.equipment == (second.id,)
    assert alerts.round() == []


def test_a_program_that_is_new_is_news_like_every_record(
    actor: ActorOf, world: World, save: Callable[..., SavedSearch], alerts: Alerts
) -> None:
    save("dov", search="q=zinc&kind=program")
    assert alerts.round() == []
    college = session.get_one(Organization, world.organizations["college"])
    program = create_program(actor("cleo"), college, title="Zinc plating", visibility="public")

    [alert] = alerts.round()

    assert "Zinc plating" in alert.text
    assert f"/training/programs/{program.id}>" in alert.text


def test_what_is_there_is_no_news_for_a_search_that_a_token_without_reading_saved(
    add: Any, alerts: Alerts, actor: ActorOf
) -> None:
    add()
    alerts.drain()
    program = dataclasses.replace(actor("dov"), scopes=frozenset({"searches:write"}))
    services.save_search(
        program, name="Zinc", search="q=zinc", channel="email", frequency="at_once"
    )
    assert alerts.round() == []


def test_the_workers_clock_runs_what_is_due_and_nothing_else(
    app: Flask, save: Any, add: Any, alerts: Alerts
) -> None:
    save("dov")
    job = app.extensions["portal-jobs"]["report_due_searches"]
    worker = Worker(app, {job.name: job})
    alerts.drain()
    worker.run_jobs()
    assert worker.run_jobs() == 0
    bath = add()
    alerts.drain()
    with time_machine.travel(now() + dt.timedelta(seconds=job.every_seconds + 1)):
        assert worker.run_jobs() == 1
        alerts.drain()
        assert [alert.equipment for alert in alerts.fresh()] == [(bath.id,)]
    with time_machine.travel(now() + dt.timedelta(seconds=2 * job.every_seconds + 2)):
        worker.run_jobs()  # the mail was an event, too
        alerts.drain()
        assert worker.run_jobs() == 0


def test_a_result_that_comes_by_a_wider_audience_or_another_text_is_news(
    save: Any, add: Any, alerts: Alerts, actor: ActorOf
) -> None:
    hidden, other = add(visibility="members"), add("Tin bath")
    alerts.drain()
    save("dov")

    open_to(actor, hidden, "public")
    assert [alert.equipment for alert in alerts.round()] == [(hidden.id,)]
    fresh = session.get_one(Equipment, other.id)
    update_equipment(actor("ana"), fresh, name="Tin and zinc bath")
    assert [alert.equipment for alert in alerts.round()] == [(other.id,)]


def test_a_round_without_news_writes_once_however_many_searches_there_are(
    save: Any, add: Any, alerts: Alerts
) -> None:
    for person in ("dov", "eve", "ana"):
        save(person)
    alerts.round()
    add("Tin bath")
    alerts.drain()
    changed_at = select(SavedSearch.updated_at).order_by(SavedSearch.id)
    before = session.scalars(changed_at).all()
    with count_statements() as seen:
        report_due_searches()
    written = [text for text in seen.texts if not text.lstrip().startswith(("SELECT", "PRAGMA"))]
    assert len([text for text in written if text.startswith("UPDATE saved_search ")]) == 1
    # PostgreSQL's driver begins by itself, and nobody hears of it.
    begun = 1 if db.engine.dialect.name == "sqlite" else 0
    assert len([text for text in written if text.startswith("BEGIN IMMEDIATE")]) == begun
    assert session.scalars(changed_at).all() == before
    with count_statements() as seen:
        report_due_searches()
    assert not [text for text in seen.texts if text.startswith("UPDATE")]


def test_what_somebody_may_see_since_joining_an_organization_is_news(
    save: Any, add: Any, alerts: Alerts, world: World
) -> None:
    inside = add(visibility="organization")
    alerts.drain()
    save("eve")
    assert alerts.round() == []

    shop = session.get_one(Organization, world.organizations["shop"])
    roles.appoint_member(SYSTEM, shop, user_id=world.users["eve"], role="member")
    assert [alert.equipment for alert in alerts.round()] == [(inside.id,)]


def test_what_was_hidden_and_comes_back_is_not_told_twice(
    save: Any, add: Any, alerts: Alerts, actor: ActorOf
) -> None:
    save("dov")
    bath = add()
    assert len(alerts.round()) == 1
    for visibility in ("draft", "public"):
        open_to(actor, bath, visibility)
        assert alerts.round() == []


def test_a_new_record_with_the_number_of_a_deleted_one_is_news(
    save: Any, add: Any, alerts: Alerts, actor: ActorOf
) -> None:
    there = add()
    alerts.drain()
    save("dov")
    delete_equipment(actor("ana"), session.get_one(Equipment, there.id))
    second = add()
    assert [alert.equipment for alert in alerts.round()] == [(second.id,)]
    delete_equipment(actor("ana"), session.get_one(Equipment, second.id))
    third = add()
    assert [alert.equipment for alert in alerts.round()] == [(third.id,)]


def test_what_was_there_is_only_gone_through_where_numbers_come_again(
    save: Any, add: Any, alerts: Alerts, actor: ActorOf
) -> None:
    there = add()
    alerts.drain()
    save("dov")
    delete_equipment(actor("ana"), session.get_one(Equipment, there.id))
    with count_statements() as seen:
        alerts.drain()
    is_gone_through = any("FROM saved_search_baseline" in text for text in seen.texts)
    assert is_gone_through == (db.engine.dialect.name == "sqlite")


def test_what_is_hidden_before_the_mail_is_written_is_told_when_it_is_open_again(
    save: Any, add: Any, alerts: Alerts, actor: ActorOf
) -> None:
    save("dov")
    first, second = add(), add()
    alerts.drain()
    report_due_searches()
    open_to(actor, first, "organization")
    alerts.drain()
    assert [alert.equipment for alert in alerts.fresh()] == [(second.id,)]

    open_to(actor, first, "public")
    assert [alert.equipment for alert in alerts.round()] == [(first.id,)]


def test_the_index_alone_persuades_nobody(
    save: Any, add: Any, alerts: Alerts, actor: ActorOf
) -> None:
    saved = save("dov")
    bath = add()
    alerts.drain()
    open_to(actor, bath, "organization")
    report_due_searches()
    assert saved_searches.reported_keys(session.get_one(SavedSearch, saved.id)) == set()


def test_a_paused_search_tells_afterwards_what_came_meanwhile(
    save: Any, add: Any, alerts: Alerts, actor: ActorOf
) -> None:
    saved = save("dov")
    services.pause_search(actor("dov"), saved)
    bath = add()
    assert alerts.round() == []
    services.resume_search(actor("dov"), session.get_one(SavedSearch, saved.id))
    assert [alert.equipment for alert in alerts.round()] == [(bath.id,)]


def test_a_search_with_words_that_nothing_has_does_not_tell_of_guesses(
    save: Any, add: Any, alerts: Alerts
) -> None:
    save("dov", search="q=zinc plating")
    add()
    assert alerts.round() == []


def test_many_results_are_one_message_with_some_names_and_a_way_to_all(
    save: Any, add: Any, alerts: Alerts, client_of: ClientOf
) -> None:
    saved = save("dov")
    numbers = {add(f"Zinc bath {number}").id for number in range(28)}
    [alert] = alerts.round()
    assert alert.subject == "“Zinc”: 28 new results"
    assert len(set(alert.equipment)) == 25
    assert "3 more are on the page of this search:" in alert.text

    listed: list[int] = []
    address = f"/saved-searches/{saved.id}"
    while address:
        text = client_of("dov").get(address).text
        listed += map(int, re.findall(r'<h3><a href="/equipment/(\d+)"', text))
        following = re.search(r'href="(/saved-searches/[^"]*cursor[^"]*)" rel="next"', text)
        address = following[1] if following else ""
    assert len(listed) == 28
    assert set(listed) == numbers


def test_an_organizations_search_sees_what_all_of_its_people_see_and_tells_each(
    save: Any, add: Any, alerts: Alerts, world: World, actor: ActorOf
) -> None:
    save("cleo", "college", name="Shared")
    inside, members = add(visibility="organization"), add(visibility="members")
    college = session.get_one(Organization, world.organizations["college"])
    roles.appoint_member(SYSTEM, college, user_id=world.users["ben"], role="member")

    told = alerts.round()
    # Ben sees the shop's own equipment, the others of the college do not.
    assert {alert.recipient for alert in told} == {"cleo@cast.example", "ben@cast.example"}
    assert {alert.equipment for alert in told} == {(members.id,)}
    assert inside.id != members.id


def test_managers_share_searches_and_members_only_read_them(
    save: Any, actor: ActorOf, world: World
) -> None:
    shared = save("ana", "shop")
    for name in ("ben", "eve"):
        with pytest.raises(Forbidden):
            save(name, "shop")
    with pytest.raises(Forbidden):
        services.pause_search(actor("ben"), shared)
    with pytest.raises(NotFound):
        services.pause_search(actor("eve"), shared)
    services.mark_seen(actor("ben"), shared)


@pytest.mark.parametrize(
    ("organization", "path"), [("", "/saved-searches/{}/edit>"), ("shop", "/saved-searches>")]
)
def test_mail_leads_to_where_one_may_change_how_a_search_tells(
    save: Any, add: Any, alerts: Alerts, organization: str, path: str
) -> None:
    saved = save("ana", organization)
    add()
    assert path.format(saved.id) in alerts.round()[0].text


def test_one_person_stops_the_mail_of_an_organization_and_the_others_still_get_it(
    save: Any, add: Any, alerts: Alerts, client_of: ClientOf
) -> None:
    saved = save("ana", "shop")
    add()
    told = {alert.recipient: alert for alert in alerts.round()}
    assert set(told) == {"ana@cast.example", "ben@cast.example"}

    stranger = client_of("nobody")
    path = told["ben@cast.example"].stop_url.removeprefix("http://127.0.0.1:8000")
    assert "Stop this e-mail?" in stranger.get(path).text
    assert session.get_one(SavedSearch, saved.id).is_paused is False
    assert "The e-mail is stopped" in stranger.post(path).text
    add()
    assert [alert.recipient for alert in alerts.round()] == ["ana@cast.example"]

    assert "No e-mail to you" in client_of("ben").get("/saved-searches").text
    client_of("ben").post(f"/saved-searches/{saved.id}/actions/receive")
    add()
    assert len(alerts.round()) == 2


@pytest.mark.parametrize(("owner", "organization"), [("eve", ""), ("ana", "shop")])
def test_an_old_link_tells_nothing_of_a_search_that_has_the_number_of_a_deleted_one(
    save: Any, client_of: ClientOf, world: World, owner: str, organization: str
) -> None:
    new = save(owner, organization, name="Private plans")
    token = rules.sign_stop("only-for-tests", new.id, world.users["dov"])
    found = client_of("nobody").get(f"/stop-search/{token}")
    assert found.status_code == 404
    assert "Private plans" not in found.text
    assert client_of("nobody").post(f"/stop-search/{token}").status_code == 404


def test_stopping_ones_own_search_pauses_it_so_that_nothing_is_lost(
    save: Any, add: Any, alerts: Alerts, client_of: ClientOf
) -> None:
    saved = save("dov")
    add()
    [alert] = alerts.round()
    path = alert.stop_url.removeprefix("http://127.0.0.1:8000")
    client_of("nobody").post(path)
    add()
    assert alerts.round() == []
    client_of("dov").post(f"/saved-searches/{saved.id}/actions/resume")
    assert len(alerts.round()) == 1


@pytest.mark.parametrize("change", ["other person", "other search", "cut", "nonsense"])
def test_a_stop_link_that_is_not_ours_stops_nothing(
    save: Any, client_of: ClientOf, world: World, change: str
) -> None:
    saved = save("dov")
    token = rules.sign_stop("only-for-tests", saved.id, world.users["dov"])
    search_id, person, seal = token.split("-")
    forged = {
        "other person": f"{search_id}-{world.users['ana']}-{seal}",
        "other search": f"{world.saved_searches['ana']}-{person}-{seal}",
        "cut": token[:-1],
        "nonsense": "x",
    }[change]
    assert client_of("nobody").post(f"/stop-search/{forged}").status_code == 404
    assert session.get_one(SavedSearch, saved.id).is_paused is False


def test_a_mail_program_stops_the_mail_with_one_click(
    app: Flask,
    save: Any,
    add: Any,
    alerts: Alerts,
    client_of: ClientOf,
    mail_server: MailServer,
    drain: Callable[[], None],
) -> None:
    saved = save("dov")
    add()
    app.config["MAIL_URL"] = mail_server.url
    try:
        alerts.round()
    finally:
        app.config["MAIL_URL"] = "mailbox:"
    [delivery] = mail_server.deliveries
    assert delivery.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.fullmatch(
        r"<http://127\.0\.0\.1:8000(/stop-search/\S+)>", str(delivery.message["List-Unsubscribe"])
    )
    assert found is not None

    app.config["WTF_CSRF_ENABLED"] = True
    try:
        other = client_of("nobody").post(found[1], data={"x": "y"})
        click = client_of("nobody").post(found[1], data={"List-Unsubscribe": "One-Click"})
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert other.status_code == 400
    assert click.status_code == 200
    assert session.get_one(SavedSearch, saved.id).is_paused is True


def test_the_desk_counts_what_is_new_until_it_is_marked_as_seen(
    save: Any, add: Any, alerts: Alerts, client_of: ClientOf, actor: ActorOf
) -> None:
    saved = save("ana", "shop", channel="desk")
    add()
    hidden = add()
    assert alerts.round() == []
    for name in ("ana", "ben"):
        assert "2 new results" in client_of(name).get("/desk").text
    open_to(actor, hidden, "draft")
    assert "1 new result" in client_of("ben").get("/desk").text
    assert "is gone or no longer open" in client_of("ben").get(f"/saved-searches/{saved.id}").text

    client_of("ben").post(f"/saved-searches/{saved.id}/actions/seen")
    assert "new result" not in client_of("ben").get("/desk").text
    assert "new result" in client_of("ana").get("/desk").text
    assert "new result" not in client_of("eve").get("/desk").text


def test_the_desk_counts_no_draft_that_the_page_of_the_search_does_not_list(
    app: Flask, save: Any, add: Any, alerts: Alerts, client_of: ClientOf, actor: ActorOf
) -> None:
    saved = save("ana", "shop", channel="desk")
    add()
    hidden = add()
    alerts.round()
    open_to(actor, hidden, "draft")
    alerts.drain()
    ana = client_of("ana")
    assert ana.get(f"/saved-searches/{saved.id}").text.count('<h3><a href="/equipment/') == 1
    assert "1 new result" in ana.get("/desk").text
    shutil.rmtree(Path(app.instance_path) / "index")
    assert "new result" in ana.get("/desk").text


def test_one_search_with_much_news_does_not_hide_that_of_another(
    save: Any,
    add: Any,
    alerts: Alerts,
    client_of: ClientOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(saved_searches, "MOST_NEWS", 2)
    save("dov", channel="desk", name="Many")
    save("dov", channel="desk", name="Few", search="q=cobalt")
    for _time in range(3):
        add()
    alerts.round()
    add("Cobalt bath")
    alerts.round()
    text = client_of("dov").get("/desk").text
    assert "Many" in text
    assert "2 new results or more" in text
    assert "Few" in text


def test_who_joins_later_finds_no_old_news_on_the_desk(
    save: Any, add: Any, alerts: Alerts, client_of: ClientOf, world: World
) -> None:
    save("ana", "shop", channel="desk")
    add()
    alerts.round()
    shop = session.get_one(Organization, world.organizations["shop"])
    roles.appoint_member(SYSTEM, shop, user_id=world.users["eve"], role="member")
    assert "new result" not in client_of("eve").get("/desk").text


def test_what_comes_while_somebody_looks_is_not_marked_as_seen(
    save: Any, add: Any, alerts: Alerts, client_of: ClientOf
) -> None:
    saved = save("dov", channel="desk")
    add()
    alerts.round()
    dov, address = client_of("dov"), f"/saved-searches/{saved.id}"
    [round_number] = re.findall(r'name="round" value="(\d+)"', dov.get(address).text)
    add()
    alerts.round()
    dov.post(f"{address}/actions/seen", data={"round": round_number})
    assert "1 new result" in dov.get("/desk").text


def test_without_an_index_a_round_is_put_off_and_nothing_is_lost(
    app: Flask, save: Any, add: Any, alerts: Alerts
) -> None:
    save("dov")
    bath = add()
    alerts.drain()
    shutil.rmtree(Path(app.instance_path) / "index")
    assert report_due_searches() == 0
    search_index().rebuild()
    report_due_searches()
    alerts.drain()
    assert [alert.equipment for alert in alerts.fresh()] == [(bath.id,)]


@pytest.mark.parametrize("query", ["near=40299&q=zinc", "color=red&q=zinc"])
def test_a_search_whose_filter_or_place_is_gone_rests_instead_of_finding_everything(
    save: Any, add: Any, alerts: Alerts, client_of: ClientOf, query: str
) -> None:
    saved = save("dov")
    with unit_of_work():
        session.execute(update(SavedSearch).values(query=query))
    add()
    assert alerts.round() == []
    assert "no longer exists" in client_of("dov").get("/saved-searches").text
    assert "no longer exists" in client_of("dov").get(f"/saved-searches/{saved.id}").text


def test_a_search_whose_filter_is_gone_can_be_renamed_and_paused_but_not_narrowed(
    save: Any, client_of: ClientOf
) -> None:
    saved, dov = save("dov"), client_of("dov")
    with unit_of_work():
        session.execute(update(SavedSearch).values(query="color=red&q=zinc"))
    address = f"/api/v1/saved-searches/{saved.id}"
    changed = dov.patch(address, json={"name": "Old", "is_paused": True}).get_json()
    assert (changed["name"], changed["is_paused"]) == ("Old", True)
    values = {"name": "Older", "channel": "desk", "frequency": "daily"}
    assert dov.post(f"/saved-searches/{saved.id}/edit", data=values).status_code == 303
    assert "Older" in dov.get("/saved-searches").text
    assert dov.patch(address, json={"search": "color=red&q=tin"}).status_code == 422


@pytest.mark.parametrize(
    "search",
    [
        "near=00000",
        "color=red",
        "q=" + "ü" * 400 + "".join(f"&county={n:05}" + "x" * 90 for n in range(20)),
    ],
)
def test_a_search_that_there_cannot_be_is_not_saved(save: Any, search: str) -> None:
    with pytest.raises(Invalid):
        save("dov", search=search)


def test_nobody_has_more_saved_searches_than_there_may_be(
    save: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST_SAVED", 2)
    save("dov")
    save("dov")
    with pytest.raises(Conflict, match="2 saved searches"):
        save("dov")
    save("eve")


@pytest.mark.parametrize("organization", ["", "shop"])
def test_two_searches_saved_at_once_are_counted_one_after_the_other(
    save: Any, organization: str
) -> None:
    with count_statements() as seen:
        save("ana", organization)
    statements = list(enumerate(seen.texts))
    counted = next(place for place, text in statements if "count(saved_search.id)" in text)
    owner = "FROM organization " if organization else "FROM users "
    locked = [place for place, text in statements if owner in text and "FOR UPDATE" in text]
    # SQLite has but one writer.
    assert db.engine.dialect.name == "sqlite" or locked[0] < counted


def test_daily_and_weekly_searches_wait_for_their_morning(
    save: Any, add: Any, alerts: Alerts, drain: Callable[[], None]
) -> None:
    with time_machine.travel("2026-10-07T15:00:00Z", tick=False):  # a Wednesday
        save("dov", frequency="daily", name="Daily")
        save("eve", frequency="weekly", name="Weekly")
        add()
        assert alerts.round() == []
    with time_machine.travel("2026-10-08T11:00:01Z", tick=False):
        assert [alert.recipient for alert in alerts.round()] == ["dov@cast.example"]
        assert alerts.round() == []
    with time_machine.travel("2026-10-12T11:00:01Z", tick=False):
        assert [alert.recipient for alert in alerts.round()] == ["eve@cast.example"]


@pytest.mark.parametrize(
    ("frequency", "after", "due"),
    [
        ("daily", "2026-10-07T10:59:00+00:00", "2026-10-07T11:00:00+00:00"),
        ("daily", "2026-10-07T11:00:00+00:00", "2026-10-08T11:00:00+00:00"),
        ("weekly", "2026-10-07T15:00:00+00:00", "2026-10-12T11:00:00+00:00"),
        # Clocks go back on the first Sunday of November.
        ("daily", "2026-10-31T15:00:00+00:00", "2026-11-01T12:00:00+00:00"),
    ],
)
def test_the_next_morning_is_seven_by_the_clock_of_the_place(
    frequency: str, after: str, due: str
) -> None:
    found = rules.next_run(frequency, dt.datetime.fromisoformat(after), "America/New_York")
    assert found == dt.datetime.fromisoformat(due)


@pytest.mark.parametrize("numbers", [set(), {1}, {5, 6, 7, 2**31 - 1}, set(range(0, 100_000, 3))])
def test_numbers_are_read_as_they_were_written(numbers: set[int]) -> None:
    packed = rules.pack_numbers(numbers)
    assert rules.unpack_numbers(packed) == numbers
    assert len(packed) < 1_000


def test_the_database_refuses_to_report_a_result_twice(save: Any, add: Any, alerts: Alerts) -> None:
    saved = save("dov")
    bath = add()
    alerts.round()
    # Another worker that found the same at the same moment finds it known.
    again = services.report_results(
        SYSTEM,
        session.get_one(SavedSearch, saved.id),
        reader=saved_searches.organization_actor(1),
        query="q=zinc",
        keys=[("equipment", bath.id)],
    )
    assert again == 0
    assert session.scalar(select(func.count(SavedSearchResult.id))) == 1


def test_a_search_is_saved_from_its_results_changed_and_deleted(
    client_of: ClientOf, indexed: None
) -> None:
    dov = client_of("dov")
    page = dov.get("/search?q=mill&kind=equipment&near=40202&page=1&sort=title").text
    link = re.search(r'href="(/saved-searches/new\?[^"]+)"', page)
    assert link is not None
    form = dov.get(link[1].replace("&amp;", "&")).text
    assert "“mill” · Equipment · within 50 miles of 40202" in form
    assert 'value="mill"' in form
    assert 'value="q=mill&amp;kind=equipment&amp;near=40202"' in form

    data = {"name": "Mills", "search": "q=mill", "channel": "email", "frequency": "daily"}
    address = dov.post("/saved-searches/new", data=data).headers["Location"]
    shown = dov.get(address).text
    assert "“Mills” is saved." in shown
    assert "It sends you e-mail: every morning" in shown

    dov.post(f"{address}/edit", data={**data, "name": "All mills", "channel": "desk"})
    assert "It sends no e-mail." in dov.get(address).text
    number = address.rpartition("/")[2]
    again = dov.post("/saved-searches/new", data={**data, "search": "q=press", "replaces": number})
    assert again.headers["Location"] == address
    assert "“press”" in dov.get(address).text
    assert dov.post(f"{address}/delete").status_code == 200
    dov.post(f"{address}/delete", data={"confirmed": "yes"})
    assert dov.get(address).status_code == 404


def test_a_program_keeps_saved_searches_with_the_scope_for_it(
    client_of: ClientOf, indexed: None, world: World
) -> None:
    dov = client_of("dov")
    body = {"name": "Mills", "search": "?q=mill", "channel": "desk", "frequency": "at_once"}
    made = dov.post("/api/v1/saved-searches", json=body)
    assert made.status_code == 201
    address = made.headers["Location"]
    assert made.get_json()["search"] == "q=mill"
    assert dov.patch(address, json={"is_paused": True}).get_json()["is_paused"] is True
    changed = dov.patch(address, json={"is_paused": False, "name": "All mills"}).get_json()
    assert (changed["is_paused"], changed["name"]) == (False, "All mills")
    assert [item["name"] for item in dov.get("/api/v1/saved-searches").get_json()["items"]] == [
        "All mills"
    ]
    assert dov.patch(address, json={"search": "color=red"}).status_code == 422
    # Nothing stands for everything: that is said with an empty text.
    refused = dov.patch(address, json={"search": None})
    assert (refused.status_code, list(refused.get_json()["errors"])) == (422, ["search"])
    assert dov.get(address).get_json()["search"] == "q=mill"
    many = "&".join(f"county={number}" for number in range(rules.MOST_VALUES + 1))
    refused = dov.patch(address, json={"search": many})
    assert refused.get_json()["errors"] == {"search": ["Choose at most 20 values of one filter."]}
    assert (
        dov.post(
            "/api/v1/saved-searches", json={**body, "organization_id": world.organizations["shop"]}
        ).status_code
        == 403
    )
    assert dov.delete(address).status_code == 204
    assert dov.get(address).status_code == 404


def test_a_long_list_takes_as_many_statements_as_a_short_one(
    save: Any, client_of: ClientOf
) -> None:
    counts = []
    for number in range(12):
        place = "40202" if number % 2 else "40210"
        save("dov", search=f"q=zinc{number}&near={place}-1234&county=2111{number}")
        if number in (1, 11):
            client_of("dov").get("/saved-searches")
            with count_statements() as seen:
                text = client_of("dov").get("/saved-searches").text
            assert text.count("within 50 miles") == number + 1
            counts.append(seen.count)
    assert counts[0] == counts[1]


@pytest.mark.parametrize("search", ["q=zinc%00", "county=%00", "capability=%00&kind=%00"])
def test_a_search_with_nul_is_saved_and_listed_without_it_and_finds_nothing(
    save: Any, client_of: ClientOf, search: str
) -> None:
    saved = save("ana", search=search)
    assert "\0" not in str(rules.read_query(saved.query))
    for path in ("/saved-searches", f"/saved-searches/{saved.id}"):
        answer = client_of("ana").get(path)
        assert (answer.status_code, b"\0" in answer.data) == (200, False)
    wanted = saved_searches.search_of(saved.query)
    assert wanted is not None
    assert not searching.matching_keys(saved_searches.organization_actor(1), wanted)


def test_a_zip_code_of_nul_is_refused_beside_its_form(save: Any, client_of: ClientOf) -> None:
    with pytest.raises(Invalid):
        save("ana", search="near=%00")
    answer = client_of("ana").post(
        "/saved-searches/new",
        data={"name": "", "search": "near=%00", "channel": "desk", "frequency": "daily"},
    )
    assert answer.status_code == 422
