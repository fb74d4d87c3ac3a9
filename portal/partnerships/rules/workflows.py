"""The two workflows, of requests and of responses, and what their states mean."""

from collections.abc import Callable
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.kernel.authorization import Actor
from portal.kernel.workflow import Transition, Workflow
from portal.partnerships.events import RequestMoved, RequestRenewed, ResponseDecided


def _moved(action: str) -> Callable[[Any, Actor, str], RequestMoved]:
    return lambda row, actor, note: RequestMoved(row.id, action, row.status, actor.user_id)


REQUESTS = Workflow(
    "request",
    {
        "draft": _l("Draft"),
        "proposed": _l("Waits for the firm’s word"),
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
                ("draft", "proposed"),
                "published",
                "request.publish",
                _l("Publish"),
                _l("The request is published."),
                "none",
                None,
            ),
            (
                "recall",
                ("proposed",),
                "draft",
                "request.ask_firm",
                _l("Take the question back"),
                _l("The question to the firm was taken back: the link does not work any more."),
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
    )
    + tuple(
        Transition(
            action,
            (source,),
            target,
            permission,
            label,
            done,
            # To everybody else, the firm's word is what publishes it.
            event=_moved("publish" if action == "confirm" else action),
            note="optional",
            is_own=True,
        )
        for action, source, target, permission, label, done in (
            (
                "propose",
                "draft",
                "proposed",
                "request.ask_firm",
                _l("Ask the firm"),
                _l("The firm is asked to confirm the request."),
            ),
            (
                "confirm",
                "proposed",
                "published",
                "mandate.answer",
                _l("Confirm"),
                _l("The firm confirmed the request, and it is published."),
            ),
            (
                "refuse",
                "proposed",
                "draft",
                "mandate.answer",
                _l("Refuse"),
                _l("The firm refused the request."),
            ),
            (
                "lapse",
                "proposed",
                "draft",
                "request.expire",
                _l("Lapse"),
                _l("The firm did not answer in time."),
            ),
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
