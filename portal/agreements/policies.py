"""Who may do what with agreements, their outcomes, and a region's report."""

from enum import StrEnum

from sqlalchemy import or_

from portal.agreements.models import Agreement, AgreementParty, Milestone, Outcome, OutcomeClaim
from portal.agreements.rules.words import MADE_STATUSES
from portal.kernel.authorization import (
    Policy,
    Rule,
    actor_rule,
    administrator,
    brokers_anywhere,
    clock,
    county_brokered,
    is_self,
    region_brokered,
    region_served,
    related,
    role_in,
    signed_in,
    some_related,
    value_in,
)
from portal.organizations.models import Organization
from portal.regions.models import Region


class Permission(StrEnum):
    AGREEMENT_VIEW = "agreement.view"
    AGREEMENT_VIEW_INSIDE = "agreement.view_inside"
    AGREEMENT_VIEW_OWN = "agreement.view_own"
    AGREEMENT_CREATE = "agreement.create"
    AGREEMENT_EDIT = "agreement.edit"
    AGREEMENT_ANSWER = "agreement.answer"
    AGREEMENT_ACKNOWLEDGE = "agreement.acknowledge"
    AGREEMENT_AMEND = "agreement.amend"
    AGREEMENT_CLOSE = "agreement.close"
    AGREEMENT_REMIND = "agreement.remind"
    MILESTONE_EDIT = "milestone.edit"
    MILESTONE_TICK = "milestone.tick"
    OUTCOME_VIEW = "outcome.view"
    OUTCOME_ASSERT = "outcome.assert"
    OUTCOME_CONFIRM = "outcome.confirm"
    OUTCOME_EDIT = "outcome.edit"
    OUTCOME_TELL_APART = "outcome.tell_apart"
    REPORT_VIEW = "report.view"
    REPORT_VIEW_WHOLE = "report.view_whole"
    REPORT_VIEW_ANY = "report.view_any"


def _party(*roles: str) -> Rule:
    return some_related(Agreement.parties, role_in(AgreementParty.organization_id, *roles))


_other_party = Rule(
    lambda actor, row: (
        row is not None
        and any(
            party.organization_id in actor.organizations_as("owner", "manager")
            for party in row.parties
            if party.organization_id != row.organization_id
        )
    ),
    lambda actor: Agreement.parties.any(
        AgreementParty.organization_id.in_(sorted(actor.organizations_as("owner", "manager")))
        & (AgreementParty.organization_id != Agreement.organization_id)
    ),
    "owners and managers of the other parties",
)
_proposed = Rule(
    lambda actor, row: row is not None and row.proposed_at is not None,
    lambda actor: Agreement.proposed_at.is_not(None),
    "it was proposed",
)
_here = some_related(
    Agreement.parties,
    related(AgreementParty.organization, county_brokered(Organization.county_fips)),
)
_drafters = role_in(Agreement.organization_id)
_drafting_managers = role_in(Agreement.organization_id, "owner", "manager")
_brokers = (
    value_in(Agreement.is_reported, True) & value_in(Agreement.status, *MADE_STATUSES) & _here
)
_inside = _drafters | (_proposed & _party()) | administrator
_viewers = (_inside | _brokers).described(
    "people of its parties once it was proposed (before: of who drafts it), administrators; once "
    "it was made, brokers of its parties' regions, unless the parties keep it to themselves"
)
_reporters = region_brokered(Region.id) | administrator
_agencies = actor_rule(
    lambda actor: bool(actor.served_regions), "people of verified agencies in a region"
)
_keepers = (_drafting_managers | (_proposed & _party("owner", "manager"))).described(
    "owners and managers of its parties; before it was proposed, of who drafts it"
)


def _claimed(rule: Rule) -> Rule:
    return some_related(Outcome.claims, related(OutcomeClaim.agreement, rule))


_another = Rule(
    lambda actor, row: row is not None and row.asserted_by_id not in actor.memberships,
    lambda actor: or_(
        Outcome.asserted_by_id.is_(None), Outcome.asserted_by_id.not_in(sorted(actor.memberships))
    ),
    "they do not belong to who asserts it",
)

policy = Policy(
    write_scope="agreements:write",
    views={
        Agreement: Permission.AGREEMENT_VIEW,
        Outcome: Permission.OUTCOME_VIEW,
    },
    table={
        Permission.AGREEMENT_VIEW: _viewers,
        Permission.AGREEMENT_VIEW_INSIDE: _inside.described(
            "people of its parties once it was proposed (before: of who drafts it), administrators"
        ),
        Permission.AGREEMENT_VIEW_OWN: signed_in,
        Permission.AGREEMENT_CREATE: role_in(Organization.id, "owner", "manager"),
        Permission.AGREEMENT_EDIT: _drafting_managers.described(
            "owners and managers of the organization that drafts it"
        ),
        Permission.AGREEMENT_ANSWER: (_other_party & _proposed).described(
            "owners and managers of the parties that do not draft it, once it was proposed"
        ),
        Permission.AGREEMENT_ACKNOWLEDGE: (_proposed & _party("owner", "manager")).described(
            "owners and managers of its parties, once it was proposed"
        ),
        Permission.AGREEMENT_AMEND: _keepers,
        Permission.AGREEMENT_CLOSE: (_proposed & _party("owner", "manager")).described(
            "owners and managers of its parties, once it was proposed"
        ),
        Permission.AGREEMENT_REMIND: clock,
        Permission.MILESTONE_EDIT: related(Milestone.agreement, _keepers),
        Permission.MILESTONE_TICK: related(
            Milestone.agreement, _drafters | (_proposed & _party())
        ).described("people of the parties"),
        Permission.OUTCOME_VIEW: _claimed(_viewers).described(
            "whoever sees an agreement that claims it"
        ),
        Permission.OUTCOME_ASSERT: (_proposed & _party()).described("people of the parties"),
        Permission.OUTCOME_CONFIRM: (
            (_claimed(_party("owner", "manager")) | _claimed(_brokers)) & _another
        ).described(
            "owners and managers of the parties, and brokers who see the agreement, but nobody "
            "who belongs to the organization that asserts it"
        ),
        Permission.OUTCOME_EDIT: (
            role_in(Outcome.asserted_by_id, "owner", "manager")
            | (is_self(Outcome.created_by_id) & role_in(Outcome.asserted_by_id))
        ).described("owners and managers of the organization that asserts it, and who wrote it"),
        Permission.OUTCOME_TELL_APART: role_in(
            Outcome.organization_id, "owner", "manager"
        ).described("owners and managers of the organization where it came about"),
        Permission.REPORT_VIEW: _reporters | region_served(Region.id),
        Permission.REPORT_VIEW_WHOLE: _reporters,
        Permission.REPORT_VIEW_ANY: brokers_anywhere | administrator | _agencies,
    },
)
