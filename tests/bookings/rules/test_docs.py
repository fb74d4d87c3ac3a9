"""docs/bookings.md says what the code does: codes, defaults and modules."""

import re
from dataclasses import fields
from pathlib import Path

from portal.bookings.rules.attempt import BookingRules
from portal.bookings.rules.problems import LONGEST_DAYS
from portal.bookings.rules.suggestions import LEAST_PART, MOST_SLOTS
from portal.bookings.rules.words import PROBLEMS

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "bookings.md").read_text()


def test_codes_stand_there_in_their_order_with_who_may_set_them_aside() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (yes|no) \|$", TEXT, re.MULTILINE)
    assert {code: word == "yes" for code, word in rows} == dict(PROBLEMS)
    assert [code for code, _word in rows] == list(PROBLEMS)


def test_every_rule_stands_there_with_what_holds_where_nobody_says_it() -> None:
    rows = re.findall(r"^\|[^|]+\| (`[^|]+`) \| ([^|]+) \|$", TEXT, re.MULTILINE)
    told = {name: value for names, value in rows for name in re.findall(r"`(\w+)`", names)}
    assert set(told) - {"is_regional"} == {field.name for field in fields(BookingRules)}
    for field in fields(BookingRules):
        if isinstance(field.default, int) and not isinstance(field.default, bool):
            assert re.search(rf"\b{field.default}\b", told[field.name]), field.name
    assert told["approval"] == f"`{BookingRules.approval}`"


def test_figures_are_those_of_the_code() -> None:
    assert f"or than {LONGEST_DAYS} days" in TEXT
    assert (MOST_SLOTS, LEAST_PART) == (4, 0.75)
    assert "at most four slots" in TEXT
    assert "three quarters" in TEXT


def test_every_module_it_names_is_there() -> None:
    part = TEXT[TEXT.index("| module |") :]
    named = re.findall(r"^\| `(\w+)` \| [^|]+ \|$", part, re.MULTILINE)
    folder = ROOT / "portal" / "bookings" / "rules"
    assert len(named) > 9
    assert [name for name in named if not (folder / f"{name}.py").exists()] == []
