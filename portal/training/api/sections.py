"""Sections in the JSON API, over the same forms and commands as the pages."""

from typing import Any

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from portal.bookings.rules.attempt import Span
from portal.kernel.api import (
    InvalidForm,
    bind_json,
    operation,
    page_arguments,
    read_json,
    respond,
    respond_page,
)
from portal.kernel.authorization import Actor, can
from portal.kernel.web.arguments import choice_argument, date_argument, number_argument
from portal.kernel.web.viewer import current_actor
from portal.training.api.blueprint import blueprint
from portal.training.forms.sections import (
    MeetingBodyForm,
    NewSectionForm,
    NoteForm,
    SectionForm,
    SectionMoveForm,
    facts_of,
    place_of,
    section_values,
)
from portal.training.policies import Permission
from portal.training.queries import listings
from portal.training.queries import programs as program_queries
from portal.training.queries import sections as queries
from portal.training.queries.enrollments import load_seats
from portal.training.rules.sections import SECTION_STATUSES, Schedule
from portal.training.schemas.programs import SectionSchema
from portal.training.services import sections as services

_EXAMPLE = {
    "program_id": 1,
    "name": "Evenings",
    "date": "2027-09-07",
    "starts": "18:00",
    "ends": "21:00",
    "frequency": "weekly",
    "weekdays": ["1", "3"],
    "until": "2027-10-14",
    "except_dates": ["2027-09-09"],
    "seats": 12,
    "min_seats": 6,
    "prices": [{"customer_class": "member_sme", "price_cents": 39500}],
}


@blueprint.get("/sections")
@operation(
    summary="List sections",
    tag="training",
    schema=SectionSchema,
    is_list=True,
    filters={
        "program_id": "Sections of one program.",
        "organization_id": "Sections of one provider.",
        "status": "planned, open, running, completed or cancelled.",
        "starts_from": "The first day on which they begin.",
        "starts_until": "The last day on which they begin.",
    },
)
def list_sections() -> ResponseReturnValue:
    """List the sections that you may see, the earliest first."""
    found = listings.list_section_records(
        current_actor(),
        **page_arguments(),
        program_id=number_argument("program_id"),
        organization_id=number_argument("organization_id"),
        status=choice_argument("status", SECTION_STATUSES),
        starts_from=date_argument("starts_from"),
        starts_until=date_argument("starts_until"),
    )
    return respond_page(_schema(found.items), found)


@blueprint.post("/sections")
@operation(
    summary="Plan a section",
    tag="training",
    schema=SectionSchema,
    form=NewSectionForm,
    status=201,
    scope="training:write",
    problems=(404, 409),
    example=_EXAMPLE,
)
def create_section() -> Response:
    """Plan a section; its facility is booked for each meeting, or nothing is done."""
    form = bind_json(NewSectionForm)
    actor = current_actor()
    program = program_queries.get_visible_program(actor, form.program_id.data)
    section = services.create_section(
        actor,
        program,
        schedule=_read_schedule(form),
        **facts_of(form),
        **place_of(form),
        **form.dates,
    )
    return _respond(section.id, status=201)


@blueprint.get("/sections/<int:section_id>")
@operation(summary="Read a section", tag="training", schema=SectionSchema, problems=(404,))
def show_section(section_id: int) -> ResponseReturnValue:
    """Return a section with its meetings and prices."""
    section = queries.get_visible_section(current_actor(), section_id)
    return respond(_schema([section]), section)


@blueprint.patch("/sections/<int:section_id>")
@operation(
    summary="Change or move a section",
    tag="training",
    schema=SectionSchema,
    form=SectionForm,
    is_partial=True,
    scope="training:write",
    problems=(409,),
    example={"seats": 14},
)
def update_section(section_id: int) -> Response:
    """Change the fields that are given; another time or place moves its bookings along."""
    actor = current_actor()
    section = queries.get_visible_section(actor, section_id)
    given = read_json()
    form = SectionForm.from_json(given, obj=section_values(section))
    if not form.validate():
        raise InvalidForm(form.errors_by_name)
    moves = [name for name in given if name in SectionMoveForm()]
    services.change_section(
        actor,
        section,
        facts=facts_of(form) if len(moves) < len(given) else {},
        move={"schedule": _read_schedule(form), **place_of(form), **form.dates} if moves else {},
    )
    return _respond(section_id)


@blueprint.post("/sections/<int:section_id>/actions/<action>")
@operation(
    summary="Open, begin, complete or cancel a section",
    tag="training",
    schema=SectionSchema,
    form=NoteForm,
    scope="training:write",
    problems=(404, 409),
    example={"note": "Too few people enrolled."},
)
def act_on_section(section_id: int, action: str) -> Response:
    """Take a step: open, start, complete or cancel (which needs a note)."""
    section = queries.get_visible_section(current_actor(), section_id)
    note = bind_json(NoteForm).note.data
    services.act_on_section(current_actor(), section, action, note=note)
    return _respond(section_id)


@blueprint.patch("/sections/<int:section_id>/meetings/<int:meeting_id>")
@operation(
    summary="Move a meeting",
    tag="training",
    schema=SectionSchema,
    form=MeetingBodyForm,
    scope="training:write",
    problems=(404, 409),
    example={"starts_at": "2027-09-14T22:00:00Z", "ends_at": "2027-09-15T01:00:00Z"},
)
def move_meeting(section_id: int, meeting_id: int) -> Response:
    """Move one meeting, with its booking."""
    section = queries.get_visible_section(current_actor(), section_id)
    form = bind_json(MeetingBodyForm)
    services.move_meeting(
        current_actor(),
        section,
        meeting_id=meeting_id,
        span=Span(form.starts_at.data, form.ends_at.data),
        override_reason=form.override_reason.data,
    )
    return _respond(section_id)


@blueprint.delete("/sections/<int:section_id>")
@operation(
    summary="Delete a planned section",
    tag="training",
    status=204,
    scope="training:write",
    problems=(409,),
)
def delete_section(section_id: int) -> ResponseReturnValue:
    """Delete a section that was never opened."""
    section = queries.get_visible_section(current_actor(), section_id)
    services.delete_section(current_actor(), section)
    return "", 204


def _read_schedule(form: SectionForm) -> Schedule | None:
    try:
        return form.read_schedule()
    except ValueError as error:
        form.add_error("frequency", str(error))
        raise InvalidForm(form.errors_by_name) from error


def _respond(section_id: int, *, status: int = 200) -> Response:
    section = queries.get_section(section_id)
    location = url_for("training_api.show_section", section_id=section_id)
    return respond(
        _schema([section]), section, status=status, location=location if status == 201 else None
    )


def _schema(sections: list[Any]) -> SectionSchema:
    actor: Actor = current_actor()
    return SectionSchema(
        seats=load_seats([section.id for section in sections]),
        online=queries.online_to(actor, sections),
        is_inside=lambda section: can(actor, Permission.SECTION_VIEW_INSIDE, section),
    )
