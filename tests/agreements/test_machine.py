"""Agreements and outcomes under any order of steps by anybody: what must hold always holds."""

import datetime as dt
from collections.abc import Callable
from contextlib import suppress

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

from portal.agreements.models import Agreement, Outcome, OutcomeClaim
from portal.agreements.policies import Permission
from portal.agreements.queries import agreements as queries
from portal.agreements.queries import outcomes as outcome_queries
from portal.agreements.queries.reports import load_report, period_of, read_chain_rows
from portal.agreements.rules.words import AGREEMENTS, OUTCOMES
from portal.agreements.services import agreements as services
from portal.agreements.services import outcomes as outcome_services
from portal.bookings.models.access import Clearance
from portal.kernel.authorization import SYSTEM, Actor, can
from portal.kernel.clock import today_here
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from portal.organizations.models import Organization
from tests.agreements.conftest import ActorOf, a_document
from tests.cast import CAST, World
from tests.support.machines import machine_settings

REFUSALS = (Conflict, Forbidden, Invalid, NotFound, Unauthenticated)
PEOPLE = st.sampled_from(CAST)
# Who speaks for a party; the drafter of the first agreement is the shop, of the second the college.
SPEAKERS = {"shop": "ana", "college": "cleo", "aero": "eve"}
PARTIES = (("shop", "college"), ("college", "shop", "aero"))


@pytest.mark.long
def test_no_order_of_steps_breaks_the_rules(
    world: World, actor: ActorOf, reset_world: Callable[[], None]
) -> None:
    organizations = world.organizations
    last_day = today_here() + dt.timedelta(days=90)

    class Machine(RuleBasedStateMachine):
        """Two agreements that share two parties, and whatever the cast does to them."""

        @initialize(is_active=st.booleans())
        def draft(self, is_active: bool) -> None:
            reset_world()
            self.actors: dict[str, Actor] = {name: actor(name) for name in CAST}
            self.ids = []
            self.last_days = [last_day, last_day]
            for owner, *others in PARTIES:
                made = services.create_agreement(
                    self.actors[SPEAKERS[owner]],
                    session.get_one(Organization, organizations[owner]),
                    kind="equipment_use",
                    title=f"An agreement of the {owner}",
                    starts_on=today_here() - dt.timedelta(days=60),
                    ends_on=last_day,
                    role="provider",
                    parties=[
                        {"organization": f"/organizations/{organizations[name]}", "role": ""}
                        for name in others
                    ],
                )
                self.ids.append(made.id)
                if is_active:
                    services.act_on_agreement(self.actors[SPEAKERS[owner]], made, "propose")
                    for name in others:
                        services.acknowledge_agreement(
                            self.actors[SPEAKERS[name]], made, revision=made.revision
                        )

        def agreement(self, number: int) -> Agreement:
            return queries.get_agreement(self.ids[number])

        def outcomes(self) -> list[Outcome]:
            found = session.scalars(
                select(Outcome.id).where(Outcome.id != world.outcomes["jobs"]).order_by(Outcome.id)
            )
            return [outcome_queries.get_outcome(number) for number in found]

        def is_party(self, name: str, agreement: Agreement) -> bool:
            parties = {party.organization_id for party in agreement.parties}
            return not parties.isdisjoint(self.actors[name].memberships)

        @rule(
            name=PEOPLE,
            number=st.integers(0, 1),
            action=st.sampled_from(sorted(AGREEMENTS.transitions)),
            note=st.sampled_from(["", "Because."]),
        )
        def act(self, name: str, number: int, action: str, note: str) -> None:
            before = self.agreement(number)
            status, drafter = before.status, before.organization_id
            try:
                services.act_on_agreement(self.actors[name], before, action, note=note)
            except REFUSALS:
                assert self.agreement(number).status == status
                return
            managed = self.actors[name].organizations_as("owner", "manager")
            assert self.is_party(name, before)
            assert status in AGREEMENTS.transitions[action].sources
            if action in ("propose", "revise"):
                assert drafter in managed
            if action in ("return", "decline"):
                assert managed - {drafter}, "only the receiver decides"
            assert action not in ("acknowledge", "activate")

        @rule(name=PEOPLE, number=st.integers(0, 1), is_stale=st.booleans())
        def acknowledge(self, name: str, number: int, is_stale: bool) -> None:
            before = self.agreement(number)
            revision = before.revision - is_stale
            status = before.status
            try:
                services.acknowledge_agreement(self.actors[name], before, revision=revision)
            except REFUSALS:
                assert self.agreement(number).status == status
                return
            assert not is_stale
            assert name in SPEAKERS.values()
            assert self.is_party(name, before)

        @rule(name=PEOPLE, number=st.integers(0, 1), days=st.sampled_from([-1, 0, 30, 400]))
        def renew(self, name: str, number: int, days: int) -> None:
            before = self.agreement(number)
            asked, revision = before.renewal_ends_on, before.revision
            ends_on = self.last_days[number] + dt.timedelta(days=days)
            try:
                services.renew_agreement(self.actors[name], before, ends_on=ends_on)
            except REFUSALS:
                after = self.agreement(number)
                assert (after.renewal_ends_on, after.revision) == (asked, revision)
                return
            after = self.agreement(number)
            assert name in SPEAKERS.values()
            assert self.is_party(name, after)
            assert days > 0
            assert after.ends_on == self.last_days[number], "no side renews it alone"
            assert (after.renewal_ends_on, after.revision) == (ends_on, revision + 1)

        @rule(name=PEOPLE, number=st.integers(0, 1))
        def add_document(self, name: str, number: int) -> None:
            before = self.agreement(number)
            revision = before.revision
            try:
                services.add_document(self.actors[name], before, document=a_document())
            except REFUSALS:
                assert self.agreement(number).revision == revision
                return
            assert self.is_party(name, before)
            assert self.agreement(number).revision == revision + 1

        @rule(
            name=PEOPLE,
            number=st.integers(0, 1),
            at=st.sampled_from(["shop", "college", "aero"]),
            amount=st.sampled_from([300, 310, 1000]),
            reason=st.sampled_from(["", "Others."]),
        )
        def tell(self, name: str, number: int, at: str, amount: int, reason: str) -> None:
            before = self.agreement(number)
            values = {
                "kind": "jobs_created",
                "amount_hundredths": amount,
                "happened_on": today_here() - dt.timedelta(days=3),
                "organization_id": organizations[at],
            }
            known = {row.id for row in self.outcomes()}
            try:
                outcome_services.assert_outcome(
                    self.actors[name], before, **values, distinct_reason=reason
                )
            except outcome_services.Alike as error:
                for row in error.outcomes:
                    assert can(self.actors[name], Permission.OUTCOME_VIEW, row)
                self.share(name, number, error.outcomes[0].id, values)
            except REFUSALS:
                assert {row.id for row in self.outcomes()} == known
            else:
                assert self.is_party(name, before)
                assert before.activated_at is not None

        def share(self, name: str, number: int, same_as: int, values: dict[str, object]) -> None:
            known = len(self.outcomes())
            with suppress(Conflict):
                outcome_services.assert_outcome(
                    self.actors[name],
                    self.agreement(number),
                    **values,  # type: ignore[arg-type]
                    same_as=same_as,
                )
            assert len(self.outcomes()) == known

        @rule(
            name=PEOPLE,
            place=st.integers(0, 3),
            action=st.sampled_from(sorted(OUTCOMES.transitions)),
            note=st.sampled_from(["", "Because."]),
        )
        def decide(self, name: str, place: int, action: str, note: str) -> None:
            found = self.outcomes()
            if place >= len(found):
                return
            outcome = found[place]
            status, asserter = outcome.status, outcome.asserted_by_id
            try:
                outcome_services.act_on_outcome(self.actors[name], outcome, action, note=note)
            except REFUSALS:
                assert outcome_queries.get_outcome(outcome.id).status == status
                return
            if action in ("confirm", "dispute"):
                assert asserter not in self.actors[name].memberships, "nobody confirms oneself"
            else:
                assert asserter in self.actors[name].memberships

        @rule(name=PEOPLE, place=st.integers(0, 3), is_same=st.booleans())
        def tell_apart(self, name: str, place: int, is_same: bool) -> None:
            found = self.outcomes()
            if place >= len(found):
                return
            try:
                outcome_services.tell_apart(
                    self.actors[name], found[place], is_same=is_same, note="n"
                )
            except REFUSALS:
                return
            assert found[place].organization_id in self.actors[name].memberships

        @invariant()
        def the_rules_hold(self) -> None:
            for number in (0, 1):
                agreement = self.agreement(number)
                words = {party.acknowledged_revision for party in agreement.parties}
                assert max(words) <= agreement.revision
                if agreement.activated_at is not None:
                    assert min(words) > 0, "active without the word of a party"
                self.it_is_renewed_by_the_word_of_all(number, agreement)
                self.gates_are_open_while_it_is_active(agreement)
                steps = AGREEMENTS.history(agreement)
                assert agreement.status == (steps[-1].target if steps else "draft")
                for name in ("eve", "dov", "nobody"):
                    if name == "dov" or not self.is_party(name, agreement):
                        person = self.actors[name]
                        assert not can(person, Permission.AGREEMENT_VIEW_INSIDE, agreement)
            self.everything_is_counted_once()

        def it_is_renewed_by_the_word_of_all(self, number: int, agreement: Agreement) -> None:
            words = {party.acknowledged_revision for party in agreement.parties}
            ends_on = agreement.ends_on
            assert ends_on is not None
            if ends_on != self.last_days[number]:
                assert ends_on > self.last_days[number]
                assert words == {agreement.revision}
                self.last_days[number] = ends_on
            if agreement.renewal_ends_on is not None:
                assert agreement.status == "active"
                assert agreement.renewal_ends_on > ends_on
                assert min(words) < agreement.revision, "all agree, and it is not renewed"

        def gates_are_open_while_it_is_active(self, agreement: Agreement) -> None:
            for party in agreement.parties:
                gate = party.clearance_id and session.get(
                    Clearance, party.clearance_id, populate_existing=True
                )
                is_open = bool(gate) and gate.status == "valid"
                assert is_open == (agreement.status == "active" and party.role == "receiver")
                if is_open:
                    assert gate.expires_on == agreement.ends_on

        def everything_is_counted_once(self) -> None:
            period = period_of(today_here() - dt.timedelta(days=30), today_here())
            confirmed = [row for row in self.outcomes() if row.status == "confirmed"]
            for row in self.outcomes():
                if row.status in ("merged", "withdrawn"):
                    assert row.confirmed_at is None
                if row.status == "merged":
                    assert row.claims == []
                claiming = [claim.agreement_id for claim in row.claims]
                assert len(claiming) == len(set(claiming))
            total = 0
            for key in ("greater-louisville", "wichita"):
                line = load_report(SYSTEM, key, period).of("jobs_created")
                rows = list(read_chain_rows(SYSTEM, key, period))
                assert line.confirmed == sum(row.counted for row in rows)
                total += line.confirmed
            assert total == sum(row.amount_hundredths for row in confirmed)
            claims = session.scalars(select(OutcomeClaim.outcome_id)).all()
            assert {row.id for row in confirmed} <= set(claims)

    run_state_machine_as_test(
        Machine,
        settings=machine_settings(runs=3, steps=25),
    )
