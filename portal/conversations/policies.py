"""Who may do what in conversations.

Besides what stands here, whoever reads or writes in a thread needs the permission to view what it
hangs on; `queries` asks for both.
"""

from enum import StrEnum
from typing import Any

from portal.conversations.models import Block, Message, MessageReport, Thread, ThreadParty
from portal.kernel.authorization import (
    Actor,
    Condition,
    Policy,
    Rule,
    administrator,
    brokers_anywhere,
    clock,
    county_brokered,
    has_membership,
    related,
    role_in,
    signed_in,
)
from portal.organizations.models import Organization


class Permission(StrEnum):
    THREAD_VIEW = "thread.view"
    THREAD_VIEW_OWN = "thread.view_own"
    THREAD_WRITE = "thread.write"
    THREAD_FOLLOW = "thread.follow"
    THREAD_BLOCK = "thread.block"
    BLOCK_LIFT = "block.lift"
    ORGANIZATION_WRITE_TO = "organization_contact.write"
    MAIL_CHOOSE = "message_mail.choose"
    MAIL_DIGEST = "message_mail.digest"
    MESSAGE_REPORT = "message.report"
    REPORT_VIEW = "message_report.view"
    REPORT_VIEW_LIST = "message_report.view_list"
    REPORT_DECIDE = "message_report.decide"


def _party(*roles: str) -> Rule:
    """The actor has one of the roles (any, if none given) in an organization that takes part."""

    def check(actor: Actor, row: Any) -> bool:
        own = actor.organizations_as(*roles)
        return row is not None and any(party.organization_id in own for party in row.parties)

    def where(actor: Actor) -> Condition:
        own = sorted(actor.organizations_as(*roles))
        return Thread.parties.any(ThreadParty.organization_id.in_(own))

    return Rule(check, where, "people of the organizations that talk")


_of_message = related(Message.thread, _party())
_deciders = (
    (
        related(MessageReport.organization, county_brokered(Organization.county_fips))
        & ~role_in(MessageReport.organization_id)
    )
    | administrator
).described("brokers of the region of who reports it, but not its own people; administrators")

policy = Policy(
    write_scope="conversations:write",
    views={
        Thread: Permission.THREAD_VIEW,
        MessageReport: Permission.REPORT_VIEW,
    },
    table={
        Permission.THREAD_VIEW: _party().described(
            "people of the organizations that talk, who may see what it is about"
        ),
        Permission.THREAD_VIEW_OWN: signed_in,
        Permission.THREAD_WRITE: _party(),
        Permission.THREAD_FOLLOW: _party(),
        Permission.THREAD_BLOCK: _party("owner", "manager").described(
            "owners and managers of the organizations that talk"
        ),
        Permission.BLOCK_LIFT: role_in(Block.organization_id, "owner", "manager"),
        Permission.ORGANIZATION_WRITE_TO: (has_membership & ~role_in(Organization.id)).described(
            "people of any other organization"
        ),
        Permission.MAIL_CHOOSE: signed_in,
        Permission.MAIL_DIGEST: clock,
        Permission.MESSAGE_REPORT: (_of_message & ~role_in(Message.organization_id)).described(
            "people of the other organizations that talk"
        ),
        Permission.REPORT_VIEW: _deciders,
        Permission.REPORT_VIEW_LIST: (brokers_anywhere | administrator),
        Permission.REPORT_DECIDE: _deciders,
    },
)
