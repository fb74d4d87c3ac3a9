"""Commands that fill the portal with demo regions, or with many synthetic records.

Demo records pass through the commands of their domains, as acts of the people who own them. Only
what no command can do is written here: that something happened some days ago.
"""

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import exists, insert, or_, select, update
from sqlalchemy.orm import joinedload

from portal.accounts import services as accounts
from portal.accounts.models import User
from portal.accounts.queries import find_user_by_email, password_cost
from portal.accounts.rules import hash_password
from portal.agreements.models import Agreement
from portal.agreements.queries.agreements import get_agreement
from portal.agreements.services import agreements, outcomes
from portal.bookings.models.access import AccessRequest, Qualification, Recognition
from portal.bookings.models.booking import Booking
from portal.bookings.models.calendar import Closure, Resource
from portal.bookings.queries.bookings import get_booking, get_resource
from portal.bookings.queries.calendar import load_hours
from portal.bookings.rules.attempt import Span
from portal.bookings.rules.recurrence import Recurrence
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.timetable import day_span
from portal.bookings.services import access as gates
from portal.bookings.services import calendar as calendars
from portal.bookings.services import making, steps
from portal.brokerage.models.introductions import (
    Introduction,
    IntroductionParty,
    IntroductionReveal,
)
from portal.brokerage.queries.introductions import get_introduction
from portal.brokerage.services import introductions
from portal.conversations import services as conversations
from portal.demo.policies import Permission
from portal.demo.rules import (
    DemoAccess,
    DemoBooking,
    DemoCast,
    DemoDemand,
    DemoEnrollment,
    DemoNewcomer,
    DemoOrganization,
    DemoPerson,
    DemoProgram,
    DemoRecognition,
    DemoRecord,
    DemoRequest,
    DemoSection,
    DemoStory,
    SyntheticOrganization,
    days_before,
    first_day,
    moved_apart,
    workday_after,
)
from portal.directory.models import SavedSearch
from portal.facilities import services as facilities
from portal.facilities.models import (
    Equipment,
    EquipmentRate,
    Facility,
    equipment_capability,
    facility_capability,
)
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now, today_here
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.outbox import heard_only_by
from portal.kernel.search import INDEX_HANDLER
from portal.kernel.workflow import WorkflowStep
from portal.organizations import services as organizations
from portal.organizations.models import (
    Membership,
    Organization,
    organization_capability,
    organization_naics,
)
from portal.organizations.rules import match_key
from portal.partnerships.models import Request, Response, request_capability
from portal.partnerships.queries.requests import get_request
from portal.partnerships.queries.responses import get_response
from portal.partnerships.rules.words import LONGEST_LIFE_DAYS
from portal.partnerships.services import requests as partnerships
from portal.partnerships.services import responses
from portal.regions import services as regions
from portal.regions.queries import counties_of_region, find_region, find_zip
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

_ACTIONS = {
    "paused": "pause",
    "fulfilled": "fulfil",
    "withdrawn": "withdraw",
    "expired": "expire",
}
_DECISIONS = {"accepted": "accept", "declined": "decline"}


@command(Permission.DEMO_LOAD)
def load_cast(actor: Actor, *, cast: DemoCast, demo_regions: Mapping[str, Any]) -> int:
    """Draw the demo's regions and open the accounts of its cast; return how many were new.

    demo_regions: name, summary and county_fips by key.
    """
    with _without_mail():
        new = sum(_draw_region(key, fields) for key, fields in demo_regions.items())
        # One hash for all: the password is no secret, and hashing takes its time.
        password_hash = hash_password(cast.password, password_cost())
        return new + sum(_open_account(person, cast, password_hash) for person in cast.people)


@command(Permission.DEMO_LOAD)
def load_organization(actor: Actor, *, organization: DemoOrganization, cast: DemoCast) -> int:
    """Write an organization with its people, facilities, equipment and requests.

    Returns the number of records, or 0 where it is here already: then nothing is touched.
    """
    if _find(organization) is not None:
        return 0
    with _without_mail():
        row = _write_organization(organization)
        if organization.owner is None:
            _date_back(row, organization.confirmed_days_ago, None)
            return 1
        owner = _represent(row, organization, cast)
        for record in organization.facilities:
            _write_facility(owner, row, record, organization)
        for record in organization.equipment:
            _write_equipment(owner, row, record, organization, None)
        for request in organization.requests:
            _write_request(owner, row, request, organization)
        _write_calendars(owner, row, organization)
        if organization.is_verified:
            _verify(row, cast, organization)
        _date_back(row, organization.confirmed_days_ago, owner.user_id)
    return organization.record_count


@command(Permission.DEMO_LOAD)
def load_answers(
    actor: Actor, *, organization: DemoOrganization, senders: Mapping[str, str]
) -> int:
    """Let others respond to an organization's requests, and its owner decide and close them.

    senders: the names of organizations by their keys. Returns how many steps were taken.
    """
    row = _find(organization)
    if row is None or organization.owner is None:
        return 0
    steps = 0
    with _without_mail():
        owner = _owner_of(row)
        for request in organization.requests:
            found = session.scalar(
                select(Request).where(
                    Request.organization_id == row.id, Request.title == request.values["title"]
                )
            )
            if found is not None and found.status == "published":
                found.organization = row
                steps += _answer(owner, found, request, senders)
                steps += _close(owner, found, request)
    return steps


@command(Permission.DEMO_LOAD)
def load_newcomer(
    actor: Actor, *, newcomer: DemoNewcomer, organization: DemoOrganization, cast: DemoCast
) -> int:
    """Let somebody without an account arrive and claim the organization, or ask to join it.

    Returns 1, or 0 where the person has been here before.
    """
    row = _find(organization)
    if row is None or find_user_by_email(newcomer.email) is not None:
        return 0
    with _without_mail():
        user = _open_without_password(newcomer.name, newcomer.email, organization, cast)
        person = Actor(user_id=user.id, name=user.name)
        if newcomer.claims:
            organizations.send_claim(person, row, evidence=newcomer.words)
        else:
            organizations.send_join_request(person, row, message=newcomer.words)
    return 1


@command(Permission.DEMO_LOAD)
def load_access(actor: Actor, *, access: DemoAccess, host: DemoOrganization) -> int:
    """Let somebody ask a host for access to its equipment, and the host grant it.

    Returns 1, or 0 where it was asked for before.
    """
    row, user = _find(host), find_user_by_email(access.person)
    if row is None or user is None:
        return 0
    equipment = session.scalars(
        select(Equipment)
        .options(joinedload(Equipment.organization))
        .where(Equipment.organization_id == row.id, Equipment.name == access.equipment)
    ).one()
    is_asked = exists().where(
        AccessRequest.user_id == user.id,
        AccessRequest.kind == access.kind,
        AccessRequest.equipment_id == equipment.id,
    )
    if session.scalar(select(is_asked)):
        return 0
    with _without_mail():
        owner = _owner_of(row)
        _ask_and_grant(owner, row, user, equipment, access)
        if access.needed:
            resource = calendars.open_resource(owner, equipment)
            needs: dict[str, Any] = {f"needs_{access.kind}": True}
            calendars.change_rules(owner, resource, **needs)
    return 1


@command(Permission.DEMO_LOAD)
def load_booking(actor: Actor, *, booking: DemoBooking, host: DemoOrganization) -> int:
    """Let somebody book a machine under its rules, and the host approve it.

    Returns how many bookings were made: none where it was booked before, or cannot be.
    """
    row, user = _find(host), find_user_by_email(booking.person)
    if row is None or user is None:
        return 0
    equipment = session.scalars(
        select(Equipment)
        .options(joinedload(Equipment.organization))
        .where(Equipment.organization_id == row.id, Equipment.name == booking.equipment)
    ).one()
    is_booked = exists().where(Booking.user_id == user.id, Booking.purpose == booking.purpose)
    if session.scalar(select(is_booked)):
        return 0
    with _without_mail():
        person = _member(user)
        resource = get_resource(calendars.open_resource(person, equipment).id)
        day = workday_after(today_here(), booking.in_workdays)
        zone = load_hours(resource, day_span("UTC", day)).zone
        try:
            made = making.create_booking(
                person,
                resource,
                organization=session.get_one(Organization, next(iter(person.memberships))),
                span=_times(booking, day, zone),
                purpose=booking.purpose,
                recurrence=Recurrence("weekly", count=booking.weeks) if booking.weeks > 1 else None,
                on_conflict="skip",
            )
        except Refused:
            return 0
        for one in made:
            one.is_demo = True
            if booking.decision and one.status == "requested":
                steps.act_on_booking(_owner_of(row), get_booking(one.id), booking.decision)
    return len(made)


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
    row = _find(provider)
    if row is None:
        return 0
    title = program.values["title"]
    is_taught = exists().where(Program.organization_id == row.id, Program.title == title)
    if session.scalar(select(is_taught)):
        return 0
    with _without_mail():
        owner = _owner_of(row)
        days = provider.confirmed_days_ago
        taught = programs.create_program(
            owner,
            row,
            is_demo=True,
            confirmed_at=_ago(days),
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
        taught.confirmed_at = _ago(days)
        taught.updated_at, taught.created_at = _ago(days + changed), _ago(days + changed + made)
        _date_steps("program", taught.id, taught.created_at)
    return 1 + len(program.sections)


@command(Permission.DEMO_LOAD)
def load_recognition(actor: Actor, *, recognition: DemoRecognition, host: DemoOrganization) -> int:
    """Let a host recognize a credential, and qualify who holds a certificate of it."""
    row = _find(host)
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
    with _without_mail():
        made = gates.add_recognition(
            _owner_of(row),
            row,
            credential=str(credential.id),
            capability=recognition.capability,
        )
        made.created_at = _ago(90)
        _date_steps("recognition", made.id, _ago(90))
        for certificate in list_good_certificates(recognition_id=made.id):
            qualify_holder(SYSTEM, certificate=certificate, recognition_id=made.id)
        for granted in session.scalars(
            select(Qualification).where(Qualification.recognition_id == made.id)
        ):
            granted.created_at = _instant(granted.granted_on)
            _date_steps("qualification", granted.id, granted.created_at)
    return 1


@command(Permission.DEMO_LOAD)
def load_demands(
    actor: Actor, *, demands: Sequence[DemoDemand], organization: DemoOrganization
) -> int:
    """Let an organization say which skills it needs; return how many, 0 where it has said so."""
    row = _find(organization)
    if row is None or session.scalar(
        select(exists().where(SkillDemand.organization_id == row.id, SkillDemand.is_demo))
    ):
        return 0
    with _without_mail():
        owner = _owner_of(row)
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
            moment = _ago(days_before(f"{organization.key} {demand.skill}")[1] % 60 + 1)
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
        (coming, _ago(30)),
        *(
            ([one.id], _instant(one.starts_on) - dt.timedelta(days=30))
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
            moment = min(_ago(9), _instant(section.starts_on) - dt.timedelta(days=9))
            row.created_at = row.updated_at = moment
            _date_steps("enrollment", row.id, moment)
            for certificate in list_of_enrollment(row.id):
                _date_certificate(certificate, section.ends_on)


def _date_certificate(certificate: Certificate, day: dt.date) -> None:
    """Write that somebody passed, and got a certificate, on a past day."""
    enrollment = session.get_one(Enrollment, certificate.enrollment_id)
    enrollment.finished_on = certificate.issued_on = day
    certificate.created_at = certificate.updated_at = _instant(day)
    if certificate.expires_on is not None:
        certificate.expires_on -= today_here() - day
    _date_step("enrollment", enrollment.id, "pass", _instant(day))


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
    firm = _find(firms[enrollment.by]) if enrollment.by else None
    if firm is None:
        rows = [
            training.enroll(_person(email), section)
            for email in enrollment.people
            if find_user_by_email(email) is not None
        ]
    else:
        rows = training.enroll_others(
            _owner_of(firm), section, organization=firm, emails=enrollment.people
        )
        for row in rows:
            if row.email in enrollment.accepted:
                training.answer_enrollment(_person(row.email), row, "accept")
    for row in rows:
        row.is_demo = True
    return rows


def _person(email: str) -> Actor:
    user = find_user_by_email(email)
    assert user is not None  # noqa: S101 (for the type checker)
    return Actor(user_id=user.id, name=user.name)


def _instant(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(18), dt.UTC)


@command(Permission.DEMO_LOAD)
def load_story(
    actor: Actor,
    *,
    story: DemoStory,
    organization: DemoOrganization,
    partner: DemoOrganization,
    cast: DemoCast,
) -> int:
    """Let two organizations meet through their region's broker, talk, agree and get to something.

    Returns 1, or 0 where it was told before, or its response is not accepted.
    """
    row, other = _find(organization), _find(partner)
    if row is None or other is None:
        return 0
    found = session.scalar(
        select(Response.id)
        .join(Request, Request.id == Response.request_id)
        .where(
            Request.organization_id == row.id,
            Request.title == story.request,
            Response.organization_id == other.id,
            Response.status == "accepted",
        )
    )
    is_told = exists().where(Agreement.title == story.agreement["title"], Agreement.is_demo)
    if found is None or session.scalar(select(is_told)):
        return 0
    with _without_mail():
        owners = {organization.key: _owner_of(row), partner.key: _owner_of(other)}
        response = get_response(found)
        for key, words in story.messages:
            message = conversations.write_about(
                owners[key], response, subject="response", text=words
            )
            message.created_at = _ago(story.agreement["days_ago"] + 2)
        introduction = _introduce(story, response, (row, other), owners, organization, cast)
        _agree(story, introduction, (row, other), tuple(owners.values()))
    return 1


def _introduce(
    story: DemoStory,
    response: Response,
    sides: tuple[Organization, Organization],
    owners: Mapping[str, Actor],
    organization: DemoOrganization,
    cast: DemoCast,
) -> Introduction:
    """Let the region's broker introduce two organizations, and both agree to meet."""
    told = story.introduction
    region = find_region(organization.region)
    assert region is not None  # noqa: S101 (for the type checker)
    introduction = introductions.propose_introduction(
        _broker_of(organization.region, cast),
        region,
        title=told["title"],
        parties=[
            {"organization_id": side.id, "summary": summary, "reason": reason}
            for side, summary, reason in zip(sides, told["summaries"], told["reasons"], strict=True)
        ],
        request=get_request(response.request_id),
        is_demo=True,
    )
    for step in (_consent, _share):
        for owner in owners.values():
            step(owner, introduction)
    moment = _ago(told["days_ago"])
    introduction.asked_at = introduction.created_at = moment
    introduction.identified_at = introduction.opened_at = moment
    for party in introduction.parties:
        party.terms_accepted_at = party.shared_at = moment
        _date_steps("introduction_party", party.id, moment)
    _date_steps("introduction", introduction.id, moment)
    session.execute(
        update(IntroductionReveal)
        .where(IntroductionReveal.introduction_id == introduction.id)
        .values(revealed_at=moment)
    )
    return introduction


def _consent(owner: Actor, introduction: Introduction) -> None:
    party = _side_of(owner, introduction)
    introductions.consent_to_meet(owner, party, accepts_terms=True)


def _share(owner: Actor, introduction: Introduction) -> None:
    introductions.share_contact(
        owner,
        _side_of(owner, introduction),
        contact_name=owner.name,
        contact_phone="(502) 555-0142",
    )


def _side_of(owner: Actor, introduction: Introduction) -> IntroductionParty:
    found = get_introduction(introduction.id)
    return next(row for row in found.parties if row.organization_id in owner.memberships)


def _broker_of(region_key: str, cast: DemoCast) -> Actor:
    region = find_region(region_key)
    person = next(person for person in cast.people if person.brokers == region_key)
    user = find_user_by_email(person.email)
    assert region is not None and user is not None  # noqa: PT018, S101 (for the type checker)
    return Actor(
        user_id=user.id,
        name=user.name,
        brokered_regions=frozenset({region.id}),
        brokered_counties=frozenset(row.fips for row in counties_of_region(region.id)),
    )


def _agree(
    story: DemoStory,
    introduction: Introduction,
    sides: tuple[Organization, Organization],
    owners: tuple[Actor, ...],
) -> None:
    """Let two organizations agree on something, and say what came of it."""
    told = story.agreement
    first, second = owners
    ends = told.get("ends_in_days")
    agreement = agreements.create_agreement(
        first,
        sides[0],
        introduction_id=introduction.id,
        is_demo=True,
        starts_on=_ago(told["days_ago"]).date(),
        ends_on=today_here() + dt.timedelta(days=ends) if ends else None,
        **{
            name: told[name]
            for name in (
                "kind",
                "title",
                "terms",
                "role",
                "private_cents",
                "public_cents",
                "in_kind_cents",
            )
            if name in told
        },
    )
    for raw in told.get("milestones", ()):
        due_on = today_here() + dt.timedelta(days=raw["due_in_days"])
        milestone = agreements.add_milestone(first, agreement, title=raw["title"], due_on=due_on)
        milestone.done_at = _ago(-raw["due_in_days"]) if raw.get("is_done") else None
    agreements.act_on_agreement(first, agreement, "propose")
    agreements.acknowledge_agreement(second, agreement, revision=agreement.revision)
    for raw in told.get("outcomes", ()):
        outcome = outcomes.assert_outcome(
            first,
            agreement,
            kind=raw["kind"],
            amount_hundredths=raw["amount_hundredths"],
            happened_on=_ago(raw["days_ago"]).date(),
            evidence=raw["evidence"],
        )
        if raw.get("confirmed"):
            outcomes.act_on_outcome(second, outcome, "confirm")
            outcome.confirmed_at = _ago(raw["days_ago"] - 2)
        outcome.created_at = _ago(raw["days_ago"] - 1)
        _date_steps("outcome", outcome.id, _ago(raw["days_ago"] - 2))
    if told.get("state") == "completed":
        agreements.act_on_agreement(second, agreement, "complete")
        agreement.closed_at = _ago(30)
    moment = _ago(told["days_ago"])
    agreement.created_at = agreement.proposed_at = agreement.activated_at = moment
    _date_steps("agreement", agreement.id, moment)
    for party in get_agreement(agreement.id).parties:
        if party.clearance is not None:
            party.clearance.created_at = moment
            _date_steps("clearance", party.clearance.id, moment)
        for word in party.acknowledgments:
            word.acknowledged_at = moment


def _times(booking: DemoBooking, day: dt.date, zone: str) -> Span:
    starts_at, ends_at = (
        dt.datetime.combine(day, dt.time.fromisoformat(time), ZoneInfo(zone)).astimezone(dt.UTC)
        for time in (booking.starts, booking.ends)
    )
    return Span(starts_at, ends_at)


def _member(user: User) -> Actor:
    """Return a person as one of the organization that they joined first."""
    membership = session.scalars(
        select(Membership).where(Membership.user_id == user.id).order_by(Membership.id).limit(1)
    ).one()
    return Actor(
        user_id=user.id,
        name=user.name,
        memberships={membership.organization_id: membership.role},
    )


def _ask_and_grant(
    owner: Actor, host: Organization, user: User, equipment: Equipment, access: DemoAccess
) -> None:
    person = _member(user)
    organization_id = next(iter(person.memberships))
    asked = gates.ask_for_access(
        person,
        host,
        organization_id=organization_id,
        kind=access.kind,
        equipment_id=equipment.id,
        message=access.message,
    )
    days = access.granted_days_ago
    asked.created_at = _ago(days + 6 if days is not None else 2)
    if days is None:
        return
    good = access.expires_in_days
    expires_on = today_here() + dt.timedelta(days=good) if good is not None else None
    granted_on = today_here() - dt.timedelta(days=days)
    if access.kind == "qualification":
        granted: Any = gates.grant_qualification(
            owner,
            host,
            user_id=user.id,
            equipment_id=equipment.id,
            granted_on=granted_on,
            expires_on=expires_on,
            lapses_after_days=access.lapses_after_days,
            evidence=access.evidence,
        )
    else:
        holder = (
            {"user_id": user.id}
            if access.kind == "induction"
            else {"organization": session.get_one(Organization, organization_id).name}
        )
        granted = gates.file_clearance(
            owner,
            host,
            kind=access.kind,
            valid_from=granted_on,
            expires_on=expires_on,
            reference=access.evidence,
            **holder,
        )
    granted.created_at = asked.closed_at = _ago(days)
    subject = "qualification" if access.kind == "qualification" else "clearance"
    _date_step(subject, granted.id, "grant", _ago(days))
    _date_step("access_request", asked.id, "grant", _ago(days))


def _draw_region(key: str, fields: Mapping[str, Any]) -> bool:
    if find_region(key) is not None:
        return False
    regions.create_region(SYSTEM, key=key, is_demo=True, **fields)
    return True


def _open_account(person: DemoPerson, cast: DemoCast, password_hash: str) -> bool:
    if find_user_by_email(person.email) is not None:
        return False
    user = accounts.open_account(
        SYSTEM,
        name=person.name,
        email=person.email,
        password_hash=password_hash,
        time_zone=cast.time_zones[person.region],
        is_verified=True,
        is_administrator=person.administrator,
        is_demo=True,
    )
    # There is no index yet, so all that these find is news: the desk has something to show.
    session.add_all(
        SavedSearch(user_id=user.id, name=name, query=query, channel="desk", frequency="at_once")
        for name, query in person.searches.items()
    )
    region = find_region(person.brokers) if person.brokers else None
    if region is not None:
        regions.appoint_broker(SYSTEM, region, email=person.email)
    return True


def _open_without_password(
    name: str, email: str, organization: DemoOrganization, cast: DemoCast
) -> User:
    return accounts.open_account(
        SYSTEM,
        name=name,
        email=email,
        time_zone=cast.time_zones[organization.region],
        is_verified=True,
        is_demo=True,
    )


def _find(organization: DemoOrganization) -> Organization | None:
    return session.scalar(
        select(Organization).where(
            Organization.match_key == match_key(organization.values["name"]),
            Organization.source == "demo",
            Organization.zip_code == organization.values["zip_code"],
        )
    )


def _write_organization(organization: DemoOrganization) -> Organization:
    row, _outcome = organizations.import_organization(
        SYSTEM,
        source="demo",
        is_demo=True,
        **organization.values,
        **_place(organization, organization.values["zip_code"]),
    )
    return row


def _represent(row: Organization, organization: DemoOrganization, cast: DemoCast) -> Actor:
    """Give an organization its owner and those of the cast who belong to it; return the owner."""
    assert organization.owner is not None  # noqa: S101 (for the type checker)
    name, email = organization.owner
    user = find_user_by_email(email) or _open_without_password(name, email, organization, cast)
    organizations.appoint_member(SYSTEM, row, user_id=user.id, role="owner")
    for person in cast.people:
        if person.organization == organization.key and person.role != "owner":
            member = find_user_by_email(person.email)
            if member is not None:
                organizations.appoint_member(SYSTEM, row, user_id=member.id, role=person.role)
    return Actor(user_id=user.id, name=user.name, memberships={row.id: "owner"})


def _owner_of(row: Organization) -> Actor:
    user = session.scalars(
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == row.id, Membership.role == "owner")
        .order_by(Membership.id)
        .limit(1)
    ).one()
    return Actor(user_id=user.id, name=user.name, memberships={row.id: "owner"})


def _verify(row: Organization, cast: DemoCast, organization: DemoOrganization) -> None:
    """Let the region's broker vouch for an organization other than the broker's own."""
    region = find_region(organization.region)
    for person in cast.people:
        if person.brokers == organization.region and person.organization != organization.key:
            user = find_user_by_email(person.email)
            if user is not None and region is not None and row.county_fips is not None:
                broker = Actor(
                    user_id=user.id,
                    name=user.name,
                    brokered_regions=frozenset({region.id}),
                    brokered_counties=frozenset({row.county_fips}),
                )
                organizations.verify_organization(broker, row)
                row.verified_at = _ago(organization.confirmed_days_ago + 3)


def _write_facility(
    owner: Actor, row: Organization, record: DemoRecord, organization: DemoOrganization
) -> None:
    facility = facilities.create_facility(
        owner,
        row,
        is_demo=True,
        confirmed_at=_ago(record.confirmed_days_ago),
        **record.values,
        **_point(organization, record.values["zip_code"]),
    )
    _date_back(facility, record.confirmed_days_ago, owner.user_id)
    for machine in record.equipment:
        _write_equipment(owner, row, machine, organization, facility)


def _write_equipment(
    owner: Actor,
    row: Organization,
    record: DemoRecord,
    organization: DemoOrganization,
    facility: Facility | None,
) -> None:
    where = (
        {"facility_id": facility.id}
        if facility is not None
        else _point(organization, record.values["zip_code"])
    )
    equipment = facilities.create_equipment(
        owner,
        row,
        is_demo=True,
        confirmed_at=_ago(record.confirmed_days_ago),
        **record.values,
        **where,
    )
    _date_back(equipment, record.confirmed_days_ago, owner.user_id)


def _write_calendars(owner: Actor, row: Organization, organization: DemoOrganization) -> None:
    """Let an organization's bookable machines be booked by rules that suit them.

    What holds for all of them the organization says; a machine that needs training is booked at
    once by those who have it. In each region, the first of them is closed for a day and one of its
    machines is out of order.
    """
    machines = session.scalars(
        select(Equipment)
        .options(joinedload(Equipment.organization))
        .where(Equipment.organization_id == row.id, Equipment.is_bookable)
        .order_by(Equipment.id)
    ).all()
    if not machines:
        return
    whole = calendars.open_resource(owner, row)
    calendars.apply_preset(owner, whole, preset="weekdays")
    for machine in machines:
        if machine.training_needed:
            resource = calendars.open_resource(owner, machine)
            calendars.change_rules(
                owner, resource, approval="instant", needs_qualification=True, lead_time_minutes=0
            )
    if not _has_closures(organization.region):
        midnight = now().replace(hour=0, minute=0, second=0, microsecond=0)
        calendars.add_closure(
            owner,
            whole,
            kind="closure",
            starts_at=midnight + dt.timedelta(days=10, hours=13),
            ends_at=midnight + dt.timedelta(days=11, hours=1),
            reason="Closed for inventory.",
        )
        calendars.add_closure(
            owner,
            calendars.open_resource(owner, machines[-1]),
            kind="outage",
            starts_at=_ago(1),
            ends_at=None,
            reason="Waits for a spare part.",
            is_planned=False,
        )


def _has_closures(region_key: str) -> bool:
    region = find_region(region_key)
    counties = [county.fips for county in counties_of_region(region.id)] if region else []
    found = session.scalar(
        select(Closure.id)
        .join(Resource, Resource.id == Closure.resource_id)
        .join(Organization, Organization.id == Resource.organization_id)
        .where(Organization.county_fips.in_(counties))
        .limit(1)
    )
    return found is not None


def _write_request(
    owner: Actor, row: Organization, request: DemoRequest, organization: DemoOrganization
) -> None:
    values = dict(request.values)
    ends_on = values["expires_on"]
    if request.state == "expired":
        # Nobody can publish what is over: it is published first, and then its time runs out.
        values["expires_on"] = now().date()
    posted = partnerships.create_request(owner, row, is_demo=True, **values)
    if request.state != "draft":
        partnerships.act_on_request(owner, posted, "publish")
    # A command reads the row again, so what no command writes comes after the last one.
    point = _point(organization, values["zip_code"])
    posted.latitude, posted.longitude = point["latitude"], point["longitude"]
    posted.expires_on = ends_on
    _date_back(posted, request.confirmed_days_ago, owner.user_id)
    if request.state != "draft":
        overdue = max(0, (now().date() - ends_on).days)
        longest_ago = LONGEST_LIFE_DAYS - 1 - (ends_on - now().date()).days
        days = min((now() - posted.updated_at).days, longest_ago)
        posted.published_at = _ago(max(days, overdue + 30 if overdue else 0))
        # Who publishes a request says that it is right.
        posted.confirmed_at = max(_ago(request.confirmed_days_ago), posted.published_at)
        _date_step("request", posted.id, "publish", posted.published_at)


def _answer(owner: Actor, row: Request, request: DemoRequest, senders: Mapping[str, str]) -> int:
    steps = 0
    for answer in request.responses:
        sender = session.scalars(
            select(Organization).where(
                Organization.match_key == match_key(senders[answer.organization]),
                Organization.source == "demo",
            )
        ).one()
        is_there = session.scalar(
            select(Response.id).where(
                Response.request_id == row.id, Response.organization_id == sender.id
            )
        )
        if is_there is not None:
            continue
        response = responses.send_response(
            _owner_of(sender), row, organization_id=sender.id, message=answer.message
        )
        steps += 1
        if answer.state != "sent":
            action = _DECISIONS[answer.state]
            responses.act_on_response(owner, response, action, note=answer.reason)
            response.decided_at = _ago(request.confirmed_days_ago // 3)
            _date_step("response", response.id, action, response.decided_at)
        response.created_at = _ago(request.confirmed_days_ago // 2)
    return steps


def _close(owner: Actor, row: Request, request: DemoRequest) -> int:
    action = _ACTIONS.get(request.state)
    if action is None:
        return 0
    updated_at = row.updated_at
    partnerships.act_on_request(SYSTEM if action == "expire" else owner, row, action)
    session.flush()
    row.updated_at = updated_at
    closed_at = dt.datetime.combine(row.expires_on, dt.time(), dt.UTC)
    _date_step("request", row.id, action, min(closed_at, _ago(1)))
    return 1


def _place(organization: DemoOrganization, zip_code: str) -> dict[str, Any]:
    """Return the county and a point near that of a ZIP code."""
    found = find_zip(zip_code)
    if found is None:
        raise LookupError(f"no ZIP code {zip_code}: load the reference data first")
    latitude, longitude = moved_apart(organization.key, found.latitude, found.longitude)
    return {
        "city": found.place,
        "state": found.state,
        "county_fips": found.county_fips,
        "latitude": latitude,
        "longitude": longitude,
    }


def _point(organization: DemoOrganization, zip_code: str) -> dict[str, Any]:
    place = _place(organization, zip_code)
    return {name: place[name] for name in ("latitude", "longitude")}


def _ago(days: int) -> dt.datetime:
    return now() - dt.timedelta(days=days, hours=3)


def _date_back(
    row: Organization | Facility | Equipment | Request, days: int, user_id: int | None
) -> None:
    """Write that a record was last confirmed some days ago, and made and changed before that."""
    words = row.title if isinstance(row, Request) else row.name
    changed, made = days_before(words)
    row.confirmed_at = _ago(days)
    row.updated_at = _ago(days + changed)
    row.created_at = _ago(days + changed + made)
    row.confirmed_by_id = user_id


def _date_step(subject: str, number: int, action: str, moment: dt.datetime) -> None:
    """Write that a step of a workflow was taken at a past moment."""
    session.flush()
    session.execute(
        update(WorkflowStep)
        .where(
            WorkflowStep.subject == subject,
            WorkflowStep.subject_id == number,
            WorkflowStep.action == action,
        )
        .values(taken_at=moment)
    )


def _date_steps(subject: str, number: int, moment: dt.datetime) -> None:
    """Write that all steps of a row were taken at a past moment."""
    session.flush()
    session.execute(
        update(WorkflowStep)
        .where(WorkflowStep.subject == subject, WorkflowStep.subject_id == number)
        .values(taken_at=moment)
    )


def _without_mail() -> AbstractContextManager[None]:
    """Keep what happens in the block from everybody but the search index.

    The demo's past must send no e-mail to people who do not exist.
    """
    return heard_only_by(INDEX_HANDLER)


# Synthetic records


@command(Permission.DEMO_GENERATE)
def insert_synthetic(actor: Actor, *, batch: Sequence[SyntheticOrganization]) -> int:
    """Write a batch of synthetic organizations with all they have; return how many records.

    They bypass the domains' commands for speed and record no events: the index is to be rebuilt.
    """
    moment = now()
    ids = _insert(
        Organization,
        [
            _stamped({**item.values, "match_key": match_key(item.values["name"])}, moment)
            for item in batch
        ],
    )
    _link(
        organization_capability,
        "organization_id",
        "capability_key",
        ids,
        [item.capabilities for item in batch],
    )
    _link(
        organization_naics,
        "organization_id",
        "naics_code",
        ids,
        [item.naics_codes for item in batch],
    )
    count = len(ids)
    for model, kind, table, column in (
        (Facility, "facilities", facility_capability, "facility_id"),
        (Equipment, "equipment", equipment_capability, "equipment_id"),
        (Request, "requests", request_capability, "request_id"),
    ):
        records = [
            (organization_id, record)
            for organization_id, item in zip(ids, batch, strict=True)
            for record in getattr(item, kind)
        ]
        rows = [
            _stamped({**record.values, "organization_id": organization_id}, moment)
            for organization_id, record in records
        ]
        made = _insert(model, rows)
        _link(table, column, "capability_key", made, [record.capabilities for _, record in records])
        if model is Equipment:
            rates = [
                {"equipment_id": number, **rate}
                for number, (_, record) in zip(made, records, strict=True)
                for rate in record.rates
            ]
            if rates:
                session.execute(insert(EquipmentRate), rates)
        count += len(made)
    return count


def _stamped(values: Mapping[str, Any], moment: dt.datetime) -> dict[str, Any]:
    days = dt.timedelta(days=values["confirmed_days_ago"])
    stamps: dict[str, Any] = dict.fromkeys(
        ("confirmed_at", "created_at", "updated_at"), moment - days
    )
    if "expires_in_days" in values:
        stamps["published_at"] = moment - days
        stamps["expires_on"] = moment.date() + dt.timedelta(days=values["expires_in_days"])
    fields = {
        name: value
        for name, value in values.items()
        if name not in ("confirmed_days_ago", "expires_in_days")
    }
    return {**fields, **stamps, "is_demo": True}


def _insert(model: Any, rows: list[dict[str, Any]]) -> list[int]:
    if not rows:
        return []
    table = model.__table__
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(session.scalars(statement, rows))


def _link(
    table: Any, owner: str, other: str, ids: Sequence[int], values: Sequence[Sequence[str]]
) -> None:
    rows = [
        {owner: number, other: value}
        for number, found in zip(ids, values, strict=True)
        for value in found
    ]
    if rows:
        session.execute(insert(table), rows)
