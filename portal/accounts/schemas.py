"""The shape in which accounts go out."""

from marshmallow import Schema, fields


class MembershipOfMeSchema(Schema):
    organization_id = fields.Integer(required=True)
    role = fields.String(required=True)


class MeSchema(Schema):
    """The person or token that asks."""

    id = fields.Integer(required=True)
    email = fields.Email(required=True)
    name = fields.String(required=True)
    language = fields.String(required=True)
    time_zone = fields.String(required=True)
    is_administrator = fields.Boolean(required=True)
    memberships = fields.List(fields.Nested(MembershipOfMeSchema), required=True)
    brokered_region_ids = fields.List(fields.Integer(), required=True)
    scopes = fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "What the token may do; null for a person in a browser."},
    )
