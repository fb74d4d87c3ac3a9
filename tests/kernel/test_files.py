"""Files: known by content, pictures made anew, hostile ones refused, bytes gone with their row."""

import io
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from werkzeug.datastructures import FileStorage

from portal.kernel import files
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Invalid, NotFound
from portal.kernel.files import StoredFile

pytestmark = pytest.mark.usefixtures("app")


def picture(
    kind: str = "JPEG", size: tuple[int, int] = (640, 480), mode: str = "RGB", **options: object
) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 90).save(out, kind, **options)
    return out.getvalue()


def upload(data: bytes, name: str) -> FileStorage:
    return FileStorage(io.BytesIO(data), filename=name)


def keep_image(data: bytes, name: str = "photo.jpg") -> StoredFile:
    with unit_of_work():
        return files.store_image(upload(data, name), field="photo", user_id=None)


def keep_document(data: bytes, name: str) -> StoredFile:
    with unit_of_work():
        return files.store_document(upload(data, name), field="file", user_id=None)


def folder(app: Flask) -> Path:
    return Path(app.instance_path) / "files"


@pytest.fixture(autouse=True)
def _no_files_of_other_tests(app: Flask) -> None:
    shutil.rmtree(folder(app), ignore_errors=True)


def names(app: Flask) -> set[str]:
    return {path.name for path in folder(app).iterdir()} if folder(app).exists() else set()


def archive(members: dict[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return out.getvalue()


DOCX = archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"})
XLSX = archive({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<w/>"})
PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<<>>\n%%EOF\n"
SCRIPT = b"<script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">' + SCRIPT + b"</svg>"
PROGRAM = b"MZ\x90\x00" + bytes(range(256)) * 8
ELF = b"\x7fELF\x02\x01\x01" + bytes(200)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_that_claims(width: int, height: int) -> bytes:
    """A few bytes that unpack to a huge picture."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


def png_with_text_bomb() -> bytes:
    whole = picture("PNG", (10, 10))
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80_000_000), 9))
    return whole[:33] + bomb + whole[33:]


# Pictures


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_picture_is_made_anew_as_webp(app: Flask, kind: str) -> None:
    stored = keep_image(picture(kind, (3200, 1000)), "Großes Bild.jpeg")

    assert (stored.content_type, stored.width, stored.height) == ("image/webp", 1600, 500)
    assert stored.original_name == "Großes Bild.jpeg"
    assert names(app) == {stored.key, f"{stored.key}.small"}
    with Image.open(folder(app) / stored.key) as photo:
        assert (photo.format, photo.size) == ("WEBP", (1600, 500))
    with Image.open(folder(app) / f"{stored.key}.small") as small:
        assert small.size == (480, 150)
    assert stored.byte_count == (folder(app) / stored.key).stat().st_size


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "LA", "I;16"])
def test_every_color_mode_is_taken(mode: str) -> None:
    assert keep_image(picture("PNG", (50, 40), mode)).content_type == "image/webp"


def test_place_camera_and_comments_are_gone(app: Flask) -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET-DESCRIPTION"
    exif[0x010F] = "SECRET-CAMERA"
    exif.get_ifd(0x8825)[2] = (38.0, 15.0, 10.0)
    data = picture("JPEG", exif=exif, comment=b"SECRET-COMMENT", icc_profile=b"SECRET-PROFILE")
    assert data.count(b"SECRET") == 4

    stored = keep_image(data)

    for path in folder(app).iterdir():
        assert b"SECRET" not in path.read_bytes()
        with Image.open(path) as photo:
            assert not photo.getexif()
            assert "icc_profile" not in photo.info
    assert stored.width == 640


def test_picture_taken_sideways_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6

    stored = keep_image(picture("JPEG", (640, 480), exif=exif))

    assert (stored.width, stored.height) == (480, 640)


def test_picture_whose_camera_wrote_nonsense_is_taken_all_the_same() -> None:
    upright, resolution = (
        struct.pack("<HHLHH", 0x0112, 3, 1, 6, 0),
        b"\x1a\x01\x02\0\x04\0\0\0abc\0",
    )
    exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0" + upright + resolution + bytes(8)

    stored = keep_image(picture("JPEG", (640, 480), exif=exif))

    assert (stored.width, stored.height) == (480, 640)


@pytest.mark.parametrize(
    "tail",
    [SCRIPT, PROGRAM, DOCX, b"<?php system($_GET[0]); ?>", PDF],
    ids=["script", "program", "document", "php", "pdf"],
)
def test_what_hangs_on_a_picture_is_left_behind(app: Flask, tail: bytes) -> None:
    stored = keep_image(picture("JPEG") + tail)

    data = (folder(app) / stored.key).read_bytes()
    assert tail[:20] not in data
    assert data.startswith(b"RIFF")


# Bombs take long to make, so only their own tests make them.
Made = bytes | Callable[[], bytes]
HOSTILE_PICTURES: dict[str, tuple[Made, str]] = {
    "nothing": (b"", "photo.jpg"),
    "a drawing with script": (SVG, "drawing.svg"),
    "a drawing called a photo": (SVG, "photo.png"),
    "a page called a photo": (b"<!doctype html>" + SCRIPT, "photo.jpg"),
    "a program called a photo": (PROGRAM, "photo.jpg"),
    "a Linux program": (ELF, "photo.png"),
    "a document called a photo": (PDF, "photo.jpg"),
    "an archive called a photo": (DOCX, "photo.webp"),
    "GIF and script": (b"GIF89a/*" + SCRIPT + b"*/=1;", "photo.gif"),
    "a real GIF": (picture("GIF"), "photo.gif"),
    "a bitmap": (picture("BMP"), "photo.bmp"),
    "a TIFF called a JPEG": (picture("TIFF"), "photo.jpg"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "photo.jpg"),
    "an icon": (picture("ICO", (32, 32)), "photo.png"),
    "a PNG of 30,000 by 30,000": (png_that_claims(30_000, 30_000), "photo.png"),
    "a PNG of 2 billion by 2 billion": (png_that_claims(2**31 - 1, 2**31 - 1), "photo.png"),
    "a PNG of no width": (png_that_claims(0, 10), "photo.png"),
    "a PNG whose text is a bomb": (png_with_text_bomb, "photo.png"),
    "a PNG cut short": (picture("PNG", (300, 300))[:60], "photo.png"),
    "a JPEG cut short": (picture("JPEG")[:400], "photo.jpg"),
    "a WebP cut short": (picture("WEBP")[:40], "photo.webp"),
    "a PNG with a broken checksum": (
        picture("PNG", (30, 30)).replace(b"IDAT", b"IDAX"),
        "photo.png",
    ),
    "only a JPEG's first bytes": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "photo.jpg"),
    "a JPEG of noise": (b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40, "photo.jpg"),
    "a WebP of noise": (b"RIFF\xff\xff\xff\x7fWEBPVP8 " + bytes(range(256)), "photo.webp"),
}


@pytest.mark.parametrize("kind", HOSTILE_PICTURES)
def test_hostile_picture_is_refused(app: Flask, kind: str) -> None:
    made, name = HOSTILE_PICTURES[kind]
    data = made() if callable(made) else made

    with pytest.raises(Invalid) as refusal:
        keep_image(data, name)

    assert refusal.value.field == "photo"
    assert names(app) == set()
    assert session.query(StoredFile).count() == 0


# Documents


@pytest.mark.parametrize(
    ("data", "name", "content_type"),
    [
        (PDF, "data sheet.PDF", "application/pdf"),
        (b"a,b\r\n1,2\r\n", "rates.csv", "text/csv"),
        ("Größe: 5 µm".encode("latin-1"), "notes.txt", "text/plain"),
        ("\ufeffa;b".encode(), "notes.txt", "text/plain"),
        (XLSX, "list.xlsx", files._OFFICE + ".spreadsheetml.sheet"),
        (DOCX, "manual.docx", files._OFFICE + ".wordprocessingml.document"),
    ],
)
def test_document_is_kept_as_it_is(app: Flask, data: bytes, name: str, content_type: str) -> None:
    stored = keep_document(data, name)

    assert (stored.content_type, stored.original_name) == (content_type, name)
    assert (folder(app) / stored.key).read_bytes() == data


HOSTILE_DOCUMENTS: dict[str, tuple[Made, str]] = {
    "a page called text": (b"<!DOCTYPE html>" + SCRIPT, "notes.txt"),
    "a page after blanks": (b"\n\t <HTML>" + SCRIPT, "notes.txt"),
    "a page after a byte order mark": (b"\xef\xbb\xbf<html>" + SCRIPT, "notes.txt"),
    "script called text": (SCRIPT, "notes.txt"),
    "a page after a comment": (b"<!-- x --><html>" + SCRIPT, "notes.csv"),
    "a drawing called a table": (SVG, "rates.csv"),
    "XML with an entity": (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>', "rates.csv"),
    "UTF-16 that hides a page": ("<html>".encode("utf-16"), "notes.txt"),
    "a page": (b"<html>" + SCRIPT + b"</html>", "page.html"),
    "a drawing": (SVG, "drawing.svg"),
    "a script": (b"alert(1)", "script.js"),
    "a shell script": (b"#!/bin/sh\nrm -rf /\n", "run.sh"),
    "a program": (PROGRAM, "setup.exe"),
    "a program called a PDF": (PROGRAM, "data sheet.pdf"),
    "a program called text": (PROGRAM, "notes.txt"),
    "a Linux program called a sheet": (ELF, "list.xlsx"),
    "two endings": (PROGRAM, "data sheet.pdf.exe"),
    "no ending": (PDF, "data sheet"),
    "only an ending": (PDF, ".pdf"),
    "a PDF called text": (PDF, "notes.txt"),
    "a PDF cut short": (PDF[:30], "data sheet.pdf"),
    "a PDF behind a page": (b"<html>" + SCRIPT + PDF, "data sheet.pdf"),
    "a PDF before an archive": (PDF + DOCX, "data sheet.pdf"),
    "a PDF that runs script": (
        PDF.replace(b"/Catalog", b"/Catalog /OpenAction << /S /JavaScript /JS (x) >>"),
        "data sheet.pdf",
    ),
    "a PDF that starts a program": (
        PDF.replace(b"/Catalog", b"/Catalog /OpenAction << /S /Launch /F (x.exe) >>"),
        "data sheet.pdf",
    ),
    "an archive called a document": (archive({"a.txt": b"x"}), "manual.docx"),
    "a sheet called a document": (XLSX, "manual.docx"),
    "a document with macros": (
        archive({"word/document.xml": b"<w/>", "word/vbaProject.bin": b"x"}),
        "manual.docx",
    ),
    "macros in capitals": (
        archive({"word/document.xml": b"<w/>", "word/VBAPROJECT.BIN": b"x"}),
        "manual.docx",
    ),
    "macros by content type": (
        archive(
            {
                "[Content_Types].xml": b"application/vnd.ms-word.document.macroEnabled.main+xml",
                "word/document.xml": b"<w/>",
            }
        ),
        "manual.docx",
    ),
    "a sheet with old macros": (
        archive({"xl/workbook.xml": b"<w/>", "xl/macrosheets/sheet1.xml": b"<x/>"}),
        "list.xlsx",
    ),
    "a document with a control": (
        archive({"word/document.xml": b"<w/>", "word/activeX/activeX1.bin": b"x"}),
        "manual.docx",
    ),
    "a document with an object in it": (
        archive({"word/document.xml": b"<w/>", "word/embeddings/oleObject1.bin": PROGRAM}),
        "manual.docx",
    ),
    "a bomb of zeros": (
        lambda: archive({"word/document.xml": b"<w/>", "word/media/x": bytes(110 * 1024 * 1024)}),
        "manual.docx",
    ),
    "a bomb of many": (
        lambda: archive({"word/document.xml": b"", **{f"word/{n}": b"" for n in range(2100)}}),
        "manual.docx",
    ),
    "paths out of the archive": (
        archive({"word/document.xml": b"<w/>", "../../etc/cron.d/x": b"x"}),
        "manual.docx",
    ),
    "a program before the archive": (PROGRAM + DOCX, "manual.docx"),
    "a page before the archive": (b"<html>" + SCRIPT + DOCX, "manual.docx"),
    "an archive cut short": (DOCX[:-30], "manual.docx"),
    "too large": (b"a" * (files.MOST_DOCUMENT_BYTES + 1), "notes.txt"),
    "nothing": (b"", "data sheet.pdf"),
}


def test_enough_hostile_files_are_tried() -> None:
    assert len(HOSTILE_PICTURES) + len(HOSTILE_DOCUMENTS) >= 60


@pytest.mark.parametrize("kind", HOSTILE_DOCUMENTS)
def test_hostile_document_is_refused(app: Flask, kind: str) -> None:
    made, name = HOSTILE_DOCUMENTS[kind]
    data = made() if callable(made) else made

    with pytest.raises(Invalid) as refusal:
        keep_document(data, name)

    assert refusal.value.field == "file"
    assert names(app) == set()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\ana\\notes.txt", "C Users ana notes.txt"),
        ('a"b<c>|?.txt', "abc.txt"),
        ("line\r\nbreak.txt", "linebreak.txt"),
        ("\u202etxt.exe.txt", "txt.exe.txt"),
        ("x" * 300 + ".txt", ("x" * 300 + ".txt")[-200:]),
    ],
)
def test_names_of_files_are_harmless(given: str, kept: str) -> None:
    assert keep_document(b"a", given).original_name.replace(" ", "") == kept.replace(" ", "")


# Reading and removing


def test_documents_are_downloads_that_no_browser_interprets(app: Flask) -> None:
    stored = keep_document(b"plain", "no\u00eftes.txt")
    with app.test_request_context():
        response = files.send_stored_file(stored, is_public=False)
        response.direct_passthrough = False
        assert response.data == b"plain"
        app.process_response(response)
        response.close()

    assert response.headers["Content-Disposition"].startswith("attachment;")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["Cache-Control"] == "private, no-cache"


def test_pictures_are_shown_and_have_a_small_copy(app: Flask) -> None:
    stored = keep_image(picture())
    sizes = []
    for is_small in (False, True):
        with app.test_request_context():
            response = files.send_stored_file(stored, is_small=is_small, is_public=True)
            response.direct_passthrough = False
            sizes.append(len(response.data))
            response.close()
            assert not response.headers["Content-Disposition"].startswith("attachment")
            assert response.mimetype == "image/webp"

    assert sizes[1] < sizes[0]


def test_file_whose_bytes_are_lost_is_not_there(app: Flask) -> None:
    stored = keep_document(b"plain", "notes.txt")
    (folder(app) / stored.key).unlink()

    with app.test_request_context(), pytest.raises(NotFound):
        files.send_stored_file(stored, is_public=True)


@pytest.mark.parametrize(
    "make", [lambda: keep_image(picture()), lambda: keep_document(PDF, "a.pdf")]
)
def test_bytes_go_once_the_deletion_is_committed(
    app: Flask, make: Callable[[], StoredFile]
) -> None:
    stored = make()
    kept = names(app)
    with unit_of_work():
        files.remove_file(stored)
        session.flush()
        assert names(app) == kept

    assert names(app) == set()


def test_bytes_stay_when_the_deletion_is_refused(app: Flask) -> None:
    stored = keep_document(PDF, "a.pdf")
    kept = names(app)

    def remove_and_refuse() -> None:
        with unit_of_work():
            files.remove_file(stored)
            session.flush()
            raise Invalid("x", "no")

    with pytest.raises(Invalid):
        remove_and_refuse()
    with unit_of_work():
        pass  # another command commits later

    assert names(app) == kept
    assert session.get(StoredFile, stored.id) is not None


def test_bytes_stay_when_a_part_of_a_command_is_undone(app: Flask) -> None:
    stored = keep_document(PDF, "a.pdf")
    kept = names(app)
    with unit_of_work():
        nested = session.begin_nested()
        files.remove_file(stored)
        session.flush()
        nested.rollback()

    assert names(app) == kept


def test_bytes_of_a_new_file_go_when_its_command_is_refused(app: Flask) -> None:
    def keep_and_refuse() -> None:
        with unit_of_work():
            files.store_document(upload(PDF, "a.pdf"), field="file", user_id=None)
            files.store_image(upload(picture(), "a.jpg"), field="file", user_id=None)
            session.flush()
            raise Invalid("x", "no")

    with pytest.raises(Invalid):
        keep_and_refuse()

    assert names(app) == set()
