"""Reads of the thesaurus: capabilities, their names, what is broader, narrower, or was meant."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from flask_babel import gettext as _
from sqlalchemy import Select, case, func, or_, select
from sqlalchemy.orm import selectinload

from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.fulltext.vocabulary import Concept
from portal.kernel.paging import Page, keyset_page
from portal.regions.models import Capability, CapabilityLabel, capability_broader
from portal.regions.queries.many import rows_in, tuples_in
from portal.regions.rules import closure, name_key

_LONGEST_NAME_WORDS = 7
_USUAL_FIRST: Final = case({"preferred": 0, "alternate": 1}, value=CapabilityLabel.kind, else_=2)


@dataclass(frozen=True)
class CapabilityNode:
    """A concept in the tree of the thesaurus, with what stands directly below it."""

    key: str
    label: str
    narrower: list["CapabilityNode"] = field(default_factory=list)


@dataclass(frozen=True)
class CapabilityMatch:
    """A concept suggested for what was typed; `matched` is the name that fits."""

    key: str
    label: str
    matched: str


def get_capability(key: str) -> Capability:
    """Return a concept with its names and what is directly above and below. Raises NotFound."""
    capability = session.scalar(
        select(Capability)
        .options(
            selectinload(Capability.broader),
            selectinload(Capability.narrower),
            selectinload(Capability.labels),
        )
        .where(Capability.key == key)
    )
    if capability is None:
        raise NotFound(_("There is no such capability."))
    return capability


def list_capabilities(
    *, broader: str | None = None, cursor: str | None = None, limit: int = 20
) -> Page[Capability]:
    """Return a page of concepts by label: all, or those directly below one."""
    statement: Select[Any] = select(Capability).options(
        selectinload(Capability.broader), selectinload(Capability.labels)
    )
    if broader:
        statement = statement.join(
            capability_broader, capability_broader.c.capability_key == Capability.key
        ).where(capability_broader.c.broader_key == broader)
    return keyset_page(statement, (Capability.label, Capability.key), cursor=cursor, limit=limit)


def capabilities_by_key(keys: Iterable[str]) -> list[Capability]:
    """Return those concepts that exist, in the order of the keys, with names and broader."""
    statement = select(Capability).options(
        selectinload(Capability.broader), selectinload(Capability.labels)
    )
    wanted = list(keys)
    found = {row.key: row for row in rows_in(statement, Capability.key, wanted)}
    return [found[key] for key in wanted if key in found]


def capability_tree(language: str = "en") -> list[CapabilityNode]:
    """Return the top concepts with all below them; a concept may stand in several places."""
    labels = preferred_labels(language=language)
    nodes = {key: CapabilityNode(key, label) for key, label in labels.items()}
    tops = set(nodes)
    for key, above in session.execute(
        select(capability_broader.c.capability_key, capability_broader.c.broader_key)
    ):
        nodes[above].narrower.append(nodes[key])
        tops.discard(key)
    for node in nodes.values():
        node.narrower.sort(key=lambda below: name_key(below.label))
    return sorted((nodes[key] for key in tops), key=lambda node: name_key(node.label))


def broader_closure(keys: Iterable[str]) -> frozenset[str]:
    """Return the concepts together with everything broader: what a record is found under."""
    relation = _relation(capability_broader.c.capability_key, capability_broader.c.broader_key)
    return frozenset(closure(keys, relation))


def broader_by_key(keys: Collection[str]) -> dict[str, list[str]]:
    """Return for each concept its own key and all that is broader, read at once for many."""
    if not keys:
        return {}
    relation = _relation(capability_broader.c.capability_key, capability_broader.c.broader_key)
    return {key: sorted(closure([key], relation)) for key in keys}


def narrower_closure(keys: Iterable[str]) -> dict[str, int]:
    """Return the concepts and everything narrower, with the number of steps down (0 for own)."""
    relation = _relation(capability_broader.c.broader_key, capability_broader.c.capability_key)
    return closure(keys, relation)


def _relation(start: Any, end: Any) -> dict[str, list[str]]:
    relation: dict[str, list[str]] = defaultdict(list)
    for one, other in session.execute(select(start, end)):
        relation[one].append(other)
    return relation


def labels_of(keys: Iterable[str]) -> dict[str, list[str]]:
    """Return the names of concepts in all languages by key, the preferred first; not the hidden."""
    found: dict[str, list[str]] = defaultdict(list)
    statement = (
        select(CapabilityLabel.capability_key, CapabilityLabel.text)
        .where(CapabilityLabel.kind != "hidden")
        .order_by(CapabilityLabel.kind.desc(), CapabilityLabel.language, CapabilityLabel.text)
    )
    for key, text in tuples_in(statement, CapabilityLabel.capability_key, keys):
        found[key].append(text)
    return dict(found)


def list_concepts() -> list[Concept]:
    """Return the thesaurus as search uses it; the preferred English names come first."""
    names: dict[str, list[str]] = defaultdict(list)
    for key, text in session.execute(
        select(CapabilityLabel.capability_key, CapabilityLabel.text).order_by(
            CapabilityLabel.language, _USUAL_FIRST, CapabilityLabel.match_key
        )
    ):
        names[key].append(text)
    narrower = _relation(capability_broader.c.broader_key, capability_broader.c.capability_key)
    return [
        Concept(key, tuple(found), tuple(sorted(narrower.get(key, ()))))
        for key, found in sorted(names.items())
    ]


def preferred_labels(keys: Iterable[str] | None = None, *, language: str = "en") -> dict[str, str]:
    """Return the concepts' names in a language ("es" or else English) by key; all without keys."""
    label = Capability.label_es if language == "es" else Capability.label
    statement = select(Capability.key, label)
    if keys is None:
        return dict(session.execute(statement).all())
    return dict(tuples_in(statement, Capability.key, keys))


def match_capability(text: str) -> str | None:
    """Return the key of the concept that has exactly this name, in any language or case."""
    return match_capabilities([text]).get(text)


def match_capabilities(texts: Collection[str]) -> dict[str, str]:
    """Return the keys of concepts by those texts that are a name (or a key) of one."""
    wanted = {text: name_key(text) for text in texts}
    statement = select(CapabilityLabel.match_key, CapabilityLabel.capability_key)
    by_name = dict(tuples_in(statement, CapabilityLabel.match_key, wanted.values()))
    keys = set(preferred_labels([text.strip() for text in wanted]))
    found = {}
    for text, folded in wanted.items():
        if text.strip() in keys:
            found[text] = text.strip()
        elif folded in by_name:
            found[text] = by_name[folded]
    return found


def resolve_capabilities(texts: Collection[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Return the keys that texts (names or keys) stand for, in their order, and the unknown ones.

    unknown: by text, the names of concepts that may be meant (at most three, perhaps none).
    """
    known = match_capabilities(texts)
    unknown: dict[str, list[str]] = {}
    for text in texts:
        if text not in known:
            words = sorted(text.split(), key=len, reverse=True)
            found = suggest_capabilities(text, 3)
            for word in words[:3]:
                found = found or suggest_capabilities(word, 3)
            unknown[text] = [match.label for match in found]
    return list(dict.fromkeys(known[text] for text in texts if text in known)), unknown


def match_phrases(text: str) -> list[tuple[str, str]]:
    """Return (words, key) for the names of concepts that stand in a text, longest first.

    "cnc milling louisville" → [("cnc milling", "cnc-milling")]; no word is used twice.
    """
    words = name_key(text).split()[:40]
    spans = {
        (start, end): " ".join(words[start:end])
        for start in range(len(words))
        for end in range(start + 1, min(start + _LONGEST_NAME_WORDS, len(words)) + 1)
    }
    statement = select(CapabilityLabel.match_key, CapabilityLabel.capability_key).where(
        CapabilityLabel.kind != "hidden"
    )
    names = dict(tuples_in(statement, CapabilityLabel.match_key, spans.values()))
    found: list[tuple[str, str]] = []
    used: set[int] = set()
    for (start, end), phrase in sorted(spans.items(), key=lambda item: item[0][0] - item[0][1]):
        if phrase in names and used.isdisjoint(range(start, end)):
            used.update(range(start, end))
            found.append((phrase, names[phrase]))
    return found


def suggest_capabilities(
    prefix: str, limit: int = 8, *, language: str = "en"
) -> list[CapabilityMatch]:
    """Return concepts of which a name, or a word in a name, begins with what was typed."""
    typed = name_key(prefix[:100])
    if not typed or limit < 1:
        return []
    begins = CapabilityLabel.match_key.startswith(typed, autoescape=True)
    within = CapabilityLabel.match_key.contains(f" {typed}", autoescape=True)
    label = Capability.label_es if language == "es" else Capability.label
    rows = session.execute(
        select(CapabilityLabel.capability_key, label, CapabilityLabel.text)
        .join(Capability, Capability.key == CapabilityLabel.capability_key)
        .where(or_(begins, within))
        .order_by(
            case((CapabilityLabel.match_key == typed, 0), (begins, 1), else_=2),
            _USUAL_FIRST,
            func.length(CapabilityLabel.match_key),
            CapabilityLabel.match_key,
        )
        .limit(limit * 6)
    )
    found: dict[str, CapabilityMatch] = {}
    for key, name, matched in rows:
        found.setdefault(key, CapabilityMatch(key, name, matched))
    return list(found.values())[:limit]
