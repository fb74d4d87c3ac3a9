"""Threads: who takes part, who is named to whom, what is unread, and who can no longer write."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from portal.bookings.models.booking import Booking
from portal.bookings.queries.bookings import get_booking
from portal.conversations import services
from portal.conversations.models import Block, Message, Thread, ThreadParty
from portal.conversations.queries import lists, messages, moderation, sections, threads
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound, PortalError, TooMany
from portal.organizations.models import Membership, Organization
from portal.organizations.queries.profiles import get_organization
from portal.partnerships.queries.responses import get_response
from portal.partnerships.services.responses import act_on_response
from tests.cast import World
from tests.conversations.conftest import ActorOf, Say
from tests.support.statements import count_statements

ThreadOf = Callable[..., Thread]


def lines(actor: ActorOf, name: str, **options: Any) -> list[str]:
    return [line.title for line in lists.list_talks(actor(name), **options).items]


@pytest.mark.parametrize(
    ("name", "refusal"),
    [("eve", NotFound), ("dov", NotFound), ("root", NotFound), ("nobody", NotFound)],
)
def test_only_people_of_a_party_write_and_read(
    actor: ActorOf, world: World, thread: ThreadOf, name: str, refusal: type[PortalError]
) -> None:
    with pytest.raises(refusal):
        services.post_message(actor(name), thread(), text="Hello")
    with pytest.raises(refusal):
        threads.get_talk(actor(name), world.threads["shop_college"])
    assert lines(actor, name, words="Fridays") == []


def test_who_may_not_read_what_a_thread_is_about_writes_nothing_in_it(
    actor: ActorOf, thread: ThreadOf
) -> None:
    """As a token that has the scope to write, but none to read."""
    writes_only = replace(actor("ben"), scopes=frozenset({"conversations:write"}))
    with pytest.raises(NotFound):
        services.post_message(writes_only, thread(), text="Hello")


def test_a_thread_begins_with_the_first_message_about_a_record(
    actor: ActorOf, world: World
) -> None:
    booking = get_booking(world.bookings["ben_on_college_mill"])
    first = services.write_about(actor("cleo"), booking, subject="booking", text="Bring gloves.")
    second = services.write_about(actor("ana"), booking, subject="booking", text="We do.")

    assert first.thread_id == second.thread_id
    talk = threads.get_talk(actor("ben"), first.thread_id)
    assert [party.name for party in talk.others] == ["Falls City Community College"]
    assert talk.title.startswith("College public mill, ")


def test_the_parties_of_a_thread_are_those_of_its_subject(actor: ActorOf, world: World) -> None:
    """Whoever takes part no more reads nothing; whoever comes reads all with the next message."""
    number = world.bookings["ben_on_college_mill"]
    first = services.write_about(
        actor("ben"), get_booking(number), subject="booking", text="Can we come earlier?"
    )
    with unit_of_work():
        session.get_one(Booking, number).organization_id = world.organizations["aero"]
    session.expire_all()
    with pytest.raises(NotFound):
        threads.get_talk(actor("ana"), first.thread_id)

    services.write_about(actor("cleo"), get_booking(number), subject="booking", text="Yes.")
    assert len(messages.list_messages(threads.get_talk(actor("eve"), first.thread_id)).items) == 2
    shown = messages.list_messages(threads.get_talk(actor("eve"), first.thread_id)).items[-1]
    assert (shown.person, shown.organization) == ("", "Somebody who takes no part any more")
    assert lines(actor, "ana", words="earlier") == []


@pytest.mark.parametrize("name", ["eve", "root"])
def test_nobody_else_opens_a_thread(actor: ActorOf, world: World, name: str) -> None:
    booking = get_booking(world.bookings["ben_on_college_mill"])
    with pytest.raises(PortalError):
        services.write_about(actor(name), booking, subject="booking", text="Hello")
    assert session.scalar(select(Thread.id).where(Thread.subject == "booking")) is None


def test_the_organization_keeps_the_thread_when_its_people_change(
    actor: ActorOf, world: World
) -> None:
    with unit_of_work():
        session.delete(session.get_one(Membership, world.memberships["ben_shop"]))
        session.add(
            Membership(
                organization_id=world.organizations["shop"],
                user_id=world.users["eve"],
                role="member",
            )
        )
    with pytest.raises(NotFound):
        threads.get_talk(actor("ben"), world.threads["shop_college"])
    talk = threads.get_talk(actor("eve"), world.threads["shop_college"])
    assert [message.person for message in messages.list_messages(talk).items] == ["Cleo", "Ben"]


def test_before_a_response_is_accepted_an_anonymous_side_has_no_names(
    actor: ActorOf, world: World, anonymous: None, say: Say
) -> None:
    say("ben", "Ask @Ana or @Cleo.")
    say("cleo", "I ask @Ben and @Ana.")
    talk = threads.get_talk(actor("cleo"), world.threads["shop_college"])
    shown = messages.list_messages(talk).items

    assert [party.name for party in talk.others] == ["The organization that posted the request"]
    assert [(item.organization, item.person) for item in shown if not item.is_own] == [
        ("The organization that posted the request", "")
    ] * 2
    # Whom the hidden side calls is theirs to know; whom they call of the other is not hidden.
    assert [item.calls for item in shown[:2]] == [[], ["Cleo"]]
    inside = messages.list_messages(threads.get_talk(actor("ana"), talk.thread.id))  # type: ignore[union-attr]
    assert [item.person for item in inside.items] == ["Cleo", "Ben", "Cleo", "Ben"]

    act_on_response(actor("ana"), get_response(world.responses["college_to_shop"]), "accept")
    session.expire_all()
    talk = threads.get_talk(actor("cleo"), world.threads["shop_college"])
    assert [party.name for party in talk.others] == ["Ana's Machine Shop"]
    assert {item.person for item in messages.list_messages(talk).items} == {"Ben", "Cleo"}


def test_an_empty_message_is_refused(say: Say) -> None:
    with pytest.raises(Invalid, match="write something"):
        say("ben", " \n ")


def test_who_belongs_to_both_sides_says_for_which_one_they_write(
    actor: ActorOf, world: World, say: Say
) -> None:
    with unit_of_work():
        session.add(
            Membership(
                organization_id=world.organizations["college"],
                user_id=world.users["ben"],
                role="member",
            )
        )
    message = say("ben", "For the college.", organization_id=world.organizations["college"])
    assert message.organization_id == world.organizations["college"]
    with pytest.raises(Invalid):
        say("ben", "For others.", organization_id=world.organizations["aero"])


def test_messages_of_others_are_unread_until_the_page_is_opened(
    actor: ActorOf, world: World, thread: ThreadOf, say: Say
) -> None:
    newest = say("cleo", "One more thing.").id
    [item] = lists.list_unread(actor("ana"), 10)
    assert item.detail == "Falls City Community College"
    assert lists.list_unread(actor("cleo"), 10)[0].url.endswith(str(world.threads["college_aero"]))
    assert [line.unread for line in lists.list_talks(actor("ana")).items] == [3]

    services.note_read(actor("ana"), thread(), message_id=newest)

    assert lists.list_unread(actor("ana"), 10) == []
    assert lines(actor, "ana", is_unread=True) == []
    say("cleo", "And another.")
    assert [line.unread for line in lists.list_talks(actor("ana")).items] == [1]
    # Nothing is read ahead.
    services.mark_read(actor("ana"), thread(), message_id=2_000_000)
    say("cleo", "The last one.")
    assert [line.unread for line in lists.list_talks(actor("ana")).items] == [1]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("fridays", True),
        ("FREE fridays", True),
        ("need", True),
        ("100%", False),
        ("mondays", False),
    ],
)
def test_threads_are_found_by_words_of_their_messages_and_titles(
    actor: ActorOf, say: Say, words: str, found: bool
) -> None:
    say("ben", "Thank you.")
    assert bool(lines(actor, "cleo", words=words)) is found
    assert lines(actor, "eve", words=words) == []


def test_a_list_of_threads_takes_as_many_statements_for_many_as_for_few(
    actor: ActorOf, world: World
) -> None:
    cleo = actor("cleo")
    session.commit()
    with count_statements() as few:
        assert len(lists.list_talks(cleo).items) == 2
    with unit_of_work():
        booking = get_booking(world.bookings["ben_on_college_mill"])
        for number in range(6):
            thread = Thread(subject="booking", subject_id=booking.id + number, title="x")
            session.add(thread)
            session.flush()
            session.add_all(
                ThreadParty(thread_id=thread.id, organization_id=world.organizations[name])
                for name in ("shop", "college")
            )
            for text in ("One", "Two"):
                session.add(
                    Message(
                        thread_id=thread.id,
                        organization_id=world.organizations["shop"],
                        author_id=world.users["ben"],
                        text=text,
                    )
                )
    session.commit()
    with count_statements() as many:
        # Of what is no longer there nothing is listed.
        assert len(lists.list_talks(cleo).items) == 3
    # One more, for the bookings: each kind of subject is read once.
    assert many.count == few.count + 1


# Blocks


def test_neither_side_of_a_block_writes_until_it_is_lifted(
    actor: ActorOf, world: World, thread: ThreadOf, say: Say
) -> None:
    college = world.organizations["college"]
    services.block_party(actor("ana"), thread(), organization_id=college)
    services.block_party(actor("ana"), thread(), organization_id=college)
    with pytest.raises(Conflict, match="takes no more messages"):
        say("cleo", "Hello?")
    with pytest.raises(Conflict, match="has blocked"):
        say("ben", "Hello?")
    # It holds wherever the two know each other.
    with pytest.raises(Conflict):
        services.write_to_organization(
            actor("cleo"), get_organization(world.organizations["shop"]), text="Hello?"
        )
    assert [block.blocked for block in moderation.list_blocks(actor("ana"))] == [
        "Prairie Aero Composites",
        "Falls City Community College",
    ]
    assert moderation.list_blocks(actor("ben")) == []

    services.unblock_party(actor("ana"), thread(), organization_id=college)
    say("cleo", "Hello again.")


@pytest.mark.parametrize("name", ["ben", "eve"])
def test_only_managers_of_a_side_block(
    actor: ActorOf, world: World, thread: ThreadOf, name: str
) -> None:
    with pytest.raises((Forbidden, NotFound)):
        services.block_party(actor(name), thread(), organization_id=world.organizations["college"])


def test_blocking_an_anonymous_side_tells_nothing_of_who_it_is(
    actor: ActorOf, world: World, anonymous: None, thread: ThreadOf, say: Say
) -> None:
    """What happens elsewhere to the one that is behind it must not show here, nor the reverse."""
    shop = world.organizations["shop"]
    services.block_party(actor("cleo"), thread(), organization_id=shop)
    [block] = session.scalars(
        select(Block).where(Block.organization_id == world.organizations["college"])
    )
    assert block.thread_id == thread().id
    [shown] = moderation.list_blocks(actor("cleo"))
    assert shown.blocked == ""
    with pytest.raises(Conflict):
        say("ana", "Hello?")
    # In the open the two still write to each other.
    sent = services.write_to_organization(actor("cleo"), get_organization(shop), text="Hello")

    services.lift_block(actor("cleo"), moderation.get_block(block.id))
    services.block_party(actor("cleo"), threads.get_thread(sent.thread_id), organization_id=shop)
    say("cleo", "Still nothing to see here.")


# Writing to an organization


def test_two_organizations_have_one_thread_whoever_begins(actor: ActorOf, world: World) -> None:
    shop, college = (get_organization(world.organizations[name]) for name in ("shop", "college"))
    first = services.write_to_organization(actor("ana"), college, text="Hello")
    second = services.write_to_organization(actor("cleo"), shop, text="Hello yourself")
    assert first.thread_id == second.thread_id


def test_where_nobody_reads_nobody_writes(actor: ActorOf, world: World) -> None:
    empty = get_organization(world.organizations["unclaimed"])
    assert sections.contact_section(actor("ana"), empty) is None
    with pytest.raises(Conflict):
        services.write_to_organization(actor("ana"), empty, text="Hello")


def test_for_an_archived_organization_nobody_writes(actor: ActorOf, world: World) -> None:
    with unit_of_work():
        session.get_one(Organization, world.organizations["shop"]).status = "archived"
    college = get_organization(world.organizations["college"])
    with pytest.raises(Invalid, match="archived"):
        services.write_to_organization(actor("ana"), college, text="Hello")


def test_whom_the_shop_blocked_cannot_begin_anew(actor: ActorOf, world: World) -> None:
    shop = get_organization(world.organizations["shop"])
    with pytest.raises(Conflict):
        services.write_to_organization(actor("eve"), shop, text="Hello")
    assert session.scalar(select(Thread.id).where(Thread.title.contains("Prairie Aero"))) is None


def test_a_person_does_not_write_to_everybody(
    actor: ActorOf, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST_NEW_CONTACTS", 1)
    services.write_to_organization(
        actor("ana"), get_organization(world.organizations["college"]), text="Hello"
    )
    with unit_of_work():
        other = Organization(name="Other", match_key="other", kind="sme")
        session.add(other)
        session.flush()
        session.add(Membership(organization_id=other.id, user_id=world.users["cleo"], role="owner"))
    with pytest.raises(TooMany):
        services.write_to_organization(actor("ana"), get_organization(other.id), text="Hello")


# Reports


def test_who_decides_a_report_hides_the_message_from_everybody(
    actor: ActorOf, world: World, mails: list[dict[str, Any]], drain: Callable[[], None]
) -> None:
    report = moderation.get_visible_report(actor("dov"), world.message_reports["cleo_on_ben"])
    services.act_on_report(actor("dov"), report, "uphold", note="Not here.")
    drain()

    talk = threads.get_talk(actor("cleo"), world.threads["shop_college"])
    hidden = messages.list_messages(talk).items[-1]
    assert (hidden.is_hidden, hidden.text) == (True, "")
    assert lines(actor, "cleo", words="Fridays") == []
    [mail] = mails
    assert mail["to"] == "cleo@cast.example"
    assert "hidden now" in mail["text"]
    assert "> Not here." in mail["text"]


@pytest.mark.parametrize("name", ["ana", "cleo", "eve"])
def test_the_sides_do_not_decide_reports(actor: ActorOf, world: World, name: str) -> None:
    with pytest.raises(NotFound):
        moderation.get_visible_report(actor(name), world.message_reports["cleo_on_ben"])


@pytest.mark.parametrize("side", ["shop", "college"])
def test_a_broker_who_belongs_to_a_side_neither_decides_a_report_nor_hears_of_it(
    actor: ActorOf, world: World, side: str
) -> None:
    """The note that goes with a report is not for the side that wrote the message."""
    with unit_of_work():
        session.add(
            Membership(
                organization_id=world.organizations[side], user_id=world.users["dov"], role="member"
            )
        )
    report = moderation.find_report(world.message_reports["cleo_on_ben"])
    assert report is not None
    assert world.users["dov"] not in {person.id for person in moderation.deciders_of(report)}
    assert moderation.list_open_reports(actor("dov"), 10) == []
    with pytest.raises(NotFound):
        moderation.get_visible_report(actor("dov"), report.id)


def test_a_report_reaches_the_brokers_without_words_and_once(
    actor: ActorOf, world: World, mails: list[dict[str, Any]], drain: Callable[[], None]
) -> None:
    _talk, message = messages.get_message(actor("ana"), world.messages["cleo_in_shop_college"])
    services.report_message(actor("ana"), message, reason="spam")
    with pytest.raises(Conflict):
        services.report_message(actor("ben"), message, reason="fraud")
    drain()
    [mail] = mails
    assert mail["to"] == "dov@cast.example"
    assert "Until four" not in mail["text"]
    assert "Machine Shop" not in mail["text"]
    assert len(moderation.list_open_reports(actor("dov"), 10)) == 2


def test_one_does_not_report_ones_own_side(actor: ActorOf, world: World) -> None:
    _talk, message = messages.get_message(actor("ana"), world.messages["ben_in_shop_college"])
    with pytest.raises(Forbidden):
        services.report_message(actor("ana"), message, reason="spam")
