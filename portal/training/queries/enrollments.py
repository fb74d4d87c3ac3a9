"""Reads of enrollments: one of them, somebody's, a firm's, and what commands judge by."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import joinedload

from portal.accounts.models import User
from portal.accounts.rules import hash_secret
from portal.kernel.authorization import Actor, authorize, can
from portal.kernel.clock import now, today_here
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Organization
from portal.organizations.queries.people import managers_of
from portal.training.models.enrollments import Attendance, Enrollment
from portal.training.models.programs import Program
from portal.training.models.sections import Section
from portal.training.policies import Permission
from portal.training.queries.holding import load_held
from portal.training.queries.sections import SECTION_OPTIONS
from portal.training.rules.enrollments import (
    KEPT_STATUSES,
    LIVE_STATUSES,
    OWN_TO_GIVE_UP,
    TAKING_PART,
    attended_of,
)

#: So many are looked at in one round of the clock.
MOST_LAPSING = 200
#: So many people can take part in a section and stand on its roster.
MOST_ON_ROSTER = 5_000

_PEOPLE = (
    joinedload(Enrollment.provider),
    joinedload(Enrollment.organization),
    joinedload(Enrollment.user),
    joinedload(Enrollment.enrolled_by),
)
#: What lists show of enrollments.
ENROLLMENT_OPTIONS = (
    joinedload(Enrollment.section).joinedload(Section.program).joinedload(Program.credential),
    *_PEOPLE,
)


@dataclass(frozen=True)
class Seats:
    """How many seats of a section are taken, and how many people are in line for one.

    enrolled: of those taken, how many by people who take part; the others are kept for an answer.
    held: how many more are held for firms that have not named their people yet.
    """

    seats: int
    taken: int
    enrolled: int
    waiting: int
    held: int = 0

    @property
    def free(self) -> int:
        """How many somebody who comes now could get: none as long as others wait."""
        return 0 if self.waiting else max(0, self.seats - self.taken - self.held)


def _one(statement: Select[Enrollment]) -> Enrollment | None:
    # Whole, since what was loaded of its section before is loaded anew.
    return session.scalar(
        statement.options(
            joinedload(Enrollment.section).options(*SECTION_OPTIONS), *_PEOPLE
        ).execution_options(populate_existing=True)
    )


def get_enrollment(enrollment_id: int) -> Enrollment:
    """Return an enrollment with its section and people, whoever asks. Raises NotFound."""
    found = find_enrollment(enrollment_id)
    if found is None:
        raise NotFound()
    return found


def find_enrollment(enrollment_id: int) -> Enrollment | None:
    """Return an enrollment with its section and people, or None."""
    return _one(select(Enrollment).where(Enrollment.id == enrollment_id))


def get_visible_enrollment(actor: Actor, enrollment_id: int) -> Enrollment:
    """Return an enrollment that the actor may see, or that waits for the actor's answer."""
    enrollment = get_enrollment(enrollment_id)
    if not is_addressee(actor, enrollment):
        authorize(actor, Permission.ENROLLMENT_VIEW, enrollment)
    return enrollment


def get_enrollment_by_token(token: str) -> Enrollment:
    """Return the enrollment of a link. Raises NotFound."""
    found = _one(select(Enrollment).where(Enrollment.token_hash == hash_secret(token)))
    if found is None:
        raise NotFound(
            _(
                "This link does not work any more. What you took with it stands under “Your "
                "training”; else please ask who sent it for a new one."
            )
        )
    return found


def is_addressee(actor: Actor, enrollment: Enrollment) -> bool:
    """Tell whether an enrollment without an account went to the actor's own verified address."""
    if actor.user_id is None or enrollment.user_id is not None:
        return False
    if enrollment.status not in LIVE_STATUSES or enrollment.status == "waiting":
        return False
    return verified_email(actor.user_id) == enrollment.email


def verified_email(user_id: int | None) -> str | None:
    """Return a person's address, once it was verified."""
    return session.scalar(
        select(User.email).where(User.id == user_id, User.email_verified_at.is_not(None))
    )


# Lists


def list_own(actor: Actor, *, cursor: str | None = None, limit: int = 20) -> Page[Enrollment]:
    """Return a page of the actor's own enrollments, the newest first."""
    return keyset_page(
        select(Enrollment).options(*ENROLLMENT_OPTIONS).where(Enrollment.user_id == actor.user_id),
        [Enrollment.id],
        cursor=cursor,
        limit=limit,
        descending=True,
    )


def list_kept(actor: Actor, limit: int = 20) -> list[Enrollment]:
    """Return the seats that are kept for the actor, by account or by address, the first to end
    first."""
    email = verified_email(actor.user_id)
    return list(
        session.scalars(
            select(Enrollment)
            .options(*ENROLLMENT_OPTIONS)
            .where(
                Enrollment.status.in_(KEPT_STATUSES),
                Enrollment.answer_by > now(),
                or_(
                    Enrollment.user_id == actor.user_id,
                    and_(Enrollment.user_id.is_(None), Enrollment.email == (email or "")),
                ),
            )
            .order_by(Enrollment.answer_by, Enrollment.id)
            .limit(limit)
        )
    )


def list_open(actor: Actor) -> list[Enrollment]:
    """Return what the actor asked or waits for, or could take, and does not take part in yet."""
    return list(
        session.scalars(
            select(Enrollment)
            .options(*ENROLLMENT_OPTIONS)
            .where(
                Enrollment.user_id == actor.user_id,
                Enrollment.status.in_(("waiting", "requested", *KEPT_STATUSES)),
            )
            .order_by(Enrollment.section_id, Enrollment.id)
        )
    )


def list_written_down(actor: Actor, limit: int = 20) -> list[Enrollment]:
    """Return what providers wrote down for the actor's address and no account has yet."""
    email = verified_email(actor.user_id)
    return list(
        session.scalars(
            select(Enrollment)
            .options(*ENROLLMENT_OPTIONS)
            .where(
                Enrollment.status.in_(TAKING_PART),
                Enrollment.user_id.is_(None),
                Enrollment.email == (email or ""),
            )
            .order_by(Enrollment.id)
            .limit(limit)
        )
    )


def list_of_firm(
    organization: Organization, *, cursor: str | None = None, limit: int = 20
) -> Page[Enrollment]:
    """Return a page of the enrollments that a firm pays for, the newest first."""
    return keyset_page(
        select(Enrollment)
        .options(*ENROLLMENT_OPTIONS)
        .where(Enrollment.organization_id == organization.id),
        [Enrollment.id],
        cursor=cursor,
        limit=limit,
        descending=True,
    )


def list_roster_page(
    section: Section, *, cursor: str | None = None, limit: int = 20
) -> Page[Enrollment]:
    """Return a page of all enrollments of a section, the newest first."""
    return keyset_page(
        select(Enrollment).options(*ENROLLMENT_OPTIONS).where(Enrollment.section_id == section.id),
        [Enrollment.id],
        cursor=cursor,
        limit=limit,
        descending=True,
    )


def list_managed(actor: Actor) -> list[Organization]:
    """Return the active organizations for which the actor may enroll people, by name."""
    return list(
        session.scalars(
            select(Organization)
            .where(
                Organization.id.in_(sorted(actor.organizations_as("owner", "manager"))),
                Organization.status == "active",
            )
            .order_by(Organization.name, Organization.id)
        )
    )


def list_of_section(actor: Actor, section: Section) -> list[Enrollment]:
    """Return those enrollments of a section that concern the actor: their own, their firms'."""
    managed = sorted(actor.organizations_as("owner", "manager"))
    return list(
        session.scalars(
            select(Enrollment)
            .options(joinedload(Enrollment.organization), joinedload(Enrollment.user))
            .where(
                Enrollment.section_id == section.id,
                Enrollment.status.in_(LIVE_STATUSES),
                or_(
                    Enrollment.user_id == actor.user_id,
                    and_(
                        Enrollment.user_id.is_(None),
                        Enrollment.email == (verified_email(actor.user_id) or ""),
                        Enrollment.status != "waiting",
                    ),
                    Enrollment.organization_id.in_(managed),
                ),
            )
            .order_by(Enrollment.id)
            .limit(MOST_ON_ROSTER)
        )
    )


# Seats


def load_seats(section_ids: Collection[int]) -> Mapping[int, Seats]:
    """Return how the seats of sections stand, by the sections' ids."""
    rows = session.execute(
        select(
            Section.id,
            Section.seats,
            func.count(Enrollment.seat),
            func.count().filter(Enrollment.status.in_(TAKING_PART)),
            func.count().filter(Enrollment.status == "waiting"),
        )
        .outerjoin(Enrollment, Enrollment.section_id == Section.id)
        .where(Section.id.in_(sorted(section_ids)))
        .group_by(Section.id, Section.seats)
    )
    held = {
        number: sum(one.seats for one in firms) for number, firms in load_held(section_ids).items()
    }
    return {
        number: Seats(seats, taken, enrolled, waiting, held.get(number, 0))
        for number, seats, taken, enrolled, waiting in rows
    }


def seats_for(section: Section, organization_id: int) -> int:
    """Return how many seats a firm could get now: those held for it, and those that are free."""
    own = next(
        (
            one.seats
            for one in load_held([section.id])[section.id]
            if one.organization_id == organization_id
        ),
        0,
    )
    seats = load_seats([section.id])[section.id]
    return min(own + seats.free, max(0, seats.seats - seats.taken))


def list_taken_seats(section_id: int) -> list[int]:
    """Return the numbers of the seats that are taken or kept, in order."""
    return [
        seat
        for seat in session.scalars(
            select(Enrollment.seat)
            .where(Enrollment.section_id == section_id, Enrollment.seat.is_not(None))
            .order_by(Enrollment.seat)
        )
        if seat is not None
    ]


def list_seated(section_id: int, seats: Collection[int]) -> list[Enrollment]:
    """Return the enrollments that have these seats of a section, in order."""
    return list(
        session.scalars(
            select(Enrollment)
            .where(Enrollment.section_id == section_id, Enrollment.seat.in_(sorted(seats)))
            .order_by(Enrollment.seat)
            .execution_options(populate_existing=True)
        )
    )


def list_waiting(
    section_id: int, limit: int, *, organization_id: int | None = None
) -> list[Enrollment]:
    """Return who waits for a seat, first come first; of the people of a firm, where it is given."""
    of_firm = [] if organization_id is None else [Enrollment.organization_id == organization_id]
    return list(
        session.scalars(
            select(Enrollment)
            .where(Enrollment.section_id == section_id, Enrollment.status == "waiting", *of_firm)
            .order_by(Enrollment.id)
            .limit(limit)
            .execution_options(populate_existing=True)
        )
    )


def is_waited_for(section_id: int) -> bool:
    """Tell whether anybody waits for a seat of a section."""
    return bool(
        session.scalar(
            select(
                exists().where(Enrollment.section_id == section_id, Enrollment.status == "waiting")
            )
        )
    )


def has_people(section_id: int) -> bool:
    """Tell whether anybody was ever enrolled in a section, or moved there."""
    return bool(session.scalar(select(exists().where(Enrollment.section_id == section_id))))


def position_of(enrollment: Enrollment) -> int:
    """Return which one somebody is in line, from 1."""
    ahead = session.scalar(
        select(func.count())
        .select_from(Enrollment)
        .where(
            Enrollment.section_id == enrollment.section_id,
            Enrollment.status == "waiting",
            Enrollment.id <= enrollment.id,
        )
    )
    return ahead or 0


def find_live(
    section_id: int, *, user_id: int | None = None, email: str | None = None
) -> Enrollment | None:
    """Return the enrollment in a section that a person, or an address, has already, or None."""
    whose = Enrollment.user_id == user_id if email is None else Enrollment.email == email
    return session.scalars(
        select(Enrollment)
        .where(Enrollment.section_id == section_id, Enrollment.status.in_(LIVE_STATUSES), whose)
        .order_by(Enrollment.id)
        .limit(1)
    ).first()


def find_own_beside(actor: Actor, enrollment: Enrollment) -> Enrollment | None:
    """Return what the actor asked for without a firm, beside a seat that a firm keeps for them."""
    own = find_live(enrollment.section_id, user_id=actor.user_id)
    if own is None or own.organization_id is not None or enrollment.organization_id is None:
        return None
    if enrollment.user_id is not None or own.status not in OWN_TO_GIVE_UP:
        return None
    return get_enrollment(own.id)


def sort_out_known(
    section: Section, organization: Organization, emails: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return which of these addresses a firm has in a section already, and which it has not."""
    known = emails_of_firm(section.id, organization.id)
    addresses = list(dict.fromkeys(email.strip().lower() for email in emails))
    return (
        [email for email in addresses if email in known],
        [email for email in addresses if email not in known],
    )


def emails_of_firm(section_id: int, organization_id: int) -> set[str]:
    """Return the addresses that a firm has in a section already."""
    return set(
        session.scalars(
            select(Enrollment.email).where(
                Enrollment.section_id == section_id,
                Enrollment.organization_id == organization_id,
                Enrollment.status.in_(LIVE_STATUSES),
            )
        )
    )


def count_mails(organization_id: int, email: str, *, since: dt.datetime) -> int:
    """Return how often an organization has enrolled an address since then."""
    found = session.scalar(
        select(func.count())
        .select_from(Enrollment)
        .where(
            Enrollment.email == email,
            or_(
                Enrollment.organization_id == organization_id,
                Enrollment.provider_organization_id == organization_id,
            ),
            Enrollment.user_id.is_(None),
            Enrollment.created_at > since,
        )
    )
    return found or 0


def count_invited(organization_id: int, *, since: dt.datetime) -> int:
    """Return how many people an organization has enrolled, beside those who did so themselves."""
    found = session.scalar(
        select(func.count())
        .select_from(Enrollment)
        .where(
            or_(
                and_(
                    Enrollment.organization_id == organization_id, Enrollment.is_by_hand.is_(False)
                ),
                and_(
                    Enrollment.provider_organization_id == organization_id,
                    Enrollment.is_by_hand.is_(True),
                ),
            ),
            or_(Enrollment.user_id.is_(None), Enrollment.user_id != Enrollment.enrolled_by_id),
            Enrollment.is_demo.is_(False),
            Enrollment.created_at > since,
        )
    )
    return found or 0


def list_made_before(actor: Actor, key: str) -> list[Enrollment]:
    """Return what a call of the actor's with this key has made."""
    return list(
        session.scalars(
            select(Enrollment)
            .options(*ENROLLMENT_OPTIONS)
            .where(Enrollment.enrolled_by_id == actor.user_id, Enrollment.idempotency_key == key)
            .order_by(Enrollment.id)
            .limit(MOST_ON_ROSTER)
        )
    )


# For the clock


def list_lapsing(limit: int = MOST_LAPSING) -> list[Enrollment]:
    """Return those that nobody answered in time, and those whose section has begun without them."""
    return list(
        session.scalars(
            select(Enrollment)
            .join(Section, Section.id == Enrollment.section_id)
            .options(joinedload(Enrollment.section))
            .where(
                or_(
                    and_(Enrollment.status.in_(KEPT_STATUSES), Enrollment.answer_by <= now()),
                    and_(
                        Enrollment.status.in_(("waiting", "requested")),
                        or_(Section.status != "open", Section.starts_on <= today_here()),
                    ),
                )
            )
            .order_by(Enrollment.section_id, Enrollment.id)
            .limit(limit)
            .execution_options(populate_existing=True)
        )
    )


def is_lapsing(row: Enrollment) -> bool:
    """Tell whether an enrollment waits for nothing any more."""
    if row.status in KEPT_STATUSES:
        return row.answer_by is not None and row.answer_by <= now()
    if row.status not in ("waiting", "requested"):
        return False
    return row.section.status != "open" or row.section.starts_on <= today_here()


def list_cancelled_along(section_id: int) -> list[Enrollment]:
    """Return the enrollments of a section that end when it is cancelled, in order."""
    return list(
        session.scalars(
            select(Enrollment)
            .where(
                Enrollment.section_id == section_id,
                Enrollment.status.in_(
                    [status for status in LIVE_STATUSES if status not in ("completed", "failed")]
                ),
            )
            .order_by(Enrollment.id)
            .execution_options(populate_existing=True)
        )
    )


# For those who are told


def list_enrolled(section_id: int) -> list[Enrollment]:
    """Return the enrollments whose people take part, with section and people, in order."""
    return list(
        session.scalars(
            select(Enrollment)
            .options(joinedload(Enrollment.section).options(*SECTION_OPTIONS), *_PEOPLE)
            .where(Enrollment.section_id == section_id, Enrollment.status == "enrolled")
            .order_by(Enrollment.id)
        )
    )


def people_of_provider(enrollment: Enrollment) -> list[User]:
    """Return the owners and managers of the provider."""
    return managers_of(enrollment.provider_organization_id)


def people_of_firm(enrollment: Enrollment) -> list[User]:
    """Return who looks after an enrollment for the firm that pays: who enrolled, if still there."""
    if enrollment.organization_id is None:
        return []
    managers = managers_of(enrollment.organization_id)
    by = [person for person in managers if person.id == enrollment.enrolled_by_id]
    return by or managers


def attendance_of(enrollment_ids: Sequence[int]) -> Mapping[int, Mapping[int, bool]]:
    """Return who came to which meeting: by enrollment, then by meeting."""
    found: dict[int, dict[int, bool]] = {number: {} for number in enrollment_ids}
    rows = session.execute(
        select(Attendance.enrollment_id, Attendance.meeting_id, Attendance.is_present).where(
            Attendance.enrollment_id.in_(list(enrollment_ids))
        )
    )
    for enrollment_id, meeting_id, is_present in rows:
        found[enrollment_id][meeting_id] = is_present
    return found


def attended(enrollment: Enrollment) -> tuple[int, int]:
    """Return how many of the meetings that were looked at a person came to, and how many."""
    return attended_of(attendance_of([enrollment.id])[enrollment.id].values())


def sees_grade(actor: Actor, enrollment: Enrollment) -> bool:
    """Tell whether the actor may read the grade: the person and the provider, not who pays."""
    return can(actor, Permission.ENROLLMENT_VIEW_GRADE, enrollment)
