"""Which certificates open gates at hosts that recognize their credentials, and where to get one.

Anybody who writes a program could award a credential, and anybody can write down one of their own
under a name that sounds well. It opens something where a broker has verified the provider, and the
host names no others that alone it trusts; or where the provider is the host.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from portal.bookings.models.access import Recognition
from portal.kernel.authorization import Actor
from portal.kernel.clock import today_here
from portal.kernel.database import session
from portal.kernel.manifest import WayToQualify
from portal.organizations.models import Organization
from portal.training.models.certificates import Certificate
from portal.training.queries.sections import list_next_sections

#: So many holders are qualified in one turn.
IN_ONE_TURN = 500
#: Where one gets a credential is looked for among so many sections, the next ones first.
SECTIONS_LOOKED_AT = 12


def list_good_certificates(
    *,
    recognition_id: int | None = None,
    organization_id: int | None = None,
    certificate_id: int | None = None,
    beside: Certificate | None = None,
    after_id: int = 0,
) -> list[Certificate]:
    """Return certificates that are good today and held by an account, by number, with holders.

    Of the credential that is recognized, of a provider, one alone, or of the holder and the
    credential of another; those after a number.
    """
    statement = (
        select(Certificate)
        .options(joinedload(Certificate.organization))
        .where(
            Certificate.id > after_id,
            Certificate.user_id.is_not(None),
            Certificate.credential_id.is_not(None),
            Certificate.revoked_at.is_(None),
            or_(Certificate.expires_on.is_(None), Certificate.expires_on >= today_here()),
        )
        .order_by(Certificate.id)
        .limit(IN_ONE_TURN)
    )
    if recognition_id is not None:
        recognized = select(Recognition.credential_id).where(Recognition.id == recognition_id)
        statement = statement.where(Certificate.credential_id.in_(recognized))
    if organization_id is not None:
        statement = statement.where(Certificate.organization_id == organization_id)
    if certificate_id is not None:
        statement = statement.where(Certificate.id == certificate_id)
    if beside is not None:
        statement = statement.where(
            Certificate.user_id == beside.user_id,
            Certificate.credential_id == beside.credential_id,
        )
    return list(session.scalars(statement))


def opens_elsewhere(certificate: Certificate) -> bool:
    """Tell whether a certificate counts at hosts other than its provider."""
    return certificate.organization.verified_at is not None


def list_ways(
    actor: Actor, credentials: Mapping[int, Sequence[int] | None], host_id: int, limit: int
) -> list[WayToQualify]:
    """Return the next section of each program whose certificates count at a host.

    credentials: each with the providers that the host names, or None.
    """
    of_anybody = [number for number, named in credentials.items() if named is None]
    asked: list[tuple[list[int], list[int] | None]] = [
        ([number], [*named, host_id]) for number, named in credentials.items() if named is not None
    ]
    found = [
        section
        for awarded, providers in [*asked, (of_anybody, None)]
        if awarded
        for section in list_next_sections(
            actor, credential_ids=awarded, organization_ids=providers, limit=SECTIONS_LOOKED_AT
        )
    ]
    found.sort(key=lambda section: (section.starts_on, section.id))
    providers = {section.organization_id for section in found}
    trusted = set(
        session.scalars(
            select(Organization.id).where(
                Organization.id.in_(providers),
                or_(Organization.verified_at.is_not(None), Organization.id == host_id),
            )
        )
    )
    ways: dict[int, WayToQualify] = {}
    for section in found:
        if section.organization_id in trusted and section.program_id not in ways:
            ways[section.program_id] = WayToQualify(
                section.title, section.organization, section.url, section.starts_on
            )
    return list(ways.values())[:limit]
