"""Threads with who talks in them, messages, who has read what, blocks and reports."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.conversations.rules import MAIL_CHOICES, REPORT_REASONS, REPORTS
from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, known_values
from portal.kernel.files import StoredFile
from portal.organizations.models import Organization


class OrganizationContact(Identified, Model):
    """That two organizations talk without anything else between them; one row for each pair.

    first_organization_id: the one with the lower number, whoever began.
    """

    __table_args__ = (
        UniqueConstraint("first_organization_id", "second_organization_id"),
        CheckConstraint("first_organization_id < second_organization_id", name="in_order"),
    )

    first_organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE")
    )
    second_organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    first_organization: Mapped[Organization] = relationship(
        foreign_keys=first_organization_id, lazy="raise_on_sql"
    )
    second_organization: Mapped[Organization] = relationship(
        foreign_keys=second_organization_id, lazy="raise_on_sql"
    )


class Thread(Identified, Model):
    """A conversation. What it hangs on is a row of another domain, named by kind and number.

    title: of its subject, as it was when the last message was written.
    """

    is_settled = False

    __table_args__ = (
        UniqueConstraint("subject", "subject_id"),
        Index("ix_thread_last_message_at_id", "last_message_at", "id"),
    )

    subject: Mapped[str] = mapped_column(String(20))
    subject_id: Mapped[int]
    title: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    last_message_at: Mapped[dt.datetime] = mapped_column(default=now)

    parties: Mapped[list["ThreadParty"]] = relationship(
        order_by=lambda: ThreadParty.organization_id, lazy="raise_on_sql", passive_deletes=True
    )


class ThreadParty(Model):
    """An organization that takes part in a thread, through whoever its people are."""

    is_settled = False

    thread_id: Mapped[int] = mapped_column(
        ForeignKey("thread.id", ondelete="CASCADE"), primary_key=True
    )
    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Message(Identified, Model):
    """What a person wrote for an organization. hidden_at: when a report of it was upheld."""

    is_settled = False

    __table_args__ = (Index("ix_message_thread_id_id", "thread_id", "id"),)

    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    author_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    hidden_at: Mapped[dt.datetime | None]

    thread: Mapped[Thread] = relationship(lazy="raise_on_sql")
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    author: Mapped[User | None] = relationship(lazy="raise_on_sql")
    attachments: Mapped[list["MessageAttachment"]] = relationship(
        order_by=lambda: MessageAttachment.id, lazy="raise_on_sql", passive_deletes=True
    )
    mentions: Mapped[list["MessageMention"]] = relationship(
        order_by=lambda: MessageMention.user_id, lazy="raise_on_sql", passive_deletes=True
    )


class MessageAttachment(Identified, Model):
    """A file that came with a message."""

    is_settled = False

    message_id: Mapped[int] = mapped_column(
        ForeignKey("message.id", ondelete="CASCADE"), index=True
    )
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), unique=True)

    file: Mapped[StoredFile] = relationship(lazy="raise_on_sql")


class MessageMention(Model):
    """A person whom a message calls by name."""

    is_settled = False

    message_id: Mapped[int] = mapped_column(
        ForeignKey("message.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )

    user: Mapped[User] = relationship(lazy="raise_on_sql")


class ThreadReader(Model):
    """How far a person has read a thread, was told of it by e-mail, and whether they want to be."""

    is_settled = False

    __table_args__ = (
        CheckConstraint("read_message_id >= 0 AND told_message_id >= 0", name="not_negative"),
    )

    thread_id: Mapped[int] = mapped_column(
        ForeignKey("thread.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    read_message_id: Mapped[int] = mapped_column(default=0)
    told_message_id: Mapped[int] = mapped_column(default=0)
    is_muted: Mapped[bool] = mapped_column(default=False)


class MailChoice(Model):
    """When a person is told of messages by e-mail: at once unless they chose otherwise."""

    is_settled = False

    __table_args__ = (
        known_values("emails", MAIL_CHOICES),
        Index("ix_mail_choice_emails_due_at", "emails", "due_at"),
    )

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    emails: Mapped[str] = mapped_column(String(8))
    due_at: Mapped[dt.datetime] = mapped_column(default=now)


class Block(Identified, Model):
    """An organization that wants no messages of another one: anywhere, or in one thread.

    thread_id: set where it does not know who the other is, so that a block tells it nothing.
    """

    __table_args__ = (
        CheckConstraint("organization_id <> blocked_organization_id", name="blocks_another"),
        Index(
            "uq_block_everywhere",
            "organization_id",
            "blocked_organization_id",
            unique=True,
            sqlite_where=text("thread_id IS NULL"),
            postgresql_where=text("thread_id IS NULL"),
        ),
        Index(
            "uq_block_in_thread",
            "organization_id",
            "blocked_organization_id",
            "thread_id",
            unique=True,
            sqlite_where=text("thread_id IS NOT NULL"),
            postgresql_where=text("thread_id IS NOT NULL"),
        ),
    )

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    blocked_organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    thread_id: Mapped[int | None] = mapped_column(
        ForeignKey("thread.id", ondelete="CASCADE"), index=True
    )
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    organization: Mapped[Organization] = relationship(
        foreign_keys=organization_id, lazy="raise_on_sql"
    )
    blocked_organization: Mapped[Organization] = relationship(
        foreign_keys=blocked_organization_id, lazy="raise_on_sql"
    )
    thread: Mapped[Thread | None] = relationship(lazy="raise_on_sql")


class MessageReport(Identified, Model):
    """That a message is abuse, as a person of an organization says; one for each of the two."""

    is_settled = False

    __table_args__ = (
        UniqueConstraint("message_id", "organization_id"),
        known_values("reason", REPORT_REASONS),
        known_values("status", REPORTS.statuses),
    )

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    reported_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    reason: Mapped[str] = mapped_column(String(12))
    note: Mapped[str] = mapped_column(String(2000), default="")
    status: Mapped[str] = mapped_column(String(10), default="open")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)

    message: Mapped[Message] = relationship(lazy="raise_on_sql")
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    reported_by: Mapped[User | None] = relationship(lazy="raise_on_sql")
