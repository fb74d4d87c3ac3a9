"""Who may do what: actors, rules with two faces, and the one function that decides.

Each domain's `policies.py` holds its table; nothing else in the portal compares roles.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    bindparam,
    false,
    literal_column,
    not_,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy import inspect as inspect_row
from sqlalchemy.orm import InstrumentedAttribute

from portal.kernel.database import read_committed, session
from portal.kernel.errors import Forbidden, NotFound, Unauthenticated

Column = InstrumentedAttribute[Any]
Condition = ColumnElement[bool]


@dataclass(frozen=True)
class Actor:
    """Who acts: plain values, so that jobs, tokens and tests need no request.

    memberships: role ("owner", "manager", "member") by organization id.
    brokered_regions, brokered_counties: region ids and county FIPS codes of a broker.
    served_regions: ids of the regions that an agency serves to which the actor belongs.
    scopes: what an API token allows, or None for a person in a browser.
    kept: the conditions and statements that `visible` and `visible_keys` have made of all that.
    """

    user_id: int | None = None
    name: str = ""
    memberships: Mapping[int, str] = field(default_factory=dict)
    brokered_regions: frozenset[int] = frozenset()
    brokered_counties: frozenset[str] = frozenset()
    served_regions: frozenset[int] = frozenset()
    is_administrator: bool = False
    is_system: bool = False
    scopes: frozenset[str] | None = None
    kept: dict[object, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def organizations_as(self, *roles: str) -> frozenset[int]:
        """Return the organizations in which the actor has one of the roles (any, if none)."""
        return frozenset(
            organization_id
            for organization_id, role in self.memberships.items()
            if not roles or role in roles
        )

    def is_in(self, organization_id: int | None, *roles: str) -> bool:
        """Tell whether the actor has one of the roles (any, if none) in an organization."""
        role = None if organization_id is None else self.memberships.get(organization_id)
        return role is not None and (not roles or role in roles)

    @property
    def audience(self) -> frozenset[str]:
        """The audience tokens whose documents this actor may find."""
        tokens = {"public"}
        if self.memberships:
            tokens.add("member")
        tokens.update(f"org:{organization_id}" for organization_id in self.memberships)
        if self.is_administrator or self.is_system:
            tokens.add("admin")
        return frozenset(tokens)


NOBODY = Actor()
SYSTEM = Actor(name="system", is_system=True)


@dataclass(frozen=True)
class Rule:
    """A claim about an actor and a row, with one face for a row and one for a list.

    check(actor, row) answers for one loaded row (None where there is no row yet);
    where(actor) is the SQL condition for the same claim. `words` say it for the docs.
    """

    check: Callable[[Actor, Any], bool]
    where: Callable[[Actor], Condition]
    words: str

    def __or__(self, other: "Rule") -> "Rule":
        return Rule(
            lambda actor, row: self.check(actor, row) or other.check(actor, row),
            lambda actor: or_(self.where(actor), other.where(actor)),
            f"{self.words}, or {other.words}",
        )

    def __and__(self, other: "Rule") -> "Rule":
        return Rule(
            lambda actor, row: self.check(actor, row) and other.check(actor, row),
            lambda actor: and_(self.where(actor), other.where(actor)),
            f"({self.words}) if {other.words}",
        )

    def __invert__(self) -> "Rule":
        return Rule(
            lambda actor, row: not self.check(actor, row),
            lambda actor: not_(self.where(actor)),
            f"not {self.words}",
        )

    def described(self, words: str) -> "Rule":
        """Return the same rule with words that read better in the docs."""
        return Rule(self.check, self.where, words)


def actor_rule(claim: Callable[[Actor], bool], words: str) -> Rule:
    """Make a rule that depends on the actor alone."""
    return Rule(
        lambda actor, _row: claim(actor),
        lambda actor: true() if claim(actor) else false(),
        words,
    )


anyone = actor_rule(lambda actor: True, "anyone")
signed_in = actor_rule(lambda actor: actor.user_id is not None, "anyone signed in")
has_membership = actor_rule(lambda actor: bool(actor.memberships), "people of any organization")
brokers_anywhere = actor_rule(lambda actor: bool(actor.brokered_regions), "brokers")
administrator = actor_rule(lambda actor: actor.is_administrator, "administrators")
clock = actor_rule(lambda actor: actor.is_system, "the portal itself")


def role_in(column: Column, *roles: str) -> Rule:
    """The actor has one of the roles (any, if none given) in the organization of the column."""
    key = column.key
    who = " and ".join(f"{role}s" for role in roles) if roles else "people"
    return Rule(
        lambda actor, row: row is not None and actor.is_in(getattr(row, key), *roles),
        lambda actor: column.in_(sorted(actor.organizations_as(*roles))),
        f"{who} of the organization",
    )


def is_self(column: Column) -> Rule:
    """The column names the actor."""
    key = column.key
    return Rule(
        lambda actor, row: (
            row is not None and actor.user_id is not None and getattr(row, key) == actor.user_id
        ),
        lambda actor: column == actor.user_id if actor.user_id is not None else false(),
        "the person concerned",
    )


def value_in(column: Column, *values: Any) -> Rule:
    """The column has one of the values."""
    key = column.key
    return Rule(
        lambda actor, row: row is not None and getattr(row, key) in values,
        lambda actor: column.in_(values),
        f"{key.replace('_', ' ')} is {' or '.join(str(value) for value in values)}",
    )


def county_brokered(column: Column) -> Rule:
    """The county of the column lies in a region that the actor brokers."""
    key = column.key
    return Rule(
        lambda actor, row: row is not None and getattr(row, key) in actor.brokered_counties,
        lambda actor: column.in_(sorted(actor.brokered_counties)),
        "brokers of the region",
    )


def region_brokered(column: Column) -> Rule:
    """The column names a region that the actor brokers."""
    key = column.key
    return Rule(
        lambda actor, row: row is not None and getattr(row, key) in actor.brokered_regions,
        lambda actor: column.in_(sorted(actor.brokered_regions)),
        "brokers of the region",
    )


def region_served(column: Column) -> Rule:
    """The column names a region that an agency serves to which the actor belongs."""
    key = column.key
    return Rule(
        lambda actor, row: row is not None and getattr(row, key) in actor.served_regions,
        lambda actor: column.in_(sorted(actor.served_regions)),
        "people of verified agencies in the region",
    )


def related(relationship: Column, rule: Rule) -> Rule:
    """The rule holds for the row that a many-to-one relationship leads to (loaded beforehand)."""
    key = relationship.key

    def check(actor: Actor, row: Any) -> bool:
        target = getattr(row, key) if row is not None else None
        return target is not None and rule.check(actor, target)

    return Rule(check, lambda actor: relationship.has(rule.where(actor)), rule.words)


def some_related(relationship: Column, rule: Rule) -> Rule:
    """The rule holds for one of the rows of a one-to-many relationship (loaded beforehand)."""
    key = relationship.key
    return Rule(
        lambda actor, row: (
            row is not None and any(rule.check(actor, target) for target in getattr(row, key))
        ),
        lambda actor: relationship.any(rule.where(actor)),
        rule.words,
    )


@dataclass(frozen=True)
class Policy:
    """A domain's table: who has each permission, and which one shows a row at all.

    write_scope: the token scope that every permission but the viewing ones needs ("read").
    views: the permission to see a row, by model; without it the row answers "not found".
    """

    write_scope: str
    table: Mapping[StrEnum, Rule]
    views: Mapping[type, StrEnum] = field(default_factory=dict)


class Viewing(NamedTuple):
    """How one knows whether rows may be seen: the column of their ids, and the permission."""

    column: Column
    permission: str


#: Ids of each kind for which a statement that is kept has places.
_OF_A_PAGE = 20
#: As many ids go into one statement.
_AT_ONCE = 1_000
_rules: dict[str, Rule] = {}
_scopes: dict[str, str] = {}
_views: dict[type, str] = {}


def install(policy: Policy) -> None:
    """Make a domain's table known to `authorize`; done once by the composition root."""
    viewing = set(policy.views.values())
    NOBODY.kept.clear()
    for permission, rule in policy.table.items():
        _rules[permission] = rule
        reads = permission in viewing or permission.partition(".")[2].startswith("view")
        _scopes[permission] = "read" if reads else policy.write_scope
    _views.update(policy.views)


def rule_of(permission: str) -> Rule:
    """Return the rule that decides a permission; an unlisted permission is a defect."""
    return _rules[permission]


def scope_of(permission: str) -> str:
    """Return the token scope that a permission needs."""
    return _scopes[permission]


def known_scopes() -> list[str]:
    """Return the scopes that a token can have: "read", then those that write.

    A scope that only serves the portal itself is of no use to anybody's token.
    """
    useful = {scope for name, scope in _scopes.items() if _rules[name] is not clock}
    return sorted(useful, key=lambda scope: (scope != "read", scope))


def can(actor: Actor, permission: str, row: object | None = None) -> bool:
    """Tell whether the actor has the permission (on the row)."""
    if actor.scopes is not None and scope_of(permission) not in actor.scopes:
        return False
    return actor.is_system or rule_of(permission).check(actor, row)


def visible(actor: Actor, permission: str) -> Condition:
    """Return the SQL condition for the rows on which the actor has the permission."""
    if actor.scopes is not None and scope_of(permission) not in actor.scopes:
        return false()
    if actor.is_system:
        return true()
    condition: Condition | None = actor.kept.get(permission)
    if condition is None:
        condition = actor.kept[permission] = rule_of(permission).where(actor)
    return condition


def visible_keys(
    actor: Actor, viewing: Mapping[str, Viewing], ids: Mapping[str, Sequence[int]]
) -> set[tuple[str, int]]:
    """Return those rows, by kind and id, that the database says the actor may see now.

    viewing: of all kinds that there are. ids: by kind; others are passed over.
    """
    wanted = {kind: its for kind, its in ids.items() if kind in viewing}
    if not wanted:
        return set()
    if max(map(len, wanted.values())) > _OF_A_PAGE:
        return {
            (kind, number)
            for kind, its in wanted.items()
            for number in _visible_among_many(actor, viewing[kind], its)
        }
    # Every search ends here: all kinds are asked about at once, in words that are kept.
    key = tuple(viewing)
    statement = actor.kept.get(key)
    if statement is None:
        statement = actor.kept[key] = _viewing_at_once(actor, viewing)
    # A place that is left over gets an id that no row has.
    places = {kind: [*wanted.get(kind, ()), *_NO_IDS][:_OF_A_PAGE] for kind in viewing}
    kinds = list(viewing)
    return {(kinds[at], number) for at, number in read_committed(statement, places)}


_NO_IDS = (0,) * _OF_A_PAGE


def _viewing_at_once(actor: Actor, viewing: Mapping[str, Viewing]) -> Any:
    return union_all(
        *(
            select(literal_column(str(at), Integer), column).where(
                column.in_(bindparam(kind, expanding=True)), visible(actor, permission)
            )
            for at, (kind, (column, permission)) in enumerate(viewing.items())
        )
    )


def _visible_among_many(actor: Actor, viewing: Viewing, ids: Sequence[int]) -> Iterator[int]:
    for start in range(0, len(ids), _AT_ONCE):
        among = viewing.column.in_(ids[start : start + _AT_ONCE])
        found = select(viewing.column).where(among, visible(actor, viewing.permission))
        # Numbers are no entities: the session's connection reads them in half the time.
        yield from session.connection().scalars(found)


def authorize(actor: Actor, permission: str, row: object | None = None) -> None:
    """Raise unless the actor has the permission: the one place that decides.

    Raises NotFound where the actor may not even see the row, Unauthenticated for nobody,
    Forbidden otherwise.
    """
    if can(actor, permission, row):
        return
    view = _views.get(type(row))
    is_persistent = row is not None and getattr(inspect_row(row, raiseerr=False), "key", None)
    if view and is_persistent and not can(actor, view, row):
        raise NotFound()
    if actor.user_id is None and not actor.is_system:
        raise Unauthenticated(_("Please sign in first."))
    if actor.scopes is not None and scope_of(permission) not in actor.scopes:
        raise Forbidden(_("This token lacks the scope %(scope)s.", scope=scope_of(permission)))
    if not is_persistent or ".view" in permission:
        raise Forbidden(_("This is not open to you."))
    raise Forbidden(_("You can see this, but you may not change it."))
