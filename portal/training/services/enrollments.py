"""Commands on enrollments: made, answered, decided, withdrawn, moved.

Each locks the section first; whoever frees a seat gives it to the next in line in the same
transaction, so nobody ever waits while a seat is free.
"""

import datetime as dt
import hashlib
import secrets
from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import update

from portal.accounts.models import User
from portal.accounts.rules import hash_secret
from portal.bookings.rules.customers import customer_class_of
from portal.kernel.authorization import Actor
from portal.kernel.clock import now, today_here
from portal.kernel.commands import command
from portal.kernel.database import lock, session
from portal.kernel.errors import Conflict, Invalid, NotFound, TooMany
from portal.kernel.outbox import record
from portal.organizations.models import Organization
from portal.organizations.queries.people import managers_of
from portal.organizations.queries.profiles import get_named_organization
from portal.training.events import CertificateIssued, EnrollmentMade, EnrollmentStepped
from portal.training.models.enrollments import Enrollment
from portal.training.models.sections import Section
from portal.training.policies import Permission
from portal.training.queries import enrollments as queries
from portal.training.queries import sections as section_queries
from portal.training.queries.certificates import list_of_enrollment
from portal.training.queries.holding import kept_until
from portal.training.rules.enrollments import (
    ENROLLMENTS,
    KEPT_STATUSES,
    MOST_INVITATION_MAILS,
    MOST_INVITED_AT_ONCE,
    MOST_INVITED_IN_A_DAY,
    last_free_day,
)
from portal.training.rules.sections import LIVE_STATUSES as LIVE_SECTIONS
from portal.training.rules.sections import is_open_on, price_for
from portal.training.services.seats import pass_on, seat_for_newcomer, step_out

_DAY = dt.timedelta(days=1)

# Made


@command(Permission.ENROLLMENT_ENROLL)
def enroll(
    actor: Actor,
    section: Section,
    *,
    for_organization: Organization | None = None,
    waits: bool = True,
    idempotency_key: str | None = None,
) -> Enrollment:
    """Enroll the actor, ask for it where the provider approves, or wait in line where it is full.

    for_organization: a firm of the actor's that pays. waits: whether the line will do.
    idempotency_key: the same call again returns what the first one made.
    Raises Conflict where nobody can enroll, where the actor is in it already, or, without the
    line, where no seat is free.
    """
    organization_id = for_organization.id if for_organization is not None else None
    digest = _digest("self", section.id, organization_id, waits)
    # Who manages the firm no longer is told nothing of what that person made for it.
    _check_payer(actor, for_organization)
    if made := _made_before(actor, idempotency_key, digest):
        return made[0]
    section_queries.load_for_change(section)
    _check_open(section)
    person = session.get_one(User, actor.user_id)
    _check_single(section, person)
    seat = seat_for_newcomer(section, waits, organization_id)
    enrollment = _add(
        actor,
        section,
        for_organization,
        email=person.email,
        name=person.name,
        user_id=person.id,
        seat=seat,
        status=_status(seat, "requested" if section.needs_approval else "enrolled"),
        call=(idempotency_key, digest),
    )
    return queries.get_enrollment(enrollment.id)


@command(Permission.ENROLLMENT_ENROLL_OTHERS)
def enroll_others(
    actor: Actor,
    section: Section,
    *,
    organization: Organization,
    emails: Sequence[str],
    waits: bool = True,
    idempotency_key: str | None = None,
) -> list[Enrollment]:
    """Keep seats for people of a firm, whom their addresses name, until they accept.

    The firm owes the price. Who gets no seat is put in line (with `waits`), in the order given;
    whom the firm has in it already is passed over.
    Raises as `enroll` does, Invalid where that is everybody, and TooMany where an address had
    enough invitations today.
    """
    addresses = list(dict.fromkeys(email.strip().lower() for email in emails if email.strip()))
    digest = _digest("others", section.id, organization.id, waits, *addresses)
    _check_payer(actor, organization)
    if made := _made_before(actor, idempotency_key, digest):
        return made
    if not addresses:
        raise Invalid("emails", _("Please give at least one address."))
    if len(addresses) > MOST_INVITED_AT_ONCE:
        raise Invalid("emails", _("Please give %(most)d at most.", most=MOST_INVITED_AT_ONCE))
    section_queries.load_for_change(section)
    _check_open(section)
    _known, addresses = queries.sort_out_known(section, organization, addresses)
    if not addresses:
        raise Invalid("emails", _("All of them were invited already."))
    _spare_the_post(organization.id, len(addresses))
    for email in addresses:
        _spare_the_address(organization.id, email)
    made = []
    for email in addresses:
        seat = seat_for_newcomer(section, waits, organization.id)
        made.append(
            _add(
                actor,
                section,
                organization,
                email=email,
                seat=seat,
                status=_status(seat, "invited"),
                call=(idempotency_key, digest),
            )
        )
    return [queries.get_enrollment(row.id) for row in made]


@command(Permission.ROSTER_KEEP)
def enroll_by_hand(
    actor: Actor,
    section: Section,
    *,
    name: str,
    email: str,
    organization: str = "",
    is_free: bool = False,
) -> Enrollment:
    """Write somebody on the roster whom the provider knows, at whatever time.

    organization: the name of the firm that pays, which is told; without one, the person owes what
    others pay. Either can withdraw for a week and owe nothing. The person gets a link to say so, or
    to keep it in an account. is_free: nothing is owed, so a result need not wait for that week.
    Raises Conflict where no seat is free, Invalid where the address is on the roster already or
    nobody of the firm would be told.
    """
    section_queries.load_for_change(section)
    if section.status not in LIVE_SECTIONS:
        raise Conflict(_("This section is over. Nobody can be enrolled any more."))
    name, email = name.strip(), email.strip().lower()
    if not name:
        raise Invalid("name", _("Please give a name."))
    if queries.find_live(section.id, email=email) is not None:
        raise Invalid("email", _("This address is on the roster already."))
    payer = get_named_organization(organization) if organization else None
    if payer is not None and not managers_of(payer.id):
        raise Invalid(
            "organization", _("Nobody manages this organization here, so nobody could object.")
        )
    _spare_the_post(section.organization_id, 1)
    _spare_the_address(section.organization_id, email)
    seat = seat_for_newcomer(section, False, payer.id if payer is not None else None)
    enrollment = _add(
        actor,
        section,
        payer,
        email=email,
        name=name,
        seat=seat,
        status="enrolled",
        is_by_hand=True,
        is_free=is_free,
    )
    return queries.get_enrollment(enrollment.id)


def _check_payer(actor: Actor, organization: Organization | None) -> None:
    if organization is None:
        return
    if organization.id not in actor.organizations_as("owner", "manager"):
        raise Invalid("organization_id", _("Please choose an organization that you manage."))
    if organization.status != "active":
        raise Invalid("organization_id", _("This organization is archived."))


def _check_open(section: Section) -> None:
    if section.status == "cancelled":
        raise Conflict(_("This section was cancelled."))
    if not is_open_on(section.status, today_here(), section.enroll_until, section.starts_on):
        raise Conflict(_("Nobody can enroll in this section any more, or not yet."))


def _check_single(section: Section, person: User) -> None:
    found = queries.find_live(section.id, user_id=person.id)
    if found is None and person.email_verified_at is not None:
        invited = queries.find_live(section.id, email=person.email)
        if invited is not None and invited.user_id is None:
            found = invited
    if found is None:
        return
    if found.status in KEPT_STATUSES:
        raise Conflict(_("A seat is kept for you already. Take it under “Your training”."))
    raise Conflict(_("You are in this section already, or wait for it."))


def _status(seat: int | None, with_seat: str) -> str:
    return "waiting" if seat is None else with_seat


def _add(
    actor: Actor,
    section: Section,
    organization: Organization | None,
    *,
    email: str,
    seat: int | None,
    status: str,
    name: str = "",
    user_id: int | None = None,
    is_by_hand: bool = False,
    is_free: bool = False,
    call: tuple[str | None, str | None] = (None, None),
) -> Enrollment:
    customer_class = _class_of(actor, section, organization, user_id)
    price = price_for(section.price_by_class, customer_class, section.program.cost_cents)
    enrollment = Enrollment(
        section_id=section.id,
        of_seats=section.seats,
        provider_organization_id=section.organization_id,
        organization_id=organization.id if organization is not None else None,
        user_id=user_id,
        enrolled_by_id=actor.user_id,
        email=email,
        name=name,
        is_by_hand=is_by_hand,
        status=status,
        seat=seat,
        customer_class=customer_class,
        price_cents=0 if is_free else price,
        answer_by=kept_until(section, "invited") if status == "invited" else None,
        free_until=last_free_day(
            section.starts_on, section.notice_days, told_on=today_here() if is_by_hand else None
        ),
        token_hash=hash_secret(secrets.token_urlsafe(32)) if user_id is None else None,
        idempotency_key=call[0],
        request_digest=call[1] if call[0] else None,
    )
    session.add(enrollment)
    session.flush()
    record(EnrollmentMade(enrollment.id, section.id, actor.user_id))
    return enrollment


def _class_of(
    actor: Actor, section: Section, organization: Organization | None, user_id: int | None
) -> str:
    """Return whose price is paid: the firm's, else a single person's."""
    if organization is not None:
        return customer_class_of(section.organization_id, organization.id, organization.kind)
    is_own = user_id == actor.user_id and section.organization_id in actor.memberships
    return "own_organization" if is_own else "other"


def _spare_the_address(organization_id: int, email: str) -> None:
    """Refuse to write to somebody again who has had enough mails of an organization today."""
    sent = queries.count_mails(organization_id, email, since=now() - _DAY)
    if sent >= MOST_INVITATION_MAILS:
        raise TooMany(
            _(
                "Enough invitations went to %(email)s today. You can send another tomorrow.",
                email=email,
            ),
            int(_DAY.total_seconds()),
        )


def _spare_the_post(organization_id: int, count: int) -> None:
    """Refuse to write to ever more people in the name of an organization."""
    sent = queries.count_invited(organization_id, since=now() - _DAY)
    if sent + count > MOST_INVITED_IN_A_DAY:
        raise TooMany(
            _(
                "At most %(most)d people are invited in a day. You can invite others tomorrow.",
                most=MOST_INVITED_IN_A_DAY,
            ),
            int(_DAY.total_seconds()),
        )


def _digest(*said: object) -> str:
    return hashlib.blake2s(repr(said).encode(), digest_size=16).hexdigest()


def _made_before(actor: Actor, key: str | None, digest: str) -> list[Enrollment]:
    """Return what the same call made before, if anything."""
    made = queries.list_made_before(actor, key) if key else []
    if made and made[0].request_digest != digest:
        raise Invalid(
            "idempotency_key", _("This key was used for another enrollment. Please use a new one.")
        )
    return made


# Answered by the person


@command(Permission.ENROLLMENT_CLOSE)
def renew_enrollment_link(actor: Actor, enrollment: Enrollment) -> str:
    """Make the link's token anew and return it; the portal does so while it writes the mail.

    Only the hash is kept, so that nobody but the reader of the mail has the token.
    """
    token = secrets.token_urlsafe(32)
    enrollment.token_hash = hash_secret(token)
    return token


@command(Permission.ENROLLMENT_ANSWER)
def answer_enrollment(
    actor: Actor, enrollment: Enrollment, action: str, *, token: str = ""
) -> Enrollment:
    """Take a kept seat ("accept") or turn it down ("turn_down"); keep in an account what the
    provider wrote down ("join"), or say no to it ("object").

    Whoever takes a firm's seat gives up the one that they asked for themselves, and owes nothing.
    token: what the link of the e-mail brought; whoever answers needs it, or the address itself.
    Raises NotFound for others, Conflict when it is too late or the person is in it already.
    """
    if action not in ("accept", "turn_down", "join", "object"):
        raise NotFound(_("There is no such action."))
    _check_addressee(actor, enrollment, token)
    if action == "join":
        _check_claimable(actor, enrollment)
        _take_in(actor, enrollment)
        ENROLLMENTS.apply(actor, enrollment, "join")
        return enrollment
    if action == "object":
        if not enrollment.is_by_hand or enrollment.user_id is not None:
            raise Conflict(_("It stands in an account already. Please withdraw it there."))
        step_out(actor, enrollment, "object")
        return enrollment
    if enrollment.status in KEPT_STATUSES and queries.is_lapsing(enrollment):
        raise Conflict(_("The seat was kept for you until lately. It went to somebody else."))
    if action == "turn_down":
        step_out(actor, enrollment, "turn_down")
        return enrollment
    section = enrollment.section
    if section.status != "open":
        raise Conflict(_("Nobody can enroll in this section any more, or not yet."))
    is_approved = not section.needs_approval
    if enrollment.user_id is None:
        if (own := queries.find_own_beside(actor, enrollment)) is not None:
            is_approved = is_approved or own.status == "enrolled"
            step_out(actor, own, "withdraw", _("%(firm)s pays now.", firm=_firm(enrollment)))
            # Who pays has changed, and nobody leaves.
            own.is_withdrawn_late = False
            session.flush()
        _take_in(actor, enrollment)
    if enrollment.status in KEPT_STATUSES:
        enrollment.answer_by = None
    ENROLLMENTS.apply(actor, enrollment, "accept" if is_approved else "ask")
    return enrollment


def _firm(enrollment: Enrollment) -> str:
    return enrollment.organization.name if enrollment.organization is not None else ""


def _check_addressee(actor: Actor, enrollment: Enrollment, token: str) -> None:
    if enrollment.user_id is not None:
        is_meant = enrollment.user_id == actor.user_id
    else:
        has_link = enrollment.token_hash is not None and secrets.compare_digest(
            hash_secret(token), enrollment.token_hash
        )
        is_meant = has_link or queries.is_addressee(actor, enrollment)
    if not is_meant:
        raise NotFound()


def _check_claimable(actor: Actor, enrollment: Enrollment) -> None:
    if enrollment.user_id is not None:
        raise Conflict(_("It stands in an account already."))
    # A link that was passed on would open the gates of hosts to somebody who never passed.
    if list_of_enrollment(enrollment.id) and not queries.is_addressee(actor, enrollment):
        raise Conflict(
            _(
                "A certificate was issued for it. Please sign in with the address to which the "
                "link was sent."
            )
        )


def _take_in(actor: Actor, enrollment: Enrollment) -> None:
    """Write down that an enrollment, and what was printed for it, are the actor's."""
    if queries.find_live(enrollment.section_id, user_id=actor.user_id) is not None:
        raise Conflict(
            _("You are in this section already, or wait for it. Withdraw there first, or decline.")
        )
    person = session.get_one(User, actor.user_id)
    enrollment.user_id, enrollment.token_hash = person.id, None
    enrollment.name = enrollment.name or person.name
    for certificate in list_of_enrollment(enrollment.id):
        certificate.user_id = person.id
        if certificate.revoked_at is None:
            # What it opens, it opens for this account from now on.
            record(CertificateIssued(certificate.id, person.id, certificate.credential_id))


# Decided, withdrawn, moved


@command(ENROLLMENTS.permission)
def act_on_enrollment(
    actor: Actor, enrollment: Enrollment, action: str, *, note: str = ""
) -> Enrollment:
    """Take a step of the workflow; a seat that it frees goes to the next in line."""
    if action == "approve":
        ENROLLMENTS.apply(actor, enrollment, action)
    else:
        step_out(actor, enrollment, action, note)
    return enrollment


@command(Permission.ROSTER_KEEP)
def move_enrollment(
    actor: Actor, sections: tuple[Section, Section], *, enrollment: Enrollment, reason: str
) -> Enrollment:
    """Move somebody from the first to the second section of a program; the price stays.

    Withdrawing is free as long as before, as long as there, and for a week at least.
    Raises Conflict where no seat is free there, or the person is there already.
    """
    here, there = sections
    lock(enrollment)
    if enrollment.section_id != here.id or here.id == there.id:
        raise Conflict(_("Somebody else changed this at the same moment. Please look again."))
    if there.program_id != here.program_id:
        raise Invalid("section_id", _("Please choose a section of the same program."))
    if there.status not in LIVE_SECTIONS:
        raise Conflict(_("This section is over. Nobody can be enrolled any more."))
    if enrollment.user_id is not None:
        twice = queries.find_live(there.id, user_id=enrollment.user_id)
    else:
        twice = queries.find_live(there.id, email=enrollment.email)
    if twice is not None:
        raise Conflict(_("This person is in that section already, or waits for it."))
    if enrollment.status not in ENROLLMENTS.transitions["move"].sources:
        raise Conflict(_("Only who is enrolled, or asked to be, can be moved."))
    if not reason.strip():
        raise Invalid("reason", _("Please give a reason."))
    seat = seat_for_newcomer(there, False, enrollment.organization_id)
    enrollment.section_id, enrollment.of_seats, enrollment.seat = there.id, there.seats, seat
    free_until = last_free_day(there.starts_on, there.notice_days, told_on=today_here())
    enrollment.free_until = max(enrollment.free_until, free_until)
    session.flush()
    note = f"{here.starts_on} → {there.starts_on}. {reason.strip()}"
    ENROLLMENTS.apply(actor, enrollment, "move", note=note[:2000])
    record(
        EnrollmentStepped(
            enrollment.id,
            there.id,
            "move",
            enrollment.status,
            actor.user_id,
            note[:2000],
            left_section_id=here.id,
        )
    )
    pass_on(here)
    return queries.get_enrollment(enrollment.id)


@command(Permission.SECTION_EDIT)
def lengthen_free_days(actor: Actor, section: Section, *, is_moved: bool) -> None:
    """Let withdrawing be free as long as a section says now, where that is longer than before.

    is_moved: it is not what people said yes to, so they have a week at least.
    """
    day = last_free_day(
        section.starts_on, section.notice_days, told_on=today_here() if is_moved else None
    )
    session.execute(
        update(Enrollment)
        .where(
            Enrollment.section_id == section.id,
            Enrollment.status.in_(ENROLLMENTS.transitions["withdraw"].sources),
            Enrollment.free_until < day,
        )
        .values(free_until=day)
    )
