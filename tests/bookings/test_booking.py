"""Bookings are made, decided, used and cancelled as their rules say."""

import datetime as dt

import pytest
from sqlalchemy import func, select

from portal.bookings.events import SpanFreed
from portal.bookings.models.booking import Booking, BookingOverride
from portal.bookings.models.calendar import Quota, Resource, RuleLayer
from portal.bookings.queries import bookings as queries
from portal.bookings.queries.availability import availability
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.recurrence import read_recurrence
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.words import BOOKINGS
from portal.bookings.services import making, moving, steps
from portal.facilities.models import Equipment
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid
from portal.organizations.models import Membership
from tests.bookings.conftest import (
    HOUR,
    ActorOf,
    Book,
    Hour,
    OpenMill,
    OrganizationOf,
    again,
    codes,
    events,
    open_to_all,
    second_mill,
    set_time,
)
from tests.cast import World

# Making


def test_what_keeps_all_rules_is_booked_at_once(book: Book, world: World) -> None:
    booking = book(purpose=" Housings ")
    assert (booking.status, booking.place, booking.customer_class) == ("approved", 1, "member_sme")
    assert booking.purpose == "Housings"
    assert booking.host_organization_id == world.organizations["college"]
    assert (booking.user_id, booking.booked_by_id) == (world.users["ana"], world.users["ana"])


def test_taken_time_is_refused_with_what_would_work(book: Book, hour: Hour) -> None:
    book()
    with pytest.raises(Refused) as refused:
        book("eve", hour(after=0.5))
    assert (refused.value.status, refused.value.code) == (409, "conflict")
    assert hour(after=1) in [suggestion.span for suggestion in refused.value.suggestions]


def test_all_problems_are_told_at_once(book: Book, mill: OpenMill, hour: Hour) -> None:
    mill_ = mill(max_length_minutes=60, lead_time_minutes=60 * 24 * 30, needs_insurance=True)
    with pytest.raises(Refused) as refused:
        book("eve", hour(hours=2), resource=mill_)
    assert codes(refused) == ["too_long", "too_soon", "insurance_missing"]
    assert refused.value.status == 422
    assert session.scalar(select(func.count()).select_from(Booking)) == 1


def test_one_may_begin_when_the_other_ends(book: Book, hour: Hour) -> None:
    book()
    assert book("eve", hour(after=1)).status == "approved"


def test_buffer_of_either_class_is_kept(
    book: Book, mill: OpenMill, hour: Hour, actor: ActorOf
) -> None:
    mill_ = mill()
    with unit_of_work():
        session.add(
            RuleLayer(
                resource_id=mill_.id, customer_class="own_organization", buffer_after_minutes=30
            )
        )
    book("cleo", resource=mill_)
    for after in (-1, 1):
        with pytest.raises(Refused) as refused:
            book("ana", hour(after=after), resource=mill_)
        assert codes(refused) == ["buffer"]
    window = Span(hour(after=-3).starts_at, hour(after=4).starts_at)
    (found,) = availability(actor("ana"), [mill_], window)
    assert [one.starts_at for one in found.free[1:]] == [hour(after=1.5).starts_at]
    # Between people of one class without one, nothing is kept.
    book("ana", hour(after=3), resource=mill_)
    assert book("eve", hour(after=4), resource=mill_).status == "approved"


def test_host_sets_rules_aside_with_a_reason_that_is_kept(
    book: Book, mill: OpenMill, hour: Hour
) -> None:
    mill_ = mill(max_length_minutes=60)
    booking = book("cleo", hour(hours=3), resource=mill_, override_reason="An open day.")
    (override,) = booking.overrides
    assert (override.code, override.reason) == ("too_long", "An open day.")
    assert override.overridden_by.name == "Cleo"


def test_only_hosts_set_rules_aside(book: Book, mill: OpenMill, hour: Hour) -> None:
    mill_ = mill(max_length_minutes=60)
    with pytest.raises(Forbidden):
        book("ana", hour(hours=3), resource=mill_, override_reason="I am in a hurry.")
    assert session.scalar(select(func.count()).select_from(BookingOverride)) == 0


def test_no_reason_sets_a_collision_aside(book: Book, hour: Hour) -> None:
    book()
    with pytest.raises(Refused) as refused:
        book("cleo", override_reason="We are the hosts.")
    assert codes(refused) == ["conflict"]


def test_colleague_is_booked_for_and_a_stranger_is_not(book: Book, world: World) -> None:
    booking = book("ana", user_id=world.users["ben"])
    assert (booking.user.name, booking.booked_by.name) == ("Ben", "Ana")
    with pytest.raises(Invalid):
        book("ana", user_id=world.users["eve"])


def test_what_is_not_opened_to_others_is_for_its_own_people(
    world: World, actor: ActorOf, organization_of: OrganizationOf, mill: OpenMill, hour: Hour
) -> None:
    mill_ = mill()
    with unit_of_work():
        mill_.equipment.sharing_terms = "by_request"
    with pytest.raises(Conflict):
        making.create_booking(
            actor("ana"), mill_, organization=organization_of("shop"), span=hour()
        )
    made = making.create_booking(
        actor("cleo"), mill_, organization=organization_of("college"), span=hour()
    )
    assert made[0].customer_class == "own_organization"


def test_several_places_are_taken_until_none_is_left(
    book: Book, mill: OpenMill, hour: Hour
) -> None:
    mill_ = mill(capacity=2)
    places = {book(who, resource=mill_).place for who in ("ana", "eve")}
    assert places == {1, 2}
    with pytest.raises(Refused):
        book("cleo", resource=mill_)


def test_places_are_dealt_anew_when_only_that_makes_room(
    book: Book, mill: OpenMill, hour: Hour
) -> None:
    mill_ = mill(capacity=2)
    # On place 1 until ten, on place 2 from eight to nine, and then one that fits only if moved.
    first = book("ana", hour(after=0, hours=2), resource=mill_)
    second = book("eve", hour(after=1, hours=2), resource=mill_)
    assert {first.place, second.place} == {1, 2}
    third = book("ana", hour(after=3, hours=2), resource=mill_)
    with unit_of_work():
        again(third).place = second.place
    fourth = book("eve", hour(after=2, hours=3), resource=mill_)
    holding = [again(one) for one in (first, second, third, fourth)]
    for one in holding:
        for other in holding:
            if one is not other and one.place == other.place:
                assert not Span(one.starts_at, one.ends_at).overlaps(
                    Span(other.starts_at, other.ends_at)
                )


def test_quota_counts_what_was_asked_for_too(
    book: Book, mill: OpenMill, hour: Hour, world: World
) -> None:
    mill_ = mill(approval="host")
    with unit_of_work():
        session.add(Quota(resource_id=mill_.id, shared_by="person", period="day", most_bookings=1))
    assert book("eve", resource=mill_).status == "requested"
    with pytest.raises(Refused) as refused:
        book("eve", hour(after=4), resource=mill_)
    assert codes(refused) == ["quota_exceeded"]
    assert book("ana", hour(after=4), resource=mill_).status == "requested"


@pytest.mark.parametrize("source", ["facility", "organization"])
def test_quota_of_a_place_counts_over_all_its_machines(
    book: Book, mill: OpenMill, actor: ActorOf, hour: Hour, world: World, source: str
) -> None:
    mill_, other = mill(), second_mill(world)
    open_to_all(other)
    alone = third_mill(world)
    lab = world.facilities["college_public"]
    with unit_of_work():
        for machine in (mill_, other):
            session.get_one(Equipment, machine.equipment_id).facility_id = lab
        place = Resource(
            kind=source,
            organization_id=mill_.organization_id,
            facility_id=lab if source == "facility" else None,
            name="Lab",
        )
        session.add(place)
        session.flush()
        session.add(Quota(resource_id=place.id, shared_by="person", period="day", most_minutes=120))
    book("ana", resource=mill_)
    # Nobody else's time counts, nor that of another day.
    book("eve", hour(after=1, hours=2), resource=mill_)
    book("ana", hour(days=8, hours=2), resource=mill_)
    with pytest.raises(Refused) as refused:
        book("ana", hour(after=2, hours=2), resource=other)
    assert codes(refused) == ["quota_exceeded"]
    assert "together: with this booking it would be 3 hours" in refused.value.message
    booking = book("ana", hour(after=2), resource=other)
    moving.move_booking(actor("ana"), booking, span=hour(after=3))
    if source == "facility":
        assert book("ana", hour(after=5, hours=2), resource=alone).status == "approved"
    else:
        with pytest.raises(Refused):
            book("ana", hour(after=5), resource=alone)


def third_mill(world: World) -> Resource:
    """Write a machine of the college that is in no facility."""
    with unit_of_work():
        equipment = Equipment(
            organization_id=world.organizations["college"],
            name="Saw",
            visibility="public",
            sharing_terms="bookable",
        )
        session.add(equipment)
        session.flush()
        resource = Resource(
            kind="equipment",
            organization_id=equipment.organization_id,
            equipment_id=equipment.id,
            name="Saw",
        )
        session.add(resource)
        session.flush()
        session.add(RuleLayer(resource_id=resource.id, approval="instant"))
    return queries.get_resource(resource.id)


# The same call again


def test_repeated_call_with_its_key_makes_nothing_new(book: Book) -> None:
    first = book(idempotency_key="k1")
    assert book(idempotency_key="k1").id == first.id
    with pytest.raises(Invalid):
        book(idempotency_key="k1", purpose="Something else")


def test_key_of_one_person_is_nothing_to_another(book: Book, hour: Hour) -> None:
    first = book(idempotency_key="k1")
    assert book("eve", hour(after=1), idempotency_key="k1").id != first.id


# Where the host approves


def test_several_ask_for_a_time_and_approval_declines_the_others(
    book: Book, mill: OpenMill, actor: ActorOf, hour: Hour
) -> None:
    mill_ = mill(approval="host")
    first, second = book("ana", resource=mill_), book("eve", resource=mill_)
    later = book("eve", hour(after=1), resource=mill_)
    assert [one.status for one in (first, second, later)] == ["requested"] * 3
    steps.act_on_booking(actor("cleo"), again(second), "approve")
    assert [again(one).status for one in (first, second, later)] == [
        "declined",
        "approved",
        "requested",
    ]
    (step,) = BOOKINGS.history(first)
    assert step.note


def test_approval_leaves_those_who_wait_for_another_place(
    book: Book, mill: OpenMill, actor: ActorOf
) -> None:
    mill_ = mill(approval="host", capacity=2)
    asked = [book(who, resource=mill_) for who in ("ana", "eve", "ben")]
    steps.act_on_booking(actor("cleo"), again(asked[0]), "approve")
    assert [again(one).status for one in asked] == ["approved", "requested", "requested"]
    steps.act_on_booking(actor("cleo"), again(asked[1]), "approve")
    assert [again(one).status for one in asked] == ["approved", "approved", "declined"]
    assert {again(asked[0]).place, again(asked[1]).place} == {1, 2}


def test_what_is_taken_meanwhile_is_not_approved(
    book: Book, mill: OpenMill, actor: ActorOf
) -> None:
    mill_ = mill(approval="host")
    asked = book("ana", resource=mill_)
    book("cleo", resource=mill_)
    with pytest.raises(Refused) as refused:
        steps.act_on_booking(actor("cleo"), again(asked), "approve")
    assert codes(refused) == ["conflict"]
    assert again(asked).status == "requested"


def test_hosts_own_bookings_wait_for_nobody(book: Book, mill: OpenMill) -> None:
    assert book("cleo", resource=mill(approval="host")).status == "approved"


# Series and parties


def test_more_occurrences_than_are_booked_at_once_are_refused(book: Book) -> None:
    most = making.MOST_OCCURRENCES
    with pytest.raises(Invalid, match=str(most)):
        book(recurrence=read_recurrence({"frequency": "daily", "count": most + 1}))


def test_each_occurrence_stands_alone(book: Book, actor: ActorOf) -> None:
    weekly = read_recurrence({"frequency": "weekly", "count": 4})
    first = book(recurrence=weekly)
    series = queries.list_made_together(first)
    assert len(series) == 4
    steps.act_on_booking(actor("ana"), again(series[1]), "cancel")
    assert [again(one).status for one in series] == [
        "approved",
        "cancelled",
        "approved",
        "approved",
    ]
    steps.act_on_booking(actor("ana"), again(series[2]), "cancel", scope="following")
    assert [again(one).status for one in series] == ["approved", *["cancelled"] * 3]


def test_conflicts_of_a_series_are_refused_or_skipped(book: Book, hour: Hour) -> None:
    book("eve", hour(days=14))
    weekly = read_recurrence({"frequency": "weekly", "count": 3})
    with pytest.raises(Refused) as refused:
        book(recurrence=weekly)
    assert codes(refused) == ["conflict"]
    first = book(recurrence=weekly, on_conflict="skip")
    assert len(queries.list_made_together(first)) == 2


def test_whole_series_moves_on_the_clock_of_the_wall(
    book: Book, actor: ActorOf, hour: Hour
) -> None:
    first = book(recurrence=read_recurrence({"frequency": "weekly", "count": 3}))
    series = queries.list_made_together(first)
    were = [one.starts_at for one in series]
    moving.move_booking(
        actor("ana"), again(series[1]), span=hour(after=0.5, days=14), scope="following"
    )
    assert [again(one).starts_at - was for one, was in zip(series, were, strict=True)] == [
        0 * HOUR,
        HOUR / 2,
        HOUR / 2,
    ]


def test_series_that_cannot_all_move_stays(book: Book, actor: ActorOf, hour: Hour) -> None:
    first = book(recurrence=read_recurrence({"frequency": "daily", "count": 3}))
    book("eve", hour(after=2, days=9))
    with pytest.raises(Refused):
        moving.move_booking(actor("ana"), again(first), span=hour(after=2), scope="all")
    series = [again(one) for one in queries.list_made_together(first)]
    assert [one.starts_at for one in series] == [hour(days=days).starts_at for days in (7, 8, 9)]
    assert {one.place for one in series} == {1}


def test_party_books_all_or_none(
    world: World, mill: OpenMill, actor: ActorOf, organization_of: OrganizationOf, hour: Hour
) -> None:
    cleo = actor("cleo")
    first = mill()
    both = (second_mill(world), first)

    def book_both(span: Span) -> list[Booking]:
        return making.create_party(cleo, both, organization=organization_of("college"), span=span)

    made = book_both(hour())
    assert len({one.party for one in made}) == 1
    assert [one.status for one in made] == ["approved", "approved"]
    steps.act_on_booking(cleo, again(made[0]), "cancel")
    with pytest.raises(Refused) as refused:
        book_both(hour())
    assert codes(refused) == ["conflict"]
    assert "mill: " in refused.value.message
    assert session.scalar(select(func.count()).where(Booking.status == "approved")) == 1


def test_what_repeats_together_is_whole_at_each_occurrence(
    book: Book,
    world: World,
    mill: OpenMill,
    actor: ActorOf,
    organization_of: OrganizationOf,
    hour: Hour,
) -> None:
    cleo, first = actor("cleo"), mill()
    both = (second_mill(world), first)
    # The one that is booked first is taken on the second day.
    first, second = sorted(both, key=lambda one: one.id)
    book("cleo", hour(days=8), resource=second)

    def repeat(on_conflict: str, key: str | None = None) -> list[Booking]:
        return making.create_party(
            cleo,
            both,
            organization=organization_of("college"),
            span=hour(),
            recurrence=read_recurrence({"frequency": "daily", "count": 3}),
            on_conflict=on_conflict,
            idempotency_key=key,
        )

    with pytest.raises(Refused) as refused:
        repeat("refuse")
    assert refused.value.message.startswith(f"{second.name}, ")
    made = repeat("skip", "1")
    assert [(one.starts_at, one.resource_id) for one in made] == [
        (hour(days=day).starts_at, one.id) for day in (7, 9) for one in (first, second)
    ]
    assert len({one.party for one in made}) == 2
    assert len({one.series_id for one in made}) == 1
    assert session.scalar(select(func.count()).where(Booking.party.is_not(None))) == len(made)
    assert {one.id for one in repeat("skip", "1")} == {one.id for one in made}


def test_kind_is_booked_and_a_unit_comes(
    world: World, mill: OpenMill, actor: ActorOf, organization_of: OrganizationOf, hour: Hour
) -> None:
    units = (mill(), second_mill(world))
    got = [
        making.create_booking_of_kind(
            actor("cleo"),
            units,
            kind="milling",
            organization=organization_of("college"),
            span=hour(),
        )[0].resource_id
        for _time in range(2)
    ]
    assert got == [unit.id for unit in units]
    with pytest.raises(Refused):
        making.create_booking_of_kind(
            actor("cleo"),
            units,
            kind="milling",
            organization=organization_of("college"),
            span=hour(),
        )


# Use, and the clock


def test_check_in_and_early_check_out_free_the_rest(book: Book, actor: ActorOf) -> None:
    booking = book()
    with pytest.raises(Conflict):
        steps.act_on_booking(actor("ana"), booking, "check_in")
    booking = set_time(
        booking, starts_at=now() - dt.timedelta(minutes=10), ends_at=now() + 3 * HOUR
    )
    was_until = booking.ends_at
    steps.act_on_booking(actor("ana"), booking, "check_in")
    assert again(booking).status == "in_use"
    steps.act_on_booking(actor("ana"), again(booking), "check_out")
    done = again(booking)
    assert done.status == "completed"
    assert done.ends_at < now() + dt.timedelta(minutes=2)
    assert done.used_until is not None
    assert done.moves[0].was_until == was_until
    assert len(events(SpanFreed)) == 1


def test_what_is_in_use_may_last_longer_and_the_next_one_changes_its_place(
    book: Book, mill: OpenMill, actor: ActorOf
) -> None:
    minute = now().replace(second=0, microsecond=0)
    mill_ = mill(capacity=2, slot_minutes=1)
    running = book(resource=mill_)
    running = set_time(running, starts_at=minute - dt.timedelta(minutes=10), ends_at=minute + HOUR)
    steps.act_on_booking(actor("ana"), running, "check_in")
    following = book("eve", Span(minute + HOUR, minute + 2 * HOUR), resource=mill_)
    assert (again(running).place, following.place) == (1, 1)
    longer = Span(minute - dt.timedelta(minutes=10), minute + 1.5 * HOUR)
    moving.move_booking(actor("ana"), again(running), span=longer)
    assert (again(running).place, again(following).place) == (1, 2)
    assert again(running).ends_at == longer.ends_at


def test_late_cancellation_is_allowed_and_marked(
    book: Book, mill: OpenMill, actor: ActorOf, hour: Hour
) -> None:
    mill_ = mill(cancel_notice_minutes=60 * 24 * 10)
    late, by_host = book(resource=mill_), book("eve", hour(after=1), resource=mill_)
    steps.act_on_booking(actor("ana"), late, "cancel", note="Ill")
    steps.act_on_booking(actor("cleo"), by_host, "cancel")
    assert again(late).is_cancelled_late
    assert not again(by_host).is_cancelled_late


def test_what_has_begun_is_cancelled_by_its_host_alone(
    book: Book, mill: OpenMill, actor: ActorOf
) -> None:
    begun = book(resource=mill())
    set_time(begun, starts_at=now() - HOUR / 6, ends_at=now() + HOUR)
    with pytest.raises(Conflict, match="has begun"):
        steps.act_on_booking(actor("ana"), again(begun), "cancel")
    steps.act_on_booking(actor("cleo"), again(begun), "cancel")
    assert again(begun).status == "cancelled"


def test_clock_releases_completes_and_lets_lapse(book: Book, mill: OpenMill, hour: Hour) -> None:
    mill_ = mill(no_show_minutes=15)
    missed, used = book("ana", resource=mill_), book("eve", hour(after=1), resource=mill_)
    waiting = book("ana", hour(after=2), resource=mill_)
    ahead = book("ana", hour(after=3), resource=mill_)
    minutes = dt.timedelta(minutes=1)
    set_time(missed, starts_at=now() - 20 * minutes, ends_at=now() + 40 * minutes)
    with unit_of_work():
        one = again(used)
        one.starts_at, one.ends_at = now() - 90 * minutes, now() - 30 * minutes
        one.status, one.used_from = "in_use", now() - 80 * minutes
        two = again(waiting)
        two.starts_at, two.ends_at, two.status = now() - minutes, now() + minutes, "requested"
    assert steps.close_overdue(SYSTEM) == 3
    assert [again(row).status for row in (missed, used, waiting, ahead)] == [
        "no_show",
        "completed",
        "declined",
        "approved",
    ]
    assert again(used).used_until == again(used).ends_at
    assert steps.close_overdue(SYSTEM) == 0


def test_person_who_left_the_organization_is_still_named(
    book: Book, world: World, actor: ActorOf
) -> None:
    booking = book("ben")
    with unit_of_work():
        session.delete(session.get_one(Membership, world.memberships["ben_shop"]))
    steps.act_on_booking(actor("ana"), again(booking), "cancel")
    assert again(booking).user.name == "Ben"


# What others learn


def test_everything_that_happens_is_told_once(
    app: object, book: Book, actor: ActorOf, hour: Hour
) -> None:
    booking = book()
    moving.move_booking(actor("ana"), booking, span=hour(after=1))
    steps.act_on_booking(actor("ana"), again(booking), "cancel")
    # Events without a reaction are not written, so those with one are counted.
    assert len(events(SpanFreed)) == 2
    assert again(booking).sequence == 2
