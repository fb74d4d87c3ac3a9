"""The shape of what people write, report and choose in conversations."""

from flask_babel import lazy_gettext as _l
from wtforms import FieldList

from portal.conversations.rules import LONGEST_MESSAGE, MAIL_CHOICES, REPORT_REASONS
from portal.kernel.fields import (
    ChoiceField,
    LongTextField,
    MarkdownField,
    RecordField,
    TextField,
    UploadsField,
    WholeNumberField,
    YesNoField,
)
from portal.kernel.files import DOCUMENT_ACCEPT, IMAGE_ACCEPT
from portal.kernel.forms import Form


class MessageForm(Form):
    """A message. Without an organization, it is from the only one that the writer can write for."""

    organization_id = RecordField(_l("Organization"))
    text = MarkdownField(
        _l("Message"),
        is_required=True,
        longest=LONGEST_MESSAGE,
        description=_l("Write @ and a full name to call somebody: they are told at once."),
    )


class MessagePageForm(MessageForm):
    """A message as a page sends it."""

    attachments = UploadsField(
        _l("Attachments"),
        accept=f"{DOCUMENT_ACCEPT},{IMAGE_ACCEPT}",
        description=_l("Drawings, specifications, pictures; 10 MB each at most."),
    )


class NewThreadForm(MessageForm):
    """A first message about a record, as a program sends it."""

    subject = TextField(_l("Kind of record"), is_required=True, longest=20)
    subject_id = RecordField(_l("Its number"), is_required=True)


class ThreadForm(Form):
    """What a reader changes of a thread for themselves."""

    is_muted = YesNoField(_l("Muted"))
    read_message_id = WholeNumberField(_l("Read up to this message"))


class PartyForm(Form):
    """Which side of a conversation a step is about: its place among the others, from 1.

    Not its number, which would tell who an anonymous one is.
    """

    side = RecordField(_l("Side"), is_required=True)


class ReportForm(Form):
    """Why a message is reported."""

    reason = ChoiceField(_l("What is wrong with it"), choices=REPORT_REASONS, is_required=True)
    note = LongTextField(
        _l("What else we should know"),
        description=_l("The brokers of your region read it. The other side does not."),
    )


class DecisionForm(Form):
    """What goes with the decision of a report."""

    note = LongTextField(_l("Reason"))


class DecisionsForm(DecisionForm):
    """The reports that are decided at once."""

    report_ids = FieldList(RecordField(_l("Report")))


class MailForm(Form):
    """When one is told of messages by e-mail."""

    emails = ChoiceField(
        _l("E-mail about messages"),
        choices=MAIL_CHOICES,
        is_required=True,
        description=_l("Whoever calls you by name reaches you at once, unless you choose never."),
    )
