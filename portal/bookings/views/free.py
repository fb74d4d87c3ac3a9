"""The time first: what is free then, and booking whichever of a kind is."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.bookings.forms.pages import USUAL_DISTANCE, FreeForm
from portal.bookings.policies import Permission
from portal.bookings.queries import bookings as queries
from portal.bookings.queries.free import Free, Wish, list_free, read_wish
from portal.bookings.rules.refusal import Refused
from portal.bookings.rules.telling import write_times
from portal.bookings.services import making
from portal.bookings.services.calendar import open_resource
from portal.bookings.views.blueprint import blueprint
from portal.bookings.views.subjects import choose_booker, show_page, span_arguments
from portal.kernel.authorization import authorize
from portal.kernel.clock import today_here
from portal.kernel.errors import Conflict
from portal.kernel.kept import keep_answer
from portal.kernel.web.answers import flash, see_other
from portal.kernel.web.arguments import text_argument
from portal.kernel.web.viewer import current_actor
from portal.organizations.queries.profiles import list_organizations_of
from portal.regions.queries.capabilities import match_capability, suggest_capabilities

#: So many machines are listed, the nearest.
MOST_SHOWN = 30
#: So many units are tried, one after the other, when one of a kind is booked.
MOST_TRIED = 10


@blueprint.get("/free")
def list_free_at() -> ResponseReturnValue:
    """Show the equipment and facilities that are free at a time."""
    form = (
        FreeForm(request.args)
        if request.args
        else FreeForm(date=today_here(), within=USUAL_DISTANCE)
    )
    own = _offer(form)
    wish, rows, capability = None, [], None
    if request.args and form.validate():
        wish = read_wish(*(text_argument(name, 10) for name in ("date", "starts", "ends")))
        if wish is None:
            form.add_error("ends", _("Please let it end after it begins."))
        else:
            capability = _capability(form)
            rows = _find(form, wish, choose_booker(own), capability)
    keep_answer()
    return show_page(
        "bookings/free.html",
        wanted=form,
        is_asked=wish is not None and not form.problems,
        rows=[
            (one, write_times(one.span, one.zone), _book_url(one, form))
            for one in rows[:MOST_SHOWN]
        ],
        count=len(rows),
        kind=form.capability.data if capability else "",
        farther_url=_farther_url() if form.within.data else None,
        has_unit=any(one.resource.kind == "equipment" for one in rows),
        own=own,
    )


@blueprint.post("/free/book")
def book_of_kind() -> ResponseReturnValue:
    """Book the first of the equipment of a kind that is free at a time."""
    actor = current_actor()
    authorize(actor, Permission.BOOKING_VIEW_OWN)
    form = FreeForm.bind()
    own = _offer(form)
    if not own:
        raise Conflict(_("Please join an organization first: it is organizations that book."))
    wish = read_wish(*(request.form.get(name, "") for name in ("date", "starts", "ends")))
    rows: list[Free] = []
    if form.submitted() and wish is not None and (capability := _capability(form)):
        found = _find(form, wish, choose_booker(own), capability)
        rows = [one for one in found if one.resource.kind == "equipment"]
    if not rows:
        raise Conflict(_("Nothing of this kind is free at this time any more."))
    first = rows[0]
    tried = [one for one in rows if one.span == first.span][:MOST_TRIED]
    resources = tuple(queries.get_resource(open_resource(actor, one.record).id) for one in tried)
    try:
        (booking,) = making.create_booking_of_kind(
            actor,
            resources,
            kind=form.capability.data,
            organization=choose_booker(own),
            span=first.span,
            user_id=form.for_user.data,
            purpose=form.purpose.data,
        )
    except Refused as refusal:
        raise Conflict(refusal.message) from refusal
    name, when = booking.resource.name, write_times(first.span, first.zone)
    flash(
        _("“%(name)s” is booked: %(when)s.", name=name, when=when)
        if booking.status == "approved"
        else _("You asked for “%(name)s” (%(when)s). Its host decides.", name=name, when=when)
    )
    return see_other(url_for("bookings.show", booking_id=booking.id))


def _offer(form: FreeForm) -> list[Any]:
    """Let who belongs to several organizations say for which one; return them."""
    own = list_organizations_of(current_actor())
    form.organization_id.choices = [(one.id, one.name) for one in own]
    if len(own) > 1 and form.organization_id.data is None:
        form.organization_id.data = own[0].id
    return own


def _capability(form: FreeForm) -> str | None:
    """Return the key of the capability that the form names, if it names one."""
    named = form.capability.data
    key = match_capability(named) if named else None
    if named and key is None:
        key = next((found.key for found in suggest_capabilities(named, 1)), None)
    if named and key is None:
        form.add_error("capability", _("No capability has this name. Please choose another word."))
    return key


def _find(form: FreeForm, wish: Wish, booker: Any, capability: str | None) -> list[Free]:
    if form.problems:
        return []
    found = list_free(
        current_actor(),
        wish,
        capability=capability or "",
        organization=booker,
    )
    if not form.within.data or booker is None or booker.latitude is None:
        return found
    return [one for one in found if one.miles is not None and one.miles <= int(form.within.data)]


def _farther_url() -> str:
    """Return where the same is looked for at any distance."""
    asked: dict[str, Any] = request.args.to_dict()
    return url_for("bookings.list_free_at", **asked | {"within": ""})


def _book_url(one: Free, form: FreeForm) -> str:
    arguments: dict[str, Any] = {**span_arguments(one.span), **form.kept}
    arguments[f"{one.resource.kind}_id"] = one.record.id
    return url_for("bookings.book", **arguments)
