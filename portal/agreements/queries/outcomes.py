"""Reads of outcomes: what claims them, what may be the same, and what waits on the desk."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy import and_, exists, or_, select, update
from sqlalchemy.orm import joinedload, selectinload

from portal.agreements.models import Agreement, AgreementParty, Outcome, OutcomeClaim
from portal.agreements.policies import Permission
from portal.agreements.queries.agreements import RULED, agreements_of_case
from portal.agreements.rules.counting import ALIKE_DAYS, CATEGORY_OF_OUTCOME, Result, are_alike
from portal.agreements.rules.words import AGREEMENTS, OUTCOME_KINDS, STANDING_STATUSES, UNIT_OF
from portal.brokerage.models.cases import Case
from portal.kernel.authorization import Actor, authorize, can
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.files import StoredFile
from portal.kernel.manifest import DeskItem, Happening
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Organization

_OPTIONS = (
    joinedload(Outcome.organization),
    joinedload(Outcome.asserted_by),
    joinedload(Outcome.confirmed_by),
    selectinload(Outcome.claims).options(
        joinedload(OutcomeClaim.agreement).options(*RULED),
        joinedload(OutcomeClaim.organization),
        joinedload(OutcomeClaim.file),
    ),
)


@dataclass(frozen=True)
class ShownOutcome:
    """An outcome as one reader gets it: only what agreements that they see say of it.

    asserted_by, confirmed_by: names, or "" where the reader sees no agreement of theirs.
    """

    outcome: Outcome
    claims: Sequence[OutcomeClaim]
    asserted_by: str
    confirmed_by: str
    is_by_broker: bool

    @property
    def url(self) -> str:
        """The address of its page."""
        return f"/outcomes/{self.outcome.id}"

    @property
    def unit(self) -> str:
        """The unit of its amount."""
        return UNIT_OF[self.outcome.kind]

    @property
    def category(self) -> str:
        """Under which funders count it."""
        return CATEGORY_OF_OUTCOME[self.outcome.kind]

    @property
    def may_be_told_twice(self) -> bool:
        """Whether it is not counted until somebody says if it is the same as another one."""
        return self.outcome.twin_id is not None


def get_outcome(outcome_id: int) -> Outcome:
    """Return an outcome with all that rules and its page need, whoever asks. Raises NotFound."""
    outcome = find_outcome(outcome_id)
    if outcome is None:
        raise NotFound()
    return outcome


def find_outcome(outcome_id: int) -> Outcome | None:
    """Return an outcome with all that rules and its page need, or None."""
    return session.scalar(
        select(Outcome)
        .options(*_OPTIONS)
        .where(Outcome.id == outcome_id)
        .execution_options(populate_existing=True)
    )


def get_visible_outcome(actor: Actor, outcome_id: int) -> Outcome:
    """Return an outcome that the actor may see. Raises NotFound."""
    outcome = get_outcome(outcome_id)
    authorize(actor, Permission.OUTCOME_VIEW, outcome)
    return outcome


def show(actor: Actor, outcome: Outcome) -> ShownOutcome:
    """Return what the actor gets of an outcome that they may see."""
    claims = [
        claim for claim in outcome.claims if can(actor, Permission.AGREEMENT_VIEW, claim.agreement)
    ]
    known = {party.organization_id for claim in claims for party in claim.agreement.parties}

    def name_of(organization: Organization | None) -> str:
        is_known = organization is not None and organization.id in known
        return organization.name if organization is not None and is_known else ""

    return ShownOutcome(
        outcome,
        claims,
        name_of(outcome.asserted_by),
        name_of(outcome.confirmed_by),
        outcome.status == "confirmed" and outcome.confirmed_by_id is None,
    )


def get_evidence(actor: Actor, outcome_id: int, claim_id: int) -> StoredFile:
    """Return the file that a claim has as evidence, to those who see its agreement."""
    for claim in show(actor, get_visible_outcome(actor, outcome_id)).claims:
        if claim.id == claim_id and claim.file is not None:
            return claim.file
    raise NotFound(_("This file is no longer here."))


def list_outcomes(
    agreement: Agreement, *, cursor: str | None = None, limit: int = 100
) -> Page[Outcome]:
    """Return a page of what an agreement has come to, the newest first, whoever asks.

    `show` says what a reader gets of each.
    """
    statement = (
        select(Outcome)
        .options(*_OPTIONS)
        .where(
            exists().where(
                OutcomeClaim.outcome_id == Outcome.id, OutcomeClaim.agreement_id == agreement.id
            )
        )
    )
    return keyset_page(
        statement, (Outcome.happened_on, Outcome.id), cursor=cursor, limit=limit, descending=True
    )


def list_alike(result: Result, agreement_ids: Sequence[int], but_id: int | None) -> list[Outcome]:
    """Return the standing outcomes that may be the same as one, the oldest first.

    Those of its organization, whoever claims them, and those that its own agreements claim.
    """
    around = dt.timedelta(days=ALIKE_DAYS)
    found = session.scalars(
        select(Outcome)
        .options(*_OPTIONS)
        .where(
            Outcome.kind == result.kind,
            Outcome.status.in_(STANDING_STATUSES),
            Outcome.happened_on.between(result.happened_on - around, result.happened_on + around),
            or_(
                Outcome.organization_id == result.organization_id,
                exists().where(
                    OutcomeClaim.outcome_id == Outcome.id,
                    OutcomeClaim.agreement_id.in_(agreement_ids),
                ),
            ),
            *([Outcome.id != but_id] if but_id is not None else []),
        )
        .order_by(Outcome.id)
        .limit(200)
    )
    return [row for row in found if are_alike(result, result_of(row))]


def result_of(outcome: Outcome) -> Result:
    """Return what says whether an outcome is the same as another one."""
    return Result(
        outcome.organization_id,
        outcome.kind,
        outcome.amount_hundredths,
        outcome.happened_on,
    )


def point_twins_to(outcome: Outcome, twin_id: int | None) -> None:
    """Let those that may be the same as an outcome that is gone look to another one, or none."""
    session.flush()
    session.execute(
        update(Outcome)
        .where(Outcome.twin_id == outcome.id)
        .values(twin_id=twin_id)
        .execution_options(synchronize_session=False)
    )


def case_timeline(actor: Actor, case: Case) -> list[Happening]:
    """Return the steps of what was agreed on about the request of a case, and what came of it."""
    following = agreements_of_case(actor, case)
    found = []
    for agreement in following.agreements if following is not None else ():
        found += [
            Happening(
                step.taken_at,
                AGREEMENTS.transitions[step.action].done,
                agreement.title,
                url=f"/agreements/{agreement.id}",
            )
            for step in AGREEMENTS.history(agreement)
        ]
        for outcome in list_outcomes(agreement).items:
            if outcome.status not in STANDING_STATUSES:
                continue
            what = f"{OUTCOME_KINDS[outcome.kind]}, {outcome.organization.name}"
            moments = [(outcome.created_at, _("An outcome was recorded"))]
            if outcome.confirmed_at is not None:
                moments.append((outcome.confirmed_at, _("An outcome was confirmed")))
            found += [
                Happening(moment, done, what, url=f"/outcomes/{outcome.id}")
                for moment, done in moments
            ]
    return found


# The desk


def list_to_confirm(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the outcomes that wait for the actor's word as one of the parties, oldest first."""
    mine = sorted(actor.organizations_as("owner", "manager"))
    rows = session.execute(
        select(Outcome.id, Outcome.kind, Outcome.happened_on, Outcome.created_at, Organization.name)
        .join(Organization, Organization.id == Outcome.organization_id)
        .where(
            Outcome.status == "asserted",
            Outcome.twin_id.is_(None),
            or_(
                Outcome.asserted_by_id.is_(None),
                Outcome.asserted_by_id.not_in(sorted(actor.memberships)),
            ),
            exists().where(
                OutcomeClaim.outcome_id == Outcome.id,
                AgreementParty.agreement_id == OutcomeClaim.agreement_id,
                AgreementParty.organization_id.in_(mine),
            ),
        )
        .order_by(Outcome.created_at, Outcome.id)
        .limit(limit)
    )
    return [
        DeskItem(
            OUTCOME_KINDS[row.kind],
            f"/outcomes/{row.id}",
            row.created_at,
            detail=_("%(name)s, %(day)s", name=row.name, day=format_date(row.happened_on)),
            action=_("Confirm or dispute"),
        )
        for row in rows
    ]


def list_to_tell_apart(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the outcomes that the actor has to tell from older ones, oldest first."""
    rows = session.execute(
        select(Outcome.id, Outcome.kind, Outcome.happened_on, Outcome.created_at)
        .where(
            and_(Outcome.twin_id.is_not(None), Outcome.status.in_(STANDING_STATUSES)),
            Outcome.organization_id.in_(sorted(actor.organizations_as("owner", "manager"))),
        )
        .order_by(Outcome.created_at, Outcome.id)
        .limit(limit)
    )
    return [
        DeskItem(
            OUTCOME_KINDS[row.kind],
            f"/outcomes/{row.id}",
            row.created_at,
            detail=_("It may be told twice: %(day)s", day=format_date(row.happened_on)),
            action=_("Say whether it is the same"),
        )
        for row in rows
    ]
