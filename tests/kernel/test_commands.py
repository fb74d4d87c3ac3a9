"""A command authorizes, runs, and commits once; a refusal leaves nothing behind."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import func, select

from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from portal.kernel.outbox import Event, OutboxEvent, Reaction, record, subscribe
from portal.organizations.models import Membership, Organization
from portal.organizations.policies import Permission
from tests.cast import World


@dataclass(frozen=True)
class OrganizationRenamed(Event):
    organization_id: int


def note_renaming(_event: OrganizationRenamed) -> None:
    """Only there so that the event has somebody to be delivered to."""


subscribe([Reaction(OrganizationRenamed, note_renaming)])


@command(Permission.ORGANIZATION_EDIT)
def rename_organization(actor: Actor, organization: Organization, *, name: str) -> Organization:
    organization.name = name
    record(OrganizationRenamed(organization.id))
    if name == "refused":
        raise Invalid("name", "not this one")
    return organization


@command(Permission.ORGANIZATION_EDIT)
def rename_twice(actor: Actor, organization: Organization, *, first: str, second: str) -> None:
    rename_organization(actor, organization, name=first)
    rename_organization(actor, organization, name=second)


@command(Permission.ORGANIZATION_EDIT)
def add_person_twice(actor: Actor, organization: Organization) -> None:
    for _time in range(2):
        session.add(
            Membership(organization_id=organization.id, user_id=actor.user_id or 0, role="member")
        )


@command(Permission.ORGANIZATION_EDIT)
def rename_all(actor: Actor, organizations: tuple[Organization, ...], *, name: str) -> None:
    for organization in organizations:
        organization.name = name


def shop(world: World) -> Organization:
    return session.get_one(Organization, world.organizations["shop"])


def stored_name(world: World) -> str | None:
    session.rollback()
    return session.scalar(
        select(Organization.name).where(Organization.id == world.organizations["shop"])
    )


def count_events() -> int:
    return (
        session.scalar(
            select(func.count(OutboxEvent.id)).where(OutboxEvent.name == OrganizationRenamed.name())
        )
        or 0
    )


def test_what_a_command_writes_is_committed_with_its_event(
    world: World, actor: Callable[[str], Actor]
) -> None:
    rename_organization(actor("ana"), shop(world), name="Ana & Co")

    assert stored_name(world) == "Ana & Co"
    assert count_events() == 1


@pytest.mark.parametrize(
    ("name", "refusal"),
    [("ben", Forbidden), ("eve", Forbidden), ("nobody", Unauthenticated)],
)
def test_who_lacks_the_permission_changes_nothing(
    world: World, actor: Callable[[str], Actor], name: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        rename_organization(actor(name), shop(world), name="Taken over")

    assert stored_name(world) == "Ana's Machine Shop"
    assert count_events() == 0


def test_a_refused_value_undoes_what_was_written_before_it(
    world: World, actor: Callable[[str], Actor]
) -> None:
    with pytest.raises(Invalid):
        rename_organization(actor("ana"), shop(world), name="refused")

    assert stored_name(world) == "Ana's Machine Shop"
    assert count_events() == 0


def test_a_command_within_a_command_commits_with_the_outer_one(
    world: World, actor: Callable[[str], Actor]
) -> None:
    with pytest.raises(Invalid):
        rename_twice(actor("ana"), shop(world), first="kept?", second="refused")
    assert stored_name(world) == "Ana's Machine Shop"

    rename_twice(actor("ana"), shop(world), first="one", second="two")
    assert stored_name(world) == "two"


def test_what_a_constraint_refuses_is_a_conflict(
    world: World, actor: Callable[[str], Actor]
) -> None:
    with pytest.raises(Conflict):
        add_person_twice(actor("root"), shop(world))

    assert stored_name(world) == "Ana's Machine Shop"


def test_a_row_that_is_gone_is_not_found(world: World, actor: Callable[[str], Actor]) -> None:
    organization = session.get_one(Organization, world.organizations["unclaimed"])
    with session.get_bind().connect() as other:
        session.commit()
        other.exec_driver_sql(f"DELETE FROM organization WHERE id = {organization.id}")
        other.commit()

    with pytest.raises(NotFound):
        rename_organization(SYSTEM, organization, name="Ghost")


def test_events_outside_a_command_are_refused(world: World) -> None:
    with pytest.raises(RuntimeError, match="inside commands"):
        record(OrganizationRenamed(world.organizations["shop"]))


def test_rows_changed_outside_a_command_are_refused(
    world: World, actor: Callable[[str], Actor]
) -> None:
    ana, organization = actor("ana"), shop(world)
    organization.summary = "changed by the way"
    with pytest.raises(RuntimeError, match="outside a command"):
        rename_organization(ana, organization, name="Ana & Co")
    session.rollback()


def test_a_refusal_leaves_loaded_rows_readable_for_the_page_that_explains_it(
    world: World, actor: Callable[[str], Actor]
) -> None:
    organization = shop(world)
    with pytest.raises(Forbidden):
        rename_organization(actor("ben"), organization, name="Taken over")

    assert organization.name == "Ana's Machine Shop"


def test_command_on_several_rows_needs_the_permission_on_each(
    world: World, actor: Callable[[str], Actor]
) -> None:
    both = (session.get_one(Organization, world.organizations["college"]), shop(world))

    with pytest.raises(Forbidden):
        rename_all(actor("ana"), both, name="Ours")
    assert stored_name(world) != "Ours"

    rename_all(actor("root"), both, name="Ours")
    assert stored_name(world) == "Ours"
