"""What the pages of all that organizations offer share: facilities, equipment, programs."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.facilities.forms import VisibilityForm
from portal.kernel.errors import Invalid, Unauthenticated
from portal.kernel.forms import Form
from portal.kernel.listing import SEEN_BY, VISIBILITIES
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import confirmed, record_number
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import (
    find_organization,
    get_chosen_organization,
    organization_choices,
)
from portal.organizations.queries.resolving import check_named

_AUDIENCES = {key: label for key, label in VISIBILITIES.items() if key != "draft"}
_NOW_SEEN: Mapping[str, Callable[[str], str]] = {
    "draft": lambda name: _("“%(name)s” is a draft now.", name=name),
    "organization": lambda name: _("“%(name)s” is shown to your organization.", name=name),
    "members": lambda name: _("“%(name)s” is shown to members.", name=name),
    "public": lambda name: _("“%(name)s” is public.", name=name),
}


def own_organization(endpoint: str) -> tuple[Any, list[dict[str, Any]]]:
    """Return the organization whose offers a page lists, if any, and links to the others'."""
    wanted = request.args.get("organization", type=record_number)
    choices = _choices(wanted)
    chosen = wanted if wanted in dict(choices) else next((key for key, _name in choices), None)
    links = [
        {"label": name, "url": url_for(endpoint, organization=key), "is_selected": key == chosen}
        for key, name in choices
    ]
    return find_organization(chosen), links


def offer_organizations(form: Any) -> list[tuple[int, str]]:
    """Let a new record's form offer the actor's organizations, and the audiences of a record."""
    sent = request.form if request.method == "POST" else request.args
    name = "organization_id" if request.method == "POST" else "organization"
    wanted = sent.get(name, type=record_number)
    choices = _choices(wanted)
    form.organization_id.choices = choices
    form.visibility.choices = list(_AUDIENCES.items())
    if request.method == "GET" and choices:
        form.organization_id.data = wanted if wanted in dict(choices) else choices[0][0]
    return choices


def _choices(wanted: int | None) -> list[tuple[int, str]]:
    if current_actor().user_id is None:
        raise Unauthenticated(_("Please sign in first."))
    return organization_choices(current_actor(), also=wanted)


def offer_audiences(form: Any, record: Any) -> None:
    """A draft's form has buttons for publishing and keeping it; its list has only audiences."""
    if record.visibility == "draft":
        form.visibility.choices = list(_AUDIENCES.items())
        if request.method == "GET":
            form.visibility.data = "public"


def check_offer(values: Mapping[str, Any]) -> None:
    """Raise Invalid with all that a form names and nobody knows; what is in a facility is there."""
    check_named(
        {**values, "zip_code": "", "county_fips": ""} if values.get("facility_id") else values
    )


def create(form: Form, command: Callable[..., Any]) -> Any:
    """Make a record of the organization that its form chose."""
    values = values_of(form)
    organization = get_chosen_organization(values.pop("organization_id"))
    return command(current_actor(), organization, **values)


def values_of(form: Form) -> dict[str, Any]:
    """Return what a record's form says, where one of its buttons keeps a draft."""
    values = dict(form.data)
    if request.form.get("action") == "draft":
        values["visibility"] = "draft"
    return values


def tell_saved(record: Any, name: str, *, link: tuple[str, str] | None = None) -> None:
    """Say that a record was saved, and who sees it."""
    saved = _("“%(name)s” was saved.", name=name)
    flash(f"{saved} {SEEN_BY[record.visibility]}", link=link)


def change_visibility(
    record: Any,
    name: str,
    command: Callable[..., Any],
    *,
    url: str,
    undo_url: Callable[[str], str],
) -> ResponseReturnValue:
    """Change who sees a record. url: its page; undo_url: what makes it as it was before."""
    form = VisibilityForm(request.values)
    if not form.validate():
        raise Invalid("visibility", _("Please choose who may see it."))
    before = record.visibility
    command(current_actor(), record, visibility=form.visibility.data)
    flash(_NOW_SEEN[form.visibility.data](name), undo_url=undo_url(before))
    return see_other(url)


def delete(
    record: Any,
    name: str,
    command: Callable[..., Any],
    *,
    text: str,
    url: str,
    list_endpoint: str,
) -> ResponseReturnValue:
    """Delete a record once that is confirmed. text: what goes with it; url: its page."""
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Delete “%(name)s”?", name=name),
            text=text,
            action=_("Delete"),
            cancel_url=url,
        )
    organization_id = record.organization_id
    command(current_actor(), record)
    flash(_("“%(name)s” was deleted.", name=name))
    return see_other(url_for(list_endpoint, organization=organization_id))
