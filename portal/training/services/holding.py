"""Commands that hold seats for firms which took them of a cohort, and let them go."""

from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import lock
from portal.kernel.outbox import record
from portal.training.events import SeatsHeld, SectionSaved
from portal.training.models.sections import Section
from portal.training.policies import Permission
from portal.training.queries import holding as queries


@command(Permission.SECTION_EDIT)
def hold_promised_seats(actor: Actor, section: Section) -> None:
    """Hold the seats that firms took while a section was planned; each of them is told."""
    for invitation in queries.list_promised(section.id):
        invitation.held_until = queries.kept_until(section, "invited")
        record(SeatsHeld(invitation.id))


@command(Permission.ENROLLMENT_CLOSE)
def release_held_seats(actor: Actor) -> int:
    """Let go what was held until now; return for how many firms. Who waits gets it then."""
    released = 0
    for invitation in queries.list_ended():
        lock(invitation)
        if invitation.held_until is None or invitation.held_until > now():
            continue
        section = invitation.offer.section
        invitation.held_until = None
        record(SectionSaved(section.id, section.program_id))
        released += 1
    return released
