"""Finding the candidates of a request: through search and the thesaurus, then by their facts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from portal.kernel.clock import today_here
from portal.kernel.fulltext.port import Hit, Key, Near, Query
from portal.kernel.search import search_index
from portal.matching.queries.facts import free_in_span, load_offered, read_kinship
from portal.matching.rules.criteria import compare
from portal.matching.rules.facts import Finding, Offered, Wanted
from portal.matching.rules.kinship import Kinship
from portal.matching.rules.scoring import (
    LOWEST_SCORE,
    Suits,
    find_obstacle,
    is_candidate,
    score,
    suits,
)
from portal.regions.queries.capabilities import preferred_labels

#: What a member finds; whoever is told of a match is one.
AUDIENCE = frozenset({"public", "member"})
#: So many are found by each question, weighed by what the index knows, and read from the database.
FOUND_BY_EACH = 40
WEIGHED = 60
#: So many of the best are kept, and so many of those that a hard criterion removed.
MOST_KEPT = 20
MOST_RULED_OUT = 5
#: So many machines are looked at for free time.
LOOKED_AT = 8

#: How much of what its records answer speaks for an organization.
OF_RECORDS = 0.7

#: In which kinds of records a request looks; what is looked for together shares one ranking.
_OF_NEEDS: tuple[tuple[str, ...], ...] = (
    ("equipment", "facility"),
    ("organization",),
    ("request",),
)
#: Whoever wants to learn something looks for programs first.
_OF_LEARNERS: tuple[tuple[str, ...], ...] = (("program",), *_OF_NEEDS)
#: What is offered is looked for by those who need it, not by those who have it as well; but
#: partners for something new are found by what they can do.
_OF_OFFERS: tuple[tuple[str, ...], ...] = (("request",),)
_OF_PARTNERS: tuple[tuple[str, ...], ...] = (("organization",), ("request",))
_PARTNERING = frozenset({"rd_cooperation", "technology", "consortium"})
_NOT_WORDS = re.compile(r'["+]|(?<!\w)-')


@dataclass(frozen=True)
class Candidate:
    """A candidate with how it compares; what removed it, if a hard criterion did."""

    offered: Offered
    findings: list[Finding]
    suits: Suits
    score: float
    obstacle: Finding | None


def find_candidates(wanted: Wanted) -> list[Candidate]:
    """Return the best candidates, the best first, and then the best of those ruled out."""
    kinship = read_kinship()
    relevance = _found(wanted)
    offered = load_offered(relevance, wanted)
    owners = _owners(offered, relevance)
    offered |= load_offered(owners.keys() - relevance.keys(), wanted)
    relevance |= owners
    candidates = [
        _compared(wanted, replace(one, relevance=relevance[key]), kinship)
        for key, one in offered.items()
        if one.organization_id != wanted.organization_id
    ]
    ranked = sorted(
        (one for one in candidates if is_candidate(one.findings) and one.score >= LOWEST_SCORE),
        key=lambda one: (-one.score, one.offered.key),
    )
    kept = [one for one in ranked if one.obstacle is None][:MOST_KEPT]
    kept = _with_free_time(wanted, kept, kinship)
    ruled_out = [one for one in ranked if one.obstacle is not None][:MOST_RULED_OUT]
    return [*kept, *ruled_out]


def _compared(wanted: Wanted, offered: Offered, kinship: Kinship) -> Candidate:
    findings = compare(wanted, offered, kinship, today_here())
    fitting = suits(wanted, offered)
    return Candidate(offered, findings, fitting, score(findings, fitting), find_obstacle(findings))


def _with_free_time(wanted: Wanted, kept: list[Candidate], kinship: Kinship) -> list[Candidate]:
    """Look at the calendars of the best machines, and put all in order again."""
    machines = [one.offered.id for one in kept if one.offered.kind == "equipment"]
    if wanted.kind != "equipment_sharing" or not machines:
        return kept
    free = free_in_span(machines[:LOOKED_AT], wanted)
    looked = [
        _compared(
            wanted,
            replace(
                one.offered,
                is_free=free[one.offered.id][0],
                free_on=free[one.offered.id][1],
            ),
            kinship,
        )
        if one.offered.kind == "equipment" and one.offered.id in free
        else one
        for one in kept
    ]
    return sorted(looked, key=lambda one: (-one.score, one.offered.key))


def _found(wanted: Wanted) -> dict[Key, float]:
    """Return what search finds for a request, with how well its words answer, from 0 to 1.

    Once by the capabilities that are asked for, the nearest first, and once by words.
    """
    engine = search_index().index
    asked = tuple(wanted.capabilities)
    near = Near(*wanted.point, wanted.radius_miles) if wanted.point else None
    labels = preferred_labels(asked) if asked else {}
    words = _NOT_WORDS.sub(" ", " ".join([*labels.values(), wanted.text]))
    hits: dict[Key, Hit] = {}
    relevance: dict[Key, float] = {}
    for kinds in _places_of(wanted):
        base = Query(
            audience=AUDIENCE,
            kinds=frozenset(kinds),
            facets={"direction": frozenset({_opposite(wanted)})} if kinds == ("request",) else {},
            limit=FOUND_BY_EACH,
        )
        said = engine.search(replace(base, text=words))
        found = [*said.hits, *said.partial]
        for hit in found:
            hits[hit.key] = hit
            relevance[hit.key] = hit.score
        if asked:
            able = replace(
                base,
                facets={**base.facets, "capability": frozenset(asked)},
                near=near,
                sort="distance" if near else "newest",
            )
            for hit in engine.search(able).hits:
                hits.setdefault(hit.key, hit)
    top = max(relevance.values(), default=0.0)
    weighed = {key: relevance.get(key, 0.0) / top if top else 0.0 for key in hits}
    best = sorted(weighed, key=lambda key: (-_promise(hits[key], weighed[key], asked), key))
    return {key: weighed[key] for key in best[:WEIGHED]}


def _promise(hit: Hit, relevance: float, asked: tuple[str, ...]) -> float:
    """How much a hit promises by what the index knows of it."""
    has = hit.facets.get("capability", ())
    return relevance + (sum(key in has for key in asked) / len(asked) if asked else 0.0)


def _owners(offered: Mapping[Key, Offered], relevance: Mapping[Key, float]) -> dict[Key, float]:
    """Return the organizations that have what was found, as well as their records answer."""
    owners: dict[Key, float] = {}
    for key, one in offered.items():
        if one.kind in ("equipment", "facility", "program"):
            owner = ("organization", one.organization_id)
            best = max(owners.get(owner, relevance.get(owner, 0.0)), OF_RECORDS * relevance[key])
            owners[owner] = best
    return owners


def _places_of(wanted: Wanted) -> tuple[tuple[str, ...], ...]:
    if wanted.direction == "need":
        return _OF_LEARNERS if wanted.kind == "training" else _OF_NEEDS
    return _OF_PARTNERS if wanted.kind in _PARTNERING else _OF_OFFERS


def _opposite(wanted: Wanted) -> str:
    return "offer" if wanted.direction == "need" else "need"
