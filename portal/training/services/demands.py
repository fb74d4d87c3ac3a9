"""Commands of demands for skills, and of the cohorts that providers offer to meet them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.outbox import record
from portal.organizations.models import Organization
from portal.skills.queries import get_named_skill, get_occupation
from portal.training.events import CohortOffered, DemandSaved, SectionSaved
from portal.training.models.demands import CohortInvitation, CohortOffer, SkillDemand
from portal.training.models.programs import Program
from portal.training.policies import Permission
from portal.training.queries import demands as queries
from portal.training.queries.enrollments import load_seats
from portal.training.queries.gaps import name_cell
from portal.training.queries.holding import kept_until
from portal.training.rules.demands import DEMANDS, INVITATIONS, quarter_of
from portal.training.rules.gaps import FEWEST_FIRMS, Cell
from portal.training.rules.sections import COMING_STATUSES
from portal.training.services.sections import create_section

_FIELDS = (
    "people",
    "needed_by",
    "wage_min_cents",
    "wage_max_cents",
    "is_cofunding",
    "hosts_apprentices",
    "is_shared",
    "note",
)


# Demands


@command(Permission.DEMAND_CREATE)
def state_demand(
    actor: Actor,
    organization: Organization,
    *,
    joined_id: int | None = None,
    is_demo: bool = False,
    **values: Any,
) -> SkillDemand:
    """State an organization's need; fields as `DemandForm` has them.

    joined_id: the shared need that it joins, which says the same skill.
    """
    if organization.status != "active":
        raise Conflict(_("This organization is archived."))
    demand = SkillDemand(
        organization_id=organization.id,
        organization=organization,
        created_by_id=actor.user_id,
        confirmed_by_id=actor.user_id,
        is_demo=is_demo,
    )
    _set(demand, values, organization)
    if joined_id is not None:
        joined = queries.get_shared(actor, joined_id)
        if joined.skill_key != demand.skill_key:
            raise Invalid("skill", _("The need that you join is for another skill."))
        demand.joined_id = joined_id
        demand.is_shared = False
    session.add(demand)
    session.flush()
    record(DemandSaved(demand.id, organization.id))
    return demand


@command(Permission.DEMAND_EDIT)
def change_demand(actor: Actor, demand: SkillDemand, **values: Any) -> SkillDemand:
    """Change the fields of an open need. Whoever saves it confirms it.

    With another skill it leaves the shared need that it joined.
    """
    queries.load_for_change(demand)
    if demand.status != "open":
        raise Conflict(_("Open it again first."))
    was = demand.skill_key
    _set(demand, values, demand.organization)
    if demand.skill_key != was:
        demand.joined_id = None
    _confirm(actor, demand)
    return demand


@command(Permission.DEMAND_EDIT)
def confirm_demand(actor: Actor, demand: SkillDemand) -> SkillDemand:
    """Say that a need still stands."""
    if demand.status != "open":
        raise Conflict(_("Open it again first."))
    _confirm(actor, demand)
    return demand


@command(DEMANDS.permission)
def act_on_demand(actor: Actor, demand: SkillDemand, action: str, *, note: str = "") -> SkillDemand:
    """Mark a need as met, withdraw it or open it again."""
    DEMANDS.apply(actor, demand, action, note=note)
    if demand.status == "open":
        demand.confirmed_at, demand.confirmed_by_id = now(), actor.user_id
    demand.updated_at = now()
    return demand


@command(Permission.DEMAND_CREATE)
def import_demands(
    actor: Actor, organization: Organization, *, rows: Sequence[Mapping[str, Any]]
) -> int:
    """State or change many needs at once, or none of them; return how many.

    rows: fields as `DemandForm` has them, with "line", and the "id" of a need to change.
    Raises Invalid("file") that names line and column of the first row that will not do.
    """
    for row in rows:
        values = {name: value for name, value in row.items() if name not in ("line", "id")}
        try:
            if row["id"] is None:
                state_demand(actor, organization, **values)
                continue
            demand = queries.get_visible_demand(actor, row["id"])
            if demand.organization_id != organization.id:
                raise Invalid("id", _("This need is not of your organization."))
            authorize(actor, Permission.DEMAND_EDIT, demand)
            change_demand(actor, demand, **values)
        except (Invalid, Conflict) as error:
            column = error.field if isinstance(error, Invalid) else "id"
            raise Invalid(
                "file",
                _(
                    "Line %(line)s, column %(column)s: %(message)s",
                    line=row["line"],
                    column=column,
                    message=error.message,
                ),
            ) from error
    return len(rows)


def _set(demand: SkillDemand, values: Mapping[str, Any], organization: Organization) -> None:
    skill = get_named_skill(values["skill"])
    demand.skill_key, demand.skill = skill.key, skill
    occupation = get_occupation(values["occupation"]) if values.get("occupation") else None
    demand.occupation_code = occupation.code if occupation else None
    demand.occupation = occupation
    demand.county_fips = queries.get_county(
        values.get("county", ""), fallback=organization.county_fips
    )
    for name in _FIELDS:
        if name in values:
            setattr(demand, name, values[name])
    demand.quarter = quarter_of(demand.needed_by)


def _confirm(actor: Actor, demand: SkillDemand) -> None:
    demand.confirmed_at, demand.confirmed_by_id = now(), actor.user_id
    demand.updated_at = now()
    record(DemandSaved(demand.id, demand.organization_id))


# Cohorts


@command(Permission.SECTION_CREATE)
def offer_cohort(
    actor: Actor,
    program: Program,
    *,
    cell: Cell,
    starts_on: dt.date,
    ends_on: dt.date,
    seats: int,
    min_seats: int | None = None,
    message: str = "",
) -> CohortOffer:
    """Plan a section of a program and offer it to the firms of a cell of the gap view.

    Each firm is told; who it is, the provider reads when it accepts.
    """
    if program.visibility == "draft" or program.is_archived:
        raise Conflict(_("Publish its program first."))
    firms = queries.firms_to_tell(program.organization_id, cell)
    if len(firms) < FEWEST_FIRMS:
        raise Conflict(_("Most of these firms have your offer already."))
    section = create_section(
        actor,
        program,
        seats=seats,
        min_seats=min_seats or 0,
        starts_on=starts_on,
        ends_on=ends_on,
    )
    offer = CohortOffer(
        organization_id=program.organization_id,
        section_id=section.id,
        skill_key=cell.skill,
        area=name_cell(cell),
        message=message,
        created_by_id=actor.user_id,
    )
    session.add(offer)
    session.flush()
    session.add_all(
        CohortInvitation(offer_id=offer.id, organization_id=number, wanted=people)
        for number, people in sorted(firms.items())
    )
    session.flush()
    record(CohortOffered(offer.id))
    return offer


@command(Permission.COHORT_INVITATION_ANSWER)
def accept_invitation(actor: Actor, invitation: CohortInvitation, *, people: int) -> None:
    """Take seats of an offered section for a firm's people; the provider learns who it is."""
    section = invitation.offer.section
    if section.status not in COMING_STATUSES:
        raise Conflict(_("This section is not to be had any more."))
    free = load_seats([section.id])[section.id].free
    if people > free:
        raise Invalid("people", _("%(free)s seats are left.", free=free))
    invitation.people = people
    INVITATIONS.apply(actor, invitation, "accept")
    if section.status == "open":
        invitation.held_until = kept_until(section, "invited")
        record(SectionSaved(section.id, section.program_id))
    _answered(actor, invitation)


@command(INVITATIONS.permission)
def act_on_invitation(
    actor: Actor, invitation: CohortInvitation, action: str, *, note: str = ""
) -> None:
    """Decline an offer, also after having accepted it."""
    was_held = invitation.held_until is not None
    invitation.people = invitation.held_until = None
    INVITATIONS.apply(actor, invitation, action, note=note)
    if was_held:
        # Who waits gets the seats that were held for it.
        record(SectionSaved(invitation.offer.section_id, invitation.offer.section.program_id))
    _answered(actor, invitation)


def _answered(actor: Actor, invitation: CohortInvitation) -> None:
    invitation.answered_at, invitation.answered_by_id = now(), actor.user_id
