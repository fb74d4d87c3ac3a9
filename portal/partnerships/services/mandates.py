"""Posting for a firm: a broker asks for its word, the firm gives it by a link alone."""

import datetime as dt
import secrets

from flask_babel import gettext as _

from portal.accounts.rules import hash_secret
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid, NotFound, TooMany
from portal.kernel.outbox import record
from portal.partnerships.events import MandateAnswered, MandateAsked
from portal.partnerships.models import Mandate, Request
from portal.partnerships.policies import Permission
from portal.partnerships.queries import mandates as queries
from portal.partnerships.queries import requests as request_queries
from portal.partnerships.rules.publishing import Incomplete, missing_fields
from portal.partnerships.rules.words import MANDATE_DAYS, MOST_MANDATE_MAILS
from portal.partnerships.rules.workflows import REQUESTS
from portal.partnerships.services.requests import confirm_request

_DAY = dt.timedelta(days=1)


@command(Permission.REQUEST_ASK_FIRM)
def ask_firm(
    actor: Actor, request: Request, *, email: str, language: str, message: str = ""
) -> Mandate:
    """Ask a firm whether a request may be posted for it: a link goes to the address.

    Raises Incomplete with all that publication still needs, TooMany when the address has had
    enough mails today.
    """
    request_queries.load_for_change(request)
    missing = list(missing_fields(request_queries.values_of(request)))
    if missing:
        raise Incomplete(missing)
    sent = queries.list_mandate_mails(email, since=now() - _DAY)
    if len(sent) >= MOST_MANDATE_MAILS:
        raise TooMany(
            _("This address was asked often enough today. You can ask again tomorrow."),
            max(1, int((sent[0] + _DAY - now()).total_seconds())),
        )
    if request.status == "proposed":
        # Asked again, perhaps at another address: the first link ends here.
        REQUESTS.apply(actor, request, "recall")
    mandate = queries.find_mandate_of(request)
    if mandate is None:
        mandate = Mandate(request_id=request.id, request=request)
        session.add(mandate)
    mandate.email, mandate.language, mandate.message = email, language, message
    mandate.status, mandate.token_hash = "asked", hash_secret(secrets.token_urlsafe(32))
    mandate.asked_by_id, mandate.asked_at = actor.user_id, now()
    mandate.expires_at = now() + dt.timedelta(days=MANDATE_DAYS)
    mandate.answered_by, mandate.answered_at, mandate.note = "", None, ""
    REQUESTS.apply(actor, request, "propose")
    request.updated_at = now()
    session.flush()
    record(MandateAsked(mandate.id))
    return mandate


@command(Permission.REQUEST_EXPIRE)
def renew_mandate_link(actor: Actor, mandate: Mandate) -> str:
    """Make the link's token anew and return it; the portal does so while it writes the mail.

    Only the hash is kept, so that nobody but the reader of the mail has the token.
    """
    token = secrets.token_urlsafe(32)
    mandate.token_hash = hash_secret(token)
    return token


@command(Permission.MANDATE_ANSWER)
def answer_mandate(
    actor: Actor, mandate: Mandate, *, token: str, is_given: bool, name: str, note: str = ""
) -> Mandate:
    """Give or refuse a firm's word, by the token of the link; given, the request is published.

    Raises NotFound without the token, Conflict when it was answered, taken back or came too late.
    """
    if not secrets.compare_digest(hash_secret(token), mandate.token_hash):
        raise NotFound(_("This link does not work any more."))
    if mandate.status != "asked" or mandate.expires_at <= now():
        raise Conflict(_("This question is closed. Please ask who sent it for a new one."))
    if not name.strip():
        raise Invalid("name", _("Please give your name."))
    mandate.status = "given" if is_given else "refused"
    mandate.answered_by, mandate.answered_at, mandate.note = name.strip(), now(), note.strip()
    # The portal acts on the firm's word; the history names who gave it.
    voice = Actor(name=name.strip(), is_system=True)
    if is_given:
        try:
            confirm_request(voice, mandate.request)
        except Incomplete as error:
            raise Conflict(
                _("Something of it has changed meanwhile. Please tell who wrote it for you.")
            ) from error
    else:
        REQUESTS.apply(voice, mandate.request, "refuse", note=note)
        mandate.request.updated_at = now()
    record(MandateAnswered(mandate.id, mandate.status))
    return mandate


@command(Permission.REQUEST_EXPIRE)
def lapse_mandates(actor: Actor) -> int:
    """Close the questions that no firm answered in time; return how many."""
    due = queries.list_lapsed()
    for mandate in due:
        mandate.status = "lapsed"
        REQUESTS.apply(actor, mandate.request, "lapse")
        mandate.request.updated_at = now()
        record(MandateAnswered(mandate.id, "lapsed"))
    return len(due)


@command(Permission.REQUEST_TAKE_OVER)
def take_over_request(actor: Actor, request: Request) -> Request:
    """Let a firm's own people look after a request alone, which a broker posted for it."""
    if request.status == "proposed":
        raise Conflict(_("Please publish it, or let the broker take the question back."))
    request.is_on_behalf = False
    request.updated_at = now()
    return request
