"""How long the gap view takes over many demands, beside plain ways to count them.

    python -m benchmarks.gaps                      100,000 demands of 4,000 firms
    python -m benchmarks.gaps --demands 10000

Firms of the counties of four states ask for skills of the portal's own list, some far more often
than others, over eight quarters; 600 sections teach them. Measured is what a page of the gap
view reads and works out, in process and in the processor's time: by a process that has just begun
("from nothing"), after a demand has changed ("made anew"), and while none has ("kept"). Plain ways,
in the same run: one statement of SQL that groups by skill, county and quarter and drops groups of
fewer than four firms (without pooling, dominance and supply), and the same counted in Python over
the rows as entities.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import func, insert, select, update

from benchmarks import measuring
from benchmarks.measuring import milliseconds, percentile
from portal.app import create_app
from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import now, today_here
from portal.kernel.database import session, unit_of_work
from portal.organizations.models import Organization
from portal.regions.models import County
from portal.regions.services import create_region, load_reference
from portal.skills.models import Skill
from portal.skills.services import load_skills
from portal.training.models.demands import SkillDemand
from portal.training.models.programs import Program, ProgramSkill
from portal.training.models.sections import Section
from portal.training.queries import gaps
from portal.training.queries.gaps import GapFilters, show_gaps
from portal.training.rules.demands import quarter_begins, quarter_of

GOAL_SECONDS = 0.2
STATES = ("KY", "IN", "OH", "KS")
FIRMS = 4_000
PROGRAMS = 200
SECTIONS = 600


def prepare(app: Flask, demands: int) -> None:
    """Fill an empty database; the same every time."""
    with app.app_context():
        upgrade()
        load_reference(SYSTEM)
        load_skills(SYSTEM)
        chance = random.Random(1)
        counties = list(
            session.scalars(
                select(County.fips).where(County.state.in_(STATES)).order_by(County.fips)
            )
        )
        skills = list(session.scalars(select(Skill.key).order_by(Skill.key)))
        create_region(SYSTEM, name="Bench", county_fips=chance.sample(counties, 15))
        first = quarter_of(today_here())
        moment = now()
        with unit_of_work():
            firms = _add_firms(chance, counties)
            weights = [1 / (rank + 3) for rank in range(len(skills))]
            near = [1 / (rank + 5) for rank in range(len(counties))]
            chosen = chance.choices(skills, weights, k=demands)
            places = chance.choices(counties, near, k=demands)
            rows = []
            for skill, county in zip(chosen, places, strict=True):
                quarter = first + chance.randrange(8)
                rows.append(
                    {
                        "organization_id": chance.choice(firms),
                        "skill_key": skill,
                        "county_fips": county,
                        "people": chance.choice((1, 1, 2, 2, 3, 4, 6, 10)),
                        "needed_by": quarter_begins(quarter),
                        "quarter": quarter,
                        "wage_min_cents": chance.randrange(1800, 4000),
                        "created_at": moment,
                        "updated_at": moment,
                    }
                )
            for start in range(0, len(rows), 5_000):
                session.execute(insert(SkillDemand), rows[start : start + 5_000])
            _add_training(chance, skills, counties, firms[0])


def _add_firms(chance: random.Random, counties: Sequence[str]) -> list[int]:
    session.execute(
        insert(Organization),
        [
            {
                "name": f"Firm {number}",
                "match_key": f"firm {number}",
                "kind": "sme",
                "county_fips": chance.choice(counties),
                "status": "active",
                "source": "own",
                "verified_at": now(),
            }
            for number in range(FIRMS)
        ],
    )
    return list(session.scalars(select(Organization.id).order_by(Organization.id)))


def _add_training(
    chance: random.Random, skills: Sequence[str], counties: Sequence[str], provider: int
) -> None:
    for number in range(PROGRAMS):
        program = Program(organization_id=provider, title=f"Program {number}", visibility="public")
        session.add(program)
        session.flush()
        session.add_all(
            ProgramSkill(program_id=program.id, skill_key=key) for key in chance.sample(skills, 4)
        )
        for _section in range(SECTIONS // PROGRAMS):
            starts_on = quarter_begins(quarter_of(today_here()) + 1 + chance.randrange(6))
            session.add(
                Section(
                    program_id=program.id,
                    organization_id=provider,
                    status="open",
                    starts_on=starts_on,
                    ends_on=starts_on,
                    timezone="America/New_York",
                    county_fips=chance.choice(counties),
                    seats=chance.randrange(8, 30),
                )
            )


def ours() -> int:
    """A page of the gap view; the number of rows in all."""
    return show_gaps(SYSTEM, GapFilters()).total


def change_one() -> None:
    """Change a demand, so that nothing that was made before is good any more."""
    with unit_of_work():
        number = session.scalar(select(func.min(SkillDemand.id)))
        session.execute(
            update(SkillDemand).where(SkillDemand.id == number).values(updated_at=now())
        )


def forget() -> None:
    """Let the process know no more than when it began."""
    gaps.forget()
    change_one()


def plain_statement() -> int:
    """Groups of four firms or more, in one statement."""
    firms = func.count(SkillDemand.organization_id.distinct())
    rows = session.execute(
        select(
            SkillDemand.skill_key,
            SkillDemand.county_fips,
            SkillDemand.quarter,
            firms,
            func.sum(SkillDemand.people),
        )
        .where(SkillDemand.status == "open", SkillDemand.quarter >= quarter_of(today_here()))
        .group_by(SkillDemand.skill_key, SkillDemand.county_fips, SkillDemand.quarter)
        .having(firms >= 4)
        .order_by(func.sum(SkillDemand.people).desc())
    ).all()
    return len(rows)


def plain_entities() -> int:
    """The same, counted over entities."""
    session.expunge_all()
    groups: dict[tuple[str, str, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for row in session.scalars(select(SkillDemand).where(SkillDemand.status == "open")):
        groups[row.skill_key, row.county_fips, row.quarter][row.organization_id] += row.people
    return sum(len(firms) >= 4 for firms in groups.values())


def times_of(way: Callable[[], int], tries: int, before: Callable[[], None] | None) -> list[float]:
    """Return the processor's seconds that a way takes; a first try is not counted."""
    took = []
    for _try in range(tries + 1):
        if before is not None:
            before()
        session.rollback()
        begun = time.process_time()
        way()
        took.append(time.process_time() - begun)
    return took[1:]


def describe(demands: int, took: dict[str, list[float]]) -> str:
    """The figures as Markdown."""
    plain = percentile(took["plain: one statement"], 0.5)
    rows = [
        [
            name,
            milliseconds(percentile(times, 0.5)),
            milliseconds(max(times)),
            f"{percentile(times, 0.5) / plain:.2f} ×",
        ]
        for name, times in took.items()
    ]
    within = percentile(took["gap view, made anew"], 0.5) <= GOAL_SECONDS
    return "\n\n".join(
        (
            f"{demands:,} demands on {measuring.machine()}; load {measuring.load()}.",
            measuring.table(["", "median", "longest", "of one plain statement"], rows),
            f"Made anew within {milliseconds(GOAL_SECONDS)} ms: {measuring.verdict(within)}",
        )
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gaps", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--demands", type=int, default=100_000, metavar="N")
    parser.add_argument("--tries", type=int, default=9, metavar="N")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        app = create_app("testing", INSTANCE_PATH=str(Path(folder)))
        print("Filling a database …", file=sys.stderr)
        prepare(app, options.demands)
        with app.test_request_context():
            took = {
                "gap view, from nothing": times_of(ours, 3, forget),
                "gap view, made anew": times_of(ours, options.tries, change_one),
                "gap view, kept": times_of(ours, options.tries, None),
                "plain: one statement": times_of(plain_statement, options.tries, None),
                "plain: over entities": times_of(plain_entities, min(3, options.tries), None),
            }
            shown = ours()
    print(describe(options.demands, took))
    print(f"\n{shown:,} rows in all.")


if __name__ == "__main__":
    main()
