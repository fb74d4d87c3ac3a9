"""Cases: what brokers may do with them, what they are told, and who reads nothing of it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from portal.agreements.models import Agreement
from portal.brokerage.events import IntroductionConsented, IntroductionOpened
from portal.brokerage.models.cases import Case, CaseNote, CaseTask
from portal.brokerage.models.introductions import Introduction
from portal.brokerage.queries import cases as queries
from portal.brokerage.queries.cases import Choice
from portal.brokerage.rules.stages import CASES, CLOSED_STAGES, OPEN_STAGES, STAGES, is_ahead
from portal.brokerage.services import cases as services
from portal.brokerage.views import desk as desk_pages
from portal.conversations.models import Message, Thread
from portal.directory.models import UnmetDemand
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now, today_here
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.mail import OutgoingMail
from portal.kernel.outbox import Event, record
from portal.organizations.models import Organization
from portal.regions.models import BrokerAppointment, Region
from tests.cast import World

Actors = Callable[[str], Actor]
Clients = Callable[[str], FlaskClient]


def region(world: World) -> Region:
    return session.get_one(Region, world.regions["greater-louisville"])


def case(world: World) -> Case:
    return queries.get_visible_case(SYSTEM, world.cases["shop"])


@pytest.fixture
def second_broker(world: World, actor: Actors) -> Actor:
    """Cleo is appointed as well."""
    with unit_of_work():
        session.add(
            BrokerAppointment(
                region_id=world.regions["greater-louisville"], user_id=world.users["cleo"]
            )
        )
    return actor("cleo")


@pytest.mark.parametrize("stage", OPEN_STAGES)
@pytest.mark.parametrize("action", ["qualify", "introduce", "talk", "agree", "deliver"])
def test_open_case_moves_to_any_other_open_stage(stage: str, action: str) -> None:
    step = CASES.transitions[action]
    assert (stage in step.sources) == (stage != step.target)


def test_only_closed_cases_are_opened_again() -> None:
    assert CASES.transitions["reopen"].sources == CLOSED_STAGES


def test_losing_needs_a_reason_that_stays_on_record(world: World, actor: Actors) -> None:
    with pytest.raises(Invalid, match="reason"):
        services.act_on_case(actor("dov"), case(world), "lose")
    services.act_on_case(actor("dov"), case(world), "lose", note="They bought one.")
    closed = case(world)
    assert closed.status == "closed_lost"
    assert [step.note for step in CASES.history(closed)] == ["They bought one."]


@pytest.mark.parametrize(
    ("stage", "other", "expected"),
    [
        ("agreed", "new", True),
        ("new", "agreed", False),
        ("agreed", "agreed", False),
        ("agreed", "closed_lost", False),
    ],
)
def test_work_is_only_brought_on(stage: str, other: str, expected: bool) -> None:
    assert is_ahead(stage, other) is expected


def test_what_others_did_brings_cases_on_and_never_back(world: World, actor: Actors) -> None:
    request_id = world.requests["shop_public"]
    assert services.advance_cases(SYSTEM, request_id=request_id, stage="introduced") == 1
    assert services.advance_cases(SYSTEM, request_id=request_id, stage="qualified") == 0
    assert case(world).status == "introduced"
    services.act_on_case(actor("dov"), case(world), "lose", note="Too dear.")
    assert services.advance_cases(SYSTEM, request_id=request_id, stage="agreed") == 0
    assert case(world).status == "closed_lost"


@pytest.mark.parametrize(
    ("event", "stage"), [(IntroductionConsented, "introduced"), (IntroductionOpened, "in_talks")]
)
def test_introduction_brings_the_case_of_its_request_on(
    world: World, drain: Callable[[], None], event: Callable[[int], Event], stage: str
) -> None:
    with unit_of_work():
        introduction = Introduction(
            region_id=world.regions["greater-louisville"],
            request_id=world.requests["shop_public"],
            title="A lab that measures",
            terms="Nothing leaves the room.",
            answer_days=14,
            answer_by=now() + dt.timedelta(days=14),
        )
        session.add(introduction)
        session.flush()
        record(event(introduction.id))
    drain()
    assert case(world).status == stage
    assert CASES.history(case(world))[-1].note == ""


def test_another_region_that_follows_the_request_reads_nothing_of_what_was_agreed_elsewhere(
    world: World, drain: Callable[[], None]
) -> None:
    """Nor the title of an introduction, which the brokers of its own region read."""
    with unit_of_work():
        other = Region(key="elsewhere", name="Elsewhere")
        session.add(other)
        session.flush()
        elsewhere = Case(
            region_id=other.id, title="From afar", request_id=world.requests["shop_public"]
        )
        introduction = session.get_one(Introduction, world.introductions["shop_aero"])
        introduction.request_id = world.requests["shop_public"]
        introduction.title = "A lab that measures"
        session.add(elsewhere)
        record(IntroductionOpened(introduction.id))
    drain()
    followed = session.get_one(Case, elsewhere.id)
    assert followed.status == "in_talks"
    assert [step.note for step in CASES.history(followed)] == [""]


def test_request_has_one_case_in_a_region(world: World, actor: Actors) -> None:
    with pytest.raises(Conflict, match="Shop public need"):
        services.open_case(actor("dov"), region(world), request_id=world.requests["shop_public"])


def test_case_takes_title_and_organization_from_its_request(world: World, actor: Actors) -> None:
    opened = services.open_case(
        actor("dov"), region(world), request_id=world.requests["college_public"]
    )
    assert opened.title == "College public need"
    assert opened.organization_id == world.organizations["college"]
    assert opened.keeper_id == world.users["dov"]


def test_case_cannot_follow_a_request_that_its_broker_does_not_see(
    world: World, actor: Actors
) -> None:
    with pytest.raises(Invalid, match="no longer here"):
        services.open_case(actor("dov"), region(world), request_id=world.requests["shop_draft"])


def test_case_of_an_anonymous_request_does_not_name_its_organization(
    world: World, actor: Actors
) -> None:
    with unit_of_work():
        hidden = queries.find_request(SYSTEM, world.requests["college_public"])
        assert hidden is not None
        hidden.is_anonymous, hidden.anonymous_summary = True, "A college nearby."
    opened = services.open_case(
        actor("dov"), region(world), request_id=world.requests["college_public"]
    )
    assert opened.organization_id is None


def test_case_names_no_organization_that_its_broker_does_not_see(
    world: World, actor: Actors, client_of: Clients
) -> None:
    """Of an archived one, the case that has it already is kept, and can be changed."""
    number = world.organizations["college"]
    with unit_of_work():
        archived = session.get_one(Organization, number)
        archived.status, archived.name = "archived", "Bygone College"
    form = client_of("dov").get(f"/broker/cases/new?organization={number}").text
    assert "Bygone College" not in form
    with pytest.raises(Invalid, match="no such organization"):
        services.open_case(actor("dov"), region(world), title="Odd", organization_id=number)
    with unit_of_work():
        case(world).organization_id = number
    kept = {"title": "As it was", "next_action": "", "next_on": None}
    with pytest.raises(Invalid, match="no such organization"):
        services.change_case(
            actor("dov"), case(world), **kept, organization_id=world.organizations["unclaimed"] + 99
        )
    services.change_case(actor("dov"), case(world), **kept, organization_id=number)


def test_case_does_not_pass_on_what_its_broker_alone_knows(world: World, actor: Actors) -> None:
    with unit_of_work():
        hidden = queries.find_request(SYSTEM, world.requests["college_public"])
        assert hidden is not None
        hidden.is_anonymous, hidden.anonymous_summary = True, "A college nearby."
        knowing = replace(actor("dov"), memberships={world.organizations["college"]: "member"})
    opened = services.open_case(knowing, region(world), request_id=world.requests["college_public"])
    assert opened.organization_id is None


def test_only_brokers_of_the_region_keep_its_cases(world: World, actor: Actors) -> None:
    with pytest.raises(Invalid, match="broker of this region"):
        services.hand_over_case(actor("dov"), case(world), keeper_id=world.users["ana"])


def test_new_keeper_is_told(
    world: World, actor: Actors, second_broker: Actor, drain: Callable[[], None]
) -> None:
    services.hand_over_case(
        actor("dov"), case(world), keeper_id=second_broker.user_id, note="I am away in May."
    )
    drain()
    mail = session.scalars(select(OutgoingMail)).one()
    assert mail.recipient == "cleo@cast.example"
    assert "Measuring time for the shop" in mail.subject
    assert (
        "I am away in May."
        in session.scalars(
            select(CaseNote.text).where(CaseNote.case_id == world.cases["shop"])
        ).all()
    )


def test_who_is_given_a_task_is_told(
    world: World, actor: Actors, second_broker: Actor, drain: Callable[[], None]
) -> None:
    services.add_task(actor("dov"), case(world), title="Visit", keeper_id=second_broker.user_id)
    services.add_task(actor("dov"), case(world), title="Call")
    drain()
    assert [mail.recipient for mail in session.scalars(select(OutgoingMail))] == [
        "cleo@cast.example"
    ]


def test_who_is_no_broker_any_more_hears_nothing_of_a_case(
    world: World, actor: Actors, second_broker: Actor, drain: Callable[[], None]
) -> None:
    services.hand_over_case(actor("dov"), case(world), keeper_id=second_broker.user_id)
    services.add_task(actor("dov"), case(world), title="Visit", keeper_id=second_broker.user_id)
    with unit_of_work():
        session.execute(
            delete(BrokerAppointment).where(BrokerAppointment.user_id == second_broker.user_id)
        )
    drain()
    assert session.scalars(select(OutgoingMail)).all() == []


def test_several_cases_are_changed_together_or_not_at_all(world: World, actor: Actors) -> None:
    dov = actor("dov")
    other = services.open_case(dov, region(world), title="A course for the night shift")
    services.act_on_case(dov, other, "win")
    both = queries.list_visible_cases(dov, [world.cases["shop"], other.id])
    with pytest.raises(Conflict):
        services.change_cases(dov, both, action="qualify")
    assert case(world).status == "new"
    services.act_on_case(dov, queries.get_visible_case(dov, other.id), "reopen")
    both = queries.list_visible_cases(dov, [world.cases["shop"], other.id])
    services.change_cases(dov, both, action="qualify", next_action="Call", next_on=today_here())
    assert {(one.status, one.next_action) for one in both} == {("qualified", "Call")}


def test_day_without_something_to_do_is_refused(world: World, actor: Actors) -> None:
    with pytest.raises(Invalid) as refused:
        services.change_case(
            actor("dov"),
            case(world),
            title="Measuring",
            organization_id=None,
            next_action="",
            next_on=today_here(),
        )
    assert refused.value.field == "next_action"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(), True),
        (Choice(keeper="me"), True),
        (Choice(keeper="nobody"), False),
        (Choice(stage="qualified"), False),
        (Choice(stage="closed"), False),
        (Choice(due="overdue"), True),
        (Choice(due="week"), True),
        (Choice(words="measuring SHOP"), True),
        (Choice(words="welding"), False),
        (Choice(words="100%"), False),
        (Choice(words="_"), False),
        (Choice(region_id=999), False),
    ],
    ids=repr,
)
def test_board_shows_what_was_chosen(
    world: World, actor: Actors, choice: Choice, expected: bool
) -> None:
    with unit_of_work():
        case(world).next_on = today_here() - dt.timedelta(days=1)
    stages = queries.list_board(actor("dov"), choice)
    shown = [card.title for stage in stages for card in stage.cards]
    assert shown == (["Measuring time for the shop"] if expected else [])
    assert sum(stage.number for stage in stages) == len(shown)


def test_timeline_tells_steps_notes_tasks_and_the_request(world: World, actor: Actors) -> None:
    dov = actor("dov")
    with time_machine.travel(now(), tick=False):
        services.act_on_case(dov, case(world), "qualify", note="They have a budget.")
        services.act_on_case(dov, case(world), "introduce")
    services.mark_task(dov, case(world), task_id=world.cases["task"])
    tasks = queries.list_tasks(case(world))
    told = [(entry.what, entry.text) for entry in queries.timeline(dov, case(world), tasks)]
    stages = [what for what, _text in told if what.startswith("Stage")]
    assert stages[:2] == ["Stage: Introduced", "Stage: Qualified"], "of one moment, too"
    assert ("Stage: Qualified", "They have a budget.") in told
    assert ("Done: Ask for the rates", "") in told
    assert any("canary-case-note" in text for _what, text in told)
    assert ("The case was opened", "") in told


def test_timeline_tells_how_much_was_written_and_what_came_of_it_but_no_word(
    world: World, actor: Actors
) -> None:
    met = world.introductions["shop_college"]
    with unit_of_work():
        session.get_one(Introduction, met).request_id = world.requests["shop_public"]
        session.get_one(Agreement, world.agreements["active"]).request_id = case(world).request_id
        talk = Thread(subject="introduction", subject_id=met, title="Measuring")
        session.add(talk)
        session.flush()
        for words in ("canary-first-word", "canary-second-word"):
            session.add(
                Message(
                    thread_id=talk.id,
                    organization_id=world.organizations["shop"],
                    author_id=world.users["ana"],
                    text=words,
                )
            )
    told = queries.timeline(actor("dov"), case(world), [])
    said = {str(entry.what): str(entry.text) for entry in told}
    assert "2 messages were exchanged" in said
    assert "An outcome was recorded" in said
    assert "canary" not in str([entry for entry in told if "exchanged" in str(entry.what)])
    # What the parties keep to themselves is not told.
    with unit_of_work():
        session.get_one(Agreement, world.agreements["active"]).is_reported = False
    again = [str(entry.what) for entry in queries.timeline(actor("dov"), case(world), [])]
    assert "An outcome was recorded" not in again


def test_program_works_off_the_brokers_desk(world: World, client_of: Clients) -> None:
    dov = client_of("dov")
    api = "/api/v1"
    desk = dov.get(f"{api}/broker/desk", query_string={"region_id": 1}).json["items"]
    assert "Reported messages" in [section["title"] for section in desk]
    assert all(section["items"] for section in desk)
    needs = dov.get(f"{api}/broker/needs").json["items"]
    opened = dov.post(
        f"{api}/broker/open-cases", json={"request_ids": [need["id"] for need in needs]}
    )
    assert opened.json == {"done": len(needs)}
    assert dov.get(f"{api}/broker/needs").json["items"] == []
    changed = dov.post(
        f"{api}/cases/changes",
        json={"case_ids": [world.cases["shop"]], "next_action": "Call", "next_on": "2027-03-01"},
    )
    assert [row["next_action"] for row in changed.json["items"]] == ["Call"]
    assert dov.post(f"{api}/cases/changes", json={"case_ids": []}).status_code == 422

    kept = dov.post(f"{api}/case-filters", json={"name": "Late", "keeper": "me", "due": "overdue"})
    assert kept.json["values"] == {"keeper": "me", "due": "overdue"}
    again = dov.post(f"{api}/case-filters", json={"name": "Late", "stage": "closed"})
    assert (again.json["id"], again.json["values"]) == (kept.json["id"], {"stage": "closed"})
    assert dov.delete(f"{api}/case-filters/{kept.json['id']}").status_code == 204
    names = [row["name"] for row in dov.get(f"{api}/case-filters").json["items"]]
    assert "Late" not in names


def test_due_cases_and_tasks_wait_on_the_keepers_desk(
    world: World, actor: Actors, client_of: Clients
) -> None:
    with unit_of_work():
        case(world).next_on = today_here()
        session.get_one(CaseTask, world.cases["task"]).due_on = today_here()
    text = client_of("dov").get("/desk").get_data(as_text=True)
    assert "Call the lab manager" in text
    assert "Ask for the rates" in text


def test_kept_filter_leads_back_to_what_was_chosen(actor: Actors, client_of: Clients) -> None:
    dov = client_of("dov")
    dov.post("/broker/cases/filters?stage=closed&due=week", data={"name": "Closed lately"})
    kept = queries.list_filters(actor("dov"))
    assert [one.values for one in kept if one.name == "Closed lately"] == [
        {"stage": "closed", "due": "week"}
    ]
    assert "Closed lately" in dov.get("/broker/cases").get_data(as_text=True)


def test_several_cases_are_moved_from_the_board(world: World, client_of: Clients) -> None:
    dov = client_of("dov")
    answer = dov.post("/broker/cases/bulk", data={"case_id": world.cases["shop"], "action": "talk"})
    assert answer.status_code == 303
    assert case(world).status == "in_talks"


def test_board_says_when_nothing_was_chosen(world: World, client_of: Clients) -> None:
    text = client_of("dov").post("/broker/cases/bulk", data={"action": "talk"}).get_data(True)
    assert "Please choose at least one." in text


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/broker/cases/bulk", "case_id"),
        ("/broker/open-cases", "request_id"),
        ("/broker/ask-to-confirm", "organization_id"),
    ],
)
def test_what_is_no_number_of_a_record_is_refused(client_of: Clients, path: str, name: str) -> None:
    for odd in ("", "x", "-1", "9" * 30, "\x00"):
        answer = client_of("dov").post(path, data={name: odd, "action": "talk"})
        assert "Please give a number." in answer.get_data(as_text=True)


def test_needs_are_followed_from_the_desk(world: World, client_of: Clients) -> None:
    dov = client_of("dov")
    text = dov.get("/broker").get_data(as_text=True)
    assert "College public need" in text
    assert "Nothing found for it yet" in text
    dov.post("/broker/open-cases", data={"request_id": world.requests["college_public"]})
    opened = session.scalar(select(Case).where(Case.request_id == world.requests["college_public"]))
    assert opened is not None
    assert opened.keeper_id == world.users["dov"]
    assert "College public need" not in dov.get("/broker").get_data(as_text=True)


def test_desk_says_that_there_is_more_and_leads_to_all(
    world: World, client_of: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_pages, "MOST_OF_A_SORT", 1)
    with unit_of_work():
        session.execute(update(Organization).values(confirmed_at=now() - dt.timedelta(days=400)))
    dov = client_of("dov")
    stale = dov.get("/api/v1/broker/stale-organizations").json["items"]
    boxes = [f'id="organization_id-{one["id"]}"' for one in stale]
    assert len(boxes) > 1
    text = dov.get("/broker").text
    assert [box in text for box in boxes] == [True] + [False] * (len(boxes) - 1)
    assert "Only the first 1 are shown." in text
    assert 'href="/broker?all=yes#stale"' in text
    whole = dov.get("/broker?all=yes").text
    assert all(page in whole for page in boxes)
    assert "are shown." not in whole


def test_organization_that_went_stale_is_asked_once_a_month(
    world: World, client_of: Clients, drain: Callable[[], None]
) -> None:
    with unit_of_work():
        session.get_one(Organization, world.organizations["shop"]).confirmed_at = dt.datetime.now(
            dt.UTC
        ) - dt.timedelta(days=400)
    dov = client_of("dov")
    for _again in range(2):
        dov.post("/broker/ask-to-confirm", data={"organization_id": world.organizations["shop"]})
    drain()
    assert [mail.recipient for mail in session.scalars(select(OutgoingMail))] == [
        "ana@cast.example"
    ]


@pytest.mark.parametrize("name", ["ana", "ben", "cleo", "eve", "root"])
def test_nobody_but_the_regions_brokers_reads_of_cases(
    world: World, client_of: Clients, name: str
) -> None:
    client = client_of(name)
    assert client.get(f"/broker/cases/{world.cases['shop']}").status_code == 404
    for url in (
        f"/requests/{world.requests['shop_public']}",
        f"/organizations/{world.organizations['shop']}",
    ):
        assert "Measuring time for the shop" not in client.get(url).get_data(as_text=True)


def test_broker_finds_the_case_on_the_page_of_its_request(world: World, client_of: Clients) -> None:
    text = client_of("dov").get(f"/requests/{world.requests['shop_public']}").get_data(True)
    assert "Measuring time for the shop" in text


def test_every_stage_has_a_name() -> None:
    assert set(STAGES) == {*OPEN_STAGES, *CLOSED_STAGES}


def test_program_follows_a_case_from_opening_to_closing(world: World, client_of: Clients) -> None:
    dov = client_of("dov")
    opened = dov.post(
        "/api/v1/cases",
        json={
            "region_id": world.regions["greater-louisville"],
            "request_id": world.requests["college_public"],
        },
    )
    assert opened.status_code == 201, opened.text
    url = opened.headers["Location"]
    assert opened.json["title"] == "College public need"
    dov.patch(url, json={"next_action": "Call", "next_on": "2030-01-07"})
    dov.post(f"{url}/notes", json={"text": "They are open to Saturdays."})
    task = dov.post(f"{url}/tasks", json={"title": "Ask for the rates"}).json
    dov.patch(f"{url}/tasks/{task['id']}", json={"is_done": True})
    refused = dov.post(f"{url}/actions/lose", json={})
    assert refused.json["errors"] == {"note": ["Please give a reason."]}
    closed = dov.post(f"{url}/actions/win", json={"note": "A contract for a year."}).json
    assert (closed["stage"], closed["next_on"]) == ("closed_won", "2030-01-07")
    assert [one["text"] for one in dov.get(f"{url}/notes").json["items"]] == [
        "They are open to Saturdays."
    ]
    assert dov.get(f"{url}/tasks").json["items"][0]["done_at"] is not None
    listed = dov.get("/api/v1/cases?stage=closed").json["items"]
    assert [one["id"] for one in listed] == [closed["id"]]


def test_desk_tells_what_was_not_found_around_the_region_of_the_reader(
    client_of: Clients,
) -> None:
    with unit_of_work():
        session.add_all(
            UnmetDemand(day=today_here(), words=words, county_fips=county, searches=searches)
            for words, county, searches in (
                ("cold spray", "21111", 4),
                ("said by one alone", "21111", 1),
                ("far from here", "20173", 9),
            )
        )
    text = client_of("dov").get("/broker").get_data(as_text=True)
    assert "/search?q=cold+spray" in text
    assert "said by one alone" not in text
    assert "far from here" not in text


def test_case_is_opened_from_a_request_and_edited(world: World, client_of: Clients) -> None:
    dov = client_of("dov")
    form = dov.get(f"/broker/cases/new?request={world.requests['college_public']}").text
    assert "College public need" in form
    url = dov.post(
        "/broker/cases/new",
        data={
            "region_id": world.regions["greater-louisville"],
            "request_id": world.requests["college_public"],
            "note": "They called twice.",
        },
    ).headers["Location"]
    assert "They called twice." in dov.get(url).text
    assert 'value="College public need"' in dov.get(f"{url}/edit").text
    refused = dov.post(f"{url}/edit", data={"title": "A mill", "next_on": "2030-01-07"}).text
    assert "Please say what is to be done by that day." in refused
    dov.post(f"{url}/edit", data={"title": "A mill for a course", "next_action": "Visit"})
    assert "A mill for a course" in dov.get(url).text


def test_case_of_a_foreign_region_is_not_opened(world: World, client_of: Clients) -> None:
    text = (
        client_of("dov")
        .post("/broker/cases/new", data={"region_id": world.regions["wichita"], "title": "A mill"})
        .text
    )
    assert "Please choose one of your regions." in text


def test_case_is_worked_on_from_its_page(
    world: World, client_of: Clients, second_broker: Actor
) -> None:
    dov, url = client_of("dov"), f"/broker/cases/{world.cases['shop']}"
    dov.post(f"{url}/notes", data={"text": "They want Saturdays."})
    dov.post(f"{url}/tasks", data={"title": "Send the rates", "due_on": "2026-01-05"})
    text = dov.get(url).text
    assert "They want Saturdays." in text
    assert "Late: " in text
    task = f"{url}/tasks/{world.cases['task']}"
    dov.post(f"{task}/done")
    assert "Done: Ask for the rates" in dov.get(url).text
    dov.post(f"{task}/undo")
    assert "Done: Ask for the rates" not in dov.get(url).text
    dov.post(f"{url}/actions/talk", data={"note": "A call a week."})
    assert "A call a week." in dov.get(url).text
    dov.post(f"{url}/hand-over", data={"keeper_id": second_broker.user_id})
    assert case(world).keeper_id == second_broker.user_id


@pytest.mark.parametrize(
    ("path", "data", "words"),
    [
        ("notes", {"text": ""}, "Please"),
        ("tasks", {"title": ""}, "Please"),
        ("hand-over", {"keeper_id": "1"}, "Please choose a broker of this region."),
    ],
)
def test_what_is_refused_stays_on_the_page_of_the_case(
    world: World, client_of: Clients, path: str, data: dict[str, str], words: str
) -> None:
    text = client_of("dov").post(f"/broker/cases/{world.cases['shop']}/{path}", data=data).text
    assert words in text
    assert "Measuring time for the shop" in text


def test_filter_is_forgotten(world: World, actor: Actors, client_of: Clients) -> None:
    unnamed = client_of("dov").post("/broker/cases/filters", data={"name": ""}).text
    assert "Please fill this in." in unnamed
    client_of("dov").post(f"/broker/cases/filters/{world.cases['filter']}/delete")
    assert queries.list_filters(actor("dov")) == []
