"""What follows on agreements and outcomes: e-mails to the parties, and cases that move on."""

from portal.agreements import events
from portal.agreements.queries import agreements as queries
from portal.agreements.queries import outcomes
from portal.agreements.rules.words import OUTCOME_KINDS
from portal.brokerage.services.cases import advance_cases
from portal.kernel.authorization import SYSTEM
from portal.kernel.mail import queue_mails
from portal.kernel.web.addresses import external_url
from portal.organizations.queries.people import managers_of

#: How far an agreement brings the cases of the request from which it came; a broker closes them.
_STAGES = {"propose": "in_talks", "activate": "agreed"}
_TOLD_ACTIONS = (
    *("propose", "revise", "return", "decline", "activate"),
    *("renew", "extend", "keep", "complete", "terminate"),
)


def email_parties_on_agreement_moved(event: events.AgreementMoved) -> None:
    """Tell the managers of all parties what happened, but for who did it."""
    agreement = queries.find_agreement(event.agreement_id)
    if agreement is None or event.action not in _TOLD_ACTIONS:
        return
    queue_mails(
        queries.people_of_parties(agreement, but_user_id=event.by_user_id),
        "agreement_moved",
        action=event.action,
        title=agreement.title,
        organization=agreement.organization.name,
        note=event.note,
        ends_on=agreement.renewal_ends_on or agreement.ends_on,
        url=_agreement_url(agreement.id),
    )


def advance_cases_on_agreement_moved(event: events.AgreementMoved) -> None:
    """Bring the cases of the request on, as far as the parties let brokers know."""
    agreement = queries.find_agreement(event.agreement_id)
    stage = _STAGES.get(event.action)
    if agreement is not None and agreement.is_reported and stage is not None:
        advance_cases(SYSTEM, request_id=agreement.request_id, stage=stage)


def email_parties_on_document_added(event: events.DocumentAdded) -> None:
    """Ask the managers of the other parties to read a document and agree with it."""
    version = queries.find_version(event.version_id)
    agreement = queries.find_agreement(version.document.agreement_id) if version else None
    if version is None or agreement is None:
        return
    queue_mails(
        queries.people_of_parties(agreement, but_user_id=event.by_user_id),
        "document_added",
        document=version.document.title,
        number=version.number,
        organization=version.organization.name if version.organization else "",
        title=agreement.title,
        note=version.note,
        url=_agreement_url(agreement.id),
    )


def email_party_on_milestone_due(event: events.MilestoneDue) -> None:
    """Remind those who do it that a milestone is due, or that its day is over."""
    milestone = queries.find_milestone(event.milestone_id)
    if milestone is None or milestone.done_at is not None:
        return
    queue_mails(
        queries.people_of_milestone(milestone),
        "milestone_due",
        is_over=event.is_over,
        milestone=milestone.title,
        day=milestone.due_on,
        title=milestone.agreement.title,
        url=_agreement_url(milestone.agreement_id),
    )


def email_parties_on_agreement_ends_soon(event: events.AgreementEndsSoon) -> None:
    """Remind the parties that an agreement ends, and to say what came of it."""
    agreement = queries.find_agreement(event.agreement_id)
    if agreement is not None and agreement.status == "active":
        queue_mails(
            queries.people_of_parties(agreement),
            "agreement_ends_soon",
            title=agreement.title,
            day=agreement.ends_on,
            url=_agreement_url(agreement.id),
        )


def email_parties_on_outcome_moved(event: events.OutcomeMoved) -> None:
    """Ask the other parties to confirm what is asserted; tell who asserts it what they said."""
    outcome = outcomes.find_outcome(event.outcome_id)
    if outcome is None or outcome.asserted_by_id is None:
        return
    asserters = {person.id for person in managers_of(outcome.asserted_by_id)}
    # Each party gets its own agreement's name, and learns of no other.
    told: set[int] = set()
    for claim in outcome.claims:
        for person in queries.people_of_parties(claim.agreement, but_user_id=event.by_user_id):
            is_asked = event.action in ("assert", "correct") and person.id not in asserters
            is_answered = event.action in ("confirm", "dispute") and person.id in asserters
            if (is_asked or is_answered) and person.id not in told:
                told.add(person.id)
                queue_mails(
                    [person],
                    "outcome_moved",
                    action=event.action,
                    kind=OUTCOME_KINDS[outcome.kind],
                    organization=outcome.organization.name,
                    day=outcome.happened_on,
                    title=claim.agreement.title,
                    note=event.note,
                    url=_outcome_url(outcome.id),
                )


def email_organization_on_outcome_alike(event: events.OutcomeAlike) -> None:
    """Ask the organization where it came about whether one thing is told twice."""
    outcome = outcomes.find_outcome(event.outcome_id)
    if outcome is not None and outcome.twin_id is not None:
        queue_mails(
            managers_of(outcome.organization_id),
            "outcome_alike",
            kind=OUTCOME_KINDS[outcome.kind],
            day=outcome.happened_on,
            url=_outcome_url(outcome.id),
        )


def _agreement_url(agreement_id: int) -> str:
    return external_url("agreements.show_agreement", agreement_id=agreement_id)


def _outcome_url(outcome_id: int) -> str:
    return external_url("agreements.show_outcome", outcome_id=outcome_id)
