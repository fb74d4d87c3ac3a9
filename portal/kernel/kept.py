"""Answers to visitors that are kept while nothing changes, and revalidated without being made anew.

For requests that say nothing about a person, of views that allow it. Any write to the database, by
whichever process, ends what is kept; a minute does too, since pages say how long ago things were.
"""

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from flask import Flask, current_app, has_request_context, request

from portal.kernel.clock import now
from portal.kernel.database import is_writing
from portal.kernel.outside import Reader

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Headers: TypeAlias = list[tuple[str, str]]
T = TypeVar("T")

KEPT_SECONDS = 60
_FLAG = "portal.may_be_kept"
_VERSION = "portal.version"
_LONGEST_KEY = 2_000
_OF_THE_BODY = frozenset({"content-length", "content-type"})


def keep_answer(is_for: Callable[[str], bool] | None = None) -> None:
    """Say that this answer may be kept for everybody who asks without a session.

    It must depend on nothing but the address, the language, the time to the minute, the database
    and the search index; and asking must leave no trace. is_for: tells of the network address of
    somebody who asks again whether that is so for them; for others the answer is made anew.
    """
    request.environ[_FLAG] = (request.endpoint, is_for)


def while_unwritten(key: Hashable, make: Callable[[], T]) -> T:
    """Return what `make` returned for the key since anything was last written to the database.

    For few, small things that every page needs and that are the same for everybody.
    """
    version = request.environ.get(_VERSION) if has_request_context() else None
    if version is None or is_writing():
        return make()
    return _answers().unwritten.get(version, key, make)


def for_a_minute(key: Hashable, make: Callable[[], T], renew: Callable[[T], T] | None = None) -> T:
    """Return what `make` returned for the key in this minute, whatever was written meanwhile.

    For what set-up alone writes, such as the names of places. renew: makes it from what it was the
    minute before, if it was.
    """
    answers = _answers()
    if not answers.is_keeping:
        return make()
    return answers.of_minute.get(int(now().timestamp() // KEPT_SECONDS), key, make, renew)


def _answers() -> "KeptAnswers":
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    found: KeptAnswers = app.extensions["portal-kept"]
    return found


_NOTHING = object()


class Values:
    """Values by key that hold for one version: the first of another version ends them.

    most: so many are kept; one more ends the others. are_renewed: those of the version before are
    kept as well, for whoever makes the new ones.
    """

    def __init__(self, most: int = 1000, *, are_renewed: bool = False) -> None:
        self._most = most
        self._are_renewed = are_renewed
        self._before: dict[Hashable, Any] = {}
        self._lock = threading.Lock()
        self._version: object = None
        self._values: dict[Hashable, Any] = {}

    def get(
        self,
        version: object,
        key: Hashable,
        make: Callable[[], T],
        renew: Callable[[T], T] | None = None,
    ) -> T:
        """Return the value of a key in this version, made if it is new, or renewed."""
        value = self.find(version, key, _NOTHING)
        if value is _NOTHING:
            before = self._before.get(key, _NOTHING) if renew else _NOTHING
            value = make() if renew is None or before is _NOTHING else renew(before)
            self.put(version, key, value)
        return cast(T, value)

    def find(self, version: object, key: Hashable, otherwise: object) -> Any:
        """Return the value of a key in this version, or else something else."""
        with self._lock:
            if self._version != version:
                self._version = version
                if self._are_renewed:
                    self._before = self._values
                self._values = {}
            return self._values.get(key, otherwise)

    def put(self, version: object, key: Hashable, value: object) -> None:
        """Keep the value of a key in this version, if it still holds."""
        with self._lock:
            if self._version == version:
                if len(self._values) >= self._most:
                    self._values.clear()
                self._values[key] = value


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer; `version` and `until` say how long it holds."""

    version: object
    until: float
    endpoint: str
    is_for: Callable[[str], bool] | None
    etag: str
    headers: Headers
    body: bytes


class KeptAnswers:
    """Stands before the app. `allows` counts a request by address and endpoint, as the app does."""

    def __init__(self, app: Flask, allows: Callable[[str, str], bool]) -> None:
        self._inner: WSGIApplication = app.wsgi_app
        self._allows = allows
        self._most_bytes = app.config["KEPT_ANSWERS_MEGABYTES"] * 1024 * 1024
        self._database: Reader = app.extensions["portal-reader"]
        self._index = str(Path(app.instance_path) / "index" / "CURRENT")
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, ...], Kept] = OrderedDict()
        self._bytes = 0
        self.unwritten = Values()
        self.of_minute = Values(are_renewed=True)
        app.extensions["portal-kept"] = self

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if not self._most_bytes or environ["REQUEST_METHOD"] != "GET":
            if self._most_bytes and environ["REQUEST_METHOD"] == "HEAD" and _key(environ):
                return self._without_body(environ, start_response)
            return self._inner(environ, start_response)
        # Read before the request reads anything else, or older things would be kept for newer ones.
        version = environ[_VERSION] = self._version()
        key = _key(environ)
        if key is None or version is None:
            return self._inner(environ, start_response)
        kept, address = self._find(key, version), environ.get("REMOTE_ADDR", "")
        if (
            kept is not None
            and (kept.is_for is None or kept.is_for(address))
            and self._allows(address, kept.endpoint)
        ):
            return _answer(kept, environ, start_response)
        return self._make(key, version, environ, start_response)

    def _without_body(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer as if all of it was asked for, since the body says what stands in the headers."""
        pieces = self({**environ, "REQUEST_METHOD": "GET"}, start_response)
        if hasattr(pieces, "close"):
            pieces.close()
        return []

    def close(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._bytes = 0
        self._database.close()

    @property
    def is_keeping(self) -> bool:
        """Tell whether anything is kept at all."""
        return self._most_bytes > 0

    def _version(self) -> object:
        """Return something that differs after every write, or None if nobody knows."""
        version = self._database.version()
        if version is None:
            return None
        try:
            # A rebuild swaps the index without writing to the database.
            # At every request, where the paths of pathlib would take longer than the look.
            return version, os.stat(self._index).st_mtime_ns  # noqa: PTH116
        except OSError:
            return version, 0

    def _find(self, key: tuple[str, ...], version: object) -> Kept | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.version != version or kept.until < now().timestamp():
                return None
            self._kept.move_to_end(key)
            return kept

    def _make(
        self,
        key: tuple[str, ...],
        version: object,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
    ) -> Iterable[bytes]:
        until = now().timestamp() + KEPT_SECONDS
        said: list[tuple[str, Headers]] = []

        def note(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
            if exc_info:
                return start_response(status, headers, exc_info)
            said.append((status, headers))
            return _refuse_to_write

        pieces = self._inner(environ, note)
        # Flask says the status and the headers before it returns the body.
        status, headers = said[-1]
        endpoint, is_for = environ.get(_FLAG, (None, None))
        if endpoint is None or not status.startswith("200") or _has(headers, "set-cookie"):
            start_response(status, headers)
            return pieces
        try:
            body = b"".join(pieces)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
        # Processors have instructions for this hash, so that it is the fastest of a whole page.
        etag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
        kept = Kept(version, until, endpoint, is_for, etag, _for_everybody(headers, etag), body)
        self._keep(key, kept)
        return _answer(kept, environ, start_response)

    def _keep(self, key: tuple[str, ...], kept: Kept) -> None:
        with self._lock:
            older = self._kept.pop(key, None)
            self._bytes += len(kept.body) - (len(older.body) if older else 0)
            self._kept[key] = kept
            while self._bytes > self._most_bytes:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= len(dropped.body)


def _key(environ: "WSGIEnvironment") -> tuple[str, ...] | None:
    """Return what such an answer depends on, or None if it could be a person's own."""
    if "HTTP_AUTHORIZATION" in environ:
        return None
    cookie = environ.get("HTTP_COOKIE", "")
    # The choice of language is no person's secret; any other cookie may be.
    if cookie and (not cookie.startswith("language=") or ";" in cookie or len(cookie) > 20):
        return None
    key = (
        environ.get("PATH_INFO", ""),
        environ.get("QUERY_STRING", ""),
        environ.get("HTTP_ACCEPT_LANGUAGE", ""),
        cookie,
        environ.get("HTTP_HOST", ""),
        environ.get("SCRIPT_NAME", ""),
        environ["wsgi.url_scheme"],
    )
    return key if sum(map(len, key)) < _LONGEST_KEY else None


def _for_everybody(headers: Headers, etag: str) -> Headers:
    replaced = ("cache-control", "etag", "vary")
    return [said for said in headers if said[0].lower() not in replaced] + [
        ("Cache-Control", "public, max-age=0, must-revalidate"),
        ("Vary", "Cookie, Accept-Language"),
        ("ETag", etag),
    ]


def _answer(
    kept: Kept, environ: "WSGIEnvironment", start_response: "StartResponse"
) -> Iterable[bytes]:
    # Weak comparison, by containment: proxies that compress make the tag weak.
    if kept.etag in environ.get("HTTP_IF_NONE_MATCH", ""):
        start_response(
            "304 NOT MODIFIED",
            [(name, value) for name, value in kept.headers if name.lower() not in _OF_THE_BODY],
        )
        return [b""]
    start_response("200 OK", list(kept.headers))
    return [kept.body]


def _has(headers: Headers, wanted: str) -> bool:
    return wanted in [name.lower() for name, _ in headers]


def _refuse_to_write(_octets: bytes) -> object:
    raise RuntimeError("answers are returned, not written")
