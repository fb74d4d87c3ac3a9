"""The shape of a saved search as people and programs give it."""

from collections.abc import Mapping
from typing import Any, Self

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.directory.rules import CHANNELS, FREQUENCIES, LONGEST_QUERY
from portal.kernel.fields import ChoiceField, RecordField, TextField, YesNoField
from portal.kernel.forms import Form


class SavedSearchForm(Form):
    """A saved search."""

    name = TextField(
        _l("Name"),
        is_required=True,
        longest=120,
        description=_l(
            "It stands in the list of saved searches, and in the subject of the e-mail."
        ),
    )
    search = TextField(
        _l("Search"),
        longest=LONGEST_QUERY,
        widget=wtforms.widgets.HiddenInput(),
        description=_l(
            "What the address of a search has after “?”, such as q=milling&kind=equipment."
        ),
    )
    channel = ChoiceField(_l("Tell me"), choices=CHANNELS, is_required=True, default="email")
    frequency = ChoiceField(_l("How often"), choices=FREQUENCIES, is_required=True, default="daily")

    @classmethod
    def from_json(cls, payload: Mapping[str, Any], obj: object | None = None) -> Self:
        form = super().from_json(payload, obj)
        if "search" in payload and payload["search"] is None:
            # As for every text, it would mean an empty one: a search for everything.
            form.refused["search"] = _("This must be a text.")
        return form


class NewSavedSearchForm(SavedSearchForm):
    """A new saved search: one's own, or of an organization for all its people."""

    organization_id = RecordField(
        _l("Organization"),
        description=_l(
            "None: only you see it. An organization's is seen by all its people and its e-mail "
            "goes to all of them; each can stop it for themselves."
        ),
    )


class SavedSearchPageForm(NewSavedSearchForm):
    """A new saved search as the page sends it, or what is to take the place of an older one."""

    replaces = RecordField(_l("Instead of"), description=_l("None: a new saved search."))


class SavedSearchChangesForm(SavedSearchForm):
    """What a program may change of a saved search."""

    is_paused = YesNoField(_l("Paused"))


def saved_search_values(row: Any) -> dict[str, Any]:
    """Return a saved search as its form takes it."""
    return {
        "name": row.name,
        "search": row.query,
        "channel": row.channel,
        "frequency": row.frequency,
        "is_paused": row.is_paused,
    }
