"""Reads of where demand and supply of skills part. What is shown here is the same for every reader.

All open demands of all firms are read and parted into cells; filters only choose among the cells.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flask_babel import gettext as _
from sqlalchemy import BigInteger, ColumnElement, String, and_, case, cast, func, or_, select

from portal.kernel.authorization import Actor, visible
from portal.kernel.clock import today_here
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.settled import settled
from portal.organizations.models import Organization
from portal.regions.models import County, Region, RegionCounty
from portal.regions.queries.counties import county_labels
from portal.skills.models import Skill
from portal.skills.queries import capability_keys_of, skill_labels
from portal.training.models.demands import SkillDemand
from portal.training.models.enrollments import Enrollment
from portal.training.models.programs import Program, ProgramSkill
from portal.training.models.sections import Section
from portal.training.policies import Permission
from portal.training.queries.sections import can_enroll
from portal.training.rules.demands import quarter_code, quarter_label, quarter_of, read_quarter
from portal.training.rules.gaps import (
    Area,
    Array,
    Cell,
    Demands,
    Gap,
    Key,
    Supplied,
    cells_covering,
    find_cell,
    in_order,
    make_cells,
    serve,
)

#: So many rows stand on a page.
PAGE = 50
#: So many rows of the table are read at once.
GAPS_AT_ONCE = 500
#: When so many skills have changed, all are read: one pass over the table is faster.
_MANY_SKILLS = 40
_NONE = np.empty(0, np.int64)


@dataclass(frozen=True)
class GapRow:
    """A gap in words, with what could close it.

    programs: how many programs that the reader sees teach the skill; own: (id, title) of those of
    the reader's organizations; planned: (id, title) of a section of theirs that waits to be opened.
    capabilities: what the skill serves, by which firms that could send people are found.
    """

    gap: Gap
    skill: str
    area: str
    quarter: str
    programs: int
    own: tuple[tuple[int, str], ...] = ()
    planned: tuple[int, str] | None = None
    capabilities: Sequence[str] = ()

    @property
    def reference(self) -> dict[str, str]:
        """The row's cell, as addresses name it."""
        return {
            "skill": self.gap.skill,
            "area": "-".join(self.gap.area),
            "quarter": "" if self.gap.quarter is None else quarter_code(self.gap.quarter),
        }


@dataclass(frozen=True)
class GapFilters:
    """What a reader looks at: all of it, or cells of a field of work, skill, regions and so on.

    only_asked: without seats beside which no demand is shown.
    """

    kind: str = ""
    skill: str = ""
    region_ids: Collection[int] = ()
    county: str = ""
    quarter: str = ""
    only_asked: bool = False
    only_missing: bool = False


@dataclass(frozen=True)
class GapPage:
    """Rows of the gap view, and the sums of all rows that the filters choose.

    idle: how many rows of mere seats the filters leave out.
    """

    rows: list[GapRow]
    total: int
    people: int
    seats: int
    idle: int
    next: int | None


@dataclass(frozen=True)
class _Kept:
    """What was made of the demands, under what tells of each skill whether they have changed."""

    general: tuple[Any, ...]
    versions: Mapping[str, tuple[Any, ...]]
    area_of: Mapping[str, Area]
    asked: Mapping[Key, Gap]


#: What this process has made of the demands, by the address of their database.
_kept: dict[str, _Kept] = {}


def show_gaps(actor: Actor, filters: GapFilters, *, start: int = 0, limit: int = PAGE) -> GapPage:
    """Return rows of the gap view from a number on, the largest gap first."""
    chosen = _choose(filters)
    gaps = _asked(chosen, filters)
    return GapPage(
        _rows_of(actor, gaps[start : start + limit]),
        len(gaps),
        sum(gap.people for gap in gaps),
        sum(gap.seats for gap in gaps),
        len(chosen) - len(gaps),
        start + limit if start + limit < len(gaps) else None,
    )


def read_gaps(actor: Actor, filters: GapFilters) -> Iterator[GapRow]:
    """Return all rows of the gap view, the largest gap first, read in parts as they are asked for.

    What they tell of, and in which order, is settled with the first.
    """
    gaps = _asked(_choose(filters), filters)
    for start in range(0, len(gaps), GAPS_AT_ONCE):
        yield from _rows_of(actor, gaps[start : start + GAPS_AT_ONCE])


def _asked(chosen: list[Gap], filters: GapFilters) -> list[Gap]:
    return [gap for gap in chosen if gap.firms] if filters.only_asked else chosen


def _rows_of(actor: Actor, shown: Sequence[Gap]) -> list[GapRow]:
    keys = {gap.skill for gap in shown}
    labels = skill_labels(keys)
    areas = _area_labels({gap.area for gap in shown})
    programs = _programs(actor, keys)
    planned = _planned(actor, {gap.key for gap in shown})
    capabilities = capability_keys_of(keys)
    return [
        GapRow(
            gap,
            labels[gap.skill],
            areas[gap.area],
            _("from now on") if gap.quarter is None else quarter_label(gap.quarter),
            len(programs.get(gap.skill, ())),
            tuple(
                (number, title)
                for number, title, owner in programs.get(gap.skill, ())
                if owner in actor.memberships
            ),
            planned.get(gap.key),
            capabilities.get(gap.skill, ()),
        )
        for gap in shown
    ]


def get_cell(reference: Mapping[str, str]) -> Cell:
    """Return the cell of a row's reference. Raises NotFound where none is shown."""
    key = _key_of(reference)
    cell = find_cell(_demands(quarter_of(today_here()), [key[0]]), _area_of(), key)
    if cell is None:
        raise NotFound(_("So few firms ask for this now that it is not shown."))
    return cell


def _key_of(reference: Mapping[str, str]) -> Key:
    kind, _dash, place = reference.get("area", "").partition("-")
    return reference.get("skill", ""), (kind, place), read_quarter(reference.get("quarter", ""))


def name_cell(cell: Cell) -> str:
    """Return where and when a cell is, in words: "Jefferson County, KY, Q1 2027"."""
    return _in_words(cell.area, cell.quarter)


def name_reference(reference: Mapping[str, str]) -> str:
    """Return where and when a row's reference is, whether anything is shown there; else ""."""
    _skill, (kind, place), quarter = _key_of(reference)
    is_known = place.isdecimal() if kind in ("county", "region") else kind == "state"
    return _in_words((kind, place), quarter) if is_known and len(place) < 10 else ""


def _in_words(area: Area, quarter: int | None) -> str:
    when = _("from now on") if quarter is None else quarter_label(quarter)
    return f"{_area_labels({area})[area]}, {when}"


def quarters_shown() -> list[tuple[str, str]]:
    """Return code and label of this quarter and the seven that follow."""
    first = quarter_of(today_here())
    return [(quarter_code(number), quarter_label(number)) for number in range(first, first + 8)]


def own_regions(actor: Actor) -> list[int]:
    """Return the regions that the actor brokers, or else those of the organizations for which the
    actor sees the gap view."""
    if actor.brokered_regions:
        return sorted(actor.brokered_regions)
    return list(
        session.scalars(
            select(RegionCounty.region_id)
            .join(Organization, Organization.county_fips == RegionCounty.county_fips)
            .where(
                Organization.id.in_(sorted(actor.memberships)), visible(actor, Permission.GAP_VIEW)
            )
            .distinct()
            .order_by(RegionCounty.region_id)
        )
    )


def provider_of(actor: Actor) -> Organization | None:
    """Return an organization for which the actor may see the gap view, if any."""
    if not actor.memberships:
        return None
    return session.scalar(
        select(Organization)
        .where(
            Organization.id.in_(sorted(actor.memberships)),
            visible(actor, Permission.GAP_VIEW),
        )
        .order_by(Organization.name, Organization.id)
        .limit(1)
    )


def own_programs(actor: Actor, skill: str) -> list[tuple[int, str]]:
    """Return (id, title) of programs that teach a skill for which the actor may plan a section."""
    rows = session.execute(
        select(Program.id, Program.title)
        .join(ProgramSkill, ProgramSkill.program_id == Program.id)
        .join(Organization, Organization.id == Program.organization_id)
        .where(
            ProgramSkill.skill_key == skill,
            Program.organization_id.in_(sorted(actor.memberships)),
            Program.is_archived.is_(False),
            Program.visibility != "draft",
            visible(actor, Permission.SECTION_CREATE),
        )
        .order_by(Program.title, Program.id)
    )
    return [(number, title) for number, title in rows]


def warm_up() -> None:
    """Make the cells before anybody asks for them."""
    _load()


def forget() -> None:
    """Keep nothing of what was made of the demands."""
    _kept.clear()


# Cells and supply


def _choose(filters: GapFilters) -> list[Gap]:
    kept = _load()
    gaps = serve(kept.asked, _supplies(), kept.area_of)
    if filters.kind:
        keys = set(session.scalars(select(Skill.key).where(Skill.kind == filters.kind)))
        gaps = [gap for gap in gaps if gap.skill in keys]
    if filters.skill:
        gaps = [gap for gap in gaps if gap.skill == filters.skill]
    if filters.region_ids:
        counties = session.scalars(
            select(RegionCounty.county_fips).where(
                RegionCounty.region_id.in_(sorted(filters.region_ids))
            )
        )
        areas = _areas_of(set(counties), kept.area_of)
        gaps = [gap for gap in gaps if gap.area in areas]
    if filters.county:
        areas = _areas_of({filters.county}, kept.area_of)
        gaps = [gap for gap in gaps if gap.area in areas]
    quarter = read_quarter(filters.quarter)
    if quarter is not None:
        gaps = [gap for gap in gaps if gap.quarter in (quarter, None)]
    if filters.only_missing:
        gaps = [gap for gap in gaps if gap.missing > 0]
    return gaps


def _areas_of(counties: Collection[str], area_of: Mapping[str, Area]) -> set[Area]:
    """Return where the demand of counties may be shown: there, or pooled with others."""
    return {("county", fips) for fips in counties} | {
        area_of[fips] for fips in counties if fips in area_of
    }


def _load() -> _Kept:
    """Return the cells of all open demands; those of skills are made anew that have changed."""
    first = quarter_of(today_here())
    general, versions = settled(("skill-demands", first), lambda: _versions(first))
    database = str(session.connection().engine.url)
    kept = _kept.get(database)
    if kept is not None and kept.general == general and kept.versions == versions:
        return kept
    if kept is not None and kept.general == general:
        area_of, standing = kept.area_of, versions.items() & kept.versions.items()
    else:
        area_of, standing = _area_of(), set()
    unchanged = {key for key, _version in standing}
    changed = sorted(set(versions) - unchanged)
    if kept is None or len(changed) > _MANY_SKILLS:
        asked = make_cells(_demands(first, None), area_of)
    else:
        anew = make_cells(_demands(first, changed), area_of)
        same = (gap for gap in kept.asked.values() if gap.skill in unchanged)
        asked = in_order([*same, *anew.values()])
    kept = _Kept(general, versions, area_of, asked)
    # Another thread may put its own there: both are right.
    _kept[database] = kept
    return kept


def _versions(first: int) -> tuple[tuple[Any, ...], dict[str, tuple[Any, ...]]]:
    """Return what changes with regions and with which firms count, and by skill with its demands.

    No change of one or two firms leaves their numbers' sum and sum of squares alike.
    """
    number = cast(Organization.id, BigInteger)  # of four bytes, squares would not fit
    regions = select(func.count(), func.max(Region.updated_at), func.max(Region.id))
    firms = select(func.count(), func.sum(number), func.sum(number * number)).where(_counts())
    demands = (
        select(
            SkillDemand.skill_key,
            func.count(),
            func.max(SkillDemand.updated_at),
            func.sum(SkillDemand.id),
        )
        .where(SkillDemand.status == "open", SkillDemand.quarter >= first)
        .group_by(SkillDemand.skill_key)
    )
    run = session.connection().execute
    return (
        (first, *(tuple(run(part).one()) for part in (regions, firms))),
        {key: tuple(version) for key, *version in run(demands)},
    )


def _counts() -> ColumnElement[bool]:
    """Say which firms count: anybody can register three firms that ask for what a fourth one does,
    and read what that needs as what is left. So a broker has to have verified each."""
    return and_(Organization.status == "active", Organization.verified_at.is_not(None))


def _demands(first: int, skills: Sequence[str] | None) -> Demands:
    """Return what is counted of the open demands: of all skills, or of these.

    A database hands out few long texts much faster than many rows: of each column one, in the same
    order, since one pass over the rows makes all of them.
    """
    highest = func.coalesce(SkillDemand.wage_max_cents, SkillDemand.wage_min_cents)
    columns: tuple[Any, ...] = (
        SkillDemand.skill_key,
        SkillDemand.county_fips,
        SkillDemand.quarter,
        SkillDemand.organization_id,
        SkillDemand.people,
        func.coalesce((SkillDemand.wage_min_cents + highest) // 2, -1),
        case((SkillDemand.is_cofunding, 1), else_=0)
        + case((SkillDemand.hosts_apprentices, 2), else_=0),
    )
    statement = select(*(func.aggregate_strings(cast(one, String), " ") for one in columns)).where(
        SkillDemand.status == "open", SkillDemand.quarter >= first
    )
    if skills is not None:
        statement = statement.where(SkillDemand.skill_key.in_(skills))
    run = session.connection().execute
    texts = [text or "" for text in run(statement).one()]
    numbers = [np.fromstring(text, np.int64, sep=" ") if text else _NONE for text in texts[2:]]
    firms = [number for (number,) in run(select(Organization.id).where(_counts())).all()]
    (skill_names, skill), (counties, county) = (_coded(text.split()) for text in texts[:2])
    counts = np.isin(numbers[1], np.array(firms, np.int64))
    return Demands(skill_names, counties, *(one[counts] for one in (skill, county, *numbers)))


def _coded(texts: Sequence[str]) -> tuple[list[str], Array]:
    """Return each text once, and for each of them its place among those."""
    found = sorted(set(texts))
    places = {text: place for place, text in enumerate(found)}
    return found, np.fromiter(map(places.__getitem__, texts), np.int64, len(texts))


def _area_of() -> dict[str, Area]:
    """Return with what each county is pooled: its region, the oldest if several; else its state."""
    run = session.connection().execute
    found: dict[str, Area] = {
        fips: ("state", state) for fips, state in run(select(County.fips, County.state)).all()
    }
    for fips, number in run(
        select(RegionCounty.county_fips, RegionCounty.region_id).order_by(
            RegionCounty.region_id.desc()
        )
    ).all():
        found[fips] = ("region", str(number))
    return found


def _supplies() -> list[Supplied]:
    """Return the free seats of sections in which one can enroll, and of those only planned; a
    section counts where it ends."""
    taken = (
        select(Enrollment.section_id, func.count(Enrollment.seat).label("taken"))
        .group_by(Enrollment.section_id)
        .subquery()
    )
    rows = session.connection().execute(
        select(
            ProgramSkill.skill_key,
            Section.county_fips,
            Section.ends_on,
            Section.status == "planned",
            Section.seats - func.coalesce(taken.c.taken, 0),
        )
        .join(Program, Program.id == Section.program_id)
        .join(ProgramSkill, ProgramSkill.program_id == Program.id)
        .outerjoin(taken, taken.c.section_id == Section.id)
        .where(
            or_(
                can_enroll(today_here()),
                and_(Section.status == "planned", Section.starts_on >= today_here()),
            ),
            Section.county_fips.is_not(None),
            Section.seats > func.coalesce(taken.c.taken, 0),
            Program.visibility.in_(("members", "public")),
            Program.is_archived.is_(False),
        )
    )
    return [
        Supplied(skill, county, quarter_of(ends_on), 0, 0, free)
        if is_planned
        else Supplied(skill, county, quarter_of(ends_on), free, 1)
        for skill, county, ends_on, is_planned, free in rows.all()
        if county is not None
    ]


def _programs(actor: Actor, keys: Collection[str]) -> dict[str, list[tuple[int, str, int]]]:
    """Return (id, title, owner) of the programs that the actor sees, by the skills they teach."""
    found: dict[str, list[tuple[int, str, int]]] = {}
    rows = session.execute(
        select(ProgramSkill.skill_key, Program.id, Program.title, Program.organization_id)
        .join(Program, Program.id == ProgramSkill.program_id)
        .join(Organization, Organization.id == Program.organization_id)
        .where(
            ProgramSkill.skill_key.in_(sorted(keys)),
            Program.is_archived.is_(False),
            Program.visibility != "draft",
            visible(actor, Permission.PROGRAM_VIEW),
        )
        .order_by(Program.title, Program.id)
    )
    for key, number, title, owner in rows:
        found.setdefault(key, []).append((number, title, owner))
    return found


def _planned(actor: Actor, cells: Collection[Key]) -> dict[Key, tuple[int, str]]:
    """Return (id, title) of the first section that the actor can open to serve each cell."""
    rows = session.execute(
        select(
            ProgramSkill.skill_key, Section.county_fips, Section.ends_on, Section.id, Program.title
        )
        .join(Program, Program.id == ProgramSkill.program_id)
        .join(Section, Section.program_id == Program.id)
        .where(
            ProgramSkill.skill_key.in_({skill for skill, _area, _quarter in cells}),
            Section.organization_id.in_(sorted(actor.memberships)),
            Section.status == "planned",
            Section.starts_on > today_here(),
            visible(actor, Permission.SECTION_EDIT),
        )
        .order_by(Section.starts_on, Section.id)
    )
    area_of = _load().area_of
    found: dict[Key, tuple[int, str]] = {}
    for skill, county, ends_on, number, title in rows:
        for key in cells_covering(skill, county or "", quarter_of(ends_on), area_of):
            if key in cells:
                found.setdefault(key, (number, title))
    return found


def _area_labels(areas: Collection[Area]) -> dict[Area, str]:
    counties = county_labels({place for kind, place in areas if kind == "county"})
    regions = dict(
        session.execute(
            select(Region.id, Region.name).where(
                Region.id.in_(sorted(int(place) for kind, place in areas if kind == "region"))
            )
        ).all()
    )
    found = {}
    for kind, place in areas:
        if kind == "county":
            found[kind, place] = counties.get(place, place)
        elif kind == "region":
            found[kind, place] = _(
                "%(region)s, other counties", region=regions.get(int(place), place)
            )
        else:
            found[kind, place] = _("%(region)s, other counties", region=place)
    return found
