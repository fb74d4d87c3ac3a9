"""Commands of conversations: writing, reading, muting, blocking, reporting, being told by mail."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage

from portal.conversations.events import DigestDue, MessagePosted, MessageReported
from portal.conversations.models import (
    Block,
    MailChoice,
    Message,
    MessageAttachment,
    MessageMention,
    MessageReport,
    OrganizationContact,
    Thread,
    ThreadParty,
    ThreadReader,
)
from portal.conversations.policies import Permission
from portal.conversations.queries import messages, moderation, telling, threads
from portal.conversations.queries.threads import Talk
from portal.conversations.rules import MOST_ATTACHMENTS, MOST_NEW_CONTACTS, REPORTS, mentioned
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session, unless_busy
from portal.kernel.errors import Conflict, Invalid, NotFound, TooMany
from portal.kernel.files import keep_file
from portal.kernel.outbox import record
from portal.organizations.models import Organization
from portal.organizations.queries.people import has_people


def _view_of_subject(*_args: Any, subject: str, **_kwargs: Any) -> str:
    return threads.thread_subject(subject).view


@command(_view_of_subject)
def open_thread(actor: Actor, row: Any, *, subject: str) -> Thread:
    """Return the thread that hangs on a row, made if there is none; its parties as they are now.

    subject: the kind of the row. Raises NotFound for those who belong to none of the parties, and
    Conflict where there is only one, as of what nobody else has seen yet.
    """
    kind = threads.thread_subject(subject)
    thread = threads.find_thread(kind, row)
    talk = threads.talk_about(actor, kind, row, thread)
    if len(talk.parties) < 2:
        raise Conflict(_("There is nobody to talk to here."))
    if thread is None:
        thread = Thread(subject=kind.kind, subject_id=row.id, title=_title(talk), parties=[])
        session.add(thread)
        session.flush()
    wanted = {party.organization_id for party in talk.parties}
    for party in list(thread.parties):
        if party.organization_id not in wanted:
            thread.parties.remove(party)
            session.delete(party)
    present = {party.organization_id for party in thread.parties}
    for organization_id in sorted(wanted - present):
        thread.parties.append(ThreadParty(thread_id=thread.id, organization_id=organization_id))
    session.flush()
    return thread


@command(Permission.THREAD_WRITE)
def post_message(
    actor: Actor,
    thread: Thread,
    *,
    text: str,
    attachments: Sequence[FileStorage] = (),
    organization_id: int | None = None,
) -> Message:
    """Write in a thread, for the actor's organization among its parties.

    organization_id: which one, where the actor belongs to several.
    Raises Conflict where one side has blocked the other.
    """
    talk = threads.talk_in(actor, thread)
    writer_id = _writer(talk, organization_id)
    if refusal := threads.refusal_of(talk, writer_id):
        raise Conflict(refusal)
    text = text.strip()
    if not text:
        raise Invalid("text", _("Please write something."))
    if len(attachments) > MOST_ATTACHMENTS:
        raise Invalid("attachments", _("Please keep to %(most)d at most.", most=MOST_ATTACHMENTS))
    message = Message(
        thread_id=thread.id, organization_id=writer_id, author_id=actor.user_id, text=text
    )
    session.add(message)
    session.flush()
    for upload in attachments:
        file_id = keep_file(upload, field="attachments", user_id=actor.user_id)
        session.add(MessageAttachment(message_id=message.id, file_id=file_id))
    called = mentioned(text, threads.people_to_call(talk)) - {actor.user_id}
    session.add_all(
        MessageMention(message_id=message.id, user_id=user_id) for user_id in sorted(called)
    )
    thread.title = _title(talk)
    thread.last_message_at = message.created_at
    if actor.user_id is not None:
        _reader(thread, actor.user_id).read_message_id = message.id
    record(MessagePosted(message.id))
    return message


@command(_view_of_subject)
def write_about(actor: Actor, row: Any, *, subject: str, **words: Any) -> Message:
    """Write in the thread that hangs on a row, which begins with the first message.

    words: as `post_message` takes them.
    """
    return post_message(actor, open_thread(actor, row, subject=subject), **words)


@command(Permission.ORGANIZATION_WRITE_TO)
def write_to_organization(
    actor: Actor, organization: Organization, *, organization_id: int | None = None, **words: Any
) -> Message:
    """Write to an organization for one of the actor's, in the thread that the two have.

    organization_id: the actor's; None where there is only one. Raises TooMany beyond the number of
    organizations that a person may turn to in a day.
    """
    own = sorted(actor.organizations_as() - {organization.id})
    if organization_id is None and len(own) == 1:
        organization_id = own[0]
    if organization_id not in own:
        raise Invalid("organization_id", _("Please choose one of your organizations."))
    if organization.status != "active" or not has_people(organization.id):
        raise Conflict(_("Nobody of this organization reads messages here."))
    if session.get_one(Organization, organization_id).status != "active":
        raise Invalid("organization_id", _("This organization is archived."))
    contact = threads.find_contact(organization_id, organization.id)
    if contact is None:
        _check_new_contacts(actor)
        first, second = sorted((organization_id, organization.id))
        contact = OrganizationContact(
            first_organization=session.get_one(Organization, first),
            second_organization=session.get_one(Organization, second),
        )
        session.add(contact)
        session.flush()
    return write_about(
        actor, contact, subject="organization", organization_id=organization_id, **words
    )


@command(Permission.THREAD_FOLLOW)
def mark_read(actor: Actor, thread: Thread, *, message_id: int) -> Thread:
    """Note that the actor has read a thread up to a message."""
    threads.talk_in(actor, thread)
    newest = messages.newest_message_id(thread)
    if actor.user_id is not None:
        reader = _reader(thread, actor.user_id)
        reader.read_message_id = max(reader.read_message_id, min(message_id, newest))
    return thread


@unless_busy()
@command(Permission.THREAD_FOLLOW)
def note_read(actor: Actor, thread: Thread, *, message_id: int) -> Thread:
    """Do the same for whoever opens its page, and waits for no writer."""
    return mark_read(actor, thread, message_id=message_id)


@command(Permission.THREAD_FOLLOW)
def set_muted(actor: Actor, thread: Thread, *, is_muted: bool) -> Thread:
    """Mute a thread for the actor, or hear of it again. Who is called by name is told anyway."""
    threads.talk_in(actor, thread)
    if actor.user_id is not None:
        _reader(thread, actor.user_id).is_muted = is_muted
    return thread


@command(Permission.THREAD_BLOCK)
def block_party(actor: Actor, thread: Thread, *, organization_id: int) -> Thread:
    """Take no more messages of another party of a thread.

    Where the two know each other here, it holds in every thread in which they do; else in this one.
    """
    talk, blocking = _blocking(actor, thread, organization_id)
    other = next(party for party in talk.others if party.organization_id == organization_id)
    knows = threads.knows_each_other(talk, other)
    for own_id in blocking:
        if not moderation.find_blocks([own_id], organization_id, thread.id):
            session.add(
                Block(
                    organization_id=own_id,
                    blocked_organization_id=organization_id,
                    thread_id=None if knows else thread.id,
                    created_by_id=actor.user_id,
                )
            )
    return thread


@command(Permission.THREAD_BLOCK)
def unblock_party(actor: Actor, thread: Thread, *, organization_id: int) -> Thread:
    """Take messages of another party of a thread again."""
    _talk, blocking = _blocking(actor, thread, organization_id)
    for block in moderation.find_blocks(blocking, organization_id, thread.id):
        session.delete(block)
    return thread


@command(Permission.BLOCK_LIFT)
def lift_block(actor: Actor, block: Block) -> Block:
    """End a block."""
    session.delete(block)
    return block


@command(Permission.MESSAGE_REPORT)
def report_message(actor: Actor, message: Message, *, reason: str, note: str = "") -> MessageReport:
    """Report a message of another party to the brokers of the region; once per organization."""
    talk = threads.talk_in(actor, message.thread)
    reporter = min(talk.own)
    known = session.scalar(
        select(MessageReport.id).where(
            MessageReport.message_id == message.id, MessageReport.organization_id == reporter
        )
    )
    if known is not None:
        raise Conflict(_("Your organization has reported this message already."))
    report = MessageReport(
        message_id=message.id,
        organization_id=reporter,
        reported_by_id=actor.user_id,
        reason=reason,
        note=note,
        status="open",
    )
    session.add(report)
    session.flush()
    record(MessageReported(report.id))
    return report


@command(REPORTS.permission)
def act_on_report(
    actor: Actor, report: MessageReport, action: str, *, note: str = ""
) -> MessageReport:
    """Hide the message that was reported, or dismiss the report."""
    REPORTS.apply(actor, report, action, note=note)
    if action == "uphold":
        report.message.hidden_at = report.message.hidden_at or now()
    return report


@command(REPORTS.permission)
def act_on_reports(
    actor: Actor, reports: tuple[MessageReport, ...], action: str, *, note: str = ""
) -> tuple[MessageReport, ...]:
    """Take the same step with several reports, all or none."""
    for report in reports:
        act_on_report(actor, report, action, note=note)
    return reports


@command(Permission.MAIL_CHOOSE)
def choose_mail(actor: Actor, *, emails: str) -> None:
    """Choose when one is told of messages by e-mail."""
    choice = session.get(MailChoice, actor.user_id)
    if choice is None:
        choice = MailChoice(user_id=actor.user_id)
        session.add(choice)
    choice.emails = emails
    choice.due_at = now()


# The portal itself


@command(Permission.MAIL_DIGEST)
def begin_digests(actor: Actor) -> int:
    """Let those hear of their day's messages whose time has come; return how many."""
    due = telling.list_due_digests()
    for choice in due:
        # At the same time of each day, however late this one is.
        choice.due_at += dt.timedelta(days=(now() - choice.due_at).days + 1)
        record(DigestDue(choice.user_id))
    return len(due)


@command(Permission.MAIL_DIGEST)
def note_told(actor: Actor, *, user_id: int, newest_by_thread: dict[int, int]) -> None:
    """Note up to which message a person was told of threads by e-mail."""
    for thread_id, message_id in newest_by_thread.items():
        reader = _reader(threads.get_thread(thread_id), user_id)
        reader.told_message_id = max(reader.told_message_id, message_id)


@command(Permission.MAIL_DIGEST)
def stop_by_link(actor: Actor, *, user_id: int, thread_id: int | None) -> None:
    """Mute a thread for a person, or end all their e-mail about messages, by a link of ours."""
    if thread_id is not None:
        _reader(threads.get_thread(thread_id), user_id).is_muted = True
        return
    choice = session.get(MailChoice, user_id)
    if choice is None:
        choice = MailChoice(user_id=user_id)
        session.add(choice)
    choice.emails = "never"


def _title(talk: Talk) -> str:
    return talk.title[:300]


def _writer(talk: Talk, organization_id: int | None) -> int:
    if organization_id is None:
        return min(talk.own)
    if organization_id not in talk.own:
        raise Invalid("organization_id", _("Please choose one of your organizations."))
    return organization_id


def _reader(thread: Thread, user_id: int) -> ThreadReader:
    reader = session.get(ThreadReader, (thread.id, user_id))
    if reader is None:
        reader = ThreadReader(
            thread_id=thread.id,
            user_id=user_id,
            read_message_id=0,
            told_message_id=0,
            is_muted=False,
        )
        session.add(reader)
        session.flush()
    return reader


def _blocking(actor: Actor, thread: Thread, organization_id: int) -> tuple[Talk, list[int]]:
    """Return the talk, and for which of the actor's organizations a block would be."""
    talk = threads.talk_in(actor, thread)
    if organization_id not in {party.organization_id for party in talk.others}:
        raise NotFound(_("There is no such side of this conversation."))
    return talk, sorted(talk.own & actor.organizations_as("owner", "manager"))


def _check_new_contacts(actor: Actor) -> None:
    """Keep one person from writing to everybody."""
    begun = session.scalar(
        select(func.count(func.distinct(Thread.id)))
        .join(Message, Message.thread_id == Thread.id)
        .where(
            Thread.subject == "organization",
            Thread.created_at > now() - dt.timedelta(days=1),
            Message.author_id == actor.user_id,
        )
    )
    if (begun or 0) >= MOST_NEW_CONTACTS:
        raise TooMany(
            _("You have written to many organizations today. Please go on tomorrow."), 86_400
        )
