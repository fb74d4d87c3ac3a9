"""Commands that let certificates count at hosts that recognize their credentials."""

from portal.bookings.policies import Permission
from portal.bookings.services import access
from portal.kernel.authorization import Actor
from portal.kernel.commands import command
from portal.training.models.certificates import Certificate
from portal.training.queries.doors import opens_elsewhere
from portal.training.rules.certificates import CERTIFICATE_ADDRESS


@command(Permission.QUALIFICATION_KEEP)
def qualify_holder(
    actor: Actor, *, certificate: Certificate, recognition_id: int | None = None
) -> int:
    """Qualify who holds a good certificate at the hosts where it counts; return how often.

    recognition_id: by this host's word alone.
    """
    if certificate.user_id is None or certificate.credential_id is None:
        return 0
    return access.grant_by_certificate(
        actor,
        user_id=certificate.user_id,
        credential_id=certificate.credential_id,
        certificate_path=CERTIFICATE_ADDRESS % certificate.number,
        issued_at=certificate.created_at,
        expires_on=certificate.expires_on,
        evidence=" · ".join((certificate.title, certificate.issuer_name, certificate.number)),
        recognition_id=recognition_id,
        provider_id=certificate.organization_id,
        host_id=None if opens_elsewhere(certificate) else certificate.organization_id,
    )
