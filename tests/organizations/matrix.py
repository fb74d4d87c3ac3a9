"""Who reaches the pages and the API of organizations."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.architecture.matrix import EVERYBODY, SIGNED_IN, Row
from tests.cast import INVITATION_TOKEN, World


def shop(world: World) -> Mapping[str, Any]:
    return {"organization_id": world.organizations["shop"]}


def unclaimed(world: World) -> Mapping[str, Any]:
    return {"organization_id": world.organizations["unclaimed"]}


def ben(world: World) -> Mapping[str, Any]:
    return {"membership_id": world.memberships["ben_shop"]}


def claim(world: World) -> Mapping[str, Any]:
    return {"claim_id": world.claims["cleo_on_unclaimed"]}


def invitation(world: World) -> Mapping[str, Any]:
    return {"invitation_id": world.invitations["shop_to_newcomer"]}


def new_firm(_world: World) -> Mapping[str, Any]:
    return {"name": "Salt River Springs", "kind": "sme", "zip_code": "40202"}


def confirmed(_world: World) -> Mapping[str, Any]:
    return {"confirmed": "yes"}


def chosen(name: str) -> Callable[[World], Mapping[str, Any]]:
    return lambda world: {name: [world.organizations["shop"]]}


def claims(name: str) -> Callable[[World], Mapping[str, Any]]:
    return lambda world: {name: [world.claims["cleo_on_unclaimed"]]}


ROUTES = [
    Row("organizations.list_organizations", "GET", EVERYBODY),
    Row("organizations.list_mine", "GET", SIGNED_IN),
    Row(
        "organizations.suggest_organizations",
        "GET",
        EVERYBODY,
        data=lambda _world: {"q": "shop"},
    ),
    Row("organizations.show", "GET", EVERYBODY, values=shop),
    Row("organizations.show_linked_data", "GET", EVERYBODY, values=shop),
    # The shop has no logo, so there is nothing to be had for anybody.
    Row("organizations.show_logo", "GET", "", values=shop),
    Row("organizations.register", "GET", SIGNED_IN),
    Row("organizations.register", "POST", SIGNED_IN, data=new_firm),
    Row("organizations.edit", "GET", "ana root", values=shop),
    Row("organizations.edit", "POST", "ana root", values=shop, data=new_firm),
    Row("organizations.remove_logo", "POST", "ana root", values=shop),
    Row(
        "organizations.act",
        "POST",
        "ana root",
        values=lambda world: {**shop(world), "action": "archive"},
        data=confirmed,
    ),
    Row("organizations.show_people", "GET", "ana ben root", values=shop),
    Row(
        "organizations.show_people",
        "POST",
        "ana",
        values=shop,
        data=lambda world: {"email": "somebody@elsewhere.example", "role": "member"},
    ),
    Row(
        "organizations.change_role",
        "POST",
        "ana root",
        values=ben,
        data=lambda world: {"role": "manager"},
    ),
    Row("organizations.end_membership", "POST", "ana ben root", values=ben, data=confirmed),
    Row("organizations.show_invitation", "GET", "ana root", values=invitation),
    Row(
        "organizations.show_invitation_link",
        "GET",
        EVERYBODY,
        values=lambda world: {"token": INVITATION_TOKEN},
    ),
    Row(
        "organizations.act_on_invitation",
        "POST",
        "ana",
        values=lambda world: {**invitation(world), "action": "withdraw"},
    ),
    Row("organizations.join", "GET", "cleo dov eve root", values=shop),
    Row(
        "organizations.join",
        "POST",
        "cleo dov eve root",
        values=shop,
        data=lambda world: {"message": "I run the night shift."},
    ),
    Row(
        "organizations.act_on_join_request",
        "POST",
        "cleo",
        values=lambda world: {
            "join_request_id": world.join_requests["eve_to_college"],
            "action": "accept",
        },
    ),
    Row("organizations.claim", "GET", SIGNED_IN, values=unclaimed),
    Row(
        "organizations.claim",
        "POST",
        SIGNED_IN,
        values=unclaimed,
        data=lambda world: {"evidence": "Call the front desk."},
    ),
    Row("organizations.show_claim", "GET", "cleo dov root", values=claim),
    Row(
        "organizations.act_on_claim",
        "POST",
        "dov root",
        values=lambda world: {**claim(world), "action": "approve"},
    ),
    Row("organizations.verify_several", "POST", "dov", data=chosen("organization_id")),
    Row(
        "organizations.act_on_claims",
        "POST",
        "dov",
        values=lambda _world: {"action": "approve"},
        data=claims("claim_id"),
    ),
    Row(
        "organizations_api.verify_organizations",
        "POST",
        "dov",
        data=chosen("organization_ids"),
        is_json=True,
    ),
    Row(
        "organizations_api.act_on_claims",
        "POST",
        "dov",
        values=lambda _world: {"action": "approve"},
        data=claims("claim_ids"),
        is_json=True,
    ),
    Row("organizations_api.list_organizations", "GET", EVERYBODY),
    Row("organizations_api.register_organization", "POST", SIGNED_IN, data=new_firm, is_json=True),
    Row("organizations_api.show_organization", "GET", EVERYBODY, values=shop),
    Row(
        "organizations_api.change_organization",
        "PATCH",
        "ana root",
        values=shop,
        data=lambda world: {"summary": "Short runs."},
        is_json=True,
    ),
    Row("organizations_api.archive_organization", "DELETE", "ana root", values=shop),
]
