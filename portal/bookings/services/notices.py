"""Commands on what people are told of bookings, and on their calendar feeds."""

from sqlalchemy import delete

from portal.accounts.rules import hash_secret, new_secret
from portal.bookings.events import BookingStartsSoon
from portal.bookings.models.calendar import Resource
from portal.bookings.models.notices import CalendarFeed, NoticeChoice, Reminder
from portal.bookings.policies import Permission
from portal.bookings.queries import notices as queries
from portal.kernel.authorization import Actor, authorize
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.outbox import record


@command(Permission.NOTICES_CHOOSE)
def choose_notices(
    actor: Actor,
    *,
    tells_person: bool,
    tells_host: bool,
    tells_offers: bool,
    remind_minutes: int | None,
) -> NoticeChoice:
    """Say what the actor wants to get by e-mail."""
    choice = queries.find_choice(actor)
    choice.tells_person, choice.tells_host = tells_person, tells_host
    choice.tells_offers, choice.remind_minutes = tells_offers, remind_minutes
    session.add(choice)
    return choice


@command(Permission.NOTICES_CHOOSE)
def make_feed(actor: Actor, resource: Resource | None = None) -> str:
    """Make a secret address for a calendar program and return its secret, which is kept nowhere.

    resource: one of the actor's organizations; None: the actor's own bookings. One made before
    for the same ends.
    """
    if resource is not None:
        authorize(actor, Permission.FEED_MAKE, resource)
    feed = queries.find_feed(actor, resource)
    token = new_secret()
    if feed is None:
        feed = CalendarFeed(
            user_id=actor.user_id, resource_id=resource.id if resource is not None else None
        )
        session.add(feed)
    feed.token_hash = hash_secret(token)
    return token


@command(Permission.NOTICES_CHOOSE)
def end_feed(actor: Actor, *, feed_id: int) -> None:
    """Let a secret address lead nowhere from now on."""
    feed = queries.get_own_feed(actor, feed_id)
    session.execute(delete(CalendarFeed).where(CalendarFeed.id == feed.id))


@command(Permission.NOTICES_REMIND)
def remind(actor: Actor) -> int:
    """Remind people of bookings that begin soon, each once for each time; return how many."""
    due = queries.list_reminders()
    for booking, person in due:
        session.add(Reminder(booking_id=booking.id, user_id=person.id, starts_at=booking.starts_at))
        record(BookingStartsSoon(booking.id, person.id))
    return len(due)
