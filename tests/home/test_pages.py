"""The first page, the desk, region pages and administration as each of the cast meets them."""

import datetime as dt
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.kernel.clock import now
from portal.kernel.database import session, unit_of_work
from portal.kernel.mail import OutgoingMail
from tests.cast import World

pytestmark = pytest.mark.usefixtures("indexed")


def test_a_visitor_sees_what_is_shared_and_three_doors(
    client_of: Callable[[str], FlaskClient],
) -> None:
    text = client_of("nobody").get("/").text

    for words in ("I need…", "I offer…", "Look around", "Shop public mill", "College public need"):
        assert words in text
    for words in ("organization mill", "members mill", "draft mill"):
        assert words not in text


def test_whoever_is_signed_in_starts_at_the_desk(
    client_of: Callable[[str], FlaskClient],
) -> None:
    response = client_of("ana").get("/")

    assert response.headers["Location"] == "/desk"
    assert "I need…" in client_of("ana").get("/welcome").text


def test_the_desk_shows_the_response_that_waits_for_its_receiver_only(
    client_of: Callable[[str], FlaskClient],
) -> None:
    assert "responded to “Shop public need”" in client_of("ana").get("/desk").text
    for name in ("ben", "cleo", "eve", "dov"):
        assert "responded to “Shop public need”" not in client_of(name).get("/desk").text


def test_somebody_without_an_organization_is_led_to_one(
    client_of: Callable[[str], FlaskClient],
) -> None:
    text = client_of("dov").get("/desk").text

    assert "You do not belong to an organization yet" in text
    dov = client_of("dov")
    way = dov.get("/offer").headers["Location"]
    assert way == "/organizations/register?next=/offer"
    firm = {"name": "Bluegrass Gauge", "kind": "sme"}
    assert dov.post(way, data=firm).headers["Location"] == "/offer", "and on to what it offers"


def test_the_desk_of_a_college_begins_with_a_program(
    client_of: Callable[[str], FlaskClient],
) -> None:
    assert "Add a program" in client_of("cleo").get("/desk").text
    assert "Add a program" not in client_of("ana").get("/desk").text


def test_the_desk_of_a_broker_leads_to_the_region(
    client_of: Callable[[str], FlaskClient],
) -> None:
    way = 'href="/regions/greater-louisville"'

    assert way in client_of("dov").get("/desk").text
    assert way not in client_of("ana").get("/desk").text


def test_a_broker_verifies_the_organizations_of_the_region_on_the_desk(
    client_of: Callable[[str], FlaskClient], world: World
) -> None:
    dov, words = client_of("dov"), "Organizations to verify"
    text = dov.get("/desk").text
    waiting = text[text.index(words) :].partition("</section>")[0]
    assert waiting.index("Ana&#39;s Machine Shop") < waiting.index("Falls City Community College")
    assert "Prairie Aero Composites" not in text, "it stands in another region"
    assert "Ohio Valley Institute" not in waiting, "nobody represents it yet"
    for name in ("ana", "eve", "root"):
        assert words not in client_of(name).get("/desk").text

    address = f"/organizations/{world.organizations['shop']}/actions/verify"
    assert f'action="{address}"' in text
    reply = dov.post(address, data={"next": "/desk"})
    assert reply.headers["Location"] == "/desk"
    text = dov.get("/desk").text
    assert "was marked as verified." in text
    assert "/actions/withdraw-verification" in text, "with a way back"
    assert f'action="{address}"' not in text


def test_a_region_page_shows_what_its_counties_share_and_nothing_else(
    client_of: Callable[[str], FlaskClient],
) -> None:
    text = client_of("nobody").get("/regions/greater-louisville").text

    assert "Shop public mill" in text
    assert "Aero public mill" not in text
    assert "members mill" not in text
    assert "members mill" in client_of("ana").get("/regions/greater-louisville").text


def test_an_unknown_region_is_not_found_and_offers_search(
    client_of: Callable[[str], FlaskClient],
) -> None:
    response = client_of("nobody").get("/regions/atlantis")

    assert response.status_code == 404
    assert 'role="search"' in response.text


def test_administrators_see_that_mail_cannot_be_sent(
    app: Flask, client_of: Callable[[str], FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAIL_URL", "smtp://127.0.0.1:1")
    assert "All e-mail was sent." in client_of("root").get("/administration").text
    day = dt.timedelta(days=1)
    with unit_of_work():
        for number, (age, failed_at) in enumerate(
            [(3 * day, None), (day, None), (day / 30, None), (2 * day, now() - day)]
        ):
            session.add(
                OutgoingMail(
                    recipient="ana@cast.example",
                    subject="Secret subject",
                    body_text="",
                    body_html="",
                    message_id=f"<{number}@portal>",
                    created_at=now() - age,
                    failed_at=failed_at,
                )
            )
    for path in ("/administration", "/desk"):
        page = client_of("root").get(path).text
        assert "2 e-mails have waited for more than an hour to be sent" in page
        assert "1 e-mail was refused and is not tried again" in page
        assert "ana@cast" not in page
        assert "Secret subject" not in page
        assert "e-mails have waited" not in client_of("dov").get(path).text


@pytest.mark.parametrize(
    ("name", "shown", "hidden"),
    [
        ("root", ["/administration/users", "/administration/regions"], []),
        ("dov", [], ["/administration/users"]),
    ],
)
def test_administration_lists_what_one_may_administer(
    client_of: Callable[[str], FlaskClient], name: str, shown: list[str], hidden: list[str]
) -> None:
    text = client_of(name).get("/administration").text

    for address in shown:
        assert f'href="{address}"' in text
    for address in hidden:
        assert f'href="{address}"' not in text


def test_help_is_there_in_two_languages(client_of: Callable[[str], FlaskClient]) -> None:
    client = client_of("nobody")
    english = client.get("/help").text
    client.get("/language/es")
    spanish = client.get("/help").text

    assert '<html lang="en"' in english
    assert '<html lang="es"' in spanish


def test_the_page_of_a_world_with_nothing_to_find_still_opens(
    world: World, client_of: Callable[[str], FlaskClient]
) -> None:
    text = client_of("nobody").get("/regions/wichita").text

    assert "Sedgwick" in text
