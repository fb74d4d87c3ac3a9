"""Whoever sends a form reads at once what the form refuses and what its command would."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.cast import World
from tests.support.forms import filled

ClientOf = Callable[[str], FlaskClient]

#: Where a form is, by whom, what is sent, and what is said of it.
NAME = "Please fill this in."
ZIP_CODE = "We do not know this ZIP code."
CAPABILITY = "We do not know “zymurgy”."
FORMS = [
    ("/equipment/new", "ana", {"name": ""}, (NAME, ZIP_CODE, CAPABILITY)),
    ("/facilities/new", "ana", {"name": ""}, (NAME, ZIP_CODE, CAPABILITY)),
    ("/organizations/register", "ana", {"name": ""}, (NAME, ZIP_CODE, CAPABILITY)),
    # The form itself refuses nothing here: it is the command that would say one at a time.
    ("/organizations/register", "ana", {"name": "A new name"}, (ZIP_CODE, CAPABILITY)),
    (
        "/requests/new",
        "ana",
        {"title": "", "kind": "technology", "direction": "need"},
        (NAME, ZIP_CODE, CAPABILITY, "Please say in a sentence or two what this is about."),
    ),
    (
        "/training/programs/new",
        "cleo",
        {"title": "", "skills": "zymurgy", "kind": "apprenticeship"},
        (NAME, CAPABILITY, "An apprenticeship names its sponsor"),
    ),
]


@pytest.mark.parametrize(("url", "person", "typed", "said"), FORMS)
def test_all_that_is_wrong_is_said_at_once(
    world: World,
    client_of: ClientOf,
    url: str,
    person: str,
    typed: dict[str, str],
    said: tuple[str, ...],
) -> None:
    client = client_of(person)
    sent = {**filled(client.get(url).text), "zip_code": "00000", "capabilities": "zymurgy", **typed}
    refused = client.post(url, data=sent)
    assert refused.status_code == 422
    for words in said:
        assert refused.text.count(words) == 2, f"{words} above the form, and at its field"
