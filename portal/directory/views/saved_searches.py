"""Saved searches: the list, saving and changing, what was found, and stopping e-mail by link."""

from types import SimpleNamespace
from typing import Any

from flask import abort, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.directory import services
from portal.directory.forms import SavedSearchForm, SavedSearchPageForm, saved_search_values
from portal.directory.policies import Permission
from portal.directory.queries import saved_searches, searching
from portal.directory.rules import CHANNELS, FREQUENCIES, read_stop
from portal.directory.views.addresses import address, asked_search
from portal.directory.views.blueprint import blueprint
from portal.kernel.authorization import SYSTEM, Actor, authorize
from portal.kernel.errors import NotFound
from portal.kernel.settings import setting
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.arguments import confirmed, record_number
from portal.kernel.web.guard import one_click
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import find_organization, list_organizations_of

_ACTIONS = {
    "pause": (services.pause_search, lambda: _("“%(name)s” is paused.")),
    "resume": (services.resume_search, lambda: _("“%(name)s” goes on.")),
    "seen": (services.mark_seen, lambda: _("All of “%(name)s” is marked as seen.")),
    "stop": (services.stop_mail, lambda: _("“%(name)s” sends you no more e-mail.")),
    "receive": (services.receive_mail, lambda: _("“%(name)s” sends you e-mail again.")),
}


def mail_section(actor: Actor, _user: Any) -> dict[str, Any]:
    """Return the part of the page of all e-mail that is about saved searches."""
    found = saved_searches.list_saved_searches(actor)
    return {
        "anchor": "searches",
        "searches": [item for item in found if item.row.channel == "email"],
        "frequencies": FREQUENCIES,
    }


@blueprint.get("/saved-searches")
def list_saved_searches() -> ResponseReturnValue:
    """List my saved searches and those of my organizations."""
    actor = current_actor()
    authorize(actor, Permission.SAVED_SEARCH_VIEW_OWN)
    return page(
        "directory/saved_searches.html",
        items=[_listed(item) for item in saved_searches.list_saved_searches(actor)],
        channels=CHANNELS,
        frequencies=FREQUENCIES,
    )


@blueprint.route("/saved-searches/new", methods=["GET", "POST"])
def save_search() -> ResponseReturnValue:
    """Save the search of the address, or let it take the place of an older one."""
    actor = current_actor()
    authorize(actor, Permission.SAVED_SEARCH_SAVE)
    organizations = list_organizations_of(actor, "owner", "manager")
    replaceable = saved_searches.list_replaceable(actor)
    form = SavedSearchPageForm.bind(**_prefill())
    form.organization_id.choices = [(row.id, row.name) for row in organizations]
    form.replaces.choices = replaceable
    if form.submitted():
        values = form.data
        replaces, organization_id = values.pop("replaces"), values.pop("organization_id")
        if replaces is not None:
            older = saved_searches.get_visible_saved_search(actor, replaces)
            saved = form.attempt(services.change_search, actor, older, **values)
        elif organization_id is not None and organization_id not in {r.id for r in organizations}:
            form.add_error("organization_id", _("Please choose one of your organizations."))
            saved = None
        else:
            owner = find_organization(organization_id)
            saved = form.attempt(services.save_search, actor, owner, **values)
        if saved is not None:
            flash(_("“%(name)s” is saved.", name=saved.name), link=_to_all())
            return see_other(_url(saved.id))
    return page(
        "directory/save_search.html",
        form=form,
        looks_for=_looks_for(form.search.data),
        has_organizations=bool(organizations),
        has_older=bool(replaceable),
    )


@blueprint.get("/saved-searches/<int:saved_search_id>")
def show_saved_search(saved_search_id: int) -> ResponseReturnValue:
    """Show what a saved search has found, the newest first."""
    actor = current_actor()
    row = saved_searches.get_visible_saved_search(actor, saved_search_id)
    results = saved_searches.list_results(actor, row, cursor=request.args.get("cursor"))
    return page(
        "directory/saved_search.html",
        item=_listed(saved_searches.view_of(actor, row)),
        results=results,
        channels=CHANNELS,
        frequencies=FREQUENCIES,
        next_url=url_for("directory.show_saved_search", saved_search_id=row.id, cursor=results.next)
        if results.next
        else None,
    )


@blueprint.route("/saved-searches/<int:saved_search_id>/edit", methods=["GET", "POST"])
def edit_saved_search(saved_search_id: int) -> ResponseReturnValue:
    """Rename a saved search, or change how it tells what it finds."""
    actor = current_actor()
    row = saved_searches.get_visible_saved_search(actor, saved_search_id)
    authorize(actor, Permission.SAVED_SEARCH_CHANGE, row)
    kept = saved_search_values(row)
    form = SavedSearchForm.bind(SimpleNamespace(**kept))
    if form.submitted():
        values = {**form.data, "search": kept["search"]}
        saved = form.attempt(services.change_search, actor, row, **values)
        if saved is not None:
            flash(_("“%(name)s” was saved.", name=saved.name))
            return see_other(_url(saved_search_id))
    return page(
        "directory/edit_saved_search.html",
        form=form,
        item=_listed(saved_searches.view_of(actor, row)),
    )


@blueprint.post("/saved-searches/<int:saved_search_id>/delete")
def delete_saved_search(saved_search_id: int) -> ResponseReturnValue:
    """Delete a saved search."""
    actor = current_actor()
    row = saved_searches.get_visible_saved_search(actor, saved_search_id)
    authorize(actor, Permission.SAVED_SEARCH_DELETE, row)
    name = row.name
    if not confirmed():
        return page(
            "components/confirm.html",
            title=_("Delete “%(name)s”?", name=name),
            text=_("It finds nothing more, and what it has found is no longer listed."),
            action=_("Delete"),
            cancel_url=_url(saved_search_id),
        )
    services.delete_search(actor, row)
    flash(_("“%(name)s” was deleted.", name=name))
    return see_other(url_for("directory.list_saved_searches"))


@blueprint.post("/saved-searches/<int:saved_search_id>/actions/<action>")
def act_on_saved_search(saved_search_id: int, action: str) -> ResponseReturnValue:
    """Pause a saved search or let it go on; for oneself, mark it as seen or stop its e-mail."""
    actor = current_actor()
    row = saved_searches.get_visible_saved_search(actor, saved_search_id)
    if action not in _ACTIONS:
        abort(404)
    act, said = _ACTIONS[action]
    looked_at = {"round_number": request.form.get("round", type=record_number)}
    act(actor, row, **(looked_at if action == "seen" else {}))
    flash(said() % {"name": row.name})
    return see_other(_url(saved_search_id))


@blueprint.route("/stop-search/<token>", methods=["GET", "POST"])
@one_click
def stop_by_link(token: str) -> ResponseReturnValue:
    """Stop the e-mail of a saved search by the link that it brought; nobody need sign in."""
    known = read_stop(setting("SECRET_KEY"), token)
    saved = saved_searches.find_followed(*known) if known else None
    if known is None or saved is None:
        raise NotFound(_("This link stops nothing: the search was deleted, or the link is cut."))
    is_stopped = request.method == "POST"
    if is_stopped:
        services.stop_by_link(SYSTEM, saved, user_id=known[1])
    return page("directory/stop_search.html", saved=saved, is_stopped=is_stopped)


def _listed(item: saved_searches.SavedView) -> dict[str, Any]:
    return {
        "row": item.row,
        "owner": item.owner,
        "is_stopped": item.is_stopped,
        "looks_for": item.looks_for,
        "search_url": address(item.search.changed(sort="newest")) if item.search else None,
    }


def _looks_for(query: str) -> list[str]:
    wanted = saved_searches.search_of(query)
    return searching.describe(wanted) if wanted else []


def _prefill() -> dict[str, Any]:
    """Read the search from the address of the empty form, and name it by what it looks for."""
    if request.method != "GET":
        return {}
    wanted = asked_search()
    name = wanted.text or ", ".join(searching.describe(wanted))
    return {"search": wanted.query(), "name": name[:120]}


def _url(saved_search_id: int) -> str:
    return url_for("directory.show_saved_search", saved_search_id=saved_search_id)


def _to_all() -> tuple[str, str]:
    return url_for("directory.list_saved_searches"), str(_("All saved searches"))
