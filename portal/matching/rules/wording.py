"""The sentences and questions of criteria, out of what a match keeps of them."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from babel import Locale, numbers
from flask_babel import format_date, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.facilities.rules import RATE_UNITS
from portal.organizations.rules import ORGANIZATION_KINDS
from portal.training.rules.programs import LANGUAGES

#: By criterion and variant; "answered" stands for all of them.
_SENTENCES: Mapping[tuple[str, str], Any] = {
    ("capability", "same"): _l("It offers what is asked for: %(has)s."),
    ("capability", "narrower"): _l("It offers %(has)s, which is a kind of %(asked)s."),
    ("capability", "related"): _l("It offers %(has)s, which is related to %(asked)s."),
    ("capability", "other"): _l("It names other capabilities than %(asked)s."),
    ("capability", "none_named"): _l("It names no capabilities."),
    ("text", "met"): _l("Its description answers the words of the request."),
    ("text", "unmet"): _l("Its description has little in common with the words of the request."),
    ("distance", "met"): _l("It is %(miles)s mi away."),
    ("distance", "unmet"): _l("It is %(miles)s mi away, farther than people usually go for this."),
    ("distance", "within"): _l("It is %(miles)s mi away, within the %(radius)s asked for."),
    ("distance", "beyond"): _l("It is %(miles)s mi away, beyond the %(radius)s asked for."),
    ("distance", "no_place"): _l("The request says no place."),
    ("distance", "nowhere"): _l("It says no place."),
    ("distance", "online"): _l("It is taught online."),
    ("availability", "begins"): _l("Its next section begins on %(from)s."),
    ("availability", "begins_late"): _l("Its next section begins on %(from)s, after %(by)s."),
    ("availability", "section"): _l("No section until %(by)s is open for enrollment yet."),
    ("availability", "any_section"): _l("No section is open for enrollment now."),
    ("availability", "free"): _l("It can be booked from %(from)s."),
    ("availability", "taken"): _l("It has no free time in the wanted span."),
    ("availability", "asked"): _l("Nobody can tell here whether it is free until %(by)s."),
    ("availability", "any"): _l("Nobody can tell here when it is free."),
    ("certification", "has"): _l("Its organization lists %(names)s."),
    ("certification", "lacks"): _l("Its organization does not list %(names)s."),
    ("certification", "none_listed"): _l(
        "Its organization lists no certificates; asked for: %(names)s."
    ),
    ("eligibility", "in_house"): _l("Its organization shows it, but does not share it."),
    ("eligibility", "says"): _l("Who may use it: %(text)s"),
    ("eligibility", "bookable"): _l("Others may book it."),
    ("eligibility", "by_request"): _l("Others may ask to use it."),
    ("eligibility", "sought"): _l("Both look for each other’s kind of partner."),
    ("eligibility", "not_sought"): _l("It looks for other kinds of partner."),
    ("capacity", "enough"): _l("It takes %(has)s; asked for: %(asked)s."),
    ("capacity", "small"): _l("It takes %(has)s, less than the %(asked)s asked for."),
    ("capacity", "seats"): _l("It has %(has)s free seats; asked for: %(asked)s."),
    ("capacity", "few_seats"): _l("It has %(has)s free seats, fewer than the %(asked)s asked for."),
    ("capacity", "none_named"): _l("It does not say whether it takes %(asked)s."),
    ("rate", "within"): _l("At %(rate)s, the budget of %(budget)s pays for a useful time."),
    ("rate", "above"): _l("At %(rate)s, the budget of %(budget)s is soon spent."),
    ("rate", "none_named"): _l("It names no rate for an organization like this one."),
    ("rate", "affordable"): _l(
        "Seats for %(people)s cost %(cost)s, within the budget of %(budget)s."
    ),
    ("rate", "dear"): _l("Seats for %(people)s cost %(cost)s, above the budget of %(budget)s."),
    ("rate", "no_price"): _l("It does not say what a seat costs."),
    ("credential", "awards"): _l("It leads to %(name)s."),
    ("credential", "awards_other"): _l("It does not lead to %(names)s."),
    ("language", "taught"): _l("It is taught in this language: %(language)s."),
    ("language", "taught_other"): _l("It is taught in another language: %(language)s."),
    ("trl", "near"): _l("Both are about as far developed: %(asked)s and %(has)s."),
    ("trl", "apart"): _l("They are not equally far developed: %(asked)s and %(has)s."),
    ("trl", "none_named"): _l("It does not say how far it is developed."),
    ("partner_kind", "sought"): _l("A partner of its kind is looked for: %(kind)s."),
    ("partner_kind", "not_sought"): _l("Other kinds of partner are looked for; this is: %(kind)s."),
    ("partner_size", "met"): _l("It has the size looked for: %(band)s people."),
    ("partner_size", "unmet"): _l("It has another size than is looked for: %(band)s people."),
    ("partner_size", "none_named"): _l("It does not say how many people it has."),
    ("cluster", "shared"): _l("Both organizations belong to %(cluster)s."),
    ("cluster", "other"): _l("The two organizations belong to different industry clusters."),
    ("cluster", "none_named"): _l("Its organization names no industry."),
    ("freshness", "met"): _l("It was confirmed on %(on)s."),
    ("freshness", "unmet"): _l("It was last confirmed on %(on)s."),
    ("freshness", "never"): _l("Nobody has confirmed it."),
}

#: What stands there instead of 0 miles: places are often known by their ZIP codes alone.
_CLOSE_BY: Mapping[str, Any] = {
    "met": _l("It is close by, in the same ZIP code or within a mile."),
    "within": _l("It is close by, within the %(radius)s mi asked for."),
}

#: What the owner is asked where nobody can tell.
_QUESTIONS: Mapping[tuple[str, str], Any] = {
    ("availability", "asked"): _l("Is it free at some time until %(by)s?"),
    ("availability", "any"): _l("Is it free in the next weeks?"),
    ("availability", "section"): _l("Will a section begin until %(by)s?"),
    ("availability", "any_section"): _l("Will a section begin in the next months?"),
    ("rate", "no_price"): _l("Would a budget of %(budget)s pay for seats for %(people)s?"),
    ("certification", "none_listed"): _l("Does your organization have %(names)s?"),
    ("eligibility", "says"): _l("Could this organization use it?"),
    ("capacity", "none_named"): _l("Does it take %(asked)s?"),
    ("rate", "none_named"): _l("Would a budget of %(budget)s pay for it?"),
    ("capability", "none_named"): _l("Can it do what is asked for?"),
    ("trl", "none_named"): _l("Is it about as far developed as what is asked for?"),
    ("partner_size", "none_named"): _l("Does your organization have the size looked for?"),
    ("distance", "nowhere"): _l("Is it near enough to where it is needed?"),
    ("cluster", "none_named"): _l("Does your organization work for the industry that asks?"),
    ("freshness", "never"): _l("Is what you list here still right?"),
}
_PER_DIMENSION: Mapping[str, Any] = {
    "length": _l("%(size)s in"),
    "mass": _l("%(size)s lb"),
    "force": _l("%(size)s tons"),
}


def names_needed(criteria: list[dict[str, Any]]) -> tuple[set[str], set[str]]:
    """Return the keys of the capabilities and of the clusters that sentences will name."""
    capabilities = {
        str(row["values"][name])
        for row in criteria
        if row["name"] == "capability"
        for name in ("asked", "has")
        if row["values"].get(name)
    }
    clusters = {
        str(row["values"]["cluster"])
        for row in criteria
        if row["name"] == "cluster" and row["values"].get("cluster")
    }
    return capabilities, clusters


def sentence(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Return how a criterion came out, in the reader's language.

    names: those of capabilities and clusters by key.
    """
    if row["variant"] == "answered":
        answered = _("The owner says yes.") if row["verdict"] == "met" else _("The owner says no.")
        note = str(row["values"].get("note", ""))
        return f"{answered} {note}".strip()
    text = _SENTENCES.get((row["name"], row["variant"]))
    if row["name"] == "distance" and row["values"].get("miles") == 0:
        text = _CLOSE_BY.get(row["variant"], text)
    return str(text) % _readable(row, names) if text is not None else ""


def question(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Return what a candidate's owner is asked about an unknown criterion, "" for nothing."""
    text = _QUESTIONS.get((row["name"], row["variant"])) if row["verdict"] == "unknown" else None
    return str(text) % _readable(row, names) if text is not None else ""


def is_question(row: Mapping[str, Any]) -> bool:
    """Tell whether a candidate's owner is asked about a criterion."""
    return row["verdict"] == "unknown" and (row["name"], row["variant"]) in _QUESTIONS


def _readable(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = dict(row["values"])
    match row["name"]:
        case "capability":
            found |= {key: names.get(str(found.get(key)), "") for key in ("asked", "has")}
        case "cluster":
            found["cluster"] = names.get(str(found.get("cluster")), "")
        case "availability" | "freshness":
            found |= {key: _day(found[key]) for key in ("by", "from", "on") if found.get(key)}
        case "language":
            found["language"] = LANGUAGES[found["code"]]
        case "certification" | "credential":
            found["names"] = ", ".join(found.get("names", ()))
        case "capacity" if found["dimension"] != "seats":
            unit = _PER_DIMENSION[found["dimension"]]
            found |= {
                key: str(unit) % {"size": _number(found[key])}
                for key in ("asked", "has")
                if key in found
            }
        case "rate":
            found |= {key: _money(found[key]) for key in ("budget", "cost") if key in found}
            if "cents" in found:
                found["rate"] = _(
                    "%(price)s per %(unit)s",
                    price=_money(found["cents"]),
                    unit=RATE_UNITS[found["unit"]],
                )
        case "eligibility" | "partner_kind":
            found["kind"] = ORGANIZATION_KINDS.get(found.get("kind", ""), "")
        case _:
            pass
    return found


def _day(text: str) -> str:
    return str(format_date(dt.date.fromisoformat(text)))


def _number(value: float, pattern: str | None = None) -> str:
    """Write a number with a US reader's comma and point, in Spanish too."""
    language = get_locale() or Locale("en")
    return str(numbers.format_decimal(value, pattern, locale=Locale(language.language, "US")))


def _money(cents: int) -> str:
    return _number(cents / 100, "$#,##0" if cents % 100 == 0 else "$#,##0.00")
