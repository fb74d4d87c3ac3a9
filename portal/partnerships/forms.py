"""The shape of requests and responses as people and programs give them.

`RequestForm` is what JSON fills in; the page's form adds the organization, files and buttons.
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import ValidationError
from wtforms.fields.choices import Choice
from wtforms.widgets import HiddenInput, Select

from portal.accounts.forms import LANGUAGE_NAMES
from portal.conversations.rules import LONGEST_MESSAGE
from portal.kernel.clock import today_here
from portal.kernel.fields import (
    ChoiceField,
    ChoicesField,
    DateField,
    EmailField,
    ListField,
    LongTextField,
    MarkdownField,
    MoneyField,
    RecordField,
    TextField,
    UploadsField,
    WholeNumberField,
    YesNoField,
)
from portal.kernel.files import DOCUMENT_ACCEPT, IMAGE_ACCEPT
from portal.kernel.forms import Form
from portal.kernel.listing import VISIBILITIES
from portal.organizations.rules import EMPLOYEE_BANDS, ORGANIZATION_KINDS
from portal.partnerships.models import Request
from portal.partnerships.rules.publishing import demanded_fields, latest_end
from portal.partnerships.rules.words import (
    AGREEMENT_KINDS,
    DIRECTIONS,
    IP_STATUSES,
    LONGEST_LIFE_DAYS,
    LONGEST_URGENT_DAYS,
    MANDATE_DAYS,
    REQUEST_KINDS,
    RESULTS,
    TRL_WORDS,
    USUAL_LIFE_DAYS,
    USUAL_URGENT_DAYS,
)

AUDIENCES = {key: label for key, label in VISIBILITIES.items() if key != "draft"}


class ReadinessField(WholeNumberField):
    """A technology readiness level: chosen by its words in a page, a number in JSON."""

    widget = Select()

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        super().__init__(label, least=min(TRL_WORDS), most=max(TRL_WORDS), **kwargs)

    def has_groups(self) -> bool:
        """The levels stand in one list."""
        return False

    def iter_choices(self) -> Iterator[Choice]:
        """Give the levels in words, after an empty one."""
        yield Choice("", _("Not given"), self.data is None, {})
        for level, words in TRL_WORDS.items():
            yield Choice(str(level), words, self.data == level, {})

    _iter_choices_normalized = iter_choices


class RequestForm(Form):
    """A request. What its kind demands is checked when it is published."""

    kind = ChoiceField(_l("Kind"), choices=REQUEST_KINDS, is_required=True)
    direction = ChoiceField(_l("Need or offer"), choices=DIRECTIONS, is_required=True)
    title = TextField(
        _l("Title"),
        is_required=True,
        longest=200,
        description=_l("One line that a stranger understands."),
    )
    summary = LongTextField(
        _l("Summary"),
        longest=500,
        description=_l("Two or three sentences: what, for what, how much, by when."),
    )
    capabilities = ListField(
        _l("Capabilities"),
        most=12,
        longest=120,
        description=_l("One per line, such as 5-axis milling or CMM."),
    )
    description = MarkdownField(
        _l("Description"),
        description=_l("You can write **bold**, lists with - and headings with ##."),
    )
    zip_code = TextField(
        _l("ZIP code"), longest=10, description=_l("Empty: where your organization is.")
    )
    radius_miles = WholeNumberField(
        _l("Within"),
        least=1,
        most=3000,
        unit=_l("miles"),
        description=_l("Empty: anywhere."),
    )
    wanted_by = DateField(_l("Wanted by"))
    expires_on = DateField(
        _l("Open until"),
        description=_l(
            "At most %(most)s days from its publication; empty means %(usual)s days. An urgent "
            "request: %(most_urgent)s and %(usual_urgent)s.",
            most=LONGEST_LIFE_DAYS,
            usual=USUAL_LIFE_DAYS,
            most_urgent=LONGEST_URGENT_DAYS,
            usual_urgent=USUAL_URGENT_DAYS,
        ),
    )
    is_urgent = YesNoField(
        _l("This is urgent"),
        description=_l(
            "For an emergency, such as a press that is down: everyone who offers one of the "
            "capabilities within the miles below is told at once. It ends within days."
        ),
    )
    visibility = ChoiceField(
        _l("Who sees it"), choices=AUDIENCES, is_required=True, default="public"
    )
    is_anonymous = YesNoField(
        _l("Do not show our name"),
        description=_l("Others read the anonymous summary instead of your name and description."),
    )
    anonymous_summary = LongTextField(_l("Anonymous summary"), longest=500)
    expertise_sought = LongTextField(_l("Expertise sought"))
    advantages = LongTextField(_l("Advantages for a partner"))
    innovations = LongTextField(_l("What is new about it"))
    trl = ReadinessField(
        _l("Technology readiness level"),
        description=_l("From 1 (basic principles observed) to 9 (proven in operation)."),
    )
    ip_status = ChoiceField(_l("Protection of the knowledge"), choices=IP_STATUSES)
    partner_kinds = ChoicesField(_l("Kinds of partner sought"), choices=ORGANIZATION_KINDS)
    partner_sizes = ChoicesField(_l("Size of partner sought"), choices=EMPLOYEE_BANDS)
    agreement_kind = ChoiceField(_l("Kind of agreement"), choices=AGREEMENT_KINDS)
    budget_cents = MoneyField(_l("Budget"))
    call_name = TextField(_l("Call or competition"), longest=200)
    call_deadline = DateField(_l("Deadline of the call"))
    coordinator_wanted = YesNoField(_l("A coordinator is wanted"))
    equipment_id = RecordField(
        _l("Equipment to use"),
        empty=_l("No equipment"),
        description=_l("Its organization is told once the request is published, and sees it."),
    )
    facility_id = RecordField(
        _l("Facility to use"),
        description=_l("Its organization is told once the request is published, and sees it."),
    )
    duration_months = WholeNumberField(_l("Duration"), least=1, most=240, unit=_l("months"))

    def validate_wanted_by(self, field: Any) -> None:
        _check_not_over(field)

    def validate_expires_on(self, field: Any) -> None:
        _check_not_over(field)
        if _is_new(field) and field.data > latest_end(today_here()):
            raise ValidationError(
                _("Please choose a day at most %(days)d days ahead.", days=LONGEST_LIFE_DAYS)
            )


def _is_new(field: Any) -> bool:
    """Tell whether a day was given that does not stand already: old records stay editable."""
    return field.data is not None and field.data != field.object_data


def _check_not_over(field: Any) -> None:
    if _is_new(field) and field.data < today_here():
        raise ValidationError(_("Please choose a day that is not over."))


class NewRequestForm(RequestForm):
    """A new request as a program sends it: with the organization that posts it."""

    organization_id = RecordField(_l("Organization"), is_required=True)
    publish = YesNoField(_l("Publish at once"), description=_l("Otherwise the request is a draft."))


class RequestPageForm(RequestForm):
    """A request as the page sends it."""

    organization_id = RecordField(_l("Organization"))
    search_words = TextField(longest=200, widget=HiddenInput())
    attachments = UploadsField(
        _l("Attachments"),
        accept=f"{DOCUMENT_ACCEPT},{IMAGE_ACCEPT}",
        description=_l("Drawings, specifications, pictures; 10 MB each at most."),
    )

    def mark_demanded(self) -> None:
        """Let the page say at each field whether this kind needs it to be published."""
        demanded = demanded_fields(
            self.kind.data,
            self.direction.data,
            asks_one=bool(self.equipment_id.data or self.facility_id.data),
            is_anonymous=bool(self.is_anonymous.data),
            is_urgent=bool(self.is_urgent.data),
        )
        for name, field in self._fields.items():
            field.flags.demanded = name in demanded


class RenewForm(Form):
    """The new end of a request."""

    expires_on = DateField(_l("Open until"), is_required=True)


class CloseForm(Form):
    """What came of a request."""

    result = ChoiceField(_l("What came of it?"), choices=RESULTS, is_required=True)
    response_id = RecordField(
        _l("With whom?"),
        description=_l("Only if a response here led to it: those that you accepted."),
    )
    note = LongTextField(
        _l("In a few words"),
        longest=2000,
        description=_l("What was made, saved or learned. Only your organization reads it."),
    )


class RevealForm(Form):
    """To whom an anonymous request shows whose it is; without an organization, to everybody."""

    organization_id = RecordField(_l("Organization"))


class AskFirmForm(Form):
    """Whom to ask whether a request may be posted for a firm."""

    email = EmailField(
        _l("E-mail address of the firm"),
        is_required=True,
        description=_l(
            "The link in the mail works for %(days)s days. Whoever has it can answer for the firm, "
            "so write to a person who may.",
            days=MANDATE_DAYS,
        ),
    )
    language = ChoiceField(
        _l("Language of the mail"), choices=LANGUAGE_NAMES, is_required=True, default="en"
    )
    message = LongTextField(
        _l("A word from you"), longest=2000, description=_l("It is added to the mail.")
    )


class MandateForm(Form):
    """What a firm answers to the question whether a request may be posted for it."""

    name = TextField(
        _l("Your name"),
        is_required=True,
        longest=120,
        description=_l("It is kept with your answer."),
    )
    note = LongTextField(
        _l("Anything to change or to add?"),
        longest=2000,
        description=_l("Only who wrote the request for you reads it."),
    )


class InviteForm(Form):
    """Who is asked to respond to a request, and in what words."""

    organization = TextField(
        _l("Organization"),
        is_required=True,
        longest=200,
        description=_l("Its name, or the address of its page."),
    )
    text = MarkdownField(
        _l("Message"),
        is_required=True,
        longest=LONGEST_MESSAGE // 2,
        description=_l("The title of the request and its address are put below."),
    )


class ResponseForm(Form):
    """An expression of interest. Without an organization, it is from the only one you are in."""

    organization_id = RecordField(_l("Organization"))
    message = MarkdownField(
        _l("Message"),
        is_required=True,
        longest=5000,
        description=_l("What you can do, when, and what you would like to know."),
    )


class NoteForm(Form):
    """The reason that goes with a step of a workflow."""

    note = LongTextField(_l("Reason"), longest=2000)


def request_values(request: Request, *, is_page: bool = False) -> SimpleNamespace:
    """Return a request as its form takes it; capabilities by name for a page, else by key."""
    names = [name for name in RequestForm()._fields if name not in ("capabilities", "visibility")]
    return SimpleNamespace(
        **{name: getattr(request, name) for name in names},
        search_words=request.search_words,
        capabilities=[item.name if is_page else item.key for item in request.capabilities],
        # A draft's audience is chosen for the day on which it is published.
        visibility="public" if request.visibility == "draft" else request.visibility,
    )
