"""What the pages of a facility and of equipment share."""

import io
from collections.abc import Callable
from typing import Any

import segno
from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.facilities.forms import AddPhotosForm, PhotoForm
from portal.facilities.queries.records import (
    Record,
    county_label_of,
    get_photo,
    is_shared,
    kind_of,
    place_of_record,
    version_of,
)
from portal.facilities.schemas import equipment_linked_data, facility_linked_data
from portal.facilities.views.offers import change_visibility, delete, tell_saved
from portal.kernel.clock import now
from portal.kernel.errors import Invalid
from portal.kernel.files import send_stored_file
from portal.kernel.listing import VISIBILITIES
from portal.kernel.web.addresses import external_url
from portal.kernel.web.answers import flash, linked_data_answer, not_modified, page, see_other
from portal.kernel.web.viewer import current_actor
from portal.organizations.rules import is_stale


def url_of(record: Record, action: str = "show_{}", **values: Any) -> str:
    """Return an address about a record. action: an endpoint, with {} for the kind of record."""
    kind = kind_of(record)
    numbers: dict[str, Any] = {f"{kind}_id": record.id, **values}
    return url_for(f"facilities.{action.format(kind)}", **numbers)


def is_public(record: Record) -> bool:
    """Tell whether everybody may see a record."""
    return record.visibility == "public" and record.organization.status == "active"


def record_context(record: Record) -> dict[str, Any]:
    """Return what the pages of a record take."""
    place = place_of_record(record)
    return {
        "kind": kind_of(record),
        "organization": record.organization,
        "place": place,
        "county": county_label_of(record),
        "is_stale": is_stale(record.confirmed_at, now()),
        "ask_url": _ask_url(record),
        "url": lambda action="show_{}", **values: url_of(record, action, **values),
        "record_url": _external(record),
        "audiences": VISIBILITIES,
    }


def _external(record: Record) -> str:
    kind = kind_of(record)
    numbers: dict[str, Any] = {f"{kind}_id": record.id}
    return external_url(f"facilities.show_{kind}", **numbers)


def _ask_url(record: Record) -> str | None:
    """Return where others ask to use a record; nobody asks for what is in-house or one's own."""
    if record.organization_id in current_actor().memberships or not is_shared(record):
        return None
    named: dict[str, Any] = {kind_of(record): record.id}
    return url_for("partnerships.create_request", **named)


def unchanged(record: Record, *related: list[Any]) -> Response | None:
    """Answer 304 to a visitor whose copy is still right; people signed in get messages."""
    if current_actor().user_id is not None:
        return None
    return not_modified(
        *version_of(record),
        now().date(),
        *related,
        is_public=is_public(record),
    )


def after_saving(record: Record) -> ResponseReturnValue:
    """Say that a record was saved, and show it."""
    tell_saved(record, record.name)
    return see_other(url_of(record))


def change_record_visibility(record: Record, command: Callable[..., Any]) -> ResponseReturnValue:
    """Change who sees a record."""
    return change_visibility(
        record,
        record.name,
        command,
        url=url_of(record),
        undo_url=lambda before: url_of(record, "change_{}_visibility", visibility=before),
    )


def delete_record(record: Record, command: Callable[..., Any], text: str) -> ResponseReturnValue:
    """Delete a record once that is confirmed. text: what goes with it."""
    return delete(
        record,
        record.name,
        command,
        text=text,
        url=url_of(record),
        list_endpoint="facilities.list_own",
    )


def edit_photos(record: Record, command: Callable[..., Any]) -> ResponseReturnValue:
    """Show a record's photos to its editors, and take new ones."""
    form = AddPhotosForm.bind()
    if form.submitted():
        saved = form.attempt(command, current_actor(), record, **form.data)
        if saved is not None:
            flash(ngettext("The photo was added.", "The photos were added.", len(form.photos.data)))
            return see_other(url_of(record, "edit_{}_photos"))
    return page("facilities/photos.html", form=form, record=record, **record_context(record))


def change_photo(record: Record, photo_id: int, command: Callable[..., Any]) -> ResponseReturnValue:
    """Change a photo's caption or place."""
    form = PhotoForm.bind()
    if not form.validate():
        raise Invalid("caption", " ".join(text for _id, _label, text in form.problems))
    command(current_actor(), record, photo_id=photo_id, **form.data)
    flash(_("The photo was changed."))
    return see_other(url_of(record, "edit_{}_photos"))


def send_photo(record: Record, photo_id: int) -> Response:
    """Answer with a photo, whole or small."""
    file = get_photo(record, photo_id)
    return send_stored_file(
        file, is_small=request.args.get("size") == "small", is_public=is_public(record)
    )


def send_code(record: Record) -> Response:
    """Draw the QR code of a record's public address; no styles, so that any page may show it."""
    out = io.BytesIO()
    segno.make(_external(record), error="m", micro=False).save(
        out, kind="svg", scale=8, border=4, dark="#000", light="#fff", xmldecl=False, nl=False
    )
    return Response(out.getvalue(), mimetype="image/svg+xml")


def send_linked_data(record: Record) -> ResponseReturnValue:
    """Answer with a record as linked data."""
    if reply := not_modified(*version_of(record), is_public=is_public(record)):
        return reply
    return linked_data_answer(linked_data_of(record))


_LINKED_DATA: dict[str, Callable[..., dict[str, Any]]] = {
    "facility": facility_linked_data,
    "equipment": equipment_linked_data,
}


def linked_data_of(record: Record) -> dict[str, Any]:
    """Return a record as linked data, under the portal's public address."""
    root = external_url("facilities.list_equipment").removesuffix("/equipment")
    return _LINKED_DATA[kind_of(record)](
        record,
        url=_external(record),
        organization_url=f"{root}/organizations/{record.organization_id}",
        photo_urls=[
            root + url_of(record, "show_{}_photo", photo_id=photo.id) for photo in record.photos
        ],
    )
