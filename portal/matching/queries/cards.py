"""What stands on either side of a match, as one reader may see it: a card, or none."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.facilities.models import Equipment, Facility
from portal.facilities.policies import Permission as FacilityPermission
from portal.facilities.rules import ADDRESSES
from portal.kernel.authorization import Actor, visible
from portal.kernel.database import session
from portal.organizations.models import Organization
from portal.organizations.policies import Permission as OrganizationPermission
from portal.partnerships.models import Request
from portal.partnerships.policies import Permission as RequestPermission
from portal.partnerships.queries.requests import card_of
from portal.training.models.programs import Program
from portal.training.policies import Permission as TrainingPermission
from portal.training.rules.programs import PROGRAM_ADDRESS


@dataclass(frozen=True)
class Card:
    """What stands on the other side of a match, as one reader may see it."""

    kind: str
    title: str
    url: str
    summary: str
    organization: str
    place: str
    is_demo: bool


def cards_of(actor: Actor, keys: Collection[tuple[str, int]]) -> dict[tuple[str, int], Card]:
    """Return the cards of what has these keys, as far as the actor may see it."""
    ids: dict[str, list[int]] = defaultdict(list)
    for kind, number in sorted(keys):
        ids[kind].append(number)
    found: dict[tuple[str, int], Card] = {}
    listed: tuple[tuple[str, Any, str], ...] = (
        ("equipment", Equipment, FacilityPermission.EQUIPMENT_VIEW),
        ("facility", Facility, FacilityPermission.FACILITY_VIEW),
    )
    for kind, model, permission in listed:
        for row in session.scalars(
            select(model)
            .options(joinedload(model.organization))
            .where(model.id.in_(ids[kind]), visible(actor, permission))
            .order_by(model.id)
        ):
            found[kind, row.id] = Card(
                kind,
                row.name,
                ADDRESSES[kind] % row.id,
                row.summary,
                row.organization.name,
                _town(row) or _town(row.organization),
                row.is_demo,
            )
    for program in session.scalars(
        select(Program)
        .options(joinedload(Program.organization))
        .where(Program.id.in_(ids["program"]), visible(actor, TrainingPermission.PROGRAM_VIEW))
        .order_by(Program.id)
    ):
        found["program", program.id] = Card(
            "program",
            program.title,
            PROGRAM_ADDRESS % program.id,
            program.summary,
            program.organization.name,
            _town(program.organization),
            program.is_demo,
        )
    for organization in session.scalars(
        select(Organization)
        .where(
            Organization.id.in_(ids["organization"]),
            visible(actor, OrganizationPermission.ORGANIZATION_VIEW),
        )
        .order_by(Organization.id)
    ):
        found["organization", organization.id] = Card(
            "organization",
            organization.name,
            f"/organizations/{organization.id}",
            organization.summary,
            organization.name,
            _town(organization),
            organization.is_demo,
        )
    for request in session.scalars(
        select(Request)
        .options(joinedload(Request.organization), joinedload(Request.county))
        .where(Request.id.in_(ids["request"]), visible(actor, RequestPermission.REQUEST_VIEW))
        .order_by(Request.id)
    ):
        found["request", request.id] = card_of_request(actor, request)
    return found


def card_of_request(actor: Actor, request: Request) -> Card:
    """Return the card of a request, by the name that the actor may know."""
    card = card_of(actor, request)
    return Card(
        "request",
        card.title,
        card.url,
        card.summary,
        card.organization or str(_("An organization that does not show its name")),
        card.place,
        card.is_demo,
    )


def _town(row: Any) -> str:
    return ", ".join(part for part in (row.city, row.state) if part)
