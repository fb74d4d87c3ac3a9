"""Who may do what with requests and responses."""

from enum import StrEnum

from portal.kernel.authorization import (
    Policy,
    administrator,
    anyone,
    brokers_anywhere,
    clock,
    county_brokered,
    has_membership,
    is_self,
    related,
    role_in,
    signed_in,
    some_related,
    value_in,
)
from portal.kernel.listing import visible_record
from portal.organizations.models import Organization
from portal.partnerships.models import Request, RequestReveal, Response
from portal.partnerships.rules.workflows import SHOWN_STATUSES


class Permission(StrEnum):
    REQUEST_VIEW = "request.view"
    REQUEST_VIEW_IDENTITY = "request.view_identity"
    REQUEST_VIEW_INSIDE = "request.view_inside"
    REQUEST_VIEW_OWN = "request.view_own"
    REQUEST_VIEW_PROPOSED = "request.view_proposed"
    REQUEST_CREATE = "request.create"
    REQUEST_EDIT = "request.edit"
    REQUEST_PUBLISH = "request.publish"
    REQUEST_MANAGE = "request.manage"
    REQUEST_REVEAL = "request.reveal"
    REQUEST_INVITE = "request.invite"
    REQUEST_EXPIRE = "request.expire"
    REQUEST_CONFIRM = "request.confirm"
    REQUEST_WRITE_FOR = "request.write_for"
    REQUEST_ASK_FIRM = "request.ask_firm"
    REQUEST_TAKE_OVER = "request.take_over"
    REQUEST_CALL = "request.call"
    MANDATE_ANSWER = "mandate.answer"
    URGENT_VIEW = "urgent.view_own"
    URGENT_SILENCE = "urgent.silence"
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
#: A broker acts for a firm that the broker wrote for, until the firm's own people take over.
_mandated = (
    value_in(Request.is_on_behalf, True)
    & related(Request.organization, county_brokered(Organization.county_fips))
).described("brokers of the region, for a firm that they post it for")
_revealed = some_related(Request.reveals, role_in(RequestReveal.organization_id))
_shown = value_in(Request.status, *SHOWN_STATUSES) & visible_record(Request, Organization)
_asked = (
    value_in(Request.status, *SHOWN_STATUSES)
    & value_in(Request.visibility, "organization", "members", "public")
    & role_in(Request.asked_organization_id)
    & related(Request.organization, value_in(Organization.status, "active"))
)
_withdrawn = value_in(Request.status, "withdrawn") & _own
_receivers = related(Response.request, _own | _mandated)
_sides = (role_in(Response.organization_id) | _receivers | administrator).described(
    "people of the two organizations, brokers who post the request for a firm, administrators"
)
_accepted = value_in(Response.status, "accepted")

policy = Policy(
    write_scope="requests:write",
    views={Request: Permission.REQUEST_VIEW, Response: Permission.RESPONSE_VIEW},
    table={
        Permission.REQUEST_VIEW: (_shown | _asked | _withdrawn | _editors | _mandated).described(
            "everyone the request's visibility names, and the organization whose equipment or "
            "facility it asks to use; drafts and withdrawn ones: its organization, and brokers "
            "who post it for a firm"
        ),
        Permission.REQUEST_VIEW_IDENTITY: (
            value_in(Request.is_anonymous, False) | _own | _mandated | administrator | _revealed
        ).described(
            "anyone; of an anonymous request: its organization, brokers who post it for a firm, "
            "administrators, and organizations to which it was revealed"
        ),
        Permission.REQUEST_VIEW_INSIDE: (_own | _mandated | administrator).described(
            "people of the request's organization, brokers who post it for a firm, administrators"
        ),
        Permission.REQUEST_VIEW_OWN: signed_in,
        Permission.REQUEST_VIEW_PROPOSED: brokers_anywhere,
        Permission.REQUEST_CREATE: role_in(Organization.id) | administrator,
        Permission.REQUEST_EDIT: (
            _editors | (value_in(Request.status, "draft") & _mandated)
        ).described(
            "owners and managers of the organization, its member who wrote it, administrators; "
            "of a draft also brokers who write it for a firm"
        ),
        Permission.REQUEST_PUBLISH: _editors,
        Permission.REQUEST_MANAGE: (_editors | _mandated).described(
            "owners and managers of the organization, its member who wrote it, administrators, "
            "and brokers who post it for a firm"
        ),
        Permission.REQUEST_REVEAL: _editors,
        Permission.REQUEST_INVITE: (
            value_in(Request.status, "published")
            & value_in(Request.visibility, "members", "public")
            & value_in(Request.is_anonymous, False)
            & (_managers | _author)
        ).described(
            "owners and managers of the organization, and its member who wrote it, once it is "
            "published for others under the organization's name"
        ),
        Permission.REQUEST_EXPIRE: clock,
        Permission.REQUEST_CONFIRM: clock.described("the portal itself, by the word of the firm"),
        Permission.REQUEST_WRITE_FOR: (
            county_brokered(Organization.county_fips)
            & value_in(Organization.status, "active")
            & ~role_in(Organization.id)
        ).described("brokers of the region who do not belong to the organization"),
        Permission.REQUEST_ASK_FIRM: (
            value_in(Request.status, "draft", "proposed") & _mandated
        ).described("brokers of the region, of what they write for a firm"),
        Permission.REQUEST_TAKE_OVER: (value_in(Request.is_on_behalf, True) & _managers).described(
            "owners and managers of the organization for which a broker posts it"
        ),
        Permission.REQUEST_CALL: clock,
        Permission.MANDATE_ANSWER: anyone.described("whoever has the link that the e-mail brought"),
        Permission.URGENT_VIEW: signed_in,
        Permission.URGENT_SILENCE: signed_in,
        Permission.RESPONSE_VIEW: _sides,
        Permission.RESPONSE_VIEW_IDENTITY: (
            related(Response.request, value_in(Request.is_anonymous, False))
            | _receivers
            | administrator
            | (
                role_in(Response.organization_id)
                & (_accepted | related(Response.request, _revealed))
            )
        ).described(
            "who posted the request; the responding organization: of an anonymous request once "
            "the response is accepted, or its owner revealed it"
        ),
        Permission.RESPONSE_VIEW_CONTACTS: (_accepted & _sides).described(
            "people of the two organizations and administrators, once the response is accepted"
        ),
        Permission.RESPONSE_SEND: (has_membership & ~_own & ~_mandated).described(
            "people of any other organization"
        ),
        Permission.RESPONSE_DECIDE: related(
            Response.request, role_in(Request.organization_id, "owner", "manager") | _mandated
        ).described(
            "owners and managers of the request's organization, and brokers who post it for a firm"
        ),
        Permission.RESPONSE_WITHDRAW: (
            role_in(Response.organization_id, "owner", "manager")
            | (is_self(Response.created_by_id) & role_in(Response.organization_id))
        ).described("owners and managers of the responding organization, and who wrote it"),
    },
)
