"""Bookings are moved, in time and to other machines, and handed over as their rules say."""

import pytest
from sqlalchemy import select, update

from portal.bookings.events import SpanFreed
from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource, RuleLayer
from portal.bookings.policies import Permission
from portal.bookings.queries import bookings as queries
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.recurrence import read_recurrence
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.words import BOOKINGS
from portal.bookings.services import charging, moving, steps
from portal.kernel.authorization import can
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from portal.organizations.models import Membership
from tests.bookings.conftest import (
    ActorOf,
    Book,
    Hour,
    OpenMill,
    again,
    codes,
    events,
    open_to_all,
    second_mill,
)
from tests.cast import World


def test_move_keeps_what_it_was(book: Book, actor: ActorOf, hour: Hour) -> None:
    booking, was = book(), hour()
    moving.move_booking(actor("ana"), booking, span=hour(after=3, hours=2), reason="Later")
    moved = again(booking)
    assert Span(moved.starts_at, moved.ends_at) == hour(after=3, hours=2)
    (move,) = moved.moves
    assert (move.was_from, move.was_until, move.reason) == (was.starts_at, was.ends_at, "Later")
    assert moved.sequence == 1


def test_move_is_judged_by_the_rules_and_its_own_time_is_no_obstacle(
    book: Book, actor: ActorOf, hour: Hour
) -> None:
    booking = book()
    book("eve", hour(after=1))
    with pytest.raises(Refused):
        moving.move_booking(actor("ana"), booking, span=hour(after=0.5))
    assert again(booking).starts_at == hour().starts_at
    moving.move_booking(actor("ana"), again(booking), span=hour(after=-0.5))
    assert again(booking).starts_at == hour(after=-0.5).starts_at


def test_moved_by_its_own_side_is_asked_for_again(
    book: Book, mill: OpenMill, actor: ActorOf, hour: Hour
) -> None:
    mill_ = mill(approval="host")
    booking = book("ana", hour(hours=2), resource=mill_)
    steps.act_on_booking(actor("cleo"), again(booking), "approve")
    moving.move_booking(actor("ana"), again(booking), span=hour(hours=1))
    assert again(booking).status == "approved"
    moving.move_booking(actor("cleo"), again(booking), span=hour(after=2))
    assert again(booking).status == "approved"
    moving.move_booking(actor("ana"), again(booking), span=hour(after=4))
    assert again(booking).status == "requested"


def test_stranger_cannot_move_it(book: Book, actor: ActorOf, hour: Hour) -> None:
    with pytest.raises(NotFound):
        moving.move_booking(actor("eve"), book(), span=hour(after=1))


def test_booking_is_handed_to_a_colleague_who_may_use_it(
    book: Book, mill: OpenMill, actor: ActorOf, world: World
) -> None:
    booking = book("ana")
    moving.hand_over_booking(actor("ana"), booking, user_id=world.users["ben"])
    handed = again(booking)
    assert (handed.user.name, handed.moves[0].was_user.name) == ("Ben", "Ana")
    with unit_of_work():
        session.scalars(
            select(RuleLayer).where(RuleLayer.resource_id == booking.resource_id)
        ).one().needs_induction = True
    with pytest.raises(Refused) as refused:
        moving.hand_over_booking(actor("ana"), again(booking), user_id=world.users["ana"])
    assert codes(refused) == ["induction_missing"]
    with pytest.raises(Invalid):
        moving.hand_over_booking(actor("ana"), again(booking), user_id=world.users["eve"])


def test_host_does_not_choose_among_the_people_who_book(
    book: Book, actor: ActorOf, world: World
) -> None:
    booking = book("ana")
    with pytest.raises(Forbidden):
        moving.hand_over_booking(actor("cleo"), booking, user_id=world.users["ben"])


def test_whoever_left_the_organization_only_cancels_in_its_name(
    book: Book, actor: ActorOf, world: World, hour: Hour
) -> None:
    booking = book("ben")
    with unit_of_work():
        session.delete(session.get_one(Membership, world.memberships["ben_shop"]))
    with pytest.raises(Forbidden):
        moving.move_booking(actor("ben"), again(booking), span=hour(after=2))
    with pytest.raises(Forbidden):
        steps.act_on_booking(actor("ben"), again(booking), "check_in")
    steps.act_on_booking(actor("ben"), again(booking), "cancel")
    assert again(booking).status == "cancelled"


def test_time_is_free_while_a_longer_one_is_asked_for(
    book: Book, mill: OpenMill, actor: ActorOf, hour: Hour
) -> None:
    booking = book("ana", resource=mill(approval="host"))
    steps.act_on_booking(actor("cleo"), again(booking), "approve")
    moving.move_booking(actor("ana"), again(booking), span=hour(hours=2))
    assert again(booking).status == "requested"
    assert events(SpanFreed) == [{"resource_id": booking.resource_id}]


def test_booking_moves_to_another_machine_of_its_host_and_stays_itself(
    book: Book, world: World, mill: OpenMill, actor: ActorOf, hour: Hour
) -> None:
    first, other = mill(), second_mill(world)
    booking = book("ana", resource=first)
    taken = book("cleo", resource=other)

    def move(who: str, **more: object) -> Booking:
        return moving.move_to_resource(
            actor(who), (again(booking).resource, other), booking=again(booking), **more
        )

    with pytest.raises(Conflict, match="cannot be booked here"):
        move("ana")
    open_to_all(other)
    with pytest.raises(Refused) as refused:
        move("ana")
    assert codes(refused) == ["conflict"]
    steps.act_on_booking(actor("cleo"), taken, "cancel")
    with pytest.raises(NotFound):
        move("eve")
    assert move("cleo", reason="The spindle").id == booking.id
    moved = again(booking)
    assert (moved.resource_id, moved.status) == (other.id, "approved")
    assert (moved.moves[0].was_resource_id, moved.moves[0].reason) == (first.id, "The spindle")
    assert events(SpanFreed)[-1]["resource_id"] == first.id
    with pytest.raises(Conflict, match="something else"):
        moving.move_to_resource(actor("ana"), (first, other), booking=moved)
    assert book("eve", resource=first).status == "approved"


def test_who_looks_at_what_was_moved_meanwhile_is_asked_to_look_again(
    book: Book, world: World, mill: OpenMill, actor: ActorOf
) -> None:
    booking = book(resource=mill())
    with unit_of_work():
        other = second_mill(world)
        session.execute(
            update(Booking)
            .where(Booking.id == booking.id)
            .values(resource_id=other.id)
            .execution_options(synchronize_session=False)
        )
    with pytest.raises(Conflict, match="same moment"):
        steps.act_on_booking(actor("ana"), booking, "cancel")


def test_series_moves_to_another_machine_as_a_whole_or_stays(
    book: Book, world: World, mill: OpenMill, actor: ActorOf, hour: Hour
) -> None:
    machine, other = mill(), second_mill(world)
    open_to_all(other)
    first = book(resource=machine, recurrence=read_recurrence({"frequency": "daily", "count": 3}))
    blocking = book("cleo", hour(days=8), resource=other)

    def move() -> None:
        moving.move_to_resource(
            actor("ana"), (again(first).resource, other), booking=again(first), scope="all"
        )

    with pytest.raises(Refused) as refused:
        move()
    assert {one.instead_of for one in refused.value.suggestions} == {hour(days=8)}
    assert {one.resource_id for one in queries.list_made_together(first)} == {machine.id}
    steps.act_on_booking(actor("cleo"), blocking, "cancel")
    move()
    series = queries.list_made_together(first)
    assert {(one.resource_id, one.status) for one in series} == {(other.id, "approved")}


def test_series_is_handed_over_and_described_as_a_whole_or_stays(
    book: Book, actor: ActorOf, world: World, mill: OpenMill
) -> None:
    first = book(recurrence=read_recurrence({"frequency": "daily", "count": 3}))
    second = queries.list_made_together(first)[1]

    def people() -> list[str]:
        made = queries.list_made_together(first)
        return [again(one).user.name for one in made]

    moving.describe_booking(actor("ana"), again(second), purpose="Lids", scope="following")
    assert [one.purpose for one in queries.list_made_together(first)] == ["", "Lids", "Lids"]
    charging.report_usage(actor("ana"), again(second), samples=5, with_operator=True)
    planned = {**again(first).use, "runs": 3}
    same = {"span": Span(first.starts_at, first.ends_at), "user_id": None, "purpose": ""}
    moving.change_booking(actor("ana"), again(first), use=planned, scope="all", **same)
    of_all = [(one.runs, one.samples) for one in queries.list_made_together(first)]
    assert of_all == [(3, 0), (3, 5), (3, 0)]

    def need_induction(is_needed: bool) -> None:
        with unit_of_work():
            rules = select(RuleLayer).where(RuleLayer.resource_id == first.resource_id)
            session.scalars(rules).one().needs_induction = is_needed

    need_induction(True)
    to = {"user_id": world.users["ben"]}
    with pytest.raises(Refused) as refused:
        moving.hand_over_booking(actor("ana"), again(first), scope="all", **to)
    assert codes(refused) == ["induction_missing"]
    assert people() == ["Ana", "Ana", "Ana"]
    need_induction(False)
    moving.hand_over_booking(actor("ana"), again(second), scope="following", **to)
    assert people() == ["Ana", "Ben", "Ben"]


def test_to_another_host_only_its_own_side_moves_it_and_neither_host_learns_of_the_other(
    book: Book, world: World, mill: OpenMill, actor: ActorOf, hour: Hour
) -> None:
    mill_ = mill(cancel_notice_minutes=60 * 24 * 10)
    booking = book("ana", resource=mill_, purpose="Housings")
    charging.report_usage(actor("ana"), again(booking), runs=3, notes="Clean it.")
    with unit_of_work():
        there = Resource(
            kind="equipment",
            organization_id=world.organizations["aero"],
            equipment_id=world.equipment["aero_public"],
            name="Aero jig",
        )
        session.add(there)
    open_to_all(there)
    there = queries.get_resource(there.id)

    def move(who: str, what: Booking = booking) -> Booking:
        return moving.move_to_resource(
            actor(who), (again(what).resource, there), booking=again(what), reason="Nearer"
        )

    with pytest.raises(Forbidden):
        move("cleo")
    made = again(move("ana"))
    assert (made.host_organization_id, made.status) == (world.organizations["aero"], "requested")
    assert (made.user_id, made.purpose) == (world.users["ana"], "Housings")
    assert (made.runs, made.usage_notes) == (3, "Clean it.")
    assert made.moves[0].was_resource_id == mill_.id
    was = again(booking)
    assert (was.status, was.is_cancelled_late) == ("cancelled", True)
    assert not can(actor("eve"), Permission.BOOKING_VIEW, was)
    assert not can(actor("cleo"), Permission.BOOKING_VIEW, made)
    noted = book("ana", hour(after=4), resource=mill_)
    charging.report_usage(actor("cleo"), again(noted), samples=2, notes="They pay late.")
    made = again(move("ana", noted))
    assert (made.samples, made.usage_notes) == (2, "")


def test_only_its_own_side_says_what_a_booking_is_for(book: Book, actor: ActorOf) -> None:
    booking = book(purpose="Housings")
    with pytest.raises(Forbidden):
        moving.describe_booking(actor("cleo"), booking, purpose="Ours")
    moving.describe_booking(actor("ana"), again(booking), purpose=" Lids ")
    described = again(booking)
    assert (described.purpose, described.status, described.sequence) == ("Lids", "approved", 1)
    (kept,) = BOOKINGS.history(described)
    assert (kept.actor_name, kept.note) == ("Ana", "Housings")
    steps.act_on_booking(actor("ana"), again(booking), "cancel")
    with pytest.raises(Conflict):
        moving.describe_booking(actor("ana"), again(booking), purpose="Later")
