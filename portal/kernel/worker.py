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
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import TypeVar

from flask import Flask, current_app
from sqlalchemy import ColumnElement, String, and_, delete, func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, joinedload, mapped_column
from sqlalchemy.orm.interfaces import ORMOption

from portal.kernel.clock import now
from portal.kernel.database import Model, session, unit_of_work
from portal.kernel.fulltext.port import IndexBusy, IndexUnavailable
from portal.kernel.mail import MailServer, OutgoingMail, is_kept_here
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

T = TypeVar("T", OutboxDelivery, OutgoingMail)

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
        #: When each job is looked at again: to ask the database about all at every turn took a
        #: tenth of a processor.
        self._looks: dict[str, dt.datetime] = {}

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; what is claimed is finished or put back first.

        What waits for others' answers has threads of its own, so that it holds up nothing else.
        """

        def stop(_signal: int, _frame: FrameType | None) -> None:
            self.stopping.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        waiting = [
            threading.Thread(target=self._repeat, args=(turn,))
            for turn in (self.deliver_outside, self.send_mail)
        ]
        for thread in waiting:
            thread.start()
        try:
            self._repeat(lambda: self.run_jobs() + self.deliver_inside())
        finally:
            self.stopping.set()
            for thread in waiting:
                thread.join()

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
        start, pause = now(), dt.timedelta(seconds=job.every_seconds)
        if start < self._looks.get(job.name, start):
            return False
        self._looks[job.name] = start + pause
        known = session.scalar(select(JobRun.started_at).where(JobRun.name == job.name))
        if known is not None and known > start - pause:
            self._looks[job.name] = known + pause
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
        deliveries = self._claim_deliveries(OutboxDelivery.handler.not_in(outside_names()))
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
        """Deliver what waits for others' answers; what takes too long leaves the rest for later."""
        handled = 0
        wanted = OutboxDelivery.handler.in_(outside_names())
        for delivery in self._in_time(self._claim_deliveries(wanted)):
            self._deliver_one(delivery)
            handled += 1
        return handled

    def _in_time(self, claimed: list[T]) -> Iterator[T]:
        """Yield what was claimed as long as there is time; put the rest back.

        So nothing is claimed for longer than a claim holds, and another worker may take it.
        """
        end = time.monotonic() + OUTSIDE_SECONDS
        for number, row in enumerate(claimed):
            if time.monotonic() > end or self.stopping.is_set():
                self._put_back(claimed[number:])
                return
            yield row

    def _put_back(self, claimed: Sequence[OutboxDelivery | OutgoingMail]) -> None:
        model = type(claimed[0])
        with unit_of_work():
            session.execute(
                update(model)
                .where(_still_ours(model, claimed))
                .values(claimed_by=None, due_at=now(), attempts=model.attempts - 1)
                .execution_options(synchronize_session=False)
            )

    def _claim_deliveries(self, is_wanted: ColumnElement[bool]) -> list[OutboxDelivery]:
        is_open = and_(is_wanted, OutboxDelivery.done_at.is_(None))
        return self._claim(OutboxDelivery, is_open, joinedload(OutboxDelivery.event))

    def _claim(self, model: type[T], is_open: ColumnElement[bool], *options: ORMOption) -> list[T]:
        """Take rows that are due, which no other worker does then for `CLAIM_SECONDS`."""
        open_and_due = and_(is_open, model.failed_at.is_(None), model.due_at <= now())
        due = session.scalars(
            select(model.id).where(open_and_due).order_by(model.due_at, model.id).limit(BATCH)
        ).all()
        if not due:
            session.commit()
            return []
        claim = f"{self.name}:{secrets.token_hex(4)}"
        with unit_of_work():
            # A claim moves `due_at` on: should this process die, the row falls due again.
            session.execute(
                update(model)
                .where(model.id.in_(due), open_and_due)
                .values(
                    claimed_by=claim,
                    attempts=model.attempts + 1,
                    due_at=now() + dt.timedelta(seconds=CLAIM_SECONDS),
                )
                .execution_options(synchronize_session=False)
            )
        found = session.scalars(
            select(model)
            .where(model.claimed_by == claim, is_open)
            .options(*options)
            .order_by(model.id)
            .execution_options(populate_existing=True)
        ).all()
        for row in found:
            # After a rollback it would be read anew, perhaps with the claim of another worker.
            session.expunge(row)
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
                # In one transaction with what follows. A claim that has run out meanwhile is
                # another worker's: what it has done, or is about to do, is not done again.
                is_ours = self._mark_done([delivery])
                if is_ours and not is_alone and event is not None and handler is not None:
                    handler(event)
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
            if len(deliveries) == 1 or isinstance(error, IndexUnavailable):
                self._mark_failed(deliveries, error)
                return
            # One record that we cannot cope with must not keep all the others waiting.
            for delivery in deliveries:
                self._index([delivery])

    def _update_index(self, events: list[Event]) -> None:
        try:
            search_index().update_for(events)
        except IndexUnavailable as error:
            log.warning("the search index is rebuilt: %s", error)
            try:
                search_index().rebuild()
            except (IndexBusy, IndexUnavailable, OperationalError):
                raise
            except Exception as failure:
                raise IndexUnavailable(f"it could not be rebuilt: {failure!r}") from failure

    def _mark_done(self, deliveries: Sequence[OutboxDelivery]) -> bool:
        """Note that deliveries are done; tell whether there were any that were still ours."""
        result = session.execute(
            update(OutboxDelivery)
            .where(_still_ours(OutboxDelivery, deliveries), OutboxDelivery.done_at.is_(None))
            .values(done_at=now(), last_error=None)
            .execution_options(synchronize_session=False)
        )
        return bool(result.rowcount)  # type: ignore[attr-defined]

    def _mark_failed(
        self, deliveries: Sequence[OutboxDelivery], error: Exception, *, is_final: bool = True
    ) -> None:
        session.rollback()
        with unit_of_work():
            for delivery in deliveries:
                session.execute(
                    update(OutboxDelivery)
                    .where(_still_ours(OutboxDelivery, [delivery]))
                    .values(**_after_failure(delivery.attempts, error, is_final))
                    .execution_options(synchronize_session=False)
                )

    def send_mail(self) -> int:
        """Send the mail that is due, one connection for the batch; return how much was sent."""
        server = MailServer(
            current_app.config["MAIL_URL"],
            current_app.config["MAIL_FROM"],
            current_app.config["MAIL_TIMEOUT_SECONDS"],
        )
        if server.is_mailbox:
            return 0
        sent = 0
        try:
            for mail in self._in_time(self._claim(OutgoingMail, OutgoingMail.sent_at.is_(None))):
                values = self._send(server, mail)
                sent += "sent_at" in values
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

    def _send(self, server: MailServer, mail: OutgoingMail) -> dict[str, object]:
        """Send one message; return the columns that say what came of it."""
        try:
            server.send(mail)
        except (OSError, smtplib.SMTPException) as error:
            server.close()
            is_final = isinstance(error, smtplib.SMTPRecipientsRefused)
            # Who was refused is nothing for a log.
            log.warning("mail %s was not sent: %s", mail.id, "refused" if is_final else error)
            return _after_failed_mail(mail, error, is_final)
        except Exception as error:
            # One message that cannot be written must not keep all the others waiting.
            log.exception("mail %s cannot be written", mail.id)
            return _after_failed_mail(mail, error, is_final=True)
        return {"sent_at": now(), "last_error": None, **_NO_WORDS}


#: Of mail that nobody sends any more: its words may hold links that open something.
_NO_WORDS = dict.fromkeys(("body_text", "calendar_text", "body_html", "stop_url"), "")


def _after_failed_mail(mail: OutgoingMail, error: Exception, is_final: bool) -> dict[str, object]:
    values = _after_failure(mail.attempts, error, is_final)
    return {**values, **_NO_WORDS} if "failed_at" in values else values


def _still_ours(
    model: type[OutboxDelivery] | type[OutgoingMail],
    claimed: Sequence[OutboxDelivery | OutgoingMail],
) -> ColumnElement[bool]:
    """The rows of one claim, unless it has run out and another worker has taken them."""
    return and_(
        model.id.in_([row.id for row in claimed]), model.claimed_by == claimed[0].claimed_by
    )


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
        old = and_(OutgoingMail.created_at < horizon, OutgoingMail.failed_at.is_(None))
        unsent = session.scalar(
            select(func.count())
            .select_from(OutgoingMail)
            .where(old, OutgoingMail.sent_at.is_(None))
        )
        session.execute(
            delete(OutgoingMail).where(old).execution_options(synchronize_session=False)
        )
    if unsent and not is_kept_here():
        log.warning(
            "%d e-mails were dropped: they could not be sent for %d days", unsent, KEPT_DAYS
        )
    return 1
