"""What webhooks plug into the app."""

from flask_babel import lazy_gettext as _l

from portal.agreements.events import AgreementMoved
from portal.kernel.authorization import SYSTEM
from portal.kernel.manifest import Job, Manifest, RecordSection
from portal.kernel.outbox import Reaction
from portal.partnerships.events import RequestMoved, ResponseDecided
from portal.webhooks import api, events, queries, reactions, services, views
from portal.webhooks.policies import policy

manifest = Manifest(
    name="webhooks",
    blueprints=(views.blueprint, api.blueprint),
    policy=policy,
    reactions=(
        Reaction(RequestMoved, reactions.tell_webhooks_on_request_published),
        Reaction(ResponseDecided, reactions.tell_webhooks_on_response_accepted),
        Reaction(AgreementMoved, reactions.tell_webhooks_on_agreement_signed),
        Reaction(events.NoticeQueued, reactions.send_notice_on_notice_queued, is_outside=True),
        Reaction(events.WebhookStopped, reactions.email_managers_on_webhook_stopped),
    ),
    sections=(
        RecordSection(
            "organization",
            _l("Your software"),
            "webhooks/section.html",
            queries.section_of,
            order=90,
        ),
    ),
    jobs=(
        Job(
            "forget_webhook_notices",
            3600,
            lambda: services.forget_old_notices(SYSTEM),
            is_due=lambda: bool(queries.list_old_notices(1)),
        ),
    ),
)
