"""Commands of outcomes: asserted by one, confirmed by another, and counted once."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import format_date
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from portal.agreements.events import OutcomeAlike, OutcomeMoved
from portal.agreements.models import Agreement, Outcome, OutcomeClaim
from portal.agreements.policies import Permission
from portal.agreements.queries import agreements as agreement_queries
from portal.agreements.queries import outcomes as queries
from portal.agreements.rules.words import OUTCOMES, UNIT_OF, WHOLE_UNITS
from portal.kernel.authorization import Actor, authorize, can
from portal.kernel.clock import now, today_here
from portal.kernel.commands import command
from portal.kernel.database import lock, session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.files import keep_file, remove_file
from portal.kernel.outbox import record


class Alike(Conflict):
    """What is asserted may be told already: by `outcomes`, all of which the actor may see."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        super().__init__(
            _(
                "This may be recorded already. Share what is recorded, or say why it is another "
                "outcome."
            )
        )
        self.outcomes = tuple(outcomes)

    def details(self) -> Mapping[str, Any]:
        """Name the outcomes by their numbers."""
        return {"alike": [outcome.id for outcome in self.outcomes]}


@command(Permission.OUTCOME_ASSERT)
def assert_outcome(
    actor: Actor,
    agreement: Agreement,
    *,
    kind: str,
    amount_hundredths: int,
    happened_on: dt.date,
    organization_id: int | None = None,
    evidence: str = "",
    document: FileStorage | None = None,
    same_as: int | None = None,
    distinct_reason: str = "",
) -> Outcome:
    """Say what came of an agreement; another party or a broker confirms it.

    organization_id: the party where it came about; by default the actor's. same_as: the number of
    an outcome that tells the same already, which is then shared. distinct_reason: why it is none of
    those that look alike. Without either, raises Alike when the actor can see such ones; of those
    that only its organization sees, that one is asked, and nothing is counted until it answers.
    """
    agreement_queries.get_agreement(agreement.id)
    if agreement.activated_at is None:
        raise Conflict(_("Outcomes are recorded once the agreement is active."))
    side = _side_of(actor, agreement, organization_id)
    organization_id = organization_id or side
    party = next((row for row in agreement.parties if row.organization_id == organization_id), None)
    if party is None:
        raise Invalid("organization_id", _("Please choose one of the parties."))
    _check_amount(kind, amount_hundredths)
    _check_day(agreement, happened_on)
    # Two who tell of one thing at the same moment do so one after the other.
    lock(party.organization)
    outcome = Outcome(
        organization_id=party.organization_id,
        kind=kind,
        amount_hundredths=amount_hundredths,
        happened_on=happened_on,
        status="asserted",
        asserted_by_id=side,
        created_by_id=actor.user_id,
        claims=[],
    )
    alike = queries.list_alike(queries.result_of(outcome), [agreement.id], None)
    seen = [row for row in alike if can(actor, Permission.OUTCOME_VIEW, row)]
    if same_as is not None:
        return _share(actor, agreement, side, same_as, alike=seen, evidence=evidence, file=document)
    if seen and not distinct_reason.strip():
        raise Alike(seen)
    session.add(outcome)
    session.flush()
    _claim(actor, outcome, agreement, side, evidence, document)
    record(OutcomeMoved(outcome.id, "assert", "", actor.user_id))
    _settle_alike(actor, outcome, alike, seen, distinct_reason)
    return queries.get_outcome(outcome.id)


@command(Permission.OUTCOME_EDIT)
def correct_outcome(
    actor: Actor,
    outcome: Outcome,
    *,
    amount_hundredths: int,
    happened_on: dt.date,
    evidence: str = "",
    document: FileStorage | None = None,
    distinct_reason: str = "",
) -> Outcome:
    """Change the amount or the day of what one has asserted; it has to be confirmed anew."""
    queries.get_outcome(outcome.id)
    _check_amount(outcome.kind, amount_hundredths)
    own = [claim for claim in outcome.claims if claim.organization_id == outcome.asserted_by_id]
    for claim in own:
        _check_day(claim.agreement, happened_on)
    lock(outcome.organization)
    is_new = (amount_hundredths, happened_on) != (outcome.amount_hundredths, outcome.happened_on)
    outcome.amount_hundredths, outcome.happened_on = amount_hundredths, happened_on
    outcome.confirmed_at = outcome.confirmed_by_id = None
    OUTCOMES.apply(actor, outcome, "correct")
    for claim in own:
        claim.evidence = evidence
    if own:
        own[0].file_id = keep_file(
            document, field="document", user_id=actor.user_id, before_id=own[0].file_id
        )
    if is_new:
        outcome.twin_id = None
        agreements = [claim.agreement_id for claim in outcome.claims]
        alike = queries.list_alike(queries.result_of(outcome), agreements, outcome.id)
        seen = [row for row in alike if can(actor, Permission.OUTCOME_VIEW, row)]
        if seen and not distinct_reason.strip():
            raise Alike(seen)
        _settle_alike(actor, outcome, alike, seen, distinct_reason)
    return outcome


@command(OUTCOMES.permission)
def act_on_outcome(actor: Actor, outcome: Outcome, action: str, *, note: str = "") -> Outcome:
    """Confirm or dispute what another organization asserts, or withdraw one's own.

    What another organization claims as well stays, as what that one asserts.
    """
    queries.get_outcome(outcome.id)
    if action == "confirm":
        if outcome.twin_id is not None:
            raise Conflict(_("First say whether it is the same as another outcome."))
        outcome.confirmed_at = now()
        outcome.confirmed_by_id = _confirming_party(actor, outcome)
    else:
        others = [row for row in outcome.claims if row.organization_id != outcome.asserted_by_id]
        if action == "withdraw" and others:
            return _leave_to(actor, outcome, others)
        outcome.confirmed_at = outcome.confirmed_by_id = None
    OUTCOMES.apply(actor, outcome, action, note=note)
    if action == "withdraw":
        outcome.twin_id = None
        queries.point_twins_to(outcome, None)
    return outcome


@command(Permission.OUTCOME_TELL_APART)
def tell_apart(actor: Actor, outcome: Outcome, *, is_same: bool, note: str = "") -> Outcome:
    """Say whether an outcome is the same as the older one that it looks like.

    The same: one is left, and the agreements that claim either share it. Returns what is counted.
    """
    queries.get_outcome(outcome.id)
    if outcome.twin_id is None:
        raise Conflict(_("It was said already whether it is the same."))
    twin = queries.get_outcome(outcome.twin_id)
    outcome.twin_id = None
    if not is_same:
        OUTCOMES.apply(actor, outcome, "tell_apart", note=note)
        return outcome
    authorize(actor, Permission.OUTCOME_VIEW, twin)
    claiming = {claim.agreement_id: claim for claim in twin.claims}
    for claim in outcome.claims:
        kept = claiming.get(claim.agreement_id)
        if kept is None:
            claim.outcome_id = twin.id
        else:
            kept.evidence = "\n".join(filter(None, (kept.evidence, claim.evidence)))[:2000]
            _drop(claim)
    outcome.merged_into_id = twin.id
    outcome.confirmed_at = outcome.confirmed_by_id = None
    OUTCOMES.apply(actor, outcome, "merge", note=note)
    queries.point_twins_to(outcome, twin.id if twin.twin_id != outcome.id else None)
    return queries.get_outcome(twin.id)


def _share(
    actor: Actor,
    agreement: Agreement,
    side: int | None,
    same_as: int,
    *,
    alike: Sequence[Outcome],
    evidence: str,
    file: FileStorage | None,
) -> Outcome:
    """Let an agreement claim an outcome that is told already."""
    found = next((row for row in alike if row.id == same_as), None)
    if found is None:
        raise Invalid("same_as", _("Please choose an outcome that looks alike."))
    lock(found)
    if any(claim.agreement_id == agreement.id for claim in found.claims):
        raise Conflict(_("This agreement has that outcome already. It is not recorded twice."))
    _claim(actor, found, agreement, side, evidence, file)
    OUTCOMES.apply(actor, found, "share")
    return queries.get_outcome(found.id)


def _leave_to(actor: Actor, outcome: Outcome, others: Sequence[OutcomeClaim]) -> Outcome:
    """Drop one's own claims; what others claim is theirs to assert from now on."""
    for claim in outcome.claims:
        if claim not in others:
            _drop(claim)
    outcome.confirmed_at = outcome.confirmed_by_id = None
    outcome.asserted_by_id = others[0].organization_id
    outcome.created_by_id = others[0].created_by_id
    OUTCOMES.apply(actor, outcome, "correct")
    return queries.get_outcome(outcome.id)


def _settle_alike(
    actor: Actor,
    outcome: Outcome,
    alike: Sequence[Outcome],
    seen: Sequence[Outcome],
    distinct_reason: str,
) -> None:
    """Keep why it is none of those the actor sees; have the others looked at by whose they are."""
    if seen:
        OUTCOMES.apply(actor, outcome, "tell_apart", note=distinct_reason)
    hidden = [row for row in alike if row not in seen]
    if hidden:
        outcome.twin_id = hidden[0].id
        record(OutcomeAlike(outcome.id))


def _claim(
    actor: Actor,
    outcome: Outcome,
    agreement: Agreement,
    side: int | None,
    evidence: str,
    document: FileStorage | None,
) -> None:
    session.add(
        OutcomeClaim(
            outcome_id=outcome.id,
            agreement_id=agreement.id,
            organization_id=side,
            evidence=evidence,
            file_id=keep_file(document, field="document", user_id=actor.user_id),
            created_by_id=actor.user_id,
        )
    )
    session.flush()


def _drop(claim: OutcomeClaim) -> None:
    session.delete(claim)
    if claim.file is not None:
        session.flush()
        remove_file(claim.file)


def _check_amount(kind: str, amount_hundredths: int) -> None:
    if amount_hundredths <= 0:
        raise Invalid("amount_hundredths", _("Please give an amount above zero."))
    if UNIT_OF[kind] in WHOLE_UNITS and amount_hundredths % 100:
        raise Invalid("amount_hundredths", _("Please give a whole number."))


def _check_day(agreement: Agreement, happened_on: dt.date) -> None:
    if happened_on > today_here():
        raise Invalid("happened_on", _("Please choose a day that has come already."))
    if agreement.starts_on is not None and happened_on < agreement.starts_on:
        day = format_date(agreement.starts_on)
        raise Invalid(
            "happened_on",
            _("The agreement holds from %(day)s. Please choose that day or a later one.", day=day),
        )


def _side_of(actor: Actor, agreement: Agreement, organization_id: int | None) -> int | None:
    """Return the party to which the actor belongs: where it came about, if that is one."""
    mine = [row.organization_id for row in agreement.parties]
    mine = [number for number in mine if number in actor.memberships]
    return organization_id if organization_id in mine else next(iter(mine), None)


def _confirming_party(actor: Actor, outcome: Outcome) -> int | None:
    """Return for which party the actor confirms; None for a broker."""
    mine = actor.organizations_as("owner", "manager")
    for claim in outcome.claims:
        for party in claim.agreement.parties:
            if party.organization_id in mine and party.organization_id != outcome.asserted_by_id:
                return party.organization_id
    return None
