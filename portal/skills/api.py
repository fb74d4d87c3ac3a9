"""Skills, occupations and credentials in the JSON API."""

from typing import Any

from flask import Response, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.kernel.api import (
    api_blueprint,
    bind_json,
    operation,
    page_arguments,
    respond,
    respond_page,
)
from portal.kernel.errors import Invalid
from portal.kernel.paging import Page
from portal.kernel.web.answers import not_modified
from portal.kernel.web.arguments import choice_argument, number_argument, text_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_organization
from portal.skills import queries, services
from portal.skills.forms import CredentialForm, NewCredentialForm, credential_values
from portal.skills.rules import SKILL_KINDS
from portal.skills.schemas import CredentialSchema, OccupationSchema, SkillSchema

blueprint = api_blueprint("skills", __name__)

_EXAMPLE = {
    "organization_id": 1,
    "name": "CNC Operator",
    "kind": "certificate",
    "valid_months": 36,
    "skills": ["cnc-mill-operation"],
}


@blueprint.get("/skills")
@operation(
    summary="List skills",
    tag="skills",
    schema=SkillSchema,
    is_list=True,
    filters={
        "q": "Only those with a name, or a word in a name, that begins so (at most 100, no pages).",
        "kind": "Only those of this field of work.",
        "capability": "Only those that serve the capability of this key.",
        "occupation": "Only those that the occupation of this code needs.",
    },
)
def list_skills() -> ResponseReturnValue:
    """List the skills by name, with their occupations and the capabilities that they serve."""
    arguments = page_arguments()
    typed = text_argument("q", 100)
    filters: dict[str, Any] = {
        "kind": choice_argument("kind", SKILL_KINDS),
        "capability": text_argument("capability", 80),
        "occupation": text_argument("occupation", 7),
    }
    if typed and (any(filters.values()) or arguments["cursor"]):
        raise Invalid("q", _("Use q alone, without other filters and cursor."))
    if typed:
        matches = queries.suggest_skills(typed, arguments["limit"])
        found = Page(queries.skills_by_key(match.key for match in matches), None)
    else:
        found = queries.list_skills(**filters, **arguments)
    items = [_skill(row) for row in found.items]
    return not_modified("skills", items, found.next) or respond_page(
        SkillSchema(), Page(items, found.next)
    )


@blueprint.get("/skills/<key>")
@operation(summary="Read a skill", tag="skills", schema=SkillSchema, problems=(404,))
def show_skill(key: str) -> ResponseReturnValue:
    """Return a skill with its names, occupations and capabilities."""
    skill = _skill(queries.get_skill(key))
    return not_modified("skill", skill) or respond(SkillSchema(), skill)


@blueprint.get("/occupations")
@operation(summary="List occupations", tag="skills", schema=OccupationSchema, is_list=True)
def list_occupations() -> ResponseReturnValue:
    """List the occupations that skills are needed for, by title."""
    found = queries.list_occupations(**page_arguments())
    items = [
        {"code": row.code, "title": row.title, "title_es": row.title_es} for row in found.items
    ]
    return not_modified("occupations", items, found.next) or respond_page(
        OccupationSchema(), Page(items, found.next)
    )


@blueprint.get("/credentials")
@operation(
    summary="List credentials",
    tag="skills",
    schema=CredentialSchema,
    is_list=True,
    filters={
        "q": "Only those with all of these words in name, abbreviation or issuer.",
        "skill": "Only those that prove the skill of this key.",
        "organization_id": "Only those that this organization issues.",
    },
)
def list_credentials() -> ResponseReturnValue:
    """List the credentials by name: recognized ones, and those that organizations issue."""
    found = queries.list_credentials(
        typed=text_argument("q", 100),
        skill=text_argument("skill", 80),
        organization_id=number_argument("organization_id"),
        **page_arguments(),
    )
    items = [_credential(row) for row in found.items]
    return not_modified("credentials", items, found.next) or respond_page(
        CredentialSchema(), Page(items, found.next)
    )


@blueprint.post("/credentials")
@operation(
    summary="Add a credential",
    tag="skills",
    schema=CredentialSchema,
    form=NewCredentialForm,
    status=201,
    scope="skills:write",
    example=_EXAMPLE,
)
def create_credential() -> Response:
    """Write down a credential that your organization issues; for owners and managers."""
    values = bind_json(NewCredentialForm).data
    organization = get_organization(values.pop("organization_id"))
    credential = services.create_credential(current_actor(), organization, **values)
    return respond(
        CredentialSchema(),
        _credential(queries.get_credential(credential.id)),
        status=201,
        location=url_for("skills_api.show_credential", credential_id=credential.id),
    )


@blueprint.get("/credentials/<int:credential_id>")
@operation(summary="Read a credential", tag="skills", schema=CredentialSchema, problems=(404,))
def show_credential(credential_id: int) -> ResponseReturnValue:
    """Return a credential."""
    credential = _credential(queries.get_credential(credential_id))
    return not_modified("credential", credential) or respond(CredentialSchema(), credential)


@blueprint.patch("/credentials/<int:credential_id>")
@operation(
    summary="Change a credential",
    tag="skills",
    schema=CredentialSchema,
    form=CredentialForm,
    is_partial=True,
    scope="skills:write",
    problems=(404,),
    example={"valid_months": 24},
)
def change_credential(credential_id: int) -> Response:
    """Change what is given of a credential that your organization issues."""
    credential = queries.get_credential(credential_id)
    form = bind_json(CredentialForm, obj=credential_values(credential))
    services.change_credential(current_actor(), credential, **form.data)
    return respond(CredentialSchema(), _credential(queries.get_credential(credential_id)))


def _skill(skill: Any) -> dict[str, Any]:
    return {
        "key": skill.key,
        "kind": skill.kind,
        "name": skill.label,
        "name_es": skill.label_es,
        "other_names": [name.text for name in skill.names if name.kind == "alternate"],
        "occupations": [
            {"code": row.code, "title": row.title, "title_es": row.title_es}
            for row in skill.occupations
        ],
        "capabilities": [row.key for row in skill.capabilities],
        "url": url_for("skills.show_skill", key=skill.key),
    }


def _credential(credential: Any) -> dict[str, Any]:
    return {
        "id": credential.id,
        "key": credential.key,
        "kind": credential.kind,
        "name": credential.name,
        "abbreviation": credential.abbreviation,
        "issuer": credential.issuer,
        "issuer_organization_id": credential.issuer_organization_id,
        "issuer_url": credential.url,
        "valid_months": credential.valid_months,
        "skills": [skill.key for skill in credential.skills],
        "url": url_for("skills.show_credential", credential_id=credential.id),
    }
