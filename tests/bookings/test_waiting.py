"""Who waits for a time gets it offered in turn, for a while."""

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import update

from portal.bookings.models.booking import WaitingEntry
from portal.bookings.models.calendar import Resource, RuleLayer
from portal.bookings.queries import bookings, waiting
from portal.bookings.rules.refusal import Refused
from portal.bookings.services import calendar, closures, making, steps
from portal.bookings.services import waiting as services
from portal.facilities.queries.records import get_facility
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict
from portal.organizations.models import Membership, Organization
from tests.bookings.conftest import ActorOf, Hour, OpenMill
from tests.cast import World

OrganizationOf = Callable[[str], Organization]
Wait = Callable[..., WaitingEntry]


@pytest.fixture
def taken(
    mill: OpenMill, actor: ActorOf, organization_of: OrganizationOf, hour: Hour
) -> tuple[Resource, int]:
    """The mill, booked by the college, and the booking's id."""
    resource = mill()
    made = making.create_booking(
        actor("cleo"), resource, organization=organization_of("college"), span=hour()
    )
    return resource, made[0].id


@pytest.fixture
def wait(
    taken: tuple[Resource, int], actor: ActorOf, organization_of: OrganizationOf, hour: Hour
) -> Wait:
    """Let somebody wait for the hour that the college has."""

    def join(who: str, **span: float) -> WaitingEntry:
        name = "aero" if who == "eve" else "shop"
        return services.join_waiting_list(
            actor(who), taken[0], organization=organization_of(name), span=hour(**span)
        )

    return join


def status(entry: WaitingEntry) -> str:
    session.refresh(entry)
    found = entry.status
    session.rollback()
    return found


def cancel(actor: ActorOf, booking_id: int, drain: Callable[[], None]) -> None:
    steps.act_on_booking(actor("cleo"), bookings.get_booking(booking_id), "cancel")
    drain()


def test_freed_time_is_offered_to_the_first_and_kept_for_them(
    taken: tuple[Resource, int],
    wait: Wait,
    actor: ActorOf,
    organization_of: OrganizationOf,
    hour: Hour,
    drain: Callable[[], None],
) -> None:
    resource, booking_id = taken
    eve, ben = wait("eve"), wait("ben")
    cancel(actor, booking_id, drain)
    assert (status(eve), status(ben)) == ("offered", "waiting")
    resource = bookings.get_resource(resource.id)
    with pytest.raises(Refused):
        making.create_booking(
            actor("ben"), resource, organization=organization_of("shop"), span=hour()
        )
    making.create_booking(actor("eve"), resource, organization=organization_of("aero"), span=hour())
    assert (status(eve), status(ben)) == ("taken", "waiting")


def test_time_that_is_only_asked_for_is_offered_to_the_next(
    taken: tuple[Resource, int],
    wait: Wait,
    actor: ActorOf,
    organization_of: OrganizationOf,
    hour: Hour,
    drain: Callable[[], None],
) -> None:
    resource, booking_id = taken
    with unit_of_work():
        session.execute(
            update(RuleLayer).where(RuleLayer.resource_id == resource.id).values(approval="host")
        )
    eve, ben = wait("eve"), wait("ben")
    cancel(actor, booking_id, drain)
    (asked,) = making.create_booking(
        actor("eve"),
        bookings.get_resource(resource.id),
        organization=organization_of("aero"),
        span=hour(),
    )
    assert asked.status == "requested"
    drain()
    assert (status(eve), status(ben)) == ("taken", "offered")


def test_nothing_is_kept_for_who_left_the_organization(
    world: World,
    taken: tuple[Resource, int],
    wait: Wait,
    actor: ActorOf,
    drain: Callable[[], None],
) -> None:
    ben, eve = wait("ben"), wait("eve")
    with unit_of_work():
        session.delete(session.get_one(Membership, world.memberships["ben_shop"]))
    cancel(actor, taken[1], drain)
    assert (status(ben), status(eve)) == ("waiting", "offered")


def test_time_closed_with_its_facility_is_offered_once_that_opens_again(
    world: World,
    taken: tuple[Resource, int],
    wait: Wait,
    actor: ActorOf,
    hour: Hour,
    drain: Callable[[], None],
) -> None:
    cleo, eve = actor("cleo"), wait("eve")
    lab = calendar.open_resource(cleo, get_facility(world.facilities["college_public"]))
    outage = closures.add_closure(
        cleo, lab, kind="outage", starts_at=hour().starts_at, ends_at=hour().ends_at
    )
    closures.cancel_hit_bookings(
        cleo, lab, closure_id=outage.id, booking_ids=[taken[1]], reason="No power."
    )
    drain()
    assert status(eve) == "waiting"
    closures.remove_closure(cleo, lab, closure_id=outage.id)
    drain()
    assert status(eve) == "offered"


def test_nobody_waits_for_what_is_not_opened_to_them_any_more(
    taken: tuple[Resource, int],
    wait: Wait,
    actor: ActorOf,
    hour: Hour,
    drain: Callable[[], None],
) -> None:
    eve = wait("eve")
    with unit_of_work():
        taken[0].equipment.sharing_terms = "by_request"
    with pytest.raises(Conflict, match="nothing to wait for"):
        wait("ben")
    cancel(actor, taken[1], drain)
    assert status(eve) == "waiting"


def test_offer_that_nobody_takes_goes_to_the_next(
    taken: tuple[Resource, int], wait: Wait, actor: ActorOf, drain: Callable[[], None]
) -> None:
    eve, ben = wait("eve"), wait("ben")
    cancel(actor, taken[1], drain)
    with unit_of_work():
        session.get_one(WaitingEntry, eve.id).offered_until = now() - dt.timedelta(minutes=1)
    assert services.pass_on_offers(SYSTEM) == 1
    drain()
    assert (status(eve), status(ben)) == ("lapsed", "offered")


def test_who_leaves_passes_the_offer_on(
    taken: tuple[Resource, int], wait: Wait, actor: ActorOf, drain: Callable[[], None]
) -> None:
    eve, ben = wait("eve"), wait("ben")
    cancel(actor, taken[1], drain)
    services.leave_waiting_list(actor("eve"), waiting.get_visible_entry(actor("eve"), eve.id))
    drain()
    assert (status(eve), status(ben)) == ("left", "offered")


def test_two_who_wait_for_different_times_are_both_asked(
    taken: tuple[Resource, int],
    wait: Wait,
    actor: ActorOf,
    hour: Hour,
    drain: Callable[[], None],
) -> None:
    eve, ben = wait("eve", hours=0.5), wait("ben", after=0.5, hours=0.5)
    cancel(actor, taken[1], drain)
    assert (status(eve), status(ben)) == ("offered", "offered")


def test_however_many_cannot_be_served_the_next_in_line_is(
    monkeypatch: pytest.MonkeyPatch,
    mill: OpenMill,
    actor: ActorOf,
    organization_of: OrganizationOf,
    hour: Hour,
    drain: Callable[[], None],
) -> None:
    resource, cleo, college = mill(), actor("cleo"), organization_of("college")
    kept, freed = (
        making.create_booking(cleo, resource, organization=college, span=hour(after=after))[0]
        for after in (0, 10)
    )
    with unit_of_work():
        for quarter in range(4):
            starts_at = kept.starts_at + dt.timedelta(minutes=15 * quarter)
            session.add(
                WaitingEntry(
                    resource_id=resource.id,
                    organization_id=organization_of("shop").id,
                    user_id=actor("ana").user_id,
                    starts_at=starts_at,
                    ends_at=starts_at + dt.timedelta(minutes=15),
                )
            )
    last = services.join_waiting_list(
        actor("ben"), resource, organization=organization_of("shop"), span=hour(after=10)
    )
    monkeypatch.setattr(waiting, "MOST_ASKED", 2)
    cancel(actor, freed.id, drain)
    assert status(last) == "offered"


def test_nobody_waits_for_what_is_free_or_twice_or_against_the_rules(wait: Wait) -> None:
    with pytest.raises(Conflict):
        wait("eve", after=2)
    wait("eve")
    with pytest.raises(Conflict):
        wait("eve", after=0.5)
    with pytest.raises(Refused) as refused:
        wait("ben", days=500)
    assert [problem.code for problem in refused.value.problems] == ["too_far_ahead"]
