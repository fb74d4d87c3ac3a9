"""What a person is told by e-mail, and the secret addresses that calendar programs read."""

from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.bookings.forms.notices import FeedForm, NoticesForm
from portal.bookings.policies import Permission
from portal.bookings.queries import notices as queries
from portal.bookings.queries.bookings import get_resource
from portal.bookings.rules.invitations import Entry, write_feed
from portal.bookings.services import notices as services
from portal.bookings.views.blueprint import blueprint
from portal.kernel.authorization import Actor, authorize
from portal.kernel.clock import now
from portal.kernel.manifest import calendar_of
from portal.kernel.settings import setting
from portal.kernel.web.addresses import external_url, local_target
from portal.kernel.web.answers import flash, page, see_other
from portal.kernel.web.viewer import current_actor


@blueprint.route("/notices", methods=["GET", "POST"])
def choose_notices() -> ResponseReturnValue:
    """Choose what to get by e-mail; manage one's calendar feeds."""
    actor = current_actor()
    authorize(actor, Permission.NOTICES_CHOOSE)
    form = NoticesForm.bind(**_chosen(actor))
    if form.submitted():
        lead = form.remind_minutes.data
        services.choose_notices(
            actor,
            tells_person=form.tells_person.data,
            tells_host=form.tells_host.data,
            tells_offers=form.tells_offers.data,
            remind_minutes=int(lead) if lead.isdecimal() else None,
        )
        flash(_("Your choice was saved."))
        return see_other(local_target(request.form.get("next"), url_for("bookings.choose_notices")))
    return _notices_page(form)


def mail_section(actor: Actor, _user: Any) -> dict[str, Any]:
    """Return the part of the page of all e-mail that is about bookings."""
    return {"anchor": "bookings", "form": NoticesForm(data=_chosen(actor))}


def _chosen(actor: Actor) -> dict[str, Any]:
    choice = queries.find_choice(actor)
    return {
        "tells_person": choice.tells_person,
        "tells_host": choice.tells_host,
        "tells_offers": choice.tells_offers,
        "remind_minutes": str(choice.remind_minutes or "none"),
    }


@blueprint.post("/notices/calendars")
def make_feed() -> ResponseReturnValue:
    """Make a secret address for a calendar program and show it, once."""
    actor = current_actor()
    form = _feed_form()
    authorize(actor, Permission.NOTICES_CHOOSE)
    if not form.submitted():
        return _notices_page(NoticesForm.bind(), feed_form=form)
    chosen = form.resource_id.data
    resource = get_resource(chosen) if chosen is not None else None
    token = services.make_feed(actor, resource)
    return page(
        "bookings/feed_made.html",
        url=external_url("bookings.read_feed", token=token),
        name=resource.name if resource is not None else _("Your bookings"),
        back=url_for("bookings.choose_notices"),
    )


@blueprint.post("/notices/calendars/<int:feed_id>/end")
def end_feed(feed_id: int) -> ResponseReturnValue:
    """Let a secret address lead nowhere."""
    services.end_feed(current_actor(), feed_id=feed_id)
    flash(_("The address leads nowhere now."))
    return see_other(url_for("bookings.choose_notices"))


@blueprint.get("/calendars/<token>.ics")
def read_feed(token: str) -> ResponseReturnValue:
    """Give a calendar program what its secret address stands for."""
    feed, bookings = queries.read_feed(token)
    of_host = feed.resource_id is not None
    name = feed.resource.name if feed.resource is not None else _("Your bookings")
    places = queries.list_places(bookings)
    reply = Response(
        write_feed(
            name,
            [
                queries.entry_of(
                    booking,
                    url=external_url("bookings.show", booking_id=booking.id),
                    place=places[booking.resource_id],
                    is_host=of_host,
                )
                for booking in bookings
            ]
            + ([] if of_host else _entries_of_others(feed.user_id)),
            host=queries.calendar_host(),
        ),
        mimetype="text/calendar",
    )
    reply.headers["Cache-Control"] = "private, no-cache"
    reply.add_etag()
    return reply.make_conditional(request)


def _entries_of_others(user_id: int) -> list[Entry]:
    """Return what a person goes to besides bookings, as far as a feed looks."""
    moment = now()
    return [
        Entry(
            number=entry.number,
            sequence=entry.sequence,
            status="approved",
            starts_at=entry.starts_at,
            ends_at=entry.ends_at,
            updated_at=entry.updated_at,
            summary=entry.summary,
            location=entry.location,
            url=setting("PUBLIC_URL").rstrip("/") + entry.url,
            kind=entry.kind,
        )
        for entry in calendar_of(user_id, moment - queries.FEED_BACK, moment + queries.FEED_AHEAD)
    ]


def _feed_form() -> FeedForm:
    form = FeedForm.bind()
    form.resource_id.choices = [
        (resource.id, resource.name) for resource in queries.list_feed_candidates(current_actor())
    ]
    return form


def _notices_page(form: NoticesForm, feed_form: FeedForm | None = None) -> ResponseReturnValue:
    actor = current_actor()
    return page(
        "bookings/notices.html",
        form=form,
        feed_form=feed_form or _feed_form(),
        feeds=queries.list_feeds(actor),
    )
