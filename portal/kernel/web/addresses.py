"""Addresses of the portal: of its pages, for e-mails, of its static files."""

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, request, url_for


def local_target(target: str | None, fallback: str) -> str:
    """Return `target` if it is a path of this site, else `fallback`."""
    if not target or not target.startswith("/") or len(target) > 2000:
        return fallback
    if target.startswith(("//", "/\\")) or any(ord(c) < 33 or c == "\\" for c in target):
        return fallback
    parts = urlsplit(target)
    return fallback if parts.scheme or parts.netloc else target


def external_url(endpoint: str, *, _anchor: str = "", **values: Any) -> str:
    """Return an absolute address for e-mails and documents, from PUBLIC_URL.

    _anchor: the part of the page.
    """
    base = urlsplit(current_app.config["PUBLIC_URL"])
    routes = current_app.url_map.bind(
        base.netloc, script_name=base.path or "/", url_scheme=base.scheme
    )
    address = routes.build(endpoint, values, force_external=True)
    return f"{address}#{_anchor}" if _anchor else address


def asset_version() -> str:
    """Return a mark that changes with every change of the static files."""
    found: str | None = current_app.extensions.get("portal-assets")
    if found is None:
        digest = hashlib.blake2s(digest_size=6)
        folder = current_app.static_folder or ""
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                digest.update(path.name.encode() + path.read_bytes())
        found = current_app.extensions["portal-assets"] = digest.hexdigest()
    return found


def asset_url(name: str) -> str:
    """Return the address of a static file, which browsers keep until one has changed."""
    return path_of("static", filename=name, v=asset_version())


def path_of(endpoint: str, **values: Any) -> str:
    """Return an address that is the same on every page; it is put together once."""
    known: dict[tuple[object, ...], str] = current_app.extensions["portal-paths"]
    key = (request.script_root, endpoint, *values.items())
    if key not in known:
        known[key] = url_for(endpoint, **values)
    return known[key]


def present_address() -> str:
    """Return where to come back to after something else was done from this page."""
    asked = request._get_current_object()  # type: ignore[attr-defined]
    return asked.full_path.rstrip("?") if asked.method == "GET" else asked.path


def address(endpoint: str, **values: Any) -> str:
    """Return an address for a template; what is the same on every page is put together once."""
    return url_for(endpoint, **values) if values else path_of(endpoint)
