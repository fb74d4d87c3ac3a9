"""Threads, reports and blocks."""

from portal.conversations.models import (
    Block,
    Message,
    MessageReport,
    OrganizationContact,
    Thread,
    ThreadParty,
)
from portal.kernel.database import session
from portal.webhooks.models import Webhook
from tests.cast import World


def add_conversations(world: World) -> None:
    """The shop and the college talk about the college's response; Cleo has reported Ben's words.

    The shop wants nothing of the aero firm, which has written to the college.
    """
    shop, college, aero = (world.organizations[name] for name in ("shop", "college", "aero"))
    first, second = sorted((college, aero))
    contact = OrganizationContact(first_organization_id=first, second_organization_id=second)
    session.add(contact)
    session.flush()
    for name, subject, subject_id, parties, words in (
        (
            "shop_college",
            "response",
            world.responses["college_to_shop"],
            (shop, college),
            (("ben", shop, "How long is it free on Fridays?"), ("cleo", college, "Until four.")),
        ),
        ("college_aero", "organization", contact.id, (college, aero), (("eve", aero, "Hello."),)),
    ):
        thread = Thread(subject=subject, subject_id=subject_id, title=name)
        session.add(thread)
        session.flush()
        world.threads[name] = thread.id
        session.add_all(ThreadParty(thread_id=thread.id, organization_id=row) for row in parties)
        for person, organization_id, text in words:
            message = Message(
                thread_id=thread.id,
                organization_id=organization_id,
                author_id=world.users[person],
                text=text,
            )
            session.add(message)
            session.flush()
            world.messages[f"{person}_in_{name}"] = message.id
    report = MessageReport(
        message_id=world.messages["ben_in_shop_college"],
        organization_id=college,
        reported_by_id=world.users["cleo"],
        reason="other",
        note="He should ask by telephone.",
    )
    block = Block(
        organization_id=shop, blocked_organization_id=aero, created_by_id=world.users["ana"]
    )
    # Paused: no test sends anything to somebody out there.
    webhook = Webhook(
        organization_id=shop,
        url="https://hooks.example/commons",
        kinds=["response.accepted"],
        secret="whsec_dGhlIHNlY3JldCBvZiB0aGUgc2hvcA==",
        is_active=False,
    )
    session.add_all([report, block, webhook])
    session.flush()
    world.webhooks["shop"] = webhook.id
    world.message_reports["cleo_on_ben"] = report.id
    world.blocks["aero_by_shop"] = block.id
