"""A real mail server for tests: takes every message on a loopback port and keeps it in memory."""

import socket
import threading
from asyncio import AbstractServer
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True)
class Delivery:
    """One message with the addresses that the sender gave to the server, which headers may hide."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain",))
        return part.get_content() if part else ""

    @property
    def html(self) -> str:
        part = self.message.get_body(("html",))
        return part.get_content() if part else ""


class MailServer:
    """What came in, and whether the server accepts anything at the moment."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        #: An SMTP answer such as "451 Try again later" to give instead of taking a message.
        self.refusal: str | None = None
        self._arrival = threading.Condition()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._controller = _ControllerOfSocket(self, self._socket, self.port)

    @property
    def url(self) -> str:
        """As the setting MAIL_URL takes it."""
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    def clear(self) -> None:
        self.refusal = None
        with self._arrival:
            self.deliveries.clear()

    def to(self, address: str) -> list[Delivery]:
        return [delivery for delivery in self.deliveries if address in delivery.recipients]

    def wait_for(self, count: int, timeout_seconds: float = 10) -> list[Delivery]:
        """Waits until so many messages came in; fails with their subjects when they do not come."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self.deliveries) >= count, timeout_seconds):
                subjects = [delivery.subject for delivery in self.deliveries]
                pytest.fail(f"Expected {count} messages, got {len(subjects)}: {subjects}")
            return list(self.deliveries)

    async def handle_DATA(  # noqa: N802 (the name that aiosmtpd calls)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.refusal:
            return self.refusal
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        delivery = Delivery(envelope.mail_from or "", tuple(envelope.rcpt_tos), message)
        with self._arrival:
            self.deliveries.append(delivery)
            self._arrival.notify_all()
        return "250 OK"


class _ControllerOfSocket(Controller):
    """Serves a socket that is bound already, so no other process can take the port in between."""

    def __init__(self, handler: MailServer, bound: socket.socket, port: int) -> None:
        super().__init__(handler, hostname="127.0.0.1", port=port)
        self._bound = bound

    def _create_server(self) -> Coroutine[Any, Any, AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._bound)


@pytest.fixture(scope="session")
def _mail_server() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mail_server(_mail_server: MailServer) -> Iterator[MailServer]:
    """A mail server with nothing in it; point MAIL_URL at `mail_server.url`."""
    _mail_server.clear()
    yield _mail_server
    _mail_server.clear()
