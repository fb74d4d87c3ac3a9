"""How good a request is before others read it: what is missing, what is vague, what others say.

Judged by words and numbers alone, so that everybody can see why; nothing here refuses anything.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from portal.organizations.rules import gives_name
from portal.partnerships.rules.publishing import demanded_fields, missing_fields

#: What each kind of remark costs of the 100 points.
_MISSING, _VAGUE, _UNSAID = 3, 2, 1
#: A field is named once so many of the similar requests that found a partner give it.
_USUAL_SHARE = 0.5
_FEWEST_SIMILAR = 2
#: Fields that many leave empty and that help others decide.
TELLING_FIELDS = (
    "description",
    "radius_miles",
    "wanted_by",
    "budget_cents",
    "agreement_kind",
    "partner_kinds",
    "partner_sizes",
    "duration_months",
    "expertise_sought",
    "advantages",
    "trl",
)
#: Words that promise and say nothing, in both languages. Spaces stand for word boundaries.
_EMPTY_WORDS = re.compile(
    r"(?<!\w)(asap|a\.s\.a\.p\.|as soon as possible|etc\.?|and so on|various|several|some kind of"
    r"|high[- ]quality|good quality|best price|competitive|state[- ]of[- ]the[- ]art|flexible"
    r"|lo antes posible|cuanto antes|etcétera|varios|varias|diversos|diversas|alta calidad"
    r"|buena calidad|buen precio|competitivo|competitiva|de última generación)(?!\w)",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"\d")
_WORD = re.compile(r"\w[\w’'/.-]*")


@dataclass(frozen=True)
class Assessment:
    """score: 0–100; the rest are (field, what to do)."""

    score: int
    missing: tuple[tuple[str, str], ...]
    vague: tuple[tuple[str, str], ...]
    unsaid: tuple[tuple[str, str], ...]


def assess(
    values: Mapping[str, Any],
    *,
    names: Sequence[str] = (),
    similar: Sequence[Mapping[str, Any]] = (),
) -> Assessment:
    """Judge a request. values: as for `missing_fields`; names: what its organization is called.

    similar: the values of requests of its kind that found a partner.
    """
    missing = tuple(missing_fields(values))
    gaps = {field for field, _message in missing}
    vague = tuple((field, message) for field, message in _vague(values, names) if field not in gaps)
    unsaid = tuple(
        (field, message) for field, message in _unsaid(values, similar) if field not in gaps
    )
    demanded = demanded_fields(
        values["kind"],
        values["direction"],
        asks_one=values.get("asked_organization_id") is not None,
        is_anonymous=bool(values["is_anonymous"]),
        is_urgent=bool(values.get("is_urgent")),
    )
    lost = _MISSING * len(missing) + _VAGUE * len(vague) + _UNSAID * len(unsaid)
    # What could be lost: all that is demanded, and the remarks that any request may earn.
    most = _MISSING * max(len(demanded), len(missing)) + _VAGUE * 6 + _UNSAID * 2
    return Assessment(max(0, round(100 * (1 - lost / most))), missing, vague, unsaid)


def _vague(values: Mapping[str, Any], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    is_need = values["direction"] == "need"
    title, summary = values["title"] or "", values["summary"] or ""
    if title and _words(title) < 3:
        yield "title", _("Say what, and how much or for what: a few words more help to find it.")
    if summary and _words(summary) < 10:
        yield "summary", _("Say in one more sentence what it is for and what it must do.")
    said = [summary, values["description"], values["expertise_sought"], values["advantages"]]
    whole = " ".join(text for text in [title, *said] if text)
    if summary and not _FIGURE.search(whole):
        yield "summary", _("Give a figure: a size, a quantity, a tolerance, hours or people.")
    for field in ("title", "summary", "description", "expertise_sought", "advantages"):
        if found := _EMPTY_WORDS.search(values[field] or ""):
            yield (
                field,
                _("“%(words)s” says little. A date, a figure or a name says more.", words=found[0]),
            )
    for field in ("expertise_sought", "advantages", "innovations"):
        if values[field] and _words(values[field]) < 5:
            yield field, _("Say it in a sentence, so that a stranger can tell whether it fits.")
    if is_need and values["wanted_by"] is None and values["kind"] != "consortium":
        yield "wanted_by", _("Say by when you need it, even if roughly.")
    if values["kind"] in ("equipment_sharing", "training") and values["radius_miles"] is None:
        yield "radius_miles", _("Say how far you would travel.")
    if values["is_anonymous"]:
        for field in ("title", "anonymous_summary"):
            if gives_name(values[field] or "", names):
                yield field, _("This names your organization, and everybody reads it.")


def _unsaid(
    values: Mapping[str, Any], similar: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    if len(similar) < _FEWEST_SIMILAR:
        return
    for field in TELLING_FIELDS:
        if not _is_empty(values[field]):
            continue
        count = sum(not _is_empty(other[field]) for other in similar)
        if count >= _USUAL_SHARE * len(similar):
            yield (
                field,
                ngettext(
                    "%(num)s of %(total)s similar requests that found a partner says this.",
                    "%(num)s of %(total)s similar requests that found a partner say this.",
                    count,
                    total=len(similar),
                ),
            )


def _words(text: str) -> int:
    return len(_WORD.findall(text))


def _is_empty(value: Any) -> bool:
    return value in ("", None, []) or value is False
