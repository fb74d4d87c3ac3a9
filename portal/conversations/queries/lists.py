"""The threads of one reader in a list: the last message, what is unread; found by their words."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import selectinload

from portal.conversations.models import Message, Thread, ThreadReader
from portal.conversations.policies import Permission
from portal.conversations.queries.messages import MESSAGE_OPTIONS, ShownMessage, show_message
from portal.conversations.queries.threads import talks_of, thread_of
from portal.kernel.authorization import Actor, visible
from portal.kernel.database import session
from portal.kernel.manifest import DeskItem
from portal.kernel.paging import Page, keyset_page
from portal.kernel.richtext import plain


@dataclass(frozen=True)
class TalkLine:
    """A thread in a list."""

    id: int
    subject: str
    subject_id: int
    title: str
    others: list[str]
    last: ShownMessage | None
    excerpt: str
    last_message_at: dt.datetime
    unread: int
    is_muted: bool


def list_talks(
    actor: Actor,
    *,
    words: str = "",
    is_unread: bool = False,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[TalkLine]:
    """Return a page of the threads that the actor may read, the last written in first.

    words: each of them stands in a message, or in what the thread is about.
    """
    statement = (
        select(Thread)
        .options(selectinload(Thread.parties))
        .where(visible(actor, Permission.THREAD_VIEW))
    )
    for word in words.split()[:10]:
        # For each thread of theirs, not for all that anybody has ever written.
        said = select(Message.id).where(
            Message.thread_id == Thread.id,
            Message.text.icontains(word, autoescape=True),
            Message.hidden_at.is_(None),
        )
        statement = statement.where(
            or_(Thread.title.icontains(word, autoescape=True), said.exists())
        )
    if is_unread:
        statement = statement.where(unread_messages(actor).exists())
    found = keyset_page(
        statement, (Thread.last_message_at, Thread.id), cursor=cursor, limit=limit, descending=True
    )
    return Page(lines_of(actor, found.items), found.next)


def unread_messages(actor: Actor) -> Select[Any]:
    """Select the unread messages of the thread of the query around it."""
    read = (
        select(ThreadReader.read_message_id)
        .where(ThreadReader.thread_id == Thread.id, ThreadReader.user_id == actor.user_id)
        .correlate(Thread)
        .scalar_subquery()
    )
    return (
        select(Message.id)
        .where(
            Message.thread_id == Thread.id,
            Message.author_id.is_distinct_from(actor.user_id),
            Message.id > func.coalesce(read, 0),
        )
        .correlate(Thread)
    )


def lines_of(actor: Actor, threads: Sequence[Thread]) -> list[TalkLine]:
    """Return threads as lists show them, as far as the actor may read them."""
    talks = talks_of(actor, threads)
    numbers = [thread_of(talk).id for talk in talks]
    unread = unread_counts(actor, numbers)
    newest = select(func.max(Message.id)).where(Message.thread_id.in_(numbers))
    last = {
        message.thread_id: message
        for message in session.scalars(
            select(Message)
            .options(*MESSAGE_OPTIONS)
            .where(Message.id.in_(newest.group_by(Message.thread_id)))
        )
    }
    muted = set(
        session.scalars(
            select(ThreadReader.thread_id).where(
                ThreadReader.thread_id.in_(numbers),
                ThreadReader.user_id == actor.user_id,
                ThreadReader.is_muted,
            )
        )
    )
    found = []
    for talk in talks:
        thread = thread_of(talk)
        shown = show_message(talk, last[thread.id]) if thread.id in last else None
        found.append(
            TalkLine(
                id=thread.id,
                subject=talk.subject.kind,
                subject_id=talk.subject_id,
                title=talk.title,
                others=[str(party.name) for party in talk.others],
                last=shown,
                excerpt=plain(shown.text, 160) if shown else "",
                last_message_at=thread.last_message_at,
                unread=unread.get(thread.id, 0),
                is_muted=thread.id in muted,
            )
        )
    return found


def unread_counts(actor: Actor, thread_ids: Iterable[int]) -> dict[int, int]:
    """Return how many messages of others the actor has not read, by thread."""
    rows = session.execute(
        select(Message.thread_id, func.count().label("unread"))
        .outerjoin(
            ThreadReader,
            (ThreadReader.thread_id == Message.thread_id) & (ThreadReader.user_id == actor.user_id),
        )
        .where(
            Message.thread_id.in_(list(thread_ids)),
            Message.author_id.is_distinct_from(actor.user_id),
            Message.id > func.coalesce(ThreadReader.read_message_id, 0),
        )
        .group_by(Message.thread_id)
    )
    return {row.thread_id: row.unread for row in rows}


def list_unread(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the threads with messages that the actor has not read, the oldest first."""
    if not actor.memberships:
        return []
    muted = select(ThreadReader.thread_id).where(
        ThreadReader.user_id == actor.user_id, ThreadReader.is_muted
    )
    threads = session.scalars(
        select(Thread)
        .options(selectinload(Thread.parties))
        .where(
            visible(actor, Permission.THREAD_VIEW),
            unread_messages(actor).exists(),
            Thread.id.not_in(muted),
        )
        .order_by(Thread.last_message_at, Thread.id)
        .limit(limit)
    ).all()
    return [
        DeskItem(
            line.title,
            f"/conversations/{line.id}",
            line.last_message_at,
            detail=", ".join(line.others),
            action=_("Read and answer"),
        )
        for line in lines_of(actor, threads)
    ]
