"""The whole engine under any order of steps by anybody: what must hold always holds.

MACHINE_RUNS and MACHINE_STEPS say how much of it is tried; docs/development.md names the numbers.
"""

import datetime as dt
from collections.abc import Callable
from itertools import groupby, pairwise

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from portal.bookings.models.booking import Booking, BookingMove, WaitingEntry
from portal.bookings.models.calendar import Quota, Resource, RuleLayer
from portal.bookings.models.charging import RateCard
from portal.bookings.queries import bookings as queries
from portal.bookings.queries.charging import count_cents, load_rates
from portal.bookings.queries.situations import load_situation
from portal.bookings.queries.waiting import get_visible_entry
from portal.bookings.rules.attempt import Attempt, Span
from portal.bookings.rules.customers import customer_class_of
from portal.bookings.rules.places import peak
from portal.bookings.rules.problems import find_problems
from portal.bookings.rules.recurrence import Recurrence
from portal.bookings.rules.words import BOOKINGS, HOLDING_STATUSES
from portal.bookings.services import charging, making, moving, steps, waiting
from portal.facilities.models import Equipment
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import PortalError
from portal.kernel.workflow import WorkflowStep
from portal.organizations.models import Organization
from tests.bookings.conftest import ActorOf, OpenMill
from tests.cast import World
from tests.support.machines import machine_settings

SLOT = 30
LONGEST = 120
MOST_A_DAY = 3
FEES = {"operator_cents": 6010, "cancellation_cents": 700, "no_show_cents": 500}
HOUSES = {"ana": "shop", "ben": "shop", "cleo": "college", "eve": "aero"}
PEOPLE = st.sampled_from(sorted(HOUSES))
# Half a day of slots, so that people meet; now and then between two of them.
STARTS = st.integers(min_value=0, max_value=24).map(lambda slot: slot * SLOT) | st.just(7)
LENGTHS = st.sampled_from([30, 30, 60, 60, 90, 120, 150])
NUMBERS = st.integers(min_value=0, max_value=9)
ACTIONS = ["approve", "decline", "cancel", "check_in", "check_out", "mark_no_show"]


def write_resource(world: World, name: str, **rules: object) -> int:
    """Write the resource of a machine of the cast with rules of its own; return its id."""
    with unit_of_work():
        resource = Resource(
            kind="equipment",
            organization_id=world.organizations["college"],
            equipment_id=world.equipment[name],
            name=name,
        )
        session.add(resource)
        session.flush()
        session.add(RuleLayer(resource_id=resource.id, **rules))
        return resource.id


def by_the_hour(cents: int | None, minutes: int) -> int:
    """Return what minutes cost at a price per hour, to the nearest cent."""
    return ((cents or 0) * minutes * 2 + 60) // 120


@pytest.mark.long
def test_no_order_of_steps_breaks_a_rule_of_bookings(
    world: World,
    actor: ActorOf,
    mill: OpenMill,
    reset_world: Callable[[], None],
    drain: Callable[[], None],
) -> None:
    class Machine(RuleBasedStateMachine):
        """The college's mills, and whatever people and the clock do to them.

        One of them is booked; what is booked is moved between the two.
        """

        @initialize(
            capacity=st.sampled_from([1, 1, 2, 3]),
            approval=st.sampled_from(["instant", "host"]),
            turnaround=st.sampled_from([0, 0, 30]),
        )
        def open(self, capacity: int, approval: str, turnaround: int) -> None:
            reset_world()
            self.capacity = capacity
            rules = {
                "capacity": capacity,
                "approval": approval,
                "slot_minutes": SLOT,
                "min_length_minutes": SLOT,
                "max_length_minutes": LONGEST,
                "turnaround_minutes": turnaround,
                "no_show_minutes": 15,
                "cancel_notice_minutes": 60 * 24,
            }
            self.resource_id = mill(**rules).id
            self.other_id = write_resource(world, "college_members", **rules)
            with unit_of_work():
                other = session.get_one(Equipment, world.equipment["college_members"])
                other.sharing_terms = "bookable"
                session.add(
                    Quota(
                        resource_id=self.resource_id,
                        shared_by="person",
                        period="day",
                        most_bookings=MOST_A_DAY,
                    )
                )
                for number in (self.resource_id, self.other_id):
                    session.add(RateCard(resource_id=number, **FEES))
            self.actors: dict[str, Actor] = {name: actor(name) for name in HOUSES}
            self.noon = now().replace(hour=14, minute=0, second=0, microsecond=0)
            self.noon += dt.timedelta(days=3)
            # What each booking was after each change, as somebody sees who only looks on.
            self.seen: dict[int, list[tuple[dt.datetime, dt.datetime, int | None, int]]] = {}

        def span(self, start: int, length: int) -> Span:
            starts_at = self.noon + dt.timedelta(minutes=start)
            return Span(starts_at, starts_at + dt.timedelta(minutes=length))

        def house(self, name: str) -> Organization:
            return session.get_one(Organization, world.organizations[HOUSES[name]])

        def resource(self) -> Resource:
            return queries.get_resource(self.resource_id)

        def bookings(self) -> list[Booking]:
            return list(
                session.scalars(
                    select(Booking)
                    .where(Booking.resource_id.in_([self.resource_id, self.other_id]))
                    .order_by(Booking.id)
                    .execution_options(populate_existing=True)
                )
            )

        def pick(self, number: int) -> Booking | None:
            ids = [booking.id for booking in self.bookings()][-10:]
            return queries.get_booking(ids[number % len(ids)]) if ids else None

        @rule(name=PEOPLE, start=STARTS, length=LENGTHS, why=st.sampled_from(["", "", "The fair"]))
        def book(self, name: str, start: int, length: int, why: str) -> None:
            before = len(self.bookings())
            try:
                made = making.create_booking(
                    self.actors[name],
                    self.resource(),
                    organization=self.house(name),
                    span=self.span(start, length),
                    override_reason=why,
                )
            except PortalError:
                assert len(self.bookings()) == before
                return
            overridden = bool(queries.get_booking(made[0].id).overrides)
            assert not overridden or (why and name == "cleo")
            assert overridden or (start % SLOT == 0 and length <= LONGEST)

        @rule(name=PEOPLE, start=STARTS, length=LENGTHS, skips=st.booleans())
        def book_both_on_two_days(self, name: str, start: int, length: int, skips: bool) -> None:
            before = len(self.bookings())
            try:
                made = making.create_party(
                    self.actors[name],
                    (self.resource(), queries.get_resource(self.other_id)),
                    organization=self.house(name),
                    span=self.span(start, length),
                    recurrence=Recurrence("daily", count=2),
                    on_conflict="skip" if skips else "refuse",
                )
            except PortalError:
                assert len(self.bookings()) == before
                return
            assert len(made) == len(self.bookings()) - before
            assert len(made) == 4 or (skips and len(made) == 2)
            parties = groupby(made, key=lambda one: (one.party, one.starts_at, one.ends_at))
            for _party, pair in parties:
                assert sorted(one.resource_id for one in pair) == [self.resource_id, self.other_id]

        @rule(name=PEOPLE, number=NUMBERS, with_operator=st.booleans())
        def say_how_it_is_used(self, name: str, number: int, with_operator: bool) -> None:
            booking = self.pick(number)
            if booking is None:
                return
            try:
                charging.report_usage(self.actors[name], booking, with_operator=with_operator)
                moving.describe_booking(self.actors[name], booking, purpose=f"Lids by {name}")
            except PortalError:
                return
            assert queries.get_booking(booking.id).purpose == f"Lids by {name}"

        @rule(name=PEOPLE, number=NUMBERS, start=STARTS, length=LENGTHS)
        def move(self, name: str, number: int, start: int, length: int) -> None:
            booking = self.pick(number)
            if booking is None:
                return
            was = (booking.starts_at, booking.ends_at, booking.place)
            try:
                moving.move_booking(self.actors[name], booking, span=self.span(start, length))
            except PortalError:
                kept = queries.get_booking(booking.id)
                assert (kept.starts_at, kept.ends_at, kept.place) == was
                return
            assert start % SLOT == 0
            assert length <= LONGEST

        @rule(name=PEOPLE, number=NUMBERS)
        def move_to_the_other(self, name: str, number: int) -> None:
            booking = self.pick(number)
            if booking is None:
                return
            was = (booking.resource_id, booking.place, booking.status)
            to = self.other_id if booking.resource_id == self.resource_id else self.resource_id
            resources = (booking.resource, queries.get_resource(to))
            try:
                moving.move_to_resource(self.actors[name], resources, booking=booking)
            except PortalError:
                kept = queries.get_booking(booking.id)
                assert (kept.resource_id, kept.place, kept.status) == was
                return
            assert queries.get_booking(booking.id).resource_id == to

        @rule(name=PEOPLE, number=NUMBERS, to=PEOPLE)
        def hand_over(self, name: str, number: int, to: str) -> None:
            booking = self.pick(number)
            if booking is None:
                return
            try:
                moving.hand_over_booking(self.actors[name], booking, user_id=world.users[to])
            except PortalError:
                return
            assert world.organizations[HOUSES[to]] == booking.organization_id

        @rule(name=PEOPLE, number=NUMBERS, action=st.sampled_from(ACTIONS))
        def act(self, name: str, number: int, action: str) -> None:
            booking = self.pick(number)
            if booking is None:
                return
            before = booking.status
            try:
                steps.act_on_booking(self.actors[name], booking, action, note="So be it.")
            except PortalError:
                assert queries.get_booking(booking.id).status == before
                return
            assert before in BOOKINGS.transitions[action].sources
            if action in ("approve", "decline", "mark_no_show"):
                assert name == "cleo"

        @rule(name=PEOPLE, start=STARTS, length=LENGTHS)
        def wait(self, name: str, start: int, length: int) -> None:
            try:
                waiting.join_waiting_list(
                    self.actors[name],
                    self.resource(),
                    organization=self.house(name),
                    span=self.span(start, length),
                )
            except PortalError:
                return

        @rule(number=NUMBERS)
        def leave(self, number: int) -> None:
            entries = self.entries("waiting", "offered")
            if not entries:
                return
            entry = entries[number % len(entries)]
            name = next(name for name, user in world.users.items() if user == entry.user_id)
            person = self.actors[name]
            waiting.leave_waiting_list(person, get_visible_entry(person, entry.id))

        @rule(minutes=st.sampled_from([30, 60, 180, 60 * 24]))
        def let_time_pass(self, minutes: int) -> None:
            self.come_nearer(dt.timedelta(minutes=minutes))

        @rule(number=NUMBERS)
        def come_in_time(self, number: int) -> None:
            booking = self.pick(number)
            if booking is None or booking.status != "approved":
                return
            name = next(name for name, user in world.users.items() if user == booking.user_id)
            slot = dt.timedelta(minutes=SLOT)
            self.come_nearer(max((booking.starts_at - now()) // slot, 0) * slot)
            booking = queries.get_booking(booking.id)
            if booking.status == "approved":
                steps.act_on_booking(self.actors[name], booking, "check_in")
                assert queries.get_booking(booking.id).status == "in_use"

        def come_nearer(self, step: dt.timedelta) -> None:
            """Let time pass: everything comes nearer, which is the same."""
            with unit_of_work():
                # Who comes first makes room for the next.
                for booking in sorted(self.bookings(), key=lambda one: one.starts_at):
                    booking.starts_at, booking.ends_at = (
                        booking.starts_at - step,
                        booking.ends_at - step,
                    )
                    for used in ("used_from", "used_until"):
                        if getattr(booking, used) is not None:
                            setattr(booking, used, getattr(booking, used) - step)
                    session.flush()
                for move in session.scalars(select(BookingMove)):
                    move.was_from, move.was_until = move.was_from - step, move.was_until - step
                for entry in self.entries():
                    entry.starts_at, entry.ends_at = entry.starts_at - step, entry.ends_at - step
                    if entry.offered_until is not None:
                        entry.offered_until -= step
            self.noon -= step
            self.seen = {
                number: [(one - step, other - step, *more) for one, other, *more in spans]
                for number, spans in self.seen.items()
            }
            steps.close_overdue(SYSTEM)
            waiting.pass_on_offers(SYSTEM)
            drain()
            for booking in self.bookings():
                self.charges_add_up(queries.get_booking(booking.id))
            session.rollback()

        @rule()
        def serve_those_who_wait(self) -> None:
            drain()
            waiting.offer_freed_time(SYSTEM, self.resource())
            entries = self.entries("waiting", "offered")
            for entry in entries:
                if entry.status == "waiting" and entry.starts_at > now():
                    assert self.problems_of(entry), "somebody waits for a time that is free"
            for entry in entries:
                for earlier in entries:
                    is_passed_over = (
                        entry.status == "offered"
                        and earlier.status == "waiting"
                        and earlier.id < entry.id
                        and (earlier.starts_at, earlier.ends_at) == (entry.starts_at, entry.ends_at)
                    )
                    # Only who may not book it is passed over.
                    assert not is_passed_over or self.problems_of(earlier) - {"conflict"}

        def charges_add_up(self, booking: Booking) -> None:
            """What all that is over has cost is its time, and what its end costs."""
            rates = load_rates(booking.resource, booking.customer_class)
            used = max(booking.ends_at, booking.used_until or booking.ends_at) - booking.starts_at
            minutes = round(used / dt.timedelta(minutes=1))
            expected = 0
            if booking.status == "completed" and rates.hour_cents is not None:
                expected = by_the_hour(rates.hour_cents, minutes)
                expected += by_the_hour(rates.operator_cents, minutes) * booking.with_operator
            elif booking.status == "no_show":
                expected = FEES["no_show_cents"]
            elif booking.is_cancelled_late:
                expected = FEES["cancellation_cents"]
            assert count_cents(booking) == expected

        def entries(self, *statuses: str) -> list[WaitingEntry]:
            statement = (
                select(WaitingEntry)
                .order_by(WaitingEntry.id)
                .execution_options(populate_existing=True)
            )
            if statuses:
                statement = statement.where(WaitingEntry.status.in_(statuses))
            return list(session.scalars(statement))

        def problems_of(self, entry: WaitingEntry) -> set[str]:
            organization = session.get_one(Organization, entry.organization_id)
            resource = self.resource()
            span = Span(entry.starts_at, entry.ends_at)
            situation = load_situation(
                resource, organization=organization, user_id=entry.user_id, window=span
            )
            attempt = Attempt(
                span,
                entry.user_id,
                organization.id,
                customer_class_of(resource.organization_id, organization.id, organization.kind),
            )
            return {problem.code for problem in find_problems(attempt, situation)}

        @invariant()
        def the_rules_hold(self) -> None:
            bookings = self.bookings()
            for number in (self.resource_id, self.other_id):
                self.nobody_shares_a_place([one for one in bookings if one.resource_id == number])
            rows = [queries.get_booking(booking.id) for booking in bookings]
            for booking in rows:
                self.rules_are_kept_or_set_aside(booking)
                self.history_is_complete(booking)
            session.rollback()

        def nobody_shares_a_place(self, bookings: list[Booking]) -> None:
            holding = [one for one in bookings if one.status in HOLDING_STATUSES]
            spans = {one.id: Span(one.starts_at, one.ends_at) for one in holding}
            assert peak(spans.values()) <= self.capacity
            for number, one in enumerate(holding):
                assert 1 <= one.place <= self.capacity
                for other in holding[number + 1 :]:
                    is_apart = not spans[one.id].overlaps(spans[other.id])
                    assert is_apart or one.place != other.place

        def rules_are_kept_or_set_aside(self, booking: Booking) -> None:
            if booking.status not in ("requested", "approved"):
                return
            set_aside = {override.code for override in booking.overrides}
            length = (booking.ends_at - booking.starts_at) / dt.timedelta(minutes=1)
            assert length <= LONGEST or "too_long" in set_aside
            is_on_slot = booking.starts_at.minute % SLOT == 0 and length % SLOT == 0
            # The booking of the world began before these rules.
            is_older = booking.id == world.bookings["ben_on_college_mill"]
            assert is_on_slot or is_older or "not_on_slot" in set_aside

        def history_is_complete(self, booking: Booking) -> None:
            steps: list[WorkflowStep] = BOOKINGS.history(booking)
            if steps:
                assert steps[-1].target == booking.status
                assert all(one.target == other.source for one, other in pairwise(steps))
            else:
                assert booking.status in ("requested", "approved")
            now_is = (booking.starts_at, booking.ends_at, booking.user_id, booking.resource_id)
            spans = self.seen.setdefault(booking.id, [now_is])
            if spans[-1] != now_is:
                spans.append(now_is)
            kept = [
                (move.was_from, move.was_until, move.was_user_id, move.was_resource_id)
                for move in booking.moves
            ]
            changes = [*kept, now_is]
            # A move to where it was is kept too, and is nothing to see.
            assert [change for change, _same in groupby(changes)] == spans

    run_state_machine_as_test(
        Machine,
        settings=machine_settings(runs=4, steps=30),
    )
