"""The portal's texts in the language of a request, looked up once for each page."""

from functools import lru_cache
from typing import Any, cast

from flask import current_app, g
from flask_babel import Domain, get_locale
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from portal.kernel.templating import written


class Texts(Domain):
    """The portal's texts, whose catalog is looked up once for a request, not for each text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._known: dict[Any, Any] = {}

    def get_translations(self) -> Any:
        """Return the translations of the present language.

        They lie where `force_locale` looks for them, so it changes them too.
        """
        if not g:
            return super().get_translations()
        context = g._get_current_object().get("_flask_babel")
        found = getattr(context, "babel_translations", None)
        if found is None:
            # Who asks first has a locale before there is a context.
            locale = getattr(context, "babel_locale", None) or get_locale()
            found = self._known.get(locale)
            if found is None:
                found = self._known[locale] = super().get_translations()
            g._flask_babel.babel_translations = found
        return found


def catalog() -> Any:
    """Return the texts of the present language."""
    # A page asks for a hundred texts, and each name of a proxy is looked up anew.
    context = g._get_current_object().get("_flask_babel")
    found = getattr(context, "babel_translations", None)
    if found is not None:
        return found
    return current_app.extensions["babel"].instance.domain_instance.get_translations()


def ngettext(one: str, many: str, count: int, /, **values: Any) -> str:
    """Translate a text that depends on a number, as Flask-Babel's does, which asks four times who
    reads.
    """
    return cast(str, catalog().ungettext(one, many, count)) % {"num": count, **values}


@pass_eval_context
def say(context: EvalContext, text: str, /, **values: Any) -> str:
    """Translate a template's text and put its values in, as the `gettext` of templates does."""
    if context.autoescape:
        return say_in_page(text, **values)
    return _pattern(catalog(), text) % values


def say_in_page(text: str, /, **values: Any) -> Markup:
    """Do so where values are escaped. What is the same on each page is put together once."""
    if not values:
        return _said(catalog(), text)
    escaped = {
        name: value if isinstance(value, int | float) else written(value)
        for name, value in values.items()
    }
    return Markup(_pattern(catalog(), text) % escaped)  # noqa: S704 (catalogs are our own)


@lru_cache(maxsize=4096)
def _said(catalog: Any, text: str) -> Markup:
    return Markup(_pattern(catalog, text) % {})  # noqa: S704 (catalogs are our own)


@lru_cache(maxsize=4096)
def _pattern(catalog: Any, text: str) -> str:
    return cast(str, catalog.ugettext(text))
