"""The criteria: each compares what is wanted with what is offered, and says how it came out.

Pure functions of plain values. A criterion that does not apply gives None.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping

from portal.kernel.fulltext.ranking import miles_between
from portal.matching.rules.facts import Finding, Offered, Wanted
from portal.matching.rules.kinship import Kinship
from portal.matching.rules.sizes import is_certificate

#: From so close on a capability is what was asked for; below the other it is something else.
SAME = 0.8
RELATED = 0.3
#: How much a capability counts that something in a place has, beside one of the place itself.
HELD = 0.95
#: From so well on the words of a candidate count as an answer.
ANSWERS = 0.35
#: How far people go for what a request is about, where it gives no radius, in miles.
REACH: Mapping[str, int] = {
    "equipment_sharing": 100,
    "training": 60,
    "supply_chain": 250,
    "rd_cooperation": 1500,
    "technology": 1500,
    "consortium": 1500,
}
#: A budget should pay for so much of each unit of a rate.
WORTH_BUYING: Mapping[str, int] = {"hour": 8, "day": 1, "run": 1, "sample": 1}
#: How much being taught online counts, beside being next door.
ONLINE = 0.85
TRL_APART = 2
FRESH_DAYS = 180


def compare(wanted: Wanted, offered: Offered, kinship: Kinship, today: dt.date) -> list[Finding]:
    """Return how every criterion that applies comes out, in the order in which they are read."""
    checks: tuple[Callable[[], Finding | None], ...] = (
        lambda: capability(wanted, offered, kinship),
        lambda: text(wanted, offered),
        lambda: distance(wanted, offered),
        lambda: availability(wanted, offered),
        lambda: certification(wanted, offered),
        lambda: eligibility(wanted, offered),
        lambda: capacity(wanted, offered),
        lambda: rate(wanted, offered),
        lambda: credential(wanted, offered),
        lambda: language(wanted, offered),
        lambda: trl(wanted, offered),
        lambda: partner_kind(wanted, offered),
        lambda: partner_size(wanted, offered),
        lambda: cluster(wanted, offered),
        lambda: freshness(offered, today),
    )
    return [finding for check in checks if (finding := check()) is not None]


def capability(wanted: Wanted, offered: Offered, kinship: Kinship) -> Finding | None:
    """Whether it can do what is asked for, or what is close to that in the thesaurus."""
    asked = wanted.capabilities
    if not asked:
        return None
    if not offered.capabilities and not offered.held:
        return Finding("capability", "unknown", 0.0, "none_named")
    found = {
        key: max(
            kinship.best(key, offered.capabilities),
            kinship.best(key, offered.held, HELD),
        )
        for key in asked
    }
    best = max(asked, key=lambda key: (asked[key] * found[key][0], key))
    closeness, has = found[best]
    mean = sum(asked[key] * found[key][0] for key in asked) / sum(asked.values())
    worth = 0.7 * closeness * asked[best] / max(asked.values()) + 0.3 * mean
    values = {"asked": best, "has": has}
    if closeness >= SAME:
        return Finding("capability", "met", worth, "same" if has == best else "narrower", values)
    variant = "related" if closeness >= RELATED else "other"
    return Finding("capability", "unmet", worth, variant, values)


def text(wanted: Wanted, offered: Offered) -> Finding:
    """Whether its words answer those of the request."""
    verdict = "met" if offered.relevance >= ANSWERS else "unmet"
    return Finding("text", verdict, offered.relevance, verdict)


def distance(wanted: Wanted, offered: Offered) -> Finding | None:
    """Whether it is near enough; a radius that was given is hard. What is online is everywhere."""
    if offered.is_online:
        return Finding("distance", "met", ONLINE, "online")
    if wanted.point is None:
        return Finding("distance", "unknown", 0.0, "no_place")
    if offered.point is None:
        return Finding("distance", "unknown", 0.0, "nowhere")
    miles = miles_between(*wanted.point, *offered.point)
    values = {"miles": round(miles)}
    if wanted.radius_miles is None:
        reach = REACH[wanted.kind]
        verdict = "met" if miles <= reach else "unmet"
        return Finding("distance", verdict, math.exp(-miles / reach), verdict, values)
    values["radius"] = wanted.radius_miles
    if miles > wanted.radius_miles:
        return Finding("distance", "unmet", 0.0, "beyond", values, is_hard=True)
    return Finding("distance", "met", 1.0 - 0.3 * miles / wanted.radius_miles, "within", values)


def availability(wanted: Wanted, offered: Offered) -> Finding | None:
    """Whether it can be had in the wanted span: machines to use, and programs to enroll in."""
    if offered.kind == "program":
        return _next_section(wanted, offered)
    if offered.kind != "equipment" or wanted.kind != "equipment_sharing":
        return None
    values = {"by": wanted.wanted_by.isoformat() if wanted.wanted_by else ""}
    if offered.is_free is None:
        return Finding("availability", "unknown", 0.0, "asked" if values["by"] else "any", values)
    if not offered.is_free:
        return Finding("availability", "unmet", 0.0, "taken", values)
    first = offered.free_on.isoformat() if offered.free_on else ""
    return Finding("availability", "met", 1.0, "free", {**values, "from": first})


def _next_section(wanted: Wanted, offered: Offered) -> Finding:
    by = wanted.wanted_by
    values = {"by": by.isoformat() if by else ""}
    if offered.starts_on is None:
        return Finding("availability", "unknown", 0.0, "section" if by else "any_section", values)
    values["from"] = offered.starts_on.isoformat()
    if by is None or offered.starts_on <= by:
        return Finding("availability", "met", 1.0, "begins", values)
    days = (offered.starts_on - by).days
    return Finding("availability", "unmet", 0.5 * math.exp(-days / 60), "begins_late", values)


def certification(wanted: Wanted, offered: Offered) -> Finding | None:
    """Whether its organization has the certificates that the request names."""
    if not wanted.certifications or offered.kind in ("request", "program"):
        return None
    missing = [
        name
        for name in wanted.certifications
        if not any(is_certificate(listed, name) for listed in offered.certifications)
    ]
    worth = 1.0 - len(missing) / len(wanted.certifications)
    if not missing:
        return Finding("certification", "met", 1.0, "has", {"names": list(wanted.certifications)})
    if not offered.certifications:
        return Finding("certification", "unknown", 0.0, "none_listed", {"names": missing})
    return Finding("certification", "unmet", worth, "lacks", {"names": missing})


def eligibility(wanted: Wanted, offered: Offered) -> Finding | None:
    """Whether its owner lets others use it, and the other side looks for such a partner."""
    if offered.kind == "request":
        if not offered.takes_kinds or not wanted.organization_kind:
            return None
        values = {"kind": wanted.organization_kind}
        if wanted.organization_kind in offered.takes_kinds:
            return Finding("eligibility", "met", 1.0, "sought", values)
        return Finding("eligibility", "unmet", 0.0, "not_sought", values, is_hard=True)
    if offered.kind != "equipment":
        return None
    if offered.sharing == "in_house":
        return Finding("eligibility", "unmet", 0.0, "in_house", is_hard=True)
    if offered.eligibility:
        return Finding("eligibility", "unknown", 0.0, "says", {"text": offered.eligibility[:200]})
    return Finding("eligibility", "met", 1.0, offered.sharing or "by_request")


def capacity(wanted: Wanted, offered: Offered) -> Finding | None:
    """Whether it is large enough for the sizes in the request's words; asked of equipment.

    Of a program, whether the next section has seats for all who are to learn.
    """
    if offered.kind == "program":
        return _seats(wanted, offered)
    if offered.kind != "equipment" or not wanted.sizes:
        return None
    known = sorted(wanted.sizes.keys() & offered.sizes.keys())
    if not known:
        dimension = min(wanted.sizes)
        values = {"dimension": dimension, "asked": round(wanted.sizes[dimension], 1)}
        return Finding("capacity", "unknown", 0.0, "none_named", values)
    tight = min(known, key=lambda name: offered.sizes[name] / wanted.sizes[name])
    share = offered.sizes[tight] / wanted.sizes[tight]
    values = {
        "dimension": tight,
        "asked": round(wanted.sizes[tight], 1),
        "has": round(offered.sizes[tight], 1),
    }
    if share >= 1.0:
        return Finding("capacity", "met", 1.0, "enough", values)
    return Finding("capacity", "unmet", share / 2, "small", values)


def _seats(wanted: Wanted, offered: Offered) -> Finding | None:
    if wanted.people is None or offered.free_seats is None:
        return None
    share = offered.free_seats / wanted.people
    values = {"dimension": "seats", "asked": wanted.people, "has": offered.free_seats}
    if share >= 1.0:
        return Finding("capacity", "met", 1.0, "seats", values)
    return Finding("capacity", "unmet", share / 2, "few_seats", values)


def rate(wanted: Wanted, offered: Offered) -> Finding | None:
    """Whether the budget pays for a useful time at its rates; asked of equipment.

    Of a program, whether it pays for a seat for all who are to learn.
    """
    if offered.kind == "program":
        return _cost(wanted, offered)
    if offered.kind != "equipment" or not wanted.budget_cents:
        return None
    if not offered.rates:
        return Finding("rate", "unknown", 0.0, "none_named", {"budget": wanted.budget_cents})
    bought = {
        unit: wanted.budget_cents / max(1, cents) / WORTH_BUYING[unit]
        for unit, cents in offered.rates
    }
    unit, cents = max(offered.rates, key=lambda row: (bought[row[0]], row))
    values = {"cents": cents, "unit": unit, "budget": wanted.budget_cents}
    if bought[unit] >= 1.0:
        return Finding("rate", "met", 1.0, "within", values)
    return Finding("rate", "unmet", bought[unit] / 2, "above", values)


def _cost(wanted: Wanted, offered: Offered) -> Finding | None:
    if not wanted.budget_cents:
        return None
    people = wanted.people or 1
    values = {"budget": wanted.budget_cents, "people": people}
    if offered.cost_cents is None:
        return Finding("rate", "unknown", 0.0, "no_price", values)
    cost = offered.cost_cents * people
    values["cost"] = cost
    if cost <= wanted.budget_cents:
        return Finding("rate", "met", 1.0, "affordable", values)
    return Finding("rate", "unmet", wanted.budget_cents / cost / 2, "dear", values)


def credential(wanted: Wanted, offered: Offered) -> Finding | None:
    """Whether it awards the credential that the request names; asked of programs."""
    if offered.kind != "program" or not wanted.credentials:
        return None
    if offered.credential_id in wanted.credentials:
        return Finding("credential", "met", 1.0, "awards", {"name": offered.credential})
    values = {"names": sorted(wanted.credentials.values())}
    return Finding("credential", "unmet", 0.0, "awards_other", values)


def language(wanted: Wanted, offered: Offered) -> Finding | None:
    """Whether it is taught in a language that the request names; asked of programs."""
    if offered.kind != "program" or not wanted.languages:
        return None
    if shared := sorted(wanted.languages & offered.languages):
        return Finding("language", "met", 1.0, "taught", {"code": shared[0]})
    values = {"code": min(offered.languages, default="en")}
    return Finding("language", "unmet", 0.0, "taught_other", values)


def trl(wanted: Wanted, offered: Offered) -> Finding | None:
    """Whether two requests are about as far developed."""
    if wanted.trl is None or offered.kind != "request":
        return None
    if offered.trl is None:
        return Finding("trl", "unknown", 0.0, "none_named")
    apart = abs(wanted.trl - offered.trl)
    values = {"asked": wanted.trl, "has": offered.trl}
    if apart <= TRL_APART:
        return Finding("trl", "met", 1.0 - apart / 10, "near", values)
    return Finding("trl", "unmet", max(0.0, 1.0 - apart / 5), "apart", values)


def partner_kind(wanted: Wanted, offered: Offered) -> Finding | None:
    """Whether its organization is of a kind that the request looks for; that is hard."""
    if not wanted.partner_kinds or not offered.organization_kind:
        return None
    values = {"kind": offered.organization_kind}
    if offered.organization_kind in wanted.partner_kinds:
        return Finding("partner_kind", "met", 1.0, "sought", values)
    return Finding("partner_kind", "unmet", 0.0, "not_sought", values, is_hard=True)


def partner_size(wanted: Wanted, offered: Offered) -> Finding | None:
    """Whether its organization is as large as the request looks for."""
    if not wanted.partner_sizes or not offered.organization_kind:
        return None
    if not offered.employee_band:
        return Finding("partner_size", "unknown", 0.0, "none_named")
    verdict = "met" if offered.employee_band in wanted.partner_sizes else "unmet"
    worth = 1.0 if verdict == "met" else 0.0
    return Finding("partner_size", verdict, worth, verdict, {"band": offered.employee_band})


def cluster(wanted: Wanted, offered: Offered) -> Finding | None:
    """Whether the two organizations belong to one industry cluster."""
    if not wanted.clusters:
        return None
    if not offered.clusters:
        return Finding("cluster", "unknown", 0.0, "none_named")
    shared = sorted(wanted.clusters & offered.clusters)
    if shared:
        return Finding("cluster", "met", 1.0, "shared", {"cluster": shared[0]})
    return Finding("cluster", "unmet", 0.0, "other")


def freshness(offered: Offered, today: dt.date) -> Finding:
    """Whether somebody has confirmed it within half a year."""
    if offered.confirmed_on is None:
        return Finding("freshness", "unknown", 0.0, "never")
    days = (today - offered.confirmed_on).days
    verdict = "met" if days <= FRESH_DAYS else "unmet"
    worth = max(0.0, 1.0 - days / (2 * FRESH_DAYS))
    return Finding("freshness", verdict, worth, verdict, {"on": offered.confirmed_on.isoformat()})
