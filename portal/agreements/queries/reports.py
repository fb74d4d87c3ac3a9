"""Reads of what came of what: the chain of one agreement, and what a region has to show.

Only agreements whose parties let brokers count them are in a region's report. An outcome is one row
however many agreements claim it, so its amount is in one line and once.
"""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, String, Subquery, and_, cast, exists, func, or_, select, true
from sqlalchemy.orm import joinedload, selectinload

from portal.agreements.models import Agreement, AgreementParty, Outcome, OutcomeClaim
from portal.agreements.policies import Permission
from portal.agreements.queries.agreements import RULED
from portal.agreements.queries.outcomes import ShownOutcome, list_outcomes, show
from portal.agreements.rules.counting import (
    FEWEST_ORGANIZATIONS,
    LINES,
    Claimed,
    Line,
    Passed,
    count_passed,
)
from portal.agreements.rules.words import MADE_STATUSES, STANDING_STATUSES
from portal.brokerage.models.introductions import Introduction
from portal.brokerage.policies import Permission as BrokeragePermission
from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.clock import date_here, now, today_here
from portal.kernel.database import session
from portal.kernel.errors import Invalid
from portal.kernel.paging import Page, keyset_page
from portal.kernel.settings import setting
from portal.matching.models import Match
from portal.organizations.models import Organization
from portal.partnerships.models import Request
from portal.partnerships.policies import Permission as RequestPermission
from portal.partnerships.queries.requests import REQUEST_OPTIONS
from portal.regions.models import Region
from portal.regions.queries.regions import counties_of_region, get_region_by_key
from portal.training.models.certificates import Certificate
from portal.training.models.enrollments import Enrollment

#: So many rows of the table of chains are read at once.
CHAINS_AT_ONCE = 500


@dataclass(frozen=True)
class Chain:
    """What led to an agreement and what came of it, as one reader may see it.

    What its reader may not see is None, as is what is not there; `is_hidden` tells that something
    is kept back. score: of the match of the request with one of the parties, from 0 to 1.
    """

    agreement: Agreement
    request: Request | None
    search_words: str
    score: float | None
    matched_at: dt.datetime | None
    introduction: Introduction | None
    is_hidden: bool
    outcomes: Sequence[ShownOutcome]


def load_chain(actor: Actor, agreement: Agreement) -> Chain:
    """Return the chain of an agreement that the actor sees."""
    request = session.scalar(
        select(Request).options(*REQUEST_OPTIONS).where(Request.id == agreement.request_id)
    )
    if request is not None and not _sees_request(actor, agreement, request):
        request = None
    introduction = session.scalar(
        select(Introduction)
        .options(selectinload(Introduction.parties))
        .where(Introduction.id == agreement.introduction_id)
    )
    if introduction is not None and not can(
        actor, BrokeragePermission.INTRODUCTION_VIEW, introduction
    ):
        introduction = None
    match = _best_match(agreement) if request is not None else None
    return Chain(
        agreement,
        request,
        request.search_words if request is not None else "",
        match.score if match else None,
        match.computed_at if match else None,
        introduction,
        (agreement.request_id is not None and request is None)
        or (agreement.introduction_id is not None and introduction is None),
        [show(actor, row) for row in list_outcomes(agreement).items],
    )


def _sees_request(actor: Actor, agreement: Agreement, request: Request) -> bool:
    """Tell whether the actor sees a request and may know whose it is.

    Beside an agreement that names its organization, an anonymous one would be anonymous no more;
    the parties know, since they met over it.
    """
    if not can(actor, RequestPermission.REQUEST_VIEW, request):
        return False
    parties = {party.organization_id for party in agreement.parties}
    they_met = request.organization_id in parties and not parties.isdisjoint(actor.memberships)
    return they_met or can(actor, RequestPermission.REQUEST_VIEW_IDENTITY, request)


def _best_match(agreement: Agreement) -> Match | None:
    return session.scalar(
        select(Match)
        .where(
            Match.request_id == agreement.request_id,
            Match.organization_id.in_([party.organization_id for party in agreement.parties]),
        )
        .order_by(Match.score.desc(), Match.id)
        .limit(1)
    )


# A region


@dataclass(frozen=True)
class Period:
    """From a first day to a last one, both in it."""

    since: dt.date
    until: dt.date


def period_of(since: dt.date | None, until: dt.date | None) -> Period:
    """Return the period between two days; what is not given is that of this year.

    Raises Invalid for one that ends before it begins, or that no report can be about.
    """
    usual = year_of(today_here().year)
    period = Period(since or usual.since, until or usual.until)
    if not dt.date(2000, 1, 1) <= period.since <= period.until <= dt.date(2999, 12, 31):
        raise Invalid("until", _("The last day is before the first."))
    return period


def year_of(year: int) -> Period:
    """Return a calendar year."""
    return Period(dt.date(year, 1, 1), dt.date(year, 12, 31))


@dataclass(frozen=True)
class Counted:
    """A line of a report: what is confirmed and what waits for that, and from how many records.

    Money is in cents, everything else in hundredths. None: what the reader is not told.
    """

    line: Line
    confirmed: int | None
    waiting: int | None
    records: int | None


@dataclass(frozen=True)
class Report:
    """What a region has to show for a period, in the categories of funders.

    is_whole: whether its reader is told everything that stands behind it.
    """

    region: Region
    period: Period
    lines: Sequence[Counted]
    is_whole: bool

    def of(self, key: str) -> Counted:
        """Return the line of a key."""
        return next(row for row in self.lines if row.line.key == key)

    def confirmed(self, *keys: str) -> int | None:
        """Return what is confirmed under some lines together, or None where one is not told."""
        found = [self.of(key).confirmed for key in keys]
        return None if None in found else sum(amount or 0 for amount in found)


def load_report(actor: Actor, key: str, period: Period) -> Report:
    """Return what a region has to show. Raises NotFound, Forbidden.

    Agencies get what is confirmed of a calendar year, the last one of the period, in sums of
    enough organizations: by the difference of two periods, or by a small sum, they would know
    what a single firm told its broker.
    """
    region = get_region_by_key(key)
    authorize(actor, Permission.REPORT_VIEW, region)
    is_whole = can(actor, Permission.REPORT_VIEW_WHOLE, region)
    if not is_whole:
        period = year_of(period.until.year)
    codes = [county.fips for county in counties_of_region(region.id)]
    found: dict[tuple[str, str], tuple[int, int, int]] = {
        **_count_agreements(codes, period),
        **_count_outcomes(codes, period),
        ("introductions", "opened"): _count_introductions(region, period),
        **_count_training(codes, period),
    }
    lines = [Counted(line, *found.get((line.source, line.key), (0, 0, 0))) for line in LINES]
    if not is_whole:
        behind = _organizations_behind(codes, period)
        lines = [_in_sums(counted, behind) for counted in lines]
    return Report(region, period, lines, is_whole)


def _in_sums(counted: Counted, behind: Mapping[tuple[str, str], int]) -> Counted:
    """Return a line as agencies read it."""
    line, confirmed = counted.line, counted.confirmed or 0
    # Introductions and people are counted themselves.
    number = behind.get((line.source, line.key), confirmed // 100)
    is_told = not confirmed or number >= FEWEST_ORGANIZATIONS
    return Counted(line, confirmed if is_told else None, None, None)


def _organizations_behind(codes: Sequence[str], period: Period) -> dict[tuple[str, str], int]:
    """Return how many organizations are behind the lines of agreements, money and outcomes.

    Of agreements not more than there are agreements: one of two would know the other one's sum.
    """
    values = (Agreement.private_cents, Agreement.public_cents, Agreement.in_kind_cents)

    def count(condition: ColumnElement[bool]) -> list[ColumnElement[int]]:
        counted = (Agreement.id, AgreementParty.organization_id)
        return [func.count(column.distinct()).filter(condition) for column in counted]

    made = (
        select(*count(true()), *(number for value in values for number in count(value > 0)))
        .join(Agreement.parties)
        .where(_is_counted(codes), _within(Agreement.activated_at, period))
    )
    by_kind = made.add_columns(Agreement.kind).group_by(Agreement.kind).order_by(Agreement.kind)
    found = {("agreements", row.kind): min(row[:2]) for row in session.execute(by_kind)}
    numbers = session.execute(made).one()
    for place, value in enumerate(values, start=1):
        found["value", value.key] = min(numbers[place * 2 : place * 2 + 2])
    outcomes = (
        select(Outcome.kind, func.count(Outcome.organization_id.distinct()))
        .join(Organization, Organization.id == Outcome.organization_id)
        .where(Outcome.status == "confirmed", *_outcomes_here(codes, period))
        .group_by(Outcome.kind)
        .order_by(Outcome.kind)
    )
    for kind, number in session.execute(outcomes):
        found["outcomes", kind] = number
    return found


def _is_counted(codes: Sequence[str]) -> ColumnElement[bool]:
    """Agreements that were made, with a party in the counties, and that brokers may count."""
    return and_(
        Agreement.is_reported,
        Agreement.status.in_(MADE_STATUSES),
        Agreement.activated_at.is_not(None),
        Agreement.parties.any(AgreementParty.organization.has(Organization.county_fips.in_(codes))),
    )


def _count_agreements(
    codes: Sequence[str], period: Period
) -> dict[tuple[str, str], tuple[int, int, int]]:
    rows = session.execute(
        select(
            Agreement.kind,
            func.count(),
            func.sum(Agreement.private_cents),
            func.sum(Agreement.public_cents),
            func.sum(Agreement.in_kind_cents),
        )
        .where(_is_counted(codes), _within(Agreement.activated_at, period))
        .group_by(Agreement.kind)
        .order_by(Agreement.kind)
    ).all()
    found: dict[tuple[str, str], tuple[int, int, int]] = {}
    for kind, count, *_values in rows:
        found["agreements", kind] = (int(count) * 100, 0, int(count))
    for place, name in enumerate(("private_cents", "public_cents", "in_kind_cents")):
        values = [int(row[2 + place]) for row in rows]
        found["value", name] = (sum(values), 0, sum(int(row[1]) for row in rows if row[2 + place]))
    return found


def _count_outcomes(
    codes: Sequence[str], period: Period
) -> dict[tuple[str, str], tuple[int, int, int]]:
    is_confirmed = (Outcome.status == "confirmed").label("is_confirmed")
    rows = session.execute(
        select(Outcome.kind, is_confirmed, func.sum(Outcome.amount_hundredths), func.count())
        .join(Organization, Organization.id == Outcome.organization_id)
        .where(*_outcomes_here(codes, period))
        .group_by(Outcome.kind, is_confirmed)
        .order_by(Outcome.kind, is_confirmed)
    )
    found: dict[tuple[str, str], tuple[int, int, int]] = {}
    for kind, confirmed, amount, count in rows:
        before = found.get(("outcomes", kind), (0, 0, 0))
        added = (int(amount), 0, int(count)) if confirmed else (0, int(amount), int(count))
        found["outcomes", kind] = (
            before[0] + added[0],
            before[1] + added[1],
            before[2] + added[2],
        )
    return found


def _outcomes_here(codes: Sequence[str], period: Period) -> tuple[ColumnElement[bool], ...]:
    return (
        Outcome.status.in_(("asserted", "confirmed")),
        Outcome.happened_on.between(period.since, period.until),
        Organization.county_fips.in_(codes),
        exists().where(
            OutcomeClaim.outcome_id == Outcome.id,
            Agreement.id == OutcomeClaim.agreement_id,
            Agreement.is_reported,
        ),
    )


def _count_introductions(region: Region, period: Period) -> tuple[int, int, int]:
    count = session.scalar(
        select(func.count())
        .select_from(Introduction)
        .where(Introduction.region_id == region.id, _within(Introduction.opened_at, period))
    )
    return (count or 0) * 100, 0, count or 0


def _count_training(
    codes: Sequence[str], period: Period
) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Count certificates of the region's providers, less what confirmed outcomes tell of them.

    A quarter, and what is left of a year, counts when it is over.
    """
    # Who looks day by day at what is not over could tell by the difference who passed then.
    until = min(period.until, today_here() - dt.timedelta(days=1))
    # Whole quarters and years: what is too little in a quarter is pooled with its year.
    first, last = dt.date(period.since.year, 1, 1), dt.date(period.until.year, 12, 31)
    holder = func.coalesce(cast(Certificate.user_id, String), Certificate.holder_name)
    rows = session.execute(
        select(
            Certificate.organization_id,
            Enrollment.organization_id,
            holder,
            Certificate.issued_on,
            Certificate.credential_id.is_not(None),
        )
        .join(Organization, Organization.id == Certificate.organization_id)
        .outerjoin(Enrollment, Enrollment.id == Certificate.enrollment_id)
        .where(
            Certificate.revoked_at.is_(None),
            Certificate.issued_on.between(first, last),
            Organization.county_fips.in_(codes),
        )
    )
    counted = count_passed(
        map(Passed._make, rows), _training_claims(codes, period), period.since, until
    )
    return {("training", key): (count * 100, 0, count) for key, count in counted.items()}


def _training_claims(codes: Sequence[str], period: Period) -> list[Claimed]:
    rows = session.execute(
        select(
            Outcome.id,
            Outcome.kind,
            Outcome.organization_id,
            Outcome.amount_hundredths,
            AgreementParty.organization_id,
        )
        .join(Organization, Organization.id == Outcome.organization_id)
        .join(OutcomeClaim, OutcomeClaim.outcome_id == Outcome.id)
        .join(AgreementParty, AgreementParty.agreement_id == OutcomeClaim.agreement_id)
        .where(
            Outcome.kind.in_(("people_trained", "credentials")),
            Outcome.status == "confirmed",
            *_outcomes_here(codes, period),
        )
        .order_by(Outcome.id)
    )
    found: dict[int, Claimed] = {}
    for number, kind, organization_id, amount_hundredths, party_id in rows:
        # A part of a person or a credential is nobody's result.
        none = Claimed(kind, organization_id, frozenset(), amount_hundredths // 100)
        claim = found.get(number, none)
        found[number] = claim._replace(party_ids=claim.party_ids | {party_id})
    return list(found.values())


def _within(column: Any, period: Period) -> ColumnElement[bool]:
    """A moment lies in the days of a period, in the portal's own zone."""
    return and_(column >= _midnight(period.since), column < _midnight(period.until, days=1))


def _midnight(day: dt.date, *, days: int = 0) -> dt.datetime:
    zone = ZoneInfo(setting("DEFAULT_TIME_ZONE"))
    return dt.datetime.combine(day + dt.timedelta(days=days), dt.time(), zone).astimezone(dt.UTC)


@dataclass(frozen=True)
class ChainRow:
    """One outcome of one agreement, or an agreement that came to nothing yet, with all before it.

    counted: how much of the outcome this row adds to the report; an outcome that several
    agreements share is counted in the first of them.
    """

    agreement: Agreement
    request: Request | None
    introduction: Introduction | None
    score: float | None
    outcome: Outcome | None
    counted: int
    is_agreement_counted: bool


def read_chain_rows(actor: Actor, key: str, period: Period) -> Iterator[ChainRow]:
    """Return what stands behind a region's report, the oldest agreement first.

    All of it, read in pages as it is asked for; whether the actor may is decided at once.
    """
    codes = _codes_of(actor, key)

    def read() -> Iterator[ChainRow]:
        cursor: str | None = ""
        while cursor is not None:
            found = _page_of(actor, codes, period, cursor=cursor or None, limit=CHAINS_AT_ONCE)
            yield from found.items
            cursor = found.next

    return read()


def page_of_chain_rows(actor: Actor, key: str, period: Period, **page: Any) -> Page[ChainRow]:
    """Return a page of the same."""
    return _page_of(actor, _codes_of(actor, key), period, **page)


def _page_of(actor: Actor, codes: Sequence[str], period: Period, **page: Any) -> Page[ChainRow]:
    links = _links(codes, period)
    found = keyset_page(select(links), _order(links), scalars=False, **page)
    return Page(_read_chains(actor, found.items, codes, period), found.next)


def _codes_of(actor: Actor, key: str) -> list[str]:
    region = get_region_by_key(key)
    authorize(actor, Permission.REPORT_VIEW_WHOLE, region)
    return [county.fips for county in counties_of_region(region.id)]


def _links(codes: Sequence[str], period: Period) -> Subquery:
    """The numbers of each row: an agreement with one of its outcomes, or alone (claim 0)."""
    claim = (
        select(OutcomeClaim.id, OutcomeClaim.agreement_id, OutcomeClaim.outcome_id)
        .join(Outcome, Outcome.id == OutcomeClaim.outcome_id)
        .where(Outcome.status.in_(STANDING_STATUSES))
        .subquery()
    )
    return (
        select(
            Agreement.activated_at,
            Agreement.id.label("agreement_id"),
            func.coalesce(claim.c.id, 0).label("claim_id"),
            claim.c.outcome_id,
        )
        .outerjoin(claim, claim.c.agreement_id == Agreement.id)
        .where(
            _is_counted(codes)
            & or_(
                _within(Agreement.activated_at, period),
                exists().where(
                    OutcomeClaim.agreement_id == Agreement.id,
                    Outcome.id == OutcomeClaim.outcome_id,
                    Outcome.happened_on.between(period.since, period.until),
                ),
            )
        )
        .subquery()
    )


def _order(links: Subquery) -> tuple[ColumnElement[Any], ...]:
    return links.c.activated_at, links.c.agreement_id, links.c.claim_id


def _read_chains(
    actor: Actor, links: Sequence[Any], codes: Sequence[str], period: Period
) -> list[ChainRow]:
    """Return the rows of such numbers, each with what the actor may see."""
    agreements = _agreements_of({link.agreement_id for link in links})
    outcome_ids = {link.outcome_id for link in links if link.outcome_id is not None}
    outcomes = _outcomes_of(outcome_ids)
    scores = _scores_of(list(agreements.values()))
    counted = _counted_by(codes, period, outcome_ids)
    rows = []
    for link in links:
        agreement, outcome = agreements[link.agreement_id], outcomes.get(link.outcome_id)
        request, introduction = agreement.request, agreement.introduction
        if request is not None and not _sees_request(actor, agreement, request):
            request = None
        if introduction is not None and not can(
            actor, BrokeragePermission.INTRODUCTION_VIEW, introduction
        ):
            introduction = None
        is_first = outcome is not None and counted.get(outcome.id) == agreement.id
        rows.append(
            ChainRow(
                agreement,
                request,
                introduction,
                scores.get(agreement.id) if request is not None else None,
                outcome,
                outcome.amount_hundredths if outcome is not None and is_first else 0,
                period.since <= date_here(agreement.activated_at or now()) <= period.until,
            )
        )
    return rows


def _agreements_of(numbers: Collection[int]) -> dict[int, Agreement]:
    found = session.scalars(
        select(Agreement)
        .options(
            *RULED,
            joinedload(Agreement.request).options(*REQUEST_OPTIONS),
            joinedload(Agreement.introduction).selectinload(Introduction.parties),
        )
        .where(Agreement.id.in_(sorted(numbers)))
    )
    return {agreement.id: agreement for agreement in found.unique()}


def _outcomes_of(numbers: Collection[int]) -> dict[int, Outcome]:
    found = session.scalars(
        select(Outcome)
        .options(joinedload(Outcome.organization))
        .where(Outcome.id.in_(sorted(numbers)))
    )
    return {outcome.id: outcome for outcome in found}


def _counted_by(
    codes: Sequence[str], period: Period, outcome_ids: Collection[int]
) -> dict[int, int]:
    """Return for those outcomes that the report counts the agreement in whose row it does."""
    first = (
        select(OutcomeClaim.outcome_id, func.min(OutcomeClaim.id).label("claim_id"))
        .join(Agreement, Agreement.id == OutcomeClaim.agreement_id)
        .where(_is_counted(codes), OutcomeClaim.outcome_id.in_(sorted(outcome_ids)))
        .group_by(OutcomeClaim.outcome_id)
        .subquery()
    )
    rows = session.execute(
        select(Outcome.id, OutcomeClaim.agreement_id)
        .join(first, first.c.outcome_id == Outcome.id)
        .join(OutcomeClaim, OutcomeClaim.id == first.c.claim_id)
        .join(Organization, Organization.id == Outcome.organization_id)
        .where(Outcome.status == "confirmed", *_outcomes_here(codes, period))
    )
    return {row.id: row.agreement_id for row in rows}


def _scores_of(agreements: Sequence[Agreement]) -> dict[int, float]:
    """Return how well the request of each agreement was matched with one of its parties."""
    sides: dict[tuple[int | None, int], list[int]] = {}
    for agreement in agreements:
        for party in agreement.parties if agreement.request_id is not None else ():
            side = (agreement.request_id, party.organization_id)
            sides.setdefault(side, []).append(agreement.id)
    rows = session.execute(
        select(Match.request_id, Match.organization_id, func.max(Match.score))
        .where(Match.request_id.in_(sorted({number for number, _side in sides})))
        .group_by(Match.request_id, Match.organization_id)
        .order_by(Match.request_id, Match.organization_id)
        .limit(20_000)
    )
    found: dict[int, float] = {}
    for request_id, organization_id, score in rows:
        for agreement_id in sides.get((request_id, organization_id), ()):
            found[agreement_id] = max(score, found.get(agreement_id, 0.0))
    return found


def rows_of_chain(chain: Chain) -> list[ChainRow]:
    """Return the chain of one agreement as rows; each confirmed outcome is counted in full."""
    found: list[Outcome | None] = [shown.outcome for shown in chain.outcomes]
    return [
        ChainRow(
            chain.agreement,
            chain.request,
            chain.introduction,
            chain.score,
            outcome,
            outcome.amount_hundredths if outcome and outcome.status == "confirmed" else 0,
            is_agreement_counted=True,
        )
        for outcome in found or [None]
    ]


def list_reported_regions(actor: Actor, limit: int = 100) -> list[Region]:
    """Return the regions whose reports the actor may see, by name."""
    authorize(actor, Permission.REPORT_VIEW_ANY)
    return list(
        session.scalars(
            select(Region)
            .where(visible(actor, Permission.REPORT_VIEW))
            .order_by(Region.name, Region.id)
            .limit(limit)
        )
    )
