"""What follows on offers of cohorts: e-mail to the firms, and to the provider on their answers."""

from portal.kernel.mail import queue_mails
from portal.kernel.web.addresses import external_url
from portal.organizations.queries.people import managers_of
from portal.training.events import CohortAnswered, CohortOffered, SeatsHeld, SectionCancelled
from portal.training.queries import demands as queries
from portal.training.queries.holding import list_promised


def email_firms_on_cohort_offered(event: CohortOffered) -> None:
    """Tell the managers of each firm that asked for the skill."""
    offer = queries.find_offer(event.offer_id)
    if offer is None:
        return
    for invitation in offer.invitations:
        queue_mails(
            managers_of(invitation.organization_id),
            "cohort_offered",
            provider=offer.organization.name,
            title=offer.section.program.title,
            day=offer.section.starts_on,
            wanted=invitation.wanted,
            message=offer.message,
            url=external_url("training.show_invitation", invitation_id=invitation.id),
        )


def email_firm_on_seats_held(event: SeatsHeld) -> None:
    """Tell the managers of a firm until when they can name the people whom it sends."""
    invitation = queries.find_invitation(event.invitation_id)
    if invitation is None or invitation.held_until is None:
        return
    section = invitation.offer.section
    queue_mails(
        managers_of(invitation.organization_id),
        "seats_held",
        provider=invitation.offer.organization.name,
        title=section.program.title,
        day=section.starts_on,
        seats=invitation.people,
        until=invitation.held_until,
        url=external_url("training.enroll_others", section_id=section.id),
    )


def email_firms_on_section_cancelled(event: SectionCancelled) -> None:
    """Tell the managers of each firm that took seats that there are none; nobody else would."""
    for promised in list_promised(event.section_id):
        invitation = queries.find_invitation(promised.id)
        if invitation is None:
            continue
        section = invitation.offer.section
        queue_mails(
            managers_of(invitation.organization_id),
            "cohort_cancelled",
            provider=invitation.offer.organization.name,
            title=section.program.title,
            day=section.starts_on,
            note=event.note,
            url=external_url("training.show_invitation", invitation_id=invitation.id),
        )


def email_provider_on_cohort_answered(event: CohortAnswered) -> None:
    """Tell the managers of the provider: who accepts by its name, who declines without one."""
    invitation = queries.find_invitation(event.invitation_id)
    if invitation is None:
        return
    is_accepted = invitation.status == "accepted"
    queue_mails(
        managers_of(invitation.offer.organization_id),
        "cohort_answered",
        is_accepted=is_accepted,
        organization=invitation.organization.name if is_accepted else "",
        sends=invitation.people or 0,
        title=invitation.offer.section.program.title,
        url=external_url("training.show_offer", offer_id=invitation.offer_id),
    )
