"""Reads of organizations, their people, invitations, join requests and claims.

Also what forms of every record need looked up: places by ZIP code, capabilities by any name.
"""

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from rapidfuzz import fuzz
from sqlalchemy import ColumnElement, exists, func, or_, select, union_all
from sqlalchemy.orm import joinedload, selectinload

from portal.accounts.models import User
from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.clock import now
from portal.kernel.database import session
from portal.kernel.errors import Invalid, NotFound
from portal.kernel.files import StoredFile
from portal.kernel.manifest import DeskItem
from portal.kernel.paging import Page, keyset_page
from portal.kernel.workflow import WorkflowStep
from portal.organizations.models import Claim, Invitation, JoinRequest, Membership, Organization
from portal.organizations.policies import Permission
from portal.organizations.rules import (
    IDENTIFIERS,
    INVITATIONS,
    ORGANIZATION_KINDS,
    ROLES,
    STALE_AFTER,
    hidden_fields,
    match_key,
)
from portal.regions import queries as regions
from portal.regions.models import (
    Capability,
    County,
)

_SIMILAR = 88.0

_PROFILE = (
    joinedload(Organization.county),
    joinedload(Organization.zip_place),
    joinedload(Organization.logo),
    joinedload(Organization.confirmed_by),
    joinedload(Organization.verified_by),
    selectinload(Organization.capabilities),
    selectinload(Organization.naics),
)


@dataclass(frozen=True)
class Duplicate:
    """An organization that may be the one somebody is about to register."""

    id: int
    name: str
    city: str
    state: str
    has_people: bool


def actor_facts(user_id: int) -> Mapping[str, Any]:
    """Return a user's role by organization id."""
    rows = session.execute(
        select(Membership.organization_id, Membership.role).where(Membership.user_id == user_id)
    )
    return {"memberships": {row.organization_id: row.role for row in rows}}


# Organizations


def get_organization(organization_id: int) -> Organization:
    """Return an organization with all that its profile shows. Raises NotFound."""
    organization = session.scalar(
        select(Organization)
        .options(*_PROFILE)
        .where(Organization.id == organization_id)
        .execution_options(populate_existing=True)
    )
    if organization is None:
        raise NotFound(_("There is no such organization."))
    return organization


def get_visible_organization(actor: Actor, organization_id: int) -> Organization:
    """Return an organization with all that its profile shows, if the actor may see it."""
    organization = get_organization(organization_id)
    authorize(actor, Permission.ORGANIZATION_VIEW, organization)
    return organization


def get_editable_organization(actor: Actor, organization_id: int) -> Organization:
    """Return an organization to those who may edit its profile."""
    organization = get_organization(organization_id)
    authorize(actor, Permission.ORGANIZATION_EDIT, organization)
    return organization


def get_own_organization(actor: Actor, organization_id: int) -> Organization:
    """Return an organization to its people and to administrators."""
    organization = get_visible_organization(actor, organization_id)
    authorize(actor, Permission.ORGANIZATION_CONFIRM, organization)
    return organization


def sees_members_fields(actor: Actor) -> bool:
    """Tell whether the actor gets what organizations show to members only."""
    return can(actor, Permission.ORGANIZATION_VIEW_MEMBERS_FIELDS)


def hidden_fields_for(actor: Actor, organization: Organization) -> frozenset[str]:
    """Return the fields of an organization that the actor does not get."""
    return hidden_fields(
        organization.members_only_fields, sees_members_fields=sees_members_fields(actor)
    )


def clusters_of(organization: Organization) -> list[tuple[str, str]]:
    """Return (key, name) of the clusters to which a loaded organization belongs, by name."""
    keys = set(regions.cluster_keys_of(organization.naics_codes).values())
    return sorted(regions.cluster_labels(keys).items(), key=lambda item: item[1])


def has_people(organization_id: int) -> bool:
    """Tell whether anybody represents the organization here."""
    return bool(session.scalar(select(exists().where(_is_of(Membership, organization_id)))))


def list_organizations(
    actor: Actor,
    *,
    kind: str = "",
    county: str = "",
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Any]:
    """Return a page of what a list shows of the organizations the actor may see, by name.

    Rows: id, name, kind, summary, city, state, county, county_state, confirmed_at, is_demo.
    """
    statement = select(
        Organization.id,
        Organization.name,
        Organization.kind,
        Organization.summary,
        Organization.city,
        Organization.state,
        County.name.label("county"),
        County.state.label("county_state"),
        Organization.confirmed_at,
        Organization.is_demo,
    ).outerjoin(County, County.fips == Organization.county_fips)
    statement = statement.where(
        Organization.status == "active",
        visible(actor, Permission.ORGANIZATION_VIEW),
        *_filters(kind, county),
    )
    return keyset_page(
        statement,
        (Organization.name, Organization.id),
        cursor=cursor,
        limit=limit,
        scalars=False,
    )


def list_profiles(
    actor: Actor,
    *,
    kind: str = "",
    county: str = "",
    updated_since: dt.datetime | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Organization]:
    """Return a page of whole profiles that the actor may see, by name."""
    statement = select(Organization).options(*_PROFILE)
    statement = statement.where(
        Organization.status == "active",
        visible(actor, Permission.ORGANIZATION_VIEW),
        *_filters(kind, county),
    )
    if updated_since is not None:
        statement = statement.where(Organization.updated_at >= updated_since)
    return keyset_page(statement, (Organization.name, Organization.id), cursor=cursor, limit=limit)


def _filters(kind: str, county: str) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if kind:
        conditions.append(Organization.kind == kind)
    if county:
        conditions.append(Organization.county_fips == county)
    return conditions


def list_organizations_of(actor: Actor, *roles: str) -> list[Organization]:
    """Return the active organizations in which the actor has one of the roles (any), by name."""
    return list(
        session.scalars(
            select(Organization)
            .where(
                Organization.id.in_(sorted(actor.organizations_as(*roles))),
                Organization.status == "active",
            )
            .order_by(Organization.name, Organization.id)
        )
    )


def list_own(actor: Actor) -> list[Organization]:
    """Return all organizations that the actor belongs to, archived ones too, by name."""
    return list(
        session.scalars(
            select(Organization)
            .options(joinedload(Organization.county), joinedload(Organization.confirmed_by))
            .where(Organization.id.in_(sorted(actor.organizations_as())))
            .order_by(Organization.name, Organization.id)
        )
    )


def list_unclaimed(
    *, county: str = "", cursor: str | None = None, limit: int = 20
) -> Page[Organization]:
    """Return a page of active organizations that nobody represents here, by name."""
    statement = select(Organization).where(
        Organization.status == "active",
        ~exists().where(Membership.organization_id == Organization.id),
        *_filters("", county),
    )
    return keyset_page(statement, (Organization.name, Organization.id), cursor=cursor, limit=limit)


def find_duplicates(
    name: str, county_fips: str | None = None, limit: int = 5, *, zip_code: str = ""
) -> list[Duplicate]:
    """Return active organizations that are probably the same: best first.

    The same name but for case, marks and legal form, anywhere; a similar one in the same county.
    """
    key = match_key(name)
    if not county_fips and zip_code:
        place = regions.find_zip(zip_code)
        county_fips = place.county_fips if place else None
    is_near: ColumnElement[bool] = Organization.match_key == key
    if county_fips:
        is_near = or_(is_near, Organization.county_fips == county_fips)
    rows = session.execute(
        select(
            Organization.id,
            Organization.name,
            Organization.city,
            Organization.state,
            Organization.match_key,
        ).where(Organization.status == "active", is_near)
    ).all()
    scored = [(fuzz.token_sort_ratio(key, row.match_key), row) for row in rows]
    best = sorted(
        (item for item in scored if item[0] >= _SIMILAR), key=lambda item: (-item[0], item[1].id)
    )[:limit]
    peopled = set(
        session.scalars(
            select(Membership.organization_id).where(
                Membership.organization_id.in_([row.id for _score, row in best])
            )
        )
    )
    return [
        Duplicate(row.id, row.name, row.city, row.state, row.id in peopled) for _score, row in best
    ]


def find_imported(source: str, country: str, profile: Mapping[str, Any]) -> Organization | None:
    """Return the organization that an import of this profile has written before, or None.

    That is the one with the same identifier, or else the same name at the same address from the
    same source. Raises Invalid for a ZIP code or county that does not exist.
    """
    for name in IDENTIFIERS:
        if profile.get(name):
            column = getattr(Organization, name)
            found = session.scalar(select(Organization).where(column == profile[name]))
            if found is not None:
                return found
    if profile.get("ipeds_id"):
        return None
    return session.scalar(
        select(Organization)
        .where(
            Organization.match_key == match_key(profile["name"]),
            Organization.source == source,
            Organization.country == country,
            # A ZIP code has filled in the city that the profile left out.
            Organization.city == complete_place(profile, country=country)["city"],
            Organization.street == (profile.get("street") or ""),
        )
        .order_by(Organization.id)
        .limit(1)
    )


def find_identified(profiles: Sequence[Mapping[str, Any]]) -> list[Organization | None]:
    """Return for each profile the organization with one of its identifiers, or None."""
    known: dict[tuple[str, str], Organization] = {}
    for name in IDENTIFIERS:
        wanted = {profile[name] for profile in profiles if profile.get(name)}
        if wanted:
            column = getattr(Organization, name)
            rows = session.scalars(select(Organization).where(column.in_(wanted)))
            known |= {(name, getattr(row, name)): row for row in rows}
    return [
        next(
            (
                known[name, profile[name]]
                for name in IDENTIFIERS
                if (name, profile.get(name)) in known
            ),
            None,
        )
        for profile in profiles
    ]


# What forms of every record look up


def get_capabilities(names: Collection[str]) -> list[Capability]:
    """Return the concepts of keys or names in any language; each once.

    Raises Invalid("capabilities") for an unknown name, with the nearest ones that are known.
    """
    if not names:
        return []
    keys, unknown = regions.resolve_capabilities(names)
    for name, near in unknown.items():
        if not near:
            message = _(
                "We do not know “%(name)s”. The list of capabilities shows what we know.", name=name
            )
        else:
            message = _(
                "We do not know “%(name)s”. Did you mean %(others)s?",
                name=name,
                others=", ".join(f"“{label}”" for label in near),
            )
        raise Invalid("capabilities", message)
    return list(
        session.scalars(
            select(Capability).where(Capability.key.in_(keys)).order_by(Capability.label)
        )
    )


def get_naics(codes: Collection[str]) -> list[str]:
    """Return the codes, each once. Raises Invalid("naics_codes") for an unknown one."""
    known = regions.naics_titles(codes)
    for code in codes:
        if code not in known:
            raise Invalid(
                "naics_codes",
                _("%(code)s is no manufacturing code of NAICS 2022 that we know.", code=code),
            )
    return sorted(known)


def complete_place(
    fields: Mapping[str, Any], before: object | None = None, *, country: str = "US"
) -> dict[str, Any]:
    """Return city, state, zip_code, county_fips, latitude and longitude, filled from the ZIP code.

    fields: those that were given; the county as FIPS code or as "Jefferson County, KY".
    before: the record as it stands; a new ZIP code there moves county and point along.
    Raises Invalid for a county or ZIP code that does not exist.
    """
    names = ("city", "state", "zip_code", "county_fips", "latitude", "longitude")
    place = {
        name: fields[name] if name in fields else getattr(before, name, None) for name in names
    }
    if before is None or place["county_fips"] != getattr(before, "county_fips", None):
        place["county_fips"] = _county_fips(place["county_fips"] or "", place["state"] or "")
    if before is not None and place["zip_code"] != getattr(before, "zip_code", None):
        for group in (("county_fips",), ("latitude", "longitude"), ("city", "state")):
            if all(place[name] == getattr(before, name) for name in group):
                place.update(dict.fromkeys(group))
    if (place["latitude"] is None) != (place["longitude"] is None):
        raise Invalid("longitude", _("Please give both latitude and longitude, or neither."))
    is_complete = place["county_fips"] and place["latitude"] is not None
    if place["zip_code"] and country == "US" and not is_complete:
        found = regions.find_zip(place["zip_code"])
        if found is None and not place["county_fips"] and place["latitude"] is None:
            raise Invalid(
                "zip_code",
                _("We do not know this ZIP code. Please check it, or give the county as well."),
            )
        if found is not None:
            place["county_fips"] = place["county_fips"] or found.county_fips
            place["city"] = place["city"] or found.place
            place["state"] = place["state"] or found.state
            if place["latitude"] is None:
                place["latitude"], place["longitude"] = found.latitude, found.longitude
    return {**place, **{name: place[name] or "" for name in ("city", "state", "zip_code")}}


def _county_fips(text: str, state: str) -> str | None:
    text = text.strip()
    if not text:
        return None
    if text.isdecimal():
        county_fips = session.scalar(select(County.fips).where(County.fips == text))
    else:
        name, _comma, given_state = (part.strip() for part in text.rpartition(","))
        county = regions.find_county(name or given_state, given_state if name else state)
        county_fips = county.fips if county else None
    if county_fips is None:
        raise Invalid(
            "county_fips",
            _(
                "We do not know the county “%(name)s”. "
                "Please write it like Jefferson County, KY, or leave it empty.",
                name=text,
            ),
        )
    return county_fips


# People


def list_people(organization_id: int) -> list[Membership]:
    """Return an organization's people with their names, owners first."""
    rank = {role: number for number, role in enumerate(ROLES)}
    rows = session.scalars(
        select(Membership)
        .options(joinedload(Membership.user))
        .where(_is_of(Membership, organization_id))
        .order_by(Membership.joined_at, Membership.id)
    )
    return sorted(rows, key=lambda membership: rank[membership.role])


def get_visible_membership(actor: Actor, membership_id: int) -> Membership:
    """Return a membership with its person and organization, if the actor may see it."""
    membership = session.scalar(
        select(Membership)
        .options(joinedload(Membership.user), joinedload(Membership.organization))
        .where(Membership.id == membership_id)
    )
    if membership is None:
        raise NotFound(_("There is no such membership."))
    authorize(actor, Permission.MEMBERSHIP_VIEW, membership)
    return membership


def find_membership(organization_id: int, user_id: int | None) -> Membership | None:
    """Return a user's membership in an organization, or None."""
    return session.scalar(
        select(Membership).where(_is_of(Membership, organization_id), Membership.user_id == user_id)
    )


def count_owners(organization_id: int) -> int:
    """Return how many owners an organization has."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Membership)
            .where(_is_of(Membership, organization_id), Membership.role == "owner")
        )
        or 0
    )


def managers_of(organization_id: int) -> list[User]:
    """Return the owners and managers of an organization, for messages to them."""
    return list(
        session.scalars(
            select(User)
            .join(Membership, Membership.user_id == User.id)
            .where(
                _is_of(Membership, organization_id),
                Membership.role.in_(("owner", "manager")),
                User.is_active,
            )
            .order_by(User.id)
        )
    )


def claim_deciders(claim: Claim) -> list[User]:
    """Return who decides a claim: the brokers of its county, or else the administrators."""
    brokers = regions.broker_ids_of_county(claim.organization.county_fips)
    found = session.scalars(
        select(User)
        .where(User.id.in_(brokers), User.is_active, User.id != claim.user_id)
        .order_by(User.id)
    ).all()
    if not found:
        found = session.scalars(
            select(User)
            .where(User.is_administrator, User.is_active, User.id != claim.user_id)
            .order_by(User.id)
        ).all()
    return list(found)


# Invitations, join requests, claims


def invitation_hash(token: str) -> str:
    """Return what is kept of the token of an invitation's link."""
    return hashlib.sha256(token.encode()).hexdigest()


def list_waiting(
    actor: Actor, organization: Organization
) -> tuple[list[Invitation], list[JoinRequest]]:
    """Return the open invitations and requests to join, to those who manage them."""
    if not can(actor, Permission.INVITATION_SEND, organization):
        return [], []
    return list_open_invitations(organization.id), list_open_join_requests(organization.id)


def list_open_invitations(organization_id: int) -> list[Invitation]:
    """Return the invitations that wait for an answer, and those that expired lately."""
    return list(
        session.scalars(
            select(Invitation)
            .options(joinedload(Invitation.invited_by))
            .where(
                _is_of(Invitation, organization_id),
                or_(
                    Invitation.status == "sent",
                    (Invitation.status == "expired")
                    & (Invitation.expires_at > now() - dt.timedelta(days=30)),
                ),
            )
            .order_by(Invitation.id)
        )
    )


def list_invitation_mails(
    organization_id: int, email: str, *, since: dt.datetime
) -> list[dt.datetime]:
    """Return when an organization's invitations went to an address since then, oldest first."""
    to_address = (_is_of(Invitation, organization_id), Invitation.email == email)
    first = select(Invitation.created_at.label("sent_at")).where(
        *to_address, Invitation.created_at > since
    )
    again = (
        select(WorkflowStep.taken_at)
        .join(Invitation, Invitation.id == WorkflowStep.subject_id)
        .where(
            WorkflowStep.subject == INVITATIONS.subject,
            WorkflowStep.action == "resend",
            WorkflowStep.taken_at > since,
            *to_address,
        )
    )
    return list(session.scalars(union_all(first, again).order_by("sent_at")))


def get_visible_invitation(actor: Actor, invitation_id: int) -> Invitation:
    """Return an invitation to those who manage the organization, or to whom it was sent."""
    invitation = session.scalar(
        select(Invitation)
        .options(joinedload(Invitation.organization), joinedload(Invitation.invited_by))
        .where(Invitation.id == invitation_id)
    )
    if invitation is None:
        raise NotFound(_("There is no such invitation."))
    if not is_addressee(actor, invitation):
        authorize(actor, Permission.INVITATION_VIEW, invitation)
    return invitation


def get_invitation_by_token(token: str) -> Invitation:
    """Return the invitation of a link. Raises NotFound."""
    invitation = session.scalar(
        select(Invitation)
        .options(joinedload(Invitation.organization), joinedload(Invitation.invited_by))
        .where(Invitation.token_hash == invitation_hash(token))
    )
    if invitation is None:
        raise NotFound(_("This link does not work any more. Please ask for a new invitation."))
    return invitation


def is_addressee(actor: Actor, invitation: Invitation) -> bool:
    """Tell whether an invitation went to the actor's own verified address."""
    if actor.user_id is None:
        return False
    found = session.scalar(
        select(User.email).where(User.id == actor.user_id, User.email_verified_at.is_not(None))
    )
    return found is not None and found == invitation.email


def list_open_join_requests(organization_id: int) -> list[JoinRequest]:
    """Return the requests to join that wait for a decision, oldest first."""
    return list(
        session.scalars(
            select(JoinRequest)
            .options(joinedload(JoinRequest.user))
            .where(_is_of(JoinRequest, organization_id), JoinRequest.status == "open")
            .order_by(JoinRequest.id)
        )
    )


def get_visible_join_request(actor: Actor, join_request_id: int) -> JoinRequest:
    """Return a request to join with person and organization, if the actor may see it."""
    join_request = session.scalar(
        select(JoinRequest)
        .options(joinedload(JoinRequest.user), joinedload(JoinRequest.organization))
        .where(JoinRequest.id == join_request_id)
    )
    if join_request is None:
        raise NotFound(_("There is no such request to join."))
    authorize(actor, Permission.JOIN_REQUEST_VIEW, join_request)
    return join_request


def find_open_join_request(organization_id: int, user_id: int | None) -> JoinRequest | None:
    """Return a user's open request to join an organization, or None."""
    return session.scalar(
        select(JoinRequest).where(
            _is_of(JoinRequest, organization_id),
            JoinRequest.user_id == user_id,
            JoinRequest.status == "open",
        )
    )


def get_visible_claim(actor: Actor, claim_id: int) -> Claim:
    """Return a claim with claimant and organization, if the actor may see it."""
    claim = session.scalar(
        select(Claim)
        .options(
            joinedload(Claim.user), joinedload(Claim.organization).joinedload(Organization.county)
        )
        .where(Claim.id == claim_id)
    )
    if claim is None:
        raise NotFound(_("There is no such claim."))
    authorize(actor, Permission.CLAIM_VIEW, claim)
    return claim


def find_pending_claim(organization_id: int, user_id: int | None) -> Claim | None:
    """Return a user's pending claim on an organization, or None."""
    return session.scalar(
        select(Claim).where(
            _is_of(Claim, organization_id), Claim.user_id == user_id, Claim.status == "pending"
        )
    )


def _is_of(model: Any, organization_id: int) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = model.organization_id == organization_id
    return condition


# The desk


def list_invitations_for(actor: Actor, limit: int) -> list[DeskItem]:
    """Return what invites the actor, oldest first."""
    rows = session.execute(
        select(Invitation.id, Invitation.created_at, Invitation.role, Organization.name)
        .join(Organization, Organization.id == Invitation.organization_id)
        .join(User, User.email == Invitation.email)
        .where(
            User.id == actor.user_id,
            User.email_verified_at.is_not(None),
            Invitation.status == "sent",
            Invitation.expires_at > now(),
            Invitation.organization_id.not_in(sorted(actor.organizations_as())),
        )
        .order_by(Invitation.id)
        .limit(limit)
    )
    return [
        DeskItem(
            _("%(organization)s invites you to join", organization=row.name),
            f"/invitations/{row.id}",
            row.created_at,
            detail=ROLES[row.role],
            action=_("Join or decline"),
        )
        for row in rows
    ]


def list_decisions_for(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the requests to join and the claims that the actor may decide, oldest first."""
    requests = session.execute(
        select(
            JoinRequest.organization_id,
            JoinRequest.created_at,
            User.name,
            Organization.name.label("organization"),
        )
        .join(User, User.id == JoinRequest.user_id)
        .join(Organization, Organization.id == JoinRequest.organization_id)
        .where(JoinRequest.status == "open", visible(actor, Permission.JOIN_REQUEST_DECIDE))
        .order_by(JoinRequest.id)
        .limit(limit)
    )
    found = [
        DeskItem(
            _(
                "%(name)s asks to join %(organization)s",
                name=row.name,
                organization=row.organization,
            ),
            f"/organizations/{row.organization_id}/people#join-requests",
            row.created_at,
            action=_("Decide"),
        )
        for row in requests
    ]
    claims = session.execute(
        select(Claim.id, Claim.created_at, User.name, Organization.name.label("organization"))
        .join(User, User.id == Claim.user_id)
        .join(Organization, Organization.id == Claim.organization_id)
        .where(Claim.status == "pending", visible(actor, Permission.CLAIM_DECIDE))
        .order_by(Claim.id)
        .limit(limit)
    )
    found += [
        DeskItem(
            _("%(name)s claims %(organization)s", name=row.name, organization=row.organization),
            f"/claims/{row.id}",
            row.created_at,
            action=_("Decide"),
        )
        for row in claims
    ]
    return sorted(found, key=lambda item: item.since)[:limit]


def list_stale_for(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the actor's organizations that nobody confirmed for half a year, oldest first."""
    rows = session.execute(
        select(
            Organization.id, Organization.name, Organization.confirmed_at, Organization.created_at
        )
        .where(
            Organization.id.in_(sorted(actor.organizations_as())),
            Organization.status == "active",
            or_(
                Organization.confirmed_at.is_(None),
                Organization.confirmed_at < now() - STALE_AFTER,
            ),
        )
        .order_by(func.coalesce(Organization.confirmed_at, Organization.created_at))
        .limit(limit)
    )
    return [
        DeskItem(
            _("Is the profile of %(name)s still right?", name=row.name),
            f"/organizations/{row.id}",
            row.confirmed_at or row.created_at,
            action=_("Look and confirm"),
        )
        for row in rows
    ]


def list_unverified_for(actor: Actor, limit: int) -> list[DeskItem]:
    """Return organizations of the actor's regions whose people nobody vouched for, oldest first.

    What an import brought and nobody represents yet waits for a claim, not for a broker.
    """
    rows = session.execute(
        select(
            Organization.id,
            Organization.name,
            Organization.kind,
            Organization.city,
            Organization.created_at,
        )
        .where(
            Organization.status == "active",
            Organization.verified_at.is_(None),
            Organization.county_fips.in_(sorted(actor.brokered_counties)),
            exists().where(Membership.organization_id == Organization.id),
            visible(actor, Permission.ORGANIZATION_VERIFY),
        )
        .order_by(Organization.created_at, Organization.id)
        .limit(limit)
    )
    return [
        DeskItem(
            row.name,
            f"/organizations/{row.id}",
            row.created_at,
            detail=" · ".join(
                part for part in (str(ORGANIZATION_KINDS[row.kind]), row.city) if part
            ),
            action=_("Mark as verified"),
            action_url=f"/organizations/{row.id}/actions/verify",
        )
        for row in rows
    ]


def get_logo(actor: Actor, organization_id: int) -> StoredFile:
    """Return the logo of an organization that the actor may see. Raises NotFound."""
    logo = get_visible_organization(actor, organization_id).logo
    if logo is None:
        raise NotFound(_("This organization has no logo."))
    return logo
