"""What a request must have to be published, how long it may run, what outsiders get of it."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from portal.kernel.errors import Invalid
from portal.partnerships.rules.words import LONGEST_LIFE_DAYS, MOST_RENEWALS, RENEWABLE_DAYS

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


class Incomplete(Invalid):
    """What a request still lacks before it can be published: (field, what to do), all of it."""

    def __init__(self, missing: Sequence[tuple[str, str]]) -> None:
        super().__init__(*missing[0])
        self.missing = tuple(missing)


def missing_fields(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Say what a request of this kind and direction must have before it is published.

    values: the fields of `RequestForm`, and `asked_organization_id`: who asks to use one thing of
    one organization neither seeks expertise nor has to be found. Yields (field, what to do).
    """
    asks_one = values.get("asked_organization_id") is not None
    kind, direction = values["kind"], values["direction"]
    if values["visibility"] == "draft":
        yield "visibility", _("Please choose who sees it.")
    if not values["summary"]:
        yield "summary", _("Please say in a sentence or two what this is about.")
    if not values["capabilities"] and kind != "consortium" and not asks_one:
        yield "capabilities", _("Please name at least one capability, so that it can be found.")
    if direction == "need" and not values["expertise_sought"] and not asks_one:
        yield "expertise_sought", _("Please say what expertise you look for.")
    if direction == "offer" and not values["advantages"]:
        yield "advantages", _("Please say what advantages this has for a partner.")
    if direction == "offer" and kind in ("technology", "rd_cooperation"):
        if not values["innovations"]:
            yield "innovations", _("Please say what is new about it.")
        if not values["ip_status"]:
            yield "ip_status", _("Please say how the knowledge is protected.")
    if kind in ("technology", "rd_cooperation") and values["trl"] is None:
        yield "trl", _("Please say how far it is developed.")
    if kind in ("rd_cooperation", "consortium"):
        if not values["partner_kinds"]:
            yield "partner_kinds", _("Please say what kind of partner you look for.")
        if values["duration_months"] is None:
            yield "duration_months", _("Please say how many months it takes.")
    if kind == "consortium":
        if not values["call_name"]:
            yield "call_name", _("Please name the call that the consortium answers.")
        if values["call_deadline"] is None:
            yield "call_deadline", _("Please give the deadline of the call.")
    if values["is_anonymous"] and not values["anonymous_summary"]:
        yield "anonymous_summary", _("Please write what others read instead of your name.")


def latest_end(start: dt.date) -> dt.date:
    """Return the last day to which a request that starts on a day may run."""
    return start + dt.timedelta(days=LONGEST_LIFE_DAYS)


def is_renewable(status: str, renewals: int, expires_on: dt.date, today: dt.date) -> bool:
    """Tell whether a request may be renewed now: once, near its end or soon after it."""
    is_near = abs((expires_on - today).days) <= RENEWABLE_DAYS
    return status in ("published", "paused", "expired") and renewals < MOST_RENEWALS and is_near
