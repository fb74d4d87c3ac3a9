"""The shape in which introductions leave as JSON: to each reader what that reader may know now."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields

from portal.brokerage.models.introductions import Introduction
from portal.brokerage.queries import disclosure
from portal.kernel.authorization import Actor


class IntroductionContactSchema(Schema):
    """How to reach a side, as its people gave it."""

    name = fields.String()
    email = fields.String()
    phone = fields.String()


class IntroductionSideSchema(Schema):
    """One side. Its label is its name where that may be known, or else a letter.

    organization_id is null before all agreed to meet, contact before all gave theirs. Its reason,
    status and decline_reason are empty for the other sides.
    """

    id = fields.Integer()
    label = fields.String()
    organization_id = fields.Integer(allow_none=True)
    summary = fields.String()
    is_own = fields.Boolean()
    reason = fields.String()
    status = fields.String()
    terms_accepted_at = fields.AwareDateTime(format="iso", allow_none=True)
    contact = fields.Nested(IntroductionContactSchema, allow_none=True)
    decline_reason = fields.String()


class IntroductionRevealSchema(Schema):
    """That a summary, an identity or a contact of one side became known to another."""

    of = fields.String()
    to = fields.String()
    stage = fields.String()
    revealed_at = fields.AwareDateTime(format="iso")


class IntroductionSchema(Schema):
    """An introduction. Its state is "ended" for sides that do not know why it came to nothing."""

    id = fields.Integer()
    url = fields.String()
    region_id = fields.Integer()
    request_id = fields.Integer(allow_none=True)
    title = fields.String()
    terms = fields.String()
    status = fields.String()
    answer_by = fields.AwareDateTime(format="iso")
    created_at = fields.AwareDateTime(format="iso")
    identified_at = fields.AwareDateTime(format="iso", allow_none=True)
    opened_at = fields.AwareDateTime(format="iso", allow_none=True)
    sides = fields.List(fields.Nested(IntroductionSideSchema))
    reveals = fields.List(fields.Nested(IntroductionRevealSchema))

    def __init__(self, *, actor: Actor | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._actor = actor or Actor()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Fill in what the reader gets instead of a column."""
        if attr in _COMPUTED:
            return _COMPUTED[attr](self._actor, obj)
        return super().get_attribute(obj, attr, default)


def _request_id(actor: Actor, introduction: Introduction) -> int | None:
    request = disclosure.shown_request(actor, introduction)
    return request.id if request is not None else None


_COMPUTED: Mapping[str, Callable[[Actor, Introduction], Any]] = {
    "url": lambda _actor, introduction: f"/introductions/{introduction.id}",
    "request_id": _request_id,
    "status": disclosure.shown_status,
    "sides": disclosure.sides_of,
    "reveals": disclosure.list_reveals,
}
