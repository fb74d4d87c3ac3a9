"""Words and rules of organizations: their kinds, names as compared, and three workflows.

Pure values and functions; what needs rows is decided in the services.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.kernel.workflow import Transition, Workflow
from portal.organizations.events import (
    ClaimDecided,
    InvitationAccepted,
    InvitationDeclined,
    InvitationSent,
    JoinRequestDecided,
)

ORGANIZATION_KINDS: Mapping[str, Any] = {
    "sme": _l("Small or medium-sized firm"),
    "large_firm": _l("Large firm"),
    "university": _l("University"),
    "community_college": _l("Community college"),
    "research_lab": _l("Research laboratory"),
    "government_agency": _l("Government agency"),
    "economic_development_organization": _l("Economic development organization"),
    "labor_union": _l("Labor union"),
    "trade_association": _l("Trade association"),
    "other_intermediary": _l("Other intermediary"),
}

#: Who serves a region and reports what came of it, once somebody has verified that they are that.
AGENCY_KINDS = ("government_agency", "economic_development_organization")

EMPLOYEE_BANDS: Mapping[str, Any] = {
    "1-9": _l("1 to 9"),
    "10-19": _l("10 to 19"),
    "20-49": _l("20 to 49"),
    "50-99": _l("50 to 99"),
    "100-249": _l("100 to 249"),
    "250-499": _l("250 to 499"),
    "500+": _l("500 or more"),
}

OWNERSHIP: Mapping[str, Any] = {
    "woman_owned": _l("Woman-owned"),
    "minority_owned": _l("Minority-owned"),
    "veteran_owned": _l("Veteran-owned"),
    "hubzone": _l("HUBZone"),
    "employee_owned": _l("Employee-owned"),
    "family_owned": _l("Family-owned"),
}

#: Names of standards and registrations, which no language translates.
CERTIFICATIONS: Mapping[str, str] = {
    name: name
    for name in (
        "ISO 9001",
        "AS9100",
        "IATF 16949",
        "ISO 13485",
        "ISO 14001",
        "ISO 45001",
        "ISO/IEC 17025",
        "Nadcap",
        "ITAR registration",
        "CMMC",
        "NIST SP 800-171",
        "UL",
        "API Q1",
        "ASME U stamp",
        "FDA registration",
    )
}

ROLES: Mapping[str, Any] = {"owner": _l("Owner"), "manager": _l("Manager"), "member": _l("Member")}

#: From least to most.
_RANKS = ("member", "manager", "owner")

#: What an organization may keep for the people of organizations here.
MEMBERS_ONLY_FIELDS: Mapping[str, Any] = {
    "phone": _l("Phone"),
    "email": _l("E-mail"),
    "street": _l("Street and exact point on the map"),
    "employee_band": _l("Number of employees"),
    "contacts": _l("Contacts"),
}

SOURCES: Mapping[str, Any] = {
    "ipeds": _l("IPEDS, the federal directory of colleges and universities"),
    "csv": _l("an imported list"),
    "broker": _l("what it told a broker of the region"),
}

#: By which a profile is known in other directories; no two organizations share one.
IDENTIFIERS = ("uei", "ror", "cage", "ipeds_id")

STALE_AFTER = dt.timedelta(days=180)
INVITATION_LIFE = dt.timedelta(days=14)
MOST_OPEN_INVITATIONS = 50
#: So many mails of invitation go from an organization to one address within a day.
MOST_INVITATION_MAILS = 3


def is_agency_anew(before: tuple[str, str | None], after: tuple[str, str | None]) -> bool:
    """Tell whether a kind and county make an agency of what was none, or one of another county."""
    return after[0] in AGENCY_KINDS and (before[0] not in AGENCY_KINDS or before[1] != after[1])


_LEGAL_FORMS = re.compile(
    r"inc|incorporated|llc|lc|ltd|limited|co|company|corp|corporation|plc|lp|llp|pllc|pc|pbc"
    r"|gmbh|ag|sa"
)


#: Shorter names are words of their own too often.
_SHORTEST_NAME = 4


def match_key(name: str) -> str:
    """Return a name as probable duplicates share it.

    Without case, accents, punctuation, a leading "the" and the legal form at the end:
    "The Bolt & Nut Co., Inc." → "bolt and nut".
    """
    words = name_words(name)
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    while len(words) > 1 and _LEGAL_FORMS.fullmatch(words[-1]):
        words = words[:-1]
    if len(words) > 1 and words[-1] == "and":
        words = words[:-1]
    return " ".join(words)[:200]


def name_words(text: str) -> list[str]:
    """Return the words of a text as names are compared: without case, accents, punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("&", " and "))
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    # Apostrophes and periods join letters ("Ana's", "L.L.C."), other marks part words.
    plain = re.sub(r"['’`.]", "", plain)
    return re.sub(r"[\W_]+", " ", plain).split()


def gives_name(text: str, names: Iterable[str]) -> bool:
    """Tell whether one of an organization's names stands in a text, however it is written.

    A name of three letters or fewer is not looked for: too many words have them by chance.
    """
    words = f" {' '.join(name_words(text))} "
    keys = (match_key(name) for name in names)
    return any(len(key) >= _SHORTEST_NAME and f" {key} " in words for key in keys)


def higher_role(one: str, other: str) -> str:
    """Return the role that allows more."""
    return max(one, other, key=_RANKS.index)


def hidden_fields(members_only: Collection[str], *, sees_members_fields: bool) -> frozenset[str]:
    """Return the fields of a profile that a reader does not get."""
    if sees_members_fields:
        return frozenset()
    return frozenset(members_only) & frozenset(MEMBERS_ONLY_FIELDS)


@dataclass(frozen=True)
class Certificate:
    """A certificate as a page shows it."""

    name: str
    expires_on: dt.date | None
    is_expired: bool


def certificates(rows: Collection[Mapping[str, Any]], today: dt.date) -> list[Certificate]:
    """Return the certificates of a profile, told apart by whether they still hold today."""
    found = []
    for row in rows:
        day = dt.date.fromisoformat(row["expires_on"]) if row.get("expires_on") else None
        found.append(Certificate(row["name"], day, day is not None and day < today))
    return found


def is_stale(confirmed_at: dt.datetime | None, moment: dt.datetime) -> bool:
    """Tell whether a profile is to be confirmed again."""
    return confirmed_at is None or confirmed_at < moment - STALE_AFTER


INVITATIONS = Workflow(
    "invitation",
    {
        "sent": _l("sent"),
        "accepted": _l("accepted"),
        "declined": _l("declined"),
        "withdrawn": _l("withdrawn"),
        "expired": _l("expired"),
    },
    (
        Transition(
            "accept",
            ("sent",),
            "accepted",
            "invitation.answer",
            _l("Join"),
            _l("You joined."),
            event=lambda row, actor, note: InvitationAccepted(row.id, actor.user_id),
            is_main=True,
        ),
        Transition(
            "decline",
            ("sent",),
            "declined",
            "invitation.answer",
            _l("Decline"),
            _l("The invitation was declined."),
            event=lambda row, actor, note: InvitationDeclined(row.id),
        ),
        Transition(
            "resend",
            ("sent", "expired"),
            "sent",
            "invitation.resend",
            _l("Send again"),
            _l("The invitation was sent again."),
            event=lambda row, actor, note: InvitationSent(row.id),
        ),
        Transition(
            "withdraw",
            ("sent",),
            "withdrawn",
            "invitation.withdraw",
            _l("Withdraw"),
            _l("The invitation was withdrawn."),
        ),
        Transition(
            "expire",
            ("sent",),
            "expired",
            "invitation.expire",
            _l("Expire"),
            _l("The invitation expired."),
        ),
    ),
)

JOIN_REQUESTS = Workflow(
    "join_request",
    {
        "open": _l("open"),
        "accepted": _l("accepted"),
        "declined": _l("declined"),
        "withdrawn": _l("withdrawn"),
    },
    (
        Transition(
            "accept",
            ("open",),
            "accepted",
            "join_request.decide",
            _l("Accept as member"),
            _l("The person is a member now."),
            event=lambda row, actor, note: JoinRequestDecided(row.id, True, note),
            is_main=True,
        ),
        Transition(
            "decline",
            ("open",),
            "declined",
            "join_request.decide",
            _l("Decline"),
            _l("The request was declined."),
            event=lambda row, actor, note: JoinRequestDecided(row.id, False, note),
            note="optional",
        ),
        Transition(
            "withdraw",
            ("open",),
            "withdrawn",
            "join_request.withdraw",
            _l("Withdraw my request"),
            _l("Your request was withdrawn."),
        ),
    ),
)

CLAIMS = Workflow(
    "claim",
    {
        "pending": _l("waiting for a decision"),
        "approved": _l("approved"),
        "denied": _l("denied"),
        "withdrawn": _l("withdrawn"),
        "revoked": _l("revoked"),
    },
    (
        Transition(
            "approve",
            ("pending",),
            "approved",
            "claim.decide",
            _l("Approve"),
            _l("The claim was approved. The claimant is its owner now."),
            event=lambda row, actor, note: ClaimDecided(row.id, "approved", note),
            is_main=True,
        ),
        Transition(
            "deny",
            ("pending",),
            "denied",
            "claim.decide",
            _l("Deny"),
            _l("The claim was denied."),
            event=lambda row, actor, note: ClaimDecided(row.id, "denied", note),
            note="required",
        ),
        Transition(
            "withdraw",
            ("pending",),
            "withdrawn",
            "claim.withdraw",
            _l("Withdraw my claim"),
            _l("Your claim was withdrawn."),
        ),
        Transition(
            "revoke",
            ("approved",),
            "revoked",
            "claim.decide",
            _l("Revoke"),
            _l("The claim was revoked."),
            event=lambda row, actor, note: ClaimDecided(row.id, "revoked", note),
            note="required",
            confirm=_l("Revoke this claim? The claimant loses the organization."),
        ),
    ),
)
