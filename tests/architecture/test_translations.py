"""The portal speaks every language whole: each message has its words, and no text goes round them.

What the words mean is for people to judge; here only their presence and their shape are.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from jinja2 import nodes
from werkzeug.datastructures import MultiDict
from wtforms import StringField
from wtforms.validators import Length

from config import Config
from portal.kernel.forms import Form

ROOT = Path(__file__).resolve().parents[2]
CATALOGS = ROOT / "portal" / "translations"
LANGUAGES = Config.LANGUAGES.split(",")[1:]
TRANSLATORS = {
    "_", "_l", "gettext", "lazy_gettext", "ngettext", "lazy_ngettext", "pgettext",
    "lazy_pgettext", "npgettext", "lazy_npgettext",
}  # fmt: skip
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]")

# A language is named in itself.
SAME_EVERYWHERE = {"English", "Español"}
SPOKEN_ATTRIBUTES = {"alt", "aria-label", "aria-description", "placeholder", "title"}
PICTURES_AND_CODE = {"code", "pre", "script", "style"}

PAGES = sorted([*ROOT.glob("templates/**/*.html"), *ROOT.glob("templates/**/*.txt")])
# The command line, the log and the documents of the API speak English.
ROOMS_THAT_SPEAK = {"forms", "manifest", "queries", "reactions", "rules", "services", "views"}
MODULES = sorted(
    path
    for path in ROOT.glob("portal/**/*.py")
    if {path.stem, path.parent.name} & ROOMS_THAT_SPEAK and "demo" not in path.parts
)


@cache
def catalog_of(language: str) -> Catalog:
    with (CATALOGS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """What the code and the pages say, extracted as CONTRIBUTING.md has it."""
    path = tmp_path_factory.mktemp("messages") / "messages.pot"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        arguments = ["extract", "-F", "pyproject.toml", "-k", "_l", "-o", str(path), "."]
        CommandLineInterface().run(["pybabel", "--quiet", *arguments])
    with path.open("rb") as file:
        return read_po(file)


def keys(messages: Iterable[Message]) -> set[tuple[str | None, str | tuple[str, ...]]]:
    return {(message.context, message.id) for message in messages if message.id}


def forms(text: str | Iterable[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated(language: str, template: Catalog) -> None:
    translated = [
        message
        for message in catalog_of(language)
        if all(forms(message.string)) and not message.fuzzy
    ]
    missing = keys(template) - keys(translated)
    assert not missing, f"{len(missing)} messages wait for their words: {sorted(map(str, missing))}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_is_left_of_a_message_that_is_gone(language: str, template: Catalog) -> None:
    catalog = catalog_of(language)
    assert keys(catalog) - keys(template) == set()
    assert not catalog.obsolete


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_the_forms_and_placeholders_of_their_message(language: str) -> None:
    catalog = catalog_of(language)
    wrong = []
    for message in catalog:
        if not message.id:
            continue
        ids, strings = forms(message.id), forms(message.string)
        # One thing may be told without its number: "in a minute".
        allowed = [set(PLACEHOLDER.findall(ids[-1]))]
        if len(ids) > 1:
            allowed.append(set(PLACEHOLDER.findall(ids[0])))
        fits = (
            set(PLACEHOLDER.findall(strings[-1])) == allowed[0]
            and all(set(PLACEHOLDER.findall(text)) in allowed for text in strings)
            and len(strings) == (catalog.num_plurals if len(ids) > 1 else 1)
        )
        if not fits:
            wrong.append(message.id)
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_begin_and_end_with_words(language: str) -> None:
    """A blank at an end is lost where people translate; straight quotation marks are code."""
    wrong = [
        text
        for message in catalog_of(language)
        if message.id
        for text in (*forms(message.id), *forms(message.string))
        if text != text.strip() or '"' in text
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_come_in_the_language_of_the_browser(
    language: str, client_of: Callable[[str], FlaskClient]
) -> None:
    """Needs the compiled catalogs, which script/setup makes."""
    words = {message.id: message.string for message in catalog_of(language)}
    page = client_of("nobody").get("/help", headers={"Accept-Language": language}).text
    assert f"{words['Words we use']}</h2>" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_errors_that_wtforms_words_itself_are_translated(language: str, app: Flask) -> None:
    class ShortForm(Form):
        name = StringField(validators=[Length(min=5)])

    errors = []
    for locale in ("en", language):
        with app.test_request_context(), force_locale(locale):
            form = ShortForm(MultiDict({"name": "x"}))
            assert not form.validate()
            errors += form.errors["name"]
    assert errors[0] == "Field must be at least 5 characters long."
    assert errors[1] not in ("", errors[0])


def is_translation(call: ast.AST) -> bool:
    if not isinstance(call, ast.Call):
        return False
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in TRANSLATORS


def past_translations(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    silent: set[int] = set()
    wrong = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            silent.add(id(node.value))  # a docstring
        if isinstance(node, ast.JoinedStr):
            wrong += [
                f"{path}:{part.lineno}: a call inside an f-string is not extracted"
                for part in ast.walk(node)
                if is_translation(part)
            ]
        if is_translation(node):
            assert isinstance(node, ast.Call)
            silent |= {id(argument) for argument in node.args}
            if not (node.args and isinstance(node.args[0], ast.Constant)):
                wrong.append(f"{path}:{node.lineno}: only a literal is extracted")
    return wrong + [
        f"{path}:{node.lineno}: {node.value}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in silent
        and re.match(r"[A-Z][a-z]+ [a-z].*[.?!…]$", node.value)
    ]


def test_code_says_nothing_past_the_translations() -> None:
    """A sentence in the rooms that speak to people goes through gettext, whole and literal."""
    assert [line for path in MODULES for line in past_translations(path)] == []


class _Spoken(HTMLParser):
    """Collects what a page says: its text, and the attributes that are read or shown."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._muted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._muted += tag in PICTURES_AND_CODE
        self.said += [value for name, value in attrs if name in SPOKEN_ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        self._muted -= tag in PICTURES_AND_CODE

    def handle_data(self, data: str) -> None:
        if not self._muted:
            self.said.append(data)


def literals(node: nodes.Node) -> Iterator[str]:
    """Yield the string literals below `node` that no translation is asked for."""
    for child in node.iter_child_nodes():
        if (
            isinstance(child, nodes.Call)
            and isinstance(child.node, nodes.Name)
            and child.node.name in TRANSLATORS
        ):
            for argument in child.kwargs:
                yield from literals(argument)
            continue
        if isinstance(child, nodes.Const) and isinstance(child.value, str):
            yield child.value
        yield from literals(child)


def is_text(words: str) -> bool:
    """Tell a word or a phrase from a name of the markup ("request-12", `data-sort=""`)."""
    return '="' not in words and bool(re.search(r"\b[A-Z][a-z]|[a-z]{2,} [a-z]{2,}", words))


@pytest.mark.pages
def test_pages_say_nothing_past_the_translations(app: Flask) -> None:
    wrong = []
    for path in PAGES:
        tree = app.jinja_env.parse(path.read_text())
        spoken = _Spoken()
        spoken.feed("".join(data.data for data in tree.find_all(nodes.TemplateData)))
        spoken.close()
        sentences = [text for text in literals(tree) if re.match(r"[A-Z][a-z]+( [a-z]|$)", text)]
        said = {" ".join(text.split()) for text in (*spoken.said, *sentences)}
        wrong += [f"{path}: {text}" for text in said - SAME_EVERYWHERE if is_text(text)]
        wrong += [
            f"{path}:{call.lineno}: only a literal is extracted"
            for call in tree.find_all(nodes.Call)
            if isinstance(call.node, nodes.Name)
            and call.node.name in TRANSLATORS
            and not (call.args and isinstance(call.args[0], nodes.Const))
        ]
    assert wrong == []
