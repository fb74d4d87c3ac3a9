"""Pages of requests and responses: the board, the record, its forms, the worklists."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.authorization import authorize, can
from portal.kernel.clock import now, today_here
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.files import send_stored_file
from portal.kernel.kept import keep_answer
from portal.kernel.web import (
    confirmed,
    current_actor,
    flash,
    form_text,
    page,
    record_number,
    see_other,
    text_argument,
)
from portal.organizations.rules import EMPLOYEE_BANDS, ORGANIZATION_KINDS, is_stale
from portal.partnerships import queries, services
from portal.partnerships.forms import (
    AUDIENCES,
    NoteForm,
    RenewForm,
    RequestForm,
    RequestPageForm,
    ResponseForm,
    request_values,
)
from portal.partnerships.policies import Permission
from portal.partnerships.rules import (
    AGREEMENT_KINDS,
    DIRECTIONS,
    EDITABLE_STATUSES,
    IP_STATUSES,
    OPEN_STATUSES,
    REQUEST_KINDS,
    REQUESTS,
    RESPONSES,
    TRL_WORDS,
    Incomplete,
    is_renewable,
)

blueprint = Blueprint("partnerships", __name__)

R = TypeVar("R")


# Lists


@blueprint.get("/requests")
def list_requests() -> ResponseReturnValue:
    """Show the open requests, the newest first; the directory searches them."""
    kind, direction = text_argument("kind"), text_argument("direction")
    chosen = {
        "kind": kind if kind in REQUEST_KINDS else "",
        "direction": direction if direction in DIRECTIONS else "",
        "mine": "yes" if text_argument("mine") == "yes" else "",
    }
    found = queries.list_board(
        current_actor(),
        kind=chosen["kind"],
        direction=chosen["direction"],
        is_mine=bool(chosen["mine"]),
        cursor=request.args.get("cursor"),
    )

    def board_url(**changes: str | None) -> str:
        arguments: dict[str, Any] = {
            name: value for name, value in {**chosen, **changes}.items() if value
        }
        return url_for("partnerships.list_requests", **arguments)

    def options(name: str, labels: Any) -> list[dict[str, Any]]:
        return [
            {
                "label": label,
                "url": board_url(**{name: value}),
                "is_selected": chosen[name] == value,
            }
            for value, label in {"": _("All"), **labels}.items()
        ]

    return page(
        "partnerships/board.html",
        cards=found.items,
        is_filtered=any(chosen.values()),
        kind_links=options("kind", REQUEST_KINDS),
        direction_links=options("direction", DIRECTIONS),
        mine_links=options("mine", {"yes": _("Of your organizations")}),
        next_url=board_url(cursor=found.next) if found.next else None,
        kinds=REQUEST_KINDS,
        statuses=REQUESTS.statuses,
    )


@blueprint.get("/requests/mine")
def list_mine() -> ResponseReturnValue:
    """Show the requests of the reader's organizations in every state."""
    actor = current_actor()
    authorize(actor, Permission.REQUEST_VIEW_OWN)
    found = queries.list_own(actor, cursor=request.args.get("cursor"))
    return page(
        "partnerships/mine.html",
        cards=found.items,
        next_url=url_for("partnerships.list_mine", cursor=found.next) if found.next else None,
        kinds=REQUEST_KINDS,
        directions=DIRECTIONS,
        statuses=REQUESTS.statuses,
    )


@blueprint.get("/responses")
def list_responses() -> ResponseReturnValue:
    """Show the responses that the reader's organizations received and sent."""
    actor = current_actor()
    authorize(actor, Permission.REQUEST_VIEW_OWN)
    cursors = {name: request.args.get(name) for name in ("received", "sent")}
    received = queries.list_received(actor, cursor=cursors["received"])
    sent = queries.list_sent(actor, cursor=cursors["sent"])

    def next_url(name: str, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        arguments: dict[str, Any] = {**cursors, name: cursor}
        return url_for("partnerships.list_responses", **arguments)

    return page(
        "partnerships/responses.html",
        received=received.items,
        received_url=next_url("received", received.next),
        sent=sent.items,
        sent_url=next_url("sent", sent.next),
        statuses=RESPONSES.statuses,
    )


# The record


@blueprint.get("/requests/<int:request_id>")
def show(request_id: int) -> ResponseReturnValue:
    """Show one request; of an anonymous one, outsiders see what was written for them."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    is_inside = can(actor, Permission.REQUEST_VIEW_INSIDE, record)
    subject = queries.shown_subject(actor, record)
    responses = queries.list_responses(actor, record, limit=100).items if is_inside else []
    own_response = None if is_inside else queries.find_own_response(actor, record)
    keep_answer()
    return page(
        "partnerships/show.html",
        record=record,
        card=queries.card_of(actor, record),
        sees_identity=queries.sees_identity(actor, record),
        subject=subject,
        subject_url=_subject_url(record) if subject is not None else None,
        visibility=queries.shown_visibility(record),
        is_asked=record.asked_organization_id in actor.memberships,
        is_inside=is_inside,
        is_stale=is_stale(record.confirmed_at, now()),
        is_open=record.status in OPEN_STATUSES,
        is_editable=record.status in EDITABLE_STATUSES,
        is_renewable=is_renewable(record.status, record.renewals, record.expires_on, today_here()),
        steps=REQUESTS.available(actor, record),
        history=REQUESTS.history(record) if is_inside else [],
        actions=REQUESTS.transitions,
        responses=responses,
        own_response=own_response,
        may_respond=can(actor, Permission.RESPONSE_SEND, record),
        kinds=REQUEST_KINDS,
        directions=DIRECTIONS,
        statuses=REQUESTS.statuses,
        response_statuses=RESPONSES.statuses,
        ip_statuses=IP_STATUSES,
        agreements=AGREEMENT_KINDS,
        readiness=TRL_WORDS,
        organization_kinds=ORGANIZATION_KINDS,
        bands=EMPLOYEE_BANDS,
    )


@blueprint.route("/requests/new", methods=["GET", "POST"])
def create_request() -> ResponseReturnValue:
    """Write a request: as a draft, or published at once."""
    actor = current_actor()
    authorize(actor, Permission.REQUEST_VIEW_OWN)
    choices = queries.organization_choices(actor)
    if not choices:
        return page("partnerships/no_organization.html")
    form = RequestPageForm.bind(**(_prefill() if request.method == "GET" else {}))
    _offer_organizations(form, choices)
    subject = _offer_subject(form)
    if form.submitted():
        values = form.data
        organization_id = values.pop("organization_id")
        if organization_id not in dict(choices):
            form.add_error("organization_id", _("Please choose one of your organizations."))
        else:
            saved = _attempt(
                form,
                services.create_request,
                actor,
                queries.find_organization(organization_id),
                publish=_wants_publication(),
                **values,
            )
            if saved is not None:
                return _to_saved(saved)
    return page(
        "partnerships/create.html",
        form=form,
        has_choice=len(choices) > 1,
        is_published=False,
        unreachable=queries.find_unreachable(choices),
        subject=subject,
        is_told=subject is not None and queries.is_represented(subject.organization_id),
    )


@blueprint.route("/requests/<int:request_id>/edit", methods=["GET", "POST"])
def edit(request_id: int) -> ResponseReturnValue:
    """Change a request; a draft may be published with it."""
    actor = current_actor()
    record = queries.get_editable_request(actor, request_id)
    if record.status not in EDITABLE_STATUSES:
        raise Conflict(_("This request is closed and can no longer be changed."))
    is_draft = record.status == "draft"
    form = RequestPageForm.bind(request_values(record, is_page=True))
    if form.submitted():
        values = form.data
        values.pop("organization_id")
        if not is_draft:
            values.pop("equipment_id")
            values.pop("facility_id")
        saved = _attempt(
            form,
            services.change_request,
            actor,
            record,
            publish=is_draft and _wants_publication(),
            **values,
        )
        if saved is not None:
            return _to_saved(saved, was_draft=is_draft)
    return _edit_page(form, request_id)


def _edit_page(form: RequestPageForm, request_id: int) -> ResponseReturnValue:
    # Read again: a refused command leaves nothing loaded.
    record = queries.get_visible_request(current_actor(), request_id)
    subject = _offer_subject(form)
    return page(
        "partnerships/edit.html",
        form=form,
        record=record,
        has_choice=False,
        is_published=record.status != "draft",
        subject=subject,
        is_told=subject is not None and queries.is_represented(subject.organization_id),
    )


@blueprint.get("/requests/<int:request_id>/attachments/<int:attachment_id>")
def show_attachment(request_id: int, attachment_id: int) -> Response:
    """Answer with an attachment, to those who see whose request it is."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    return send_stored_file(queries.get_attachment(actor, record, attachment_id), is_public=False)


@blueprint.post("/requests/<int:request_id>/attachments/<int:attachment_id>/remove")
def remove_attachment(request_id: int, attachment_id: int) -> ResponseReturnValue:
    """Take an attachment away."""
    actor = current_actor()
    record = queries.get_editable_request(actor, request_id)
    name = queries.get_attachment(actor, record, attachment_id).original_name
    back = url_for("partnerships.edit", request_id=request_id)
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Remove “%(name)s”?", name=name),
            text=_("The file is deleted."),
            action=_("Remove"),
            cancel_url=back,
        )
    services.remove_attachment(actor, record, attachment_id=attachment_id)
    flash(_("“%(name)s” was removed.", name=name))
    return see_other(back)


@blueprint.route("/requests/<int:request_id>/renew", methods=["GET", "POST"])
def renew(request_id: int) -> ResponseReturnValue:
    """Put off the end of a request, once."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    authorize(actor, Permission.REQUEST_MANAGE, record)
    form = RenewForm.bind()
    if form.submitted():
        renewed = form.attempt(services.renew_request, actor, record, **form.data)
        if renewed is not None:
            flash(_("“%(title)s” was renewed.", title=renewed.title))
            return _to_record(request_id)
    return page("partnerships/renew.html", form=form, record=record)


@blueprint.post("/requests/<int:request_id>/delete")
def delete(request_id: int) -> ResponseReturnValue:
    """Delete a draft."""
    actor = current_actor()
    record = queries.get_editable_request(actor, request_id)
    title = record.title
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Delete the draft “%(title)s”?", title=title),
            text=_("Its attachments go with it."),
            action=_("Delete"),
            cancel_url=url_for("partnerships.show", request_id=request_id),
        )
    services.delete_request(actor, record)
    flash(_("“%(title)s” was deleted.", title=title))
    return see_other(url_for("partnerships.list_mine"))


@blueprint.post("/requests/<int:request_id>/actions/<action>")
def act(request_id: int, action: str) -> ResponseReturnValue:
    """Take a step of the workflow of requests."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    authorize(actor, REQUESTS.permission(action), record)
    step = REQUESTS.transitions[action]
    if step.confirm and not confirmed():
        return page(
            "components/confirm.html",
            title=step.confirm,
            action=step.label,
            cancel_url=url_for("partnerships.show", request_id=request_id),
        )
    try:
        services.act_on_request(actor, record, action, note=form_text("note"))
    except Incomplete as error:
        record = queries.get_visible_request(actor, request_id)
        form = RequestPageForm(obj=request_values(record, is_page=True))
        _show_missing(form, error)
        return _edit_page(form, request_id)
    flash(str(step.done))
    return _to_record(request_id)


# Responses


@blueprint.route("/requests/<int:request_id>/respond", methods=["GET", "POST"])
def respond(request_id: int) -> ResponseReturnValue:
    """Express interest in a request."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    authorize(actor, Permission.RESPONSE_SEND, record)
    if record.status not in OPEN_STATUSES:
        raise Conflict(_("This request takes no responses now."))
    choices = queries.organization_choices(actor)
    form = ResponseForm.bind()
    _offer_organizations(form, choices)
    if form.submitted():
        response = form.attempt(services.send_response, actor, record, **form.data)
        if response is not None:
            flash(_("Your response was sent. The answer comes by e-mail."))
            return _to_response(response.id)
    return page(
        "partnerships/respond.html",
        form=form,
        card=queries.card_of(actor, queries.get_visible_request(actor, request_id)),
        is_asked=record.asked_organization_id in actor.memberships,
        has_choice=len(choices) > 1,
        unreachable=queries.find_unreachable(choices),
    )


@blueprint.get("/responses/<int:response_id>")
def show_response(response_id: int) -> ResponseReturnValue:
    """Show a response to its two sides; once it is accepted, with how to reach each other."""
    actor = current_actor()
    response = queries.get_visible_response(actor, response_id)
    return page(
        "partnerships/response.html",
        response=response,
        record=response.request,
        sees_identity=can(actor, Permission.RESPONSE_VIEW_IDENTITY, response),
        sees_request=can(actor, Permission.REQUEST_VIEW, response.request),
        contacts=queries.find_contacts(actor, response),
        own=actor.memberships,
        steps=RESPONSES.available(actor, response),
        status=RESPONSES.statuses[response.status],
    )


@blueprint.post("/responses/<int:response_id>/actions/<action>")
def act_on_response(response_id: int, action: str) -> ResponseReturnValue:
    """Accept, decline or withdraw a response."""
    actor = current_actor()
    response = queries.get_visible_response(actor, response_id)
    authorize(actor, RESPONSES.permission(action), response)
    step = RESPONSES.transitions[action]
    back = url_for("partnerships.show_response", response_id=response_id)
    if step.confirm and not confirmed():
        return page(
            "components/confirm.html", title=step.confirm, action=step.label, cancel_url=back
        )
    form = NoteForm.bind()
    if form.submitted():
        done = form.attempt(services.act_on_response, actor, response, action, **form.data)
        if done is not None:
            flash(str(step.done))
            return see_other(back)
    return page("partnerships/note.html", form=form, step=step, back=back)


def _attempt(form: RequestForm, function: Callable[..., R], *args: Any, **kwargs: Any) -> R | None:
    """Call a command; what it refuses stands at its fields, all that is missing at once."""
    try:
        return function(*args, **kwargs)
    except Incomplete as error:
        _show_missing(form, error)
    except Invalid as error:
        form.add_error(error.field, error.message)
    return None


def _show_missing(form: RequestForm, error: Incomplete) -> None:
    for name, message in error.missing:
        form.add_error(name, message)


def _wants_publication() -> bool:
    return request.form.get("action") != "draft"


def _offer_organizations(
    form: RequestPageForm | ResponseForm, choices: list[tuple[int, str]]
) -> None:
    form.organization_id.choices = choices
    if form.organization_id.data is None and choices:
        form.organization_id.data = choices[0][0]


def _offer_subject(form: RequestPageForm) -> Any:
    """Let a form name what it asks to use, with whom that shows it to; return it, or None.

    Only who comes from a record's page has one to name.
    """
    subject = queries.find_subject(
        current_actor(), equipment_id=form.equipment_id.data, facility_id=form.facility_id.data
    )
    if subject is not None:
        name, owner = subject.name, subject.organization.name
        field = form.equipment_id if form.equipment_id.data is not None else form.facility_id
        field.choices = [(subject.id, _("%(name)s of %(owner)s", name=name, owner=owner))]
        form.visibility.choices = [
            (value, _("Your organization and %(owner)s", owner=owner))
            if value == "organization"
            else (value, label)
            for value, label in AUDIENCES.items()
        ]
    return subject


def _prefill() -> dict[str, Any]:
    """Read from the address what a link to the empty form may say already."""
    given: dict[str, Any] = {}
    equipment_id = request.args.get("equipment", type=record_number)
    facility_id = request.args.get("facility", type=record_number) if not equipment_id else None
    subject = queries.find_subject(
        current_actor(), equipment_id=equipment_id, facility_id=facility_id
    )
    if subject is not None:
        # Asking one owner is nobody else's business; where nobody would hear it, all may answer.
        is_told = queries.is_represented(subject.organization_id)
        given = {
            "equipment_id": equipment_id,
            "facility_id": facility_id,
            "kind": "equipment_sharing",
            "direction": "need",
            "title": _("Use of %(name)s", name=subject.name)[:200],
            "capabilities": [capability.name for capability in subject.capabilities],
            "visibility": "organization" if is_told else "public",
        }
    if (kind := text_argument("kind")) in REQUEST_KINDS:
        given["kind"] = kind
    if (direction := text_argument("direction")) in DIRECTIONS:
        given["direction"] = direction
    if title := text_argument("title"):
        given["title"] = title
    if zip_code := text_argument("zip_code", 10):
        given["zip_code"] = zip_code
    if capability := text_argument("capability", 120):
        given["capabilities"] = [capability]
    return given


def _subject_url(record: Any) -> str:
    if record.equipment_id is not None:
        return url_for("facilities.show_equipment", equipment_id=record.equipment_id)
    return url_for("facilities.show_facility", facility_id=record.facility_id)


def _to_saved(saved: Any, *, was_draft: bool = True) -> Response:
    title = saved.title
    if saved.status == "draft":
        flash(_("The draft “%(title)s” was saved.", title=title))
    elif not was_draft:
        flash(_("“%(title)s” was saved.", title=title))
    elif (asked := queries.get_request(saved.id).asked_organization) is not None:
        flash(_("“%(title)s” was sent to %(organization)s.", title=title, organization=asked.name))
    else:
        flash(_("“%(title)s” is published.", title=title))
    return _to_record(saved.id)


def _to_record(request_id: int) -> Response:
    return see_other(url_for("partnerships.show", request_id=request_id))


def _to_response(response_id: int) -> Response:
    return see_other(url_for("partnerships.show_response", response_id=response_id))
