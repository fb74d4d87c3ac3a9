"""Commands of what opens gates: qualifications, recognitions, clearances, and who asks for them."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from portal.bookings.events import AccessAsked, ClearanceEndsSoon, QualificationEndsSoon
from portal.bookings.models.access import AccessRequest, Clearance, Qualification, Recognition
from portal.bookings.models.booking import Booking
from portal.bookings.policies import Permission
from portal.bookings.queries import asking, recognitions
from portal.bookings.queries import grants as queries
from portal.bookings.rules.access import last_day
from portal.bookings.rules.words import (
    ACCESS_REQUESTS,
    CLEARANCES,
    QUALIFICATIONS,
    RECOGNITIONS,
)
from portal.facilities.models import Equipment, Facility
from portal.facilities.queries.records import get_visible_equipment, get_visible_facility
from portal.kernel.authorization import Actor
from portal.kernel.clock import date_here, now, today_here
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.files import keep_file
from portal.kernel.outbox import record
from portal.organizations.models import Organization
from portal.organizations.queries.profiles import get_named_organization
from portal.organizations.queries.resolving import get_capabilities
from portal.skills.queries import get_named_credential

# Asking


@command(Permission.ACCESS_ASK)
def ask_for_access(
    actor: Actor,
    host: Organization,
    *,
    organization_id: int,
    kind: str,
    equipment_id: int | None = None,
    facility_id: int | None = None,
    capability: str = "",
    message: str = "",
) -> AccessRequest:
    """Ask a host to open a gate, for somebody who books for an organization.

    capability: a key or name, to ask for all of it instead of for the one piece of equipment.
    What is asked for already and still waits is returned as it is: asking twice is one request.
    """
    if host.status != "active":
        raise Conflict(_("This organization is archived."))
    if organization_id not in actor.memberships:
        raise Invalid("organization_id", _("Please choose one of your organizations."))
    if kind in ("agreement", "insurance") and organization_id == host.id:
        raise Invalid("organization_id", _("Your own organization needs none with itself."))
    key = _capability_key(capability) if kind == "qualification" and capability else None
    if key is not None:
        equipment_id = None
    _check_asked_for(actor, host, equipment_id, facility_id)
    if kind == "qualification" and equipment_id is None and key is None:
        raise Invalid("capability", _("Please say what you want to operate."))
    wanted: dict[str, Any] = {
        "host_organization_id": host.id,
        "user_id": actor.user_id,
        "organization_id": organization_id,
        "kind": kind,
        "equipment_id": equipment_id,
        "facility_id": facility_id,
        "capability_key": key,
    }
    waiting = asking.find_open_request(wanted)
    if waiting is not None:
        return waiting
    row = AccessRequest(**wanted, message=message, status="open")
    session.add(row)
    session.flush()
    record(AccessAsked(row.id))
    return row


def _check_asked_for(
    actor: Actor, host: Organization, equipment_id: int | None, facility_id: int | None
) -> None:
    for number, load in (
        (equipment_id, get_visible_equipment),
        (facility_id, get_visible_facility),
    ):
        if number is not None and load(actor, number).organization_id != host.id:
            raise Invalid(None, _("This belongs to another organization."))


@command(ACCESS_REQUESTS.permission)
def act_on_access_request(
    actor: Actor, access_request: AccessRequest, action: str, *, note: str = ""
) -> AccessRequest:
    """Decline what was asked for (the host, with a reason), or withdraw it (who asked)."""
    _close(actor, access_request, action, note)
    return access_request


def _close(actor: Actor, row: AccessRequest, action: str, note: str = "") -> None:
    row.closed_at = now()
    if action == "decline":
        row.answer = note.strip()
    ACCESS_REQUESTS.apply(actor, row, action, note=note)


def _settle(actor: Actor, rows: Iterable[AccessRequest]) -> None:
    """Close as granted what was asked for and now is there."""
    for row in rows:
        _close(actor, row, "grant")


# Qualifications


@command(Permission.QUALIFICATION_GRANT)
def grant_qualification(
    actor: Actor,
    host: Organization,
    *,
    user_id: int | None = None,
    email: str = "",
    equipment_id: int | None = None,
    capability: str = "",
    granted_on: dt.date | None = None,
    expires_on: dt.date | None = None,
    lapses_after_days: int | None = None,
    evidence: str = "",
    recognition_id: int | None = None,
    document: FileStorage | None = None,
) -> Qualification:
    """Grant a person the right to operate one piece of equipment, or all of a capability.

    The person is one of the host's own, or has booked or asked there: chosen by `user_id`, or named
    by the exact address. For anybody else the refusal is the same, whether there is such an account
    or not. A person has one qualification for one thing, so granting it again gives it new dates.
    """
    person = _known_person(host, user_id, email)
    if (equipment_id is None) == (not capability):
        raise Invalid("equipment_id", _("Please choose equipment or a capability, not both."))
    if equipment_id is not None:
        equipment = session.get(Equipment, equipment_id)
        if equipment is None or equipment.organization_id != host.id:
            raise Invalid("equipment_id", _("Please choose equipment of your organization."))
    key = _capability_key(capability) if capability else None
    if recognition_id is not None:
        recognition = session.get(Recognition, recognition_id)
        if recognition is None or not recognitions.is_credential_of(recognition, host.id):
            raise Invalid("recognition_id", _("Please choose a credential that you recognize."))
    row = queries.find_qualification(host.id, person, equipment_id, key)
    if row is None:
        row = Qualification(
            host_organization_id=host.id,
            user_id=person,
            equipment_id=equipment_id,
            capability_key=key,
            status="valid",
            created_by_id=actor.user_id,
        )
    row.evidence, row.recognition_id, row.certificate_path = evidence, recognition_id, ""
    _set_terms(row, granted_on, expires_on, lapses_after_days)
    row.evidence_file_id = keep_file(
        document, field="document", user_id=actor.user_id, before_id=row.evidence_file_id
    )
    session.add(row)
    session.flush()
    QUALIFICATIONS.apply(actor, row, "grant", note=evidence)
    _settle(actor, asking.list_answered_by(row))
    return row


@command(Permission.QUALIFICATION_EDIT)
def renew_qualification(
    actor: Actor,
    qualification: Qualification,
    *,
    granted_on: dt.date | None = None,
    expires_on: dt.date | None = None,
    lapses_after_days: int | None = None,
    evidence: str = "",
    document: FileStorage | None = None,
) -> Qualification:
    """Give a qualification new dates: its disuse counts anew from the day it was proven again."""
    _set_terms(qualification, granted_on, expires_on, lapses_after_days)
    qualification.evidence = evidence or qualification.evidence
    qualification.evidence_file_id = keep_file(
        document, field="document", user_id=actor.user_id, before_id=qualification.evidence_file_id
    )
    QUALIFICATIONS.apply(actor, qualification, "renew", note=evidence)
    return qualification


@command(Permission.QUALIFICATION_KEEP)
def grant_by_certificate(
    actor: Actor,
    *,
    user_id: int,
    credential_id: int,
    certificate_path: str,
    issued_at: dt.datetime,
    expires_on: dt.date | None,
    evidence: str,
    provider_id: int,
    recognition_id: int | None = None,
    host_id: int | None = None,
) -> int:
    """Qualify who holds a certificate wherever its credential is recognized; return how often.

    certificate_path: the page here that says whether the certificate is good. provider_id: who
    awarded it, whom a host may have to name. recognition_id,
    host_id: by this word alone, at this host alone. What a host has granted for longer stays as
    it is; what its people have revoked comes back only by a certificate that was issued later.
    """
    if expires_on is not None and expires_on < today_here():
        return 0
    granted = 0
    for recognition in recognitions.list_recognitions_of_credential(credential_id):
        if recognition_id not in (None, recognition.id):
            continue
        if host_id not in (None, recognition.host_organization_id):
            continue
        if not recognition.takes_from(provider_id):
            continue
        row = queries.find_qualification(
            recognition.host_organization_id, user_id, None, recognition.capability_key
        )
        if row is None:
            row = Qualification(
                host_organization_id=recognition.host_organization_id,
                user_id=user_id,
                capability_key=recognition.capability_key,
                status="valid",
            )
        elif not _gives_way(row, certificate_path, issued_at, expires_on):
            continue
        row.recognition_id, row.certificate_path = recognition.id, certificate_path
        row.evidence, row.lapses_after_days = evidence, None
        row.granted_on, row.expires_on = date_here(issued_at), expires_on
        _set_end(row)
        session.add(row)
        session.flush()
        QUALIFICATIONS.apply(actor, row, "grant", note=evidence)
        _settle(actor, asking.list_answered_by(row))
        granted += 1
    return granted


def _gives_way(
    row: Qualification, certificate_path: str, issued_at: dt.datetime, expires_on: dt.date | None
) -> bool:
    """Tell whether a certificate takes the place of what a host has on file already."""
    if row.status == "revoked":
        revoked_at = queries.revoked_at(row)
        return revoked_at is None or issued_at > revoked_at
    if row.certificate_path == certificate_path or row.ends_on is None:
        return False
    return expires_on is None or expires_on > row.ends_on


@command(Permission.QUALIFICATION_KEEP)
def revoke_by_certificate(
    actor: Actor, *, certificate_path: str, note: str, but_at_host_id: int | None = None
) -> int:
    """Revoke all that a certificate granted, since it is good no longer; return how much.

    but_at_host_id: at this host it is good still.
    """
    rows = [
        row
        for row in queries.list_granted_by_certificate(certificate_path)
        if row.host_organization_id != but_at_host_id
    ]
    for row in rows:
        QUALIFICATIONS.apply(actor, row, "revoke", note=note)
    return len(rows)


@command(QUALIFICATIONS.permission)
def act_on_qualification(
    actor: Actor, qualification: Qualification, action: str, *, note: str = ""
) -> Qualification:
    """Revoke a qualification, with the reason that the person is told."""
    QUALIFICATIONS.apply(actor, qualification, action, note=note)
    return qualification


@command(Permission.QUALIFICATION_KEEP)
def note_use(actor: Actor, *, booking_id: int) -> int:
    """Note on what opened the gate of a completed booking that it was used; return how many."""
    booking = session.get(Booking, booking_id)
    if booking is None or booking.status != "completed" or booking.user_id is None:
        return 0
    used_at = booking.used_until or booking.ends_at
    kept = 0
    for row in queries.list_used(booking):
        if row.last_used_at is None or row.last_used_at < used_at:
            row.last_used_at = used_at
            _set_end(row)
            kept += 1
    return kept


@command(Permission.QUALIFICATION_KEEP)
def warn_of_ends(actor: Actor) -> int:
    """Warn once of each end within the next weeks; return how many were warned of."""
    qualifications = queries.list_ending_qualifications()
    for qualification in qualifications:
        qualification.warned_at = now()
        record(QualificationEndsSoon(qualification.id))
    clearances = queries.list_ending_clearances()
    for clearance in clearances:
        clearance.warned_at = now()
        record(ClearanceEndsSoon(clearance.id))
    return len(qualifications) + len(clearances)


def _known_person(host: Organization, user_id: int | None, email: str) -> int:
    if (user_id is None) == (not email):
        raise Invalid("email", _("Please choose a person, or give the e-mail address."))
    person = queries.find_known_person(host.id, user_id=user_id, email=email)
    if person is None:
        raise Invalid(
            "email" if email else "user_id",
            _(
                "Nobody with this address has booked or asked here. "
                "Let the person ask on the page of your equipment or facility first."
            ),
        )
    return person


def _set_terms(
    row: Qualification,
    granted_on: dt.date | None,
    expires_on: dt.date | None,
    lapses_after_days: int | None,
) -> None:
    row.granted_on = granted_on or today_here()
    if row.granted_on > today_here():
        raise Invalid("granted_on", _("Please choose a day that has come already."))
    if expires_on is not None and expires_on < today_here():
        raise Invalid("expires_on", _("Please choose a day that is not over."))
    row.expires_on, row.lapses_after_days = expires_on, lapses_after_days
    _set_end(row)


def _set_end(row: Qualification) -> None:
    """Work out anew when a qualification ends; of another end there is another warning."""
    used_on = date_here(row.last_used_at) if row.last_used_at else None
    ends_on = last_day(row.granted_on, row.expires_on, row.lapses_after_days, used_on)
    if ends_on != row.ends_on:
        row.ends_on, row.warned_at = ends_on, None


def _capability_key(name: str) -> str:
    try:
        return get_capabilities([name])[0].key
    except Invalid as error:
        raise Invalid("capability", error.message) from error


# Recognitions


@command(Permission.RECOGNITION_ADD)
def add_recognition(
    actor: Actor,
    host: Organization,
    *,
    organization: str = "",
    credential: str = "",
    providers: Sequence[str] = (),
    capability: str = "",
    note: str = "",
) -> Recognition:
    """Take the word of another host (named, or by the address of its page), or of a credential.

    Whoever holds a certificate of the credential, now or later, is qualified here by it, if a
    broker has verified who awarded it. providers: named like hosts; of these alone.
    """
    if bool(organization) == bool(credential):
        raise Invalid("organization", _("Please name an organization or a credential, not both."))
    other = get_named_organization(organization) if organization else None
    if other is not None and other.id == host.id:
        raise Invalid("organization", _("This is your own organization."))
    if providers and not credential:
        raise Invalid("providers", _("Please name the credential that they award."))
    named = _providers(providers)
    known = get_named_credential(credential) if credential else None
    key = _capability_key(capability) if capability else None
    other_id, known_id = other.id if other else None, known.id if known else None
    row = recognitions.find_recognition(host.id, other_id, known_id, key)
    if row is None:
        row = Recognition(
            host_organization_id=host.id,
            recognized_organization_id=other_id,
            credential_id=known_id,
            capability_key=key,
            status="valid",
            created_by_id=actor.user_id,
            providers=[],
        )
        session.add(row)
    elif row.status == "valid":
        raise Invalid("organization" if other else "credential", _("You recognize this already."))
    row.providers, row.is_by_named_providers = named, bool(named)
    session.flush()
    RECOGNITIONS.apply(actor, row, "grant", note=note)
    return row


@command(RECOGNITIONS.permission)
def act_on_recognition(
    actor: Actor, recognition: Recognition, action: str, *, note: str = ""
) -> Recognition:
    """Recognize something no longer. What was granted for a credential stays as it is."""
    RECOGNITIONS.apply(actor, recognition, action, note=note)
    return recognition


def _providers(names: Sequence[str]) -> list[Organization]:
    try:
        found = [get_named_organization(name) for name in names]
    except Invalid as error:
        raise Invalid("providers", error.message) from error
    return list(dict.fromkeys(found))


# Clearances


@command(Permission.CLEARANCE_FILE)
def file_clearance(
    actor: Actor,
    host: Organization,
    *,
    kind: str,
    organization: str = "",
    user_id: int | None = None,
    email: str = "",
    facility_id: int | None = None,
    valid_from: dt.date | None = None,
    expires_on: dt.date | None = None,
    reference: str = "",
    document: FileStorage | None = None,
) -> Clearance:
    """File an agreement or insurance certificate of an organization, or a person's induction.

    facility_id: where an induction is for one facility alone.
    """
    row = Clearance(
        host_organization_id=host.id,
        kind=kind,
        status="valid",
        created_by_id=actor.user_id,
        reference=reference,
    )
    if kind == "induction":
        row.user_id = _known_person(host, user_id, email)
        if facility_id is not None:
            facility = session.get(Facility, facility_id)
            if facility is None or facility.organization_id != host.id:
                raise Invalid("facility_id", _("Please choose a facility of your organization."))
            row.facility_id = facility_id
    else:
        other = get_named_organization(organization)
        if other.id == host.id:
            raise Invalid("organization", _("This is your own organization."))
        row.organization_id = other.id
    _set_validity(row, valid_from, expires_on)
    row.file_id = keep_file(document, field="document", user_id=actor.user_id, before_id=None)
    session.add(row)
    session.flush()
    CLEARANCES.apply(actor, row, "grant", note=reference)
    _settle(actor, asking.list_answered_by(row))
    return row


@command(Permission.CLEARANCE_EDIT)
def renew_clearance(
    actor: Actor,
    clearance: Clearance,
    *,
    valid_from: dt.date | None = None,
    expires_on: dt.date | None = None,
    reference: str = "",
    document: FileStorage | None = None,
) -> Clearance:
    """Give a clearance new dates, and the document that says so."""
    _set_validity(clearance, valid_from or clearance.valid_from, expires_on)
    clearance.reference = reference or clearance.reference
    clearance.file_id = keep_file(
        document, field="document", user_id=actor.user_id, before_id=clearance.file_id
    )
    CLEARANCES.apply(actor, clearance, "renew", note=reference)
    return clearance


@command(CLEARANCES.permission)
def act_on_clearance(
    actor: Actor, clearance: Clearance, action: str, *, note: str = ""
) -> Clearance:
    """Revoke a clearance, with the reason that is kept."""
    CLEARANCES.apply(actor, clearance, action, note=note)
    return clearance


def _set_validity(row: Clearance, valid_from: dt.date | None, expires_on: dt.date | None) -> None:
    valid_from = valid_from or today_here()
    if expires_on is not None and expires_on < max(valid_from, today_here()):
        raise Invalid("expires_on", _("Please choose a day that is not over."))
    if expires_on != row.expires_on:
        row.warned_at = None
    row.valid_from, row.expires_on = valid_from, expires_on
