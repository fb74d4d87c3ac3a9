"""Reads of agreements with their parties, documents and milestones; what waits on the desk."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from portal.accounts.models import User
from portal.agreements.models import (
    Acknowledgment,
    Agreement,
    AgreementDocument,
    AgreementParty,
    DocumentVersion,
    Milestone,
)
from portal.agreements.policies import Permission
from portal.agreements.rules.words import (
    AGREEMENT_KINDS,
    END_REMINDER_DAYS,
    MILESTONE_REMINDER_DAYS,
)
from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource
from portal.bookings.queries.listings import zones_of
from portal.bookings.rules.hours import local_date
from portal.brokerage.models.cases import Case
from portal.brokerage.models.introductions import Introduction, IntroductionParty
from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.clock import today_here
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.manifest import DeskItem, Party
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Membership, Organization
from portal.organizations.queries.people import managers_of
from portal.partnerships.models import Response
from portal.partnerships.policies import Permission as RequestPermission
from portal.partnerships.queries.responses import get_visible_response

#: What rules ask of an agreement; whoever loads one to decide about it loads these.
RULED = (selectinload(Agreement.parties).joinedload(AgreementParty.organization),)
_OPTIONS = (
    joinedload(Agreement.organization),
    selectinload(Agreement.parties).options(
        joinedload(AgreementParty.organization),
        joinedload(AgreementParty.clearance),
        selectinload(AgreementParty.acknowledgments).joinedload(Acknowledgment.user),
    ),
    selectinload(Agreement.documents)
    .selectinload(AgreementDocument.versions)
    .options(joinedload(DocumentVersion.file), joinedload(DocumentVersion.organization)),
    selectinload(Agreement.milestones).joinedload(Milestone.organization),
)


#: States of an introduction in which its sides know each other.
INTRODUCED = ("identified", "open")


# One agreement


def get_agreement(agreement_id: int) -> Agreement:
    """Return an agreement with all that its page shows, whoever asks. Raises NotFound."""
    agreement = find_agreement(agreement_id)
    if agreement is None:
        raise NotFound()
    return agreement


def find_agreement(agreement_id: int) -> Agreement | None:
    """Return an agreement with all that its page shows, or None."""
    return session.scalar(
        select(Agreement)
        .options(*_OPTIONS)
        .where(Agreement.id == agreement_id)
        .execution_options(populate_existing=True)
    )


def get_visible_agreement(actor: Actor, agreement_id: int) -> Agreement:
    """Return an agreement that the actor may see. Raises NotFound."""
    agreement = get_agreement(agreement_id)
    authorize(actor, Permission.AGREEMENT_VIEW, agreement)
    return agreement


def load_agreements(ids: Sequence[int]) -> Mapping[int, Agreement]:
    """Return those of the agreements that exist, by id, with their parties."""
    found = session.scalars(
        select(Agreement).options(*RULED).where(Agreement.id.in_(ids)).order_by(Agreement.id)
    )
    return {agreement.id: agreement for agreement in found}


def talking_parties(agreement: Agreement) -> tuple[Party, ...]:
    """Return who talks about an agreement: before it was proposed, only who drafts it."""
    return tuple(
        Party(party.organization_id, party.organization.name)
        for party in agreement.parties
        if agreement.proposed_at is not None or party.organization_id == agreement.organization_id
    )


def get_version(actor: Actor, agreement_id: int, version_id: int) -> DocumentVersion:
    """Return a version of a document, with its file, to people of the parties."""
    for version in list_versions(actor, agreement_id):
        if version.id == version_id:
            return version
    raise NotFound(_("This document is no longer here."))


def list_versions(actor: Actor, agreement_id: int) -> list[DocumentVersion]:
    """Return all versions of an agreement's documents, to people of the parties."""
    agreement = get_visible_agreement(actor, agreement_id)
    authorize(actor, Permission.AGREEMENT_VIEW_INSIDE, agreement)
    found = []
    for document in agreement.documents:
        for version in reversed(document.versions):
            set_committed_value(version, "document", document)
            found.append(version)
    return found


def find_version(version_id: int) -> DocumentVersion | None:
    """Return a version with its document and who gave it, or None."""
    return session.scalar(
        select(DocumentVersion)
        .options(joinedload(DocumentVersion.document), joinedload(DocumentVersion.organization))
        .where(DocumentVersion.id == version_id)
    )


def get_milestone(actor: Actor, milestone_id: int) -> Milestone:
    """Return a milestone of an agreement that the actor is inside of. Raises NotFound."""
    milestone = find_milestone(milestone_id)
    if milestone is None:
        raise NotFound()
    authorize(actor, Permission.AGREEMENT_VIEW, milestone.agreement)
    authorize(actor, Permission.AGREEMENT_VIEW_INSIDE, milestone.agreement)
    return milestone


def find_milestone(milestone_id: int) -> Milestone | None:
    """Return a milestone with its agreement, or None."""
    return session.scalar(
        select(Milestone)
        .options(
            joinedload(Milestone.agreement).options(*RULED), joinedload(Milestone.organization)
        )
        .where(Milestone.id == milestone_id)
    )


def hours_used(agreement: Agreement) -> int:
    """Return for how many hours, in hundredths, the receivers have used what the provider shares.

    By their completed bookings since the agreement's first day and until its last, as calendars
    show those days where the resource stands.
    """
    providers = [row.organization_id for row in agreement.parties if row.role == "provider"]
    receivers = [row.organization_id for row in agreement.parties if row.role == "receiver"]
    if agreement.kind != "equipment_use" or agreement.starts_on is None:
        return 0
    first, last = agreement.starts_on, agreement.ends_on or dt.date.max
    around = dt.timedelta(days=1)
    rows = session.execute(
        select(
            Booking.resource_id,
            Booking.starts_at,
            Booking.used_from,
            Booking.ends_at,
            Booking.used_until,
        )
        .where(
            Booking.host_organization_id.in_(providers),
            Booking.organization_id.in_(receivers),
            Booking.status == "completed",
            Booking.starts_at >= _midnight(first - around),
            *([Booking.starts_at < _midnight(last + 2 * around)] if agreement.ends_on else []),
        )
        .order_by(Booking.id)
        .limit(10_000)
    ).all()
    zones = zones_of(
        session.scalars(
            select(Resource)
            .where(Resource.id.in_({row.resource_id for row in rows}))
            .order_by(Resource.id)
            .limit(1000)
        )
    )
    used = sum(
        (
            (row.used_until or row.ends_at) - (row.used_from or row.starts_at)
            for row in rows
            if first <= local_date(zones[row.resource_id], row.starts_at) <= last
        ),
        dt.timedelta(),
    )
    return round(used / dt.timedelta(hours=1) * 100)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def people_of_parties(agreement: Agreement, *, but_user_id: int | None = None) -> list[User]:
    """Return the owners and managers of all parties, once each, without the one who acted."""
    return list(
        session.scalars(
            select(User)
            .where(
                User.is_active,
                *([User.id != but_user_id] if but_user_id is not None else []),
                exists().where(
                    Membership.user_id == User.id,
                    Membership.role.in_(("owner", "manager")),
                    Membership.organization_id.in_(
                        [party.organization_id for party in agreement.parties]
                    ),
                ),
            )
            .order_by(User.id)
        )
    )


def people_of_milestone(milestone: Milestone) -> list[User]:
    """Return whom to remind of a milestone: the managers of whose it is, or of all parties."""
    if milestone.organization_id is not None:
        return managers_of(milestone.organization_id)
    return people_of_parties(milestone.agreement)


# Making one


def find_organizations(ids: Sequence[int]) -> list[Organization]:
    """Return the organizations of some ids, in their order."""
    found = {
        row.id: row
        for row in session.scalars(
            select(Organization).where(Organization.id.in_(ids)).order_by(Organization.id)
        )
    }
    return [found[number] for number in ids if number in found]


def get_accepted_response(actor: Actor, response_id: int) -> Response:
    """Return an accepted response of one of whose sides the actor is. Raises NotFound."""
    response = get_visible_response(actor, response_id)
    sides = {response.organization_id, response.request.organization_id}
    if response.status != "accepted" or sides.isdisjoint(actor.memberships):
        raise NotFound(_("There is no accepted response here that you could record."))
    return response


def get_introduction_made(actor: Actor, introduction_id: int) -> Introduction:
    """Return an introduction in which the actor's side knows the others. Raises NotFound."""
    introduction = session.scalar(
        select(Introduction)
        .options(joinedload(Introduction.parties).joinedload(IntroductionParty.organization))
        .where(Introduction.id == introduction_id)
    )
    if introduction is not None and introduction.status in INTRODUCED:
        sides = {party.organization_id for party in introduction.staying}
        if not sides.isdisjoint(actor.memberships):
            return introduction
    raise NotFound(_("There is no introduction here that you could record."))


@dataclass(frozen=True)
class Following:
    """What was agreed on after a response or an introduction, and how to write that down."""

    agreements: Sequence[Agreement]
    origin: Mapping[str, int]


def agreements_after_response(actor: Actor, response: Response) -> Following | None:
    """Return what was agreed on after an accepted response; None for who is of no side."""
    sides = {response.organization_id, response.request.organization_id}
    if response.status != "accepted" or sides.isdisjoint(actor.memberships):
        return None
    found = _following(actor, Agreement.response_id == response.id)
    return Following(found, {"response": response.id})


def agreements_after_introduction(actor: Actor, introduction: Introduction) -> Following | None:
    """Return what was agreed on after an introduction; None for who is of no side."""
    sides = {party.organization_id for party in introduction.staying}
    if introduction.status not in INTRODUCED or sides.isdisjoint(actor.memberships):
        return None
    found = _following(actor, Agreement.introduction_id == introduction.id)
    return Following(found, {"introduction": introduction.id})


def agreements_of_case(actor: Actor, case: Case) -> Following | None:
    """Return what was agreed on about the request of a case, as far as brokers may know.

    Nothing where they may not know whose the request is: an agreement names its organization.
    """
    found = []
    if case.request is not None and can(
        actor, RequestPermission.REQUEST_VIEW_IDENTITY, case.request
    ):
        found = _following(actor, Agreement.request_id == case.request_id)
    return Following(found, {}) if found else None


def _following(actor: Actor, condition: ColumnElement[bool]) -> list[Agreement]:
    return list(
        session.scalars(
            select(Agreement)
            .where(condition, visible(actor, Permission.AGREEMENT_VIEW))
            .order_by(Agreement.id.desc())
            .limit(20)
        )
    )


# Lists


def list_agreements(
    actor: Actor,
    *,
    status: str = "",
    kind: str = "",
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Agreement]:
    """Return a page of the agreements that the actor may see, the newest first."""
    return _page(
        visible(actor, Permission.AGREEMENT_VIEW),
        status=status,
        kind=kind,
        cursor=cursor,
        limit=limit,
    )


def list_own(actor: Actor, *, status: str = "", cursor: str | None = None) -> Page[Agreement]:
    """Return a page of the agreements of the actor's organizations, the newest first."""
    own = Agreement.parties.any(AgreementParty.organization_id.in_(sorted(actor.memberships)))
    seen = visible(actor, Permission.AGREEMENT_VIEW)
    return _page(and_(own, seen), status=status, cursor=cursor)


def _page(
    condition: ColumnElement[bool],
    *,
    status: str = "",
    kind: str = "",
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Agreement]:
    statement = select(Agreement).options(*_OPTIONS).where(condition)
    if status:
        statement = statement.where(Agreement.status == status)
    if kind:
        statement = statement.where(Agreement.kind == kind)
    return keyset_page(
        statement, (Agreement.created_at, Agreement.id), cursor=cursor, limit=limit, descending=True
    )


# The clock


def list_due_milestones(limit: int = 500) -> list[tuple[Milestone, bool]]:
    """Return the open milestones of which somebody is to be told, and whether their day is over."""
    today = today_here()
    rows = session.scalars(
        select(Milestone)
        .join(Agreement, Agreement.id == Milestone.agreement_id)
        .where(
            Agreement.status == "active",
            Milestone.done_at.is_(None),
            or_(
                and_(Milestone.due_on < today, Milestone.told_over_at.is_(None)),
                and_(
                    Milestone.due_on >= today,
                    Milestone.due_on <= today + dt.timedelta(days=MILESTONE_REMINDER_DAYS),
                    Milestone.told_soon_at.is_(None),
                ),
            ),
        )
        .order_by(Milestone.due_on, Milestone.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Milestone)
    )
    return [(row, row.due_on < today) for row in rows]


def list_ending_untold(limit: int = 500) -> list[Agreement]:
    """Return the active agreements that end before long and whose parties were not told yet."""
    return list(
        session.scalars(
            select(Agreement)
            .where(
                Agreement.status == "active",
                Agreement.end_told_at.is_(None),
                Agreement.ends_on <= today_here() + dt.timedelta(days=END_REMINDER_DAYS),
            )
            .order_by(Agreement.ends_on, Agreement.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


# The desk


def list_to_acknowledge(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the agreements that wait for the word of the actor's organizations, oldest first."""
    mine = sorted(actor.organizations_as("owner", "manager"))
    newest = (
        select(func.coalesce(func.max(Acknowledgment.revision), 0))
        .where(Acknowledgment.party_id == AgreementParty.id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Agreement.id, Agreement.title, Agreement.kind, Agreement.status, Agreement.updated_at
        )
        .join(AgreementParty, AgreementParty.agreement_id == Agreement.id)
        .where(
            Agreement.status.in_(("proposed", "active")),
            AgreementParty.organization_id.in_(mine),
            newest < Agreement.revision,
        )
        .distinct()
        .order_by(Agreement.updated_at, Agreement.id)
        .limit(limit)
    )
    return [
        DeskItem(
            row.title,
            f"/agreements/{row.id}",
            row.updated_at,
            detail=AGREEMENT_KINDS[row.kind],
            action=_("Read and answer") if row.status == "proposed" else _("Read what is new"),
        )
        for row in rows
    ]


def list_drafts(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the drafts of agreements that the actor may finish, oldest first."""
    rows = session.execute(
        select(Agreement.id, Agreement.title, Agreement.kind, Agreement.updated_at)
        .where(
            Agreement.status == "draft",
            Agreement.organization_id.in_(sorted(actor.organizations_as("owner", "manager"))),
        )
        .order_by(Agreement.updated_at, Agreement.id)
        .limit(limit)
    )
    return [
        DeskItem(
            row.title,
            f"/agreements/{row.id}",
            row.updated_at,
            detail=AGREEMENT_KINDS[row.kind],
            action=_("Finish and propose"),
        )
        for row in rows
    ]


def list_milestones_due(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the open milestones of the actor's organizations that are due, the first one first."""
    mine = sorted(actor.memberships)
    until = today_here() + dt.timedelta(days=MILESTONE_REMINDER_DAYS)
    rows = session.execute(
        select(Milestone.id, Milestone.title, Milestone.due_on, Milestone.agreement_id, Agreement)
        .join(Agreement, Agreement.id == Milestone.agreement_id)
        .where(
            Agreement.status == "active",
            Agreement.parties.any(AgreementParty.organization_id.in_(mine)),
            or_(Milestone.organization_id.is_(None), Milestone.organization_id.in_(mine)),
            Milestone.done_at.is_(None),
            Milestone.due_on <= until,
        )
        .order_by(Milestone.due_on, Milestone.id)
        .limit(limit)
    )
    return [
        DeskItem(
            row.title,
            f"/agreements/{row.agreement_id}#milestones",
            row.Agreement.activated_at,
            detail=_(
                "%(agreement)s, due on %(day)s",
                agreement=row.Agreement.title,
                day=format_date(row.due_on),
            ),
            action=_("It is done"),
            action_url=f"/milestones/{row.id}/tick",
        )
        for row in rows
    ]
