"""Matches, introductions, cases, agreements and outcomes."""

import datetime as dt
from typing import Any

from portal.agreements.models import (
    Acknowledgment,
    Agreement,
    AgreementParty,
    Milestone,
    Outcome,
    OutcomeClaim,
)
from portal.brokerage.models.cases import Case, CaseFilter, CaseNote, CaseTask
from portal.brokerage.models.introductions import (
    Introduction,
    IntroductionParty,
    IntroductionReveal,
)
from portal.kernel.clock import now, today_here
from portal.kernel.database import session
from portal.matching.models import Match, MatchFeedback
from tests.cast import World


def add_matches(world: World) -> None:
    """The college's mill is a candidate for the shop's need; the shop's own is too far from Eve.

    Nobody knows what the college's mill takes; Ana has said that it is of use.
    """
    for name, request, candidate, status, criteria in (
        (
            "college_mill_for_shop",
            "shop_public",
            "college_public",
            "open",
            [
                _criterion("distance", "met", "met", miles=3),
                _criterion("rate", "unknown", "none_named", budget=480000),
            ],
        ),
        (
            "shop_mill_for_aero",
            "aero_public",
            "shop_public",
            "ruled_out",
            [_criterion("distance", "unmet", "beyond", miles=560, radius=100)],
        ),
    ):
        match = Match(
            request_id=world.requests[request],
            candidate_kind="equipment",
            candidate_id=world.equipment[candidate],
            organization_id=world.organizations[candidate.partition("_")[0]],
            score=0.6 if status == "open" else 0.2,
            criteria=criteria,
            status=status,
        )
        session.add(match)
        session.flush()
        world.matches[name] = match.id
    session.add(
        MatchFeedback(
            match_id=world.matches["college_mill_for_shop"],
            user_id=world.users["ana"],
            side="request",
            is_useful=True,
            note="Just what we need.",
        )
    )
    session.flush()


def add_agreements(world: World) -> None:
    """Of the shop: a draft with the aero firm, one proposed to the college, one active with it.

    Under the last one the shop says that it has hired two people; nobody has confirmed that.
    """
    shop, college = world.organizations["shop"], world.organizations["college"]
    for name, kind, other, roles in (
        ("draft", "supply", world.organizations["aero"], ("provider", "receiver")),
        ("proposed", "equipment_use", college, ("receiver", "provider")),
        ("active", "rd_cooperation", college, ("partner", "partner")),
    ):
        is_made = name == "active"
        agreement = Agreement(
            organization_id=shop,
            kind=kind,
            title=f"A {name} agreement",
            terms=f"What the {name} one says.",
            status=name,
            starts_on=dt.date(2026, 1, 1),
            ends_on=dt.date(2099, 12, 31) if is_made else None,
            private_cents=500_000,
            created_by_id=world.users["ana"],
            proposed_at=None if name == "draft" else dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
            activated_at=dt.datetime(2026, 1, 2, tzinfo=dt.UTC) if is_made else None,
            parties=[
                AgreementParty(organization_id=shop, role=roles[0]),
                AgreementParty(organization_id=other, role=roles[1]),
            ],
        )
        session.add(agreement)
        session.flush()
        world.agreements[name] = agreement.id
        for party in agreement.parties:
            if is_made or (name == "proposed" and party.organization_id == shop):
                session.add(Acknowledgment(party_id=party.id, revision=1))
    milestone = Milestone(
        agreement_id=world.agreements["active"],
        title="First articles measured",
        due_on=today_here() + dt.timedelta(days=200),
        organization_id=shop,
    )
    outcome = Outcome(
        organization_id=shop,
        kind="jobs_created",
        amount_hundredths=200,
        happened_on=dt.date(2026, 3, 1),
        asserted_by_id=shop,
        created_by_id=world.users["ana"],
    )
    session.add_all([milestone, outcome])
    session.flush()
    session.add(
        OutcomeClaim(
            outcome_id=outcome.id,
            agreement_id=world.agreements["active"],
            organization_id=shop,
            evidence="Two contracts of employment.",
            created_by_id=world.users["ana"],
        )
    )
    session.flush()
    world.milestones["shop"] = milestone.id
    world.outcomes["jobs"] = outcome.id


def add_introductions(world: World) -> None:
    """Dov proposes that shop and college meet; shop and aero met; the college declined to."""
    stages = ("summary", "identity", "contact")
    for name, status in (
        ("shop_college", "proposed"),
        ("college_aero", "declined"),
        ("shop_aero", "open"),
    ):
        began = now() - dt.timedelta(days=60 if status == "open" else 0)
        is_open = status == "open"
        introduction = Introduction(
            region_id=world.regions["greater-louisville"],
            title="Machines for each other",
            terms="We keep to ourselves what we learn of each other.",
            status=status,
            answer_days=14,
            asked_at=began,
            answer_by=began + dt.timedelta(days=14),
            identified_at=began if is_open else None,
            opened_at=began if is_open else None,
            created_by_id=world.users["dov"],
        )
        session.add(introduction)
        session.flush()
        world.introductions[name] = introduction.id
        sides = name.split("_")
        parties = [
            IntroductionParty(
                introduction_id=introduction.id,
                organization_id=world.organizations[side],
                position=position,
                summary=f"Somebody with a {side} machine.",
                reason=f"They have what a {side} needs.",
                status="sharing" if is_open else "waiting",
                terms_accepted_at=began if is_open else None,
                shared_at=began if is_open else None,
                contact_email=f"{side}@contact.example" if is_open else "",
            )
            for position, side in enumerate(sides, start=1)
        ]
        if status == "declined":
            parties[0].status = "declined"
            parties[0].decline_reason = "We are busy until summer."
        session.add_all(parties)
        session.flush()
        session.add_all(
            IntroductionReveal(
                introduction_id=introduction.id,
                party_id=party.id,
                to_party_id=other.id,
                stage=stage,
                revealed_at=began,
            )
            for stage in stages[: 3 if is_open else 1]
            for party, other in (parties, parties[::-1])
        )
        world.introduction_parties.update(
            {f"{side}_in_{name}": row.id for side, row in zip(sides, parties, strict=True)}
        )


def _criterion(name: str, verdict: str, variant: str, **values: int) -> dict[str, Any]:
    worth = float(verdict == "met")
    return {
        "name": name,
        "verdict": verdict,
        "worth": worth,
        "variant": variant,
        "values": values,
        "is_hard": variant == "beyond",
    }


def add_cases(world: World) -> None:
    """Dov follows the shop's public request; what he wrote is for the region's brokers alone."""
    case = Case(
        region_id=world.regions["greater-louisville"],
        title="Measuring time for the shop",
        organization_id=world.organizations["shop"],
        request_id=world.requests["shop_public"],
        keeper_id=world.users["dov"],
        next_action="Call the lab manager",
        created_by_id=world.users["dov"],
    )
    session.add(case)
    session.flush()
    task = CaseTask(case_id=case.id, title="Ask for the rates", keeper_id=world.users["dov"])
    kept = CaseFilter(user_id=world.users["dov"], name="Mine", values={"keeper": "me"})
    note = CaseNote(
        case_id=case.id,
        text="They are short of cash: canary-case-note.",
        author_id=world.users["dov"],
    )
    session.add_all([task, kept, note])
    session.flush()
    world.cases.update(shop=case.id, task=task.id, filter=kept.id)
