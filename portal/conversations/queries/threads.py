"""Threads with what they hang on, as one reader may know it: names, messages, what is unread."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, false, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts.models import User
from portal.conversations.models import (
    Block,
    Message,
    MessageAttachment,
    MessageMention,
    OrganizationContact,
    Thread,
    ThreadReader,
)
from portal.conversations.policies import Permission
from portal.conversations.rules import Blocked, blocks_between
from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.files import StoredFile
from portal.kernel.manifest import DeskItem, Party, ThreadSubject, installed_manifests
from portal.kernel.paging import Page, keyset_page
from portal.kernel.richtext import plain
from portal.organizations.models import Membership, Organization
from portal.organizations.queries.people import has_people

MESSAGE_OPTIONS = (
    joinedload(Message.author).load_only(User.name),
    joinedload(Message.organization).load_only(Organization.name),
    selectinload(Message.attachments).joinedload(MessageAttachment.file),
    selectinload(Message.mentions).joinedload(MessageMention.user).load_only(User.name),
)
#: Messages on a subject's own page; the thread's page has the others.
FEW_MESSAGES = 3
#: People who can be called by name in one thread.
MOST_NAMES = 200


@dataclass(frozen=True)
class Talk:
    """A thread with what it hangs on, for one reader. `thread` is None before the first message.

    parties: by the names that others may read; own: those that the reader belongs to.
    """

    subject: ThreadSubject
    row: Any
    thread: Thread | None
    parties: tuple[Party, ...]
    own: frozenset[int]

    @property
    def subject_id(self) -> int:
        """The number of the row that it hangs on."""
        return int(self.row.id)

    @property
    def title(self) -> str:
        """What it is about."""
        return str(self.subject.title(self.row))

    @property
    def url(self) -> str:
        """The page of what it hangs on."""
        return self.subject.url(self.row)

    @property
    def others(self) -> list[Party]:
        """The parties that the reader does not belong to."""
        return [party for party in self.parties if party.organization_id not in self.own]

    def party(self, organization_id: int) -> Party | None:
        """Return the party that an organization is, or None once it takes no part any more."""
        for party in self.parties:
            if party.organization_id == organization_id:
                return party
        return None


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


@dataclass(frozen=True)
class Section:
    """A thread on the page of what it hangs on: the newest messages, and whether one may write."""

    talk: Talk
    messages: list[ShownMessage]
    has_earlier: bool
    refusal: str


# What threads hang on


def thread_subject(kind: str) -> ThreadSubject:
    """Return what a domain says of the subjects of a kind. Raises NotFound for an unknown one."""
    for manifest in installed_manifests():
        for subject in manifest.thread_subjects:
            if subject.kind == kind:
                return subject
    raise NotFound()


def get_subject_row(subject: ThreadSubject, subject_id: int) -> Any:
    """Return the row that a thread hangs on. Raises NotFound."""
    row = subject.load([subject_id]).get(subject_id)
    if row is None:
        raise NotFound(_("What this conversation is about is no longer here."))
    return row


def load_contacts(ids: Sequence[int]) -> Mapping[int, OrganizationContact]:
    """Return pairs of organizations that talk, with both of them, by number."""
    rows = session.scalars(
        select(OrganizationContact)
        .options(
            joinedload(OrganizationContact.first_organization),
            joinedload(OrganizationContact.second_organization),
        )
        .where(OrganizationContact.id.in_(ids))
    )
    return {row.id: row for row in rows}


def find_contact(one: int, other: int) -> OrganizationContact | None:
    """Return the row of a pair of organizations, in whichever order."""
    first, second = sorted((one, other))
    return session.scalar(
        select(OrganizationContact)
        .options(
            joinedload(OrganizationContact.first_organization),
            joinedload(OrganizationContact.second_organization),
        )
        .where(
            OrganizationContact.first_organization_id == first,
            OrganizationContact.second_organization_id == second,
        )
    )


# One thread


def get_thread(thread_id: int) -> Thread:
    """Return a thread with its parties, whoever asks. Raises NotFound."""
    thread = _find_thread(Thread.id == thread_id)
    if thread is None:
        raise NotFound()
    return thread


def find_thread(subject: ThreadSubject, row: Any) -> Thread | None:
    """Return the thread that hangs on a row, or None."""
    return _find_thread((Thread.subject == subject.kind) & (Thread.subject_id == row.id))


def _find_thread(condition: ColumnElement[bool]) -> Thread | None:
    return session.scalar(
        select(Thread)
        .options(selectinload(Thread.parties))
        .where(condition)
        .execution_options(populate_existing=True)
    )


def get_talk(actor: Actor, thread_id: int) -> Talk:
    """Return a thread that the actor may read, with what it hangs on. Raises NotFound."""
    thread = get_thread(thread_id)
    authorize(actor, Permission.THREAD_VIEW, thread)
    return talk_in(actor, thread)


def thread_of(talk: Talk) -> Thread:
    """Return the thread of a talk. Raises NotFound before its first message."""
    if talk.thread is None:
        raise NotFound()
    return talk.thread


def talk_in(actor: Actor, thread: Thread) -> Talk:
    """Return what a thread hangs on, to those who may see that. Raises NotFound."""
    subject = thread_subject(thread.subject)
    return talk_about(actor, subject, get_subject_row(subject, thread.subject_id), thread)


def talk_about(actor: Actor, subject: ThreadSubject, row: Any, thread: Thread | None) -> Talk:
    """Return the talk about a row, to people of its parties who may see it. Raises NotFound."""
    talk = _talk(actor, subject, row, thread)
    if talk is None:
        raise NotFound()
    return talk


def _talk(actor: Actor, subject: ThreadSubject, row: Any, thread: Thread | None) -> Talk | None:
    parties = subject.parties(row)
    own = actor.organizations_as() & {party.organization_id for party in parties}
    if not own or not can(actor, subject.view, row):
        return None
    return Talk(subject, row, thread, parties, own)


def refusal_of(talk: Talk, writer_id: int | None = None) -> str:
    """Say why the reader's organization cannot write now; nothing where it can."""
    writer = writer_id if writer_id is not None else min(talk.own)
    numbers = [party.organization_id for party in talk.parties]
    rows = session.scalars(
        select(Block)
        .where(
            Block.organization_id.in_(numbers),
            Block.blocked_organization_id.in_(numbers),
            or_(Block.thread_id.is_(None), _in_thread(talk)),
        )
        .order_by(Block.id)
        .limit(100)
    )
    blocks = [
        Blocked(row.organization_id, row.blocked_organization_id, row.thread_id is None)
        for row in rows
    ]
    is_blocking, is_blocked = blocks_between(writer, talk.parties, blocks)
    if is_blocking:
        return _("Your organization has blocked the other side. Lift the block to write.")
    if is_blocked:
        return _("This conversation takes no more messages.")
    return ""


def is_blocking(talk: Talk, party: Party) -> bool:
    """Tell whether the reader's organizations have blocked another party, as it counts here."""
    counts = _in_thread(talk)
    if knows_each_other(talk, party):
        counts = or_(Block.thread_id.is_(None), counts)
    found = session.scalar(
        select(Block.id)
        .where(
            Block.organization_id.in_(sorted(talk.own)),
            Block.blocked_organization_id == party.organization_id,
            counts,
        )
        .limit(1)
    )
    return found is not None


def knows_each_other(talk: Talk, party: Party) -> bool:
    """Tell whether another party and the reader's own may know of each other who they are."""
    own = [item for item in talk.parties if item.organization_id in talk.own]
    return party.is_named and all(item.is_named for item in own)


def _in_thread(talk: Talk) -> ColumnElement[bool]:
    return Block.thread_id == talk.thread.id if talk.thread is not None else false()


def other_side(talk: Talk, place: int) -> Party:
    """Return another party by its place among the others, from 1. Raises NotFound."""
    if 1 <= place <= len(talk.others):
        return talk.others[place - 1]
    raise NotFound(_("There is no such side of this conversation."))


def people_to_call(talk: Talk) -> dict[int, str]:
    """Return whom a message can call by name, by number: one's own, and those of named parties."""
    reached = {party.organization_id for party in talk.parties if party.is_named} | talk.own
    rows = session.execute(
        select(User.id, User.name)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id.in_(sorted(reached)), User.is_active)
        .order_by(User.name, User.id)
        .limit(MOST_NAMES)
    )
    return {row.id: row.name for row in rows}


# Messages


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


def party_for_outsiders(thread: Thread, organization_id: int) -> Party:
    """Return by which name those who take no part may know an organization of a thread."""
    subject = thread_subject(thread.subject)
    row = subject.load([thread.subject_id]).get(thread.subject_id)
    parties = subject.parties_for_others or subject.parties
    for party in parties(row) if row is not None else ():
        if party.organization_id == organization_id:
            return party
    return Party(organization_id, _("Somebody who takes no part any more"), is_named=False)


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


def find_reader(actor: Actor, thread: Thread) -> ThreadReader | None:
    """Return how far the actor has read a thread, or None."""
    return session.get(ThreadReader, (thread.id, actor.user_id))


def newest_message_id(thread: Thread) -> int:
    """Return the number of the newest message of a thread, or 0."""
    return session.scalar(select(func.max(Message.id)).where(Message.thread_id == thread.id)) or 0


# Lists


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
        statement = statement.where(_unread(actor).exists())
    found = keyset_page(
        statement, (Thread.last_message_at, Thread.id), cursor=cursor, limit=limit, descending=True
    )
    return Page(lines_of(actor, found.items), found.next)


def _unread(actor: Actor) -> Select[Any]:
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


def talks_of(actor: Actor, threads: Sequence[Thread]) -> list[Talk]:
    """Return what threads hang on, as far as the actor may see it; one look for each kind."""
    rows: dict[str, Mapping[int, Any]] = {}
    for kind in {thread.subject for thread in threads}:
        numbers = [thread.subject_id for thread in threads if thread.subject == kind]
        rows[kind] = thread_subject(kind).load(numbers)
    found = []
    for thread in threads:
        row = rows[thread.subject].get(thread.subject_id)
        talk = _talk(actor, thread_subject(thread.subject), row, thread) if row else None
        if talk is not None:
            found.append(talk)
    return found


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
            visible(actor, Permission.THREAD_VIEW), _unread(actor).exists(), Thread.id.not_in(muted)
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


# On the pages of other domains


def section_about(kind: str) -> Callable[[Actor, Any], Section | None]:
    """Return the `load` of a record section that shows the thread of a kind of record."""

    def load(actor: Actor, row: Any) -> Section | None:
        subject = thread_subject(kind)
        talk = _talk(actor, subject, row, find_thread(subject, row))
        if talk is None:
            return None
        reader = find_reader(actor, talk.thread) if talk.thread is not None else None
        found = list_messages(
            talk, read_up_to=reader.read_message_id if reader else 0, limit=FEW_MESSAGES
        )
        return Section(talk, found.items[::-1], bool(found.next), refusal_of(talk))

    return load


@dataclass(frozen=True)
class ContactSection:
    """How to write to an organization on its page: to begin, or to go on with a conversation."""

    organization: Organization
    threads: list[tuple[int, str]]
    may_begin: bool


def contact_section(actor: Actor, organization: Organization) -> ContactSection | None:
    """Return how the actor writes to an organization; None where nobody would read it."""
    own = sorted(actor.organizations_as() - {organization.id})
    if not can(actor, Permission.ORGANIZATION_WRITE_TO, organization) or not own:
        return None
    if organization.status != "active" or not has_people(organization.id):
        return None
    first, second = (
        OrganizationContact.first_organization_id,
        OrganizationContact.second_organization_id,
    )
    rows = session.execute(
        select(Thread.id, Organization.name)
        .join(
            OrganizationContact,
            (Thread.subject == "organization") & (Thread.subject_id == OrganizationContact.id),
        )
        .join(
            Organization,
            or_(
                (Organization.id == first) & (second == organization.id),
                (Organization.id == second) & (first == organization.id),
            ),
        )
        .where(Organization.id.in_(own))
        .order_by(Organization.name, Organization.id)
        .limit(20)
    )
    known = [(row.id, row.name) for row in rows]
    return ContactSection(organization, known, len(known) < len(own))
