"""The shape of a proposal and of the sides' answers, as people and programs give them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask_babel import lazy_gettext as _l
from wtforms import FormField

from portal.brokerage.rules.introductions import LONGEST_DAYS, MOST_PARTIES, STANDS_FOR
from portal.kernel.fields import (
    ChoiceField,
    EmailField,
    LongTextField,
    PhoneField,
    RecordField,
    RowsField,
    TextField,
    WholeNumberField,
    YesNoField,
)
from portal.kernel.forms import Form, RowForm


class PartyRow(RowForm):
    """One side: who it is (by its part in the request, number or name), and its two texts."""

    stands_for = ChoiceField(_l("Who it is"), choices=STANDS_FOR)
    organization_id = RecordField(_l("Number of the organization"))
    organization = TextField(
        _l("Organization"),
        longest=200,
        description=_l("Its name, or the address of its page. Only you read this."),
    )
    summary = LongTextField(
        _l("What the others read of it"),
        is_required=True,
        longest=500,
        description=_l("What it is and can do, without its name."),
    )
    reason = LongTextField(
        _l("Why it should meet them"),
        is_required=True,
        longest=2000,
        description=_l("It alone reads this."),
    )


class ProposalForm(Form):
    """A proposal that two or three organizations meet. row_names: how its page calls its rows."""

    row_names: ClassVar[Mapping[str, Sequence[Any]]] = {
        "parties": (_l("First side"), _l("Second side"), _l("A third side, for a consortium"))
    }

    region_id = RecordField(_l("Region"))
    request_id = RecordField(_l("Request"))
    match_id = RecordField(_l("Match"))
    title = TextField(
        _l("What it is about"),
        is_required=True,
        longest=200,
        description=_l("One line that all sides read, without a name."),
    )
    parties = RowsField(FormField(PartyRow), _l("Who meets"), max_entries=MOST_PARTIES)
    terms = LongTextField(
        _l("Terms of confidentiality"),
        longest=5000,
        description=_l("All sides accept them before they learn who the others are."),
    )
    answer_days = WholeNumberField(
        _l("Time to answer"),
        least=1,
        most=LONGEST_DAYS,
        unit=_l("days"),
        description=_l(
            "For each of the two answers. Who is silent is reminded twice; then the introduction "
            "lapses."
        ),
    )


class NoteForm(Form):
    """The note that goes with a step of the broker."""

    note = LongTextField(_l("Note"), longest=2000)


class ConsentForm(Form):
    """The consent to meet."""

    accepts_terms = YesNoField(_l("We accept the terms of confidentiality"))


class ContactForm(Form):
    """The contact that a side gives for the others."""

    contact_name = TextField(_l("Name"), is_required=True, longest=200)
    contact_email = EmailField(_l("E-mail"))
    contact_phone = PhoneField(_l("Phone"))


class DeclineForm(Form):
    """The reason of who declines."""

    note = LongTextField(
        _l("Reason"), is_required=True, longest=2000, description=_l("Only the broker reads it.")
    )


class AnswerForm(ConsentForm, ContactForm, DeclineForm):
    """What goes with an answer, whichever it is, as a program gives it."""

    contact_name = TextField(_l("Name"), longest=200)
    note = LongTextField(_l("Reason"), longest=2000)


#: What a page asks for with each answer of a side.
ANSWERS: Mapping[str, type[Form]] = {
    "consent": ConsentForm,
    "share": ContactForm,
    "decline": DeclineForm,
}
