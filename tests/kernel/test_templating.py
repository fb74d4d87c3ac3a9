"""Whatever a template writes out is escaped as Jinja would, unless it is markup."""

from typing import Any

import pytest
from flask import Flask, render_template_string
from flask_babel import lazy_gettext
from jinja2 import Environment
from markupsafe import Markup

from portal.kernel.fulltext.port import Fragment

TEMPLATE = (
    "{% macro say(it) %}<b title='{{ it }}'>{{ it }}</b>{% endmacro %}"
    "{{ value }}|{{ say(value) }}|{{ value ~ '<' }}|{% set kept %}{{ value }}{% endset %}{{ kept }}"
)


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "",
        *"&<>'\"",
        "<script>alert('1 & 2')</script>",
        Markup("<i>made</i>"),
        Fragment((("a<b", True), ("&c", False))),
        lazy_gettext("Name"),
        None,
        7,
        1.5,
        ["<", Markup("<i>")],
    ],
    ids=repr,
)
def test_values_are_written_as_jinja_writes_them(app: Flask, value: Any) -> None:
    plain = Environment(autoescape=True)
    with app.test_request_context():
        expected = plain.from_string(TEMPLATE).render(value=value)
        assert render_template_string(TEMPLATE, value=value) == expected
