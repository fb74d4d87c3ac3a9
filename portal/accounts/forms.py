"""The shape of what accounts take in, and which passwords are refused."""

import functools
from collections.abc import Mapping
from importlib import resources
from typing import Any
from zoneinfo import available_timezones

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import ValidationError, validators

from portal.accounts.rules import LONGEST_PASSWORD, SHORTEST_PASSWORD, context_word_in, is_common
from portal.kernel.fields import ChoiceField, ChoicesField, EmailField, TextField
from portal.kernel.forms import Form
from portal.kernel.settings import setting

#: Languages call themselves by their own names.
LANGUAGE_NAMES: Mapping[str, str] = {"en": "English", "es": "Español"}


@functools.cache
def common_passwords() -> frozenset[str]:
    """Return the passwords that everybody tries first, in lower case."""
    text = resources.files("portal.accounts").joinpath("data/common_passwords.txt")
    return frozenset(text.read_text("utf-8").split())


@functools.cache
def time_zones() -> Mapping[str, str]:
    """Return the IANA time zones that name a place, with readable labels."""
    names = sorted(name for name in available_timezones() if "/" in name or name == "UTC")
    kept = [name for name in names if not name.startswith(("Etc/", "SystemV/", "posix/"))]
    return {name: name.replace("_", " ").replace("/", " / ") for name in kept}


def _required_text() -> Any:
    return validators.InputRequired(message=_l("Please fill this in."))


class PasswordField(wtforms.PasswordField):
    """A password as it was typed, to be compared with the known one."""

    def __init__(self, label: Any = None, checks: Any = (), **kwargs: Any) -> None:
        bound = validators.Length(max=LONGEST_PASSWORD, message=_l("That is too long."))
        super().__init__(label, [_required_text(), bound, *checks], **kwargs)

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = valuelist[0] if valuelist and isinstance(valuelist[0], str) else ""


class NewPasswordField(PasswordField):
    """A password to be: long enough, not a common one, and without words from around it."""

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        kwargs.setdefault(
            "description",
            _l(
                "At least %(least)d characters, better 12 or more. A few words in a row are easy"
                " to remember and hard to guess.",
                least=SHORTEST_PASSWORD,
            ),
        )
        least = validators.Length(
            min=SHORTEST_PASSWORD,
            message=_l("Please use at least %(least)d characters.", least=SHORTEST_PASSWORD),
        )
        super().__init__(label, [least, _refuse_common, _refuse_context], **kwargs)


def _refuse_common(_form: wtforms.Form, field: wtforms.Field) -> None:
    if is_common(field.data, common_passwords()):
        raise ValidationError(
            _("This is one of the passwords that are guessed first. Please choose another.")
        )


def _refuse_context(form: Any, field: wtforms.Field) -> None:
    typed = [form[name].data or "" for name in ("name", "email") if name in form]
    sources = [setting("SITE_NAME"), *form.context_words, *typed]
    word = context_word_in(field.data, sources)
    if word is not None:
        raise ValidationError(
            _(
                "Please leave out “%(word)s”: names of people and of this site are easy to guess.",
                word=word,
            )
        )


class WithNewPassword(Form):
    """A form in which a password is chosen; `context_words` are what it may not contain."""

    context_words: tuple[str, ...] = ()


class SignUpForm(WithNewPassword):
    name = TextField(_l("Your name"), longest=120, is_required=True)
    email = EmailField(_l("E-mail"), is_required=True)
    password = NewPasswordField(_l("Password"))


class SignInForm(Form):
    email = EmailField(_l("E-mail"), is_required=True)
    password = PasswordField(_l("Password"))


class PasswordForm(Form):
    """The password once more, before something that matters."""

    password = PasswordField(_l("Password"))


class AddressForm(Form):
    email = EmailField(_l("E-mail"), is_required=True)


class NewPasswordForm(WithNewPassword):
    password = NewPasswordField(_l("New password"))


class ChangePasswordForm(WithNewPassword):
    current_password = PasswordField(_l("Current password"))
    password = NewPasswordField(_l("New password"))


class ProfileForm(Form):
    name = TextField(_l("Your name"), longest=120, is_required=True)
    time_zone = ChoiceField(
        _l("Time zone"),
        choices=time_zones(),
        description=_l("Times are shown in this zone. Without one, in that of the region."),
    )
    language = ChoiceField(_l("Language"), choices=LANGUAGE_NAMES, is_required=True)


class TokenForm(Form):
    """A new token; the view fills in which scopes there are."""

    name = TextField(
        _l("What it is for"),
        longest=80,
        is_required=True,
        description=_l("So that you know it again, such as “Equipment list of our web site”."),
    )
    scopes = ChoicesField(
        _l("What it may do"),
        [validators.InputRequired(message=_l("Please choose at least one."))],
        choices={},
        description=_l("It never may more than you. “read” is enough to fetch lists and records."),
    )
    expires_in = ChoiceField(
        _l("It works for"),
        choices={"30": _l("30 days"), "90": _l("90 days"), "365": _l("One year")},
        default="90",
        is_required=True,
    )
