"""What is taught in the demo, who takes part, and which skills firms ask for."""

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence

from sqlalchemy import exists, or_, select, update

from portal.accounts.queries import find_user_by_email
from portal.bookings.models.access import Qualification, Recognition
from portal.bookings.rules.recurrence import Recurrence
from portal.bookings.services import access as gates
from portal.demo.policies import Permission
from portal.demo.rules.chance import days_before
from portal.demo.rules.organizations import DemoOrganization
from portal.demo.rules.people import DemoCast
from portal.demo.rules.training import (
    DemoDemand,
    DemoEnrollment,
    DemoProgram,
    DemoRecognition,
    DemoSection,
    first_day,
)
from portal.demo.services.acting import find_organization, owner_of, person_of, without_mail
from portal.demo.services.dating import ago, date_step, date_steps, evening_of
from portal.demo.services.organizations import vouch_for
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import today_here
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.workflow import WorkflowStep
from portal.organizations.models import Organization
from portal.skills.models import Credential
from portal.skills.services import create_credential
from portal.training.models.certificates import Certificate
from portal.training.models.demands import SkillDemand
from portal.training.models.enrollments import Enrollment
from portal.training.models.programs import Program
from portal.training.models.sections import Section
from portal.training.queries.certificates import list_of_enrollment
from portal.training.queries.doors import list_good_certificates
from portal.training.rules.sections import Schedule
from portal.training.services import enrollments as training
from portal.training.services import programs, results, sections
from portal.training.services.demands import state_demand
from portal.training.services.doors import qualify_holder


@command(Permission.DEMO_LOAD)
def load_program(
    actor: Actor,
    *,
    program: DemoProgram,
    provider: DemoOrganization,
    enrollments: Sequence[DemoEnrollment],
    firms: Mapping[str, DemoOrganization],
) -> int:
    """Let an organization teach something, in sections that people take part in.

    firms: the demo's organizations by key. Returns the number of records, 0 where it is here.
    """
    row = find_organization(provider)
    if row is None:
        return 0
    title = program.values["title"]
    is_taught = exists().where(Program.organization_id == row.id, Program.title == title)
    if session.scalar(select(is_taught)):
        return 0
    with without_mail():
        owner = owner_of(row)
        days = provider.confirmed_days_ago
        taught = programs.create_program(
            owner,
            row,
            is_demo=True,
            confirmed_at=ago(days),
            credential=_credential(owner, row, program),
            contact_email=provider.values["email"],
            contact_phone=provider.values.get("phone", ""),
            **program.values,
        )
        held = []
        for number, section in enumerate(program.sections, 1):
            taking_part = [one for one in enrollments if one.section == number]
            held.append(_hold(owner, taught, program, section, taking_part, firms))
        _date_sections(held)
        changed, made = days_before(title)
        taught.confirmed_at = ago(days)
        taught.updated_at, taught.created_at = ago(days + changed), ago(days + changed + made)
        date_steps("program", taught.id, taught.created_at)
    return 1 + len(program.sections)


@command(Permission.DEMO_LOAD)
def load_recognition(actor: Actor, *, recognition: DemoRecognition, host: DemoOrganization) -> int:
    """Let a host recognize a credential, and qualify who holds a certificate of it."""
    row = find_organization(host)
    credential = session.scalar(
        select(Credential)
        .where(
            or_(Credential.key == recognition.credential, Credential.name == recognition.credential)
        )
        .order_by(Credential.id)
        .limit(1)
    )
    if row is None or credential is None:
        return 0
    is_known = exists().where(
        Recognition.host_organization_id == row.id, Recognition.credential_id == credential.id
    )
    if session.scalar(select(is_known)):
        return 0
    with without_mail():
        made = gates.add_recognition(
            owner_of(row),
            row,
            credential=str(credential.id),
            capability=recognition.capability,
        )
        made.created_at = ago(90)
        date_steps("recognition", made.id, ago(90))
        for certificate in list_good_certificates(recognition_id=made.id):
            qualify_holder(SYSTEM, certificate=certificate, recognition_id=made.id)
        for granted in session.scalars(
            select(Qualification).where(Qualification.recognition_id == made.id)
        ):
            granted.created_at = evening_of(granted.granted_on)
            date_steps("qualification", granted.id, granted.created_at)
    return 1


@command(Permission.DEMO_LOAD)
def load_demands(
    actor: Actor,
    *,
    demands: Sequence[DemoDemand],
    organization: DemoOrganization,
    cast: DemoCast,
) -> int:
    """Let an organization say which skills it needs; return how many, 0 where it has said so.

    Needs count once the region's broker has vouched for who has them.
    """
    row = find_organization(organization)
    if row is None or session.scalar(
        select(exists().where(SkillDemand.organization_id == row.id, SkillDemand.is_demo))
    ):
        return 0
    with without_mail():
        owner = owner_of(row)
        if row.verified_at is None:
            vouch_for(row, cast, organization)
        for demand in demands:
            least, most = demand.wages or (None, None)
            stated = state_demand(
                owner,
                row,
                skill=demand.skill,
                occupation=demand.occupation,
                people=demand.people,
                needed_by=today_here() + dt.timedelta(days=demand.in_days),
                wage_min_cents=least,
                wage_max_cents=most,
                is_cofunding=demand.is_cofunding,
                hosts_apprentices=demand.hosts_apprentices,
                is_demo=True,
            )
            moment = ago(days_before(f"{organization.key} {demand.skill}")[1] % 60 + 1)
            stated.confirmed_at = stated.created_at = stated.updated_at = moment
    return len(demands)


def _credential(owner: Actor, row: Organization, program: DemoProgram) -> str:
    """Return what a program awards; what a provider issues itself is written down first."""
    if not program.is_own:
        return program.credential
    issued = create_credential(
        owner,
        row,
        name=program.credential,
        kind="certificate",
        abbreviation="",
        skills=program.values["skills"],
        valid_months=36,
        url="",
    )
    return str(issued.id)


def _hold(
    owner: Actor,
    taught: Program,
    program: DemoProgram,
    section: DemoSection,
    taking_part: Sequence[DemoEnrollment],
    firms: Mapping[str, DemoOrganization],
) -> tuple[Section, list[Enrollment]]:
    """Plan a section, open it and let people in; one that is over is held and moved to the past."""
    # Nobody can enroll in what is over, so it is held in a year to come.
    ahead = dt.timedelta(weeks=52 if section.is_over else 0)
    first = first_day(section, today_here()) + ahead
    made = sections.create_section(
        owner,
        taught,
        seats=program.seats,
        min_seats=program.seats // 3,
        place=program.place,
        prices=[
            {"customer_class": name, "price_cents": price * 100}
            for name, price in program.prices.items()
        ],
        schedule=Schedule(
            first,
            section.starts,
            section.ends,
            Recurrence("weekly", weekdays=section.weekdays, count=section.count),
        ),
        is_demo=True,
    )
    sections.open_section(owner, made)
    people = [_let_in(made, enrollment, firms) for enrollment in taking_part]
    if section.is_over:
        _move_to_past(owner, made, ahead, taking_part, people)
    return made, list(itertools.chain.from_iterable(people))


def _date_sections(held: Sequence[tuple[Section, Sequence[Enrollment]]]) -> None:
    """Write that sections were opened a month ago, or a month before they were held."""
    session.flush()
    today = today_here()
    coming = [section.id for section, _people in held if section.ends_on >= today]
    for ids, moment in (
        (coming, ago(30)),
        *(
            ([one.id], evening_of(one.starts_on) - dt.timedelta(days=30))
            for one, _people in held
            if one.id not in coming
        ),
    ):
        session.execute(
            update(Section)
            .where(Section.id.in_(ids))
            .values(created_at=moment, updated_at=moment)
            .execution_options(synchronize_session=False)
        )
        session.execute(
            update(WorkflowStep)
            .where(WorkflowStep.subject == "section", WorkflowStep.subject_id.in_(ids))
            .values(taken_at=moment)
            .execution_options(synchronize_session=False)
        )
    for section, people in held:
        for row in people:
            moment = min(ago(9), evening_of(section.starts_on) - dt.timedelta(days=9))
            row.created_at = row.updated_at = moment
            date_steps("enrollment", row.id, moment)
            for certificate in list_of_enrollment(row.id):
                _date_certificate(certificate, section.ends_on)


def _date_certificate(certificate: Certificate, day: dt.date) -> None:
    """Write that somebody passed, and got a certificate, on a past day."""
    enrollment = session.get_one(Enrollment, certificate.enrollment_id)
    enrollment.finished_on = certificate.issued_on = day
    certificate.created_at = certificate.updated_at = evening_of(day)
    if certificate.expires_on is not None:
        certificate.expires_on -= today_here() - day
    date_step("enrollment", enrollment.id, "pass", evening_of(day))


def _move_to_past(
    owner: Actor,
    made: Section,
    ahead: dt.timedelta,
    taking_part: Sequence[DemoEnrollment],
    people: Sequence[Sequence[Enrollment]],
) -> None:
    """Let a section have been held before, with its results."""
    made.starts_on, made.ends_on = made.starts_on - ahead, made.ends_on - ahead
    for meeting in made.meetings:
        meeting.starts_at, meeting.ends_at = meeting.starts_at - ahead, meeting.ends_at - ahead
    for row in itertools.chain.from_iterable(people):
        row.free_until -= ahead
    session.flush()
    sections.act_on_section(SYSTEM, made, "start")
    for enrollment, rows in zip(taking_part, people, strict=True):
        for row in rows:
            if row.email in (*enrollment.passed, *enrollment.failed):
                results.record_result(owner, row, passed=row.email in enrollment.passed)
    sections.act_on_section(owner, made, "complete")


def _let_in(
    section: Section, enrollment: DemoEnrollment, firms: Mapping[str, DemoOrganization]
) -> list[Enrollment]:
    """Enroll people for themselves, or let a firm keep seats that some of them take."""
    firm = find_organization(firms[enrollment.by]) if enrollment.by else None
    if firm is None:
        rows = [
            training.enroll(person_of(email), section)
            for email in enrollment.people
            if find_user_by_email(email) is not None
        ]
    else:
        rows = training.enroll_others(
            owner_of(firm), section, organization=firm, emails=enrollment.people
        )
        for row in rows:
            if row.email in enrollment.accepted:
                training.answer_enrollment(person_of(row.email), row, "accept")
    for row in rows:
        row.is_demo = True
    return rows
