"""What people say of a match and answer about it."""

from flask_babel import lazy_gettext as _l

from portal.kernel.fields import ChoiceField, LongTextField, YesNoField
from portal.kernel.forms import Form
from portal.matching.rules.words import ANSWERS, CRITERIA, OPINIONS


class FeedbackForm(Form):
    """Whether a match is useful, and why."""

    opinion = ChoiceField(_l("Is it useful?"), choices=OPINIONS, is_required=True)
    criterion = ChoiceField(_l("What decides it"), choices={"": _l("No single thing"), **CRITERIA})
    note = LongTextField(
        _l("Why"),
        longest=500,
        description=_l("Brokers read it, so that matching gets better. The other side does not."),
    )


class AnswerForm(Form):
    """What the candidate's owner knows about a criterion."""

    criterion = ChoiceField(_l("Question"), choices=CRITERIA, is_required=True)
    answer = ChoiceField(_l("Answer"), choices=ANSWERS, is_required=True)
    note = LongTextField(
        _l("Note"), longest=500, description=_l("Who posted the request reads it.")
    )


class MailForm(Form):
    """Whether matches are told by e-mail as well."""

    wants_mail = YesNoField(_l("E-mail me about new matches"))
