"""Rich text: Markdown in, safe HTML out (markdown-it-py, then bleach, then nh3)."""

import functools

import bleach
import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

LONGEST_TEXT = 20_000

_TAGS = frozenset(
    {"p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre"}
    | {"blockquote", "ul", "ol", "li", "a", "table", "thead", "tbody", "tr", "th", "td"}
)
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable(
    ["table", "strikethrough"]
)


@functools.lru_cache(maxsize=512)
def render(text: str) -> Markup:
    """Turn Markdown (20,000 characters at most; the rest is cut) into safe HTML.

    Headings start at h2, since a page has one h1 of its own.
    """
    tokens = _parser.parse(text[:LONGEST_TEXT])
    for token in tokens:
        if token.tag == "h1":
            token.tag = "h2"
    html = _parser.renderer.render(tokens, _parser.options, {})
    html = bleach.clean(
        html,
        tags=_TAGS,
        attributes={tag: list(names) for tag, names in _ATTRIBUTES.items()},
        protocols=_SCHEMES,
        strip=True,
    )
    return Markup(  # noqa: S704  (nh3 has just sanitized it)
        nh3.clean(
            html,
            tags=set(_TAGS),
            attributes=_ATTRIBUTES,
            url_schemes=set(_SCHEMES),
            link_rel="nofollow noopener noreferrer",
        )
    )


def plain(text: str, limit: int = LONGEST_TEXT) -> str:
    """Turn Markdown into plain words, for search and previews."""
    pieces = [
        token.content or " "
        for block in _parser.parse(text[:LONGEST_TEXT])
        for token in ([block] if block.children is None else block.children)
        if token.content or token.type in ("softbreak", "hardbreak")
    ]
    return " ".join(" ".join(pieces).split())[:limit]
