"""Whatever a template writes out is escaped as Jinja would, unless it is markup."""

from typing import Any

import pytest
from flask import Flask, render_template_string
from flask_babel import lazy_gettext
from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from portal.kernel.fulltext.port import MATCH, MATCH_END, Fragment

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
        Fragment(f"{MATCH}a<b{MATCH_END}&c"),
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


@pytest.mark.parametrize(
    ("value", "expected"), [("<b>", "&lt;b&gt;"), (Markup("<b>"), "<b>"), (3, "3"), (1.5, "1.5")]
)
def test_what_a_text_is_given_is_escaped_unless_it_is_markup(
    app: Flask, value: Any, expected: str
) -> None:
    with app.test_request_context():
        assert render_template_string("{{ _('Near %(it)s', it=value) }}", value=value) == (
            f"Near {expected}"
        )


def test_functions_that_ask_for_the_context_get_it(app: Flask) -> None:
    @pass_context
    def name_of(context: Context, key: str) -> str:
        return f"{key}: {context[key]}"

    with app.test_request_context():
        page = render_template_string("{{ name_of('it') }}", name_of=name_of, it="<b>")
    assert page == "it: &lt;b&gt;"
