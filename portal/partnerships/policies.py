"""Who may do what with requests and responses."""

from enum import StrEnum

from portal.kernel.authorization import (
    Policy,
    administrator,
    clock,
    has_membership,
    is_self,
    related,
    role_in,
    signed_in,
    value_in,
)
from portal.kernel.listing import visible_record
from portal.organizations.models import Organization
from portal.partnerships.models import Request, Response
from portal.partnerships.rules.workflows import SHOWN_STATUSES


class Permission(StrEnum):
    REQUEST_VIEW = "request.view"
    REQUEST_VIEW_IDENTITY = "request.view_identity"
    REQUEST_VIEW_INSIDE = "request.view_inside"
    REQUEST_VIEW_OWN = "request.view_own"
    REQUEST_CREATE = "request.create"
    REQUEST_EDIT = "request.edit"
    REQUEST_PUBLISH = "request.publish"
    REQUEST_MANAGE = "request.manage"
    REQUEST_EXPIRE = "request.expire"
    RESPONSE_VIEW = "response.view"
    RESPONSE_VIEW_IDENTITY = "response.view_identity"
    RESPONSE_VIEW_CONTACTS = "response.view_contacts"
    RESPONSE_SEND = "response.send"
    RESPONSE_DECIDE = "response.decide"
    RESPONSE_WITHDRAW = "response.withdraw"


_own = role_in(Request.organization_id)
_managers = role_in(Request.organization_id, "owner", "manager")
_author = is_self(Request.created_by_id) & _own
_editors = (_managers | _author | administrator).described(
    "owners and managers of the organization, its member who wrote it, administrators"
)
_shown = value_in(Request.status, *SHOWN_STATUSES) & visible_record(Request, Organization)
_asked = (
    value_in(Request.status, *SHOWN_STATUSES)
    & value_in(Request.visibility, "organization", "members", "public")
    & role_in(Request.asked_organization_id)
    & related(Request.organization, value_in(Organization.status, "active"))
)
_withdrawn = value_in(Request.status, "withdrawn") & _own
_receivers = related(Response.request, _own)
_sides = (role_in(Response.organization_id) | _receivers | administrator).described(
    "people of the two organizations, and administrators"
)
_accepted = value_in(Response.status, "accepted")

policy = Policy(
    write_scope="requests:write",
    views={Request: Permission.REQUEST_VIEW, Response: Permission.RESPONSE_VIEW},
    table={
        Permission.REQUEST_VIEW: (_shown | _asked | _withdrawn | _editors).described(
            "everyone the request's visibility names, and the organization whose equipment or "
            "facility it asks to use; drafts and withdrawn ones: its organization"
        ),
        Permission.REQUEST_VIEW_IDENTITY: (
            value_in(Request.is_anonymous, False) | _own | administrator
        ).described("anyone; of an anonymous request: its organization and administrators"),
        Permission.REQUEST_VIEW_INSIDE: (_own | administrator).described(
            "people of the request's organization, and administrators"
        ),
        Permission.REQUEST_VIEW_OWN: signed_in,
        Permission.REQUEST_CREATE: role_in(Organization.id) | administrator,
        Permission.REQUEST_EDIT: _editors,
        Permission.REQUEST_PUBLISH: _editors,
        Permission.REQUEST_MANAGE: _editors,
        Permission.REQUEST_EXPIRE: clock,
        Permission.RESPONSE_VIEW: _sides,
        Permission.RESPONSE_VIEW_IDENTITY: (
            related(Response.request, value_in(Request.is_anonymous, False))
            | _receivers
            | administrator
            | (_accepted & role_in(Response.organization_id))
        ).described(
            "who posted the request; the responding organization: of an anonymous request once "
            "the response is accepted"
        ),
        Permission.RESPONSE_VIEW_CONTACTS: (_accepted & _sides).described(
            "people of the two organizations and administrators, once the response is accepted"
        ),
        Permission.RESPONSE_SEND: (has_membership & ~_own).described(
            "people of any other organization"
        ),
        Permission.RESPONSE_DECIDE: related(
            Response.request, role_in(Request.organization_id, "owner", "manager")
        ).described("owners and managers of the request's organization"),
        Permission.RESPONSE_WITHDRAW: (
            role_in(Response.organization_id, "owner", "manager")
            | (is_self(Response.created_by_id) & role_in(Response.organization_id))
        ).described("owners and managers of the responding organization, and who wrote it"),
    },
)
