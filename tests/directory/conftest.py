"""What tests of saved searches lean on: the worker's round, and the mail that it wrote."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from portal.directory.reactions import report_due_searches
from portal.kernel.database import session
from portal.kernel.mail import OutgoingMail


@dataclass(frozen=True)
class Alert:
    """An e-mail of a saved search: to whom, about which search, naming which equipment."""

    recipient: str
    subject: str
    equipment: tuple[int, ...]
    text: str
    stop_url: str


class Alerts:
    """The e-mail of saved searches, each message read once."""

    def __init__(self, drain: Callable[[], None]) -> None:
        self.drain = drain
        self.last_id = 0

    def round(self) -> list[Alert]:
        """Let the worker take up what happened, run what is due, and write the mail of it."""
        self.drain()
        report_due_searches()
        self.drain()
        return self.fresh()

    def fresh(self) -> list[Alert]:
        mails = session.scalars(
            select(OutgoingMail)
            .where(OutgoingMail.id > self.last_id, OutgoingMail.stop_url != "")
            .order_by(OutgoingMail.id)
        ).all()
        self.last_id = max([self.last_id, *(mail.id for mail in mails)])
        return [
            Alert(
                mail.recipient,
                mail.subject,
                tuple(int(number) for number in re.findall(r"/equipment/(\d+)>", mail.body_text)),
                mail.body_text,
                mail.stop_url,
            )
            for mail in mails
        ]


@pytest.fixture
def alerts(indexed: None, drain: Callable[[], None]) -> Alerts:
    """The worker's rounds of saved searches."""
    return Alerts(drain)
