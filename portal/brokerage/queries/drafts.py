"""What the form of a proposal says already: of a request, of a suggested match, or of two names.

Only words of closed lists are taken, so that nothing in them tells who somebody is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from portal.brokerage.queries.introductions import hidden_ids
from portal.brokerage.rules.introductions import USUAL_DAYS, USUAL_TERMS
from portal.kernel.authorization import Actor
from portal.matching.queries.matches import Shown
from portal.organizations.models import Organization
from portal.organizations.queries.profiles import get_organization
from portal.organizations.rules import EMPLOYEE_BANDS, ORGANIZATION_KINDS
from portal.partnerships.models import Request
from portal.partnerships.rules.words import REQUEST_KINDS


@dataclass(frozen=True)
class Draft:
    """A proposal as far as it writes itself.

    known: how the form calls the sides that need not be named, by what they stand for.
    """

    values: Mapping[str, Any]
    known: Mapping[str, str]


def draft_of(
    actor: Actor,
    *,
    request: Request | None = None,
    shown: Shown | None = None,
    organizations: Sequence[Organization] = (),
) -> Draft:
    """Return what is known already of an introduction that a broker is about to propose."""
    match = shown.match if shown is not None else None
    if match is not None:
        request = match.request
    hidden = hidden_ids(actor, request, match)
    known: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    topic = _topic(request) if request is not None else ""
    if request is not None:
        known["poster"] = (
            _("Who posted “%(title)s”", title=request.title)
            if request.organization_id in hidden
            else request.organization.name
        )
        rows.append(
            {
                "stands_for": "poster",
                "summary": (
                    request.anonymous_summary
                    if request.is_anonymous
                    else _blind_summary(request.organization_id)
                ),
                "reason": " ".join(
                    [
                        _(
                            "You posted “%(title)s”. They may be able to help.",
                            title=request.title,
                        ),
                        *_what_holds(shown),
                    ]
                ),
            }
        )
    if match is not None:
        is_hidden = match.organization_id in hidden
        known["candidate"] = (
            _("Who posted the other request") if is_hidden else match.organization.name
        )
        rows.append(
            {
                "stands_for": "candidate",
                "summary": "" if is_hidden else _blind_summary(match.organization_id),
                "reason": _("They look for a partner: %(topic)s.", topic=topic),
            }
        )
    rows += [
        {
            "organization": organization.name,
            "summary": _blind_summary(organization.id),
            "reason": _("They look for a partner: %(topic)s.", topic=topic) if topic else "",
        }
        for organization in organizations
    ]
    values = {
        "request_id": request.id if request is not None and match is None else None,
        "match_id": match.id if match is not None else None,
        "title": topic[:200],
        "terms": str(USUAL_TERMS),
        "answer_days": USUAL_DAYS,
        "parties": rows,
    }
    return Draft(values, known)


def _what_holds(shown: Shown | None) -> list[str]:
    """Return how a match fits, of criteria whose sentences have no words of anybody's own."""
    return [
        reason.sentence
        for reason in (shown.with_verdict("met") if shown is not None else [])
        if reason.name in ("capability", "distance", "availability", "capacity", "trl")
        and reason.sentence
    ]


def _topic(request: Request) -> str:
    kind = str(REQUEST_KINDS[request.kind])
    capabilities = ", ".join(capability.name for capability in request.capabilities)
    return f"{kind}: {capabilities}" if capabilities else kind


def _blind_summary(organization_id: int) -> str:
    """Say what an organization is in words that many share: kind, size, county, capabilities."""
    organization = get_organization(organization_id)
    parts = [str(ORGANIZATION_KINDS[organization.kind])]
    if organization.employee_band:
        parts.append(_("%(number)s people", number=str(EMPLOYEE_BANDS[organization.employee_band])))
    if organization.county is not None:
        parts.append(organization.county.label)
    text = ", ".join(parts)
    names = ", ".join(capability.name for capability in organization.capabilities[:6])
    return (f"{text}: {names}" if names else text)[:500]
