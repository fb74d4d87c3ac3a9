"""What the tests of conversations share: threads of the cast, and hiding who posted a request."""

from collections.abc import Callable
from typing import Any

import pytest

from portal.conversations.models import Message, Thread
from portal.conversations.queries import threads
from portal.conversations.services import post_message
from portal.kernel.authorization import Actor
from portal.kernel.database import session, unit_of_work
from portal.partnerships.models import Request
from tests.cast import World
from tests.partnerships.conftest import mails as mails  # noqa: PLC0414 (a fixture)

ActorOf = Callable[[str], Actor]
Say = Callable[..., Message]


@pytest.fixture
def thread(world: World) -> Callable[..., Thread]:
    """Return a thread of the cast: of the shop and the college, if no other is named."""
    return lambda name="shop_college": threads.get_thread(world.threads[name])


@pytest.fixture
def say(actor: ActorOf, thread: Callable[..., Thread]) -> Say:
    """Let one of the cast write in the thread of the shop and the college."""

    def write(name: str, text: str, **more: Any) -> Message:
        return post_message(actor(name), thread(), text=text, **more)

    return write


@pytest.fixture
def anonymous(world: World) -> None:
    """Make the request of the shop, to which the college has responded, anonymous."""
    with unit_of_work():
        request = session.get_one(Request, world.requests["shop_public"])
        request.is_anonymous, request.anonymous_summary = True, "A shop seeks a machine."
