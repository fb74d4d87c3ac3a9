"""Pages of lists: what the visitor may see, and what an organization offers."""

from collections.abc import Callable
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.facilities.queries import listings
from portal.facilities.rules import FACILITY_KINDS, SHARING_LABELS
from portal.facilities.services.equipment import confirm_records
from portal.facilities.views.blueprint import blueprint
from portal.facilities.views.offers import own_organization
from portal.kernel.clock import now
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import record_number, text_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_organization
from portal.organizations.rules import is_stale


@blueprint.get("/facilities")
def list_facilities() -> ResponseReturnValue:
    """Show the facilities that the visitor may see, by name."""
    return _show_list("facility", listings.list_facilities)


@blueprint.get("/equipment")
def list_equipment() -> ResponseReturnValue:
    """Show the equipment that the visitor may see, by name."""
    return _show_list("equipment", listings.list_equipment)


def _show_list(kind: str, load: Callable[..., Any]) -> ResponseReturnValue:
    arguments = {
        "capability": text_argument("capability", 80),
        "county": text_argument("county", 5),
    }
    given: dict[str, Any] = {name: value for name, value in arguments.items() if value}
    found = load(current_actor(), cursor=request.args.get("cursor"), **given)
    endpoint = str(request.endpoint)
    return page(
        "facilities/list.html",
        kind=kind,
        found=found,
        capability=listings.find_capability_label(arguments["capability"]),
        all_url=url_for(endpoint) if given else None,
        next_url=url_for(endpoint, cursor=found.next, **given) if found.next else None,
        labels=FACILITY_KINDS if kind == "facility" else SHARING_LABELS,
    )


@blueprint.get("/equipment/mine")
def list_own() -> ResponseReturnValue:
    """Show what an organization of the actor offers, with state and freshness."""
    actor = current_actor()
    organization, choices = own_organization("facilities.list_own")
    if organization is None:
        return page("facilities/own.html", organization=None, choices=[])
    facilities = listings.list_facilities(actor, organization_id=organization.id, limit=100).items
    equipment = listings.list_equipment(
        actor, organization_id=organization.id, cursor=request.args.get("cursor"), limit=50
    )
    return page(
        "facilities/own.html",
        organization=organization,
        choices=choices,
        facilities=facilities,
        equipment=equipment.items,
        is_stale=lambda item: is_stale(item.confirmed_at, now()),
        next_url=(
            url_for("facilities.list_own", organization=organization.id, cursor=equipment.next)
            if equipment.next
            else None
        ),
    )


@blueprint.post("/equipment/mine/confirm")
def confirm_own() -> ResponseReturnValue:
    """Confirm the chosen records of an organization."""
    organization = get_organization(request.form.get("organization_id", type=record_number))
    count = confirm_records(
        current_actor(),
        organization,
        equipment_ids=_numbers("equipment_ids"),
        facility_ids=_numbers("facility_ids"),
    )
    flash(
        ngettext("%(num)d record was confirmed.", "%(num)d records were confirmed.", count)
        if count
        else _("Nothing was chosen, so nothing was confirmed.")
    )
    return see_other(url_for("facilities.list_own", organization=organization.id))


def _numbers(name: str) -> list[int]:
    return request.form.getlist(name, type=record_number)[:200]
