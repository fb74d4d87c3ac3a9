"""The test's app as a live server on this machine, with a worker beside it.

Whatever a test does in a browser meets the whole portal: CSRF, cookies, mails, the search index.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext
from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

from portal.kernel.database import session
from portal.kernel.mail import OutgoingMail
from portal.kernel.outbox import OutboxDelivery
from portal.kernel.worker import Worker
from tests.cast import token_of

PATIENCE_SECONDS = 30


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep the tests' output free of a line for each request."""


@dataclass(frozen=True)
class LiveServer:
    """The portal under an address, as a person or a program reaches it."""

    app: Flask
    url: str

    def cookie_of(self, name: str) -> dict[str, str]:
        """Return the session cookie of a member of the cast, for `context.add_cookies`."""
        serializer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
        return {
            "name": cast(str, self.app.config["SESSION_COOKIE_NAME"]),
            "value": serializer.dumps({"_user_id": token_of(name), "_fresh": True}),
            "url": self.url,
        }

    def sign_in(self, context: BrowserContext, name: str) -> None:
        """Sign a browser in as a member of the cast; "nobody" stays a visitor."""
        context.clear_cookies()
        if name != "nobody":
            context.add_cookies([self.cookie_of(name)])  # type: ignore[list-item]

    def settle(self) -> None:
        """Wait until the worker has done everything that is due: mails written, index followed."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            session.rollback()
            waiting = session.scalars(
                select(OutboxDelivery).where(OutboxDelivery.done_at.is_(None))
            ).first()
            error = waiting.last_error if waiting is not None else None
            session.rollback()
            if error is not None:
                raise AssertionError(f"a delivery failed: {error}")
            if waiting is None:
                return
            time.sleep(0.05)
        raise AssertionError("the worker does not come to an end")

    def link_in_mail(self, recipient: str, part: str) -> str:
        """Return the newest link with `part` in it that was mailed to somebody."""
        self.settle()
        session.rollback()
        bodies = session.scalars(
            select(OutgoingMail.body_text)
            .where(OutgoingMail.recipient == recipient)
            .order_by(OutgoingMail.id.desc())
        ).all()
        session.rollback()
        for body in bodies:
            for link in re.findall(r"https?://[^\s<>()]+", body):
                if part in link:
                    return cast(str, link)
        raise AssertionError(f"no mail to {recipient} has a link with {part}")


@pytest.fixture
def live_server(app: Flask, indexed: None) -> Iterator[LiveServer]:
    """The cast's world behind a real address, indexed, with CSRF on and a worker at work."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    url = f"http://127.0.0.1:{server.port}"
    before = {name: app.config[name] for name in ("WTF_CSRF_ENABLED", "PUBLIC_URL")}
    app.config.update(WTF_CSRF_ENABLED=True, PUBLIC_URL=url)
    stop = threading.Event()
    worker = Worker(app, {})

    def work() -> None:
        while not stop.is_set():
            with app.app_context():
                did = worker.run_once()
            if not did:
                stop.wait(app.config["WORKER_PAUSE_SECONDS"])

    threads = [threading.Thread(target=server.serve_forever), threading.Thread(target=work)]
    for thread in threads:
        thread.start()
    yield LiveServer(app, url)
    stop.set()
    server.shutdown()
    for thread in threads:
        thread.join()
    server.server_close()
    app.config.update(before)


@pytest.fixture
def sign_in(live_server: LiveServer) -> Callable[[BrowserContext, str], None]:
    """Sign a browser in as a member of the cast."""
    return live_server.sign_in
