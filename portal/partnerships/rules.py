"""Words and rules of requests: kinds, what each kind demands, the two workflows, the dates.

Pure values and functions; what needs rows is decided in the services.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.kernel.authorization import Actor
from portal.kernel.errors import Invalid
from portal.kernel.workflow import Transition, Workflow
from portal.partnerships.events import RequestMoved, RequestRenewed, ResponseDecided

REQUEST_KINDS: Mapping[str, Any] = {
    "equipment_sharing": _l("Equipment sharing"),
    "rd_cooperation": _l("R&D cooperation"),
    "technology": _l("Technology"),
    "supply_chain": _l("Supply chain"),
    "training": _l("Training"),
    "consortium": _l("Consortium"),
}

DIRECTIONS: Mapping[str, Any] = {"need": _l("Need"), "offer": _l("Offer")}

IP_STATUSES: Mapping[str, Any] = {
    "none": _l("None"),
    "secret_know_how": _l("Secret know-how"),
    "applied_for": _l("Patent applied for"),
    "granted": _l("Patent granted"),
}

AGREEMENT_KINDS: Mapping[str, Any] = {
    "equipment_use": _l("Use of equipment"),
    "training_contract": _l("Training contract"),
    "rd_cooperation": _l("R&D cooperation"),
    "supply": _l("Supply"),
    "licence": _l("License"),
    "joint_venture": _l("Joint venture"),
    "consortium": _l("Consortium"),
    "other": _l("Something else"),
}

#: Technology readiness levels in words.
TRL_WORDS: Mapping[int, Any] = {
    1: _l("1 – basic principles observed"),
    2: _l("2 – concept formulated"),
    3: _l("3 – concept proven in experiments"),
    4: _l("4 – tested in the laboratory"),
    5: _l("5 – tested in a relevant environment"),
    6: _l("6 – demonstrated in a relevant environment"),
    7: _l("7 – prototype demonstrated in operation"),
    8: _l("8 – complete and qualified"),
    9: _l("9 – proven in operation, on the market"),
}

USUAL_LIFE_DAYS = 90
LONGEST_LIFE_DAYS = 365
MOST_RENEWALS = 1
#: Renewal is offered from so many days before the end.
RENEWABLE_DAYS = 30
#: So many days before the end, the people of a request are told.
REMINDER_DAYS = 14


def _moved(action: str) -> Callable[[Any, Actor, str], RequestMoved]:
    return lambda row, actor, note: RequestMoved(row.id, action, row.status, actor.user_id)


REQUESTS = Workflow(
    "request",
    {
        "draft": _l("Draft"),
        "published": _l("Open"),
        "paused": _l("Paused"),
        "fulfilled": _l("Fulfilled"),
        "withdrawn": _l("Withdrawn"),
        "expired": _l("Expired"),
    },
    tuple(
        Transition(
            action,
            sources,
            target,
            permission,
            label,
            done,
            event=_moved(action),
            note=note,
            confirm=confirm,
            is_main=action == "publish",
        )
        for action, sources, target, permission, label, done, note, confirm in (
            (
                "publish",
                ("draft",),
                "published",
                "request.publish",
                _l("Publish"),
                _l("The request is published."),
                "none",
                None,
            ),
            (
                "pause",
                ("published",),
                "paused",
                "request.manage",
                _l("Pause"),
                _l("The request is paused: it is still shown, and takes no responses."),
                "none",
                None,
            ),
            (
                "resume",
                ("paused",),
                "published",
                "request.manage",
                _l("Resume"),
                _l("The request is open again."),
                "none",
                None,
            ),
            (
                "fulfil",
                ("published", "paused", "expired"),
                "fulfilled",
                "request.manage",
                _l("Mark as fulfilled"),
                _l("The request is marked as fulfilled."),
                "optional",
                _l("Is this request fulfilled? It then takes no more responses."),
            ),
            (
                "withdraw",
                ("published", "paused"),
                "withdrawn",
                "request.manage",
                _l("Withdraw"),
                _l("The request is withdrawn. Only your organization still sees it."),
                "optional",
                _l(
                    "Withdraw this request? It cannot be published again, and responses that wait "
                    "for an answer are declined."
                ),
            ),
            (
                "expire",
                ("published", "paused"),
                "expired",
                "request.expire",
                _l("Expire"),
                _l("The request has expired."),
                "none",
                None,
            ),
        )
    )
    + tuple(
        Transition(
            action,
            sources,
            target,
            "request.manage",
            _l("Renew"),
            _l("The request was renewed."),
            event=lambda row, actor, note: RequestRenewed(row.id),
            is_own=True,
        )
        for action, sources, target in (
            ("renew", ("published", "paused"), None),
            ("reopen", ("expired",), "published"),
        )
    ),
)

RESPONSES = Workflow(
    "response",
    {
        "sent": _l("Waiting for an answer"),
        "accepted": _l("Accepted"),
        "declined": _l("Declined"),
        "withdrawn": _l("Withdrawn"),
    },
    (
        Transition(
            "accept",
            ("sent",),
            "accepted",
            "response.decide",
            _l("Accept"),
            _l("The response is accepted. Each side now sees how to reach the other."),
            event=lambda row, actor, note: ResponseDecided(row.id, "accept", note),
            note="optional",
            is_main=True,
        ),
        Transition(
            "decline",
            ("sent",),
            "declined",
            "response.decide",
            _l("Decline"),
            _l("The response is declined."),
            event=lambda row, actor, note: ResponseDecided(row.id, "decline", note),
            note="required",
        ),
        Transition(
            "withdraw",
            ("sent",),
            "withdrawn",
            "response.withdraw",
            _l("Withdraw"),
            _l("The response is withdrawn."),
            event=lambda row, actor, note: ResponseDecided(row.id, "withdraw", note),
            confirm=_l("Withdraw this response?"),
        ),
        Transition(
            "lapse",
            ("sent",),
            "declined",
            "request.manage",
            _l("Decline"),
            _l("The request was withdrawn."),
            event=lambda row, actor, note: ResponseDecided(row.id, "lapse", ""),
            is_own=True,
        ),
    ),
)

#: States in which a request takes responses, and in which outsiders see it.
OPEN_STATUSES = ("published",)
SHOWN_STATUSES = ("published", "paused", "fulfilled", "expired")
#: States in which its owner may still change the words.
EDITABLE_STATUSES = ("draft", "published", "paused")
#: States in which a request stands on the board, in the search and on its organization's page.
LISTED_STATUSES = ("published", "paused")

#: All that outsiders get of an anonymous request: closed vocabularies, numbers, dates, and the
#: words that were written for them. The point is the county's, never the organization's.
SHOWN_ANONYMOUSLY = frozenset(
    {
        "id",
        "url",
        "kind",
        "direction",
        "title",
        "anonymous_summary",
        "is_anonymous",
        "capabilities",
        "county_fips",
        "county",
        "radius_miles",
        "wanted_by",
        "expires_on",
        "published_at",
        "renewals",
        "status",
        "visibility",
        "trl",
        "ip_status",
        "partner_kinds",
        "partner_sizes",
        "agreement_kind",
        "duration_months",
        "call_deadline",
        "coordinator_wanted",
        "is_demo",
        "confirmed_at",
        "created_at",
        "updated_at",
    }
)


class Incomplete(Invalid):
    """What a request still lacks before it can be published: (field, what to do), all of it."""

    def __init__(self, missing: Sequence[tuple[str, str]]) -> None:
        super().__init__(*missing[0])
        self.missing = tuple(missing)


def missing_fields(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Say what a request of this kind and direction must have before it is published.

    values: the fields of `RequestForm`, and `asked_organization_id`: who asks to use one thing of
    one organization neither seeks expertise nor has to be found. Yields (field, what to do).
    """
    asks_one = values.get("asked_organization_id") is not None
    kind, direction = values["kind"], values["direction"]
    if values["visibility"] == "draft":
        yield "visibility", _("Please choose who sees it.")
    if not values["summary"]:
        yield "summary", _("Please say in a sentence or two what this is about.")
    if not values["capabilities"] and kind != "consortium" and not asks_one:
        yield "capabilities", _("Please name at least one capability, so that it can be found.")
    if direction == "need" and not values["expertise_sought"] and not asks_one:
        yield "expertise_sought", _("Please say what expertise you look for.")
    if direction == "offer" and not values["advantages"]:
        yield "advantages", _("Please say what advantages this has for a partner.")
    if direction == "offer" and kind in ("technology", "rd_cooperation"):
        if not values["innovations"]:
            yield "innovations", _("Please say what is new about it.")
        if not values["ip_status"]:
            yield "ip_status", _("Please say how the knowledge is protected.")
    if kind in ("technology", "rd_cooperation") and values["trl"] is None:
        yield "trl", _("Please say how far it is developed.")
    if kind in ("rd_cooperation", "consortium"):
        if not values["partner_kinds"]:
            yield "partner_kinds", _("Please say what kind of partner you look for.")
        if values["duration_months"] is None:
            yield "duration_months", _("Please say how many months it takes.")
    if kind == "consortium":
        if not values["call_name"]:
            yield "call_name", _("Please name the call that the consortium answers.")
        if values["call_deadline"] is None:
            yield "call_deadline", _("Please give the deadline of the call.")
    if values["is_anonymous"] and not values["anonymous_summary"]:
        yield "anonymous_summary", _("Please write what others read instead of your name.")


def latest_end(start: dt.date) -> dt.date:
    """Return the last day to which a request that starts on a day may run."""
    return start + dt.timedelta(days=LONGEST_LIFE_DAYS)


def is_renewable(status: str, renewals: int, expires_on: dt.date, today: dt.date) -> bool:
    """Tell whether a request may be renewed now: once, near its end or soon after it."""
    is_near = abs((expires_on - today).days) <= RENEWABLE_DAYS
    return status in ("published", "paused", "expired") and renewals < MOST_RENEWALS and is_near
