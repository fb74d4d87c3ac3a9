"""Photos and documents: what is taken, what is refused, and who may look."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from portal.facilities.models import EquipmentPhoto
from portal.facilities.queries.records import get_equipment, get_facility
from portal.kernel.database import session
from portal.kernel.files import StoredFile
from tests.cast import World

ClientOf = Callable[[str], FlaskClient]


def picture(kind: str = "JPEG", size: tuple[int, int] = (640, 480), *, exif: bool = False) -> bytes:
    image = Image.new("RGB", size, "#b87333")
    out = io.BytesIO()
    if exif:
        data = Image.Exif()
        data[0x010E] = "taken in the secret hall"
        data.get_ifd(0x8825)[2] = (38.0, 15.0, 10.0)
        image.save(out, kind, exif=data)
    else:
        image.save(out, kind)
    return out.getvalue()


def upload(client: FlaskClient, url: str, *files: tuple[bytes, str], **fields: str) -> int:
    name = url.rsplit("/", 1)[1]
    answer = client.post(
        url,
        data={name: [(io.BytesIO(data), filename) for data, filename in files], **fields},
        content_type="multipart/form-data",
    )
    return answer.status_code


def test_photo_goes_up_with_the_record_and_loses_its_metadata(
    app: Flask, world: World, client_of: ClientOf
) -> None:
    original = picture(exif=True)
    assert b"secret hall" in original
    client = client_of("ana")
    answer = client.post(
        "/equipment/new",
        data={
            "organization_id": world.organizations["shop"],
            "name": "Mill with photo",
            "visibility": "public",
            "caption": "The mill from the front",
            "photos": [(io.BytesIO(original), "mill.jpg"), (io.BytesIO(picture("PNG")), "b.png")],
        },
        content_type="multipart/form-data",
    )
    assert answer.status_code == 303
    page = client_of("nobody").get(answer.location).text
    assert 'alt="The mill from the front"' in page
    photo = session.scalars(select(EquipmentPhoto).order_by(EquipmentPhoto.id)).first()
    assert photo is not None
    served = client_of("nobody").get(f"{answer.location}/photos/{photo.id}")
    assert served.mimetype == "image/webp"
    assert b"secret hall" not in served.data
    assert not Image.open(io.BytesIO(served.data)).getexif()
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    small = client_of("nobody").get(f"{answer.location}/photos/{photo.id}?size=small")
    assert max(Image.open(io.BytesIO(small.data)).size) == 480


def test_refused_form_says_that_the_photo_must_be_chosen_again(
    world: World, client_of: ClientOf
) -> None:
    data = {"organization_id": world.organizations["shop"], "capabilities": "turnning"}
    client = client_of("ana")
    words = "Please choose the file again."
    assert words not in client.post("/equipment/new", data=data).text
    photo = {"photos": (io.BytesIO(picture()), "mill.jpg")}
    answer = client.post("/equipment/new", data=data | photo, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert words in answer.text


def bomb() -> bytes:
    """A small PNG that says it is 30,000 pixels wide and high."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "filename"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "a.svg"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "a.jpg"),
        (b"<html><script>alert(1)</script></html>", "a.png"),
        (b"GIF89a/*" + b"\0" * 40 + b"*/=1;alert(1)", "a.gif"),
        (b"%PDF-1.4\n%%EOF", "a.jpg"),
        (b"", "empty.jpg"),
        (b"\xff\xd8\xff\xe0 not really", "a.jpg"),
        (picture()[:400], "cut.jpg"),
        (picture("PNG")[:60], "cut.png"),
        (bomb(), "bomb.png"),
        (picture("BMP", (8, 8)), "a.jpg"),
        (picture("TIFF", (8, 8)), "a.jpg"),
    ],
)
def test_what_is_no_photo_is_refused(
    world: World, client_of: ClientOf, data: bytes, filename: str
) -> None:
    url = f"/equipment/{world.equipment['shop_public']}/photos"
    assert upload(client_of("ana"), url, (data, filename)) == 422
    assert session.scalar(select(EquipmentPhoto.id)) is None


def test_script_behind_a_picture_does_not_survive(world: World, client_of: ClientOf) -> None:
    url = f"/equipment/{world.equipment['shop_public']}/photos"
    polyglot = picture() + b"<script>alert(1)</script>"
    assert upload(client_of("ana"), url, (polyglot, "a.jpg.html")) == 303
    photo = session.scalar(select(EquipmentPhoto.id))
    served = client_of("nobody").get(f"{url}/{photo}")
    assert b"<script>" not in served.data
    assert served.mimetype == "image/webp"


def test_photos_are_captioned_ordered_and_removed(
    app: Flask, world: World, client_of: ClientOf
) -> None:
    client = client_of("cleo")
    url = f"/facilities/{world.facilities['college_public']}/photos"
    for name in ("one", "two", "three"):
        assert upload(client, url, (picture(), "a.jpg"), caption=name) == 303

    def captions() -> list[str]:
        session.expire_all()
        facility = get_facility(world.facilities["college_public"])
        return [photo.caption for photo in facility.photos]

    assert captions() == ["one", "two", "three"]
    facility = get_facility(world.facilities["college_public"])
    last, first = facility.photos[2], facility.photos[0]
    key = first.file.key
    client.post(f"{url}/{last.id}", data={"caption": "front", "move": "first"})
    assert captions() == ["front", "one", "two"]
    assert (Path(app.instance_path) / "files" / key).exists()
    client.post(f"{url}/{first.id}/remove")
    assert captions() == ["front", "two"]
    assert not (Path(app.instance_path) / "files" / key).exists()


def test_photo_of_another_record_cannot_be_reached_through_ones_own(
    world: World, client_of: ClientOf
) -> None:
    hidden = f"/equipment/{world.equipment['shop_draft']}/photos"
    assert upload(client_of("ana"), hidden, (picture(), "a.jpg")) == 303
    photo = session.scalar(select(EquipmentPhoto.id))
    own = f"/equipment/{world.equipment['aero_public']}/photos/{photo}"
    assert client_of("eve").get(own).status_code == 404
    assert client_of("eve").post(own, data={"caption": "mine"}).status_code == 404
    assert client_of("eve").post(f"{own}/remove").status_code == 404
    assert client_of("eve").get(f"{hidden}/{photo}").status_code == 404
    assert client_of("ana").get(f"{hidden}/{photo}").status_code == 200


def test_more_photos_than_a_record_may_have_are_refused(world: World, client_of: ClientOf) -> None:
    url = f"/equipment/{world.equipment['shop_public']}/photos"
    small = picture(size=(8, 8))
    assert upload(client_of("ana"), url, *[(small, "a.jpg")] * 12) == 303
    assert upload(client_of("ana"), url, (small, "a.jpg")) == 422


def workbook(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return out.getvalue()


def test_document_is_a_download_for_those_who_see_the_record(
    world: World, client_of: ClientOf
) -> None:
    number = world.equipment["shop_members"]
    url = f"/equipment/{number}/documents"
    client = client_of("ana")
    assert upload(client, url, (b"%PDF-1.7\n...\n%%EOF\n", "Data sheet.pdf"), title="Sheet") == 303
    document = get_equipment(number).documents[0]
    page = client_of("eve").get(f"/equipment/{number}").text
    assert ">Sheet</a>" in page
    served = client_of("eve").get(f"{url}/{document.id}")
    assert served.headers["Content-Disposition"].startswith("attachment")
    assert served.mimetype == "application/pdf"
    assert client_of("nobody").get(f"{url}/{document.id}").status_code == 404
    client.post(f"{url}/{document.id}/remove")
    assert session.scalar(select(StoredFile.id)) is None


@pytest.mark.parametrize(
    ("data", "filename"),
    [
        (b"MZ\x90\x00", "setup.exe"),
        (b"<html><script>alert(1)</script>", "a.pdf"),
        (b"<html><script>alert(1)</script>", "a.txt"),
        (b"%PDF-1.7 %%EOF", "a.html"),
        (workbook("xl/workbook.xml", "xl/vbaProject.bin"), "a.xlsx"),
        (workbook("word/document.xml"), "a.xlsx"),
        (b"PK\x03\x04 broken", "a.docx"),
        (b"a,b\0c", "a.csv"),
    ],
)
def test_what_is_no_document_is_refused(
    world: World, client_of: ClientOf, data: bytes, filename: str
) -> None:
    url = f"/equipment/{world.equipment['shop_public']}/documents"
    assert upload(client_of("ana"), url, (data, filename)) == 422
    assert session.scalar(select(StoredFile.id)) is None


def test_deleting_a_record_takes_its_files_along(
    app: Flask, world: World, client_of: ClientOf
) -> None:
    url = f"/equipment/{world.equipment['shop_public']}"
    client = client_of("ana")
    upload(client, f"{url}/photos", (picture(), "a.jpg"))
    upload(client, f"{url}/documents", (b"a,b\n1,2\n", "a.csv"))
    keys = list(session.scalars(select(StoredFile.key)))
    assert len(keys) == 2
    session.rollback()
    client.post(f"{url}/delete", data={"confirmed": "yes"})
    assert session.scalar(select(StoredFile.id)) is None
    assert not any((Path(app.instance_path) / "files" / key).exists() for key in keys)
