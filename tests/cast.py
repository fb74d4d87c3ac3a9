"""The cast and its small world: the same people, places and records in every test.

Ana owns a firm, Ben is a member of it, Cleo manages a college, Dov brokers their region, Eve owns
a firm in another region, Root administers; "nobody" is anonymous.
"""

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import Any

from flask import current_app
from sqlalchemy import select

from portal.accounts.models import User, UserSession
from portal.agreements.models import (
    Acknowledgment,
    Agreement,
    AgreementParty,
    Milestone,
    Outcome,
    OutcomeClaim,
)
from portal.app import load_actor
from portal.bookings.models.access import AccessRequest, Clearance, Qualification, Recognition
from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Resource
from portal.brokerage.models.cases import Case, CaseFilter, CaseNote, CaseTask
from portal.brokerage.models.introductions import (
    Introduction,
    IntroductionParty,
    IntroductionReveal,
)
from portal.conversations.models import (
    Block,
    Message,
    MessageReport,
    OrganizationContact,
    Thread,
    ThreadParty,
)
from portal.directory.models import SavedSearch
from portal.facilities.models import Equipment, EquipmentRate, Facility
from portal.intake.models import ImportRun
from portal.kernel.authorization import NOBODY, Actor
from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.matching.models import Match, MatchFeedback
from portal.organizations.models import (
    Claim,
    Invitation,
    JoinRequest,
    Membership,
    Organization,
)
from portal.partnerships.models import Mandate, Request, Response
from portal.regions.models import (
    BrokerAppointment,
    Capability,
    CapabilityLabel,
    Cluster,
    ClusterIndustry,
    County,
    NaicsCode,
    Region,
    State,
    ZipCode,
)
from portal.regions.rules import name_key
from portal.skills.models import Credential, Occupation, Skill, SkillName
from portal.training.models.certificates import Certificate
from portal.training.models.demands import CohortInvitation, CohortOffer, SkillDemand
from portal.training.models.enrollments import Enrollment
from portal.training.models.programs import Program
from portal.training.models.sections import Section, SectionMeeting, SectionPrice
from portal.webhooks.models import Webhook

CAST = ("nobody", "ana", "ben", "cleo", "dov", "eve", "root")
PEOPLE = CAST[1:]
PASSWORD = "correct horse battery staple"
MANDATE_TOKEN = "token-of-the-question-to-a-firm"
SEAT_TOKEN = "token-of-the-seat-that-a-firm-keeps"
INVITATION_TOKEN = "token-of-the-invitation-to-a-newcomer"

_STATES = [("KY", "21", "Kentucky"), ("IN", "18", "Indiana"), ("KS", "20", "Kansas")]
_COUNTIES = [
    ("21111", "Jefferson", "KY", 38.187, -85.657),
    ("18019", "Clark", "IN", 38.477, -85.707),
    ("20173", "Sedgwick", "KS", 37.684, -97.461),
]
_ZIPS = [
    ("40202", "Louisville", "KY", "21111", 38.2529, -85.7514),
    ("40210", "Louisville", "KY", "21111", 38.2305, -85.7905),
    ("47130", "Jeffersonville", "IN", "18019", 38.3006, -85.7266),
    ("67202", "Wichita", "KS", "20173", 37.6889, -97.3361),
]
_NAICS = [
    ("332710", "Machine Shops"),
    ("336413", "Other Aircraft Parts and Auxiliary Equipment Manufacturing"),
    ("611210", "Junior Colleges"),
]
# key, label, Spanish label, broader, alternate labels
_CAPABILITIES: list[tuple[str, str, str, list[str], list[str]]] = [
    ("machining", "Machining", "Mecanizado", [], ["metal cutting"]),
    ("cnc-milling", "CNC milling", "Fresado CNC", ["machining"], ["CNC mill"]),
    ("5-axis-milling", "5-axis milling", "Fresado de 5 ejes", ["cnc-milling"], ["five-axis"]),
    ("metrology", "Metrology", "Metrología", [], ["measurement"]),
    (
        "coordinate-measuring",
        "Coordinate measuring",
        "Medición por coordenadas",
        ["metrology"],
        ["CMM", "coordinate measuring machine"],
    ),
    ("welding", "Welding", "Soldadura", [], ["weld shop"]),
]
# key, kind, name, Spanish name, capability, other names
_SKILLS: list[tuple[str, str, str, str, str, list[str]]] = [
    (
        "cnc-mill-operation",
        "machining",
        "CNC mill operation",
        "Operación de fresadora CNC",
        "cnc-milling",
        ["VMC operation"],
    ),
    (
        "cmm-operation",
        "metrology",
        "CMM operation",
        "Operación de máquina de medición por coordenadas",
        "coordinate-measuring",
        ["CMM operator"],
    ),
    ("mig-welding", "welding", "MIG welding", "Soldadura MIG", "welding", ["GMAW"]),
]
_OCCUPATIONS = [
    ("51-4041", "Machinists", "Maquinistas de herramientas"),
    ("51-4121", "Welders, Cutters, Solderers, and Brazers", "Soldadores y cortadores"),
]


@dataclass(frozen=True)
class World:
    """Ids of the world's rows, and the session tokens of its people."""

    users: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    organizations: dict[str, int] = field(default_factory=dict)
    memberships: dict[str, int] = field(default_factory=dict)
    invitations: dict[str, int] = field(default_factory=dict)
    join_requests: dict[str, int] = field(default_factory=dict)
    claims: dict[str, int] = field(default_factory=dict)
    facilities: dict[str, int] = field(default_factory=dict)
    equipment: dict[str, int] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    responses: dict[str, int] = field(default_factory=dict)
    proposals: dict[str, int] = field(default_factory=dict)
    mandates: dict[str, int] = field(default_factory=dict)
    regions: dict[str, int] = field(default_factory=dict)
    import_runs: dict[str, int] = field(default_factory=dict)
    saved_searches: dict[str, int] = field(default_factory=dict)
    resources: dict[str, int] = field(default_factory=dict)
    bookings: dict[str, int] = field(default_factory=dict)
    qualifications: dict[str, int] = field(default_factory=dict)
    clearances: dict[str, int] = field(default_factory=dict)
    recognitions: dict[str, int] = field(default_factory=dict)
    access_requests: dict[str, int] = field(default_factory=dict)
    threads: dict[str, int] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)
    message_reports: dict[str, int] = field(default_factory=dict)
    blocks: dict[str, int] = field(default_factory=dict)
    webhooks: dict[str, int] = field(default_factory=dict)
    matches: dict[str, int] = field(default_factory=dict)
    cases: dict[str, int] = field(default_factory=dict)
    agreements: dict[str, int] = field(default_factory=dict)
    milestones: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    introductions: dict[str, int] = field(default_factory=dict)
    introduction_parties: dict[str, int] = field(default_factory=dict)
    credentials: dict[str, int] = field(default_factory=dict)
    demands: dict[str, int] = field(default_factory=dict)
    cohort_offers: dict[str, int] = field(default_factory=dict)
    cohort_invitations: dict[str, int] = field(default_factory=dict)
    programs: dict[str, int] = field(default_factory=dict)
    sections: dict[str, int] = field(default_factory=dict)
    meetings: dict[str, int] = field(default_factory=dict)
    enrollments: dict[str, int] = field(default_factory=dict)
    certificates: dict[str, str] = field(default_factory=dict)


def token_of(name: str) -> str:
    """Return the session token that a person of the cast is signed in with."""
    return f"session-token-of-{name}"


def actor_named(name: str) -> Actor:
    """Return the actor of a member of the cast, as a request of theirs would have it."""
    if name == "nobody":
        return NOBODY
    user_id = session.scalar(select(User.id).where(User.email == f"{name}@cast.example"))
    assert user_id is not None
    return load_actor(current_app.extensions["portal-manifests"], user_id)


def build_world() -> World:
    """Write the cast's world into an empty database and return its ids.

    Organizations: "shop" (Ana owns, Ben is a member), "college" (Cleo manages), "aero" (Eve owns),
    "unclaimed" (imported, nobody's, claimed by Cleo). Eve asks to join the college, and the shop
    has invited a newcomer without an account. Records are named `<organization>_<visibility>`.
    """
    world = World()
    with unit_of_work():
        _add_reference()
        for name in PEOPLE:
            user = User(
                email=f"{name}@cast.example",
                name=name.capitalize(),
                email_verified_at=now(),
                is_administrator=name == "root",
                language="en",
                time_zone="America/Kentucky/Louisville",
            )
            session.add(user)
            session.flush()
            world.users[name] = user.id
            world.tokens[name] = token_of(name)
            session.add(
                UserSession(
                    user_id=user.id,
                    token_hash=hashlib.sha256(token_of(name).encode()).hexdigest(),
                    expires_at=now() + dt.timedelta(days=3650),
                    # Use is written down every few minutes: not by chance in the midst of a test.
                    last_seen_at=now() + dt.timedelta(minutes=30),
                )
            )
        _add_organizations(world)
        _add_regions(world)
        _add_records(world)
        _add_skills(world)
        _add_bookings(world)
        _add_access(world)
        _add_training(world)
        _add_enrollments(world)
        _add_demands(world)
        _add_conversations(world)
        _add_introductions(world)
        _add_matches(world)
        _add_cases(world)
        _add_agreements(world)
    return world


def _add_reference() -> None:
    session.add_all(State(code=code, fips=fips, name=name) for code, fips, name in _STATES)
    session.flush()
    session.add_all(
        County(fips=fips, name=name, state=state, latitude=latitude, longitude=longitude)
        for fips, name, state, latitude, longitude in _COUNTIES
    )
    session.flush()
    session.add_all(
        ZipCode(
            zip_code=code,
            place=place,
            state=state,
            county_fips=fips,
            latitude=lat,
            longitude=lon,
            time_zone="America/Chicago" if state == "KS" else "America/Kentucky/Louisville",
        )
        for code, place, state, fips, lat, lon in _ZIPS
    )
    session.add_all(NaicsCode(code=code, title=title) for code, title in _NAICS)
    cluster = Cluster(key="metalworking-technology", name="Metalworking Technology", kind="traded")
    session.add(cluster)
    session.flush()
    session.add(ClusterIndustry(naics_code="332710", cluster_id=cluster.id))
    known: dict[str, Capability] = {}
    for key, label, label_es, broader, also in _CAPABILITIES:
        known[key] = Capability(
            key=key, label=label, label_es=label_es, definition=f"What {label.lower()} means."
        )
        known[key].broader = [known[other] for other in broader]
        known[key].labels = [
            CapabilityLabel(text=text, match_key=name_key(text), kind=kind, language=language)
            for text, kind, language in [
                (label, "preferred", "en"),
                (label_es, "preferred", "es"),
                *((name, "alternate", "en") for name in also),
            ]
        ]
        session.add(known[key])
    session.flush()


def _add_organizations(world: World) -> None:
    shop = Organization(
        name="Ana's Machine Shop",
        match_key="anas machine shop",
        kind="sme",
        summary="Precision milling for short runs.",
        description="Family shop with **five-axis** mills.",
        website="https://shop.example",
        phone="(502) 555-0101",
        email="office@shop.example",
        street="100 Main Street",
        city="Louisville",
        state="KY",
        zip_code="40202",
        county_fips="21111",
        latitude=38.2529,
        longitude=-85.7514,
        employee_band="1-9",
        certifications=[{"name": "ISO 9001", "expires_on": None}],
        members_only_fields=["phone"],
    )
    college = Organization(
        name="Falls City Community College",
        match_key="falls city community college",
        kind="community_college",
        summary="Workforce training and open labs.",
        city="Jeffersonville",
        state="IN",
        zip_code="47130",
        county_fips="18019",
        latitude=38.3006,
        longitude=-85.7266,
    )
    aero = Organization(
        name="Prairie Aero Composites",
        match_key="prairie aero composites",
        kind="sme",
        summary="Composite parts for aircraft.",
        city="Wichita",
        state="KS",
        zip_code="67202",
        county_fips="20173",
        latitude=37.6889,
        longitude=-97.3361,
    )
    unclaimed = Organization(
        name="Ohio Valley Institute",
        match_key="ohio valley institute",
        kind="university",
        city="Louisville",
        state="KY",
        zip_code="40210",
        county_fips="21111",
        source="ipeds",
        ipeds_id="999001",
    )
    shop.capabilities = [_capability("5-axis-milling")]
    college.capabilities = [_capability("coordinate-measuring"), _capability("welding")]
    shop.naics = [session.get_one(NaicsCode, "332710")]
    for name, row in (
        ("shop", shop),
        ("college", college),
        ("aero", aero),
        ("unclaimed", unclaimed),
    ):
        session.add(row)
        session.flush()
        world.organizations[name] = row.id
    for organization, person, role in (
        ("shop", "ana", "owner"),
        ("shop", "ben", "member"),
        ("college", "cleo", "manager"),
        ("aero", "eve", "owner"),
    ):
        membership = Membership(
            organization_id=world.organizations[organization],
            user_id=world.users[person],
            role=role,
        )
        session.add(membership)
        session.flush()
        world.memberships[f"{person}_{organization}"] = membership.id
    invitation = Invitation(
        organization_id=world.organizations["shop"],
        email="newcomer@elsewhere.example",
        role="member",
        token_hash=hashlib.sha256(INVITATION_TOKEN.encode()).hexdigest(),
        invited_by_id=world.users["ana"],
        expires_at=now() + dt.timedelta(days=14),
    )
    join_request = JoinRequest(
        organization_id=world.organizations["college"],
        user_id=world.users["eve"],
        message="I teach composites on Fridays.",
    )
    claim = Claim(
        organization_id=world.organizations["unclaimed"],
        user_id=world.users["cleo"],
        evidence="I am its registrar; the website names me.",
    )
    session.add_all([invitation, join_request, claim])
    session.flush()
    world.invitations["shop_to_newcomer"] = invitation.id
    world.join_requests["eve_to_college"] = join_request.id
    world.claims["cleo_on_unclaimed"] = claim.id


def _add_regions(world: World) -> None:
    for key, name, counties in (
        ("greater-louisville", "Greater Louisville", ["21111", "18019"]),
        ("wichita", "Wichita", ["20173"]),
    ):
        region = Region(key=key, name=name, summary=f"The makers of {name}.")
        region.counties = [session.get_one(County, fips) for fips in counties]
        session.add(region)
        session.flush()
        world.regions[key] = region.id
    session.add(
        BrokerAppointment(region_id=world.regions["greater-louisville"], user_id=world.users["dov"])
    )


def _add_records(world: World) -> None:
    for owner, person in (("shop", "ana"), ("college", "cleo"), ("aero", "eve")):
        for visibility in ("draft", "organization", "members", "public"):
            name = f"{owner}_{visibility}"
            common = {
                "organization_id": world.organizations[owner],
                "created_by_id": world.users[person],
                "visibility": visibility,
            }
            facility = Facility(
                name=f"{owner.capitalize()} {visibility} lab",
                kind="lab",
                summary=f"A {visibility} lab of the {owner}.",
                county_fips="20173" if owner == "aero" else "21111",
                latitude=37.6889 if owner == "aero" else 38.2529,
                longitude=-97.3361 if owner == "aero" else -85.7514,
                **common,
            )
            session.add(facility)
            session.flush()
            world.facilities[name] = facility.id
            equipment = Equipment(
                name=f"{owner.capitalize()} {visibility} mill",
                make="Haas",
                model="UMC-750",
                serial_number=f"SN-{name}",
                sharing_terms="by_request",
                facility_id=facility.id,
                summary=f"A {visibility} mill of the {owner}.",
                **common,
            )
            equipment.capabilities = [_capability("5-axis-milling")]
            equipment.rates = [EquipmentRate(customer_class="other", unit="hour", price_cents=8500)]
            request = Request(
                kind="equipment_sharing",
                direction="need",
                title=f"{owner.capitalize()} {visibility} need",
                summary=f"The {owner} looks for a machine ({visibility}).",
                expertise_sought="Somebody who measures.",
                status="draft" if visibility == "draft" else "published",
                published_at=None if visibility == "draft" else now(),
                expires_on=(now() + dt.timedelta(days=90)).date(),
                county_fips="20173" if owner == "aero" else "21111",
                **common,
            )
            session.add_all([equipment, request])
            session.flush()
            world.equipment[name] = equipment.id
            world.requests[name] = request.id
    response = Response(
        request_id=world.requests["shop_public"],
        organization_id=world.organizations["college"],
        message="Our measuring machine is free on Fridays.",
        created_by_id=world.users["cleo"],
    )
    session.add(response)
    session.flush()
    world.responses["college_to_shop"] = response.id
    proposed = Request(
        organization_id=world.organizations["unclaimed"],
        created_by_id=world.users["dov"],
        is_on_behalf=True,
        kind="equipment_sharing",
        direction="need",
        title="A tensile tester for a week",
        summary="The institute tests forty samples of steel.",
        expertise_sought="Somebody who clamps them.",
        status="proposed",
        visibility="public",
        expires_on=(now() + dt.timedelta(days=90)).date(),
        county_fips="21111",
    )
    proposed.capabilities = [_capability("metrology")]
    session.add(proposed)
    session.flush()
    mandate = Mandate(
        request_id=proposed.id,
        email="office@institute.example",
        language="en",
        token_hash=hashlib.sha256(MANDATE_TOKEN.encode()).hexdigest(),
        asked_by_id=world.users["dov"],
        expires_at=now() + dt.timedelta(days=14),
    )
    session.add(mandate)
    session.flush()
    world.proposals["unclaimed"] = proposed.id
    world.mandates["unclaimed"] = mandate.id
    run = ImportRun(
        user_id=world.users["cleo"],
        organization_id=world.organizations["college"],
        file_name="catalog.csv",
        source_format="uniquip",
        visibility="public",
        status="checked",
    )
    session.add(run)
    session.flush()
    world.import_runs["cleo_college"] = run.id
    for name, keeper in (
        ("ana", {"user_id": world.users["ana"]}),
        ("shop", {"organization_id": world.organizations["shop"]}),
    ):
        saved = SavedSearch(
            name=f"Presses for {name}",
            query="q=press",
            channel="desk",
            frequency="weekly",
            due_at=now() + dt.timedelta(days=7),
            **keeper,
        )
        session.add(saved)
        session.flush()
        world.saved_searches[name] = saved.id


def _add_skills(world: World) -> None:
    """Three skills, the institute's "nims" that proves the first, the college's own for the second.

    Both credentials are good for three years.
    """
    session.add_all(
        Occupation(code=code, title=title, title_es=title_es)
        for code, title, title_es in _OCCUPATIONS
    )
    session.flush()
    for key, kind, name, name_es, capability, others in _SKILLS:
        skill = Skill(key=key, kind=kind, label=name, label_es=name_es)
        welders = kind == "welding"
        skill.occupations = [session.get_one(Occupation, "51-4121" if welders else "51-4041")]
        skill.capabilities = [_capability(capability)]
        session.add(skill)
        names = [
            (name, "preferred", "en"),
            (name_es, "preferred", "es"),
            *((other, "alternate", "en") for other in others),
        ]
        session.add_all(
            SkillName(
                skill_key=key, text=text, match_key=name_key(text), kind=usual, language=language
            )
            for text, usual, language in names
        )
        session.flush()
    for name, title, own, skill_key in (
        ("nims", "CNC Milling: Operations", {"key": "nims-cnc-milling-operations"}, _SKILLS[0][0]),
        (
            "college",
            "Coordinate Measuring Operator",
            {"issuer_organization_id": world.organizations["college"]},
            _SKILLS[1][0],
        ),
    ):
        credential = Credential(
            kind="certification",
            name=title,
            name_key=name_key(title),
            issuer="Falls City Community College"
            if name == "college"
            else "Institute for Metalworking",
            url="https://issuer.example/",
            valid_months=36,
            skills=[session.get_one(Skill, skill_key)],
            **own,
        )
        session.add(credential)
        session.flush()
        world.credentials[name] = credential.id


def _add_bookings(world: World) -> None:
    """Ben has asked for the college's public mill, which others book if the college agrees."""
    mill = session.get_one(Equipment, world.equipment["college_public"])
    mill.sharing_terms = "bookable"
    resource = Resource(
        kind="equipment",
        organization_id=mill.organization_id,
        equipment_id=mill.id,
        name=mill.name,
    )
    session.add(resource)
    session.flush()
    world.resources["college_public"] = resource.id
    monday = (now() + dt.timedelta(days=14 - now().weekday())).replace(
        hour=15, minute=0, second=0, microsecond=0
    )
    booking = Booking(
        resource_id=resource.id,
        host_organization_id=mill.organization_id,
        organization_id=world.organizations["shop"],
        user_id=world.users["ben"],
        booked_by_id=world.users["ben"],
        starts_at=monday,
        ends_at=monday + dt.timedelta(hours=2),
        status="requested",
        purpose="Housings, first articles",
        customer_class="member_sme",
    )
    session.add(booking)
    session.flush()
    world.bookings["ben_on_college_mill"] = booking.id


def _add_access(world: World) -> None:
    """The shop has qualified Cleo and an agreement with the college; Eve asks it for access."""
    shop = world.organizations["shop"]
    qualification = Qualification(
        host_organization_id=shop,
        user_id=world.users["cleo"],
        equipment_id=world.equipment["shop_public"],
        granted_on=dt.date(2026, 1, 15),
        evidence="Taught by Ana for a day.",
        created_by_id=world.users["ana"],
    )
    clearance = Clearance(
        host_organization_id=shop,
        kind="agreement",
        organization_id=world.organizations["college"],
        valid_from=dt.date(2026, 1, 1),
        reference="C-17",
        created_by_id=world.users["ana"],
    )
    recognition = Recognition(
        host_organization_id=shop,
        recognized_organization_id=world.organizations["aero"],
        created_by_id=world.users["ana"],
    )
    access_request = AccessRequest(
        host_organization_id=shop,
        user_id=world.users["eve"],
        organization_id=world.organizations["aero"],
        kind="qualification",
        equipment_id=world.equipment["shop_public"],
        message="I run the same mill at home.",
    )
    session.add_all([qualification, clearance, recognition, access_request])
    session.flush()
    world.qualifications["cleo_at_shop"] = qualification.id
    world.clearances["college_at_shop"] = clearance.id
    world.recognitions["aero_by_shop"] = recognition.id
    world.access_requests["eve_at_shop"] = access_request.id


def _add_matches(world: World) -> None:
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


def _add_conversations(world: World) -> None:
    """The shop and the college talk about the college's response; Cleo has reported Ben's words.

    The shop wants nothing of the aero firm, which has written to the college.
    """
    shop, college, aero = (world.organizations[name] for name in ("shop", "college", "aero"))
    first, second = sorted((college, aero))
    contact = OrganizationContact(first_organization_id=first, second_organization_id=second)
    session.add(contact)
    session.flush()
    for name, subject, subject_id, parties, words in (
        (
            "shop_college",
            "response",
            world.responses["college_to_shop"],
            (shop, college),
            (("ben", shop, "How long is it free on Fridays?"), ("cleo", college, "Until four.")),
        ),
        ("college_aero", "organization", contact.id, (college, aero), (("eve", aero, "Hello."),)),
    ):
        thread = Thread(subject=subject, subject_id=subject_id, title=name)
        session.add(thread)
        session.flush()
        world.threads[name] = thread.id
        session.add_all(ThreadParty(thread_id=thread.id, organization_id=row) for row in parties)
        for person, organization_id, text in words:
            message = Message(
                thread_id=thread.id,
                organization_id=organization_id,
                author_id=world.users[person],
                text=text,
            )
            session.add(message)
            session.flush()
            world.messages[f"{person}_in_{name}"] = message.id
    report = MessageReport(
        message_id=world.messages["ben_in_shop_college"],
        organization_id=college,
        reported_by_id=world.users["cleo"],
        reason="other",
        note="He should ask by telephone.",
    )
    block = Block(
        organization_id=shop, blocked_organization_id=aero, created_by_id=world.users["ana"]
    )
    # Paused: no test sends anything to somebody out there.
    webhook = Webhook(
        organization_id=shop,
        url="https://hooks.example/commons",
        kinds=["response.accepted"],
        secret="whsec_dGhlIHNlY3JldCBvZiB0aGUgc2hvcA==",
        is_active=False,
    )
    session.add_all([report, block, webhook])
    session.flush()
    world.webhooks["shop"] = webhook.id
    world.message_reports["cleo_on_ben"] = report.id
    world.blocks["aero_by_shop"] = block.id


def _add_agreements(world: World) -> None:
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
        due_on=dt.date(2027, 6, 1),
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


def _add_introductions(world: World) -> None:
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


def _add_training(world: World) -> None:
    """Programs of the college for every audience, and one of the shop for members.

    Of the public one, which awards "nims" and teaches the skill for it, there is a section in every
    state; the open one begins in a month, has eight seats, and costs 200 dollars, for member firms
    150.
    """
    for name, organization, person in (
        ("college_draft", "college", "cleo"),
        ("college_organization", "college", "cleo"),
        ("college_members", "college", "cleo"),
        ("college_public", "college", "cleo"),
        ("shop_members", "shop", "ana"),
    ):
        visibility = name.partition("_")[2]
        program = Program(
            organization_id=world.organizations[organization],
            created_by_id=world.users[person],
            visibility=visibility,
            title=f"{organization.capitalize()} {visibility} milling course",
            summary=f"A {visibility} course of the {organization}.",
            description="Setups, offsets and *safe* tool changes.",
            duration_hours=24,
            cost_cents=20_000,
            contact_email=f"training@{organization}.example",
        )
        if name == "college_public":
            program.credential_id = world.credentials["nims"]
            program.skills = [session.get_one(Skill, "cnc-mill-operation")]
        session.add(program)
        session.flush()
        world.programs[name] = program.id
    zone = "America/Kentucky/Louisville"
    today = now().replace(hour=22, minute=0, second=0, microsecond=0)
    for status, days, length in (
        ("planned", 60, 14),
        ("open", 30, 14),
        ("running", -7, 14),
        ("completed", -60, 14),
        ("cancelled", 30, 14),
    ):
        starts_at = today + dt.timedelta(days=days)
        meetings = [
            SectionMeeting(
                starts_at=starts_at + dt.timedelta(days=week),
                ends_at=starts_at + dt.timedelta(days=week, hours=3),
            )
            for week in range(0, length + 1, 7)
        ]
        section = Section(
            program_id=world.programs["college_public"],
            organization_id=world.organizations["college"],
            created_by_id=world.users["cleo"],
            status=status,
            starts_on=starts_at.date(),
            ends_on=starts_at.date() + dt.timedelta(days=length),
            timezone=zone,
            city="Jeffersonville",
            state="IN",
            zip_code="47130",
            county_fips="18019",
            latitude=38.3006,
            longitude=-85.7266,
            place="Room 12",
            online_url="https://meet.example/milling",
            seats=8,
            min_seats=2,
            meetings=meetings,
            prices=[SectionPrice(customer_class="member_sme", price_cents=15_000)],
        )
        session.add(section)
        session.flush()
        world.sections[status] = section.id
        world.meetings[status] = meetings[-1].id


def _add_enrollments(world: World) -> None:
    """In the college's sections: Ben, whom the shop sends, is invited to the open one, where Eve
    asks for a seat; in the one that is over, Ben has passed with a grade and a certificate, which
    stands for no credential.
    """
    shop, college = world.organizations["shop"], world.organizations["college"]
    eve = {"user_id": world.users["eve"], "email": "eve@cast.example", "name": "Eve"}
    ben = {"user_id": world.users["ben"], "email": "ben@cast.example", "name": "Ben"}
    for name, section, values in (
        (
            "ben_invited",
            "open",
            {
                "seat": 1,
                "email": "ben@cast.example",
                "organization_id": shop,
                "enrolled_by_id": world.users["ana"],
                "status": "invited",
                "customer_class": "member_sme",
                "price_cents": 15_000,
                "answer_by": now() + dt.timedelta(days=3),
                "token_hash": hashlib.sha256(SEAT_TOKEN.encode()).hexdigest(),
            },
        ),
        (
            "eve_asks",
            "open",
            {
                **eve,
                "seat": 2,
                "status": "requested",
                "customer_class": "other",
                "price_cents": 20_000,
            },
        ),
        (
            "ben_passed",
            "completed",
            {
                **ben,
                "seat": 1,
                "organization_id": shop,
                "enrolled_by_id": world.users["ana"],
                "status": "completed",
                "grade": "canary-grade-B",
                "finished_on": now().date() - dt.timedelta(days=40),
                "customer_class": "member_sme",
                "price_cents": 15_000,
            },
        ),
    ):
        row = Enrollment(
            section_id=world.sections[section],
            of_seats=8,
            free_until=session.get_one(Section, world.sections[section]).starts_on
            - dt.timedelta(days=1),
            provider_organization_id=college,
            **values,
        )
        session.add(row)
        session.flush()
        world.enrollments[name] = row.id
    certificate = Certificate(
        number="7K2M-X9QA-4D3R-BN8T",
        enrollment_id=world.enrollments["ben_passed"],
        user_id=world.users["ben"],
        organization_id=college,
        holder_name="Ben",
        title="Safety at the mill",
        issuer_name="Falls City Community College",
        issued_on=now().date() - dt.timedelta(days=40),
    )
    session.add(certificate)
    session.flush()
    world.certificates["ben"] = certificate.number


def _add_demands(world: World) -> None:
    """Shop and aero firm need people; others can join the latter's need.

    The college offers its planned section to the shop, which has not answered.
    """
    needed_by = now().date() + dt.timedelta(days=400)
    for name, county, skill, people, is_shared in (
        ("shop", "21111", "cnc-mill-operation", 2, False),
        ("aero", "20173", "mig-welding", 5, True),
    ):
        demand = SkillDemand(
            organization_id=world.organizations[name],
            skill_key=skill,
            county_fips=county,
            people=people,
            needed_by=needed_by,
            quarter=needed_by.year * 4 + (needed_by.month - 1) // 3,
            wage_min_cents=2400,
            is_shared=is_shared,
            note=f"Two of the {name} retire: canary-skill-demand.",
            created_by_id=world.users["ana" if name == "shop" else "eve"],
        )
        session.add(demand)
        session.flush()
        world.demands[name] = demand.id
    offer = CohortOffer(
        organization_id=world.organizations["college"],
        section_id=world.sections["planned"],
        skill_key="cnc-mill-operation",
        area="Jefferson County, KY",
        message="Evenings, three times a week.",
        created_by_id=world.users["cleo"],
    )
    session.add(offer)
    session.flush()
    invitation = CohortInvitation(
        offer_id=offer.id, organization_id=world.organizations["shop"], wanted=2
    )
    session.add(invitation)
    session.flush()
    world.cohort_offers["college"] = offer.id
    world.cohort_invitations["shop"] = invitation.id


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


def _capability(key: str) -> Capability:
    return session.get_one(Capability, key)


def _add_cases(world: World) -> None:
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
