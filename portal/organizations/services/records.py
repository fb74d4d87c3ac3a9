"""Commands on an organization's record: register, change, confirm, verify, archive, import."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal.kernel import files
from portal.kernel.authorization import Actor, can
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Forbidden, Invalid
from portal.kernel.files import StoredFile
from portal.kernel.outbox import record
from portal.organizations.events import (
    OrganizationArchived,
    OrganizationChanged,
    OrganizationConfirmed,
    OrganizationRegistered,
    OrganizationRestored,
    OrganizationVerified,
)
from portal.organizations.models import Organization
from portal.organizations.policies import Permission
from portal.organizations.queries import profiles, resolving
from portal.organizations.rules import IDENTIFIERS, is_agency_anew, match_key
from portal.organizations.services.roles import join
from portal.regions.models import NaicsCode
from portal.regions.queries.counties import counties_by_fips

_PLACE = ("city", "state", "zip_code", "county_fips", "latitude", "longitude")
_PLAIN = (
    "name",
    "other_names",
    "kind",
    "summary",
    "description",
    "website",
    "phone",
    "email",
    "street",
    "employee_band",
    "ownership",
    "members_only_fields",
)


@command(Permission.ORGANIZATION_REGISTER)
def register_organization(
    actor: Actor, *, is_another: bool = False, **profile: Any
) -> Organization:
    """Put an organization into the directory; whoever does so becomes its owner.

    profile: the fields of `OrganizationForm`. Raises Conflict where the directory probably has it
    already, unless `is_another` says that it is not the same.
    """
    if not is_another:
        found = profiles.find_duplicates(profile["name"], zip_code=profile.get("zip_code") or "")
        if found:
            raise Conflict(
                _(
                    "This may be here already: %(names)s. Claim it or ask to join it, "
                    "or say that yours is another one.",
                    names=", ".join(f"{item.name} (/organizations/{item.id})" for item in found),
                )
            )
    organization = Organization(
        source="own",
        created_by_id=actor.user_id,
        confirmed_at=now(),
        confirmed_by_id=actor.user_id,
    )
    _write_profile(organization, profile)
    session.add(organization)
    session.flush()
    if actor.user_id is not None:
        join(organization, actor.user_id, "owner")
    record(OrganizationRegistered(organization.id))
    return organization


@command(Permission.ORGANIZATION_EDIT)
def change_organization(
    actor: Actor,
    organization: Organization,
    *,
    new_logo: "files.FileStorage | None" = None,
    **profile: Any,
) -> Organization:
    """Write those fields of the profile that are given. A change also confirms the rest."""
    _load_lists(organization)
    before = organization.kind, organization.county_fips
    _write_profile(organization, profile)
    if organization.verified_at is not None and is_agency_anew(
        before, (organization.kind, organization.county_fips)
    ):
        # Nobody vouched for that, and people of an agency read what its region has to show.
        _end_verification(organization)
    if new_logo is not None:
        _change_logo(
            organization, files.store_image(new_logo, field="new_logo", user_id=actor.user_id)
        )
    _mark_confirmed(actor, organization)
    record(OrganizationChanged(organization.id))
    return organization


@command(Permission.ORGANIZATION_EDIT)
def remove_logo(actor: Actor, organization: Organization) -> Organization:
    """Take the logo away."""
    _change_logo(organization, None)
    organization.updated_at = now()
    record(OrganizationChanged(organization.id))
    return organization


def _change_logo(organization: Organization, new: StoredFile | None) -> None:
    old = session.get(StoredFile, organization.logo_id) if organization.logo_id else None
    session.flush()
    organization.logo_id = new.id if new else None
    session.flush()
    if old is not None:
        files.remove_file(old)
    session.expire(organization, ["logo"])


@command(Permission.ORGANIZATION_CONFIRM)
def confirm_organization(actor: Actor, organization: Organization) -> Organization:
    """Say that the profile is still right."""
    _mark_confirmed(actor, organization)
    record(OrganizationConfirmed(organization.id))
    return organization


@command(Permission.ORGANIZATION_VERIFY)
def verify_organization(actor: Actor, organization: Organization) -> Organization:
    """Vouch for the organization as a broker of its region."""
    organization.verified_at = now()
    organization.verified_by_id = actor.user_id
    record(OrganizationVerified(organization.id, is_verified=True))
    return organization


@command(Permission.ORGANIZATION_VERIFY)
def verify_organizations(
    actor: Actor, organizations: tuple[Organization, ...]
) -> tuple[Organization, ...]:
    """Vouch for several organizations at once, all or none."""
    for organization in organizations:
        verify_organization(actor, organization)
    return organizations


@command(Permission.ORGANIZATION_VERIFY)
def withdraw_verification(actor: Actor, organization: Organization) -> Organization:
    """Take the mark of verification back."""
    _end_verification(organization)
    return organization


def _end_verification(organization: Organization) -> None:
    organization.verified_at = None
    organization.verified_by_id = None
    record(OrganizationVerified(organization.id, is_verified=False))


@command(Permission.ORGANIZATION_ARCHIVE)
def archive_organization(actor: Actor, organization: Organization) -> Organization:
    """Close an organization: outsiders see neither it nor its records any more."""
    if organization.status == "archived":
        raise Conflict(_("This organization is archived already."))
    organization.status = "archived"
    record(OrganizationArchived(organization.id))
    return organization


@command(Permission.ORGANIZATION_ARCHIVE)
def restore_organization(actor: Actor, organization: Organization) -> Organization:
    """Open an archived organization again."""
    if organization.status == "active":
        raise Conflict(_("This organization is not archived."))
    organization.status = "active"
    record(OrganizationRestored(organization.id))
    return organization


@command(Permission.ORGANIZATION_IMPORT)
def import_organization(
    actor: Actor,
    *,
    source: str,
    country: str = "US",
    is_demo: bool = False,
    confirmed_at: dt.datetime | None = None,
    **profile: Any,
) -> tuple[Organization, str]:
    """Write an organization of another directory; return it, and what that did.

    That is "created", "changed" or "unchanged". Known again by an identifier, or else as the
    same name at the same address from the same source. What its own people have confirmed is
    theirs: no import writes over it. Call it within one outer `unit_of_work` per batch.

    Raises Forbidden for a broker who reaches beyond the own regions.
    """
    found = profiles.find_imported(source, country, profile)
    values = {"country": country, "is_demo": is_demo, "confirmed_at": confirmed_at}
    organization, outcome = _import(actor, found, source, values, profile)
    _record_import([(organization, outcome)])
    return organization, outcome


@command(Permission.ORGANIZATION_IMPORT)
def import_known_organizations(
    actor: Actor, *, source: str, rows: Sequence[tuple[str, Mapping[str, Any]]]
) -> list[str]:
    """Write many (country, profile) as `import_organization` does, in few statements for all.

    All have an identifier. A refusal of one refuses them all.
    """
    # Held until the end, so that each row finds its county without asking the database.
    counties = counties_by_fips({str(profile.get("county_fips")) for _country, profile in rows})
    known = profiles.find_identified([profile for _country, profile in rows])
    done = [
        _import(actor, found, source, {"country": country}, profile)
        for (country, profile), found in zip(rows, known, strict=True)
    ]
    _record_import(done)
    del counties
    return [outcome for _organization, outcome in done]


def _import(
    actor: Actor,
    organization: Organization | None,
    source: str,
    values: Mapping[str, Any],
    profile: Mapping[str, Any],
) -> tuple[Organization, str]:
    if organization is None:
        organization = Organization(source=source, **values)
        _write_profile(organization, profile)
        _check_reach(actor, organization)
        session.add(organization)
        return organization, "created"
    if organization.confirmed_by_id is not None:
        return organization, "unchanged"
    _check_reach(actor, organization)
    if "capabilities" in profile or "naics_codes" in profile:
        _load_lists(organization)
    _write_profile(organization, profile)
    if not session.is_modified(organization):
        return organization, "unchanged"
    _check_reach(actor, organization)
    # Other lists of capabilities or industries alone would leave the row's own version as it was.
    organization.updated_at = now()
    return organization, "changed"


def _record_import(done: Sequence[tuple[Organization, str]]) -> None:
    session.flush()
    for organization, outcome in done:
        if outcome == "created":
            record(OrganizationRegistered(organization.id))
        elif outcome == "changed":
            record(OrganizationChanged(organization.id))


def _check_reach(actor: Actor, organization: Organization) -> None:
    if not can(actor, Permission.ORGANIZATION_IMPORT_HERE, organization):
        raise Forbidden(_("This is outside the region that you broker."))


def _load_lists(organization: Organization) -> None:
    """Load what a changed list is compared with and replaces."""
    session.scalar(
        select(Organization)
        .options(selectinload(Organization.capabilities), selectinload(Organization.naics))
        .where(Organization.id == organization.id)
    )


def _write_profile(organization: Organization, profile: Mapping[str, Any]) -> None:
    values = dict(profile)
    with session.no_autoflush:
        for name in _PLAIN:
            if name in values:
                _set(organization, name, values.pop(name))
        if "name" in profile:
            _set(organization, "match_key", match_key(organization.name))
        if any(name in values for name in _PLACE):
            before = organization if organization in session else None
            country = organization.country or "US"
            place = resolving.complete_place(values, before, country=country)
            for name, value in place.items():
                _set(organization, name, value)
                values.pop(name, None)
        for name in IDENTIFIERS:
            if name in values:
                _write_identifier(organization, name, values.pop(name) or None)
        if "certifications" in values:
            _set(organization, "certifications", _certifications(values.pop("certifications")))
        if "contacts" in values:
            rows = [dict(row) for row in values.pop("contacts") if any(row.values())]
            _set(organization, "contacts", rows)
        if "capabilities" in values:
            capabilities = resolving.get_capabilities(values.pop("capabilities"))
            _set(organization, "capabilities", capabilities)
        if "naics_codes" in values:
            codes = resolving.get_naics(values.pop("naics_codes"))
            _set(organization, "naics", [session.get_one(NaicsCode, code) for code in codes])
    if values:
        raise TypeError(f"an organization has no {', '.join(sorted(values))}")


def _set(organization: Organization, name: str, value: Any) -> None:
    # Equal values are left alone, so that an import can tell what it has changed.
    if organization in session:
        present = getattr(organization, name)
        if name in ("capabilities", "naics"):
            is_same = set(present) == set(value)
        else:
            is_same = present == value
        if is_same:
            return
    setattr(organization, name, value)


def _write_identifier(organization: Organization, name: str, value: str | None) -> None:
    is_new_value = value is not None and value != getattr(organization, name)
    # An import has looked for its identifiers already.
    if is_new_value and (organization in session or organization.source == "own"):
        column = getattr(Organization, name)
        taken = session.execute(
            select(Organization.id, Organization.name).where(column == value)
        ).one_or_none()
        if taken is not None and taken.id != organization.id:
            raise Invalid(name, _("%(name)s is registered with this one already.", name=taken.name))
    _set(organization, name, value)


def _certifications(rows: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "name": row["name"],
            "expires_on": (
                expires_on.isoformat()
                if isinstance(expires_on := row.get("expires_on"), dt.date)
                else expires_on or None
            ),
        }
        for row in rows
        if row["name"]
    ]


def _mark_confirmed(actor: Actor, organization: Organization) -> None:
    organization.confirmed_at = organization.updated_at = now()
    organization.confirmed_by_id = actor.user_id
