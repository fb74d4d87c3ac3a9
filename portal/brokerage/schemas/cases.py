"""The shape in which cases leave as JSON, to the brokers of their region."""

from typing import Any

from marshmallow import Schema, fields


class CaseTaskSchema(Schema):
    """Something to do for a case; done_at is null while it is open."""

    id = fields.Integer()
    title = fields.String()
    due_on = fields.Date(allow_none=True)
    keeper_id = fields.Integer(allow_none=True)
    done_at = fields.AwareDateTime(format="iso", allow_none=True)


class CaseNoteSchema(Schema):
    """What a broker wrote down about a case."""

    id = fields.Integer()
    text = fields.String()
    author_id = fields.Integer(allow_none=True)
    created_at = fields.AwareDateTime(format="iso")


class CaseFilterSchema(Schema):
    """A kept choice among the cases: its name, and the arguments of the list."""

    id = fields.Integer()
    name = fields.String()
    values = fields.Dict()


class DeskItemSchema(Schema):
    """Something that waits; `number` chooses it for what is done with several at once."""

    title = fields.String()
    detail = fields.String()
    url = fields.String()
    since = fields.AwareDateTime(format="iso")
    number = fields.Integer(allow_none=True)


class DeskSectionSchema(Schema):
    """A part of a broker's desk, with the oldest things of it."""

    title = fields.String()
    items = fields.List(fields.Nested(DeskItemSchema))

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Read what is named like a method of mappings."""
        return getattr(obj, attr, default)


class NeedSchema(Schema):
    """An open need that no case follows."""

    id = fields.Integer()
    title = fields.String()
    kind = fields.String()
    county = fields.String()
    since = fields.AwareDateTime(format="iso")
    expires_on = fields.Date()
    is_matched = fields.Boolean()


class StaleSchema(Schema):
    """An organization whose records nobody confirmed for long."""

    id = fields.Integer()
    name = fields.String()
    records = fields.Integer()
    since = fields.AwareDateTime(format="iso")
    asked_at = fields.AwareDateTime(format="iso", allow_none=True)
    is_askable = fields.Boolean()


class CaseSchema(Schema):
    """A case: what a region's brokers follow from a need to what came of it."""

    id = fields.Integer()
    url = fields.String()
    region_id = fields.Integer()
    title = fields.String()
    organization_id = fields.Integer(allow_none=True)
    organization = fields.String(allow_none=True)
    request_id = fields.Integer(allow_none=True)
    stage = fields.String(attribute="status")
    staged_at = fields.AwareDateTime(format="iso")
    keeper_id = fields.Integer(allow_none=True)
    next_action = fields.String()
    next_on = fields.Date(allow_none=True)
    created_at = fields.AwareDateTime(format="iso")
    updated_at = fields.AwareDateTime(format="iso")

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Fill in what is no column."""
        if attr == "url":
            return f"/broker/cases/{obj.id}"
        if attr == "organization":
            return obj.organization.name if obj.organization else None
        return super().get_attribute(obj, attr, default)
