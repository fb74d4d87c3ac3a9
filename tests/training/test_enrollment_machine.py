"""Enrollments under any order of steps by anybody: what must hold always holds.

MACHINE_RUNS and MACHINE_STEPS say how much of it is tried; docs/development.md names the numbers.
"""

import datetime as dt
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select

from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now, today_here
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import PortalError
from portal.organizations.models import Organization
from portal.training.models.certificates import Certificate
from portal.training.models.enrollments import Enrollment
from portal.training.models.sections import Section
from portal.training.queries import enrollments as queries
from portal.training.queries import rosters
from portal.training.queries.sections import get_section
from portal.training.rules.enrollments import (
    ENROLLMENTS,
    KEPT_STATUSES,
    LIVE_STATUSES,
    SEATED_STATUSES,
    is_owed,
)
from portal.training.services import enrollments as services
from portal.training.services import results
from portal.training.services import sections as section_services
from portal.training.services.seats import offer_free_seats, pass_on_seats
from tests.cast import World
from tests.support.machines import machine_settings
from tests.training.conftest import ActorOf

PEOPLE = st.sampled_from(["ana", "ben", "cleo", "dov", "eve"])
ADDRESSES = st.lists(
    st.sampled_from([f"{name}@cast.example" for name in ("ben", "dov", "eve")] + ["x@x.example"]),
    min_size=1,
    max_size=3,
)
NUMBERS = st.integers(min_value=0, max_value=9)
SIDES = st.sampled_from(["open", "planned"])
ACTIONS = ["approve", "refuse", "withdraw", "remove"]


@pytest.mark.long
def test_no_order_of_steps_breaks_a_rule_of_enrollments(
    world: World, actor: ActorOf, reset_world: Callable[[], None]
) -> None:
    class Machine(RuleBasedStateMachine):
        """Two sections of the college, both open, and whatever people and the clock do to them."""

        @initialize(
            seats=st.sampled_from([1, 2, 2, 3]),
            needs_approval=st.booleans(),
            notice_days=st.sampled_from([0, 40]),
        )
        def open(self, seats: int, needs_approval: bool, notice_days: int) -> None:
            reset_world()
            self.numbers = {name: world.sections[name] for name in ("open", "planned")}
            with unit_of_work():
                session.execute(delete(Enrollment))
                for number in self.numbers.values():
                    section = session.get_one(Section, number)
                    section.status, section.seats, section.min_seats = "open", seats, 0
                    section.needs_approval = needs_approval
                    section.notice_days = notice_days
            self.actors: dict[str, Actor] = {
                name: actor(name) for name in ("ana", "ben", "cleo", "dov", "eve")
            }
            # What each was when it was first seen: the price is fixed, states are only added.
            self.prices: dict[int, int | None] = {}
            self.steps: dict[int, int] = {}
            self.free_until: dict[int, dt.date] = {}

        def section(self, side: str) -> Section:
            return get_section(self.numbers[side])

        def rows(self) -> list[Enrollment]:
            return list(
                session.scalars(
                    select(Enrollment)
                    .where(Enrollment.section_id.in_(self.numbers.values()))
                    .order_by(Enrollment.id)
                    .execution_options(populate_existing=True)
                )
            )

        def pick(self, number: int) -> Enrollment | None:
            ids = [row.id for row in self.rows()][-10:]
            return queries.get_enrollment(ids[number % len(ids)]) if ids else None

        @rule(name=PEOPLE, side=SIDES, waits=st.booleans(), by_firm=st.booleans())
        def enroll(self, name: str, side: str, waits: bool, by_firm: bool) -> None:
            firm = session.get_one(Organization, world.organizations["shop"]) if by_firm else None
            before = len(self.rows())
            try:
                row = services.enroll(
                    self.actors[name], self.section(side), for_organization=firm, waits=waits
                )
            except PortalError:
                assert len(self.rows()) == before
                return
            assert not by_firm or name == "ana"
            assert waits or row.status != "waiting"

        @rule(side=SIDES, emails=ADDRESSES, waits=st.booleans())
        def enroll_others(self, side: str, emails: list[str], waits: bool) -> None:
            before, section = len(self.rows()), self.section(side)
            shop = session.get_one(Organization, world.organizations["shop"])
            _known, new = queries.sort_out_known(section, shop, emails)
            try:
                made = services.enroll_others(
                    self.actors["ana"],
                    section,
                    organization=shop,
                    emails=emails,
                    waits=waits,
                )
            except PortalError:
                # All of them or none.
                assert len(self.rows()) == before
                return
            assert [row.email for row in made] == new

        @rule(side=SIDES, number=NUMBERS)
        def add_by_hand(self, side: str, number: int) -> None:
            try:
                services.enroll_by_hand(
                    self.actors["cleo"],
                    self.section(side),
                    name="Jo",
                    organization="Ana's Machine Shop" if number % 2 else "",
                    email=f"jo{number % 3}@x.example",
                )
            except PortalError:
                return

        @rule(name=PEOPLE, number=NUMBERS, action=st.sampled_from(["accept", "turn_down", "join"]))
        def answer(self, name: str, number: int, action: str) -> None:
            row = self.pick(number)
            if row is None:
                return
            before = (row.status, row.user_id)
            try:
                services.answer_enrollment(self.actors[name], row, action)
            except PortalError:
                kept = queries.get_enrollment(row.id)
                assert (kept.status, kept.user_id) == before
                return
            assert before[0] in KEPT_STATUSES or action == "join"
            assert before[1] in (None, self.actors[name].user_id)

        @rule(name=PEOPLE, number=NUMBERS, action=st.sampled_from(ACTIONS))
        def act(self, name: str, number: int, action: str) -> None:
            row = self.pick(number)
            if row is None:
                return
            before = row.status
            try:
                services.act_on_enrollment(self.actors[name], row, action, note="So be it.")
            except PortalError:
                assert queries.get_enrollment(row.id).status == before
                return
            assert before in ENROLLMENTS.transitions[action].sources
            assert action == "withdraw" or name == "cleo"

        @rule(number=NUMBERS)
        def move(self, number: int) -> None:
            row = self.pick(number)
            if row is None:
                return
            sides = {number: name for name, number in self.numbers.items()}
            here = sides[row.section_id]
            there = "planned" if here == "open" else "open"
            was = (row.section_id, row.seat)
            try:
                services.move_enrollment(
                    self.actors["cleo"],
                    (self.section(here), self.section(there)),
                    enrollment=row,
                    reason="Shifts",
                )
            except PortalError:
                kept = queries.get_enrollment(row.id)
                assert (kept.section_id, kept.seat) == was

        @rule(
            side=SIDES,
            seats=st.integers(min_value=1, max_value=4),
            notice_days=st.sampled_from([0, 40]),
        )
        def change(self, side: str, seats: int, notice_days: int) -> None:
            taken = len(queries.list_taken_seats(self.numbers[side]))
            try:
                section_services.update_section(
                    self.actors["cleo"], self.section(side), seats=seats, notice_days=notice_days
                )
            except PortalError:
                assert taken > seats
                return
            assert taken <= seats
            # As what follows on the change does.
            offer_free_seats(SYSTEM, self.section(side))

        @rule(number=NUMBERS, passed=st.booleans(), is_free=st.sampled_from([False, False, True]))
        def record(self, number: int, passed: bool, is_free: bool) -> None:
            row = self.pick(number)
            if row is None:
                return
            section = row.section
            began = section.starts_on
            with unit_of_work():
                section.starts_on = today_here()
                if not is_free:
                    row.free_until = today_here() - dt.timedelta(days=1)
                    self.free_until[row.id] = row.free_until
            try:
                results.record_result(
                    self.actors["cleo"], queries.get_enrollment(row.id), passed=passed
                )
            except PortalError:
                is_early = row.status == "enrolled" and row.free_until >= today_here()
                assert is_early or row.status not in ("enrolled", "completed", "failed")
            with unit_of_work():
                session.get_one(Section, section.id).starts_on = began

        @rule()
        def let_offers_end(self) -> None:
            with unit_of_work():
                for row in self.rows():
                    if row.answer_by is not None:
                        row.answer_by = now() - dt.timedelta(minutes=1)
            pass_on_seats(SYSTEM)

        @invariant()
        def the_rules_hold(self) -> None:
            rows = self.rows()
            for side, number in self.numbers.items():
                self.seats_and_line(side, [row for row in rows if row.section_id == number])
            for row in rows:
                self.price_and_history(row)
            self.money_adds_up(rows)
            self.certificates_follow_results(rows)
            session.rollback()

        def seats_and_line(self, side: str, rows: list[Enrollment]) -> None:
            section = self.section(side)
            seated = [row for row in rows if row.status in SEATED_STATUSES]
            numbers = [row.seat for row in seated]
            assert len(set(numbers)) == len(numbers) <= section.seats
            assert all(number and 1 <= number <= section.seats for number in numbers)
            waiting = [row for row in rows if row.status == "waiting"]
            assert not waiting or len(seated) == section.seats, "somebody waits for a free seat"
            # Whoever is served came before all who still wait.
            served = [row for row in rows if row.status == "offered"]
            assert all(one.id < other.id for one in served for other in waiting)
            live = [row for row in rows if row.status in LIVE_STATUSES]
            people = [row.user_id for row in live if row.user_id is not None]
            assert len(set(people)) == len(people), "somebody is in it twice"

        def price_and_history(self, row: Enrollment) -> None:
            assert self.prices.setdefault(row.id, row.price_cents) == row.price_cents
            assert self.free_until.get(row.id, row.free_until) <= row.free_until
            self.free_until[row.id] = row.free_until
            steps = ENROLLMENTS.history(row)
            assert len(steps) >= self.steps.get(row.id, 0), "history is only added to"
            self.steps[row.id] = len(steps)
            assert all(one.target == other.source for one, other in pairwise(steps))
            first = ("enrolled", "requested", "waiting", "invited")
            assert (steps[-1].target if steps else row.status) == row.status
            assert (steps[0].source if steps else row.status) in first

        def money_adds_up(self, rows: list[Enrollment]) -> None:
            owed = sum(
                row.price_cents or 0
                for row in rows
                if is_owed(row.status, is_withdrawn_late=row.is_withdrawn_late)
            )
            by_section = sum(
                statement.total_cents
                for side in self.numbers
                for statement in rosters.load_section_statement(self.section(side))
            )
            college = session.get_one(Organization, world.organizations["college"])
            months = {self.section(side).starts_on.replace(day=1) for side in self.numbers}
            by_month = sum(
                statement.total_cents
                for month in months
                for statement in rosters.load_month(
                    college, side="provider", month=month
                ).statements
            )
            assert owed == by_section == by_month

        def certificates_follow_results(self, rows: list[Enrollment]) -> None:
            valid = session.scalars(
                select(Certificate.enrollment_id).where(
                    Certificate.enrollment_id.in_([row.id for row in rows]),
                    Certificate.revoked_at.is_(None),
                )
            ).all()
            assert sorted(number or 0 for number in valid) == [
                row.id for row in rows if row.status == "completed"
            ]

    run_state_machine_as_test(
        Machine,
        settings=machine_settings(runs=3, steps=20),
    )
