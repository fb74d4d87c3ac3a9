"""What follows for the gates of hosts: certificates open them, and revoked ones close them."""

from collections.abc import Callable, Iterator

from flask_babel import gettext as _

from portal.bookings.events import RecognitionStepped
from portal.bookings.services import access
from portal.kernel.authorization import SYSTEM
from portal.organizations.events import OrganizationVerified
from portal.training import events
from portal.training.models.certificates import Certificate
from portal.training.queries.certificates import find_certificate
from portal.training.queries.doors import (
    IN_ONE_TURN,
    list_good_certificates,
    opens_elsewhere,
)
from portal.training.rules.certificates import CERTIFICATE_ADDRESS
from portal.training.services.doors import qualify_holder


def qualify_holder_on_certificate_issued(event: events.CertificateIssued) -> None:
    """Qualify who passed at every host that recognizes the credential."""
    for certificate in list_good_certificates(certificate_id=event.certificate_id):
        qualify_holder(SYSTEM, certificate=certificate)


def qualify_holders_on_recognition_stepped(event: RecognitionStepped) -> None:
    """Count the certificates that were held already when a host recognized a credential."""
    if event.action == "grant":
        _qualify_all(
            lambda after_id: list_good_certificates(
                recognition_id=event.recognition_id, after_id=after_id
            ),
            event.recognition_id,
        )


def qualify_holders_on_organization_verified(event: OrganizationVerified) -> None:
    """Count what a provider awarded before a broker had verified it; no longer, where that was
    taken back."""

    def read(after_id: int) -> list[Certificate]:
        return list_good_certificates(organization_id=event.organization_id, after_id=after_id)

    if event.is_verified:
        _qualify_all(read)
        return
    for certificate in _all(read):
        # A broker may have thought again by now.
        if not opens_elsewhere(certificate):
            access.revoke_by_certificate(
                SYSTEM,
                certificate_path=CERTIFICATE_ADDRESS % certificate.number,
                note=_("Its provider is not verified any more."),
                but_at_host_id=certificate.organization_id,
            )
            _count_others(certificate)


def disqualify_holder_on_certificate_revoked(event: events.CertificateRevoked) -> None:
    """Take back what a certificate granted."""
    certificate = find_certificate(event.certificate_id)
    if certificate is not None:
        access.revoke_by_certificate(
            SYSTEM,
            certificate_path=CERTIFICATE_ADDRESS % certificate.number,
            note=_("The certificate was revoked."),
        )
        _count_others(certificate)


def _count_others(certificate: Certificate) -> None:
    """Let another certificate of the same credential open what this one does no longer."""
    for other in list_good_certificates(beside=certificate):
        qualify_holder(SYSTEM, certificate=other)


def _qualify_all(
    read: Callable[[int], list[Certificate]], recognition_id: int | None = None
) -> None:
    for certificate in _all(read):
        qualify_holder(SYSTEM, certificate=certificate, recognition_id=recognition_id)


def _all(read: Callable[[int], list[Certificate]]) -> Iterator[Certificate]:
    found = read(0)
    while found:
        last_id = found[-1].id
        yield from found
        found = read(last_id) if len(found) == IN_ONE_TURN else []
