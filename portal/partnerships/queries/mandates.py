"""Reads of mandates: the word of a firm for which a broker posts a request."""

import datetime as dt

from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from portal.accounts.rules import hash_secret
from portal.kernel.authorization import Actor, can
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.workflow import WorkflowStep
from portal.partnerships.models import Mandate, Request
from portal.partnerships.policies import Permission
from portal.partnerships.queries.requests import REQUEST_OPTIONS
from portal.partnerships.rules.workflows import REQUESTS

_OPTIONS = (
    joinedload(Mandate.request).options(*REQUEST_OPTIONS),
    joinedload(Mandate.asked_by),
)


def get_mandate(mandate_id: int) -> Mandate:
    """Return a mandate with its request, whoever asks. Raises NotFound."""
    return _get(select(Mandate).where(Mandate.id == mandate_id))


def get_mandate_by_token(token: str) -> Mandate:
    """Return the mandate of a link. Raises NotFound."""
    return _get(select(Mandate).where(Mandate.token_hash == hash_secret(token)))


def _get(statement: Select[Mandate]) -> Mandate:
    mandate = session.scalar(statement.options(*_OPTIONS).execution_options(populate_existing=True))
    if mandate is None:
        raise NotFound(_("This link does not work any more. Please ask who sent it for a new one."))
    return mandate


def find_mandate(actor: Actor, request: Request) -> Mandate | None:
    """Return how it stands with the firm's word, for those who see the inside of a request."""
    return find_mandate_of(request) if can(actor, Permission.REQUEST_VIEW_INSIDE, request) else None


def find_mandate_of(request: Request) -> Mandate | None:
    """Return a request's mandate, whoever asks."""
    return session.scalar(
        select(Mandate).options(*_OPTIONS).where(Mandate.request_id == request.id)
    )


def find_open_mandate(request: Request) -> Mandate | None:
    """Return the mandate for which a firm was asked and has not answered."""
    mandate = find_mandate_of(request)
    return mandate if mandate is not None and mandate.status == "asked" else None


def list_mandate_mails(email: str, *, since: dt.datetime) -> list[dt.datetime]:
    """Return when an address was asked for its word since then, oldest first."""
    return list(
        session.scalars(
            select(WorkflowStep.taken_at)
            .join(Mandate, Mandate.request_id == WorkflowStep.subject_id)
            .where(
                WorkflowStep.subject == REQUESTS.subject,
                WorkflowStep.action == "propose",
                WorkflowStep.taken_at > since,
                Mandate.email == email,
            )
            .order_by(WorkflowStep.taken_at)
            .limit(50)
        )
    )


def list_lapsed(limit: int = 500) -> list[Mandate]:
    """Return the mandates that nobody answered in time; locked until the transaction ends."""
    return list(
        session.scalars(
            select(Mandate)
            .options(*_OPTIONS)
            .where(Mandate.status == "asked", Mandate.expires_at <= now())
            .order_by(Mandate.id)
            .limit(limit)
            .with_for_update(skip_locked=True, of=Mandate)
        )
    )
