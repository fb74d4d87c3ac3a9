"""Messages of a thread as one reader may read them: who says what, and no name that is hidden."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts.models import User
from portal.conversations.models import Message, MessageAttachment, MessageMention, Thread
from portal.conversations.policies import Permission
from portal.conversations.queries.threads import Talk, people_to_call, talk_in
from portal.kernel.authorization import Actor, authorize
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.files import StoredFile
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Organization

MESSAGE_OPTIONS = (
    joinedload(Message.author).load_only(User.name),
    joinedload(Message.organization).load_only(Organization.name),
    selectinload(Message.attachments).joinedload(MessageAttachment.file),
    selectinload(Message.mentions).joinedload(MessageMention.user).load_only(User.name),
)


@dataclass(frozen=True)
class ShownMessage:
    """A message as one reader may read it. `person` is empty where it must not be known."""

    id: int
    thread_id: int
    organization: str
    person: str
    text: str
    created_at: dt.datetime
    is_own: bool
    is_hidden: bool
    is_new: bool
    calls: list[str]
    attachments: list[MessageAttachment]


def list_messages(
    talk: Talk, *, read_up_to: int = 0, cursor: str | None = None, limit: int = 30
) -> Page[ShownMessage]:
    """Return a page of messages, the newest first."""
    if talk.thread is None:
        return Page([], None)
    found = keyset_page(
        select(Message).options(*MESSAGE_OPTIONS).where(Message.thread_id == talk.thread.id),
        (Message.id,),
        cursor=cursor,
        limit=limit,
        descending=True,
    )
    known = people_to_call(talk) if any(message.mentions for message in found.items) else {}
    shown = [show_message(talk, message, read_up_to, known) for message in found.items]
    return Page(shown, found.next)


def every_message(talk: Talk) -> Iterator[ShownMessage]:
    """Yield all messages of a thread, oldest first, page by page."""
    after = 0
    known = people_to_call(talk)
    while talk.thread is not None:
        rows = session.scalars(
            select(Message)
            .options(*MESSAGE_OPTIONS)
            .where(Message.thread_id == talk.thread.id, Message.id > after)
            .order_by(Message.id)
            .limit(200)
        ).all()
        if not rows:
            return
        for message in rows:
            yield show_message(talk, message, known=known)
        after = rows[-1].id


def show_message(
    talk: Talk, message: Message, read_up_to: int = 0, known: Collection[int] = ()
) -> ShownMessage:
    """Return a message as the reader of a talk may read it.

    known: people whose names the reader may read where the message calls them.
    """
    is_own = message.organization_id in talk.own
    party = talk.party(message.organization_id)
    is_named = is_own or (party is not None and party.is_named)
    if is_own:
        organization = message.organization.name
    else:
        organization = str(party.name) if party else _("Somebody who takes no part any more")
    is_hidden = message.hidden_at is not None
    return ShownMessage(
        id=message.id,
        thread_id=message.thread_id,
        organization=organization,
        person=_person(message) if is_named else "",
        text="" if is_hidden else message.text,
        created_at=message.created_at,
        is_own=is_own,
        is_hidden=is_hidden,
        is_new=message.id > read_up_to,
        calls=[
            item.user.name for item in message.mentions if item.user_id in known and not is_hidden
        ],
        attachments=[] if is_hidden else message.attachments,
    )


def _person(message: Message) -> str:
    return message.author.name if message.author is not None else _("Somebody who has left")


def get_message(actor: Actor, message_id: int) -> tuple[Talk, Message]:
    """Return a message with its talk, to those who may read it. Raises NotFound."""
    message = session.scalar(
        select(Message)
        .options(*MESSAGE_OPTIONS, joinedload(Message.thread).selectinload(Thread.parties))
        .where(Message.id == message_id)
    )
    if message is None:
        raise NotFound()
    authorize(actor, Permission.THREAD_VIEW, message.thread)
    return talk_in(actor, message.thread), message


def get_attachment(talk: Talk, attachment_id: int) -> StoredFile:
    """Return the file of an attachment of a thread. Raises NotFound."""
    file = (
        session.scalar(
            select(StoredFile)
            .join(MessageAttachment, MessageAttachment.file_id == StoredFile.id)
            .join(Message, Message.id == MessageAttachment.message_id)
            .where(
                MessageAttachment.id == attachment_id,
                Message.thread_id == talk.thread.id,
                Message.hidden_at.is_(None),
            )
        )
        if talk.thread is not None
        else None
    )
    if file is None:
        raise NotFound(_("This attachment is no longer here."))
    return file


def newest_message_id(thread: Thread) -> int:
    """Return the number of the newest message of a thread, or 0."""
    return session.scalar(select(func.max(Message.id)).where(Message.thread_id == thread.id)) or 0


@dataclass(frozen=True)
class Exchange:
    """That messages were exchanged about something: how many, and when; not a word of them."""

    subject_id: int
    messages: int
    first_at: dt.datetime
    last_at: dt.datetime


def exchanges(kind: str, subject_ids: Sequence[int]) -> list[Exchange]:
    """Return of some rows of a kind those about which messages were exchanged, whoever asks."""
    rows = session.execute(
        select(
            Thread.subject_id,
            func.count(),
            func.min(Message.created_at),
            func.max(Message.created_at),
        )
        .join(Message, Message.thread_id == Thread.id)
        .where(Thread.subject == kind, Thread.subject_id.in_(subject_ids))
        .group_by(Thread.subject_id)
        .order_by(Thread.subject_id)
    )
    return [Exchange(*row) for row in rows]
