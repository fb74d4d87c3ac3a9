"""Requests and responses under any order of steps by anybody: what must hold always holds.

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
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from portal.directory.queries.searching import visible_keys
from portal.kernel.authorization import SYSTEM, Actor, can
from portal.kernel.clock import now, today_here
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooMany,
    Unauthenticated,
)
from portal.organizations.models import Organization
from portal.partnerships.models import (
    Mandate,
    Request,
    RequestClosing,
    RequestReveal,
    Response,
    UrgentCall,
)
from portal.partnerships.policies import Permission
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as response_queries
from portal.partnerships.queries.mandates import find_mandate_of
from portal.partnerships.rules.words import LONGEST_LIFE_DAYS, LONGEST_URGENT_DAYS, RESULTS
from portal.partnerships.rules.workflows import REQUESTS, RESPONSES
from portal.partnerships.services import mandates as mandate_services
from portal.partnerships.services import requests as services
from portal.partnerships.services import responses as response_services
from portal.partnerships.services.closing import close_request
from portal.partnerships.services.reveals import reveal_request
from portal.partnerships.services.urgent import call_helpers
from tests.cast import CAST, World
from tests.partnerships.conftest import ActorOf
from tests.support.machines import machine_settings

REFUSALS = (Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthenticated)
PEOPLE = st.sampled_from(CAST)
# Who may take steps of a request that Ana wrote, and of one that Dov wrote for her firm.
OWNERS = {"ana", "root"}
OWN_STEPS = {"renew", "reopen", "propose", "confirm", "refuse", "lapse"}


@pytest.mark.long
def test_no_order_of_steps_breaks_the_rules(
    world: World, actor: ActorOf, reset_world: Callable[[], None]
) -> None:
    class Machine(RuleBasedStateMachine):
        """A request of the shop, by Ana or by a broker for it, and whatever the cast does to it."""

        @initialize(
            is_anonymous=st.booleans(),
            visibility=st.sampled_from(["members", "public"]),
            is_urgent=st.booleans(),
            is_on_behalf=st.booleans(),
            has_begun=st.booleans(),
        )
        def write(
            self,
            is_anonymous: bool,
            visibility: str,
            is_urgent: bool,
            is_on_behalf: bool,
            has_begun: bool,
        ) -> None:
            reset_world()
            self.actors: dict[str, Actor] = {name: actor(name) for name in CAST}
            self.keepers = OWNERS | ({"dov"} if is_on_behalf else set())
            self.links: list[str] = []
            # What outsiders knew before any of this; whom the owner's side let know, it is told.
            self.knowing: set[int | None] = set()
            write, name = (
                (services.write_request_for, "dov")
                if is_on_behalf
                else (services.create_request, "ana")
            )
            self.request_id = write(
                self.actors[name],
                session.get_one(Organization, world.organizations["shop"]),
                kind="training",
                direction="need",
                title="Welding classes",
                summary="On Saturdays.",
                expertise_sought="A teacher.",
                capabilities=["welding"],
                visibility=visibility,
                is_anonymous=is_anonymous,
                anonymous_summary="Classes on Saturdays.",
                is_urgent=is_urgent,
                radius_miles=40,
            ).id
            if has_begun:
                # So that runs of few steps get as far as answers.
                self.ask("dov")
                self.answer("nobody", is_given=True, is_newest=True)
                self.act("ana", "publish")
                self.respond("cleo")

        @property
        def request(self) -> Request:
            return queries.get_request(self.request_id)

        def responses(self) -> list[Response]:
            return list(
                session.scalars(
                    select(Response)
                    .where(Response.request_id == self.request_id)
                    .order_by(Response.id)
                )
            )

        def reveals(self) -> set[int | None]:
            return set(
                session.scalars(
                    select(RequestReveal.organization_id).where(
                        RequestReveal.request_id == self.request_id
                    )
                )
            )

        # The workflow

        @rule(name=PEOPLE, action=st.sampled_from(sorted(set(REQUESTS.transitions) - {"expire"})))
        def act(self, name: str, action: str) -> None:
            before = self.request.status
            try:
                services.act_on_request(self.actors[name], self.request, action, note="n")
            except REFUSALS:
                assert self.request.status == before
                return
            assert name in (OWNERS if action == "publish" else self.keepers)
            assert action not in OWN_STEPS
            assert before in REQUESTS.transitions[action].sources

        @rule(name=PEOPLE)
        def expire_by_hand(self, name: str) -> None:
            before = self.request.status
            try:
                services.act_on_request(self.actors[name], self.request, "expire")
            except REFUSALS:
                assert self.request.status == before
            else:
                raise AssertionError(f"{name} let it expire")

        @rule(days=st.integers(min_value=-40, max_value=40))
        def let_time_pass(self, days: int) -> None:
            with unit_of_work():
                row = session.get_one(Request, self.request_id)
                row.expires_on = today_here() + dt.timedelta(days=days)
            services.expire_overdue(SYSTEM)

        @rule(name=PEOPLE, days=st.integers(min_value=-5, max_value=400))
        def renew(self, name: str, days: int) -> None:
            request = self.request
            before = (request.renewals, request.expires_on)
            longest = LONGEST_URGENT_DAYS if request.is_urgent else LONGEST_LIFE_DAYS
            end = today_here() + dt.timedelta(days=days)
            try:
                services.renew_request(self.actors[name], self.request, expires_on=end)
            except REFUSALS:
                assert (self.request.renewals, self.request.expires_on) == before
                return
            assert name in self.keepers
            assert before[0] == 0
            assert before[1] < self.request.expires_on <= before[1] + dt.timedelta(days=longest)

        @rule(name=PEOPLE, is_anonymous=st.booleans())
        def change(self, name: str, is_anonymous: bool) -> None:
            before = (self.request.status, self.request.is_anonymous)
            try:
                services.change_request(self.actors[name], self.request, is_anonymous=is_anonymous)
            except REFUSALS:
                assert (self.request.status, self.request.is_anonymous) == before
                return
            assert name in (self.keepers if before[0] == "draft" else OWNERS)
            assert before[0] in ("draft", "published", "paused")
            if before[1] and not is_anonymous and before[0] != "draft":
                self.knowing.add(None)

        # Ends

        @rule(name=PEOPLE, result=st.sampled_from(sorted(RESULTS)), number=st.integers(0, 1))
        def close(self, name: str, result: str, number: int) -> None:
            before = self.request.status
            responses = self.responses()
            chosen = responses[number].id if number < len(responses) else None
            try:
                close_request(self.actors[name], self.request, result=result, response_id=chosen)
            except REFUSALS:
                assert self.request.status == before
                return
            assert name in self.keepers
            assert before not in ("draft", "proposed")
            assert self.request.status not in ("published", "paused")
            closing = session.get_one(RequestClosing, self.request_id)
            if result == "found_here":
                assert closing.response_id is not None
                assert session.get_one(Response, closing.response_id).status == "accepted"

        # The firm's word

        @rule(name=PEOPLE)
        def ask(self, name: str) -> None:
            before = self.request.status
            try:
                mandate = mandate_services.ask_firm(
                    self.actors[name], self.request, email="a@firm.example", language="en"
                )
            except REFUSALS:
                assert self.request.status == before
                return
            assert name == "dov"
            assert "dov" in self.keepers
            assert before in ("draft", "proposed")
            self.links.append(mandate_services.renew_mandate_link(SYSTEM, mandate))

        @rule(name=PEOPLE, is_given=st.booleans(), is_newest=st.booleans())
        def answer(self, name: str, is_given: bool, is_newest: bool) -> None:
            mandate = find_mandate_of(self.request)
            if mandate is None:
                return
            token = self.links[-1 if is_newest else 0]
            before = self.request.status
            try:
                mandate_services.answer_mandate(
                    self.actors[name], mandate, token=token, is_given=is_given, name="Val"
                )
            except REFUSALS:
                assert self.request.status == before
                return
            assert before == "proposed"
            assert token == self.links[-1]
            assert self.request.status == ("published" if is_given else "draft")

        @rule()
        def let_the_question_lapse(self) -> None:
            mandate = find_mandate_of(self.request)
            if mandate is None or mandate.status != "asked":
                return
            with unit_of_work():
                session.get_one(Mandate, mandate.id).expires_at = now()
            assert mandate_services.lapse_mandates(SYSTEM) == 1
            assert self.request.status == "draft"

        # Urgency

        @rule()
        def call(self) -> None:
            request = self.request
            told = call_helpers(SYSTEM, request)
            assert not told or (request.is_urgent and request.status == "published")
            assert call_helpers(SYSTEM, self.request) == []

        # Responses

        @rule(name=PEOPLE)
        def respond(self, name: str) -> None:
            status, before = self.request.status, len(self.responses())
            try:
                response_services.send_response(self.actors[name], self.request, message="We can.")
            except REFUSALS:
                assert len(self.responses()) == before
                return
            assert status == "published"
            assert name in ("cleo", "eve")
            assert len(self.responses()) == before + 1

        @rule(name=PEOPLE, number=st.integers(min_value=0, max_value=1))
        def reveal(self, name: str, number: int) -> None:
            responses = self.responses()
            chosen = responses[number].organization_id if number < len(responses) else None
            before = self.reveals()
            try:
                reveal_request(self.actors[name], self.request, organization_id=chosen)
            except REFUSALS:
                assert self.reveals() == before
                return
            assert name in OWNERS
            self.knowing.add(chosen)

        @rule(
            name=PEOPLE,
            action=st.sampled_from(sorted(RESPONSES.transitions)),
            number=st.integers(min_value=0, max_value=1),
            note=st.sampled_from(["", "Because."]),
        )
        def decide(self, name: str, action: str, number: int, note: str) -> None:
            if number >= len(self.responses()):
                return
            response = response_queries.get_response(self.responses()[number].id)
            before = response.status
            try:
                response_services.act_on_response(self.actors[name], response, action, note=note)
            except REFUSALS:
                assert response_queries.get_response(response.id).status == before
                return
            assert before == "sent"
            if action == "withdraw":
                assert response.organization_id in self.actors[name].memberships
            else:
                assert name in self.keepers - {"root"}
                assert note or action == "accept"
            if action == "accept" and self.request.is_anonymous:
                self.knowing.add(response.organization_id)

        # What always holds

        @invariant()
        def the_rules_hold(self) -> None:
            request = self.request
            assert request.renewals <= 1
            self.outsiders_see_only_what_is_theirs(request)
            self.history_tells_how_it_came_here(request)
            self.mandate_fits(request)
            # Every reveal is on record, and nobody stands there by chance.
            assert self.reveals() == self.knowing
            responses = [response_queries.get_response(row.id) for row in self.responses()]
            if request.status == "withdrawn":
                assert all(response.status != "sent" for response in responses)
            senders = [response.organization_id for response in responses]
            assert len(senders) == len(set(senders))
            assert world.organizations["shop"] not in senders
            for response in responses:
                self.responders_learn_the_name_by_consent_alone(response)
            called = select(UrgentCall.organization_id).where(
                UrgentCall.request_id == self.request_id
            )
            assert set(session.scalars(called)) <= {world.organizations["college"]}

        def outsiders_see_only_what_is_theirs(self, request: Request) -> None:
            for name in ("nobody", "cleo"):
                sees = can(self.actors[name], Permission.REQUEST_VIEW, request)
                if request.status in ("draft", "proposed", "withdrawn"):
                    assert not sees
                if request.is_anonymous:
                    own = set(self.actors[name].memberships)
                    knows = queries.sees_identity(self.actors[name], request)
                    assert knows == bool(own & self.knowing)
                listed = visible_keys(self.actors[name], [("request", request.id)])
                assert bool(listed) == sees

        def mandate_fits(self, request: Request) -> None:
            mandate = find_mandate_of(request)
            assert (request.status == "proposed") == (
                mandate is not None and mandate.status == "asked"
            )
            if request.is_on_behalf and request.published_at is not None:
                steps = REQUESTS.history(request)
                by_hand = [step for step in steps if step.action == "publish"]
                assert any(step.action == "confirm" for step in steps) or by_hand
                assert all(step.actor_name in ("Ana", "Root") for step in by_hand)

        def responders_learn_the_name_by_consent_alone(self, response: Response) -> None:
            is_accepted = response.status == "accepted"
            is_told = response.organization_id in self.knowing
            for name in ("cleo", "eve"):
                person = self.actors[name]
                if response.organization_id not in person.memberships:
                    assert not can(person, Permission.RESPONSE_VIEW, response)
                    continue
                knows = can(person, Permission.RESPONSE_VIEW_IDENTITY, response)
                assert knows == (not response.request.is_anonymous or is_accepted or is_told)
                contacts = response_queries.find_contacts(person, response)
                assert (contacts is not None) == is_accepted

        def history_tells_how_it_came_here(self, request: Request) -> None:
            steps = REQUESTS.history(request)
            assert request.status == (steps[-1].target if steps else "draft")

    run_state_machine_as_test(
        Machine,
        settings=machine_settings(runs=4, steps=20),
    )
