"""Matches in the JSON API, over the same forms and commands as the pages."""

from flask.typing import ResponseReturnValue

from portal.kernel.api import api_blueprint, bind_json, operation, page_arguments
from portal.kernel.api import respond as answer_with
from portal.kernel.api import respond_page as answer_page
from portal.kernel.authorization import authorize
from portal.kernel.paging import Page
from portal.kernel.web.viewer import current_actor
from portal.matching import services
from portal.matching.forms import AnswerForm, FeedbackForm
from portal.matching.policies import Permission
from portal.matching.queries import feedback
from portal.matching.queries import matches as queries
from portal.matching.schemas import AnswerSchema, CriterionSchema, FeedbackSchema, MatchSchema
from portal.partnerships.queries.requests import get_visible_request

blueprint = api_blueprint("matching", __name__)


@blueprint.get("/matches")
@operation(summary="List the matches for you", tag="matches", schema=MatchSchema, is_list=True)
def list_for_me() -> ResponseReturnValue:
    """List what was found for your requests, and the requests for which you have something."""
    actor = current_actor()
    authorize(actor, Permission.MATCH_VIEW_OWN)
    return answer_page(MatchSchema(), queries.page_for(actor, **page_arguments()))


@blueprint.get("/requests/<int:request_id>/matches")
@operation(
    summary="List the candidates of a request",
    tag="matches",
    problems=(403,),
    schema=MatchSchema,
    is_list=True,
)
def list_of_request(request_id: int) -> ResponseReturnValue:
    """List the candidates of a request, and what was ruled out: its people and brokers may."""
    actor = current_actor()
    record = get_visible_request(actor, request_id)
    found = queries.page_of_matches(actor, record, **page_arguments())
    return answer_page(MatchSchema(), found)


@blueprint.get("/matches/<int:match_id>")
@operation(summary="Show a match", tag="matches", schema=MatchSchema)
def show(match_id: int) -> ResponseReturnValue:
    """Show a match with every reason."""
    return answer_with(MatchSchema(), queries.get_visible_match(current_actor(), match_id))


@blueprint.post("/matches/<int:match_id>/feedback")
@operation(
    summary="Judge a match",
    tag="matches",
    form=FeedbackForm,
    schema=FeedbackSchema,
    scope="matches:write",
    example={"opinion": "not_useful", "criterion": "capacity", "note": "Its table is too small."},
)
def judge(match_id: int) -> ResponseReturnValue:
    """Say whether a match is useful, and why; a later word replaces yours."""
    actor = current_actor()
    match = queries.get_visible_match(actor, match_id).match
    form = bind_json(FeedbackForm)
    given = services.judge_match(
        actor,
        match,
        is_useful=form.opinion.data == "useful",
        criterion=form.criterion.data,
        note=form.note.data,
    )
    return answer_with(FeedbackSchema(), given)


@blueprint.post("/matches/<int:match_id>/answers")
@operation(
    summary="Answer a question about a candidate",
    tag="matches",
    form=AnswerForm,
    schema=AnswerSchema,
    scope="matches:write",
    example={"criterion": "rate", "answer": "yes", "note": "We take $90 an hour from members."},
)
def answer(match_id: int) -> ResponseReturnValue:
    """Answer, for the candidate's owner, what nobody could tell."""
    actor = current_actor()
    match = queries.get_visible_match(actor, match_id).match
    form = bind_json(AnswerForm)
    given = services.answer_question(
        actor,
        match,
        criterion=form.criterion.data,
        is_met=form.answer.data == "yes",
        note=form.note.data,
    )
    return answer_with(AnswerSchema(), given)


@blueprint.get("/matches/feedback")
@operation(
    summary="Report the feedback on matches",
    tag="matches",
    problems=(403,),
    schema=CriterionSchema,
    is_list=True,
)
def report() -> ResponseReturnValue:
    """Report what people said of matches, criterion by criterion: brokers and administrators."""
    found = feedback.report_feedback(current_actor())
    return answer_page(CriterionSchema(), Page(found, None))
