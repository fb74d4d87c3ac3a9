"""The form of a request: writing one, changing it, and its attachments."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.authorization import authorize
from portal.kernel.clock import today_here
from portal.kernel.errors import Conflict, check_all
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import confirmed, record_number, text_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.desk import list_asked_by
from portal.organizations.queries.profiles import find_organization, organization_choices
from portal.organizations.queries.resolving import check_named
from portal.partnerships.forms import AUDIENCES, RequestPageForm, request_values
from portal.partnerships.policies import Permission
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries.quality import assess_values
from portal.partnerships.rules.examples import KIND_HELP, examples_of
from portal.partnerships.rules.publishing import PLAIN_FIELDS, Incomplete, missing_fields
from portal.partnerships.rules.words import DIRECTIONS, REQUEST_KINDS
from portal.partnerships.rules.workflows import EDITABLE_STATUSES
from portal.partnerships.services import requests as services
from portal.partnerships.views.blueprint import blueprint
from portal.partnerships.views.responses import offer_organizations


@blueprint.route("/requests/new", methods=["GET", "POST"])
def create_request() -> ResponseReturnValue:
    """Write a request: as a draft, or published at once."""
    actor = current_actor()
    authorize(actor, Permission.REQUEST_VIEW_OWN)
    choices = organization_choices(actor)
    if not choices:
        return page(
            "partnerships/no_organization.html",
            asked=list_asked_by(actor, 5),
            here=request.full_path.rstrip("?"),
        )
    form = RequestPageForm.bind(**(_prefill() if request.method == "GET" else {}))
    offer_organizations(form, choices)
    subject = _offer_subject(form)
    check = _check_publication if _wants_publication() else check_named
    if not only_looks() and form.submitted(check):
        values = form.data
        organization = chosen(choices, values.pop("organization_id"))
        if organization is None:
            form.add_error("organization_id", _("Please choose one of your organizations."))
        else:
            saved = form.attempt(
                services.create_request,
                actor,
                organization,
                publish=_wants_publication(),
                **values,
            )
            if saved is not None:
                return to_saved(saved)
    return form_page(
        "partnerships/create.html",
        form,
        has_choice=len(choices) > 1,
        subject=subject,
        unreachable=queries.find_unreachable(choices),
        quality=_quality(form, subject) if _wants_check() else None,
    )


@blueprint.route("/requests/<int:request_id>/edit", methods=["GET", "POST"])
def edit(request_id: int) -> ResponseReturnValue:
    """Change a request; a draft may be published with it."""
    actor = current_actor()
    record = queries.get_editable_request(actor, request_id)
    if record.status not in EDITABLE_STATUSES:
        raise Conflict(_("This request is closed and can no longer be changed."))
    is_draft = record.status == "draft"
    choices = _choices_for(record)
    form = RequestPageForm.bind(
        request_values(record, is_page=True), organization_id=record.organization_id
    )
    offer_organizations(form, choices)
    publishes = is_draft and not record.is_on_behalf and _wants_publication()
    check = _check_publication if publishes or not is_draft else check_named
    if not only_looks() and form.submitted(check):
        values = form.data
        organization_id = values.pop("organization_id")
        if not is_draft:
            values.pop("equipment_id")
            values.pop("facility_id")
        saved = form.attempt(
            services.change_request,
            actor,
            record,
            publish=publishes,
            organization=chosen(choices, organization_id),
            **values,
        )
        if saved is not None:
            return to_saved(saved, was_draft=is_draft)
    return edit_page(form, request_id)


def edit_page(form: RequestPageForm, request_id: int) -> ResponseReturnValue:
    # Read again: a refused command leaves nothing loaded.
    record = queries.get_visible_request(current_actor(), request_id)
    subject = _offer_subject(form)
    choices = _choices_for(record)
    offer_organizations(form, choices)
    quality = None
    if record.status == "draft" or _wants_check():
        quality = _quality(form, subject, record)
    return form_page(
        "partnerships/edit.html",
        form,
        record=record,
        has_choice=len(choices) > 1,
        is_published=record.status != "draft",
        subject=subject,
        quality=quality,
    )


def form_page(
    template: str,
    form: RequestPageForm,
    *,
    subject: Any = None,
    has_choice: bool = False,
    is_published: bool = False,
    **context: Any,
) -> ResponseReturnValue:
    """Answer with the form of a request, as its kind and direction shape it."""
    form.mark_demanded()
    return page(
        template,
        form=form,
        has_choice=has_choice,
        is_published=is_published,
        subject=subject,
        is_told=subject is not None and queries.is_represented(subject.organization_id),
        kind_help=KIND_HELP.get(form.kind.data, ""),
        examples=examples_of(form.kind.data, form.direction.data),
        **context,
    )


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


def _check_publication(values: Mapping[str, Any]) -> None:
    """Raise Invalid with all that a form names and nobody knows, and what publication lacks."""
    check_all(lambda: check_named(values), lambda: _check_complete(values))


def _check_complete(values: Mapping[str, Any]) -> None:
    if not values.get("kind") or not values.get("direction"):
        return
    asks_one = values.get("equipment_id") or values.get("facility_id")
    unsound = dict.fromkeys((*PLAIN_FIELDS, "capabilities"))
    missing = list(missing_fields({**unsound, **values, "asked_organization_id": asks_one}))
    if missing:
        raise Incomplete(missing)


def _wants_publication() -> bool:
    return request.form.get("action") != "draft"


def _wants_check() -> bool:
    return request.form.get("action") == "check"


def only_looks() -> bool:
    """Tell whether a form was sent to be shown anew: for another kind, or with what is vague."""
    return request.form.get("action") in ("shape", "check")


def _choices_for(record: Any) -> list[tuple[int, str]]:
    """The organizations whose a draft can become; one that is posted for a firm stays its own."""
    if record.status != "draft" or record.is_on_behalf:
        return []
    choices = organization_choices(current_actor())
    return choices if record.organization_id in dict(choices) else []


def chosen(choices: list[tuple[int, str]], organization_id: int | None) -> Any:
    return find_organization(organization_id) if organization_id in dict(choices) else None


def _quality(form: RequestPageForm, subject: Any, record: Any = None) -> Any:
    """Judge what stands in the form."""
    values = form.data
    values["asked_organization_id"] = subject.organization_id if subject is not None else None
    organization = record.organization if record is not None else None
    return assess_values(
        current_actor(),
        values,
        organization=organization or find_organization(form.organization_id.data),
        besides=record.id if record is not None else None,
    )


def field_labels() -> dict[str, Any]:
    """Return what the fields of a request are called."""
    return {name: field.label.text for name, field in RequestPageForm()._fields.items()}


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
    if (copied := request.args.get("copy", type=record_number)) is not None:
        return _copied(copied)
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
    if words := text_argument("searched"):
        given["search_words"] = words
    if zip_code := text_argument("zip_code", 10):
        given["zip_code"] = zip_code
    if capability := text_argument("capability", 120):
        given["capabilities"] = [capability]
    return given


def _copied(request_id: int) -> dict[str, Any]:
    """Read what a new request takes over from an older one: all but what was for its time."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    authorize(actor, Permission.REQUEST_VIEW_INSIDE, record)
    values = vars(request_values(record, is_page=True))
    values["expires_on"] = None
    values["search_words"] = ""
    for name in ("wanted_by", "call_deadline"):
        if values[name] is not None and values[name] < today_here():
            values[name] = None
    return {**values, "organization_id": record.organization_id}


def to_saved(saved: Any, *, was_draft: bool = True) -> Response:
    title = saved.title
    if saved.status == "draft":
        flash(_("The draft “%(title)s” was saved.", title=title))
    elif not was_draft:
        flash(_("“%(title)s” was saved.", title=title))
    elif (asked := queries.get_request(saved.id).asked_organization) is not None:
        flash(_("“%(title)s” was sent to %(organization)s.", title=title, organization=asked.name))
    else:
        flash(_("“%(title)s” is published.", title=title))
    return to_record(saved.id)


def to_record(request_id: int) -> Response:
    return see_other(url_for("partnerships.show", request_id=request_id))
