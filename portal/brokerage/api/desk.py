"""The broker's desk in the JSON API: what waits, and what is done with several things at once."""

from flask import url_for
from flask.typing import ResponseReturnValue

from portal.brokerage.api.blueprint import blueprint
from portal.brokerage.forms.cases import AskedForm, CasesForm, ChoiceForm, NeedsForm
from portal.brokerage.policies import Permission
from portal.brokerage.queries import cases as case_queries
from portal.brokerage.queries import desk as queries
from portal.brokerage.queries.cases import Choice
from portal.brokerage.schemas.cases import (
    CaseFilterSchema,
    CaseSchema,
    DeskSectionSchema,
    NeedSchema,
    StaleSchema,
)
from portal.brokerage.services import cases as services
from portal.brokerage.services.desk import ask_to_confirm as ask_people_to_confirm
from portal.kernel.api import (
    DoneSchema,
    bind_json,
    operation,
    page_arguments,
    respond,
    respond_done,
    respond_page,
)
from portal.kernel.authorization import Actor, authorize
from portal.kernel.manifest import waiting_on_desk
from portal.kernel.paging import Page
from portal.kernel.web.arguments import check_chosen, number_argument
from portal.kernel.web.viewer import current_actor
from portal.regions.queries.regions import get_region

_SCOPE = "brokerage:write"
_REGION = {"region_id": "Of one of your regions; of all of them, if it is not given."}


@blueprint.get("/broker/desk")
@operation(
    summary="Read what waits on the broker's desk",
    tag="brokerage",
    schema=DeskSectionSchema,
    is_list=True,
    filters=_REGION,
    problems=(403,),
)
def show_desk() -> ResponseReturnValue:
    """List the parts of your desk in which something waits; `limit` is for each of them."""
    actor = _looking()
    waiting = waiting_on_desk(actor, "broker", page_arguments()["limit"])
    return respond_page(DeskSectionSchema(), Page([row for row in waiting if row.items], None))


@blueprint.get("/broker/needs")
@operation(
    summary="List needs that no case follows",
    tag="brokerage",
    schema=NeedSchema,
    is_list=True,
    filters=_REGION,
    problems=(403,),
)
def list_needs() -> ResponseReturnValue:
    """List open needs of your regions without a case, the oldest first."""
    needs = queries.list_needs_without_case(_looking(), page_arguments()["limit"])
    return respond_page(NeedSchema(), Page(needs, None))


@blueprint.get("/broker/stale-organizations")
@operation(
    summary="List organizations whose records went stale",
    tag="brokerage",
    schema=StaleSchema,
    is_list=True,
    filters=_REGION,
    problems=(403,),
)
def list_stale() -> ResponseReturnValue:
    """List organizations of your regions that nobody confirmed for half a year."""
    stale = queries.list_stale(_looking(), page_arguments()["limit"])
    return respond_page(StaleSchema(), Page(stale, None))


@blueprint.post("/broker/open-cases")
@operation(
    summary="Open a case for each of several needs",
    tag="brokerage",
    schema=DoneSchema,
    form=NeedsForm,
    scope=_SCOPE,
    example={"request_ids": [1]},
)
def open_cases() -> ResponseReturnValue:
    """Open cases; a request that your region follows already is left alone."""
    actor = current_actor()
    authorize(actor, Permission.CASE_VIEW_OWN)
    numbers = check_chosen(bind_json(NeedsForm).data["request_ids"])
    opened = 0
    for region_id, ids in queries.by_region(actor, numbers).items():
        region = get_region(region_id)
        opened += len(services.open_cases_of_requests(actor, region, request_ids=ids))
    return respond_done(opened)


@blueprint.post("/broker/confirmation-asks")
@operation(
    summary="Ask organizations to confirm what they list",
    tag="brokerage",
    schema=DoneSchema,
    form=AskedForm,
    scope=_SCOPE,
    example={"organization_ids": [1]},
)
def ask_to_confirm() -> ResponseReturnValue:
    """Write to their people; whoever was asked in the last month is spared."""
    actor = current_actor()
    authorize(actor, Permission.CASE_VIEW_OWN)
    numbers = check_chosen(bind_json(AskedForm).data["organization_ids"])
    chosen = queries.get_organizations(actor, numbers)
    return respond_done(ask_people_to_confirm(actor, chosen))


@blueprint.post("/cases/changes")
@operation(
    summary="Change several cases at once",
    tag="brokerage",
    schema=CaseSchema,
    form=CasesForm,
    is_list=True,
    scope=_SCOPE,
    problems=(404, 409),
    example={"case_ids": [1], "next_action": "Call", "next_on": "2027-03-01"},
)
def change_cases() -> ResponseReturnValue:
    """Move cases, hand them over, or say what is next; all or none."""
    actor = current_actor()
    authorize(actor, Permission.CASE_VIEW_OWN)
    values = bind_json(CasesForm).data
    numbers = check_chosen(values.pop("case_ids"))
    chosen = tuple(case_queries.get_visible_case(actor, number) for number in numbers)
    services.change_cases(actor, chosen, **values)
    changed = [case_queries.get_visible_case(actor, number) for number in numbers]
    return respond_page(CaseSchema(), Page(changed, None))


@blueprint.get("/case-filters")
@operation(
    summary="List kept filters",
    tag="brokerage",
    schema=CaseFilterSchema,
    is_list=True,
    problems=(403,),
)
def list_filters() -> ResponseReturnValue:
    """List the choices among the cases that you keep, by name."""
    actor = current_actor()
    authorize(actor, Permission.CASE_VIEW_OWN)
    page_arguments()
    return respond_page(CaseFilterSchema(), Page(case_queries.list_filters(actor), None))


@blueprint.post("/case-filters")
@operation(
    summary="Keep a filter",
    tag="brokerage",
    schema=CaseFilterSchema,
    form=ChoiceForm,
    status=201,
    scope=_SCOPE,
    problems=(409,),
    example={"name": "Mine and late", "keeper": "me", "due": "overdue"},
)
def keep_filter() -> ResponseReturnValue:
    """Keep a choice under a name; the same name is written over, so a call can be repeated."""
    actor = current_actor()
    values = bind_json(ChoiceForm).data
    name, words = values.pop("name"), values.pop("q")
    kept = services.keep_filter(actor, name=name, values=Choice(**values, words=words).values())
    return respond(
        CaseFilterSchema(), kept, status=201, location=url_for("brokerage_api.list_filters")
    )


@blueprint.delete("/case-filters/<int:filter_id>")
@operation(summary="Forget a filter", tag="brokerage", status=204, scope=_SCOPE)
def drop_filter(filter_id: int) -> ResponseReturnValue:
    """Forget one of your filters."""
    actor = current_actor()
    services.drop_filter(actor, case_queries.get_own_filter(actor, filter_id))
    return "", 204


def _looking() -> Actor:
    """Return the actor, as broker of the region that was asked for alone."""
    actor = current_actor()
    authorize(actor, Permission.CASE_VIEW_OWN)
    return queries.in_region(actor, number_argument("region_id"))
