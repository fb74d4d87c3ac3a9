"""Commands of requests: the only writers of their rows and attachments."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage

from portal.facilities.queries.records import is_shared
from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import date_here, now, today_here
from portal.kernel.commands import command
from portal.kernel.database import lock, session
from portal.kernel.errors import Conflict, Invalid, NotFound
from portal.kernel.files import remove_file, store_file
from portal.kernel.outbox import record
from portal.kernel.workflow import forget_steps
from portal.organizations.models import Organization
from portal.organizations.queries.resolving import complete_place, get_capabilities
from portal.partnerships.events import RequestDeleted, RequestEndsSoon, RequestSaved
from portal.partnerships.models import Request, RequestAttachment
from portal.partnerships.policies import Permission
from portal.partnerships.queries import desk
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as response_queries
from portal.partnerships.queries.mandates import find_open_mandate
from portal.partnerships.rules.publishing import (
    PLAIN_FIELDS,
    Incomplete,
    is_renewable,
    latest_end,
    missing_fields,
    usual_end,
)
from portal.partnerships.rules.words import LONGEST_URGENT_DAYS, MOST_URGENT
from portal.partnerships.rules.workflows import EDITABLE_STATUSES, REQUESTS, RESPONSES
from portal.partnerships.services.reveals import reveal_request

MOST_ATTACHMENTS = 10

#: What it asks to use: one of the two, or neither.
_SUBJECT = ("equipment_id", "facility_id")


@command(Permission.REQUEST_CREATE)
def create_request(
    actor: Actor,
    organization: Organization,
    *,
    attachments: Sequence[FileStorage] = (),
    is_demo: bool = False,
    publish: bool = False,
    **values: Any,
) -> Request:
    """Write a request of an organization: a draft, or with `publish` an open request.

    values: fields of `RequestForm`. Raises Invalid for an unknown capability or ZIP code and for
    equipment or a facility that cannot be asked for, Incomplete for what publication still needs
    (then nothing is written).
    """
    request = _write(actor, organization, attachments, values, is_demo=is_demo)
    if publish:
        act_on_request(actor, request, "publish")
    return request


@command(Permission.REQUEST_WRITE_FOR)
def write_request_for(
    actor: Actor,
    organization: Organization,
    *,
    attachments: Sequence[FileStorage] = (),
    **values: Any,
) -> Request:
    """Write the draft of a request for a firm, whose word it needs to be published.

    values: as for `create_request`.
    """
    return _write(actor, organization, attachments, values, is_on_behalf=True)


@command(Permission.REQUEST_EDIT)
def change_request(
    actor: Actor,
    request: Request,
    *,
    attachments: Sequence[FileStorage] = (),
    publish: bool = False,
    organization: Organization | None = None,
    **values: Any,
) -> Request:
    """Change the fields that are given. What is published stays fit to be published.

    organization: whose draft it becomes, where that is another one.
    """
    if request.status not in EDITABLE_STATUSES:
        raise Conflict(_("This request is closed and can no longer be changed."))
    queries.load_for_change(request)
    if organization is not None and organization.id != request.organization_id:
        _give_to(actor, request, organization, values)
    if request.is_anonymous and request.status != "draft" and values.get("is_anonymous") is False:
        reveal_request(actor, request)
    subject = {name: values.pop(name) for name in _SUBJECT if name in values}
    _set(request, values)
    _set_subject(actor, request, subject)
    if request.status != "draft":
        _check_complete(request)
        _check_urgency(request)
    _attach(actor, request, attachments)
    _touch(actor, request)
    if publish:
        act_on_request(actor, request, "publish")
    return request


@command(REQUESTS.permission)
def act_on_request(actor: Actor, request: Request, action: str, *, note: str = "") -> Request:
    """Take a step of the workflow: publish, recall, pause, resume, fulfil, withdraw, or (the clock)
    expire.

    Raises Incomplete with all that publication still needs, Conflict in a wrong state.
    """
    if action == "publish" and request.status in ("draft", "proposed"):
        _prepare_publication(actor, request)
    REQUESTS.apply(actor, request, action, note=note)
    request.updated_at = now()
    if action == "withdraw":
        _let_responses_lapse(actor, request)
    elif action in ("publish", "recall"):
        _settle_mandate(actor, request, action)
    return request


@command(Permission.REQUEST_CONFIRM)
def confirm_request(actor: Actor, request: Request) -> Request:
    """Publish a request for which a firm gave its word; the actor is the portal in its name.

    Raises Incomplete with all that publication still needs, Conflict in a wrong state.
    """
    if request.expires_on < today_here():
        request.expires_on = usual_end(today_here(), is_urgent=request.is_urgent)
    _prepare_publication(actor, request)
    REQUESTS.apply(actor, request, "confirm")
    request.updated_at = now()
    return request


def _prepare_publication(actor: Actor, request: Request) -> None:
    """Check that a request can be published now, and set what depends on the day."""
    session.flush()
    queries.load_for_change(request)
    # What it asks for may have gone, or become somebody's own again, since the draft was saved.
    request.asked_organization_id = _owner_of_subject(actor, request)
    _check_complete(request)
    if request.is_urgent and request.expires_on < today_here():
        request.expires_on = usual_end(today_here(), is_urgent=True)
    if request.expires_on < today_here():
        raise Invalid("expires_on", _("Please choose a day that is not over."))
    _check_urgency(request)
    request.published_at = now()


def _settle_mandate(actor: Actor, request: Request, action: str) -> None:
    """Its own people have published it, or the broker has taken the question back."""
    mandate = find_open_mandate(request)
    if mandate is not None:
        mandate.status = "given" if action == "publish" else "revoked"
        mandate.answered_by, mandate.answered_at = actor.name, now()


@command(Permission.REQUEST_MANAGE)
def renew_request(actor: Actor, request: Request, *, expires_on: dt.date) -> Request:
    """Put off a request's end, once and from its first end on; an expired one is open again.

    Raises Conflict when it is too early or was renewed before, Invalid for a day out of range.
    """
    if not is_renewable(
        request.status,
        request.renewals,
        request.expires_on,
        today_here(),
        is_urgent=request.is_urgent,
    ):
        raise Conflict(_("A request can be renewed once, within 30 days of its end."))
    latest = latest_end(request.expires_on, is_urgent=request.is_urgent)
    if expires_on > latest:
        raise Invalid(
            "expires_on",
            _("Please choose %(day)s or an earlier day.", day=format_date(latest)),
        )
    if expires_on <= request.expires_on:
        raise Invalid("expires_on", _("Please choose a later day than the present end."))
    if expires_on < today_here():
        raise Invalid("expires_on", _("Please choose a day that is not over."))
    request.expires_on = expires_on
    request.reminded_at = None
    request.renewals += 1
    REQUESTS.apply(actor, request, "reopen" if request.status == "expired" else "renew")
    _touch(actor, request)
    return request


@command(Permission.REQUEST_EXPIRE)
def expire_overdue(actor: Actor) -> int:
    """Let the requests whose time is over expire; return how many."""
    due = desk.list_overdue_ids()
    for request_id in due:
        act_on_request(actor, queries.get_request(request_id), "expire")
    return len(due)


@command(Permission.REQUEST_EXPIRE)
def remind_of_ends(actor: Actor) -> int:
    """Note for each request that its end is near, once per end; return how many."""
    due = desk.list_ending_unreminded()
    for request in due:
        request.reminded_at = now()
        record(RequestEndsSoon(request.id))
    return len(due)


@command(Permission.REQUEST_EDIT)
def delete_request(actor: Actor, request: Request) -> Request:
    """Delete a draft with its attachments. What was published is withdrawn instead."""
    if request.status != "draft":
        raise Conflict(_("Only drafts can be deleted. Withdraw this request instead."))
    queries.load_for_change(request)
    for attachment in list(request.attachments):
        _detach(request, attachment)
    record(RequestDeleted(request.id))
    # A firm may have been asked and have said why not.
    forget_steps(REQUESTS.subject, request)
    session.delete(request)
    return request


@command(Permission.REQUEST_EDIT)
def remove_attachment(actor: Actor, request: Request, *, attachment_id: int) -> Request:
    """Take an attachment away, with its file."""
    if request.status not in EDITABLE_STATUSES:
        raise Conflict(_("This request is closed and can no longer be changed."))
    queries.load_for_change(request)
    for attachment in request.attachments:
        if attachment.id == attachment_id:
            _detach(request, attachment)
            _touch(actor, request)
            return request
    raise NotFound(_("This attachment is no longer here."))


def _let_responses_lapse(actor: Actor, request: Request) -> None:
    """Answer those who still wait for a decision on a request that is withdrawn."""
    for response in response_queries.list_undecided(request):
        RESPONSES.apply(actor, response, "lapse")
        response.decided_at = now()


def _write(
    actor: Actor,
    organization: Organization,
    attachments: Sequence[FileStorage],
    values: dict[str, Any],
    *,
    is_demo: bool = False,
    is_on_behalf: bool = False,
) -> Request:
    if organization.status != "active":
        raise Conflict(_("This organization is archived."))
    is_urgent = bool(values.get("is_urgent"))
    request = Request(
        organization_id=organization.id,
        organization=organization,
        created_by_id=actor.user_id,
        confirmed_by_id=actor.user_id,
        is_demo=is_demo,
        is_on_behalf=is_on_behalf,
        is_urgent=is_urgent,
        status="draft",
        visibility="public",
        expires_on=usual_end(today_here(), is_urgent=is_urgent),
        renewals=0,
        capabilities=[],
    )
    subject = {name: values.pop(name) for name in _SUBJECT if name in values}
    _set(request, {"zip_code": "", **values})
    _set_subject(actor, request, subject)
    session.add(request)
    session.flush()
    _attach(actor, request, attachments)
    record(RequestSaved(request.id))
    return request


def _give_to(
    actor: Actor, request: Request, organization: Organization, values: dict[str, Any]
) -> None:
    """Make a draft another organization's of its writer."""
    if request.status != "draft" or request.is_on_behalf:
        raise Invalid("organization_id", _("Whose request it is was chosen before."))
    authorize(actor, Permission.REQUEST_CREATE, organization)
    request.organization_id, request.organization = organization.id, organization
    # Its place may be the organization's own.
    values.setdefault("zip_code", request.zip_code)


def _set(request: Request, values: Mapping[str, Any]) -> None:
    unknown = set(values) - {*PLAIN_FIELDS, "capabilities", "zip_code", "expires_on"}
    if unknown:
        raise TypeError(f"no fields of a request: {', '.join(sorted(unknown))}")
    for name in PLAIN_FIELDS:
        if name in values:
            setattr(request, name, values[name])
    if request.is_urgent and request.direction != "need":
        raise Invalid("is_urgent", _("Only a need can be urgent."))
    _set_end(request, values.get("expires_on"))
    if "capabilities" in values:
        request.capabilities = get_capabilities(values["capabilities"])
    if "zip_code" in values:
        _set_place(request, values["zip_code"])


def _set_end(request: Request, expires_on: dt.date | None) -> None:
    start = date_here(request.published_at or now())
    latest = latest_end(start, is_urgent=request.is_urgent)
    if not expires_on or expires_on == request.expires_on:
        if request.is_urgent and request.expires_on > _latest_urgent_end(request, latest):
            # It has become urgent, and whoever said so gave no end.
            request.expires_on = max(usual_end(start, is_urgent=True), today_here())
        return
    if request.renewals and expires_on > request.expires_on:
        raise Invalid("expires_on", _("A renewed request cannot be put off again."))
    if not request.renewals and expires_on > latest:
        raise Invalid(
            "expires_on",
            _("An urgent request is open for %(most)d days at most.", most=LONGEST_URGENT_DAYS)
            if request.is_urgent
            else _("A request is open for 365 days at most."),
        )
    if expires_on < today_here():
        raise Invalid("expires_on", _("Please choose a day that is not over."))
    request.expires_on = expires_on
    request.reminded_at = None


def _latest_urgent_end(request: Request, latest: dt.date) -> dt.date:
    if not request.renewals:
        return latest
    # Its first end is not kept; it was within the days of an urgent request, and so is the second.
    return latest_end(latest_end(today_here(), is_urgent=True), is_urgent=True)


def _set_place(request: Request, zip_code: str) -> None:
    """Take the place of the ZIP code, or the organization's own where none is given."""
    request.zip_code = zip_code
    if zip_code:
        place = complete_place({"zip_code": zip_code})
        request.county_fips = place["county_fips"]
        request.latitude, request.longitude = place["latitude"], place["longitude"]
    else:
        organization = request.organization
        request.county_fips = organization.county_fips
        request.latitude, request.longitude = organization.latitude, organization.longitude


def _set_subject(actor: Actor, request: Request, values: Mapping[str, int | None]) -> None:
    """Name what a request asks to use, and with it whom it asks; a draft's can be changed."""
    changed = [name for name in values if values[name] != getattr(request, name)]
    if not changed:
        return
    if request.status != "draft":
        raise Invalid(changed[0], _("What a request asks to use is chosen before it is published."))
    for name in changed:
        setattr(request, name, values[name])
    request.asked_organization_id = _owner_of_subject(actor, request)


def _owner_of_subject(actor: Actor, request: Request) -> int | None:
    """Return whose it is what a request asks to use. Raises Invalid where it cannot be asked."""
    equipment_id, facility_id = request.equipment_id, request.facility_id
    if equipment_id is None and facility_id is None:
        return None
    field = "equipment_id" if equipment_id is not None else "facility_id"
    if equipment_id is not None and facility_id is not None:
        raise Invalid(field, _("Please name equipment or a facility, not both."))
    subject = queries.find_subject(actor, equipment_id=equipment_id, facility_id=facility_id)
    if subject is None:
        raise Invalid(field, _("It is no longer here. Please choose “None”."))
    if subject.organization_id == request.organization_id:
        raise Invalid(field, _("This belongs to your own organization."))
    if not is_shared(subject):
        raise Invalid(field, _("Its organization shows it, but does not share it."))
    return subject.organization_id


def _check_complete(request: Request) -> None:
    missing = list(missing_fields(queries.values_of(request)))
    if missing:
        raise Incomplete(missing)


def _check_urgency(request: Request) -> None:
    if not request.is_urgent:
        return
    # Two that are published at the same moment count each other.
    lock(session.get_one(Organization, request.organization_id))
    if queries.count_urgent_besides(request) >= MOST_URGENT:
        raise Invalid(
            "is_urgent",
            _("Your organization has %(most)d urgent requests open already.", most=MOST_URGENT),
        )


def _attach(actor: Actor, request: Request, uploads: Sequence[FileStorage]) -> None:
    if not uploads:
        return
    present = session.scalar(
        select(func.count())
        .select_from(RequestAttachment)
        .where(RequestAttachment.request_id == request.id)
    )
    if (present or 0) + len(uploads) > MOST_ATTACHMENTS:
        raise Invalid("attachments", _("Please keep to %(most)d at most.", most=MOST_ATTACHMENTS))
    for upload in uploads:
        file = store_file(upload, field="attachments", user_id=actor.user_id)
        session.add(
            RequestAttachment(request_id=request.id, file_id=file.id, title=file.original_name)
        )
        session.flush()


def _detach(request: Request, attachment: RequestAttachment) -> None:
    request.attachments.remove(attachment)
    session.delete(attachment)
    session.flush()
    remove_file(attachment.file)


def _touch(actor: Actor, request: Request) -> None:
    request.updated_at = now()
    request.confirmed_at, request.confirmed_by_id = now(), actor.user_id
    # A draft stands in no list and no index, and is saved again and again while it is typed.
    if request.status != "draft":
        record(RequestSaved(request.id))
