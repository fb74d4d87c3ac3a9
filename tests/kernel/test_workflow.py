"""Workflow tables: steps follow the table, leave a history and an event, and know who may."""

from collections.abc import Callable

import pytest
from flask import Flask

from portal.kernel.authorization import SYSTEM, Actor, rule_of
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Invalid, NotFound
from portal.kernel.workflow import Transition, Workflow
from portal.organizations.models import JoinRequest
from tests.cast import World

DOOR = Workflow(
    "door",
    {"open": "open", "accepted": "accepted", "declined": "declined"},
    (
        Transition(
            "accept", ("open",), "accepted", "join_request.decide", label="Accept", done="Done"
        ),
        Transition(
            "decline",
            ("open",),
            "declined",
            "join_request.decide",
            label="Decline",
            done="Done",
            note="required",
        ),
        Transition(
            "reopen",
            ("accepted", "declined"),
            "open",
            "join_request.withdraw",
            label="Reopen",
            done="Done",
        ),
    ),
)


@pytest.fixture
def door(world: World) -> JoinRequest:
    with unit_of_work():
        row = JoinRequest(organization_id=world.organizations["shop"], user_id=world.users["eve"])
        session.add(row)
    return row


@pytest.mark.parametrize(
    ("name", "status", "actions"),
    [
        ("ana", "open", ["accept", "decline"]),
        ("ana", "accepted", []),
        ("ben", "open", []),
        ("eve", "open", []),
        ("eve", "declined", ["reopen"]),
        ("nobody", "open", []),
    ],
)
def test_each_person_has_the_actions_of_their_part(
    door: JoinRequest,
    actor: Callable[[str], Actor],
    name: str,
    status: str,
    actions: list[str],
) -> None:
    who = actor(name)
    session.expunge(door)
    door.status = status

    assert [step.action for step in DOOR.available(who, door)] == actions


def test_a_step_changes_the_state_and_leaves_a_history(
    door: JoinRequest, actor: Callable[[str], Actor]
) -> None:
    ana = actor("ana")
    with unit_of_work():
        DOOR.apply(ana, door, "decline", note=" no room ")

    (step,) = DOOR.history(door)
    assert (step.source, step.target, step.note) == ("open", "declined", "no room")
    assert step.actor_name == step.who == "Ana"


def test_what_nobody_did_is_said_to_be_of_the_portal(door: JoinRequest) -> None:
    with unit_of_work():
        DOOR.apply(SYSTEM, door, "accept")
    (step,) = DOOR.history(door)
    assert step.who == "the portal"


def test_a_step_that_the_state_does_not_allow_is_a_conflict(door: JoinRequest) -> None:
    with pytest.raises(Conflict, match="open"), unit_of_work():
        DOOR.apply(SYSTEM, door, "reopen")


@pytest.mark.parametrize("note", ["", "   ", "x" * 2001])
def test_a_reason_that_is_missing_or_endless_is_refused(door: JoinRequest, note: str) -> None:
    with pytest.raises(Invalid), unit_of_work():
        DOOR.apply(SYSTEM, door, "decline", note=note)


def test_an_unknown_action_is_not_found() -> None:
    with pytest.raises(NotFound):
        DOOR.permission("explode")


def test_a_table_with_an_unknown_state_is_refused() -> None:
    with pytest.raises(ValueError, match="ajar"):
        Workflow("door", {"open": ""}, (Transition("a", ("open",), "ajar", "x", "", ""),))


def test_every_permission_of_every_workflow_stands_in_a_policy(app: Flask) -> None:
    import importlib
    import pkgutil

    import portal

    tables = [
        value
        for module in pkgutil.walk_packages(portal.__path__, "portal.")
        if ".rules" in module.name
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, Workflow)
    ]
    assert len(tables) > 5
    for workflow in tables:
        for transition in workflow.transitions.values():
            assert rule_of(transition.permission)
