"""A thread with what it hangs on, as one reader may know it: who the others are, who may write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts.models import User
from portal.conversations.models import Block, OrganizationContact, Thread, ThreadReader
from portal.conversations.policies import Permission
from portal.conversations.rules import Blocked, blocks_between
from portal.kernel.authorization import Actor, authorize, can
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.manifest import Party, ThreadSubject, installed_manifests
from portal.organizations.models import Membership

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
    talk = find_talk(actor, subject, row, thread)
    if talk is None:
        raise NotFound()
    return talk


def find_talk(actor: Actor, subject: ThreadSubject, row: Any, thread: Thread | None) -> Talk | None:
    """Return the talk about a row, or None to whom it is none of their business."""
    parties = subject.parties(row)
    own = actor.organizations_as() & {party.organization_id for party in parties}
    if not own or not can(actor, subject.view, row):
        return None
    return Talk(subject, row, thread, parties, own)


def talks_of(actor: Actor, threads: Sequence[Thread]) -> list[Talk]:
    """Return what threads hang on, as far as the actor may see it; one look for each kind."""
    rows: dict[str, Mapping[int, Any]] = {}
    for kind in {thread.subject for thread in threads}:
        numbers = [thread.subject_id for thread in threads if thread.subject == kind]
        rows[kind] = thread_subject(kind).load(numbers)
    found = []
    for thread in threads:
        row = rows[thread.subject].get(thread.subject_id)
        talk = find_talk(actor, thread_subject(thread.subject), row, thread) if row else None
        if talk is not None:
            found.append(talk)
    return found


# Who may write, and who the others are


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


def party_for_outsiders(thread: Thread, organization_id: int) -> Party:
    """Return by which name those who take no part may know an organization of a thread."""
    subject = thread_subject(thread.subject)
    row = subject.load([thread.subject_id]).get(thread.subject_id)
    parties = subject.parties_for_others or subject.parties
    for party in parties(row) if row is not None else ():
        if party.organization_id == organization_id:
            return party
    return Party(organization_id, _("Somebody who takes no part any more"), is_named=False)


def find_reader(actor: Actor, thread: Thread) -> ThreadReader | None:
    """Return how far the actor has read a thread, or None."""
    return session.get(ThreadReader, (thread.id, actor.user_id))
