"""The API document: valid, complete, and true to what the routes take."""

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from portal.kernel.openapi import build_document, routes_of


@pytest.mark.sqlite
def test_document_is_valid_openapi(app: Flask) -> None:
    errors = list(OpenAPIV31SpecValidator(build_document(app)).iter_errors())

    assert errors == []


def test_every_route_of_the_api_describes_itself(app: Flask) -> None:
    described = {route.name for route in routes_of(app)}
    routes = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and not rule.endpoint.startswith("openapi.")
    }

    assert described == routes
    assert routes


def test_every_body_has_an_example_that_its_form_takes(app: Flask) -> None:
    for route in routes_of(app):
        operation = route.operation
        if operation.form is None:
            continue
        assert operation.example, f"{route.method} {route.path} shows no example"
        with app.test_request_context():
            form = operation.form.from_json(operation.example)
            valid = form.validate()
        wrong = set(form.errors_by_name)
        assert valid or (operation.is_partial and not wrong & set(operation.example)), (
            f"{route.method} {route.path}: {form.errors_by_name}"
        )


def test_whatever_makes_something_takes_an_idempotency_key_but_where_a_secret_is_shown(
    app: Flask,
) -> None:
    paths = build_document(app)["paths"]
    without = [
        path
        for path, item in paths.items()
        if "201" in item.get("post", {}).get("responses", {})
        and "Idempotency-Key" not in [one["name"] for one in item["post"]["parameters"]]
    ]

    assert without == ["/api/v1/organizations/{organization_id}/webhooks"]


def test_document_names_the_scope_that_a_change_needs(app: Flask) -> None:
    paths = build_document(app)["paths"]

    assert "regions:write" in paths["/api/v1/regions"]["post"]["description"]
    assert paths["/api/v1/regions/{region_id}"]["get"]["parameters"][0]["schema"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 2147483647,
    }
