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
