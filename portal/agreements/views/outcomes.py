"""Pages of outcomes: recording one, the record, correcting it, and telling two apart."""

from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.agreements.forms import CorrectionPageForm, OutcomePageForm, TwinForm, correction_values
from portal.agreements.policies import Permission
from portal.agreements.queries import outcomes as queries
from portal.agreements.queries.agreements import get_visible_agreement
from portal.agreements.rules.counting import CATEGORIES, CATEGORY_OF_OUTCOME
from portal.agreements.rules.words import OUTCOME_KINDS, OUTCOMES
from portal.agreements.services import outcomes as services
from portal.agreements.views.blueprint import blueprint
from portal.kernel.authorization import authorize, can
from portal.kernel.files import send_stored_file
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import confirmed, text_argument
from portal.kernel.web.viewer import current_actor
from portal.partnerships.forms import NoteForm


@blueprint.route("/agreements/<int:agreement_id>/outcomes/new", methods=["GET", "POST"])
def assert_outcome(agreement_id: int) -> ResponseReturnValue:
    """Record what came of an agreement; what is recorded already is offered instead."""
    actor = current_actor()
    agreement = get_visible_agreement(actor, agreement_id)
    authorize(actor, Permission.OUTCOME_ASSERT, agreement)
    kind, amount = text_argument("kind"), text_argument("amount", 20)
    given: dict[str, Any] = {"kind": kind if kind in OUTCOME_KINDS else None}
    if request.method == "GET" and amount.isascii() and amount.isdecimal():
        given["amount_hundredths"] = int(amount)
    form = OutcomePageForm.bind(**given)
    alike: tuple[Any, ...] = ()
    if form.submitted():
        try:
            saved = form.attempt(services.assert_outcome, actor, agreement, **form.data)
        except services.Alike as error:
            saved, alike = None, error.outcomes
            form.add_error(None, error.message)
        if saved is not None:
            shared = form.same_as.data is not None
            flash(
                str(OUTCOMES.transitions["share"].done)
                if shared
                else _("The outcome was recorded. Another party confirms it.")
            )
            return _to_outcome(saved.id)
        agreement = get_visible_agreement(actor, agreement_id)
    own = {party.organization_id for party in agreement.parties} & set(actor.memberships)
    form.organization_id.choices = [
        (party.organization_id, party.organization.name)
        for party in agreement.parties
        # Whoever stands on one side is offered it as “Your organization” already.
        if own != {party.organization_id}
    ]
    form.same_as.choices = [(row.id, _told(row)) for row in alike]
    return page("agreements/assert.html", form=form, agreement=agreement, alike=alike)


@blueprint.get("/outcomes/<int:outcome_id>")
def show_outcome(outcome_id: int) -> ResponseReturnValue:
    """Show an outcome: how much, who asserts and who confirms it, and which agreements claim it."""
    actor = current_actor()
    outcome = queries.get_visible_outcome(actor, outcome_id)
    shown = queries.show(actor, outcome)
    may_tell_apart = outcome.twin_id is not None and can(
        actor, Permission.OUTCOME_TELL_APART, outcome
    )
    # Names of people of agreements that the reader does not see stay with those.
    is_all_seen = len(shown.claims) == len(outcome.claims)
    return page(
        "agreements/outcome.html",
        outcome=outcome,
        shown=shown,
        twin=queries.get_outcome(outcome.twin_id)
        if may_tell_apart and outcome.twin_id is not None
        else None,
        steps=[
            step
            for step in OUTCOMES.available(actor, outcome)
            if outcome.twin_id is None or step.action != "confirm"
        ],
        actions=OUTCOMES.transitions,
        history=OUTCOMES.history(outcome) if is_all_seen else [],
        kinds=OUTCOME_KINDS,
        statuses=OUTCOMES.statuses,
        category=CATEGORIES[CATEGORY_OF_OUTCOME[outcome.kind]],
    )


@blueprint.route("/outcomes/<int:outcome_id>/edit", methods=["GET", "POST"])
def correct_outcome(outcome_id: int) -> ResponseReturnValue:
    """Correct what one has recorded."""
    actor = current_actor()
    outcome = queries.get_visible_outcome(actor, outcome_id)
    authorize(actor, Permission.OUTCOME_EDIT, outcome)
    form = CorrectionPageForm.bind(correction_values(outcome))
    alike: tuple[Any, ...] = ()
    if form.submitted():
        try:
            saved = form.attempt(services.correct_outcome, actor, outcome, **form.data)
        except services.Alike as error:
            saved, alike = None, error.outcomes
            form.add_error("distinct_reason", error.message)
        if saved is not None:
            flash(str(OUTCOMES.transitions["correct"].done))
            return _to_outcome(outcome_id)
        outcome = queries.get_visible_outcome(actor, outcome_id)
    return page(
        "agreements/correct.html",
        form=form,
        outcome=outcome,
        alike=alike,
        kinds=OUTCOME_KINDS,
    )


@blueprint.post("/outcomes/<int:outcome_id>/actions/<action>")
def act_on_outcome(outcome_id: int, action: str) -> ResponseReturnValue:
    """Confirm, dispute or withdraw an outcome."""
    actor = current_actor()
    outcome = queries.get_visible_outcome(actor, outcome_id)
    authorize(actor, OUTCOMES.permission(action), outcome)
    step = OUTCOMES.transitions[action]
    back = url_for("agreements.show_outcome", outcome_id=outcome_id)
    if step.confirm and not confirmed():
        return page(
            "components/confirm.html", title=step.confirm, action=step.label, cancel_url=back
        )
    form = NoteForm.bind()
    if form.submitted():
        done = form.attempt(services.act_on_outcome, actor, outcome, action, **form.data)
        if done is not None:
            flash(str(step.done))
            is_shown = can(actor, Permission.OUTCOME_VIEW, queries.get_outcome(outcome_id))
            return see_other(back if is_shown else url_for("agreements.list_agreements"))
    return page("agreements/note.html", form=form, step=step, back=back)


@blueprint.post("/outcomes/<int:outcome_id>/twin")
def tell_apart(outcome_id: int) -> ResponseReturnValue:
    """Say whether an outcome is the same as the older one that it looks like."""
    actor = current_actor()
    outcome = queries.get_visible_outcome(actor, outcome_id)
    authorize(actor, Permission.OUTCOME_TELL_APART, outcome)
    form = TwinForm.bind()
    step = OUTCOMES.transitions["merge" if form.is_same.data else "tell_apart"]
    back = url_for("agreements.show_outcome", outcome_id=outcome_id)
    if form.submitted():
        left = form.attempt(services.tell_apart, actor, outcome, **form.data)
        if left is not None:
            flash(str(step.done))
            return _to_outcome(left.id)
    return page("agreements/note.html", form=form, step=step, back=back)


@blueprint.get("/outcomes/<int:outcome_id>/evidence/<int:claim_id>")
def show_evidence_document(outcome_id: int, claim_id: int) -> Response:
    """Answer with the file that a claim has as evidence."""
    file = queries.get_evidence(current_actor(), outcome_id, claim_id)
    return send_stored_file(file, is_public=False)


def _told(outcome: Any) -> str:
    return _(
        "%(kind)s of %(organization)s, number %(number)d",
        kind=OUTCOME_KINDS[outcome.kind],
        organization=outcome.organization.name,
        number=outcome.id,
    )


def _to_outcome(outcome_id: int) -> Response:
    return see_other(url_for("agreements.show_outcome", outcome_id=outcome_id))
