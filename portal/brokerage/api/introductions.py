"""Introductions in the JSON API, over the same forms and commands as the pages."""

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from portal.brokerage.api.blueprint import blueprint
from portal.brokerage.forms.introductions import AnswerForm, NoteForm, ProposalForm
from portal.brokerage.policies import Permission
from portal.brokerage.queries import introductions as queries
from portal.brokerage.schemas.introductions import IntroductionSchema
from portal.brokerage.services import introductions as services
from portal.kernel.api import bind_json, operation, page_arguments, respond, respond_page
from portal.kernel.authorization import authorize
from portal.kernel.web.arguments import choice_argument
from portal.kernel.web.viewer import current_actor
from portal.matching.queries.matches import get_visible_match
from portal.partnerships.queries.requests import get_visible_request

_EXAMPLE = {
    "region_id": 1,
    "request_id": 1,
    "title": "Equipment sharing: coordinate measuring",
    "parties": [
        {
            "stands_for": "poster",
            "summary": "A machine shop with up to nine people that needs measuring once a month.",
            "reason": "They have the measuring machine that you look for, and train people on it.",
        },
        {
            "organization_id": 2,
            "summary": "A college with an open laboratory thirty miles away.",
            "reason": "They need your machine for two days a month, and would pay for it.",
        },
    ],
    "answer_days": 14,
}


@blueprint.get("/introductions")
@operation(
    summary="List introductions",
    tag="introductions",
    schema=IntroductionSchema,
    is_list=True,
    filters={"status": "waiting, open or ended."},
)
def list_introductions() -> ResponseReturnValue:
    """List those of your organizations and of the regions that you broker, the newest first."""
    actor = current_actor()
    authorize(actor, Permission.INTRODUCTION_VIEW_OWN)
    found = queries.list_introductions(
        actor, status=choice_argument("status", queries.LISTS), **page_arguments()
    )
    return respond_page(IntroductionSchema(actor=actor), found)


@blueprint.post("/introductions")
@operation(
    summary="Propose an introduction",
    tag="introductions",
    schema=IntroductionSchema,
    form=ProposalForm,
    status=201,
    scope="brokerage:write",
    problems=(404, 409),
    example=_EXAMPLE,
)
def propose_introduction() -> ResponseReturnValue:
    """Propose that two or three organizations meet, as a broker of a region.

    With `match_id`, the match that you confirm by it.
    """
    actor = current_actor()
    authorize(actor, Permission.INTRODUCTION_DRAFT)
    values = bind_json(ProposalForm).data
    region = queries.get_brokered_region(actor, values.pop("region_id"))
    request_id, match_id = values.pop("request_id"), values.pop("match_id")
    subject: dict[str, Any] = {}
    if match_id is not None:
        subject = {"match": get_visible_match(actor, match_id).match}
    elif request_id is not None:
        subject = {"request": get_visible_request(actor, request_id)}
    proposed = services.propose_introduction(actor, region, **subject, **values)
    return respond(
        IntroductionSchema(actor=actor),
        queries.get_introduction(proposed.id),
        status=201,
        location=url_for("brokerage_api.show_introduction", introduction_id=proposed.id),
    )


@blueprint.get("/introductions/<int:introduction_id>")
@operation(
    summary="Read an introduction",
    tag="introductions",
    schema=IntroductionSchema,
    problems=(404,),
)
def show_introduction(introduction_id: int) -> ResponseReturnValue:
    """Return an introduction, as far as you may know its sides."""
    actor = current_actor()
    return respond(
        IntroductionSchema(actor=actor), queries.get_visible_introduction(actor, introduction_id)
    )


@blueprint.post("/introductions/<int:introduction_id>/actions/<action>")
@operation(
    summary="Take an introduction back, or go on with two of three",
    tag="introductions",
    schema=IntroductionSchema,
    form=NoteForm,
    scope="brokerage:write",
    example={"note": "They found each other already."},
)
def act_on_introduction(introduction_id: int, action: str) -> ResponseReturnValue:
    """Take a step of the broker: `withdraw`, `extend`, or `go_on` where one of three declined."""
    actor = current_actor()
    introduction = queries.get_visible_introduction(actor, introduction_id)
    services.act_on_introduction(actor, introduction, action, **bind_json(NoteForm).data)
    return respond(IntroductionSchema(actor=actor), queries.get_introduction(introduction_id))


@blueprint.post("/introductions/<int:introduction_id>/parties/<int:party_id>/actions/<action>")
@operation(
    summary="Agree to meet, give a contact, or decline",
    tag="introductions",
    schema=IntroductionSchema,
    form=AnswerForm,
    scope="brokerage:write",
    example={"accepts_terms": True},
)
def answer_introduction(introduction_id: int, party_id: int, action: str) -> ResponseReturnValue:
    """Give the answer of a side of yours.

    `consent` needs `accepts_terms`, `share` a contact, `decline` a `note` for the broker alone.
    """
    actor = current_actor()
    party = queries.get_visible_party(actor, introduction_id, party_id)
    services.answer_introduction(actor, party, action, **bind_json(AnswerForm).data)
    return respond(IntroductionSchema(actor=actor), queries.get_introduction(introduction_id))
