"""Takes requests from Granian and gives them to the app whole, so that nobody slow holds up others.

A process answers one request after the other. What comes slowly, and what is taken slowly, is
waited for beside that: else three people on bad lines, or one who means harm, would stop them all.
"""

import asyncio
import io
import logging
import sys
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from granian.rsgi import HTTPProtocol, ProtocolClosed, Scope

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

Headers: TypeAlias = list[tuple[str, str]]

log = logging.getLogger(__name__)

#: So long a body may take to come, and so long it is waited for a long answer to be taken.
BODY_SECONDS = 300
TAKING_SECONDS = 600
#: So much of bodies that come and of long answers may be in memory at a time.
MOST_HELD_BYTES = 256 * 1024 * 1024
LONG_BYTES = 1024 * 1024
_SAME_FOR_ALL: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": False,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


class Server:
    """A WSGI app as Granian asks it; `most_bytes`: no body that is longer is read to its end."""

    def __init__(self, app: "WSGIApplication", most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._held_bytes = 0

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request."""
        environ, body = _environ_of(scope), bytearray()
        try:
            if self._comes_with_body(environ):
                async with asyncio.timeout(BODY_SECONDS):
                    await self._read(protocol, body)
                environ["CONTENT_LENGTH"] = str(len(body))
            environ["wsgi.input"] = io.BytesIO(body)
            await self._answer(environ, protocol)
        except TimeoutError:
            protocol.response_empty(408, [])
        except _Full:
            protocol.response_empty(503, [("Retry-After", "10")])
        except ProtocolClosed:
            log.info("whoever asked has gone")
        finally:
            self._held_bytes -= len(body)

    def _comes_with_body(self, environ: "WSGIEnvironment") -> bool:
        """Tell whether there is a body to read; one that says it is too long the app refuses."""
        if "HTTP_TRANSFER_ENCODING" in environ:
            return True
        length = environ.get("CONTENT_LENGTH", "0")
        return length.isdecimal() and 0 < int(length) <= self._most_bytes

    async def _read(self, protocol: HTTPProtocol, body: bytearray) -> None:
        """Read a body, of one that is too long so much that the app will refuse it."""
        async for piece in protocol:
            self._check_room()
            body += piece
            self._held_bytes += len(piece)
            if len(body) > self._most_bytes:
                return

    async def _answer(self, environ: "WSGIEnvironment", protocol: HTTPProtocol) -> None:
        said: list[tuple[int, Headers]] = []

        def begin(status: str, headers: Headers, _error: object = None) -> Any:
            said.append((int(status[:3]), headers))
            return _refuse_to_write

        pieces = self._app(environ, begin)
        try:
            # Granian would keep what is sent in pieces as well, until somebody has taken it.
            body = b"".join(pieces)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
        status, headers = said[-1]
        if len(body) < LONG_BYTES:
            protocol.response_bytes(status, headers, body)
            return
        self._check_room()
        self._held_bytes += len(body)
        try:
            # Of one that is sent whole nobody would hear when it is taken, nor of one after which
            # the connection goes on.
            transport = protocol.response_stream(status, [*headers, ("Connection", "close")])
            # The last octet apart: had the end of the answer come along with all of it, the client
            # would seem to have gone before it has taken anything.
            await transport.send_bytes(body[:-1])
            await transport.send_bytes(body[-1:])
            del transport
            with suppress(TimeoutError):
                async with asyncio.timeout(TAKING_SECONDS):
                    await protocol.client_disconnect()
        finally:
            self._held_bytes -= len(body)

    def _check_room(self) -> None:
        if self._held_bytes > MOST_HELD_BYTES:
            raise _Full


class _Full(Exception):
    """Raised where no more may be kept in memory."""


def _refuse_to_write(_octets: bytes) -> object:
    raise RuntimeError("answers are returned, not written")


def _environ_of(scope: Scope) -> "WSGIEnvironment":
    """Return what WSGI says of a request."""
    path, query = scope.path, scope.query_string
    address, _, _port = scope.client.rpartition(":")
    host, _, port = scope.server.rpartition(":")
    environ = {
        **_SAME_FOR_ALL,
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": path if path.isascii() else path.encode().decode("latin-1"),
        "QUERY_STRING": query if query.isascii() else query.encode().decode("latin-1"),
        "REMOTE_ADDR": address.strip("[]"),
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "wsgi.url_scheme": scope.scheme,
    }
    for name, value in scope.headers.items():
        key = _name_of(name)
        if key is None:
            continue
        if key in environ:
            value = f"{environ[key]}{';' if key == 'HTTP_COOKIE' else ','} {value}"
        environ[key] = value
    if scope.authority:
        environ.setdefault("HTTP_HOST", scope.authority)
    # Granian leaves out what is not ASCII; whoever shows a wrong token is not to be taken for
    # somebody who shows none.
    if "HTTP_AUTHORIZATION" not in environ and "authorization" in scope.headers:
        environ["HTTP_AUTHORIZATION"] = ""
    return environ


@lru_cache(maxsize=500)
def _name_of(header: str) -> str | None:
    """Return WSGI's name of a header; None for one that would pass for another of a proxy's."""
    if "_" in header:
        return None
    name = header.upper().replace("-", "_")
    return name if name in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{name}"
