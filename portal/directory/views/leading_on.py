"""What leads on from a search that found nothing, and the count of such searches."""

import datetime as dt
import hashlib
import ipaddress
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from flask import request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from portal.directory import services
from portal.directory.queries import searching
from portal.directory.queries.searching import Found
from portal.directory.rules import RADII_MILES, Search
from portal.directory.views.addresses import address
from portal.kernel.authorization import NOBODY
from portal.kernel.clock import now, today_here
from portal.kernel.web.viewer import current_actor
from portal.regions.queries.capabilities import match_capability, preferred_labels
from portal.regions.queries.places import find_zip

#: Networks whose searches of the day a process remembers, so that loading a page again counts
#: once, and how many searches of one network count in a day.
_MOST_NETWORKS = 2_000
_MOST_SEARCHES = 50
_remembered: OrderedDict[bytes, frozenset[bytes]] = OrderedDict()
_lock = threading.Lock()
#: So far apart are the times at which a process writes its counts.
MINUTES_APART = 1


class Waiting:
    """Searches that wait to be counted together, since each write ends what is kept for everybody.

    Those that wait when the process ends are not counted.
    """

    def __init__(self) -> None:
        self.searches: deque[tuple[str, str]] = deque(maxlen=1_000)
        self._until = now()

    def take_due(self) -> list[tuple[str, str]]:
        """Return what waits, unless it is too early, and let it wait no longer."""
        with _lock:
            if not self.searches or now() < self._until:
                return []
            self._until = now() + dt.timedelta(minutes=MINUTES_APART)
            found = list(self.searches)
            self.searches.clear()
        return found


_waiting = Waiting()


def ways_on(found: Found) -> list[dict[str, Any]]:
    """Return searches that ask for a little less and find something, each with how much."""
    if found.total:
        return []
    wanted = found.search
    ways = [*_wider(wanted), *_with_less(found)]
    if len(ways) > 1:
        bare = wanted.changed(chosen={}, near="", updated_days=None, filters={})
        ways.append((_("Remove all filters"), bare))
    counted = [(label, search, searching.count(current_actor(), search)) for label, search in ways]
    return [
        {"label": label, "url": address(search), "count": count}
        for label, search, count in counted
        if count
    ]


def meant_place(found: Found) -> dict[str, str] | None:
    """Return the search around a ZIP code that was typed among the words, if nothing has it."""
    wanted = found.search
    typed = wanted.typed_zip
    place = find_zip(typed) if typed and (found.is_fuzzy or not found.total) else None
    if typed is None or place is None:
        return None
    words = " ".join(word for word in wanted.text.split() if word != typed)
    where = f"{place.place}, {place.state}"
    label = (
        _("“%(words)s” near %(place)s", words=words, place=where)
        if words
        else _("everything near %(place)s", place=where)
    )
    return {"label": label, "url": address(wanted.changed(text=words, near=typed))}


def _wider(wanted: Search) -> list[tuple[str, Search]]:
    if not wanted.near or wanted.radius_miles is None:
        return []
    wider = [miles for miles in RADII_MILES if miles > wanted.radius_miles]
    return [
        *(
            (_("Within %(miles)d miles", miles=miles), wanted.changed(radius_miles=miles))
            for miles in wider
        ),
        (_("At any distance"), wanted.changed(radius_miles=None)),
    ]


def _with_less(found: Found) -> list[tuple[str, Search]]:
    wanted = found.search
    ways = []
    for facet in found.facets:
        chosen = [choice.label for choice in facet.values if choice.is_selected]
        if chosen:
            words = _("Without “%(filter)s”", filter=", ".join(chosen))
            ways.append((words, wanted.without(facet.name)))
    for item in searching.search_filters():
        if item.name in wanted.filters:
            words = _("Without “%(filter)s”", filter=item.label)
            ways.append((words, wanted.without(item.name)))
    if wanted.updated_days:
        ways.append((_("Whenever it was updated"), wanted.changed(updated_days=None)))
    return ways


def request_url(found: Found) -> str:
    """Return the address of a new request that says already what was searched for."""
    wanted = found.search
    keys = wanted.chosen.get("capability") or filter(None, [match_capability(wanted.text)])
    names = preferred_labels(keys, language=str(get_locale() or "en")) if keys else {}
    return url_for(
        "partnerships.create_request",
        direction="need",
        title=wanted.text or None,
        capability=next(iter(names.values()), None),
        zip_code=found.place.zip_code if found.place else None,
        searched=wanted.text or None,
    )


def note_unmet(found: Found) -> Callable[[str], bool] | None:
    """Count a search whose words nothing has. Who searched is neither asked nor kept.

    Return what tells of a network address whether the same search from there counts no more; None
    for a search that does not count from anywhere.
    """
    is_counted = _note(found)
    if searches := _waiting.take_due():
        services.count_unmet(NOBODY, searches=searches)
    return is_counted


def _note(found: Found) -> Callable[[str], bool] | None:
    wanted = found.search
    if not (wanted.text and found.is_unmet) or wanted.page > 1:
        return None
    counties = wanted.chosen.get("county", ())
    county = counties[0] if len(counties) == 1 else ""
    if not county and found.place is not None:
        county = found.place.county_fips or ""
    search = _digest(wanted.text.casefold(), county)
    today = str(today_here())

    def is_counted(address: str) -> bool:
        return not _is_first(_network(today, address), search, is_remembered=False)

    is_asked = not request.headers.get("HX-Request")
    if is_asked and _is_first(_network(today, request.remote_addr or ""), search):
        _waiting.searches.append((wanted.text, county[:5]))
    return is_counted


def _is_first(network: bytes, search: bytes, *, is_remembered: bool = True) -> bool:
    """Tell whether a network has not asked the same today, as far as is remembered.

    is_remembered: it has now. Kept in memory alone, under a salt that nobody knows: nothing of it
    outlives the process.
    """
    with _lock:
        searches = _remembered.get(network, frozenset())
        if search in searches or len(searches) >= _MOST_SEARCHES:
            return False
        if is_remembered:
            _remembered[network] = searches | {search}
            _remembered.move_to_end(network)
            if len(_remembered) > _MOST_NETWORKS:
                _remembered.popitem(last=False)
    return True


def _network(today: str, address: str) -> bytes:
    """Return what stands today for one household or office.

    That is an address, or of the newer ones a whole range.
    """
    if ":" in address:
        with suppress(ValueError):
            address = str(ipaddress.ip_interface(f"{address}/64").network)
    return _digest(today, address)


@cache
def _salt() -> bytes:
    """Return a secret of this process alone: processes share what was made before they parted."""
    return secrets.token_bytes(16)


def _digest(*parts: str) -> bytes:
    whole = "\0".join(parts).encode("utf-8", "replace")
    return hashlib.blake2s(whole, key=_salt(), digest_size=12).digest()
