"""The shape of a calendar's rules as the API answers them."""

from marshmallow import Schema, fields


class RuleValuesSchema(Schema):
    """Booking rules by name; in what one layer says, null is inherited."""

    slot_minutes = fields.Integer(allow_none=True)
    min_length_minutes = fields.Integer(allow_none=True)
    max_length_minutes = fields.Integer(allow_none=True)
    lead_time_minutes = fields.Integer(allow_none=True)
    horizon_days = fields.Integer(allow_none=True)
    cancel_notice_minutes = fields.Integer(allow_none=True)
    buffer_before_minutes = fields.Integer(allow_none=True)
    buffer_after_minutes = fields.Integer(allow_none=True)
    turnaround_minutes = fields.Integer(allow_none=True)
    capacity = fields.Integer(allow_none=True)
    no_show_minutes = fields.Integer(allow_none=True)
    approval = fields.String(allow_none=True)
    needs_qualification = fields.Boolean(allow_none=True)
    needs_agreement = fields.Boolean(allow_none=True)
    needs_insurance = fields.Boolean(allow_none=True)
    needs_induction = fields.Boolean(allow_none=True)
    eligible_kinds = fields.List(fields.String(), allow_none=True)
    eligible_regions = fields.List(fields.String(), allow_none=True)
    is_regional = fields.Boolean(allow_none=True)


class LayerSchema(Schema):
    """What one resource says to one customer class, or ("") to all."""

    source = fields.String()
    customer_class = fields.String()
    values = fields.Nested(RuleValuesSchema)


class WeekHoursSchema(Schema):
    """One span of the week's opening hours."""

    weekday = fields.Integer()
    opens = fields.String()
    closes = fields.String()


class QuotaSchema(Schema):
    """A limit and whose word it is."""

    source = fields.String()
    customer_class = fields.String()
    shared_by = fields.String()
    period = fields.String()
    most_minutes = fields.Integer(allow_none=True)
    most_bookings = fields.Integer(allow_none=True)


class BookingRulesSchema(RuleValuesSchema):
    """What holds for one customer class, everything inherited; and what each layer says."""

    equipment_id = fields.Integer()
    customer_class = fields.String()
    is_bookable = fields.Boolean()
    time_zone = fields.String()
    hours = fields.List(fields.Nested(WeekHoursSchema), allow_none=True)
    hours_from = fields.String()
    own = fields.Nested(RuleValuesSchema)
    layers = fields.List(fields.Nested(LayerSchema))
    quotas = fields.List(fields.Nested(QuotaSchema))
