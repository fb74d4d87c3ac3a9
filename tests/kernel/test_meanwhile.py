"""Others save the same record while somebody has its form open: nothing is lost silently."""

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from wtforms import FormField

from portal.kernel.fields import (
    ChoiceField,
    ChoicesField,
    LongTextField,
    MoneyField,
    RowsField,
    TextField,
    TimeField,
    WholeNumberField,
    YesNoField,
)
from portal.kernel.forms import Form, RowForm


class PartForm(RowForm):
    name = TextField("Name", is_required=True)
    cents = MoneyField("Price")


class MachineForm(Form):
    name = TextField("Name", is_required=True)
    words = LongTextField("Words")
    count = WholeNumberField("Count")
    opens = TimeField("Opens")
    price_cents = MoneyField("Price")
    color = ChoiceField("Color", choices={"red": "Red", "blue": "Blue"})
    ways = ChoicesField("Ways", choices={"a": "By air", "b": "By boat"})
    is_open = YesNoField("Open")
    parts = RowsField(FormField(PartForm), "Parts", max_entries=5)


STANDS: dict[str, Any] = {
    "name": "Lathe",
    "words": "One\nTwo",
    "count": 3,
    "opens": "08:30",
    "price_cents": 8550,
    "color": "red",
    "ways": ["b", "a"],
    "is_open": True,
    "parts": [{"name": "Bed", "cents": None}],
}
#: What a browser sends of that, with a row that is left empty.
SHOWN: dict[str, Any] = {
    "name": "Lathe",
    "words": "One\r\nTwo",
    "count": "3",
    "opens": "8:30 AM",
    "price_cents": "85.50",
    "color": "red",
    "ways": ["a", "b"],
    "is_open": "y",
    "parts-0-name": "Bed",
    "parts-0-cents": "",
    "parts-1-name": "",
    "parts-1-cents": "",
}


def made(app: Flask, **stands: Any) -> str:
    with app.test_request_context():
        return MachineForm.bind(SimpleNamespace(**STANDS | stands)).made_from


def sent(app: Flask, typed: dict[str, Any], **stands: Any) -> tuple[bool, MachineForm]:
    """Send what was typed over a form of STANDS, while the record says `stands` by now."""
    data = {**SHOWN, "made_from": made(app), **typed}
    with app.test_request_context(method="POST", data=data):
        form = MachineForm.bind(SimpleNamespace(**STANDS | stands))
        return form.submitted(), form


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("name", "Mill"),
        ("words", ""),
        ("count", 4),
        ("opens", "09:00"),
        ("price_cents", None),
        ("color", "blue"),
        ("ways", ["a"]),
        ("is_open", False),
        ("parts", [{"name": "Chuck", "cents": 100}, {"name": "Bed", "cents": None}]),
        ("parts", []),
    ],
)
def test_what_only_others_changed_is_kept_with_what_the_sender_changed(
    app: Flask, name: str, theirs: Any
) -> None:
    mine, typed = ("words", "Mine") if name != "words" else ("name", "Mine")

    is_saved, form = sent(app, {mine: typed}, **{name: theirs})

    assert is_saved, form.problems
    assert form.data == {**STANDS, "ways": form.ways.data, name: theirs, mine: typed}
    assert sorted(form.ways.data) == sorted(theirs if name == "ways" else STANDS["ways"])


def test_where_both_changed_the_same_the_form_comes_back_and_saves_when_sent_again(
    app: Flask,
) -> None:
    typed = {"name": "Mine", "count": "5", "color": "", "parts-0-name": "Bench"}
    theirs = {
        "name": "Theirs",
        "count": None,
        "color": "blue",
        "words": "New",
        "parts": [{"name": "Chuck", "cents": 100}],
    }

    is_saved, form = sent(app, typed, **theirs)

    assert not is_saved
    assert (form.name.data, form.count.data, form.words.data) == ("Mine", 5, "New")
    assert [(item.label, item.now) for item in form.differences] == [
        ("Name", "Theirs"),
        ("Count", ""),
        ("Color", "Blue"),
        ("Parts", "Chuck, 1.00"),
    ]
    again = {**typed, "words": "New", "made_from": form.made_from}
    is_saved, form = sent(app, again, **theirs)
    assert is_saved
    assert (form.name.data, form.words.data, form.differences) == ("Mine", "New", [])


def test_the_same_words_are_no_difference(app: Flask) -> None:
    assert sent(app, {"name": "Mill"}, name="Mill")[0]


def test_what_could_not_be_read_is_not_lost_to_what_others_wrote(app: Flask) -> None:
    is_saved, form = sent(app, {"price_cents": "many"}, price_cents=900)
    assert not is_saved
    assert [item.now for item in form.differences] == ["9.00"]
    assert "many" in form.price_cents()


@pytest.mark.parametrize("made_from", ["", "name", "= name=x other=y", "name=%00 ="])
def test_a_form_that_does_not_say_what_it_was_made_from_is_saved_or_asks(
    app: Flask, made_from: str
) -> None:
    is_saved, form = sent(app, {"made_from": made_from, "words": "Mine"}, words="Theirs")
    assert is_saved or form.differences
    assert form.words.data == "Mine"


def test_a_form_of_a_new_record_has_nothing_to_compare(app: Flask) -> None:
    with app.test_request_context():
        assert MachineForm.bind(name="Lathe").made_from == ""


def test_a_row_is_added_to_the_form_as_it_was_made(app: Flask) -> None:
    is_saved, form = sent(app, {"add-row": "parts"}, name="Theirs")
    assert (is_saved, form.made_from) == (False, made(app))
