"""The shape of a webhook as people and programs give it."""

from flask_babel import lazy_gettext as _l

from portal.kernel.fields import ChoicesField, TextField, YesNoField
from portal.kernel.forms import Form
from portal.kernel.outgoing import LONGEST_URL
from portal.webhooks.rules import NOTICE_KINDS


class NewWebhookForm(Form):
    """A new webhook."""

    url = TextField(
        _l("Address"),
        is_required=True,
        longest=LONGEST_URL,
        description=_l("Where your program listens. It begins with https://."),
    )
    kinds = ChoicesField(_l("It is told when"), choices=NOTICE_KINDS)


class WebhookForm(NewWebhookForm):
    """A webhook that is there already."""

    is_active = YesNoField(_l("Not paused"), description=_l("A paused one is told nothing."))
