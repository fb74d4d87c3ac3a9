"""The API reads strictly what programs send, and pages read strictly what browsers never send."""

import datetime as dt
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update
from werkzeug.test import TestResponse

from portal.accounts.models import ApiToken, User
from portal.kernel.clock import now
from portal.kernel.database import is_writing, session, unit_of_work
from portal.kernel.idempotency import AnsweredCall, forget_answered_calls
from portal.kernel.mail import OutgoingMail
from portal.organizations.models import Membership
from tests.cast import World

ClientOf = Callable[[str], FlaskClient]


def patch_me(client: FlaskClient, body: bytes, content_type: str = "application/json") -> int:
    """Send a body and return the status; whatever it is, the answer is JSON."""
    response = client.patch("/api/v1/me", data=body, content_type=content_type)
    assert response.mimetype in ("application/json", "application/problem+json")
    assert (response.status_code < 400) == (response.mimetype == "application/json")
    return response.status_code


NO_BODIES = {
    "nothing": b"",
    "half of an object": b'{"name": "An',
    "two objects": b'{"name": "Ana"} {"name": "Bob"}',
    "a key twice": b'{"name": "Ana", "name": "Bob"}',
    "a key twice further in": b'{"name": {"a": 1, "a": 2}}',
    "not a number": b'{"name": NaN}',
    "infinity": b'{"name": -Infinity}',
    "a number of 5,000 digits": b'{"name": ' + b"1" * 5000 + b"}",
    "a list": b'["Ana"]',
    "a text": b'"Ana"',
    "null": b"null",
    "nested too deeply": b'{"name": ' + b"[" * 9 + b"]" * 9 + b"}",
    "nested more deeply": b'{"name": ' + b"[" * 700 + b"]" * 700 + b"}",
    "nested beyond all measure": b"[" * 100_000,
    "Latin-1": '{"name": "José"}'.encode("latin-1"),
    "UTF-16": '{"name": "José"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"name": "Ana"}',
    "a surrogate as bytes": b'{"name": "\xed\xa0\x80"}',
    "a control character as it is": b'{"name": "A\x00na"}',
}


@pytest.mark.parametrize("body", NO_BODIES.values(), ids=NO_BODIES.keys())
def test_what_is_no_json_object_is_a_bad_request(
    client_of: ClientOf, world: World, body: bytes
) -> None:
    assert patch_me(client_of("ana"), body) == 400
    assert session.get_one(User, world.users["ana"]).name == "Ana"


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "text/json"]
)
def test_body_must_say_that_it_is_json(client_of: ClientOf, content_type: str) -> None:
    assert patch_me(client_of("ana"), b'{"name": "Bea"}', content_type) == 415


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "application/x+json"]
)
def test_every_kind_of_json_is_read_as_utf_8(
    client_of: ClientOf, world: World, content_type: str
) -> None:
    assert patch_me(client_of("ana"), '{"name": "Añá 🛠"}'.encode(), content_type) == 200
    assert session.get_one(User, world.users["ana"]).name == "Añá 🛠"


UNWANTED = {
    "NUL": rb"\u0000",
    "escape": rb"\u001b",
    "a lone surrogate": rb"\ud800",
    "surrogates the wrong way round": rb"\udc00\ud800",
}


@pytest.mark.parametrize("character", UNWANTED.values(), ids=UNWANTED.keys())
@pytest.mark.parametrize("where", ["value", "unknown value", "name", "list", "choice"])
def test_characters_that_no_database_keeps_are_refused_wherever_they_stand(
    client_of: ClientOf, world: World, character: bytes, where: str
) -> None:
    body = {
        "value": b'{"name": "A%sna"}',
        "unknown value": b'{"nickname": "A%sna"}',
        "name": b'{"na%sme": "Ana"}',
        "list": b'{"name": ["A%sna"]}',
        "choice": b'{"language": "e%sn"}',
    }[where] % character

    assert patch_me(client_of("ana"), body) == 422
    assert session.get_one(User, world.users["ana"]).name == "Ana"


@pytest.mark.parametrize("path", ["/account", "/account/email", "/account/tokens", "/sign-in"])
@pytest.mark.parametrize("sent", ["%00", "%ED%A0%80", "%FF", "%1B"])
def test_pages_survive_the_same_characters_in_any_field_of_a_form(
    client_of: ClientOf, world: World, drain: Callable[[], None], path: str, sent: str
) -> None:
    client = client_of("nobody" if path == "/sign-in" else "ana")
    asked = client.get(path).text
    names = ["name", "email", "password", "language", "time_zone", "scopes", "days", f"x{sent}"]
    response = client.post(
        path,
        data="&".join(f"{name}=a{sent}b" for name in names),
        content_type="application/x-www-form-urlencoded",
    )

    assert response.status_code == 422
    assert "Please look at these again" in response.text
    heading = re.search(r"<h1.*?</h1>", asked, re.DOTALL)
    assert heading is not None
    assert heading[0] in response.text
    # Nothing of it was taken.
    drain()
    ana = session.get_one(User, world.users["ana"])
    assert (ana.name, ana.email, ana.language) == ("Ana", "ana@cast.example", "en")
    for made in (ApiToken, OutgoingMail):
        assert session.scalars(select(made)).all() == []


PAGES = ["/api/v1/organizations", "/api/v1/search"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "limit",
    ["0", "-1", "101", "1e1", "1.5", "ten", "", " 5", "0x10", "٣", "0000019999999", "1" * 5000],
)
def test_limit_outside_of_its_bounds_is_refused(
    client_of: ClientOf, indexed: None, path: str, limit: str
) -> None:
    response = client_of("nobody").get(path, query_string={"limit": limit})

    assert response.status_code == 422
    assert list(response.get_json()["errors"]) == ["limit"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("limit", ["1", "3", "50"])
def test_limit_within_its_bounds_is_kept(
    client_of: ClientOf, indexed: None, path: str, limit: str
) -> None:
    response = client_of("nobody").get(path, query_string={"limit": limit})

    assert response.status_code == 200
    found = response.get_json().get("items", response.get_json().get("hits"))
    assert 1 <= len(found) <= int(limit)


@pytest.mark.parametrize("cursor", ["-1", "1001", "0000019999999", "1" * 5000, "x", ""])
def test_search_refuses_cursors_beyond_what_it_reads(
    client_of: ClientOf, indexed: None, cursor: str
) -> None:
    response = client_of("nobody").get("/api/v1/search", query_string={"cursor": cursor})

    assert (response.status_code, list(response.get_json()["errors"])) == (422, ["cursor"])


def test_a_key_stands_for_one_call_of_one_person_for_a_day(
    client_of: ClientOf, world: World
) -> None:
    ana, number = client_of("ana"), world.organizations["shop"]
    key = {"Idempotency-Key": "4711"}

    def draft(client: FlaskClient, title: str, headers: dict[str, str] = key) -> TestResponse:
        body = {"organization_id": number, "kind": "other", "title": title}
        return client.post("/api/v1/agreements", json=body, headers=headers)

    assert draft(ana, "").status_code == 422
    first = draft(ana, "Fixtures")
    assert first.status_code == 201, "a call that was refused may be sent again"
    assert draft(ana, "Fixtures").json == first.json
    assert draft(ana, "Plates").json["errors"].keys() == {"Idempotency-Key"}
    assert draft(client_of("ben"), "Fixtures").status_code == 403
    assert draft(ana, "Fixtures", {"Idempotency-Key": "x" * 81}).status_code == 422
    assert draft(ana, "Fixtures", {}).json["id"] != first.json["id"]

    class Slow(io.BytesIO):
        """A body that comes as slowly as who sends it likes."""

        def readinto(self, buffer: Any) -> int:
            assert not is_writing(), "others wait meanwhile"
            return super().readinto(buffer)

        def read(self, size: int | None = -1) -> bytes:
            assert not is_writing(), "others wait meanwhile"
            return super().read(size)

    said = b'{"organization_id": %d, "kind": "other", "title": "Slow"}' % number
    slow = ana.post(
        "/api/v1/agreements",
        input_stream=Slow(said),
        content_length=len(said),
        content_type="application/json",
        headers={"Idempotency-Key": "4712"},
    )
    assert slow.status_code == 201

    # What was made is gone, or the right to make it: the answer says no more about it.
    assert ana.delete(f"/api/v1/agreements/{first.json['id']}").status_code == 204
    assert draft(ana, "Fixtures").status_code == 404

    with unit_of_work():
        session.execute(update(AnsweredCall).values(called_at=now() - dt.timedelta(hours=25)))
    forget_answered_calls()
    assert draft(ana, "Fixtures").json["id"] != first.json["id"]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("agreements", {"kind": "other", "title": "Fixtures"}),
        ("equipment", {"name": "Mill", "visibility": "public"}),
        ("skill-demands", {"skill": "mig-welding", "needed_by": f"{now().year + 1}-05-01"}),
    ],
)
def test_who_has_lost_the_right_to_a_call_gets_no_answer_again(
    client_of: ClientOf, world: World, address: str, told: dict[str, object]
) -> None:
    shop = world.organizations["shop"]

    def call() -> int:
        return (
            client_of("ana")
            .post(
                f"/api/v1/{address}",
                json={"organization_id": shop, **told},
                headers={"Idempotency-Key": "4713"},
            )
            .status_code
        )

    assert (call(), call()) == (201, 201)
    with unit_of_work():
        session.execute(
            delete(Membership).where(
                Membership.organization_id == shop, Membership.user_id == world.users["ana"]
            )
        )
    assert call() == 403
