"""The pages of the portal for each member of the cast, from the rows of the permission matrix."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlencode

from flask import Flask, url_for

from tests.architecture.matrix import Row
from tests.architecture.test_permission_matrix import rows
from tests.cast import World

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}

# What answers GET with something else than a page.
_NO_PAGE_ENDINGS = (
    "_api",
    "_code",
    "_data",
    "_logo",
    "_photo",
    "_document",
    "_attachment",
    "_feed",
    "_busy",
)
_NO_PAGES = {
    "directory.suggestions",
    "intake.show_progress",
    "kernel.healthz",
    "kernel.readyz",
    "kernel.switch_language",
    "openapi.document",
    "static",
}


@dataclass(frozen=True)
class PageOfSite:
    """An address and the name under which a failure shows it."""

    name: str
    path: str


def _is_page(row: Row) -> bool:
    blueprint, _dot, view = row.endpoint.partition(".")
    return (
        row.method == "GET"
        and not blueprint.endswith("_api")
        and row.endpoint not in _NO_PAGES
        and not view.endswith(_NO_PAGE_ENDINGS)
        and not view.startswith(("download_", "export_", "suggest_"))
    )


@cache
def page_rows() -> tuple[Row, ...]:
    """Return the rows of the matrix that are pages for people."""
    return tuple(row for row in rows() if _is_page(row))


def pages_of(name: str, app: Flask, world: World) -> Iterator[PageOfSite]:
    """Yield the pages that a member of the cast may open, and what else they meet on the way."""
    with app.test_request_context():
        for row in page_rows():
            if name in row.allowed.split():
                query = urlencode(dict(row.data(world)), doseq=True)
                path = url_for(row.endpoint, **row.values(world))
                yield PageOfSite(row.endpoint, f"{path}?{query}" if query else path)
        yield PageOfSite("nothing found", url_for("directory.search", q="zzzqqq"))
        yield PageOfSite("found", url_for("directory.search", q="mill", near="40202"))
        yield PageOfSite("map", url_for("directory.search", q="mill", view="map"))
        if name != "nobody":
            machine = world.equipment["college_public"]
            asking = url_for("partnerships.create_request", equipment=machine)
            yield PageOfSite("asking for a machine", asking)
        yield PageOfSite("unknown place", url_for("directory.search", near="99999"))
        yield PageOfSite("not found", "/nothing-is-here")
        for kind in ("organizations", "facilities", "equipment"):
            yield PageOfSite(f"{kind} of the college", _public_page(kind, world))


def _public_page(kind: str, world: World) -> str:
    if kind == "organizations":
        return url_for("organizations.show", organization_id=world.organizations["unclaimed"])
    if kind == "facilities":
        return url_for("facilities.show_facility", facility_id=world.facilities["college_public"])
    return url_for("facilities.show_equipment", equipment_id=world.equipment["college_public"])
