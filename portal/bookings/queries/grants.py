"""Who was granted what, and cleared for what."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, CompoundSelect, exists, func, or_, select, union
from sqlalchemy.orm import contains_eager, joinedload

from portal.accounts.models import User
from portal.bookings.models.access import AccessRequest, Clearance, Qualification, Recognition
from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries.access import opens
from portal.bookings.rules.access import WARNING_DAYS
from portal.bookings.rules.words import CLEARANCE_KINDS, OPEN_STATUSES
from portal.facilities.models import (
    Equipment,
    Facility,
    equipment_capability,
    facility_capability,
)
from portal.kernel.authorization import SYSTEM, Actor, authorize, can, visible
from portal.kernel.clock import now, today_here
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.manifest import DeskItem
from portal.kernel.paging import Page, keyset_page
from portal.kernel.workflow import WorkflowStep
from portal.organizations.models import Membership, Organization


@dataclass(frozen=True)
class HostSection:
    """What an organization's page says to those who grant: how many wait for an answer."""

    organization_id: int
    waiting: int


# Qualifications


QUALIFICATION_OPTIONS = (
    joinedload(Qualification.host),
    joinedload(Qualification.user),
    joinedload(Qualification.equipment).joinedload(Equipment.organization),
    joinedload(Qualification.capability),
    joinedload(Qualification.recognition).joinedload(Recognition.credential),
    joinedload(Qualification.evidence_file),
)
STATES = ("valid", "ending", "all")


def get_visible_qualification(actor: Actor, qualification_id: int) -> Qualification:
    """Return a qualification with all that is shown of it. Raises NotFound."""
    row = find_shown_qualification(qualification_id)
    if row is None:
        raise NotFound()
    authorize(actor, Permission.QUALIFICATION_VIEW, row)
    return row


def find_shown_qualification(qualification_id: int) -> Qualification | None:
    """Return a qualification with all that a message says of it, or None where it is gone."""
    return session.scalar(
        select(Qualification)
        .options(*QUALIFICATION_OPTIONS)
        .where(Qualification.id == qualification_id)
    )


def find_qualification(
    host_id: int, user_id: int, equipment_id: int | None, capability_key: str | None
) -> Qualification | None:
    """Return the one qualification of a person for a thing at a host, in whatever state.

    Neither a thing nor a capability is all that the host has.
    """
    return session.scalar(
        select(Qualification).where(
            Qualification.host_organization_id == host_id,
            Qualification.user_id == user_id,
            Qualification.equipment_id.is_not_distinct_from(equipment_id),
            Qualification.capability_key.is_not_distinct_from(capability_key),
        )
    )


def list_granted_by_certificate(certificate_path: str) -> list[Qualification]:
    """Return what a certificate granted and is good still, for update."""
    return list(
        session.scalars(
            select(Qualification)
            .where(
                Qualification.certificate_path == certificate_path,
                Qualification.certificate_path != "",
                Qualification.status == "valid",
            )
            .order_by(Qualification.id)
            .with_for_update()
        )
    )


def revoked_at(row: Qualification) -> dt.datetime | None:
    """Return when people last revoked a qualification, or None: the portal itself goes by
    certificates, which may count again."""
    return session.scalar(
        select(func.max(WorkflowStep.taken_at)).where(
            WorkflowStep.subject == "qualification",
            WorkflowStep.subject_id == row.id,
            WorkflowStep.action == "revoke",
            or_(WorkflowStep.actor_id.is_not(None), WorkflowStep.actor_name != SYSTEM.name),
        )
    )


def list_qualifications(
    actor: Actor,
    *,
    host_id: int | None = None,
    user_id: int | None = None,
    state: str = "all",
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Qualification]:
    """Return a page of the qualifications of a host or a person that the actor may see.

    state: "valid" today, "ending" within the next weeks (the first to end first), or "all".
    """
    conditions = [visible(actor, Permission.QUALIFICATION_VIEW)]
    if host_id is not None:
        conditions.append(Qualification.host_organization_id == host_id)
    if user_id is not None:
        conditions.append(Qualification.user_id == user_id)
    conditions += _in_state(Qualification, Qualification.ends_on, state)
    statement = select(Qualification).options(*QUALIFICATION_OPTIONS).where(*conditions)
    if state == "ending":
        return keyset_page(
            statement, (Qualification.ends_on, Qualification.id), cursor=cursor, limit=limit
        )
    return keyset_page(statement, (Qualification.id,), cursor=cursor, limit=limit, descending=True)


def _in_state(model: Any, end: Any, state: str) -> list[ColumnElement[bool]]:
    if state == "all":
        return []
    is_valid = [model.status == "valid", or_(end.is_(None), end >= today_here())]
    return [*is_valid, end <= warned_until()] if state == "ending" else is_valid


def warned_until() -> dt.date:
    """Return the last day whose ends are warned of today."""
    return today_here() + dt.timedelta(days=WARNING_DAYS)


def list_coming_bookings(row: Qualification, limit: int = 20) -> list[Booking]:
    """Return the person's open bookings at the host of what a qualification is for, by time."""
    if row.equipment_id is not None:
        is_for_it: ColumnElement[bool] = Resource.equipment_id == row.equipment_id
    elif row.capability_key is None:
        is_for_it = Resource.kind != "operator"
    else:
        is_for_it = or_(
            Resource.equipment_id.in_(
                select(equipment_capability.c.equipment_id).where(
                    equipment_capability.c.capability_key == row.capability_key
                )
            ),
            Resource.facility_id.in_(
                select(facility_capability.c.facility_id).where(
                    facility_capability.c.capability_key == row.capability_key
                )
            ),
        )
    return list(
        session.scalars(
            select(Booking)
            .join(Booking.resource)
            .options(contains_eager(Booking.resource))
            .where(
                Booking.host_organization_id == row.host_organization_id,
                Booking.user_id == row.user_id,
                Booking.status.in_(OPEN_STATUSES),
                Booking.ends_at > now(),
                is_for_it,
            )
            .order_by(Booking.starts_at, Booking.id)
            .limit(limit)
        )
    )


def list_used(booking: Booking) -> list[Qualification]:
    """Return the person's qualifications that opened the gate of a booking, for update."""
    resource = session.get_one(Resource, booking.resource_id)
    models: Mapping[str, Any] = {"equipment": Equipment, "facility": Facility}
    model = models.get(resource.kind)
    number = resource.equipment_id or resource.facility_id
    if model is None or number is None:
        return []
    return list(
        session.scalars(
            select(Qualification)
            .join(model, model.id == number)
            .where(
                Qualification.user_id == booking.user_id,
                Qualification.status == "valid",
                opens(resource.kind, model),
            )
            .order_by(Qualification.id)
        )
    )


def list_ending_qualifications(limit: int = 500) -> list[Qualification]:
    """Return those that end within the next weeks and were not warned of yet."""
    return list(
        session.scalars(
            select(Qualification)
            .where(*_unwarned(Qualification, Qualification.ends_on))
            .order_by(Qualification.ends_on, Qualification.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def list_ending_clearances(limit: int = 500) -> list[Clearance]:
    """Return those that expire within the next weeks and were not warned of yet."""
    return list(
        session.scalars(
            select(Clearance)
            .where(*_unwarned(Clearance, Clearance.expires_on))
            .order_by(Clearance.expires_on, Clearance.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def has_ends_to_warn_of() -> bool:
    """Tell whether anything ends within the next weeks that nobody was warned of."""
    return any(
        session.scalar(select(exists().where(*_unwarned(model, end))))
        for model, end in (
            (Qualification, Qualification.ends_on),
            (Clearance, Clearance.expires_on),
        )
    )


def _unwarned(model: Any, end: Any) -> list[ColumnElement[bool]]:
    return [*_in_state(model, end, "ending"), model.warned_at.is_(None)]


# People and organizations that a host knows


def _known_ids(host_id: int) -> CompoundSelect[Any]:
    """Select who is of the host, or has booked, asked or been granted something there."""
    return union(
        select(Membership.user_id).where(Membership.organization_id == host_id),
        select(Booking.user_id).where(Booking.host_organization_id == host_id),
        select(Booking.booked_by_id).where(Booking.host_organization_id == host_id),
        select(AccessRequest.user_id).where(AccessRequest.host_organization_id == host_id),
        select(Qualification.user_id).where(Qualification.host_organization_id == host_id),
        select(Clearance.user_id).where(Clearance.host_organization_id == host_id),
    )


def list_known_people(host_id: int, limit: int = 200) -> list[tuple[int, str]]:
    """Return (id, name and address) of those whom a host may choose from, by name."""
    rows = session.execute(
        select(User.id, User.name, User.email)
        .where(User.id.in_(_known_ids(host_id)), User.is_active)
        .order_by(User.name, User.id)
        .limit(limit)
    )
    return [(row.id, f"{row.name}, {row.email}") for row in rows]


def find_known_person(host_id: int, *, user_id: int | None = None, email: str = "") -> int | None:
    """Return the id of a person whom the host knows, or None: known elsewhere is not known."""
    return session.scalar(
        select(User.id).where(
            User.id == user_id if user_id is not None else User.email == email.lower(),
            User.id.in_(_known_ids(host_id)),
            User.is_active,
        )
    )


def list_known_organizations(host_id: int, limit: int = 200) -> list[str]:
    """Return the names of the organizations that booked, asked or are cleared at a host."""
    known: CompoundSelect[Any] = union(
        select(Booking.organization_id).where(Booking.host_organization_id == host_id),
        select(AccessRequest.organization_id).where(AccessRequest.host_organization_id == host_id),
        select(Clearance.organization_id).where(Clearance.host_organization_id == host_id),
    )
    return list(
        session.scalars(
            select(Organization.name)
            .where(Organization.id.in_(known), Organization.id != host_id)
            .order_by(Organization.name)
            .limit(limit)
        )
    )


def list_equipment_choices(host_id: int, limit: int = 500) -> list[tuple[int, str]]:
    """Return (id, name) of a host's equipment, by name."""
    rows = session.execute(
        select(Equipment.id, Equipment.name)
        .where(Equipment.organization_id == host_id)
        .order_by(Equipment.name, Equipment.id)
        .limit(limit)
    )
    return [(row.id, row.name) for row in rows]


def list_facility_choices(host_id: int, limit: int = 500) -> list[tuple[int, str]]:
    """Return (id, name) of a host's facilities, by name."""
    rows = session.execute(
        select(Facility.id, Facility.name)
        .where(Facility.organization_id == host_id)
        .order_by(Facility.name, Facility.id)
        .limit(limit)
    )
    return [(row.id, row.name) for row in rows]


# Clearances


CLEARANCE_OPTIONS = (
    joinedload(Clearance.host),
    joinedload(Clearance.organization),
    joinedload(Clearance.user),
    joinedload(Clearance.facility),
    joinedload(Clearance.file),
)


def get_visible_clearance(actor: Actor, clearance_id: int) -> Clearance:
    """Return a clearance with all that is shown of it. Raises NotFound."""
    row = find_shown_clearance(clearance_id)
    if row is None:
        raise NotFound()
    authorize(actor, Permission.CLEARANCE_VIEW, row)
    return row


def find_shown_clearance(clearance_id: int) -> Clearance | None:
    """Return a clearance with all that a message says of it, or None where it is gone."""
    return session.scalar(
        select(Clearance).options(*CLEARANCE_OPTIONS).where(Clearance.id == clearance_id)
    )


def list_clearances(
    actor: Actor,
    *,
    host_id: int | None = None,
    about: Actor | None = None,
    state: str = "all",
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Clearance]:
    """Return a page of a host's clearances, or of those about a person and their organizations."""
    conditions = [visible(actor, Permission.CLEARANCE_VIEW)]
    if host_id is not None:
        conditions.append(Clearance.host_organization_id == host_id)
    if about is not None:
        conditions.append(
            or_(
                Clearance.user_id == about.user_id,
                Clearance.organization_id.in_(sorted(about.memberships)),
            )
        )
    conditions += _in_state(Clearance, Clearance.expires_on, state)
    statement = select(Clearance).options(*CLEARANCE_OPTIONS).where(*conditions)
    if state == "ending":
        return keyset_page(
            statement, (Clearance.expires_on, Clearance.id), cursor=cursor, limit=limit
        )
    return keyset_page(statement, (Clearance.id,), cursor=cursor, limit=limit, descending=True)


# What they are called


def thing_of(row: Qualification | AccessRequest) -> str:
    """Return the name of what a qualification is for, or of what somebody would book."""
    if row.capability is not None:
        return row.capability.name
    if row.equipment is not None:
        return row.equipment.name
    if isinstance(row, Qualification):
        return _("All equipment")
    return row.facility.name if row.facility is not None else ""


def holder_of(row: Clearance) -> str:
    """Return the name of whom a clearance is about."""
    holder = row.user or row.organization
    return holder.name if holder is not None else ""


# Parts of other pages


def host_section(actor: Actor, organization: Organization) -> HostSection | None:
    """Return what the page of an organization says to those who grant for it."""
    if not can(actor, Permission.QUALIFICATION_VIEW_LEDGER, organization):
        return None
    waiting = session.scalar(
        select(func.count())
        .select_from(AccessRequest)
        .where(
            AccessRequest.host_organization_id == organization.id, AccessRequest.status == "open"
        )
    )
    return HostSection(organization.id, waiting or 0)


def list_ending(actor: Actor, limit: int) -> list[DeskItem]:
    """Return what ends soon of what is the actor's, or what the actor's organizations granted."""
    qualifications = session.scalars(
        select(Qualification)
        .options(*QUALIFICATION_OPTIONS)
        .where(
            or_(
                Qualification.user_id == actor.user_id,
                visible(actor, Permission.QUALIFICATION_EDIT),
            ),
            *_in_state(Qualification, Qualification.ends_on, "ending"),
        )
        .order_by(Qualification.ends_on, Qualification.id)
        .limit(limit)
    )
    clearances = session.scalars(
        select(Clearance)
        .options(*CLEARANCE_OPTIONS)
        .where(
            or_(
                Clearance.user_id == actor.user_id,
                Clearance.organization_id.in_(sorted(actor.organizations_as("owner", "manager"))),
                visible(actor, Permission.CLEARANCE_EDIT),
            ),
            *_in_state(Clearance, Clearance.expires_on, "ending"),
        )
        .order_by(Clearance.expires_on, Clearance.id)
        .limit(limit)
    )
    found: list[Any] = [
        *(
            (row.ends_on, row, thing_of(row), row.user.name, f"/qualifications/{row.id}")
            for row in qualifications
        ),
        *(
            (
                row.expires_on,
                row,
                str(CLEARANCE_KINDS[row.kind]),
                holder_of(row),
                f"/clearances/{row.id}",
            )
            for row in clearances
        ),
    ]
    return [
        DeskItem(
            _("%(what)s of %(name)s ends on %(day)s", what=what, name=whom, day=format_date(end)),
            url,
            row.warned_at or row.created_at,
            detail=row.host.name,
            action=_("Look"),
        )
        for end, row, what, whom, url in sorted(found, key=lambda item: str(item[0]))[:limit]
    ]
