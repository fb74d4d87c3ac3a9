"""Pages of facilities and equipment: lists, records, forms, photos, labels, what one offers."""

import io
from collections.abc import Callable
from typing import Any

import segno
from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.facilities import queries, services
from portal.facilities.forms import (
    AddDocumentsForm,
    AddPhotosForm,
    EquipmentForm,
    EquipmentPageForm,
    FacilityForm,
    FacilityPageForm,
    PhotoForm,
    VisibilityForm,
    equipment_values,
    facility_values,
)
from portal.facilities.policies import Permission
from portal.facilities.rules import (
    CONDITIONS,
    CUSTOMER_CLASSES,
    FACILITY_KINDS,
    SHARING_LABELS,
    week_of,
)
from portal.facilities.schemas import equipment_linked_data, facility_linked_data
from portal.kernel.authorization import authorize, can
from portal.kernel.clock import now
from portal.kernel.errors import Invalid, Unauthenticated
from portal.kernel.files import send_stored_file
from portal.kernel.kept import keep_answer
from portal.kernel.listing import SEEN_BY, VISIBILITIES
from portal.kernel.web.additions import sections_of
from portal.kernel.web.addresses import external_url
from portal.kernel.web.answers import (
    flash,
    linked_data_answer,
    not_modified,
    page,
    see_other,
)
from portal.kernel.web.arguments import confirmed, record_number, text_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.rules import is_stale

blueprint = Blueprint("facilities", __name__)

_AUDIENCES = {key: label for key, label in VISIBILITIES.items() if key != "draft"}
_NOW_SEEN = {
    "draft": lambda name: _("“%(name)s” is a draft now.", name=name),
    "organization": lambda name: _("“%(name)s” is shown to your organization.", name=name),
    "members": lambda name: _("“%(name)s” is shown to members.", name=name),
    "public": lambda name: _("“%(name)s” is public.", name=name),
}


# Lists


@blueprint.get("/facilities")
def list_facilities() -> ResponseReturnValue:
    """Show the facilities that the visitor may see, by name."""
    return _show_list("facility", queries.list_facilities)


@blueprint.get("/equipment")
def list_equipment() -> ResponseReturnValue:
    """Show the equipment that the visitor may see, by name."""
    return _show_list("equipment", queries.list_equipment)


def _show_list(kind: str, load: Callable[..., Any]) -> ResponseReturnValue:
    arguments = {
        "capability": text_argument("capability", 80),
        "county": text_argument("county", 5),
    }
    given: dict[str, Any] = {name: value for name, value in arguments.items() if value}
    found = load(current_actor(), cursor=request.args.get("cursor"), **given)
    endpoint = str(request.endpoint)
    return page(
        "facilities/list.html",
        kind=kind,
        found=found,
        capability=queries.find_capability_label(arguments["capability"]),
        all_url=url_for(endpoint) if given else None,
        next_url=url_for(endpoint, cursor=found.next, **given) if found.next else None,
        labels=FACILITY_KINDS if kind == "facility" else SHARING_LABELS,
    )


@blueprint.get("/equipment/mine")
def list_own() -> ResponseReturnValue:
    """Show what an organization of the actor offers, with state and freshness."""
    actor = current_actor()
    if actor.user_id is None:
        raise Unauthenticated(_("Please sign in first."))
    wanted = request.args.get("organization", type=record_number)
    choices = queries.organization_choices(actor, also=wanted)
    chosen = wanted if wanted in dict(choices) else next((key for key, _name in choices), None)
    organization = queries.find_organization(chosen)
    if organization is None:
        return page("facilities/own.html", organization=None, choices=[])
    facilities = queries.list_facilities(actor, organization_id=organization.id, limit=100).items
    equipment = queries.list_equipment(
        actor, organization_id=organization.id, cursor=request.args.get("cursor"), limit=50
    )
    return page(
        "facilities/own.html",
        organization=organization,
        choices=[
            {
                "label": name,
                "url": url_for("facilities.list_own", organization=key),
                "is_selected": key == organization.id,
            }
            for key, name in choices
        ],
        facilities=facilities,
        equipment=equipment.items,
        is_stale=lambda item: is_stale(item.confirmed_at, now()),
        next_url=(
            url_for("facilities.list_own", organization=organization.id, cursor=equipment.next)
            if equipment.next
            else None
        ),
    )


@blueprint.post("/equipment/mine/confirm")
def confirm_own() -> ResponseReturnValue:
    """Confirm the chosen records of an organization."""
    organization = queries.get_organization(request.form.get("organization_id", type=record_number))
    count = services.confirm_records(
        current_actor(),
        organization,
        equipment_ids=_numbers("equipment_ids"),
        facility_ids=_numbers("facility_ids"),
    )
    flash(
        ngettext("%(num)d record was confirmed.", "%(num)d records were confirmed.", count)
        if count
        else _("Nothing was chosen, so nothing was confirmed.")
    )
    return see_other(url_for("facilities.list_own", organization=organization.id))


def _numbers(name: str) -> list[int]:
    return request.form.getlist(name, type=record_number)[:200]


# Facilities


@blueprint.get("/facilities/<int:facility_id>")
def show_facility(facility_id: int) -> ResponseReturnValue:
    """Show a facility with its equipment."""
    actor = current_actor()
    facility = queries.get_visible_facility(actor, facility_id)
    equipment = queries.equipment_of_facility(actor, facility)
    keep_answer()
    sections = sections_of("facility", facility)
    return _unchanged(facility, equipment, sections) or page(
        "facilities/facility.html",
        facility=facility,
        equipment=equipment,
        sections=sections,
        kinds=FACILITY_KINDS,
        week=week_of(facility.opening_hours),
        linked_data=_linked_data(facility),
        **_record_context(facility),
    )


@blueprint.route("/facilities/new", methods=["GET", "POST"])
def new_facility() -> ResponseReturnValue:
    """Add a facility."""
    form = FacilityPageForm.bind(visibility="public")
    choices = _offer_organizations(form)
    if form.submitted():
        facility = form.attempt(_create, form, services.create_facility)
        if facility is not None:
            return _after_saving(facility)
    return page("facilities/facility_form.html", form=form, facility=None, choices=choices)


@blueprint.route("/facilities/<int:facility_id>/edit", methods=["GET", "POST"])
def edit_facility(facility_id: int) -> ResponseReturnValue:
    """Change a facility."""
    facility = queries.get_visible_facility(current_actor(), facility_id)
    authorize(current_actor(), Permission.FACILITY_EDIT, facility)
    form = FacilityForm.bind(facility_values(facility, is_page=True))
    _offer_audiences(form, facility)
    if form.submitted():
        saved = form.attempt(
            services.update_facility, current_actor(), facility, **_values_of(form)
        )
        if saved is not None:
            return _after_saving(facility)
    return page("facilities/facility_form.html", form=form, facility=facility, choices=[])


@blueprint.post("/facilities/<int:facility_id>/confirm")
def confirm_facility(facility_id: int) -> ResponseReturnValue:
    """Say that a facility's record is right."""
    facility = queries.get_visible_facility(current_actor(), facility_id)
    services.confirm_facility(current_actor(), facility)
    flash(_("You confirmed “%(name)s”.", name=facility.name))
    return see_other(_url(facility))


@blueprint.post("/facilities/<int:facility_id>/visibility")
def change_facility_visibility(facility_id: int) -> ResponseReturnValue:
    """Change who sees a facility."""
    facility = queries.get_visible_facility(current_actor(), facility_id)
    return _change_visibility(facility, services.change_facility_visibility)


@blueprint.post("/facilities/<int:facility_id>/delete")
def delete_facility(facility_id: int) -> ResponseReturnValue:
    """Delete a facility."""
    facility = queries.get_visible_facility(current_actor(), facility_id)
    authorize(current_actor(), Permission.FACILITY_DELETE, facility)
    text = _("Its photos go with it. Its equipment stays with the organization.")
    return _delete(facility, services.delete_facility, text)


@blueprint.get("/facilities/<int:facility_id>/photos")
@blueprint.post("/facilities/<int:facility_id>/photos")
def edit_facility_photos(facility_id: int) -> ResponseReturnValue:
    """Show a facility's photos to its editors, and take new ones."""
    facility = queries.get_visible_facility(current_actor(), facility_id)
    authorize(current_actor(), Permission.FACILITY_EDIT, facility)
    return _edit_photos(facility, services.add_facility_photos)


@blueprint.get("/facilities/<int:facility_id>/photos/<int:photo_id>")
def show_facility_photo(facility_id: int, photo_id: int) -> ResponseReturnValue:
    """Answer with a photo, to those who may see the facility."""
    return _send_photo(queries.get_visible_facility(current_actor(), facility_id), photo_id)


@blueprint.post("/facilities/<int:facility_id>/photos/<int:photo_id>")
def change_facility_photo(facility_id: int, photo_id: int) -> ResponseReturnValue:
    """Change a photo's caption or place."""
    facility = queries.get_visible_facility(current_actor(), facility_id)
    return _change_photo(facility, photo_id, services.change_facility_photo)


@blueprint.post("/facilities/<int:facility_id>/photos/<int:photo_id>/remove")
def remove_facility_photo(facility_id: int, photo_id: int) -> ResponseReturnValue:
    """Take a photo away."""
    facility = queries.get_visible_facility(current_actor(), facility_id)
    services.remove_facility_photo(current_actor(), facility, photo_id=photo_id)
    flash(_("The photo was removed."))
    return see_other(url_for("facilities.edit_facility_photos", facility_id=facility_id))


@blueprint.get("/facilities/<int:facility_id>/label")
def show_facility_label(facility_id: int) -> ResponseReturnValue:
    """Show a label to print, with a code that opens the record."""
    facility = queries.get_visible_facility(current_actor(), facility_id)
    return page("facilities/label.html", record=facility, **_record_context(facility))


@blueprint.get("/facilities/<int:facility_id>/qr.svg")
def show_facility_code(facility_id: int) -> ResponseReturnValue:
    """Answer with the QR code that opens a facility."""
    return _send_code(queries.get_visible_facility(current_actor(), facility_id))


@blueprint.get("/facilities/<int:facility_id>.jsonld")
def show_facility_data(facility_id: int) -> ResponseReturnValue:
    """Answer with a facility as linked data."""
    facility = queries.get_visible_facility(current_actor(), facility_id)
    return _send_linked_data(facility)


# Equipment


@blueprint.get("/equipment/<int:equipment_id>")
def show_equipment(equipment_id: int) -> ResponseReturnValue:
    """Show a piece of equipment, what stands beside it, and the same nearby."""
    actor = current_actor()
    equipment = queries.get_visible_equipment(actor, equipment_id)
    beside = queries.equipment_beside(actor, equipment)
    nearby = queries.equipment_nearby(actor, equipment)
    sections = sections_of("equipment", equipment)
    keep_answer()
    return _unchanged(equipment, beside, nearby, sections) or page(
        "facilities/equipment.html",
        equipment=equipment,
        sections=sections,
        beside=beside,
        nearby=nearby,
        facility=(
            equipment.facility
            if equipment.facility and can(actor, Permission.FACILITY_VIEW, equipment.facility)
            else None
        ),
        sharing_labels=SHARING_LABELS,
        conditions=CONDITIONS,
        customer_classes=CUSTOMER_CLASSES,
        linked_data=_linked_data(equipment),
        **_record_context(equipment),
    )


@blueprint.route("/equipment/new", methods=["GET", "POST"])
def new_equipment() -> ResponseReturnValue:
    """Add equipment."""
    form = EquipmentPageForm.bind(visibility="public")
    choices = _offer_organizations(form)
    form.facility_id.choices = queries.facility_choices(current_actor(), list(dict(choices)))
    if request.method == "GET":
        form.facility_id.data = request.args.get("facility", type=record_number)
    if form.submitted():
        equipment = form.attempt(_create, form, services.create_equipment)
        if equipment is not None:
            return _after_saving(equipment)
    return page("facilities/equipment_form.html", form=form, equipment=None, choices=choices)


@blueprint.route("/equipment/<int:equipment_id>/edit", methods=["GET", "POST"])
def edit_equipment(equipment_id: int) -> ResponseReturnValue:
    """Change equipment."""
    equipment = queries.get_visible_equipment(current_actor(), equipment_id)
    authorize(current_actor(), Permission.EQUIPMENT_EDIT, equipment)
    form = EquipmentForm.bind(equipment_values(equipment, is_page=True))
    _offer_audiences(form, equipment)
    form.facility_id.choices = queries.facility_choices(
        current_actor(), [equipment.organization_id]
    )
    if form.submitted():
        saved = form.attempt(
            services.update_equipment, current_actor(), equipment, **_values_of(form)
        )
        if saved is not None:
            return _after_saving(equipment)
    return page("facilities/equipment_form.html", form=form, equipment=equipment, choices=[])


@blueprint.post("/equipment/<int:equipment_id>/copy")
def copy_equipment(equipment_id: int) -> ResponseReturnValue:
    """Make a draft of another machine like this one, and open its form."""
    equipment = queries.get_visible_equipment(current_actor(), equipment_id)
    copy = services.copy_equipment(current_actor(), equipment)
    flash(_("A draft with the same facts was made. Change what differs."))
    return see_other(url_for("facilities.edit_equipment", equipment_id=copy.id))


@blueprint.post("/equipment/<int:equipment_id>/confirm")
def confirm_equipment(equipment_id: int) -> ResponseReturnValue:
    """Say that a machine's record is right."""
    equipment = queries.get_visible_equipment(current_actor(), equipment_id)
    services.confirm_equipment(current_actor(), equipment)
    flash(_("You confirmed “%(name)s”.", name=equipment.name))
    return see_other(_url(equipment))


@blueprint.post("/equipment/<int:equipment_id>/visibility")
def change_equipment_visibility(equipment_id: int) -> ResponseReturnValue:
    """Change who sees equipment."""
    equipment = queries.get_visible_equipment(current_actor(), equipment_id)
    return _change_visibility(equipment, services.change_equipment_visibility)


@blueprint.post("/equipment/<int:equipment_id>/delete")
def delete_equipment(equipment_id: int) -> ResponseReturnValue:
    """Delete equipment."""
    equipment = queries.get_visible_equipment(current_actor(), equipment_id)
    authorize(current_actor(), Permission.EQUIPMENT_DELETE, equipment)
    return _delete(equipment, services.delete_equipment, _("Its photos and documents go with it."))


@blueprint.get("/equipment/<int:equipment_id>/photos")
@blueprint.post("/equipment/<int:equipment_id>/photos")
def edit_equipment_photos(equipment_id: int) -> ResponseReturnValue:
    """Show a machine's photos to its editors, and take new ones."""
    equipment = queries.get_visible_equipment(current_actor(), equipment_id)
    authorize(current_actor(), Permission.EQUIPMENT_EDIT, equipment)
    return _edit_photos(equipment, services.add_equipment_photos)


@blueprint.get("/equipment/<int:equipment_id>/photos/<int:photo_id>")
def show_equipment_photo(equipment_id: int, photo_id: int) -> ResponseReturnValue:
    """Answer with a photo, to those who may see the equipment."""
    return _send_photo(queries.get_visible_equipment(current_actor(), equipment_id), photo_id)


@blueprint.post("/equipment/<int:equipment_id>/photos/<int:photo_id>")
def change_equipment_photo(equipment_id: int, photo_id: int) -> ResponseReturnValue:
    """Change a photo's caption or place."""
    equipment = queries.get_visible_equipment(current_actor(), equipment_id)
    return _change_photo(equipment, photo_id, services.change_equipment_photo)


@blueprint.post("/equipment/<int:equipment_id>/photos/<int:photo_id>/remove")
def remove_equipment_photo(equipment_id: int, photo_id: int) -> ResponseReturnValue:
    """Take a photo away."""
    equipment = queries.get_visible_equipment(current_actor(), equipment_id)
    services.remove_equipment_photo(current_actor(), equipment, photo_id=photo_id)
    flash(_("The photo was removed."))
    return see_other(url_for("facilities.edit_equipment_photos", equipment_id=equipment_id))


@blueprint.get("/equipment/<int:equipment_id>/documents")
@blueprint.post("/equipment/<int:equipment_id>/documents")
def edit_documents(equipment_id: int) -> ResponseReturnValue:
    """Show a machine's documents to its editors, and take new ones."""
    equipment = queries.get_visible_equipment(current_actor(), equipment_id)
    authorize(current_actor(), Permission.EQUIPMENT_EDIT, equipment)
    form = AddDocumentsForm.bind()
    if form.submitted():
        saved = form.attempt(
            services.add_equipment_documents, current_actor(), equipment, **form.data
        )
        if saved is not None:
            flash(_("The documents were added."))
            return see_other(url_for("facilities.edit_documents", equipment_id=equipment_id))
    return page("facilities/documents.html", form=form, equipment=equipment)


@blueprint.get("/equipment/<int:equipment_id>/documents/<int:document_id>")
def show_document(equipment_id: int, document_id: int) -> ResponseReturnValue:
    """Answer with a document, to those who may see the equipment."""
    equipment = queries.get_visible_equipment(current_actor(), equipment_id)
    file = queries.get_document(equipment, document_id)
    return send_stored_file(file, is_public=_is_public(equipment))


@blueprint.post("/equipment/<int:equipment_id>/documents/<int:document_id>/remove")
def remove_document(equipment_id: int, document_id: int) -> ResponseReturnValue:
    """Take a document away."""
    equipment = queries.get_visible_equipment(current_actor(), equipment_id)
    services.remove_equipment_document(current_actor(), equipment, document_id=document_id)
    flash(_("The document was removed."))
    return see_other(url_for("facilities.edit_documents", equipment_id=equipment_id))


@blueprint.get("/equipment/<int:equipment_id>/label")
def show_equipment_label(equipment_id: int) -> ResponseReturnValue:
    """Show a label to print, with a code that opens the record."""
    equipment = queries.get_visible_equipment(current_actor(), equipment_id)
    return page("facilities/label.html", record=equipment, **_record_context(equipment))


@blueprint.get("/equipment/<int:equipment_id>/qr.svg")
def show_equipment_code(equipment_id: int) -> ResponseReturnValue:
    """Answer with the QR code that opens a machine's record."""
    return _send_code(queries.get_visible_equipment(current_actor(), equipment_id))


@blueprint.get("/equipment/<int:equipment_id>.jsonld")
def show_equipment_data(equipment_id: int) -> ResponseReturnValue:
    """Answer with equipment as linked data."""
    equipment = queries.get_visible_equipment(current_actor(), equipment_id)
    return _send_linked_data(equipment)


# What both share


def _url(record: queries.Record, action: str = "show_{}", **values: Any) -> str:
    kind = queries.kind_of(record)
    numbers: dict[str, Any] = {f"{kind}_id": record.id, **values}
    return url_for(f"facilities.{action.format(kind)}", **numbers)


def _is_public(record: queries.Record) -> bool:
    return record.visibility == "public" and record.organization.status == "active"


def _record_context(record: queries.Record) -> dict[str, Any]:
    place = queries.place_of_record(record)
    return {
        "kind": queries.kind_of(record),
        "organization": record.organization,
        "place": place,
        "county": queries.county_label_of(record),
        "is_stale": is_stale(record.confirmed_at, now()),
        "ask_url": _ask_url(record),
        "url": lambda action="show_{}", **values: _url(record, action, **values),
        "record_url": _external(record),
        "audiences": VISIBILITIES,
    }


def _external(record: queries.Record) -> str:
    kind = queries.kind_of(record)
    numbers: dict[str, Any] = {f"{kind}_id": record.id}
    return external_url(f"facilities.show_{kind}", **numbers)


def _ask_url(record: queries.Record) -> str | None:
    """Return where others ask to use a record; nobody asks for what is in-house or one's own."""
    if record.organization_id in current_actor().memberships or not queries.is_shared(record):
        return None
    named: dict[str, Any] = {queries.kind_of(record): record.id}
    return url_for("partnerships.create_request", **named)


def _unchanged(record: queries.Record, *related: list[Any]) -> Response | None:
    """Answer 304 to a visitor whose copy is still right; people signed in get messages."""
    if current_actor().user_id is not None:
        return None
    return not_modified(
        *queries.version_of(record),
        now().date(),
        *related,
        is_public=_is_public(record),
    )


def _offer_organizations(form: FacilityPageForm | EquipmentPageForm) -> list[tuple[int, str]]:
    """Let a new record's form offer the actor's organizations, and the audiences of a record."""
    actor = current_actor()
    if actor.user_id is None:
        raise Unauthenticated(_("Please sign in first."))
    wanted = (
        request.form.get("organization_id", type=record_number)
        if request.method == "POST"
        else request.args.get("organization", type=record_number)
    )
    choices = queries.organization_choices(actor, also=wanted)
    form.organization_id.choices = choices
    form.visibility.choices = list(_AUDIENCES.items())
    if request.method == "GET" and choices:
        form.organization_id.data = wanted if wanted in dict(choices) else choices[0][0]
    return choices


def _offer_audiences(form: FacilityForm | EquipmentForm, record: queries.Record) -> None:
    """A draft's form has buttons for publishing and keeping it; its list has only audiences."""
    if record.visibility == "draft":
        form.visibility.choices = list(_AUDIENCES.items())
        if request.method == "GET":
            form.visibility.data = "public"


def _create(form: FacilityPageForm | EquipmentPageForm, command: Callable[..., Any]) -> Any:
    values = _values_of(form)
    organization = queries.find_organization(values.pop("organization_id"))
    if organization is None:
        raise Invalid("organization_id", _("There is no such organization."))
    return command(current_actor(), organization, **values)


def _values_of(form: FacilityForm | EquipmentForm) -> dict[str, Any]:
    values = dict(form.data)
    if request.form.get("action") == "draft":
        values["visibility"] = "draft"
    return values


def _after_saving(record: queries.Record) -> ResponseReturnValue:
    saved = _("“%(name)s” was saved.", name=record.name)
    flash(f"{saved} {SEEN_BY[record.visibility]}")
    return see_other(_url(record))


def _change_visibility(record: queries.Record, command: Callable[..., Any]) -> ResponseReturnValue:
    form = VisibilityForm(request.values)
    if not form.validate():
        raise Invalid("visibility", _("Please choose who may see it."))
    before = record.visibility
    command(current_actor(), record, visibility=form.visibility.data)
    flash(
        _NOW_SEEN[form.visibility.data](record.name),
        undo_url=_url(record, "change_{}_visibility", visibility=before),
    )
    return see_other(_url(record))


def _delete(record: queries.Record, command: Callable[..., Any], text: str) -> ResponseReturnValue:
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Delete “%(name)s”?", name=record.name),
            text=text,
            action=_("Delete"),
            cancel_url=_url(record),
        )
    name, organization_id = record.name, record.organization_id
    command(current_actor(), record)
    flash(_("“%(name)s” was deleted.", name=name))
    return see_other(url_for("facilities.list_own", organization=organization_id))


def _edit_photos(record: queries.Record, command: Callable[..., Any]) -> ResponseReturnValue:
    form = AddPhotosForm.bind()
    if form.submitted():
        saved = form.attempt(command, current_actor(), record, **form.data)
        if saved is not None:
            flash(_("The photos were added."))
            return see_other(_url(record, "edit_{}_photos"))
    return page("facilities/photos.html", form=form, record=record, **_record_context(record))


def _change_photo(
    record: queries.Record, photo_id: int, command: Callable[..., Any]
) -> ResponseReturnValue:
    form = PhotoForm.bind()
    if not form.validate():
        raise Invalid("caption", " ".join(text for _id, _label, text in form.problems))
    command(current_actor(), record, photo_id=photo_id, **form.data)
    flash(_("The photo was changed."))
    return see_other(_url(record, "edit_{}_photos"))


def _send_photo(record: queries.Record, photo_id: int) -> Response:
    file = queries.get_photo(record, photo_id)
    return send_stored_file(
        file, is_small=request.args.get("size") == "small", is_public=_is_public(record)
    )


def _send_code(record: queries.Record) -> Response:
    """Draw the QR code of a record's public address; no styles, so that any page may show it."""
    out = io.BytesIO()
    segno.make(_external(record), error="m", micro=False).save(
        out, kind="svg", scale=8, border=4, dark="#000", light="#fff", xmldecl=False, nl=False
    )
    return Response(out.getvalue(), mimetype="image/svg+xml")


def _send_linked_data(record: queries.Record) -> ResponseReturnValue:
    if reply := not_modified(*queries.version_of(record), is_public=_is_public(record)):
        return reply
    return linked_data_answer(_linked_data(record))


_LINKED_DATA: dict[str, Callable[..., dict[str, Any]]] = {
    "facility": facility_linked_data,
    "equipment": equipment_linked_data,
}


def _linked_data(record: queries.Record) -> dict[str, Any]:
    root = external_url("facilities.list_equipment").removesuffix("/equipment")
    return _LINKED_DATA[queries.kind_of(record)](
        record,
        url=_external(record),
        organization_url=f"{root}/organizations/{record.organization_id}",
        photo_urls=[
            root + _url(record, "show_{}_photo", photo_id=photo.id) for photo in record.photos
        ],
    )
