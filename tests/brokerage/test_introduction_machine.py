"""Introductions under any order of steps by anybody: nobody is known before all agreed.

MACHINE_RUNS and MACHINE_STEPS say how much of it is tried; docs/development.md names the numbers.
"""

import datetime as dt
from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete

from portal.brokerage.models.introductions import Introduction
from portal.brokerage.queries import disclosure
from portal.brokerage.queries import introductions as queries
from portal.brokerage.rules.introductions import INTRODUCTIONS, PARTIES, REVEAL_STAGES
from portal.brokerage.services import introductions as services
from portal.conversations.models import Block
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from portal.partnerships.models import Request
from portal.partnerships.queries.requests import get_request
from portal.regions.models import Region
from tests.brokerage.conftest import MANAGERS, ActorOf, name_of
from tests.cast import CAST, World
from tests.support.machines import machine_settings

REFUSALS = (Conflict, Forbidden, Invalid, NotFound, Unauthenticated)
PEOPLE = st.sampled_from(CAST)
SIDES = ("shop", "college", "aero")
WAITING = ("proposed", "halted", "identified")
ENDED = ("declined", "lapsed", "withdrawn")


@pytest.mark.long
def test_no_order_of_steps_shows_somebody_too_early(
    world: World, actor: ActorOf, reset_world: Callable[[], None]
) -> None:
    names = {side: name_of(world, side) for side in SIDES}

    class Machine(RuleBasedStateMachine):
        """An introduction of two or three organizations, and whatever the cast does to it."""

        @initialize(
            count=st.integers(min_value=2, max_value=3),
            is_anonymous=st.booleans(),
            blocks=st.sampled_from([None, None, ("college", "shop"), ("aero", "college")]),
        )
        def propose(self, count: int, is_anonymous: bool, blocks: tuple[str, str] | None) -> None:
            reset_world()
            with unit_of_work():
                session.execute(delete(Block))
                first = session.get_one(Introduction, world.introductions["shop_college"])
                first.status = "withdrawn"
                posted = session.get_one(Request, world.requests["shop_public"])
                posted.is_anonymous, posted.anonymous_summary = is_anonymous, "Somebody mills."
            self.actors: dict[str, Actor] = {name: actor(name) for name in CAST}
            self.sides = SIDES[:count]
            self.is_anonymous = is_anonymous
            self.said: dict[str, set[str]] = {"consent": set(), "share": set(), "decline": set()}
            self.blocks = blocks
            #: Who stayed when all had agreed to meet, and when all had given their contacts.
            self.met: set[str] = set()
            self.reached: set[str] = set()
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
            if blocks is not None:
                # After the proposal, which is refused between two of whom one blocked the other.
                with unit_of_work():
                    one, other = (world.organizations[side] for side in blocks)
                    session.add(Block(organization_id=one, blocked_organization_id=other))

        @property
        def staying(self) -> set[str]:
            return set(self.sides) - self.said["decline"]

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
            assert name == "dov"
            open_to = {
                "extend": ("proposed", "identified"),
                "go_on": ("halted",),
                "withdraw": WAITING,
            }
            assert before[0] in open_to[action]

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

        def note_who_met(self, row: Introduction, is_apart: bool) -> None:
            """Note who stayed at each of the two moments when something became known."""
            staying = self.staying
            if row.identified_at is not None and not self.met:
                self.met = staying
                assert staying <= self.said["consent"]
                assert not is_apart
            if row.status == "open" and not self.reached:
                self.reached = staying
                assert staying <= self.said["share"]
                assert staying <= self.met
                assert not is_apart

        @invariant()
        def nobody_knows_more_than_was_agreed(self) -> None:
            row, staying = self.row, self.staying
            is_apart = self.blocks is not None and set(self.blocks) <= staying
            self.note_who_met(row, is_apart)
            if row.status in ("proposed", "identified") and not is_apart:
                said = self.said["consent" if row.status == "proposed" else "share"]
                assert not staying <= said
            assert (row.identified_at is not None) == bool(self.met)
            assert (row.status == "open") == bool(self.reached)
            assert (row.status == "declined") == (len(staying) < 2)
            if row.status == "halted":
                assert len(staying) == 2
            for side in self.sides:
                self.reads_of_the_others(row, side)
            self.broker_reads(row, is_apart)
            for name in ("nobody", "root", *(["eve"] if "aero" not in self.sides else [])):
                with pytest.raises((NotFound, Unauthenticated)):
                    queries.get_visible_introduction(self.actors[name], self.id)

        def reads_of_the_others(self, row: Introduction, side: str) -> None:
            reader = self.actors[MANAGERS[side]]
            shown_sides = disclosure.sides_of(reader, row)
            for other, shown in zip(self.sides, shown_sides, strict=True):
                if shown.is_own:
                    continue
                they_met = {side, other} <= self.met
                assert (shown.label == names[other]) == they_met
                assert (shown.organization_id is not None) == they_met
                assert (shown.contact is not None) == ({side, other} <= self.reached)
                assert (shown.reason, shown.status, shown.decline_reason) == ("", "", "")
            is_ended = row.status in ENDED and side not in self.said["decline"]
            assert (disclosure.shown_status(reader, row) == "ended") == is_ended

        def broker_reads(self, row: Introduction, is_apart: bool) -> None:
            sides = disclosure.sides_of(self.actors["dov"], row)
            if is_apart and not self.met:
                # What keeps two apart looks like an answer that did not come.
                assert any(shown.status == "waiting" for shown in sides)
            for shown, side in zip(sides, self.sides, strict=True):
                is_hidden = side == "shop" and self.is_anonymous and side not in self.met
                assert (shown.label == names[side]) != is_hidden
                assert shown.contact is None
                declined = side in self.said["decline"]
                assert shown.decline_reason == (f"Secret of {side}." if declined else "")

            self.every_reveal_is_written_down(row)

        def every_reveal_is_written_down(self, row: Introduction) -> None:
            known = (set(self.sides), self.met, self.reached)
            written = [reveal.stage for reveal in row.reveals]
            assert written == [
                stage
                for stage, sides in zip(REVEAL_STAGES, known, strict=True)
                for _ in range(len(sides) * (len(sides) - 1))
            ]
            for party in row.parties:
                consents = party.terms_accepted_at is not None
                assert consents == (party.terms_accepted_by_id is not None)

    run_state_machine_as_test(
        Machine,
        settings=machine_settings(runs=3, steps=20),
    )
