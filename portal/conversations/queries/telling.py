"""Who is told of messages by e-mail: whoever follows a thread, as they chose to be told."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask_babel import force_locale
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts.models import User
from portal.conversations.models import (
    MailChoice,
    Message,
    MessageMention,
    Thread,
    ThreadParty,
    ThreadReader,
)
from portal.conversations.queries.lists import TalkLine, lines_of, unread_messages
from portal.conversations.queries.messages import MESSAGE_OPTIONS
from portal.conversations.queries.threads import Talk, talks_of
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.organizations.models import Membership

#: People who are told of one message, and threads that one digest names.
MOST_TOLD = 500
MOST_IN_DIGEST = 50


@dataclass(frozen=True)
class Told:
    """A person who is told of a message at once, with the talk as that person may know it."""

    person: User
    talk: Talk


def choice_of(actor: Actor) -> str:
    """Return when the actor is told by e-mail."""
    row = session.get(MailChoice, actor.user_id)
    return row.emails if row is not None else "at_once"


def find_message(message_id: int) -> Message | None:
    """Return a message with its thread, or None."""
    return session.scalar(
        select(Message)
        .options(*MESSAGE_OPTIONS, joinedload(Message.thread).selectinload(Thread.parties))
        .where(Message.id == message_id)
    )


def find_person(user_id: int) -> User | None:
    """Return an active person, or None."""
    return session.scalar(select(User).where(User.id == user_id, User.is_active))


def list_told_at_once(message: Message, eyes_of: Callable[[int], Actor]) -> list[Told]:
    """Return who is told of a message by an e-mail of its own.

    eyes_of: makes the actor of a person, since each is told what that one may know.
    That is whoever follows the thread and neither muted it nor chose another way; whoever is
    called by name is told at once, unless they want no e-mail at all.
    """
    called = {mention.user_id for mention in message.mentions}
    readers = {
        row.user_id: row
        for row in session.scalars(
            select(ThreadReader).where(ThreadReader.thread_id == message.thread_id)
        )
    }
    people = _followers(message.thread, called)
    choices = _choices(person.id for person in people)
    found: list[Told] = []
    for person in people:
        choice = choices.get(person.id, "at_once")
        reader = readers.get(person.id)
        is_quiet = choice == "daily" or (reader is not None and reader.is_muted)
        if choice == "never" or person.id == message.author_id:
            continue
        if is_quiet and person.id not in called:
            continue
        # Names of sides that keep theirs are words of a language.
        with force_locale(person.language or "en"):
            talks = talks_of(eyes_of(person.id), [message.thread])
        found.extend(Told(person, talk) for talk in talks)
    return found


def _followers(thread: Thread, called: Iterable[int]) -> list[User]:
    """Return who follows a thread: its parties' managers, who wrote in it, who is called."""
    wrote = select(Message.author_id).where(Message.thread_id == thread.id)
    parties = [party.organization_id for party in thread.parties]
    rows = session.scalars(
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.organization_id.in_(parties),
            User.is_active,
            or_(
                Membership.role.in_(("owner", "manager")),
                User.id.in_(wrote),
                User.id.in_(list(called)),
            ),
        )
        .order_by(User.id)
        .limit(MOST_TOLD)
    )
    return list(rows.unique())


def _choices(user_ids: Iterable[int]) -> dict[int, str]:
    rows = session.scalars(select(MailChoice).where(MailChoice.user_id.in_(list(user_ids))))
    return {row.user_id: row.emails for row in rows}


# Once a day


def has_due_digest() -> bool:
    """Tell whether somebody's time to be told of a day's messages has come."""
    return session.scalar(_due().limit(1)) is not None


def list_due_digests(limit: int = 500) -> list[MailChoice]:
    """Return the choices of those whose day is over, locked until the transaction ends."""
    return list(session.scalars(_due().limit(limit).with_for_update(skip_locked=True)))


def _due() -> Select[MailChoice]:
    return (
        select(MailChoice)
        .where(MailChoice.emails == "daily", MailChoice.due_at <= now())
        .order_by(MailChoice.due_at, MailChoice.user_id)
    )


def list_for_digest(actor: Actor) -> list[TalkLine]:
    """Return the threads that the actor follows with messages neither read nor told of yet."""
    own = sorted(actor.organizations_as())
    managed = sorted(actor.organizations_as("owner", "manager"))
    newest = (
        select(func.max(Message.id))
        .where(Message.thread_id == Thread.id)
        .correlate(Thread)
        .scalar_subquery()
    )
    told = (
        select(ThreadReader.thread_id)
        .where(
            ThreadReader.thread_id == Thread.id,
            ThreadReader.user_id == actor.user_id,
            or_(ThreadReader.is_muted, newest <= ThreadReader.told_message_id),
        )
        .correlate(Thread)
    )
    wrote = select(Message.thread_id).where(Message.author_id == actor.user_id)
    called = (
        select(Message.thread_id)
        .join(MessageMention, MessageMention.message_id == Message.id)
        .where(MessageMention.user_id == actor.user_id)
    )
    threads = session.scalars(
        select(Thread)
        .options(selectinload(Thread.parties))
        .where(
            Thread.parties.any(ThreadParty.organization_id.in_(own)),
            or_(
                Thread.parties.any(ThreadParty.organization_id.in_(managed)),
                Thread.id.in_(wrote),
                Thread.id.in_(called),
            ),
            ~told.exists(),
            unread_messages(actor).exists(),
        )
        .order_by(Thread.last_message_at.desc(), Thread.id.desc())
        .limit(MOST_IN_DIGEST)
    ).all()
    return lines_of(actor, threads)
