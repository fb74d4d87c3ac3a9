"""What conversations plug into the app."""

from flask_babel import lazy_gettext as _l

from portal.conversations import api, events, reactions, services, views
from portal.conversations.models import OrganizationContact
from portal.conversations.policies import Permission, policy
from portal.conversations.queries import lists, moderation, sections, telling, threads
from portal.kernel.authorization import SYSTEM
from portal.kernel.manifest import (
    DeskSection,
    Job,
    Manifest,
    NavigationItem,
    Party,
    RecordSection,
    ThreadSubject,
    Together,
)
from portal.kernel.outbox import Reaction
from portal.kernel.web.addresses import path_of


def _parties(contact: OrganizationContact) -> tuple[Party, ...]:
    return tuple(
        Party(row.id, row.name) for row in (contact.first_organization, contact.second_organization)
    )


manifest = Manifest(
    name="conversations",
    blueprints=(views.blueprint, api.blueprint),
    policy=policy,
    thread_subjects=(
        ThreadSubject(
            kind="organization",
            load=threads.load_contacts,
            view=Permission.CONTACT_VIEW,
            parties=_parties,
            title=lambda row: f"{row.first_organization.name} – {row.second_organization.name}",
            url=lambda row: path_of("conversations.list_threads"),
        ),
    ),
    reactions=(
        Reaction(events.MessagePosted, reactions.email_followers_on_message_posted),
        Reaction(events.DigestDue, reactions.email_person_on_digest_due),
        Reaction(events.MessageReported, reactions.email_deciders_on_message_reported),
        Reaction(events.ReportDecided, reactions.email_reporter_on_report_decided),
    ),
    navigation=(
        NavigationItem(
            _l("Conversations"),
            "conversations.list_threads",
            permission=Permission.THREAD_VIEW_OWN,
            section="account",
            order=15,
        ),
        NavigationItem(
            _l("Reported messages"),
            "conversations.list_reports",
            permission=Permission.REPORT_VIEW_LIST,
            section="administration",
            order=60,
        ),
    ),
    desk=(
        DeskSection(
            _l("Messages that you have not read"),
            _l("You have read all messages."),
            lists.list_unread,
            order=14,
        ),
        DeskSection(
            _l("Reported messages"),
            _l("No reported message waits for your decision."),
            moderation.list_open_reports,
            order=23,
            permission=Permission.REPORT_VIEW_LIST,
            places=("desk", "broker"),
            together=(
                Together(
                    _l("Dismiss the reports that are chosen"),
                    "/message-reports/actions/dismiss",
                    "report_id",
                ),
                Together(
                    _l("Hide the messages that are chosen"),
                    "/message-reports/actions/uphold",
                    "report_id",
                ),
            ),
        ),
    ),
    sections=(
        RecordSection(
            "organization",
            _l("Conversations"),
            "conversations/organization_section.html",
            sections.contact_section,
            order=5,
        ),
        RecordSection(
            "mail", _l("Messages"), "conversations/mail.html", views.mail_section, order=10
        ),
    ),
    jobs=(
        Job(
            "send_message_digests",
            600,
            lambda: services.begin_digests(SYSTEM),
            is_due=telling.has_due_digest,
        ),
    ),
)
