"""Which requests have their matches computed next, and which a change of a candidate concerns."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Table, exists, or_, select

from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource
from portal.facilities.models import Equipment, equipment_capability, facility_capability
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.matching.models import Match, MatchRound
from portal.organizations.models import organization_capability
from portal.partnerships.models import Request, request_capability
from portal.regions.queries.capabilities import broader_closure, narrower_closure
from portal.skills.models import skill_capability
from portal.training.models.programs import ProgramSkill

#: A change of one candidate concerns so many requests at most that have it among their candidates,
#: and so many that ask for what it can do; all are looked at daily anyway.
MOST_AFFECTED = 200

_LINKS: dict[str, tuple[Table, str]] = {
    "equipment": (equipment_capability, "equipment_id"),
    "facility": (facility_capability, "facility_id"),
    "organization": (organization_capability, "organization_id"),
    "request": (request_capability, "request_id"),
}
_SERVED = (
    select(skill_capability.c.capability_key)
    .join(ProgramSkill, ProgramSkill.skill_key == skill_capability.c.skill_key)
    .distinct()
)


def list_due_ids(limit: int) -> list[int]:
    """Return the requests whose matches are to be computed: those never looked at first."""
    new = session.scalars(
        select(Request.id)
        .where(Request.status == "published", ~_has_round())
        .order_by(Request.published_at.desc(), Request.id.desc())
        .limit(limit)
    ).all()
    due = session.scalars(
        select(MatchRound.request_id)
        .where(MatchRound.due_at <= now())
        .order_by(MatchRound.due_at, MatchRound.request_id)
        .limit(limit - len(new))
    ).all()
    return [*new, *due]


def has_due() -> bool:
    """Tell whether any request's matches are to be computed."""
    return bool(list_due_ids(1))


def list_affected_ids(kind: str, number: int, organization_id: int | None = None) -> list[int]:
    """Return the requests that a change of a record concerns.

    Those of which it is a candidate, or (with `organization_id`) anything of its organization, and
    the open ones that ask for what it can do, or for something broader or narrower.
    """
    of_record = (Match.candidate_kind == kind) & (Match.candidate_id == number)
    own = or_(of_record, Match.organization_id == organization_id) if organization_id else of_record
    known = session.scalars(
        select(Match.request_id)
        .where(own, Match.status != "gone")
        .distinct()
        .order_by(Match.request_id.desc())
        .limit(MOST_AFFECTED)
    ).all()
    if kind == "program":
        named = _SERVED.where(ProgramSkill.program_id == number)
    else:
        link, column = _LINKS[kind]
        named = select(link.c.capability_key).where(link.c[column] == number)
    keys = session.scalars(named).all()
    return sorted({*known, *_asking_for(keys)} - ({number} if kind == "request" else set()))


def list_affected_by_booking(booking_id: int) -> list[int]:
    """Return the requests of which a machine that is booked, or is no more, is a candidate."""
    number = session.scalar(select(Booking.resource_id).where(Booking.id == booking_id))
    return list_affected_by_resource(number) if number is not None else []


def list_affected_by_resource(resource_id: int) -> list[int]:
    """Return the requests of whose candidates the free times follow from a resource's calendar.

    A machine's own, those of the facility in which it stands, or all of its organization.
    """
    resource = session.get(Resource, resource_id)
    if resource is None:
        return []
    machines = select(Equipment.id)
    match resource.kind:
        case "equipment":
            machines = machines.where(Equipment.id == resource.equipment_id)
        case "facility":
            machines = machines.where(Equipment.facility_id == resource.facility_id)
        case "organization":
            machines = machines.where(Equipment.organization_id == resource.organization_id)
        case _:
            return []
    return list(
        session.scalars(
            select(Match.request_id)
            .where(
                Match.candidate_kind == "equipment",
                Match.candidate_id.in_(machines),
                Match.status != "gone",
            )
            .distinct()
            .order_by(Match.request_id)
            .limit(MOST_AFFECTED)
        )
    )


def _asking_for(keys: Collection[str]) -> Collection[int]:
    if not keys:
        return ()
    wider = {*broader_closure(keys), *narrower_closure(keys)}
    return session.scalars(
        select(Request.id)
        .where(
            Request.status == "published",
            exists().where(
                request_capability.c.request_id == Request.id,
                request_capability.c.capability_key.in_(sorted(wider)),
            ),
        )
        .order_by(Request.published_at.desc(), Request.id.desc())
        .limit(MOST_AFFECTED)
    ).all()


def _has_round() -> Any:
    return exists().where(MatchRound.request_id == Request.id)
