"""A run of an import: its formats, limits and workflow."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.intake.events import ImportFinished
from portal.kernel.workflow import Transition, Workflow

MOST_FINDINGS = 5000
SHOWN_FINDINGS = 200
SAMPLE = 10
KEPT_DAYS = 30

FORMATS: Mapping[str, Any] = {
    "csv": _l("A list with the columns name, address and country"),
    "ipeds": _l("The directory file (HD) of IPEDS"),
    "uniquip": _l("UNIQUIP"),
    "programs": _l("Programs of training"),
    "sections": _l("Sections of training"),
}

IMPORTS = Workflow(
    "import_run",
    {
        "checking": _l("being checked"),
        "checked": _l("ready to be imported"),
        "importing": _l("being imported"),
        "done": _l("done"),
        "failed": _l("failed"),
        "cancelled": _l("cancelled"),
        "closed": _l("closed"),
    },
    (
        Transition(
            "start",
            ("checked",),
            "importing",
            "import.decide",
            _l("Import"),
            _l("The import has begun. You may leave this page."),
            is_main=True,
        ),
        Transition(
            "cancel",
            ("checking", "checked"),
            "cancelled",
            "import.decide",
            _l("Cancel"),
            _l("The import was cancelled. Nothing was written."),
        ),
        Transition(
            "close",
            ("done", "failed"),
            "closed",
            "import.decide",
            _l("Take off my desk"),
            _l("The report is still in the list of your imports."),
        ),
        Transition(
            "ready", ("checking",), "checked", "import.advance", _l("Ready"), _l("It is checked.")
        ),
        Transition(
            "finish",
            ("importing",),
            "done",
            "import.advance",
            _l("Finish"),
            _l("It is done."),
            event=lambda row, actor, note: ImportFinished(row.id),
        ),
        Transition(
            "fail",
            ("checking", "importing"),
            "failed",
            "import.advance",
            _l("Fail"),
            _l("It failed."),
            event=lambda row, actor, note: ImportFinished(row.id),
        ),
    ),
)
