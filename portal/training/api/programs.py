"""Programs in the JSON API, over the same forms and commands as the pages."""

from typing import Any

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from portal.kernel.api import bind_json, operation, page_arguments, respond, respond_page
from portal.kernel.authorization import can
from portal.kernel.listing import VISIBILITIES
from portal.kernel.web.answers import not_modified
from portal.kernel.web.arguments import choice_argument, number_argument, text_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_chosen_organization
from portal.training.api.blueprint import blueprint
from portal.training.forms.programs import NewProgramForm, ProgramForm, program_values
from portal.training.policies import Permission
from portal.training.queries import listings
from portal.training.queries import programs as queries
from portal.training.rules.programs import DELIVERIES, PROGRAM_KINDS
from portal.training.schemas.programs import ProgramSchema
from portal.training.services import programs as services

_EXAMPLE = {
    "organization_id": 1,
    "title": "MIG welding for beginners",
    "kind": "course",
    "summary": "Flat and horizontal welds on mild steel.",
    "delivery": "in_person",
    "language": "en",
    "duration_hours": 40,
    "cost_cents": 45000,
    "funding": ["employer", "workforce_board"],
    "skills": [],
    "visibility": "public",
}


@blueprint.get("/programs")
@operation(
    summary="List programs",
    tag="training",
    schema=ProgramSchema,
    is_list=True,
    filters={
        "organization_id": "Programs of one provider.",
        "kind": "course, certificate, degree, apprenticeship, on_the_job, workshop or online.",
        "delivery": "in_person, online, self_paced, hybrid or at_work.",
        "skill": "The key of a skill that it teaches.",
        "credential_id": "The number of a credential that it leads to.",
        "visibility": "draft, organization, members or public, among those you may see.",
    },
)
def list_programs() -> ResponseReturnValue:
    """List the programs that you may see, by title; those in the archive are left out."""
    found = listings.list_program_records(
        current_actor(),
        **page_arguments(),
        organization_id=number_argument("organization_id"),
        kind=choice_argument("kind", PROGRAM_KINDS),
        delivery=choice_argument("delivery", DELIVERIES),
        skill=text_argument("skill", 80),
        credential_id=number_argument("credential_id"),
        visibility=choice_argument("visibility", VISIBILITIES),
    )
    reply = not_modified("programs", *map(_version, found.items), found.next)
    return reply or respond_page(_schema(), found)


@blueprint.post("/programs")
@operation(
    summary="Add a program",
    tag="training",
    schema=ProgramSchema,
    form=NewProgramForm,
    status=201,
    scope="training:write",
    example=_EXAMPLE,
)
def create_program() -> Response:
    """Add a program to one of your organizations."""
    values = bind_json(NewProgramForm).data
    organization = get_chosen_organization(values.pop("organization_id"))
    program = services.create_program(current_actor(), organization, **values)
    return respond(
        _schema(),
        queries.get_program(program.id),
        status=201,
        location=url_for("training_api.show_program", program_id=program.id),
    )


@blueprint.get("/programs/<int:program_id>")
@operation(summary="Read a program", tag="training", schema=ProgramSchema, problems=(404,))
def show_program(program_id: int) -> ResponseReturnValue:
    """Return a program."""
    program = queries.get_visible_program(current_actor(), program_id)
    return not_modified(_version(program)) or respond(_schema(), program)


@blueprint.patch("/programs/<int:program_id>")
@operation(
    summary="Change a program",
    tag="training",
    schema=ProgramSchema,
    form=ProgramForm,
    is_partial=True,
    scope="training:write",
    example={"cost_cents": 39500},
)
def update_program(program_id: int) -> Response:
    """Change the fields that are given."""
    program = queries.get_visible_program(current_actor(), program_id)
    form = bind_json(ProgramForm, obj=program_values(program))
    services.update_program(current_actor(), program, **form.data)
    return respond(_schema(), queries.get_program(program_id))


@blueprint.delete("/programs/<int:program_id>")
@operation(
    summary="Delete a program",
    tag="training",
    status=204,
    scope="training:write",
    problems=(409,),
)
def delete_program(program_id: int) -> ResponseReturnValue:
    """Delete a program in which nobody could ever enroll."""
    program = queries.get_visible_program(current_actor(), program_id)
    services.delete_program(current_actor(), program)
    return "", 204


def _schema() -> ProgramSchema:
    return ProgramSchema(sees_contact=can(current_actor(), Permission.PROGRAM_VIEW_CONTACT))


def _version(program: Any) -> tuple[Any, ...]:
    """What a reply about a program depends on."""
    sees_contact = can(current_actor(), Permission.PROGRAM_VIEW_CONTACT)
    return *queries.version_of(program), sees_contact
