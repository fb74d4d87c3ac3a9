"""Who reaches the pages and the API of brokerage."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.architecture.matrix import SIGNED_IN, Row
from tests.cast import World

Values = Callable[[World], Mapping[str, Any]]


def case(**more: Any) -> Values:
    return lambda world: {"case_id": world.cases["shop"], **more}


def region(_world: World) -> Mapping[str, Any]:
    return {"key": "greater-louisville"}


def question(_world: World) -> Mapping[str, Any]:
    return {"title": "Large castings", "text": "Who measures them?"}


def new_case(world: World) -> Mapping[str, Any]:
    return {
        "region_id": world.regions["greater-louisville"],
        "title": "A course for the night shift",
    }


def introduction(**more: Any) -> Values:
    return lambda world: {"introduction_id": world.introductions["shop_college"], **more}


def of_college(action: str) -> Values:
    return lambda world: {
        "introduction_id": world.introductions["shop_college"],
        "party_id": world.introduction_parties["college_in_shop_college"],
        "action": action,
    }


def proposal(world: World) -> Mapping[str, Any]:
    return {
        "title": "Welding lessons",
        "parties": [
            {
                "organization_id": world.organizations[name],
                "summary": "Somebody near.",
                "reason": "They weld.",
            }
            for name in ("college", "aero")
        ],
    }


def proposal_form(world: World) -> Mapping[str, Any]:
    return {
        "title": "Welding lessons",
        "region_id": world.regions["greater-louisville"],
        **{
            f"parties-{number}-{name}": value
            for number, party in enumerate(proposal(world)["parties"])
            for name, value in party.items()
        },
    }


def yes(_world: World) -> Mapping[str, Any]:
    return {"confirmed": "yes"}


INTRODUCTIONS = [
    Row("brokerage.list_introductions", "GET", SIGNED_IN),
    Row("brokerage.propose_introduction", "GET", "dov"),
    Row("brokerage.propose_introduction", "POST", "dov", data=proposal_form),
    Row("brokerage.show_introduction", "GET", "ana ben cleo dov", values=introduction()),
    Row(
        "brokerage.act_on_introduction",
        "POST",
        "dov",
        values=introduction(action="withdraw"),
        data=yes,
    ),
    Row(
        "brokerage.answer_introduction",
        "POST",
        "cleo",
        values=of_college("consent"),
        data=lambda _world: {"accepts_terms": "y"},
    ),
    Row("brokerage_api.list_introductions", "GET", SIGNED_IN),
    Row("brokerage_api.propose_introduction", "POST", "dov", data=proposal, is_json=True),
    Row("brokerage_api.show_introduction", "GET", "ana ben cleo dov", values=introduction()),
    Row(
        "brokerage_api.act_on_introduction",
        "POST",
        "dov",
        values=introduction(action="withdraw"),
        data=lambda _world: {"note": "They met already."},
        is_json=True,
    ),
    Row(
        "brokerage_api.answer_introduction",
        "POST",
        "cleo",
        values=of_college("decline"),
        data=lambda _world: {"note": "Not this year."},
        is_json=True,
    ),
]

CASES = [
    Row("brokerage.ask", "GET", SIGNED_IN, values=region),
    Row("brokerage.ask", "POST", SIGNED_IN, values=region, data=question),
    Row("brokerage.desk", "GET", "dov"),
    Row(
        "brokerage.open_cases",
        "POST",
        "dov",
        data=lambda world: {"request_id": world.requests["shop_members"]},
    ),
    Row(
        "brokerage.ask_to_confirm",
        "POST",
        "dov",
        data=lambda world: {"organization_id": world.organizations["shop"]},
    ),
    Row("brokerage.interview", "GET", "dov"),
    Row(
        "brokerage.interview",
        "POST",
        "dov",
        data=lambda world: {
            "region_id": world.regions["greater-louisville"],
            "name": "Portland Avenue Pattern Shop",
            "zip_code": "40202",
        },
    ),
    Row("brokerage.list_cases", "GET", "dov"),
    Row(
        "brokerage.change_cases",
        "POST",
        "dov",
        data=lambda world: {"case_id": world.cases["shop"], "action": "qualify"},
    ),
    Row("brokerage.keep_filter", "POST", "dov", data=lambda _world: {"name": "Late ones"}),
    Row(
        "brokerage.drop_filter",
        "POST",
        "dov",
        values=lambda world: {"filter_id": world.cases["filter"]},
    ),
    Row("brokerage.open_case", "GET", "dov"),
    Row("brokerage.open_case", "POST", "dov", data=new_case),
    Row("brokerage.show_case", "GET", "dov", values=case()),
    Row("brokerage.edit_case", "GET", "dov", values=case()),
    Row("brokerage.edit_case", "POST", "dov", values=case(), data=lambda _world: {"title": "New"}),
    Row("brokerage.act_on_case", "POST", "dov", values=case(action="qualify")),
    Row("brokerage.add_note", "POST", "dov", values=case(), data=lambda _world: {"text": "Yes."}),
    Row("brokerage.add_task", "POST", "dov", values=case(), data=lambda _world: {"title": "Call"}),
    Row(
        "brokerage.mark_task",
        "POST",
        "dov",
        values=lambda world: {
            "case_id": world.cases["shop"],
            "task_id": world.cases["task"],
            "mark": "done",
        },
    ),
    Row(
        "brokerage.hand_over_case",
        "POST",
        "dov",
        values=case(),
        data=lambda _world: {"keeper_id": ""},
    ),
]

CASES_API = [
    Row("brokerage_api.show_desk", "GET", "dov"),
    Row("brokerage_api.list_needs", "GET", "dov"),
    Row("brokerage_api.list_stale", "GET", "dov"),
    Row(
        "brokerage_api.open_cases",
        "POST",
        "dov",
        data=lambda world: {"request_ids": [world.requests["shop_public"]]},
        is_json=True,
    ),
    Row(
        "brokerage_api.ask_to_confirm",
        "POST",
        "dov",
        data=lambda world: {"organization_ids": [world.organizations["shop"]]},
        is_json=True,
    ),
    Row(
        "brokerage_api.change_cases",
        "POST",
        "dov",
        data=lambda world: {"case_ids": [world.cases["shop"]], "next_action": "Call"},
        is_json=True,
    ),
    Row("brokerage_api.list_filters", "GET", "dov"),
    Row(
        "brokerage_api.keep_filter",
        "POST",
        "dov",
        data=lambda _world: {"name": "Late ones", "due": "overdue"},
        is_json=True,
    ),
    Row(
        "brokerage_api.drop_filter",
        "DELETE",
        "dov",
        values=lambda world: {"filter_id": world.cases["filter"]},
    ),
    Row("brokerage_api.list_cases", "GET", "dov"),
    Row("brokerage_api.open_case", "POST", "dov", data=new_case, is_json=True),
    Row("brokerage_api.show_case", "GET", "dov", values=case()),
    Row(
        "brokerage_api.change_case",
        "PATCH",
        "dov",
        values=case(),
        data=lambda _world: {"title": "New"},
        is_json=True,
    ),
    Row("brokerage_api.act_on_case", "POST", "dov", values=case(action="talk"), is_json=True),
    Row(
        "brokerage_api.hand_over_case",
        "POST",
        "dov",
        values=case(),
        data=lambda _world: {"keeper_id": None},
        is_json=True,
    ),
    Row("brokerage_api.list_notes", "GET", "dov", values=case()),
    Row(
        "brokerage_api.add_note",
        "POST",
        "dov",
        values=case(),
        data=lambda _world: {"text": "Yes."},
        is_json=True,
    ),
    Row("brokerage_api.list_tasks", "GET", "dov", values=case()),
    Row(
        "brokerage_api.add_task",
        "POST",
        "dov",
        values=case(),
        data=lambda _world: {"title": "Call"},
        is_json=True,
    ),
    Row(
        "brokerage_api.mark_task",
        "PATCH",
        "dov",
        values=lambda world: {"case_id": world.cases["shop"], "task_id": world.cases["task"]},
        data=lambda _world: {"is_done": True},
        is_json=True,
    ),
]

ROUTES = [*INTRODUCTIONS, *CASES, *CASES_API]
