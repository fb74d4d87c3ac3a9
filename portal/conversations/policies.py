"""Who may do what in conversations.

Besides what stands here, whoever reads, writes or reports in a thread must belong to one of its
parties and have the permission to view what it hangs on; `queries` asks for both.
"""

from enum import StrEnum

from portal.conversations.models import (
    Block,
    Message,
    MessageReport,
    OrganizationContact,
    Thread,
    ThreadParty,
)
from portal.kernel.authorization import (
    Policy,
    administrator,
    brokers_anywhere,
    clock,
    county_brokered,
    has_membership,
    related,
    role_in,
    signed_in,
    some_related,
)
from portal.organizations.models import Organization


class Permission(StrEnum):
    THREAD_VIEW = "thread.view"
    THREAD_VIEW_OWN = "thread.view_own"
    THREAD_WRITE = "thread.write"
    THREAD_FOLLOW = "thread.follow"
    THREAD_BLOCK = "thread.block"
    BLOCK_LIFT = "block.lift"
    CONTACT_VIEW = "organization_contact.view"
    ORGANIZATION_WRITE_TO = "organization_contact.write"
    MAIL_CHOOSE = "message_mail.choose"
    MAIL_DIGEST = "message_mail.digest"
    MESSAGE_REPORT = "message.report"
    REPORT_VIEW = "message_report.view"
    REPORT_VIEW_LIST = "message_report.view_list"
    REPORT_DECIDE = "message_report.decide"


_party = some_related(Thread.parties, role_in(ThreadParty.organization_id)).described(
    "people of the organizations that talk"
)
_managers = some_related(Thread.parties, role_in(ThreadParty.organization_id, "owner", "manager"))
_deciders = (
    (
        related(MessageReport.organization, county_brokered(Organization.county_fips))
        & ~role_in(MessageReport.organization_id)
        & ~related(MessageReport.message, role_in(Message.organization_id))
    )
    | administrator
).described(
    "brokers of the region of who reports it, but neither its own people nor those of who wrote "
    "the message; administrators"
)

policy = Policy(
    write_scope="conversations:write",
    views={
        Thread: Permission.THREAD_VIEW,
        OrganizationContact: Permission.CONTACT_VIEW,
        MessageReport: Permission.REPORT_VIEW,
    },
    table={
        Permission.THREAD_VIEW: _party.described(
            "people of the organizations that talk, who may see what it is about"
        ),
        Permission.THREAD_VIEW_OWN: signed_in,
        Permission.THREAD_WRITE: _party,
        Permission.THREAD_FOLLOW: _party,
        Permission.THREAD_BLOCK: _managers.described(
            "owners and managers of the organizations that talk"
        ),
        Permission.BLOCK_LIFT: role_in(Block.organization_id, "owner", "manager"),
        Permission.CONTACT_VIEW: (
            role_in(OrganizationContact.first_organization_id)
            | role_in(OrganizationContact.second_organization_id)
        ).described("people of the two organizations"),
        Permission.ORGANIZATION_WRITE_TO: (has_membership & ~role_in(Organization.id)).described(
            "people of any other organization"
        ),
        Permission.MAIL_CHOOSE: signed_in,
        Permission.MAIL_DIGEST: clock,
        Permission.MESSAGE_REPORT: (has_membership & ~role_in(Message.organization_id)).described(
            "people of the other organizations that talk"
        ),
        Permission.REPORT_VIEW: _deciders,
        Permission.REPORT_VIEW_LIST: (brokers_anywhere | administrator),
        Permission.REPORT_DECIDE: _deciders,
    },
)
