"""The mail server of the tests takes, keeps and refuses mail like a real one."""

import smtplib
from email.message import EmailMessage

import pytest

from tests.support.smtp import MailServer


def send(server: MailServer, to: str) -> None:
    message = EmailMessage()
    message["From"] = "portal@example.org"
    message["To"] = to
    message["Subject"] = "Grüße aus Wichita"
    message.set_content("In plain words.")
    message.add_alternative("<p>In <b>bold</b> words.</p>", subtype="html")
    with smtplib.SMTP("127.0.0.1", server.port) as client:
        client.send_message(message)


def test_a_message_arrives_with_both_of_its_bodies(mail_server: MailServer) -> None:
    send(mail_server, "ana@example.org")
    (delivery,) = mail_server.wait_for(1)
    assert delivery.recipients == ("ana@example.org",)
    assert delivery.subject == "Grüße aus Wichita"
    assert delivery.text.strip() == "In plain words."
    assert "<b>bold</b>" in delivery.html


def test_messages_are_found_by_recipient(mail_server: MailServer) -> None:
    send(mail_server, "ana@example.org")
    send(mail_server, "ben@example.org")
    mail_server.wait_for(2)
    assert [delivery.recipients for delivery in mail_server.to("ben@example.org")] == [
        ("ben@example.org",)
    ]


def test_a_refusal_reaches_the_sender_and_keeps_nothing(mail_server: MailServer) -> None:
    mail_server.refusal = "451 Try again later"
    with pytest.raises(smtplib.SMTPDataError):
        send(mail_server, "ana@example.org")
    assert mail_server.deliveries == []
