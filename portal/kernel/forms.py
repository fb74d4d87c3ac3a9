"""Forms: one WTForms class validates the HTML form, the JSON body and the spreadsheet row.

Forms know the shape of input, never the database; what needs rows is refused by the services.
"""

import base64
import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, ParamSpec, Self, TypeVar

import wtforms
from flask import request
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.datastructures import CombinedMultiDict, FileStorage, MultiDict
from wtforms import Field, FieldList, FileField, FormField, i18n, validators
from wtforms.fields.core import UnboundField
from wtforms.meta import DefaultMeta
from wtforms.utils import unset_value

from portal.kernel.commands import unless_changed
from portal.kernel.errors import ChangedMeanwhile, Invalid
from portal.kernel.fields import ListField, MoneyField, TextField
from portal.kernel.meanwhile import MADE_FROM, Difference, digests_of, keep_both, write_digests

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
MOST_ROWS = 100


class _ReadersWords:
    """What WTForms itself says, in the reader's language, which is asked when it says something."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_words_in(str(get_locale() or "en")), name)


@cache
def _words_in(language: str) -> Any:
    return i18n.get_translations([language])


_READERS_WORDS = _ReadersWords()


class _Meta(DefaultMeta):
    def get_translations(self, form: wtforms.Form) -> Any:
        return _READERS_WORDS

    def bind_field(
        self, form: wtforms.Form, unbound_field: "UnboundField[Any]", options: dict[str, Any]
    ) -> Any:
        if options.keys() != _BOUND_BY:
            return super().bind_field(form, unbound_field, options)
        model = _bound(unbound_field, options["name"], options["prefix"])
        field = _twin(model)
        field._form, field.meta = form, self
        # What is about this one alone must not be known of the others.
        field.label, field.flags = _twin(model.label), _twin(model.flags)
        field._translations = options["translations"]
        return field


_BOUND_BY = {"name", "prefix", "translations"}


@lru_cache(maxsize=4096)
def _bound(unbound_field: "UnboundField[Any]", name: str, prefix: str) -> Field:
    """Return the field of which all forms get a copy: to make it takes ten times as long."""
    return unbound_field.bind(None, name, prefix, _meta=_Meta())


def _twin(thing: T) -> T:
    """Return what `copy` returns of a plain object, in a fifth of its time."""
    twin = object.__new__(type(thing))
    twin.__dict__.update(thing.__dict__)
    return twin


class Part(wtforms.Form):
    """Base of what stands within a form as one of its fields."""

    Meta = _Meta


class PartField(FormField):
    """A form within a form of which nothing need be given; where nothing is, it is hardly made."""

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        start = f"{self.name}{self.separator}"
        self.is_given = data is not unset_value or any(
            name.startswith(start) for name in formdata or ()
        )
        self._given = formdata, data
        self._made: wtforms.Form | None = None

    @property
    def form(self) -> wtforms.Form:
        if self._made is None:
            super().process(*self._given)
        return self._made

    @form.setter
    def form(self, made: wtforms.Form) -> None:
        self._made = made

    def post_process(self, formdata: Any = None) -> None:
        if self.is_given:
            super().post_process(formdata)

    def validate(self, form: wtforms.Form, extra_validators: Any = ()) -> bool:
        return not self.is_given or super().validate(form, extra_validators)


class Form(wtforms.Form):
    """Base of all forms."""

    Meta = _Meta

    @classmethod
    def bind(cls, obj: object | None = None, **data: Any) -> Self:
        """Make the form from the request, over the values of `obj` and `data` as they stand.

        obj: the record that is changed, or its values. The form carries what they were, so that
        `submitted` knows what others have changed meanwhile. What is only offered for a new record
        is given as `data`.
        """
        if request.method not in ("POST", "PUT", "PATCH"):
            form = cls(obj=obj, data=data)
            if obj is not None:
                form.made_from = write_digests(digests_of(form))
            return form
        form = cls(CombinedMultiDict([request.form, request.files]), obj=obj, data=data)
        form.made_from = request.form.get(MADE_FROM, "")
        if obj is not None and form.made_from:
            present = cls(obj=obj, data=data)
            form._present, form._is_compared = (present, digests_of(present)), True
        return form

    @classmethod
    def from_json(cls, payload: Mapping[str, Any], obj: object | None = None) -> Self:
        """Make the form from a JSON object; with `obj`, what is absent keeps its value.

        Unknown names and values of the wrong JSON type become field errors of `validate()`.
        """
        formdata: MultiDict[str, Any] = MultiDict()
        known, refused = _unfilled(cls)._fields, {}  # type: ignore[arg-type]
        for name, value in payload.items():
            if name not in known:
                refused[name] = _("There is no such field.")
                continue
            try:
                _flatten(known[name], name, value, formdata)
            except TypeError as error:
                refused[name] = str(error)
        if obj is None:
            filled = cls._filled(formdata, payload)
            filled.refused = refused
            for name, field in filled._told.items():
                if name not in payload and field.default is not None:
                    field.process(None)
            return filled
        filled = cls(formdata)
        form = cls(obj=obj)
        form.refused = refused
        for name, field in filled._fields.items():
            if name in payload:
                form._fields[name] = field
                setattr(form, name, field)
        for name, field in form._fields.items():
            if name not in payload:
                # The validators look at what was sent; for these, that is what stands already.
                field.raw_data = [] if field.data in (None, "", []) else [field.data]
        return form

    @classmethod
    def from_row(cls, row: Mapping[str, str]) -> Self:
        """Make the form from a spreadsheet row: texts by field name."""
        return cls(MultiDict({name: value for name, value in row.items() if value.strip()}))

    refused: dict[str, str] = {}
    #: What the page of this form sends along, to be compared when it comes back.
    made_from = ""
    #: Where others have changed meanwhile what the sender changed, too.
    differences: Sequence[Difference] = ()
    _present: tuple[wtforms.Form, Mapping[str, str]] | None = None
    _is_compared = False
    _check: Callable[[Mapping[str, Any]], object] | None = None
    _fields: dict[str, Any]
    _unknown: dict[str, Any] = {}

    @classmethod
    def _filled(cls, formdata: "MultiDict[str, Any]", given: Collection[str]) -> Self:
        """Return the form of a body, without making, processing and checking each field anew.

        What it does not give is as it is in all such forms. No page shows one: labels are shared.
        """
        unfilled, blank = _unfilled(cls), _blank(cls)  # type: ignore[arg-type]
        form = _twin(unfilled)
        form.form_errors, form._fields, form._unknown = [], {}, {}
        for name, model in unfilled._fields.items():
            is_known = name in blank and name not in given
            field = form._fields[name] = _twin(blank[name] if is_known else model)
            field._form = form
            if not is_known:
                form._unknown[name] = field
            setattr(form, name, field)
        form.process(formdata)
        return form

    @property
    def _told(self) -> dict[str, Any]:
        """The fields of which not all is known already."""
        return self._unknown or self._fields

    @contextmanager
    def _without_blank(self) -> Iterator[None]:
        """Let WTForms see no fields in this block of which all is known."""
        fields, self._fields = self._fields, self._told
        try:
            yield
        finally:
            self._fields = fields

    def process(self, *args: Any, **kwargs: Any) -> None:
        with self._without_blank():
            super().process(*args, **kwargs)

    def validate(self, extra_validators: Any = None) -> bool:
        with self._without_blank():
            is_valid = super().validate(extra_validators)
            leaves = _leaves(self)
        for field in leaves:
            for text in _texts(field):
                if _CONTROL.search(text):
                    field.errors = [*field.errors, _("Please remove the control characters.")]
                    is_valid = False
        for name, message in self.refused.items():
            # What a form within the form says of itself are the errors of its own fields.
            if name in self._fields and not isinstance(self._fields[name], FormField):
                self._fields[name].errors = [message]
            else:
                self.form_errors.append(f"{name}: {message}")
        return is_valid and not self.refused

    def submitted(self, check: Callable[[Mapping[str, Any]], object] | None = None) -> bool:
        """Tell whether this is a sent form that is valid (and does not just ask for a row).

        What others have changed meanwhile is taken over. Where the sender changed the same, the
        form comes back with the `differences`; sent again it is valid.
        check: what of a command's refusals can be told of the values alone. It raises Invalid, and
        is called once something is refused, with the values that are sound: so that a person reads
        at once what the form refuses and what the command would.
        """
        if request.method != "POST" or self.wants_row():
            return False
        self._check = check
        self._keep_both()
        if not self.validate():
            self._add_known()
            return False
        return not self.differences

    def _add_known(self) -> None:
        """Put at the fields without an error what `check` refuses."""
        if self._check is None:
            return
        sound = {name: field.data for name, field in self._fields.items() if not field.errors}
        try:
            self._check(sound)
        except Invalid as error:
            for name, message in error.problems:
                if name in sound:
                    self.add_error(name, message)

    @property
    def is_outdated(self) -> bool:
        """Tell whether the record has changed since the form was made."""
        return self._present is not None and self.made_from != write_digests(self._present[1])

    def _keep_both(self) -> None:
        if self._present is not None:
            (present, now), self._present = self._present, None
            self.differences = keep_both(self, present, now, self.made_from)
            self.made_from = write_digests(now)

    def comparing(self) -> AbstractContextManager[None]:
        """Have each command of this block raise `ChangedMeanwhile` where somebody has saved
        the record since the form was compared with it.
        """
        return unless_changed() if self._is_compared else nullcontext()

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
        """Call a command; a refused value becomes an error at its field, and None comes back.

        It comes back as well where somebody else has saved the record at the same moment: what
        differs is shown when the form is sent again.
        """
        try:
            with self.comparing():
                return function(*args, **kwargs)
        except Invalid as error:
            self.add_errors(error)
            self._add_known()
        except ChangedMeanwhile as error:
            self.add_error(None, error.message)
        return None

    def add_errors(self, error: Invalid) -> None:
        """Put all that a command refused at its fields."""
        for name, message in error.problems:
            self.add_error(name, message)

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


@cache
def _unfilled(form_class: type[Form]) -> Form:
    """Return a form of which others are made, and nothing is asked but what its fields are."""
    return form_class()


@cache
def _blank(form_class: type[Form]) -> Mapping[str, Field]:
    """Return fields as they are wherever a body does not give them, processed and checked.

    Those are left out of which that depends on more.
    """
    found = {}
    for name, model in _unfilled(form_class)._fields.items():  # type: ignore[arg-type]
        checks = model.validators
        if (
            isinstance(model, FieldList | FormField)
            or (checks and not isinstance(checks[0], validators.Optional))
            or hasattr(form_class, f"validate_{name}")
            or hasattr(form_class, f"filter_{name}")
            or callable(model.default)
        ):
            continue
        field = _twin(model)
        field.process(MultiDict())
        if field.default is not None:
            field.process(None)
        is_plain = field.data is None or isinstance(field.data, str | int)
        if is_plain and field.validate(None):
            field.errors = ()
            found[name] = field
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
            if not isinstance(field, PartField) or field.is_given:
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
    elif isinstance(field, wtforms.MultipleFileField):
        if not isinstance(value, list):
            raise TypeError(_("This must be a list of files."))
        into.setlist(name, [_file_of(item) for item in value])
    elif isinstance(field, FileField):
        into[name] = _file_of(value)
    elif isinstance(field, MoneyField):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(_("This must be a whole number of cents."))
        into[name] = f"{Decimal(value) / 100:f}"
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


def _file_of(value: Any) -> FileStorage:
    """Return the file that JSON gives by its name and its content in base64."""
    if not isinstance(value, dict) or set(value) != {"name", "content"}:
        raise TypeError(_("A file has a name, and its content in base64."))
    name, content = value["name"], value["content"]
    if not isinstance(name, str) or not isinstance(content, str):
        raise TypeError(_("A file has a name, and its content in base64."))
    try:
        data = base64.b64decode(content, validate=True)
    except ValueError as error:
        raise TypeError(_("A file has a name, and its content in base64.")) from error
    return FileStorage(io.BytesIO(data), filename=_CONTROL.sub("", name)[:200] or "file")


class RowForm(Form):
    """One row of a list; a row in which nothing was filled in is no row."""

    @property
    def is_blank(self) -> bool:
        return not any(
            (field.raw_data and str(field.raw_data[0]).strip()) or field.data not in ("", None)
            for field in self
        )

    def validate(self, extra_validators: Any = None) -> bool:
        return self.is_blank or super().validate(extra_validators)

    def cleaned(self) -> dict[str, Any]:
        """Return the row as it is kept."""
        return dict(self.data)
