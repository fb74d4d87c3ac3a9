"""The shape of agreements, outcomes, chains and reports in JSON and CSV."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import pgettext
from marshmallow import Schema, fields

from portal.agreements.models import Agreement
from portal.agreements.policies import Permission
from portal.agreements.queries.reports import ChainRow, Counted, Report
from portal.agreements.rules.counting import (
    CATEGORIES,
    CATEGORY_OF_AGREEMENT,
    CATEGORY_OF_OUTCOME,
    SECTIONS,
)
from portal.agreements.rules.words import UNIT_OF
from portal.kernel.authorization import Actor, can


class AgreementPartySchema(Schema):
    """An organization's part in an agreement."""

    organization_id = fields.Integer()
    name = fields.String(attribute="organization.name")
    role = fields.String()
    acknowledged_revision = fields.Integer()
    acknowledged_at = fields.AwareDateTime(format="iso", allow_none=True)


class DocumentVersionSchema(Schema):
    """A version of a document, which `url` downloads."""

    id = fields.Integer()
    document_id = fields.Integer()
    title = fields.String(attribute="document.title")
    version = fields.Integer(attribute="number")
    revision = fields.Integer()
    note = fields.String()
    created_at = fields.AwareDateTime(format="iso")
    url = fields.Function(
        lambda version: f"/api/v1/agreements/{version.document.agreement_id}/documents/{version.id}"
    )


class MilestoneSchema(Schema):
    """What is to be done by which day."""

    id = fields.Integer()
    agreement_id = fields.Integer()
    title = fields.String()
    due_on = fields.Date()
    organization_id = fields.Integer(allow_none=True)
    done_at = fields.AwareDateTime(format="iso", allow_none=True)


class AgreementSchema(Schema):
    """An agreement. What brokers do not get of it is null for them."""

    id = fields.Integer()
    url = fields.String()
    organization_id = fields.Integer()
    kind = fields.String()
    title = fields.String()
    status = fields.String()
    revision = fields.Integer()
    terms = fields.String(allow_none=True)
    starts_on = fields.Date(allow_none=True)
    ends_on = fields.Date(allow_none=True)
    renewal_ends_on = fields.Date(allow_none=True)
    private_cents = fields.Integer()
    public_cents = fields.Integer()
    in_kind_cents = fields.Integer()
    is_reported = fields.Boolean()
    request_id = fields.Integer(allow_none=True)
    response_id = fields.Integer(allow_none=True)
    introduction_id = fields.Integer(allow_none=True)
    parties = fields.List(fields.Nested(AgreementPartySchema))
    documents = fields.List(fields.Nested(DocumentVersionSchema), allow_none=True)
    milestones = fields.List(fields.Nested(MilestoneSchema), allow_none=True)
    is_demo = fields.Boolean()
    created_at = fields.AwareDateTime(format="iso")
    updated_at = fields.AwareDateTime(format="iso")
    proposed_at = fields.AwareDateTime(format="iso", allow_none=True)
    activated_at = fields.AwareDateTime(format="iso", allow_none=True)
    closed_at = fields.AwareDateTime(format="iso", allow_none=True)

    _INSIDE = frozenset(
        {"terms", "documents", "milestones", "request_id", "response_id", "introduction_id"}
    )

    def __init__(self, *, actor: Actor | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._actor = actor or Actor()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Leave out what the reader does not get, and fill in what is no column."""
        if attr in self._INSIDE and not can(self._actor, Permission.AGREEMENT_VIEW_INSIDE, obj):
            return None
        computed: Mapping[str, Callable[[Agreement], Any]] = {
            "url": lambda row: f"/agreements/{row.id}",
            "documents": lambda row: [document.versions[-1] for document in row.documents],
        }
        if attr in computed:
            return computed[attr](obj)
        return super().get_attribute(obj, attr, default)


class ClaimSchema(Schema):
    """An agreement that claims an outcome, among those that the reader sees."""

    agreement_id = fields.Integer()
    agreement = fields.String(attribute="agreement.title")
    organization_id = fields.Integer(allow_none=True)
    evidence = fields.String()
    evidence_url = fields.Function(
        lambda claim: (
            f"/api/v1/outcomes/{claim.outcome_id}/evidence/{claim.id}" if claim.file_id else None
        )
    )
    created_at = fields.AwareDateTime(format="iso")


class OutcomeSchema(Schema):
    """An outcome. Money is in cents, everything else in hundredths of its unit.

    asserted_by and confirmed_by are empty where the reader sees no agreement of theirs.
    """

    id = fields.Integer(attribute="outcome.id")
    url = fields.String()
    organization_id = fields.Integer(attribute="outcome.organization_id")
    organization = fields.String(attribute="outcome.organization.name")
    kind = fields.String(attribute="outcome.kind")
    category = fields.String()
    unit = fields.String()
    amount_hundredths = fields.Integer(attribute="outcome.amount_hundredths")
    happened_on = fields.Date(attribute="outcome.happened_on")
    status = fields.String(attribute="outcome.status")
    may_be_told_twice = fields.Boolean()
    asserted_by = fields.String()
    confirmed_by = fields.String()
    confirmed_by_broker = fields.Boolean(attribute="is_by_broker")
    confirmed_at = fields.AwareDateTime(
        format="iso", allow_none=True, attribute="outcome.confirmed_at"
    )
    claims = fields.List(fields.Nested(ClaimSchema))


class ChainSchema(Schema):
    """What led to an agreement and what came of it, as far as the reader sees it."""

    search_words = fields.String()
    request_id = fields.Integer(attribute="request.id", allow_none=True, dump_default=None)
    request = fields.String(attribute="request.title", allow_none=True, dump_default=None)
    match_score = fields.Float(attribute="score", allow_none=True)
    introduction_id = fields.Integer(
        attribute="introduction.id", allow_none=True, dump_default=None
    )
    agreement_id = fields.Integer(attribute="agreement.id")
    agreement = fields.String(attribute="agreement.title")
    outcomes = fields.List(fields.Nested(OutcomeSchema))


class ChainRowSchema(Schema):
    """What led to an agreement and one of its outcomes, as a region's brokers may see it.

    counted: the outcome's amount in the first row that has it, and 0 in the others.
    """

    search_words = fields.Function(lambda row: row.request.search_words if row.request else "")
    request_id = fields.Integer(attribute="request.id", dump_default=None, allow_none=True)
    request = fields.String(attribute="request.title", dump_default=None, allow_none=True)
    match_score = fields.Float(attribute="score", allow_none=True)
    introduction_id = fields.Integer(
        attribute="introduction.id", dump_default=None, allow_none=True
    )
    agreement_id = fields.Integer(attribute="agreement.id")
    agreement = fields.String(attribute="agreement.title")
    kind = fields.String(attribute="agreement.kind")
    status = fields.String(attribute="agreement.status")
    is_agreement_counted = fields.Boolean()
    outcome_id = fields.Integer(attribute="outcome.id", dump_default=None, allow_none=True)
    outcome_kind = fields.String(attribute="outcome.kind", dump_default=None, allow_none=True)
    outcome_status = fields.String(attribute="outcome.status", dump_default=None, allow_none=True)
    amount_hundredths = fields.Integer(
        attribute="outcome.amount_hundredths", dump_default=None, allow_none=True
    )
    counted = fields.Integer()


class RegionReportLineSchema(Schema):
    """A line of a report; money is in cents, everything else in hundredths.

    Null is what the reader is not told: agencies get what is confirmed of enough organizations.
    """

    section = fields.String(attribute="line.section")
    category = fields.String(attribute="line.category")
    measure = fields.String(attribute="line.key")
    unit = fields.String(attribute="line.unit")
    confirmed = fields.Integer(allow_none=True)
    waiting = fields.Integer(allow_none=True)
    records = fields.Integer(allow_none=True)


class RegionReportSchema(Schema):
    """What a region has to show for a period, in the categories of funders."""

    region = fields.String(attribute="region.name")
    since = fields.Date(attribute="period.since")
    until = fields.Date(attribute="period.until")
    lines = fields.List(fields.Nested(RegionReportLineSchema))


# Tables. Their words are those of the API: programs of funders read them in any language.

REPORT_COLUMNS = (
    "Region",
    "From",
    "To",
    "Section",
    "Category",
    "Measure",
    "Unit",
    "Confirmed",
    "Not yet confirmed",
    "Records",
)

CHAIN_COLUMNS = (
    "Searched for",
    "Request",
    "Request kind",
    "Request posted",
    "Match score",
    "Introduction",
    "Introduced on",
    "Agreement",
    "Agreement kind",
    "Agreement category",
    "Agreement status",
    "Parties",
    "Active since",
    "Holds until",
    "Private dollars",
    "Public dollars",
    "In-kind dollars",
    "Outcome",
    "Outcome kind",
    "Outcome category",
    "Outcome date",
    "Outcome organization",
    "Outcome status",
    "Unit",
    "Amount",
    "Counted",
)


def report_rows(report: Report) -> Iterator[list[str]]:
    """Write a report as rows under REPORT_COLUMNS."""
    for counted in report.lines:
        yield [
            report.region.name,
            report.period.since.isoformat(),
            report.period.until.isoformat(),
            *_line(counted),
        ]


def report_headings() -> list[str]:
    """Return the headings of `report_in_words`."""
    return [
        _("Region"),
        _("From"),
        _("To"),
        pgettext("report", "Section"),
        _("Category"),
        _("What is counted"),
        _("Unit"),
        _("Confirmed"),
        _("Not yet confirmed"),
        _("Records"),
    ]


def report_in_words(report: Report) -> Iterator[list[str]]:
    """Write a report as rows that a funder reads as they stand, in the reader's language."""
    for counted, row in zip(report.lines, report_rows(report), strict=True):
        line = counted.line
        words = [str(SECTIONS[line.section]), str(CATEGORIES[line.category]), str(line.label)]
        yield [*row[:3], *words, *row[6:]]


def _line(counted: Counted) -> list[str]:
    line = counted.line
    return [
        line.section,
        line.category,
        line.key,
        line.unit,
        _told(counted.confirmed),
        _told(counted.waiting),
        str(counted.records) if counted.records is not None else "",
    ]


def _told(hundredths: int | None) -> str:
    return plain_amount(hundredths) if hundredths is not None else ""


def chain_rows(rows: Iterable[ChainRow]) -> Iterator[list[str]]:
    """Write chains as rows under CHAIN_COLUMNS."""
    for row in rows:
        yield [
            *_request_cells(row),
            *_agreement_cells(row.agreement, is_counted=row.is_agreement_counted),
            *_outcome_cells(row),
        ]


def _request_cells(row: ChainRow) -> list[str]:
    request, introduction = row.request, row.introduction
    return [
        request.search_words if request else "",
        request.title if request else "",
        request.kind if request else "",
        _day(request.published_at) if request else "",
        f"{row.score:.2f}" if row.score is not None else "",
        str(introduction.id) if introduction else "",
        _day(introduction.opened_at or introduction.identified_at) if introduction else "",
    ]


def _agreement_cells(agreement: Agreement, *, is_counted: bool) -> list[str]:
    values = (agreement.private_cents, agreement.public_cents, agreement.in_kind_cents)
    return [
        f"{agreement.id}: {agreement.title}",
        agreement.kind,
        CATEGORY_OF_AGREEMENT[agreement.kind],
        agreement.status,
        "; ".join(party.organization.name for party in agreement.parties),
        _day(agreement.activated_at),
        agreement.ends_on.isoformat() if agreement.ends_on else "",
        # Of an agreement of another period only the outcomes belong to this one.
        *(plain_amount(value) if is_counted else "" for value in values),
    ]


def _outcome_cells(row: ChainRow) -> list[str]:
    outcome = row.outcome
    if outcome is None:
        return [""] * 9
    return [
        str(outcome.id),
        outcome.kind,
        CATEGORY_OF_OUTCOME[outcome.kind],
        outcome.happened_on.isoformat(),
        outcome.organization.name,
        outcome.status,
        UNIT_OF[outcome.kind],
        plain_amount(outcome.amount_hundredths),
        plain_amount(row.counted),
    ]


def _day(moment: Any) -> str:
    return moment.date().isoformat() if moment is not None else ""


def plain_amount(hundredths: int) -> str:
    """Write hundredths as a plain number: without commas, and without digits that say nothing."""
    whole, rest = divmod(hundredths, 100)
    return str(whole) if not rest else f"{whole}.{rest:02d}"
