"""Introductions under any order of steps by anybody: nobody is known before all agreed.

MACHINE_RUNS and MACHINE_STEPS say how much of it is tried; docs/development.md names the numbers.
"""

import datetime as dt
import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from portal.brokerage.models.introductions import Introduction
from portal.brokerage.queries import introductions as queries
from portal.brokerage.rules.introductions import INTRODUCTIONS, PARTIES, REVEAL_STAGES
from portal.brokerage.services import introductions as services
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from portal.partnerships.models import Request
from portal.partnerships.queries.requests import get_request
from portal.regions.models import Region
from tests.brokerage.conftest import MANAGERS, ActorOf, name_of
from tests.cast import CAST, World

REFUSALS = (Conflict, Forbidden, Invalid, NotFound, Unauthenticated)
PEOPLE = st.sampled_from(CAST)
SIDES = ("shop", "college", "aero")
RUNS = int(os.environ.get("MACHINE_RUNS", "6"))
STEPS = int(os.environ.get("MACHINE_STEPS", "20"))
WAITING = ("proposed", "identified")
ENDED = ("declined", "lapsed", "withdrawn")


@pytest.mark.long
def test_no_order_of_steps_shows_somebody_too_early(
    world: World, actor: ActorOf, reset_world: Callable[[], None]
) -> None:
    names = {side: name_of(world, side) for side in SIDES}

    class Machine(RuleBasedStateMachine):
        """An introduction of two or three organizations, and whatever the cast does to it."""

        @initialize(count=st.integers(min_value=2, max_value=3), is_anonymous=st.booleans())
        def propose(self, count: int, is_anonymous: bool) -> None:
            reset_world()
            with unit_of_work():
                first = session.get_one(Introduction, world.introductions["shop_college"])
                first.status = "withdrawn"
                posted = session.get_one(Request, world.requests["shop_public"])
                posted.is_anonymous, posted.anonymous_summary = is_anonymous, "Somebody mills."
            self.actors: dict[str, Actor] = {name: actor(name) for name in CAST}
            self.sides = SIDES[:count]
            self.is_anonymous = is_anonymous
            self.said: dict[str, set[str]] = {"consent": set(), "share": set(), "decline": set()}
            self.id = services.propose_introduction(
                self.actors["dov"],
                session.get_one(Region, world.regions["greater-louisville"]),
                title="Composite parts",
                request=get_request(world.requests["shop_public"]),
                parties=[
                    {
                        "organization_id": None if side == "shop" else world.organizations[side],
                        "stands_for": "poster" if side == "shop" else "",
                        "summary": f"Somebody with a {side} machine.",
                        "reason": f"For the {side} alone.",
                    }
                    for side in self.sides
                ],
            ).id

        @property
        def row(self) -> Introduction:
            return queries.get_introduction(self.id)

        def state(self) -> tuple[str, ...]:
            row = self.row
            return (row.status, *(party.status for party in row.parties))

        @rule(
            name=PEOPLE,
            side=st.sampled_from(SIDES),
            action=st.sampled_from(sorted(PARTIES.transitions)),
            is_filled=st.sampled_from([True, True, False]),
        )
        def answer(self, name: str, side: str, action: str, is_filled: bool) -> None:
            if side not in self.sides:
                return
            self.try_to_answer(name, side, action, is_filled)

        @rule(side=st.sampled_from(SIDES), action=st.sampled_from(["consent", "share"]))
        def agree(self, side: str, action: str) -> None:
            """As most people do, so that many runs come to the end."""
            if side in self.sides:
                self.try_to_answer(MANAGERS[side], side, action, True)

        def try_to_answer(self, name: str, side: str, action: str, is_filled: bool) -> None:
            number = world.organizations[side]
            before = self.state()
            row = self.row
            party = next(each for each in row.parties if each.organization_id == number)
            try:
                services.answer_introduction(
                    self.actors[name],
                    queries.get_visible_party(self.actors[name], self.id, party.id),
                    action,
                    accepts_terms=is_filled,
                    contact_name=f"Contact of {side}",
                    contact_email=f"{side}@contact.example" if is_filled else "",
                    contact_phone="",
                    note=f"Secret of {side}." if is_filled else " ",
                )
            except REFUSALS:
                assert self.state() == before
                return
            assert name == MANAGERS[side]
            assert is_filled
            assert before[0] == {"consent": "proposed", "share": "identified"}.get(
                action, before[0]
            )
            assert before[0] in WAITING
            self.said[action].add(side)

        @rule(name=PEOPLE, action=st.sampled_from(sorted(INTRODUCTIONS.transitions)))
        def act(self, name: str, action: str) -> None:
            before = self.state()
            try:
                services.act_on_introduction(self.actors[name], self.row, action, note="n")
            except REFUSALS:
                assert self.state() == before
                return
            assert (name, action) == ("dov", "withdraw")
            assert before[0] in WAITING

        @rule(days=st.sampled_from([3, 6, 15]))
        @precondition(lambda self: self.row.status in WAITING)
        def let_time_pass(self, days: int) -> None:
            with unit_of_work():
                row = session.get_one(Introduction, self.id)
                for name in ("asked_at", "answer_by", "remind_at"):
                    moment = getattr(row, name)
                    if moment is not None:
                        setattr(row, name, moment - dt.timedelta(days=days))
            services.remind_awaited(SYSTEM)
            services.lapse_overdue(SYSTEM)

        @rule(name=PEOPLE)
        def end_by_hand(self, name: str) -> None:
            before = self.state()
            with pytest.raises((Forbidden, Unauthenticated)):
                services.lapse_overdue(self.actors[name])
            assert self.state() == before

        @invariant()
        def nobody_knows_more_than_was_agreed(self) -> None:
            row = self.row
            all_agreed = self.said["consent"] == set(self.sides)
            all_shared = self.said["share"] == set(self.sides)
            assert (row.identified_at is not None) == all_agreed
            assert (row.status == "open") == all_shared
            assert (row.status == "declined") == bool(self.said["decline"])
            for side in self.sides:
                self.reads_of_the_others(row, side, all_agreed, all_shared)
            self.broker_reads(row, all_agreed)
            for name in ("nobody", "root", *(["eve"] if "aero" not in self.sides else [])):
                with pytest.raises((NotFound, Unauthenticated)):
                    queries.get_visible_introduction(self.actors[name], self.id)

        def reads_of_the_others(
            self, row: Introduction, side: str, all_agreed: bool, all_shared: bool
        ) -> None:
            reader = self.actors[MANAGERS[side]]
            for shown in queries.sides_of(reader, row):
                if shown.is_own:
                    continue
                assert (shown.label in names.values()) == all_agreed
                assert (shown.organization_id is not None) == all_agreed
                assert (shown.contact is not None) == all_shared
                assert (shown.reason, shown.status, shown.decline_reason) == ("", "", "")
            is_ended = row.status in ENDED and side not in self.said["decline"]
            assert (queries.shown_status(reader, row) == "ended") == is_ended

        def broker_reads(self, row: Introduction, all_agreed: bool) -> None:
            for shown, side in zip(
                queries.sides_of(self.actors["dov"], row), self.sides, strict=True
            ):
                is_hidden = side == "shop" and self.is_anonymous and not all_agreed
                assert (shown.label == names[side]) != is_hidden
                assert shown.contact is None
                declined = side in self.said["decline"]
                assert shown.decline_reason == (f"Secret of {side}." if declined else "")

        @invariant()
        def every_reveal_is_written_down(self) -> None:
            row = self.row
            count = 1 + (row.identified_at is not None) + (row.opened_at is not None)
            pairs = len(self.sides) * (len(self.sides) - 1)
            written = [reveal.stage for reveal in row.reveals]
            assert written == [stage for stage in list(REVEAL_STAGES)[:count] for _ in range(pairs)]
            for party in row.parties:
                consents = party.terms_accepted_at is not None
                assert consents == (party.terms_accepted_by_id is not None)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
