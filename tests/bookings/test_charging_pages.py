"""Prices, charges, disputes, incidents and statements as people meet them."""

import csv
import datetime as dt
import io
import re
from collections.abc import Callable

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from portal.bookings.models.booking import Booking
from portal.bookings.queries import charging as queries
from portal.bookings.queries.bookings import get_booking
from portal.bookings.services import charging as services
from portal.facilities.models import EquipmentRate
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.mail import OutgoingMail
from tests.cast import World
from tests.support.statements import count_statements

Clients = Callable[[str], FlaskClient]
MARCH = dt.datetime(2026, 3, 3, 14, 0, tzinfo=dt.UTC)


@pytest.fixture
def booking(world: World) -> Booking:
    """Ben's booking of the college's mill, over since March and charged: two hours at $85."""
    with unit_of_work():
        over = session.get_one(Booking, world.bookings["ben_on_college_mill"])
        over.status = "completed"
        over.starts_at, over.ends_at = MARCH, MARCH + dt.timedelta(hours=2)
    services.settle_charge(SYSTEM, get_booking(over.id))
    return over


def test_a_host_sets_prices_and_sees_what_holds(client_of: Clients, world: World) -> None:
    path = f"/equipment/{world.equipment['college_public']}/prices"
    client = client_of("cleo")
    assert client.post(path, data={"minimum_cents": "50"}).status_code == 303
    answer = client.post(f"{path}?class=academic", data={"minimum_cents": "0"})
    assert answer.location.endswith("?class=academic")
    page = client.get(path).text
    assert "$50" in page
    assert "$85 per hour" in page
    wrong = client.post(path, data={"minimum_cents": "many"})
    assert wrong.status_code == 422
    assert "Please give an amount" in wrong.text
    assert client.post(path, data={"minimum_cents": "20000001"}).status_code == 422


def test_prices_of_a_facility_hold_for_its_equipment(client_of: Clients, world: World) -> None:
    facility = f"/facilities/{world.facilities['college_public']}/prices"
    assert client_of("cleo").post(facility, data={"operator_cents": "60"}).status_code == 303
    page = client_of("cleo").get(f"/equipment/{world.equipment['college_public']}/prices").text
    assert "$60 per hour" in page


def test_charge_shows_its_lines_to_both_sides(client_of: Clients, booking: Booking) -> None:
    for name in ("ben", "cleo"):
        page = client_of(name).get(f"/bookings/{booking.id}/charge").text
        assert re.search(r"<td>2 hours at <data[^>]*>\$85 per hour</data></td>", page)
        assert "Booked time is paid" in page
        assert "$170" in page
    assert client_of("eve").get(f"/bookings/{booking.id}/charge").status_code == 404


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (1, "1 minute at $85 per hour"),
        (60, "1 hour at $85 per hour"),
        (95, "1 hour 35 minutes at $85 per hour"),
        (2885, "48 hours 5 minutes at $85 per hour"),
    ],
)
def test_time_that_is_paid_is_told_as_people_say_it_on_the_page_and_by_mail(
    client_of: Clients, world: World, drain: Callable[[], object], minutes: int, said: str
) -> None:
    with unit_of_work():
        over = session.get_one(Booking, world.bookings["ben_on_college_mill"])
        over.status = "completed"
        over.starts_at, over.ends_at = MARCH, MARCH + dt.timedelta(minutes=minutes)
    services.settle_charge(SYSTEM, get_booking(over.id))
    page = client_of("ben").get(f"/bookings/{over.id}/charge").text
    assert said in re.sub(r"</?data[^>]*>", "", page)
    drain()
    mails = session.scalars(select(OutgoingMail).where(OutgoingMail.subject.contains("$")))
    assert {mail.recipient for mail in mails if f"– Use, {said}: $" in mail.body_text}


def test_what_is_paid_by_the_sample_asks_how_many_and_is_not_called_free(
    client_of: Clients, world: World
) -> None:
    mill = world.equipment["college_public"]
    with unit_of_work():
        session.execute(delete(EquipmentRate))
        rate = {"customer_class": "other", "unit": "sample", "price_cents": 4500}
        session.add(EquipmentRate(equipment_id=mill, **rate))
        waits = session.get_one(Booking, world.bookings["ben_on_college_mill"])
        waits.estimate_cents = 0
        times = {"starts_at": f"{waits.starts_at:%Y-%m-%dT%H:%MZ}"}
        times["ends_at"] = f"{waits.ends_at:%Y-%m-%dT%H:%MZ}"
    ben = client_of("ben")
    form = ben.get(f"/equipment/{mill}/book", query_string=times).text
    assert "The price depends on how many" in form
    assert "about $0" not in form
    assert "Depends on how many" in ben.get(f"/bookings/{waits.id}").text


def test_a_booking_that_is_over_says_what_it_cost(client_of: Clients, booking: Booking) -> None:
    shown = client_of("ben").get(f"/bookings/{booking.id}").text
    assert "$170" in shown
    assert "Estimate" not in shown


def test_a_colleague_who_only_sees_the_booking_reads_no_charge(
    client_of: Clients, world: World, booking: Booking
) -> None:
    with unit_of_work():
        over = session.get_one(Booking, booking.id)
        over.user_id = over.booked_by_id = world.users["ana"]
    ben = client_of("ben")
    assert ben.get(f"/bookings/{booking.id}").status_code == 200
    for path, empty in (("disputes", {"reason": ""}), ("lines", {"note": ""})):
        refused = ben.post(f"/bookings/{booking.id}/charge/{path}", data=empty)
        assert refused.status_code == 403
        assert "$170" not in refused.text


def test_a_dispute_goes_to_the_host_and_back(client_of: Clients, booking: Booking) -> None:
    page = f"/bookings/{booking.id}/charge"
    answer = client_of("ana").post(f"{page}/disputes", data={"reason": "It stood still."})
    assert answer.status_code == 303
    assert "It stood still." in client_of("cleo").get(page).text
    assert "disputes the charge" in client_of("cleo").get("/desk").text
    assert "disputes the charge" not in client_of("ana").get("/desk").text
    dispute = queries.load_charge(booking).disputes[0]
    answered = f"/disputes/{dispute.id}/answer"
    decision = {"decision": "settle", "taken_off_cents": "85", "answer": "An hour less."}
    assert client_of("eve").post(answered, data=decision).status_code == 404
    assert client_of("ana").post(answered, data=decision).status_code == 403
    assert client_of("cleo").post(answered, data={**decision, "answer": ""}).status_code == 422
    assert client_of("cleo").post(answered, data=decision).status_code == 303
    shown = client_of("ana").get(page).text
    assert "An hour less." in shown
    assert "$85" in shown
    assert queries.count_cents(booking) == 8500


def test_vouchers_are_taken_off(client_of: Clients, booking: Booking) -> None:
    lines = f"/bookings/{booking.id}/charge/lines"
    line = {"kind": "voucher", "amount_cents": "70", "note": "Voucher 12"}
    assert client_of("ana").post(lines, data=line).status_code == 403
    assert client_of("cleo").post(lines, data=line).status_code == 303
    assert queries.count_cents(booking) == 10000
    too_much = client_of("cleo").post(lines, data={**line, "amount_cents": "101"})
    assert too_much.status_code == 422
    assert "more than the whole charge" in too_much.text


def test_prices_stand_beside_the_form_and_the_estimate_on_the_booking(
    client_of: Clients, world: World
) -> None:
    mill = world.equipment["college_public"]
    client_of("cleo").post(f"/equipment/{mill}/prices", data={"operator_cents": "60"})
    form = client_of("cleo").get(f"/equipment/{mill}/book").text
    assert "What it costs" not in form, "a host's own people pay nothing"
    ben, day = client_of("ben"), now().date() + dt.timedelta(days=7)
    wanted = {"date": day.isoformat(), "starts": "09:00", "ends": "11:00", "action": "estimate"}
    asked = ben.post(f"/equipment/{mill}/book", data=wanted)
    assert (asked.status_code, "11:00\u202fAM: about $170." in asked.text) == (200, True)
    planned = wanted | {"with_operator": "yes"}
    assert "11:00\u202fAM: about $290." in ben.post(asked.request.path, data=planned).text
    whole = planned | {"action": "", "form_key": "7"}
    made = ben.post(asked.request.path, data=whole).headers["Location"]
    assert "$290" in ben.get(made).text
    ben.post(f"{made.partition('?')[0]}/usage", data={})
    assert ben.post(asked.request.path, data=whole).headers["Location"] == made
    assert "$290" not in ben.get(made).text, "sent twice, a form does nothing anew"
    several = wanted | {"frequency": "daily", "count": "3", "except_dates": day.isoformat()}
    assert "2 bookings: about $340 together." in ben.post(asked.request.path, data=several).text
    said = {"from": f"{day}T09:00:00-05:00", "to": f"{day}T11:00:00-05:00", "with_operator": "true"}
    answer = ben.get(f"/api/v1/equipment/{mill}/estimate", query_string=said).json
    assert answer["estimate_cents"] == 29000
    assert [line["amount_cents"] for line in answer["lines"]] == [17000, 12000]
    # By API it is booked at what was estimated, and changed as a whole.
    next_day = day + dt.timedelta(days=1)
    body = {
        "starts_at": f"{next_day}T09:00:00-05:00",
        "ends_at": f"{next_day}T11:00:00-05:00",
        "with_operator": True,
    }
    booked = ben.post(f"/api/v1/equipment/{mill}/bookings", json=body).json
    assert (booked["with_operator"], booked["estimate_cents"]) == (True, 29000)
    less = {"with_operator": False, "runs": 2, "ends_at": f"{next_day}T10:00:00-05:00"}
    changed = ben.patch(f"/api/v1/bookings/{booked['id']}", json=less).json
    assert (changed["with_operator"], changed["runs"]) == (False, 2)
    assert changed["estimate_cents"] == 8500
    assert ben.get(f"/api/v1/equipment/{mill}/estimate").json["errors"].keys() == {"from"}
    number = world.bookings["ben_on_college_mill"]
    usage = f"/bookings/{number}/usage"
    assert "With an operator" in client_of("ben").get(usage).text
    assert client_of("ben").post(usage, data={"with_operator": "yes"}).status_code == 303
    assert "$290" in client_of("ben").get(f"/bookings/{number}").text


def test_an_incident_can_stop_the_machine(client_of: Clients, booking: Booking) -> None:
    with unit_of_work():
        booking.status = "in_use"
        booking.ends_at = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    path = f"/bookings/{booking.id}/incident"
    assert "cannot be used" in client_of("ben").get(path).text
    report = {"text": "The spindle smokes.", "opens_outage": "yes"}
    assert client_of("ben").post(path, data=report).status_code == 303
    assert "out of order since then" in client_of("cleo").get(f"/bookings/{booking.id}/charge").text
    for name in ("ben", "cleo"):
        assert "The spindle smokes." in client_of(name).get(f"/bookings/{booking.id}").text


def test_statement_is_a_page_a_table_and_a_workbook(
    client_of: Clients, world: World, booking: Booking
) -> None:
    base = f"/organizations/{world.organizations['college']}/statement"
    page = client_of("cleo").get(f"{base}?month=2026-03").text
    assert "March 2026" in page
    assert "February 2026</a>" in page
    assert "$170" in page
    assert "Nothing in this month" in client_of("cleo").get(f"{base}?month=2026-02").text
    table = client_of("cleo").get(f"{base}.csv?month=2026-03")
    header, row = csv.reader(io.StringIO(table.text.lstrip("\ufeff")))
    cell = dict(zip(header, row, strict=True))
    assert (cell["Amount (USD)"], cell["Starts at"]) == ("170.00", "2026-03-03T09:00-05:00")
    workbook = client_of("cleo").get(f"{base}.xlsx?month=2026-03")
    cells = list(openpyxl.load_workbook(io.BytesIO(workbook.data)).active.values)
    # What is summed up is a number there, and so are the minutes: parts of hours are rounded.
    numbers = {"Hours": 2, "Minutes": 120, "Amount (USD)": 170}
    assert dict(zip(header, cells[1], strict=True)) == {
        name: numbers.get(name, text or None) for name, text in cell.items()
    }
    mine = f"/organizations/{world.organizations['shop']}/statement?side=customer&month=2026-03"
    assert "$170" in client_of("ana").get(mine).text
    assert client_of("ben").get(mine).status_code == 403


@pytest.mark.parametrize("month", ["2026-13", "x", "0000-01", "0001-01", "9999-12", ""])
def test_statement_of_an_odd_month_is_that_of_this_month(
    client_of: Clients, world: World, month: str
) -> None:
    base = f"/organizations/{world.organizations['college']}/statement"
    assert "Statement for" in client_of("cleo").get(base, query_string={"month": month}).text


def test_statement_takes_few_statements_however_many_bookings(
    client_of: Clients, world: World, booking: Booking
) -> None:
    path = f"/organizations/{world.organizations['college']}/statement?month=2026-03"
    client = client_of("cleo")
    client.get(path)
    with count_statements() as few:
        client.get(path)
    with unit_of_work():
        for day in range(1, 9):
            session.add(
                Booking(
                    resource_id=booking.resource_id,
                    host_organization_id=booking.host_organization_id,
                    organization_id=booking.organization_id,
                    starts_at=MARCH + dt.timedelta(days=day),
                    ends_at=MARCH + dt.timedelta(days=day, hours=1),
                    status="completed",
                    customer_class="other",
                )
            )
    with count_statements() as many:
        client.get(path)
    assert len(many.texts) == len(few.texts)
