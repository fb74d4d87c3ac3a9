"""Requests and responses under any order of steps by anybody: what must hold always holds."""

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
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from portal.kernel.authorization import SYSTEM, Actor, can
from portal.kernel.clock import today_here
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from portal.organizations.models import Organization
from portal.partnerships import documents
from portal.partnerships.models import Request, Response
from portal.partnerships.policies import Permission
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as response_queries
from portal.partnerships.rules.workflows import REQUESTS, RESPONSES
from portal.partnerships.services import requests as services
from portal.partnerships.services import responses as response_services
from tests.cast import CAST, World
from tests.partnerships.conftest import ActorOf

REFUSALS = (Conflict, Forbidden, Invalid, NotFound, Unauthenticated)
PEOPLE = st.sampled_from(CAST)
# Who may take steps of a request that Ana wrote.
OWNERS = {"ana", "root"}
RUNS = 60 if os.environ.get("CI") else 30


@pytest.mark.long
def test_no_order_of_steps_breaks_the_rules(
    world: World, actor: ActorOf, reset_world: Callable[[], None]
) -> None:
    class Machine(RuleBasedStateMachine):
        """A request of the shop, and whatever the cast does to it."""

        @initialize(is_anonymous=st.booleans(), visibility=st.sampled_from(["members", "public"]))
        def write(self, is_anonymous: bool, visibility: str) -> None:
            reset_world()
            self.actors: dict[str, Actor] = {name: actor(name) for name in CAST}
            self.request_id = services.create_request(
                self.actors["ana"],
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
            ).id

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

        @rule(name=PEOPLE, action=st.sampled_from(sorted(set(REQUESTS.transitions) - {"expire"})))
        def act(self, name: str, action: str) -> None:
            before = self.request.status
            try:
                services.act_on_request(self.actors[name], self.request, action, note="n")
            except REFUSALS:
                assert self.request.status == before
                return
            assert name in OWNERS
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
            before = (self.request.renewals, self.request.expires_on)
            end = today_here() + dt.timedelta(days=days)
            try:
                services.renew_request(self.actors[name], self.request, expires_on=end)
            except REFUSALS:
                assert (self.request.renewals, self.request.expires_on) == before
                return
            assert name in OWNERS
            assert self.request.expires_on <= today_here() + dt.timedelta(days=365)
            assert self.request.expires_on > before[1]

        @rule(name=PEOPLE, is_anonymous=st.booleans())
        def change(self, name: str, is_anonymous: bool) -> None:
            before = (self.request.status, self.request.is_anonymous)
            try:
                services.change_request(self.actors[name], self.request, is_anonymous=is_anonymous)
            except REFUSALS:
                assert (self.request.status, self.request.is_anonymous) == before
                return
            assert name in OWNERS
            assert before[0] in ("draft", "published", "paused")

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
                assert name == "ana"
                assert note or action == "accept"

        @invariant()
        def the_rules_hold(self) -> None:
            request = self.request
            assert request.renewals <= 1
            self.outsiders_see_only_what_is_theirs(request)
            self.history_tells_how_it_came_here(request)
            responses = [response_queries.get_response(row.id) for row in self.responses()]
            if request.status == "withdrawn":
                assert all(response.status != "sent" for response in responses)
            senders = [response.organization_id for response in responses]
            assert len(senders) == len(set(senders))
            assert world.organizations["shop"] not in senders
            for response in responses:
                self.responders_learn_the_name_by_acceptance_alone(response)

        def outsiders_see_only_what_is_theirs(self, request: Request) -> None:
            for name in ("nobody", "cleo"):
                sees = can(self.actors[name], Permission.REQUEST_VIEW, request)
                if request.status in ("draft", "withdrawn"):
                    assert not sees
                if request.is_anonymous:
                    assert not queries.sees_identity(self.actors[name], request)
                listed = documents.visible_request_ids(self.actors[name], [request.id])
                assert bool(listed) == sees

        def responders_learn_the_name_by_acceptance_alone(self, response: Response) -> None:
            is_accepted = response.status == "accepted"
            for name in ("cleo", "eve"):
                person = self.actors[name]
                if response.organization_id not in person.memberships:
                    assert not can(person, Permission.RESPONSE_VIEW, response)
                    continue
                knows = can(person, Permission.RESPONSE_VIEW_IDENTITY, response)
                assert knows == (not response.request.is_anonymous or is_accepted)
                assert (response_queries.find_contacts(person, response) is not None) == is_accepted

        def history_tells_how_it_came_here(self, request: Request) -> None:
            steps = REQUESTS.history(request)
            assert request.status == (steps[-1].target if steps else "draft")

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
