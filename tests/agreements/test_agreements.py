"""Agreements: who gives their word when, what it opens, documents, milestones, and reminders."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal.agreements.models import Agreement
from portal.agreements.queries import agreements as queries
from portal.agreements.services import agreements as services
from portal.bookings.models.access import Clearance
from portal.bookings.models.booking import Booking
from portal.conversations.services import write_about
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import today_here
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from portal.partnerships.models import Request, Response
from portal.partnerships.queries.responses import get_response
from portal.partnerships.services.responses import act_on_response
from tests.agreements.conftest import ActorOf, Make, a_document
from tests.cast import World


def clearances(world: World) -> list[Clearance]:
    """What the college has on file of agreements with the shop, valid today."""
    rows = (
        session.query(Clearance)
        .filter_by(
            host_organization_id=world.organizations["college"],
            organization_id=world.organizations["shop"],
            kind="agreement",
            status="valid",
        )
        .order_by(Clearance.id)
        .limit(10)
    )
    return list(rows)


def test_last_word_makes_it_active_and_opens_the_gate_of_bookings(
    world: World, actor: ActorOf, make: Make
) -> None:
    ends_on = today_here() + dt.timedelta(days=30)
    proposed = make(
        "shop", "college", "proposed", kind="equipment_use", role="receiver", ends_on=ends_on
    )
    assert proposed.status == "proposed"
    assert clearances(world) == []

    services.acknowledge_agreement(actor("cleo"), proposed, revision=proposed.revision)

    assert queries.get_agreement(proposed.id).status == "active"
    [gate] = clearances(world)
    assert (gate.valid_from, gate.expires_on) == (proposed.starts_on, ends_on)
    assert gate.reference == proposed.title


def test_hours_used_are_those_of_its_days_where_the_machine_stands(
    world: World, make: Make
) -> None:
    first = dt.date(2026, 1, 1)
    active = make("shop", "college", kind="equipment_use", role="receiver", starts_on=first)

    def hours(year: int, hour: int) -> float:
        with unit_of_work():
            used = session.get_one(Booking, world.bookings["ben_on_college_mill"])
            used.starts_at = dt.datetime(year, 1, 1, hour, tzinfo=dt.UTC)
            used.ends_at = used.starts_at + dt.timedelta(hours=2)
            used.status = "completed"
        return queries.hours_used(queries.get_agreement(active.id)) / 100

    # Five hours behind UTC, the year begins at five.
    assert (hours(2026, 3), hours(2026, 5)) == (0, 2)
    with unit_of_work():
        session.get_one(Agreement, active.id).ends_on = dt.date(2026, 12, 31)
    assert (hours(2027, 4), hours(2027, 5)) == (2, 0)


def test_an_agreement_holds_longer_once_all_parties_agree_and_its_gate_with_it(
    world: World, actor: ActorOf, make: Make
) -> None:
    ends_on = today_here() + dt.timedelta(days=30)
    longer = ends_on + dt.timedelta(days=365)
    active = make("shop", "college", kind="equipment_use", role="receiver", ends_on=ends_on)
    with pytest.raises(Invalid) as refusal:
        services.renew_agreement(actor("ana"), active, ends_on=ends_on)
    assert refusal.value.field == "ends_on"
    with pytest.raises(Forbidden):
        services.renew_agreement(actor("ben"), active, ends_on=longer)

    asked = services.renew_agreement(actor("ana"), active, ends_on=longer)
    assert (asked.status, asked.ends_on, asked.renewal_ends_on) == ("active", ends_on, longer)
    assert asked.revision == active.revision == 2
    assert [row.title for row in queries.list_to_acknowledge(actor("cleo"), 9)][-1] == asked.title

    services.acknowledge_agreement(actor("cleo"), asked, revision=asked.revision)
    renewed = queries.get_agreement(active.id)
    assert (renewed.ends_on, renewed.renewal_ends_on) == (longer, None)
    [gate] = clearances(world)
    assert gate.expires_on == longer


def test_a_renewal_that_somebody_does_not_want_leaves_the_last_day(
    actor: ActorOf, make: Make
) -> None:
    ends_on = today_here() + dt.timedelta(days=30)
    active = make("shop", "college", ends_on=ends_on)
    with pytest.raises(Conflict):
        services.act_on_agreement(actor("cleo"), active, "keep")
    services.renew_agreement(actor("ana"), active, ends_on=ends_on + dt.timedelta(days=9))

    services.act_on_agreement(actor("cleo"), active, "keep", note="We sell the machine.")
    services.acknowledge_agreement(actor("cleo"), active, revision=active.revision)
    kept = queries.get_agreement(active.id)
    assert (kept.ends_on, kept.renewal_ends_on, kept.status) == (ends_on, None, "active")
    endless = make("shop", "college", ends_on=None)
    with pytest.raises(Conflict, match="without an end"):
        services.renew_agreement(actor("ana"), endless, ends_on=ends_on)


@pytest.mark.parametrize("action", ["complete", "terminate"])
def test_what_it_opened_ends_with_it(world: World, actor: ActorOf, make: Make, action: str) -> None:
    active = make("shop", "college", kind="equipment_use", role="receiver")
    assert len(clearances(world)) == 1

    services.act_on_agreement(actor("cleo"), active, action, note="It is over.")

    assert clearances(world) == []


@pytest.mark.parametrize("kind", ["training_contract", "supply", "other"])
def test_other_kinds_open_no_gate(world: World, make: Make, kind: str) -> None:
    make("shop", "college", kind=kind, role="receiver")
    assert clearances(world) == []


def test_only_the_other_parties_answer(actor: ActorOf, make: Make) -> None:
    proposed = make("shop", "college", "proposed")
    for action in ("return", "decline"):
        with pytest.raises(Forbidden):
            services.act_on_agreement(actor("ana"), proposed, action, note="No.")
    with pytest.raises(Conflict, match="agrees with it already"):
        services.acknowledge_agreement(actor("ana"), proposed, revision=proposed.revision)

    services.act_on_agreement(actor("cleo"), proposed, "return", note="Shorter, please.")

    assert queries.get_agreement(proposed.id).status == "draft"


def test_nobody_agrees_with_what_they_have_not_read(actor: ActorOf, make: Make) -> None:
    proposed = make("shop", "college", "proposed")
    read = proposed.revision
    services.act_on_agreement(actor("ana"), proposed, "revise")
    draft = queries.get_agreement(proposed.id)
    services.change_agreement(
        actor("ana"),
        draft,
        private_cents=99_900,
        parties=[{"organization": "Falls City Community College", "role": "partner"}],
    )
    again = services.act_on_agreement(actor("ana"), draft, "propose")

    with pytest.raises(Conflict, match="changed meanwhile"):
        services.acknowledge_agreement(actor("cleo"), again, revision=read)
    done = services.acknowledge_agreement(actor("cleo"), again, revision=again.revision)
    assert done.status == "active"


def test_word_once_given_holds_while_nothing_changes(actor: ActorOf, make: Make) -> None:
    """Of three parties one agrees; the draft is taken back and proposed as it was."""
    draft = make("shop", "college", "draft")
    services.change_agreement(
        actor("ana"),
        draft,
        parties=[
            {"organization": "Falls City Community College", "role": "partner"},
            {"organization": "Prairie Aero Composites", "role": "partner"},
        ],
    )
    services.act_on_agreement(actor("ana"), draft, "propose")
    services.acknowledge_agreement(actor("cleo"), draft, revision=draft.revision)
    services.act_on_agreement(actor("ana"), draft, "revise")
    services.act_on_agreement(actor("ana"), draft, "propose")

    done = services.acknowledge_agreement(actor("eve"), draft, revision=draft.revision)

    assert done.status == "active"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"starts_on": None}, "starts_on"),
        ({"kind": "supply", "role": "provider", "other_role": "provider"}, "parties"),
        ({"kind": "mutual_aid", "role": "receiver", "other_role": "partner"}, "parties"),
    ],
)
def test_proposal_says_what_nobody_could_agree_with(
    actor: ActorOf, make: Make, values: dict[str, Any], field: str
) -> None:
    draft = make("shop", "college", "draft", **values)
    with pytest.raises(Invalid) as refusal:
        services.act_on_agreement(actor("ana"), draft, "propose")
    assert refusal.value.field == field
    assert queries.get_agreement(draft.id).status == "draft"


def test_agreement_whose_last_day_is_over_cannot_begin(actor: ActorOf, make: Make) -> None:
    proposed = make("shop", "college", "proposed", ends_on=today_here())
    with unit_of_work():
        session.get_one(Agreement, proposed.id).ends_on = today_here() - dt.timedelta(days=1)
    with pytest.raises(Conflict, match="last day is over"):
        services.acknowledge_agreement(
            actor("cleo"), queries.get_agreement(proposed.id), revision=proposed.revision
        )


def test_draft_is_seen_by_who_drafts_it_alone(world: World, actor: ActorOf) -> None:
    for name in ("eve", "cleo", "dov", "nobody"):
        with pytest.raises(NotFound):
            queries.get_visible_agreement(actor(name), world.agreements["draft"])
    assert queries.get_visible_agreement(actor("ben"), world.agreements["draft"])


def test_only_what_was_never_proposed_is_deleted(
    app: Flask, world: World, actor: ActorOf, agreement: Callable[[str], Agreement]
) -> None:
    draft = agreement("draft")
    services.add_document(actor("ana"), draft, document=a_document())
    files = Path(app.instance_path) / "files"
    before = len(list(files.iterdir()))
    services.delete_agreement(actor("ana"), draft)
    assert session.get(Agreement, world.agreements["draft"]) is None
    assert len(list(files.iterdir())) == before - 1

    services.act_on_agreement(actor("ana"), agreement("proposed"), "revise")
    with pytest.raises(Conflict):
        services.delete_agreement(actor("ana"), agreement("proposed"))


def test_agreement_comes_from_an_accepted_response_with_its_two_sides(
    world: World, actor: ActorOf, client_of: Any
) -> None:
    response_id = world.responses["college_to_shop"]
    client = client_of("cleo")
    assert client.get(f"/agreements/new?response={response_id}").status_code == 404

    act_on_response(actor("ana"), get_response(response_id), "accept")

    page = client.get(f"/agreements/new?response={response_id}").text
    assert "Ana&#39;s Machine Shop" in page
    saved = client.post(
        "/agreements/new",
        data={
            "kind": "equipment_use",
            "title": "Fridays on the CMM",
            "role": "provider",
            "organization_id": world.organizations["college"],
            "response_id": response_id,
        },
    )
    made = queries.get_agreement(int(saved.location.rpartition("/")[2]))
    assert {party.organization_id: party.role for party in made.parties} == {
        world.organizations["college"]: "provider",
        world.organizations["shop"]: "receiver",
    }
    assert made.request_id == session.get_one(Response, response_id).request_id
    assert "Fridays on the CMM" in client.get(f"/responses/{response_id}").text


@pytest.mark.parametrize("is_anonymous", [False, True])
def test_case_of_an_anonymous_request_does_not_show_the_agreement_that_names_its_organization(
    world: World,
    actor: ActorOf,
    make: Make,
    drain: Callable[[], None],
    client_of: Any,
    is_anonymous: bool,
) -> None:
    drafted = make("shop", "college", "draft", title="Fridays on the CMM", is_reported=True)
    with unit_of_work():
        request = session.get_one(Request, world.requests["shop_public"])
        request.is_anonymous, request.anonymous_summary = is_anonymous, "Somebody measures."
        session.get_one(Agreement, drafted.id).request_id = request.id
    made = services.act_on_agreement(actor("ana"), queries.get_agreement(drafted.id), "propose")
    services.acknowledge_agreement(actor("cleo"), made, revision=made.revision)
    drain()

    page = client_of("dov").get(f"/broker/cases/{world.cases['shop']}").text
    assert "Stage: Agreed" in page
    assert ("Fridays on the CMM" in page) is not is_anonymous
    assert client_of("dov").get(f"/agreements/{made.id}").status_code == 200


# Documents


def test_new_version_asks_everybody_but_who_brings_it(
    actor: ActorOf, make: Make, client_of: Any
) -> None:
    active = make("shop", "college")
    first = services.add_document(actor("cleo"), active, document=a_document(), title="Plan")
    active = queries.get_agreement(active.id)
    words = {party.organization.name: party.acknowledged_revision for party in active.parties}
    assert words == {
        "Falls City Community College": active.revision,
        "Ana's Machine Shop": active.revision - 1,
    }
    assert queries.list_to_acknowledge(actor("ana"), 9)[-1].url == f"/agreements/{active.id}"

    second = services.add_document(
        actor("ana"), active, document=a_document(b"Better."), document_id=first.document_id
    )

    # Who had not agreed with the first version has not agreed by bringing a second one.
    active = queries.get_agreement(active.id)
    assert [row.number for row in active.documents[0].versions] == [1, 2]
    assert {party.acknowledged_revision < active.revision for party in active.parties} == {True}
    assert active.status == "active"
    for version, content in ((first, b"What we agreed on."), (second, b"Better.")):
        address = f"/agreements/{active.id}/documents/{version.id}"
        assert client_of("ben").get(address).data == content
        assert client_of("dov").get(address).status_code == 403
        assert client_of("eve").get(address).status_code == 404


def test_document_of_a_draft_can_be_taken_away(
    actor: ActorOf, agreement: Callable[[str], Agreement]
) -> None:
    version = services.add_document(actor("ana"), agreement("draft"), document=a_document())
    services.remove_document(actor("ana"), agreement("draft"), document_id=version.document_id)
    assert agreement("draft").documents == []


# Milestones


def test_milestone_is_told_of_once_before_and_once_after_its_day(
    world: World, actor: ActorOf, make: Make, drain: Callable[[], None], mails: list[Any]
) -> None:
    active = make("shop", "college")
    drain()
    mails.clear()
    milestone = services.add_milestone(
        actor("ana"),
        active,
        title="Parts are there",
        due_on=today_here() + dt.timedelta(days=5),
        organization_id=world.organizations["college"],
    )
    for _time in range(2):
        services.remind_of_days(SYSTEM)
    drain()
    assert [(mail["to"], "Parts are there" in mail["subject"]) for mail in mails] == [
        ("cleo@cast.example", True)
    ]

    with unit_of_work():
        milestone.due_on = today_here() - dt.timedelta(days=1)
    for _time in range(2):
        services.remind_of_days(SYSTEM)
    drain()
    assert [mail["subject"] for mail in mails[1:]] == ["Overdue: “Parts are there”"]

    assert len(queries.list_milestones_due(actor("cleo"), 9)) == 1
    services.tick_milestone(actor("cleo"), queries.get_milestone(actor("cleo"), milestone.id))
    assert queries.list_milestones_due(actor("cleo"), 9) == []


def test_milestone_of_another_day_is_told_of_anew(actor: ActorOf, make: Make) -> None:
    active = make("shop", "college")
    soon = today_here() + dt.timedelta(days=2)
    milestone = services.add_milestone(actor("ana"), active, title="Parts", due_on=soon)
    assert services.remind_of_days(SYSTEM) == 1
    services.change_milestone(
        actor("cleo"),
        queries.get_milestone(actor("cleo"), milestone.id),
        title="Parts",
        due_on=soon + dt.timedelta(days=1),
    )
    assert services.remind_of_days(SYSTEM) == 1


def test_end_is_told_of_once(
    actor: ActorOf, make: Make, drain: Callable[[], None], mails: list[Any]
) -> None:
    make("shop", "college", ends_on=today_here() + dt.timedelta(days=20))
    drain()
    mails.clear()
    assert [services.remind_of_days(SYSTEM) for _time in range(2)] == [1, 0]
    drain()
    assert sorted(mail["to"] for mail in mails) == ["ana@cast.example", "cleo@cast.example"]


def test_every_step_is_told_to_the_others_in_their_language(
    world: World, actor: ActorOf, make: Make, drain: Callable[[], None], mails: list[Any]
) -> None:
    proposed = make("shop", "college", "proposed")
    drain()
    assert [mail["to"] for mail in mails] == ["cleo@cast.example"]
    assert mails[0]["subject"].startswith("Ana's Machine Shop proposes an agreement")

    services.act_on_agreement(actor("cleo"), proposed, "return", note="From March, please.")
    drain()
    assert mails[-1]["to"] == "ana@cast.example"
    assert "> From March, please." in mails[-1]["text"]


def test_nobody_talks_to_themselves_about_what_nobody_else_has_seen(
    actor: ActorOf, make: Make
) -> None:
    draft = make("shop", "college", status="draft")
    with pytest.raises(Conflict):
        write_about(actor("ana"), draft, subject="agreement", text="What do we want to pay?")
