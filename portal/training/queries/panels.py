"""What a reader can do about a section, as its page says it: seats, price, deadline, and so on."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from portal.bookings.rules.customers import customer_class_of
from portal.facilities.rules import CUSTOMER_CLASSES
from portal.kernel.authorization import Actor, can
from portal.kernel.clock import today_here
from portal.organizations.models import Organization
from portal.training.models.enrollments import Enrollment
from portal.training.models.sections import Section
from portal.training.policies import Permission
from portal.training.queries import enrollments as queries
from portal.training.queries.enrollments import Seats
from portal.training.queries.holding import Held, load_held
from portal.training.rules.enrollments import KEPT_STATUSES, last_free_day
from portal.training.rules.sections import is_open_on, last_day_to_enroll, price_for


@dataclass(frozen=True)
class PriceOffer:
    """What a seat costs if the reader (no organization) or a firm pays, and as what customers."""

    organization: Organization | None
    customer_class: str
    class_name: Any
    cents: int | None


@dataclass(frozen=True)
class EnrollPanel:
    """What the page of a section says about getting in.

    own: what the reader, and firms that the reader manages, have in it already.
    second: a seat that a firm keeps for the reader beside `mine`, until the reader answers.
    prices: for the reader, then for each firm that the reader manages.
    held: what is held for these firms; for the provider's people, for all.
    """

    section: Section
    seats: Seats
    is_open: bool
    own: list[Enrollment]
    mine: Enrollment | None
    second: Enrollment | None
    position: int
    prices: list[PriceOffer]
    held: list[Held]
    enroll_until: dt.date
    free_until: dt.date
    is_signed_in: bool
    keeps_roster: bool


def enroll_panel(actor: Actor, section: Section) -> EnrollPanel | None:
    """Return what a section's page says about getting in; nothing before it is planned out."""
    keeps = can(actor, Permission.ROSTER_VIEW, section)
    if section.status in ("planned", "cancelled") and not keeps:
        return None
    own = queries.list_of_section(actor, section) if actor.user_id is not None else []
    email = queries.verified_email(actor.user_id) if own else None
    of_reader = sorted(
        (row for row in own if _is_of(actor, email, row)),
        key=lambda row: row.status in KEPT_STATUSES,
    )
    mine, second = (*of_reader, None, None)[:2]
    prices = list_prices(actor, section)
    managed = {offer.organization.id for offer in prices if offer.organization is not None}
    held = load_held([section.id])[section.id]
    return EnrollPanel(
        section=section,
        seats=queries.load_seats([section.id])[section.id],
        is_open=is_open_on(section.status, today_here(), section.enroll_until, section.starts_on),
        own=own,
        mine=mine,
        second=second,
        position=queries.position_of(mine) if mine and mine.status == "waiting" else 0,
        prices=prices,
        held=[one for one in held if keeps or one.organization_id in managed],
        enroll_until=last_day_to_enroll(section.enroll_until, section.starts_on),
        free_until=last_free_day(section.starts_on, section.notice_days),
        is_signed_in=actor.user_id is not None,
        keeps_roster=keeps,
    )


def is_mine(actor: Actor, row: Enrollment) -> bool:
    """Tell whether an enrollment is the reader's own, or waits for the reader's answer."""
    return _is_of(actor, queries.verified_email(actor.user_id), row)


def _is_of(actor: Actor, email: str | None, row: Enrollment) -> bool:
    return row.user_id == actor.user_id if row.user_id is not None else row.email == email


def list_prices(actor: Actor, section: Section) -> list[PriceOffer]:
    """Return what a seat costs the reader, and each firm that the reader manages."""
    own_class = "own_organization" if section.organization_id in actor.memberships else "other"
    offers = [_offer(section, None, own_class)]
    for organization in queries.list_managed(actor):
        customer_class = customer_class_of(
            section.organization_id, organization.id, organization.kind
        )
        offers.append(_offer(section, organization, customer_class))
    return offers


def _offer(section: Section, organization: Organization | None, customer_class: str) -> PriceOffer:
    return PriceOffer(
        organization,
        customer_class,
        CUSTOMER_CLASSES[customer_class],
        price_for(section.price_by_class, customer_class, section.program.cost_cents),
    )
