"""Fields of forms: bounded, stripped, read alike from a page, from JSON and from a spreadsheet."""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import wtforms
from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage
from wtforms import Field, FieldList, FileField, ValidationError, validators
from wtforms.fields.choices import Choice, SelectChoice

from portal.kernel.richtext import LONGEST_TEXT
from portal.kernel.spreadsheets import amount_cell
from portal.kernel.times import minutes_of, read_time, write_time

MOST_NAMED_CHOICES = 20


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


class TimeField(TextField):
    """A time of day, kept as "08:30"; shown and read as people write it: "8:30 AM", "17:30"."""

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        super().__init__(label, longest=20, **kwargs)

    def _value(self) -> str:
        read = read_time(self.data or "")
        return self.data or "" if read is None else write_time(minutes_of(read))

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        if self.data and not validation_stopped:
            read = read_time(self.data)
            if read is None:
                raise ValidationError(_("Please give a time such as 8:00 AM or 17:30."))
            self.data = read

    @property
    def minutes(self) -> int | None:
        """Minutes after midnight, or None for no time of day."""
        read = read_time(self.data or "")
        return None if read is None else minutes_of(read)


class ClockField(TimeField):
    """The same, typed or chosen as the browser offers it."""

    widget = wtforms.widgets.TimeInput()

    def _value(self) -> str:
        return self.data or ""


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
    """One of a fixed set; `choices` maps values to labels. Empty ("") when optional.

    empty: what its page says of that.
    """

    def __init__(
        self,
        label: Any = None,
        checks: Sequence[Any] = (),
        *,
        choices: Mapping[str, Any],
        is_required: bool = False,
        empty: Any = None,
        **kwargs: Any,
    ) -> None:
        listed = _listed(choices)
        if not is_required:
            listed = [SelectChoice("", empty or _l("Not given")), *listed]
            kwargs.setdefault("default", "")
        first = [_required()] if is_required else []
        super().__init__(label, [*first, *checks], choices=listed, **kwargs)

    def process_data(self, value: Any) -> None:
        super().process_data("" if value is None else value)

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist:
            self.data: str = str(valuelist[0])

    def pre_validate(self, form: Any) -> None:
        for choice in self.choices or ():
            if isinstance(choice, SelectChoice) and choice.value == self.data:
                return  # without making each choice anew
        try:
            super().pre_validate(form)
        except ValidationError as error:
            values = [str(choice.value) for choice in self.iter_choices() if choice.value]
            if len(values) > MOST_NAMED_CHOICES:
                raise
            message = _("Please use one of these words: %(words)s.", words=", ".join(values))
            raise ValidationError(message) from error


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


_AMOUNT = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.[0-9]*)?")


class MoneyField(wtforms.Field):
    """An amount typed in dollars and kept in whole cents; JSON gives cents as a number.

    most_cents: no more than a column of whole numbers holds.
    """

    widget = wtforms.widgets.TextInput()

    def __init__(
        self,
        label: Any = None,
        checks: Sequence[Any] = (),
        *,
        most_cents: int = 2_000_000_000,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, [validators.Optional(), *checks], **kwargs)
        self.most_cents = most_cents
        self.unit = "$"

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip().lstrip("$").strip() if valuelist else ""
        if not text:
            self.data = None
            return
        try:
            # In "85,50" the comma parts no thousands: as 8,550 it would be a hundred times as much.
            if not _AMOUNT.fullmatch(text):
                raise InvalidOperation
            cents = Decimal(text.replace(",", "")[:30]) * 100
            if cents != cents.to_integral_value():
                raise InvalidOperation
        except ArithmeticError as error:
            self.data = None
            raise ValueError(_("Please give an amount such as 85 or 85.50.")) from error
        if not 0 <= cents <= self.most_cents:
            self.data = None
            raise ValueError(_("This amount is out of range."))
        self.data = int(cents)

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return amount_cell(self.data)


class DateField(wtforms.DateField):
    """A calendar date (ISO 8601), or None."""

    def __init__(
        self, label: Any = None, checks: Sequence[Any] = (), *, is_required: bool = False, **kw: Any
    ) -> None:
        first = [_required()] if is_required else [validators.Optional()]
        super().__init__(label, [*first, *checks], **kw)


class InstantField(wtforms.StringField):
    """An instant (ISO 8601 with its offset from UTC), aware and in UTC, or None."""

    data: Any

    def __init__(
        self, label: Any = None, checks: Sequence[Any] = (), *, is_required: bool = False, **kw: Any
    ) -> None:
        first = [_required()] if is_required else [validators.Optional()]
        super().__init__(label, [*first, *checks], **kw)

    def process_data(self, value: Any) -> None:
        self.data = value

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data = read_instant(text) if text else None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else str(self.data.isoformat())


def read_instant(text: str) -> dt.datetime:
    """Read an instant of ISO 8601 that says its offset; raises ValueError in words."""
    try:
        moment = dt.datetime.fromisoformat(text)
        # Years at the two ends of the calendar have no room for zones.
        if moment.tzinfo is None or not 1900 <= moment.year <= 9000:
            raise ValueError
        return moment.astimezone(dt.UTC)
    except ValueError as error:
        raise ValueError(
            _("Please give a time with its offset, such as 2027-03-01T09:00:00-05:00.")
        ) from error


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
    """A check box; in a spreadsheet "yes", "y", "true" or "1", and "no" as programs write it."""

    def __init__(self, label: Any = None, checks: Sequence[Any] = (), **kwargs: Any) -> None:
        super().__init__(label, checks, **kwargs)

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip().casefold() if valuelist else ""
        self.data = text not in ("", "false", "no", "n", "0", "falso")


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


class RecordField(WholeNumberField):
    """The number of another record, or None; a page shows `choices` of (number, name).

    The services say whether the record will do. empty: what its page says of None.
    """

    widget = wtforms.widgets.Select()
    data: Any

    def __init__(self, label: Any = None, *, empty: Any = None, **kwargs: Any) -> None:
        super().__init__(label, least=1, **kwargs)
        self.empty = empty or _l("None")
        self.choices: Sequence[tuple[int | str, Any]] = ()

    def has_groups(self) -> bool:
        return False

    def iter_choices(self) -> list[Choice]:
        offered: list[tuple[Any, Any]] = list(self.choices)
        if not self.flags.required:
            offered.insert(0, ("", self.empty))
        return [Choice(value, name, value == (self.data or ""), {}) for value, name in offered]

    # The widget asks under this name since WTForms 3.3.
    _iter_choices_normalized = iter_choices


class RowsField(FieldList):
    """A list of rows, without those left empty; more rows than `max_entries` are refused."""

    is_cut = False

    @property
    def data(self) -> list[dict[str, Any]]:
        return [entry.form.cleaned() for entry in self.entries if not entry.form.is_blank]

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        if self.is_cut:
            self.errors = [_("Please keep to %(most)d at most.", most=self.max_entries)]
            return False
        return bool(super().validate(form, extra_validators))

    def _extract_indices(self, prefix: str, formdata: Any) -> list[int]:
        # WTForms reads any digits of Unicode and numbers of any length, and drops surplus rows.
        names = [name for name in formdata if name.isascii() and len(name) < 200]
        found = sorted(set(super()._extract_indices(prefix, names)))
        self.is_cut = len(found) > (self.max_entries or len(found))
        return found


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
