"""Reads of the waiting list, in the order in which people came."""

from flask_babel import gettext as _
from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import joinedload

from portal.accounts.models import User
from portal.bookings.models.booking import WaitingEntry
from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries.bookings import RESOURCE_OPTIONS
from portal.bookings.queries.closures import list_depending
from portal.bookings.rules.attempt import Span
from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Membership

#: So many are asked in one go.
MOST_ASKED = 200

_OPTIONS = (
    joinedload(WaitingEntry.resource).options(*RESOURCE_OPTIONS),
    joinedload(WaitingEntry.organization),
    joinedload(WaitingEntry.user),
)


def get_visible_entry(actor: Actor, entry_id: int) -> WaitingEntry:
    """Return an entry of the waiting list that the actor may see. Raises NotFound."""
    entry = session.scalar(
        select(WaitingEntry)
        .options(*_OPTIONS)
        .where(WaitingEntry.id == entry_id)
        .execution_options(populate_existing=True)
    )
    if entry is None:
        raise NotFound(_("You are not waiting for this any more."))
    authorize(actor, Permission.WAITING_LEAVE, entry)
    return entry


def list_waited_for(resource_id: int) -> list[int]:
    """Return for which resources somebody waits, of one and of all that is closed along with it."""
    resource = session.get(Resource, resource_id)
    if resource is None:
        return []
    return list(
        session.scalars(
            select(WaitingEntry.resource_id)
            .where(
                WaitingEntry.resource_id.in_(list_depending(resource)),
                WaitingEntry.status == "waiting",
            )
            .distinct()
            .order_by(WaitingEntry.resource_id)
        )
    )


def list_own_entries(
    actor: Actor, *, cursor: str | None = None, limit: int = 20
) -> Page[WaitingEntry]:
    """Return a page of what the actor waits for, the earliest time first."""
    statement = (
        select(WaitingEntry)
        .options(*_OPTIONS)
        .where(
            WaitingEntry.user_id == actor.user_id,
            WaitingEntry.status.in_(("waiting", "offered")),
        )
    )
    return keyset_page(
        statement, [WaitingEntry.starts_at, WaitingEntry.id], cursor=cursor, limit=limit
    )


def list_waits_of(actor: Actor) -> list[WaitingEntry]:
    """Return all that the actor waits for or is offered, in the order in which it is locked."""
    return list(
        session.scalars(
            select(WaitingEntry)
            .options(*_OPTIONS)
            .where(
                WaitingEntry.user_id == actor.user_id,
                WaitingEntry.status.in_(("waiting", "offered")),
            )
            .order_by(WaitingEntry.resource_id, WaitingEntry.id)
        )
    )


def find_waiting(resource_id: int, user_id: int | None, span: Span) -> WaitingEntry | None:
    """Return the entry with which a person waits for an overlapping time already, or None."""
    return session.scalars(
        select(WaitingEntry)
        .where(
            WaitingEntry.resource_id == resource_id,
            WaitingEntry.user_id == user_id,
            WaitingEntry.status.in_(("waiting", "offered")),
            WaitingEntry.starts_at < span.ends_at,
            WaitingEntry.ends_at > span.starts_at,
        )
        .order_by(WaitingEntry.id)
        .limit(1)
    ).first()


def list_waiting(resource_id: int, after_entry_id: int = 0) -> list[WaitingEntry]:
    """Return the next who wait for a resource at times that have not begun, first come first.

    Whoever left the organization could not take what is kept for them.
    """
    return list(
        session.scalars(
            select(WaitingEntry)
            .options(joinedload(WaitingEntry.organization))
            .where(
                WaitingEntry.resource_id == resource_id,
                WaitingEntry.status == "waiting",
                WaitingEntry.id > after_entry_id,
                WaitingEntry.starts_at > now(),
                exists().where(
                    Membership.organization_id == WaitingEntry.organization_id,
                    Membership.user_id == WaitingEntry.user_id,
                    User.id == Membership.user_id,
                    User.is_active,
                ),
            )
            .order_by(WaitingEntry.id)
            .limit(MOST_ASKED)
            .execution_options(populate_existing=True)
        )
    )


def list_lapsing() -> list[WaitingEntry]:
    """Return the offers whose time is over and the entries whose time has begun."""
    moment = now()
    return list(
        session.scalars(
            select(WaitingEntry)
            .options(joinedload(WaitingEntry.resource).options(*RESOURCE_OPTIONS))
            .where(
                or_(
                    and_(WaitingEntry.status == "offered", WaitingEntry.offered_until <= moment),
                    and_(WaitingEntry.status == "waiting", WaitingEntry.starts_at <= moment),
                )
            )
            .order_by(WaitingEntry.resource_id, WaitingEntry.id)
            .limit(MOST_ASKED)
            .execution_options(populate_existing=True)
        )
    )
