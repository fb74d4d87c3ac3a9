"""Granting, renewing, revoking, recognizing, filing and asking; what is told of it and kept."""

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from portal.accounts.models import User
from portal.bookings.models.access import AccessRequest, Clearance, Qualification, Recognition
from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource
from portal.bookings.queries import asking, grants, ledger, recognitions
from portal.bookings.queries.access import load_gates
from portal.bookings.queries.bookings import get_booking
from portal.bookings.rules.attempt import BookingRules
from portal.bookings.services import access
from portal.bookings.services.steps import act_on_booking
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now, today_here
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from portal.kernel.files import StoredFile
from portal.skills.models import Credential
from tests.bookings.access.conftest import ActorOf, OrganizationOf, credential_of
from tests.cast import World

Mails = list[dict[str, Any]]
MONTH = dt.timedelta(days=30)


def granted(world: World, name: str = "cleo_at_shop") -> Qualification:
    return session.get_one(Qualification, world.qualifications[name], populate_existing=True)


def sheet(name: str = "test.txt") -> FileStorage:
    return FileStorage(io.BytesIO(b"Passed."), filename=name)


def booked(world: World, **columns: Any) -> Booking:
    """A booking of the shop's public mill for Eve, as it is when it is over."""
    with unit_of_work():
        resource = Resource(
            kind="equipment",
            organization_id=world.organizations["shop"],
            equipment_id=world.equipment["shop_public"],
            name="Shop public mill",
        )
        session.add(resource)
        session.flush()
        booking = Booking(
            resource_id=resource.id,
            host_organization_id=world.organizations["shop"],
            organization_id=world.organizations["aero"],
            **{
                "user_id": world.users["eve"],
                "starts_at": now() - dt.timedelta(hours=2),
                "ends_at": now() - dt.timedelta(hours=1),
                "status": "completed",
                "customer_class": "member_sme",
                **columns,
            },
        )
        session.add(booking)
    return booking


# Granting


def test_who_asked_is_granted_told_and_may_book(
    world: World,
    actor: ActorOf,
    organization: OrganizationOf,
    mails: Mails,
    drain: Callable[[], None],
) -> None:
    row = access.grant_qualification(
        actor("ana"),
        organization("shop"),
        email="Eve@Cast.example",
        equipment_id=world.equipment["shop_public"],
        lapses_after_days=90,
        evidence="Cut the test piece.",
    )
    drain()

    assert row.ends_on == today_here() + dt.timedelta(days=90)
    asked = session.get_one(AccessRequest, world.access_requests["eve_at_shop"])
    assert asked.status == "granted"
    assert asked.closed_at is not None
    assert [mail["to"] for mail in mails] == ["eve@cast.example"]
    assert mails[0]["subject"] == "You are qualified: Shop public mill"
    assert "lapses after 90 days without use" in mails[0]["text"]
    gates = load_gates(
        Resource(
            kind="equipment",
            organization_id=world.organizations["shop"],
            equipment_id=world.equipment["shop_public"],
        ),
        user_id=world.users["eve"],
        organization=organization("aero"),
        until=today_here(),
        rules=BookingRules(needs_qualification=True),
    )
    assert gates.is_qualified


def test_a_capability_answers_who_asked_for_a_machine_that_carries_it(
    world: World, actor: ActorOf, organization: OrganizationOf
) -> None:
    access.grant_qualification(
        actor("ana"), organization("shop"), user_id=world.users["eve"], capability="five-axis"
    )

    asked = session.get_one(AccessRequest, world.access_requests["eve_at_shop"])
    assert asked.status == "granted"


def test_strangers_are_refused_alike_with_and_without_an_account(
    world: World, actor: ActorOf, organization: OrganizationOf
) -> None:
    refusals = []
    for whom in (
        {"email": "dov@cast.example"},
        {"email": "nobody-at-all@elsewhere.example"},
    ):
        with pytest.raises(Invalid) as refused:
            access.grant_qualification(
                actor("eve"), organization("aero"), capability="welding", **whom
            )
        refusals.append((refused.value.field, refused.value.message))
    assert refusals[0] == refusals[1]
    with pytest.raises(Invalid):
        access.grant_qualification(
            actor("eve"),
            organization("aero"),
            capability="welding",
            user_id=world.users["dov"],
        )
    assert dict(grants.list_known_people(world.organizations["aero"])) == {
        world.users["eve"]: "Eve, eve@cast.example"
    }


def test_own_people_who_booked_and_who_asked_can_be_chosen(world: World) -> None:
    booked(world, user_id=world.users["root"], booked_by_id=world.users["dov"])

    known = dict(grants.list_known_people(world.organizations["shop"]))

    assert set(known) == {
        world.users[name] for name in ("ana", "ben", "cleo", "dov", "eve", "root")
    }


NOT_GRANTED: list[tuple[dict[str, Any], str]] = [
    ({}, "equipment_id"),
    ({"equipment": "shop_public", "capability": "welding"}, "equipment_id"),
    ({"equipment": "college_public"}, "equipment_id"),
    ({"capability": "no such thing"}, "capability"),
    ({"capability": "welding", "granted_on": dt.date(2099, 1, 1)}, "granted_on"),
    ({"capability": "welding", "expires_on": dt.date(2020, 1, 1)}, "expires_on"),
    ({"capability": "welding", "recognition": "aero_by_shop"}, "recognition_id"),
    ({"capability": "welding", "email": "ben@cast.example"}, "email"),
    ({"capability": "welding", "document": sheet("virus.exe")}, "document"),
]


def test_what_cannot_be_granted_is_refused_at_its_field(
    world: World,
    actor: ActorOf,
    organization: OrganizationOf,
) -> None:
    for case, field in NOT_GRANTED:
        values = dict(case)
        if "equipment" in values:
            values["equipment_id"] = world.equipment[values.pop("equipment")]
        if "recognition" in values:
            values["recognition_id"] = world.recognitions[values.pop("recognition")]
        with pytest.raises(Invalid) as refused:
            access.grant_qualification(
                actor("ana"), organization("shop"), user_id=world.users["ben"], **values
            )
        assert refused.value.field == field, case
    assert session.scalars(select(Qualification.id)).all() == [world.qualifications["cleo_at_shop"]]


def test_only_owners_and_managers_of_the_host_grant(
    world: World, actor: ActorOf, organization: OrganizationOf
) -> None:
    for name in ("ben", "cleo", "dov", "root"):
        with pytest.raises(Forbidden):
            access.grant_qualification(
                actor(name), organization("shop"), user_id=world.users["ben"], capability="welding"
            )


# Renewing and revoking


def test_a_renewed_qualification_counts_its_disuse_anew_and_is_warned_of_again(
    world: World, actor: ActorOf
) -> None:
    with unit_of_work():
        row = granted(world)
        row.lapses_after_days, row.ends_on = 30, dt.date(2026, 2, 14)
        row.warned_at = now()

    access.renew_qualification(
        actor("ana"), granted(world), lapses_after_days=30, evidence="Tested again."
    )

    row = granted(world)
    assert row.ends_on == today_here() + MONTH
    assert row.warned_at is None
    assert row.evidence == "Tested again."


def test_a_newer_document_takes_the_place_of_the_older(world: World, actor: ActorOf) -> None:
    access.renew_qualification(actor("ana"), granted(world), document=sheet("first.txt"))
    access.renew_qualification(actor("ana"), granted(world), document=sheet("second.txt"))

    names = session.scalars(select(StoredFile.original_name)).all()
    assert names == ["second.txt"]


def test_a_revoked_qualification_needs_a_reason_and_can_be_granted_again(
    world: World,
    actor: ActorOf,
    organization: OrganizationOf,
    mails: Mails,
    drain: Callable[[], None],
) -> None:
    ana = actor("ana")
    with pytest.raises(Invalid):
        access.act_on_qualification(ana, granted(world), "revoke", note=" ")

    access.act_on_qualification(ana, granted(world), "revoke", note="Left the guard open.")
    drain()

    assert granted(world).status == "revoked"
    assert mails[0]["to"] == "cleo@cast.example"
    assert "> Left the guard open." in mails[0]["text"]
    with pytest.raises(Conflict):
        access.renew_qualification(ana, granted(world))
    again = access.grant_qualification(
        ana,
        organization("shop"),
        user_id=world.users["cleo"],
        equipment_id=world.equipment["shop_public"],
    )
    assert (again.id, again.status) == (granted(world).id, "valid")
    kept = ledger.list_ledger(organization("shop")).items
    assert [(entry.action, entry.whom, entry.by, entry.note) for entry in kept] == [
        ("grant", "Cleo", "Ana", ""),
        ("revoke", "Cleo", "Ana", "Left the guard open."),
    ]


# Use and warnings


def test_nothing_is_written_to_who_has_closed_the_account(
    world: World, actor: ActorOf, mails: Mails, drain: Callable[[], None]
) -> None:
    with unit_of_work():
        session.get_one(User, world.users["cleo"]).is_active = False
    access.act_on_qualification(actor("ana"), granted(world), "revoke", note="It was not used.")
    drain()
    assert mails == []


def test_a_completed_booking_keeps_a_qualification_from_lapsing(
    world: World, actor: ActorOf, organization: OrganizationOf, drain: Callable[[], None]
) -> None:
    began = now() - dt.timedelta(minutes=50)
    booking = booked(
        world,
        status="in_use",
        starts_at=began,
        ends_at=now() + dt.timedelta(minutes=10),
        used_from=began,
    )
    row = access.grant_qualification(
        actor("ana"),
        organization("shop"),
        user_id=world.users["eve"],
        capability="5-axis-milling",
        granted_on=today_here() - MONTH,
        lapses_after_days=40,
    )
    other = access.grant_qualification(
        actor("ana"), organization("shop"), user_id=world.users["eve"], capability="welding"
    )

    act_on_booking(actor("eve"), get_booking(booking.id), "check_out")
    drain()

    assert access.note_use(SYSTEM, booking_id=booking.id) == 0
    session.refresh(row)
    assert row.last_used_at == get_booking(booking.id).used_until
    assert row.ends_on is not None
    assert row.ends_on > today_here() + MONTH
    session.refresh(other)
    assert other.last_used_at is None


def test_a_booking_that_was_not_used_keeps_nothing(
    world: World, actor: ActorOf, organization: OrganizationOf
) -> None:
    booking = booked(world, status="no_show")
    access.grant_qualification(
        actor("ana"), organization("shop"), user_id=world.users["eve"], capability="5-axis-milling"
    )

    assert access.note_use(SYSTEM, booking_id=booking.id) == 0


def test_each_end_is_warned_of_once(
    world: World,
    actor: ActorOf,
    organization: OrganizationOf,
    mails: Mails,
    drain: Callable[[], None],
) -> None:
    ana, shop = actor("ana"), organization("shop")
    drain()
    assert not grants.has_ends_to_warn_of()
    soon, later = today_here() + dt.timedelta(days=20), today_here() + dt.timedelta(days=31)
    access.renew_qualification(ana, granted(world), expires_on=soon)
    access.grant_qualification(
        ana, shop, user_id=world.users["ben"], capability="welding", lapses_after_days=10
    )
    access.grant_qualification(
        ana, shop, user_id=world.users["ben"], capability="machining", expires_on=later
    )
    insurance = access.file_clearance(
        ana,
        shop,
        kind="insurance",
        organization="Falls City Community College",
        expires_on=soon,
    )
    drain()
    mails.clear()

    assert grants.has_ends_to_warn_of()
    assert access.warn_of_ends(SYSTEM) == 3
    assert access.warn_of_ends(SYSTEM) == 0
    assert not grants.has_ends_to_warn_of()
    drain()

    told = {(mail["to"], mail["subject"].partition(":")[0]) for mail in mails}
    assert {to for to, _subject in told} == {"cleo@cast.example", "ben@cast.example"}
    assert len(mails) == 3
    assert any("since it is not used" in mail["text"] for mail in mails)
    assert [item.url for item in grants.list_ending(ana, 10)].count(
        f"/clearances/{insurance.id}"
    ) == 1
    assert len(grants.list_ending(ana, 10)) == 3
    assert len(grants.list_ending(actor("cleo"), 10)) == 2
    access.renew_clearance(ana, insurance, expires_on=soon + dt.timedelta(days=5))
    assert access.warn_of_ends(SYSTEM) == 1


# Recognitions


def test_a_host_recognizes_another_once_and_no_longer(
    world: World, actor: ActorOf, organization: OrganizationOf
) -> None:
    ana, shop = actor("ana"), organization("shop")
    row = access.add_recognition(
        ana, shop, organization="falls city community college", capability="welding"
    )
    with pytest.raises(Invalid):
        access.add_recognition(
            ana,
            shop,
            organization=f"https://x.example/organizations/{world.organizations['college']}",
            capability="weld shop",
        )

    access.act_on_recognition(ana, row, "revoke", note="Their mill is another one.")
    again = access.add_recognition(
        ana, shop, organization="Falls City Community College", capability="welding"
    )

    assert again.id == row.id
    assert again.status == "valid"
    notes = [entry.note for entry in ledger.list_ledger(shop).items]
    assert notes == ["", "Their mill is another one.", ""]


def test_a_recognized_credential_can_be_what_a_qualification_was_granted_for(
    world: World, actor: ActorOf, organization: OrganizationOf
) -> None:
    ana, shop = actor("ana"), organization("shop")
    credential_of(world, "college", "AWS certified welder")
    credential = access.add_recognition(ana, shop, credential="aws certified welder")
    assert recognitions.list_credential_choices(shop.id) == [
        (credential.id, "AWS certified welder")
    ]

    row = access.grant_qualification(
        ana,
        shop,
        user_id=world.users["ben"],
        capability="welding",
        recognition_id=credential.id,
    )

    assert row.recognition_id == credential.id


def test_of_several_credentials_with_a_name_the_issuer_says_which(
    world: World, actor: ActorOf, organization: OrganizationOf
) -> None:
    ana, shop = actor("ana"), organization("shop")
    colleges = credential_of(world, "college", "Mill operator")
    aeros = credential_of(world, "aero", "Mill operator")
    with pytest.raises(Invalid) as refused:
        access.add_recognition(ana, shop, credential="Mill operator")
    assert refused.value.field == "credential"

    by_issuer = access.add_recognition(ana, shop, credential=f"Mill operator ({aeros.issuer})")
    by_number = access.add_recognition(ana, shop, credential=str(colleges.id), capability="welding")

    assert (by_issuer.credential_id, by_number.credential_id) == (aeros.id, colleges.id)


# Certificates


def certify(world: World, credential: Credential, person: str = "ben", **values: Any) -> int:
    return access.grant_by_certificate(
        SYSTEM,
        **{
            "user_id": world.users[person],
            "credential_id": credential.id,
            "certificate_path": "/training/certificates/1",
            "issued_at": now(),
            "expires_on": today_here() + dt.timedelta(days=365),
            "evidence": "Mill operator, Falls City Community College, 1",
            "provider_id": world.organizations["college"],
            **values,
        },
    )


def by_certificate() -> list[Qualification]:
    session.expire_all()
    return list(
        session.scalars(
            select(Qualification)
            .where(Qualification.certificate_path != "")
            .order_by(Qualification.id)
        )
    )


def test_a_certificate_qualifies_wherever_its_credential_is_recognized(
    world: World,
    actor: ActorOf,
    organization: OrganizationOf,
    mails: Mails,
    drain: Callable[[], None],
) -> None:
    credential = credential_of(world, "college", "Mill operator")
    other = credential_of(world, "college", "Welder")
    access.add_recognition(
        actor("ana"), organization("shop"), credential="Mill operator", capability="five-axis"
    )
    access.add_recognition(actor("eve"), organization("aero"), credential="Mill operator")
    access.add_recognition(actor("cleo"), organization("college"), credential="Welder")
    drain()
    mails.clear()

    assert certify(world, credential, "eve") == 2
    assert certify(world, credential, "eve") == 0
    drain()

    at_shop, at_aero = by_certificate()
    assert (at_shop.capability_key, at_shop.expires_on) == (
        "5-axis-milling",
        today_here() + dt.timedelta(days=365),
    )
    assert (at_aero.equipment_id, at_aero.capability_key) == (None, None)
    assert sorted(mail["subject"] for mail in mails) == [
        "You are qualified: 5-axis milling",
        "You are qualified: All equipment",
    ]
    asked = session.get_one(AccessRequest, world.access_requests["eve_at_shop"])
    assert asked.status == "granted"
    kept = ledger.list_ledger(organization("shop")).items[0]
    assert (kept.action, kept.note) == ("grant", at_shop.evidence)
    assert certify(world, other, "eve", expires_on=today_here() - dt.timedelta(days=1)) == 0


def test_what_is_for_all_of_a_host_opens_every_machine_of_it_and_none_of_others(
    world: World, actor: ActorOf, organization: OrganizationOf
) -> None:
    credential = credential_of(world, "college", "Mill operator")
    access.add_recognition(actor("ana"), organization("shop"), credential="Mill operator")
    certify(world, credential)

    gates = {
        (host, name): load_gates(
            Resource(
                kind="equipment",
                organization_id=world.organizations[host],
                equipment_id=world.equipment[name],
            ),
            user_id=world.users["ben"],
            organization=organization("shop"),
            until=today_here(),
            rules=BookingRules(needs_qualification=True),
        ).is_qualified
        for host, name in (
            ("shop", "shop_public"),
            ("shop", "shop_members"),
            ("college", "college_public"),
        )
    }

    assert gates == {
        ("shop", "shop_public"): True,
        ("shop", "shop_members"): True,
        ("college", "college_public"): False,
    }


def test_a_revoked_certificate_takes_back_what_it_granted_and_nothing_else(
    world: World, actor: ActorOf, organization: OrganizationOf
) -> None:
    ana, shop = actor("ana"), organization("shop")
    credential = credential_of(world, "college", "Mill operator")
    access.add_recognition(ana, shop, credential="Mill operator", capability="five-axis")
    by_hand = access.grant_qualification(
        ana, shop, user_id=world.users["ben"], capability="welding"
    )
    certify(world, credential)
    (granted_by_it,) = by_certificate()

    told = access.revoke_by_certificate(
        SYSTEM, certificate_path="/training/certificates/1", note="Issued in error."
    )

    assert told == 1
    session.expire_all()
    assert (granted_by_it.status, by_hand.status) == ("revoked", "valid")
    assert ledger.list_ledger(shop).items[0].note == "Issued in error."
    # Another certificate that is good still takes its place, but what people of the host revoke
    # comes back by what is issued later alone.
    earlier = {
        "certificate_path": "/training/certificates/2",
        "issued_at": now() - dt.timedelta(days=1),
    }
    assert certify(world, credential, **earlier) == 1
    access.act_on_qualification(ana, granted_by_it, "revoke", note="Broke a spindle.")
    assert certify(world, credential, **earlier) == 0
    assert certify(world, credential, certificate_path="/training/certificates/3") == 1


def test_what_a_host_granted_for_longer_stays_as_it_is(
    world: World, actor: ActorOf, organization: OrganizationOf
) -> None:
    ana, shop = actor("ana"), organization("shop")
    credential = credential_of(world, "college", "Mill operator")
    access.add_recognition(ana, shop, credential="Mill operator", capability="welding")
    by_hand = access.grant_qualification(
        ana, shop, user_id=world.users["ben"], capability="welding"
    )
    assert certify(world, credential) == 0

    access.renew_qualification(ana, by_hand, expires_on=today_here() + MONTH)
    assert certify(world, credential) == 1
    session.expire_all()
    assert by_hand.expires_on == today_here() + dt.timedelta(days=365)


NOT_RECOGNIZED: list[tuple[dict[str, Any], str]] = [
    ({}, "organization"),
    ({"organization": "Prairie Aero Composites", "credential": "X"}, "organization"),
    ({"organization": "Ana's Machine Shop"}, "organization"),
    ({"organization": "Nobody Inc."}, "organization"),
    ({"organization": "Prairie Aero Composites"}, "organization"),
    ({"credential": "X"}, "credential"),
    ({"organization": "Prairie Aero Composites", "capability": "no such thing"}, "capability"),
]


def test_what_cannot_be_recognized_is_refused_at_its_field(
    world: World,
    actor: ActorOf,
    organization: OrganizationOf,
) -> None:
    for values, field in NOT_RECOGNIZED:
        with pytest.raises(Invalid) as refused:
            access.add_recognition(actor("ana"), organization("shop"), **values)
        assert refused.value.field == field, values
    assert session.scalars(select(Recognition.id)).all() == [world.recognitions["aero_by_shop"]]


# Clearances


def test_an_induction_is_filed_for_one_facility_and_answers_who_asked(
    world: World,
    actor: ActorOf,
    organization: OrganizationOf,
    mails: Mails,
    drain: Callable[[], None],
) -> None:
    asked = access.ask_for_access(
        actor("eve"),
        organization("shop"),
        organization_id=world.organizations["aero"],
        kind="induction",
        facility_id=world.facilities["shop_public"],
    )
    elsewhere = access.ask_for_access(
        actor("eve"),
        organization("shop"),
        organization_id=world.organizations["aero"],
        kind="induction",
        facility_id=world.facilities["shop_members"],
    )
    row = access.file_clearance(
        actor("ana"),
        organization("shop"),
        kind="induction",
        user_id=world.users["eve"],
        facility_id=world.facilities["shop_public"],
        document=sheet(),
    )
    drain()

    assert (row.organization_id, row.facility_id) == (None, world.facilities["shop_public"])
    assert session.get_one(AccessRequest, asked.id).status == "granted"
    assert session.get_one(AccessRequest, elsewhere.id).status == "open"
    assert "Ana's Machine Shop filed your safety induction" in [mail["subject"] for mail in mails]


NOT_FILED: list[tuple[dict[str, Any], str]] = [
    ({"kind": "agreement", "organization": "Ana's Machine Shop"}, "organization"),
    ({"kind": "insurance", "organization": "Nobody Inc."}, "organization"),
    ({"kind": "induction", "email": "stranger@elsewhere.example"}, "email"),
    (
        {"kind": "induction", "email": "ben@cast.example", "facility": "aero_public"},
        "facility_id",
    ),
    (
        {
            "kind": "insurance",
            "organization": "Prairie Aero Composites",
            "expires_on": dt.date(2020, 1, 1),
        },
        "expires_on",
    ),
]


def test_what_cannot_be_filed_is_refused_at_its_field(
    world: World,
    actor: ActorOf,
    organization: OrganizationOf,
) -> None:
    for case, field in NOT_FILED:
        values = dict(case)
        if "facility" in values:
            values["facility_id"] = world.facilities[values.pop("facility")]
        with pytest.raises(Invalid) as refused:
            access.file_clearance(actor("ana"), organization("shop"), **values)
        assert refused.value.field == field, case
    assert session.scalars(select(Clearance.id)).all() == [world.clearances["college_at_shop"]]


# Asking


def test_asking_twice_is_one_request_and_the_host_is_told_once(
    world: World,
    actor: ActorOf,
    organization: OrganizationOf,
    mails: Mails,
    drain: Callable[[], None],
) -> None:
    values: dict[str, Any] = {
        "organization_id": world.organizations["college"],
        "kind": "qualification",
        "equipment_id": world.equipment["shop_members"],
        "message": "I teach it.",
    }
    first = access.ask_for_access(actor("cleo"), organization("shop"), **values)
    second = access.ask_for_access(actor("cleo"), organization("shop"), **values)
    drain()

    assert first.id == second.id
    assert [(mail["to"], mail["subject"]) for mail in mails] == [
        ("ana@cast.example", "Cleo asks for a qualification")
    ]
    assert "to operate: Shop members mill." in mails[0]["text"]
    waiting = [item.title for item in asking.list_asked(actor("ana"), 10)]
    assert waiting == [
        "Eve of Prairie Aero Composites asks",
        "Cleo of Falls City Community College asks",
    ]
    assert asking.list_asked(actor("ben"), 10) == []


def test_who_asked_is_told_why_the_host_declined_and_may_ask_again(
    world: World,
    actor: ActorOf,
    organization: OrganizationOf,
    mails: Mails,
    drain: Callable[[], None],
) -> None:
    row = session.get_one(AccessRequest, world.access_requests["eve_at_shop"])
    access.act_on_access_request(actor("ana"), row, "decline", note="Come to the class first.")
    drain()

    assert row.answer == "Come to the class first."
    assert mails[0]["to"] == "eve@cast.example"
    assert "> Come to the class first." in mails[0]["text"]
    again = access.ask_for_access(
        actor("eve"),
        organization("shop"),
        organization_id=world.organizations["aero"],
        kind="qualification",
        equipment_id=world.equipment["shop_public"],
    )
    assert again.id != row.id
    access.act_on_access_request(actor("eve"), again, "withdraw")
    assert again.status == "withdrawn"


def test_nobody_asks_for_another_organization_or_what_is_hidden(
    world: World, actor: ActorOf, organization: OrganizationOf
) -> None:
    def ask(**more: Any) -> AccessRequest:
        values = {
            "organization_id": world.organizations["aero"],
            "kind": "qualification",
            "equipment_id": world.equipment["college_public"],
        }
        return access.ask_for_access(actor("eve"), organization("college"), **{**values, **more})

    with pytest.raises(Invalid):
        ask(organization_id=world.organizations["shop"])
    with pytest.raises(NotFound):
        ask(equipment_id=world.equipment["college_draft"])
    with pytest.raises(Invalid):
        ask(equipment_id=world.equipment["shop_public"])
    with pytest.raises(Invalid):
        ask(equipment_id=None, facility_id=world.facilities["college_public"])
    with pytest.raises(Invalid):
        access.ask_for_access(
            actor("eve"),
            organization("aero"),
            organization_id=world.organizations["aero"],
            kind="agreement",
        )
