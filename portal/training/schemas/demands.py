"""The shape in which demands for skills and the gap view leave: JSON and tables."""

from marshmallow import Schema, fields

from portal.kernel.spreadsheets import amount_cell
from portal.training.models.demands import SkillDemand
from portal.training.queries.gaps import GapRow

#: The columns of a table of demands, with amounts in dollars; those that `DemandForm` has are read
#: again, under the names that it has for them.
DEMAND_COLUMNS = (
    "id",
    "organization",
    "skill",
    "people",
    "needed_by",
    "county",
    "occupation",
    "wage_min",
    "wage_max",
    "is_cofunding",
    "hosts_apprentices",
    "is_shared",
    "status",
    "note",
)
FIELDS_OF_COLUMNS = {"wage_min": "wage_min_cents", "wage_max": "wage_max_cents"}

GAP_COLUMNS = (
    "skill_key",
    "skill",
    "area",
    "quarter",
    "firms",
    "people_needed",
    "free_seats",
    "sections",
    "planned_seats",
    "missing",
    "typical_wage",
    "programs",
)


class SkillDemandSchema(Schema):
    """A demand for a skill, as its own people and the region's brokers read it."""

    id = fields.Integer(required=True)
    organization_id = fields.Integer(required=True)
    organization = fields.Function(lambda row: row.organization.name)
    skill = fields.String(attribute="skill_key", required=True)
    occupation = fields.String(attribute="occupation_code", allow_none=True)
    county = fields.String(attribute="county_fips", required=True)
    people = fields.Integer(required=True)
    needed_by = fields.Date(required=True)
    wage_min_cents = fields.Integer(allow_none=True)
    wage_max_cents = fields.Integer(allow_none=True)
    is_cofunding = fields.Boolean(required=True)
    hosts_apprentices = fields.Boolean(required=True)
    is_shared = fields.Boolean(required=True)
    joined_id = fields.Integer(allow_none=True)
    note = fields.String(required=True)
    status = fields.String(required=True)
    confirmed_at = fields.AwareDateTime(format="iso", allow_none=True)
    created_at = fields.AwareDateTime(format="iso")
    updated_at = fields.AwareDateTime(format="iso")


class SkillGapSchema(Schema):
    """Demand and supply of a skill in an area and quarter; quarter is null from now on.

    firms and people are 0 where fewer than four verified firms ask, or one of them could be told
    apart. free_seats: of sections in which one can enroll; planned_seats: of those to come.
    """

    skill = fields.String(required=True)
    area = fields.String(required=True)
    quarter = fields.String(required=True, allow_none=True)
    firms = fields.Integer(required=True)
    people = fields.Integer(required=True)
    free_seats = fields.Integer(required=True)
    sections = fields.Integer(required=True)
    planned_seats = fields.Integer(required=True)
    missing = fields.Integer(required=True)
    typical_wage_cents = fields.Integer(required=True, allow_none=True)
    programs = fields.Integer(required=True)


def demand_cells(demand: SkillDemand) -> list[str]:
    """Return a loaded demand as a row of a table."""
    return [
        str(demand.id),
        demand.organization.name,
        demand.skill_key,
        str(demand.people),
        demand.needed_by.isoformat(),
        demand.county_fips,
        demand.occupation_code or "",
        amount_cell(demand.wage_min_cents),
        amount_cell(demand.wage_max_cents),
        "yes" if demand.is_cofunding else "no",
        "yes" if demand.hosts_apprentices else "no",
        "yes" if demand.is_shared else "no",
        demand.status,
        demand.note,
    ]


def gap_cells(row: GapRow) -> list[str]:
    """Return a row of the gap view as a row of a table."""
    gap = row.gap
    return [
        gap.skill,
        row.skill,
        row.area,
        row.quarter,
        *map(str, (gap.firms, gap.people, gap.seats, gap.sections, gap.planned, gap.missing)),
        amount_cell(gap.wage_cents),
        str(row.programs),
    ]


def gap_record(row: GapRow) -> dict[str, object]:
    """Return a row of the gap view as JSON has it."""
    gap, reference = row.gap, row.reference
    return {
        "skill": gap.skill,
        "area": reference["area"],
        "quarter": reference["quarter"] or None,
        "firms": gap.firms,
        "people": gap.people,
        "free_seats": gap.seats,
        "sections": gap.sections,
        "planned_seats": gap.planned,
        "missing": gap.missing,
        "typical_wage_cents": gap.wage_cents,
        "programs": row.programs,
    }
