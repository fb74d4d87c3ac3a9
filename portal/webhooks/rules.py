"""What webhooks tell, and how a notice is written and signed (as the Standard Webhooks say)."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

NOTICE_KINDS: Mapping[str, Any] = {
    "request.published": _l("A request of yours, or one that asks you, is published"),
    "response.accepted": _l("A response of yours, or to a request of yours, is accepted"),
    "agreement.signed": _l("All parties of an agreement of yours have agreed"),
}
#: What a person sends to try a webhook; nobody subscribes to it.
TEST_KIND = "webhook.tested"

NOTICE_STATUSES: Mapping[str, Any] = {
    "open": _l("On its way"),
    "delivered": _l("Delivered"),
    "failed": _l("Given up"),
}

MOST_WEBHOOKS = 10
#: So many notices in a row given up, and a webhook is paused.
MOST_FAILURES = 5
KEPT_DAYS = 30
_PREFIX = "whsec_"


def new_secret() -> str:
    """Return a secret with which notices are signed."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def write_body(kind: str, created_at: str, data: Mapping[str, Any]) -> bytes:
    """Return what is sent: a JSON object, always the same for the same notice."""
    notice = {"type": kind, "timestamp": created_at, "data": data}
    return json.dumps(notice, sort_keys=True, ensure_ascii=False).encode()


def sign(secret: str, key: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a notice: HMAC-SHA256 over "key.timestamp.body", base64."""
    material = b".".join((key.encode(), str(timestamp).encode(), body))
    seal = hmac.new(base64.b64decode(secret.removeprefix(_PREFIX)), material, hashlib.sha256)
    return f"v1,{base64.b64encode(seal.digest()).decode()}"


def headers_of(secret: str, key: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers that go with a notice. `webhook-id` is the same at every try."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "industrial-commons-webhook",
        "Connection": "close",
        "webhook-id": key,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, key, timestamp, body),
    }
