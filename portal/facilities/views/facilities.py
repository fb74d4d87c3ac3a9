"""Pages of a facility: record, forms, photos, label."""

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.facilities.forms import FacilityForm, FacilityPageForm, facility_values
from portal.facilities.policies import Permission
from portal.facilities.queries.listings import equipment_of_facility
from portal.facilities.queries.records import get_visible_facility
from portal.facilities.rules import FACILITY_KINDS, week_of
from portal.facilities.services import facilities as services
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
    linked_data_of,
    record_context,
    send_code,
    send_linked_data,
    send_photo,
    unchanged,
    url_of,
)
from portal.kernel.authorization import authorize
from portal.kernel.kept import keep_answer
from portal.kernel.web.additions import sections_of
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.viewer import current_actor


@blueprint.get("/facilities/<int:facility_id>")
def show_facility(facility_id: int) -> ResponseReturnValue:
    """Show a facility with its equipment."""
    actor = current_actor()
    facility = get_visible_facility(actor, facility_id)
    equipment = equipment_of_facility(actor, facility)
    keep_answer()
    sections = sections_of("facility", facility)
    at_hand = sections_of("facility at hand", facility)
    return unchanged(facility, equipment, sections, at_hand) or page(
        "facilities/facility.html",
        facility=facility,
        equipment=equipment,
        sections=sections,
        at_hand=at_hand,
        kinds=FACILITY_KINDS,
        week=week_of(facility.opening_hours),
        linked_data=linked_data_of(facility),
        **record_context(facility),
    )


@blueprint.route("/facilities/new", methods=["GET", "POST"])
def new_facility() -> ResponseReturnValue:
    """Add a facility."""
    form = FacilityPageForm.bind(visibility="public")
    choices = offer_organizations(form)
    if form.submitted(check_offer):
        facility = form.attempt(create, form, services.create_facility)
        if facility is not None:
            return after_saving(facility)
    return page("facilities/facility_form.html", form=form, facility=None, choices=choices)


@blueprint.route("/facilities/<int:facility_id>/edit", methods=["GET", "POST"])
def edit_facility(facility_id: int) -> ResponseReturnValue:
    """Change a facility."""
    facility = get_visible_facility(current_actor(), facility_id)
    authorize(current_actor(), Permission.FACILITY_EDIT, facility)
    form = FacilityForm.bind(facility_values(facility, is_page=True))
    offer_audiences(form, facility)
    if form.submitted(check_offer):
        saved = form.attempt(services.update_facility, current_actor(), facility, **values_of(form))
        if saved is not None:
            return after_saving(facility)
    return page("facilities/facility_form.html", form=form, facility=facility, choices=[])


@blueprint.post("/facilities/<int:facility_id>/confirm")
def confirm_facility(facility_id: int) -> ResponseReturnValue:
    """Say that a facility's record is right."""
    facility = get_visible_facility(current_actor(), facility_id)
    services.confirm_facility(current_actor(), facility)
    flash(_("You confirmed “%(name)s”.", name=facility.name))
    return see_other(url_of(facility))


@blueprint.post("/facilities/<int:facility_id>/visibility")
def change_facility_visibility(facility_id: int) -> ResponseReturnValue:
    """Change who sees a facility."""
    facility = get_visible_facility(current_actor(), facility_id)
    return change_record_visibility(facility, services.change_facility_visibility)


@blueprint.post("/facilities/<int:facility_id>/delete")
def delete_facility(facility_id: int) -> ResponseReturnValue:
    """Delete a facility."""
    facility = get_visible_facility(current_actor(), facility_id)
    authorize(current_actor(), Permission.FACILITY_DELETE, facility)
    text = _("Its photos go with it. Its equipment stays with the organization.")
    return delete_record(facility, services.delete_facility, text)


@blueprint.get("/facilities/<int:facility_id>/photos")
@blueprint.post("/facilities/<int:facility_id>/photos")
def edit_facility_photos(facility_id: int) -> ResponseReturnValue:
    """Show a facility's photos to its editors, and take new ones."""
    facility = get_visible_facility(current_actor(), facility_id)
    authorize(current_actor(), Permission.FACILITY_EDIT, facility)
    return edit_photos(facility, files.add_facility_photos)


@blueprint.get("/facilities/<int:facility_id>/photos/<int:photo_id>")
def show_facility_photo(facility_id: int, photo_id: int) -> ResponseReturnValue:
    """Answer with a photo, to those who may see the facility."""
    return send_photo(get_visible_facility(current_actor(), facility_id), photo_id)


@blueprint.post("/facilities/<int:facility_id>/photos/<int:photo_id>")
def change_facility_photo(facility_id: int, photo_id: int) -> ResponseReturnValue:
    """Change a photo's caption or place."""
    facility = get_visible_facility(current_actor(), facility_id)
    return change_photo(facility, photo_id, files.change_facility_photo)


@blueprint.post("/facilities/<int:facility_id>/photos/<int:photo_id>/remove")
def remove_facility_photo(facility_id: int, photo_id: int) -> ResponseReturnValue:
    """Take a photo away."""
    facility = get_visible_facility(current_actor(), facility_id)
    files.remove_facility_photo(current_actor(), facility, photo_id=photo_id)
    flash(_("The photo was removed."))
    return see_other(url_for("facilities.edit_facility_photos", facility_id=facility_id))


@blueprint.get("/facilities/<int:facility_id>/label")
def show_facility_label(facility_id: int) -> ResponseReturnValue:
    """Show a label to print, with a code that opens the record."""
    facility = get_visible_facility(current_actor(), facility_id)
    return page("facilities/label.html", record=facility, **record_context(facility))


@blueprint.get("/facilities/<int:facility_id>/qr.svg")
def show_facility_code(facility_id: int) -> ResponseReturnValue:
    """Answer with the QR code that opens a facility."""
    return send_code(get_visible_facility(current_actor(), facility_id))


@blueprint.get("/facilities/<int:facility_id>.jsonld")
def show_facility_data(facility_id: int) -> ResponseReturnValue:
    """Answer with a facility as linked data."""
    facility = get_visible_facility(current_actor(), facility_id)
    return send_linked_data(facility)
