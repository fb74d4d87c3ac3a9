"""Reads of places and classifications: ZIP codes, counties, regions, industries, capabilities.

Everything here is public; brokers' names and addresses are for administrators' pages only.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, bindparam, case, func, or_, select
from sqlalchemy.orm import selectinload

from portal.accounts.models import User
from portal.kernel.authorization import Actor
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.fulltext.vocabulary import Concept
from portal.kernel.manifest import Hindrance
from portal.kernel.paging import Page, keyset_page
from portal.regions.models import (
    BrokerAppointment,
    Capability,
    CapabilityLabel,
    Cluster,
    ClusterIndustry,
    County,
    NaicsCode,
    Region,
    RegionCounty,
    State,
    ZipCode,
    capability_broader,
)
from portal.regions.rules import CountyNames, closure, name_key, read_town

_LONGEST_NAME_WORDS = 7


@dataclass(frozen=True)
class Place:
    """A ZIP code's place; a town's is that of the ZIP code nearest to its middle.

    county: the county's label ("Jefferson County, KY") or empty.
    """

    zip_code: str
    place: str
    state: str
    county_fips: str | None
    county: str
    latitude: float
    longitude: float


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


@dataclass(frozen=True)
class ClusterView:
    """A cluster with its industries: (NAICS code, title) by subcluster."""

    key: str
    name: str
    kind: str
    industries: dict[str, list[tuple[str, str]]]


@dataclass(frozen=True)
class BrokerView:
    """A broker of a region, for administrators."""

    user_id: int
    name: str
    email: str
    appointed_at: Any


# Places


def find_zip(text: str) -> Place | None:
    """Return the place of a ZIP code ("40202", "40202-1234"), or None."""
    found = re.fullmatch(r"\s*(\d{5})(?:-?\d{4})?\s*", text, re.ASCII)
    if not found:
        return None
    code = session.get(ZipCode, found[1])
    return _place_of(code) if code is not None else None


def find_place(text: str) -> Place | None:
    """Return the place of a ZIP code or of a town ("Wichita", "Wichita, KS"), or None.

    Of several towns of that name it is one in a region of the portal, else the largest: that with
    most ZIP codes.
    """
    if any(letter.isdecimal() for letter in text):
        return find_zip(text)
    readings = read_town(text)
    # All ZIP codes are looked through, in 6 ms: towns are asked for too seldom to have an index.
    name = func.lower(ZipCode.place)
    rows = session.execute(
        select(ZipCode, name, State.name, RegionCounty.county_fips)
        .join(State, State.code == ZipCode.state)
        .outerjoin(RegionCounty, RegionCounty.county_fips == ZipCode.county_fips)
        .where(name.in_(readings))
        .order_by(ZipCode.state, ZipCode.zip_code)
    ).all()
    towns: dict[tuple[str, str], dict[str, ZipCode]] = defaultdict(dict)
    own = set()
    for code, town, state, region_county in rows:
        if readings[town] in ("", code.state.lower(), state.lower()):
            towns[town, code.state][code.zip_code] = code
            if region_county is not None:
                own.add((town, code.state))
    if not towns:
        return None
    best = max(towns, key=lambda town: (town in own, len(towns[town])))
    codes = list(towns[best].values())
    latitude = sum(code.latitude for code in codes) / len(codes)
    longitude = sum(code.longitude for code in codes) / len(codes)
    return _place_of(
        min(
            codes,
            key=lambda code: (code.latitude - latitude) ** 2 + (code.longitude - longitude) ** 2,
        )
    )


def _place_of(code: ZipCode) -> Place:
    county = session.get(County, code.county_fips) if code.county_fips else None
    return Place(
        code.zip_code,
        code.place,
        code.state,
        code.county_fips,
        county.label if county is not None else "",
        code.latitude,
        code.longitude,
    )


def find_zips(codes: Iterable[str]) -> dict[str, ZipCode]:
    """Return the rows of many five-digit ZIP codes, for importers."""
    return {row.zip_code: row for row in _rows_in(select(ZipCode), ZipCode.zip_code, codes)}


def time_zone_at(zip_code: Any, county_fips: Any) -> Any:
    """Return the time zone of a ZIP code, or else of the county's first, in SQL."""
    by_zip = (
        select(ZipCode.time_zone)
        .where(ZipCode.zip_code == func.substr(zip_code, 1, 5))
        .scalar_subquery()
    )
    by_county = (
        select(ZipCode.time_zone)
        .where(ZipCode.county_fips == county_fips, ZipCode.time_zone != "")
        .order_by(ZipCode.zip_code)
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(func.nullif(by_zip, ""), by_county)


def list_counties(*, state: str | None = None) -> list[County]:
    """Return the counties (of a state, by its postal code) by state and name."""
    statement = select(County).order_by(County.state, County.name)
    if state is not None:
        statement = statement.where(County.state == state)
    return list(session.scalars(statement))


def counties_by_fips(codes: Iterable[str]) -> dict[str, County]:
    """Return the counties that exist among FIPS codes."""
    return {county.fips: county for county in _rows_in(select(County), County.fips, codes)}


def county_labels(codes: Iterable[str]) -> dict[str, str]:
    """Return "Jefferson County, KY" by FIPS code, for facets and lists."""
    statement = select(County.fips, County.name, County.state)
    rows = _tuples_in(statement, County.fips, codes)
    return {fips: f"{name}, {state}" for fips, name, state in rows}


def county_names() -> CountyNames:
    """Return what finds counties by name and state; importers keep it for all their rows."""
    counties = session.execute(select(County.fips, County.name, County.state))
    states = session.execute(select(State.code, State.name))
    return CountyNames(
        [(fips, name, state) for fips, name, state in counties],
        dict(states.all()),
    )


def find_county(name: str, state: str) -> County | None:
    """Return the county of a name in any usual spelling, in a state by name or postal code."""
    wanted = name_key(state)
    for code, full_name in session.execute(select(State.code, State.name)):
        if wanted in (code.casefold(), name_key(full_name)):
            counties = {county.fips: county for county in list_counties(state=code)}
            names = CountyNames(
                [(county.fips, county.name, code) for county in counties.values()], {code: code}
            )
            return counties.get(names.find(name, code) or "")
    return None


def outlines_of(codes: Iterable[str]) -> dict[str, list[Any]]:
    """Return the outlines (rings of [longitude, latitude]) that are known, by FIPS code."""
    statement = select(County.fips, County.outline).order_by(County.fips)
    rows = _tuples_in(statement, County.fips, codes)
    return {fips: outline for fips, outline in rows if outline}


# Regions


def list_regions(*, cursor: str | None = None, limit: int = 100) -> Page[Region]:
    """Return a page of regions with their counties, by name."""
    statement = select(Region).options(selectinload(Region.counties))
    return keyset_page(statement, (Region.name, Region.id), cursor=cursor, limit=limit)


def get_region(region_id: int) -> Region:
    """Return a region with its counties. Raises NotFound."""
    return _region(Region.id == region_id)


def get_region_by_key(key: str) -> Region:
    """Return a region with its counties. Raises NotFound."""
    return _region(Region.key == key)


def _region(condition: Any) -> Region:
    statement = select(Region).options(selectinload(Region.counties)).where(condition)
    region = session.scalar(statement)
    if region is None:
        raise NotFound(_("There is no such region."))
    return region


def find_region(key: str) -> Region | None:
    """Return the region of a key, without its counties, or None."""
    return session.scalar(select(Region).where(Region.key == key))


def regions_by_id(region_ids: Collection[int]) -> list[Region]:
    """Return regions by name, without their counties."""
    if not region_ids:
        return []
    return list(
        session.scalars(select(Region).where(Region.id.in_(region_ids)).order_by(Region.name))
    )


def counties_of_region(region_id: int) -> list[County]:
    """Return a region's counties by state and name."""
    return list(
        session.scalars(
            select(County)
            .join(RegionCounty, RegionCounty.county_fips == County.fips)
            .where(RegionCounty.region_id == region_id)
            .order_by(County.state, County.name)
        )
    )


_BROKERS = select(User.id, User.name, User.email, BrokerAppointment.appointed_at).join(
    BrokerAppointment, BrokerAppointment.user_id == User.id
)


def list_brokers(region_id: int, limit: int = 200) -> list[BrokerView]:
    """Return a region's brokers by name; for administrators."""
    rows = session.execute(
        _BROKERS.where(BrokerAppointment.region_id == region_id)
        .order_by(User.name, User.id)
        .limit(limit)
    )
    return [BrokerView(*row) for row in rows]


def has_brokers(region_id: int) -> bool:
    """Tell whether a region has anybody to ask."""
    found = select(BrokerAppointment.user_id).where(BrokerAppointment.region_id == region_id)
    return session.scalar(found.limit(1)) is not None


def find_broker(region_id: int, user_id: int) -> BrokerView | None:
    """Return one of a region's brokers, or None; for administrators."""
    row = session.execute(
        _BROKERS.where(BrokerAppointment.region_id == region_id, User.id == user_id)
    ).one_or_none()
    return row and BrokerView(*row)


def broker_ids_of_county(county_fips: str | None) -> list[int]:
    """Return the users who are brokers of the regions of a county."""
    if county_fips is None:
        return []
    return list(
        session.scalars(
            select(BrokerAppointment.user_id)
            .join(RegionCounty, RegionCounty.region_id == BrokerAppointment.region_id)
            .where(RegionCounty.county_fips == county_fips)
            .distinct()
            .order_by(BrokerAppointment.user_id)
        )
    )


# Every request asks this, so it is put together once.
_ACTOR_FACTS = (
    select(BrokerAppointment.region_id, RegionCounty.county_fips)
    .outerjoin(RegionCounty, RegionCounty.region_id == BrokerAppointment.region_id)
    .where(BrokerAppointment.user_id == bindparam("user_id"))
)


def list_hindrances(actor: Actor) -> list[Hindrance]:
    """Return the regions that would be without this broker."""
    return [
        Hindrance(
            _("Ask an administrator to end your work as a broker of %(region)s.", region=name),
            f"/regions/{key}",
        )
        for name, key in session.execute(
            select(Region.name, Region.key)
            .where(Region.id.in_(sorted(actor.brokered_regions)))
            .order_by(Region.name)
        )
    ]


def actor_facts(user_id: int) -> Mapping[str, Any]:
    """Return what an actor is as a broker: region ids and county FIPS codes."""
    rows = session.execute(_ACTOR_FACTS, {"user_id": user_id}).all()
    return {
        "brokered_regions": frozenset(region_id for region_id, _fips in rows),
        "brokered_counties": frozenset(fips for _region_id, fips in rows if fips),
    }


# Industries and clusters


def naics_titles(codes: Iterable[str]) -> dict[str, str]:
    """Return the titles of the NAICS 2022 codes that exist."""
    statement = select(NaicsCode.code, NaicsCode.title)
    return dict(_tuples_in(statement, NaicsCode.code, codes))


def industries_named(words: str, limit: int = 3) -> list[tuple[str, str]]:
    """Return so many industries of six digits whose titles have all of these words, shortest first.

    Each with its title. A plural may be asked for in the singular.
    """
    wanted = [word.casefold().removesuffix("s") for word in re.findall(r"\w+", words)]
    if not wanted:
        return []
    title = func.lower(NaicsCode.title)
    rows = session.execute(
        select(NaicsCode.code, NaicsCode.title)
        .where(
            func.length(NaicsCode.code) == 6,
            *(title.contains(word, autoescape=True) for word in wanted),
        )
        .order_by(func.length(NaicsCode.title), NaicsCode.code)
        .limit(limit)
    )
    return [(row.code, row.title) for row in rows]


def cluster_keys_of(codes: Collection[str]) -> dict[str, str]:
    """Return the key of the cluster of each NAICS code that has one.

    A code of fewer than six digits has one where all its industries stand in the same.
    """
    statement = select(ClusterIndustry.naics_code, Cluster.key).join(
        Cluster, Cluster.id == ClusterIndustry.cluster_id
    )
    full = {code for code in codes if len(code) == 6}
    found = dict(_tuples_in(statement, ClusterIndustry.naics_code, full))
    wider = set(codes) - full
    within: dict[str, set[str]] = defaultdict(set)
    if wider:
        for industry, key in session.execute(statement.order_by(ClusterIndustry.naics_code)):
            for length in range(2, 6):
                within[industry[:length]].add(key)
    return found | {code: min(within[code]) for code in wider if len(within[code]) == 1}


def cluster_labels(keys: Iterable[str]) -> dict[str, str]:
    """Return the names of clusters in the reader's language by key, for facets."""
    statement = select(Cluster.key, _cluster_name())
    return dict(_tuples_in(statement, Cluster.key, keys))


def list_clusters() -> list[ClusterView]:
    """Return all clusters with their industries, traded ones first, by name.

    Names of clusters are in the reader's language, those of their industries in English.
    """
    name = _cluster_name()
    rows = session.execute(
        select(
            Cluster.key,
            name,
            Cluster.kind,
            ClusterIndustry.subcluster,
            NaicsCode.code,
            NaicsCode.title,
        )
        .join(ClusterIndustry, ClusterIndustry.cluster_id == Cluster.id)
        .join(NaicsCode, NaicsCode.code == ClusterIndustry.naics_code)
        .order_by(Cluster.kind.desc(), name, ClusterIndustry.subcluster, NaicsCode.code)
    )
    found: dict[str, ClusterView] = {}
    for key, label, kind, subcluster, code, title in rows:
        view = found.setdefault(key, ClusterView(key, label, kind, {}))
        view.industries.setdefault(subcluster, []).append((code, title))
    return list(found.values())


def _cluster_name() -> ColumnElement[str]:
    if str(get_locale()) != "es":
        return Cluster.name.expression
    return func.coalesce(func.nullif(Cluster.name_es, ""), Cluster.name)


# Capabilities


_USUAL_FIRST: Final = case({"preferred": 0, "alternate": 1}, value=CapabilityLabel.kind, else_=2)


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
    found = {row.key: row for row in _rows_in(statement, Capability.key, wanted)}
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
    for key, text in _tuples_in(statement, CapabilityLabel.capability_key, keys):
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
    return dict(_tuples_in(statement, Capability.key, keys))


def match_capability(text: str) -> str | None:
    """Return the key of the concept that has exactly this name, in any language or case."""
    return match_capabilities([text]).get(text)


def match_capabilities(texts: Collection[str]) -> dict[str, str]:
    """Return the keys of concepts by those texts that are a name (or a key) of one."""
    wanted = {text: name_key(text) for text in texts}
    statement = select(CapabilityLabel.match_key, CapabilityLabel.capability_key)
    by_name = dict(_tuples_in(statement, CapabilityLabel.match_key, wanted.values()))
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
    names = dict(_tuples_in(statement, CapabilityLabel.match_key, spans.values()))
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


def _rows_in(statement: Select[*tuple[Any, ...]], column: Any, values: Iterable[Any]) -> list[Any]:
    return [row for (row,) in _tuples_in(statement, column, values)]


def _tuples_in(
    statement: Select[*tuple[Any, ...]], column: Any, values: Iterable[Any]
) -> list[Any]:
    """Run a statement for many values of a column, in portions that every database takes."""
    wanted: Sequence[Any] = list(dict.fromkeys(values))
    found: list[Any] = []
    for start in range(0, len(wanted), 500):
        found.extend(session.execute(statement.where(column.in_(wanted[start : start + 500]))))
    return found
