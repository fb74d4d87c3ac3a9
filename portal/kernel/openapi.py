"""The OpenAPI 3.1 document of `/api/v1`, generated from its views, forms and schemas, and its page.

apispec writes what marshmallow answers; what WTForms takes is written here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import wtforms
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, Flask, Response, current_app
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from werkzeug.routing import Rule as UrlRule
from wtforms import validators

from portal.kernel.api import API_PREFIX, Operation
from portal.kernel.authorization import known_scopes
from portal.kernel.fields import (
    ChoiceField,
    ChoicesField,
    CoordinateField,
    DateField,
    EmailField,
    InstantField,
    ListField,
    MoneyField,
    UrlField,
)
from portal.kernel.forms import Form
from portal.kernel.idempotency import KEPT_HOURS, LONGEST_KEY
from portal.kernel.paging import LARGEST_PAGE
from portal.kernel.web.answers import not_modified, page
from portal.kernel.web.arguments import LARGEST_ID

blueprint = Blueprint("openapi", __name__, url_prefix=API_PREFIX)

JsonSchema = dict[str, Any]
_PROBLEMS: Mapping[int, str] = {
    400: "The request is not well-formed.",
    401: "No token, or one that is not valid.",
    403: "The token's person, or its scopes, do not allow this.",
    404: "There is no such thing, or the token's person may not know of it.",
    409: "The state of the thing does not allow this now.",
    415: "The body is not JSON.",
    422: "A value is refused; `errors` has the messages by field.",
    429: "Too many requests; `Retry-After` says when to try again.",
    503: "Search is being rebuilt; try again soon.",
}


@dataclass(frozen=True)
class DescribedRoute:
    """One method of one address, and what its view says of itself."""

    method: str
    path: str
    arguments: Mapping[str, str]
    name: str
    operation: Operation


@blueprint.get("/openapi.json")
def document() -> ResponseReturnValue:
    """Answer with the OpenAPI document."""
    if reply := not_modified("openapi"):
        return reply
    return Response(_document_text(current_app._get_current_object()), mimetype="application/json")  # type: ignore[attr-defined]


@blueprint.get("/")
def guide() -> ResponseReturnValue:
    """Show the same as a page."""
    if reply := not_modified("openapi-page"):
        return reply
    routes = sorted(routes_of(current_app), key=lambda item: (item.operation.tag, item.path))
    return page(
        "kernel/api.html",
        routes=routes,
        fields_of=lambda form: _form_schema(form)["properties"],
        columns_of=lambda schema: sorted(schema._declared_fields),
        scopes=known_scopes(),
    )


def routes_of(app: Flask) -> Iterator[DescribedRoute]:
    """Return every API route that describes itself, in the order of the URL map."""
    for rule in app.url_map.iter_rules():
        operation = getattr(app.view_functions[rule.endpoint], "operation", None)
        if operation is not None:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                path, arguments = _path_of(rule)
                yield DescribedRoute(method, path, arguments, rule.endpoint, operation)


def build_document(app: Flask) -> JsonSchema:
    """Return the document as JSON values, in English."""
    with app.test_request_context(), force_locale("en"):
        plugin = MarshmallowPlugin()
        spec = APISpec(
            title=app.config["SITE_NAME"],
            version="1",
            openapi_version="3.1.0",
            plugins=[plugin],
            info={
                "description": (
                    "Everything that the portal's pages do with organizations, facilities,"
                    " equipment, bookings and requests, under the same rules. Reading what is"
                    " public needs no token. Times are ISO 8601 in UTC, money is whole cents."
                ),
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            servers=[{"url": app.config["PUBLIC_URL"]}],
            security=[{}, {"token": []}],
        )
        spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
        spec.components.schema("Problem", _PROBLEM_SCHEMA)
        forms: set[str] = set()
        for route in routes_of(app):
            _add_form(spec, route.operation, forms)
            spec.path(
                path=route.path,
                operations={route.method.lower(): _describe(route)},
            )
        return spec.to_dict()


@cache
def _document_text(app: Flask) -> str:
    text: str = app.json.dumps(build_document(app))
    return text


_PROBLEM_SCHEMA: JsonSchema = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "code": {
            "type": "string",
            "description": "Of a refused booking: conflict where the time is taken, else refused.",
        },
        "problems": {
            "type": "array",
            "description": "Of a refused booking: everything that stands against it. Codes never"
            " change.",
            "items": {
                "type": "object",
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "overridable": {"type": "boolean"},
                },
            },
        },
        "suggestions": {
            "type": "array",
            "description": "Of a refused booking: what would work instead. kind: shift, shorten,"
            " next_free, or elsewhere (other equipment, with its equipment_id).",
            "items": {
                "type": "object",
                "properties": {
                    "kind": {"type": "string"},
                    "starts_at": {"type": "string", "format": "date-time"},
                    "ends_at": {"type": "string", "format": "date-time"},
                    "equipment_id": {"type": "integer"},
                },
            },
        },
    },
}

_KEY_PARAMETER: JsonSchema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A text of your own that stands for this one call. The same call with the same"
    f" key within {KEPT_HOURS} hours does nothing again and is answered as the first was; another"
    " call with it is refused. A call that was refused made nothing; sent again, it is judged"
    " anew.",
    "schema": {"type": "string", "maxLength": LONGEST_KEY},
}

_LIMIT_SCHEMA: JsonSchema = {
    "type": "integer",
    "minimum": 1,
    "maximum": LARGEST_PAGE,
    "default": 20,
}

_ARGUMENT = re.compile(r"<(?:(?P<kind>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")


def _path_of(rule: UrlRule) -> tuple[str, dict[str, str]]:
    """Return the address with {names}, and the JSON type of each name."""
    arguments = {
        found["name"]: "integer" if found["kind"] == "int" else "string"
        for found in _ARGUMENT.finditer(rule.rule)
    }
    return _ARGUMENT.sub(r"{\g<name>}", rule.rule), arguments


def _describe(route: DescribedRoute) -> JsonSchema:
    operation = route.operation
    parameters: list[JsonSchema] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": kind, "minimum": 1, "maximum": LARGEST_ID}
            if kind == "integer"
            else {"type": kind},
        }
        for name, kind in route.arguments.items()
    ]
    filters = dict(operation.filters)
    if operation.is_list:
        filters.setdefault("cursor", "Where the page starts: `next` of the page before.")
        filters.setdefault("limit", "How many items, 1 to 100.")
    parameters += [
        {
            "name": name,
            "in": "query",
            "description": str(words),
            "schema": _LIMIT_SCHEMA
            if operation.is_list and name == "limit"
            else {"type": "string"},
        }
        for name, words in filters.items()
    ]
    if operation.takes_key:
        parameters.append(_KEY_PARAMETER)
    described: JsonSchema = {
        "operationId": route.name.replace("_api.", "."),
        "summary": str(operation.summary),
        "tags": [operation.tag],
        "parameters": parameters,
        "responses": _responses(route),
    }
    if operation.form is not None:
        name = _form_name(operation.form, operation.is_partial)
        schema = {"$ref": f"#/components/schemas/{name}"}
        content: JsonSchema = {"schema": schema}
        if operation.example:
            content["example"] = dict(operation.example)
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    if operation.scope:
        described["security"] = [{"token": []}]
        described["description"] = f"Needs the scope `{operation.scope}`."
    return described


def _responses(route: DescribedRoute) -> JsonSchema:
    operation = route.operation
    success: JsonSchema = {"description": "Done."}
    if operation.schema is not None:
        schema: Any = operation.schema
        if operation.is_list:
            schema = {
                "type": "object",
                "required": ["items", "next"],
                "properties": {
                    "items": {"type": "array", "items": operation.schema},
                    "next": {"type": ["string", "null"]},
                },
            }
        success["content"] = {"application/json": {"schema": schema}}
    problems = set(operation.problems) | {400, 429}
    if operation.takes_key:
        problems |= {409, 422}
    if route.arguments:
        problems.add(404)
    if operation.form is not None:
        problems |= {415, 422}
    if operation.filters or operation.is_list:
        problems.add(422)
    if operation.scope:
        problems |= {401, 403}
    else:
        problems.add(401)
    if operation.scope and route.arguments:
        problems.add(409)
    refusals = {
        str(status): {
            "description": _PROBLEMS[status],
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
        for status in sorted(problems)
    }
    if route.method == "GET" and operation.schema is not None:
        refusals["304"] = {"description": "The client's version (If-None-Match) is still right."}
    return {str(operation.status): success, **refusals}


def _form_name(form: type[Form], is_partial: bool) -> str:
    return form.__name__.removesuffix("Form") + ("Changes" if is_partial else "Body")


def _add_form(spec: APISpec, operation: Operation, known: set[str]) -> None:
    if operation.form is None:
        return
    name = _form_name(operation.form, operation.is_partial)
    if name in known:
        return
    known.add(name)
    schema = _form_schema(operation.form)
    if operation.is_partial:
        schema.pop("required", None)
    spec.components.schema(name, schema)


def _form_schema(form: type[Form]) -> JsonSchema:
    bound = form()
    properties = {
        name: _field_schema(field)
        for name, field in bound._fields.items()
        if not isinstance(field, wtforms.SubmitField)
    }
    required = [name for name in properties if bound._fields[name].flags.required]
    for name in properties.keys() - set(required):
        _allow_null(properties[name])
    schema: JsonSchema = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if required:
        schema["required"] = required
    return schema


def _allow_null(schema: JsonSchema) -> None:
    """Say that null stands for what is not given."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    schema["type"] = [*kinds, *({"null"} - set(kinds))]
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]


_SIMPLE: tuple[tuple[type, JsonSchema], ...] = (
    (EmailField, {"type": "string", "format": "email"}),
    (InstantField, {"type": "string", "format": "date-time"}),
    (UrlField, {"type": "string"}),
    (DateField, {"type": ["string", "null"], "format": "date"}),
    (MoneyField, {"type": ["integer", "null"], "minimum": 0}),
    (CoordinateField, {"type": ["number", "null"]}),
    (wtforms.BooleanField, {"type": "boolean"}),
    (wtforms.IntegerField, {"type": ["integer", "null"]}),
    (ListField, {"type": "array", "items": {"type": "string"}}),
)


_FILE_SCHEMA: JsonSchema = {
    "type": "object",
    "required": ["name", "content"],
    "properties": {
        "name": {"type": "string", "maxLength": 200},
        "content": {"type": "string", "contentEncoding": "base64"},
    },
    "additionalProperties": False,
}


def _field_schema(field: wtforms.Field) -> JsonSchema:
    schema = _type_schema(field)
    words = " ".join(str(part) for part in (field.label.text, field.description) if part)
    if words:
        schema["description"] = words
    for check in field.validators:
        if isinstance(check, validators.Length) and check.max > 0:
            schema["maxLength"] = check.max
        if isinstance(check, validators.NumberRange):
            if check.min is not None:
                schema["minimum"] = check.min
            if check.max is not None:
                schema["maximum"] = check.max
    return schema


def _type_schema(field: wtforms.Field) -> JsonSchema:
    if isinstance(field, wtforms.FieldList):
        inner = field.unbound_field.bind(wtforms.Form(), name="x", _meta=field.meta)
        inner.process(None)
        return {"type": "array", "items": _type_schema(inner)}
    if isinstance(field, wtforms.FormField):
        return _form_schema(field.form_class)
    if isinstance(field, wtforms.MultipleFileField):
        return {"type": "array", "items": dict(_FILE_SCHEMA)}
    if isinstance(field, wtforms.FileField):
        return dict(_FILE_SCHEMA)
    if isinstance(field, ChoicesField):
        values = [value for value, *_rest in field.choices or ()]
        return {"type": "array", "items": {"type": "string", "enum": values}}
    if isinstance(field, ChoiceField):
        return {"type": "string", "enum": [value for value, *_rest in field.choices or ()]}
    for kind, schema in _SIMPLE:
        if isinstance(field, kind):
            return dict(schema)
    return {"type": "string"}
