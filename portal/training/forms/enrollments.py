"""The shape of enrollments, results and certificates as people and programs give them."""

from typing import Any

import wtforms
from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import ValidationError

from portal.kernel.fields import (
    EmailField,
    ListField,
    LongTextField,
    RecordField,
    TextField,
    YesNoField,
)
from portal.kernel.forms import Form
from portal.training.rules.enrollments import LONGEST_GRADE, MOST_INVITED_AT_ONCE

RESULTS = {"pass": _l("Passed"), "fail": _l("Not passed")}


def _check_emails(_form: wtforms.Form, field: Any) -> None:
    for text in field.data:
        try:
            validate_email(text, check_deliverability=False)
        except EmailNotValidError as error:
            raise ValidationError(_("%(text)s is no e-mail address.", text=text)) from error


class EnrollForm(Form):
    """Who pays for one's own seat: nothing chosen is oneself."""

    organization_id = RecordField(_l("Who pays"))


class EnrollOthersForm(Form):
    """Whom a firm sends."""

    organization_id = RecordField(_l("Which organization pays"))
    emails = ListField(
        _l("E-mail addresses of your people"),
        [_check_emails],
        most=MOST_INVITED_AT_ONCE,
        longest=254,
        description=_l("Nobody needs an account yet."),
    )


class EnrollmentForm(EnrollOthersForm):
    """An enrollment as programs send it: with addresses for others, without any for oneself."""

    section_id = RecordField(_l("Section"), is_required=True)
    waits = YesNoField(_l("Wait in line if no seat is free"), default=True)


class ByHandForm(Form):
    """Somebody whom the provider writes on the roster."""

    name = TextField(_l("Name"), longest=120, is_required=True)
    email = EmailField(
        _l("E-mail"),
        is_required=True,
        description=_l("A link goes there, with which the person keeps it in an account."),
    )
    organization = TextField(
        _l("Organization that pays"),
        longest=200,
        description=_l("Its managers are told. Left empty: the person pays."),
    )
    is_free = YesNoField(
        _l("Nothing is owed: it is free, or paid already"),
        description=_l(
            "Otherwise whoever pays can withdraw for a week and owe nothing; a result comes after "
            "that."
        ),
    )


class MoveForm(Form):
    """Where to move somebody, and why."""

    section_id = RecordField(_l("To which section"), is_required=True)
    reason = TextField(
        _l("Why"), longest=500, is_required=True, description=_l("The person reads this.")
    )


class StepForm(Form):
    """What may go with a step of an enrollment."""

    note = TextField(_l("Note"), longest=2000)


class ResultForm(Form):
    """Whether somebody passed, with a grade or without."""

    passed = YesNoField(_l("Passed"))
    grade = TextField(_l("Grade"), longest=LONGEST_GRADE)


class RevokeForm(Form):
    """Why a certificate is taken back."""

    reason = LongTextField(
        _l("Why"),
        longest=500,
        is_required=True,
        description=_l("The holder reads this; who checks the number does not."),
    )


class NumberForm(Form):
    """The number of a certificate."""

    number = TextField(_l("Number of the certificate"), longest=40)
