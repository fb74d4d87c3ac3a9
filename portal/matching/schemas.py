"""The shape of matches in the API."""

from marshmallow import Schema, fields


class RecordSchema(Schema):
    """What stands on one side of a match, as you may see it."""

    kind = fields.String()
    title = fields.String()
    url = fields.String()
    summary = fields.String()
    organization = fields.String()
    place = fields.String()


class ReasonSchema(Schema):
    """How a criterion came out: met, unmet or unknown, in a sentence.

    question: what the candidate's owner is asked, if nobody can tell.
    """

    name = fields.String()
    verdict = fields.String()
    sentence = fields.String()
    question = fields.String()


class MatchSchema(Schema):
    """A request and a candidate for it, with the reasons.

    side: where you stand: request, owner (of the candidate) or broker.
    """

    id = fields.Integer()
    url = fields.String()
    side = fields.String()
    status = fields.String()
    percent = fields.Integer()
    request = fields.Nested(RecordSchema)
    candidate = fields.Nested(RecordSchema)
    reasons = fields.List(fields.Nested(ReasonSchema))


class FeedbackSchema(Schema):
    """What you said of a match."""

    match_id = fields.Integer()
    is_useful = fields.Boolean()
    criterion = fields.String()
    note = fields.String()
    given_at = fields.AwareDateTime(format="iso")


class AnswerSchema(Schema):
    """What the candidate's owner answered about a criterion."""

    match_id = fields.Integer()
    criterion = fields.String()
    is_met = fields.Boolean()
    note = fields.String()
    answered_at = fields.AwareDateTime(format="iso")


class CriterionSchema(Schema):
    """What feedback says of a criterion, over all matches.

    useful, useless: in how many of such matches it stood met, unmet or unknown.
    praised, blamed: how often it was named as the reason of a useful, and of a useless match.
    """

    name = fields.String()
    useful = fields.Dict(keys=fields.String(), values=fields.Integer())
    useless = fields.Dict(keys=fields.String(), values=fields.Integer())
    praised = fields.Integer()
    blamed = fields.Integer()
