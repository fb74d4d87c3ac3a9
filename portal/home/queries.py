"""Reads for the pages of the whole portal: what is new, and what is wanted."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import format_datetime, ngettext
from flask_babel import gettext as _

from portal.directory.queries.searching import Found, search
from portal.directory.rules import Search
from portal.home.policies import Permission
from portal.kernel.authorization import Actor, can
from portal.kernel.clock import now
from portal.kernel.fulltext.port import IndexUnavailable
from portal.kernel.mail import load_mail_state, oldest_unsent_at
from portal.kernel.manifest import DeskItem
from portal.kernel.worker import KEPT_DAYS

NEWEST = 6


#: What is told of mail counts so far back; then the worker forgets it.
MAIL_KEPT = dt.timedelta(days=KEPT_DAYS)


@dataclass(frozen=True)
class Shared:
    """What a place shares: numbers by kind and capability, what is new, wanted and taught.

    counts: (kind, label, number); capabilities: (key, label, number), the most frequent first.
    """

    counts: list[tuple[str, str, int]]
    capabilities: list[tuple[str, str, int]]
    counties: dict[str, int]
    newest: Found
    wanted: Found
    taught: Found


def find_shared(actor: Actor, county_fips: Sequence[str] = ()) -> Shared | None:
    """Return what the counties (all, if none are given) share, or None while search is down."""
    chosen = {"county": tuple(county_fips)} if county_fips else {}
    try:
        newest = search(
            actor,
            Search(chosen={**chosen, "kind": ("equipment", "facility")}, sort="newest"),
            offset=0,
            limit=NEWEST,
            most_values=0,
        )
        wanted = search(
            actor,
            Search(chosen={**chosen, "kind": ("request",)}, sort="newest"),
            offset=0,
            limit=NEWEST,
            most_values=0,
        )
        taught = search(
            actor,
            Search(chosen={**chosen, "kind": ("program",)}, sort="newest"),
            offset=0,
            limit=NEWEST // 2,
            most_values=0,
        )
        everything = search(actor, Search(chosen=chosen), offset=0, limit=0)
    except IndexUnavailable:
        return None
    facets = {facet.name: facet.values for facet in everything.facets}
    return Shared(
        counts=[(item.value, item.label, item.count) for item in facets.get("kind", ())],
        capabilities=[
            (item.value, item.label, item.count) for item in facets.get("capability", ())[:12]
        ],
        counties={
            item.value: item.count
            for item in facets.get("county", ())
            if not county_fips or item.value in county_fips
        },
        newest=newest,
        wanted=wanted,
        taught=taught,
    )


def tell_mail_state(actor: Actor) -> list[str] | None:
    """Return what keeps mail from being sent, in words for administrators; to others None."""
    if not can(actor, Permission.MAIL_STATE_VIEW):
        return None
    state = load_mail_state(now() - MAIL_KEPT)
    told = []
    if state.late and state.oldest_at is not None:
        told.append(
            ngettext(
                "%(num)s e-mail has waited for more than an hour to be sent, since %(when)s.",
                "%(num)s e-mails have waited for more than an hour to be sent, the oldest since"
                " %(when)s.",
                state.late,
                when=format_datetime(state.oldest_at),
            )
        )
    if state.refused:
        told.append(
            ngettext(
                "%(num)s e-mail was refused and is not tried again.",
                "%(num)s e-mails were refused and are not tried again.",
                state.refused,
            )
        )
    return told


def list_mail_trouble(actor: Actor, limit: int) -> list[DeskItem]:
    """Return what keeps mail from being sent, for an administrator's desk."""
    told = tell_mail_state(actor)
    if not told:
        return []
    return [
        DeskItem(
            _("E-mail is not sent"),
            "/administration#mail",
            oldest_unsent_at() or now(),
            detail=" ".join(told),
            action=_("See what to do"),
        )
    ]
