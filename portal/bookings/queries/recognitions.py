"""Whose word a host takes: credentials, and other hosts' qualifications."""

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.bookings.models.access import Recognition
from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.facilities.models import equipment_capability, facility_capability
from portal.kernel.authorization import Actor, authorize
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Organization
from portal.skills.models import Credential
from portal.skills.queries import credential_line

RECOGNITION_OPTIONS = (
    joinedload(Recognition.recognized_organization),
    joinedload(Recognition.credential),
    joinedload(Recognition.capability),
    selectinload(Recognition.providers),
)


def list_recognitions(host_id: int, limit: int = 200) -> list[Recognition]:
    """Return whose word a host takes today, the newest first."""
    return list(
        session.scalars(
            select(Recognition)
            .options(*RECOGNITION_OPTIONS)
            .where(Recognition.host_organization_id == host_id, Recognition.status == "valid")
            .order_by(Recognition.id.desc())
            .limit(limit)
        )
    )


def page_of_recognitions(
    host_id: int, *, cursor: str | None = None, limit: int = 20
) -> Page[Recognition]:
    """Return a page of whose word a host takes today, by their numbers."""
    statement = (
        select(Recognition)
        .options(*RECOGNITION_OPTIONS)
        .where(Recognition.host_organization_id == host_id, Recognition.status == "valid")
    )
    return keyset_page(statement, (Recognition.id,), cursor=cursor, limit=limit)


def get_recognition(recognition_id: int) -> Recognition:
    """Return a recognition with all that is shown of it, whoever asks."""
    return session.scalars(
        select(Recognition)
        .options(*RECOGNITION_OPTIONS)
        .where(Recognition.id == recognition_id)
        .execution_options(populate_existing=True)
    ).one()


def list_offered_credentials(limit: int = 200) -> list[str]:
    """Return credentials by name, each in one line with who issues it, to choose from."""
    rows = session.execute(
        select(Credential.name, Credential.issuer)
        .order_by(Credential.name, Credential.id)
        .limit(limit)
    )
    return [credential_line(row.name, row.issuer) for row in rows]


def list_credential_choices(host_id: int) -> list[tuple[int, str]]:
    """Return (id, name) of the credentials that a host recognizes."""
    return [(row.id, source_of(row)) for row in list_recognitions(host_id) if row.credential]


def is_credential_of(recognition: Recognition, host_id: int) -> bool:
    """Tell whether it is a credential that the host recognizes today."""
    return (
        recognition.host_organization_id == host_id
        and recognition.status == "valid"
        and recognition.credential_id is not None
    )


def find_recognition(
    host_id: int,
    organization_id: int | None,
    credential_id: int | None,
    capability_key: str | None,
) -> Recognition | None:
    """Return what a host once said of a source, whether it still stands or not."""
    return session.scalar(
        select(Recognition)
        .options(selectinload(Recognition.providers))
        .where(
            Recognition.host_organization_id == host_id,
            Recognition.recognized_organization_id.is_not_distinct_from(organization_id),
            Recognition.credential_id.is_not_distinct_from(credential_id),
            Recognition.capability_key.is_not_distinct_from(capability_key),
        )
    )


def list_recognitions_of_credential(credential_id: int) -> list[Recognition]:
    """Return where a credential opens something today: the recognitions of active hosts."""
    return list(
        session.scalars(
            select(Recognition)
            .join(Recognition.host)
            .options(selectinload(Recognition.providers))
            .where(
                Recognition.credential_id == credential_id,
                Recognition.status == "valid",
                Organization.status == "active",
            )
            .order_by(Recognition.id)
        )
    )


def list_credentials_for(resource: Resource) -> dict[int, list[int] | None]:
    """Return the credentials for which a host qualifies people to use one of its things, and by
    whom each must be awarded (None: by anybody whom a broker has verified)."""
    if resource.equipment_id is not None:
        link, number = equipment_capability.c.equipment_id, resource.equipment_id
        carried = equipment_capability.c.capability_key
    elif resource.facility_id is not None:
        link, number = facility_capability.c.facility_id, resource.facility_id
        carried = facility_capability.c.capability_key
    else:
        return {}
    rows = session.scalars(
        select(Recognition)
        .options(selectinload(Recognition.providers))
        .where(
            Recognition.host_organization_id == resource.organization_id,
            Recognition.credential_id.is_not(None),
            Recognition.status == "valid",
            or_(
                Recognition.capability_key.is_(None),
                Recognition.capability_key.in_(select(carried).where(link == number)),
            ),
        )
        # One for anybody comes last, and stands.
        .order_by(Recognition.is_by_named_providers.desc(), Recognition.id)
    )
    found: dict[int, list[int] | None] = {}
    for row in rows:
        if row.credential_id is not None:
            named = [*(found.get(row.credential_id) or ()), *(one.id for one in row.providers)]
            found[row.credential_id] = named if row.is_by_named_providers else None
    return found


def get_visible_recognition(actor: Actor, recognition_id: int) -> Recognition:
    """Return a recognition that the actor may see. Raises NotFound."""
    row = session.get(Recognition, recognition_id)
    if row is None:
        raise NotFound()
    authorize(actor, Permission.RECOGNITION_VIEW, row)
    return row


def source_of(row: Recognition) -> str:
    """Return the name of whose word is taken."""
    source = row.recognized_organization or row.credential
    return source.name if source is not None else ""
