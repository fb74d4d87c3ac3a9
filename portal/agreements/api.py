"""Agreements, outcomes and reports in the JSON API, over the same forms and commands."""

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from portal.agreements.forms import (
    AcknowledgmentForm,
    AgreementForm,
    CorrectionPageForm,
    MilestoneForm,
    NewAgreementForm,
    NewVersionForm,
    OutcomePageForm,
    RenewalForm,
    TwinForm,
    agreement_values,
    correction_values,
)
from portal.agreements.queries import agreements as queries
from portal.agreements.queries import outcomes as outcome_queries
from portal.agreements.queries import reports
from portal.agreements.rules.words import AGREEMENT_KINDS, AGREEMENTS
from portal.agreements.schemas import (
    AgreementSchema,
    ChainRowSchema,
    ChainSchema,
    DocumentVersionSchema,
    MilestoneSchema,
    OutcomeSchema,
    RegionReportSchema,
)
from portal.agreements.services import agreements as services
from portal.agreements.services import outcomes as outcome_services
from portal.kernel.api import (
    api_blueprint,
    bind_json,
    operation,
    page_arguments,
    respond,
    respond_page,
)
from portal.kernel.files import send_stored_file
from portal.kernel.paging import Page
from portal.kernel.web.arguments import choice_argument, date_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import get_organization
from portal.partnerships.forms import NoteForm

blueprint = api_blueprint("agreements", __name__)

_AGREEMENT = {
    "organization_id": 1,
    "kind": "equipment_use",
    "title": "Two days a month on the bridge CMM",
    "role": "receiver",
    "parties": [{"organization": "Falls City Community College", "role": "provider"}],
    "terms": "First-article inspection; the college's technician is there.",
    "starts_on": "2027-01-01",
    "ends_on": "2027-12-31",
    "private_cents": 1_200_000,
    "is_reported": True,
}
_OUTCOME = {
    "kind": "savings",
    "amount_hundredths": 840_000,
    "happened_on": "2026-09-30",
    "evidence": "What inspection had cost us elsewhere.",
}


@blueprint.get("/agreements")
@operation(
    summary="List agreements",
    tag="agreements",
    schema=AgreementSchema,
    is_list=True,
    filters={
        "status": "draft, proposed, active, completed or terminated.",
        "kind": "equipment_use, training_contract, rd_cooperation, supply, mutual_aid, consortium"
        " or other.",
    },
)
def list_agreements() -> ResponseReturnValue:
    """List the agreements that you may see, the newest first."""
    found = queries.list_agreements(
        current_actor(),
        **page_arguments(),
        status=choice_argument("status", AGREEMENTS.statuses),
        kind=choice_argument("kind", AGREEMENT_KINDS),
    )
    return respond_page(_schema(), found)


@blueprint.post("/agreements")
@operation(
    summary="Draft an agreement",
    tag="agreements",
    schema=AgreementSchema,
    form=NewAgreementForm,
    status=201,
    scope="agreements:write",
    problems=(404, 409),
    example=_AGREEMENT,
)
def create_agreement() -> ResponseReturnValue:
    """Draft an agreement of one of your organizations with others."""
    values = bind_json(NewAgreementForm).data
    organization = get_organization(values.pop("organization_id"))
    created = services.create_agreement(current_actor(), organization, **values)
    return respond(
        _schema(),
        queries.get_agreement(created.id),
        status=201,
        location=url_for("agreements_api.show_agreement", agreement_id=created.id),
    )


@blueprint.get("/agreements/<int:agreement_id>")
@operation(summary="Read an agreement", tag="agreements", schema=AgreementSchema)
def show_agreement(agreement_id: int) -> ResponseReturnValue:
    """Return an agreement."""
    return respond(_schema(), queries.get_visible_agreement(current_actor(), agreement_id))


@blueprint.patch("/agreements/<int:agreement_id>")
@operation(
    summary="Change a draft",
    tag="agreements",
    schema=AgreementSchema,
    form=AgreementForm,
    is_partial=True,
    scope="agreements:write",
    example={"ends_on": "2028-06-30"},
)
def change_agreement(agreement_id: int) -> ResponseReturnValue:
    """Change the fields that are given."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    form = bind_json(AgreementForm, obj=agreement_values(agreement))
    services.change_agreement(actor, agreement, **form.data)
    return respond(_schema(), queries.get_agreement(agreement_id))


@blueprint.delete("/agreements/<int:agreement_id>")
@operation(summary="Delete a draft", tag="agreements", status=204, scope="agreements:write")
def delete_agreement(agreement_id: int) -> ResponseReturnValue:
    """Delete a draft that was never proposed."""
    actor = current_actor()
    services.delete_agreement(actor, queries.get_visible_agreement(actor, agreement_id))
    return "", 204


@blueprint.post("/agreements/<int:agreement_id>/actions/<action>")
@operation(
    summary="Propose, revise, return, decline, complete or terminate an agreement",
    tag="agreements",
    schema=AgreementSchema,
    form=NoteForm,
    scope="agreements:write",
    example={"note": "The last part was delivered."},
)
def act_on_agreement(agreement_id: int, action: str) -> ResponseReturnValue:
    """Take a step of the workflow; `note` is kept with steps that ask for a reason."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    services.act_on_agreement(actor, agreement, action, **bind_json(NoteForm).data)
    return respond(_schema(), queries.get_agreement(agreement_id))


@blueprint.post("/agreements/<int:agreement_id>/acknowledgments")
@operation(
    summary="Agree with a revision",
    tag="agreements",
    schema=AgreementSchema,
    form=AcknowledgmentForm,
    scope="agreements:write",
    example={"revision": 1},
)
def acknowledge_agreement(agreement_id: int) -> ResponseReturnValue:
    """Give your organization's word; with the last party's the agreement is active."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    services.acknowledge_agreement(actor, agreement, **bind_json(AcknowledgmentForm).data)
    return respond(_schema(), queries.get_agreement(agreement_id))


@blueprint.post("/agreements/<int:agreement_id>/renewal")
@operation(
    summary="Ask to renew an agreement",
    tag="agreements",
    schema=AgreementSchema,
    form=RenewalForm,
    scope="agreements:write",
    example={"ends_on": "2028-12-31"},
)
def renew_agreement(agreement_id: int) -> ResponseReturnValue:
    """Ask that it holds until a later day; it does once all parties agree with the revision."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    services.renew_agreement(actor, agreement, **bind_json(RenewalForm).data)
    return respond(_schema(), queries.get_agreement(agreement_id))


@blueprint.get("/agreements/<int:agreement_id>/documents")
@operation(
    summary="List the documents of an agreement",
    tag="agreements",
    schema=DocumentVersionSchema,
    is_list=True,
    problems=(403,),
)
def list_documents(agreement_id: int) -> ResponseReturnValue:
    """List all versions of all documents, each document's newest first, to the parties."""
    actor = current_actor()
    page_arguments()
    versions = queries.list_versions(actor, agreement_id)
    return respond_page(DocumentVersionSchema(), Page(versions, None))


@blueprint.post("/agreements/<int:agreement_id>/documents")
@operation(
    summary="Add a document, or a new version of one",
    tag="agreements",
    schema=DocumentVersionSchema,
    form=NewVersionForm,
    status=201,
    scope="agreements:write",
    problems=(409,),
    example={
        "title": "Contract",
        "document": {"name": "contract.txt", "content": "V2hhdCB3ZSBhZ3JlZWQgb24u"},
    },
)
def add_document(agreement_id: int) -> ResponseReturnValue:
    """Add a document; with `document_id`, a new version. The others have to agree anew."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    added = services.add_document(actor, agreement, **bind_json(NewVersionForm).data)
    return respond(
        DocumentVersionSchema(),
        queries.get_version(actor, agreement_id, added.id),
        status=201,
        location=url_for(
            "agreements_api.show_document", agreement_id=agreement_id, version_id=added.id
        ),
    )


@blueprint.get("/agreements/<int:agreement_id>/documents/<int:version_id>")
@operation(summary="Download a version of a document", tag="agreements", problems=(403,))
def show_document(agreement_id: int, version_id: int) -> ResponseReturnValue:
    """Answer with the file, to people of the parties."""
    version = queries.get_version(current_actor(), agreement_id, version_id)
    return send_stored_file(version.file, is_public=False)


@blueprint.delete("/agreements/<int:agreement_id>/documents/<int:document_id>")
@operation(
    summary="Take a document away from a draft",
    tag="agreements",
    status=204,
    scope="agreements:write",
)
def remove_document(agreement_id: int, document_id: int) -> ResponseReturnValue:
    """Take a document away with all its versions; `document_id` is that of the document."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    services.remove_document(actor, agreement, document_id=document_id)
    return "", 204


@blueprint.post("/agreements/<int:agreement_id>/milestones")
@operation(
    summary="Add a milestone",
    tag="agreements",
    schema=MilestoneSchema,
    form=MilestoneForm,
    status=201,
    scope="agreements:write",
    example={"title": "First article measured", "due_on": "2027-02-15"},
)
def add_milestone(agreement_id: int) -> ResponseReturnValue:
    """Say what is to be done by which day."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    added = services.add_milestone(actor, agreement, **bind_json(MilestoneForm).data)
    return respond(MilestoneSchema(), added, status=201)


@blueprint.patch("/milestones/<int:milestone_id>")
@operation(
    summary="Change a milestone",
    tag="agreements",
    schema=MilestoneSchema,
    form=MilestoneForm,
    is_partial=True,
    scope="agreements:write",
    example={"due_on": "2027-03-01"},
)
def change_milestone(milestone_id: int) -> ResponseReturnValue:
    """Change the fields that are given."""
    actor = current_actor()
    milestone = queries.get_milestone(actor, milestone_id)
    form = bind_json(MilestoneForm, obj=milestone)
    changed = services.change_milestone(actor, milestone, **form.data)
    return respond(MilestoneSchema(), changed)


@blueprint.post("/milestones/<int:milestone_id>/tick")
@operation(
    summary="Say that a milestone is reached",
    tag="agreements",
    schema=MilestoneSchema,
    scope="agreements:write",
)
def tick_milestone(milestone_id: int) -> ResponseReturnValue:
    """Mark a milestone as done."""
    actor = current_actor()
    milestone = queries.get_milestone(actor, milestone_id)
    return respond(MilestoneSchema(), services.tick_milestone(actor, milestone))


@blueprint.get("/agreements/<int:agreement_id>/outcomes")
@operation(
    summary="List what an agreement came to",
    tag="outcomes",
    schema=OutcomeSchema,
    is_list=True,
)
def list_outcomes(agreement_id: int) -> ResponseReturnValue:
    """List the outcomes that an agreement claims, the newest first."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    found = outcome_queries.list_outcomes(agreement, **page_arguments())
    shown = [outcome_queries.show(actor, row) for row in found.items]
    return respond_page(OutcomeSchema(), Page(shown, found.next))


@blueprint.post("/agreements/<int:agreement_id>/outcomes")
@operation(
    summary="Record what came of an agreement",
    tag="outcomes",
    schema=OutcomeSchema,
    form=OutcomePageForm,
    status=201,
    scope="agreements:write",
    example=_OUTCOME,
)
def assert_outcome(agreement_id: int) -> ResponseReturnValue:
    """Assert an outcome.

    Where one is recorded that looks the same, the answer is 409 and names it under `alike`: send
    `same_as` to share it, or `distinct_reason` to say why it is another one.
    """
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    saved = outcome_services.assert_outcome(actor, agreement, **bind_json(OutcomePageForm).data)
    return _outcome(
        saved.id,
        status=201,
        location=url_for("agreements_api.show_outcome", outcome_id=saved.id),
    )


@blueprint.get("/outcomes/<int:outcome_id>")
@operation(summary="Read an outcome", tag="outcomes", schema=OutcomeSchema)
def show_outcome(outcome_id: int) -> ResponseReturnValue:
    """Return an outcome, as far as you see the agreements that claim it."""
    return _outcome(outcome_id)


@blueprint.patch("/outcomes/<int:outcome_id>")
@operation(
    summary="Correct an outcome",
    tag="outcomes",
    schema=OutcomeSchema,
    form=CorrectionPageForm,
    is_partial=True,
    scope="agreements:write",
    example={"amount_hundredths": 900_000},
)
def correct_outcome(outcome_id: int) -> ResponseReturnValue:
    """Change the fields that are given; it has to be confirmed anew."""
    actor = current_actor()
    outcome = outcome_queries.get_visible_outcome(actor, outcome_id)
    form = bind_json(CorrectionPageForm, obj=correction_values(outcome))
    outcome_services.correct_outcome(actor, outcome, **form.data)
    return _outcome(outcome_id)


@blueprint.get("/outcomes/<int:outcome_id>/evidence/<int:claim_id>")
@operation(summary="Download what a claim has as evidence", tag="outcomes")
def show_evidence(outcome_id: int, claim_id: int) -> ResponseReturnValue:
    """Answer with the file, to those who see the agreement that claims the outcome."""
    file = outcome_queries.get_evidence(current_actor(), outcome_id, claim_id)
    return send_stored_file(file, is_public=False)


@blueprint.post("/outcomes/<int:outcome_id>/actions/<action>")
@operation(
    summary="Confirm, dispute or withdraw an outcome",
    tag="outcomes",
    schema=OutcomeSchema,
    form=NoteForm,
    scope="agreements:write",
    example={"note": "We counted two jobs, not three."},
)
def act_on_outcome(outcome_id: int, action: str) -> ResponseReturnValue:
    """Take a step of the workflow; disputing needs a `note`."""
    actor = current_actor()
    outcome = outcome_queries.get_visible_outcome(actor, outcome_id)
    outcome_services.act_on_outcome(actor, outcome, action, **bind_json(NoteForm).data)
    # Whoever leaves an outcome to others does not see it any more.
    left = outcome_queries.show(actor, outcome_queries.get_outcome(outcome_id))
    return respond(OutcomeSchema(), left)


@blueprint.post("/outcomes/<int:outcome_id>/twin")
@operation(
    summary="Say whether an outcome is the same as another one",
    tag="outcomes",
    schema=OutcomeSchema,
    form=TwinForm,
    scope="agreements:write",
    example={"is_same": True},
)
def tell_apart(outcome_id: int) -> ResponseReturnValue:
    """Answer with the outcome that is counted."""
    actor = current_actor()
    outcome = outcome_queries.get_visible_outcome(actor, outcome_id)
    return _outcome(outcome_services.tell_apart(actor, outcome, **bind_json(TwinForm).data).id)


@blueprint.get("/agreements/<int:agreement_id>/chain")
@operation(
    summary="Read what led to an agreement and what came of it",
    tag="agreements",
    schema=ChainSchema,
)
def show_chain(agreement_id: int) -> ResponseReturnValue:
    """Return the chain from the search to the outcomes, as far as you see it."""
    actor = current_actor()
    agreement = queries.get_visible_agreement(actor, agreement_id)
    return respond(ChainSchema(), reports.load_chain(actor, agreement))


@blueprint.get("/regions/<key>/outcomes")
@operation(
    summary="Read what a region has to show",
    tag="outcomes",
    schema=RegionReportSchema,
    filters={
        "since": "The first day; by default the first of this year.",
        "until": "The last day; by default the last of this year.",
    },
    problems=(403,),
)
def show_report(key: str) -> ResponseReturnValue:
    """Return a region's outputs and outcomes in the categories of funders, for its brokers.

    People of a verified agency in the region get what is confirmed of a calendar year, the last
    one of the period; null where it is a sum of fewer than four organizations.
    """
    period = reports.period_of(date_argument("since"), date_argument("until"))
    return respond(RegionReportSchema(), reports.load_report(current_actor(), key, period))


@blueprint.get("/regions/<key>/chains")
@operation(
    summary="List every chain behind a region's report",
    tag="outcomes",
    schema=ChainRowSchema,
    is_list=True,
    filters={
        "since": "The first day; by default the first of this year.",
        "until": "The last day; by default the last of this year.",
    },
    problems=(403,),
)
def list_chains(key: str) -> ResponseReturnValue:
    """List from search to outcome, one row for each outcome, the oldest agreement first.

    `counted` adds up to the report: an outcome counts in its first row alone.
    """
    period = reports.period_of(date_argument("since"), date_argument("until"))
    found = reports.page_of_chain_rows(current_actor(), key, period, **page_arguments())
    return respond_page(ChainRowSchema(), found)


def _schema() -> AgreementSchema:
    return AgreementSchema(actor=current_actor())


def _outcome(outcome_id: int, **answer: Any) -> ResponseReturnValue:
    actor = current_actor()
    outcome = outcome_queries.get_visible_outcome(actor, outcome_id)
    return respond(OutcomeSchema(), outcome_queries.show(actor, outcome), **answer)
