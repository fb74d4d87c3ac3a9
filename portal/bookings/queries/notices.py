"""What is read to tell people of bookings: whom they concern, reminders due, calendar feeds."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext as _
from sqlalchemy import Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from portal.accounts.models import User
from portal.accounts.rules import hash_secret
from portal.bookings.models.booking import Booking, BookingMove, WaitingEntry
from portal.bookings.models.calendar import Resource
from portal.bookings.models.notices import CalendarFeed, NoticeChoice, Reminder
from portal.bookings.queries.bookings import BOOKING_OPTIONS
from portal.bookings.queries.calendar import load_calendars
from portal.bookings.rules.invitations import Entry
from portal.bookings.rules.notices import Concerned, Wishes
from portal.bookings.rules.words import HOLDING_STATUSES, OPEN_STATUSES
from portal.facilities.models import Equipment, Facility
from portal.facilities.queries.records import list_addresses
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.settings import setting
from portal.kernel.workflow import WorkflowStep
from portal.organizations.models import Membership
from portal.organizations.queries.people import managers_of

#: What a feed looks back and ahead, and how many bookings it has at most.
FEED_BACK = dt.timedelta(days=60)
FEED_AHEAD = dt.timedelta(days=400)
MOST_FEED_ENTRIES = 1000
MOST_FEEDS = 50
MOST_REMINDERS = 200


def calendar_host() -> str:
    """Return the host name that makes the identities of events unique in the world."""
    return urlsplit(setting("PUBLIC_URL")).hostname or "localhost"


def zone_of(resource: Resource) -> str:
    """Return the IANA time zone in which a resource's times are told."""
    return load_calendars([resource])[0].hours.zone


# Whom a booking concerns


def load_concerned(
    booking: Booking, former: User | None = None
) -> tuple[Concerned, dict[int, User], dict[int, Wishes]]:
    """Return whom a booking concerns, these people by id, and what they want to be told.

    former: who would have been there before it was handed over.
    """
    managers = managers_of(booking.host_organization_id)
    people = {person.id: person for person in managers}
    for person in (booking.user, booking.booked_by, former):
        if person is not None and person.is_active:
            people[person.id] = person
    concerned = Concerned(
        booking.user_id if booking.user_id in people else None,
        booking.booked_by_id if booking.booked_by_id in people else None,
        [person.id for person in managers],
        former.id if former is not None and former.id in people else None,
    )
    return concerned, people, load_wishes(people)


def load_wishes(user_ids: Collection[int]) -> dict[int, Wishes]:
    """Return what people want to be told, for those who have said so."""
    rows = session.scalars(select(NoticeChoice).where(NoticeChoice.user_id.in_(list(user_ids))))
    return {row.user_id: Wishes(row.tells_person, row.tells_host, row.tells_offers) for row in rows}


def is_first_of_many(booking: Booking, action: str) -> bool:
    """Tell whether a booking is the one that speaks for all that were changed along with it.

    action: of the workflow, "move", or "" for the making of bookings.
    """
    if booking.series_id is None and booking.party is None:
        return True
    return session.scalar(_changed_along(booking, action).limit(1)) in (booking.id, None)


def list_changed_along(booking: Booking, action: str) -> list[Booking]:
    """Return a booking and those it speaks for, as they begin."""
    if booking.series_id is None and booking.party is None:
        return [booking]
    rows = session.scalars(
        select(Booking)
        .options(*BOOKING_OPTIONS)
        .where(Booking.id.in_(_changed_along(booking, action)), Booking.id != booking.id)
    )
    return sorted([booking, *rows], key=lambda one: (one.starts_at, one.id))


def _changed_along(booking: Booking, action: str) -> Select[int]:
    """Return what selects the bookings of one person that one act made or changed, by number.

    What was changed again since is left out: that brings a message of its own.
    """
    statement = (
        select(Booking.id)
        .where(
            or_(
                and_(Booking.series_id.is_not(None), Booking.series_id == booking.series_id),
                and_(Booking.party.is_not(None), Booking.party == booking.party),
            ),
            Booking.user_id.is_not_distinct_from(booking.user_id),
        )
        .order_by(Booking.id)
    )
    if not action:
        return statement.where(Booking.status.in_(("requested", "approved")))
    if action == "move":
        move, later = booking.moves[-1], aliased(BookingMove)
        return statement.join(BookingMove, BookingMove.booking_id == Booking.id).where(
            BookingMove.moved_at == move.moved_at,
            BookingMove.was_user_id.is_not_distinct_from(move.was_user_id),
            Booking.status.in_(OPEN_STATUSES),
            ~exists().where(later.booking_id == Booking.id, later.id > BookingMove.id),
        )
    taken = and_(WorkflowStep.subject == "booking", WorkflowStep.action == action)
    at = select(func.max(WorkflowStep.taken_at)).where(taken, WorkflowStep.subject_id == booking.id)
    return statement.join(WorkflowStep, WorkflowStep.subject_id == Booking.id).where(
        taken,
        WorkflowStep.taken_at == at.scalar_subquery(),
        Booking.status == booking.status,
    )


def is_of_host(booking: Booking, user_id: int | None) -> bool:
    """Tell whether somebody belongs to the booking's host; the clock (None) does as well."""
    if user_id is None:
        return True
    return (
        session.scalar(
            select(Membership.id).where(
                Membership.organization_id == booking.host_organization_id,
                Membership.user_id == user_id,
            )
        )
        is not None
    )


def find_offer(entry_id: int) -> WaitingEntry | None:
    """Return a waiting entry whose time is offered now, with its person and resource, or None."""
    return session.scalar(
        select(WaitingEntry)
        .options(joinedload(WaitingEntry.user), joinedload(WaitingEntry.resource))
        .where(WaitingEntry.id == entry_id, WaitingEntry.status == "offered")
    )


# Reminders


def list_reminders(limit: int = MOST_REMINDERS) -> list[tuple[Booking, User]]:
    """Return the bookings that begin soon and their people who were not reminded yet."""
    moment = now()
    found: list[tuple[Booking, User]] = []
    last = (moment, 0)
    # Those whose time has not come yet must not keep others from being looked at.
    while len(found) < limit:
        rows = _list_unreminded(moment, last, limit)
        found += [
            (booking, person)
            for booking, person, lead in rows
            if booking.starts_at <= moment + dt.timedelta(minutes=lead)
            # Who books at short notice knows what is coming.
            and booking.created_at <= booking.starts_at - dt.timedelta(minutes=lead)
        ]
        if len(rows) < limit:
            break
        last = rows[-1][0].starts_at, rows[-1][0].id
    return found[:limit]


def _list_unreminded(
    moment: dt.datetime, last: tuple[dt.datetime, int], limit: int
) -> Sequence[Any]:
    minutes = func.coalesce(NoticeChoice.remind_minutes, 1440)
    return session.execute(
        select(Booking, User, minutes)
        .join(User, User.id == Booking.user_id)
        .outerjoin(NoticeChoice, NoticeChoice.user_id == User.id)
        .options(joinedload(Booking.resource), joinedload(Booking.host))
        .where(
            Booking.status == "approved",
            or_(
                Booking.starts_at > last[0],
                and_(Booking.starts_at == last[0], Booking.id > last[1]),
            ),
            Booking.starts_at > moment,
            Booking.starts_at <= moment + dt.timedelta(days=1),
            User.is_active,
            or_(NoticeChoice.user_id.is_(None), NoticeChoice.remind_minutes.is_not(None)),
            ~exists().where(
                Reminder.booking_id == Booking.id,
                Reminder.user_id == User.id,
                Reminder.starts_at == Booking.starts_at,
            ),
        )
        .order_by(Booking.starts_at, Booking.id)
        .limit(limit)
    ).all()


# Feeds


def find_choice(actor: Actor) -> NoticeChoice:
    """Return what the actor wants to be told; what everybody gets where nothing is chosen."""
    return session.get(NoticeChoice, actor.user_id) or NoticeChoice(
        user_id=actor.user_id,
        tells_person=True,
        tells_host=True,
        tells_offers=True,
        remind_minutes=1440,
    )


def list_feeds(actor: Actor) -> list[CalendarFeed]:
    """Return the actor's feeds, one's own bookings first."""
    return list(
        session.scalars(
            select(CalendarFeed)
            .options(joinedload(CalendarFeed.resource))
            .where(CalendarFeed.user_id == actor.user_id)
            .order_by(CalendarFeed.resource_id.is_not(None), CalendarFeed.id)
            .limit(MOST_FEEDS)
        )
    )


def find_feed(actor: Actor, resource: Resource | None) -> CalendarFeed | None:
    """Return the actor's feed of a resource, or of one's own bookings."""
    return session.scalar(
        select(CalendarFeed).where(
            CalendarFeed.user_id == actor.user_id,
            CalendarFeed.resource_id.is_(None)
            if resource is None
            else CalendarFeed.resource_id == resource.id,
        )
    )


def get_own_feed(actor: Actor, feed_id: int) -> CalendarFeed:
    """Return a feed of the actor's. Raises NotFound."""
    feed = session.get(CalendarFeed, feed_id)
    if feed is None or feed.user_id != actor.user_id:
        raise NotFound(_("There is no such calendar."))
    return feed


def read_feed(token: str) -> tuple[CalendarFeed, list[Booking]]:
    """Return the feed of a secret and what takes place of its bookings. Raises NotFound.

    A feed of a resource ends with the person's membership in its organization.
    """
    feed = session.scalar(
        select(CalendarFeed)
        .join(User, User.id == CalendarFeed.user_id)
        .outerjoin(Resource, Resource.id == CalendarFeed.resource_id)
        .options(joinedload(CalendarFeed.resource), joinedload(CalendarFeed.user))
        .where(
            CalendarFeed.token_hash == hash_secret(token),
            User.is_active,
            or_(
                CalendarFeed.resource_id.is_(None),
                exists().where(
                    Membership.user_id == User.id,
                    Membership.organization_id == Resource.organization_id,
                ),
            ),
        )
    )
    if feed is None:
        raise NotFound(_("There is no such calendar."))
    moment = now()
    whose = (
        Booking.user_id == feed.user_id
        if feed.resource_id is None
        else Booking.resource_id == feed.resource_id
    )
    bookings = session.scalars(
        select(Booking)
        .options(
            joinedload(Booking.resource)
            .joinedload(Resource.equipment)
            .options(joinedload(Equipment.facility)),
            joinedload(Booking.resource).joinedload(Resource.facility),
            joinedload(Booking.host),
            joinedload(Booking.organization),
            joinedload(Booking.user),
        )
        .where(
            whose,
            Booking.status.in_(("requested", *HOLDING_STATUSES)),
            Booking.ends_at > moment - FEED_BACK,
            Booking.starts_at < moment + FEED_AHEAD,
        )
        # Of too many, what is to come goes before what is over, the nearest first.
        .order_by(
            Booking.ends_at <= moment,
            case((Booking.ends_at > moment, Booking.starts_at)),
            Booking.starts_at.desc(),
            Booking.id,
        )
        .limit(MOST_FEED_ENTRIES)
    ).all()
    return feed, sorted(bookings, key=lambda booking: (booking.starts_at, booking.id))


def list_places(bookings: Sequence[Booking]) -> dict[int, str]:
    """Return where one goes for bookings, host and address, by the ids of their resources."""
    resources = [booking.resource for booking in bookings]
    equipment = list_addresses(Equipment, (one.equipment_id for one in resources))
    facilities = list_addresses(Facility, (one.facility_id for one in resources))
    addresses = {
        one.id: equipment.get(one.equipment_id) or facilities.get(one.facility_id)
        for one in resources
    }
    return {
        booking.resource_id: ", ".join(
            part for part in (booking.host.name, addresses[booking.resource_id]) if part
        )
        for booking in bookings
    }


def entry_of(booking: Booking, *, url: str, place: str = "", is_host: bool = False) -> Entry:
    """Return a booking as calendars have it; a host reads who comes.

    place: where it is, as `list_places` says it.
    """
    who = booking.user.name if is_host and booking.user is not None else ""
    parts = [booking.resource.name, booking.organization.name if is_host else "", who]
    return Entry(
        number=booking.id,
        sequence=booking.sequence,
        status=booking.status,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        updated_at=booking.updated_at,
        summary=" · ".join(part for part in parts if part),
        description=booking.purpose,
        location=place or booking.host.name,
        url=url,
    )


def list_feed_candidates(actor: Actor, limit: int = 100) -> Sequence[Resource]:
    """Return the resources of the actor's organizations that have bookings, by name."""
    return session.scalars(
        select(Resource)
        .where(
            Resource.organization_id.in_(sorted(actor.memberships)),
            exists().where(Booking.resource_id == Resource.id),
        )
        .order_by(Resource.name, Resource.id)
        .limit(limit)
    ).all()
