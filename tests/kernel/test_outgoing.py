"""Requests to addresses that people give reach public hosts, and nobody's private network."""

import socket
import ssl
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal.kernel.outgoing import Refused, Unreachable, check_url, post
from tests.support.listener import Listen, ok, redirect


def test_a_body_arrives_where_it_may(listen: Listen, reach: Callable[[str], None]) -> None:
    reach("127.0.0.0/8")
    listener = listen(ok)

    assert post(f"{listener.url}/hook?x=1", b"hello", {"X-Kind": "test"}) == 204
    assert listener.heard == [("/hook?x=1", b"hello")]


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *(
            "0.0.0.1",
            "100.64.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
        ),
        *("::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "::ffff:10.0.0.1"),
        *("64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::", "::10.0.0.1", "2001:db8::1"),
    ],
)
def test_a_name_that_leads_into_a_private_network_is_refused(
    app: Flask, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    entry = (family, socket.SOCK_STREAM, 6, "", (address, 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: [entry])

    with pytest.raises(Refused):
        post("https://hook.example/", b"", {})


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_are_not_refused(app: Flask, address: str) -> None:
    check_url(f"https://[{address}]/" if ":" in address else f"https://{address}/")


def test_a_name_is_looked_up_once_so_it_cannot_change_in_between(
    listen: Listen, reach: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebinding: the address that was checked is the one that is connected."""
    reach("127.0.0.1/32")
    listener, inside = listen(ok), listen(ok, "127.0.0.2")
    looked_up: list[str] = []
    real = socket.getaddrinfo

    def rebind(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        looked_up.append(host)
        return real("127.0.0.1" if len(looked_up) == 1 else "127.0.0.2", port, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    port = listener.server.server_address[1]
    assert post(f"http://rebind.example:{port}/", b"x", {}) == 204
    assert looked_up == ["rebind.example"]
    with pytest.raises(Refused):
        post(f"http://rebind.example:{inside.server.server_address[1]}/", b"x", {})
    assert inside.heard == []


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_into_a_private_network_is_refused(
    listen: Listen, reach: Callable[[str], None], status: int
) -> None:
    reach("127.0.0.1/32")
    inside = listen(ok, "127.0.0.2")
    outside = listen(redirect(status, f"{inside.url}/admin"))

    with pytest.raises(Refused):
        post(outside.url, b"x", {})
    assert len(outside.heard) == 1
    assert inside.heard == []


def test_a_redirect_within_what_may_be_reached_is_followed_but_not_for_ever(
    listen: Listen, reach: Callable[[str], None]
) -> None:
    reach("127.0.0.0/8")
    last = listen(ok)
    assert post(listen(redirect(308, f"{last.url}/there")).url, b"x", {}) == 204
    assert last.heard == [("/there", b"x")]
    # Others ask for another method, so they are an answer like any.
    assert post(listen(redirect(302, last.url)).url, b"x", {}) == 302
    round_and_round = listen(redirect(307, "/"))
    with pytest.raises(Refused):
        post(round_and_round.url, b"x", {})


def test_a_redirect_to_what_is_no_address_is_refused(
    listen: Listen, reach: Callable[[str], None]
) -> None:
    reach("127.0.0.0/8")
    with pytest.raises(Refused, match="no_address"):
        post(listen(redirect(307, "https://[")).url, b"x", {})


#: A certificate that signs itself, with its key; nothing but this test trusts it.
CERTIFICATE = Path(__file__).parent.parent / "support" / "hook.example.pem"


@pytest.mark.parametrize(
    ("host", "is_trusted", "arrives"),
    [
        ("hook.example", True, True),
        ("hook.example", False, False),
        ("other.example", True, False),
    ],
)
def test_https_is_spoken_with_whom_the_certificate_names(
    listen: Listen,
    reach: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    is_trusted: bool,
    arrives: bool,
) -> None:
    reach("127.0.0.1/32")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    listener = listen(ok, certificate=context)
    port = listener.server.server_address[1]
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _host, *args, **more: real("127.0.0.1", *args, **more)
    )
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    if arrives:
        assert post(f"https://{host}:{port}/", b"x", {}) == 204
    else:
        with pytest.raises(Unreachable, match="broken_off"):
            post(f"https://{host}:{port}/", b"x", {})
    assert len(listener.heard) == arrives


@pytest.mark.parametrize(
    "url",
    [
        *("http://hook.example/", "ftp://hook.example/", "https://", "https://a@hook.example/"),
        *("https://hook.example:99999/", "https://[::1]/", "https://127.0.0.1/", "file:///etc"),
        *("https://localhost/", "https://printer.local/", "https://hook.example/ x"),
        *("https://häok.example/", "https://10.0.0.1:8443/", "https://hook.example./\r\nX: y"),
        "https://hook.example/" + "x" * 600,
    ],
)
def test_odd_addresses_are_refused_by_their_words(app: Flask, url: str) -> None:
    with pytest.raises(Refused):
        check_url(url)


def test_without_an_answer_in_time_it_ends(
    listen: Listen, reach: Callable[[str], None], app: Flask
) -> None:
    """Also where the other end sends a byte now and then."""
    reach("127.0.0.0/8")
    app.config["OUTGOING_SECONDS"] = 0.4

    def drip(handler: BaseHTTPRequestHandler) -> None:
        for _turn in range(100):
            try:
                handler.wfile.write(b"H")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)

    with pytest.raises(Unreachable):
        post(listen(drip).url, b"x", {})


def test_where_nobody_listens_it_is_unreachable(
    reach: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    reach("127.0.0.0/8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unreachable):
        post(f"http://127.0.0.1:{port}/", b"x", {})

    def unknown(*_args: Any, **_more: Any) -> Any:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable):
        post("https://no-such-name.example/", b"x", {})
