"""What a search finds, as feeds for readers of news: Atom and JSON Feed, of public records only.

Such readers bring no cookie, so a feed shows nobody more than it shows everybody.
"""

import datetime as dt
import re
from typing import Any

from flask import Response, jsonify, make_response, render_template
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from portal.directory.queries import searching
from portal.directory.queries.searching import Found
from portal.directory.rules import Search
from portal.directory.views.addresses import address, asked_search
from portal.directory.views.blueprint import blueprint
from portal.kernel.authorization import NOBODY
from portal.kernel.errors import NotFound
from portal.kernel.fulltext.port import MAX_LIMIT, Hit
from portal.kernel.settings import setting
from portal.kernel.web.addresses import external_url
from portal.kernel.web.answers import not_modified
from portal.kernel.web.viewer import set_actor

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
#: What XML 1.0 cannot carry at all.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@blueprint.get("/search/feed.atom")
def show_atom_feed() -> ResponseReturnValue:
    """Answer with what a search finds as an Atom feed, the newest first."""
    wanted, found = _newest()
    reply = not_modified("atom", wanted.query(), *_versions(found))
    if reply:
        return reply
    response = make_response(render_template("directory/feed.xml", **_feed(wanted, found)))
    response.mimetype = "application/atom+xml"
    return response


@blueprint.get("/search/feed.json")
def show_json_feed() -> ResponseReturnValue:
    """Answer with what a search finds as a JSON Feed, the newest first."""
    wanted, found = _newest()
    return not_modified("json", wanted.query(), *_versions(found)) or _json_feed(wanted, found)


def _newest() -> tuple[Search, Found]:
    """Find what everybody may see, as the words are: guesses at other words are no news."""
    set_actor(NOBODY)
    wanted = asked_search().changed(sort="newest", view="list")
    found = searching.search(NOBODY, wanted, offset=0, limit=MAX_LIMIT)
    if found.is_place_unknown:
        raise NotFound(_("We do not know this ZIP code or town."))
    return wanted, found


def _items(found: Found) -> list[Hit]:
    return [] if found.is_fuzzy else found.hits


def _versions(found: Found) -> list[object]:
    return [
        (hit.key, hit.updated_at, hit.title, hit.summary, hit.organization) for hit in _items(found)
    ]


def _feed(wanted: Search, found: Found) -> dict[str, Any]:
    parts = searching.describe(wanted)
    site = setting("SITE_NAME")
    base = setting("PUBLIC_URL").rstrip("/")
    arguments: dict[str, Any] = dict(wanted.criteria())
    hits = _items(found)
    return {
        "title": _readable(f"{', '.join(parts)} · {site}") if parts else site,
        "language": str(get_locale() or "en").replace("_", "-"),
        "home_url": base + address(wanted),
        "atom_url": external_url("directory.show_atom_feed", **arguments),
        "json_url": external_url("directory.show_json_feed", **arguments),
        "updated_at": max((hit.updated_at for hit in hits), default=_EPOCH),
        "entries": [
            {
                "url": base + hit.url,
                "title": _readable(hit.title),
                "summary": _readable(hit.summary),
                "author": _readable(hit.organization),
                "kind": hit.kind,
                "updated_at": hit.updated_at,
            }
            for hit in hits
        ],
    }


def _readable(text: str) -> str:
    return _NOT_IN_XML.sub("", text)


def _json_feed(wanted: Search, found: Found) -> Response:
    feed = _feed(wanted, found)
    response = jsonify(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": feed["title"],
            "home_page_url": feed["home_url"],
            "feed_url": feed["json_url"],
            "language": feed["language"],
            "items": [
                {
                    # A record keeps its address, so the address is its identity.
                    "id": entry["url"],
                    "url": entry["url"],
                    "title": entry["title"],
                    "content_text": entry["summary"] or entry["title"],
                    "date_modified": entry["updated_at"].isoformat(),
                    "tags": [entry["kind"]],
                    **({"authors": [{"name": entry["author"]}]} if entry["author"] else {}),
                }
                for entry in feed["entries"]
            ],
        }
    )
    response.mimetype = "application/feed+json"
    return response
