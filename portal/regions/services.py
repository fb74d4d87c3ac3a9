"""Commands: drawing regions, appointing brokers, loading the reference data.

The reference files stand in `portal/regions/data`; loading them again changes nothing.
"""

import csv
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import zipcodes
from flask_babel import gettext as _
from sqlalchemy import bindparam, delete, select, update

from portal.accounts.models import User
from portal.kernel.authorization import Actor
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Invalid, NotFound
from portal.kernel.outbox import record
from portal.kernel.reference import Part, Row, portions, sync, table_of
from portal.regions.events import BrokerAppointed, BrokerDismissed, RegionChanged, RegionCreated
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
from portal.regions.policies import Permission
from portal.regions.queries.counties import counties_by_fips, county_names
from portal.regions.rules import CountyNames, decode_outlines, name_key, slug

DATA = Path(__file__).parent / "data"
MOST_COUNTIES = 400


@dataclass(frozen=True)
class LoadReport:
    """What a load of the reference data did, in rows; `has_outlines` tells of county maps."""

    total: int
    added: int
    changed: int
    removed: int
    has_outlines: bool

    @property
    def is_unchanged(self) -> bool:
        return not (self.added or self.changed or self.removed)


# Regions


@command(Permission.REGION_MANAGE)
def create_region(
    actor: Actor,
    *,
    name: str,
    county_fips: Sequence[str],
    key: str = "",
    summary: str = "",
    is_demo: bool = False,
) -> Region:
    """Draw a region as a set of counties.

    county_fips: FIPS codes, or names with the state ("Jefferson County, KY").
    key: its name in addresses; made from the name where it is left out.
    """
    key = slug(key or name)[:60]
    if not key:
        raise Invalid("name", _("Please use letters or digits in the name."))
    _refuse_taken(name, key, other_than=None)
    codes = _known_counties(county_fips)
    region = Region(key=key, name=name, summary=summary, is_demo=is_demo)
    session.add(region)
    session.flush()
    _set_counties(region, codes)
    record(RegionCreated(region.id))
    return region


@command(Permission.REGION_MANAGE)
def change_region(
    actor: Actor, region: Region, *, name: str, county_fips: Sequence[str], summary: str = ""
) -> Region:
    """Give a region another name, summary or other counties; its key stays."""
    _refuse_taken(name, region.key, other_than=region.id)
    codes = _known_counties(county_fips)
    moved = _set_counties(region, codes)
    if moved or (region.name, region.summary) != (name, summary):
        region.name, region.summary = name, summary
        record(RegionChanged(region.id, sorted(moved)))
    return region


@command(Permission.BROKER_APPOINT)
def appoint_broker(actor: Actor, region: Region, *, email: str) -> User:
    """Make a user, named by the address, a broker of the region."""
    address = email.strip().lower()
    user = session.scalar(select(User).where(User.email == address, User.is_active))
    if user is None:
        raise Invalid("email", _("Nobody has signed up with this address yet."))
    if session.get(BrokerAppointment, (region.id, user.id)) is not None:
        raise Invalid("email", _("%(name)s is a broker of this region already.", name=user.name))
    session.add(
        BrokerAppointment(region_id=region.id, user_id=user.id, appointed_by_id=actor.user_id)
    )
    record(BrokerAppointed(region.id, user.id))
    return user


@command(Permission.BROKER_APPOINT)
def dismiss_broker(actor: Actor, region: Region, *, user_id: int) -> None:
    """End a broker's appointment."""
    appointment = session.get(BrokerAppointment, (region.id, user_id))
    if appointment is None:
        raise NotFound(_("This person is not a broker of this region."))
    session.delete(appointment)
    record(BrokerDismissed(region.id, user_id))


def _refuse_taken(name: str, key: str, *, other_than: int | None) -> None:
    for column, value in ((Region.name, name), (Region.key, key)):
        taken = session.scalar(select(Region.id).where(column == value))
        if taken is not None and taken != other_than:
            raise Invalid("name", _("There is a region of this name already."))


def _known_counties(entries: Sequence[str]) -> list[str]:
    """Return the FIPS codes of entries such as "21111", "21111 Jefferson" or "Jefferson, KY"."""
    names: CountyNames | None = None
    codes: dict[str, str | None] = {}
    for entry in entries:
        digits = re.match(r"\d{5}(?!\d)", entry.strip(), re.ASCII)
        if digits:
            codes[entry] = digits[0]
        else:
            names = names or county_names()
            county, _comma, state = entry.rpartition(",")
            codes[entry] = names.find(county, state)
    known = counties_by_fips(code for code in codes.values() if code)
    unknown = [entry for entry, code in codes.items() if code not in known]
    if unknown:
        raise Invalid(
            "county_fips",
            _("These counties are not known: %(names)s.", names="; ".join(unknown[:10])),
        )
    if not known:
        raise Invalid("county_fips", _("A region needs at least one county."))
    if len(known) > MOST_COUNTIES:
        raise Invalid(
            "county_fips", _("A region has at most %(most)d counties.", most=MOST_COUNTIES)
        )
    return list(known)


def _set_counties(region: Region, codes: Iterable[str]) -> set[str]:
    """Make the codes the region's counties; return those that came or went."""
    wanted = set(codes)
    present = set(
        session.scalars(select(RegionCounty.county_fips).where(RegionCounty.region_id == region.id))
    )
    gone, new = present - wanted, wanted - present
    if gone:
        session.execute(
            delete(RegionCounty).where(
                RegionCounty.region_id == region.id, RegionCounty.county_fips.in_(gone)
            )
        )
    session.add_all(RegionCounty(region_id=region.id, county_fips=fips) for fips in sorted(new))
    session.flush()
    session.expire(region, ["counties"])
    return gone | new


# Reference data


@command(Permission.REFERENCE_LOAD)
def load_reference(
    actor: Actor,
    *,
    outlines: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> LoadReport:
    """Bring the reference tables to the state of the files; idempotent.

    outlines: the TopoJSON file with the county outlines; where it is missing, outlines stay as
    they are. progress: called with the rows done and their total.
    """
    parts = _read_parts()
    county_outlines = _read_outlines(outlines) if outlines and outlines.exists() else {}
    total = sum(len(part.rows) for part in parts) + len(county_outlines)
    done = added = changed = removed = 0
    for part in parts:
        counts = sync(part)
        added, changed, removed = added + counts[0], changed + counts[1], removed + counts[2]
        done += len(part.rows)
        progress(done, total)
    for portion in portions(list(county_outlines.items())):
        changed += _sync_outlines(dict(portion))
        done += len(portion)
        progress(done, total)
    session.expire_all()
    return LoadReport(total, added, changed, removed, bool(county_outlines))


def _read_parts() -> list[Part]:
    """Read all reference tables, in the order in which they point to each other."""
    states = [(row["code"], row["fips"], row["name"]) for row in _read_csv("states.csv")]
    counties = [
        (
            row["fips"],
            row["name"],
            row["state"],
            float(row["latitude"]),
            float(row["longitude"]),
        )
        for row in _read_csv("counties.csv")
    ]
    naics = [(row["code"], row["title"]) for row in _read_csv("naics_2022.csv")]
    return [
        Part(table_of(State), ("code", "fips", "name"), 1, states),
        Part(table_of(County), ("fips", "name", "state", "latitude", "longitude"), 1, counties),
        Part(
            table_of(ZipCode),
            ("zip_code", "place", "state", "county_fips", "latitude", "longitude", "time_zone"),
            1,
            _read_zip_codes(counties, {code: name for code, _fips, name in states}),
            only_ours=True,
        ),
        Part(table_of(NaicsCode), ("code", "title"), 1, naics),
        *_read_clusters({code for code, _title in naics}),
        *_read_capabilities(),
    ]


def _read_csv(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _read_zip_codes(counties: Sequence[Row], states: Mapping[str, str]) -> list[Row]:
    names = CountyNames([(fips, name, state) for fips, name, state, *_center in counties], states)
    centers = {fips: (latitude, longitude) for fips, _n, _s, latitude, longitude in counties}
    of_state: dict[str, list[str]] = {}
    for fips, _name, state, *_center in counties:
        of_state.setdefault(state, []).append(fips)
    found = []
    known: dict[tuple[str, str], str | None] = {}
    zones = available_timezones()
    for row in zipcodes.list_all():
        state, county = row["state"], row["county"]
        if (state, county) not in known:
            known[state, county] = names.find(county, state)
        fips = known[state, county]
        if fips is None and len(of_state.get(state, ())) == 1:
            fips = of_state[state][0]
        latitude, longitude = round(float(row["lat"]), 5), round(float(row["long"]), 5)
        if not latitude and not longitude:
            if fips is None:
                continue  # military post offices abroad: no place to show
            latitude, longitude = centers[fips]
        # A few hundred rows name none, and one a village.
        zone = row["timezone"] if row["timezone"] in zones else ""
        found.append((row["zip_code"], row["city"], state, fips, latitude, longitude, zone))
    return found


def _read_clusters(known_codes: set[str]) -> list[Part]:
    industries = list(_read_csv("clusters.csv"))
    names = {row["cluster"]: row["kind"] for row in industries}
    in_spanish = {row["cluster"]: row["name_es"] for row in _read_csv("cluster_names_es.csv")}
    ids = dict(session.execute(select(Cluster.key, Cluster.id)).all())
    following = max(ids.values(), default=0)
    clusters = []
    for name, kind in names.items():
        key = slug(name)
        if key not in ids:
            following += 1
            ids[key] = following
        clusters.append((ids[key], key, name, in_spanish[name], kind))
    place = {row["naics"]: (ids[slug(row["cluster"])], row["subcluster"]) for row in industries}
    for row in _read_csv("naics_successors.csv"):
        place[row["code"]] = place[row["takes_cluster_of"]]
    rows = [(code, *where) for code, where in place.items() if code in known_codes]
    return [
        Part(table_of(Cluster), ("id", "key", "name", "name_es", "kind"), 1, clusters),
        Part(
            table_of(ClusterIndustry),
            ("naics_code", "cluster_id", "subcluster"),
            2,
            rows,
            only_ours=True,
        ),
    ]


def _read_capabilities() -> list[Part]:
    concepts = tomllib.loads((DATA / "capabilities.toml").read_text("utf-8"))
    capabilities, broader = [], []
    labels: dict[str, Row] = {}
    for key, concept in concepts.items():
        capabilities.append((key, concept["label"], concept["label_es"], concept["definition"]))
        broader += [(key, other) for other in concept["broader"]]
        names = [
            (concept["label"], "preferred", "en"),
            *((name, "alternate", "en") for name in concept["also"]),
            (concept["label_es"], "preferred", "es"),
            *((name, "hidden", "en") for name in concept.get("hidden", ())),
            *((name, "hidden", "es") for name in concept.get("hidden_es", ())),
        ]
        for name, kind, language in names:
            # A word that both languages share needs to be found only once.
            labels.setdefault(name_key(name), (name_key(name), key, name, kind, language))
    return [
        Part(table_of(Capability), ("key", "label", "label_es", "definition"), 1, capabilities),
        Part(capability_broader, ("capability_key", "broader_key"), 2, broader, only_ours=True),
        Part(
            table_of(CapabilityLabel),
            ("match_key", "capability_key", "text", "kind", "language"),
            1,
            list(labels.values()),
            only_ours=True,
        ),
    ]


def _read_outlines(path: Path) -> dict[str, list[Any]]:
    topology = json.loads(path.read_text("utf-8"))
    return {
        fips: [[list(point) for point in ring] for ring in rings]
        for fips, rings in decode_outlines(topology).items()
    }


def _sync_outlines(outlines: Mapping[str, list[Any]]) -> int:
    """Store the outlines that differ; return their number."""
    rows = session.execute(
        select(County.fips, County.outline).where(County.fips.in_(list(outlines)))
    )
    different = [
        {"code": fips, "rings": outlines[fips]}
        for fips, outline in rows
        if outline != outlines[fips]
    ]
    if different:
        # One prepared statement for all: thousands of single updates take ten times as long.
        counties = table_of(County)
        statement = (
            update(counties)
            .where(counties.c.fips == bindparam("code"))
            .values(outline=bindparam("rings"))
        )
        session.connection().execute(statement, different)
    return len(different)
