"""Pages of matches: those for me, one with its reasons, what people said of them."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.conversations.queries.sections import may_write_to
from portal.kernel.authorization import Actor, authorize, can
from portal.kernel.web.addresses import local_target
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.viewer import current_actor
from portal.matching import services
from portal.matching.forms import AnswerForm, FeedbackForm, MailForm
from portal.matching.policies import Permission
from portal.matching.queries import feedback
from portal.matching.queries import matches as queries
from portal.matching.rules.words import MATCH_STATUSES, VERDICTS
from portal.partnerships.policies import Permission as RequestPermission
from portal.partnerships.queries.reveals import has_responded

blueprint = Blueprint("matching", __name__)

#: The page of somebody's matches shows so many of each side.
MOST_FOR_ME = 30


@blueprint.get("/matches")
def list_for_me() -> ResponseReturnValue:
    """Show what was found for my requests, and what others look for that we have."""
    actor = current_actor()
    authorize(actor, Permission.MATCH_VIEW_OWN)
    return page(
        "matching/mine.html",
        for_requests=queries.list_for_requests(actor, MOST_FOR_ME),
        for_owners=queries.list_for_owners(actor, MOST_FOR_ME),
        wants_mail=queries.wants_mail(actor),
    )


@blueprint.get("/matches/<int:match_id>")
def show(match_id: int) -> ResponseReturnValue:
    """Show a match with every reason, its questions, and a form to judge it."""
    return _match_page(match_id, FeedbackForm.bind(), AnswerForm.bind())


@blueprint.post("/matches/<int:match_id>/feedback")
def judge(match_id: int) -> ResponseReturnValue:
    """Say whether a match is useful, and why."""
    actor = current_actor()
    match = queries.get_visible_match(actor, match_id).match
    form = FeedbackForm.bind()
    if form.submitted():
        services.judge_match(
            actor,
            match,
            is_useful=form.opinion.data == "useful",
            criterion=form.criterion.data,
            note=form.note.data,
        )
        flash(_("Thank you. What you said of this match was kept."))
        return see_other(local_target(request.form.get("next"), _url(match_id)))
    return _match_page(match_id, form, AnswerForm.bind())


@blueprint.post("/matches/<int:match_id>/answers")
def answer(match_id: int) -> ResponseReturnValue:
    """Answer, for the candidate's owner, what nobody could tell."""
    actor = current_actor()
    match = queries.get_visible_match(actor, match_id).match
    form = AnswerForm.bind()
    if (
        form.submitted()
        and form.attempt(
            services.answer_question,
            actor,
            match,
            criterion=form.criterion.data,
            is_met=form.answer.data == "yes",
            note=form.note.data,
        )
        is not None
    ):
        flash(_("Your answer was sent to who posted the request."))
        return see_other(_url(match_id))
    return _match_page(match_id, FeedbackForm.bind(), form)


@blueprint.post("/matches/mail")
def choose_mail() -> ResponseReturnValue:
    """Choose whether matches are told by e-mail as well."""
    form = MailForm.bind()
    if form.submitted():
        choice = services.choose_mail(current_actor(), wants_mail=form.wants_mail.data)
        flash(
            _("You get e-mail about new matches.")
            if choice.wants_mail
            else _("You get no more e-mail about matches. They stay on your desk.")
        )
    return see_other(local_target(request.form.get("next"), url_for("matching.list_for_me")))


def mail_section(actor: Actor, _user: Any) -> dict[str, Any]:
    """Return the part of the page of all e-mail that is about matches."""
    return {"anchor": "matches", "wants_mail": queries.wants_mail(actor)}


@blueprint.get("/matches/feedback")
def report() -> ResponseReturnValue:
    """Report what people said of matches, criterion by criterion."""
    actor = current_actor()
    return page("matching/feedback.html", rows=feedback.report_feedback(actor), verdicts=VERDICTS)


def _match_page(
    match_id: int, feedback_form: FeedbackForm, answer_form: AnswerForm
) -> ResponseReturnValue:
    actor = current_actor()
    shown = queries.get_visible_match(actor, match_id)
    return page(
        "matching/show.html",
        record=shown.match,
        shown=shown,
        feedback_form=feedback_form,
        answer_form=answer_form,
        verdicts=VERDICTS,
        statuses=MATCH_STATUSES,
        write_url=_write_url(actor, shown),
        may_invite=shown.status == "open"
        and can(actor, RequestPermission.REQUEST_INVITE, shown.match.request)
        and not has_responded(shown.match.request, shown.match.organization_id),
        may_judge=can(actor, Permission.MATCH_JUDGE, shown.match),
        may_answer=can(actor, Permission.MATCH_ANSWER, shown.match),
    )


def _write_url(actor: Actor, shown: queries.Shown) -> str | None:
    """Return where whoever posted the request writes to the candidate's organization, if so."""
    owner = shown.match.organization
    # Of an offer without a name nobody learns here whose it is.
    is_named = shown.candidate.organization == owner.name
    if shown.side != "request" or not is_named or not may_write_to(actor, owner):
        return None
    return url_for("conversations.write_to_organization", organization_id=owner.id)


def _url(match_id: int) -> str:
    return url_for("matching.show", match_id=match_id)
