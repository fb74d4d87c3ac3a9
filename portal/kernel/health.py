"""The routes of the kernel itself: health, readiness, the language switch, the local mailbox."""

import datetime as dt

from flask import Blueprint, Response, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select, text

from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.fulltext.port import IndexUnavailable
from portal.kernel.mail import OutgoingMail, html_of, oldest_unsent_at
from portal.kernel.outbox import OutboxDelivery
from portal.kernel.search import search_index
from portal.kernel.web.addresses import local_target
from portal.kernel.web.answers import page, see_other
from portal.kernel.web.viewer import remember_language

blueprint = Blueprint("kernel", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Answer as long as the process lives."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Answer whether database and index can serve, and how far worker and mail are behind."""
    session.execute(text("SELECT 1"))
    oldest = session.scalar(
        select(OutboxDelivery.due_at)
        .where(OutboxDelivery.done_at.is_(None), OutboxDelivery.failed_at.is_(None))
        .order_by(OutboxDelivery.due_at)
        .limit(1)
    )
    try:
        documents: int | None = search_index().index.status().documents
    except IndexUnavailable:
        documents = None
    return jsonify(
        {
            "status": "ok" if documents is not None else "degraded",
            "database": "ok",
            "search_documents": documents,
            "outbox_lag_seconds": _age(oldest),
            "mail_lag_seconds": _age(oldest_unsent_at()),
        }
    )


def _age(moment: dt.datetime | None) -> int:
    return max(0, round((now() - moment).total_seconds())) if moment else 0


@blueprint.get("/language/<language>")
def switch_language(language: str) -> Response:
    """Show the pages in another language from now on, and go back to where one was."""
    if language not in current_app.config["LANGUAGES"].split(","):
        abort(404)
    response = see_other(local_target(request.args.get("next"), "/"))
    return remember_language(response, language)


@blueprint.get("/mailbox")
def mailbox() -> ResponseReturnValue:
    """Show the newest mail that was kept here instead of being sent (development only)."""
    if not current_app.config["MAILBOX_PAGE"]:
        abort(404)
    mails = session.scalars(select(OutgoingMail).order_by(OutgoingMail.id.desc()).limit(50)).all()
    return page("kernel/mailbox.html", mails=mails, html_of=html_of)
