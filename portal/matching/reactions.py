"""What follows for matches: they are computed anew, and people are told of what is new."""

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from portal.accounts.models import User
from portal.bookings import events as booking_events
from portal.facilities import events as facility_events
from portal.kernel.authorization import SYSTEM
from portal.kernel.errors import NotFound
from portal.kernel.fulltext.port import IndexUnavailable, QueryTooCostly
from portal.kernel.listing import SHOWN_TO_OTHERS
from portal.kernel.mail import queue_mails
from portal.kernel.web.addresses import external_url
from portal.matching import services
from portal.matching.events import MatchAnswered, MatchesFound
from portal.matching.queries import matches as queries
from portal.matching.queries import rounds
from portal.matching.queries.candidates import find_candidates
from portal.matching.queries.facts import wanted_of
from portal.organizations.queries.people import managers_of
from portal.partnerships import events as request_events
from portal.partnerships.models import Request
from portal.partnerships.queries.requests import get_request, keepers_of

log = logging.getLogger(__name__)

#: So many requests are looked at in one turn of the job.
IN_ONE_TURN = 20
#: Calendars change all day: what has changed in so long a time is computed at once.
CALENDARS_REST = dt.timedelta(minutes=10)


def compute_due_matches() -> int:
    """Compute the matches of the requests that are due; a job of the worker."""
    due = rounds.list_due_ids(IN_ONE_TURN)
    for request_id in due:
        try:
            request = get_request(request_id)
            is_open = request.status == "published"
            candidates = find_candidates(wanted_of(request)) if is_open else []
            services.keep_matches(SYSTEM, request, candidates=candidates)
        except NotFound:
            continue
        except (OperationalError, PoolTimeout):
            raise  # the database is away; what is due is computed when it is back
        except Exception as error:
            if isinstance(error, IndexUnavailable) and not isinstance(error, QueryTooCostly):
                log.warning("matches wait for the index: %s", error)
                break
            # One request that we cannot cope with must not keep all the others waiting.
            log.exception("the matches of request %s failed and are put off", request_id)
            services.put_off_request(SYSTEM, request_id=request_id)
    return len(due)


def compute_anew_on_request_changed(
    event: request_events.RequestSaved
    | request_events.RequestMoved
    | request_events.RequestRenewed,
) -> None:
    """Compute a request's own matches, and those of the requests for which it is a candidate."""
    affected = rounds.list_affected_ids("request", event.request_id)
    _schedule([*affected, *_existing(event.request_id)])


def compute_anew_on_equipment_changed(
    event: facility_events.EquipmentSaved | facility_events.EquipmentDeleted,
) -> None:
    """Compute the matches of the requests that a machine concerns."""
    _schedule(rounds.list_affected_ids("equipment", event.equipment_id))


def compute_anew_on_booking_changed(
    event: booking_events.BookingMade | booking_events.BookingMoved | booking_events.BookingStepped,
) -> None:
    """Compute the matches of the requests of which the booked machine is a candidate."""
    _schedule(rounds.list_affected_by_booking(event.booking_id), CALENDARS_REST)


def compute_anew_on_calendar_changed(event: booking_events.CalendarChanged) -> None:
    """Compute the matches of the requests whose candidates are free at other times now."""
    _schedule(rounds.list_affected_by_resource(event.resource_id), CALENDARS_REST)


def compute_anew_on_facility_changed(
    event: facility_events.FacilitySaved | facility_events.FacilityDeleted,
) -> None:
    """Compute the matches of the requests that a facility concerns."""
    _schedule(rounds.list_affected_ids("facility", event.facility_id))


def compute_anew_on_program_changed(event: Any) -> None:
    """Compute the matches of the requests that a program, or when it is held, concerns."""
    _schedule(rounds.list_affected_ids("program", event.program_id))


def compute_anew_on_organization_changed(event: Any) -> None:
    """Compute the matches of the requests that an organization, or anything of it, concerns."""
    number = event.organization_id
    _schedule(rounds.list_affected_ids("organization", number, number))


def email_both_sides_on_matches_found(event: MatchesFound) -> None:
    """Tell a request's people of new candidates, and the owners of the best of these."""
    request = _request(event.request_id)
    if request is None or request.status != "published":
        return
    found = queries.list_open(event.match_ids)
    titles = [
        (one.candidate.title, one.candidate.organization, one.url)
        for one in queries.shown_to_members(found)
    ]
    if titles:
        _tell(
            keepers_of(request),
            "matches_found",
            title=request.title,
            candidates=titles,
            url=external_url("partnerships.show", request_id=request.id) + "#candidates",
        )
    # It may have become its organization's own meanwhile.
    owners_told = event.owners_told if request.visibility in SHOWN_TO_OTHERS else []
    for one in queries.shown_to_members(queries.list_open(owners_told)):
        _tell(
            managers_of(one.match.organization_id),
            "match_for_owner",
            candidate=one.candidate.title,
            title=one.request.title,
            organization=one.request.organization,
            summary=one.request.summary,
            url=external_url("matching.show", match_id=one.id),
        )


def email_keepers_on_match_answered(event: MatchAnswered) -> None:
    """Tell a request's people that an owner answered what nobody could tell."""
    found = queries.shown_to_members(queries.list_open([event.match_id]))
    for one in found:
        reason = next((item for item in one.reasons if item.name == event.criterion), None)
        request = _request(one.match.request_id)
        if reason is None or request is None:
            continue
        _tell(
            keepers_of(request),
            "match_answered",
            candidate=one.candidate.title,
            title=request.title,
            url=external_url("matching.show", match_id=one.id),
        )
    services.schedule_requests(SYSTEM, request_ids=[one.match.request_id for one in found])


def _schedule(request_ids: Sequence[int], after: dt.timedelta = dt.timedelta()) -> None:
    if request_ids:
        services.schedule_requests(SYSTEM, request_ids=request_ids, after=after)


def _existing(request_id: int) -> list[int]:
    request = _request(request_id)
    return [] if request is None or request.status == "draft" else [request_id]


def _tell(people: Sequence[User], template: str, **context: Any) -> None:
    choice_url = external_url("accounts.show_mail", _anchor="matches")
    queue_mails(queries.who_want_mail(people), template, choice_url=choice_url, **context)


# What an event names may be gone by the time that it is delivered.


def _request(request_id: int) -> Request | None:
    try:
        return get_request(request_id)
    except NotFound:
        return None
