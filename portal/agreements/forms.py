"""The shape of agreements, milestones and outcomes as people and programs give them."""

from types import SimpleNamespace
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import FormField

from portal.agreements.models import Agreement, Outcome
from portal.agreements.rules.words import AGREEMENT_KINDS, MOST_PARTIES, OUTCOME_KINDS, PARTY_ROLES
from portal.kernel.fields import (
    ChoiceField,
    DateField,
    LongTextField,
    MarkdownField,
    MoneyField,
    RecordField,
    RowsField,
    TextField,
    UploadField,
    WholeNumberField,
    YesNoField,
)
from portal.kernel.files import DOCUMENT_ACCEPT, IMAGE_ACCEPT
from portal.kernel.forms import Form, RowForm

#: No more than people agree on, and no more than numbers of JSON hold.
MOST_CENTS = 10**13


class AmountField(MoneyField):
    """An amount with two digits, of whatever unit; JSON gives hundredths as a whole number."""

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        super().__init__(label, most_cents=MOST_CENTS, **kwargs)
        self.unit = ""


class PartyRow(RowForm):
    """An organization that takes part, by its name or the address of its page."""

    organization = TextField(_l("Organization"), longest=200)
    role = ChoiceField(_l("What it does"), choices=PARTY_ROLES)

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if not self.is_blank and not self.organization.data:
            self.organization.errors = [_("Please fill this in.")]
            is_valid = False
        return is_valid


class AgreementForm(Form):
    """An agreement. What a proposal needs is checked when it is proposed."""

    kind = ChoiceField(_l("Kind"), choices=AGREEMENT_KINDS, is_required=True)
    title = TextField(
        _l("Title"),
        is_required=True,
        longest=200,
        description=_l("One line by which all parties know it."),
    )
    role = ChoiceField(
        _l("What your organization does"),
        choices=PARTY_ROLES,
        description=_l("In an agreement on use, training, supply or aid one party provides."),
    )
    parties = RowsField(
        FormField(PartyRow),
        _l("The other parties"),
        max_entries=MOST_PARTIES - 1,
        description=_l("The name of the organization, or the address of its page."),
    )
    terms = MarkdownField(
        _l("What was agreed"),
        description=_l(
            "Who does what, when and for what. You can write **bold** and lists with -."
        ),
    )
    starts_on = DateField(
        _l("Holds from"), description=_l("The first day. A proposal needs it; a draft does not.")
    )
    ends_on = DateField(_l("Holds until"), description=_l("The last day. Empty: no end."))
    private_cents = MoneyField(
        _l("Private money"),
        most_cents=MOST_CENTS,
        description=_l("What firms and other private parties put into it."),
    )
    public_cents = MoneyField(
        _l("Public money"),
        most_cents=MOST_CENTS,
        description=_l("Grants and other money of government."),
    )
    in_kind_cents = MoneyField(
        _l("In kind"),
        most_cents=MOST_CENTS,
        description=_l("The worth of time, space and machines that are given without money."),
    )
    is_reported = YesNoField(
        _l("Brokers of our regions may count it"),
        default=True,
        description=_l(
            "They see title, parties, dates, values and outcomes for their reports. They never see "
            "what was agreed, documents or messages. Agencies of the region read sums of four or "
            "more organizations, without names."
        ),
    )


class NewAgreementForm(AgreementForm):
    """A new agreement: whose it is, and the response or introduction from which it came."""

    organization_id = RecordField(_l("Your organization"), is_required=True)
    response_id = RecordField(_l("Accepted response"))
    introduction_id = RecordField(_l("Introduction"))


class AcknowledgmentForm(Form):
    """The revision with which a party agrees."""

    revision = WholeNumberField(_l("Revision"), least=1, is_required=True)


class RenewalForm(Form):
    """Until when an agreement is to hold."""

    ends_on = DateField(_l("Holds until"), is_required=True, description=_l("The new last day."))


class DocumentForm(Form):
    """A document, or a new version of one."""

    title = TextField(_l("Title"), longest=200, description=_l("Empty: the name of the file."))
    document = UploadField(
        _l("File"),
        accept=f"{DOCUMENT_ACCEPT},{IMAGE_ACCEPT}",
        description=_l("PDF, DOCX, XLSX, CSV, text or a picture; 10 MB at most."),
    )
    note = TextField(_l("What is new in it"), longest=500)

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if self.document.data is None:
            self.document.errors = [_("Please choose a file.")]
            is_valid = False
        return is_valid


class NewVersionForm(DocumentForm):
    """A document, or the one of which this is a new version, as a program sends it."""

    document_id = RecordField(_l("Document of which it is a new version"))


class MilestoneForm(Form):
    """What is to be done by which day."""

    title = TextField(_l("What is done then"), is_required=True, longest=200)
    due_on = DateField(_l("Due on"), is_required=True)
    organization_id = RecordField(_l("Who does it"), empty=_l("All parties"))


class OutcomeForm(Form):
    """What came of an agreement."""

    organization_id = RecordField(_l("Where it came about"), empty=_l("Your organization"))
    kind = ChoiceField(_l("Kind"), choices=OUTCOME_KINDS, is_required=True)
    amount_hundredths = AmountField(
        _l("Amount"),
        description=_l(
            "Dollars, full-time jobs, people, hours: as the kind says. Wages count for a year."
        ),
    )
    happened_on = DateField(_l("Day"), is_required=True)
    evidence = LongTextField(
        _l("Evidence"),
        description=_l("How it can be seen: an invoice, a payroll, an address on the web."),
    )
    same_as = RecordField(_l("The same as"))
    distinct_reason = TextField(_l("Why it is another outcome"), longest=500)

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        return _has_amount(self.amount_hundredths) and is_valid


def _evidence_file() -> Any:
    return UploadField(
        _l("File"),
        accept=f"{DOCUMENT_ACCEPT},{IMAGE_ACCEPT}",
        description=_l(
            "PDF, DOCX, XLSX, CSV, text or a picture; 10 MB at most. Whoever confirms or counts it "
            "can open it."
        ),
    )


class OutcomePageForm(OutcomeForm):
    """An outcome as the page sends it."""

    document = _evidence_file()


class CorrectionForm(Form):
    """What can be corrected of an outcome."""

    amount_hundredths = AmountField(_l("Amount"))
    happened_on = DateField(_l("Day"), is_required=True)
    evidence = LongTextField(_l("Evidence"))
    distinct_reason = TextField(_l("Why it is another outcome"), longest=500)

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        return _has_amount(self.amount_hundredths) and is_valid


class CorrectionPageForm(CorrectionForm):
    """A correction as the page sends it."""

    document = _evidence_file()


class TwinForm(Form):
    """Whether an outcome is the same as the older one that it looks like."""

    is_same = YesNoField(_l("It is the same"))
    note = LongTextField(_l("Reason"), longest=2000)


def _has_amount(field: AmountField) -> bool:
    if field.data is None and not field.errors:
        field.errors = [_("Please fill this in.")]
    return not field.errors


def agreement_values(agreement: Agreement) -> SimpleNamespace:
    """Return an agreement as its form takes it."""
    names = [name for name in AgreementForm()._fields if name not in ("role", "parties")]
    roles = {party.organization_id: party.role for party in agreement.parties}
    return SimpleNamespace(
        **{name: getattr(agreement, name) for name in names},
        role=roles.get(agreement.organization_id, ""),
        parties=[
            {"organization": f"/organizations/{party.organization_id}", "role": party.role}
            for party in agreement.parties
            if party.organization_id != agreement.organization_id
        ],
    )


def correction_values(outcome: Outcome) -> SimpleNamespace:
    """Return of an outcome what can be corrected, as the form takes it."""
    own = [row for row in outcome.claims if row.organization_id == outcome.asserted_by_id]
    return SimpleNamespace(
        amount_hundredths=outcome.amount_hundredths,
        happened_on=outcome.happened_on,
        evidence=own[0].evidence if own else "",
        distinct_reason="",
    )
