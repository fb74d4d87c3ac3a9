"""The shape of output: skills, occupations and credentials in the JSON API."""

from marshmallow import Schema, fields


class OccupationSchema(Schema):
    """An occupation of the Standard Occupational Classification of 2018."""

    code = fields.String(required=True)
    title = fields.String(required=True)
    title_es = fields.String(required=True)


class SkillSchema(Schema):
    """A skill. other_names: what else people call it, in any language."""

    key = fields.String(required=True)
    kind = fields.String(required=True)
    name = fields.String(required=True)
    name_es = fields.String(required=True)
    other_names = fields.List(fields.String(), required=True)
    occupations = fields.List(fields.Nested(OccupationSchema), required=True)
    capabilities = fields.List(fields.String(), required=True)
    url = fields.String(required=True)


class CredentialSchema(Schema):
    """A credential. valid_months: null is for good, or as the issuer decides."""

    id = fields.Integer(required=True)
    key = fields.String(required=True, allow_none=True)
    kind = fields.String(required=True)
    name = fields.String(required=True)
    abbreviation = fields.String(required=True)
    issuer = fields.String(required=True)
    issuer_organization_id = fields.Integer(required=True, allow_none=True)
    issuer_url = fields.String(required=True)
    valid_months = fields.Integer(required=True, allow_none=True)
    skills = fields.List(fields.String(), required=True)
    url = fields.String(required=True)
