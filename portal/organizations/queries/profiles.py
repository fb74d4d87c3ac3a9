"""Reads of profiles: one, lists, probable duplicates, and those that an import has written."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from rapidfuzz import fuzz
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.database import session
from portal.kernel.errors import Invalid, NotFound
from portal.kernel.files import StoredFile
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Membership, Organization, organization_naics
from portal.organizations.policies import Permission
from portal.organizations.queries.resolving import complete_place
from portal.organizations.rules import IDENTIFIERS, hidden_fields, match_key
from portal.regions.models import County
from portal.regions.queries.industries import cluster_keys_of, cluster_labels
from portal.regions.queries.places import find_zip

_SIMILAR = 88.0
#: So many names are told to whoever gave one that nobody has.
_MOST_LIKE_IT = 3


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


def find_organization(organization_id: int | None) -> Organization | None:
    """Return the organization of a number, or None."""
    return session.get(Organization, organization_id) if organization_id is not None else None


def get_chosen_organization(organization_id: int | None) -> Organization:
    """Return the organization that a form or a program names by its number. Raises Invalid."""
    organization = find_organization(organization_id)
    if organization is None:
        raise Invalid("organization_id", _("There is no such organization."))
    return organization


def get_organization(organization_id: int | None) -> Organization:
    """Return an organization with all that its profile shows. Raises NotFound."""
    organization = session.scalar(
        select(Organization)
        .options(*_PROFILE)
        .where(Organization.id == organization_id)
        .execution_options(populate_existing=True)
    )
    if organization is None:
        raise NotFound()
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
    keys = set(cluster_keys_of(organization.naics_codes).values())
    return sorted(cluster_labels(keys).items(), key=lambda item: item[1])


def clusters_of_organizations(ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Return the keys of the clusters to which organizations belong through their NAICS codes."""
    industries = session.execute(
        select(organization_naics.c.organization_id, organization_naics.c.naics_code)
        .where(organization_naics.c.organization_id.in_(sorted(ids)))
        .order_by(organization_naics.c.organization_id)
    ).all()
    known = cluster_keys_of({code for _organization_id, code in industries})
    found: dict[int, set[str]] = defaultdict(set)
    for organization_id, code in industries:
        if code in known:
            found[organization_id].add(known[code])
    return {organization_id: tuple(sorted(keys)) for organization_id, keys in found.items()}


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


def suggest_organizations(actor: Actor, text: str, limit: int = 8) -> list[Any]:
    """Return (id, name) of organizations whose names have all the words, by name."""
    words = text.split()[:6]
    if not words:
        return []
    statement = (
        select(Organization.id, Organization.name)
        .where(
            Organization.status == "active",
            visible(actor, Permission.ORGANIZATION_VIEW),
            *(Organization.name.icontains(word, autoescape=True) for word in words),
        )
        .order_by(Organization.name, Organization.id)
        .limit(limit)
    )
    return list(session.execute(statement))


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


def organization_choices(
    actor: Actor, *roles: str, also: int | None = None
) -> list[tuple[int, str]]:
    """Return (id, name) of the active organizations for which the actor may do something.

    also: another one, which only an administrator may choose.
    """
    wanted = set(actor.organizations_as(*roles))
    if actor.is_administrator and also is not None:
        wanted.add(also)
    rows = session.execute(
        select(Organization.id, Organization.name)
        .where(Organization.id.in_(sorted(wanted)), Organization.status == "active")
        .order_by(Organization.name, Organization.id)
    )
    return [(row.id, row.name) for row in rows]


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


def get_named_organization(text: str) -> Organization:
    """Return the active organization of a name, or of the address of its page.

    Raises Invalid("organization").
    """
    number = re.search(r"/organizations/([0-9]{1,9})/?$", text.strip())
    condition = (
        Organization.id == int(number[1]) if number else Organization.match_key == match_key(text)
    )
    found = session.scalars(
        select(Organization).where(condition, Organization.status == "active").limit(2)
    ).all()
    if not found:
        raise Invalid("organization", _say_unknown(text))
    if len(found) > 1:
        raise Invalid(
            "organization",
            _("Several organizations have this name. Give the address of its page instead."),
        )
    return found[0]


def _say_unknown(text: str) -> str:
    """Say that no organization has a name, with those whose names have it in them."""
    key = match_key(text)
    names = session.scalars(
        select(Organization.name)
        .where(Organization.match_key.contains(key, autoescape=True))
        .where(Organization.status == "active")
        .order_by(Organization.name, Organization.id)
        .limit(_MOST_LIKE_IT)
    ).all()
    if not key or not names:
        return _("We do not know an organization of this name.")
    return _(
        "We do not know an organization of this name. Names like it: %(names)s.",
        names="; ".join(names),
    )


def find_duplicates(
    name: str, county_fips: str | None = None, limit: int = 5, *, zip_code: str = ""
) -> list[Duplicate]:
    """Return active organizations that are probably the same: best first.

    The same name but for case, marks and legal form, anywhere; a similar one in the same county.
    """
    key = match_key(name)
    if not county_fips and zip_code:
        place = find_zip(zip_code)
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


def get_logo(actor: Actor, organization_id: int) -> StoredFile:
    """Return the logo of an organization that the actor may see. Raises NotFound."""
    logo = get_visible_organization(actor, organization_id).logo
    if logo is None:
        raise NotFound()
    return logo
