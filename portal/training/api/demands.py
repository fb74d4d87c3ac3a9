"""Demands for skills and the gap view in the JSON API."""

from flask import Response, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.api import (
    bind_json,
    operation,
    page_arguments,
    respond,
    respond_page,
)
from portal.kernel.authorization import authorize
from portal.kernel.errors import Invalid
from portal.kernel.paging import Page
from portal.kernel.web.arguments import choice_argument, number_argument, text_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_organization
from portal.training.api.blueprint import blueprint
from portal.training.forms.demands import DemandForm, NewDemandForm, demand_values
from portal.training.policies import Permission
from portal.training.queries import demands as queries
from portal.training.queries.gaps import GapFilters, provider_of, show_gaps
from portal.training.rules.demands import DEMAND_STATUSES, DEMANDS, read_quarter
from portal.training.schemas.demands import SkillDemandSchema, SkillGapSchema, gap_record
from portal.training.services import demands as services

_EXAMPLE = {
    "organization_id": 1,
    "skill": "mig-welding",
    "people": 4,
    "needed_by": "2035-06-30",
    "county": "21111",
    "wage_min_cents": 2200,
    "wage_max_cents": 2800,
    "is_cofunding": True,
}


@blueprint.get("/skill-demands")
@operation(
    summary="List demands for skills",
    tag="training",
    schema=SkillDemandSchema,
    is_list=True,
    filters={
        "organization_id": "Only those of one organization.",
        "status": "open, met or withdrawn.",
        "skill": "Only those for the skill of this key.",
    },
)
def list_demands() -> ResponseReturnValue:
    """List the demands that you may see, the first to be met first: your own, and as a broker
    those of your regions."""
    found = queries.list_demands(
        current_actor(),
        organization_id=number_argument("organization_id"),
        status=choice_argument("status", DEMAND_STATUSES),
        skill=text_argument("skill", 80),
        **page_arguments(),
    )
    return respond_page(SkillDemandSchema(), found)


@blueprint.post("/skill-demands")
@operation(
    summary="State a demand for a skill",
    tag="training",
    schema=SkillDemandSchema,
    form=NewDemandForm,
    status=201,
    scope="training:write",
    example=_EXAMPLE,
)
def state_demand() -> Response:
    """State what your organization needs; with joined_id, join a shared need."""
    values = bind_json(NewDemandForm).data
    organization = get_organization(values.pop("organization_id"))
    demand = services.state_demand(current_actor(), organization, **values)
    return respond(
        SkillDemandSchema(),
        queries.get_demand(demand.id),
        status=201,
        location=url_for("training_api.show_demand", demand_id=demand.id),
    )


@blueprint.get("/skill-demands/<int:demand_id>")
@operation(
    summary="Read a demand for a skill",
    tag="training",
    schema=SkillDemandSchema,
    problems=(404,),
)
def show_demand(demand_id: int) -> ResponseReturnValue:
    """Return a demand."""
    return respond(SkillDemandSchema(), queries.get_visible_demand(current_actor(), demand_id))


@blueprint.patch("/skill-demands/<int:demand_id>")
@operation(
    summary="Change a demand for a skill",
    tag="training",
    schema=SkillDemandSchema,
    form=DemandForm,
    is_partial=True,
    scope="training:write",
    problems=(404, 409),
    example={"people": 6},
)
def change_demand(demand_id: int) -> Response:
    """Change what is given of a demand of your organization."""
    demand = queries.get_visible_demand(current_actor(), demand_id)
    form = bind_json(DemandForm, obj=demand_values(demand))
    services.change_demand(current_actor(), demand, **form.data)
    return respond(SkillDemandSchema(), queries.get_demand(demand_id))


@blueprint.post("/skill-demands/<int:demand_id>/actions/<action>")
@operation(
    summary="Meet, withdraw or reopen a demand",
    tag="training",
    schema=SkillDemandSchema,
    scope="training:write",
    problems=(404, 409),
)
def act_on_demand(demand_id: int, action: str) -> Response:
    """Take a step: meet, withdraw or reopen."""
    actor = current_actor()
    demand = queries.get_visible_demand(actor, demand_id)
    authorize(actor, DEMANDS.permission(action), demand)
    services.act_on_demand(actor, demand, action)
    return respond(SkillDemandSchema(), queries.get_demand(demand_id))


@blueprint.get("/skill-gaps")
@operation(
    summary="List where demand and supply of skills part",
    tag="training",
    schema=SkillGapSchema,
    is_list=True,
    problems=(403,),
    filters={
        "skill": "Only rows of the skill of this key.",
        "region": "Only rows of counties of the region of this number.",
        "county": "Only rows that cover the county of this FIPS code.",
        "quarter": "Only rows that cover this quarter, such as 2027-Q1.",
    },
)
def list_gaps() -> ResponseReturnValue:
    """List demand and free seats per skill, area and quarter, the largest gap first; no firm can be
    told apart. The cursor is the number of the row to go on from."""
    actor = current_actor()
    authorize(actor, Permission.GAP_VIEW, provider_of(actor))
    arguments = page_arguments()
    cursor = arguments["cursor"] or "0"
    if not (cursor.isdecimal() and cursor.isascii() and len(cursor) < 7):
        raise Invalid("cursor", _("This list made no such cursor."))
    quarter = text_argument("quarter", 7)
    if quarter and read_quarter(quarter) is None:
        raise Invalid("quarter", _("Please give a quarter such as 2027-Q1."))
    region = number_argument("region")
    found = show_gaps(
        actor,
        GapFilters(
            skill=text_argument("skill", 80),
            region_ids=() if region is None else (region,),
            county=text_argument("county", 5),
            quarter=quarter,
        ),
        start=int(cursor),
        limit=arguments["limit"],
    )
    rows = [gap_record(row) for row in found.rows]
    return respond_page(
        SkillGapSchema(), Page(rows, None if found.next is None else str(found.next))
    )
