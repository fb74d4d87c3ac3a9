"""Programs book, ask when something is free, and are told what stands against it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from portal.accounts.models import ApiToken
from portal.accounts.queries import hash_secret
from portal.bookings.models.access import Clearance
from portal.bookings.models.calendar import Closure, Quota, Resource, RuleLayer
from portal.bookings.queries.availability import availability
from portal.bookings.rules.attempt import Span
from portal.facilities.models import Equipment
from portal.kernel.authorization import NOBODY
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from tests.bookings.conftest import ActorOf, Hour, OpenMill
from tests.cast import World
from tests.support.statements import count_statements

ClientOf = Callable[[str], FlaskClient]
Post = Callable[..., Any]


@pytest.fixture
def post(world: World, client_of: ClientOf, mill: OpenMill, hour: Hour) -> Post:
    """Post a booking of the mill as somebody."""
    mill()

    def send(who: str, span: Span | None = None, headers: Any = None, **values: object) -> Any:
        span = span or hour()
        body = {"starts_at": span.starts_at.isoformat(), "ends_at": span.ends_at.isoformat()}
        return client_of(who).post(
            f"/api/v1/equipment/{world.equipment['college_public']}/bookings",
            json={**body, **values},
            headers=headers or {},
        )

    return send


def test_booking_is_made_read_moved_and_cancelled(
    post: Post, client_of: ClientOf, hour: Hour
) -> None:
    made = post("ana", purpose="Housings")
    assert made.status_code == 201
    assert made.json["status"] == "approved"
    ana = client_of("ana")
    address = made.headers["Location"]
    assert ana.get(address).json["purpose"] == "Housings"
    later = hour(after=0, hours=2).ends_at
    moved = ana.patch(address, json={"ends_at": later.isoformat(), "reason": "Set-up"})
    assert (moved.status_code, moved.json["ends_at"]) == (200, later.isoformat())
    assert moved.json["moves"][0]["reason"] == "Set-up"
    assert ana.post(f"{address}/actions/cancel", json={}).json["status"] == "cancelled"
    assert client_of("eve").get(address).status_code == 404


@pytest.mark.parametrize(
    "recurrence", [None, "weekly", [], {"frequency": "weekly", "weekdays": ["Monday"]}]
)
def test_recurrence_of_another_shape_is_refused_in_words(post: Post, recurrence: object) -> None:
    refused = post("ana", recurrence=recurrence)
    assert refused.status_code == 422
    assert "recurrence: This must be" in refused.text


def test_booking_is_described_and_moved_to_another_machine(
    post: Post, client_of: ClientOf, world: World
) -> None:
    ana, address = client_of("ana"), post("ana").headers["Location"]
    other = world.equipment["college_members"]
    with unit_of_work():
        session.get_one(Equipment, other).sharing_terms = "bookable"
    assert ana.patch(address, json={"purpose": "Lids"}).json["purpose"] == "Lids"
    both = {"equipment_id": other, "for_user": world.users["ben"]}
    assert "call of its own" in ana.patch(address, json=both).text
    moved = ana.patch(address, json={"equipment_id": other}).json
    assert (moved["equipment_id"], moved["status"]) == (other, "requested")
    (move,) = ana.get(address).json["moves"]
    assert move["was_equipment_id"] == world.equipment["college_public"]


def test_what_stands_against_a_stranger_is_not_told(post: Post, world: World) -> None:
    post("ana")
    refused = post("eve", for_user=world.users["ben"])
    assert refused.status_code == 422
    assert "problems" not in refused.json


def test_taken_time_answers_409_with_suggestions(post: Post, world: World, hour: Hour) -> None:
    post("ana")
    refused = post("eve")
    assert refused.status_code == 409
    assert refused.json["code"] == "conflict"
    assert refused.json["suggestions"][0]["kind"] == "shift"
    # Of what repeats, the first that cannot be are told what would work instead of each.
    post("ana", hour(days=8))
    series = post("eve", recurrence={"frequency": "daily", "count": 3}).json["suggestions"]
    told = [(one["instead_of"], one["kind"]) for one in series if "instead_of" in one]
    assert [when for when, _kind in told] == sorted(
        2 * [hour(days=days).starts_at.isoformat() for days in (7, 8)]
    )
    day = hour().ends_at.date()
    with unit_of_work():
        session.execute(update(RuleLayer).values(needs_insurance=True))
        session.add(
            Clearance(
                host_organization_id=world.organizations["college"],
                kind="insurance",
                organization_id=world.organizations["aero"],
                valid_from=day,
                expires_on=day,
            )
        )
    # That it has run out by the time of what is suggested is nobody's problem yet.
    assert [problem["code"] for problem in post("eve").json["problems"]] == ["conflict"]


def test_who_loses_a_time_with_others_is_told_what_holds_for_them(
    post: Post, world: World, hour: Hour
) -> None:
    number, host = world.resources["college_public"], world.organizations["college"]
    post("ana")
    with unit_of_work():
        for who in ("ana", "ben", "eve"):
            token = {"name": "Cell", "token_hash": hash_secret(f"ic_{who}")}
            scopes = ["read", "bookings:write"]
            session.add(ApiToken(user_id=world.users[who], scopes=scopes, **token))

    def ask(who: str, language: str) -> tuple[list[str], list[str], str]:
        # As in a process of its own, where no transaction is open.
        session.rollback()
        said = {"Authorization": f"Bearer ic_{who}", "Accept-Language": language}
        refused = post(who, headers=said)
        assert refused.status_code == 409
        found = [one["starts_at"] for one in refused.json["suggestions"]]
        return [one["code"] for one in refused.json["problems"]], found, refused.json["detail"]

    def lose(*people: str) -> list[tuple[list[str], list[str], str]]:
        # What decides has to be read before anything is known of the next who asks.
        for _time in range(2):
            found = [ask(*who.split()) for who in people]
        return found

    def starts(*hours_after: float) -> list[str]:
        return [hour(after=after).starts_at.isoformat() for after in hours_after]

    ben, ana = lose("ben en", "ana es")
    assert ben[:2] == ana[:2] == (["conflict"], starts(-1, 1))
    assert ben[2] != ana[2]
    with unit_of_work():
        session.execute(update(RuleLayer).values(buffer_after_minutes=30))
    # Nobody has to keep apart from themselves.
    ben, ana = lose("ben en", "ana en")
    assert ben[1] == starts(1.5)
    assert ana[1] == starts(-1, 1)
    assert post("ben", hour(after=1.5)).status_code == 201
    assert lose("eve en")[0][1] == starts(3)
    quota = {"resource_id": number, "shared_by": "organization", "period": "day"}
    with unit_of_work():
        session.add(Quota(most_minutes=150, **quota))
    eve, ben = lose("eve en", "ben en")
    assert eve[:2] == (["conflict"], starts(3))
    assert ben[:2] == (["quota_exceeded", "conflict"], [])
    with unit_of_work():
        session.execute(delete(Quota))
        session.execute(update(RuleLayer).values(needs_insurance=True))
        aero = world.organizations["aero"]
        clearance = {"kind": "insurance", "organization_id": aero}
        day = hour().starts_at.date()
        session.add(Clearance(host_organization_id=host, valid_from=day, **clearance))
    eve, ben = lose("eve en", "ben en")
    assert eve[:2] == (["conflict"], starts(3))
    assert ben[:2] == (["insurance_missing", "conflict"], [])
    with unit_of_work():
        values = {"needs_insurance": False, "buffer_after_minutes": 0}
        session.execute(update(RuleLayer).values(**values))
        times = {"starts_at": hour().starts_at, "ends_at": hour(after=9).ends_at}
        blocking = Closure(resource_id=number, kind="blocking", **times)
        blocking.allowed = [session.get_one(Organization, aero)]
        session.add(blocking)
    eve, ben = lose("eve en", "ben en")
    assert eve[:2] == (["conflict"], starts(-1, 2.5))
    assert ben[:2] == (["closed", "conflict"], starts(-1, 10))


def test_same_capability_elsewhere_is_suggested_if_it_is_free_and_near(
    post: Post, world: World
) -> None:
    with unit_of_work():
        near = session.get_one(Equipment, world.equipment["shop_public"])
        far = session.get_one(Equipment, world.equipment["aero_public"])
        for equipment in (near, far):
            equipment.sharing_terms = "bookable"
            session.add(
                Resource(
                    kind="equipment",
                    organization_id=equipment.organization_id,
                    equipment_id=equipment.id,
                    name=equipment.name,
                )
            )
    session.rollback()
    post("ana")
    suggested = [one for one in post("eve").json["suggestions"] if one["kind"] == "elsewhere"]
    assert [one["name"] for one in suggested] == ["Shop public mill"]
    assert suggested[0]["equipment_id"] == world.equipment["shop_public"]


def test_broken_rules_answer_422_with_all_problems(post: Post, hour: Hour) -> None:
    refused = post("ana", hour(days=-1))
    assert refused.status_code == 422
    assert {problem["code"] for problem in refused.json["problems"]} >= {"in_the_past"}
    assert all(
        set(problem) == {"code", "message", "overridable"} for problem in refused.json["problems"]
    )


def test_host_overrides_with_a_reason(post: Post, hour: Hour) -> None:
    far = hour(days=400)
    assert post("cleo", far).status_code == 422
    assert "override_reason" in post("cleo", far, override=True).json["errors"]
    made = post("cleo", far, override=True, override_reason="The fair")
    assert made.json["overrides"][0]["code"] == "too_far_ahead"


def test_idempotency_key_makes_a_repeated_post_safe(post: Post) -> None:
    key = {"Idempotency-Key": "4711"}
    first, second = post("ana", headers=key), post("ana", headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json["id"] == second.json["id"]
    assert post("ana", headers=key, purpose="Other").status_code == 422
    assert post("ana", headers={"Idempotency-Key": "x" * 81}).status_code == 422


def test_series_is_booked_in_one_call(post: Post) -> None:
    made = post("ana", recurrence={"frequency": "weekly", "count": 3})
    assert len(made.json["together"]) == 3
    wrong = post("ana", recurrence={"frequency": "hourly"})
    assert wrong.status_code == 422
    assert post("ana", recurrence={"count": 3}).status_code == 422


@pytest.mark.parametrize(
    "wrong",
    [
        {"starts_at": "2030-01-07T10:00:00"},
        {"starts_at": "soon"},
        {"ends_at": None},
        {"for_user": 10**6},
        {"organization_id": 10**6},
    ],
    ids=["no offset", "no time", "no end", "nobody", "no organization"],
)
def test_wrong_values_are_named(post: Post, wrong: dict[str, object]) -> None:
    refused = post("ana", **wrong)
    assert refused.status_code == 422
    assert refused.json["errors"].keys() == wrong.keys()


def test_both_sides_find_it_in_their_lists(post: Post, client_of: ClientOf) -> None:
    number = post("ben").json["id"]
    for who, sees in (("ana", True), ("cleo", True), ("eve", False), ("nobody", False)):
        items = client_of(who).get("/api/v1/bookings?status=approved").json["items"]
        assert (number in [item["id"] for item in items]) == sees


def send(client: FlaskClient, path: str, span: Span, key: str = "", **values: object) -> Any:
    """Post a time to one of the addresses of the API."""
    body = {"starts_at": span.starts_at.isoformat(), "ends_at": span.ends_at.isoformat()}
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"/api/v1/{path}", json={**body, **values}, headers=headers)


def test_machine_bay_and_operator_are_booked_in_one_call(
    world: World, client_of: ClientOf, mill: OpenMill, hour: Hour
) -> None:
    mill_ = mill()
    mine, lab = world.equipment["college_public"], world.facilities["college_public"]
    with unit_of_work():
        for kind, column, number in (
            ("facility", "facility_id", lab),
            ("operator", "operator_id", world.users["cleo"]),
        ):
            resource = Resource(
                kind=kind,
                organization_id=mill_.organization_id,
                name=f"The {kind}",
                is_bookable=True,
                **{column: number},
            )
            session.add(resource)
            session.flush()
            session.add(RuleLayer(resource_id=resource.id, approval="instant"))
    ana = client_of("ana")
    along = ana.get(f"/api/v1/equipment/{mine}/along").json["items"]
    assert [one["kind"] for one in along] == ["facility", "operator"]
    said = {
        "equipment_ids": [mine],
        "facility_ids": [along[0]["facility_id"]],
        "operator_ids": [along[1]["operator_id"]],
        "recurrence": {"frequency": "daily", "count": 2},
    }
    made = send(ana, "bookings", hour(), "1", **said)
    assert (made.status_code, len(made.json["together"])) == (201, 6)
    assert send(ana, "bookings", hour(), "1", **said).json["id"] == made.json["id"]
    refused = send(client_of("eve"), "bookings", hour(), **said)
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    assert "The operator" in refused.text
    assert send(ana, "bookings", hour()).json["errors"].keys() == {"equipment_ids"}
    hidden = send(ana, "bookings", hour(), equipment_ids=[world.equipment["aero_draft"]])
    assert hidden.status_code == 404


def test_one_of_a_kind_is_booked_once_for_a_key(
    world: World, client_of: ClientOf, mill: OpenMill, hour: Hour
) -> None:
    mill()
    ana = client_of("ana")
    made = send(ana, "bookings/of-kind", hour(), "1", capability="5-axis milling")
    assert made.json["equipment_id"] == world.equipment["college_public"]
    again = send(ana, "bookings/of-kind", hour(), "1", capability="5-axis milling")
    assert again.json["id"] == made.json["id"]
    taken = send(client_of("eve"), "bookings/of-kind", hour(), capability="5-axis milling")
    assert (taken.status_code, taken.json["detail"]) == (
        409,
        "There is nothing of this kind that can be booked.",
    )
    unknown = send(ana, "bookings/of-kind", hour(), capability="unheard-of craft")
    assert unknown.json["errors"].keys() == {"capability"}


def test_who_waits_by_api_books_what_is_kept_or_leaves(
    post: Post, world: World, client_of: ClientOf, hour: Hour, drain: Callable[[], None]
) -> None:
    booked = post("cleo").headers["Location"]
    here = f"equipment/{world.equipment['college_public']}/waiting"
    ana, eve = client_of("ana"), client_of("eve")
    entries = {who: send(client_of(who), here, hour(), purpose="Lids") for who in ("ana", "eve")}
    assert [one.status_code for one in entries.values()] == [201, 201]
    assert send(ana, here, hour()).status_code == 409
    assert eve.get(entries["ana"].headers["Location"]).status_code == 404
    client_of("cleo").post(f"{booked}/actions/cancel", json={})
    drain()
    (kept,) = ana.get("/api/v1/waiting").json["items"]
    assert (kept["status"], kept["offered_until"] is None) == ("offered", False)
    assert ana.post(f"/api/v1/waiting/{kept['id']}/leave", json={}).json["status"] == "left"
    drain()
    offered = eve.get("/api/v1/waiting").json["items"][0]["id"]
    made = eve.post(f"/api/v1/waiting/{offered}/accept", json={})
    assert (made.status_code, made.json["status"], made.json["purpose"]) == (
        201,
        "approved",
        "Lids",
    )
    assert eve.get("/api/v1/waiting").json["items"] == []


def test_outsiders_see_only_that_it_is_taken(
    post: Post, client_of: ClientOf, world: World, hour: Hour
) -> None:
    post("ana", purpose="Secret housings")
    window = {"from": hour(after=-2).starts_at.isoformat(), "to": hour(after=3).ends_at.isoformat()}
    url = f"/api/v1/equipment/{world.equipment['college_public']}/availability"
    for who in ("nobody", "eve", "dov"):
        answer = client_of(who).get(url, query_string=window)
        (busy,) = answer.json["busy"]
        assert busy["starts_at"] == hour().starts_at.isoformat()
        assert {value for name, value in busy.items() if not name.endswith("_at")} == {None}
        assert "Secret" not in answer.text
    for who in ("ben", "cleo"):
        (busy,) = client_of(who).get(url, query_string=window).json["busy"]
        assert busy["purpose"] == "Secret housings"
    free = client_of("eve").get(url, query_string=window).json["free"]
    assert [span["starts_at"] for span in free] == [
        hour(after=-2).starts_at.isoformat(),
        hour(after=1).starts_at.isoformat(),
    ]


def test_when_a_host_uses_what_it_does_not_share_is_its_own_affair(
    post: Post, client_of: ClientOf, world: World, hour: Hour
) -> None:
    assert post("cleo").status_code == 201
    mill = world.equipment["college_public"]
    with unit_of_work():
        session.get_one(Equipment, mill).sharing_terms = "in_house"
    window = {"from": hour(after=-2).starts_at.isoformat(), "to": hour(after=3).ends_at.isoformat()}
    seen = {
        who: client_of(who).get(f"/api/v1/equipment/{mill}/availability", query_string=window).json
        for who in ("eve", "cleo")
    }
    assert (seen["eve"]["free"], seen["eve"]["busy"], len(seen["cleo"]["busy"])) == ([], [], 1)


def test_availability_takes_the_same_statements_for_many(
    world: World, mill: OpenMill, hour: Hour
) -> None:
    first = mill()
    window = hour(hours=24 * 7)
    session.rollback()
    with count_statements() as one:
        availability(NOBODY, [first], window)
    many = add_mills(world, first, 20)
    session.rollback()
    with count_statements() as twenty:
        found = availability(NOBODY, many, window)
    assert len(found) == 20
    assert twenty.count <= one.count


def add_mills(world: World, first: Resource, count: int) -> list[Resource]:
    with unit_of_work():
        resources = []
        for number in range(count):
            equipment = Equipment(
                organization_id=first.organization_id, name=f"Mill {number}", visibility="public"
            )
            session.add(equipment)
            session.flush()
            resource = Resource(
                kind="equipment",
                organization_id=first.organization_id,
                equipment_id=equipment.id,
                name=equipment.name,
            )
            session.add(resource)
            resources.append(resource)
    return resources


def test_what_is_closed_is_not_free(
    world: World, mill: OpenMill, hour: Hour, actor: ActorOf
) -> None:
    resource = mill()
    with unit_of_work():
        session.add(
            Closure(
                resource_id=resource.id,
                kind="outage",
                starts_at=hour().starts_at,
                ends_at=None,
                reason="Spindle",
            )
        )
    window = Span(hour(after=-2).starts_at, hour(after=5).ends_at)
    (found,) = availability(actor("eve"), [resource], window)
    assert [span.ends_at for span in found.free] == [hour().starts_at]
    assert found.closed[0].reason == "Spindle"
    assert found.free[0].ends_at - found.free[0].starts_at == dt.timedelta(hours=2)
