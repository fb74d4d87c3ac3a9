"""What the views of the API of bookings read from a call: times, for whom, how it repeats."""

import datetime as dt
from typing import Any

from flask_babel import gettext as _

from portal.bookings.queries import bookings as queries
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.recurrence import Recurrence, read_recurrence
from portal.kernel.authorization import Actor
from portal.kernel.errors import Invalid
from portal.kernel.fields import read_instant
from portal.kernel.settled import own_row
from portal.kernel.web.arguments import text_argument


def read_span(starts_at: dt.datetime, ends_at: dt.datetime, field: str = "ends_at") -> Span:
    """Return the span of two instants. Raises Invalid where it is none."""
    if ends_at <= starts_at:
        raise Invalid(field, _("The end must come after the beginning."))
    return Span(starts_at, ends_at)


def instant_argument(name: str) -> dt.datetime | None:
    """Return the instant that an argument of the address names, or None."""
    # A plus sign that was not quoted arrives as a space.
    text = text_argument(name, 40).replace(" ", "+")
    try:
        return read_instant(text) if text else None
    except ValueError as error:
        raise Invalid(name, str(error)) from error


def choose_organization(actor: Actor, organization_id: int | None) -> Any:
    """Return the one of the actor's organizations that is meant: the only one, if none is."""
    return own_row(look_up_organization(actor, organization_id))


def look_up_organization(actor: Actor, organization_id: int | None) -> Any:
    """Return the organization that `choose_organization` does, as it is kept."""
    found = (
        queries.find_only_organization(actor)
        if organization_id is None
        else queries.find_own_organization(actor, organization_id)
    )
    if found is None:
        raise Invalid("organization_id", _("Please choose one of your organizations."))
    return found


def override_reason(form: Any) -> str:
    """Return why rules are set aside, or "" where they shall not be."""
    reason: str = form.override_reason.data
    if form.override.data and not reason:
        raise Invalid("override_reason", _("Please give a reason."))
    return reason if form.override.data else ""


def read_repeating(form: Any) -> Recurrence | None:
    """Return how a booking repeats, or None."""
    said = form.recurrence_json
    try:
        return read_recurrence(said) if said is not None else None
    except ValueError as error:
        raise Invalid("recurrence", str(error)) from error
