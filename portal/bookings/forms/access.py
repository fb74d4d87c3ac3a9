"""The shape of qualifications, recognitions, clearances and requests for them, as people give them.

Who and what is chosen from is offered by the views; the services say whether it will do.
"""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.bookings.rules.words import ACCESS_KINDS, CLEARANCE_KINDS
from portal.kernel.fields import (
    ChoiceField,
    DateField,
    EmailField,
    ListField,
    LongTextField,
    RecordField,
    TextField,
    UploadField,
    WholeNumberField,
)
from portal.kernel.files import DOCUMENT_ACCEPT, IMAGE_ACCEPT
from portal.kernel.forms import Form
from portal.skills.forms import CredentialField

_ACCEPT = f"{DOCUMENT_ACCEPT},{IMAGE_ACCEPT}"


class AskForm(Form):
    """What somebody asks a host for; what for, and from whom, is said by the page's address."""

    kind = ChoiceField(_l("What you ask for"), choices=ACCESS_KINDS, is_required=True)
    organization_id = RecordField(_l("For which organization you book"), is_required=True)
    capability = ChoiceField(
        _l("To operate"),
        choices={},
        description=_l("Of a qualification."),
    )
    message = LongTextField(
        _l("Message"),
        description=_l("What you know already, where you learned it, when you could come."),
    )


class TermsForm(Form):
    """How long a qualification is good, and what proves it."""

    granted_on = DateField(_l("Proven on"), description=_l("Empty: today."))
    expires_on = DateField(_l("Good until"), description=_l("Empty: it does not expire."))
    lapses_after_days = WholeNumberField(
        _l("Lapses without use after"),
        least=1,
        most=3650,
        unit=_l("days"),
        description=_l("Empty: it lasts without use. A completed booking counts as use."),
    )
    evidence = LongTextField(
        _l("Evidence"),
        description=_l("Who taught or tested it, and how. You and the person see it."),
    )
    document = UploadField(
        _l("Document"),
        accept=_ACCEPT,
        description=_l("A certificate or test sheet, as PDF, text, XLSX, DOCX or picture."),
    )

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if is_valid and self.granted_on.data and self.expires_on.data:
            is_valid = _in_order(self, self.granted_on, self.expires_on)
        return is_valid


class GrantForm(TermsForm):
    """A new qualification: for whom, and to operate what."""

    user_id = RecordField(
        _l("Person"),
        description=_l("Your own people, and those who have booked or asked here."),
    )
    email = EmailField(
        _l("Or the e-mail address"), description=_l("Of somebody who is not in the list.")
    )
    equipment_id = RecordField(_l("Equipment"))
    capability = TextField(
        _l("Or all equipment with a capability"),
        longest=120,
        description=_l(
            "Such as 5-axis milling. It opens all that carries this very capability, neither "
            "broader nor narrower ones."
        ),
    )
    recognition_id = RecordField(_l("By a credential that you recognize"))


class RecognitionForm(Form):
    """Whose word is taken, and for what."""

    organization = TextField(
        _l("Organization"),
        longest=200,
        description=_l("Its name, or the address of its page. Its qualifications count here too."),
    )
    credential = CredentialField(
        _l("Or a credential"),
        description=_l(
            "Whoever holds a certificate of it is qualified here, now and later, if a broker has "
            "verified its provider."
        ),
    )
    providers = ListField(
        _l("Awarded by these alone"),
        most=20,
        description=_l(
            "Names of providers, or addresses of their pages, one per line. Empty: by every "
            "provider that a broker has verified."
        ),
    )
    capability = TextField(
        _l("For one capability only"), longest=120, description=_l("Empty: for every capability.")
    )
    note = LongTextField(_l("Why"), longest=500)


class NewRecognitionForm(RecognitionForm):
    """Whose word is taken, together with the organization that takes it."""

    organization_id = RecordField(_l("Host"), is_required=True)


class RecognitionStepForm(Form):
    """Why something is recognized no longer."""

    note = LongTextField(_l("Reason"))


class ValidityForm(Form):
    """How long a clearance is good, and the document of it."""

    valid_from = DateField(_l("Good from"), description=_l("Empty: today."))
    expires_on = DateField(_l("Good until"), description=_l("Empty: it does not expire."))
    reference = TextField(
        _l("Reference"), longest=200, description=_l("A number or a place in your own files.")
    )
    document = UploadField(
        _l("Document"),
        accept=_ACCEPT,
        description=_l("PDF, text, XLSX, DOCX or picture; both sides can open it."),
    )

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if is_valid and self.valid_from.data and self.expires_on.data:
            is_valid = _in_order(self, self.valid_from, self.expires_on)
        return is_valid


class ClearanceForm(ValidityForm):
    """A new clearance: of an organization, or (an induction) of a person."""

    kind = ChoiceField(_l("Kind"), choices=CLEARANCE_KINDS, is_required=True)
    organization = TextField(
        _l("Organization"),
        longest=200,
        description=_l(
            "Whose agreement or insurance certificate it is: its name, or the address of its page."
        ),
    )
    user_id = RecordField(
        _l("Person"), description=_l("Who was inducted: one of those who booked or asked here.")
    )
    email = EmailField(
        _l("Or the e-mail address"), description=_l("Of somebody who is not in the list.")
    )
    facility_id = RecordField(
        _l("Facility"), description=_l("Of an induction. None: it holds for all of yours.")
    )

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if is_valid and self.kind.data != "induction" and not self.organization.data:
            self.add_error("organization", _("Please fill this in."))
            is_valid = False
        return is_valid


def _in_order(form: Form, first: Any, last: Any) -> bool:
    if last.data < first.data:
        form.add_error(last.name, _("Please choose a day after the first one."))
        return False
    return True
