"""Blocks, and reports of abuse: what those who decide them may read."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.accounts.models import User
from portal.conversations.models import Block, Message, MessageReport
from portal.conversations.policies import Permission
from portal.conversations.queries.messages import MESSAGE_OPTIONS
from portal.conversations.queries.threads import party_for_outsiders
from portal.conversations.rules import REPORT_REASONS
from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.manifest import DeskItem
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Membership, Organization
from portal.regions.queries.brokers import broker_ids_of_county

_REPORT_OPTIONS = (
    joinedload(MessageReport.organization),
    joinedload(MessageReport.reported_by),
    joinedload(MessageReport.message).options(*MESSAGE_OPTIONS, joinedload(Message.thread)),
)


@dataclass(frozen=True)
class ShownBlock:
    """A block as the people of the organization that made it see it."""

    id: int
    organization: str
    blocked: str
    thread_title: str


def list_blocks(actor: Actor) -> list[ShownBlock]:
    """Return the blocks of the organizations that the actor manages.

    Who is blocked in one thread only is not named: whoever blocked it did not know.
    """
    rows = session.scalars(
        select(Block)
        .options(
            joinedload(Block.organization).load_only(Organization.name),
            joinedload(Block.blocked_organization).load_only(Organization.name),
            joinedload(Block.thread),
        )
        .where(visible(actor, Permission.BLOCK_LIFT))
        .order_by(Block.id)
        .limit(200)
    )
    return [
        ShownBlock(
            row.id,
            row.organization.name,
            row.blocked_organization.name if row.thread is None else "",
            row.thread.title if row.thread is not None else "",
        )
        for row in rows
    ]


def get_block(block_id: int) -> Block:
    """Return a block, whoever asks. Raises NotFound."""
    block = session.get(Block, block_id)
    if block is None:
        raise NotFound()
    return block


def get_own_block(actor: Actor, block_id: int) -> Block:
    """Return a block of an organization that the actor manages. Raises NotFound."""
    block = get_block(block_id)
    if not can(actor, Permission.BLOCK_LIFT, block):
        raise NotFound()
    return block


def find_blocks(organization_ids: list[int], blocked_id: int, thread_id: int) -> list[Block]:
    """Return the blocks of some organizations against one that can count in a thread."""
    return list(
        session.scalars(
            select(Block)
            .where(
                Block.organization_id.in_(organization_ids),
                Block.blocked_organization_id == blocked_id,
                (Block.thread_id.is_(None)) | (Block.thread_id == thread_id),
            )
            .order_by(Block.id)
        )
    )


def is_any_blocked(organization_ids: Sequence[int]) -> bool:
    """Tell whether one of some organizations has blocked another one of them, wherever they meet.

    Whoever asks tells nobody which one.
    """
    found = session.scalar(
        select(Block.id)
        .where(
            Block.organization_id.in_(organization_ids),
            Block.blocked_organization_id.in_(organization_ids),
            Block.thread_id.is_(None),
        )
        .limit(1)
    )
    return found is not None


def get_visible_report(actor: Actor, report_id: int) -> MessageReport:
    """Return a report with its message, to those who decide it. Raises NotFound."""
    report = find_report(report_id)
    if report is None:
        raise NotFound()
    authorize(actor, Permission.REPORT_VIEW, report)
    return report


@dataclass(frozen=True)
class ShownReport:
    """A report as those who decide it read it, by names that they may know."""

    id: int
    message_id: int
    reason: str
    status: str
    created_at: dt.datetime
    note: str
    text: str
    writer: str
    reporter: str


def show_report(report: MessageReport) -> ShownReport:
    """Return what those who decide a report read of it."""
    thread = report.message.thread
    return ShownReport(
        report.id,
        report.message_id,
        report.reason,
        report.status,
        report.created_at,
        report.note,
        report.message.text,
        str(party_for_outsiders(thread, report.message.organization_id).name),
        str(party_for_outsiders(thread, report.organization_id).name),
    )


def find_report(report_id: int) -> MessageReport | None:
    """Return a report with its message, whoever asks, or None."""
    return session.scalar(
        select(MessageReport)
        .options(*_REPORT_OPTIONS)
        .where(MessageReport.id == report_id)
        .execution_options(populate_existing=True)
    )


def list_reports(
    actor: Actor, *, status: str = "open", cursor: str | None = None, limit: int = 20
) -> Page[MessageReport]:
    """Return a page of the reports that the actor decides, the oldest first."""
    statement = (
        select(MessageReport)
        .options(*_REPORT_OPTIONS)
        .where(MessageReport.status == status, visible(actor, Permission.REPORT_VIEW))
    )
    return keyset_page(statement, (MessageReport.id,), cursor=cursor, limit=limit)


def list_open_reports(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the reports that wait for the actor's decision, for the desk."""
    return [
        DeskItem(
            _("Somebody reports a message"),
            f"/message-reports/{report.id}",
            report.created_at,
            detail=REPORT_REASONS[report.reason],
            action=_("Read and decide"),
            number=report.id,
        )
        for report in list_reports(actor, limit=limit).items
    ]


def deciders_of(report: MessageReport) -> list[User]:
    """Return who decides a report: the brokers of the county, or else the administrators."""
    brokers = broker_ids_of_county(report.organization.county_fips)
    sides = (report.organization_id, report.message.organization_id)
    own = select(Membership.user_id).where(Membership.organization_id.in_(sides))
    found = session.scalars(
        select(User)
        .where(User.id.in_(brokers), User.id.not_in(own), User.is_active)
        .order_by(User.id)
    ).all()
    if not found:
        found = session.scalars(
            select(User).where(User.is_administrator, User.is_active).order_by(User.id)
        ).all()
    return list(found)
