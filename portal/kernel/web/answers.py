"""What a view answers: pages, files, redirects, and that nothing has changed."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from flask import (
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    stream_with_context,
)
from flask import flash as flask_flash
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from portal.kernel.authorization import Actor
from portal.kernel.forms import Form
from portal.kernel.spreadsheets import Cell, csv_pieces, xlsx_bytes
from portal.kernel.web.addresses import asset_version
from portal.kernel.web.viewer import current_actor, viewer_zone

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def page(template: str, **context: Any) -> ResponseReturnValue:
    """Render a page; one with a refused form answers 422, or 409 where others were quicker."""
    form = context.get("form")
    status = 200
    if isinstance(form, Form):
        status = 409 if form.differences else 422 if form.problems else 200
    return render_template(template, **context), status


def text_answer(name: str, kind: str, text: str) -> Response:
    """Answer with a text as a file to keep."""
    response = make_response(text)
    response.mimetype = kind
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


def linked_data_answer(data: Mapping[str, Any]) -> Response:
    """Answer with JSON-LD. A page carries the same as `linked_data` of `components/record.html`."""
    response = jsonify(data)
    response.mimetype = "application/ld+json"
    return response


def linked_graph_answer(
    name: str, context: object, records: Iterable[Mapping[str, Any]]
) -> Response:
    """Answer with many records as one graph of JSON-LD, to be saved as a file.

    It is written record by record, so that nobody keeps more than the text in memory.
    """

    def pieces() -> Iterator[str]:
        dumps = current_app.json.dumps
        yield f'{{"@context":{dumps(context)},"@graph":['
        for number, record in enumerate(records):
            yield f"{',' if number else ''}{dumps(record)}"
        yield "]}\n"

    response = Response(stream_with_context(pieces()), mimetype="application/ld+json")
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


def csv_answer(name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """Answer with a table to be saved as a file, written row by row."""
    response = Response(
        stream_with_context(csv_pieces(columns, rows)), mimetype="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def table_answer(
    name: str, form: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> Response:
    """Answer with a table to be saved as a file. form: "csv" or "xlsx"."""
    if form == "csv":
        return csv_answer(f"{name}.csv", columns, rows)
    response = Response(xlsx_bytes(columns, rows, title=name), mimetype=_XLSX)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return response


def see_other(url: str) -> Response:
    """Redirect after a change."""
    return cast(Response, redirect(url, code=303))


def flash(
    message: str, *, undo_url: str | None = None, link: tuple[str, str] | None = None
) -> None:
    """Say what happened, in the past tense; with a way to undo it, or (url, label) of the result.

    The next page shows it.
    """
    flask_flash(cast(str, {"text": str(message), "undo_url": undo_url, "link": link}), "done")


def not_modified(*parts: object, is_public: bool = True) -> Response | None:
    """Answer 304 if the client has this version already; else None, and the reply gets the ETag.

    parts: whatever the reply depends on; language, zone and what the actor may are added here.
    """
    if "_flashes" in cookie:
        return None  # this reply says something that no other should repeat
    actor = current_actor()
    material = "\0".join(
        [
            str(part)
            for part in (*parts, get_locale(), viewer_zone(), _facts(actor), asset_version())
        ]
    )
    tag = hashlib.blake2s(material.encode(), digest_size=12).hexdigest()
    g.etag = (tag, is_public and actor.user_id is None)
    # Weak comparison: proxies that compress make the tag weak.
    if request.if_none_match.contains_weak(tag):
        return make_response("", 304)
    return None


def _facts(actor: Actor) -> list[object]:
    """Return what an actor is, in an order that does not change from process to process."""
    return [
        actor.user_id,
        actor.name,
        sorted(actor.memberships.items()),
        sorted(actor.brokered_regions),
        sorted(actor.brokered_counties),
        sorted(actor.served_regions),
        actor.is_administrator,
        None if actor.scopes is None else sorted(actor.scopes),
    ]
