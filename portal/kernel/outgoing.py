"""Requests to addresses that people give: only to public hosts, checked where they are connected.

A name is looked up once and its address checked before a connection is made to that very address,
so that neither a redirect nor a name that changes its address leads into a private network.
"""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask_babel import lazy_gettext as _l

from portal.kernel.settings import setting

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PROBLEMS: Mapping[str, Any] = {
    "no_address": _l("this is no address"),
    "no_https": _l("only https is spoken"),
    "private_address": _l("the address is private"),
    "too_many_redirects": _l("it led on too often"),
    "unknown_name": _l("nobody knows the name"),
    "nobody_listens": _l("nobody listens there"),
    "broken_off": _l("the connection broke off"),
}
MOST_REDIRECTS = 3
LONGEST_URL = 500
_REACHED_IN_PUBLIC = ipaddress.ip_network("2000::/3")


class Refused(Exception):
    """An address that nothing is sent to; says why in a word of `PROBLEMS`."""


class Unreachable(Exception):
    """Nobody answered, or not in time; says why in a word of `PROBLEMS`."""


def check_url(url: str) -> None:
    """Raise Refused for an address that nothing would be sent to, as far as its words tell."""
    scheme, host, _port, _target = _parts(url)
    if scheme == "http" and not _own_networks():
        raise Refused("no_https")
    with contextlib.suppress(ValueError):
        if not _may_reach(ipaddress.ip_address(host), is_plain=scheme == "http"):
            raise Refused("private_address")
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        raise Refused("private_address")


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Send a body and return the status of the answer, of which nothing else is read.

    Follows redirects that ask for the same again (307, 308). Raises Refused for a private address,
    Unreachable where there is no answer in OUTGOING_SECONDS.
    """
    end = time.monotonic() + setting("OUTGOING_SECONDS")
    for _hop in range(MOST_REDIRECTS + 1):
        status, location = _post_once(url, body, headers, end)
        if status not in (307, 308) or not location:
            return status
        try:
            url = urljoin(url, location)
        except ValueError as error:
            raise Refused("no_address") from error
    raise Refused("too_many_redirects")


def _post_once(
    url: str, body: bytes, headers: Mapping[str, str], end: float
) -> tuple[int, str | None]:
    scheme, host, port, target = _parts(url)
    sock = _connect(host, port, is_plain=scheme == "http", end=end)
    try:
        with _ended_at(sock, end):
            connection = http.client.HTTPConnection(host, port)
            if scheme == "https":
                connection.default_port = 443
                context = ssl.create_default_context()
                sock = context.wrap_socket(sock, server_hostname=host)
            else:
                connection.default_port = 80
            connection.sock = sock
            connection.request("POST", target, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable("broken_off") from error
    finally:
        sock.close()


def _connect(host: str, port: int, *, is_plain: bool, end: float) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable("unknown_name") from error
    reachable = [entry for entry in found if _may_reach(_address_of(entry[4]), is_plain=is_plain)]
    if not reachable:
        raise Refused("private_address")
    for family, kind, protocol, _name, address in reachable:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(max(0.1, end - time.monotonic()))
            sock.connect(address)
        except OSError:
            sock.close()
            continue
        return sock
    raise Unreachable("nobody_listens")


@contextlib.contextmanager
def _ended_at(sock: socket.socket, end: float) -> Iterator[None]:
    """End a connection in time, also one whose other end sends a byte now and then."""

    def hang_up() -> None:
        with contextlib.suppress(OSError):
            raw.shutdown(socket.SHUT_RDWR)

    # The socket may be taken over by one that encrypts; this one stays what it is.
    raw = sock.dup()
    timer = threading.Timer(max(0.0, end - time.monotonic()), hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        raw.close()


def _parts(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and target of an address. Raises Refused for odd ones."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = (parts.hostname or "").rstrip(".")
    except ValueError as error:
        raise Refused("no_address") from error
    is_odd = parts.scheme not in ("http", "https") or "@" in parts.netloc or not host
    if (
        is_odd
        or not url.isascii()
        or len(url) > LONGEST_URL
        or any(ord(letter) < 33 for letter in url)
    ):
        raise Refused("no_address")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port, target


def _own_networks() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    listed = setting("OUTGOING_NETWORKS").split(",")
    return [ipaddress.ip_network(text.strip()) for text in listed if text.strip()]


def _address_of(entry: tuple[object, ...]) -> Address:
    return ipaddress.ip_address(str(entry[0]).partition("%")[0])


def _may_reach(address: Address, *, is_plain: bool) -> bool:
    if any(address in network for network in _own_networks()):
        return True
    if is_plain or not address.is_global or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        # Those that carry an IPv4 address inside could lead anywhere.
        carries = address.ipv4_mapped or address.sixtofour or address.teredo
        return address in _REACHED_IN_PUBLIC and not carries
    return not address.is_reserved
