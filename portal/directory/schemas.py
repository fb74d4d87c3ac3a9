"""The shape of search results and saved searches in the JSON API."""

from typing import Any

from marshmallow import Schema, fields


class HitSchema(Schema):
    """A record found; `highlights` are HTML-escaped, with the words found in <mark>."""

    kind = fields.String(required=True)
    id = fields.Integer(required=True)
    url = fields.String(required=True)
    title = fields.String(required=True)
    summary = fields.String(required=True)
    highlights = fields.List(fields.String(), required=True)
    organization = fields.String(required=True)
    county = fields.String(required=True)
    score = fields.Float(required=True)
    distance_miles = fields.Float(required=True, allow_none=True)


class FacetValueSchema(Schema):
    """A value of a facet, and how many records choosing it would show."""

    value = fields.String(required=True)
    label = fields.String(required=True)
    count = fields.Integer(required=True)
    selected = fields.Boolean(required=True, attribute="is_selected")


class _FacetValues(fields.List):
    """Written out at once: there may be thousands, and a schema looks for each part of each."""

    def _serialize(self, value: Any, *_names: object, **_options: object) -> list[dict[str, Any]]:
        return [
            {"value": known, "label": label, "count": count, "selected": is_selected}
            for known, label, count, is_selected in value
        ]


class ResultsSchema(Schema):
    """What a search found."""

    total = fields.Integer(required=True)
    hits = fields.List(fields.Nested(HitSchema), required=True)
    # `partial` is something else of every schema.
    partial_hits = fields.List(
        fields.Nested(HitSchema),
        required=True,
        data_key="partial",
        metadata={
            "description": "Where few records have all the words: more that have some. Nothing "
            "counts them."
        },
    )
    facets = fields.Dict(
        keys=fields.String(), values=_FacetValues(fields.Nested(FacetValueSchema)), required=True
    )
    suggestion = fields.String(required=True, allow_none=True)
    next = fields.String(required=True, allow_none=True)


class SavedSearchSchema(Schema):
    """A saved search."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    search = fields.String(
        required=True,
        attribute="query",
        metadata={"description": "What the address of the search has after “?”."},
    )
    organization_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The organization whose search it is; null: it is yours."},
    )
    channel = fields.String(required=True)
    frequency = fields.String(required=True)
    is_paused = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
