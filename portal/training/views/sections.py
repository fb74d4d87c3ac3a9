"""Pages of sections: one with its meetings, forms to plan and move it, its steps, its calendar."""

from collections.abc import Callable
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.bookings.forms.pages import span_values
from portal.bookings.queries.notices import calendar_host
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.invitations import write_feed
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.telling import write_times
from portal.facilities.policies import Permission as FacilityPermission
from portal.facilities.rules import CUSTOMER_CLASSES
from portal.kernel.authorization import authorize, can
from portal.kernel.clock import now, today_here
from portal.kernel.errors import Conflict
from portal.kernel.kept import keep_answer
from portal.kernel.web.additions import sections_of
from portal.kernel.web.addresses import external_url
from portal.kernel.web.answers import flash, linked_data_answer, page, see_other
from portal.kernel.web.arguments import confirmed, form_text, record_number
from portal.kernel.web.viewer import current_actor
from portal.training.forms.sections import (
    MeetingForm,
    SectionFactsForm,
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
from portal.training.rules.programs import DELIVERIES, LANGUAGES
from portal.training.rules.sections import (
    SECTION_STATUSES,
    SECTIONS,
    last_day_to_enroll,
    price_for,
    price_range,
    sum_up_meetings,
)
from portal.training.schemas.linked_data import CONTEXT, section_linked_data
from portal.training.services import sections as services
from portal.training.views.blueprint import blueprint
from portal.training.views.programs import is_open_here


@blueprint.get("/training/sections/<int:section_id>")
def show_section(section_id: int) -> ResponseReturnValue:
    """Show a section: when, where, what it costs, how to enroll."""
    actor = current_actor()
    section = queries.get_visible_section(actor, section_id)
    parts = sections_of("section", section)
    facility = section.facility
    keep_answer()
    return page(
        "training/sections/show.html",
        section=section,
        program=section.program,
        organization=section.organization,
        title=queries.title_of(section),
        **when_it_meets(section),
        facility=(
            facility
            if facility and can(actor, FacilityPermission.FACILITY_VIEW, facility)
            else None
        ),
        sees_online=bool(queries.online_to(actor, [section])),
        is_open=is_open_here(section),
        last_day=last_day_to_enroll(section.enroll_until, section.starts_on),
        prices=_price_rows(section),
        price=price_range(section.price_by_class, section.program.cost_cents),
        place_line=queries.place_line(section),
        county=section.county.label if section.county else "",
        deliveries=DELIVERIES,
        language_names=LANGUAGES,
        statuses=SECTION_STATUSES,
        actions=[step for step in SECTIONS.available(actor, section) if is_due(step, section)],
        history=SECTIONS.history(section) if can(actor, Permission.SECTION_EDIT, section) else [],
        moment=now(),
        sections=parts,
        linked_data=_linked_section(section),
    )


def when_it_meets(section: Any) -> dict[str, Any]:
    """Return what `training/when.html` takes: the meetings, one by one and in a line."""
    meetings = queries.list_meetings(section)
    return {
        "meetings": meetings,
        "usually": sum_up_meetings([one.span for one in meetings], section.timezone),
        "tell": write_times,
    }


def is_due(step: Any, section: Any) -> bool:
    """Tell whether a step can be taken now; sections open, begin and end on their days."""
    if step.action == "open":
        return last_day_to_enroll(section.enroll_until, section.starts_on) >= today_here()
    day = {"start": section.starts_on, "complete": section.ends_on}.get(step.action)
    return day is None or day <= today_here()


def _price_rows(section: Any) -> list[tuple[Any, int]]:
    """Return what each class of customers pays, where that differs."""
    prices, cost = section.price_by_class, section.program.cost_cents
    rows = [(label, price_for(prices, name, cost)) for name, label in CUSTOMER_CLASSES.items()]
    known = [(label, cents) for label, cents in rows if cents is not None]
    return known if len({cents for _label, cents in known[1:]}) > 1 or prices else []


@blueprint.get("/training/sections/<int:section_id>.jsonld")
def show_section_data(section_id: int) -> ResponseReturnValue:
    """Answer with a section as linked data."""
    section = queries.get_visible_section(current_actor(), section_id)
    return linked_data_answer(_linked_section(section))


def _linked_section(section: Any) -> dict[str, Any]:
    root = external_url("training.list_programs").removesuffix("/training")
    return {"@context": CONTEXT, **section_linked_data(section, root=root)}


@blueprint.get("/training/programs/<int:program_id>/sections.ics")
def show_program_calendar(program_id: int) -> ResponseReturnValue:
    """Answer with the meetings of a program's sections, for calendar programs."""
    actor = current_actor()
    program = program_queries.get_visible_program(actor, program_id)
    entries = [
        queries.entry_of(
            section, meeting, url=external_url("training.show_section", section_id=section.id)
        )
        for section in listings.list_sections_of(actor, program)
        if section.status != "planned"
        for meeting in section.meetings
    ]
    reply = Response(
        write_feed(program.title, entries, host=calendar_host()), mimetype="text/calendar"
    )
    reply.headers["Cache-Control"] = "private, no-cache"
    reply.add_etag()
    return reply.make_conditional(request)


# Planning, changing, moving


@blueprint.route("/training/programs/<int:program_id>/sections/new", methods=["GET", "POST"])
def new_section(program_id: int) -> ResponseReturnValue:
    """Plan a section of a program."""
    actor = current_actor()
    program = program_queries.get_visible_program(actor, program_id)
    authorize(actor, Permission.SECTION_CREATE, program)
    form = SectionForm.bind(**_template(program))
    _offer(form, program)
    refusal: Refused | None = None
    if form.submitted():
        made = _with_schedule(
            form,
            lambda schedule: services.create_section(
                actor,
                program,
                schedule=schedule,
                **facts_of(form),
                **place_of(form),
                **form.dates,
            ),
        )
        if isinstance(made, Refused):
            refusal = made
        elif made is not None:
            return _after_planning(made)
    return _form_page("training/sections/form.html", form, program, None, refusal)


def _template(program: Any) -> dict[str, Any]:
    """Return another section of the program to begin with, where the address names one."""
    number = request.args.get("like", type=record_number)
    section = queries.find_section_of(program, number) if number is not None else None
    if section is None:
        return {}
    return {**vars(section_values(section)), "enroll_until": None}


def _after_planning(section: Any) -> ResponseReturnValue:
    if request.form.get("action") != "draft" and section.program.visibility != "draft":
        try:
            services.open_section(current_actor(), queries.get_section(section.id))
        except Conflict as error:
            flash(
                _("The section was planned. %(reason)s", reason=error.message),
                link=(url_for("training.edit_section", section_id=section.id), _("Edit")),
            )
            return see_other(_url(section))
        flash(_("The section is open for enrollment."))
        return see_other(_url(section))
    flash(_("The section was planned. Nobody sees it before you open it."))
    return see_other(_url(section))


@blueprint.route("/training/sections/<int:section_id>/edit", methods=["GET", "POST"])
def edit_section(section_id: int) -> ResponseReturnValue:
    """Change what a section says of itself."""
    actor = current_actor()
    section = queries.get_visible_section(actor, section_id)
    authorize(actor, Permission.SECTION_EDIT, section)
    form = SectionFactsForm.bind(section_values(section))
    if form.submitted():
        saved = form.attempt(services.update_section, actor, section, **facts_of(form))
        if saved is not None:
            flash(_("The section was saved."))
            return see_other(_url(section))
    return page(
        "training/sections/edit.html",
        form=form,
        section=section,
        program=section.program,
        title=queries.title_of(section),
    )


@blueprint.route("/training/sections/<int:section_id>/move", methods=["GET", "POST"])
def move_section(section_id: int) -> ResponseReturnValue:
    """Change when or where a section is held."""
    actor = current_actor()
    section = queries.get_visible_section(actor, section_id)
    authorize(actor, Permission.SECTION_EDIT, section)
    form = SectionMoveForm.bind(section_values(section))
    _offer(form, section.program, section)
    refusal: Refused | None = None
    if form.submitted():
        moved = _with_schedule(
            form,
            lambda schedule: services.move_section(
                actor, section, schedule=schedule, **place_of(form), **form.dates
            ),
        )
        if isinstance(moved, Refused):
            refusal = moved
        elif moved is not None:
            flash(_("The section was moved."))
            return see_other(_url(section))
    return _form_page("training/sections/move.html", form, section.program, section, refusal)


@blueprint.route("/training/sections/<int:section_id>/meetings/new", methods=["GET", "POST"])
def new_meeting(section_id: int) -> ResponseReturnValue:
    """Add a meeting to a section."""
    section = queries.get_visible_section(current_actor(), section_id)
    authorize(current_actor(), Permission.SECTION_EDIT, section)
    last = section.meetings[-1] if section.meetings else None
    return _meeting_page(
        section,
        last,
        lambda span, reason: services.add_meeting(
            current_actor(), section, span=span, override_reason=reason
        ),
        is_new=True,
    )


@blueprint.route(
    "/training/sections/<int:section_id>/meetings/<int:meeting_id>", methods=["GET", "POST"]
)
def move_meeting(section_id: int, meeting_id: int) -> ResponseReturnValue:
    """Move one meeting of a section."""
    section = queries.get_visible_section(current_actor(), section_id)
    authorize(current_actor(), Permission.SECTION_EDIT, section)
    meeting = queries.get_meeting(section, meeting_id)
    return _meeting_page(
        section,
        meeting,
        lambda span, reason: services.move_meeting(
            current_actor(), section, meeting_id=meeting_id, span=span, override_reason=reason
        ),
        is_new=False,
    )


def _meeting_page(
    section: Any, meeting: Any, save: Callable[[Span, str], Any], *, is_new: bool
) -> ResponseReturnValue:
    zone = section.timezone
    given = span_values(Span(meeting.starts_at, meeting.ends_at), zone) if meeting else {}
    form = MeetingForm.bind(**given)
    refusal: Refused | None = None
    if form.submitted() and (span := form.read_span(zone)) is not None:
        try:
            saved = form.attempt(save, span, form.override_reason.data)
        except Refused as error:
            saved, refusal = None, error
        except Conflict as error:
            form.add_error(None, error.message)
            saved = None
        if saved is not None:
            flash(_("The meeting was added.") if is_new else _("The meeting was moved."))
            return see_other(_url(section))
    return _form_page(
        "training/sections/meeting.html",
        form,
        section.program,
        section,
        refusal,
        is_new=is_new,
        second_times=form.second_times(zone),
    )


@blueprint.post("/training/sections/<int:section_id>/meetings/<int:meeting_id>/drop")
def drop_meeting(section_id: int, meeting_id: int) -> ResponseReturnValue:
    """Leave out one meeting of a section."""
    section = queries.get_visible_section(current_actor(), section_id)
    services.drop_meeting(current_actor(), section, meeting_id=meeting_id)
    flash(_("The meeting was left out."))
    return see_other(_url(section))


@blueprint.post("/training/sections/<int:section_id>/actions/<action>")
def act_on_section(section_id: int, action: str) -> ResponseReturnValue:
    """Open a section, begin it, complete it or cancel it."""
    section = queries.get_visible_section(current_actor(), section_id)
    transition = SECTIONS.transitions.get(action)
    services.act_on_section(current_actor(), section, action, note=form_text("note"))
    if transition is not None:
        flash(str(transition.done))
    return see_other(_url(section))


@blueprint.post("/training/sections/<int:section_id>/delete")
def delete_section(section_id: int) -> ResponseReturnValue:
    """Delete a section that was never opened."""
    section = queries.get_visible_section(current_actor(), section_id)
    authorize(current_actor(), Permission.SECTION_DELETE, section)
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Delete this section?"),
            text=_("Its rooms are freed."),
            action=_("Delete"),
            cancel_url=_url(section),
        )
    program_id = section.program_id
    services.delete_section(current_actor(), section)
    flash(_("The section was deleted."))
    return see_other(url_for("training.show_program", program_id=program_id))


def _url(section: Any) -> str:
    return url_for("training.show_section", section_id=section.id)


def _offer(form: SectionMoveForm, program: Any, section: Any = None) -> None:
    chosen = section.facility_id if section is not None else None
    form.facility_id.choices = listings.facility_choices(
        current_actor(), program.organization_id, also=chosen
    )


def _with_schedule(form: SectionMoveForm, save: Callable[[Any], Any]) -> Any:
    """Save what a form says: what came of it, what stands against it, or None with errors."""
    try:
        schedule = form.read_schedule()
    except ValueError as error:
        form.add_error("frequency", str(error))
        return None
    try:
        return form.attempt(save, schedule)
    except Refused as refusal:
        return refusal
    except Conflict as error:
        form.add_error(None, error.message)
        return None


def _form_page(
    template: str, form: Any, program: Any, section: Any, refusal: Refused | None, **more: Any
) -> ResponseReturnValue:
    """Show a form with what stands against a room, if anything does."""
    facility_id = form.facility_id.data if "facility_id" in form else section.facility_id
    answer = page(
        template,
        form=form,
        program=program,
        section=section,
        title=queries.title_of(section) if section is not None else program.title,
        refusal=refusal,
        may_override=refusal is not None
        and all(problem.overridable for problem in refusal.problems)
        and listings.may_override(current_actor(), facility_id),
        times_url=(
            url_for("bookings.show_times", facility_id=facility_id) if facility_id else None
        ),
        **more,
    )
    if refusal is not None and isinstance(answer, tuple):
        return answer[0], refusal.status
    return answer
