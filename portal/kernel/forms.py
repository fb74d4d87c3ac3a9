"""Forms: one WTForms class validates the HTML form, the JSON body and the spreadsheet row.

Forms know the shape of input, never the database; what needs rows is refused by the services.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, ParamSpec, Self, TypeVar, cast

import wtforms
from email_validator import EmailNotValidError, validate_email
from flask import request
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import CombinedMultiDict, FileStorage, MultiDict
from wtforms import Field, FieldList, FileField, FormField, ValidationError, validators
from wtforms.fields.choices import SelectChoice
from wtforms.meta import DefaultMeta

from portal.kernel.errors import Invalid
from portal.kernel.richtext import LONGEST_TEXT

P = ParamSpec("P")
R = TypeVar("R")

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
MOST_ROWS = 100


class _Meta(DefaultMeta):
    def get_translations(self, form: wtforms.Form) -> Any:
        self.locales = [str(get_locale() or "en")]
        return super().get_translations(form)


class Form(wtforms.Form):
    """Base of all forms."""

    Meta = _Meta

    @classmethod
    def bind(cls, obj: object | None = None, **data: Any) -> Self:
        """Make the form from the request, over the values of `obj` and `data` as they stand."""
        if request.method in ("POST", "PUT", "PATCH"):
            return cls(CombinedMultiDict([request.form, request.files]), obj=obj, data=data)
        return cls(obj=obj, data=data)

    @classmethod
    def from_json(cls, payload: Mapping[str, Any], obj: object | None = None) -> Self:
        """Make the form from a JSON object; with `obj`, what is absent keeps its value.

        Unknown names and values of the wrong JSON type become field errors of `validate()`.
        """
        formdata: MultiDict[str, Any] = MultiDict()
        form = cls(obj=obj) if obj is not None else cls()
        form.refused = {}
        for name, value in payload.items():
            if name not in form._fields:
                form.refused[name] = _("There is no such field.")
                continue
            try:
                _flatten(form._fields[name], name, value, formdata)
            except TypeError as error:
                form.refused[name] = str(error)
        filled = cls(formdata)
        for name in payload:
            if name in filled._fields:
                form._fields[name] = filled._fields[name]
                setattr(form, name, filled._fields[name])
        for name, field in form._fields.items():
            if name not in payload and obj is not None:
                # The validators look at what was sent; for these, that is what stands already.
                field.raw_data = [] if field.data in (None, "", []) else [field.data]
        return form

    @classmethod
    def from_row(cls, row: Mapping[str, str]) -> Self:
        """Make the form from a spreadsheet row: texts by field name."""
        return cls(MultiDict({name: value for name, value in row.items() if value.strip()}))

    refused: dict[str, str] = {}

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        for field in _leaves(self):
            for text in _texts(field):
                if _CONTROL.search(text):
                    field.errors = [*field.errors, _("Please remove the control characters.")]
                    is_valid = False
        for name, message in self.refused.items():
            if name in self._fields:
                self._fields[name].errors = [message]
            else:
                self.form_errors.append(f"{name}: {message}")
        return is_valid and not self.refused

    def submitted(self) -> bool:
        """Tell whether this is a sent form that is valid (and does not just ask for a row)."""
        return request.method == "POST" and not self.wants_row() and self.validate()

    def wants_row(self) -> bool:
        """Serve the button that adds an empty row to a list of fields, without JavaScript."""
        name = request.form.get("add-row") if request.method == "POST" else None
        field = self._fields.get(name) if name else None
        if not isinstance(field, FieldList):
            return False
        if len(field.entries) < (field.max_entries or MOST_ROWS):
            field.append_entry()
        return True

    def attempt(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
        """Call a command; a refused value becomes an error at its field, and None comes back."""
        try:
            return function(*args, **kwargs)
        except Invalid as error:
            self.add_error(error.field, error.message)
            return None

    def add_error(self, name: str | None, message: str) -> None:
        """Put a message at a field, or over the whole form."""
        field = self._fields.get(name) if name else None
        if field is None:
            self.form_errors.append(message)
        else:
            field.errors = [*field.errors, message]

    @property
    def problems(self) -> list[tuple[str | None, str, str]]:
        """All errors as (id of the field or None, its label, message), in the form's order."""
        found: list[tuple[str | None, str, str]] = [(None, "", text) for text in self.form_errors]
        for field in _leaves(self):
            found.extend((field.id, str(field.label.text), str(text)) for text in field.errors)
        return found

    @property
    def errors_by_name(self) -> dict[str, list[str]]:
        """All errors by field name ("rates-0-unit"), for problem documents and reports."""
        found: dict[str, list[str]] = {}
        if self.form_errors:
            found[""] = [str(text) for text in self.form_errors]
        for field in _leaves(self):
            if field.errors:
                found[field.name] = [str(text) for text in field.errors]
        return found


def _leaves(form: wtforms.Form) -> list[Field]:
    found: list[Field] = []
    pending: list[Field] = list(form)
    while pending:
        field = pending.pop(0)
        if isinstance(field, FieldList):
            pending[:0] = list(field)
            if field.errors and all(isinstance(error, str) for error in field.errors):
                found.append(field)
        elif isinstance(field, FormField):
            pending[:0] = list(field.form)
        else:
            found.append(field)
    return found


def _texts(field: Field) -> list[str]:
    if isinstance(field.data, str):
        return [field.data]
    if isinstance(field.data, list):
        return [item for item in field.data if isinstance(item, str)]
    return []


def _flatten(field: Field, name: str, value: Any, into: "MultiDict[str, Any]") -> None:
    """Write a JSON value under the names that the HTML form would use."""
    if value is None and not isinstance(field, FormField):
        into.setlist(name, [""] if not isinstance(field, FieldList) else [])
    elif isinstance(field, FieldList):
        if not isinstance(value, list) or len(value) > MOST_ROWS:
            raise TypeError(_("This must be a list of at most %(most)d.", most=MOST_ROWS))
        inner = field.unbound_field.bind(wtforms.Form(), name="x", _meta=field.meta)
        for number, item in enumerate(value):
            _flatten(inner, f"{name}-{number}", item, into)
    elif isinstance(field, FormField):
        if not isinstance(value, dict):
            raise TypeError(_("This must be an object."))
        inner_form = field.form_class()
        for key, item in value.items():
            if key not in inner_form._fields:
                raise TypeError(_("There is no field %(name)s.", name=key))
            _flatten(inner_form._fields[key], f"{name}-{key}", item, into)
    elif isinstance(field, wtforms.BooleanField):
        if not isinstance(value, bool):
            raise TypeError(_("This must be true or false."))
        if value:
            into[name] = "y"
        else:
            into[name] = "false"
    elif isinstance(field, ListField | wtforms.SelectMultipleField):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise TypeError(_("This must be a list of texts."))
        into.setlist(name, value)
    elif isinstance(field, FileField):
        raise TypeError(_("Files are sent as a form, not as JSON."))
    elif isinstance(field, MoneyField):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(_("This must be a whole number of cents."))
        into[name] = str(Decimal(value) / 100)
    elif isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(_("This must be a text or a number."))
    elif isinstance(value, str) and isinstance(
        field, wtforms.IntegerField | wtforms.DecimalField | wtforms.FloatField
    ):
        raise TypeError(_("This must be a number."))
    elif not isinstance(value, str) and isinstance(field, TextField | wtforms.DateField):
        raise TypeError(_("This must be a text."))
    else:
        into[name] = str(value)


def _strip(value: Any) -> Any:
    return value.strip().replace("\r\n", "\n") if isinstance(value, str) else value


class TextField(wtforms.StringField):
    """A text of bounded length, stripped; empty when not given."""

    def __init__(
        self,
        label: Any = None,
        checks: Sequence[Any] = (),
        *,
        longest: int = 200,
        is_required: bool = False,
        **kwargs: Any,
    ) -> None:
        first = [_required()] if is_required else [validators.Optional()]
        kwargs["filters"] = (_strip, *kwargs.pop("filters", ()))
        super().__init__(
            label, [*first, validators.Length(max=longest), *checks], default="", **kwargs
        )
        self.longest = longest

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = valuelist[0] if valuelist and isinstance(valuelist[0], str) else ""


class LongTextField(TextField):
    """A text over several lines."""

    widget = wtforms.widgets.TextArea()

    def __init__(self, label: Any = None, checks: Sequence[Any] = (), **kwargs: Any) -> None:
        kwargs.setdefault("longest", 2000)
        super().__init__(label, checks, **kwargs)


class MarkdownField(LongTextField):
    """A rich text, kept as Markdown."""

    def __init__(self, label: Any = None, checks: Sequence[Any] = (), **kwargs: Any) -> None:
        kwargs.setdefault("longest", LONGEST_TEXT)
        super().__init__(label, checks, **kwargs)


class EmailField(TextField):
    """An e-mail address, its domain in lower case."""

    widget = wtforms.widgets.EmailInput()

    def __init__(self, label: Any = None, checks: Sequence[Any] = (), **kwargs: Any) -> None:
        super().__init__(label, [*checks, _check_email], longest=254, **kwargs)


class UrlField(TextField):
    """A web address; `https://` is put before a bare host name."""

    widget = wtforms.widgets.URLInput()

    def __init__(self, label: Any = None, checks: Sequence[Any] = (), **kwargs: Any) -> None:
        kwargs["filters"] = (_complete_url,)
        super().__init__(label, [*checks, _check_url], longest=500, **kwargs)


class PhoneField(TextField):
    """A telephone number, as people write it."""

    widget = wtforms.widgets.TelInput()

    def __init__(self, label: Any = None, checks: Sequence[Any] = (), **kwargs: Any) -> None:
        pattern = validators.Regexp(
            r"^\+?[0-9 ()./x-]{5,30}$", message=_l("Please use digits, spaces and + ( ) - . x.")
        )
        super().__init__(label, [*checks, pattern], longest=30, **kwargs)


class ListField(wtforms.Field):
    """A list of short texts: one per line in a page, a list in JSON, `;` in a spreadsheet."""

    widget = wtforms.widgets.TextArea()

    def __init__(
        self,
        label: Any = None,
        checks: Sequence[Any] = (),
        *,
        most: int = 50,
        longest: int = 200,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, [*checks, self._check_bounds], **kwargs)
        self.most = most
        self.longest = longest

    def process_data(self, value: Any) -> None:
        self.data = list(value or [])

    def process_formdata(self, valuelist: list[Any]) -> None:
        pieces = [
            piece.strip()
            for text in valuelist
            if isinstance(text, str)
            for piece in re.split(r"[\n;]", text)
        ]
        self.data = list(dict.fromkeys(piece for piece in pieces if piece))

    def _value(self) -> str:
        return "\n".join(self.data or [])

    @staticmethod
    def _check_bounds(_form: wtforms.Form, field: Any) -> None:
        if len(field.data) > field.most:
            raise ValidationError(_("Please name %(most)d at most.", most=field.most))
        if any(len(item) > field.longest for item in field.data):
            raise ValidationError(
                _("Please use %(longest)d characters at most for each.", longest=field.longest)
            )


class ChoiceField(wtforms.SelectField):
    """One of a fixed set; `choices` maps values to labels. Empty ("") when optional."""

    def __init__(
        self,
        label: Any = None,
        checks: Sequence[Any] = (),
        *,
        choices: Mapping[str, Any],
        is_required: bool = False,
        **kwargs: Any,
    ) -> None:
        listed = _listed(choices)
        if not is_required:
            listed = [SelectChoice("", _l("Not given")), *listed]
            kwargs.setdefault("default", "")
        first = [_required()] if is_required else []
        super().__init__(label, [*first, *checks], choices=listed, **kwargs)

    def process_data(self, value: Any) -> None:
        super().process_data("" if value is None else value)

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            self.data: str = str(valuelist[0])


class ChoicesField(wtforms.SelectMultipleField):
    """Any of a fixed set, as check boxes."""

    widget = wtforms.widgets.ListWidget(prefix_label=False)
    option_widget = wtforms.widgets.CheckboxInput()

    def __init__(
        self,
        label: Any = None,
        checks: Sequence[Any] = (),
        *,
        choices: Mapping[str, Any],
        **kw: Any,
    ) -> None:
        super().__init__(label, checks, choices=_listed(choices), **kw)

    def process_data(self, value: Any) -> None:
        self.data = list(value or [])

    def process_formdata(self, valuelist: list[Any]) -> None:
        pieces = [piece.strip() for text in valuelist for piece in str(text).split(";")]
        self.data = [piece for piece in dict.fromkeys(pieces) if piece]


class WholeNumberField(wtforms.IntegerField):
    """A whole number within bounds, or None."""

    def __init__(
        self,
        label: Any = None,
        checks: Sequence[Any] = (),
        *,
        least: int = 0,
        most: int = 2_000_000_000,
        unit: Any = "",
        is_required: bool = False,
        **kwargs: Any,
    ) -> None:
        first = [_required()] if is_required else [validators.Optional()]
        super().__init__(
            label, [*first, validators.NumberRange(min=least, max=most), *checks], **kwargs
        )
        self.unit = unit

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        if len(text) > 20:
            self.data = None
            raise ValueError(self.gettext("Not a valid integer value."))
        if not text:
            self.data = None
            return
        super().process_formdata([text])


class MoneyField(wtforms.Field):
    """An amount typed in dollars and kept in whole cents; JSON gives cents as a number."""

    widget = wtforms.widgets.TextInput()

    def __init__(
        self,
        label: Any = None,
        checks: Sequence[Any] = (),
        *,
        most_cents: int = 100_000_000_000,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, [validators.Optional(), *checks], **kwargs)
        self.most_cents = most_cents
        self.unit = "$"

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip().lstrip("$").replace(",", "") if valuelist else ""
        if not text:
            self.data = None
            return
        try:
            cents = Decimal(text[:30]) * 100
            if not cents.is_finite() or cents != cents.to_integral_value():
                raise InvalidOperation
        except InvalidOperation as error:
            self.data = None
            raise ValueError(_("Please give an amount such as 85 or 85.50.")) from error
        if not 0 <= cents <= self.most_cents:
            self.data = None
            raise ValueError(_("This amount is out of range."))
        self.data = int(cents)

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else f"{self.data / 100:.2f}"


class DateField(wtforms.DateField):
    """A calendar date (ISO 8601), or None."""

    def __init__(
        self, label: Any = None, checks: Sequence[Any] = (), *, is_required: bool = False, **kw: Any
    ) -> None:
        first = [_required()] if is_required else [validators.Optional()]
        super().__init__(label, [*first, *checks], **kw)


class CoordinateField(wtforms.DecimalField):
    """Degrees, or None; kept as a float with five digits (about a meter)."""

    def __init__(self, label: Any = None, *, most: int, **kwargs: Any) -> None:
        bounds = validators.NumberRange(min=-most, max=most)
        super().__init__(label, [validators.Optional(), bounds], **kwargs)

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data = None
        if not text:
            return
        try:
            number = float(text[:30])
        except ValueError as error:
            raise ValueError(_("Please give degrees as a number.")) from error
        if number != number or abs(number) > 360:
            raise ValueError(_("Please give degrees as a number."))
        self.data = cast(Any, round(number, 5))

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else str(self.data)


class YesNoField(wtforms.BooleanField):
    """A check box; in a spreadsheet "yes", "y", "true" or "1"."""

    def __init__(self, label: Any = None, checks: Sequence[Any] = (), **kwargs: Any) -> None:
        no = ("", "false", "no", "n", "0", "False", "No", "N")
        super().__init__(label, checks, false_values=no, **kwargs)


class UploadField(FileField):
    """One uploaded file, or None."""

    def __init__(
        self, label: Any = None, checks: Sequence[Any] = (), *, accept: str = "", **kwargs: Any
    ) -> None:
        super().__init__(label, checks, **kwargs)
        self.accept = accept

    def process_formdata(self, valuelist: list[Any]) -> None:
        given = valuelist[0] if valuelist else None
        self.data = given if isinstance(given, FileStorage) and given.filename else None


def _listed(choices: Mapping[str, Any]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in choices.items()]


class UploadsField(wtforms.MultipleFileField):
    """Several uploaded files, as a list."""

    data: list[FileStorage]

    def __init__(self, label: Any = None, *, accept: str = "", **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.accept = accept

    def process_data(self, value: Any) -> None:
        self.data = []

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = [
            given for given in valuelist if isinstance(given, FileStorage) and given.filename
        ]


class RecordField(wtforms.SelectField):
    """The number of another record, or None. The services say whether it will do."""

    def __init__(
        self, label: Any = None, checks: Sequence[Any] = (), *, is_required: bool = False, **kw: Any
    ) -> None:
        first = [_required()] if is_required else []
        kw.setdefault("choices", [])
        super().__init__(label, [*first, *checks], coerce=_number, validate_choice=False, **kw)

    def process_formdata(self, valuelist: list[Any]) -> None:
        if not valuelist:
            return
        try:
            self.data = _number(valuelist[0])
        except ValueError as error:
            self.data = None
            raise ValueError(_("Please choose one of the list.")) from error


def _number(value: Any) -> int | None:
    if value in ("", None):
        return None
    number = int(value) if len(str(value)) <= 10 else 0
    if not 0 < number < 2**31:
        raise ValueError
    return number


def _required() -> Any:
    return validators.DataRequired(message=_l("Please fill this in."))


def _complete_url(value: Any) -> Any:
    if isinstance(value, str) and value and "://" not in value and ":" not in value:
        return f"https://{value}"
    return value


def _check_url(_form: wtforms.Form, field: Field) -> None:
    if not re.fullmatch(r"https?://[^\s/?#@]+\.[^\s/?#@]{2,}(:\d+)?([/?#]\S*)?", field.data or ""):
        raise ValidationError(_("Please give a web address such as https://example.com."))


def _check_email(_form: wtforms.Form, field: Field) -> None:
    try:
        field.data = validate_email(
            field.data, check_deliverability=False, test_environment=True
        ).normalized
    except EmailNotValidError as error:
        raise ValidationError(
            _("Please give an e-mail address such as name@example.com.")
        ) from error


def in_the_future(today: Callable[[], dt.date]) -> Callable[[wtforms.Form, Field], None]:
    """Make a validator for dates from today on."""

    def check(_form: wtforms.Form, field: Field) -> None:
        if field.data is not None and field.data < today():
            raise ValidationError(_("Please choose a day that is not over."))

    return check
