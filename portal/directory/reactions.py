"""What follows on the clock and on what saved searches find: rounds, and e-mail to readers."""

import logging

from flask import current_app
from sqlalchemy.exc import OperationalError

from portal.directory import services
from portal.directory.events import ResultsFound
from portal.directory.models import SavedSearch
from portal.directory.queries import saved_searches, searching
from portal.directory.rules import FREQUENCIES, sign_stop
from portal.facilities.events import EquipmentDeleted, FacilityDeleted
from portal.kernel.authorization import SYSTEM, Actor
from portal.kernel.clock import now
from portal.kernel.fulltext.port import IndexUnavailable, QueryTooCostly
from portal.kernel.mail import queue_mails
from portal.kernel.settings import setting
from portal.kernel.web.addresses import external_url
from portal.organizations.events import MembershipStarted
from portal.partnerships.events import RequestDeleted
from portal.training.events import ProgramDeleted

log = logging.getLogger(__name__)

#: Searches that one turn of the clock runs; the others come with the next.
MOST_AT_ONCE = 200
#: Results that one e-mail names; it has a link to all.
MOST_IN_MAIL = 25


def report_due_searches() -> int:
    """Run the saved searches that are due; return how many results were reported.

    While there is no index the round is put off: what is due stays due.
    """
    began_at = now()
    newest, is_settled = saved_searches.find_newest_event()
    reported, finished = 0, []
    for saved_search_id in saved_searches.list_due_ids(newest, MOST_AT_ONCE):
        try:
            saved = saved_searches.find_saved_search(saved_search_id)
            if saved is None:
                continue
            reported += _report(saved)
            # One that something new woke before the index had it is looked at again.
            if is_settled or saved.due_at <= began_at:
                finished.append(saved_search_id)
        except OperationalError:
            raise  # the database is away; what is due runs when it is back
        except Exception as error:
            if isinstance(error, IndexUnavailable) and not isinstance(error, QueryTooCostly):
                log.warning("saved searches wait for the index: %s", error)
                break
            # One search that we cannot cope with must not keep all the others waiting.
            log.exception("saved search %s failed and is put off", saved_search_id)
            services.put_off_search(SYSTEM, saved_search_id=saved_search_id, seen_event_id=newest)
    if finished:
        services.finish_round(
            SYSTEM,
            saved_search_ids=finished,
            began_at=began_at,
            seen_event_id=newest if is_settled else None,
        )
    return reported


def _report(saved: SavedSearch) -> int:
    """Run a saved search; only one that found something new takes the lock."""
    reader, query = _reader_of(saved), saved.query
    wanted = saved_searches.search_of(query)
    keys = searching.matching_keys(reader, wanted) if wanted else frozenset()
    if not saved_searches.news_for(saved, reader, keys):
        return 0
    return services.report_results(SYSTEM, saved, reader=reader, query=query, keys=keys)


def _reader_of(saved: SavedSearch) -> Actor:
    """Return whose eyes a saved search has: its person's, or what all of an organization see."""
    if saved.organization_id is not None:
        return saved_searches.organization_actor(saved.organization_id)
    actor: Actor = current_app.extensions["portal-actor-loader"](saved.user_id)
    return actor


def email_readers_on_results_found(event: ResultsFound) -> None:
    """Tell the readers of a saved search by e-mail what it found.

    What they may not see any more by now is not named, and is news again once they may.
    """
    saved = saved_searches.find_saved_search(event.saved_search_id)
    if saved is None or saved.channel != "email":
        return
    reader = _reader_of(saved)
    found = saved_searches.list_round(saved, event.round)
    visible = searching.visible_keys(reader, found) if not saved.is_paused else set()
    services.take_back(SYSTEM, saved, round_number=event.round, told=visible)
    if not visible:
        return
    named = [key for key in found if key in visible][:MOST_IN_MAIL]
    base = setting("PUBLIC_URL").rstrip("/")
    results = [
        {
            "title": " ".join(hit.title.split()),
            "organization": hit.organization if hit.kind != "organization" else "",
            "county": hit.extra.get("county", ""),
            "url": base + hit.url,
        }
        for hit in searching.hits_of(reader, named)
    ]
    for person in saved_searches.list_recipients(saved):
        token = sign_stop(setting("SECRET_KEY"), saved.id, person.id)
        queue_mails(
            [person],
            "saved_search_found",
            stop_url=external_url("directory.stop_by_link", token=token),
            name=saved.name,
            organization=saved.organization.name if saved.organization else "",
            count=len(visible),
            results=results,
            frequency=FREQUENCIES[saved.frequency],
            url=external_url("directory.show_saved_search", saved_search_id=saved.id),
            # Of an organization's search, not everybody who reads it may change how it tells.
            settings_url=external_url("directory.edit_saved_search", saved_search_id=saved.id)
            if saved.organization_id is None
            else external_url("directory.list_saved_searches"),
            choice_url=external_url("accounts.show_mail", _anchor="searches"),
        )


def look_again_on_membership_started(event: MembershipStarted) -> None:
    """Look at once for what somebody may see since they belong to an organization."""
    services.look_again(SYSTEM, user_id=event.user_id)


def forget_equipment_on_equipment_deleted(event: EquipmentDeleted) -> None:
    """Forget deleted equipment in every saved search."""
    services.forget_record(SYSTEM, kind="equipment", number=event.equipment_id)


def forget_facility_on_facility_deleted(event: FacilityDeleted) -> None:
    """Forget a deleted facility in every saved search."""
    services.forget_record(SYSTEM, kind="facility", number=event.facility_id)


def forget_request_on_request_deleted(event: RequestDeleted) -> None:
    """Forget a deleted request in every saved search."""
    services.forget_record(SYSTEM, kind="request", number=event.request_id)


def forget_program_on_program_deleted(event: ProgramDeleted) -> None:
    """Forget a deleted program in every saved search."""
    services.forget_record(SYSTEM, kind="program", number=event.program_id)


def forget_searches_of_person(actor: Actor) -> None:
    """Delete with the account what somebody had searched for alone."""
    for saved in saved_searches.list_of_person(actor):
        services.delete_search(actor, saved)
