"""Conversations in the JSON API, over the same forms and commands as the pages."""

from types import SimpleNamespace
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from portal.conversations import services
from portal.conversations.forms import (
    DecisionForm,
    DecisionsForm,
    MailForm,
    MessagePageForm,
    NewThreadForm,
    PartyForm,
    ReportForm,
    ThreadForm,
)
from portal.conversations.policies import Permission
from portal.conversations.queries import lists, messages, moderation, telling, threads
from portal.conversations.queries.threads import Talk
from portal.conversations.rules import REPORTS, write_transcript
from portal.conversations.schemas import (
    BlockSchema,
    DecidedReportSchema,
    MessageMailSchema,
    MessageReportSchema,
    MessageSchema,
    ThreadSchema,
)
from portal.kernel.api import (
    DoneSchema,
    api_blueprint,
    bind_json,
    operation,
    page_arguments,
    respond,
    respond_done,
    respond_page,
)
from portal.kernel.authorization import authorize
from portal.kernel.files import send_stored_file
from portal.kernel.paging import Page
from portal.kernel.web.answers import text_answer
from portal.kernel.web.arguments import check_chosen, choice_argument, text_argument
from portal.kernel.web.formats import format_instant
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_visible_organization

blueprint = api_blueprint("conversations", __name__)

_SCOPE = "conversations:write"
_WORDS = {"text": "Could we see the machine on Friday?"}
#: A file is its name, and its content in base64.
_FILE = {"name": "part.txt", "content": "QWx1bWludW0sIDYwMCBtbS4="}


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
    found = lists.list_talks(
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
    return respond_page(MessageSchema(), messages.list_messages(talk, **page_arguments()))


@blueprint.post("/threads/<int:thread_id>/messages")
@operation(
    summary="Write in a conversation",
    tag="conversations",
    schema=MessageSchema,
    form=MessagePageForm,
    status=201,
    scope=_SCOPE,
    problems=(409,),
    example={**_WORDS, "attachments": [_FILE]},
)
def write(thread_id: int) -> ResponseReturnValue:
    """Write in a conversation of your organizations."""
    actor = current_actor()
    thread = threads.thread_of(threads.get_talk(actor, thread_id))
    return _sent(services.post_message(actor, thread, **bind_json(MessagePageForm).data))


@blueprint.get("/threads/<int:thread_id>/attachments/<int:attachment_id>")
@operation(summary="Download a file of a conversation", tag="conversations")
def show_attachment(thread_id: int, attachment_id: int) -> ResponseReturnValue:
    """Answer with a file that came with a message."""
    talk = threads.get_talk(current_actor(), thread_id)
    return send_stored_file(messages.get_attachment(talk, attachment_id), is_public=False)


@blueprint.get("/threads/<int:thread_id>/export")
@operation(summary="Download a whole conversation", tag="conversations")
def export_thread(thread_id: int) -> ResponseReturnValue:
    """Answer with a conversation as Markdown, the oldest message first."""
    talk = threads.get_talk(current_actor(), thread_id)
    others = [str(party.name) for party in talk.others]
    text = write_transcript(talk.title, others, messages.every_message(talk), format_instant)
    return text_answer(f"conversation-{thread_id}.md", "text/markdown", text)


@blueprint.post("/threads/<int:thread_id>/blocks")
@operation(
    summary="Block another side of a conversation",
    tag="conversations",
    schema=ThreadSchema,
    form=PartyForm,
    scope=_SCOPE,
    example={"side": 1},
)
def block(thread_id: int) -> ResponseReturnValue:
    """Take no more messages of a side; `side` is its place in `others`, from 1."""
    actor = current_actor()
    talk = threads.get_talk(actor, thread_id)
    party = threads.other_side(talk, bind_json(PartyForm).data["side"])
    services.block_party(actor, threads.thread_of(talk), organization_id=party.organization_id)
    return _shown(threads.get_talk(actor, thread_id))


@blueprint.get("/blocks")
@operation(summary="List blocks", tag="conversations", schema=BlockSchema, is_list=True)
def list_blocks() -> ResponseReturnValue:
    """List what the organizations that you manage have blocked; 200 at most."""
    actor = current_actor()
    authorize(actor, Permission.MAIL_CHOOSE)
    page_arguments()
    return respond_page(BlockSchema(), Page(moderation.list_blocks(actor), None))


@blueprint.delete("/blocks/<int:block_id>")
@operation(summary="Lift a block", tag="conversations", status=204, scope=_SCOPE)
def lift_block(block_id: int) -> ResponseReturnValue:
    """Take messages of a blocked side again."""
    actor = current_actor()
    services.lift_block(actor, moderation.get_own_block(actor, block_id))
    return "", 204


@blueprint.get("/message-mail")
@operation(
    summary="Read when you are told by e-mail", tag="conversations", schema=MessageMailSchema
)
def show_mail() -> ResponseReturnValue:
    """Return whether you hear of messages at once, daily or never."""
    actor = current_actor()
    authorize(actor, Permission.MAIL_CHOOSE)
    return respond(MessageMailSchema(), {"emails": telling.choice_of(actor)})


@blueprint.put("/message-mail")
@operation(
    summary="Choose when you are told by e-mail",
    tag="conversations",
    schema=MessageMailSchema,
    form=MailForm,
    scope=_SCOPE,
    example={"emails": "daily"},
)
def choose_mail() -> ResponseReturnValue:
    """Choose to hear of messages at once, daily or never."""
    actor = current_actor()
    authorize(actor, Permission.MAIL_CHOOSE)
    services.choose_mail(actor, **bind_json(MailForm).data)
    return respond(MessageMailSchema(), {"emails": telling.choice_of(actor)})


@blueprint.post("/organizations/<int:organization_id>/messages")
@operation(
    summary="Write to an organization",
    tag="conversations",
    schema=MessageSchema,
    form=MessagePageForm,
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
    values = bind_json(MessagePageForm).data
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
    _talk, message = messages.get_message(actor, message_id)
    authorize(actor, Permission.MESSAGE_REPORT, message)
    report = services.report_message(actor, message, **bind_json(ReportForm).data)
    return respond(MessageReportSchema(), report, status=201)


@blueprint.get("/message-reports")
@operation(
    summary="List reported messages",
    tag="conversations",
    schema=DecidedReportSchema,
    is_list=True,
    filters={"status": "open, upheld or dismissed; open, if it is not given."},
    problems=(403,),
)
def list_reports() -> ResponseReturnValue:
    """List the reports that you decide, the oldest first."""
    actor = current_actor()
    authorize(actor, Permission.REPORT_VIEW_LIST)
    status = choice_argument("status", REPORTS.statuses) or "open"
    found = moderation.list_reports(actor, status=status, **page_arguments())
    shown = [moderation.show_report(report) for report in found.items]
    return respond_page(DecidedReportSchema(), Page(shown, found.next))


@blueprint.get("/message-reports/<int:report_id>")
@operation(summary="Read a reported message", tag="conversations", schema=DecidedReportSchema)
def show_report(report_id: int) -> ResponseReturnValue:
    """Return a report with its message, and nothing else of the conversation."""
    report = moderation.get_visible_report(current_actor(), report_id)
    return respond(DecidedReportSchema(), moderation.show_report(report))


@blueprint.post("/message-reports/<int:report_id>/actions/<action>")
@operation(
    summary="Hide a reported message, or dismiss the report",
    tag="conversations",
    schema=DecidedReportSchema,
    form=DecisionForm,
    scope=_SCOPE,
    example={"note": "It is an offer, as this conversation is about."},
)
def act_on_report(report_id: int, action: str) -> ResponseReturnValue:
    """Take a step: `uphold` hides the message, `dismiss` leaves it."""
    actor = current_actor()
    report = moderation.get_visible_report(actor, report_id)
    services.act_on_report(actor, report, action, **bind_json(DecisionForm).data)
    decided = moderation.get_visible_report(actor, report_id)
    return respond(DecidedReportSchema(), moderation.show_report(decided))


@blueprint.post("/message-reports/actions/<action>")
@operation(
    summary="Decide several reports at once",
    tag="conversations",
    schema=DoneSchema,
    form=DecisionsForm,
    scope=_SCOPE,
    example={"report_ids": [1], "note": "All of one campaign."},
)
def act_on_reports(action: str) -> ResponseReturnValue:
    """Take the same step with several reports, all or none."""
    actor = current_actor()
    authorize(actor, Permission.REPORT_VIEW_LIST)
    values = bind_json(DecisionsForm).data
    chosen = tuple(
        moderation.get_visible_report(actor, number)
        for number in check_chosen(values.pop("report_ids"))
    )
    return respond_done(len(services.act_on_reports(actor, chosen, action, **values)))


def _shown(talk: Talk) -> Any:
    line = lists.lines_of(current_actor(), [threads.thread_of(talk)])[0]
    return respond(ThreadSchema(), line)


def _sent(message: Any) -> Any:
    talk, row = messages.get_message(current_actor(), message.id)
    return respond(
        MessageSchema(),
        messages.show_message(talk, row, known=threads.people_to_call(talk)),
        status=201,
        location=url_for("conversations_api.show_thread", thread_id=row.thread_id),
    )
