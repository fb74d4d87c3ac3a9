"""Who may do what with programs, their sections, and who takes part in them."""

from enum import StrEnum

from portal.kernel.authorization import (
    Policy,
    Rule,
    administrator,
    anyone,
    brokers_anywhere,
    clock,
    county_brokered,
    has_membership,
    is_self,
    related,
    role_in,
    signed_in,
    value_in,
)
from portal.kernel.listing import visible_record
from portal.organizations.models import Organization
from portal.training.models.certificates import Certificate
from portal.training.models.demands import CohortInvitation, CohortOffer, SkillDemand
from portal.training.models.enrollments import Enrollment
from portal.training.models.programs import Program
from portal.training.models.sections import Section
from portal.training.rules.demands import GAP_READERS
from portal.training.rules.sections import SHOWN_STATUSES


class Permission(StrEnum):
    PROGRAM_VIEW = "program.view"
    PROGRAM_VIEW_CONTACT = "program.view_contact"
    PROGRAM_CREATE = "program.create"
    PROGRAM_EDIT = "program.edit"
    PROGRAM_CONFIRM = "program.confirm"
    PROGRAM_DELETE = "program.delete"
    SECTION_VIEW = "section.view"
    SECTION_VIEW_INSIDE = "section.view_inside"
    SECTION_CREATE = "section.create"
    SECTION_EDIT = "section.edit"
    SECTION_ADVANCE = "section.advance"
    SECTION_CANCEL = "section.cancel"
    SECTION_DELETE = "section.delete"
    SECTION_KEEP = "section.keep"
    DEMAND_VIEW = "skill_demand.view"
    DEMAND_VIEW_SHARED = "skill_demand.view_shared"
    DEMAND_CREATE = "skill_demand.create"
    DEMAND_EDIT = "skill_demand.edit"
    GAP_VIEW = "skill_gap.view"
    COHORT_VIEW = "cohort.view"
    COHORT_INVITATION_VIEW = "cohort_invitation.view"
    COHORT_INVITATION_ANSWER = "cohort_invitation.answer"
    ENROLLMENT_VIEW = "enrollment.view"
    ENROLLMENT_VIEW_OWN = "enrollment.view_own"
    ENROLLMENT_VIEW_GRADE = "enrollment.view_grade"
    ENROLLMENT_VIEW_OF_FIRM = "enrollment.view_of_firm"
    ENROLLMENT_ENROLL = "enrollment.enroll"
    ENROLLMENT_ENROLL_OTHERS = "enrollment.enroll_others"
    ENROLLMENT_ANSWER = "enrollment.answer"
    ENROLLMENT_DECIDE = "enrollment.decide"
    ENROLLMENT_WITHDRAW = "enrollment.withdraw"
    ENROLLMENT_RECORD = "enrollment.record"
    ENROLLMENT_CLOSE = "enrollment.close"
    ROSTER_VIEW = "roster.view"
    ROSTER_RECORD = "roster.record"
    ROSTER_KEEP = "roster.keep"
    CERTIFICATE_VIEW = "certificate.view"
    CERTIFICATE_VERIFY = "certificate.verify"
    CERTIFICATE_REVOKE = "certificate.revoke"
    TRANSCRIPT_VIEW = "transcript.view"
    TRAINING_STATEMENT_VIEW = "training_statement.view"


_program_view = visible_record(Program, Organization)
_program_managers = role_in(Program.organization_id, "owner", "manager")
_program_author = is_self(Program.created_by_id) & role_in(Program.organization_id)
_program_editors = _program_managers | _program_author | administrator
_EDITORS = "owners and managers of the provider, its member who wrote it, administrators"
_section_people = role_in(Section.organization_id)
_section_managers = role_in(Section.organization_id, "owner", "manager")
_section_editors = (
    _section_managers | (is_self(Section.created_by_id) & _section_people) | administrator
)


_section_view = (
    (value_in(Section.status, *SHOWN_STATUSES) & related(Section.program, _program_view))
    | _section_people
    | administrator
)
_learner = is_self(Enrollment.user_id)
_payers = role_in(Enrollment.organization_id, "owner", "manager")
_teachers = role_in(Enrollment.provider_organization_id)
_MANAGERS = "owners and managers of the provider"
_demand_people = role_in(SkillDemand.organization_id)
# Anybody can call a new organization a college.
_is_verified = Rule(
    lambda actor, row: row is not None and row.verified_at is not None,
    lambda actor: Organization.verified_at.is_not(None),
    "a broker has verified it",
)

policy = Policy(
    write_scope="training:write",
    views={
        Program: Permission.PROGRAM_VIEW,
        Section: Permission.SECTION_VIEW,
        Enrollment: Permission.ENROLLMENT_VIEW,
        Certificate: Permission.CERTIFICATE_VIEW,
        SkillDemand: Permission.DEMAND_VIEW,
        CohortOffer: Permission.COHORT_VIEW,
        CohortInvitation: Permission.COHORT_INVITATION_VIEW,
    },
    table={
        Permission.PROGRAM_VIEW: _program_view,
        Permission.PROGRAM_VIEW_CONTACT: signed_in,
        Permission.PROGRAM_CREATE: role_in(Organization.id) | administrator,
        Permission.PROGRAM_EDIT: _program_editors.described(_EDITORS),
        Permission.PROGRAM_CONFIRM: (
            (role_in(Program.organization_id) | administrator) & _program_view
        ).described("people of the provider who see it, administrators"),
        Permission.PROGRAM_DELETE: (_program_managers | administrator).described(
            "owners and managers of the provider, administrators"
        ),
        Permission.SECTION_VIEW: _section_view.described(
            "whoever sees its program, once it was opened; before, people of the provider and "
            "administrators"
        ),
        Permission.SECTION_VIEW_INSIDE: (_section_people | administrator).described(
            "people of the provider, administrators"
        ),
        Permission.SECTION_CREATE: _program_editors.described(_EDITORS),
        Permission.SECTION_EDIT: _section_editors.described(_EDITORS),
        Permission.SECTION_ADVANCE: (_section_editors | clock).described(
            f"{_EDITORS}, the portal itself"
        ),
        Permission.SECTION_CANCEL: (_section_managers | administrator | clock).described(
            "owners and managers of the provider, administrators, the portal itself"
        ),
        Permission.SECTION_DELETE: (_section_managers | administrator).described(
            "owners and managers of the provider, administrators"
        ),
        Permission.SECTION_KEEP: clock,
        Permission.DEMAND_VIEW: _demand_people
        | county_brokered(SkillDemand.county_fips)
        | administrator,
        Permission.DEMAND_VIEW_SHARED: has_membership,
        Permission.DEMAND_CREATE: role_in(Organization.id),
        Permission.DEMAND_EDIT: (
            role_in(SkillDemand.organization_id, "owner", "manager")
            | (is_self(SkillDemand.created_by_id) & _demand_people)
        ).described("owners and managers of the organization, its member who stated it"),
        Permission.GAP_VIEW: (
            (
                role_in(Organization.id)
                & value_in(Organization.kind, *GAP_READERS)
                & value_in(Organization.status, "active")
                & _is_verified
            )
            | brokers_anywhere
            | administrator
        ).described(
            "people of colleges, universities, labs, unions, associations, agencies and "
            "intermediaries that a broker has verified, brokers, administrators"
        ),
        Permission.COHORT_VIEW: role_in(CohortOffer.organization_id) | administrator,
        Permission.COHORT_INVITATION_VIEW: role_in(CohortInvitation.organization_id),
        Permission.COHORT_INVITATION_ANSWER: role_in(
            CohortInvitation.organization_id, "owner", "manager"
        ),
        Permission.ENROLLMENT_VIEW: (_learner | _payers | _teachers | administrator).described(
            "the person, owners and managers of the firm that pays, people of the provider, "
            "administrators"
        ),
        Permission.ENROLLMENT_VIEW_OWN: signed_in,
        # Who pays reads whether somebody passed and came, no more.
        Permission.ENROLLMENT_VIEW_GRADE: (_learner | _teachers).described(
            "the person, people of the provider"
        ),
        Permission.ENROLLMENT_VIEW_OF_FIRM: role_in(Organization.id, "owner", "manager"),
        Permission.ENROLLMENT_ENROLL: (signed_in & _section_view).described(
            "anyone signed in who sees the section"
        ),
        Permission.ENROLLMENT_ENROLL_OTHERS: (has_membership & _section_view).described(
            "people of any organization who see the section, for those that they manage"
        ),
        # Whom it is meant for, the link or the address tells.
        Permission.ENROLLMENT_ANSWER: signed_in,
        Permission.ENROLLMENT_DECIDE: role_in(
            Enrollment.provider_organization_id, "owner", "manager"
        ).described(_MANAGERS),
        Permission.ENROLLMENT_WITHDRAW: (_learner | _payers).described(
            "the person, owners and managers of the firm that pays"
        ),
        Permission.ENROLLMENT_RECORD: _teachers.described("people of the provider"),
        Permission.ENROLLMENT_CLOSE: clock,
        Permission.ROSTER_VIEW: (_section_people | administrator).described(
            "people of the provider, administrators"
        ),
        Permission.ROSTER_RECORD: _section_people.described("people of the provider"),
        Permission.ROSTER_KEEP: _section_managers.described(_MANAGERS),
        Permission.CERTIFICATE_VIEW: (
            is_self(Certificate.user_id) | role_in(Certificate.organization_id) | administrator
        ).described("its holder, people of the provider, administrators"),
        Permission.CERTIFICATE_VERIFY: anyone,
        Permission.CERTIFICATE_REVOKE: role_in(
            Certificate.organization_id, "owner", "manager"
        ).described(_MANAGERS),
        Permission.TRANSCRIPT_VIEW: signed_in,
        Permission.TRAINING_STATEMENT_VIEW: (
            role_in(Organization.id, "owner", "manager") | administrator
        ).described("owners and managers of the organization, administrators"),
    },
)
