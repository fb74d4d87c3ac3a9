"""The worker: delivers the outbox, keeps the search index, sends mail, runs the clock's jobs.

Any number of workers may run: rows are claimed by a conditional UPDATE.
"""

import datetime as dt
import logging
import secrets
import signal
import smtplib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from types import FrameType

from flask import Flask, current_app
from sqlalchemy import ColumnElement, String, and_, delete, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, joinedload, mapped_column

from portal.kernel.clock import now
from portal.kernel.database import Model, session, unit_of_work
from portal.kernel.fulltext.port import IndexBusy, IndexUnavailable
from portal.kernel.mail import MailServer, OutgoingMail
from portal.kernel.manifest import Job
from portal.kernel.outbox import (
    Event,
    OutboxDelivery,
    OutboxEvent,
    handler_named,
    is_outside,
    load_event,
    outside_names,
)
from portal.kernel.search import INDEX_HANDLER, search_index

log = logging.getLogger(__name__)

BATCH = 200
CLAIM_SECONDS = 120
#: After so long a turn of waiting for others, the rest of it is put back, well within a claim.
OUTSIDE_SECONDS = 5
KEPT_DAYS = 14


class JobRun(Model):
    """When each of the clock's jobs was last started."""

    is_settled = False

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    started_at: Mapped[dt.datetime]


class Worker:
    """One worker of an app; `run` until told to stop, `run_once` for tests."""

    def __init__(self, app: Flask, jobs: Mapping[str, Job]) -> None:
        self.app = app
        self.jobs = jobs
        self.name = secrets.token_hex(8)
        self.stopping = threading.Event()

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; what is claimed is finished first.

        What waits for others' answers has a thread of its own, so that it holds up nothing else.
        """

        def stop(_signal: int, _frame: FrameType | None) -> None:
            self.stopping.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        outside = threading.Thread(target=self._repeat, args=(self.deliver_outside,))
        outside.start()
        try:
            self._repeat(lambda: self.run_jobs() + self.deliver_inside() + self.send_mail())
        finally:
            self.stopping.set()
            outside.join()

    def _repeat(self, turn: Callable[[], int]) -> None:
        """Take turns until told to stop, with a pause after those with nothing to do."""
        while not self.stopping.is_set():
            try:
                with self.app.app_context():
                    did = turn()
            except Exception:
                # The database may be away for a while; the outbox keeps everything until then.
                log.exception("the worker could not work; it tries again")
                self.stopping.wait(2)
                continue
            if not did:
                self.stopping.wait(self.app.config["WORKER_PAUSE_SECONDS"])

    def run_once(self) -> int:
        """Do everything that is due now, in one round; return how many things were done."""
        return self.run_jobs() + self.deliver() + self.send_mail()

    def drain(self, rounds: int = 10_000) -> None:
        """Work until nothing is due."""
        for _round in range(rounds):
            if not self.deliver() + self.send_mail():
                return
        raise RuntimeError("the outbox does not run empty")

    def run_jobs(self) -> int:
        """Run each job whose time has come."""
        done = 0
        for job in self.jobs.values():
            try:
                if self._claim_job(job):
                    job.run()
                    done += 1
            except Exception:
                session.rollback()
                log.exception("job %s failed; it runs again at its next time", job.name)
        session.commit()
        return done

    def _claim_job(self, job: Job) -> bool:
        start = now()
        known = session.scalar(select(JobRun.started_at).where(JobRun.name == job.name))
        if known is not None and known > start - dt.timedelta(seconds=job.every_seconds):
            return False
        if job.is_due is not None and not job.is_due():
            return False
        with unit_of_work():
            if known is None:
                if session.get(JobRun, job.name) is None:
                    session.add(JobRun(name=job.name, started_at=start))
                    return True
                return False
            result = session.execute(
                update(JobRun)
                .where(JobRun.name == job.name, JobRun.started_at == known)
                .values(started_at=start)
            )
            return bool(result.rowcount)  # type: ignore[attr-defined]

    def deliver(self) -> int:
        """Deliver what is due, what waits for others' answers last."""
        return self.deliver_inside() + self.deliver_outside()

    def deliver_inside(self) -> int:
        """Deliver what waits for nobody: search documents in one batch, the rest one by one."""
        deliveries = self._claim(OutboxDelivery.handler.not_in(outside_names()))
        by_handler: dict[str, list[OutboxDelivery]] = defaultdict(list)
        for delivery in deliveries:
            by_handler[delivery.handler].append(delivery)
        self._index(by_handler.pop(INDEX_HANDLER, []))
        others = sorted(
            (item for group in by_handler.values() for item in group), key=lambda item: item.id
        )
        for delivery in others:
            self._deliver_one(delivery)
        return len(deliveries)

    def deliver_outside(self) -> int:
        """Deliver what waits for others' answers; what takes too long leaves the rest for later.

        So nothing is claimed for longer than a claim holds, and another worker may take it.
        """
        deliveries = self._claim(OutboxDelivery.handler.in_(outside_names()))
        end = time.monotonic() + OUTSIDE_SECONDS
        for number, delivery in enumerate(deliveries):
            if time.monotonic() > end or self.stopping.is_set():
                self._put_back(deliveries[number:])
                return number
            self._deliver_one(delivery)
        return len(deliveries)

    def _put_back(self, deliveries: list[OutboxDelivery]) -> None:
        with unit_of_work():
            session.execute(
                update(OutboxDelivery)
                .where(OutboxDelivery.id.in_([delivery.id for delivery in deliveries]))
                .values(claimed_by=None, due_at=now(), attempts=OutboxDelivery.attempts - 1)
                .execution_options(synchronize_session=False)
            )

    def _claim(self, is_wanted: ColumnElement[bool]) -> list[OutboxDelivery]:
        open_and_due = and_(
            is_wanted,
            OutboxDelivery.done_at.is_(None),
            OutboxDelivery.failed_at.is_(None),
            OutboxDelivery.due_at <= now(),
        )
        due = session.scalars(
            select(OutboxDelivery.id)
            .where(open_and_due)
            .order_by(OutboxDelivery.due_at, OutboxDelivery.id)
            .limit(BATCH)
        ).all()
        if not due:
            session.commit()
            return []
        claim = f"{self.name}:{secrets.token_hex(4)}"
        with unit_of_work():
            # A claim moves `due_at` on: should this process die, the row falls due again.
            session.execute(
                update(OutboxDelivery)
                .where(OutboxDelivery.id.in_(due), open_and_due)
                .values(
                    claimed_by=claim,
                    attempts=OutboxDelivery.attempts + 1,
                    due_at=now() + dt.timedelta(seconds=CLAIM_SECONDS),
                )
                .execution_options(synchronize_session=False)
            )
        found = session.scalars(
            select(OutboxDelivery)
            .where(OutboxDelivery.claimed_by == claim, OutboxDelivery.done_at.is_(None))
            .options(joinedload(OutboxDelivery.event))
            .order_by(OutboxDelivery.id)
            .execution_options(populate_existing=True)
        ).all()
        session.commit()
        return list(found)

    def _deliver_one(self, delivery: OutboxDelivery) -> None:
        try:
            event = load_event(delivery.event.name, delivery.event.payload)
            handler = handler_named(delivery.handler)
            is_alone = is_outside(delivery.handler)
            if is_alone and event is not None and handler is not None:
                handler(event)
            with unit_of_work():
                if not is_alone and event is not None and handler is not None:
                    handler(event)
                self._mark_done([delivery])
        except Exception as error:
            log.exception("%s failed on event %s", delivery.handler, delivery.event_id)
            self._mark_failed([delivery], error)

    def _index(self, deliveries: list[OutboxDelivery]) -> None:
        if not deliveries:
            return
        try:
            events = [
                event
                for delivery in deliveries
                if (event := load_event(delivery.event.name, delivery.event.payload))
            ]
            self._update_index(events)
            with unit_of_work():
                self._mark_done(deliveries)
        except (IndexBusy, OperationalError) as error:
            # Nothing is wrong with what is to be indexed: it waits, however long that takes.
            log.warning("indexing waits: %r", error)
            self._mark_failed(deliveries, error, is_final=False)
        except Exception as error:
            log.exception("indexing failed")
            self._mark_failed(deliveries, error)

    def _update_index(self, events: list[Event]) -> None:
        try:
            search_index().update_for(events)
        except IndexUnavailable as error:
            log.warning("the search index is rebuilt: %s", error)
            search_index().rebuild()

    def _mark_done(self, deliveries: list[OutboxDelivery]) -> None:
        session.execute(
            update(OutboxDelivery)
            .where(OutboxDelivery.id.in_([delivery.id for delivery in deliveries]))
            .values(done_at=now(), last_error=None)
            .execution_options(synchronize_session=False)
        )

    def _mark_failed(
        self, deliveries: list[OutboxDelivery], error: Exception, *, is_final: bool = True
    ) -> None:
        session.rollback()
        with unit_of_work():
            for delivery in deliveries:
                session.execute(
                    update(OutboxDelivery)
                    .where(OutboxDelivery.id == delivery.id)
                    .values(**_after_failure(delivery.attempts, error, is_final))
                    .execution_options(synchronize_session=False)
                )

    def send_mail(self) -> int:
        """Send the mail that is due, one connection for the batch."""
        server = MailServer(
            current_app.config["MAIL_URL"],
            current_app.config["MAIL_FROM"],
            current_app.config["MAIL_TIMEOUT_SECONDS"],
        )
        if server.is_mailbox:
            return 0
        sent = 0
        mails = self._claim_mail()
        try:
            for mail in mails:
                try:
                    server.send(mail)
                    values = {
                        "sent_at": now(),
                        "body_text": "",
                        "calendar_text": "",
                        "body_html": "",
                        "stop_url": "",
                        "last_error": None,
                    }
                    sent += 1
                except (OSError, smtplib.SMTPException) as error:
                    server.close()
                    is_final = isinstance(error, smtplib.SMTPRecipientsRefused)
                    values = _after_failure(mail.attempts, error, is_final)
                with unit_of_work():
                    session.execute(
                        update(OutgoingMail)
                        .where(OutgoingMail.id == mail.id)
                        .values(**values)
                        .execution_options(synchronize_session=False)
                    )
        finally:
            server.close()
        return sent

    def _claim_mail(self) -> list[OutgoingMail]:
        is_due: ColumnElement[bool] = and_(
            OutgoingMail.sent_at.is_(None),
            OutgoingMail.failed_at.is_(None),
            OutgoingMail.due_at <= now(),
        )
        due = session.scalars(
            select(OutgoingMail.id).where(is_due).order_by(OutgoingMail.id).limit(BATCH)
        ).all()
        if not due:
            session.commit()
            return []
        claim = f"{self.name}:{secrets.token_hex(4)}"
        with unit_of_work():
            session.execute(
                update(OutgoingMail)
                .where(OutgoingMail.id.in_(due), is_due)
                .values(
                    claimed_by=claim,
                    attempts=OutgoingMail.attempts + 1,
                    due_at=now() + dt.timedelta(seconds=CLAIM_SECONDS),
                )
                .execution_options(synchronize_session=False)
            )
        found = session.scalars(
            select(OutgoingMail)
            .where(OutgoingMail.claimed_by == claim, OutgoingMail.sent_at.is_(None))
            .order_by(OutgoingMail.id)
            .execution_options(populate_existing=True)
        ).all()
        session.commit()
        return list(found)


def _after_failure(attempts: int, error: Exception, is_final: bool) -> dict[str, object]:
    """Return the columns of a row that failed: due later (1 s, 4 s, 16 s … 1 h), or set aside."""
    values: dict[str, object] = {
        "last_error": f"{type(error).__name__}: {error}"[:2000],
        "claimed_by": None,
        "due_at": now() + dt.timedelta(seconds=min(4 ** min(attempts - 1, 8), 3600)),
    }
    if is_final and attempts >= current_app.config["WORKER_ATTEMPTS"]:
        values["failed_at"] = now()
    return values


def sweep_outbox() -> int:
    """Forget what was delivered two weeks ago; what failed stays until a person has seen it."""
    horizon = now() - dt.timedelta(days=KEPT_DAYS)
    with unit_of_work():
        session.execute(
            delete(OutboxDelivery)
            .where(OutboxDelivery.done_at < horizon)
            .execution_options(synchronize_session=False)
        )
        open_events = select(OutboxDelivery.event_id)
        session.execute(
            delete(OutboxEvent)
            .where(OutboxEvent.created_at < horizon, OutboxEvent.id.not_in(open_events))
            .execution_options(synchronize_session=False)
        )
        session.execute(
            delete(OutgoingMail)
            .where(OutgoingMail.created_at < horizon, OutgoingMail.failed_at.is_(None))
            .execution_options(synchronize_session=False)
        )
    return 1
