"""What is private shows nowhere but to those who may see it: canary words in every text.

Every private text of every kind of record gets a word of its own; every page, document, search
and suggestion is read as everybody of the cast. Who may see which word is said here by hand, so
that a wrong policy is found too.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.agreements.events import AgreementMoved, MilestoneDue, OutcomeMoved
from portal.agreements.models import Agreement, Milestone, OutcomeClaim
from portal.bookings.events import BookingMade
from portal.bookings.models.access import AccessRequest, Clearance, Qualification
from portal.brokerage.events import (
    IntroductionConsented,
    IntroductionDeclined,
    IntroductionLapsed,
    IntroductionOpened,
    IntroductionProposed,
    IntroductionWaits,
)
from portal.brokerage.models.introductions import IntroductionParty
from portal.conversations.events import MessagePosted, MessageReported, ReportDecided
from portal.conversations.models import Message, MessageReport
from portal.facilities.models import Equipment, Facility
from portal.kernel.database import Model, session, unit_of_work
from portal.kernel.mail import OutgoingMail
from portal.kernel.outbox import Event, record
from portal.kernel.search import search_index
from portal.kernel.worker import Worker
from portal.organizations.events import ClaimSent
from portal.organizations.models import Claim, Invitation, JoinRequest, Organization
from portal.partnerships.events import (
    RequestEndsSoon,
    RequestMoved,
    RequestSaved,
    ResponseDecided,
    ResponseSent,
)
from portal.partnerships.models import Mandate, Request, RequestClosing, Response
from portal.training.models.demands import CohortOffer, SkillDemand
from portal.training.models.enrollments import Enrollment
from portal.training.models.programs import Program
from portal.training.models.sections import Section
from portal.webhooks.models import Notice
from tests.cast import CAST, World

MEMBERS = {"ana", "ben", "cleo", "eve", "root"}
PEOPLE_OF = {"shop": {"ana", "ben"}, "college": {"cleo"}, "aero": {"eve"}}
MANAGERS_OF = {"shop": {"ana"}, "college": {"cleo"}, "aero": {"eve"}}
TEXTS: dict[type[Model], str] = {
    Facility: (
        "name summary description access_policy services safety_notes contact_name contact_email"
        " contact_phone street"
    ),
    Equipment: (
        "name make model summary description technique eligibility training_needed service_level"
        " serial_number street"
    ),
    Request: ("title summary description expertise_sought advantages innovations call_name"),
    Program: (
        "title summary description prerequisites eligibility outcomes accessibility contact_name"
        " contact_email contact_phone"
    ),
}
# Pages that belong to the machine of whoever develops, not to the portal.
NOT_CRAWLED = {"kernel.mailbox", "static"}
# Pages whose key is a region's.
OF_REGIONS = {
    "home.region",
    "agreements.show_report",
    "agreements.export_report",
    "agreements.export_chains",
    "agreements_api.show_report",
    "agreements_api.list_chains",
}


@dataclass(frozen=True)
class Canary:
    """A word that stands in one field of one record, and who may read it."""

    kind: str
    record_id: int
    field: str
    needle: str
    proof: str
    readers: frozenset[str]


def readers_of(owner: str, visibility: str) -> set[str]:
    return {
        "draft": MANAGERS_OF[owner] | {"root"},
        "organization": PEOPLE_OF[owner] | {"root"},
        "members": MEMBERS,
        "public": set(CAST),
    }[visibility]


def word(*parts: object) -> str:
    """A word like no other, so that no spelling help takes it for its neighbor."""
    digest = hashlib.blake2s(repr(parts).encode(), digest_size=6).hexdigest()
    return "z" + "".join(chr(ord("g") + int(digit, 16)) for digit in digest)


# Found in one go, where looking for hundreds of words in a page takes longer than making it.
WORDS = re.compile("z[g-v]{12}")


class Planter:
    """Puts canaries into rows."""

    def __init__(self) -> None:
        self.canaries: list[Canary] = []

    def plant(self, row: Any, field: str, readers: set[str]) -> None:
        kind = type(row).__name__.lower()
        needle, proof = word(kind, row.id, field, 1), word(kind, row.id, field, 2)
        # Both fit into the shortest of the columns, that of a telephone number.
        setattr(row, field, f"{needle} {proof}")
        self.canaries.append(Canary(kind, row.id, field, needle, proof, frozenset(readers)))


@pytest.fixture
def canaries(app: Flask, world: World) -> list[Canary]:
    """The cast's world with a canary in every private text, in the index too."""
    planter = Planter()
    with unit_of_work():
        tables: list[tuple[type[Any], dict[str, int]]] = [
            (Facility, world.facilities),
            (Equipment, world.equipment),
            (Request, world.requests),
            (Program, world.programs),
        ]
        for model, ids in tables:
            for name, record_id in ids.items():
                owner, visibility = name.split("_")
                row = session.get_one(model, record_id)
                for field in TEXTS[model].split():
                    readers = readers_of(owner, visibility)
                    if field == "serial_number":
                        readers &= MEMBERS
                    planter.plant(row, field, readers)
        hide_behind_anonymity(planter, session.get_one(Request, world.requests["college_public"]))
        for name in ("shop", "aero"):
            organization = session.get_one(Organization, world.organizations[name])
            organization.members_only_fields = ["phone", "email", "contacts"]
            planter.plant(organization, "email", MEMBERS)
            planter.plant(organization, "phone", MEMBERS)
            contact = word("contact", name)
            organization.contacts = [{"name": contact, "role": "", "email": "", "phone": ""}]
            planter.canaries.append(
                Canary(
                    "organization",
                    organization.id,
                    "contacts",
                    contact,
                    contact,
                    frozenset(MEMBERS),
                )
            )
        response = session.get_one(Response, world.responses["college_to_shop"])
        planter.plant(response, "message", {"ana", "ben", "cleo", "root"})
        planter.plant(response, "decision_note", {"ana", "ben", "cleo", "root"})
        proposed = session.get_one(Request, world.proposals["unclaimed"])
        for field in TEXTS[Request].split():
            planter.plant(proposed, field, {"dov", "root"})
        mandate = session.get_one(Mandate, world.mandates["unclaimed"])
        for field in ("email", "message", "note"):
            planter.plant(mandate, field, {"dov", "root"})
        closing = RequestClosing(request_id=world.requests["shop_public"], result="nobody")
        session.add(closing)
        session.flush()
        note = word("closing")
        closing.note = note
        planter.canaries.append(
            Canary(
                "closing", closing.request_id, "note", note, note, frozenset({"ana", "ben", "root"})
            )
        )
        invitation = session.get_one(Invitation, world.invitations["shop_to_newcomer"])
        planter.plant(invitation, "email", {"ana", "root"})
        join_request = session.get_one(JoinRequest, world.join_requests["eve_to_college"])
        planter.plant(join_request, "message", {"eve", "cleo", "root"})
        claim = session.get_one(Claim, world.claims["cleo_on_unclaimed"])
        planter.plant(claim, "evidence", {"cleo", "dov", "root"})
        qualification = session.get_one(Qualification, world.qualifications["cleo_at_shop"])
        planter.plant(qualification, "evidence", {"ana", "ben", "cleo", "root"})
        clearance = session.get_one(Clearance, world.clearances["college_at_shop"])
        planter.plant(clearance, "reference", {"ana", "ben", "cleo", "root"})
        asked = session.get_one(AccessRequest, world.access_requests["eve_at_shop"])
        planter.plant(asked, "message", {"ana", "eve"})
        for name, readers in (
            # Who decides a report reads the message that it is about, and no other.
            ("ben_in_shop_college", {"ana", "ben", "cleo", "dov", "root"}),
            ("cleo_in_shop_college", {"ana", "ben", "cleo"}),
            ("eve_in_college_aero", {"cleo", "eve"}),
        ):
            planter.plant(session.get_one(Message, world.messages[name]), "text", readers)
        report = session.get_one(MessageReport, world.message_reports["cleo_on_ben"])
        planter.plant(report, "note", {"dov", "root"})
        plant_in_introductions(planter, world)
        plant_in_agreements(planter, world)
        plant_in_training(planter, world)
    search_index().rebuild()
    return planter.canaries


def plant_in_introductions(planter: Planter, world: World) -> None:
    """Each side's texts, reasons and contacts: even administrators read nothing of them."""
    for name, party_id in world.introduction_parties.items():
        own, _in, rest = name.partition("_in_")
        party = session.get_one(IntroductionParty, party_id)
        both = {person for side in rest.split("_") for person in PEOPLE_OF[side]}
        planter.plant(party, "summary", both | {"dov"})
        planter.plant(party, "reason", PEOPLE_OF[own] | {"dov"})
        if party.decline_reason:
            planter.plant(party, "decline_reason", PEOPLE_OF[own] | {"dov"})
        if party.shared_at:
            for field in ("contact_name", "contact_email", "contact_phone"):
                planter.plant(party, field, both)


def plant_in_agreements(planter: Planter, world: World) -> None:
    """A draft is its drafters', an agreement its parties', and brokers count what was made."""
    both = PEOPLE_OF["shop"] | PEOPLE_OF["college"] | {"root"}
    for name, inside, outside in (
        ("draft", PEOPLE_OF["shop"] | {"root"}, set()),
        ("proposed", both, set()),
        ("active", both, {"dov"}),
    ):
        agreement = session.get_one(Agreement, world.agreements[name])
        planter.plant(agreement, "title", inside | outside)
        planter.plant(agreement, "terms", inside)
    planter.plant(session.get_one(Milestone, world.milestones["shop"]), "title", both)
    claim = session.scalars(
        select(OutcomeClaim).where(OutcomeClaim.outcome_id == world.outcomes["jobs"])
    ).one()
    planter.plant(claim, "evidence", both | {"dov"})


def plant_in_training(planter: Planter, world: World) -> None:
    """What a provider plans, where its people meet, grades, and why a firm needs people."""
    inside = PEOPLE_OF["college"] | {"root"}
    planter.plant(session.get_one(Section, world.sections["planned"]), "notes", inside)
    for name, readers in (("open", inside), ("completed", inside | {"ben"})):
        planter.plant(session.get_one(Section, world.sections[name]), "online_url", readers)
    asks = session.get_one(Enrollment, world.enrollments["eve_asks"])
    planter.plant(asks, "name", inside | {"eve"})
    passed = session.get_one(Enrollment, world.enrollments["ben_passed"])
    passed.grade = word("grade")
    planter.canaries.append(
        Canary(
            "enrollment", passed.id, "grade", passed.grade, passed.grade, frozenset({"ben", "cleo"})
        )
    )
    for name, readers in (("shop", {"dov"}), ("aero", set[str]())):
        demand = session.get_one(SkillDemand, world.demands[name])
        planter.plant(demand, "note", PEOPLE_OF[name] | readers | {"root"})
    for offer_id in world.cohort_offers.values():
        offer = session.get_one(CohortOffer, offer_id)
        planter.plant(offer, "message", inside | PEOPLE_OF["shop"])


def hide_behind_anonymity(planter: Planter, request: Request) -> None:
    """Make a request anonymous: outsiders read its title and its anonymous summary only."""
    request.is_anonymous = True
    request.anonymous_summary = "Somebody in the region looks for a partner."
    insiders = frozenset(PEOPLE_OF["college"] | {"root"})
    for number, canary in enumerate(planter.canaries):
        is_hidden = canary.kind == "request" and canary.record_id == request.id
        if is_hidden and canary.field != "title":
            planter.canaries[number] = Canary(
                canary.kind, canary.record_id, canary.field, canary.needle, canary.proof, insiders
            )


@dataclass(frozen=True)
class Address:
    """Where a page is, and the address of one that never was, if a page is of one record."""

    path: str
    missing: str | None


#: A number that no record has.
MISSING = 2**31 - 7
#: To whom hardly anything is shown that has no more to say than that a part of it is missing.
STRANGERS = {"nobody", "dov", "eve"}


def alike(name: str, ids: dict[str, int]) -> list[list[int]]:
    """Group records between which somebody's rights make no difference.

    Somebody may read all of some records, of the own organization or of others; what of the rest is
    hidden, and why, depends on its owner's region and on its visibility.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for record_name, record_id in ids.items():
        owner, visibility = record_name.split("_")
        is_read = name in readers_of(owner, visibility)
        reason = "" if is_read else visibility
        group = (name in PEOPLE_OF[owner], owner == "aero" and name == "dov", reason)
        groups.setdefault(group, []).append(record_id)
    return list(groups.values())


def addresses(app: Flask, world: World, name: str) -> Iterator[Address]:
    """Every GET route, with ids of all kinds of records of the cast's world in its place.

    Where somebody's rights make no difference between records, each route has another of them.
    """
    choices: dict[str, list[Any]] = {
        "organization_id": list(world.organizations.values()),
        "response_id": list(world.responses.values()),
        "claim_id": list(world.claims.values()),
        "invitation_id": list(world.invitations.values()),
        "region_id": list(world.regions.values()),
        "qualification_id": list(world.qualifications.values()),
        "clearance_id": list(world.clearances.values()),
        "thread_id": list(world.threads.values()),
        "message_id": list(world.messages.values()),
        "report_id": list(world.message_reports.values()),
        "kind": ["response"],
        "subject_id": list(world.responses.values()),
        "access_request_id": list(world.access_requests.values()),
        "booking_id": list(world.bookings.values()),
        "recognition_id": list(world.recognitions.values()),
        "introduction_id": list(world.introductions.values()),
        "party_id": list(world.introduction_parties.values()),
        "agreement_id": list(world.agreements.values()),
        "milestone_id": list(world.milestones.values()),
        "outcome_id": list(world.outcomes.values()),
        "form": ["csv"],
        "section_id": list(world.sections.values()),
        "enrollment_id": list(world.enrollments.values()),
        "number": list(world.certificates.values()),
        "demand_id": list(world.demands.values()),
        "offer_id": list(world.cohort_offers.values()),
        "credential_id": list(world.credentials.values()),
        "meeting_id": [world.meetings["open"]],
        # Pages of a calendar, for two records that outsiders may not know of.
        "place": ["equipment", "facilities"],
        "record_id": [world.equipment["shop_draft"], world.equipment["college_draft"]],
        "what": ["equipment"],
    }
    groups = {
        "facility_id": alike(name, world.facilities),
        "equipment_id": alike(name, world.equipment),
        "request_id": alike(name, world.requests),
        "program_id": alike(name, world.programs),
    }
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule)
    with app.test_request_context():
        for number, rule in enumerate(rules):
            if "GET" not in (rule.methods or ()) or rule.endpoint in NOT_CRAWLED:
                continue
            for argument, groups_of_argument in groups.items():
                choices[argument] = [ids[number % len(ids)] for ids in groups_of_argument]
            others = (world.requests["college_public"], *world.proposals.values())
            # The first of them is anonymous.
            choices["request_id"] += [it for it in others if it not in choices["request_id"]]
            names = sorted(rule.arguments)
            is_of_a_record = re.fullmatch(r"[^<]*<int:\w+>[^<]*", rule.rule)
            pools = [
                list(world.regions)
                if name == "key" and rule.endpoint in OF_REGIONS
                else ["5-axis-milling"]
                if name == "key"
                else choices.get(name, [1])
                for name in names
            ]
            missing = re.sub(r"<int:\w+>", str(MISSING), rule.rule) if is_of_a_record else None
            for values in product(*pools):
                chosen = dict(zip(names, values, strict=True))
                yield Address(url_for(rule.endpoint, _method="GET", **chosen), missing)


def read(client: FlaskClient, address: str) -> str:
    response = client.get(address)
    assert response.status_code < 500, address
    return response.text if response.status_code != 304 else ""


def said(answer: TestResponse) -> str | None:
    """Return what a 404 says without what every page has, or None where something is there."""
    if answer.status_code != 404:
        return None
    if answer.content_type == "application/problem+json":
        return str(answer.json["detail"])
    main = re.search(r"<main.*</main>", answer.text, re.DOTALL)
    return re.sub(r"\d+", "#", main[0] if main else answer.text)


def walkers(names: Iterable[str]) -> list[Any]:
    """Leave to the second database whoever is of another region.

    What rules say of a row and of a list is compared for everybody on both; and who sees least and
    who sees most open every page there for the permission matrix.
    """
    return [
        name if name == "eve" else pytest.param(name, marks=pytest.mark.sqlite) for name in names
    ]


@pytest.mark.long
@pytest.mark.parametrize("name", walkers(CAST))
def test_no_page_shows_what_its_reader_may_not_see(
    app: Flask, world: World, client_of: Any, canaries: list[Canary], name: str
) -> None:
    client = client_of(name)
    by_proof = {canary.proof: canary for canary in canaries}
    seen: set[str] = set()
    leaks: list[str] = []
    said_of_missing: dict[str, str | None] = {}
    hidden = count = 0
    for address in addresses(app, world, name):
        response = client.get(address.path)
        assert response.status_code < 500, address
        count += 1
        for proof in by_proof.keys() & set(WORDS.findall(response.text)):
            seen.add(proof)
            canary = by_proof[proof]
            if name not in canary.readers:
                leaks.append(f"{address.path}: {canary.kind} {canary.record_id} {canary.field}")
        # Whether a record exists is not told: a hidden one is answered like one never there.
        missing = address.missing if name in STRANGERS else None
        if missing is not None and response.status_code == 404:
            hidden += 1
            if missing not in said_of_missing:
                said_of_missing[missing] = said(client.get(missing))
            if said(response) != said_of_missing[missing]:
                leaks.append(f"{address.path}: not like {missing}")

    assert count > 200
    assert leaks == []
    assert (hidden > 20) is (name in STRANGERS)
    # The crawl does find what is there to be found.
    public = {c.proof for c in canaries if c.readers >= set(CAST) and c.field == "description"}
    assert public
    assert public <= seen
    if name == "root":
        unseen = {c.kind + "." + c.field for c in canaries if c.proof not in seen}
        assert not unseen & {"facility.description", "equipment.description", "response.message"}


def happenings(world: World) -> Iterator[Event]:
    """What happens to the rows of the cast that people, and programs, are told of."""
    for request_id in world.requests.values():
        yield RequestMoved(request_id, "publish", "published", None)
        yield RequestSaved(request_id)
        yield RequestEndsSoon(request_id)
    for response_id in world.responses.values():
        yield ResponseSent(response_id)
        yield ResponseDecided(response_id, "accept", "")
    for message_id in world.messages.values():
        yield MessagePosted(message_id)
    for report_id in world.message_reports.values():
        yield MessageReported(report_id)
        yield ReportDecided(report_id, "uphold", "")
    for introduction_id in world.introductions.values():
        yield IntroductionProposed(introduction_id)
        yield IntroductionConsented(introduction_id)
        yield IntroductionOpened(introduction_id)
        yield IntroductionWaits(introduction_id)
        yield IntroductionLapsed(introduction_id)
    for name, party_id in world.introduction_parties.items():
        subject = world.introductions[name.partition("_in_")[2]]
        yield IntroductionDeclined(subject, party_id)
    for agreement_id in (world.agreements["proposed"], world.agreements["active"]):
        for action in ("propose", "activate", "terminate"):
            yield AgreementMoved(agreement_id, action, "", "", None)
    for milestone_id in world.milestones.values():
        yield MilestoneDue(milestone_id, is_over=True)
    for outcome_id in world.outcomes.values():
        yield OutcomeMoved(outcome_id, "assert", "", None)
    for claim_id in world.claims.values():
        yield ClaimSent(claim_id)
    for booking_id in world.bookings.values():
        yield BookingMade(booking_id, None)


@pytest.mark.sqlite
def test_no_mail_and_no_notice_tells_what_its_reader_may_not_know(
    app: Flask, world: World, canaries: list[Canary]
) -> None:
    by_proof = {canary.proof: canary for canary in canaries}
    with unit_of_work():
        for event in happenings(world):
            record(event)
    working = Worker(app, {})
    while working.deliver_inside():
        pass
    told = [
        (mail.recipient.partition("@")[0], f"{mail.subject} {mail.body_text}")
        for mail in session.scalars(select(OutgoingMail).order_by(OutgoingMail.id))
    ]
    # Programs of the shop read what its people read.
    told += [
        ("ben", str(notice.data)) for notice in session.scalars(select(Notice).order_by(Notice.id))
    ]
    leaks = []
    seen = set()
    for name, text in told:
        for proof in by_proof.keys() & set(WORDS.findall(text)):
            seen.add(by_proof[proof].kind)
            if name in CAST and name not in by_proof[proof].readers:
                leaks.append(f"{name}: {by_proof[proof]}")

    assert leaks == []
    assert {"request", "response", "message", "introductionparty", "agreement"} <= seen
    assert len(told) > 20


@pytest.mark.parametrize("name", walkers(CAST))
def test_no_search_finds_what_its_reader_may_not_see(
    app: Flask, world: World, client_of: Any, canaries: list[Canary], name: str
) -> None:
    client = client_of(name)
    urls = {
        "facility": "facilities",
        "equipment": "equipment",
        "request": "requests",
        "program": "training/programs",
    }
    hidden = [canary for canary in canaries if name not in canary.readers]
    # Searching for every field of every record would take minutes: one in full, one in passing.
    chosen = {"name", "title", "serial_number", "message", "evidence", "contacts", "advantages"}
    leaks: list[str] = []
    for canary in [item for item in hidden if item.field in chosen]:
        own = f"/{urls.get(canary.kind, 'x')}/{canary.record_id}"
        is_anonymous = canary.record_id == world.requests["college_public"]
        for address in (
            f"/search?q={canary.needle}",
            f"/search/suggestions?q={canary.needle}",
            f"/api/v1/search?q={canary.needle}",
        ):
            text = read(client, address)
            # A page repeats what was searched for, never what stands beside it.
            if canary.proof != canary.needle and canary.proof in text:
                leaks.append(f"{address}: {canary}")
            if f'{own}"' in text and not is_anonymous:
                leaks.append(f"{address}: {canary}")

    assert hidden or name == "root"
    assert leaks == []


@pytest.mark.parametrize("name", walkers(["nobody", "ana", "ben", "dov", "eve"]))
def test_anonymous_request_is_nowhere_beside_its_organization(
    app: Flask, world: World, client_of: Any, canaries: list[Canary], name: str
) -> None:
    client = client_of(name)
    request_id = world.requests["college_public"]
    college = world.organizations["college"]
    title = next(
        canary.proof
        for canary in canaries
        if (canary.kind, canary.record_id, canary.field) == ("request", request_id, "title")
    )
    for address in (f"/requests/{request_id}", f"/api/v1/requests/{request_id}"):
        text = read(client, address)
        assert title in text
        assert "Falls City" not in text
        assert f"/organizations/{college}" not in text
        assert "cleo" not in text.lower()
    for address in (
        f"/organizations/{college}",
        f"/organizations/{college}.jsonld",
        f"/api/v1/organizations/{college}",
        f"/api/v1/requests?organization_id={college}",
        "/api/v1/search?q=Falls+City+Community+College",
        "/search?q=Falls+City+Community+College",
        "/search?q=Falls+City&kind=request",
    ):
        assert title not in read(client, address), address
