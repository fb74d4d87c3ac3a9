"""What of a record was changed by others while somebody had its form open.

A form carries a digest of each field as it was when the form was made. When it is sent, they tell
which fields the sender has changed, and which have changed meanwhile.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import wtforms
from flask_babel import format_date
from flask_babel import gettext as _
from wtforms import Field, FieldList, FileField, FormField, SelectMultipleField

from portal.kernel.fields import ListField, TimeField
from portal.kernel.times import read_time

#: The name under which a form sends what it was made from.
MADE_FROM = "made_from"


@dataclass(frozen=True)
class Difference:
    """A field in which what was typed and what stands now differ. now: empty for nothing."""

    id: str
    label: str
    now: str


def digests_of(form: wtforms.Form) -> dict[str, str]:
    """Return a short digest of each field but files, of which no form shows what there is."""
    return {
        name: hashlib.blake2b(repr(_plain(field)).encode(), digest_size=6).hexdigest()
        for name, field in form._fields.items()
        if not isinstance(field, FileField)
    }


def write_digests(digests: Mapping[str, str]) -> str:
    """Write them as a form sends them along."""
    return " ".join(f"{name}={digest}" for name, digest in digests.items())


def keep_both(
    form: wtforms.Form, present: wtforms.Form, now: Mapping[str, str], made_from: str
) -> list[Difference]:
    """Take over what only others have changed; return where the sender changed the same.

    now: the digests of `present`, the form of the record as it stands.
    """
    then = dict(pair.partition("=")[::2] for pair in made_from.split())
    sent, found = digests_of(form), []
    for name, field in form._fields.items():
        if name not in sent or then.get(name, now.get(name)) == now.get(name):
            continue
        if sent[name] == now[name]:
            continue
        if sent[name] == then[name] and not _is_misread(field):
            _take_over(field, present._fields[name])
        else:
            found.append(Difference(field.id, str(field.label.text), _shown(field, present)))
    return found


def _plain(field: Field) -> Any:
    """Return what a field says, the same for what was typed and for what is kept."""
    if isinstance(field, FieldList):
        rows = [_plain(entry) for entry in field.entries]
        return [row for row in rows if row not in ("", {})]
    if isinstance(field, FormField):
        inner = {item.short_name: _plain(item) for item in field.form}
        return {name: value for name, value in inner.items() if value not in ("", "False")}
    data = field.data
    if isinstance(field, TimeField):
        data = read_time(data or "") or data
    if isinstance(field, SelectMultipleField):
        data = sorted(str(item) for item in data or ())
    return "" if data in (None, "", []) else str(data)


def _leaves(field: Field) -> Iterator[Field]:
    if isinstance(field, FieldList):
        for entry in field.entries:
            yield from _leaves(entry)
    elif isinstance(field, FormField):
        for item in field.form:
            yield from _leaves(item)
    else:
        yield field


def _is_misread(field: Field) -> bool:
    return any(leaf.process_errors for leaf in _leaves(field))


def _take_over(field: Field, present: Field) -> None:
    """Let a field say what stands now, as if that had been typed."""
    field.process(None, present.object_data)
    for leaf in _leaves(field):
        # The validators look at what was sent, and some fields show it.
        leaf.raw_data = None
        if leaf.data in (None, "", []):
            leaf.raw_data = [""]
        elif hasattr(leaf, "_value"):
            leaf.raw_data = [leaf._value()]
        else:
            leaf.raw_data = [leaf.data]


def _shown(field: Field, present: wtforms.Form) -> str:
    stands = present._fields[field.short_name]
    if hasattr(field, "choices"):
        # What can be chosen is said by the view, of the form that was sent.
        stands.choices = field.choices
    return _words_of(stands)


def _words_of(field: Field) -> str:
    data = field.data
    if isinstance(field, FieldList):
        return "; ".join(filter(None, (_words_of(entry) for entry in field.entries)))
    if isinstance(field, FormField):
        return ", ".join(filter(None, (_words_of(item) for item in field.form)))
    if isinstance(data, bool):
        return _("Yes") if data else _("No")
    if data in (None, "", []):
        return ""
    if hasattr(field, "iter_choices"):
        chosen = {str(item) for item in data} if isinstance(data, list) else {str(data)}
        return ", ".join(
            str(choice.label) for choice in field.iter_choices() if str(choice.value) in chosen
        ) or ", ".join(sorted(chosen))
    if isinstance(field, ListField):
        return ", ".join(data)
    if isinstance(data, dt.date) and not isinstance(data, dt.datetime):
        return str(format_date(data))
    return str(field._value())
