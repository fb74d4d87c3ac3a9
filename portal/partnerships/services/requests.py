"""Commands of requests: the only writers of their rows and attachments."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage

from portal.facilities.queries import is_shared
from portal.kernel.authorization import Actor
from portal.kernel.clock import date_here, now, today_here
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid, NotFound
from portal.kernel.files import remove_file, store_file
from portal.kernel.outbox import record
from portal.organizations.models import Organization
from portal.organizations.queries.resolving import complete_place, get_capabilities
from portal.partnerships.events import (
    RequestDeleted,
    RequestEndsSoon,
    RequestSaved,
)
from portal.partnerships.models import Request, RequestAttachment
from portal.partnerships.policies import Permission
from portal.partnerships.queries import desk
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as response_queries
from portal.partnerships.rules.publishing import (
    Incomplete,
    is_renewable,
    latest_end,
    missing_fields,
)
from portal.partnerships.rules.words import USUAL_LIFE_DAYS
from portal.partnerships.rules.workflows import (
    EDITABLE_STATUSES,
    REQUESTS,
    RESPONSES,
)

MOST_ATTACHMENTS = 10
#: Fields that are written as they come.
_PLAIN = (
    "kind",
    "direction",
    "title",
    "summary",
    "description",
    "radius_miles",
    "wanted_by",
    "visibility",
    "is_anonymous",
    "anonymous_summary",
    "expertise_sought",
    "advantages",
    "innovations",
    "trl",
    "ip_status",
    "partner_kinds",
    "partner_sizes",
    "agreement_kind",
    "budget_cents",
    "call_name",
    "call_deadline",
    "coordinator_wanted",
    "duration_months",
)

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
    if organization.status != "active":
        raise Conflict(_("This organization is archived."))
    request = Request(
        organization_id=organization.id,
        organization=organization,
        created_by_id=actor.user_id,
        confirmed_by_id=actor.user_id,
        is_demo=is_demo,
        status="draft",
        visibility="public",
        expires_on=today_here() + dt.timedelta(days=USUAL_LIFE_DAYS),
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
    if publish:
        act_on_request(actor, request, "publish")
    return request


@command(Permission.REQUEST_EDIT)
def change_request(
    actor: Actor,
    request: Request,
    *,
    attachments: Sequence[FileStorage] = (),
    publish: bool = False,
    **values: Any,
) -> Request:
    """Change the fields that are given. What is published stays fit to be published."""
    if request.status not in EDITABLE_STATUSES:
        raise Conflict(_("This request is closed and can no longer be changed."))
    queries.load_for_change(request)
    subject = {name: values.pop(name) for name in _SUBJECT if name in values}
    _set(request, values)
    _set_subject(actor, request, subject)
    if request.status != "draft":
        _check_complete(request)
    _attach(actor, request, attachments)
    _touch(actor, request)
    if publish:
        act_on_request(actor, request, "publish")
    return request


@command(REQUESTS.permission)
def act_on_request(actor: Actor, request: Request, action: str, *, note: str = "") -> Request:
    """Take a step of the workflow: publish, pause, resume, fulfil, withdraw, or (the clock) expire.

    Raises Incomplete with all that publication still needs, Conflict in a wrong state.
    """
    if action == "publish" and request.status == "draft":
        session.flush()
        queries.load_for_change(request)
        # What it asks for may have gone, or become somebody's own again, since the draft was saved.
        request.asked_organization_id = _owner_of_subject(actor, request)
        _check_complete(request)
        if request.expires_on < today_here():
            raise Invalid("expires_on", _("Please choose a day that is not over."))
        request.published_at = now()
    REQUESTS.apply(actor, request, action, note=note)
    request.updated_at = now()
    if action == "withdraw":
        _let_responses_lapse(actor, request)
    return request


@command(Permission.REQUEST_MANAGE)
def renew_request(actor: Actor, request: Request, *, expires_on: dt.date) -> Request:
    """Put off a request's end, once; an expired one is open again.

    Raises Conflict when it is too early or was renewed before, Invalid for a day out of range.
    """
    if not is_renewable(request.status, request.renewals, request.expires_on, today_here()):
        raise Conflict(_("A request can be renewed once, within 30 days of its end."))
    if not today_here() <= expires_on <= latest_end(today_here()):
        raise Invalid("expires_on", _("Please choose a day within the next 365 days."))
    if expires_on <= request.expires_on:
        raise Invalid("expires_on", _("Please choose a later day than the present end."))
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


def _set(request: Request, values: Mapping[str, Any]) -> None:
    unknown = set(values) - {*_PLAIN, "capabilities", "zip_code", "expires_on"}
    if unknown:
        raise TypeError(f"no fields of a request: {', '.join(sorted(unknown))}")
    for name in _PLAIN:
        if name in values:
            setattr(request, name, values[name])
    if values.get("expires_on"):
        _set_end(request, values["expires_on"])
    if "capabilities" in values:
        request.capabilities = get_capabilities(values["capabilities"])
    if "zip_code" in values:
        _set_place(request, values["zip_code"])


def _set_end(request: Request, expires_on: dt.date) -> None:
    if expires_on == request.expires_on:
        return
    start = date_here(request.published_at or now())
    if request.renewals and expires_on > request.expires_on:
        raise Invalid("expires_on", _("A renewed request cannot be put off again."))
    if not request.renewals and expires_on > latest_end(start):
        raise Invalid("expires_on", _("A request is open for 365 days at most."))
    if expires_on < today_here():
        raise Invalid("expires_on", _("Please choose a day that is not over."))
    request.expires_on = expires_on
    request.reminded_at = None


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
    names = (*_PLAIN, "capabilities", "asked_organization_id")
    values = {name: getattr(request, name) for name in names}
    missing = list(missing_fields(values))
    if missing:
        raise Incomplete(missing)


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
        session.flush()
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
    record(RequestSaved(request.id))
