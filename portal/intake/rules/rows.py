"""Rows of a file: what was found in them, what becomes of them, and the IDs of those made here."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

#: What becomes of a row, in the order in which a report tells it.
OUTCOMES: Mapping[str, Any] = {
    "created": _l("Created"),
    "changed": _l("Changed"),
    "unchanged": _l("Unchanged"),
    "refused": _l("With a problem, left out"),
    "doubtful": _l("Probably here already, left out"),
    "repeated": _l("Repeats of an earlier row"),
    "skipped": _l("Closed or administrative, left out"),
}

_OWN_ID = re.compile(r"commons-(facility|equipment|program|section)-([0-9]{1,9})")


@dataclass(frozen=True)
class Finding:
    """Something to tell about a row; kind: "problem", "duplicate" or "note"."""

    line: int
    column: str
    message: str
    kind: str = "problem"


@dataclass(frozen=True)
class Candidate:
    """A row as it would be: checked values by field, or the problems that keep it out.

    columns: the file's name of the column for each field; namesake_line: an earlier row of the
    same name; related_id: of the facility that equipment stands in, or of a section's program.
    """

    line: int
    kind: str
    title: str
    detail: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    country: str = "US"
    external_id: str = ""
    related_id: str = ""
    namesake_line: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def is_good(self) -> bool:
        return not any(finding.kind == "problem" for finding in self.findings)


@dataclass(frozen=True)
class Reading:
    """A whole file, read and checked without the database.

    foreseen: what the import itself will find, and the check, which undoes its batches, cannot.
    """

    candidates: list[Candidate]
    findings: list[Finding] = field(default_factory=list)
    foreseen: tuple[Finding, ...] = ()
    repeated: int = 0
    skipped: int = 0


@dataclass
class Tally:
    """What became of rows: a number for each of `OUTCOMES`, and what there is to tell."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Take another tally's numbers and findings in."""
        for name, number in other.counts.items():
            self.counts[name] += number
        self.findings += other.findings


def repeat_key(texts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return what exact repeats of a row share, whatever their case and spaces."""
    return tuple(
        sorted((name, " ".join(text.casefold().split())) for name, text in texts.items() if text)
    )


def missing_columns(columns: Iterable[str], needed: Iterable[str]) -> str:
    """Return what to say of columns that a file should have, or nothing."""
    missing = [name for name in needed if name not in set(columns)]
    if not missing:
        return ""
    return _("This file lacks the column %(names)s.", names=", ".join(missing))


def own_id(kind: str, number: int) -> str:
    """Return the ID under which a record that was made here leaves in an export."""
    return f"commons-{kind}-{number}"


def own_number(kind: str, external_id: str) -> int | None:
    """Return the number of a record in an ID of ours, or None for any other ID."""
    found = _OWN_ID.fullmatch(external_id)
    return int(found[2]) if found and found[1] == kind else None
