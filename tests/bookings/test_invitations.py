"""What the e-mails of bookings bring into people's calendars, and take out of them again."""

from collections.abc import Callable

import pytest
from icalendar import Calendar

from portal.bookings.models.booking import Booking
from portal.bookings.queries.bookings import get_booking, get_resource
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.recurrence import read_recurrence
from portal.bookings.services import notices as services
from portal.bookings.services.making import create_booking, create_party
from portal.bookings.services.moving import hand_over_booking, move_booking
from portal.bookings.services.steps import act_on_booking
from portal.kernel.database import session
from portal.kernel.mail import OutgoingMail
from portal.organizations.models import Organization
from tests.bookings.conftest import second_mill
from tests.cast import World, actor_named

Deliver = Callable[[], list[OutgoingMail]]
HourOf = Callable[..., Span]
BEN, ANA, CLEO = "ben@cast.example", "ana@cast.example", "cleo@cast.example"


def told(mails: list[OutgoingMail]) -> dict[str, list[tuple[str, list[tuple[str, int]]]]]:
    """Return by recipient the methods of a mail's calendars, with the events: identity, sequence.

    Everybody gets one mail at most.
    """
    assert len({mail.recipient for mail in mails}) == len(mails)
    return {
        mail.recipient: [
            (
                str(one["method"]),
                [(str(event["uid"]), int(event["sequence"])) for event in one.walk("VEVENT")],
            )
            for one in Calendar.from_ical(mail.calendar_text, multiple=True)
        ]
        for mail in mails
    }


@pytest.fixture
def series(world: World, asked: Booking, deliver: Deliver, hour: HourOf) -> list[Booking]:
    """Four weeks on the college's mill, for Ben, whom Ana booked it for; nobody was told yet."""
    deliver()
    return create_booking(
        actor_named("ana"),
        get_resource(asked.resource_id),
        organization=session.get_one(Organization, world.organizations["shop"]),
        span=hour(days=8),
        user_id=world.users["ben"],
        recurrence=read_recurrence({"frequency": "weekly", "count": 4}),
    )


def test_one_message_has_all_of_a_series_and_withdraws_all_of_it(
    series: list[Booking], deliver: Deliver, hour: HourOf
) -> None:
    numbers = [one.id for one in series]
    mails = {mail.recipient: mail for mail in deliver()}
    assert mails.keys() == {BEN, CLEO}
    assert mails[BEN].body_text.count("\n– ") == 3
    assert "into your calendar.\n\n" in mails[BEN].body_text
    assert "The same goes for 3 others" in mails[CLEO].body_text
    ((method, asked_for),) = told([mails[BEN]])[BEN]
    assert (method, len({uid for uid, _sequence in asked_for})) == ("PUBLISH", 4)

    def change(act: Callable[[Booking], object]) -> list[tuple[str, list[tuple[str, int]]]]:
        act(get_booking(numbers[0]))
        mails = deliver()
        found = told(mails)
        assert ANA in found
        assert not found[ANA]
        return found[BEN]

    cleo, last = actor_named("cleo"), dict(asked_for)
    for act in (
        lambda one: act_on_booking(cleo, one, "approve", scope="all"),
        lambda one: move_booking(cleo, one, span=hour(2, days=8), scope="all"),
    ):
        ((method, events),) = change(act)
        assert (method, dict(events).keys()) == ("PUBLISH", last.keys())
        assert all(sequence > last[uid] for uid, sequence in events)
        last = dict(events)
    gone = change(lambda one: act_on_booking(cleo, one, "cancel", note="x", scope="following"))
    # A withdrawal is about one event, so that programs heed it (RFC 5546, 3.2.5).
    assert [method for method, _events in gone] == ["CANCEL"] * 4
    withdrawn = dict(event for _method, (event,) in gone)
    assert withdrawn.keys() == last.keys()
    assert all(sequence > last[uid] for uid, sequence in withdrawn.items())


def test_of_a_series_what_is_changed_alone_is_told_alone_however_soon(
    series: list[Booking], deliver: Deliver
) -> None:
    first, second, *_others = (one.id for one in series)
    deliver()
    act_on_booking(actor_named("cleo"), get_booking(first), "approve")
    act_on_booking(actor_named("cleo"), get_booking(second), "approve")
    approved = [mail for mail in deliver() if mail.recipient == BEN]
    assert [event for mail in approved for event in told([mail])[BEN]] == [
        ("REQUEST", [(f"booking-{number}@127.0.0.1", 1)]) for number in (first, second)
    ]
    assert "together with others" in approved[0].body_text


def test_what_is_changed_again_at_once_takes_no_other_of_its_series_along(
    series: list[Booking], deliver: Deliver, hour: HourOf
) -> None:
    first, *others = (one.id for one in series)
    deliver()
    act_on_booking(actor_named("cleo"), get_booking(first), "approve", scope="all")
    act_on_booking(actor_named("ben"), get_booking(first), "cancel")
    calendars = [one for mail in deliver() for one in told([mail])[mail.recipient]]
    assert sorted((method, len(events)) for method, events in calendars) == [
        ("CANCEL", 1),
        ("PUBLISH", len(others)),
    ]


def test_everybody_of_a_series_hears_of_what_is_theirs(
    world: World, series: list[Booking], deliver: Deliver
) -> None:
    hand_over_booking(actor_named("ana"), get_booking(series[2].id), user_id=world.users["ana"])
    deliver()
    act_on_booking(actor_named("cleo"), get_booking(series[0].id), "decline", note="x", scope="all")
    mails = [mail for mail in deliver() if mail.calendar_text]
    assert {to: len(calendars) for to, calendars in told(mails).items()} == {BEN: 3, ANA: 1}


def test_what_is_booked_together_comes_together(
    world: World, asked: Booking, deliver: Deliver, hour: HourOf
) -> None:
    other = second_mill(world)
    deliver()
    create_party(
        actor_named("cleo"),
        (get_resource(asked.resource_id), get_resource(other.id)),
        organization=session.get_one(Organization, world.organizations["college"]),
        span=hour(days=8),
    )
    (mail,) = deliver()
    assert [(method, len(events)) for method, events in told([mail])[CLEO]] == [("PUBLISH", 2)]
    assert f"· {other.name}" in mail.body_text


@pytest.mark.parametrize("by", ["ben", "ana"])
def test_what_is_handed_over_leaves_the_one_calendar_and_goes_into_the_other(
    world: World, series: list[Booking], deliver: Deliver, by: str
) -> None:
    number = series[1].id
    deliver()
    hand_over_booking(actor_named(by), get_booking(number), user_id=world.users["ana"])
    mails = {mail.recipient: mail for mail in deliver()}
    uid = f"booking-{number}@127.0.0.1"
    assert "was handed over to Ana" in mails[BEN].body_text
    assert told([mails[BEN]]) == {BEN: [("CANCEL", [(uid, 1)])]}
    assert told([mails[ANA]]) == {ANA: [("REQUEST", [(uid, 1)])]}


def test_who_moves_an_own_booking_gets_it_moved_in_the_calendar_if_anything_comes_there(
    series: list[Booking], deliver: Deliver, hour: HourOf
) -> None:
    deliver()
    ben = actor_named("ben")
    move_booking(ben, get_booking(series[0].id), span=hour(3, days=8))
    (mail,) = [mail for mail in deliver() if mail.recipient == BEN]
    assert told([mail])[BEN] == [("REQUEST", [(f"booking-{series[0].id}@127.0.0.1", 1)])]
    services.choose_notices(
        ben, tells_person=False, tells_host=True, tells_offers=True, remind_minutes=None
    )
    move_booking(ben, get_booking(series[0].id), span=hour(4, days=8))
    act_on_booking(ben, get_booking(series[0].id), "cancel")
    assert BEN not in {mail.recipient for mail in deliver()}
