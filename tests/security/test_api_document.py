"""The API keeps to its document: schemathesis sends what it allows and what it forbids.

Every operation of the document is asked. For time's sake the coverage phase, which turns every
field over, runs for GET and DELETE only, and the stateful phase not at all; the check that a token
is asked for cannot be done in process, and is the permission matrix's in any case.
"""

import contextvars
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from schemathesis.config import (
    ChecksConfig,
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
    StatefulPhaseConfig,
)
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import NonFatalError, ScenarioFinished

from portal.accounts import services
from portal.accounts.models import User
from portal.kernel.authorization import Actor, known_scopes
from portal.kernel.database import session
from tests.cast import World

EXAMPLES_PER_OPERATION = 3
# A body that fits the document may still name a ZIP code that does not exist.
ANSWERS_TO_RIGHT_DATA = ["2xx", "304", "401", "403", "404", "409", "422"]


CHECKS = {
    "enabled": False,
    "not_a_server_error": {"enabled": True},
    "status_code_conformance": {"enabled": True},
    "content_type_conformance": {"enabled": True},
    "response_schema_conformance": {"enabled": True},
    "negative_data_rejection": {"enabled": True},
    "positive_data_acceptance": {"enabled": True, "expected-statuses": ANSWERS_TO_RIGHT_DATA},
}


def found_by_schemathesis(
    app: Flask, methods: list[str], token: str | None, has_coverage: bool
) -> tuple[Counter[str], list[str]]:
    """Run the phases over operations; return how many requests each got, and what was wrong."""

    def alone(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        # As on a server: the test's own context is none of the request's business.
        return contextvars.Context().run(app, environ, start_response)

    project = ProjectConfig(
        headers={"Authorization": f"Bearer {token}"} if token else None,
        workers=1,
        continue_on_failure=True,
        generation=GenerationConfig(
            max_examples=EXAMPLES_PER_OPERATION,
            deterministic=True,
            no_shrink=True,
            database="none",
            allow_x00=False,
        ),
        phases=PhasesConfig(
            coverage=CoveragePhaseConfig(enabled=has_coverage),
            stateful=StatefulPhaseConfig(enabled=False),
        ),
        checks=ChecksConfig.from_dict(CHECKS),
    )
    config = SchemathesisConfig(projects=ProjectsConfig(default=project))
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", alone, config=config)
    requests: Counter[str] = Counter()
    problems = []
    for event in from_schema(schema.include(method=methods)).execute():
        if isinstance(event, NonFatalError):
            problems.append(f"{event.label}: {event.value!r}")
        if not isinstance(event, ScenarioFinished):
            continue
        if event.label is not None:
            requests[event.label] += len(event.recorder.interactions)
        for case_id, checks in event.recorder.checks.items():
            for check in checks:
                if check.status == Status.FAILURE:
                    case = event.recorder.cases[case_id].value
                    problems.append(
                        f"{event.phase.value}: {case.method} {case.formatted_path} {case.query}"
                        f" body={str(case.body)[:300]}\n    {check.name}: "
                        + str(check.failure_info.failure.message)[:500]
                    )
    return requests, list(dict.fromkeys(problems))


@pytest.fixture
def token_for(actor: Callable[[str], Actor]) -> Callable[[str], str | None]:
    """Make an API token with every scope for a member of the cast; nobody has none."""

    def make(name: str) -> str | None:
        if name == "nobody":
            return None
        person = actor(name)
        user = session.get_one(User, person.user_id)
        _token, secret = services.make_token(
            person, user, name="schemathesis", scopes=known_scopes(), days=1
        )
        return secret

    return make


def operations(app: Flask) -> set[str]:
    """The operations of the document, as "GET /api/v1/requests"."""
    document = app.test_client().get("/api/v1/openapi.json").json
    assert document is not None
    return {
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method in item
        if method in ("get", "put", "post", "delete", "options", "head", "patch", "trace")
    }


RUNS = [
    ("nobody", ["GET"], True),
    ("ana", ["GET"], False),
    ("root", ["POST"], False),
    ("root", ["PATCH", "PUT"], False),
    ("root", ["DELETE"], True),
]


def test_no_operation_of_the_document_is_left_out(app: Flask) -> None:
    methods = {method for _name, methods, _has_coverage in RUNS for method in methods}
    assert {operation.split()[0] for operation in operations(app)} == methods


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "methods", "has_coverage"),
    # What is only read is asked on one database: the document and its answers are the same.
    [pytest.param(*run, marks=pytest.mark.sqlite if run[1] == ["GET"] else ()) for run in RUNS],
)
def test_answers_keep_to_the_document(
    app: Flask,
    world: World,
    indexed: None,
    token_for: Callable[[str], str | None],
    name: str,
    methods: list[str],
    has_coverage: bool,
) -> None:
    requests, problems = found_by_schemathesis(app, methods, token_for(name), has_coverage)

    asked = {operation for operation, count in requests.items() if count}
    assert asked == {item for item in operations(app) if item.split()[0] in methods}
    assert problems == [], f"{len(problems)} problems:\n" + "\n".join(problems)[:20_000]
