"""The thread of a record on the record's own page, and how to write to an organization."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select

from portal.conversations.models import OrganizationContact, Thread
from portal.conversations.policies import Permission
from portal.conversations.queries.messages import ShownMessage, list_messages
from portal.conversations.queries.threads import (
    Talk,
    find_reader,
    find_talk,
    find_thread,
    refusal_of,
    thread_subject,
)
from portal.kernel.authorization import Actor, can
from portal.kernel.database import session
from portal.organizations.models import Organization
from portal.organizations.queries.people import has_people

#: Messages on a subject's own page; the thread's page has the others.
FEW_MESSAGES = 3


@dataclass(frozen=True)
class Section:
    """A thread on the page of what it hangs on: the newest messages, and whether one may write."""

    talk: Talk
    messages: list[ShownMessage]
    has_earlier: bool
    refusal: str


def section_about(kind: str) -> Callable[[Actor, Any], Section | None]:
    """Return the `load` of a record section that shows the thread of a kind of record."""

    def load(actor: Actor, row: Any) -> Section | None:
        subject = thread_subject(kind)
        talk = find_talk(actor, subject, row, find_thread(subject, row))
        if talk is None or not talk.others:
            return None
        reader = find_reader(actor, talk.thread) if talk.thread is not None else None
        found = list_messages(
            talk, read_up_to=reader.read_message_id if reader else 0, limit=FEW_MESSAGES
        )
        return Section(talk, found.items[::-1], bool(found.next), refusal_of(talk))

    return load


def may_write_to(actor: Actor, organization: Organization) -> bool:
    """Tell whether the actor can write to an organization, and somebody of it would read it."""
    return (
        can(actor, Permission.ORGANIZATION_WRITE_TO, organization)
        and bool(actor.organizations_as() - {organization.id})
        and organization.status == "active"
        and has_people(organization.id)
    )


def contact_section(actor: Actor, organization: Organization) -> list[tuple[int, str]] | None:
    """Return the actor's conversations with an organization, and for which of the actor's own."""
    if not may_write_to(actor, organization):
        return None
    own = sorted(actor.organizations_as() - {organization.id})
    first, second = (
        OrganizationContact.first_organization_id,
        OrganizationContact.second_organization_id,
    )
    rows = session.execute(
        select(Thread.id, Organization.name)
        .join(
            OrganizationContact,
            (Thread.subject == "organization") & (Thread.subject_id == OrganizationContact.id),
        )
        .join(
            Organization,
            or_(
                (Organization.id == first) & (second == organization.id),
                (Organization.id == second) & (first == organization.id),
            ),
        )
        .where(Organization.id.in_(own))
        .order_by(Organization.name, Organization.id)
        .limit(20)
    )
    return [(row.id, row.name) for row in rows] or None
