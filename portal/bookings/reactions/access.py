"""What follows on what opens the gates of bookings: e-mails, and the note of a use."""

from typing import Any

from portal.accounts.models import User
from portal.bookings import events
from portal.bookings.models.access import Clearance, Qualification
from portal.bookings.queries import asking, grants
from portal.bookings.rules.access import lapses_first
from portal.bookings.services import access
from portal.kernel.authorization import SYSTEM
from portal.kernel.mail import queue_mails
from portal.kernel.web.addresses import external_url
from portal.organizations.queries.people import managers_of


def email_host_on_access_asked(event: events.AccessAsked) -> None:
    """Ask the managers of a host to open a gate, or to say why not."""
    row = asking.find_shown_access_request(event.access_request_id)
    if row is None or row.status != "open":
        return
    queue_mails(
        managers_of(row.host_organization_id),
        "access_asked",
        kind=row.kind,
        name=row.user.name,
        organization=row.organization.name,
        thing=lambda: grants.thing_of(row),
        message=row.message,
        url=external_url("bookings.show_access_request", access_request_id=row.id),
    )


def email_person_on_access_answered(event: events.AccessAnswered) -> None:
    """Tell who asked that the host declined, and why."""
    row = asking.find_shown_access_request(event.access_request_id)
    if row is None or row.status != "declined":
        return
    queue_mails(
        _present(row.user),
        "access_declined",
        kind=row.kind,
        host=row.host.name,
        thing=lambda: grants.thing_of(row),
        note=event.note,
        url=external_url("bookings.show_access_request", access_request_id=row.id),
    )


def email_person_on_qualification_stepped(event: events.QualificationStepped) -> None:
    """Tell a person what may be operated now, or no longer, and why."""
    row = grants.find_shown_qualification(event.qualification_id)
    if row is None or (event.action == "revoke") != (row.status == "revoked"):
        return
    queue_mails(
        _present(row.user),
        "qualification_stepped",
        action=event.action,
        host=row.host.name,
        note=event.note,
        **_terms(row),
    )


def email_person_on_qualification_ends_soon(event: events.QualificationEndsSoon) -> None:
    """Tell a person that a qualification expires, or lapses by disuse, before long."""
    row = grants.find_shown_qualification(event.qualification_id)
    if row is not None and row.status == "valid" and row.ends_on is not None:
        queue_mails(
            _present(row.user), "qualification_ends_soon", host=row.host.name, **_terms(row)
        )


def email_holder_on_clearance_stepped(event: events.ClearanceStepped) -> None:
    """Tell the organization, or the person inducted, what the host has on file."""
    row = grants.find_shown_clearance(event.clearance_id)
    if row is None or (event.action == "revoke") != (row.status == "revoked"):
        return
    queue_mails(
        _holders(row), "clearance_stepped", action=event.action, note=event.note, **_validity(row)
    )


def email_holder_on_clearance_ends_soon(event: events.ClearanceEndsSoon) -> None:
    """Tell the organization, or the person inducted, that it expires before long."""
    row = grants.find_shown_clearance(event.clearance_id)
    if row is not None and row.status == "valid" and row.expires_on is not None:
        queue_mails(_holders(row), "clearance_ends_soon", **_validity(row))


def note_use_on_booking_completed(event: events.BookingStepped) -> None:
    """Keep from lapsing what was used."""
    if event.status == "completed":
        access.note_use(SYSTEM, booking_id=event.booking_id)


def _terms(row: Qualification) -> dict[str, Any]:
    return {
        "thing": lambda: grants.thing_of(row),
        "ends_on": row.ends_on,
        "by_disuse": lapses_first(row.expires_on, row.ends_on),
        "days": row.lapses_after_days,
        "url": external_url("bookings.show_qualification", qualification_id=row.id),
    }


def _present(person: User) -> list[User]:
    """Return a person to write to, unless the account is closed."""
    return [person] if person.is_active else []


def _holders(row: Clearance) -> list[User]:
    if row.user is not None:
        return _present(row.user)
    return managers_of(row.organization_id) if row.organization_id is not None else []


def _validity(row: Clearance) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "host": row.host.name,
        "holder": grants.holder_of(row),
        "ends_on": row.expires_on,
        "url": external_url("bookings.show_clearance", clearance_id=row.id),
    }
