"""Agreements and outcomes in the JSON API: from a draft to a confirmed outcome, by programs."""

from collections.abc import Callable
from urllib.parse import quote

from flask.testing import FlaskClient

from portal.agreements.models import Agreement
from portal.kernel.clock import today_here
from portal.kernel.database import session
from tests.agreements.conftest import Make
from tests.cast import World

Clients = Callable[[str], FlaskClient]


def test_program_brings_an_agreement_to_a_confirmed_outcome(
    world: World, client_of: Clients
) -> None:
    ana, cleo = client_of("ana"), client_of("cleo")
    created = ana.post(
        "/api/v1/agreements",
        json={
            "organization_id": world.organizations["shop"],
            "kind": "rd_cooperation",
            "title": "A fixture for thin plates",
            "parties": [{"organization": f"/organizations/{world.organizations['college']}"}],
        },
    )
    assert created.status_code == 201, created.text
    url = created.headers["Location"]
    changed = ana.patch(url, json={"starts_on": str(today_here()), "private_cents": 500_000})
    assert changed.json["private_cents"] == 500_000
    assert ana.post(f"{url}/actions/propose", json={}).json["status"] == "proposed"
    revision = cleo.get(url).json["revision"]
    active = cleo.post(f"{url}/acknowledgments", json={"revision": revision}).json
    assert active["status"] == "active"

    added = ana.post(
        f"{url}/milestones", json={"title": "First plate", "due_on": str(today_here())}
    ).json
    milestone = f"/api/v1/milestones/{added['id']}"
    assert ana.patch(milestone, json={"title": "First plate held"}).json["title"] == (
        "First plate held"
    )
    assert cleo.post(f"{milestone}/tick", json={}).json["done_at"] is not None

    told = ana.post(
        f"{url}/outcomes",
        json={
            "kind": "savings",
            "amount_hundredths": 120_000,
            "happened_on": str(today_here()),
            "evidence": "Two scrapped plates fewer a week.",
        },
    ).json
    outcome = f"/api/v1/outcomes/{told['id']}"
    corrected = ana.patch(outcome, json={"amount_hundredths": 110_000}).json
    assert corrected["amount_hundredths"] == 110_000
    assert cleo.post(f"{outcome}/actions/confirm", json={}).json["status"] == "confirmed"
    assert [row["id"] for row in cleo.get(f"{url}/outcomes").json["items"]] == [told["id"]]
    assert cleo.get(outcome).json["kind"] == "savings"
    assert cleo.get(f"{url}/chain").status_code == 200
    listed = ana.get("/api/v1/agreements?status=active&kind=rd_cooperation").json["items"]
    assert listed[0]["title"] == "A fixture for thin plates"


def test_program_deletes_its_draft_and_reads_no_others(make: Make, client_of: Clients) -> None:
    number = make("shop", "college", "draft").id
    url = f"/api/v1/agreements/{number}"
    assert client_of("cleo").delete(url).status_code == 404
    assert session.get(Agreement, number) is not None
    assert client_of("ana").delete(url).status_code == 204
    session.expunge_all()
    assert session.get(Agreement, number) is None


def test_program_of_a_broker_reads_what_came_of_a_region(client_of: Clients) -> None:
    report = client_of("dov").get("/api/v1/regions/greater-louisville/outcomes").json
    assert report["region"] == "Greater Louisville"
    assert client_of("eve").get("/api/v1/regions/greater-louisville/outcomes").status_code == 403


def test_program_renews_keeps_documents_and_evidence_and_reads_the_chains(
    world: World, client_of: Clients
) -> None:
    ana, cleo, dov = client_of("ana"), client_of("cleo"), client_of("dov")
    url = f"/api/v1/agreements/{world.agreements['active']}"
    assert (
        ana.post(f"{url}/renewal", json={"ends_on": "2199-12-31"}).json["renewal_ends_on"]
        == "2199-12-31"
    )
    file = {"name": "contract.txt", "content": "V2hhdCB3ZSBhZ3JlZWQgb24u"}
    call = {
        "json": {"title": "Contract", "document": file},
        "headers": {"Idempotency-Key": "contract"},
    }
    added = ana.post(f"{url}/documents", **call)
    assert added.status_code == 201, added.text
    assert ana.post(f"{url}/documents", **call).json == added.json
    newer = {"document_id": added.json["document_id"], "document": file, "note": "Signed"}
    assert cleo.post(f"{url}/documents", json=newer).json["version"] == 2
    versions = cleo.get(f"{url}/documents").json["items"]
    assert [row["version"] for row in versions] == [2, 1]
    assert cleo.get(versions[0]["url"]).data == b"What we agreed on."
    assert dov.get(versions[0]["url"]).status_code == 403
    assert client_of("eve").get(f"{url}/documents").status_code == 404
    for program in (ana, cleo):
        revision = program.get(url).json["revision"]
        program.post(f"{url}/acknowledgments", json={"revision": revision})
    assert ana.get(url).json["ends_on"] == "2199-12-31"

    told = {"kind": "savings", "amount_hundredths": 9900, "happened_on": "2026-02-01"}
    call = {"json": {**told, "document": file}, "headers": {"Idempotency-Key": "savings"}}
    outcome = ana.post(f"{url}/outcomes", **call).json
    assert ana.post(f"{url}/outcomes", **call).json == outcome
    evidence = outcome["claims"][0]["evidence_url"]
    assert dov.get(evidence).data == b"What we agreed on."
    chains = f"/api/v1/regions/greater-louisville/chains?since=2026-01-01&until={today_here()}"
    first = dov.get(f"{chains}&limit=1").json
    rest = dov.get(f"{chains}&cursor={quote(first['next'])}").json
    rows = [*first["items"], *rest["items"]]
    assert rows == dov.get(chains).json["items"]
    assert {row["outcome_kind"] for row in rows} >= {"savings", "jobs_created"}
    broken = dov.get("/api/v1/regions/greater-louisville/chains", query_string={"cursor": "%%"})
    assert broken.status_code == 422


def test_an_agreement_is_copied_as_a_new_one(world: World, client_of: Clients) -> None:
    page = client_of("ana").get(f"/agreements/new?copy={world.agreements['active']}").text
    assert "A active agreement" in page
    assert "What the active one says." in page
    assert "Falls City Community College" in page
    assert (
        "What the active one says."
        not in client_of("dov").get(f"/agreements/new?copy={world.agreements['active']}").text
    )
