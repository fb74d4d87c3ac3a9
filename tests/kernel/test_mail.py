"""Mail: plain text as it is, an HTML part made of it, nothing planted by a name or a note."""

import datetime as dt

import pytest
from flask import Flask
from jinja2 import DictLoader
from sqlalchemy import select

from portal.kernel.database import session, unit_of_work
from portal.kernel.mail import OutgoingMail, Reader, html_of, queue_mail

TEMPLATES = {
    "email/greeting/subject.txt": "{{ _('Hello') }}\n{{ name }}",
    "email/greeting/body.txt": "{{ name }} & you\n\n\n\n> {{ note }}\n\n<{{ url }}>\n",
    "email/meeting/subject.txt": "{{ at | date }}",
    "email/meeting/body.txt": "{{ at | datetime }}",
    "email/layout.html": "<title>{{ subject }}</title>{{ body }}",
}


@pytest.fixture
def _templates(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.jinja_env, "loader", DictLoader(TEMPLATES))
    app.jinja_env.cache.clear()
    yield
    app.jinja_env.cache.clear()


def queued(**context: str) -> OutgoingMail:
    with unit_of_work():
        queue_mail("ana@cast.example", "greeting", reader=Reader(), **context)
    return session.scalars(select(OutgoingMail)).one()


@pytest.mark.usefixtures("_templates")
def test_text_is_as_written_and_html_says_the_same(app: Flask) -> None:
    url = app.config["PUBLIC_URL"] + "/desk?a=1&b=2"
    mail = queued(name="Ana's <Shop>", note="two", url=url)

    assert mail.subject == "Hello Ana's <Shop>"
    assert mail.body_text == f"Ana's <Shop> & you\n\n> two\n\n<{url}>"
    address = url.replace("&", "&amp;")
    assert mail.body_html == (
        "<title>Hello Ana&#39;s &lt;Shop&gt;</title>"
        "<p>Ana&#39;s &lt;Shop&gt; &amp; you</p>\n<blockquote><p>two</p></blockquote>\n"
        f'<p><a href="{address}">{address}</a></p>'
    )


@pytest.mark.usefixtures("_templates")
@pytest.mark.parametrize(
    ("reader", "day", "moment"),
    [
        (Reader(), "Mar 2, 2027", "Mar 2, 2027, 1:30 AM EST"),
        (Reader("es", "America/Los_Angeles"), "1 mar 2027", "1 mar 2027, 22:30 PST"),
    ],
)
def test_times_are_those_of_who_reads_it(reader: Reader, day: str, moment: str) -> None:
    at = dt.datetime(2027, 3, 2, 6, 30, tzinfo=dt.UTC)
    with unit_of_work():
        queue_mail("ana@cast.example", "meeting", reader=reader, at=at)
    mail = session.scalars(select(OutgoingMail)).one()
    assert (mail.subject, mail.body_text.replace("\u202f", " ")) == (day, moment)


@pytest.mark.parametrize(
    "name",
    [
        "[free money](https://evil.example)",
        "<https://evil.example/>",
        "<a href='https://evil.example'>x</a>",
        "![](https://evil.example/pixel.png)",
        "<script>alert(1)</script>",
        "<http://127.0.0.1:8000.evil.example/>",
    ],
)
def test_nobody_plants_a_link_in_a_message(app: Flask, name: str) -> None:
    html = html_of(f"{name} asks to join.\n\n> {name}")

    assert "<a " not in html
    assert "<img" not in html
    assert "<script" not in html


@pytest.mark.usefixtures("_templates")
def test_a_name_with_a_line_break_adds_no_header(app: Flask) -> None:
    mail = queued(name="Ana\r\nBcc: everybody@evil.example", note="", url="")

    assert "\n" not in mail.subject
    assert "\r" not in mail.subject


def test_every_message_has_a_subject_and_a_body(app: Flask) -> None:
    from pathlib import Path

    folder = Path(app.template_folder or "") / "email"
    for path in folder.iterdir():
        if path.is_dir():
            assert {item.name for item in path.iterdir()} == {"subject.txt", "body.txt"}, path
