"""Pages of conversations: the list, a thread, writing, reports, and what one is told."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.conversations import services
from portal.conversations.forms import (
    DecisionForm,
    MailForm,
    MessagePageForm,
    PartyForm,
    ReportForm,
)
from portal.conversations.policies import Permission
from portal.conversations.queries import lists, messages, moderation, sections, telling, threads
from portal.conversations.queries.threads import Talk
from portal.conversations.rules import REPORT_REASONS, REPORTS, read_stop, write_transcript
from portal.kernel.authorization import SYSTEM, Actor, authorize, can
from portal.kernel.errors import Conflict, NotFound, TooMany
from portal.kernel.files import send_stored_file
from portal.kernel.manifest import Party
from portal.kernel.settings import setting
from portal.kernel.web.addresses import local_target
from portal.kernel.web.answers import flash, page, see_other, text_answer
from portal.kernel.web.arguments import chosen_numbers, confirmed, text_argument
from portal.kernel.web.formats import format_instant
from portal.kernel.web.guard import one_click
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_visible_organization, organization_choices

blueprint = Blueprint("conversations", __name__)


@blueprint.get("/conversations")
def list_threads() -> ResponseReturnValue:
    """List the conversations of the reader's organizations, the last written in first."""
    actor = current_actor()
    authorize(actor, Permission.THREAD_VIEW_OWN)
    words, is_unread = text_argument("q"), text_argument("unread") == "yes"
    found = lists.list_talks(
        actor, words=words, is_unread=is_unread, cursor=request.args.get("cursor")
    )

    def list_url(**changes: Any) -> str:
        chosen = {"q": words, "unread": "yes" if is_unread else "", **changes}
        return url_for("conversations.list_threads", **{k: v for k, v in chosen.items() if v})

    return page(
        "conversations/list.html",
        lines=found.items,
        words=words,
        is_unread=is_unread,
        options=[
            {"label": _("All"), "url": list_url(unread=""), "is_selected": not is_unread},
            {"label": _("Unread"), "url": list_url(unread="yes"), "is_selected": is_unread},
        ],
        next_url=list_url(cursor=found.next) if found.next else None,
    )


@blueprint.get("/conversations/<int:thread_id>")
def show(thread_id: int) -> ResponseReturnValue:
    """Show a conversation with what it is about, and note what was read."""
    actor = current_actor()
    # Whoever comes from a mail without being signed in is asked to sign in.
    authorize(actor, Permission.THREAD_VIEW_OWN)
    return _thread_page(threads.get_talk(actor, thread_id), MessagePageForm.bind())


def _thread_page(talk: Talk, form: MessagePageForm) -> ResponseReturnValue:
    actor, thread = current_actor(), threads.thread_of(talk)
    reader = threads.find_reader(actor, thread)
    read_up_to = reader.read_message_id if reader else 0
    is_muted = reader.is_muted if reader else False
    cursor = request.args.get("cursor")
    found = messages.list_messages(talk, read_up_to=read_up_to, cursor=cursor)
    newest = found.items[0].id if found.items and not cursor else 0
    _offer_organizations(form, talk)
    shown = page(
        "conversations/show.html",
        talk=talk,
        messages=found.items[::-1],
        earlier_url=url_for("conversations.show", thread_id=thread.id, cursor=found.next)
        if found.next
        else None,
        is_latest=not cursor,
        is_muted=is_muted,
        form=form,
        refusal=threads.refusal_of(talk),
        names=sorted(
            name for number, name in threads.people_to_call(talk).items() if number != actor.user_id
        ),
        blocked={
            party.organization_id for party in talk.others if threads.is_blocking(talk, party)
        },
        may_block=can(actor, Permission.THREAD_BLOCK, thread),
    )
    if newest > read_up_to:
        services.note_read(actor, thread, message_id=newest)
    return shown


@blueprint.get("/conversations/<int:thread_id>/answer")
def open_answer(thread_id: int) -> ResponseReturnValue:
    """Lead from an e-mail to where one answers, over signing in if need be."""
    actor = current_actor()
    authorize(actor, Permission.THREAD_VIEW_OWN)
    threads.get_talk(actor, thread_id)
    return _to_thread(thread_id)


@blueprint.post("/conversations/<int:thread_id>/messages")
def write(thread_id: int) -> ResponseReturnValue:
    """Write in a conversation."""
    actor = current_actor()
    talk = threads.get_talk(actor, thread_id)
    form = MessagePageForm.bind()
    _offer_organizations(form, talk)
    if form.submitted() and _sent(form, services.post_message, threads.thread_of(talk)):
        flash(_("Your message was sent."))
        return _to_thread(thread_id)
    return _thread_page(threads.get_talk(actor, thread_id), form)


@blueprint.route("/conversations/about/<kind>/<int:subject_id>", methods=["GET", "POST"])
def write_about(kind: str, subject_id: int) -> ResponseReturnValue:
    """Write about a record, in its conversation or to begin one."""
    actor = current_actor()
    subject = threads.thread_subject(kind)
    row = threads.get_subject_row(subject, subject_id)
    talk = threads.talk_about(actor, subject, row, threads.find_thread(subject, row))
    if request.method == "GET" and talk.thread is not None:
        return _to_thread(talk.thread.id)
    form = MessagePageForm.bind()
    _offer_organizations(form, talk)
    # Who adds files to what was begun on the record's page takes the words along.
    is_begun = "attach" in request.form
    if (
        not is_begun
        and form.submitted()
        and (sent := _sent(form, services.write_about, row, subject=kind))
    ):
        flash(_("Your message was sent."))
        return _to_thread(sent.thread_id)
    return page(
        "conversations/write.html",
        form=form,
        title=talk.title,
        back=talk.url,
        others=[str(party.name) for party in talk.others],
    )


@blueprint.route("/organizations/<int:organization_id>/write", methods=["GET", "POST"])
def write_to_organization(organization_id: int) -> ResponseReturnValue:
    """Write to an organization."""
    actor = current_actor()
    organization = get_visible_organization(actor, organization_id)
    back = url_for("organizations.show", organization_id=organization_id)
    if request.method == "GET" and actor.user_id is not None and not actor.memberships:
        # Who followed the button to a new account did nothing wrong, and reads what is missing.
        return render_template(
            "conversations/no_organization.html",
            title=organization.name,
            back=back,
            here=request.path,
        ), 403
    authorize(actor, Permission.ORGANIZATION_WRITE_TO, organization)
    if not sections.may_write_to(actor, organization):
        raise Conflict(_("Nobody of this organization reads messages here."))
    form = MessagePageForm.bind()
    form.organization_id.choices = [
        choice for choice in organization_choices(actor) if choice[0] != organization_id
    ]
    if form.submitted() and (sent := _sent(form, services.write_to_organization, organization)):
        flash(_("Your message was sent."))
        return _to_thread(sent.thread_id)
    return page(
        "conversations/write.html",
        form=form,
        title=organization.name,
        back=back,
        others=[organization.name],
    )


@blueprint.get("/conversations/<int:thread_id>/attachments/<int:attachment_id>")
def show_attachment(thread_id: int, attachment_id: int) -> Response:
    """Answer with a file that came with a message."""
    talk = threads.get_talk(current_actor(), thread_id)
    return send_stored_file(messages.get_attachment(talk, attachment_id), is_public=False)


@blueprint.get("/conversations/<int:thread_id>/export")
def export_thread(thread_id: int) -> Response:
    """Answer with the whole conversation as a text file."""
    talk = threads.get_talk(current_actor(), thread_id)
    text = write_transcript(
        talk.title,
        [str(party.name) for party in talk.others],
        messages.every_message(talk),
        format_instant,
    )
    return text_answer(f"conversation-{thread_id}.md", "text/markdown", text)


@blueprint.post("/conversations/<int:thread_id>/mute")
def mute(thread_id: int) -> ResponseReturnValue:
    """Hear no more of a conversation, or hear of it again."""
    actor = current_actor()
    thread = threads.thread_of(threads.get_talk(actor, thread_id))
    is_muted = request.form.get("is_muted") != "no"
    services.set_muted(actor, thread, is_muted=is_muted)
    flash(
        _("You get no e-mail about this conversation unless somebody calls you by name.")
        if is_muted
        else _("You hear of this conversation again.")
    )
    return see_other(url_for("conversations.show", thread_id=thread_id))


@blueprint.post("/conversations/<int:thread_id>/block")
def block(thread_id: int) -> ResponseReturnValue:
    """Take no more messages of another side."""
    actor = current_actor()
    talk = threads.get_talk(actor, thread_id)
    thread, back = threads.thread_of(talk), url_for("conversations.show", thread_id=thread_id)
    authorize(actor, Permission.THREAD_BLOCK, thread)
    party = _other_side(talk)
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Block %(name)s?", name=party.name),
            text=_("Neither of you can write to the other until the block is lifted."),
            action=_("Block"),
            cancel_url=back,
        )
    services.block_party(actor, thread, organization_id=party.organization_id)
    flash(_("They are blocked."))
    return see_other(back)


@blueprint.post("/conversations/<int:thread_id>/unblock")
def unblock(thread_id: int) -> ResponseReturnValue:
    """Take messages of another side again."""
    actor = current_actor()
    talk = threads.get_talk(actor, thread_id)
    thread = threads.thread_of(talk)
    authorize(actor, Permission.THREAD_BLOCK, thread)
    services.unblock_party(actor, thread, organization_id=_other_side(talk).organization_id)
    flash(_("The block is lifted."))
    return see_other(url_for("conversations.show", thread_id=thread_id))


# What one is told


@blueprint.route("/conversations/settings", methods=["GET", "POST"])
def choose_mail() -> ResponseReturnValue:
    """Choose when to be told by e-mail; see whom one's organizations have blocked."""
    actor = current_actor()
    authorize(actor, Permission.MAIL_CHOOSE)
    form = MailForm.bind(emails=telling.choice_of(actor))
    if form.submitted():
        services.choose_mail(actor, **form.data)
        flash(_("Your choice was saved."))
        return see_other(
            local_target(request.form.get("next"), url_for("conversations.choose_mail"))
        )
    return page("conversations/settings.html", form=form, blocks=moderation.list_blocks(actor))


def mail_section(actor: Actor, _user: Any) -> dict[str, Any]:
    """Return the part of the page of all e-mail that is about messages."""
    return {"anchor": "messages", "form": MailForm(data={"emails": telling.choice_of(actor)})}


@blueprint.post("/conversations/blocks/<int:block_id>/lift")
def lift_block(block_id: int) -> ResponseReturnValue:
    """End a block."""
    services.lift_block(current_actor(), moderation.get_block(block_id))
    flash(_("The block is lifted."))
    return see_other(url_for("conversations.choose_mail"))


@blueprint.route("/stop-messages/<token>", methods=["GET", "POST"])
@one_click
def stop_by_link(token: str) -> ResponseReturnValue:
    """Stop e-mail about messages by the link that it brought; nobody need sign in."""
    known = read_stop(setting("SECRET_KEY"), token)
    if known is None or telling.find_person(known[0]) is None:
        raise NotFound(_("This link stops nothing: it is cut, or what it was for is gone."))
    user_id, thread_id = known
    if thread_id is not None:
        threads.get_thread(thread_id)
    is_stopped = request.method == "POST"
    if is_stopped:
        services.stop_by_link(SYSTEM, user_id=user_id, thread_id=thread_id)
    return page(
        "conversations/stop.html", is_stopped=is_stopped, is_one_thread=thread_id is not None
    )


# Reports of abuse


@blueprint.route("/messages/<int:message_id>/report", methods=["GET", "POST"])
def report(message_id: int) -> ResponseReturnValue:
    """Report a message to the brokers of the region."""
    actor = current_actor()
    talk, message = messages.get_message(actor, message_id)
    authorize(actor, Permission.MESSAGE_REPORT, message)
    back = url_for("conversations.show", thread_id=message.thread_id)
    form = ReportForm.bind()
    if form.submitted() and (
        form.attempt(services.report_message, actor, message, **form.data) is not None
    ):
        flash(_("Your report was sent. You are told what came of it."))
        return see_other(back)
    return page(
        "conversations/report.html",
        form=form,
        talk=talk,
        message=messages.show_message(talk, message, read_up_to=message.id),
        back=back,
    )


@blueprint.get("/message-reports")
def list_reports() -> ResponseReturnValue:
    """List the reports of messages that wait for the reader's decision."""
    actor = current_actor()
    authorize(actor, Permission.REPORT_VIEW_LIST)
    found = moderation.list_reports(actor, cursor=request.args.get("cursor"))
    return page(
        "conversations/reports.html",
        reports=found.items,
        reasons=REPORT_REASONS,
        next_url=url_for("conversations.list_reports", cursor=found.next) if found.next else None,
    )


@blueprint.get("/message-reports/<int:report_id>")
def show_report(report_id: int) -> ResponseReturnValue:
    """Show a report with the message that it is about, and nothing else of the conversation."""
    actor = current_actor()
    row = moderation.get_visible_report(actor, report_id)
    return page(
        "conversations/show_report.html",
        report=row,
        writer=threads.party_for_outsiders(row.message.thread, row.message.organization_id),
        reporter=threads.party_for_outsiders(row.message.thread, row.organization_id),
        reason=REPORT_REASONS[row.reason],
        status=REPORTS.statuses[row.status],
        steps=REPORTS.available(actor, row),
        history=REPORTS.history(row),
        actions=REPORTS.transitions,
    )


@blueprint.post("/message-reports/<int:report_id>/actions/<action>")
def act_on_report(report_id: int, action: str) -> ResponseReturnValue:
    """Hide a reported message, or dismiss the report."""
    actor = current_actor()
    row = moderation.get_visible_report(actor, report_id)
    form = DecisionForm.bind()
    if form.submitted():
        services.act_on_report(actor, row, action, **form.data)
        flash(str(REPORTS.transitions[action].done))
    return see_other(url_for("conversations.show_report", report_id=report_id))


@blueprint.post("/message-reports/actions/<any(uphold, dismiss):action>")
def act_on_reports(action: str) -> ResponseReturnValue:
    """Decide the reports that were chosen on a desk."""
    actor = current_actor()
    authorize(actor, Permission.REPORT_VIEW_LIST)
    chosen = tuple(
        moderation.get_visible_report(actor, number) for number in chosen_numbers("report_id")
    )
    done = services.act_on_reports(actor, chosen, action)
    flash(ngettext("%(num)s report was decided.", "%(num)s reports were decided.", len(done)))
    return see_other(local_target(request.form.get("next"), url_for("conversations.list_reports")))


def _other_side(talk: Talk) -> Party:
    """Return the other side that a form names. Raises NotFound."""
    form = PartyForm.bind()
    if form.submitted():
        return threads.other_side(talk, form.side.data)
    raise NotFound(_("There is no such side of this conversation."))


def _sent(form: MessagePageForm, command: Callable[..., Any], row: Any, **more: Any) -> Any:
    """Send what a form holds; what the command refuses stands at its fields, or over all of it.

    So the form keeps what was written, also when somebody has written to too many, or two begin at
    the same moment.
    """
    try:
        return form.attempt(command, current_actor(), row, **more, **form.data)
    except (Conflict, TooMany) as error:
        form.add_error(None, error.message)
        return None


def _offer_organizations(form: MessagePageForm, talk: Talk) -> None:
    choices = [choice for choice in organization_choices(current_actor()) if choice[0] in talk.own]
    form.organization_id.choices = choices if len(choices) > 1 else []


def _to_thread(thread_id: int) -> Response:
    return see_other(url_for("conversations.show", thread_id=thread_id, _anchor="answer"))
