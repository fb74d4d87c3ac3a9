"""Enrolling: alone, for a firm's people, by hand; seats, the line, answers, moves, money."""

import datetime as dt
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from portal.accounts.models import User
from portal.accounts.rules import hash_secret
from portal.accounts.services import close_account
from portal.bookings.rules.attempt import Span
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now, today_here
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from portal.training.models.enrollments import Enrollment
from portal.training.models.sections import Section, SectionMeeting
from portal.training.queries import enrollments as queries
from portal.training.queries import learning
from portal.training.queries.sections import get_section
from portal.training.rules.enrollments import ENROLLMENTS
from portal.training.services import enrollments as services
from portal.training.services import results, seats
from portal.training.services import sections as section_services
from tests.cast import World
from tests.training.conftest import (
    ActorOf,
    OpenSection,
    OrganizationOf,
    again,
    begin,
    end_free_days,
)
from tests.training.firms import add_firm

ClientOf = Callable[[str], FlaskClient]


def test_person_gets_the_first_seat_at_the_price_of_others(
    actor: ActorOf, open_section: OpenSection
) -> None:
    row = services.enroll(actor("ben"), open_section())
    assert (row.status, row.seat, row.name) == ("enrolled", 1, "Ben")
    assert (row.customer_class, row.price_cents) == ("other", 20_000)


def test_price_stays_what_it_was_at_enrollment(
    actor: ActorOf, open_section: OpenSection, organization_of: OrganizationOf
) -> None:
    section = open_section()
    row = services.enroll(actor("ana"), section, for_organization=organization_of("shop"))
    assert (row.customer_class, row.price_cents) == ("member_sme", 15_000)
    section_services.update_section(
        actor("cleo"), section, prices=[{"customer_class": "member_sme", "price_cents": 99_000}]
    )
    assert again(row).price_cents == 15_000


def test_providers_own_people_pay_nothing_unless_it_says_so(
    actor: ActorOf, open_section: OpenSection
) -> None:
    row = services.enroll(actor("cleo"), open_section())
    assert (row.customer_class, row.price_cents) == ("own_organization", 0)


def test_nobody_is_in_a_section_twice(actor: ActorOf, open_section: OpenSection) -> None:
    section = open_section()
    services.enroll(actor("ben"), section)
    with pytest.raises(Conflict, match="already"):
        services.enroll(actor("ben"), section)


@pytest.mark.parametrize("name", ["running", "completed", "cancelled"])
def test_nobody_enrolls_where_it_is_not_open(
    actor: ActorOf, open_section: OpenSection, name: str
) -> None:
    with pytest.raises(Conflict):
        services.enroll(actor("ben"), open_section(name))


def test_nobody_enrolls_after_the_deadline(actor: ActorOf, open_section: OpenSection) -> None:
    section = open_section(enroll_until=today_here() - dt.timedelta(days=1))
    with pytest.raises(Conflict):
        services.enroll(actor("ben"), section)


def test_member_cannot_let_the_firm_pay(
    actor: ActorOf, open_section: OpenSection, organization_of: OrganizationOf
) -> None:
    with pytest.raises(Invalid, match="manage"):
        services.enroll(actor("ben"), open_section(), for_organization=organization_of("shop"))


def test_provider_approves_or_declines_with_a_reason(
    actor: ActorOf, open_section: OpenSection
) -> None:
    section = open_section(needs_approval=True)
    ben = services.enroll(actor("ben"), section)
    eve = services.enroll(actor("eve"), section)
    assert (ben.status, ben.seat, eve.seat) == ("requested", 1, 2)
    with pytest.raises(Forbidden):
        services.act_on_enrollment(actor("ben"), ben, "approve")
    services.act_on_enrollment(actor("cleo"), ben, "approve")
    with pytest.raises(Invalid, match="reason"):
        services.act_on_enrollment(actor("cleo"), eve, "refuse")
    services.act_on_enrollment(actor("cleo"), again(eve), "refuse", note="Basics first.")
    assert (again(ben).status, again(eve).status, again(eve).seat) == ("enrolled", "declined", None)


# The line


def test_freed_seat_is_kept_for_the_next_in_line_until_answered(
    actor: ActorOf, open_section: OpenSection
) -> None:
    section = open_section(seats=2, min_seats=0)
    first = services.enroll(actor("ana"), section)
    services.enroll(actor("cleo"), section)
    ben = services.enroll(actor("ben"), section)
    eve = services.enroll(actor("eve"), section)
    assert [ben.status, queries.position_of(ben), queries.position_of(eve)] == ["waiting", 1, 2]
    services.act_on_enrollment(actor("ana"), first, "withdraw")
    assert (again(ben).status, again(ben).seat, again(eve).status) == ("offered", 1, "waiting")
    # A newcomer does not get what is kept.
    with pytest.raises(Conflict, match="No seat"):
        services.enroll(actor("dov"), section, waits=False)
    services.answer_enrollment(actor("ben"), again(ben), "accept")
    assert again(ben).status == "enrolled"


def test_offer_that_nobody_takes_goes_to_the_next(
    actor: ActorOf, open_section: OpenSection
) -> None:
    section = open_section(seats=1, min_seats=0)
    first = services.enroll(actor("ana"), section)
    ben = services.enroll(actor("ben"), section)
    eve = services.enroll(actor("eve"), section)
    services.act_on_enrollment(actor("ana"), first, "withdraw")
    with unit_of_work():
        again(ben).answer_by = now() - dt.timedelta(minutes=1)
    with pytest.raises(Conflict, match="until lately"):
        services.answer_enrollment(actor("ben"), again(ben), "accept")
    assert seats.pass_on_seats(SYSTEM) == 1
    assert [again(ben).status, again(eve).status] == ["lapsed", "offered"]


def test_nothing_is_kept_for_whoever_closes_the_account(
    actor: ActorOf, open_section: OpenSection, world: World
) -> None:
    section = open_section(seats=1, min_seats=0)
    with unit_of_work():
        session.execute(delete(SectionMeeting).where(SectionMeeting.section_id == section.id))
    first = services.enroll(actor("ana"), section)
    eve = services.enroll(actor("eve"), section)
    cleo = services.enroll(actor("cleo"), section)
    # Who has a seat gives it back, also where no meetings are planned.
    [hindrance] = learning.list_hindrances(actor("ana"))
    assert hindrance.url.endswith(f"/{first.id}")
    assert not learning.list_hindrances(actor("eve"))
    close_account(actor("eve"), session.get_one(User, world.users["eve"]))
    services.act_on_enrollment(actor("ana"), again(first), "withdraw")
    assert [again(eve).status, again(cleo).status] == ["withdrawn", "offered"]


def test_more_seats_serve_the_line_before_newcomers(
    actor: ActorOf, open_section: OpenSection
) -> None:
    section = open_section(seats=1, min_seats=0)
    services.enroll(actor("ana"), section)
    ben = services.enroll(actor("ben"), section)
    section_services.update_section(actor("cleo"), section, seats=2)
    assert services.enroll(actor("eve"), get_section(section.id)).status == "waiting"
    seats.offer_free_seats(SYSTEM, get_section(section.id))
    assert (again(ben).status, again(ben).seat) == ("offered", 2)


def test_fewer_seats_than_people_are_refused_and_gaps_are_closed(
    actor: ActorOf, open_section: OpenSection
) -> None:
    section = open_section(seats=3, min_seats=0)
    ana, ben = (services.enroll(actor(name), section) for name in ("ana", "ben"))
    eve = services.enroll(actor("eve"), section)
    services.act_on_enrollment(actor("ana"), ana, "withdraw")
    with pytest.raises(Invalid, match="2 seats"):
        section_services.update_section(actor("cleo"), section, seats=1)
    section_services.update_section(actor("cleo"), get_section(section.id), seats=2)
    assert [again(ben).seat, again(eve).seat, again(eve).of_seats] == [2, 1, 2]


def test_database_itself_refuses_a_seat_beyond_the_section_and_one_for_two(
    actor: ActorOf, open_section: OpenSection
) -> None:
    section = open_section(seats=2, min_seats=0)
    ana, ben = (services.enroll(actor(name), section) for name in ("ana", "ben"))
    for values in ({"seat": 3}, {"seat": ana.seat}, {"seat": None}, {"of_seats": 9, "seat": 9}):
        with pytest.raises(IntegrityError), unit_of_work():
            session.execute(update(Enrollment).where(Enrollment.id == ben.id).values(**values))
    with pytest.raises(IntegrityError), unit_of_work():
        session.execute(update(Section).where(Section.id == section.id).values(seats=1))


# A firm's people


def test_firm_keeps_seats_for_its_people_and_owes_them(
    actor: ActorOf, open_section: OpenSection, organization_of: OrganizationOf
) -> None:
    made = services.enroll_others(
        actor("ana"),
        open_section(seats=2, min_seats=0),
        organization=organization_of("shop"),
        emails=["Ben@cast.example", "new@shop.example", "late@shop.example"],
    )
    assert [(row.status, row.seat) for row in made] == [
        ("invited", 1),
        ("invited", 2),
        ("waiting", None),
    ]
    assert {row.price_cents for row in made} == {15_000}
    assert all(row.user_id is None for row in made)
    ben = made[0]
    with pytest.raises(NotFound):
        services.answer_enrollment(actor("eve"), ben, "accept")
    services.answer_enrollment(actor("ben"), again(ben), "accept")
    assert (again(ben).status, again(ben).name) == ("enrolled", "Ben")
    # Whoever turns it down makes room for the one in line, who is invited then.
    newcomer = again(made[1])
    token = services.renew_enrollment_link(SYSTEM, newcomer)
    services.answer_enrollment(actor("dov"), again(newcomer), "turn_down", token=token)
    assert [again(row).status for row in made] == ["enrolled", "declined", "invited"]


def test_link_serves_whoever_has_it_and_whatever_account(
    actor: ActorOf, open_section: OpenSection, organization_of: OrganizationOf
) -> None:
    (row,) = services.enroll_others(
        actor("ana"),
        open_section(needs_approval=True),
        organization=organization_of("shop"),
        emails=["private@home.example"],
    )
    token = services.renew_enrollment_link(SYSTEM, row)
    assert again(row).token_hash == hash_secret(token)
    services.answer_enrollment(actor("ben"), again(row), "accept", token=token)
    assert (again(row).status, again(row).user_id) == ("requested", actor("ben").user_id)
    assert again(row).token_hash is None


def test_who_takes_a_firms_seat_gives_up_the_own_one_and_nobody_elses(
    actor: ActorOf, open_section: OpenSection, organization_of: OrganizationOf
) -> None:
    section = open_section(needs_approval=True)
    own = services.enroll(actor("ben"), section)
    services.act_on_enrollment(actor("cleo"), own, "approve")
    invited = [
        services.enroll_others(
            actor(name), section, organization=organization_of(firm), emails=["ben@cast.example"]
        )[0]
        for name, firm in (("ana", "shop"), ("eve", "aero"))
    ]
    end_free_days(own)

    services.answer_enrollment(actor("ben"), invited[0], "accept")

    # Who was approved is approved, whoever pays.
    assert again(invited[0]).status == "enrolled"
    assert (again(own).status, again(own).seat) == ("withdrawn", None)
    assert not again(own).is_withdrawn_late
    with pytest.raises(Conflict, match="already"):
        services.answer_enrollment(actor("ben"), again(invited[1]), "accept")


def test_who_was_invited_takes_that_seat_and_no_other(
    actor: ActorOf, open_section: OpenSection, organization_of: OrganizationOf
) -> None:
    section = open_section()
    services.enroll_others(
        actor("ana"), section, organization=organization_of("shop"), emails=["ben@cast.example"]
    )
    with pytest.raises(Conflict, match="kept for you"):
        services.enroll(actor("ben"), section)


def test_firm_invites_an_address_once_and_not_too_often(
    actor: ActorOf, open_section: OpenSection, organization_of: OrganizationOf
) -> None:
    section, shop, emails = open_section(), organization_of("shop"), ["a@shop.example"]
    (row,) = services.enroll_others(actor("ana"), section, organization=shop, emails=emails)
    with pytest.raises(Invalid, match="already"):
        services.enroll_others(actor("ana"), section, organization=shop, emails=emails)
    both = [*emails, "b@shop.example"]
    (other,) = services.enroll_others(actor("ana"), section, organization=shop, emails=both)
    assert other.email == "b@shop.example"
    for _time in range(2):
        services.act_on_enrollment(actor("ana"), again(row), "withdraw")
        (row,) = services.enroll_others(actor("ana"), section, organization=shop, emails=emails)
    services.act_on_enrollment(actor("ana"), again(row), "withdraw")
    with pytest.raises(TooMany):
        services.enroll_others(actor("ana"), section, organization=shop, emails=emails)


def test_same_call_sent_twice_does_its_work_once(
    actor: ActorOf, open_section: OpenSection, organization_of: OrganizationOf
) -> None:
    section, shop = open_section(), organization_of("shop")

    def call(*emails: str) -> list[int]:
        made = services.enroll_others(
            actor("ana"), section, organization=shop, emails=emails, idempotency_key="k1"
        )
        return [row.id for row in made]

    first = call("a@shop.example", "b@shop.example")
    assert call("a@shop.example", "b@shop.example") == first
    with pytest.raises(Invalid, match="key"):
        call("c@shop.example")


def test_only_so_many_people_are_invited_in_a_day_in_the_name_of_one_organization(
    actor: ActorOf,
    open_section: OpenSection,
    organization_of: OrganizationOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    section, shop = open_section(seats=10), organization_of("shop")
    services.enroll(actor("ana"), section, for_organization=shop)

    def invite(*emails: str) -> None:
        services.enroll_others(actor("ana"), section, organization=shop, emails=emails)

    def let_two_more_be_invited_by(name: str) -> None:
        sent = queries.count_invited(organization_of(name).id, since=now() - dt.timedelta(days=1))
        monkeypatch.setattr(services, "MOST_INVITED_IN_A_DAY", sent + 2)

    let_two_more_be_invited_by("shop")
    with pytest.raises(TooMany, match="in a day"):
        invite("a@x.example", "b@x.example", "c@x.example")
    invite("a@x.example", "b@x.example")
    with pytest.raises(TooMany, match="in a day"):
        invite("c@x.example")

    let_two_more_be_invited_by("college")
    for name in ("d", "e"):
        services.enroll_by_hand(actor("cleo"), section, name=name, email=f"{name}@x.example")
    with pytest.raises(TooMany, match="in a day"):
        services.enroll_by_hand(actor("cleo"), section, name="f", email="f@x.example")


# By hand, moved, withdrawn, cancelled


def test_provider_writes_somebody_on_the_roster_who_keeps_it_in_an_account(
    actor: ActorOf, open_section: OpenSection
) -> None:
    section = open_section("running")
    row = services.enroll_by_hand(actor("cleo"), section, name="Benjamin", email="BEN@cast.example")
    assert (row.status, row.user_id, row.price_cents) == ("enrolled", None, 20_000)
    with pytest.raises(Invalid, match="already"):
        services.enroll_by_hand(actor("cleo"), section, name="B", email="ben@cast.example")
    services.answer_enrollment(actor("ben"), row, "join")
    assert (again(row).name, again(row).user_id) == ("Benjamin", actor("ben").user_id)
    with pytest.raises(Forbidden):
        services.enroll_by_hand(actor("ana"), section, name="A", email="x@x.example")


@pytest.mark.parametrize(("firm", "who"), [("Ana's Machine Shop", "ana"), ("", "ben")])
def test_who_is_written_down_unasked_has_a_week_to_object(
    actor: ActorOf, open_section: OpenSection, client_of: ClientOf, firm: str, who: str
) -> None:
    section = open_section("running")

    def write(email: str) -> Enrollment:
        return services.enroll_by_hand(
            actor("cleo"), section, name="Ben", email=email, organization=firm
        )

    def object_to(row: Enrollment) -> None:
        if firm:
            services.act_on_enrollment(actor(who), again(row), "withdraw")
        else:
            link = f"/training/seats/{services.renew_enrollment_link(SYSTEM, again(row))}"
            asked = client_of(who).post(link, data={"action": "object"}).text
            assert "Withdraw this enrollment?" in asked
            costs = "the price is owed all the same" in asked
            assert costs == (row.free_until < today_here())
            client_of(who).post(link, data={"action": "object", "confirmed": "yes"})

    row = write("ben@cast.example")
    assert row.free_until == today_here() + dt.timedelta(days=7)
    # With a result nobody could withdraw any more.
    with pytest.raises(Conflict, match="results come after it"):
        results.record_result(actor("cleo"), again(row), passed=True)
    with pytest.raises((NotFound, Forbidden)):
        services.answer_enrollment(actor("eve"), again(row), "object")
    object_to(row)
    assert (again(row).status, again(row).is_withdrawn_late) == ("withdrawn", False)
    late = end_free_days(write("ben@cast.example"))
    object_to(late)
    assert again(late).is_withdrawn_late
    assert again(late).user_id is None


def test_only_a_firm_that_somebody_manages_here_is_written_down_as_payer(
    actor: ActorOf, open_section: OpenSection
) -> None:
    section = open_section()
    for refusal in ("do not know", "Nobody manages"):
        with pytest.raises(Invalid, match=refusal):
            services.enroll_by_hand(
                actor("cleo"), section, name="B", email="b@x.example", organization="Nobody & Sons"
            )
        if refusal == "do not know":
            add_firm("Nobody & Sons")


def test_withdrawing_is_free_as_long_as_was_said_whatever_the_provider_changes(
    actor: ActorOf, open_section: OpenSection
) -> None:
    section, there = open_section(), open_section("planned", notice_days=300)
    ben = services.enroll(actor("ben"), section)
    said = section.starts_on - dt.timedelta(days=1)
    assert ben.free_until == said

    def change(**values: object) -> dt.date:
        section_services.update_section(actor("cleo"), get_section(section.id), **values)
        return again(ben).free_until

    assert change(notice_days=90) == said
    # Nothing but the room and the link: what was said yes to is the same.
    move(actor, section, place="Room 14", online_url="https://meet.example/other")
    assert again(ben).free_until == said
    # What was over is opened again by a move, and by nothing else.
    over = end_free_days(ben).free_until
    assert change(name="Days") == over
    move(actor, section, meeting=dt.timedelta(hours=1))
    fresh = today_here() + dt.timedelta(days=7)
    assert again(ben).free_until == fresh
    end_free_days(ben)
    moved = services.move_enrollment(
        actor("cleo"), (section, there), enrollment=again(ben), reason="Shifts"
    )
    assert moved.free_until == fresh
    services.act_on_enrollment(actor("ben"), moved, "withdraw")
    assert not again(ben).is_withdrawn_late


def test_what_was_held_in_part_is_not_left_for_free_because_a_meeting_moves(
    actor: ActorOf, open_section: OpenSection
) -> None:
    section = open_section("running")
    ben = end_free_days(
        services.enroll_by_hand(actor("cleo"), section, name="Ben", email="ben@cast.example")
    )
    move(actor, section, meeting=dt.timedelta(hours=1))
    assert again(ben).free_until == ben.free_until


def move(
    actor: ActorOf, section: Section, *, meeting: dt.timedelta | None = None, **values: object
) -> None:
    """Let the provider move a section: its last meeting by so much, or its place."""
    now_there = get_section(section.id)
    if meeting is None:
        section_services.move_section(actor("cleo"), now_there, **values)
        return
    last = now_there.meetings[-1]
    section_services.move_meeting(
        actor("cleo"),
        now_there,
        meeting_id=last.id,
        span=Span(last.starts_at + meeting, last.ends_at + meeting),
    )


def test_somebody_is_moved_with_the_price_to_another_section_of_the_program(
    actor: ActorOf, open_section: OpenSection
) -> None:
    there = open_section("planned")
    here = open_section(seats=1, min_seats=0)
    ben = services.enroll(actor("ben"), here)
    eve = services.enroll(actor("eve"), here)
    with pytest.raises(Invalid, match="reason"):
        services.move_enrollment(actor("cleo"), (here, there), enrollment=ben, reason=" ")
    services.move_enrollment(
        actor("cleo"), (here, there), enrollment=again(ben), reason="Night shift"
    )
    moved = again(ben)
    assert (moved.section_id, moved.seat, moved.of_seats) == (there.id, 1, there.seats)
    assert moved.price_cents == ben.price_cents
    assert again(eve).status == "offered"
    (step,) = ENROLLMENTS.history(moved)
    assert "Night shift" in step.note
    assert str(there.starts_on) in step.note


def test_planned_section_with_people_on_its_roster_is_not_deleted(
    actor: ActorOf, open_section: OpenSection
) -> None:
    section = open_section("planned")
    services.enroll_by_hand(actor("cleo"), section, name="Jo", email="jo@shop.example")
    with pytest.raises(Conflict, match="roster"):
        section_services.delete_section(actor("cleo"), get_section(section.id))


def test_late_withdrawal_owes_the_price_and_a_removed_person_does_not(
    actor: ActorOf, open_section: OpenSection
) -> None:
    section = open_section(notice_days=40)
    ben = services.enroll(actor("ben"), section)
    services.act_on_enrollment(actor("ben"), ben, "withdraw")
    assert again(ben).is_withdrawn_late
    eve = services.enroll(actor("eve"), section)
    services.act_on_enrollment(actor("cleo"), eve, "remove", note="She asked by telephone.")
    assert (again(eve).status, again(eve).is_withdrawn_late) == ("cancelled", False)


def test_everybody_is_cancelled_with_the_section(actor: ActorOf, open_section: OpenSection) -> None:
    section = open_section(seats=1, min_seats=0)
    rows = [services.enroll(actor(name), section) for name in ("ben", "eve")]
    section_services.act_on_section(actor("cleo"), section, "cancel", note="The mill is broken.")
    seats.cancel_enrollments(SYSTEM, get_section(section.id), note="The mill is broken.")
    assert [again(row).status for row in rows] == ["cancelled", "cancelled"]
    assert ENROLLMENTS.history(rows[0])[-1].note == "The mill is broken."


def test_line_ends_when_the_section_begins(actor: ActorOf, open_section: OpenSection) -> None:
    section = open_section(seats=1, min_seats=0)
    ana, ben = (services.enroll(actor(name), section) for name in ("ana", "ben"))
    begin(section)
    assert seats.pass_on_seats(SYSTEM) == 1
    assert again(ben).status == "lapsed"
    # Nobody is called in who could not be there at the beginning.
    services.act_on_enrollment(actor("ana"), again(ana), "withdraw")
    assert again(ana).is_withdrawn_late
