"""Conversations in the JSON API, over the same forms and commands as the pages."""

from types import SimpleNamespace
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from portal.conversations import services
from portal.conversations.forms import MessageForm, NewThreadForm, ReportForm, ThreadForm
from portal.conversations.policies import Permission
from portal.conversations.queries import threads
from portal.conversations.queries.threads import Talk
from portal.conversations.schemas import MessageReportSchema, MessageSchema, ThreadSchema
from portal.kernel.api import (
    api_blueprint,
    bind_json,
    operation,
    page_arguments,
    respond,
    respond_page,
)
from portal.kernel.authorization import authorize
from portal.kernel.web import choice_argument, current_actor, text_argument
from portal.organizations.queries.profiles import get_visible_organization

blueprint = api_blueprint("conversations", __name__)

_SCOPE = "conversations:write"
_WORDS = {"text": "Could we see the machine on Friday?"}


@blueprint.get("/threads")
@operation(
    summary="List conversations",
    tag="conversations",
    schema=ThreadSchema,
    is_list=True,
    filters={
        "q": "Words that stand in a message or in what it is about.",
        "unread": "yes: only those with messages that you have not read.",
    },
)
def list_threads() -> ResponseReturnValue:
    """List the conversations of your organizations, the last written in first."""
    actor = current_actor()
    authorize(actor, Permission.THREAD_VIEW_OWN)
    found = threads.list_talks(
        actor,
        words=text_argument("q"),
        is_unread=choice_argument("unread", ("yes", "no")) == "yes",
        **page_arguments(),
    )
    return respond_page(ThreadSchema(), found)


@blueprint.post("/threads")
@operation(
    summary="Write about a record",
    tag="conversations",
    schema=MessageSchema,
    form=NewThreadForm,
    status=201,
    scope=_SCOPE,
    problems=(404, 409),
    example={"subject": "response", "subject_id": 1, **_WORDS},
)
def write_about() -> ResponseReturnValue:
    """Write about a response, booking, introduction or agreement of yours."""
    actor, values = current_actor(), bind_json(NewThreadForm).data
    subject = threads.thread_subject(values.pop("subject"))
    row = threads.get_subject_row(subject, values.pop("subject_id"))
    threads.talk_about(actor, subject, row, None)
    return _sent(services.write_about(actor, row, subject=subject.kind, **values))


@blueprint.get("/threads/<int:thread_id>")
@operation(summary="Read a conversation", tag="conversations", schema=ThreadSchema)
def show_thread(thread_id: int) -> ResponseReturnValue:
    """Return what a conversation is about, with whom, and what you have not read of it."""
    return _shown(threads.get_talk(current_actor(), thread_id))


@blueprint.patch("/threads/<int:thread_id>")
@operation(
    summary="Mark a conversation as read, or mute it",
    tag="conversations",
    schema=ThreadSchema,
    form=ThreadForm,
    is_partial=True,
    scope=_SCOPE,
    example={"read_message_id": 1},
)
def change_thread(thread_id: int) -> ResponseReturnValue:
    """Say how far you have read, and whether you want to hear of it; for yourself alone."""
    actor = current_actor()
    talk = threads.get_talk(actor, thread_id)
    thread = threads.thread_of(talk)
    reader = threads.find_reader(actor, thread)
    kept = SimpleNamespace(is_muted=reader.is_muted if reader else False, read_message_id=None)
    values = bind_json(ThreadForm, obj=kept).data
    services.set_muted(actor, thread, is_muted=values["is_muted"])
    if values["read_message_id"] is not None:
        services.mark_read(actor, thread, message_id=values["read_message_id"])
    return _shown(threads.get_talk(actor, thread_id))


@blueprint.get("/threads/<int:thread_id>/messages")
@operation(
    summary="List the messages of a conversation",
    tag="conversations",
    schema=MessageSchema,
    is_list=True,
)
def list_messages(thread_id: int) -> ResponseReturnValue:
    """List messages, the newest first. Reading them here marks none as read."""
    talk = threads.get_talk(current_actor(), thread_id)
    return respond_page(MessageSchema(), threads.list_messages(talk, **page_arguments()))


@blueprint.post("/threads/<int:thread_id>/messages")
@operation(
    summary="Write in a conversation",
    tag="conversations",
    schema=MessageSchema,
    form=MessageForm,
    status=201,
    scope=_SCOPE,
    problems=(409,),
    example=_WORDS,
)
def write(thread_id: int) -> ResponseReturnValue:
    """Write in a conversation of your organizations."""
    actor = current_actor()
    thread = threads.thread_of(threads.get_talk(actor, thread_id))
    return _sent(services.post_message(actor, thread, **bind_json(MessageForm).data))


@blueprint.post("/organizations/<int:organization_id>/messages")
@operation(
    summary="Write to an organization",
    tag="conversations",
    schema=MessageSchema,
    form=MessageForm,
    status=201,
    scope=_SCOPE,
    problems=(409,),
    example={"organization_id": 1, **_WORDS},
)
def write_to_organization(organization_id: int) -> ResponseReturnValue:
    """Write to an organization; `organization_id` is the one of yours that writes."""
    actor = current_actor()
    organization = get_visible_organization(actor, organization_id)
    authorize(actor, Permission.ORGANIZATION_WRITE_TO, organization)
    values = bind_json(MessageForm).data
    return _sent(services.write_to_organization(actor, organization, **values))


@blueprint.post("/messages/<int:message_id>/reports")
@operation(
    summary="Report a message",
    tag="conversations",
    schema=MessageReportSchema,
    form=ReportForm,
    status=201,
    scope=_SCOPE,
    problems=(409,),
    example={"reason": "spam", "note": "The third of its kind today."},
)
def report_message(message_id: int) -> ResponseReturnValue:
    """Report a message of another side to the brokers of your region."""
    actor = current_actor()
    _talk, message = threads.get_message(actor, message_id)
    authorize(actor, Permission.MESSAGE_REPORT, message)
    report = services.report_message(actor, message, **bind_json(ReportForm).data)
    return respond(MessageReportSchema(), report, status=201)


def _shown(talk: Talk) -> Any:
    line = threads.lines_of(current_actor(), [threads.thread_of(talk)])[0]
    return respond(ThreadSchema(), line)


def _sent(message: Any) -> Any:
    talk, row = threads.get_message(current_actor(), message.id)
    return respond(
        MessageSchema(),
        threads.show_message(talk, row, known=threads.people_to_call(talk)),
        status=201,
        location=url_for("conversations_api.show_thread", thread_id=row.thread_id),
    )
