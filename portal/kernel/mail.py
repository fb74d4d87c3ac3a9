"""Mail: written as rows in the transaction of a reaction, sent by the worker over SMTP.

There is no way to send from a command: a message leaves only after what caused it is committed.
"""

import datetime as dt
import re
import smtplib
import ssl
from collections.abc import Iterable, Mapping
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import formatdate, make_msgid, parseaddr
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from flask import current_app, render_template
from markupsafe import Markup
from sqlalchemy import CheckConstraint, Index, String, Text, delete, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, session
from portal.kernel.web.viewer import reading_as


class _Policy(EmailPolicy):
    """Leaves the address of List-Unsubscribe in one piece, as the programs expect that read it.

    Longer lines for all headers would do so too, but make encoded words longer than RFC 2047 lets
    them be, which then are shown as code.
    """

    def fold_binary(self, name: str, value: str) -> bytes:
        if name == "List-Unsubscribe":
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


class OutgoingMail(Identified, Model):
    """A message on its way; words of one that is sent or given up are erased, as of links in them.

    calendar_text: iCalendar objects, one after another, each with its method.
    """

    __table_args__ = (
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        Index(
            "ix_outgoing_mail_open",
            "due_at",
            "id",
            sqlite_where=text("sent_at IS NULL AND failed_at IS NULL"),
            postgresql_where=text("sent_at IS NULL AND failed_at IS NULL"),
        ),
    )

    is_settled = False

    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(300))
    body_text: Mapped[str] = mapped_column(Text)
    body_html: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(String(300))
    stop_url: Mapped[str] = mapped_column(String(500), default="")
    calendar_text: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    due_at: Mapped[dt.datetime] = mapped_column(default=now)
    claimed_by: Mapped[str | None] = mapped_column(String(40), index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(2000))
    sent_at: Mapped[dt.datetime | None]
    failed_at: Mapped[dt.datetime | None]


#: Mail that has waited longer than this is worth a look.
_LATE = dt.timedelta(hours=1)


class MailState(NamedTuple):
    """How the sending of mail stands: numbers, and since when, without a word of any message.

    oldest_at: when the oldest was written that waits. late: how many have waited for long.
    refused: how many were given up, of late.
    """

    oldest_at: dt.datetime | None = None
    late: int = 0
    refused: int = 0


def is_kept_here() -> bool:
    """Tell whether mail is only kept for the local mailbox page, and never sent."""
    return urlsplit(current_app.config["MAIL_URL"]).scheme == "mailbox"


def oldest_unsent_at() -> dt.datetime | None:
    """Return when the oldest mail was written that waits to be sent, or None."""
    if is_kept_here():
        return None
    return session.scalar(select(func.min(OutgoingMail.created_at)).where(*_WAITS))


def load_mail_state(since: dt.datetime) -> MailState:
    """Return how the sending of mail stands; since: from when on what was given up counts."""
    if is_kept_here():
        return MailState()
    late = select(func.count()).where(*_WAITS, OutgoingMail.created_at < now() - _LATE)
    refused = select(func.count()).where(OutgoingMail.failed_at > since)
    return MailState(oldest_unsent_at(), session.scalar(late) or 0, session.scalar(refused) or 0)


_WAITS = (OutgoingMail.sent_at.is_(None), OutgoingMail.failed_at.is_(None))


class _Reader(Protocol):
    """Whose language and time zone a message is written in; empty: those of the portal."""

    @property
    def language(self) -> str: ...

    @property
    def time_zone(self) -> str: ...


class _Person(_Reader, Protocol):
    """Somebody who gets mail."""

    @property
    def email(self) -> str: ...


class Reader(NamedTuple):
    """A reader without an account."""

    language: str = ""
    time_zone: str = ""


def sender_address() -> str:
    """Return the address that the portal's mail comes from."""
    return parseaddr(current_app.config["MAIL_FROM"])[1]


def queue_mail(
    recipient: str,
    template: str,
    *,
    reader: _Reader,
    invitation: str = "",
    **context: object,
) -> None:
    """Render `templates/email/<template>/` and put the message in line.

    The folder holds `subject.txt` and `body.txt`: plain text, in which an empty line parts
    paragraphs, `> ` begins a quotation and `<address>` is a link. The HTML part is made of it.
    Mail that somebody ordered has a `stop_url`, where one click stops it (RFC 8058).
    invitation: iCalendar objects with their methods, one after another. Mail programs show the
    first as an appointment, the others are attached, and so is whatever is published: it invites
    to nothing, so it is a file to open.
    """
    with reading_as(reader.language, reader.time_zone):
        subject = " ".join(_render_plain(f"email/{template}/subject.txt", context).split())
        words = re.sub(r"\n{3,}", "\n\n", _render_plain(f"email/{template}/body.txt", context))
        html = render_template("email/layout.html", subject=subject, body=html_of(words))
    domain = sender_address().partition("@")[2] or "localhost"
    session.add(
        OutgoingMail(
            recipient=recipient,
            subject=subject[:300],
            body_text=words,
            body_html=html,
            message_id=make_msgid(domain=domain),
            stop_url=str(context.get("stop_url", "")),
            calendar_text=invitation,
        )
    )


def queue_mails(people: Iterable[_Person], template: str, **context: Any) -> None:
    """Write the same to several people, to each in their own language and time zone."""
    for person in people:
        queue_mail(person.email, template, reader=person, **context)


def erase_recipient(address: str) -> None:
    """Delete what was written to an address, but for what is being sent at this moment."""
    is_over = OutgoingMail.sent_at.is_not(None) | OutgoingMail.failed_at.is_not(None)
    session.execute(
        delete(OutgoingMail).where(
            OutgoingMail.recipient == address, is_over | OutgoingMail.claimed_by.is_(None)
        )
    )


def html_of(words: str) -> Markup:
    """Turn the plain text of a message into HTML.

    Only addresses of this portal become links, so that no name or note can plant one.
    """
    own = re.escape(current_app.config["PUBLIC_URL"].rstrip("/"))
    link = re.compile(rf"&lt;({own}/[^\s&]*(?:&amp;[^\s&]*)*)&gt;")
    blocks = []
    for block in words.split("\n\n"):
        lines = block.split("\n")
        is_quotation = all(line.startswith(">") for line in lines)
        if is_quotation:
            lines = [line.removeprefix(">").removeprefix(" ") for line in lines]
        html = Markup("<br>\n").join(lines)
        html = Markup(link.sub(r'<a href="\1">\1</a>', str(html)))  # noqa: S704  (escaped above)
        form = "<blockquote><p>{}</p></blockquote>" if is_quotation else "<p>{}</p>"
        blocks.append(Markup(form).format(html))  # noqa: S704  (one of the two above)
    return Markup("\n").join(blocks)


def _render_plain(name: str, context: Mapping[str, object]) -> str:
    """Render a template as plain text: nothing in it is escaped."""
    environment = current_app.jinja_env.overlay(autoescape=False)
    values = dict(context)
    current_app.update_template_context(values)
    return str(environment.get_template(name).render(values)).strip()


def _split_calendars(words: str) -> list[tuple[str, str]]:
    """Return the iCalendar objects of a text, each with its method."""
    found = re.findall(r"BEGIN:VCALENDAR.*?END:VCALENDAR\r?\n?", words, re.DOTALL)
    return [(one, re.search(r"^METHOD:(\w+)", one, re.MULTILINE)[1]) for one in found]  # type: ignore[index]


class MailServer:
    """One connection to where `MAIL_URL` says, used for a batch of messages."""

    def __init__(self, url: str, sender: str, timeout_seconds: float) -> None:
        self.parts = urlsplit(url)
        self.sender = sender
        self.timeout_seconds = timeout_seconds
        self._smtp: smtplib.SMTP | None = None

    @property
    def is_mailbox(self) -> bool:
        """Whether mail is only kept for the local mailbox page."""
        return self.parts.scheme == "mailbox"

    def send(self, mail: OutgoingMail) -> None:
        """Send one message. Raises OSError or smtplib.SMTPException when that fails."""
        message = EmailMessage(_Policy())
        message["From"] = self.sender
        message["To"] = mail.recipient
        message["Subject"] = mail.subject
        message["Date"] = formatdate(mail.created_at.timestamp())
        message["Message-ID"] = mail.message_id
        message["Auto-Submitted"] = "auto-generated"
        if mail.stop_url:
            message["List-Unsubscribe"] = f"<{mail.stop_url}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(mail.body_text)
        message.add_alternative(mail.body_html, subtype="html")
        for number, (words, method) in enumerate(_split_calendars(mail.calendar_text), 1):
            params = {"method": method}
            if number == 1 and method != "PUBLISH":
                message.add_alternative(words, subtype="calendar", params=params)
                continue
            name = f"calendar-{number}.ics"
            message.add_attachment(words, subtype="calendar", params=params, filename=name)
        if self._smtp is None:
            self._smtp = self._connect()
        self._smtp.send_message(message)

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                self._smtp.close()
            self._smtp = None

    def _connect(self) -> smtplib.SMTP:
        host = self.parts.hostname or "localhost"
        context = ssl.create_default_context()
        smtp: smtplib.SMTP
        if self.parts.scheme == "smtps":
            smtp = smtplib.SMTP_SSL(
                host, self.parts.port or 465, timeout=self.timeout_seconds, context=context
            )
        else:
            smtp = smtplib.SMTP(host, self.parts.port or 25, timeout=self.timeout_seconds)
            if smtp.has_extn("starttls"):
                smtp.starttls(context=context)
        if self.parts.username:
            smtp.login(unquote(self.parts.username), unquote(self.parts.password or ""))
        return smtp
