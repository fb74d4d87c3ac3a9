"""The index follows events, forgets what is gone, and can be compared and rebuilt by hand."""

import datetime as dt
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, select, text, update

from portal.app import warm_up
from portal.facilities.events import EquipmentDeleted, EquipmentSaved
from portal.facilities.models import Equipment
from portal.facilities.queries.records import get_equipment
from portal.facilities.services.equipment import delete_equipment
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now
from portal.kernel.database import db, session, unit_of_work
from portal.kernel.fulltext.index import Index
from portal.kernel.fulltext.port import Document, Key, Query
from portal.kernel.fulltext.postgresql.index import PostgreSQLIndex
from portal.kernel.search import Differences, SearchIndex, Thesaurus, search_index
from portal.kernel.worker import Worker
from portal.organizations.events import MembershipEnded, OrganizationChanged
from portal.organizations.models import Organization
from portal.regions.models import CapabilityLabel
from portal.regions.queries.capabilities import list_concepts
from tests.cast import World
from tests.support.statements import count_statements

IN_STEP = Differences(set(), set(), set())


def shop(world: World) -> Organization:
    return session.get_one(Organization, world.organizations["shop"])


def keys() -> set[Key]:
    return set(search_index().index.keys())


def changed(world: World, **values: str) -> None:
    with unit_of_work():
        for name, value in values.items():
            setattr(shop(world), name, value)


def stamp() -> object:
    return search_index().index._latest().stamp


def test_rebuilt_index_has_every_record_that_may_be_found(world: World, indexed: None) -> None:
    assert search_index().differences() == IN_STEP
    assert {kind for kind, _number in keys()} == set(search_index().kinds)
    assert ("organization", world.organizations["shop"]) in keys()
    assert ("equipment", world.equipment["shop_draft"]) not in keys()


def test_a_rebuild_reads_what_came_after_it_was_asked_for(world: World, indexed: None) -> None:
    session.scalar(select(Equipment.name))  # as the count for the bar does
    with db.engine.begin() as other:
        other.execute(update(Equipment).values(name="Newer name"))
    search_index().rebuild()
    session.commit()
    assert search_index().differences() == IN_STEP


@pytest.mark.sqlite
def test_a_record_that_cannot_be_indexed_leaves_the_portal_its_search(
    world: World, indexed: None, caplog: pytest.LogCaptureFixture
) -> None:
    broken = world.equipment["shop_public"]
    whole = keys()
    with db.engine.begin() as other:
        other.execute(
            text("UPDATE equipment SET external_values = '{' WHERE id = :number"),
            {"number": broken},
        )
    with caplog.at_level(logging.CRITICAL):
        search_index().rebuild()

    assert whole - keys() == {("equipment", broken)}


def test_same_event_twice_leaves_one_document(world: World, indexed: None) -> None:
    index = search_index()
    before = index.index.status().documents
    changed(world, summary="Prototypes within a week.")
    event = OrganizationChanged(world.organizations["shop"])

    index.update_for([event])
    index.update_for([event, event])

    assert index.index.status().documents == before
    assert index.differences() == IN_STEP


def test_events_that_change_no_document_write_nothing(world: World, indexed: None) -> None:
    before = stamp()
    search_index().update_for(
        [MembershipEnded(world.organizations["shop"], world.users["ben"], None)]
    )
    search_index().update_for([])

    assert stamp() == before


def test_rows_that_are_gone_leave_the_index(world: World, indexed: None) -> None:
    mill = get_equipment(world.equipment["shop_public"])
    delete_equipment(SYSTEM, mill)
    gone = ("equipment", world.equipment["shop_public"])
    assert search_index().differences() == (set(), {gone}, set())

    event = EquipmentDeleted(gone[1], world.organizations["shop"])
    search_index().update_for([event])
    search_index().update_for([event])

    assert gone not in keys()
    assert search_index().differences() == IN_STEP


def test_what_becomes_a_draft_leaves_and_comes_back_with_publication(
    world: World, indexed: None
) -> None:
    key = ("equipment", world.equipment["shop_public"])

    def set_visibility(visibility: str) -> None:
        with unit_of_work():
            session.get_one(Equipment, key[1]).visibility = visibility

    set_visibility("draft")
    search_index().update_for([EquipmentSaved(key[1], world.organizations["shop"])])
    assert key not in keys()

    set_visibility("public")
    assert search_index().differences() == ({key}, set(), set())
    search_index().update_for([EquipmentSaved(key[1], world.organizations["shop"])])
    assert key in keys()


def test_event_of_a_row_that_never_was_changes_nothing(world: World, indexed: None) -> None:
    before = keys()

    search_index().update_for([OrganizationChanged(2_000_000_000)])

    assert keys() == before


def test_a_record_that_changes_while_it_is_indexed_ends_up_as_it_is(
    world: World, indexed: None
) -> None:
    """As when a second worker reads and writes between this one's reading and writing."""
    found = search_index()
    organizations = found.kinds["organization"]
    summaries = iter(["Newer.", "Newest."])

    def documents(ids: Sequence[int]) -> Sequence[Document]:
        read = organizations.documents(ids)
        if summary := next(summaries, None):
            changed(world, summary=summary)
        return read

    kinds = {**found.kinds, "organization": replace(organizations, documents=documents)}
    event = OrganizationChanged(world.organizations["shop"])
    SearchIndex(found.index, kinds, found.facets, found.thesaurus).update_for([event])

    assert found.differences() == IN_STEP
    assert shop(world).summary == "Newest."


def test_a_damaged_index_is_mended_by_the_worker_without_being_asked(
    app: Flask, world: World, indexed: None
) -> None:
    before = keys()
    name = "mend_search_index"
    worker = Worker(app, {name: app.extensions["portal-jobs"][name]})
    assert worker.run_jobs() == 0
    shutil.rmtree(Path(app.instance_path) / "index")
    with time_machine.travel(now() + dt.timedelta(seconds=11)):
        assert worker.run_jobs() == 1
    assert keys() == before


# flask index status | verify | rebuild


def run(app: Flask, command: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["index", command])
    return result.exit_code, result.output


def test_commands_tell_size_and_differences_and_repair_them(
    app: Flask, world: World, indexed: None
) -> None:
    size = search_index().index.status().documents
    code, said = run(app, "status")
    assert (code, said.split(",")[0]) == (0, f"{size} documents")
    assert run(app, "verify") == (0, "0 missing, 0 surplus, 0 stale\n")

    shop_key = ("organization", world.organizations["shop"])
    ghost = Document(
        kind="organization",
        id=999_999,
        title="Ghost Works",
        url="/organizations/999999",
        audience=frozenset({"public"}),
        updated_at=shop(world).updated_at,
    )
    session.rollback()
    aero = replace(ghost, id=world.organizations["aero"], title="Another name")
    search_index().index.apply([ghost, aero], [shop_key])
    code, said = run(app, "verify")
    assert code == 1
    assert said.splitlines() == [
        f"missing: organization {shop_key[1]}",
        "surplus: organization 999999",
        f"stale: organization {aero.id}",
        "1 missing, 1 surplus, 1 stale",
    ]

    code, said = run(app, "rebuild")
    assert code == 0
    assert f"{size} documents indexed" in said
    assert run(app, "verify")[0] == 0


@pytest.mark.parametrize("command", ["status", "verify"])
def test_commands_say_how_to_get_an_index_that_is_missing(app: Flask, command: str) -> None:
    code, said = run(app, command)

    assert code == 1
    assert "flask index rebuild" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", ["status", "verify", "rebuild"])
def test_commands_say_of_a_server_that_it_does_not_answer(
    app: Flask, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    nobody = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    away = SearchIndex(PostgreSQLIndex(nobody), {}, {}, Thesaurus(()))
    monkeypatch.setitem(app.extensions, "portal-search", away)

    code, said = run(app, command)

    assert code == 1
    assert "does not answer" in said
    assert "flask index rebuild" not in said
    assert "Traceback" not in said


def test_a_rebuild_while_another_process_writes_says_so(
    app: Flask, indexed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Index.rebuild.__kwdefaults__, "timeout", 0.01)
    with search_index().index._writing(1):
        code, said = run(app, "rebuild")

    assert code == 1
    assert "written by another process. Please try again later." in said


def test_rebuild_makes_an_index_where_there_is_none(
    app: Flask, world: World, client_of: Callable[[str], FlaskClient]
) -> None:
    shutil.rmtree(Path(app.instance_path) / "index", ignore_errors=True)

    assert run(app, "rebuild")[0] == 0

    assert "Shop public mill" in client_of("nobody").get("/search?q=mill").text


def test_other_names_of_a_capability_find_what_bears_the_one_or_the_other(
    world: World, indexed: None
) -> None:
    def found(text: str) -> set[Key]:
        query = Query(text=text, audience=frozenset({"public"}))
        return {hit.key for hit in search_index().index.search(query).hits}

    (concept,) = (its for its in list_concepts() if its.key == "cnc-milling")
    by_name = [found(name) for name in concept.names]
    assert by_name[0]
    assert all(keys >= by_name[0] for keys in by_name)


def test_a_changed_thesaurus_is_noticed(world: World) -> None:
    patient = Thesaurus([list_concepts])
    prompt = Thesaurus([list_concepts], seconds=0)
    before = patient()
    assert prompt() is prompt()
    with unit_of_work():
        label = session.scalars(select(CapabilityLabel).limit(1)).one()
        label.text = "Frobnication"
    assert patient() is before
    assert prompt().by_name != before.by_name
    assert ("frobnication",) in prompt().by_name


def test_a_process_that_has_warmed_up_reads_no_thesaurus_while_a_visitor_waits(
    app: Flask, indexed: None, client_of: Callable[[str], FlaskClient]
) -> None:
    warm_up(app)
    with count_statements() as sent:
        assert "Shop public mill" in client_of("nobody").get("/search?q=mill").text
    assert not [text for text in sent.texts if "capability_label" in text]


def test_a_process_starts_without_an_index(app: Flask, world: World) -> None:
    shutil.rmtree(Path(app.instance_path) / "index", ignore_errors=True)
    warm_up(app)
    assert app.test_client().get("/healthz").json == {"status": "ok"}
