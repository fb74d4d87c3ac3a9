"""Who hears of messages by e-mail, when, and how one stops it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient

from portal.conversations import services
from portal.conversations.models import MailChoice, Thread
from portal.conversations.queries import telling
from portal.conversations.rules import sign_stop
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from tests.cast import World
from tests.conversations.conftest import ActorOf, Say

Mails = list[dict[str, Any]]
Drain = Callable[[], None]


def told(mails: Mails) -> set[str]:
    return {mail["to"].partition("@")[0] for mail in mails}


def test_managers_and_who_wrote_hear_of_a_message_but_not_its_writer(
    say: Say, mails: Mails, drain: Drain, world: World
) -> None:
    say("cleo", "We open at *eight*.\nCome early.")
    drain()
    assert told(mails) == {"ana", "ben"}
    assert mails[0]["subject"] == (
        "Falls City Community College wrote: Response to “Shop public need”"
    )
    assert "> We open at *eight*.\n> Come early." in mails[0]["text"]
    assert f"/conversations/{world.threads['shop_college']}/answer" in mails[0]["text"]
    assert "cleo@" not in mails[0]["text"]


def test_mail_of_an_anonymous_side_names_nobody(
    say: Say, anonymous: None, mails: Mails, drain: Drain
) -> None:
    say("ben", "We could come on Monday.")
    drain()
    to_cleo = next(mail for mail in mails if mail["to"].startswith("cleo"))
    whole = to_cleo["subject"] + to_cleo["text"]
    assert "The organization that posted the request wrote" in whole
    for name in ("Ben", "Ana", "Machine Shop"):
        assert name not in whole
    # Colleagues read who wrote.
    to_ana = next(mail for mail in mails if mail["to"].startswith("ana"))
    assert "Ben of Ana's Machine Shop" in to_ana["text"]


@pytest.mark.parametrize(
    ("emails", "is_muted", "text", "is_told"),
    [
        ("at_once", False, "Hello", True),
        ("at_once", True, "Hello", False),
        ("at_once", True, "Hello @Ben", True),
        ("daily", False, "Hello", False),
        ("daily", False, "Hello @Ben", True),
        ("never", False, "Hello @Ben", False),
    ],
)
def test_each_is_told_as_they_chose(
    actor: ActorOf,
    thread: Callable[..., Thread],
    say: Say,
    mails: Mails,
    drain: Drain,
    emails: str,
    is_muted: bool,
    text: str,
    is_told: bool,
) -> None:
    services.choose_mail(actor("ben"), emails=emails)
    services.set_muted(actor("ben"), thread(), is_muted=is_muted)
    say("cleo", text)
    drain()
    assert ("ben" in told(mails)) is is_told
    assert "ana" in told(mails)


def test_a_digest_has_all_of_a_day_once(
    actor: ActorOf, say: Say, mails: Mails, drain: Drain, world: World
) -> None:
    services.choose_mail(actor("ana"), emails="daily")
    say("cleo", "The first thing.")
    say("cleo", "The second thing.")
    drain()
    mails.clear()

    assert telling.has_due_digest()
    assert services.begin_digests(SYSTEM) == 1
    drain()
    [mail] = mails
    assert mail["subject"] == "4 new messages"
    assert (
        "Response to “Shop public need”, with Falls City Community College: 4 new" in (mail["text"])
    )
    assert "> The second thing." in mail["text"]

    assert not telling.has_due_digest()
    with unit_of_work():
        session.get_one(MailChoice, world.users["ana"]).due_at = now() - dt.timedelta(hours=1)
    services.begin_digests(SYSTEM)
    drain()
    assert len(mails) == 1, "what a digest told of is told again"


def test_what_was_read_here_takes_no_place_in_a_digest(
    actor: ActorOf,
    thread: Callable[..., Thread],
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telling, "MOST_IN_DIGEST", 1)
    newest = thread("college_aero")
    services.mark_read(actor("cleo"), newest, message_id=world.messages["eve_in_college_aero"])

    lines = telling.list_for_digest(actor("cleo"))
    assert [line.id for line in lines] == [world.threads["shop_college"]]


def test_a_digest_keeps_to_the_time_of_day_at_which_it_was_chosen(
    actor: ActorOf, world: World
) -> None:
    services.choose_mail(actor("ana"), emails="daily")
    choice = session.get_one(MailChoice, world.users["ana"])
    chosen = choice.due_at
    with time_machine.travel(chosen + dt.timedelta(days=2, minutes=9), tick=False):
        services.begin_digests(SYSTEM)
    assert choice.due_at == chosen + dt.timedelta(days=3)


def test_a_stop_link_mutes_one_conversation_or_ends_all_mail(
    client_of: Callable[[str], FlaskClient],
    say: Say,
    mails: Mails,
    drain: Drain,
    world: World,
    actor: ActorOf,
) -> None:
    nobody = client_of("nobody")
    for user, thread_id in (("ana", world.threads["shop_college"]), ("ben", None)):
        token = sign_stop("only-for-tests", world.users[user], thread_id)
        assert "need not sign in" in nobody.get(f"/stop-messages/{token}").text
        reply = nobody.post(f"/stop-messages/{token}", data={"List-Unsubscribe": "One-Click"})
        assert reply.status_code == 200
    say("cleo", "Hello?")
    drain()
    assert mails == []
    assert telling.choice_of(actor("ana")) == "at_once"
    assert telling.choice_of(actor("ben")) == "never"
    assert nobody.get("/stop-messages/1-1-nonsense").status_code == 404
