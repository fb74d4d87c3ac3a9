"""Pages of requests: the board, your own, and one of them."""

from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.authorization import authorize, can
from portal.kernel.clock import now, today_here
from portal.kernel.files import send_stored_file
from portal.kernel.kept import keep_answer
from portal.kernel.web.addresses import external_url
from portal.kernel.web.answers import page
from portal.kernel.web.arguments import text_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.rules import EMPLOYEE_BANDS, ORGANIZATION_KINDS, is_stale
from portal.partnerships.policies import Permission
from portal.partnerships.queries import closing, mandates, reveals, urgent
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as response_queries
from portal.partnerships.queries.quality import assess_request
from portal.partnerships.rules.publishing import is_renewable
from portal.partnerships.rules.words import (
    AGREEMENT_KINDS,
    DIRECTIONS,
    IP_STATUSES,
    MANDATE_STATUSES,
    REQUEST_KINDS,
    RESULTS,
    REVEAL_CAUSES,
    TRL_WORDS,
)
from portal.partnerships.rules.workflows import (
    EDITABLE_STATUSES,
    OPEN_STATUSES,
    REQUESTS,
    RESPONSES,
)
from portal.partnerships.schemas import request_linked_data
from portal.partnerships.views.blueprint import blueprint
from portal.partnerships.views.writing import field_labels


@blueprint.get("/requests")
def list_requests() -> ResponseReturnValue:
    """Show the open requests, the newest first; the directory searches them."""
    kind, direction = text_argument("kind"), text_argument("direction")
    chosen = {
        "kind": kind if kind in REQUEST_KINDS else "",
        "direction": direction if direction in DIRECTIONS else "",
        "mine": "yes" if text_argument("mine") == "yes" else "",
        "urgent": "yes" if text_argument("urgent") == "yes" else "",
    }
    found = queries.list_board(
        current_actor(),
        kind=chosen["kind"],
        direction=chosen["direction"],
        is_mine=bool(chosen["mine"]),
        is_urgent=bool(chosen["urgent"]),
        cursor=request.args.get("cursor"),
    )

    def board_url(**changes: str | None) -> str:
        arguments: dict[str, Any] = {
            name: value for name, value in {**chosen, **changes}.items() if value
        }
        return url_for("partnerships.list_requests", **arguments)

    def options(name: str, labels: Any) -> list[dict[str, Any]]:
        return [
            {
                "label": label,
                "url": board_url(**{name: value}),
                "is_selected": chosen[name] == value,
            }
            for value, label in {"": _("All"), **labels}.items()
        ]

    return page(
        "partnerships/board.html",
        cards=found.items,
        is_filtered=any(chosen.values()),
        kind_links=options("kind", REQUEST_KINDS),
        direction_links=options("direction", DIRECTIONS),
        urgent_links=options("urgent", {"yes": _("Urgent")}),
        mine_links=options("mine", {"yes": _("Of your organizations")}),
        next_url=board_url(cursor=found.next) if found.next else None,
        kinds=REQUEST_KINDS,
        statuses=REQUESTS.statuses,
    )


@blueprint.get("/requests/mine")
def list_mine() -> ResponseReturnValue:
    """Show the requests of the reader's organizations in every state."""
    actor = current_actor()
    authorize(actor, Permission.REQUEST_VIEW_OWN)
    found = queries.list_own(actor, cursor=request.args.get("cursor"))
    return page(
        "partnerships/mine.html",
        cards=found.items,
        next_url=url_for("partnerships.list_mine", cursor=found.next) if found.next else None,
        kinds=REQUEST_KINDS,
        directions=DIRECTIONS,
        statuses=REQUESTS.statuses,
    )


@blueprint.get("/requests/<int:request_id>")
def show(request_id: int) -> ResponseReturnValue:
    """Show one request; of an anonymous one, outsiders see what was written for them."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    is_inside = can(actor, Permission.REQUEST_VIEW_INSIDE, record)
    subject = queries.shown_subject(actor, record)
    responses = response_queries.list_responses(actor, record, limit=100).items if is_inside else []
    is_editor = can(actor, Permission.REQUEST_EDIT, record)
    own_response = None if is_inside else response_queries.find_own_response(actor, record)
    keep_answer()
    return page(
        "partnerships/show.html",
        record=record,
        card=queries.card_of(actor, record),
        sees_identity=queries.sees_identity(actor, record),
        subject=subject,
        subject_url=_subject_url(record) if subject is not None else None,
        visibility=queries.shown_visibility(record),
        is_asked=record.asked_organization_id in actor.memberships,
        is_inside=is_inside,
        is_stale=is_stale(record.confirmed_at, now()),
        is_open=record.status in OPEN_STATUSES,
        is_editable=record.status in EDITABLE_STATUSES,
        is_renewable=is_renewable(
            record.status,
            record.renewals,
            record.expires_on,
            today_here(),
            is_urgent=record.is_urgent,
        ),
        # Closing asks for more than a reason: it has a page of its own.
        steps=[
            step
            for step in REQUESTS.available(actor, record)
            if step.action not in ("fulfil", "withdraw")
        ],
        closing=closing.find_closing(actor, record),
        results=RESULTS,
        mandate=mandates.find_mandate(actor, record),
        mandate_statuses=MANDATE_STATUSES,
        reveals=reveals.list_reveals(actor, record),
        revealed_to={reveal.organization_id for reveal in record.reveals},
        reveal_causes=REVEAL_CAUSES,
        called=urgent.count_calls(record) if is_inside and record.is_urgent else None,
        quality=assess_request(actor, record) if is_editor and record.status == "draft" else None,
        labels=field_labels(),
        history=REQUESTS.history(record) if is_inside else [],
        actions=REQUESTS.transitions,
        responses=responses,
        own_response=own_response,
        may_respond=can(actor, Permission.RESPONSE_SEND, record),
        kinds=REQUEST_KINDS,
        directions=DIRECTIONS,
        statuses=REQUESTS.statuses,
        response_statuses=RESPONSES.statuses,
        ip_statuses=IP_STATUSES,
        agreements=AGREEMENT_KINDS,
        readiness=TRL_WORDS,
        organization_kinds=ORGANIZATION_KINDS,
        bands=EMPLOYEE_BANDS,
        linked_data=request_linked_data(
            actor, record, root=external_url("partnerships.list_requests").removesuffix("/requests")
        ),
    )


@blueprint.get("/requests/<int:request_id>/attachments/<int:attachment_id>")
def show_attachment(request_id: int, attachment_id: int) -> Response:
    """Answer with an attachment, to those who see whose request it is."""
    actor = current_actor()
    record = queries.get_visible_request(actor, request_id)
    return send_stored_file(queries.get_attachment(actor, record, attachment_id), is_public=False)


def _subject_url(record: Any) -> str:
    if record.equipment_id is not None:
        return url_for("facilities.show_equipment", equipment_id=record.equipment_id)
    return url_for("facilities.show_facility", facility_id=record.facility_id)
