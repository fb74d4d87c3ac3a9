"""What the domains add to pages: entries of menus, and parts of each other's record pages."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from flask import current_app, request
from flask import session as cookie
from markupsafe import Markup, escape

from portal.kernel.authorization import NOBODY, can
from portal.kernel.manifest import RecordSection
from portal.kernel.templating import pattern_in
from portal.kernel.web.addresses import path_of
from portal.kernel.web.viewer import current_actor, language


def navigation_items(section: str = "main") -> list[dict[str, Any]]:
    """Return the entries of a menu that this actor may use."""
    actor = current_actor()
    return [
        {
            "label": escape(item.label),
            "url": path_of(item.endpoint),
            "is_current": request.endpoint == item.endpoint,
        }
        for item in current_app.extensions["portal-navigation"]
        if item.section == section and (item.permission is None or can(actor, item.permission))
    ]


def same_for_nobody(part: str, caller: Callable[[], Markup]) -> Markup:
    """Return a part of the frame around pages, the `caller` of a template.

    For nobody in particular, who asks for most pages, each is the same on all pages of one endpoint
    in one language, and is put together once.
    """
    if current_actor() is not NOBODY:
        return caller()
    known: dict[tuple[object, ...], Markup] = current_app.extensions["portal-frame"]
    key = (part, request.endpoint, language(), request.script_root)
    if key not in known:
        known[key] = caller()
    return known[key]


def pattern_for_nobody(shape: Hashable, make: Callable[[], str]) -> bytes | None:
    """Return the pattern of a whole page, which `make` writes with marks for what differs.

    As above, but for one of so many shapes; None for somebody in particular, or who has to be told
    something.
    """
    if current_actor() is not NOBODY or cookie.get("_flashes"):
        return None
    known: dict[tuple[object, ...], bytes] = current_app.extensions["portal-patterns"]
    asked = request._get_current_object()  # type: ignore[attr-defined]
    key = (shape, asked.endpoint, language(), asked.script_root)
    if key not in known:
        known[key] = pattern_in(make()).encode()
    return known[key]


@dataclass(frozen=True)
class LoadedSection:
    """A part of a record page, ready to be included: `section.content` in `section.template`."""

    title: Any
    template: str
    content: Any


def sections_of(kind: str, record: object) -> list[LoadedSection]:
    """Return the parts that the domains add to a record's page, for this actor."""
    sections: list[RecordSection] = current_app.extensions["portal-sections"]
    loaded = [
        LoadedSection(section.title, section.template, section.load(current_actor(), record))
        for section in sections
        if section.kind == kind
    ]
    return [section for section in loaded if section.content is not None]
