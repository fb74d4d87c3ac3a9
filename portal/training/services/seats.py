"""Who gets a seat of a section: whoever comes, those next in line, and what lets go of one.

Whoever has locked a section calls this; what frees a seat gives it to the next in line.
"""

from flask_babel import gettext as _
from sqlalchemy.orm.attributes import set_committed_value

from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import today_here
from portal.kernel.commands import command
from portal.kernel.database import lock, session
from portal.kernel.errors import Conflict, Invalid
from portal.training.models.enrollments import Enrollment
from portal.training.models.sections import Section
from portal.training.policies import Permission
from portal.training.queries import enrollments as queries
from portal.training.queries.holding import kept_until, load_held
from portal.training.rules.enrollments import (
    ENROLLMENTS,
    is_late_withdrawal,
    lowest_free,
    renumbered,
)


def seat_for_newcomer(
    section: Section, waits: bool, organization_id: int | None = None
) -> int | None:
    """Return the number of a free seat, or None for the line, which goes before newcomers.

    organization_id: of the firm that pays. What is held for a firm is for its people alone.
    """
    seat = None
    held = load_held([section.id])[section.id]
    others = sum(one.seats for one in held if one.organization_id != organization_id)
    is_promised = any(one.organization_id == organization_id for one in held)
    taken = queries.list_taken_seats(section.id)
    if is_promised or (
        len(taken) + others < section.seats and not queries.is_waited_for(section.id)
    ):
        seat = lowest_free(taken, section.seats)
    if seat is None and not waits:
        raise Conflict(_("No seat is free."))
    return seat


def pass_on(section: Section) -> list[Enrollment]:
    """Keep the free seats of a locked section for those next in line, as long as it can begin."""
    session.flush()
    if section.status != "open" or section.starts_on <= today_here():
        return []
    taken = queries.list_taken_seats(section.id)
    held = load_held([section.id])[section.id]
    free = section.seats - len(taken)
    # What is held for a firm goes to its own people, before all others.
    served = [
        row
        for one in held
        for row in queries.list_waiting(section.id, one.seats, organization_id=one.organization_id)
    ][: max(0, free)]
    known = {row.id for row in served}
    others = [row for row in queries.list_waiting(section.id, max(0, free)) if row.id not in known]
    served += others[: max(0, free - sum(one.seats for one in held))]
    for row in served:
        status = "offered" if row.user_id is not None else "invited"
        row.seat = lowest_free(taken, section.seats)
        row.answer_by = kept_until(section, status)
        ENROLLMENTS.apply(SYSTEM, row, "offer" if status == "offered" else "invite")
        taken.append(row.seat or 0)
    return served


@command(Permission.ENROLLMENT_CLOSE)
def offer_free_seats(actor: Actor, section: Section) -> int:
    """Keep what is free for those next in line; return for how many."""
    return len(pass_on(section))


@command(Permission.SECTION_EDIT)
def fit_seats(actor: Actor, section: Section, *, seats: int) -> None:
    """Renumber the seats that are taken so that a section can have so few of them.

    Raises Invalid where more are taken than that, or held for firms.
    """
    taken = queries.list_taken_seats(section.id)
    held = sum(one.seats for one in load_held([section.id])[section.id])
    if len(taken) + held > seats and seats < section.seats:
        raise Invalid(
            "seats", _("%(count)d seats are taken or kept for somebody.", count=len(taken) + held)
        )
    changes = renumbered(taken, seats)
    for row in queries.list_seated(section.id, list(changes)):
        row.seat = changes[row.seat or 0]
        session.flush()


def step_out(actor: Actor, enrollment: Enrollment, action: str, note: str = "") -> None:
    """Take a step after which somebody has no seat and does not wait for one."""
    section = enrollment.section
    if enrollment.status in ENROLLMENTS.transitions[action].sources:
        if action in ("withdraw", "object"):
            enrollment.is_withdrawn_late = is_late_withdrawal(
                enrollment.status, today_here(), enrollment.free_until
            )
        enrollment.seat, enrollment.answer_by = None, None
    ENROLLMENTS.apply(actor, enrollment, action, note=note)
    pass_on(section)


@command(Permission.ENROLLMENT_CLOSE)
def pass_on_seats(actor: Actor) -> int:
    """Let lapse what nobody answered in time, for the next in line; return how many."""
    lapsed = 0
    for row in queries.list_lapsing():
        lock(row)
        if queries.is_lapsing(row):
            step_out(actor, row, "lapse")
            lapsed += 1
    return lapsed


@command(Permission.ENROLLMENT_CLOSE)
def cancel_enrollments(actor: Actor, section: Section, *, note: str = "") -> int:
    """End all enrollments of a section that was cancelled; return how many."""
    if section.status != "cancelled":
        return 0
    rows = queries.list_cancelled_along(section.id)
    for row in rows:
        set_committed_value(row, "section", section)
        step_out(actor, row, "cancel", note)
    return len(rows)
