"""Commands of agreements, their parties, documents and milestones."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from portal.agreements.events import AgreementEndsSoon, DocumentAdded, MilestoneDue
from portal.agreements.models import (
    Acknowledgment,
    Agreement,
    AgreementDocument,
    AgreementParty,
    DocumentVersion,
    Milestone,
)
from portal.agreements.policies import Permission
from portal.agreements.queries import agreements as queries
from portal.agreements.rules.words import (
    AGREEMENTS,
    GIVEN_KINDS,
    MOST_DOCUMENTS,
    MOST_MILESTONES,
    MOST_PARTIES,
)
from portal.bookings.services import access as gates
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now, today_here
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid, NotFound
from portal.kernel.files import remove_file, store_file
from portal.kernel.outbox import record
from portal.organizations.models import Organization
from portal.organizations.queries.profiles import get_named_organization

#: Fields that are written as they come.
_PLAIN = ("kind", "title", "terms", "starts_on", "ends_on", "is_reported")
_VALUES = ("private_cents", "public_cents", "in_kind_cents")
_OPEN_STATUSES = ("draft", "proposed", "active")


@command(Permission.AGREEMENT_CREATE)
def create_agreement(
    actor: Actor,
    organization: Organization,
    *,
    role: str = "",
    parties: Sequence[Mapping[str, str]] = (),
    response_id: int | None = None,
    introduction_id: int | None = None,
    is_demo: bool = False,
    **values: Any,
) -> Agreement:
    """Draft an agreement of an organization with others.

    role: what the organization does in it; parties: the others, each with `organization` (a name,
    or the address of its page) and `role`. response_id, introduction_id: the accepted response or
    the opened introduction from which it came; then its sides are parties where none are given.
    """
    if organization.status != "active":
        raise Conflict(_("This organization is archived."))
    agreement = Agreement(
        organization_id=organization.id,
        status="draft",
        revision=1,
        created_by_id=actor.user_id,
        is_demo=is_demo,
        parties=[],
    )
    others = _set_origin(actor, agreement, response_id, introduction_id)
    _set(agreement, values)
    session.add(agreement)
    session.flush()
    _set_parties(
        agreement,
        role,
        parties or [{"organization": f"/organizations/{number}", "role": ""} for number in others],
    )
    return agreement


@command(Permission.AGREEMENT_EDIT)
def change_agreement(
    actor: Actor,
    agreement: Agreement,
    *,
    role: str = "",
    parties: Sequence[Mapping[str, str]] = (),
    **values: Any,
) -> Agreement:
    """Change what a draft says. Nobody has agreed with what it says then."""
    if agreement.status != "draft":
        raise Conflict(_("Only a draft can be changed. Take it back to revise it first."))
    queries.get_agreement(agreement.id)
    _set(agreement, values)
    _set_parties(agreement, role, parties)
    _revise(agreement)
    return agreement


@command(Permission.AGREEMENT_EDIT)
def delete_agreement(actor: Actor, agreement: Agreement) -> Agreement:
    """Delete a draft that nobody else has seen, with its documents."""
    if agreement.status != "draft" or agreement.proposed_at is not None:
        raise Conflict(_("Only drafts that were never proposed can be deleted."))
    for document in queries.get_agreement(agreement.id).documents:
        _drop(document)
    session.delete(agreement)
    return agreement


def check_complete(agreement: Agreement) -> None:
    """Raise Invalid for a draft that lacks something without which nobody could agree with it."""
    if len(agreement.parties) < 2:
        raise Invalid("parties", _("Please name whom you agree with."))
    if agreement.starts_on is None:
        raise Invalid("starts_on", _("Please say from which day it holds."))
    if agreement.kind in GIVEN_KINDS:
        roles = [party.role for party in agreement.parties]
        if roles.count("provider") != 1 or roles.count("receiver") != len(roles) - 1:
            raise Invalid(
                "parties", _("Please say who provides: one party does, and the others receive.")
            )


@command(AGREEMENTS.permission)
def act_on_agreement(
    actor: Actor, agreement: Agreement, action: str, *, note: str = ""
) -> Agreement:
    """Take a step of the workflow: propose, revise, return, decline, keep, complete or terminate.

    What an agreement on the use of equipment opened ends when it is completed or terminated.
    Raises Invalid for what a proposal still lacks.
    """
    queries.get_agreement(agreement.id)
    if action == "propose" and agreement.status == "draft":
        check_complete(agreement)
        _check_not_over(agreement)
        agreement.proposed_at = agreement.proposed_at or now()
    if action == "keep" and agreement.renewal_ends_on is None:
        raise Conflict(_("Nobody asks to renew it now."))
    if action in ("keep", "complete", "terminate"):
        agreement.renewal_ends_on = None
    if action in ("decline", "complete", "terminate"):
        agreement.closed_at = now()
    AGREEMENTS.apply(actor, agreement, action, note=note)
    if action == "propose":
        _acknowledge(actor, agreement, [agreement.organization_id])
    if action in ("complete", "terminate"):
        _close_gates(agreement)
    return agreement


@command(Permission.AGREEMENT_CLOSE)
def renew_agreement(actor: Actor, agreement: Agreement, *, ends_on: dt.date) -> Agreement:
    """Ask the other parties that an active agreement holds until a later day.

    It does once all of them agree with the new revision; until then its last day stays.
    """
    queries.get_agreement(agreement.id)
    if agreement.status != "active":
        raise Conflict(_("The agreement is not active."))
    if agreement.ends_on is None:
        raise Conflict(_("It holds without an end already."))
    if ends_on <= agreement.ends_on or ends_on < today_here():
        raise Invalid("ends_on", _("Please choose a day after its last one."))
    agreement.renewal_ends_on = ends_on
    _revise(agreement)
    AGREEMENTS.apply(actor, agreement, "renew")
    side = _side_of(actor, agreement)
    _acknowledge(actor, agreement, [side] if side is not None else [])
    return agreement


@command(Permission.AGREEMENT_ACKNOWLEDGE)
def acknowledge_agreement(actor: Actor, agreement: Agreement, *, revision: int) -> Agreement:
    """Give the word of the actor's organizations that they agree with it, documents and all.

    revision: the one that was read. With the last party's word the agreement is active, and one on
    the use of equipment opens the gate of bookings. Raises Conflict where there is a newer
    revision, or nothing to agree with.
    """
    queries.get_agreement(agreement.id)
    if agreement.status not in ("proposed", "active"):
        raise Conflict(_("There is nothing to agree with now."))
    if revision != agreement.revision:
        raise Conflict(_("It was changed meanwhile. Please read it again."))
    mine = actor.organizations_as("owner", "manager")
    waiting = [
        party.organization_id
        for party in agreement.parties
        if party.organization_id in mine and party.acknowledged_revision < revision
    ]
    if not waiting:
        raise Conflict(_("Your organization agrees with it already."))
    if agreement.status == "proposed":
        _check_not_over(agreement)
    AGREEMENTS.apply(actor, agreement, "acknowledge")
    _acknowledge(actor, agreement, waiting)
    return agreement


@command(Permission.AGREEMENT_AMEND)
def add_document(
    actor: Actor,
    agreement: Agreement,
    *,
    document: FileStorage,
    title: str = "",
    document_id: int | None = None,
    note: str = "",
) -> DocumentVersion:
    """Add a document, or with `document_id` a new version of one that is there.

    The parties have to agree anew, but for the side that adds it and had agreed before.
    """
    _check_open(agreement)
    queries.get_agreement(agreement.id)
    known = {row.id: row for row in agreement.documents}
    if document_id is None:
        if len(known) >= MOST_DOCUMENTS:
            raise Invalid("document", _("Please keep to %(most)d at most.", most=MOST_DOCUMENTS))
        row = AgreementDocument(agreement_id=agreement.id, title=title, versions=[])
        session.add(row)
    elif document_id in known:
        row = known[document_id]
    else:
        raise Invalid("document_id", _("This document is no longer here."))
    file = store_file(document, field="document", user_id=actor.user_id)
    row.title = row.title or file.original_name
    session.flush()
    before = agreement.revision
    _revise(agreement)
    side = _side_of(actor, agreement)
    version = DocumentVersion(
        document_id=row.id,
        number=len(row.versions) + 1,
        revision=agreement.revision,
        file_id=file.id,
        note=note,
        organization_id=side,
        created_by_id=actor.user_id,
    )
    session.add(version)
    session.flush()
    if agreement.status != "draft":
        agreed = [
            party.organization_id
            for party in agreement.parties
            if party.organization_id == side and party.acknowledged_revision == before
        ]
        _acknowledge(actor, agreement, agreed)
        record(DocumentAdded(version.id, actor.user_id))
    return version


@command(Permission.AGREEMENT_EDIT)
def remove_document(actor: Actor, agreement: Agreement, *, document_id: int) -> Agreement:
    """Take a document away from a draft, with all its versions."""
    if agreement.status != "draft":
        raise Conflict(_("Only a draft can be changed. Take it back to revise it first."))
    for document in queries.get_agreement(agreement.id).documents:
        if document.id == document_id:
            _drop(document)
            _revise(agreement)
            return agreement
    raise NotFound(_("This document is no longer here."))


@command(Permission.AGREEMENT_AMEND)
def add_milestone(
    actor: Actor,
    agreement: Agreement,
    *,
    title: str,
    due_on: dt.date,
    organization_id: int | None = None,
) -> Milestone:
    """Say what is to be done by which day, by one of the parties or by all."""
    _check_open(agreement)
    queries.get_agreement(agreement.id)
    if len(agreement.milestones) >= MOST_MILESTONES:
        raise Invalid("title", _("Please keep to %(most)d at most.", most=MOST_MILESTONES))
    _check_party(agreement, organization_id)
    row = Milestone(
        agreement_id=agreement.id, title=title, due_on=due_on, organization_id=organization_id
    )
    session.add(row)
    session.flush()
    return row


@command(Permission.MILESTONE_EDIT)
def change_milestone(
    actor: Actor,
    milestone: Milestone,
    *,
    title: str,
    due_on: dt.date,
    organization_id: int | None = None,
) -> Milestone:
    """Change a milestone; of another day people are told anew."""
    _check_open(milestone.agreement)
    _check_party(milestone.agreement, organization_id)
    if due_on != milestone.due_on:
        milestone.told_soon_at = milestone.told_over_at = None
    milestone.title, milestone.due_on = title, due_on
    milestone.organization_id = organization_id
    return milestone


@command(Permission.MILESTONE_EDIT)
def remove_milestone(actor: Actor, milestone: Milestone) -> Milestone:
    """Take a milestone away."""
    _check_open(milestone.agreement)
    session.delete(milestone)
    return milestone


@command(Permission.MILESTONE_TICK)
def tick_milestone(actor: Actor, milestone: Milestone, *, is_done: bool = True) -> Milestone:
    """Say that a milestone is reached, or after all is not."""
    if milestone.agreement.status != "active":
        raise Conflict(_("The agreement is not active."))
    milestone.done_at = now() if is_done else None
    milestone.done_by_id = actor.user_id if is_done else None
    return milestone


@command(Permission.AGREEMENT_REMIND)
def remind_of_days(actor: Actor) -> int:
    """Note once of each milestone that its day comes or is over, and of each end that it comes."""
    milestones = queries.list_due_milestones()
    for milestone, is_over in milestones:
        if is_over:
            milestone.told_over_at = now()
        else:
            milestone.told_soon_at = now()
        record(MilestoneDue(milestone.id, is_over))
    ending = queries.list_ending_untold()
    for agreement in ending:
        agreement.end_told_at = now()
        record(AgreementEndsSoon(agreement.id))
    return len(milestones) + len(ending)


# What they share


def _set_origin(
    actor: Actor, agreement: Agreement, response_id: int | None, introduction_id: int | None
) -> list[int]:
    """Note where an agreement comes from; return the other sides of that."""
    own = agreement.organization_id
    sides: list[int] = []
    if introduction_id is not None:
        introduction = queries.get_introduction_made(actor, introduction_id)
        agreement.introduction_id = introduction.id
        agreement.request_id = introduction.request_id
        sides = [party.organization_id for party in introduction.staying]
    elif response_id is not None:
        response = queries.get_accepted_response(actor, response_id)
        agreement.response_id, agreement.request_id = response.id, response.request_id
        sides = [response.request.organization_id, response.organization_id]
    if sides and own not in sides:
        raise Invalid("organization_id", _("Please choose the organization that was there."))
    return [number for number in sides if number != own]


def _set(agreement: Agreement, values: Mapping[str, Any]) -> None:
    unknown = set(values) - {*_PLAIN, *_VALUES}
    if unknown:
        raise TypeError(f"no fields of an agreement: {', '.join(sorted(unknown))}")
    for name in _PLAIN:
        if name in values:
            setattr(agreement, name, values[name])
    for name in _VALUES:
        if name in values:
            setattr(agreement, name, values[name] or 0)
    if agreement.starts_on and agreement.ends_on and agreement.ends_on < agreement.starts_on:
        raise Invalid("ends_on", _("The last day is before the first."))


def _set_parties(agreement: Agreement, role: str, others: Sequence[Mapping[str, str]]) -> None:
    """Write who takes part; where no role is given, it follows from the kind."""
    role = role or ("receiver" if agreement.kind in GIVEN_KINDS else "partner")
    usual = {"provider": "receiver", "receiver": "provider"}.get(role, "partner")
    wanted = {agreement.organization_id: role}
    for row in others:
        try:
            organization = get_named_organization(row["organization"])
        except Invalid as error:
            raise Invalid("parties", f"{row['organization']}: {error.message}") from error
        if organization.id in wanted:
            raise Invalid("parties", _("%(name)s stands there twice.", name=organization.name))
        wanted[organization.id] = row.get("role") or usual
    if len(wanted) > MOST_PARTIES:
        raise Invalid("parties", _("Please keep to %(most)d at most.", most=MOST_PARTIES))
    present = {party.organization_id: party for party in agreement.parties}
    for number, party in present.items():
        if number not in wanted:
            agreement.parties.remove(party)
    for number, part in wanted.items():
        if number in present:
            present[number].role = part
        else:
            agreement.parties.append(
                AgreementParty(organization_id=number, role=part, acknowledgments=[])
            )
    session.flush()


def _check_not_over(agreement: Agreement) -> None:
    if agreement.ends_on is not None and agreement.ends_on < today_here():
        raise Conflict(_("Its last day is over. It needs another one first."))


def _check_open(agreement: Agreement) -> None:
    if agreement.status not in _OPEN_STATUSES:
        raise Conflict(_("This agreement is closed and can no longer be changed."))


def _check_party(agreement: Agreement, organization_id: int | None) -> None:
    known = {party.organization_id for party in agreement.parties}
    if organization_id is not None and organization_id not in known:
        raise Invalid("organization_id", _("Please choose one of the parties."))


def _side_of(actor: Actor, agreement: Agreement) -> int | None:
    """Return the party for which the actor acts: where they manage one, that one."""
    for roles in (("owner", "manager"), ()):
        for party in agreement.parties:
            if party.organization_id in actor.organizations_as(*roles):
                return party.organization_id
    return None


def _revise(agreement: Agreement) -> None:
    agreement.revision += 1
    agreement.updated_at = now()


def _acknowledge(actor: Actor, agreement: Agreement, organization_ids: Sequence[int]) -> None:
    """Write down that parties agree with the present revision.

    The last one makes it active, or lets it hold longer.
    """
    for party in agreement.parties:
        is_new = party.acknowledged_revision < agreement.revision
        if party.organization_id in organization_ids and is_new:
            row = Acknowledgment(
                party_id=party.id, revision=agreement.revision, user_id=actor.user_id
            )
            party.acknowledgments.append(row)
    session.flush()
    if any(party.acknowledged_revision < agreement.revision for party in agreement.parties):
        return
    if agreement.status == "proposed":
        agreement.activated_at = now()
        AGREEMENTS.apply(actor, agreement, "activate")
        _open_gates(agreement)
    elif agreement.renewal_ends_on is not None:
        agreement.ends_on, agreement.renewal_ends_on = agreement.renewal_ends_on, None
        agreement.end_told_at = None
        AGREEMENTS.apply(actor, agreement, "extend")
        _renew_gates(agreement)


def _open_gates(agreement: Agreement) -> None:
    """Let the receivers book what the provider shares, for as long as the agreement holds.

    The portal does it on the word of all parties, whoever gave the last one.
    """
    if agreement.kind != "equipment_use":
        return
    host = next(party for party in agreement.parties if party.role == "provider")
    for party in agreement.parties:
        if party.role == "receiver":
            clearance = gates.file_clearance(
                SYSTEM,
                host.organization,
                kind="agreement",
                organization=f"/organizations/{party.organization_id}",
                valid_from=agreement.starts_on,
                expires_on=agreement.ends_on,
                reference=agreement.title,
            )
            party.clearance_id = clearance.id
    session.flush()


def _renew_gates(agreement: Agreement) -> None:
    for party in agreement.parties:
        if party.clearance is not None and party.clearance.status == "valid":
            gates.renew_clearance(SYSTEM, party.clearance, expires_on=agreement.ends_on)


def _close_gates(agreement: Agreement) -> None:
    for party in agreement.parties:
        if party.clearance is not None and party.clearance.status == "valid":
            gates.act_on_clearance(
                SYSTEM,
                party.clearance,
                "revoke",
                note=_("The agreement “%(title)s” is over.", title=agreement.title),
            )


def _drop(document: AgreementDocument) -> None:
    for version in document.versions:
        session.delete(version)
        session.flush()
        remove_file(version.file)
    session.delete(document)
    session.flush()
