"""Who may do what in brokerage."""

from enum import StrEnum

from portal.brokerage.models.cases import Case, CaseFilter
from portal.brokerage.models.introductions import (
    Introduction,
    IntroductionParty,
    IntroductionReveal,
)
from portal.kernel.authorization import (
    Policy,
    Rule,
    brokers_anywhere,
    clock,
    county_brokered,
    is_self,
    region_brokered,
    related,
    role_in,
    signed_in,
    some_related,
    value_in,
)
from portal.organizations.models import Organization
from portal.regions.models import Region


class Permission(StrEnum):
    INTRODUCTION_VIEW = "introduction.view"
    INTRODUCTION_VIEW_OWN = "introduction.view_own"
    INTRODUCTION_VIEW_PARTY = "introduction.view_party"
    INTRODUCTION_VIEW_WHOLE = "introduction.view_whole"
    INTRODUCTION_VIEW_IDENTITIES = "introduction.view_identities"
    INTRODUCTION_VIEW_CONTACTS = "introduction.view_contacts"
    INTRODUCTION_DRAFT = "introduction.draft"
    INTRODUCTION_PROPOSE = "introduction.propose"
    INTRODUCTION_MANAGE = "introduction.manage"
    INTRODUCTION_ANSWER = "introduction.answer"
    INTRODUCTION_ASK = "introduction.ask"
    INTRODUCTION_LAPSE = "introduction.lapse"
    CASE_VIEW = "case.view"
    CASE_VIEW_OWN = "case.view_own"
    CASE_OPEN = "case.open"
    CASE_EDIT = "case.edit"
    CASE_ADVANCE = "case.advance"
    CASE_FILTER_KEEP = "case.filter_keep"
    CASE_FILTER_DROP = "case.filter_drop"
    CONFIRMATION_ASK = "confirmation.ask"
    BROKER_ASK = "broker.ask"


_sides = some_related(Introduction.parties, role_in(IntroductionParty.organization_id))
# Whoever belongs to a side reads what that side reads, also as a broker.
_broker = (region_brokered(Introduction.region_id) & ~_sides).described(
    "brokers of the region who belong to no side"
)


def _shown_to_sides(stage: str) -> Rule:
    """Those to whom something of this kind became known, not a side that had left by then."""
    return some_related(
        Introduction.reveals,
        value_in(IntroductionReveal.stage, stage)
        & related(IntroductionReveal.to_party, role_in(IntroductionParty.organization_id)),
    )


policy = Policy(
    write_scope="brokerage:write",
    views={
        Introduction: Permission.INTRODUCTION_VIEW,
        IntroductionParty: Permission.INTRODUCTION_VIEW_PARTY,
        Case: Permission.CASE_VIEW,
    },
    table={
        Permission.INTRODUCTION_VIEW: (_sides | _broker).described(
            "people of the organizations that are to meet, and brokers of the region"
        ),
        Permission.INTRODUCTION_VIEW_OWN: signed_in,
        Permission.INTRODUCTION_VIEW_PARTY: related(
            IntroductionParty.introduction, _sides | _broker
        ).described("people of the organizations that are to meet, and brokers of the region"),
        Permission.INTRODUCTION_VIEW_WHOLE: _broker,
        Permission.INTRODUCTION_VIEW_IDENTITIES: (_broker | _shown_to_sides("identity")).described(
            "brokers of the region who belong to no side; people of the sides once all agreed to "
            "meet and accepted the terms"
        ),
        Permission.INTRODUCTION_VIEW_CONTACTS: _shown_to_sides("contact").described(
            "people of the sides once all gave their contacts"
        ),
        Permission.INTRODUCTION_DRAFT: brokers_anywhere,
        Permission.INTRODUCTION_PROPOSE: region_brokered(Region.id),
        Permission.INTRODUCTION_MANAGE: _broker,
        Permission.INTRODUCTION_ANSWER: role_in(
            IntroductionParty.organization_id, "owner", "manager"
        ).described("owners and managers of the side that answers"),
        Permission.INTRODUCTION_ASK: (
            role_in(IntroductionParty.organization_id)
            | related(IntroductionParty.introduction, _broker)
        ).described(
            "people of the side that asks the broker; brokers of the region who belong to no side"
        ),
        Permission.INTRODUCTION_LAPSE: clock,
        Permission.CASE_VIEW: region_brokered(Case.region_id),
        Permission.CASE_VIEW_OWN: brokers_anywhere,
        Permission.CASE_OPEN: region_brokered(Region.id),
        Permission.CASE_EDIT: region_brokered(Case.region_id),
        Permission.CASE_ADVANCE: clock,
        Permission.CASE_FILTER_KEEP: brokers_anywhere,
        Permission.CASE_FILTER_DROP: is_self(CaseFilter.user_id),
        Permission.CONFIRMATION_ASK: county_brokered(Organization.county_fips),
        Permission.BROKER_ASK: signed_in,
    },
)
