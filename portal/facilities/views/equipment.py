"""Pages of a piece of equipment: record, forms, photos, documents, label."""

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.facilities.forms import (
    AddDocumentsForm,
    EquipmentForm,
    EquipmentPageForm,
    equipment_values,
)
from portal.facilities.policies import Permission
from portal.facilities.queries.listings import equipment_beside, equipment_nearby, facility_choices
from portal.facilities.queries.records import get_document, get_visible_equipment
from portal.facilities.rules import CONDITIONS, CUSTOMER_CLASSES, SHARING_LABELS
from portal.facilities.services import equipment as services
from portal.facilities.services import files
from portal.facilities.views.blueprint import blueprint
from portal.facilities.views.offers import (
    check_offer,
    create,
    offer_audiences,
    offer_organizations,
    values_of,
)
from portal.facilities.views.records import (
    after_saving,
    change_photo,
    change_record_visibility,
    delete_record,
    edit_photos,
    is_public,
    linked_data_of,
    record_context,
    send_code,
    send_linked_data,
    send_photo,
    unchanged,
    url_of,
)
from portal.kernel.authorization import authorize, can
from portal.kernel.files import send_stored_file
from portal.kernel.kept import keep_answer
from portal.kernel.web.additions import sections_of
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import record_number
from portal.kernel.web.viewer import current_actor


@blueprint.get("/equipment/<int:equipment_id>")
def show_equipment(equipment_id: int) -> ResponseReturnValue:
    """Show a piece of equipment, what stands beside it, and the same nearby."""
    actor = current_actor()
    equipment = get_visible_equipment(actor, equipment_id)
    beside = equipment_beside(actor, equipment)
    nearby = equipment_nearby(actor, equipment)
    sections = sections_of("equipment", equipment)
    at_hand = sections_of("equipment at hand", equipment)
    keep_answer()
    return unchanged(equipment, beside, nearby, sections, at_hand) or page(
        "facilities/equipment.html",
        equipment=equipment,
        sections=sections,
        at_hand=at_hand,
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
        linked_data=linked_data_of(equipment),
        **record_context(equipment),
    )


@blueprint.route("/equipment/new", methods=["GET", "POST"])
def new_equipment() -> ResponseReturnValue:
    """Add equipment."""
    form = EquipmentPageForm.bind(visibility="public")
    choices = offer_organizations(form)
    form.facility_id.choices = facility_choices(current_actor(), list(dict(choices)))
    if request.method == "GET":
        form.facility_id.data = request.args.get("facility", type=record_number)
    if form.submitted(check_offer):
        equipment = form.attempt(create, form, services.create_equipment)
        if equipment is not None:
            return after_saving(equipment)
    return page("facilities/equipment_form.html", form=form, equipment=None, choices=choices)


@blueprint.route("/equipment/<int:equipment_id>/edit", methods=["GET", "POST"])
def edit_equipment(equipment_id: int) -> ResponseReturnValue:
    """Change equipment."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    authorize(current_actor(), Permission.EQUIPMENT_EDIT, equipment)
    form = EquipmentForm.bind(equipment_values(equipment, is_page=True))
    offer_audiences(form, equipment)
    form.facility_id.choices = facility_choices(
        current_actor(), [equipment.organization_id], also=equipment.facility_id
    )
    if form.submitted(check_offer):
        saved = form.attempt(
            services.update_equipment, current_actor(), equipment, **values_of(form)
        )
        if saved is not None:
            return after_saving(equipment)
    return page("facilities/equipment_form.html", form=form, equipment=equipment, choices=[])


@blueprint.post("/equipment/<int:equipment_id>/copy")
def copy_equipment(equipment_id: int) -> ResponseReturnValue:
    """Make a draft of another machine like this one, and open its form."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    copy = services.copy_equipment(current_actor(), equipment)
    flash(_("A draft with the same facts was made. Change what differs."))
    return see_other(url_for("facilities.edit_equipment", equipment_id=copy.id))


@blueprint.post("/equipment/<int:equipment_id>/confirm")
def confirm_equipment(equipment_id: int) -> ResponseReturnValue:
    """Say that a machine's record is right."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    services.confirm_equipment(current_actor(), equipment)
    flash(_("You confirmed “%(name)s”.", name=equipment.name))
    return see_other(url_of(equipment))


@blueprint.post("/equipment/<int:equipment_id>/visibility")
def change_equipment_visibility(equipment_id: int) -> ResponseReturnValue:
    """Change who sees equipment."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    return change_record_visibility(equipment, services.change_equipment_visibility)


@blueprint.post("/equipment/<int:equipment_id>/delete")
def delete_equipment(equipment_id: int) -> ResponseReturnValue:
    """Delete equipment."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    authorize(current_actor(), Permission.EQUIPMENT_DELETE, equipment)
    return delete_record(
        equipment, services.delete_equipment, _("Its photos and documents go with it.")
    )


@blueprint.get("/equipment/<int:equipment_id>/photos")
@blueprint.post("/equipment/<int:equipment_id>/photos")
def edit_equipment_photos(equipment_id: int) -> ResponseReturnValue:
    """Show a machine's photos to its editors, and take new ones."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    authorize(current_actor(), Permission.EQUIPMENT_EDIT, equipment)
    return edit_photos(equipment, files.add_equipment_photos)


@blueprint.get("/equipment/<int:equipment_id>/photos/<int:photo_id>")
def show_equipment_photo(equipment_id: int, photo_id: int) -> ResponseReturnValue:
    """Answer with a photo, to those who may see the equipment."""
    return send_photo(get_visible_equipment(current_actor(), equipment_id), photo_id)


@blueprint.post("/equipment/<int:equipment_id>/photos/<int:photo_id>")
def change_equipment_photo(equipment_id: int, photo_id: int) -> ResponseReturnValue:
    """Change a photo's caption or place."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    return change_photo(equipment, photo_id, files.change_equipment_photo)


@blueprint.post("/equipment/<int:equipment_id>/photos/<int:photo_id>/remove")
def remove_equipment_photo(equipment_id: int, photo_id: int) -> ResponseReturnValue:
    """Take a photo away."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    files.remove_equipment_photo(current_actor(), equipment, photo_id=photo_id)
    flash(_("The photo was removed."))
    return see_other(url_for("facilities.edit_equipment_photos", equipment_id=equipment_id))


@blueprint.get("/equipment/<int:equipment_id>/documents")
@blueprint.post("/equipment/<int:equipment_id>/documents")
def edit_documents(equipment_id: int) -> ResponseReturnValue:
    """Show a machine's documents to its editors, and take new ones."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    authorize(current_actor(), Permission.EQUIPMENT_EDIT, equipment)
    form = AddDocumentsForm.bind()
    if form.submitted():
        saved = form.attempt(files.add_equipment_documents, current_actor(), equipment, **form.data)
        if saved is not None:
            count = len(form.documents.data)
            flash(ngettext("The document was added.", "The documents were added.", count))
            return see_other(url_for("facilities.edit_documents", equipment_id=equipment_id))
    return page("facilities/documents.html", form=form, equipment=equipment)


@blueprint.get("/equipment/<int:equipment_id>/documents/<int:document_id>")
def show_document(equipment_id: int, document_id: int) -> ResponseReturnValue:
    """Answer with a document, to those who may see the equipment."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    file = get_document(equipment, document_id)
    return send_stored_file(file, is_public=is_public(equipment))


@blueprint.post("/equipment/<int:equipment_id>/documents/<int:document_id>/remove")
def remove_document(equipment_id: int, document_id: int) -> ResponseReturnValue:
    """Take a document away."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    files.remove_equipment_document(current_actor(), equipment, document_id=document_id)
    flash(_("The document was removed."))
    return see_other(url_for("facilities.edit_documents", equipment_id=equipment_id))


@blueprint.get("/equipment/<int:equipment_id>/label")
def show_equipment_label(equipment_id: int) -> ResponseReturnValue:
    """Show a label to print, with a code that opens the record."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    return page("facilities/label.html", record=equipment, **record_context(equipment))


@blueprint.get("/equipment/<int:equipment_id>/qr.svg")
def show_equipment_code(equipment_id: int) -> ResponseReturnValue:
    """Answer with the QR code that opens a machine's record."""
    return send_code(get_visible_equipment(current_actor(), equipment_id))


@blueprint.get("/equipment/<int:equipment_id>.jsonld")
def show_equipment_data(equipment_id: int) -> ResponseReturnValue:
    """Answer with equipment as linked data."""
    equipment = get_visible_equipment(current_actor(), equipment_id)
    return send_linked_data(equipment)
