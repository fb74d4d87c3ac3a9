"""The shape of output: regions and capabilities in the JSON API."""

from marshmallow import Schema, fields


class CountySchema(Schema):
    """A county of a region."""

    fips = fields.String(required=True)
    name = fields.String(required=True)
    state = fields.String(required=True)


class RegionSchema(Schema):
    """A region with its counties."""

    id = fields.Integer(required=True)
    key = fields.String(required=True)
    name = fields.String(required=True)
    summary = fields.String(required=True)
    is_demo = fields.Boolean(required=True)
    counties = fields.List(fields.Nested(CountySchema), required=True)
    url = fields.String(required=True)


class CapabilityNameSchema(Schema):
    """A concept by key and label."""

    key = fields.String(required=True)
    label = fields.String(required=True)


class CapabilitySchema(Schema):
    """A concept of the thesaurus, as lists have it."""

    key = fields.String(required=True)
    label = fields.String(required=True)
    label_es = fields.String(required=True)
    definition = fields.String(required=True)
    other_names = fields.List(fields.String(), required=True)
    broader = fields.List(fields.Nested(CapabilityNameSchema), required=True)
    url = fields.String(required=True)


class CapabilityRecordSchema(CapabilitySchema):
    """A concept of the thesaurus with what is directly below it."""

    narrower = fields.List(fields.Nested(CapabilityNameSchema), required=True)
