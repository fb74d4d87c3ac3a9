"""The shape in which webhooks leave as JSON; the secret leaves once, when it is made."""

from marshmallow import Schema, fields


class WebhookSchema(Schema):
    """A webhook. failures: how many notices in a row were given up."""

    id = fields.Integer()
    organization_id = fields.Integer()
    url = fields.String()
    kinds = fields.List(fields.String())
    is_active = fields.Boolean()
    failures = fields.Integer()
    created_at = fields.AwareDateTime(format="iso")
    updated_at = fields.AwareDateTime(format="iso")


class MadeWebhookSchema(WebhookSchema):
    """A webhook as it is shown once: with the secret that signs its notices."""

    secret = fields.String()


class NoticeSchema(Schema):
    """What a webhook was told, and how that ended. answer: the status that came back last."""

    key = fields.String()
    kind = fields.String()
    data = fields.Dict()
    status = fields.String()
    attempts = fields.Integer()
    answer = fields.Integer(allow_none=True)
    problem = fields.String()
    created_at = fields.AwareDateTime(format="iso")
    tried_at = fields.AwareDateTime(format="iso", allow_none=True)
