"""What organizations plug into the app."""

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.kernel.authorization import SYSTEM
from portal.kernel.manifest import (
    DeskSection,
    Facet,
    Job,
    Leaving,
    Manifest,
    NavigationItem,
    Searchable,
    Together,
)
from portal.kernel.outbox import Event, Reaction
from portal.organizations import api, documents, events, reactions, views
from portal.organizations.policies import Permission, policy
from portal.organizations.queries import desk, people
from portal.organizations.rules import CERTIFICATIONS, ORGANIZATION_KINDS
from portal.organizations.services import joining
from portal.regions.queries.counties import county_labels
from portal.regions.queries.industries import cluster_labels

_CHANGED_BY: Mapping[type[Event], Callable[[Any], list[int]]] = {
    event: lambda event: [event.organization_id]
    for event in (
        events.OrganizationRegistered,
        events.OrganizationChanged,
        events.OrganizationConfirmed,
        events.OrganizationVerified,
        events.OrganizationArchived,
        events.OrganizationRestored,
    )
}

manifest = Manifest(
    name="organizations",
    blueprints=(views.blueprint, api.blueprint),
    policy=policy,
    actor_facts=people.actor_facts,
    reactions=(
        Reaction(events.MembershipStarted, reactions.suggest_zone_on_membership_started),
        Reaction(events.InvitationSent, reactions.email_invitee_on_invitation_sent),
        Reaction(events.InvitationAccepted, reactions.email_inviter_on_invitation_accepted),
        Reaction(events.InvitationDeclined, reactions.email_inviter_on_invitation_declined),
        Reaction(events.JoinRequestSent, reactions.email_managers_on_join_request_sent),
        Reaction(events.JoinRequestDecided, reactions.email_person_on_join_request_decided),
        Reaction(events.ClaimSent, reactions.email_deciders_on_claim_sent),
        Reaction(events.ClaimDecided, reactions.email_claimant_on_claim_decided),
        Reaction(events.MembershipChanged, reactions.email_person_on_membership_changed),
        Reaction(events.MembershipEnded, reactions.email_person_on_membership_ended),
    ),
    leaving=Leaving(people.list_hindrances, people.list_losses, reactions.leave_organizations),
    searchables=(
        Searchable(
            kind="organization",
            label=_l("Organizations"),
            documents=documents.list_organization_documents,
            list_ids=documents.list_organization_ids,
            changed_by=_CHANGED_BY,
            viewing=documents.VIEWING,
        ),
    ),
    facets=(
        Facet(
            "organization_kind",
            _l("Kind of organization"),
            lambda values: {value: ORGANIZATION_KINDS.get(value, value) for value in values},
        ),
        Facet("capability", _l("Capability"), documents.capability_labels),
        Facet("county", _l("County"), county_labels),
        Facet("cluster", _l("Cluster"), cluster_labels),
        Facet(
            "certification",
            _l("Certification"),
            lambda values: {value: CERTIFICATIONS.get(value, value) for value in values},
        ),
    ),
    navigation=(
        NavigationItem(
            _l("Your organizations"),
            "organizations.list_mine",
            permission=Permission.ORGANIZATION_REGISTER,
            section="sharing",
            order=20,
        ),
    ),
    desk=(
        DeskSection(
            _l("Invitations"),
            _l("Nobody has invited you lately."),
            desk.list_invitations_for,
            order=10,
        ),
        DeskSection(
            _l("What you asked to join"),
            _l("You asked to join no organization."),
            desk.list_asked_by,
            order=12,
        ),
        DeskSection(
            _l("To decide"),
            _l("No request to join and no claim waits for you."),
            desk.list_decisions_for,
            order=20,
            places=("desk", "broker"),
            together=(
                Together(
                    _l("Approve the claims that are chosen"), "/claims/actions/approve", "claim_id"
                ),
            ),
        ),
        DeskSection(
            _l("Organizations to verify"),
            _l("Every organization of your regions that has people here is verified."),
            desk.list_unverified_for,
            order=22,
            permission=Permission.ORGANIZATION_VIEW_UNVERIFIED,
            places=("desk", "broker"),
            together=(
                Together(
                    _l("Mark those chosen as verified"), "/organizations/verify", "organization_id"
                ),
            ),
        ),
        DeskSection(
            _l("To confirm again"),
            _l("Your organizations are up to date."),
            desk.list_stale_for,
            order=60,
        ),
    ),
    jobs=(Job("expire_invitations", 3600, lambda: joining.expire_invitations(SYSTEM)),),
)
