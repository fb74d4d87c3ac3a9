"""The firm that pays and the provider talk about an enrollment; nobody else reads along."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from portal.conversations import services as conversations
from portal.conversations.queries.threads import Thread
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.training.services import enrollments as services
from tests.training.conftest import ActorOf, OpenSection, OrganizationOf, again

ClientOf = Callable[[str], FlaskClient]


def test_firm_and_provider_talk_about_an_enrollment(
    actor: ActorOf,
    open_section: OpenSection,
    organization_of: OrganizationOf,
    client_of: ClientOf,
) -> None:
    row = services.enroll(actor("ana"), open_section(), for_organization=organization_of("shop"))
    conversations.write_about(
        actor("ana"), again(row), subject="enrollment", text="May she bring her own drawing?"
    )
    conversations.write_about(actor("cleo"), again(row), subject="enrollment", text="Please do.")

    page = client_of("cleo").get(f"/training/enrollments/{row.id}").text
    assert "May she bring her own drawing?" in page
    assert "Please do." in client_of("ana").get(f"/training/enrollments/{row.id}").text
    thread = session.query(Thread).where(Thread.subject == "enrollment").one()
    assert thread.title.startswith("College public milling course, ")
    for name in ("ben", "eve"):
        with pytest.raises(NotFound):
            conversations.write_about(actor(name), again(row), subject="enrollment", text="Hello")


def test_who_pays_alone_has_no_organization_to_talk_for(
    actor: ActorOf, open_section: OpenSection, client_of: ClientOf
) -> None:
    row = services.enroll(actor("eve"), open_section())

    for name in ("eve", "cleo"):
        page = client_of(name).get(f"/training/enrollments/{row.id}").text
        assert ">Conversation<" not in page
