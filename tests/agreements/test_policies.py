"""Both faces of every rule say the same: for everybody in the cast and every row."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from portal.agreements.models import Agreement, Milestone, Outcome
from portal.agreements.policies import Permission
from portal.agreements.queries import agreements as queries
from portal.agreements.queries import outcomes as outcome_queries
from portal.kernel.authorization import can, visible
from portal.kernel.database import session
from portal.regions.models import Region
from tests.agreements.conftest import ActorOf, Make
from tests.cast import CAST, World

ROWS: dict[type, tuple[str, ...]] = {
    Agreement: ("agreement.", "outcome.assert"),
    Milestone: ("milestone.",),
    Outcome: ("outcome.view", "outcome.confirm", "outcome.edit", "outcome.tell_apart"),
    Region: ("report.",),
}


def test_row_and_list_agree(
    world: World, actor: ActorOf, make: Make, tell: Callable[..., Outcome]
) -> None:
    kept = make("college", "aero", is_reported=False)
    tell("eve", kept)
    tell("ana", make("shop", "aero"), at="aero", distinct_reason="Others.")
    rows: dict[type, list[Any]] = {
        Agreement: [queries.get_agreement(row) for row in session.scalars(select(Agreement.id))],
        Outcome: [outcome_queries.get_outcome(row) for row in session.scalars(select(Outcome.id))],
        Milestone: [queries.find_milestone(row) for row in world.milestones.values()],
        Region: list(session.scalars(select(Region))),
    }
    seen = 0
    for model, prefixes in ROWS.items():
        for permission in [item for item in Permission if item.startswith(prefixes)]:
            if permission == Permission.AGREEMENT_CREATE:
                continue
            for name in CAST:
                person = actor(name)
                table: Any = model
                listed = set(session.scalars(select(table.id).where(visible(person, permission))))
                checked = {row.id for row in rows[model] if can(person, permission, row)}
                assert listed == checked, (name, permission)
                seen += len(checked)
    assert seen > 100
