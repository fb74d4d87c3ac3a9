"""What follows an upload: the clock works it off in batches, and its person hears of the end."""

import logging
import time
from dataclasses import dataclass

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from portal.accounts.queries import find_user
from portal.intake import queries, services
from portal.intake.events import ImportFinished
from portal.intake.forms import read_candidates
from portal.intake.models import ImportRun
from portal.intake.rules.rows import Reading
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.errors import NotFound, PortalError
from portal.kernel.files import read_stored_file
from portal.kernel.mail import queue_mails
from portal.kernel.web.addresses import external_url

log = logging.getLogger(__name__)

_SECONDS = 1.0
#: So long the file at hand is worked on before another has its turn: to read a large one again for
#: each batch would take a hundred times as long as the batches.
_KEPT_SECONDS = 60.0


@dataclass(frozen=True)
class _AtHand:
    """A file that is read, and since when."""

    run_id: int
    language: str
    reading: Reading
    since: float


_at_hand: list[_AtHand] = []


def has_imports() -> bool:
    """Tell whether an import waits, or the file of the last one is still at hand."""
    return bool(_at_hand) or queries.find_next_run() is not None


def work_off_imports() -> int:
    """Take the imports that wait some batches further; return how many batches there were.

    It stops after about a second, so that mail and search need not wait for a large file.
    """
    until = time.monotonic() + _SECONDS
    done = 0
    while (run := queries.find_next_run(_preferred_id())) is not None:
        _advance(run)
        done += 1
        if time.monotonic() > until:
            return done
    _at_hand.clear()
    return done


def _advance(run: ImportRun) -> None:
    # The person decides what may be written, in the language that the findings are for.
    with force_locale(run.user.language or "en"):
        try:
            services.advance_import(
                SYSTEM,
                run,
                reading=_reading(run),
                position=run.position,
                on_behalf_of=_actor(run.user_id),
            )
        except PortalError as error:
            services.fail_import(SYSTEM, run, message=error.message)
        except (OperationalError, PoolTimeout):
            raise  # the database is away; the import goes on when it is back
        except Exception:
            # One file that we cannot cope with must not keep all the others waiting.
            log.exception("import %s failed", run.id)
            message = _("Something went wrong on our side")
            services.fail_import(SYSTEM, run, message=message)


def _preferred_id() -> int | None:
    return next(
        (one.run_id for one in _at_hand if time.monotonic() < one.since + _KEPT_SECONDS), None
    )


def _reading(run: ImportRun) -> Reading:
    """Return the run's rows; those of the file at hand are kept, since every batch needs them."""
    if run.file is None:
        raise NotFound(_("This file is no longer here."))
    for one in _at_hand:
        if (one.run_id, one.language) == (run.id, run.user.language):
            return one.reading
    _at_hand.clear()
    data = read_stored_file(run.file)
    reading = read_candidates(data, run.source_format, kind=run.kind)
    _at_hand.append(_AtHand(run.id, run.user.language, reading, time.monotonic()))
    return reading


def _actor(user_id: int) -> Actor:
    actor: Actor = current_app.extensions["portal-actor-loader"](user_id)
    return actor


def email_person_on_import_finished(event: ImportFinished) -> None:
    """Tell who uploaded a file what became of it."""
    try:
        run = queries.get_visible_run(SYSTEM, event.run_id)
    except NotFound:
        return
    person = find_user(run.user_id)
    if person is not None and person.is_active:
        queue_mails(
            [person],
            "import_finished",
            file_name=run.file_name,
            message=run.message,
            counts={name: run.counts.get(name, 0) for name in ("created", "changed", "refused")},
            url=external_url("intake.show_import", run_id=run.id),
        )
