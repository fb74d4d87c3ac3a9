"""Attachments: kept with their request, served under its visibility, gone with it."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select

from portal.kernel.database import session
from portal.kernel.files import StoredFile
from portal.partnerships.models import Request, RequestAttachment
from portal.partnerships.queries import requests as queries
from tests.cast import World

ClientOf = Callable[[str], FlaskClient]
WORDS = {"kind": "training", "direction": "need", "title": "Classes", "visibility": "public"}


def picture() -> io.BytesIO:
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(stream, "PNG")
    stream.seek(0)
    return stream


def attach(client: FlaskClient, request_id: int, *files: tuple[io.BytesIO, str]) -> Any:
    data = {
        **WORDS,
        "summary": "x",
        "expertise_sought": "x",
        "capabilities": "welding",
        "attachments": list(files),
    }
    return client.post(f"/requests/{request_id}/edit", data=data)


@pytest.fixture
def attached(client_of: ClientOf, world: World) -> tuple[int, int]:
    """The shop's public request with a text and a picture: its id, and that of the text."""
    request_id = world.requests["shop_public"]
    text = (io.BytesIO(b"Tolerance 5 microns"), "drawing.txt")
    reply = attach(client_of("ana"), request_id, text, (picture(), "part.png"))
    assert reply.status_code == 303
    first = queries.get_request(request_id).attachments[0]
    return request_id, first.id


def test_whoever_sees_the_request_gets_the_attachment(
    client_of: ClientOf, attached: tuple[int, int]
) -> None:
    request_id, attachment_id = attached
    page = client_of("nobody").get(f"/requests/{request_id}").text
    assert "drawing.txt" in page
    assert "part.png" in page
    reply = client_of("nobody").get(f"/requests/{request_id}/attachments/{attachment_id}")
    assert reply.data == b"Tolerance 5 microns"
    assert "attachment" in reply.headers["Content-Disposition"]
    listed = client_of("nobody").get(f"/api/v1/requests/{request_id}").json["attachments"]
    assert [item["title"] for item in listed] == ["drawing.txt", "part.png"]


@pytest.mark.parametrize(
    "columns",
    [
        {"visibility": "organization"},
        {"status": "withdrawn"},
        {"is_anonymous": True, "anonymous_summary": "A firm."},
    ],
)
def test_attachment_is_gone_for_outsiders_with_its_request_or_its_name(
    client_of: ClientOf,
    attached: tuple[int, int],
    change: Callable[..., Request],
    columns: dict[str, Any],
) -> None:
    request_id, attachment_id = attached
    change("shop_public", **columns)
    address = f"/requests/{request_id}/attachments/{attachment_id}"
    for name in ("nobody", "cleo", "dov"):
        refused = client_of(name).get(address)
        assert refused.status_code == 404
        assert b"Tolerance" not in refused.data
    for name in ("ana", "ben", "root"):
        assert client_of(name).get(address).data == b"Tolerance 5 microns"


def test_attachment_is_not_served_under_another_request(
    client_of: ClientOf, attached: tuple[int, int], world: World
) -> None:
    other = world.requests["college_public"]
    reply = client_of("ana").get(f"/requests/{other}/attachments/{attached[1]}")
    assert reply.status_code == 404
    assert b"Tolerance" not in reply.data


def test_attachment_is_removed_with_its_file(
    app: Flask, client_of: ClientOf, attached: tuple[int, int]
) -> None:
    request_id, attachment_id = attached
    key = session.scalars(select(StoredFile.key).order_by(StoredFile.id)).first()
    address = f"/requests/{request_id}/attachments/{attachment_id}/remove"
    assert client_of("cleo").post(address, data={"confirmed": "yes"}).status_code == 403
    assert "The file is deleted" in client_of("ana").post(address).text
    client_of("ana").post(address, data={"confirmed": "yes"})
    assert [item.title for item in queries.get_request(request_id).attachments] == ["part.png"]
    assert not (Path(app.instance_path) / "files" / str(key)).exists()


def test_deleted_draft_takes_its_attachments_along(client_of: ClientOf, world: World) -> None:
    request_id = world.requests["shop_draft"]
    data = {**WORDS, "action": "draft", "attachments": [(io.BytesIO(b"Notes"), "notes.txt")]}
    client_of("ana").post(f"/requests/{request_id}/edit", data=data)
    assert session.scalar(select(func.count()).select_from(StoredFile)) == 1
    client_of("ana").post(f"/requests/{request_id}/delete", data={"confirmed": "yes"})
    assert session.get(Request, request_id) is None
    assert session.scalar(select(func.count()).select_from(RequestAttachment)) == 0
    assert session.scalar(select(func.count()).select_from(StoredFile)) == 0


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"<html>", "page.txt"), (b"MZ", "tool.exe"), (b"GIF89a", "x.png"), (b"x", "noname")],
)
def test_file_that_is_not_what_it_says_is_refused_at_its_field(
    client_of: ClientOf, world: World, content: bytes, name: str
) -> None:
    request_id = world.requests["shop_public"]
    reply = attach(client_of("ana"), request_id, (io.BytesIO(content), name))
    assert reply.status_code == 422
    assert 'id="attachments-error"' in reply.text
    assert queries.get_request(request_id).attachments == []
    assert queries.get_request(request_id).title == "Shop public need"


def test_there_are_ten_attachments_at_most(client_of: ClientOf, world: World) -> None:
    files = [(io.BytesIO(b"x"), f"{number}.txt") for number in range(11)]
    reply = attach(client_of("ana"), world.requests["shop_public"], *files)
    assert reply.status_code == 422
    assert "10 at most" in reply.text
