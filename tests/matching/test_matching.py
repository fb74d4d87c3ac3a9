"""From a request to its matches: found, kept, told once, judged, answered, computed anew."""

import datetime as dt
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select, text

from portal.bookings.events import BookingStepped, CalendarChanged
from portal.bookings.models.calendar import Resource
from portal.facilities.models import Equipment
from portal.facilities.services.equipment import delete_equipment
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, NotFound
from portal.kernel.mail import OutgoingMail
from portal.kernel.outbox import Event, record
from portal.kernel.search import search_index
from portal.matching import reactions, services
from portal.matching.models import Match, MatchAnswer, MatchFeedback, MatchRound
from portal.matching.queries import feedback, rounds
from portal.matching.queries import matches as queries
from portal.partnerships.models import Request, Response
from portal.partnerships.queries.requests import get_request
from portal.partnerships.services.requests import act_on_request, change_request
from tests.cast import World

Change = Callable[..., Any]
ActorOf = Callable[[str], Actor]


def matches_of(request: Request) -> dict[tuple[str, int], Match]:
    session.expire_all()
    rows = session.scalars(select(Match).where(Match.request_id == request.id))
    return {(row.candidate_kind, row.candidate_id): row for row in rows}


def mails() -> list[OutgoingMail]:
    return list(session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)))


def test_a_need_finds_machines_their_places_and_their_owners(
    world: World, need: Request, compute: Callable[[], None]
) -> None:
    compute()

    found = matches_of(need)
    assert found["equipment", world.equipment["college_public"]].status == "open"
    assert found["equipment", world.equipment["college_members"]].status == "open"
    assert found["organization", world.organizations["shop"]].status == "open"
    assert ("equipment", world.equipment["aero_public"]) not in found
    assert ("equipment", world.equipment["college_organization"]) not in found
    assert ("equipment", world.equipment["college_draft"]) not in found


def test_an_offer_finds_the_needs_that_it_answers(
    world: World, need: Request, change: Change, compute: Callable[[], None]
) -> None:
    offer = change(Request, world.requests["shop_public"], direction="offer")
    change(
        Request,
        offer.id,
        capabilities=need.capabilities,
        title="Titanium fittings milled on five axes",
    )
    search_index().rebuild()
    compute()

    assert ("request", need.id) in matches_of(offer)
    assert ("request", offer.id) in matches_of(need)


def test_who_is_ruled_out_stays_with_the_reason(
    world: World, need: Request, change: Change, actor: ActorOf, compute: Callable[[], None]
) -> None:
    change(Request, need.id, radius_miles=50)
    compute()

    ruled_out = [one for one in matches_of(need).values() if one.status == "ruled_out"]
    assert ruled_out
    shown = queries.list_matches(actor("eve"), get_request(need.id))
    assert {one.status for one in shown} == {"ruled_out"}
    assert "beyond the 50" in " ".join(one.sentence for one in shown[0].reasons)


def test_each_side_is_told_once(
    world: World, need: Request, compute: Callable[[], None], drain: Callable[[], None]
) -> None:
    compute()
    drain()
    told = [(mail.recipient, mail.subject) for mail in mails()]
    to_eve = [subject for recipient, subject in told if recipient == "eve@cast.example"]
    to_cleo = [subject for recipient, subject in told if recipient == "cleo@cast.example"]
    assert len([one for one in to_eve if need.title in one]) == 1
    assert len([one for one in to_cleo if need.title in one]) == 1

    services.schedule_requests(SYSTEM, request_ids=[need.id])
    compute()
    drain()

    assert len(mails()) == len(told)


def test_who_wants_no_mail_finds_matches_on_the_desk_alone(
    world: World,
    need: Request,
    actor: ActorOf,
    compute: Callable[[], None],
    drain: Callable[[], None],
) -> None:
    services.choose_mail(actor("eve"), wants_mail=False)
    compute()
    drain()

    assert "eve@cast.example" not in {mail.recipient for mail in mails()}
    assert queries.list_for_desk(actor("eve"), 50)


def test_nobody_outside_is_told_of_what_an_organization_keeps_to_itself(
    world: World, need: Request, change: Change, compute: Callable[[], None]
) -> None:
    change(Request, need.id, visibility="organization")
    compute()

    found = matches_of(need)
    assert any(one.request_told_at for one in found.values())
    assert not any(one.owner_told_at for one in found.values())


def test_no_owner_is_told_of_what_became_its_organizations_own_meanwhile(
    need: Request, change: Change, compute: Callable[[], None], drain: Callable[[], None]
) -> None:
    compute()
    change(Request, need.id, visibility="organization")
    drain()

    told = {mail.recipient for mail in mails() if need.title in mail.subject}
    assert told == {"eve@cast.example"}


def test_an_anonymous_request_is_matched_by_what_everybody_reads_of_it(
    world: World,
    need: Request,
    change: Change,
    client_of: Callable[[str], FlaskClient],
    compute: Callable[[], None],
    drain: Callable[[], None],
) -> None:
    change(
        Request,
        need.id,
        is_anonymous=True,
        summary="SECRETWORD in the summary",
        expertise_sought="SECRETWORD in what is sought",
        anonymous_summary="Somebody needs fittings.",
        budget_cents=123_456,
    )
    compute()
    drain()

    match = matches_of(need)["equipment", world.equipment["college_public"]]
    page = client_of("cleo").get(f"/matches/{match.id}").get_data(as_text=True)
    words = " ".join(f"{mail.subject} {mail.body_text}" for mail in mails())
    to_cleo = " ".join(
        mail.body_text
        for mail in mails()
        if mail.recipient == "cleo@cast.example" and need.title in mail.subject
    )
    assert "Somebody needs fittings." in page
    for secret in ("SECRETWORD", "Prairie Aero", "1,234"):
        assert secret not in page
        assert secret not in to_cleo
    assert need.title in words


def test_a_change_on_either_side_computes_the_matches_anew(
    world: World,
    need: Request,
    actor: ActorOf,
    compute: Callable[[], None],
    drain: Callable[[], None],
) -> None:
    compute()
    assert not rounds.has_due()

    change_request(actor("eve"), get_request(need.id), radius_miles=30)
    drain()
    assert rounds.has_due()
    compute()
    assert not [one for one in matches_of(need).values() if one.status == "open"]

    change_request(actor("eve"), get_request(need.id), radius_miles=None)
    drain()
    compute()
    mill = session.get_one(Equipment, world.equipment["college_members"])
    delete_equipment(actor("cleo"), mill)
    drain()
    compute()
    gone = matches_of(need).get(("equipment", world.equipment["college_members"]))
    assert gone is None or gone.status == "gone"


def test_bookings_and_calendars_of_a_candidate_let_its_matches_fall_due(
    world: World, need: Request, compute: Callable[[], None], drain: Callable[[], None]
) -> None:
    compute()
    booking, resource = world.bookings["ben_on_college_mill"], world.resources["college_public"]
    of_organization = Resource(
        kind="organization", organization_id=world.organizations["college"], name="College"
    )
    with unit_of_work():
        session.add(of_organization)
    assert ("equipment", world.equipment["college_public"]) in matches_of(need)
    events: list[Event] = [
        BookingStepped(booking, "approve", "approved", None, ""),
        CalendarChanged(resource),
        CalendarChanged(of_organization.id),
    ]

    for event in events:
        with unit_of_work():
            due = session.get_one(MatchRound, need.id)
            due.due_at = now() + dt.timedelta(hours=20)
            record(event)
        drain()
        session.expire_all()
        # Not at once, since calendars change all day.
        wait = session.get_one(MatchRound, need.id).due_at - now()
        assert dt.timedelta() < wait <= reactions.CALENDARS_REST, event
    assert not rounds.has_due()


@pytest.mark.sqlite
def test_a_request_that_cannot_be_matched_keeps_no_other_waiting(
    world: World, need: Request, compute: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    stubborn = world.requests["shop_public"]
    # It comes first.
    with unit_of_work():
        past = now() - dt.timedelta(days=1)
        session.merge(MatchRound(request_id=stubborn, due_at=past))
        session.merge(MatchRound(request_id=need.id, due_at=now()))
        session.execute(
            text(
                f"CREATE TRIGGER stubborn BEFORE INSERT ON match WHEN NEW.request_id = {stubborn}"
                " BEGIN SELECT RAISE(ABORT, 'never'); END"
            )
        )
    try:
        with caplog.at_level(logging.CRITICAL):
            compute()
    finally:
        with unit_of_work():
            session.execute(text("DROP TRIGGER stubborn"))

    assert matches_of(need)
    assert not rounds.has_due()


def test_a_request_that_is_withdrawn_has_no_candidates(
    world: World,
    need: Request,
    actor: ActorOf,
    compute: Callable[[], None],
    drain: Callable[[], None],
) -> None:
    compute()
    act_on_request(actor("eve"), get_request(need.id), "withdraw")
    drain()
    compute()

    assert not [one for one in matches_of(need).values() if one.status == "open"]


def test_an_answer_makes_the_unknown_known_and_stays(
    world: World,
    need: Request,
    actor: ActorOf,
    compute: Callable[[], None],
    drain: Callable[[], None],
) -> None:
    compute()
    match = matches_of(need)["equipment", world.equipment["shop_public"]]
    match = queries.get_match(match.id)
    assert "availability" in {row["name"] for row in match.criteria}
    before = match.score

    services.answer_question(
        actor("ana"), match, criterion="availability", is_met=True, note="Fridays."
    )
    drain()
    compute()

    match = matches_of(need)["equipment", world.equipment["shop_public"]]
    row = next(row for row in match.criteria if row["name"] == "availability")
    assert (row["verdict"], row["values"]["note"]) == ("met", "Fridays.")
    assert match.score > before
    assert "eve@cast.example" in {mail.recipient for mail in mails()}


def test_only_the_owner_answers_and_only_what_is_asked(world: World, actor: ActorOf) -> None:
    match = queries.get_match(world.matches["college_mill_for_shop"])

    with pytest.raises(Forbidden):
        services.answer_question(actor("ana"), match, criterion="rate", is_met=True)
    with pytest.raises(Conflict):
        services.answer_question(actor("cleo"), match, criterion="distance", is_met=True)
    services.answer_question(actor("cleo"), match, criterion="rate", is_met=False)
    services.answer_question(actor("cleo"), match, criterion="rate", is_met=True)
    answers = session.scalars(select(MatchAnswer)).all()
    assert [answer.is_met for answer in answers] == [True]


def test_feedback_is_kept_per_criterion_and_reported(world: World, actor: ActorOf) -> None:
    match = queries.get_match(world.matches["college_mill_for_shop"])
    services.judge_match(
        actor("cleo"), match, is_useful=False, criterion="distance", note="Too far."
    )

    kept = session.scalars(select(MatchFeedback).order_by(MatchFeedback.id)).all()
    assert [row.side for row in kept] == ["request", "owner"]
    report = {row.name: row for row in feedback.report_feedback(actor("dov"))}
    assert report["distance"].useless["met"] == 1
    assert report["distance"].blamed == 1
    with pytest.raises(Forbidden):
        feedback.report_feedback(actor("ana"))


def test_what_was_judged_leaves_the_list_of_who_judged_it(world: World, actor: ActorOf) -> None:
    match = queries.get_match(world.matches["college_mill_for_shop"])

    assert [one.id for one in queries.list_for_owners(actor("cleo"), 10)] == [match.id]
    assert not queries.list_for_requests(actor("ana"), 10)
    assert [one.id for one in queries.list_for_requests(actor("ben"), 10)] == [match.id]
    services.judge_match(actor("cleo"), match, is_useful=True)
    assert not queries.list_for_owners(actor("cleo"), 10)


def test_a_match_with_a_hidden_candidate_is_not_there(
    world: World, actor: ActorOf, change: Change
) -> None:
    change(Equipment, world.equipment["college_public"], visibility="organization")

    with pytest.raises(NotFound):
        queries.get_visible_match(actor("ana"), world.matches["college_mill_for_shop"])
    assert not queries.list_matches(actor("ana"), get_request(world.requests["shop_public"]))


def test_no_list_has_a_match_of_a_request_that_is_hidden(
    world: World, actor: ActorOf, change: Change
) -> None:
    cleo, number = actor("cleo"), world.matches["college_mill_for_shop"]
    assert number in [one.id for one in queries.page_for(cleo).items]
    change(Request, world.requests["shop_public"], visibility="organization")

    assert queries.page_for(cleo).items == []
    assert queries.list_for_owners(cleo, 10) == []
    assert queries.list_for_desk(cleo, 10) == []
    assert number in [one.id for one in queries.page_for(actor("ana")).items]


def test_pages_show_the_reasons_to_both_sides_and_the_broker_and_to_nobody_else(
    world: World, client_of: Callable[[str], FlaskClient]
) -> None:
    request = f"/requests/{world.requests['shop_public']}"
    for name in ("ana", "ben", "dov"):
        page = client_of(name).get(request).get_data(as_text=True)
        assert "Candidates" in page
        assert "3 mi away" in page
    for name in ("nobody", "cleo", "eve"):
        assert "Candidates" not in client_of(name).get(request).get_data(as_text=True)
    page = client_of("cleo").get("/matches").get_data(as_text=True)
    assert "College public mill" in page
    assert "Shop public need" in page
    match = f"/matches/{world.matches['college_mill_for_shop']}"
    assert "Would a budget of $4,800 pay for it?" in client_of("cleo").get(match).get_data(
        as_text=True
    )


def test_who_posted_the_request_writes_to_the_candidate_from_the_match(
    world: World, client_of: Callable[[str], FlaskClient]
) -> None:
    match = f"/matches/{world.matches['college_mill_for_shop']}"
    write = f"/organizations/{world.organizations['college']}/write"

    assert write in client_of("ana").get(match).text
    assert write not in client_of("cleo").get(match).text
    # Who has not responded yet is invited, which brings the request along.
    with unit_of_work():
        session.execute(delete(Response))
    page = client_of("ana").get(match).text
    assert write not in page
    asked = world.organizations["college"]
    assert f"/requests/{world.requests['shop_public']}/invite?organization={asked}" in page
    assert "/invite" not in client_of("cleo").get(match).text


def test_nobody_reads_that_there_are_no_candidates_before_they_were_looked_for(
    world: World,
    need: Request,
    client_of: Callable[[str], FlaskClient],
    compute: Callable[[], None],
) -> None:
    page = f"/requests/{need.id}"
    with unit_of_work():
        session.execute(delete(Match).where(Match.request_id == need.id))
        session.execute(delete(MatchRound).where(MatchRound.request_id == need.id))
    eve = client_of("eve")
    waiting = eve.get(page).text
    assert "We are looking" in waiting
    assert "No candidates yet" not in waiting

    with unit_of_work():
        session.add(MatchRound(request_id=need.id))
    compute()

    assert "We are looking" not in eve.get(page).text


def test_answers_and_feedback_are_given_on_the_page(
    world: World, client_of: Callable[[str], FlaskClient]
) -> None:
    match = f"/matches/{world.matches['college_mill_for_shop']}"
    client = client_of("cleo")

    client.post(f"{match}/answers", data={"criterion": "rate", "answer": "yes", "note": "Gladly."})
    client.post(f"{match}/feedback", data={"opinion": "useful"})

    page = client.get(match).get_data(as_text=True)
    assert "The owner says yes. Gladly." in page
    assert "You said: useful." in page
    refused = client.post(f"{match}/feedback", data={}).get_data(as_text=True)
    assert 'href="#opinion"' in refused
