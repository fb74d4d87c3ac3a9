"""What search means, as plainly as it can be said: loops over documents, no index.

The engine is compared with this. Only the splitting of text into words is shared with it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any, NamedTuple

from rapidfuzz.distance import OSA

from portal.kernel.fulltext.asked import Unit, understand
from portal.kernel.fulltext.language import terms_of, words_of
from portal.kernel.fulltext.port import MATCH, MATCH_END, Document, Fragment, Key, Query
from portal.kernel.fulltext.ranking import miles_between

PUBLIC = frozenset({"public"})
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def record(id: int, title: str = "", **fields: Any) -> Document:  # noqa: A002 - as in Document
    """A document with everything that does not matter to the test filled in."""
    values: dict[str, Any] = {
        "kind": "organization",
        "url": f"/records/{id}",
        "audience": PUBLIC,
        "updated_at": NEW_YEAR + timedelta(hours=id),
    }
    return Document(id=id, title=title, **(values | fields))


def matches_of(fragment: Fragment) -> list[str]:
    """The words for which a piece of text was shown."""
    return re.findall(f"{MATCH}(.*?){MATCH_END}", fragment.marked)


class Answer(NamedTuple):
    keys: frozenset[Key]
    counts: dict[str, dict[str, int]]
    suggestion: str | None
    is_fuzzy: bool


def fields_of(document: Document) -> list[str]:
    texts = [document.title, document.organization, document.summary, document.body]
    return [*texts, *document.keywords]


def says(document: Document, terms: tuple[str, ...]) -> bool:
    for text in fields_of(document):
        own = terms_of(words_of(text))
        if any(tuple(own[at : at + len(terms)]) == terms for at in range(len(own))):
            return True
    return False


def answer(corpus: Iterable[Document], query: Query) -> Answer:
    visible = [d for d in corpus if d.audience & query.audience]
    found, suggestion, is_fuzzy = _matching(visible, query.text)
    if query.near and query.near.radius_miles is not None:
        found = [d for d in found if distance(d, query) <= query.near.radius_miles]
    selected = {name: values for name, values in query.facets.items() if values}
    if query.kinds:
        selected["kind"] = query.kinds
    names = {"kind", *selected, *(name for d in found for name in d.facets)}
    counts = {}
    for name in names:
        others = {other: values for other, values in selected.items() if other != name}
        counter = Counter(
            value for d in found if _has_all(d, others) for value in set(_values(d, name))
        )
        counts[name] = {**dict.fromkeys(selected.get(name, ()), 0), **counter}
    keys = frozenset(d.key for d in found if _has_all(d, selected))
    return Answer(keys, {n: c for n, c in counts.items() if c}, suggestion, is_fuzzy)


def distance(document: Document, query: Query) -> float:
    if document.latitude is None or document.longitude is None:
        return inf
    assert query.near is not None
    here = (round(document.latitude, 5), round(document.longitude, 5))
    return miles_between(query.near.latitude, query.near.longitude, *here)


def _values(document: Document, facet: str) -> tuple[str, ...]:
    return (document.kind,) if facet == "kind" else document.facets.get(facet, ())


def _has_all(document: Document, selected: dict[str, frozenset[str]]) -> bool:
    return all(values & set(_values(document, name)) for name, values in selected.items())


def _matching(visible: list[Document], text: str) -> tuple[list[Document], str | None, bool]:
    asked = understand(text)
    allowed = [d for d in visible if not any(says(d, unit.terms) for unit in asked.unwanted)]
    if not asked.wanted:
        return allowed, None, False
    choices = [[unit.terms] for unit in asked.wanted]
    if strict := _with_all(allowed, choices):
        return strict, None, False
    corrected = asked.text
    best = []
    for at, unit in reversed(list(enumerate(asked.wanted))):
        words = _corrections(visible, unit)
        if words:
            choices[at] = [tuple(terms_of([word])) for word in words]
            corrected = corrected[: unit.start] + words[0] + corrected[unit.end :]
        best.append([choices[at][0]])
    if corrected != asked.text and (repaired := _with_all(allowed, choices)):
        return repaired, corrected if _with_all(allowed, best) else None, True
    musts = [choices[at] for at, unit in enumerate(asked.wanted) if unit.sign == "+"]
    if musts:
        loose = _with_all(allowed, musts)
    else:
        loose = [d for d in allowed if any(says(d, t) for choice in choices for t in choice)]
    return loose, None, bool(loose)


def _with_all(documents: list[Document], choices: list[list[tuple[str, ...]]]) -> list[Document]:
    return [d for d in documents if all(any(says(d, t) for t in choice) for choice in choices)]


def _corrections(visible: list[Document], unit: Unit) -> list[str]:
    word = unit.words[0]
    is_plain = not unit.sign and len(unit.words) == 1 and len(word) >= 4 and word.isalpha()
    if not is_plain or any(says(d, unit.terms) for d in visible):
        return []
    frequency = Counter(
        other for d in visible for other in {w for text in fields_of(d) for w in words_of(text)}
    )
    for away in range(1, 2 if len(word) < 6 else 3):
        near = [
            (-count, other)
            for other, count in frequency.items()
            if len(other) > 2 and other.isalpha() and OSA.distance(word, other) == away
        ]
        if near:
            return [other for _, other in sorted(near)[:5]]
    return []
