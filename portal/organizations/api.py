"""The JSON API of organizations."""

import datetime as dt
from collections.abc import Mapping

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.api import (
    DoneSchema,
    api_blueprint,
    bind_json,
    operation,
    page_arguments,
    respond,
    respond_done,
    respond_page,
)
from portal.kernel.authorization import authorize
from portal.kernel.errors import Invalid
from portal.kernel.web.answers import not_modified
from portal.kernel.web.arguments import check_chosen, text_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.forms import ChosenClaimsForm, ChosenOrganizationsForm, OrganizationForm
from portal.organizations.policies import Permission
from portal.organizations.queries import people, profiles
from portal.organizations.rules import ORGANIZATION_KINDS
from portal.organizations.schemas import OrganizationSchema
from portal.organizations.services import joining, records

blueprint = api_blueprint("organizations", __name__)

_EXAMPLE = {
    "name": "Falls City Precision",
    "kind": "sme",
    "summary": "Short runs in steel and titanium, measured in house.",
    "website": "https://precision.example",
    "zip_code": "40202",
    "employee_band": "20-49",
    "naics_codes": ["332710"],
    "capabilities": ["5-axis milling", "CMM"],
    "certifications": [{"name": "AS9100", "expires_on": "2027-03-31"}],
    "members_only_fields": ["phone"],
}
_FILTERS: Mapping[str, str] = {
    "kind": "Only organizations of this kind.",
    "county": "Only organizations in the county of this FIPS code.",
    "updated_since": "Only organizations changed at or after this ISO 8601 time.",
}


@blueprint.get("/organizations")
@operation(
    summary="List organizations by name",
    tag="organizations",
    schema=OrganizationSchema,
    is_list=True,
    filters=_FILTERS,
    problems=(422,),
)
def list_organizations() -> ResponseReturnValue:
    """Answer with one page of profiles."""
    kind = text_argument("kind")
    if kind and kind not in ORGANIZATION_KINDS:
        raise Invalid("kind", _("There is no such kind of organization."))
    actor = current_actor()
    found = profiles.list_profiles(
        actor,
        kind=kind,
        county=text_argument("county"),
        updated_since=_instant("updated_since"),
        **page_arguments(),
    )
    return respond_page(_schema(), found)


@blueprint.post("/organizations")
@operation(
    summary="Register an organization; you become its owner",
    tag="organizations",
    schema=OrganizationSchema,
    form=OrganizationForm,
    status=201,
    scope="organizations:write",
    filters={"is_another": "“yes” registers it although a similar one is in the directory."},
    problems=(401, 403, 409, 422),
    example=_EXAMPLE,
)
def register_organization() -> Response:
    """Put an organization into the directory."""
    form = bind_json(OrganizationForm)
    is_another = request.args.get("is_another") == "yes"
    organization = records.register_organization(
        current_actor(), is_another=is_another, **form.data
    )
    return respond(
        OrganizationSchema(sees_members_fields=True),
        profiles.get_organization(organization.id),
        status=201,
        location=url_for("organizations_api.show_organization", organization_id=organization.id),
    )


@blueprint.get("/organizations/<int:organization_id>")
@operation(
    summary="Read an organization",
    tag="organizations",
    schema=OrganizationSchema,
    problems=(404,),
)
def show_organization(organization_id: int) -> ResponseReturnValue:
    """Answer with a profile."""
    actor = current_actor()
    organization = profiles.get_visible_organization(actor, organization_id)
    reply = not_modified(
        "organization",
        organization.id,
        organization.updated_at,
        profiles.sees_members_fields(actor),
    )
    return reply or respond(_schema(), organization)


@blueprint.patch("/organizations/<int:organization_id>")
@operation(
    summary="Change an organization",
    tag="organizations",
    schema=OrganizationSchema,
    form=OrganizationForm,
    is_partial=True,
    scope="organizations:write",
    problems=(401, 403, 404, 422),
    example={"summary": "Short runs in steel, titanium and Inconel."},
)
def change_organization(organization_id: int) -> Response:
    """Write the fields that are given; the others stay."""
    actor = current_actor()
    organization = profiles.get_editable_organization(actor, organization_id)
    form = bind_json(OrganizationForm, obj=organization)
    records.change_organization(actor, organization, **form.data)
    return respond(
        OrganizationSchema(sees_members_fields=True), profiles.get_organization(organization_id)
    )


@blueprint.delete("/organizations/<int:organization_id>")
@operation(
    summary="Archive an organization",
    tag="organizations",
    status=204,
    scope="organizations:write",
    problems=(401, 403, 404, 409),
)
def archive_organization(organization_id: int) -> tuple[str, int]:
    """Close an organization; its owners can restore it on its page."""
    actor = current_actor()
    organization = profiles.get_visible_organization(actor, organization_id)
    records.archive_organization(actor, organization)
    return "", 204


@blueprint.post("/organizations/verifications")
@operation(
    summary="Vouch for several organizations at once",
    tag="organizations",
    schema=DoneSchema,
    form=ChosenOrganizationsForm,
    scope="organizations:write",
    problems=(404,),
    example={"organization_ids": [1]},
)
def verify_organizations() -> ResponseReturnValue:
    """Mark organizations of your regions as verified, all or none."""
    actor = current_actor()
    authorize(actor, Permission.ORGANIZATION_VIEW_UNVERIFIED)
    numbers = check_chosen(bind_json(ChosenOrganizationsForm).data["organization_ids"])
    chosen = tuple(profiles.get_visible_organization(actor, number) for number in numbers)
    return respond_done(len(records.verify_organizations(actor, chosen)))


@blueprint.post("/claims/actions/<action>")
@operation(
    summary="Decide several claims at once",
    tag="organizations",
    schema=DoneSchema,
    form=ChosenClaimsForm,
    scope="organizations:write",
    example={"claim_ids": [1], "note": ""},
)
def act_on_claims(action: str) -> ResponseReturnValue:
    """Take the same step with several claims, all or none: `approve`, or `deny` with a note."""
    actor = current_actor()
    authorize(actor, Permission.ORGANIZATION_VIEW_UNVERIFIED)
    values = bind_json(ChosenClaimsForm).data
    numbers = check_chosen(values.pop("claim_ids"))
    chosen = tuple(people.get_visible_claim(actor, number) for number in numbers)
    return respond_done(len(joining.act_on_claims(actor, chosen, action=action, **values)))


def _schema() -> OrganizationSchema:
    return OrganizationSchema(sees_members_fields=profiles.sees_members_fields(current_actor()))


def _instant(name: str) -> dt.datetime | None:
    text = text_argument(name, 40)
    if not text:
        return None
    try:
        # In an address, a bare plus sign means a space.
        moment = dt.datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid(name, _("Please give a time such as 2026-11-01T08:00:00Z.")) from error
