"""Programs, sections, enrollments, demand for skills."""

import datetime as dt
import hashlib

from portal.kernel.clock import now
from portal.kernel.database import session
from portal.skills.models import Skill
from portal.training.models.certificates import Certificate
from portal.training.models.demands import CohortInvitation, CohortOffer, SkillDemand
from portal.training.models.enrollments import Enrollment
from portal.training.models.programs import Program
from portal.training.models.sections import Section, SectionMeeting, SectionPrice
from tests.cast import SEAT_TOKEN, World


def add_training(world: World) -> None:
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


def add_enrollments(world: World) -> None:
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


def add_demands(world: World) -> None:
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
