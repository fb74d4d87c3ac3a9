"""Pages of records carry them as JSON-LD, whatever people have written into them."""

import json
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient

from portal.kernel.database import session, unit_of_work
from portal.training.models.programs import Program
from tests.cast import World

ClientOf = Callable[[str], FlaskClient]


class _Reader(HTMLParser):
    """What a browser takes for the JSON-LD of a page: up to the first end of the element."""

    def __init__(self) -> None:
        super().__init__()
        self.is_inside = False
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_inside = tag == "script" and ("type", "application/ld+json") in attrs

    def handle_data(self, data: str) -> None:
        if self.is_inside:
            self.found.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.is_inside = False


def data_in(text: str) -> Any:
    reader = _Reader()
    reader.feed(text)
    assert len(reader.found) == 1
    return json.loads(reader.found[0])


def test_every_record_page_carries_what_its_linked_data_says(
    client_of: ClientOf, world: World
) -> None:
    nobody = client_of("nobody")
    pages = {
        f"/training/programs/{world.programs['college_public']}": ["Course", "ceterms:Course"],
        f"/training/sections/{world.sections['open']}": "CourseInstance",
        f"/organizations/{world.organizations['shop']}": "Corporation",
        f"/facilities/{world.facilities['shop_public']}": "Place",
        f"/equipment/{world.equipment['shop_public']}": "Product",
    }
    for url, kind in pages.items():
        data = data_in(nobody.get(url).text)
        assert data["@type"] == kind
        assert data == nobody.get(f"{url}.jsonld").json


def test_a_request_is_a_demand_of_its_organization(client_of: ClientOf, world: World) -> None:
    data = data_in(client_of("nobody").get(f"/requests/{world.requests['shop_public']}").text)

    assert data["@type"] == "Demand"
    assert data["@reverse"]["seeks"]["@id"].endswith(
        f"/organizations/{world.organizations['shop']}"
    )


def test_what_people_write_does_not_end_the_data_of_a_page(
    client_of: ClientOf, world: World
) -> None:
    title = "A </script><script>alert(1)</script><!-- & 'course'"
    with unit_of_work():
        session.get_one(Program, world.programs["college_public"]).title = title

    text = client_of("nobody").get(f"/training/programs/{world.programs['college_public']}").text

    assert data_in(text)["name"] == title
    assert "<script>alert" not in text
