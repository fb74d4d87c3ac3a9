"""What happens to webhooks, as ids and plain values."""

from dataclasses import dataclass

from portal.kernel.outbox import Event


@dataclass(frozen=True)
class NoticeQueued(Event):
    """A notice waits to be sent to a webhook."""

    notice_id: int


@dataclass(frozen=True)
class WebhookStopped(Event):
    """A webhook was paused by the portal, since nobody answered for long."""

    webhook_id: int
