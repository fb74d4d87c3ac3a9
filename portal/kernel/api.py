"""The JSON API's glue: reading bodies strictly, writing records and pages, describing operations.

Views of `/api/v1` declare themselves with `@operation`; `portal.kernel.openapi` reads that.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from flask import Blueprint, Response, jsonify, request
from flask_babel import gettext as _
from marshmallow import Schema, fields

from portal.kernel.errors import Invalid, PortalError
from portal.kernel.forms import Form
from portal.kernel.paging import LARGEST_PAGE, Page

View = TypeVar("View", bound=Callable[..., Any])
F = TypeVar("F", bound=Form)
API_PREFIX = "/api/v1"
_DEEPEST = 8
_LONGEST_NUMBER = 10


class InvalidForm(PortalError):
    """A JSON body that its form refuses; `fields` has the messages by field."""

    status = 422

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        super().__init__(_("Some fields need another look."))
        self.fields = fields


class Malformed(PortalError):
    """A body that is no JSON object."""

    status = 400


class NotJson(PortalError):
    """A body that does not say that it is JSON."""

    status = 415


class DoneSchema(Schema):
    """How many things were done at once."""

    done = fields.Integer()


@dataclass(frozen=True)
class Operation:
    """What the API document says of a view.

    form: the body it takes (with `is_partial`, only what changes); schema: what it answers.
    filters: query arguments and what they mean. is_list: answers {"items", "next"}.
    repeats: what makes a call that makes something (201) safe to send again with the same
    `Idempotency-Key`: the "answer" that is kept (`kernel/idempotency.py`), the "row" that it made,
    which has the key, or nothing, where the answer has a secret that is not kept.
    """

    summary: str
    tag: str
    schema: type[Schema] | None = None
    form: type[Form] | None = None
    is_partial: bool = False
    is_list: bool = False
    status: int = 200
    scope: str | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    example: Mapping[str, Any] | None = None
    repeats: Literal["answer", "row", ""] = "answer"

    @property
    def takes_key(self) -> bool:
        """Whether it takes an `Idempotency-Key`."""
        return self.status == 201 and self.repeats != ""


def api_blueprint(domain: str, import_name: str) -> Blueprint:
    """Make the blueprint of a domain's API, its endpoints named `<domain>_api.<view>`."""
    return Blueprint(f"{domain}_api", import_name, url_prefix=API_PREFIX)


def operation(**described: Any) -> Callable[[View], View]:
    """Describe an API view; see `Operation` for the arguments. Every API view has one."""

    def decorate(view: View) -> View:
        view.operation = Operation(**described)  # type: ignore[attr-defined]
        return view

    return decorate


def read_json() -> dict[str, Any]:
    """Return the body as a JSON object.

    Raises NotJson, or Malformed for anything else: no object, a key twice, NaN, nested too deeply.
    """
    if not request.is_json:
        raise NotJson(_("Please send JSON, as application/json."))
    try:
        body = _STRICT.decode(request.get_data(cache=False).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Malformed(_("The body is not valid JSON.")) from error
    if not isinstance(body, dict) or not _is_within(body, _DEEPEST):
        raise Malformed(_("The body must be one JSON object, not nested deeply."))
    return body


def bind_json(form_class: type[F], obj: object | None = None) -> F:
    """Return the valid form of the body; with `obj`, fields that are absent keep their values.

    Raises InvalidForm with the messages by field.
    """
    form = form_class.from_json(read_json(), obj=obj)
    if not form.validate():
        raise InvalidForm(form.errors_by_name)
    return form


def respond(
    schema: Schema, record: object, *, status: int = 200, location: str | None = None
) -> Response:
    """Answer with one record."""
    response = jsonify(schema.dump(record))
    response.status_code = status
    if location:
        response.headers["Location"] = location
    return response


def respond_done(number: int) -> Response:
    """Answer with how many things were done at once."""
    return respond(DoneSchema(), {"done": number})


def respond_page(schema: Schema, found: Page[Any]) -> Response:
    """Answer with one page of a list."""
    return jsonify({"items": schema.dump(found.items, many=True), "next": found.next})


def page_arguments() -> dict[str, Any]:
    """Return `cursor` and `limit` of a list's query (limit 1 to 100, 20 by default)."""
    text = request.args.get("limit", "20")
    if whole_number(text, 1, LARGEST_PAGE) is None:
        raise Invalid("limit", _("The limit is a number from 1 to %(most)d.", most=LARGEST_PAGE))
    return {"cursor": request.args.get("cursor"), "limit": int(text)}


def whole_number(text: str, least: int, most: int) -> int | None:
    """Return what plain digits stand for, or None beyond the bounds."""
    if not (text.isascii() and text.isdecimal()) or len(text) > _LONGEST_NUMBER:
        return None
    return int(text) if least <= int(text) <= most else None


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_STRICT = json.JSONDecoder(object_pairs_hook=_unique_pairs, parse_constant=_refuse_constant)


def _is_within(value: Any, levels: int) -> bool:
    """Tell whether objects and lists are nested no deeper; looks no deeper than that either."""
    if not isinstance(value, dict | list):
        return True
    children = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_within(child, levels - 1) for child in children)
