"""Words and rules of conversations: who is called by name, who blocks whom, reports of abuse."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.conversations.events import ReportDecided
from portal.kernel.manifest import Party
from portal.kernel.sealing import read_numbers, seal_numbers
from portal.kernel.workflow import Transition, Workflow

LONGEST_MESSAGE = 10_000
MOST_ATTACHMENTS = 5
#: Organizations that a person may turn to in a day without anything else between them.
MOST_NEW_CONTACTS = 20

_STOP = "stop-messages"

MAIL_CHOICES: Mapping[str, Any] = {
    "at_once": _l("At once, each message"),
    "daily": _l("Once a day, all together"),
    "never": _l("Never; I look here"),
}

REPORT_REASONS: Mapping[str, Any] = {
    "spam": _l("Advertising that nobody asked for"),
    "fraud": _l("An attempt to cheat"),
    "insult": _l("Insults or threats"),
    "secret": _l("Something that should not be told"),
    "other": _l("Something else"),
}

REPORTS = Workflow(
    "message_report",
    {"open": _l("Open"), "upheld": _l("Message hidden"), "dismissed": _l("Dismissed")},
    (
        Transition(
            "uphold",
            ("open",),
            "upheld",
            "message_report.decide",
            _l("Hide the message"),
            _l("The message is hidden."),
            event=lambda row, actor, note: ReportDecided(row.id, "uphold", note),
            note="optional",
            is_main=True,
        ),
        Transition(
            "dismiss",
            ("open",),
            "dismissed",
            "message_report.decide",
            _l("Dismiss the report"),
            _l("The report is dismissed."),
            event=lambda row, actor, note: ReportDecided(row.id, "dismiss", note),
            note="optional",
        ),
    ),
)


def mentioned(text: str, names: Mapping[int, str]) -> set[int]:
    """Return those of some people (name by id) whom a text calls by "@" and their full name.

    Of two names that begin alike the longer one is meant; people of one name are all meant.
    """
    by_name: dict[str, set[int]] = {}
    for user_id, name in names.items():
        folded = " ".join(name.casefold().split())
        if folded:
            by_name.setdefault(folded, set()).add(user_id)
    if not by_name:
        return set()
    longest_first = sorted(by_name, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)@({'|'.join(re.escape(name) for name in longest_first)})(?!\w)")
    folded_text = " ".join(text.casefold().split())
    return {user_id for name in pattern.findall(folded_text) for user_id in by_name[name]}


@dataclass(frozen=True)
class Blocked:
    """A block as far as it counts in a thread: who wants nothing of whom."""

    organization_id: int
    blocked_organization_id: int
    is_everywhere: bool


def blocks_between(
    writer_id: int, parties: Iterable[Party], blocks: Collection[Blocked]
) -> tuple[bool, bool]:
    """Tell whether a writer's organization blocks a party of the thread, and is blocked by one.

    A block that holds everywhere counts only between two that know each other here: it would tell
    who an anonymous one is.
    """
    named = {party.organization_id for party in parties if party.is_named}
    others = {party.organization_id for party in parties} - {writer_id}

    def counts(block: Blocked) -> bool:
        pair = {block.organization_id, block.blocked_organization_id}
        return pair <= {writer_id, *others} and (not block.is_everywhere or pair <= named)

    counting = [block for block in blocks if counts(block)]
    return (
        any(block.organization_id == writer_id for block in counting),
        any(block.blocked_organization_id == writer_id for block in counting),
    )


def sign_stop(secret: str, user_id: int, thread_id: int | None) -> str:
    """Return the token of a link that mutes a thread for a person, or ends all their e-mail."""
    return seal_numbers(secret, _STOP, user_id, thread_id or 0)


def read_stop(secret: str, token: str) -> tuple[int, int | None] | None:
    """Return the person and the thread of a token, or None unless it is one of ours."""
    found = read_numbers(secret, _STOP, token)
    return (found[0], found[1] or None) if found else None


def write_transcript(
    title: str,
    others: Iterable[str],
    messages: Iterable[Any],
    write_instant: Callable[[Any], str],
) -> str:
    """Write a conversation as Markdown, oldest first.

    messages: as one reader may read them, with organization, person, text, created_at and
    attachments. What people wrote is quoted, so that no words can pass for another's message.
    """
    lines = [f"# {_one_line(title)}", "", _one_line(", ".join(others)), ""]
    for message in messages:
        who = ", ".join(_one_line(name) for name in (message.person, message.organization) if name)
        lines += [f"## {who}, {write_instant(message.created_at)}", ""]
        quoted = [f"> {line}".rstrip() for line in message.text.splitlines()]
        lines += [*(quoted or [_("This message was hidden after a report.")]), ""]
        lines += [f"- {_one_line(item.file.original_name)}" for item in message.attachments]
        lines += [""] if message.attachments else []
    return "\n".join(lines)


def _one_line(text: str) -> str:
    return " ".join(str(text).split())
