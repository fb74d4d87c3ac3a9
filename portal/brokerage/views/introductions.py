"""Pages of introductions: the list, the proposal, and the record with the answers of its sides."""

from collections.abc import Sequence
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.queries import find_user
from portal.brokerage.forms.introductions import ANSWERS, ContactForm, ProposalForm
from portal.brokerage.policies import Permission
from portal.brokerage.queries import disclosure, drafts
from portal.brokerage.queries import introductions as queries
from portal.brokerage.rules.introductions import (
    INTRODUCTION_STATUSES,
    INTRODUCTIONS,
    MOST_PARTIES,
    PARTIES,
    PARTY_STATUSES,
    REVEAL_STAGES,
    SHOWN_STATUSES,
)
from portal.brokerage.services import introductions as services
from portal.brokerage.views.blueprint import blueprint
from portal.kernel.authorization import authorize, can
from portal.kernel.errors import Conflict, NotFound
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import choice_argument, confirmed, form_text, number_argument
from portal.kernel.web.viewer import current_actor
from portal.kernel.workflow import Transition
from portal.matching.queries.matches import get_visible_match
from portal.organizations.queries.profiles import get_visible_organization
from portal.partnerships.queries.requests import get_visible_request
from portal.regions.queries.regions import regions_by_id


@blueprint.get("/introductions")
def list_introductions() -> ResponseReturnValue:
    """Show the introductions of the reader's organizations, and to brokers those of a region."""
    actor = current_actor()
    authorize(actor, Permission.INTRODUCTION_VIEW_OWN)
    status = choice_argument("status", queries.LISTS)
    found = queries.list_introductions(actor, status=status, cursor=request.args.get("cursor"))

    def list_url(**arguments: Any) -> str:
        given = {name: value for name, value in arguments.items() if value}
        return url_for("brokerage.list_introductions", **given)

    labels = {
        "": _("All"),
        "waiting": _("Waiting"),
        "open": INTRODUCTION_STATUSES["open"],
        "ended": SHOWN_STATUSES["ended"],
    }
    return page(
        "brokerage/introductions/list.html",
        cards=[queries.card_of(actor, row) for row in found.items],
        links=[
            {"label": label, "url": list_url(status=value), "is_selected": status == value}
            for value, label in labels.items()
        ],
        is_filtered=bool(status),
        is_broker=bool(actor.brokered_regions),
        next_url=list_url(status=status, cursor=found.next) if found.next else None,
        statuses=SHOWN_STATUSES,
    )


@blueprint.route("/introductions/new", methods=["GET", "POST"])
def propose_introduction() -> ResponseReturnValue:
    """Propose that organizations meet: about a request, as a match suggests it, or freely."""
    actor = current_actor()
    authorize(actor, Permission.INTRODUCTION_DRAFT)
    form = ProposalForm.bind()
    if request.method == "GET":
        form = ProposalForm.bind(**_draft(form).values)
    regions = regions_by_id(actor.brokered_regions)
    form.region_id.choices = [(region.id, region.name) for region in regions]
    if form.submitted():
        values = form.data
        region = queries.get_brokered_region(actor, values.pop("region_id"))
        values.pop("request_id")
        values.pop("match_id")
        proposed = None
        try:
            proposed = form.attempt(
                services.propose_introduction, actor, region, **_subject(form), **values
            )
        except Conflict as error:
            form.add_error("parties", error.message)
        if proposed is not None:
            flash(str(INTRODUCTIONS.transitions["propose"].done))
            return _to_record(proposed.id)
    while len(form.parties.entries) < MOST_PARTIES:
        form.parties.append_entry()
    return page(
        "brokerage/introductions/propose.html",
        form=form,
        known=_draft(form).known,
        has_choice=len(regions) > 1,
        back=url_for("brokerage.list_introductions"),
    )


@blueprint.get("/introductions/<int:introduction_id>")
def show_introduction(introduction_id: int) -> ResponseReturnValue:
    """Show an introduction to one of its sides, or to a broker of its region."""
    return _record_page(introduction_id)


@blueprint.post("/introductions/<int:introduction_id>/actions/<action>")
def act_on_introduction(introduction_id: int, action: str) -> ResponseReturnValue:
    """Take an introduction back, give its sides more time, or go on without one of three."""
    actor = current_actor()
    introduction = queries.get_visible_introduction(actor, introduction_id)
    authorize(actor, INTRODUCTIONS.permission(action), introduction)
    step = INTRODUCTIONS.transitions[action]
    if step.confirm and not confirmed():
        return page(
            "components/confirm.html",
            title=step.confirm,
            action=step.label,
            cancel_url=url_for("brokerage.show_introduction", introduction_id=introduction_id),
        )
    services.act_on_introduction(actor, introduction, action, note=form_text("note"))
    flash(str(step.done))
    return _to_record(introduction_id)


@blueprint.post("/introductions/<int:introduction_id>/parties/<int:party_id>/actions/<action>")
def answer_introduction(introduction_id: int, party_id: int, action: str) -> ResponseReturnValue:
    """Give a side's answer: agree to meet, give a contact, or decline."""
    actor = current_actor()
    party = queries.get_visible_party(actor, introduction_id, party_id)
    authorize(actor, Permission.INTRODUCTION_ANSWER, party)
    if action not in ANSWERS:
        raise NotFound(_("There is no such action."))
    step = PARTIES.transitions[action]
    form = ANSWERS[action].bind()
    if form.submitted():
        done = form.attempt(services.answer_introduction, actor, party, action, **form.data)
        if done is not None:
            flash(str(_done_by(done, step)))
            return _to_record(introduction_id)
    return page(
        "brokerage/introductions/answer.html",
        form=form,
        step=step,
        introduction=queries.get_visible_introduction(actor, introduction_id),
        back=url_for("brokerage.show_introduction", introduction_id=introduction_id),
    )


def _done_by(party: Any, step: Transition) -> Any:
    """Say what came of an answer: with the last one, all sides have given theirs."""
    status = queries.get_introduction(party.introduction_id).status
    last = {("consent", "identified"): "identify", ("share", "open"): "open"}
    action = last.get((step.action, status))
    return INTRODUCTIONS.transitions[action].done if action else step.done


def _record_page(introduction_id: int) -> ResponseReturnValue:
    actor = current_actor()
    introduction = queries.get_visible_introduction(actor, introduction_id)
    status = disclosure.shown_status(actor, introduction)
    is_broker = can(actor, Permission.INTRODUCTION_VIEW_WHOLE, introduction)
    awaited = [
        party
        for party in queries.awaited_parties(introduction)
        if can(actor, Permission.INTRODUCTION_ANSWER, party)
    ]
    return page(
        "brokerage/introductions/show.html",
        introduction=introduction,
        sides=disclosure.sides_of(actor, introduction),
        reveals=_gathered(disclosure.list_reveals(actor, introduction)),
        status=status,
        statuses=SHOWN_STATUSES,
        party_statuses=PARTY_STATUSES,
        stages=REVEAL_STAGES,
        is_broker=is_broker,
        is_waiting=introduction.status in queries.LISTS["waiting"],
        request_row=disclosure.shown_request(actor, introduction),
        steps=INTRODUCTIONS.available(actor, introduction),
        history=disclosure.history_of(introduction) if is_broker else [],
        actions=INTRODUCTIONS.transitions,
        answers=[(party, _answer_forms(introduction.status)) for party in awaited],
        may_decline=[
            party
            for party in introduction.parties
            if party not in awaited
            and party.status != "declined"
            and introduction.status in queries.LISTS["waiting"]
            and can(actor, Permission.INTRODUCTION_ANSWER, party)
        ],
    )


def _gathered(reveals: Sequence[disclosure.Reveal]) -> list[dict[str, Any]]:
    """Return what became known of each other at one moment as one line, with all its sides."""
    lines: dict[tuple[str, Any], dict[str, None]] = {}
    for reveal in reveals:
        names = lines.setdefault((reveal.stage, reveal.revealed_at), {})
        names.update(dict.fromkeys((reveal.of, reveal.to)))
    return [
        {"stage": stage, "revealed_at": moment, "names": list(names)}
        for (stage, moment), names in lines.items()
    ]


def _answer_forms(status: str) -> Any:
    if status == "identified":
        person = find_user(current_actor().user_id)
        name, email = (person.name, person.email) if person is not None else ("", "")
        return ContactForm(data={"contact_name": name, "contact_email": email})
    return ANSWERS["consent"]()


def _draft(form: ProposalForm) -> drafts.Draft:
    """Return what the form says by itself of what its address, or what was sent, is about."""
    actor = current_actor()
    match_id, request_id = _subject_ids(form)
    organization_id = number_argument("organization")
    return drafts.draft_of(
        actor,
        shown=get_visible_match(actor, match_id) if match_id is not None else None,
        request=get_visible_request(actor, request_id) if request_id is not None else None,
        organizations=(
            [get_visible_organization(actor, organization_id)]
            if organization_id is not None
            else []
        ),
    )


def _subject(form: ProposalForm) -> dict[str, Any]:
    actor = current_actor()
    match_id, request_id = _subject_ids(form)
    if match_id is not None:
        return {"match": get_visible_match(actor, match_id).match}
    return {"request": get_visible_request(actor, request_id)} if request_id is not None else {}


def _subject_ids(form: ProposalForm) -> tuple[int | None, int | None]:
    return (
        form.match_id.data or number_argument("match"),
        form.request_id.data or number_argument("request"),
    )


def _to_record(introduction_id: int) -> ResponseReturnValue:
    return see_other(url_for("brokerage.show_introduction", introduction_id=introduction_id))
