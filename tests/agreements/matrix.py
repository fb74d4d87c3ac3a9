"""Who reaches the pages and the API of agreements, outcomes and reports."""

import io
from collections.abc import Callable, Mapping
from typing import Any

from tests.architecture.matrix import SIGNED_IN, Row
from tests.cast import World

Values = Callable[[World], Mapping[str, Any]]

VIEWERS = "ana ben cleo dov root"
PARTIES = "ana ben cleo"
MANAGERS = "ana cleo"
BROKERS = "dov root"


def of(name: str, **more: Any) -> Values:
    return lambda world: {"agreement_id": world.agreements[name], **more}


def milestone(world: World) -> Mapping[str, Any]:
    return {"milestone_id": world.milestones["shop"]}


def outcome(**more: Any) -> Values:
    return lambda world: {"outcome_id": world.outcomes["jobs"], **more}


def region(_world: World) -> Mapping[str, Any]:
    return {"key": "greater-louisville"}


def words(_world: World) -> Mapping[str, Any]:
    return {"kind": "supply", "title": "Housings for pumps"}


def of_shop(world: World) -> Mapping[str, Any]:
    return {**words(world), "organization_id": world.organizations["shop"]}


def note(_world: World) -> Mapping[str, Any]:
    return {"note": "So that it is known."}


def revision(_world: World) -> Mapping[str, Any]:
    return {"revision": 1}


def due(_world: World) -> Mapping[str, Any]:
    return {"title": "All parts delivered", "due_on": "2027-09-01"}


def longer(_world: World) -> Mapping[str, Any]:
    return {"ends_on": "2199-12-31"}


def contract(_world: World) -> Mapping[str, Any]:
    return {"document": {"name": "contract.txt", "content": "V2hhdCB3ZSBhZ3JlZWQgb24u"}}


def scan(_world: World) -> Mapping[str, Any]:
    return {"document": (io.BytesIO(b"What we agreed on."), "contract.txt")}


def savings(amount: Any) -> Values:
    return lambda _world: {
        "kind": "savings",
        "amount_hundredths": amount,
        "happened_on": "2026-05-01",
    }


def correction(amount: Any) -> Values:
    return lambda _world: {"amount_hundredths": amount, "happened_on": "2026-03-02"}


def yes(_world: World) -> Mapping[str, Any]:
    return {"confirmed": "yes"}


ROUTES = [
    Row("agreements.list_agreements", "GET", SIGNED_IN),
    # Who manages no organization reads how to get one.
    Row("agreements.create_agreement", "GET", SIGNED_IN),
    Row("agreements.create_agreement", "POST", SIGNED_IN, data=of_shop),
    Row("agreements.show_agreement", "GET", VIEWERS, values=of("active")),
    Row("agreements.edit_agreement", "GET", "ana", values=of("draft")),
    Row("agreements.edit_agreement", "POST", "ana", values=of("draft"), data=words),
    Row("agreements.delete_agreement", "POST", "ana", values=of("draft"), data=yes),
    Row(
        "agreements.act_on_agreement",
        "POST",
        "cleo",
        values=of("proposed", action="return"),
        data=note,
    ),
    Row("agreements.acknowledge_agreement", "POST", MANAGERS, values=of("active"), data=revision),
    Row("agreements.add_document", "GET", MANAGERS, values=of("active")),
    Row("agreements.add_document", "POST", MANAGERS, values=of("active"), data=scan),
    Row("agreements.renew_agreement", "GET", MANAGERS, values=of("active")),
    Row("agreements.renew_agreement", "POST", MANAGERS, values=of("active"), data=longer),
    # The cast has no documents; test_agreements.py tries those of others.
    Row("agreements.show_document", "GET", "", values=of("active", version_id=1)),
    Row("agreements.remove_document", "POST", "", values=of("draft", document_id=1), data=yes),
    Row("agreements.add_milestone", "GET", MANAGERS, values=of("active")),
    Row("agreements.add_milestone", "POST", MANAGERS, values=of("active"), data=due),
    Row("agreements.edit_milestone", "GET", MANAGERS, values=milestone),
    Row("agreements.edit_milestone", "POST", MANAGERS, values=milestone, data=due),
    Row("agreements.tick_milestone", "POST", PARTIES, values=milestone),
    Row("agreements.remove_milestone", "POST", MANAGERS, values=milestone, data=yes),
    Row("agreements.show_chain", "GET", VIEWERS, values=of("active")),
    Row("agreements.export_chain", "GET", VIEWERS, values=of("active")),
    Row("agreements.assert_outcome", "GET", PARTIES, values=of("active")),
    Row("agreements.assert_outcome", "POST", PARTIES, values=of("active"), data=savings("84.00")),
    Row("agreements.show_outcome", "GET", VIEWERS, values=outcome()),
    Row("agreements.correct_outcome", "GET", "ana", values=outcome()),
    Row("agreements.correct_outcome", "POST", "ana", values=outcome(), data=correction("3")),
    Row(
        "agreements.act_on_outcome",
        "POST",
        "cleo dov",
        values=outcome(action="dispute"),
        data=note,
    ),
    Row("agreements.tell_apart", "POST", "ana", values=outcome(), data=note),
    Row("agreements.show_evidence_document", "GET", "", values=outcome(claim_id=1)),
    Row("agreements.list_reports", "GET", BROKERS),
    Row("agreements.show_report", "GET", BROKERS, values=region),
    Row("agreements.export_report", "GET", BROKERS, values=lambda w: {**region(w), "form": "csv"}),
    Row("agreements.export_chains", "GET", BROKERS, values=region),
    Row("agreements_api.list_agreements", "GET", f"nobody eve {VIEWERS}"),
    Row("agreements_api.create_agreement", "POST", "ana", data=of_shop, is_json=True),
    Row("agreements_api.show_agreement", "GET", VIEWERS, values=of("active")),
    Row(
        "agreements_api.change_agreement",
        "PATCH",
        "ana",
        values=of("draft"),
        data=lambda _world: {"title": "Another title"},
        is_json=True,
    ),
    Row("agreements_api.delete_agreement", "DELETE", "ana", values=of("draft")),
    Row(
        "agreements_api.act_on_agreement",
        "POST",
        MANAGERS,
        values=of("active", action="complete"),
        data=note,
        is_json=True,
    ),
    Row(
        "agreements_api.acknowledge_agreement",
        "POST",
        MANAGERS,
        values=of("proposed"),
        data=revision,
        is_json=True,
    ),
    Row(
        "agreements_api.renew_agreement",
        "POST",
        MANAGERS,
        values=of("active"),
        data=longer,
        is_json=True,
    ),
    Row("agreements_api.list_documents", "GET", f"{PARTIES} root", values=of("active")),
    Row(
        "agreements_api.add_document",
        "POST",
        MANAGERS,
        values=of("active"),
        data=contract,
        is_json=True,
    ),
    Row("agreements_api.show_document", "GET", "", values=of("active", version_id=1)),
    Row("agreements_api.remove_document", "DELETE", "", values=of("draft", document_id=1)),
    Row("agreements_api.show_evidence", "GET", "", values=outcome(claim_id=1)),
    Row("agreements_api.list_chains", "GET", BROKERS, values=region),
    Row(
        "agreements_api.add_milestone",
        "POST",
        MANAGERS,
        values=of("active"),
        data=due,
        is_json=True,
    ),
    Row(
        "agreements_api.change_milestone",
        "PATCH",
        MANAGERS,
        values=milestone,
        data=due,
        is_json=True,
    ),
    Row("agreements_api.tick_milestone", "POST", PARTIES, values=milestone),
    Row("agreements_api.list_outcomes", "GET", VIEWERS, values=of("active")),
    Row(
        "agreements_api.assert_outcome",
        "POST",
        PARTIES,
        values=of("active"),
        data=savings(8400),
        is_json=True,
    ),
    Row("agreements_api.show_outcome", "GET", VIEWERS, values=outcome()),
    Row(
        "agreements_api.correct_outcome",
        "PATCH",
        "ana",
        values=outcome(),
        data=correction(300),
        is_json=True,
    ),
    Row(
        "agreements_api.act_on_outcome",
        "POST",
        "cleo dov",
        values=outcome(action="confirm"),
        data=note,
        is_json=True,
    ),
    Row("agreements_api.tell_apart", "POST", "ana", values=outcome(), data=note, is_json=True),
    Row("agreements_api.show_chain", "GET", VIEWERS, values=of("active")),
    Row("agreements_api.show_report", "GET", BROKERS, values=region),
]
