"""Rules with two faces, tables of permissions, scopes, and what each refusal is called."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect as inspect_model
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal.kernel.authorization import (
    NOBODY,
    SYSTEM,
    Actor,
    Policy,
    authorize,
    can,
    role_in,
    rule_of,
    scope_of,
    value_in,
    visible,
)
from portal.kernel.database import Model, session
from portal.kernel.errors import Forbidden, NotFound, Unauthenticated
from portal.organizations.models import Organization
from portal.organizations.policies import Permission
from tests.cast import CAST, World

ANA = Actor(user_id=1, memberships={7: "owner", 8: "member"}, brokered_counties=frozenset("A"))


@pytest.mark.parametrize(
    ("roles", "organization_id", "expected"),
    [
        ((), 7, True),
        ((), 8, True),
        ((), 9, False),
        (("owner",), 7, True),
        (("owner",), 8, False),
        (("manager", "member"), 8, True),
    ],
)
def test_a_role_counts_only_in_its_organization(
    roles: tuple[str, ...], organization_id: int, expected: bool
) -> None:
    rule = role_in(Organization.id, *roles)

    assert rule.check(ANA, Organization(id=organization_id)) is expected


@pytest.mark.parametrize(
    ("status", "roles", "either", "both"),
    [
        ("active", ("owner",), True, True),
        ("archived", ("owner",), True, False),
        ("active", ("manager",), True, False),
        ("archived", ("manager",), False, False),
    ],
)
def test_rules_combine(status: str, roles: tuple[str, ...], either: bool, both: bool) -> None:
    first, second = value_in(Organization.status, "active"), role_in(Organization.id, *roles)
    row = Organization(id=7, status=status)

    assert (first | second).check(ANA, row) is either
    assert (first & second).check(ANA, row) is both
    assert (~first).check(ANA, row) is (status != "active")


def subjects_of(policy: Policy, models: Iterable[type]) -> Iterator[tuple[str, type]]:
    """Each permission that depends on a row, with the model of that row."""
    for permission, rule in policy.table.items():
        tables = set(rule.where(ANA)._from_objects)
        for model in models:
            if tables == {model.__table__}:
                yield permission, model


@pytest.mark.parametrize("name", CAST)
def test_both_faces_of_every_rule_agree_for_every_row(
    world: World, app: Flask, actor: Callable[[str], Actor], name: str
) -> None:
    """For each permission on a model, the rows that SQL lists are those that the check admits."""
    who = actor(name)
    policies = [
        manifest.policy
        for manifest in app.extensions["portal-manifests"]
        if manifest.policy is not None
    ]
    models = [mapper.class_ for mapper in Model.registry.mappers]
    compared = 0
    loaded: dict[type, Sequence[Any]] = {}
    for policy in policies:
        for permission, model in subjects_of(policy, models):
            if model not in loaded:
                relationships = [
                    (selectinload if relation.uselist else joinedload)(getattr(model, relation.key))
                    for relation in inspect_model(model).relationships
                ]
                loaded[model] = session.scalars(select(model).options(*relationships)).all()
            rows = loaded[model]
            rule = rule_of(permission)
            listed = set(session.scalars(select(model).where(rule.where(who))))
            checked = {row for row in rows if rule.check(who, row)}
            assert listed == checked, f"{permission} for {name}"
            compared += 1
    assert compared > 30


def test_every_permission_of_every_domain_is_in_its_table(app: Flask) -> None:
    for manifest in app.extensions["portal-manifests"]:
        if manifest.policy is None:
            continue
        declared = set(type(next(iter(manifest.policy.table))))
        assert declared == set(manifest.policy.table), manifest.name


@pytest.mark.parametrize(
    ("name", "permission", "refusal"),
    [
        ("nobody", Permission.ORGANIZATION_EDIT, Unauthenticated),
        ("eve", Permission.ORGANIZATION_EDIT, Forbidden),
        ("ben", Permission.ORGANIZATION_ARCHIVE, Forbidden),
    ],
)
def test_a_refusal_says_whether_signing_in_would_help(
    world: World, actor: Callable[[str], Actor], name: str, permission: str, refusal: type
) -> None:
    organization = session.get_one(Organization, world.organizations["shop"])

    with pytest.raises(refusal):
        authorize(actor(name), permission, organization)


@pytest.mark.parametrize("name", ["nobody", "eve"])
def test_what_one_may_not_see_is_not_found(
    world: World, actor: Callable[[str], Actor], name: str
) -> None:
    hidden = session.get_one(Organization, world.organizations["shop"])
    session.expunge(hidden)
    hidden.status = "archived"

    with pytest.raises(NotFound):
        authorize(actor(name), Permission.ORGANIZATION_EDIT, hidden)


def test_a_refusal_says_what_one_sees_only_of_what_one_sees(
    world: World, actor: Callable[[str], Actor]
) -> None:
    organization = session.get_one(Organization, world.organizations["college"])
    with pytest.raises(Forbidden, match="You can see this"):
        authorize(actor("ana"), Permission.ORGANIZATION_EDIT, organization)
    with pytest.raises(Forbidden, match="This is not open to you"):
        authorize(actor("ana"), Permission.ORGANIZATION_VIEW_UNVERIFIED)


def test_a_token_does_only_what_its_scopes_say(world: World, actor: Callable[[str], Actor]) -> None:
    ana = actor("ana")
    reader = Actor(user_id=ana.user_id, memberships=ana.memberships, scopes=frozenset({"read"}))
    organization = session.get_one(Organization, world.organizations["shop"])

    assert can(reader, Permission.ORGANIZATION_VIEW, organization)
    with pytest.raises(Forbidden, match="organizations:write"):
        authorize(reader, Permission.ORGANIZATION_EDIT, organization)
    assert (
        session.scalars(
            select(Organization.id).where(visible(reader, Permission.ORGANIZATION_EDIT))
        ).all()
        == []
    )
    assert scope_of(Permission.ORGANIZATION_VIEW) == "read"


def test_the_portal_itself_may_do_everything(world: World) -> None:
    assert can(SYSTEM, Permission.ORGANIZATION_ARCHIVE)
    assert not can(NOBODY, Permission.ORGANIZATION_ARCHIVE)


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("nobody", {"public"}),
        ("dov", {"public"}),
        ("root", {"public", "admin"}),
    ],
)
def test_audience_tokens_of_people_without_an_organization(
    world: World, actor: Callable[[str], Actor], name: str, tokens: set[str]
) -> None:
    assert actor(name).audience == tokens


def test_audience_tokens_name_ones_own_organizations_only(
    world: World, actor: Callable[[str], Actor]
) -> None:
    shop = world.organizations["shop"]

    assert actor("ben").audience == {"public", "member", f"org:{shop}"}
