"""Pages of agreements: the list, the record, its forms, documents and milestones."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import pgettext

from portal.agreements.forms import (
    AcknowledgmentForm,
    AgreementForm,
    DocumentForm,
    MilestoneForm,
    NewAgreementForm,
    RenewalForm,
    agreement_values,
)
from portal.agreements.policies import Permission
from portal.agreements.queries import agreements as queries
from portal.agreements.queries.outcomes import list_outcomes, show
from portal.agreements.rules.words import (
    AGREEMENT_KINDS,
    AGREEMENTS,
    MADE_STATUSES,
    OUTCOME_KINDS,
    OUTCOME_STATUSES,
    PARTY_ROLES,
)
from portal.agreements.services import agreements as services
from portal.agreements.views.blueprint import blueprint
from portal.bookings.rules.telling import write_list
from portal.kernel.authorization import authorize, can
from portal.kernel.clock import today_here
from portal.kernel.errors import Conflict, Invalid, NotFound
from portal.kernel.files import send_stored_file
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import choice_argument, confirmed, record_number
from portal.kernel.web.viewer import current_actor
from portal.kernel.workflow import Transition
from portal.organizations.queries.profiles import get_organization, organization_choices
from portal.partnerships.forms import NoteForm

#: What a request looks for becomes what is agreed on.
_KIND_OF_REQUEST = {
    "equipment_sharing": "equipment_use",
    "rd_cooperation": "rd_cooperation",
    "technology": "rd_cooperation",
    "supply_chain": "supply",
    "training": "training_contract",
    "consortium": "consortium",
}


@blueprint.get("/agreements")
def list_agreements() -> ResponseReturnValue:
    """Show the agreements of the reader's organizations, the newest first."""
    actor = current_actor()
    authorize(actor, Permission.AGREEMENT_VIEW_OWN)
    status = choice_argument("status", AGREEMENTS.statuses)
    found = queries.list_own(actor, status=status, cursor=request.args.get("cursor"))

    def own_url(chosen: str, cursor: str | None = None) -> str:
        return url_for("agreements.list_agreements", status=chosen or None, cursor=cursor)

    return page(
        "agreements/list.html",
        agreements=found.items,
        states=[
            {"label": label, "url": own_url(name), "is_selected": name == status}
            for name, label in {"": pgettext("agreements", "All"), **AGREEMENTS.statuses}.items()
        ],
        next_url=own_url(status, found.next) if found.next else None,
        may_draft=bool(organization_choices(actor, "owner", "manager")),
        **_words(),
    )


@blueprint.route("/agreements/new", methods=["GET", "POST"])
def create_agreement() -> ResponseReturnValue:
    """Draft an agreement: of oneself, or after an accepted response or an introduction."""
    actor = current_actor()
    authorize(actor, Permission.AGREEMENT_VIEW_OWN)
    choices = organization_choices(actor, "owner", "manager")
    if not choices:
        return page("agreements/no_organization.html")
    form = NewAgreementForm.bind(**(_prefill() if request.method == "GET" else {}))
    form.organization_id.choices = choices
    if form.organization_id.data is None:
        form.organization_id.data = choices[0][0]
    if form.submitted():
        values = form.data
        organization_id = values.pop("organization_id")
        if organization_id not in dict(choices):
            form.add_error("organization_id", _("Please choose one of your organizations."))
        else:
            organization = get_organization(organization_id)
            saved = form.attempt(services.create_agreement, actor, organization, **values)
            if saved is not None:
                flash(_("The draft “%(title)s” was saved.", title=saved.title))
                return _to_record(saved.id)
    return page("agreements/create.html", form=form, has_choice=len(choices) > 1)


@blueprint.get("/agreements/<int:agreement_id>")
def show_agreement(agreement_id: int) -> ResponseReturnValue:
    """Show an agreement to its parties; to brokers, what they count of it."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    is_inside = can(actor, Permission.AGREEMENT_VIEW_INSIDE, agreement)
    mine = actor.organizations_as("owner", "manager")
    waiting = [
        party.organization.name
        for party in agreement.parties
        if party.organization_id in mine and party.acknowledged_revision < agreement.revision
    ]
    others = [
        party.organization.name
        for party in agreement.parties
        if party.organization_id != agreement.organization_id
    ]
    return page(
        "agreements/show.html",
        agreement=agreement,
        others=others,
        is_inside=is_inside,
        is_made=agreement.activated_at is not None,
        is_deletable=agreement.status == "draft" and agreement.proposed_at is None,
        steps=[
            _addressed(step, others)
            for step in AGREEMENTS.available(actor, agreement)
            if step.action != "keep" or agreement.renewal_ends_on is not None
        ],
        waiting=waiting if agreement.status in ("proposed", "active") else [],
        actions=AGREEMENTS.transitions,
        history=AGREEMENTS.history(agreement) if is_inside else [],
        outcomes=[show(actor, row) for row in list_outcomes(agreement).items],
        hours_used=queries.hours_used(agreement) if is_inside else 0,
        outcome_kinds=OUTCOME_KINDS,
        outcome_statuses=OUTCOME_STATUSES,
        today=today_here(),
        **_words(),
    )


@blueprint.route("/agreements/<int:agreement_id>/edit", methods=["GET", "POST"])
def edit_agreement(agreement_id: int) -> ResponseReturnValue:
    """Change what a draft says."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    authorize(actor, Permission.AGREEMENT_EDIT, agreement)
    if agreement.status != "draft":
        raise Conflict(_("Only a draft can be changed. Take it back to revise it first."))
    form = AgreementForm.bind(_named_values(agreement))
    if form.submitted():
        saved = form.attempt(services.change_agreement, actor, agreement, **form.data)
        if saved is not None:
            if request.form.get("action") == "propose":
                return act_on_agreement(agreement_id, "propose")
            flash(_("“%(title)s” was saved.", title=saved.title))
            return _to_record(agreement_id)
        agreement = queries.get_visible_agreement(actor, agreement_id)
    elif "propose" in request.args:
        try:
            services.check_complete(agreement)
        except Invalid as error:
            form.add_errors(error)
    return page(
        "agreements/edit.html",
        form=form,
        agreement=agreement,
        is_proposed="propose" in {*request.args, request.form.get("action")},
    )


@blueprint.post("/agreements/<int:agreement_id>/delete")
def delete_agreement(agreement_id: int) -> ResponseReturnValue:
    """Delete a draft that nobody else has seen."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    authorize(actor, Permission.AGREEMENT_EDIT, agreement)
    title = agreement.title
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Delete the draft “%(title)s”?", title=title),
            text=_("Its documents go with it."),
            action=_("Delete"),
            cancel_url=_record_url(agreement_id),
        )
    services.delete_agreement(actor, agreement)
    flash(_("“%(title)s” was deleted.", title=title))
    return see_other(url_for("agreements.list_agreements"))


@blueprint.post("/agreements/<int:agreement_id>/actions/<action>")
def act_on_agreement(agreement_id: int, action: str) -> ResponseReturnValue:
    """Take a step of the workflow."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    authorize(actor, AGREEMENTS.permission(action), agreement)
    step = AGREEMENTS.transitions[action]
    back = _record_url(agreement_id)
    if step.confirm and step.note == "none" and not confirmed():
        return page(
            "components/confirm.html", title=step.confirm, action=step.label, cancel_url=back
        )
    form = NoteForm.bind()
    if form.submitted():
        try:
            services.act_on_agreement(actor, agreement, action, **form.data)
        except Invalid as error:
            if action == "propose":
                # The form has an address of its own, where it can be loaded again.
                return see_other(
                    url_for("agreements.edit_agreement", agreement_id=agreement_id, propose="yes")
                )
            form.add_errors(error)
        else:
            flash(str(step.done))
            return see_other(back)
    return page("agreements/note.html", form=form, step=step, back=back)


def _addressed(step: Transition, others: Sequence[str]) -> Transition:
    """Let the button that writes to the other parties name them, as long as they are few."""
    if step.action != "propose" or not 0 < len(others) < 3:
        return step
    return replace(step, label=_("Propose to %(names)s", names=write_list(others)))


@blueprint.post("/agreements/<int:agreement_id>/acknowledge")
def acknowledge_agreement(agreement_id: int) -> ResponseReturnValue:
    """Agree with the revision that was read."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    authorize(actor, Permission.AGREEMENT_ACKNOWLEDGE, agreement)
    form = AcknowledgmentForm.bind()
    if not form.validate():
        raise Conflict(_("It was changed meanwhile. Please read it again."))
    was = agreement.status
    done = services.acknowledge_agreement(actor, agreement, revision=form.revision.data or 0)
    is_activated = was != "active" and done.status == "active"
    flash(
        str(AGREEMENTS.transitions["activate"].done)
        if is_activated
        else _("Your organization agrees.")
    )
    return _to_record(agreement_id)


@blueprint.route("/agreements/<int:agreement_id>/renew", methods=["GET", "POST"])
def renew_agreement(agreement_id: int) -> ResponseReturnValue:
    """Ask the other parties that an agreement holds longer."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    authorize(actor, Permission.AGREEMENT_CLOSE, agreement)
    form = RenewalForm.bind()
    if form.submitted():
        asked = form.attempt(services.renew_agreement, actor, agreement, **form.data)
        if asked is not None:
            flash(str(AGREEMENTS.transitions["renew"].done))
            return _to_record(agreement_id)
        agreement = queries.get_visible_agreement(actor, agreement_id)
    return page("agreements/renew.html", form=form, agreement=agreement)


# Documents


@blueprint.route("/agreements/<int:agreement_id>/documents/new", methods=["GET", "POST"])
def add_document(agreement_id: int) -> ResponseReturnValue:
    """Add a document, or with `document` a new version of one."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    authorize(actor, Permission.AGREEMENT_AMEND, agreement)
    document_id = request.args.get("document", type=record_number)
    known = next((row for row in agreement.documents if row.id == document_id), None)
    if document_id is not None and known is None:
        raise NotFound(_("This document is no longer here."))
    title = known.title if known is not None else ""
    form = DocumentForm.bind()
    if form.submitted():
        version = form.attempt(
            services.add_document, actor, agreement, document_id=document_id, **form.data
        )
        if version is not None:
            is_asked = queries.get_visible_agreement(actor, agreement_id).status != "draft"
            flash(
                _("The document was added. The other parties are asked to agree with it.")
                if is_asked
                else _("The document was added. The other parties read it once you propose this.")
            )
            return _to_record(agreement_id, "documents")
        agreement = queries.get_visible_agreement(actor, agreement_id)
    return page("agreements/document.html", form=form, agreement=agreement, title=title)


@blueprint.get("/agreements/<int:agreement_id>/documents/<int:version_id>")
def show_document(agreement_id: int, version_id: int) -> Response:
    """Answer with a version of a document, to people of the parties."""
    version = queries.get_version(current_actor(), agreement_id, version_id)
    return send_stored_file(version.file, is_public=False)


@blueprint.post("/agreements/<int:agreement_id>/documents/<int:document_id>/remove")
def remove_document(agreement_id: int, document_id: int) -> ResponseReturnValue:
    """Take a document away from a draft."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    authorize(actor, Permission.AGREEMENT_EDIT, agreement)
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Remove this document?"),
            text=_("All its versions are deleted."),
            action=_("Remove"),
            cancel_url=_record_url(agreement_id),
        )
    services.remove_document(actor, agreement, document_id=document_id)
    flash(_("The document was removed."))
    return _to_record(agreement_id, "documents")


# Milestones


@blueprint.route("/agreements/<int:agreement_id>/milestones/new", methods=["GET", "POST"])
def add_milestone(agreement_id: int) -> ResponseReturnValue:
    """Say what is to be done by which day."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    authorize(actor, Permission.AGREEMENT_AMEND, agreement)
    form = MilestoneForm.bind()
    if form.submitted():
        added = form.attempt(services.add_milestone, actor, agreement, **form.data)
        if added is not None:
            flash(_("The milestone was added."))
            return _to_record(agreement_id, "milestones")
        agreement = queries.get_visible_agreement(actor, agreement_id)
    form.organization_id.choices = _party_choices(agreement)
    return page("agreements/milestone.html", form=form, agreement=agreement, milestone=None)


@blueprint.route("/milestones/<int:milestone_id>/edit", methods=["GET", "POST"])
def edit_milestone(milestone_id: int) -> ResponseReturnValue:
    """Change a milestone."""
    actor = current_actor()
    milestone = queries.get_milestone(actor, milestone_id)
    authorize(actor, Permission.MILESTONE_EDIT, milestone)
    form = MilestoneForm.bind(milestone)
    if form.submitted():
        saved = form.attempt(services.change_milestone, actor, milestone, **form.data)
        if saved is not None:
            flash(_("The milestone was saved."))
            return _to_record(milestone.agreement_id, "milestones")
        milestone = queries.get_milestone(actor, milestone_id)
    form.organization_id.choices = _party_choices(milestone.agreement)
    return page(
        "agreements/milestone.html", form=form, agreement=milestone.agreement, milestone=milestone
    )


@blueprint.post("/milestones/<int:milestone_id>/tick")
def tick_milestone(milestone_id: int) -> ResponseReturnValue:
    """Say that a milestone is reached, or with `undo` that it is not."""
    actor = current_actor()
    milestone = queries.get_milestone(actor, milestone_id)
    is_done = "undo" not in request.args
    services.tick_milestone(actor, milestone, is_done=is_done)
    if is_done:
        flash(
            _("“%(title)s” is done.", title=milestone.title),
            undo_url=url_for("agreements.tick_milestone", milestone_id=milestone_id, undo="yes"),
        )
    else:
        flash(_("“%(title)s” is open again.", title=milestone.title))
    return _to_record(milestone.agreement_id, "milestones")


@blueprint.post("/milestones/<int:milestone_id>/remove")
def remove_milestone(milestone_id: int) -> ResponseReturnValue:
    """Take a milestone away."""
    actor = current_actor()
    milestone = queries.get_milestone(actor, milestone_id)
    authorize(actor, Permission.MILESTONE_EDIT, milestone)
    agreement_id, title = milestone.agreement_id, milestone.title
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Remove “%(name)s”?", name=title),
            action=_("Remove"),
            cancel_url=_record_url(agreement_id),
        )
    services.remove_milestone(actor, milestone)
    flash(_("“%(name)s” was removed.", name=title))
    return _to_record(agreement_id, "milestones")


# What they share


def _words() -> dict[str, Any]:
    return {
        "kinds": AGREEMENT_KINDS,
        "roles": PARTY_ROLES,
        "statuses": AGREEMENTS.statuses,
        "made_statuses": MADE_STATUSES,
    }


def _named_values(agreement: Any) -> Any:
    """Return an agreement as its form takes it, with the parties by their names."""
    values = agreement_values(agreement)
    values.parties = [
        {"organization": party.organization.name, "role": party.role}
        for party in agreement.parties
        if party.organization_id != agreement.organization_id
    ]
    # The form asks to leave empty what there is none of, and reads so itself.
    for name in ("private_cents", "public_cents", "in_kind_cents"):
        setattr(values, name, getattr(values, name) or None)
    return values


def _prefill() -> dict[str, Any]:
    """Read from the address where a new agreement comes from."""
    actor = current_actor()
    if response_id := request.args.get("response", type=record_number):
        response = queries.get_accepted_response(actor, response_id)
        sides = [response.request.organization_id, response.organization_id]
        given = {
            "response_id": response.id,
            "title": response.request.title,
            "kind": _KIND_OF_REQUEST[response.request.kind],
        }
        # Who needs something receives it.
        is_need = response.request.direction == "need"
        roles = ["receiver", "provider"] if is_need else ["provider", "receiver"]
    elif copied_id := request.args.get("copy", type=record_number):
        return _copied(queries.get_visible_agreement(actor, copied_id))
    elif introduction_id := request.args.get("introduction", type=record_number):
        introduction = queries.get_introduction_made(actor, introduction_id)
        sides = [party.organization_id for party in introduction.staying]
        given = {"introduction_id": introduction.id, "title": introduction.title}
        roles = ["partner" for _side in sides]
    else:
        return {}
    mine = actor.organizations_as("owner", "manager")
    own = next((number for number in sides if number in mine), None)
    if given.get("kind") in ("rd_cooperation", "consortium"):
        roles = ["partner" for _side in sides]
    part = dict(zip(sides, roles, strict=True))
    others = [number for number in sides if number != own]
    return {
        **given,
        "organization_id": own,
        "role": part.get(own, "") if own is not None else "",
        "parties": [
            {"organization": row.name, "role": part[row.id]}
            for row in queries.find_organizations(others)
        ],
    }


def _copied(agreement: Any) -> dict[str, Any]:
    """Return what a new agreement takes over of one: all but its dates and what came of it."""
    actor = current_actor()
    authorize(actor, Permission.AGREEMENT_VIEW_INSIDE, agreement)
    mine = actor.organizations_as("owner", "manager")
    own = next((row for row in agreement.parties if row.organization_id in mine), None)
    return {
        **{
            name: getattr(agreement, name)
            for name in (
                *("kind", "title", "terms", "is_reported"),
                *("private_cents", "public_cents", "in_kind_cents"),
            )
        },
        "organization_id": own.organization_id if own is not None else None,
        "role": own.role if own is not None else "",
        "parties": [
            {"organization": party.organization.name, "role": party.role}
            for party in agreement.parties
            if party is not own
        ],
    }


def _party_choices(agreement: Any) -> list[tuple[int, str]]:
    return [(party.organization_id, party.organization.name) for party in agreement.parties]


def _record_url(agreement_id: int, part: str | None = None) -> str:
    return url_for("agreements.show_agreement", agreement_id=agreement_id, _anchor=part)


def _to_record(agreement_id: int, part: str | None = None) -> Response:
    return see_other(_record_url(agreement_id, part))
