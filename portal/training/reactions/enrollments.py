"""What follows on enrollments: e-mails with the meetings for the calendar, and freed seats."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from portal.accounts.models import User
from portal.accounts.queries import find_user, find_user_by_email
from portal.bookings.queries.notices import calendar_host, load_wishes
from portal.bookings.rules.invitations import Entry, Party, write_schedule
from portal.bookings.rules.notices import Wishes
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now, today_here
from portal.kernel.errors import NotFound
from portal.kernel.mail import Reader, queue_mail, sender_address
from portal.kernel.web.addresses import external_url
from portal.training import events
from portal.training.models.enrollments import Enrollment
from portal.training.models.sections import Section, SectionMeeting
from portal.training.queries import enrollments as queries
from portal.training.queries.certificates import find_certificate
from portal.training.queries.sections import entry_of, get_section
from portal.training.rules.telling import (
    INTO_CALENDAR,
    OUT_OF_CALENDAR,
    RECEIPTS,
    TOLD,
    is_told,
)
from portal.training.services import enrollments as services
from portal.training.services import seats


def withdraw_what_is_open(actor: Actor) -> None:
    """Ask and wait for no seat any more, with the account."""
    for row in queries.list_open(actor):
        services.act_on_enrollment(actor, row, "withdraw")


# What an event names may be gone, or have changed again, by the time that it is delivered.


def email_on_enrollment_made(event: events.EnrollmentMade) -> None:
    """Invite who has no account in it yet; tell the others who wants to take part."""
    row = queries.find_enrollment(event.enrollment_id)
    if row is None:
        return
    if row.user_id is None and row.status in ("invited", "enrolled"):
        _invite(row)
        if row.is_by_hand:
            _tell(row, "made_by_hand", event.by_user_id)
    elif row.user_id is not None:
        _tell(row, f"made_{row.status}", event.by_user_id)


def email_on_enrollment_stepped(event: events.EnrollmentStepped) -> None:
    """Tell the others what became of an enrollment."""
    row = queries.find_enrollment(event.enrollment_id)
    # Approved and withdrawn within a second: only the last is worth a message.
    if row is None or row.status != event.status:
        return
    if event.action == "invite":
        _invite(row)
    else:
        _tell(row, event.action, event.by_user_id, event.note, gone=_left_behind(event))


def cancel_enrollments_on_section_cancelled(event: events.SectionCancelled) -> None:
    """End the enrollments of a section that will not be held."""
    try:
        section = get_section(event.section_id)
    except NotFound:
        return
    seats.cancel_enrollments(SYSTEM, section, note=event.note)


def offer_seats_on_section_changed(event: events.SectionSaved | events.SectionOpened) -> None:
    """Give seats that a section got to those who wait."""
    if not queries.is_waited_for(event.section_id):
        return
    try:
        section = get_section(event.section_id)
    except NotFound:
        return
    seats.offer_free_seats(SYSTEM, section)


def email_meetings_on_section_moved(event: events.SectionMoved) -> None:
    """Tell who takes part that the meetings of a section have changed."""
    rows = queries.list_enrolled(event.section_id)
    wishes = load_wishes([row.user_id for row in rows if row.user_id is not None])
    by = find_user(event.by_user_id)
    dropped = [
        SectionMeeting(
            id=number,
            starts_at=dt.datetime.fromisoformat(starts_at),
            ends_at=dt.datetime.fromisoformat(ends_at),
        )
        for number, starts_at, ends_at in event.dropped
    ]
    gone = _entries(rows[0].section, dropped) if rows else []
    for row in rows:
        _tell(row, "reschedule", event.by_user_id, wishes=wishes, by=by, gone=gone)


def email_holder_on_certificate_issued(event: events.CertificateIssued) -> None:
    """Send who passed the address of the certificate."""
    certificate = find_certificate(event.certificate_id)
    if certificate is None or certificate.revoked_at is not None:
        return
    person = certificate.user
    email = person.email if person else ""
    if person is None and certificate.enrollment is not None:
        email = certificate.enrollment.email
    if email and (person is None or person.is_active):
        queue_mail(
            email,
            "certificate_issued",
            reader=_reader(person, email),
            title=certificate.title,
            name=certificate.holder_name,
            provider=certificate.issuer_name,
            number=certificate.number,
            expires_on=certificate.expires_on,
            url=external_url("training.verify_certificate", number=certificate.number),
            has_account=person is not None,
            transcript_url=external_url("training.show_transcript"),
            training_url=external_url("training.list_enrollments"),
        )


def email_holder_on_certificate_revoked(event: events.CertificateRevoked) -> None:
    """Tell the holder that a certificate was taken back, and why."""
    certificate = find_certificate(event.certificate_id)
    if certificate is None or certificate.user is None or not certificate.user.is_active:
        return
    queue_mail(
        certificate.user.email,
        "certificate_revoked",
        reader=certificate.user,
        title=certificate.title,
        provider=certificate.issuer_name,
        number=certificate.number,
        reason=certificate.revoked_reason,
        url=external_url("training.verify_certificate", number=certificate.number),
    )


def _invite(row: Enrollment) -> None:
    """Send the link with which a person takes the seat, or keeps it in an account."""
    token = services.renew_enrollment_link(SYSTEM, row)
    queue_mail(
        row.email,
        "enrollment_invited",
        reader=_reader(None, row.email),
        is_kept=row.status == "invited",
        name=row.name,
        firm=row.organization.name if row.organization else "",
        by=row.enrolled_by.name if row.enrolled_by else "",
        until=row.answer_by,
        price_cents=None if row.organization_id else row.price_cents,
        owed_cents=row.price_cents,
        free_until=row.free_until,
        url=external_url("training.show_seat_link", token=token),
        **_about(row),
    )


def _tell(
    row: Enrollment,
    what: str,
    by_user_id: int | None,
    note: str = "",
    *,
    wishes: Mapping[int, Wishes] | None = None,
    by: User | None = None,
    gone: Sequence[Entry] = (),
) -> None:
    """Write to each side that is told of it. wishes, by: where they were loaded for many.

    gone: what the person's calendar has and is to have no longer.
    """
    people: dict[int, tuple[User, str]] = {}
    for side in TOLD.get(what, ()):
        for person in _people(row, side):
            people.setdefault(person.id, (person, side))
    if not (what in RECEIPTS and by_user_id == row.user_id):
        people.pop(by_user_id or 0, None)
    wishes = load_wishes(people) if wishes is None else wishes
    by = by or find_user(by_user_id)
    for person, side in people.values():
        wish = wishes.get(person.id, Wishes())
        if is_told(
            side,
            what,
            tells_person=wish.tells_person,
            tells_host=wish.tells_host,
            offers=wish.tells_offers,
        ):
            _write(row, person.email, person, what, side, note, by, gone)
    if row.user_id is None and "person" in TOLD.get(what, ()) and what != "lapse":
        _write(row, row.email, _reader(None, row.email), what, "person", note, by, gone)


def _people(row: Enrollment, side: str) -> list[User]:
    if side == "provider":
        return queries.people_of_provider(row)
    if side == "firm":
        return queries.people_of_firm(row)
    return [row.user] if row.user is not None and row.user.is_active else []


def _write(
    row: Enrollment,
    email: str,
    reader: User | Reader,
    what: str,
    side: str,
    note: str,
    by: User | None,
    gone: Sequence[Entry],
) -> None:
    queue_mail(
        email,
        "enrollment_notice",
        reader=reader,
        invitation=_calendar(row, email, what, gone) if side == "person" else "",
        what=what,
        side=side,
        person=row.name or row.email,
        firm=row.organization.name if row.organization else "",
        by=by.name if by else row.provider.name,
        until=row.answer_by,
        note=note,
        is_late=row.is_withdrawn_late,
        price_cents=row.price_cents,
        free_until=row.free_until,
        is_free=row.status == "enrolled" and today_here() <= row.free_until,
        url=(
            external_url("training.show_enrollment", enrollment_id=row.id)
            if row.user_id is not None or side != "person"
            else external_url("training.show_section", section_id=row.section_id)
        ),
        choose_url=external_url("bookings.choose_notices"),
        **_about(row),
    )


def _about(row: Enrollment) -> dict[str, Any]:
    section = row.section
    return {
        "title": section.program.title,
        "provider": row.provider.name,
        "starts_on": section.starts_on,
        "ends_on": section.ends_on,
        "place": section.place or (section.facility.name if section.facility else ""),
    }


def _calendar(row: Enrollment, email: str, what: str, gone: Sequence[Entry]) -> str:
    """Return what changes in the person's calendar."""
    held: list[Entry] = []
    if what in INTO_CALENDAR:
        held = _entries(row.section, row.section.meetings)
    elif what in OUT_OF_CALENDAR:
        gone = [*gone, *_to_come(row.section)]
    party = Party(sender_address(), row.provider.name, email, row.name)
    return write_schedule(held, gone, party, host=calendar_host(), at=now())


def _entries(section: Section, meetings: Iterable[SectionMeeting]) -> list[Entry]:
    url = external_url("training.show_section", section_id=section.id)
    return [entry_of(section, meeting, url=url) for meeting in meetings]


def _to_come(section: Section) -> list[Entry]:
    return _entries(section, [one for one in section.meetings if one.starts_at > now()])


def _left_behind(event: events.EnrollmentStepped) -> list[Entry]:
    """Return the meetings to come of the section from which somebody was moved."""
    if event.left_section_id is None:
        return []
    try:
        section = get_section(event.left_section_id)
    except NotFound:
        return []
    return _to_come(section)


def _reader(person: User | None, email: str) -> User | Reader:
    return person or find_user_by_email(email) or Reader()
