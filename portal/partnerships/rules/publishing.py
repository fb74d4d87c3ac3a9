"""What a request must have to be published, how long it may run, what outsiders get of it."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from portal.kernel.errors import Invalid
from portal.partnerships.rules.words import (
    LONGEST_LIFE_DAYS,
    LONGEST_URGENT_DAYS,
    MOST_RENEWALS,
    RENEWABLE_DAYS,
    USUAL_LIFE_DAYS,
    USUAL_URGENT_DAYS,
)

#: All that outsiders get of an anonymous request: closed vocabularies, numbers, dates, and the
#: words that were written for them. The point is the county's, never the organization's.
SHOWN_ANONYMOUSLY = frozenset(
    {
        "id",
        "url",
        "kind",
        "direction",
        "title",
        "anonymous_summary",
        "is_anonymous",
        "is_urgent",
        "capabilities",
        "county_fips",
        "county",
        "radius_miles",
        "wanted_by",
        "expires_on",
        "published_at",
        "renewals",
        "status",
        "visibility",
        "trl",
        "ip_status",
        "partner_kinds",
        "partner_sizes",
        "agreement_kind",
        "duration_months",
        "call_deadline",
        "coordinator_wanted",
        "is_demo",
        "confirmed_at",
        "created_at",
        "updated_at",
    }
)


#: The fields of a request that are one value each, written as they come.
PLAIN_FIELDS = (
    "kind",
    "direction",
    "title",
    "search_words",
    "summary",
    "description",
    "radius_miles",
    "wanted_by",
    "visibility",
    "is_urgent",
    "is_anonymous",
    "anonymous_summary",
    "expertise_sought",
    "advantages",
    "innovations",
    "trl",
    "ip_status",
    "partner_kinds",
    "partner_sizes",
    "agreement_kind",
    "budget_cents",
    "call_name",
    "call_deadline",
    "coordinator_wanted",
    "duration_months",
)


class Incomplete(Invalid):
    """What a request still lacks before it can be published, all of it."""

    def __init__(self, missing: Sequence[tuple[str, str]]) -> None:
        super().__init__(*missing[0], *missing[1:])


def demanded_fields(
    kind: str,
    direction: str,
    *,
    asks_one: bool = False,
    is_anonymous: bool = False,
    is_urgent: bool = False,
) -> dict[str, str]:
    """Return what a request of this kind and direction must have to be published: what to do, by
    field.

    asks_one: who asks to use one thing of one organization neither seeks expertise nor has to be
    found. Who needs parts seeks none beyond what makes them, which the capabilities say.
    """
    demanded = {
        "visibility": _("Please choose who sees it."),
        "summary": _("Please say in a sentence or two what this is about."),
    }
    if (kind != "consortium" and not asks_one) or is_urgent:
        demanded["capabilities"] = _(
            "Please name at least one capability, so that it can be found."
        )
    if direction == "need" and kind != "supply_chain" and not asks_one:
        demanded["expertise_sought"] = _("Please say what expertise you look for.")
    if direction == "offer":
        demanded["advantages"] = _("Please say what advantages this has for a partner.")
    if direction == "offer" and kind in ("technology", "rd_cooperation"):
        demanded["innovations"] = _("Please say what is new about it.")
        demanded["ip_status"] = _("Please say how the knowledge is protected.")
    if kind in ("technology", "rd_cooperation"):
        demanded["trl"] = _("Please say how far it is developed.")
    if kind in ("rd_cooperation", "consortium"):
        demanded["partner_kinds"] = _("Please say what kind of partner you look for.")
        demanded["duration_months"] = _("Please say how many months it takes.")
    if kind == "consortium":
        demanded["call_name"] = _("Please name the call that the consortium answers.")
        demanded["call_deadline"] = _("Please give the deadline of the call.")
    if is_urgent:
        demanded["radius_miles"] = _("Please say how far away help may come from.")
    if is_anonymous:
        demanded["anonymous_summary"] = _("Please write what others read instead of your name.")
    return demanded


def missing_fields(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Say what a request lacks before it can be published.

    values: the fields of `RequestForm`, and `asked_organization_id`. Yields (field, what to do).
    """
    demanded = demanded_fields(
        values["kind"],
        values["direction"],
        asks_one=values.get("asked_organization_id") is not None,
        is_anonymous=bool(values["is_anonymous"]),
        is_urgent=bool(values.get("is_urgent")),
    )
    for field, message in demanded.items():
        if values[field] in ("", None, []) or (field, values[field]) == ("visibility", "draft"):
            yield field, message
    if values.get("is_urgent"):
        if values["direction"] != "need":
            yield "is_urgent", _("Only a need can be urgent.")
        if values["visibility"] == "organization":
            yield "visibility", _("Others can only help if they see it: please choose who.")


def latest_end(start: dt.date, *, is_urgent: bool = False) -> dt.date:
    """Return the last day to which a request that starts on a day may run.

    A renewed one starts again at its first end.
    """
    return start + dt.timedelta(days=LONGEST_URGENT_DAYS if is_urgent else LONGEST_LIFE_DAYS)


def usual_end(start: dt.date, *, is_urgent: bool = False) -> dt.date:
    """Return the end of a request that starts on a day, where nobody gave one."""
    return start + dt.timedelta(days=USUAL_URGENT_DAYS if is_urgent else USUAL_LIFE_DAYS)


def is_renewable(
    status: str, renewals: int, expires_on: dt.date, today: dt.date, *, is_urgent: bool = False
) -> bool:
    """Tell whether a request may be renewed now: once, near its end or soon after it."""
    is_near = abs((expires_on - today).days) <= RENEWABLE_DAYS
    has_time = latest_end(expires_on, is_urgent=is_urgent) >= today
    is_fit = status in ("published", "paused", "expired") and renewals < MOST_RENEWALS
    return is_fit and is_near and has_time
