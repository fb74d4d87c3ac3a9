"""Saved searches under any order of steps: every result is reported once, and only once.

MACHINE_RUNS and MACHINE_STEPS say how much of it is tried; docs/development.md names the numbers.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from portal.directory import services
from portal.directory.models import SavedSearch
from portal.directory.reactions import report_due_searches
from portal.facilities.models import Equipment
from portal.facilities.services.equipment import (
    change_equipment_visibility,
    create_equipment,
    delete_equipment,
    update_equipment,
)
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.database import session
from portal.organizations.models import Membership, Organization
from portal.organizations.services import roles
from tests.cast import World
from tests.directory.conftest import Alerts
from tests.support.machines import machine_settings

VISIBILITIES = ("draft", "organization", "members", "public")
READERS = ("dov", "eve", "shop")


@dataclass(eq=False)
class Record:
    """A piece of equipment as the test knows it; two with one number are two records."""

    number: int
    visibility: str
    is_zinc: bool


@dataclass(eq=False)
class Saved:
    """A saved search for zinc: whose it is, and what is no news for it."""

    number: int
    reader: str
    known: set[Record] = field(default_factory=set)
    is_paused: bool = False


def test_every_result_is_reported_once_whatever_happens(
    app: Flask,
    world: World,
    actor: Callable[[str], Actor],
    reset_world: Callable[[], None],
    alerts: Alerts,
) -> None:
    index = Path(app.instance_path) / "index"
    kept = index.with_name("index-of-the-world")
    shutil.copytree(index, kept)

    class Machine(RuleBasedStateMachine):
        """Equipment of the shop, and searches of people who see more or less of it."""

        @initialize()
        def begin(self) -> None:
            reset_world()
            shutil.rmtree(index)
            shutil.copytree(kept, index)
            alerts.last_id = 0
            self.searches: list[Saved] = []
            self.records: list[Record] = []
            self.is_eve_in_shop = False
            for visibility in ("members", "public"):
                self.add(visibility, is_zinc=True)
            for reader in READERS:
                self.save(reader)

        def sees(self, reader: str, record: Record) -> bool:
            if reader == "shop" or (reader == "eve" and self.is_eve_in_shop):
                return record.visibility != "draft"
            return record.visibility in (("public",) if reader == "dov" else ("public", "members"))

        def news_of(self, saved: Saved) -> set[Record]:
            if saved.is_paused:
                return set()
            return {
                record
                for record in self.records
                if record.is_zinc and self.sees(saved.reader, record) and record not in saved.known
            }

        def row(self, record: Record) -> Equipment:
            return session.get_one(Equipment, record.number)

        @rule(visibility=st.sampled_from(VISIBILITIES), is_zinc=st.booleans())
        def add(self, visibility: str, is_zinc: bool) -> None:
            row = create_equipment(
                actor("ana"),
                session.get_one(Organization, world.organizations["shop"]),
                name="Zinc bath" if is_zinc else "Tin bath",
                visibility=visibility,
            )
            self.records.append(Record(row.id, visibility, is_zinc))

        @rule(data=st.data(), visibility=st.sampled_from(VISIBILITIES))
        def open_or_hide(self, data: st.DataObject, visibility: str) -> None:
            self.set_visibility(data.draw(st.sampled_from(self.records)), visibility)

        def set_visibility(self, record: Record, visibility: str) -> None:
            change_equipment_visibility(actor("ana"), self.row(record), visibility=visibility)
            record.visibility = visibility

        @rule(data=st.data())
        def rename(self, data: st.DataObject) -> None:
            record = data.draw(st.sampled_from(self.records))
            record.is_zinc = not record.is_zinc
            update_equipment(
                actor("ana"), self.row(record), name="Zinc bath" if record.is_zinc else "Tin bath"
            )
            self.run()

        @rule(visibility=st.sampled_from(VISIBILITIES), is_zinc=st.booleans())
        def replace_the_newest(self, visibility: str, is_zinc: bool) -> None:
            # On SQLite the next record gets the number of the one that was deleted.
            delete_equipment(actor("ana"), self.row(self.records.pop()))
            self.add(visibility, is_zinc)

        @rule()
        def join_or_leave(self) -> None:
            shop = session.get_one(Organization, world.organizations["shop"])
            if self.is_eve_in_shop:
                membership = session.scalars(
                    select(Membership).where(
                        Membership.organization_id == shop.id,
                        Membership.user_id == world.users["eve"],
                    )
                ).one()
                roles.end_membership(SYSTEM, membership)
            else:
                roles.appoint_member(SYSTEM, shop, user_id=world.users["eve"], role="member")
            self.is_eve_in_shop = not self.is_eve_in_shop
            self.run()

        @rule(reader=st.sampled_from(READERS))
        def save(self, reader: str) -> None:
            if len(self.searches) >= 5:
                return
            alerts.drain()
            is_shop = reader == "shop"
            shop = session.get_one(Organization, world.organizations["shop"])
            number = len(self.searches)
            row = services.save_search(
                actor("ana" if is_shop else reader),
                shop if is_shop else None,
                name=f"Search {number}",
                search="q=zinc",
                channel="email",
                frequency="at_once",
            )
            saved = Saved(row.id, reader)
            saved.known = self.news_of(saved)
            self.searches.append(saved)

        @rule(data=st.data())
        def pause_or_resume(self, data: st.DataObject) -> None:
            saved = data.draw(st.sampled_from(self.searches))
            row = session.get_one(SavedSearch, saved.number)
            person = actor("ana" if saved.reader == "shop" else saved.reader)
            (services.resume_search if saved.is_paused else services.pause_search)(person, row)
            saved.is_paused = not saved.is_paused

        @rule()
        def run(self) -> None:
            expected = {saved: self.news_of(saved) for saved in self.searches}
            alerts.drain()
            report_due_searches()
            self.check(expected)

        @rule(data=st.data(), is_late=st.booleans())
        def hide_in_the_middle_of_a_round(self, data: st.DataObject, is_late: bool) -> None:
            alerts.drain()
            news = {record for saved in self.searches for record in self.news_of(saved)}
            if not news:
                return
            record = data.draw(st.sampled_from(sorted(news, key=lambda item: item.number)))
            before = record.visibility
            if is_late:
                report_due_searches()
                self.set_visibility(record, "draft")
            else:
                self.set_visibility(record, "draft")
                report_due_searches()
            self.check({saved: self.news_of(saved) for saved in self.searches})
            self.set_visibility(record, before)

        def check(self, expected: dict[Saved, set[Record]]) -> None:
            alerts.drain()
            told = list(self.told())
            for number, saved in enumerate(self.searches):
                mails = [numbers for name, numbers in told if name == f"Search {number}"]
                people = 1
                if saved.reader == "shop":
                    people = 2 + self.is_eve_in_shop
                news = tuple(sorted(record.number for record in expected[saved]))
                assert mails == ([news] * people if news else [])
                saved.known |= expected[saved]

        def told(self) -> Iterator[tuple[str, tuple[int, ...]]]:
            for mail in alerts.fresh():
                name = mail.subject.split("”")[0].removeprefix("“")
                yield name, tuple(sorted(mail.equipment))

        def teardown(self) -> None:
            self.run()

        @invariant()
        def nothing_is_told_but_by_a_round(self) -> None:
            assert alerts.fresh() == []

    try:
        run_state_machine_as_test(
            Machine,
            settings=machine_settings(runs=3, steps=15),
        )
    finally:
        shutil.rmtree(kept)
