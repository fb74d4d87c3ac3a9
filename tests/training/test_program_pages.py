"""Forms of programs: added, kept as draft, changed, copied, confirmed, hidden and deleted."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.kernel.database import session
from portal.training.models.programs import Program
from portal.training.queries.programs import get_program
from tests.cast import World

ClientOf = Callable[[str], FlaskClient]


@pytest.fixture
def cleo(client_of: ClientOf) -> FlaskClient:
    return client_of("cleo")


@pytest.fixture
def add(cleo: FlaskClient, world: World) -> Callable[..., str]:
    """Return the address of a program that the college has just added."""

    def make(**values: Any) -> str:
        answer = cleo.post(
            "/training/programs/new",
            data={
                "organization_id": world.organizations["college"],
                "title": "TIG welding of thin tube",
                "kind": "course",
                "delivery": "in_person",
                "language": "en",
                "visibility": "public",
                "skills": "MIG welding",
                **values,
            },
        )
        assert answer.status_code == 303
        return answer.headers["Location"]

    return make


def program_at(url: str) -> Program:
    session.expire_all()
    return get_program(int(url.rsplit("/", 1)[1]))


def test_a_program_is_added_and_seen_by_everybody(client_of: ClientOf, add: Any) -> None:
    url = add(cost_cents="250")

    text = client_of("nobody").get(url).text
    assert "TIG welding of thin tube" in text
    assert "$250" in text
    assert program_at(url).cost_cents == 25_000


def test_a_draft_is_seen_by_nobody_else_until_it_is_published(
    client_of: ClientOf, cleo: FlaskClient, add: Any
) -> None:
    url = add(action="draft")
    assert client_of("nobody").get(url).status_code == 404
    assert client_of("ana").get(url).status_code == 404
    assert "TIG welding of thin tube" in cleo.get(f"{url}/edit").text

    cleo.post(f"{url}/visibility", data={"visibility": "public"})

    assert client_of("nobody").get(url).status_code == 200


def test_a_title_that_is_missing_is_asked_for_and_nothing_is_lost(
    cleo: FlaskClient, world: World
) -> None:
    refused = cleo.post(
        "/training/programs/new",
        data={
            "organization_id": world.organizations["college"],
            "kind": "course",
            "delivery": "in_person",
            "language": "en",
            "visibility": "public",
            "prerequisites": "Two years at a mill.",
        },
    )

    assert refused.status_code == 422
    assert "Two years at a mill." in refused.text
    assert session.scalar(select(Program).where(Program.title == "")) is None


def test_nobody_adds_a_program_in_anothers_name(client_of: ClientOf, world: World) -> None:
    refused = client_of("ana").post(
        "/training/programs/new",
        data={
            "organization_id": world.organizations["college"],
            "title": "Not theirs",
            "kind": "course",
            "delivery": "in_person",
            "language": "en",
            "visibility": "public",
        },
    )

    assert refused.status_code in (403, 422)
    assert session.scalar(select(Program).where(Program.title == "Not theirs")) is None


def test_a_program_is_changed_and_copied_as_a_draft(cleo: FlaskClient, add: Any) -> None:
    url = add()
    changed = cleo.post(
        f"{url}/edit",
        data={
            "title": "TIG welding of thick tube",
            "kind": "workshop",
            "delivery": "in_person",
            "language": "es",
            "visibility": "members",
        },
    )
    assert (changed.status_code, changed.headers["Location"]) == (303, url)
    program = program_at(url)
    assert (program.kind, program.language, program.visibility) == ("workshop", "es", "members")

    copied = cleo.post(f"{url}/copy").headers["Location"].removesuffix("/edit")

    copy = program_at(copied)
    assert (copy.kind, copy.visibility) == ("workshop", "draft")
    assert copy.title == "TIG welding of thick tube (copy)"
    assert copy.id != program.id


def test_programs_are_confirmed_one_by_one_and_together(
    cleo: FlaskClient, world: World, add: Any
) -> None:
    url = add()
    program = program_at(url)
    program_id, college = program.id, world.organizations["college"]

    assert cleo.post(f"{url}/confirm").headers["Location"] == url
    assert "You confirmed “TIG welding of thin tube”." in cleo.get(url).text

    together = {"organization_id": college, "program_ids": [program_id]}
    back = cleo.post("/training/mine/confirm", data=together).headers["Location"]
    assert "1 program was confirmed." in cleo.get(back).text
    cleo.post("/training/mine/confirm", data={"organization_id": college})
    assert "Nothing was chosen, so nothing was confirmed." in cleo.get(back).text


def test_hiding_and_archiving_can_be_taken_back(
    client_of: ClientOf, cleo: FlaskClient, add: Any
) -> None:
    url = add()
    cleo.post(f"{url}/visibility", data={"visibility": "organization"})
    assert client_of("nobody").get(url).status_code == 404
    assert cleo.post(f"{url}/visibility", data={"visibility": "all"}).status_code == 422
    cleo.post(f"{url}/visibility", data={"visibility": "public"})

    cleo.post(f"{url}/archive")
    assert program_at(url).is_archived
    assert "TIG welding of thin tube" not in client_of("nobody").get("/training").text

    cleo.post(f"{url}/restore")
    assert not program_at(url).is_archived
    assert "TIG welding of thin tube" in client_of("nobody").get("/training").text


def test_a_program_never_held_is_deleted_once_that_is_confirmed(
    cleo: FlaskClient, add: Any
) -> None:
    url = add()
    assert "Nobody can get it back." in cleo.post(f"{url}/delete").text
    assert cleo.get(url).status_code == 200

    gone = cleo.post(f"{url}/delete", data={"confirmed": "yes"})

    assert gone.status_code == 303
    assert cleo.get(url).status_code == 404


def test_a_program_is_linked_data_with_its_open_sections(client_of: ClientOf, world: World) -> None:
    url = f"/training/programs/{world.programs['college_public']}.jsonld"

    answer = client_of("nobody").get(url)

    assert answer.mimetype == "application/ld+json"
    assert f"/training/sections/{world.sections['open']}" in answer.text


def test_a_list_says_what_it_is_narrowed_to(client_of: ClientOf, world: World) -> None:
    text = client_of("nobody").get("/training?delivery=in_person&kind=course").text

    assert "In person" in text
