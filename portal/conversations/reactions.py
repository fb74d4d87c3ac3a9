"""What follows on messages and reports: e-mail, which names nobody whom its reader may not know."""

from flask import current_app
from flask_babel import force_locale

from portal.conversations import services
from portal.conversations.events import DigestDue, MessagePosted, MessageReported, ReportDecided
from portal.conversations.models import Message
from portal.conversations.queries import moderation, telling
from portal.conversations.queries.messages import show_message
from portal.conversations.rules import REPORT_REASONS, sign_stop
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.mail import queue_mails
from portal.kernel.settings import setting
from portal.kernel.web.addresses import external_url

#: Characters of a message that its e-mail repeats.
LONGEST_IN_MAIL = 2_000


def email_followers_on_message_posted(event: MessagePosted) -> None:
    """Tell who follows a thread of a new message, each as they chose to be told."""
    message = telling.find_message(event.message_id)
    if message is None or message.hidden_at is not None:
        return
    for told in telling.list_told_at_once(message, _eyes_of):
        with force_locale(told.person.language or "en"):
            _email(told, message)
        services.note_told(
            SYSTEM, user_id=told.person.id, newest_by_thread={message.thread_id: message.id}
        )


def _email(told: telling.Told, message: Message) -> None:
    person, talk = told.person, told.talk
    shown = show_message(talk, message)
    queue_mails(
        [person],
        "message_posted",
        stop_url=_stop_url(person.id, message.thread_id),
        title=" ".join(talk.title.split()),
        organization=" ".join(shown.organization.split()),
        person=" ".join(shown.person.split()),
        text=shown.text[:LONGEST_IN_MAIL],
        is_cut=len(shown.text) > LONGEST_IN_MAIL,
        attachments=len(shown.attachments),
        url=external_url("conversations.open_answer", thread_id=message.thread_id),
        choice_url=external_url("accounts.show_mail", _anchor="messages"),
    )


def email_person_on_digest_due(event: DigestDue) -> None:
    """Tell somebody of the messages of a day, all in one e-mail; of none, nothing."""
    person = telling.find_person(event.user_id)
    if person is None:
        return
    actor = _eyes_of(person.id)
    if telling.choice_of(actor) != "daily":
        return
    with force_locale(person.language or "en"):
        lines = telling.list_for_digest(actor)
    if not lines:
        return
    queue_mails(
        [person],
        "message_digest",
        stop_url=_stop_url(person.id, None),
        lines=[
            {
                "title": " ".join(line.title.split()),
                "others": " ".join(", ".join(line.others).split()),
                "unread": line.unread,
                "excerpt": line.excerpt,
                "url": external_url("conversations.open_answer", thread_id=line.id),
            }
            for line in lines
        ],
        count=sum(line.unread for line in lines),
        url=external_url("conversations.list_threads"),
        choice_url=external_url("accounts.show_mail", _anchor="messages"),
    )
    services.note_told(
        SYSTEM,
        user_id=person.id,
        newest_by_thread={line.id: line.last.id for line in lines if line.last},
    )


def email_deciders_on_message_reported(event: MessageReported) -> None:
    """Ask the brokers of the region to look at a reported message; with neither words nor names."""
    report = moderation.find_report(event.report_id)
    if report is None or report.status != "open":
        return
    queue_mails(
        moderation.deciders_of(report),
        "message_reported",
        reason=REPORT_REASONS[report.reason],
        url=external_url("conversations.show_report", report_id=report.id),
    )


def email_reporter_on_report_decided(event: ReportDecided) -> None:
    """Tell who reported a message what came of it."""
    report = moderation.find_report(event.report_id)
    person = report.reported_by if report is not None else None
    if report is None or person is None or not person.is_active:
        return
    queue_mails(
        [person],
        "report_decided",
        is_upheld=report.status == "upheld",
        note=event.note,
        title=" ".join(report.message.thread.title.split()),
        url=external_url("conversations.show", thread_id=report.message.thread_id),
    )


def _eyes_of(user_id: int) -> Actor:
    actor: Actor = current_app.extensions["portal-actor-loader"](user_id)
    return actor


def _stop_url(user_id: int, thread_id: int | None) -> str:
    token = sign_stop(setting("SECRET_KEY"), user_id, thread_id)
    return external_url("conversations.stop_by_link", token=token)
