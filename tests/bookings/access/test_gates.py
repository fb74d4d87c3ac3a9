"""Which gates are open: by qualification, recognition, agreement, insurance, induction, region."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import delete, insert

from portal.bookings.models.access import Clearance, Qualification, Recognition
from portal.bookings.models.calendar import Resource
from portal.bookings.queries.access import list_gates, load_gates
from portal.bookings.rules.access import lapses_first, last_day
from portal.bookings.rules.attempt import BookingRules, Gates
from portal.facilities.models import (
    Equipment,
    Facility,
    equipment_capability,
    facility_capability,
)
from portal.kernel.database import Model, session, unit_of_work
from portal.organizations.models import Organization
from tests.cast import World
from tests.support.statements import count_statements

DAY = dt.date(2031, 3, 10)
BEFORE, AFTER = DAY - dt.timedelta(days=1), DAY + dt.timedelta(days=1)
LONG_AGO = dt.date(2030, 1, 1)

QUALIFICATION = BookingRules(needs_qualification=True)
AGREEMENT = BookingRules(needs_agreement=True)
INSURANCE = BookingRules(needs_insurance=True)
INDUCTION = BookingRules(needs_induction=True)
EVERYTHING = BookingRules(
    needs_qualification=True, needs_agreement=True, needs_insurance=True, needs_induction=True
)


def qualified(host: str = "college", **more: Any) -> tuple[type[Model], dict[str, Any]]:
    values = {"host": host, "user": "eve", "granted_on": LONG_AGO, **more}
    if "equipment" not in more:
        values.setdefault("capability_key", "5-axis-milling")
    ends = [values[name] for name in ("expires_on", "lapses_on") if values.get(name)]
    if values.pop("lapses_on", None):
        values["lapses_after_days"] = 30
    values["ends_on"] = min(ends, default=None)
    return Qualification, values


def recognized(**more: Any) -> tuple[type[Model], dict[str, Any]]:
    return Recognition, {"host": "college", "recognized_organization": "shop", **more}


def cleared(kind: str, **more: Any) -> tuple[type[Model], dict[str, Any]]:
    whose = {"user": "eve"} if kind == "induction" else {"organization": "aero"}
    return Clearance, {"host": "college", "kind": kind, "valid_from": LONG_AGO, **whose, **more}


def write(world: World, rows: list[tuple[type[Model], dict[str, Any]]]) -> None:
    ids: dict[str, Mapping[str, int]] = {
        "host": world.organizations,
        "organization": world.organizations,
        "recognized_organization": world.organizations,
        "user": world.users,
        "equipment": world.equipment,
        "facility": world.facilities,
    }
    with unit_of_work():
        for model, values in rows:
            columns = {
                {"host": "host_organization_id"}.get(name, f"{name}_id")
                if name in ids
                else name: ids[name][value] if name in ids else value
                for name, value in values.items()
            }
            session.add(model(**columns))


def machine(world: World, name: str = "college_public") -> Resource:
    row = session.get_one(Equipment, world.equipment[name])
    return Resource(kind="equipment", organization_id=row.organization_id, equipment_id=row.id)


def lab(world: World, name: str = "college_public") -> Resource:
    row = session.get_one(Facility, world.facilities[name])
    return Resource(kind="facility", organization_id=row.organization_id, facility_id=row.id)


def gates(
    world: World, rules: BookingRules, *, user: str = "eve", organization: str = "aero", **more: Any
) -> Gates:
    resource = more.pop("resource", None) or machine(world)
    return load_gates(
        resource,
        user_id=world.users[user],
        organization=session.get_one(Organization, world.organizations[organization]),
        rules=rules,
        **{"until": DAY, **more},
    )


CASES = [
    # what is on file, what the rules need, whether the gate is open
    ("nobody granted anything", [], QUALIFICATION, False),
    ("granted for the machine", [qualified(equipment="college_public")], QUALIFICATION, True),
    ("granted for another machine", [qualified(equipment="college_members")], QUALIFICATION, False),
    ("granted for its capability", [qualified()], QUALIFICATION, True),
    ("a broader concept", [qualified(capability_key="machining")], QUALIFICATION, False),
    ("another capability", [qualified(capability_key="welding")], QUALIFICATION, False),
    ("granted to somebody else", [qualified(user="ana")], QUALIFICATION, False),
    ("revoked", [qualified(status="revoked")], QUALIFICATION, False),
    ("expires on the last day", [qualified(expires_on=DAY)], QUALIFICATION, True),
    ("expired the day before", [qualified(expires_on=BEFORE)], QUALIFICATION, False),
    ("lapses by disuse that day", [qualified(lapses_on=DAY)], QUALIFICATION, True),
    ("lapsed by disuse before", [qualified(lapses_on=BEFORE)], QUALIFICATION, False),
    (
        "lapsed although it would not expire yet",
        [qualified(lapses_on=BEFORE, expires_on=AFTER)],
        QUALIFICATION,
        False,
    ),
    ("granted only afterwards", [qualified(granted_on=AFTER)], QUALIFICATION, False),
    ("another host's, not recognized", [qualified("shop")], QUALIFICATION, False),
    ("another host's, recognized", [qualified("shop"), recognized()], QUALIFICATION, True),
    (
        "recognized for this capability",
        [qualified("shop"), recognized(capability_key="5-axis-milling")],
        QUALIFICATION,
        True,
    ),
    (
        "recognized for another capability",
        [qualified("shop"), recognized(capability_key="welding")],
        QUALIFICATION,
        False,
    ),
    (
        "recognized no longer",
        [qualified("shop"), recognized(status="revoked")],
        QUALIFICATION,
        False,
    ),
    (
        "the other way around",
        [qualified("shop"), recognized(host="shop", recognized_organization="college")],
        QUALIFICATION,
        False,
    ),
    (
        "another host's own machine",
        [qualified("shop", equipment="shop_public"), recognized()],
        QUALIFICATION,
        False,
    ),
    (
        "another host says so of this machine",
        [qualified("shop", equipment="college_public"), recognized()],
        QUALIFICATION,
        False,
    ),
    ("no agreement", [], AGREEMENT, False),
    ("an agreement", [cleared("agreement")], AGREEMENT, True),
    ("with another host", [cleared("agreement", host="shop")], AGREEMENT, False),
    ("of another organization", [cleared("agreement", organization="shop")], AGREEMENT, False),
    ("agreement begins later", [cleared("agreement", valid_from=AFTER)], AGREEMENT, False),
    ("agreement ended", [cleared("agreement", expires_on=BEFORE)], AGREEMENT, False),
    ("agreement ends that day", [cleared("agreement", expires_on=DAY)], AGREEMENT, True),
    ("agreement revoked", [cleared("agreement", status="revoked")], AGREEMENT, False),
    (
        "the newer of two",
        [cleared("agreement", expires_on=BEFORE), cleared("agreement", expires_on=AFTER)],
        AGREEMENT,
        True,
    ),
    ("an agreement is no insurance", [cleared("agreement")], INSURANCE, False),
    ("insured", [cleared("insurance", expires_on=AFTER)], INSURANCE, True),
    ("insurance ran out", [cleared("insurance", expires_on=BEFORE)], INSURANCE, False),
    ("no induction", [], INDUCTION, False),
    ("induction for all of the host", [cleared("induction")], INDUCTION, True),
    (
        "induction for its facility",
        [cleared("induction", facility="college_public")],
        INDUCTION,
        True,
    ),
    (
        "induction for another facility",
        [cleared("induction", facility="college_members")],
        INDUCTION,
        False,
    ),
    ("somebody else's induction", [cleared("induction", user="ana")], INDUCTION, False),
]


def test_a_gate_opens_for_what_the_host_has_on_file(world: World) -> None:
    wrong = []
    for case, rows, rules, is_open in CASES:
        write(world, rows)
        found = gates(world, rules)
        judged = {
            QUALIFICATION: found.is_qualified,
            AGREEMENT: found.has_agreement,
            INSURANCE: found.has_insurance,
            INDUCTION: found.has_induction,
        }
        others = [judged[other] for other in judged if other is not rules]
        if judged[rules] is not is_open or others != [True] * 3:
            wrong.append(case)
        with unit_of_work():
            for model in (Qualification, Recognition, Clearance):
                session.execute(delete(model))

    assert wrong == []


def test_a_machine_of_several_kinds_opens_by_each_of_them(world: World) -> None:
    write(world, [qualified(capability_key="welding")])
    with unit_of_work():
        session.execute(
            insert(equipment_capability).values(
                equipment_id=world.equipment["college_public"], capability_key="welding"
            )
        )

    assert gates(world, QUALIFICATION).is_qualified


def test_a_span_over_several_days_needs_both_ends(world: World) -> None:
    write(world, [cleared("agreement", valid_from=DAY, expires_on=AFTER)])

    assert gates(world, AGREEMENT, since=DAY, until=AFTER).has_agreement
    assert not gates(world, AGREEMENT, since=BEFORE, until=DAY).has_agreement
    assert not gates(world, AGREEMENT, since=DAY, until=AFTER + dt.timedelta(days=1)).has_agreement


def test_own_people_need_what_is_personal_and_nothing_between_organizations(world: World) -> None:
    found = gates(world, EVERYTHING, user="cleo", organization="college")

    assert found == Gates(is_qualified=False, has_induction=False)
    limited = BookingRules(eligible_kinds=frozenset({"sme"}), eligible_region_ids=frozenset())
    assert gates(world, limited, user="cleo", organization="college") == Gates()


@pytest.mark.parametrize(
    ("rules", "eligible"),
    [
        (BookingRules(), (True, True)),
        (BookingRules(eligible_kinds=frozenset({"sme", "university"})), (True, True)),
        (BookingRules(eligible_kinds=frozenset({"university"})), (False, True)),
        (BookingRules(eligible_region_ids=frozenset()), (True, False)),
    ],
)
def test_kinds_of_organizations_are_let_in(
    world: World, rules: BookingRules, eligible: tuple[bool, bool]
) -> None:
    found = gates(world, rules)

    assert (found.is_eligible_kind, found.is_eligible_region) == eligible


def test_a_region_lets_in_the_organizations_of_its_counties(world: World) -> None:
    here = BookingRules(eligible_region_ids=frozenset({world.regions["greater-louisville"]}))
    there = BookingRules(eligible_region_ids=frozenset({world.regions["wichita"]}))

    assert not gates(world, here).is_eligible_region
    assert gates(world, here).region_names == ("Greater Louisville",)
    assert gates(world, there).is_eligible_region
    assert gates(world, here, user="ana", organization="shop").is_eligible_region


def test_a_facility_asks_for_its_own_capabilities_and_induction(world: World) -> None:
    write(world, [qualified(), cleared("induction", facility="college_public")])
    place = lab(world)
    rules = BookingRules(needs_qualification=True, needs_induction=True)
    assert gates(world, rules, resource=place) == Gates(is_qualified=False)

    with unit_of_work():
        session.execute(
            insert(facility_capability).values(
                facility_id=world.facilities["college_public"], capability_key="5-axis-milling"
            )
        )

    assert gates(world, rules, resource=place) == Gates()


def test_an_operators_time_needs_no_qualification_but_an_agreement(world: World) -> None:
    host = world.organizations["college"]
    operator = Resource(kind="operator", organization_id=host, operator_id=world.users["cleo"])

    assert gates(world, EVERYTHING, resource=operator) == Gates(
        has_agreement=False, has_insurance=False, has_induction=False
    )
    write(world, [cleared("agreement"), cleared("insurance"), cleared("induction")])
    assert gates(world, EVERYTHING, resource=operator) == Gates()


def test_nobody_in_particular_is_neither_qualified_nor_inducted(world: World) -> None:
    write(world, [qualified(), cleared("agreement"), cleared("insurance"), cleared("induction")])

    found = load_gates(
        machine(world),
        user_id=None,
        organization=session.get_one(Organization, world.organizations["aero"]),
        until=DAY,
        rules=EVERYTHING,
    )

    assert found == Gates(is_qualified=False, has_induction=False)


def test_many_resources_take_no_more_statements_than_one(world: World) -> None:
    write(world, [qualified(), cleared("agreement")])
    organization = session.get_one(Organization, world.organizations["aero"])
    rules = BookingRules(
        needs_qualification=True,
        needs_agreement=True,
        eligible_region_ids=frozenset({world.regions["wichita"]}),
    )
    wanted = [(machine(world, name), rules) for name in sorted(world.equipment)]
    wanted += [(lab(world), AGREEMENT), (machine(world), BookingRules())]
    one_day: dict[str, Any] = {
        "user_id": world.users["eve"],
        "organization": organization,
        "until": DAY,
    }

    with count_statements() as statements:
        found = list_gates(wanted, **one_day)
    # The mark, equipment, facilities, and where the organization is.
    assert statements.count == 4
    with count_statements() as statements:
        assert load_gates(*wanted[-1][:1], rules=wanted[-1][1], **one_day) == Gates()
    assert statements.count == 0

    open_at = {
        name for name, each in zip(sorted(world.equipment), found, strict=False) if each == Gates()
    }
    assert open_at == {f"college_{name}" for name in ("draft", "organization", "members", "public")}
    assert found[-2:] == [Gates(), Gates()]


@pytest.mark.parametrize(
    ("expires_on", "days", "used_on", "ends_on", "by_disuse"),
    [
        (None, None, None, None, False),
        (None, None, DAY, None, False),
        (DAY, None, None, DAY, False),
        (None, 30, None, LONG_AGO + dt.timedelta(days=30), True),
        (None, 30, DAY, DAY + dt.timedelta(days=30), True),
        (DAY, 30, DAY, DAY, False),
        (DAY, 30, None, LONG_AGO + dt.timedelta(days=30), True),
        (None, 30, LONG_AGO - dt.timedelta(days=300), LONG_AGO + dt.timedelta(days=30), True),
    ],
)
def test_a_qualification_ends_by_expiry_or_disuse_whichever_is_first(
    expires_on: dt.date | None,
    days: int | None,
    used_on: dt.date | None,
    ends_on: dt.date | None,
    by_disuse: bool,
) -> None:
    assert last_day(LONG_AGO, expires_on, days, used_on) == ends_on
    assert lapses_first(expires_on, ends_on) is by_disuse
