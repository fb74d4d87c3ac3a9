"""What the pages of a host's calendar share: what they are about, and how to get around them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.bookings.queries import hosts
from portal.bookings.queries.calendar import load_calendars
from portal.bookings.queries.resources import is_written
from portal.bookings.services.calendar import open_resource
from portal.kernel.errors import NotFound
from portal.kernel.web.answers import see_other
from portal.kernel.web.viewer import current_actor

RULES = (
    "/<any(equipment, facilities, organizations, operators):place>/<int:record_id>/booking-rules"
)
_RECORDS: Mapping[str, tuple[str, str]] = {
    "equipment": ("facilities.show_equipment", "equipment_id"),
    "facilities": ("facilities.show_facility", "facility_id"),
    "organizations": ("organizations.show", "organization_id"),
}


def open_subject(place: str, record_id: int) -> hosts.Subject:
    """Return what is changed, with its resource written."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    if is_written(subject.resource):
        return subject
    return replace(subject, resource=open_resource(current_actor(), subject.record))


def written_subject(place: str, record_id: int) -> hosts.Subject:
    """Return that of which a part is changed. Raises NotFound where it can have none."""
    subject = hosts.get_subject(current_actor(), place, record_id)
    if not is_written(subject.resource):
        raise NotFound(_("This is no longer here."))
    return subject


def address_of(subject: hosts.Subject, view: str = "show_rules", **values: Any) -> str:
    return url_for(f"bookings.{view}", place=subject.place, record_id=subject.id, **values)


def back_to_rules(subject: hosts.Subject, customer_class: str = "") -> ResponseReturnValue:
    chosen = {"class": customer_class} if customer_class else {}
    return see_other(address_of(subject, **chosen))


def frame(subject: hosts.Subject) -> dict[str, Any]:
    """Return what every page here needs: what it is about, and how to get around it."""
    if subject.place in _RECORDS:
        endpoint, argument = _RECORDS[subject.place]
        numbers: dict[str, Any] = {argument: subject.id}
        record_url = url_for(endpoint, **numbers)
    else:
        record_url = url_for(
            "bookings.show_rules",
            place="organizations",
            record_id=subject.resource.organization_id,
        )
    return {
        "subject": subject,
        "record_url": record_url,
        "url": lambda view, **values: address_of(subject, view, **values),
    }


def zone_of_subject(subject: hosts.Subject) -> str:
    (calendar,) = load_calendars([subject.resource])
    return calendar.hours.zone
