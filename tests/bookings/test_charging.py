"""What bookings cost: rates, charges written once, changes by hand, disputes, statements."""

import datetime as dt
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource
from portal.bookings.models.charging import ChargeLine
from portal.bookings.queries import charging as queries
from portal.bookings.queries.bookings import get_booking, get_resource
from portal.bookings.queries.resources import resource_of
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.pricing import Rates
from portal.bookings.rules.words import BOOKINGS
from portal.bookings.services import charging as services
from portal.bookings.services.calendar import change_rules, open_resource
from portal.bookings.services.making import create_booking
from portal.bookings.services.moving import move_booking
from portal.bookings.services.notices import choose_notices
from portal.bookings.services.steps import act_on_booking
from portal.facilities.models import EquipmentRate
from portal.facilities.queries.records import get_equipment, get_facility
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from portal.kernel.mail import OutgoingMail
from portal.organizations.models import Organization
from tests.cast import World, actor_named

# The shop's people use the college's mill on a Tuesday morning.
STARTS = dt.datetime(2026, 3, 3, 14, 0, tzinfo=dt.UTC)
HOURS = dt.timedelta(hours=1)
Book = Callable[..., Booking]


@pytest.fixture
def mill(world: World) -> Resource:
    record = get_equipment(world.equipment["college_public"])
    return open_resource(actor_named("cleo"), record)


@pytest.fixture
def book(world: World, mill: Resource) -> Book:
    """Write a booking of the shop on the college's mill, over by now."""

    def write(**columns: Any) -> Booking:
        values: dict[str, Any] = {
            "resource_id": mill.id,
            "resource": mill,
            "host_organization_id": world.organizations["college"],
            "organization_id": world.organizations["shop"],
            "user_id": world.users["ben"],
            "booked_by_id": world.users["ben"],
            "starts_at": STARTS,
            "ends_at": STARTS + 2 * HOURS,
            "status": "completed",
            "customer_class": "other",
            **columns,
        }
        with unit_of_work():
            booking = Booking(**values)
            session.add(booking)
        return booking

    return write


def settle(booking: Booking) -> list[tuple[str, int]]:
    services.settle_charge(SYSTEM, booking)
    return [(line.kind, line.amount_cents) for line in queries.load_charge(booking).lines]


def write(row: ChargeLine) -> None:
    with unit_of_work():
        session.add(row)


def cleo() -> Actor:
    return actor_named("cleo")


# Rates


def test_equipment_rates_and_cards_of_facility_and_organization_make_one_price(
    world: World, mill: Resource
) -> None:
    equipment = get_equipment(world.equipment["college_public"])
    assert equipment.facility_id is not None
    facility = open_resource(cleo(), get_facility(equipment.facility_id))
    college = open_resource(cleo(), session.get_one(Organization, world.organizations["college"]))
    services.change_rate_card(cleo(), facility, minimum_cents=4000, operator_cents=6000)
    services.change_rate_card(cleo(), college, minimum_cents=100, no_show_cents=2500)
    services.change_rate_card(cleo(), mill, customer_class="academic", minimum_cents=0)
    mill = resource_of(get_equipment(world.equipment["college_public"]))
    terms = {"operator_cents": 6000, "no_show_cents": 2500}
    assert queries.load_rates(mill, "other") == Rates(hour_cents=8500, minimum_cents=4000, **terms)
    # Without a price of their own, others' prices hold; a zero is a word of its own.
    assert queries.load_rates(mill, "academic") == Rates(hour_cents=8500, minimum_cents=0, **terms)
    assert not queries.load_rates(mill, "own_organization").is_priced


def test_the_day_on_which_clocks_go_back_is_one_day(world: World, mill: Resource) -> None:
    with unit_of_work():
        session.execute(
            delete(EquipmentRate).where(EquipmentRate.equipment_id == mill.equipment_id)
        )
        session.add(
            EquipmentRate(
                equipment_id=mill.equipment_id,
                customer_class="other",
                unit="day",
                price_cents=40000,
            )
        )
    midnight = dt.datetime(2026, 11, 1, tzinfo=ZoneInfo("America/Kentucky/Louisville"))
    day = Span(midnight.astimezone(dt.UTC), (midnight + dt.timedelta(days=1)).astimezone(dt.UTC))
    assert day.minutes == 25 * 60
    assert queries.estimate_cents(mill, day, "other") == 40000
    later = Span(day.starts_at, day.ends_at + dt.timedelta(minutes=1))
    assert queries.estimate_cents(mill, later, "other") == 80000


def test_a_class_with_a_rate_of_its_own_pays_that(world: World, mill: Resource) -> None:
    with unit_of_work():
        session.add(
            EquipmentRate(
                equipment_id=mill.equipment_id,
                customer_class="member_sme",
                unit="day",
                price_cents=30000,
            )
        )
    assert queries.load_rates(mill, "member_sme") == Rates(day_cents=30000)
    assert queries.load_rates(mill, "other") == Rates(hour_cents=8500)


def test_a_card_without_anything_on_it_is_gone(mill: Resource) -> None:
    services.change_rate_card(cleo(), mill, minimum_cents=500)
    assert queries.load_own_cards(mill)[""].minimum_cents == 500
    services.change_rate_card(cleo(), mill, minimum_cents=None)
    assert queries.load_own_cards(mill) == {}


@pytest.mark.parametrize("name", ["ana", "eve", "dov"])
def test_only_the_host_says_its_prices(mill: Resource, name: str) -> None:
    with pytest.raises(Forbidden):
        services.change_rate_card(actor_named(name), mill, minimum_cents=0)


# Charges


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        ({}, [("use", 17000)]),
        ({"used_from": STARTS, "used_until": STARTS + HOURS}, [("use", 17000)]),
        ({"used_from": STARTS, "used_until": STARTS + 3 * HOURS}, [("use", 25500)]),
        ({"status": "no_show"}, [("no_show", 3000)]),
        ({"status": "cancelled"}, []),
        ({"status": "cancelled", "is_cancelled_late": True}, [("cancellation", 2000)]),
        ({"status": "declined"}, []),
        ({"with_operator": True}, [("use", 17000), ("operator", 12000)]),
    ],
    ids=[
        "as booked",
        "left early: booked time is paid",
        "stayed longer",
        "nobody came",
        "cancelled in time",
        "cancelled late",
        "declined",
        "with an operator",
    ],
)
def test_what_is_charged(
    book: Book, mill: Resource, columns: dict[str, Any], lines: list[tuple[str, int]]
) -> None:
    services.change_rate_card(
        cleo(), mill, operator_cents=6000, cancellation_cents=2000, no_show_cents=3000
    )
    booking = book(**columns)
    assert settle(booking) == lines
    assert settle(booking) == lines, "an event that comes twice charges once"


def test_charge_by_hand_says_why_and_never_falls_below_nothing(book: Book) -> None:
    booking = book()
    settle(booking)
    for kind, amount, note, field in (
        ("voucher", 500, "", "note"),
        ("adjustment", 0, "why", "amount_cents"),
        ("adjustment", -17001, "too much", "amount_cents"),
        ("use", 500, "sneaky", "kind"),
    ):
        with pytest.raises(Invalid) as refused:
            services.adjust_charge(cleo(), booking, kind=kind, amount_cents=amount, note=note)
        assert refused.value.field == field
    services.adjust_charge(cleo(), booking, kind="voucher", amount_cents=7000, note="Voucher 12")
    services.adjust_charge(cleo(), booking, kind="adjustment", amount_cents=500, note="Cutter")
    assert queries.count_cents(booking) == 10500
    with pytest.raises(Forbidden):
        services.adjust_charge(
            actor_named("ana"), booking, kind="voucher", amount_cents=1, note="mine"
        )


@pytest.mark.parametrize("unit", ["hour", "day"])
def test_the_charge_is_what_was_estimated(world: World, mill: Resource, unit: str) -> None:
    with unit_of_work():
        rate = {"customer_class": "member_sme", "unit": unit, "price_cents": 3333}
        session.add(EquipmentRate(equipment_id=mill.equipment_id, **rate))
    services.change_rate_card(cleo(), mill, minimum_cents=5000)
    starts = (now() + dt.timedelta(days=7)).replace(minute=0, second=0, microsecond=0)
    (booking,) = create_booking(
        actor_named("ana"),
        get_resource(mill.id),
        organization=session.get_one(Organization, world.organizations["shop"]),
        span=Span(starts, starts + dt.timedelta(minutes=105)),
    )
    with unit_of_work():
        booking.status = "completed"
    settle(booking)
    assert booking.estimate_cents == queries.count_cents(booking) > 0


@pytest.fixture
def begun(book: Book) -> Booking:
    """Two hours of the shop on the college's mill, of which ten minutes are over."""
    starts_at = now().replace(second=0, microsecond=0) - dt.timedelta(minutes=10)
    times = {"starts_at": starts_at, "ends_at": starts_at + 2 * HOURS, "used_from": starts_at}
    return get_booking(book(**times, status="in_use", estimate_cents=17000).id)


def test_who_leaves_early_pays_for_the_booked_time_as_estimated(begun: Booking) -> None:
    act_on_booking(actor_named("ben"), begun, "check_out")
    done = get_booking(begun.id)
    assert done.ends_at < now() + dt.timedelta(minutes=2), "the rest is free for others"
    settle(done)
    assert done.estimate_cents == queries.count_cents(done) == 17000


@pytest.mark.parametrize(("who", "cents"), [("ben", 17000), ("cleo", 8500)])
def test_only_its_host_makes_what_has_begun_cheaper_by_an_earlier_end(
    begun: Booking, mill: Resource, who: str, cents: int
) -> None:
    change_rules(cleo(), mill, slot_minutes=1)
    shorter = Span(begun.starts_at, begun.starts_at + HOURS)
    move_booking(actor_named(who), get_booking(begun.id), span=shorter)
    moved = get_booking(begun.id)
    assert moved.estimate_cents == cents
    act_on_booking(actor_named("ben"), moved, "check_out")
    done = get_booking(begun.id)
    settle(done)
    assert queries.count_cents(done) == cents


def test_runs_samples_and_an_operator_are_estimated_and_charged_alike(
    book: Book, mill: Resource
) -> None:
    with unit_of_work():
        for unit, cents in (("run", 500), ("sample", 70)):
            values = {"customer_class": "other", "unit": unit, "price_cents": cents}
            session.add(EquipmentRate(equipment_id=mill.equipment_id, **values))
    services.change_rate_card(cleo(), mill, operator_cents=6000)
    booking = book(status="in_use")
    services.report_usage(
        actor_named("ben"), booking, runs=3, samples=2, with_operator=True, notes="Clean it."
    )
    services.report_usage(actor_named("ben"), booking, runs=3, samples=2, with_operator=True)
    assert [step.note for step in BOOKINGS.history(booking)] == ["", "Clean it."]
    with unit_of_work():
        booking.status = "completed"
    settle(booking)
    assert booking.estimate_cents == queries.count_cents(booking) == 17000 + 1500 + 140 + 12000
    with pytest.raises(Conflict):
        services.report_usage(actor_named("ben"), booking, runs=0)


# Disputes


def test_a_dispute_is_answered_once_and_takes_off_what_the_host_grants(book: Book) -> None:
    booking = book()
    settle(booking)
    dispute = services.raise_dispute(actor_named("ana"), booking, reason="It stood still.")
    with pytest.raises(Conflict):
        services.raise_dispute(actor_named("ana"), booking, reason="Again.")
    with pytest.raises(Forbidden):
        services.decide_dispute(actor_named("ana"), dispute, is_settled=True, answer="Yes.")
    with pytest.raises(Invalid, match="more than the whole charge"):
        services.decide_dispute(
            cleo(), dispute, is_settled=True, answer="Sorry.", taken_off_cents=99999
        )
    services.decide_dispute(cleo(), dispute, is_settled=True, answer="Sorry.", taken_off_cents=8500)
    assert (dispute.status, queries.count_cents(booking)) == ("settled", 8500)
    with pytest.raises(Conflict):
        services.decide_dispute(cleo(), dispute, is_settled=False, answer="No.")


def test_strangers_see_no_dispute(book: Book) -> None:
    booking = book()
    settle(booking)
    dispute = services.raise_dispute(actor_named("ana"), booking, reason="It stood still.")
    assert queries.get_dispute(actor_named("cleo"), dispute.id) is dispute
    for name in ("eve", "dov", "ben"):
        with pytest.raises(NotFound):
            queries.get_dispute(actor_named(name), dispute.id)


# Incidents


def test_who_stands_at_the_machine_may_stop_it_for_others(book: Book, mill: Resource) -> None:
    booking = book(
        status="in_use",
        starts_at=dt.datetime.now(dt.UTC) - HOURS,
        ends_at=dt.datetime.now(dt.UTC) + HOURS,
    )
    incident = services.report_incident(
        actor_named("ben"), booking, text="The spindle smokes.", opens_outage=True
    )
    assert incident.closure is not None
    assert (incident.closure.kind, incident.closure.ends_at) == ("outage", None)
    assert incident.closure.resource_id == mill.id
    assert incident.closure.reason == "", "what happened is not for everybody"
    with pytest.raises(Conflict):
        services.report_incident(actor_named("ben"), booking, text="Still.", opens_outage=True)


def test_what_was_never_used_had_no_incident(book: Book) -> None:
    with pytest.raises(Conflict):
        services.report_incident(actor_named("ben"), book(status="approved"), text="Smoke.")


# Statements


def test_sums_of_a_statement_are_of_all_bookings_however_few_are_shown(
    world: World, book: Book
) -> None:
    for number in range(2):
        settle(
            book(starts_at=STARTS + number * 24 * HOURS, ends_at=STARTS + (number * 24 + 2) * HOURS)
        )
    last = STARTS + 48 * HOURS
    settle(book(organization_id=world.organizations["aero"], starts_at=last, ends_at=last + HOURS))
    college = session.get_one(Organization, world.organizations["college"])
    month = dt.date(2026, 3, 1)
    shown = queries.load_statements(college, side="host", month=month, limit=1)
    whole = queries.load_statements(college, side="host", month=month)
    assert [one.total_cents for one in shown] == [one.total_cents for one in whole]
    assert sorted(len(one.rows) for one in shown) == [0, 1]


def test_statements_add_up_on_both_sides(world: World, book: Book) -> None:
    first, second = book(), book(starts_at=STARTS + 24 * HOURS, ends_at=STARTS + 25 * HOURS)
    book(starts_at=STARTS + 48 * HOURS, ends_at=STARTS + 49 * HOURS, status="cancelled")
    book(starts_at=STARTS + 720 * HOURS, ends_at=STARTS + 721 * HOURS)
    for booking in (first, second):
        settle(booking)
    services.raise_dispute(actor_named("ana"), second, reason="Too much.")
    march = dt.date(2026, 3, 1)
    college, shop = (
        session.get_one(Organization, world.organizations[name]) for name in ("college", "shop")
    )
    for whose, side, other in ((college, "host", shop), (shop, "customer", college)):
        (statement,) = queries.load_statements(whose, side=side, month=march)
        assert statement.other is other
        assert [(row.amount_cents, row.is_disputed) for row in statement.rows] == [
            (17000, False),
            (8500, True),
        ]
        assert statement.total_cents == 25500
    assert queries.load_statements(shop, side="host", month=march) == []


def test_no_price_is_too_large_for_the_database(book: Book) -> None:
    booking = book(estimate_cents=50_000_000_000)
    for _line in range(3):
        write(ChargeLine(booking_id=booking.id, kind="use", amount_cents=9_000_000_000))
    assert queries.count_cents(booking) == 27_000_000_000


@pytest.mark.parametrize(
    ("status", "said"), [("completed", "is over"), ("cancelled", "was cancelled late")]
)
def test_those_who_pay_are_told_what_it_cost(
    book: Book, mill: Resource, world: World, drain: Callable[[], object], status: str, said: str
) -> None:
    services.change_rate_card(cleo(), mill, cancellation_cents=17000)
    booking = book(status=status, is_cancelled_late=status == "cancelled")
    choose_notices(
        actor_named("ana"),
        tells_person=status == "completed",
        tells_host=True,
        tells_offers=True,
        remind_minutes=None,
    )
    services.settle_charge(SYSTEM, booking)
    drain()
    mails = session.scalars(select(OutgoingMail).order_by(OutgoingMail.recipient)).all()
    told = ["ana@cast.example", "ben@cast.example"]
    assert [mail.recipient for mail in mails] == (told if status == "completed" else told[1:])
    assert "$170" in mails[0].subject
    assert said in mails[0].body_text
    assert ("Booked time is paid" in mails[0].body_text) == (status == "completed")


def test_the_database_keeps_lines_honest(book: Book) -> None:
    booking = book()
    for values in (
        {"kind": "use", "amount_cents": -1},
        {"kind": "voucher", "amount_cents": 1, "note": "x"},
        {"kind": "adjustment", "amount_cents": 1, "note": ""},
        {"kind": "gift", "amount_cents": 1},
    ):
        with pytest.raises(IntegrityError):
            write(ChargeLine(booking_id=booking.id, **values))
