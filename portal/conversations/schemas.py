"""The shape in which conversations leave as JSON: what their reader may read and no more."""

from typing import Any

from marshmallow import Schema, fields


class MessageAttachmentSchema(Schema):
    """A file that came with a message."""

    id = fields.Integer()
    name = fields.String()
    url = fields.String()


class MessageSchema(Schema):
    """A message. person is null where the reader may not know it, text once it is hidden."""

    id = fields.Integer()
    thread_id = fields.Integer()
    organization = fields.String()
    person = fields.String(allow_none=True)
    text = fields.String(allow_none=True)
    is_own = fields.Boolean()
    is_hidden = fields.Boolean()
    calls = fields.List(fields.String())
    created_at = fields.AwareDateTime(format="iso")
    attachments = fields.List(fields.Nested(MessageAttachmentSchema))

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Fill in what is no attribute of a message as it is shown."""
        if attr == "person":
            return obj.person or None
        if attr == "text":
            return None if obj.is_hidden else obj.text
        if attr == "attachments":
            return [
                {
                    "id": item.id,
                    "name": item.file.original_name,
                    "url": f"/api/v1/threads/{obj.thread_id}/attachments/{item.id}",
                }
                for item in obj.attachments
            ]
        return super().get_attribute(obj, attr, default)


class ThreadSchema(Schema):
    """A conversation: what it hangs on, and with whom, by the names that the reader may know."""

    id = fields.Integer()
    url = fields.String()
    subject = fields.String()
    subject_id = fields.Integer()
    title = fields.String()
    others = fields.List(fields.String())
    unread = fields.Integer()
    is_muted = fields.Boolean()
    last_message_at = fields.AwareDateTime(format="iso")

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Fill in what is no attribute of a thread in a list."""
        if attr == "url":
            return f"/conversations/{obj.id}"
        return super().get_attribute(obj, attr, default)


class MessageReportSchema(Schema):
    """A report of a message, as the organization that made it sees it."""

    id = fields.Integer()
    message_id = fields.Integer()
    reason = fields.String()
    status = fields.String()
    created_at = fields.AwareDateTime(format="iso")


class DecidedReportSchema(MessageReportSchema):
    """A report to those who decide it: its message, by names that they may know."""

    text = fields.String()
    writer = fields.String()
    reporter = fields.String()
    note = fields.String()


class BlockSchema(Schema):
    """What an organization of yours blocked; `blocked` is empty where it does not know whom."""

    id = fields.Integer()
    organization = fields.String()
    blocked = fields.String()
    thread_title = fields.String()


class MessageMailSchema(Schema):
    """When one hears of messages by e-mail: at_once, daily or never."""

    emails = fields.String()
