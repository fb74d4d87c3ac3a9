"""Files that people upload: accepted by content, pictures re-encoded, kept under made-up names.

Who may read a file is decided by the record that it hangs on, never by its name.
"""

import datetime as dt
import io
import re
import secrets
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from flask import Response, current_app, send_file
from flask_babel import gettext as _
from PIL import Image, ImageOps
from sqlalchemy import CheckConstraint, ForeignKey, String, event
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.datastructures import FileStorage

from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, session
from portal.kernel.errors import Invalid, NotFound, PortalError

PHOTO_WIDTH = 1600
THUMBNAIL_WIDTH = 480
MEGABYTE = 1024 * 1024
MOST_DOCUMENT_BYTES = 10 * MEGABYTE
IMAGE_FORMATS = ("JPEG", "PNG", "WEBP")
_PICTURES = {f".{name.lower()}" for name in (*IMAGE_FORMATS, "JPG")}
IMAGE_ACCEPT = "image/jpeg,image/png,image/webp"
DOCUMENT_ACCEPT = ".pdf,.csv,.txt,.xlsx,.docx"


class StoredFile(Identified, Model):
    """A file in `INSTANCE_PATH/files`, by its made-up key; pictures also have a thumbnail."""

    __table_args__ = (CheckConstraint("byte_count >= 0", name="byte_count_not_negative"),)

    key: Mapped[str] = mapped_column(String(64), unique=True)
    content_type: Mapped[str] = mapped_column(String(100))
    original_name: Mapped[str] = mapped_column(String(200))
    byte_count: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )

    @property
    def is_image(self) -> bool:
        return self.content_type.startswith("image/")


def keep_file(
    upload: FileStorage | None,
    *,
    field: str,
    user_id: int | None,
    before_id: int | None = None,
) -> int | None:
    """Keep a picture or a document that a row hangs on, and return its id.

    before_id: the file that stood there, which goes; without an upload, it stays.
    Raises Invalid(field).
    """
    if upload is None:
        return before_id
    file = store_file(upload, field=field, user_id=user_id)
    if before_id is not None:
        remove_file(session.get_one(StoredFile, before_id))
    return file.id


def store_file(upload: FileStorage, *, field: str, user_id: int | None) -> StoredFile:
    """Keep a picture or a document, told apart by its name. Raises Invalid(field)."""
    suffix = "." + (upload.filename or "").rpartition(".")[2].lower()
    if suffix in _PICTURES:
        file = store_image(upload, field=field, user_id=user_id)
    else:
        refusal = _("Please choose a PDF, CSV, text, XLSX or DOCX file, or a picture.")
        file = store_document(upload, field=field, user_id=user_id, refusal=refusal)
    session.flush()
    return file


def store_image(upload: FileStorage, *, field: str, user_id: int | None) -> StoredFile:
    """Keep a photo: decoded, turned upright, scaled, re-encoded as WebP without its metadata.

    Raises Invalid(field) for what is not a picture or is too large.
    """
    data = upload.stream.read()
    picture = _decode(data, field)
    key = secrets.token_urlsafe(24)
    photo = _encode(picture, PHOTO_WIDTH)
    _write(key, photo)
    _write(f"{key}.small", _encode(picture, THUMBNAIL_WIDTH))
    scale = min(1.0, PHOTO_WIDTH / max(picture.size))
    return _row(
        key,
        "image/webp",
        upload.filename,
        len(photo),
        user_id,
        width=max(1, round(picture.width * scale)),
        height=max(1, round(picture.height * scale)),
    )


def store_document(
    upload: FileStorage, *, field: str, user_id: int | None, refusal: str = ""
) -> StoredFile:
    """Keep a document (PDF, CSV, text, XLSX, DOCX), known by its content and its name.

    Raises Invalid(field) for anything else, with `refusal` where other kinds would do as well.
    """
    data = upload.stream.read(MOST_DOCUMENT_BYTES + 1)
    if len(data) > MOST_DOCUMENT_BYTES:
        raise Invalid(field, _("Please choose a file of 10 MB at most."))
    suffix = Path(upload.filename or "").suffix.lower()
    looks_right, content_type = _DOCUMENTS.get(suffix, (None, ""))
    if looks_right is None or not looks_right(data):
        raise Invalid(field, refusal or _("Please choose a PDF, CSV, text, XLSX or DOCX file."))
    key = secrets.token_urlsafe(24)
    _write(key, data)
    return _row(key, content_type, upload.filename, len(data), user_id)


def send_stored_file(file: StoredFile, *, is_small: bool = False, is_public: bool) -> Response:
    """Answer with a file's content: pictures shown, everything else as a download."""
    path = _folder() / (f"{file.key}.small" if is_small and file.is_image else file.key)
    if not path.is_file():
        raise NotFound(_("This file is no longer here."))
    response = send_file(
        path,
        mimetype=file.content_type,
        as_attachment=not file.is_image,
        download_name=file.original_name,
        etag=f"{file.key}{'-small' if is_small else ''}",
    )
    response.headers["Cache-Control"] = (
        "public, max-age=86400" if is_public else "private, no-cache"
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def read_stored_file(file: StoredFile) -> bytes:
    """Return a file's content. Raises NotFound where its bytes are gone."""
    path = _folder() / file.key
    if not path.is_file():
        raise NotFound(_("This file is no longer here."))
    return path.read_bytes()


def remove_file(file: StoredFile) -> None:
    """Delete a file's row; its bytes go once the transaction is committed."""
    session.delete(file)


@event.listens_for(Session, "after_flush")
def _note_deleted(db_session: Session, _context: object) -> None:
    keys = [row.key for row in db_session.deleted if isinstance(row, StoredFile)]
    db_session.info.setdefault("deleted_files", []).extend(keys)


@event.listens_for(Session, "after_commit")
def _keep_written(db_session: Session) -> None:
    if not db_session.in_nested_transaction():
        db_session.info.pop("written_files", None)
        _remove_bytes(db_session.info.pop("deleted_files", ()))


@event.listens_for(Session, "after_soft_rollback")
def _undo_written(db_session: Session, _transaction: object) -> None:
    db_session.info.pop("deleted_files", None)
    _remove_bytes(db_session.info.pop("written_files", ()))


def _remove_bytes(keys: Iterable[str]) -> None:
    for key in keys:
        for name in (key, f"{key}.small"):
            (_folder() / name).unlink(missing_ok=True)


def _folder() -> Path:
    return Path(current_app.instance_path) / "files"


def _write(name: str, data: bytes) -> None:
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def _row(
    key: str,
    content_type: str,
    name: str | None,
    byte_count: int,
    user_id: int | None,
    **size: int,
) -> StoredFile:
    session().info.setdefault("written_files", []).append(key)
    clean = "".join(c for c in Path(name or "").name if c.isprintable() and c not in '\\/:"*?<>|')
    row = StoredFile(
        key=key,
        content_type=content_type,
        original_name=(clean or _("file"))[-200:],
        byte_count=byte_count,
        created_by_id=user_id,
        **size,
    )
    session.add(row)
    return row


def _decode(data: bytes, field: str) -> Image.Image:
    refusal = Invalid(field, _("Please choose a JPEG, PNG or WebP picture."))
    try:
        with warnings.catch_warnings():
            # A picture that Pillow calls a bomb is refused, not just warned of.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=IMAGE_FORMATS)
            if picture.width * picture.height > current_app.config["MAX_IMAGE_PIXELS"]:
                raise Invalid(field, _("This picture has too many pixels. Please scale it down."))
            picture.load()
            # Which way up it is, is known by now; the rest is dropped anyway, and cameras write
            # what Pillow cannot write again.
            picture.getexif()
            picture.info.pop("exif", None)
            return ImageOps.exif_transpose(picture).convert("RGB")
    except PortalError:
        raise
    except Exception as error:
        # Pillow raises whatever a damaged file leads it to.
        raise refusal from error


def _encode(picture: Image.Image, width: int) -> bytes:
    copy = picture.copy()
    copy.thumbnail((width, width), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    copy.save(out, "WEBP", quality=80, method=4)
    return out.getvalue()


def _is_pdf(data: bytes) -> bool:
    """Take a PDF with nothing behind its end, and no script or program that opening it starts."""
    _before, end, tail = data[-2048:].rpartition(b"%%EOF")
    is_whole = data.startswith(b"%PDF-") and bool(end) and not tail.strip(b"\0\r\n\t ")
    return is_whole and b"/JavaScript" not in data and b"/Launch" not in data


def _is_text(data: bytes) -> bool:
    if b"\x00" in data:
        return False
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return not text.lstrip().lower().startswith(("<", "%pdf"))


def _is_office(member: str) -> Callable[[bytes], bool]:
    def check(data: bytes) -> bool:
        if not data.startswith(b"PK\x03\x04"):
            return False
        try:
            with ZipFile(io.BytesIO(data)) as archive:
                entries = archive.infolist()
                size = sum(entry.file_size for entry in entries)
                names = {entry.filename for entry in entries}
                if len(entries) > 2000 or size > 100 * 1024 * 1024 or member not in names:
                    return False
                kinds = archive.read(_KINDS) if _KINDS in names else b""
        except (BadZipFile, ValueError, OSError, RuntimeError, zlib.error):
            return False
        return b"macroEnabled" not in kinds and not any(map(_is_active, names))

    return check


def _is_active(name: str) -> bool:
    """Tell whether a part of an office document could run something or leave its place."""
    return bool(_ACTIVE_PART.search(name)) or ".." in name.split("/") or name.startswith("/")


_ACTIVE_PART = re.compile(
    r"vbaproject\.bin$|macrosheets/|activex/|embeddings/.*\.bin$", re.IGNORECASE
)
_KINDS = "[Content_Types].xml"
_OFFICE = "application/vnd.openxmlformats-officedocument"
_DOCUMENTS: Mapping[str, tuple[Any, str]] = {
    ".pdf": (_is_pdf, "application/pdf"),
    ".csv": (_is_text, "text/csv"),
    ".txt": (_is_text, "text/plain"),
    ".json": (_is_text, "text/plain"),
    ".jsonld": (_is_text, "text/plain"),
    ".xlsx": (_is_office("xl/workbook.xml"), f"{_OFFICE}.spreadsheetml.sheet"),
    ".docx": (_is_office("word/document.xml"), f"{_OFFICE}.wordprocessingml.document"),
}
