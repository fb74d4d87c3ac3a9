"""Forms: the same class takes a page's fields, a JSON body and a spreadsheet row."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import pytest
import wtforms
from flask import Flask
from flask_babel import force_locale
from wtforms import FieldList, FormField

from portal.kernel.errors import Invalid
from portal.kernel.fields import (
    ChoiceField,
    ChoicesField,
    CoordinateField,
    DateField,
    EmailField,
    ListField,
    LongTextField,
    MoneyField,
    PhoneField,
    TextField,
    UrlField,
    WholeNumberField,
    YesNoField,
)
from portal.kernel.forms import Form, PartField

COLORS = {"red": "Red", "blue": "Blue"}


class PartForm(wtforms.Form):
    name = TextField("Name", is_required=True, longest=10)
    amount = WholeNumberField("Amount", most=100)


class ThingForm(Form):
    name = TextField("Name", is_required=True, longest=20)
    words = LongTextField("Words")
    email = EmailField("E-mail")
    website = UrlField("Website")
    phone = PhoneField("Phone")
    tags = ListField("Tags", most=3, longest=5)
    color = ChoiceField("Color", choices=COLORS)
    colors = ChoicesField("Colors", choices=COLORS)
    count = WholeNumberField("Count", least=1, most=10)
    price_cents = MoneyField("Price")
    due_on = DateField("Due")
    latitude = CoordinateField("Latitude", most=90)
    is_open = YesNoField("Open")
    parts = FieldList(FormField(PartForm), "Parts", max_entries=5)


@dataclass
class Thing:
    name: str = "Lathe"
    words: str = ""
    email: str = ""
    website: str = ""
    phone: str = ""
    tags: list[str] = field(default_factory=lambda: ["old"])
    color: str | None = "red"
    colors: list[str] = field(default_factory=list)
    count: int | None = 3
    price_cents: int | None = 8550
    due_on: dt.date | None = None
    latitude: float | None = None
    is_open: bool = True
    parts: list[dict[str, Any]] = field(default_factory=lambda: [{"name": "bed", "amount": 1}])


FROM_TEXT: dict[str, list[tuple[str, Any]]] = {
    "email": [("Ana@Shop.EXAMPLE", "Ana@shop.example"), ("", "")],
    "website": [("shop.example", "https://shop.example"), ("http://a.example/x?y=1",) * 2],
    "phone": [("(502) 555-0101",) * 2, ("+1 502 555 0101 x12",) * 2],
    "tags": [("a\nb\n\na", ["a", "b"]), ("a; b", ["a", "b"])],
    "color": [("blue", "blue"), ("", "")],
    "colors": [("red;blue", ["red", "blue"])],
    "count": [("7", 7), ("", None)],
    "price_cents": [("85", 8500), ("$1,234.50", 123450), ("0", 0), (".5", 50)],
    "due_on": [("2026-03-01", dt.date(2026, 3, 1))],
    "latitude": [("38.252891", 38.25289)],
    "is_open": [("yes", True), ("TRUE", True), ("no", False), ("FALSE", False), ("", False)],
    "words": [("  two\r\nlines ", "two\nlines")],
}
REFUSED_TEXT: dict[str, list[str]] = {
    "name": ["", "   ", "x" * 21, "nul\x00", "bell\x07"],
    "email": ["ana", "ana@", "a@b@c.example"],
    "website": ["javascript:alert(1)", "ftp://a.example", "https://", "https://user@a.example"],
    "phone": ["call me", "1" * 40],
    "tags": ["a\nb\nc\nd", "toolong"],
    "color": ["green"],
    "colors": ["red;green"],
    "count": ["0", "11", "many", "1" * 400],
    "price_cents": ["-1", "1.234", "NaN", "1e999", "a lot", "85,50", "1,2345", "1_000"],
    "due_on": ["tomorrow", "2026-02-30"],
    "latitude": ["91", "north", "inf"],
}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [(name, text, value) for name, cases in FROM_TEXT.items() for text, value in cases],
)
def test_a_spreadsheet_row_is_read_as_people_write(
    app: Flask, name: str, text: str, value: object
) -> None:
    form = ThingForm.from_row({"name": "Lathe", name: text})

    assert form.validate(), form.errors_by_name
    assert form.data[name] == value


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in REFUSED_TEXT.items() for text in texts]
)
def test_what_is_out_of_bounds_is_refused_at_its_field(app: Flask, name: str, text: str) -> None:
    form = ThingForm.from_row({"name": "Lathe", name: text})

    assert not form.validate()
    assert set(form.errors_by_name) == {name}


def test_a_word_that_is_no_choice_is_answered_with_the_choices(app: Flask) -> None:
    form = ThingForm.from_row({"name": "Lathe", "color": "green"})

    assert not form.validate()
    assert form.errors_by_name["color"] == ["Please use one of these words: red, blue."]


def test_a_json_body_is_read_by_its_types(app: Flask) -> None:
    form = ThingForm.from_json(
        {
            "name": "Mill",
            "tags": ["a", "b"],
            "colors": ["blue"],
            "count": 4,
            "price_cents": 8550,
            "due_on": "2026-03-01",
            "latitude": -38.75,
            "is_open": True,
            "parts": [{"name": "bed", "amount": 2}, {"name": "head"}],
        }
    )

    assert form.validate(), form.errors_by_name
    assert form.data["tags"] == ["a", "b"]
    assert form.data["price_cents"] == 8550
    assert form.data["parts"] == [
        {"name": "bed", "amount": 2},
        {"name": "head", "amount": None},
    ]
    assert form.data["is_open"] is True


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        ({"name": 5}, "name"),
        ({"name": ["a"]}, "name"),
        ({"tags": "a"}, "tags"),
        ({"tags": [1]}, "tags"),
        ({"count": "4"}, "count"),
        ({"count": 4.5}, "count"),
        ({"is_open": "yes"}, "is_open"),
        ({"parts": {"name": "bed"}}, "parts"),
        ({"parts": [{"nme": "bed"}]}, "parts"),
        ({"parts": [{"name": ""}]}, "parts-0-name"),
        ({"parts": [{"name": "bed"}] * 101}, "parts"),
        ({"due_on": 20260301}, "due_on"),
    ],
)
def test_json_of_the_wrong_type_is_refused_at_its_field(
    app: Flask, payload: dict[str, Any], name: str
) -> None:
    form = ThingForm.from_json({"name": "Mill", **payload})

    assert not form.validate()
    assert name in form.errors_by_name


@pytest.mark.parametrize("name", ["role", "organization_id", "status", "is_administrator", "id"])
def test_unknown_names_are_refused_not_ignored(app: Flask, name: str) -> None:
    form = ThingForm.from_json({"name": "Mill", name: "x"})

    assert not form.validate()
    assert name in str(form.errors_by_name)


def test_a_partial_body_keeps_what_it_does_not_name(app: Flask) -> None:
    form = ThingForm.from_json({"name": "Mill"}, obj=Thing())

    assert form.validate(), form.errors_by_name
    assert form.data["name"] == "Mill"
    assert form.data["tags"] == ["old"]
    assert form.data["price_cents"] == 8550
    assert form.data["parts"] == [{"name": "bed", "amount": 1}]
    assert form.data["is_open"] is True


def test_a_partial_body_can_empty_a_value(app: Flask) -> None:
    form = ThingForm.from_json(
        {"tags": [], "price_cents": None, "parts": [], "is_open": False, "color": None}, obj=Thing()
    )

    assert form.validate(), form.errors_by_name
    assert form.data["tags"] == []
    assert form.data["price_cents"] is None
    assert form.data["parts"] == []
    assert form.data["is_open"] is False
    assert form.data["color"] == ""


def test_the_button_for_one_more_row_adds_it_and_keeps_what_was_typed(app: Flask) -> None:
    with app.test_request_context(
        method="POST", data={"name": "Mill", "parts-0-name": "bed", "add-row": "parts"}
    ):
        form = ThingForm.bind()

        assert not form.submitted()
        assert form.problems == []
        assert [row["name"] for row in form.data["parts"]] == ["bed", ""]
        assert form.name.data == "Mill"


def test_a_value_that_the_command_refuses_becomes_an_error_at_its_field(app: Flask) -> None:
    def refuse() -> None:
        raise Invalid("name", "This name is taken.")

    with app.test_request_context(method="POST", data={"name": "Mill"}):
        form = ThingForm.bind()
        assert form.submitted()
        assert form.attempt(refuse) is None

    assert form.problems == [("name", "Name", "This name is taken.")]


def test_what_is_changed_on_the_field_of_one_form_is_not_so_on_the_next(app: Flask) -> None:
    with app.test_request_context():
        first = ThingForm(data={"parts": [{"name": "bed"}]})
        first.name.label.text = "Another name"
        first.name.flags.demanded = True
        first.name.data = "Mill"
        first.color.choices = []
        first.parts[0].form.name.label.field_id = "elsewhere"
        second = ThingForm(data={"parts": [{"name": "bed"}]})
        assert second.name.label.text == "Name"
        assert not second.name.flags.demanded
        assert second.name.data != "Mill"
        assert [choice.value for choice in second.color.iter_choices()] == ["", "red", "blue"]
        assert second.parts[0].form.name.label.field_id == "parts-0-name"
        assert second.name._form is second


def test_what_a_body_does_not_give_is_as_if_nothing_were_given_for_it(app: Flask) -> None:
    nothing = dict.fromkeys(("words", "email", "color", "count", "price_cents", "due_on"))
    least, full = (ThingForm.from_json({"name": "Mill", **said}) for said in ({}, nothing))
    assert least.validate()
    assert full.validate()
    assert least.data == full.data
    assert (least.data["color"], least.data["is_open"], least.data["tags"]) == ("", False, [])
    least.add_error("words", "Too plain.")
    least.count.data = 7
    again = ThingForm.from_json({"name": "Mill"})
    assert again.validate()
    assert again.data == full.data
    assert not ThingForm.from_json({"words": "No name."}).validate()


class OptionalPartForm(Form):
    name = TextField("Name")
    part = PartField(PartForm)


@pytest.mark.parametrize("body", [{}, {"name": "Mill"}, {"part": {}}])
def test_of_a_part_of_which_nothing_is_given_nothing_is_asked(
    app: Flask, body: dict[str, Any]
) -> None:
    with app.test_request_context():
        form = OptionalPartForm.from_json(body)
        assert form.validate()
        assert not form.part.is_given
        assert form.part.data == {"name": "", "amount": None}


def test_a_part_is_checked_once_any_of_it_is_given(app: Flask) -> None:
    with app.test_request_context():
        form = OptionalPartForm.from_json({"part": {"amount": 200}})
        assert form.part.is_given
        assert not form.validate()
        assert set(form.errors_by_name) == {"part-name", "part-amount"}


def test_what_the_library_of_forms_says_is_in_the_readers_language(app: Flask) -> None:
    said = []
    for language in ("en", "es"):
        with app.test_request_context(), force_locale(language):
            form = ThingForm.from_json({"name": "x" * 21})
            assert not form.validate()
            said.append(form.errors_by_name["name"])
    assert said[0] != said[1]
