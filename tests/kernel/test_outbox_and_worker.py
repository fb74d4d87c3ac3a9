"""Side effects: recorded with the command, delivered at least once, retried, set aside."""

import datetime as dt
import logging
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import policy

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, true, update

from portal.app import create_app
from portal.facilities.models import Equipment
from portal.facilities.services.equipment import confirm_equipment
from portal.kernel import worker
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now
from portal.kernel.database import db, is_writing, session, unit_of_work
from portal.kernel.mail import OutgoingMail
from portal.kernel.manifest import Job, installed_manifests
from portal.kernel.outbox import (
    Event,
    OutboxDelivery,
    OutboxEvent,
    Reaction,
    record,
    subscribe,
)
from portal.kernel.search import INDEX_HANDLER
from portal.kernel.worker import CLAIM_SECONDS, JobRun, Worker, sweep_outbox
from tests.cast import World
from tests.support.smtp import MailServer
from tests.support.statements import count_statements

heard: list[str] = []
broken: list[Exception] = []
answered = threading.Event()


@dataclass(frozen=True)
class BellRang(Event):
    sound: str


def hear_bell(event: BellRang) -> None:
    if broken:
        raise broken[0]
    heard.append(event.sound)


def note_bell(event: BellRang) -> None:
    heard.append(f"note {event.sound}")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    subscribe([Reaction(BellRang, hear_bell), Reaction(BellRang, note_bell)])
    subscribe([Reaction(LetterLeft, send_letter, is_outside=True)])
    subscribe([Reaction(LetterKept, keep_letter, is_outside=True)])
    heard.clear()
    broken.clear()
    yield
    broken.clear()


@dataclass(frozen=True)
class LetterLeft(Event):
    words: str


def send_letter(event: LetterLeft) -> None:
    heard.append(f"{event.words}, {'in' if is_writing() else 'outside'} a transaction")
    if broken:
        raise broken[0]


@dataclass(frozen=True)
class LetterKept(Event):
    words: str


def keep_letter(event: LetterKept) -> None:
    """Wait for an answer that does not come before somebody gives it."""
    answered.wait(60)
    heard.append(f"{event.words}, at last")


@pytest.fixture
def keep_signals() -> Iterator[None]:
    """Put back how the process takes signals, which a running worker changes."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def ring(sound: str) -> None:
    with unit_of_work():
        record(BellRang(sound))


def deliveries() -> list[OutboxDelivery]:
    session.expire_all()
    return list(session.scalars(select(OutboxDelivery).order_by(OutboxDelivery.id)))


def test_who_waits_for_others_comes_last_and_holds_no_transaction(
    app: Flask, drain: Callable[[], None]
) -> None:
    with unit_of_work():
        record(LetterLeft("Dear all"))
        record(BellRang("ding"))
    drain()

    assert heard == ["ding", "note ding", "Dear all, outside a transaction"]
    assert all(delivery.done_at for delivery in deliveries())


def test_what_fails_outside_is_tried_again(app: Flask, drain: Callable[[], None]) -> None:
    broken.append(RuntimeError("no answer"))
    with unit_of_work():
        record(LetterLeft("Dear all"))
    drain()
    [delivery] = deliveries()
    assert (delivery.attempts, delivery.done_at) == (1, None)

    broken.clear()
    with time_machine.travel(delivery.due_at + dt.timedelta(seconds=1), tick=False):
        drain()
    assert deliveries()[0].done_at


def test_slow_answers_leave_the_rest_for_the_next_turn(
    app: Flask, drain: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "OUTSIDE_SECONDS", -1)
    with unit_of_work():
        record(LetterLeft("Dear all"))
        record(BellRang("ding"))
    Worker(app, {}).deliver()

    assert heard == ["ding", "note ding"]
    waiting = [delivery for delivery in deliveries() if delivery.done_at is None]
    assert [(item.attempts, item.claimed_by) for item in waiting] == [(0, None)]


def test_who_keeps_us_waiting_holds_up_no_mail(
    app: Flask, mail_server: MailServer, keep_signals: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAIL_URL", mail_server.url)
    answered.clear()
    waited: list[bool] = []
    with unit_of_work():
        record(LetterKept("Dear all"))
        session.add(
            OutgoingMail(
                recipient="ana@cast.example",
                subject="News",
                body_text="News.",
                body_html="<p>News.</p>",
                message_id="<news@cast.example>",
            )
        )
    working = Worker(app, {})

    def watch() -> None:
        try:
            mail_server.wait_for(1)
            waited.append(not answered.is_set())
        finally:
            answered.set()
            working.stopping.set()

    watching = threading.Thread(target=watch)
    watching.start()
    working.run()
    watching.join()

    assert waited == [True]
    assert heard == ["Dear all, at last"]
    assert all(delivery.done_at for delivery in deliveries())


def test_each_handler_hears_an_event_once(app: Flask, drain: Callable[[], None]) -> None:
    ring("ding")
    drain()
    drain()

    assert sorted(heard) == ["ding", "note ding"]


def test_what_is_rolled_back_is_never_heard(app: Flask, drain: Callable[[], None]) -> None:
    def ring_and_fail() -> None:
        with unit_of_work():
            record(BellRang("ding"))
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        ring_and_fail()
    drain()

    assert heard == []


def test_one_failing_handler_does_not_stop_the_others_and_is_tried_again(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    broken.append(RuntimeError("the bell is broken"))
    ring("ding")
    worker = Worker(app, {})
    with caplog.at_level(logging.CRITICAL):
        worker.deliver()
    assert heard == ["note ding"]
    failed = next(row for row in deliveries() if row.done_at is None)
    assert failed.last_error == "RuntimeError: the bell is broken"
    assert failed.attempts == 1

    broken.clear()
    with time_machine.travel(now() + dt.timedelta(seconds=5)):
        worker.deliver()
    assert sorted(heard) == ["ding", "note ding"]


def test_what_fails_every_time_is_set_aside_with_its_reason(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    broken.append(RuntimeError("for good"))
    ring("ding")
    worker = Worker(app, {})
    with caplog.at_level(logging.CRITICAL):
        for attempt in range(app.config["WORKER_ATTEMPTS"] + 2):
            with time_machine.travel(now() + dt.timedelta(hours=2 * (attempt + 1))):
                worker.deliver()

    failed = next(row for row in deliveries() if row.done_at is None)
    assert failed.failed_at is not None
    assert failed.attempts == app.config["WORKER_ATTEMPTS"]


def test_what_is_to_be_indexed_waits_however_long_the_search_server_is_away(
    app: Flask, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    away = create_app(
        "testing",
        INSTANCE_PATH=app.instance_path,
        DATABASE_URL=app.config["DATABASE_URL"],
        SEARCH_URL="postgresql://nobody@/none?host=/nowhere",
        WORKER_ATTEMPTS=1,
    )
    mill = session.get_one(Equipment, world.equipment["shop_public"])
    confirm_equipment(SYSTEM, mill)
    with away.app_context(), caplog.at_level(logging.CRITICAL):
        Worker(away, {}).deliver()
        db.session.remove()
        db.engine.dispose()

    waiting = next(row for row in deliveries() if row.handler == INDEX_HANDLER)
    assert waiting.attempts == 1
    assert waiting.done_at is None
    assert waiting.failed_at is None


@pytest.mark.sqlite
def test_a_record_that_cannot_be_indexed_keeps_no_other_out(
    app: Flask, world: World, indexed: None, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("shop_public", "college_public"):
        confirm_equipment(SYSTEM, session.get_one(Equipment, world.equipment[name]))
    with unit_of_work():
        broken = {"number": world.equipment["shop_public"]}
        session.execute(
            text("UPDATE equipment SET external_values = '{' WHERE id = :number"), broken
        )
    session.expunge_all()
    with caplog.at_level(logging.CRITICAL):
        Worker(app, {}).deliver()

    waiting = [row for row in deliveries() if row.handler == INDEX_HANDLER and not row.done_at]
    assert [row.event_id for row in waiting] == [min(row.event_id for row in deliveries())]


def test_a_delivery_claimed_by_a_worker_that_died_falls_due_again(app: Flask) -> None:
    ring("ding")
    dead, alive = Worker(app, {}), Worker(app, {})
    assert len(dead._claim_deliveries(true())) == 2

    assert alive.deliver() == 0
    with time_machine.travel(now() + dt.timedelta(seconds=CLAIM_SECONDS + 1)):
        assert alive.deliver() == 2
    assert sorted(heard) == ["ding", "note ding"]


def test_a_claim_that_has_run_out_is_not_delivered_by_both(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a worker rebuilds the index for minutes before it comes to what else it claimed."""
    ring("ding")
    slow, quick = Worker(app, {}), Worker(app, {})
    claimed = slow._claim_deliveries(true())
    with time_machine.travel(now() + dt.timedelta(seconds=CLAIM_SECONDS + 1)):
        quick.deliver()
        for delivery in claimed:
            slow._deliver_one(delivery)
        slow._mark_failed(claimed, RuntimeError("too late"))

    assert sorted(heard) == ["ding", "note ding"]
    assert all(row.done_at and row.last_error is None for row in deliveries())


def test_an_event_whose_handler_is_gone_is_done_with(app: Flask) -> None:
    with unit_of_work():
        event = OutboxEvent(name="kernel.Unheard", payload={})
        event.deliveries = [OutboxDelivery(handler="kernel.gone")]
        session.add(event)

    Worker(app, {}).deliver()

    assert deliveries()[0].done_at is not None


def test_a_job_runs_when_its_time_has_come_and_not_before(app: Flask) -> None:
    runs: list[int] = []
    worker = Worker(app, {"tick": Job("tick", 60, lambda: runs.append(1))})
    other = Worker(app, {"tick": Job("tick", 60, lambda: runs.append(2))})

    worker.run_jobs()
    other.run_jobs()
    assert runs == [1]
    with time_machine.travel(now() + dt.timedelta(seconds=61)):
        other.run_jobs()
    assert runs == [1, 2]


def test_a_job_without_anything_to_do_writes_nothing(app: Flask) -> None:
    runs: list[int] = []
    worker = Worker(app, {"look": Job("look", 60, lambda: runs.append(1), lambda: bool(waiting))})
    waiting: list[str] = []

    assert worker.run_jobs() == 0
    assert session.scalars(select(JobRun)).all() == []
    waiting.append("something")
    with time_machine.travel(now() + dt.timedelta(seconds=61)):
        assert worker.run_jobs() == 1
    assert runs == [1]


def test_jobs_whose_time_has_not_come_are_not_asked_about(app: Flask) -> None:
    asked: list[str] = []

    def look() -> bool:
        asked.append("look")
        return False

    jobs = {"look": Job("look", 60, lambda: None, look), "tick": Job("tick", 60, lambda: None)}
    worker = Worker(app, jobs)
    worker.run_jobs()
    with count_statements() as seen:
        worker.run_jobs()
    assert (seen.count, asked) == (0, ["look"])


def test_a_worker_with_nothing_to_do_writes_nothing(
    app: Flask, world: World, indexed: None
) -> None:
    """Every commit ends whatever is kept while nothing is written."""
    worker = Worker(app, app.extensions["portal-jobs"])
    worker.run_jobs()
    worker.drain()
    with count_statements() as seen:
        for seconds in range(0, 30, 2):
            with time_machine.travel(now() + dt.timedelta(seconds=seconds)):
                worker.run_once()
    written = [text for text in seen.texts if text.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert written == []


def test_a_failing_job_does_not_stop_the_next(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    runs: list[int] = []

    def fail() -> None:
        raise RuntimeError("no")

    with caplog.at_level(logging.CRITICAL):
        Worker(app, {"a": Job("a", 60, fail), "b": Job("b", 60, lambda: runs.append(1))}).run_jobs()
    assert runs == [1]


def test_old_deliveries_are_forgotten_but_failures_stay(app: Flask) -> None:
    old = now() - dt.timedelta(days=30)
    with unit_of_work():
        event = OutboxEvent(name="kernel.Old", payload={}, created_at=old)
        event.deliveries = [
            OutboxDelivery(handler="kernel.done", done_at=old),
            OutboxDelivery(handler="kernel.failed", failed_at=old),
        ]
        session.add(event)
    for recipient, ended in (("ana@cast.example", "sent_at"), ("ben@cast.example", "failed_at")):
        queue(recipient)
        with unit_of_work():
            mail = session.scalars(
                select(OutgoingMail).where(OutgoingMail.recipient == recipient)
            ).one()
            mail.created_at = old
            setattr(mail, ended, old)

    sweep_outbox()

    assert session.scalars(select(OutgoingMail.recipient)).all() == ["ben@cast.example"]
    assert [row.handler for row in deliveries()] == ["kernel.failed"]
    assert session.scalar(select(OutboxEvent.id)) is not None


def test_mail_that_was_never_sent_does_not_go_without_a_word(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(app.config, "MAIL_URL", "smtp://127.0.0.1:1")
    for recipient in ("ana@cast.example", "ben@cast.example"):
        queue(recipient)
    with unit_of_work():
        session.execute(update(OutgoingMail).values(created_at=now() - dt.timedelta(days=30)))

    sweep_outbox()

    assert "2 e-mails were dropped: they could not be sent for 14 days" in caplog.text
    assert "cast.example" not in caplog.text
    caplog.clear()
    sweep_outbox()
    assert caplog.text == ""


def queue(recipient: str, subject: str = "Hello") -> None:
    with unit_of_work():
        session.add(
            OutgoingMail(
                recipient=recipient,
                subject=subject,
                body_text="A **word**.",
                body_html="<p>A <strong>word</strong>.</p>",
                message_id=f"<{recipient}>",
            )
        )


def test_mail_goes_out_over_smtp_and_its_words_are_erased(
    app: Flask, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAIL_URL", mail_server.url)
    queue("ana@cast.example")

    assert Worker(app, {}).send_mail() == 1

    (delivery,) = mail_server.wait_for(1)
    assert delivery.subject == "Hello"
    assert "A **word**." in delivery.text
    assert "<strong>word</strong>" in delivery.html
    session.expire_all()
    row = session.scalars(select(OutgoingMail)).one()
    assert row.sent_at is not None
    assert row.body_text == row.body_html == ""


def test_an_invitation_travels_as_an_appointment_and_is_erased_too(
    app: Flask, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAIL_URL", mail_server.url)
    queue("ana@cast.example")
    with unit_of_work():
        mail = session.scalars(select(OutgoingMail)).one()
        mail.calendar_text = "".join(
            f"BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nEND:VCALENDAR\r\n"
            for method in ("CANCEL", "REQUEST")
        )

    Worker(app, {}).send_mail()

    (delivery,) = mail_server.wait_for(1)
    parts = [part for part in delivery.message.walk() if part.get_content_type() == "text/calendar"]
    # Programs show the first with the message; they read no part with two methods.
    assert [part.get_content_disposition() for part in parts] == [None, "attachment"]
    for part, method in zip(parts, ("CANCEL", "REQUEST"), strict=True):
        assert part.get_param("method") == method
        assert part.get_content().splitlines()[1:] == [f"METHOD:{method}", "END:VCALENDAR"]
    session.expire_all()
    assert session.scalars(select(OutgoingMail)).one().calendar_text == ""


def test_a_calendar_that_invites_to_nothing_is_a_file_to_open(
    app: Flask, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAIL_URL", mail_server.url)
    queue("ana@cast.example")
    with unit_of_work():
        mail = session.scalars(select(OutgoingMail)).one()
        mail.calendar_text = "BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nEND:VCALENDAR\r\n"

    Worker(app, {}).send_mail()

    (delivery,) = mail_server.wait_for(1)
    (file,) = delivery.message.iter_attachments()
    assert (file.get_content_type(), file.get_param("method")) == ("text/calendar", "PUBLISH")
    assert file.get_filename() == "calendar-1.ics"


def test_a_long_subject_with_accents_keeps_to_the_length_of_encoded_words(
    app: Flask, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = "“Máquinas de medición por coordenadas cerca de Louisville”: 12 novedades más"
    monkeypatch.setitem(app.config, "MAIL_URL", mail_server.url)
    queue("ana@cast.example", subject=subject)

    Worker(app, {}).send_mail()

    (delivery,) = mail_server.wait_for(1)
    assert delivery.subject == subject
    as_written = policy.default.clone(refold_source="none")
    words = re.findall(rb"=\?\S+\?=", delivery.message.as_bytes(policy=as_written))
    assert words
    assert max(map(len, words)) <= 75  # RFC 2047


def test_mail_waits_while_the_mail_server_is_down_and_goes_out_later(
    app: Flask, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAIL_URL", "smtp://127.0.0.1:1")
    queue("ana@cast.example")
    worker = Worker(app, {})
    assert worker.send_mail() == 0

    monkeypatch.setitem(app.config, "MAIL_URL", mail_server.url)
    assert worker.send_mail() == 0  # not due yet
    with time_machine.travel(now() + dt.timedelta(seconds=10)):
        assert worker.send_mail() == 1
    assert len(mail_server.wait_for(1)) == 1


def test_mail_that_is_given_up_keeps_no_words_either(
    app: Flask,
    mail_server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They may hold a link that opens something; only the reason is kept."""
    monkeypatch.setitem(app.config, "MAIL_URL", mail_server.url)
    queue("ana@cast.example\nBcc: eve@cast.example")
    caplog.set_level(logging.CRITICAL)
    for attempt in range(app.config["WORKER_ATTEMPTS"]):
        row = session.scalars(select(OutgoingMail)).one()
        assert (row.failed_at, row.body_text) == (None, "A **word**.")
        with time_machine.travel(now() + dt.timedelta(hours=2 * (attempt + 1))):
            assert Worker(app, {}).send_mail() == 0
        session.expire_all()

    row = session.scalars(select(OutgoingMail)).one()
    assert row.failed_at is not None
    assert row.last_error.startswith("ValueError")
    assert row.body_text == row.body_html == row.calendar_text == row.stop_url == ""


def test_one_message_that_cannot_be_written_holds_up_no_other(
    app: Flask,
    mail_server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setitem(app.config, "MAIL_URL", mail_server.url)
    queue("ana@cast.example\nBcc: eve@cast.example")
    queue("ben@cast.example")

    with caplog.at_level(logging.CRITICAL):
        assert Worker(app, {}).send_mail() == 1

    assert [mail.recipients for mail in mail_server.wait_for(1)] == [("ben@cast.example",)]
    broken = session.scalars(select(OutgoingMail).where(OutgoingMail.sent_at.is_(None))).one()
    assert broken.last_error.startswith("ValueError")


def test_a_slow_mail_server_gets_no_message_twice(
    app: Flask, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a turn has no time for is put back, before another worker may take it for lost."""
    monkeypatch.setitem(app.config, "MAIL_URL", mail_server.url)
    monkeypatch.setattr(worker, "OUTSIDE_SECONDS", -1)
    queue("ana@cast.example")

    assert Worker(app, {}).send_mail() == 0

    session.expire_all()
    waiting = session.scalars(select(OutgoingMail)).one()
    assert (waiting.attempts, waiting.claimed_by, waiting.sent_at) == (0, None, None)
    assert mail_server.deliveries == []


def test_a_mail_server_that_hangs_holds_up_nothing_else(
    app: Flask, keep_signals: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setitem(app.config, "MAIL_URL", f"smtp://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setitem(app.config, "MAIL_TIMEOUT_SECONDS", 60)
        queue("ana@cast.example")
        working = Worker(app, {})

        def watch() -> None:
            connection, _address = silent.accept()
            with connection:
                with app.app_context():
                    ring("ding")
                for _try in range(1000):
                    if heard:
                        break
                    time.sleep(0.01)
                waited.append(list(heard))
                working.stopping.set()

        waited: list[list[str]] = []
        watching = threading.Thread(target=watch)
        watching.start()
        working.run()
        watching.join()

    assert waited
    assert waited[0]


def test_a_missing_index_is_rebuilt_from_the_database(
    world: World, client_of: Callable[[str], FlaskClient], drain: Callable[[], None]
) -> None:
    client = client_of("ana")
    assert client.get("/search?q=mill").status_code == 503

    confirm_equipment(SYSTEM, session.get_one(Equipment, world.equipment["shop_public"]))
    drain()

    assert "Shop public mill" in client.get("/search?q=mill").text


def test_reactions_are_named_by_their_domain_so_none_takes_the_place_of_another(app: Flask) -> None:
    reactions = [one for manifest in installed_manifests() for one in manifest.reactions]
    for manifest in installed_manifests():
        assert {one.name.split(".")[0] for one in manifest.reactions} <= {manifest.name}
    assert len({one.name for one in reactions}) == len({one.handler for one in reactions})
