"""Pages of the provider: rosters with attendance and results, people added by hand."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.bookings.rules.telling import write_instant
from portal.kernel.authorization import authorize, can
from portal.kernel.clock import today, today_here
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.web.answers import flash, page, see_other, table_answer
from portal.kernel.web.arguments import form_numbers, form_text, record_number, text_argument
from portal.kernel.web.viewer import current_actor
from portal.training.forms.enrollments import RESULTS, ByHandForm
from portal.training.policies import Permission
from portal.training.queries import enrollments as enrollment_queries
from portal.training.queries import rosters as queries
from portal.training.queries.sections import get_section, get_visible_section
from portal.training.rules.enrollments import ENROLLMENT_STATUSES, ENROLLMENT_TONES, LONGEST_GRADE
from portal.training.services import enrollments as enrollment_services
from portal.training.services import results as services
from portal.training.services.results import Result
from portal.training.views.blueprint import blueprint


@blueprint.route("/training/sections/<int:section_id>/roster", methods=["GET", "POST"])
def show_roster(section_id: int) -> ResponseReturnValue:
    """Show who takes part; write down who came to a meeting and who passed, in one form."""
    actor = current_actor()
    section = get_visible_section(actor, section_id)
    authorize(actor, Permission.ROSTER_VIEW, section)
    meeting = _chosen_meeting(section)
    message = ""
    if request.method == "POST":
        authorize(actor, Permission.ROSTER_RECORD, section)
        try:
            results = _read_results()
            changed = services.save_roster(
                actor,
                section,
                meeting_id=meeting.id if meeting and form_text("attendance") else None,
                among={*form_numbers("on"), *results},
                present=form_numbers("present"),
                results=results,
            )
        except Invalid as error:
            message = error.message
        else:
            told = ngettext("%(num)s result changed.", "%(num)s results changed.", changed)
            flash(" ".join([_("The roster was saved."), *([told] if changed else [])]))
            return see_other(
                url_for(
                    "training.show_roster",
                    section_id=section_id,
                    meeting=meeting.id if meeting else None,
                    cursor=request.args.get("cursor"),
                )
            )
        section = get_section(section_id)
        meeting = _chosen_meeting(section)
    return _roster_page(section, meeting, ByHandForm.bind(None), message)


@blueprint.post("/training/sections/<int:section_id>/roster/people")
def enroll_by_hand(section_id: int) -> ResponseReturnValue:
    """Write somebody on the roster by hand."""
    actor = current_actor()
    section = get_visible_section(actor, section_id)
    authorize(actor, Permission.ROSTER_KEEP, section)
    form = ByHandForm.bind()
    if form.submitted():
        row = None
        try:
            row = form.attempt(enrollment_services.enroll_by_hand, actor, section, **form.data)
        except Conflict as error:
            form.add_error(None, error.message)
        if row is not None:
            flash(_("%(name)s is on the roster. A link is on its way.", name=row.name))
            return see_other(url_for("training.show_roster", section_id=section_id))
    section = get_section(section_id)
    return _roster_page(section, _chosen_meeting(section), form, "")


@blueprint.get("/training/sections/<int:section_id>/roster.<any(csv, xlsx):form>")
def export_roster(section_id: int, form: str) -> ResponseReturnValue:
    """Send a roster as a table: results, what is owed, and a column for each meeting."""
    actor = current_actor()
    section = get_visible_section(actor, section_id)
    authorize(actor, Permission.ROSTER_VIEW, section)
    rows = queries.load_roster(section)
    return table_answer(
        f"roster-{section_id}",
        form,
        queries.roster_columns(section.meetings),
        [
            queries.roster_cells(
                row,
                section.meetings,
                shows_grade=can(actor, Permission.ENROLLMENT_VIEW_GRADE, row.enrollment),
            )
            for row in rows
        ],
    )


def _read_results() -> dict[int, Result]:
    """Return what the form says of results: `result-7` and `grade-7` are about enrollment 7."""
    found = {}
    for name, value in request.form.items():
        kind, _dash, number = name.partition("-")
        if kind != "result" or value not in RESULTS:
            continue
        try:
            row_id = record_number(number)
        except ValueError as error:
            raise Invalid(None, _("Please give a number.")) from error
        found[row_id] = Result(value == "pass", form_text(f"grade-{number}"))
    return found


def _chosen_meeting(section: Any) -> Any:
    """Return the meeting that the address names, else the last one that has begun, if any."""
    asked = text_argument("meeting", 12)
    meetings: Sequence[Any] = section.meetings
    chosen = next((one for one in meetings if str(one.id) == asked), None)
    if chosen is not None or not meetings:
        return chosen
    begun = [one for one in meetings if _is_begun(section, one)]
    return begun[-1] if begun else meetings[0]


def _is_begun(section: Any, meeting: Any) -> bool:
    zone = section.timezone
    return bool(meeting.starts_at.astimezone(ZoneInfo(zone)).date() <= today(zone))


def _roster_page(
    section: Any, meeting: Any, by_hand: ByHandForm, message: str
) -> ResponseReturnValue:
    actor = current_actor()
    cursor = request.args.get("cursor")
    found = queries.load_roster_page(section, cursor=cursor)
    here = {"section_id": section.id, "meeting": meeting.id if meeting else None}
    return page(
        "training/roster.html",
        form=by_hand,
        form_url=url_for("training.show_roster", cursor=cursor, **here),
        next_url=(
            url_for("training.show_roster", cursor=found.next, **here) if found.next else None
        ),
        first_url=url_for("training.show_roster", **here) if cursor else None,
        section=section,
        meeting=meeting,
        meeting_begun=meeting is not None and _is_begun(section, meeting),
        meetings=[
            {
                "label": write_instant(one.starts_at, section.timezone),
                "url": url_for("training.show_roster", section_id=section.id, meeting=one.id),
                "is_selected": meeting is not None and one.id == meeting.id,
            }
            for one in section.meetings
        ],
        message=message,
        rows=found.items,
        pending=[] if cursor else queries.list_pending(section),
        seats=enrollment_queries.load_seats([section.id])[section.id],
        can_record=can(actor, Permission.ROSTER_RECORD, section),
        can_keep=can(actor, Permission.ROSTER_KEEP, section),
        has_begun=section.starts_on <= today_here(),
        is_planned=section.status == "planned",
        results=RESULTS,
        longest_grade=LONGEST_GRADE,
        statuses=ENROLLMENT_STATUSES,
        tones=ENROLLMENT_TONES,
    )
