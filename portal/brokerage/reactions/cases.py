"""What follows on cases: e-mails to brokers, and to people who are asked to confirm."""

from portal.accounts.models import User
from portal.brokerage import events
from portal.brokerage.models.cases import Case, CaseTask
from portal.brokerage.models.introductions import Introduction
from portal.brokerage.queries.cases import broker_ids, brokers_of, first_note
from portal.brokerage.services.cases import advance_cases
from portal.kernel.authorization import SYSTEM
from portal.kernel.database import session
from portal.kernel.mail import queue_mails
from portal.kernel.web.addresses import external_url
from portal.organizations.models import Organization
from portal.organizations.queries.people import managers_of
from portal.regions.models import Region


def email_brokers_on_brokers_asked(event: events.BrokersAsked) -> None:
    """Tell the brokers of a region what somebody asks them, and where the answer goes."""
    case = session.get(Case, event.case_id)
    note = first_note(case) if case is not None else None
    if case is None or note is None or note.author is None or not note.author.is_active:
        return
    organization = session.get(Organization, case.organization_id) if case.organization_id else None
    queue_mails(
        brokers_of(case.region_id),
        "brokers_asked",
        region=session.get_one(Region, case.region_id).name,
        title=case.title,
        text=note.text,
        name=note.author.name,
        email=note.author.email,
        organization=organization.name if organization else "",
        url=external_url("brokerage.show_case", case_id=case.id),
    )


def email_keeper_on_case_handed_over(event: events.CaseHandedOver) -> None:
    """Tell a broker that a case is theirs to look after now."""
    case = session.get(Case, event.case_id)
    keeper = _broker(case, case.keeper_id if case else None, event.by_user_id)
    if case is not None and keeper is not None:
        queue_mails(
            [keeper],
            "case_handed_over",
            title=case.title,
            next_action=case.next_action,
            url=external_url("brokerage.show_case", case_id=case.id),
        )


def email_keeper_on_task_given(event: events.CaseTaskGiven) -> None:
    """Tell a broker that there is something to do for a case."""
    task = session.get(CaseTask, event.task_id)
    case = session.get(Case, task.case_id) if task else None
    keeper = _broker(case, task.keeper_id if task else None, event.by_user_id)
    if task is not None and case is not None and keeper is not None and task.done_at is None:
        queue_mails(
            [keeper],
            "case_task_given",
            task=task.title,
            due_on=task.due_on,
            title=case.title,
            url=external_url("brokerage.show_case", case_id=case.id),
        )


def email_managers_on_confirmation_asked(event: events.ConfirmationAsked) -> None:
    """Ask an organization's managers to look at its profile and at what it lists."""
    organization = session.get(Organization, event.organization_id)
    if organization is None or organization.status != "active":
        return
    queue_mails(
        managers_of(organization.id),
        "confirmation_asked",
        organization=organization.name,
        url=external_url("organizations.show", organization_id=organization.id),
        list_url=external_url("facilities.list_own"),
    )


def advance_cases_on_introduction_consented(event: events.IntroductionConsented) -> None:
    """Bring the cases of the request on, since the sides agreed to meet."""
    _advance(event.introduction_id, "introduced")


def advance_cases_on_introduction_opened(event: events.IntroductionOpened) -> None:
    """Bring the cases of the request on, since the sides can reach each other."""
    _advance(event.introduction_id, "in_talks")


def _advance(introduction_id: int, stage: str) -> None:
    introduction = session.get(Introduction, introduction_id)
    if introduction is not None:
        advance_cases(SYSTEM, request_id=introduction.request_id, stage=stage)


def _broker(case: Case | None, user_id: int | None, by_user_id: int | None) -> User | None:
    """Return who is to be told, or None where nobody is, or who did it is the one.

    Whoever is no broker of the region any more reads nothing of its cases.
    """
    if case is None or user_id == by_user_id or user_id not in broker_ids(case.region_id):
        return None
    user = session.get(User, user_id)
    return user if user is not None and user.is_active else None
