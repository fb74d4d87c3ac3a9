"""The stages of a case, from a need to what came of it, and the steps between them."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.brokerage.events import CaseMoved
from portal.kernel.workflow import Transition, Workflow

STAGES: Mapping[str, Any] = {
    "new": _l("New"),
    "qualified": _l("Qualified"),
    "introduced": _l("Introduced"),
    "in_talks": _l("In talks"),
    "agreed": _l("Agreed"),
    "delivering": _l("Delivering"),
    "closed_won": _l("Closed: won"),
    "closed_lost": _l("Closed: lost"),
}

OPEN_STAGES = ("new", "qualified", "introduced", "in_talks", "agreed", "delivering")
CLOSED_STAGES = ("closed_won", "closed_lost")

#: What brings a case to a stage: (action, stage, words of the button).
_MOVES = (
    ("qualify", "qualified", _l("Qualified: worth pursuing")),
    ("introduce", "introduced", _l("Introduced")),
    ("talk", "in_talks", _l("In talks")),
    ("agree", "agreed", _l("Agreed")),
    ("deliver", "delivering", _l("Delivering")),
)


def _moved(action: str) -> Any:
    return lambda row, actor, note: CaseMoved(row.id, action, row.status, actor.user_id)


#: Brokers may go back as well as on: a partner that drops out makes a case qualified again.
CASES = Workflow(
    "case",
    STAGES,
    tuple(
        Transition(
            action,
            tuple(stage for stage in sources if stage != target),
            target,
            "case.edit",
            label,
            done,
            event=_moved(action),
            note=note,
        )
        for action, sources, target, label, done, note in (
            *(
                (action, OPEN_STAGES, target, label, _l("The case has moved on."), "optional")
                for action, target, label in _MOVES
            ),
            (
                "win",
                OPEN_STAGES,
                "closed_won",
                _l("Close: won"),
                _l("The case is closed as won."),
                "optional",
            ),
            (
                "lose",
                OPEN_STAGES,
                "closed_lost",
                _l("Close: lost"),
                _l("The case is closed as lost."),
                "required",
            ),
            (
                "reopen",
                CLOSED_STAGES,
                "qualified",
                _l("Open again"),
                _l("The case is open again."),
                "optional",
            ),
        )
    ),
)

#: The step that leads to a stage.
STEP_TO: Mapping[str, str] = {target: action for action, target, _label in _MOVES}


def is_ahead(stage: str, other: str) -> bool:
    """Tell whether an open stage comes after another, so that work done is never taken back."""
    order = list(STAGES)
    return stage in OPEN_STAGES and other in OPEN_STAGES and order.index(stage) > order.index(other)
