"""The shape of input for regions and their brokers."""

from flask_babel import lazy_gettext as _l

from portal.kernel.fields import EmailField, ListField, LongTextField, TextField
from portal.kernel.forms import Form


class RegionForm(Form):
    """A region: its name, what it is known for, and its counties."""

    name = TextField(_l("Name"), longest=120, is_required=True)
    summary = LongTextField(
        _l("Summary"), longest=280, description=_l("What this region makes, in a sentence or two.")
    )
    county_fips = ListField(
        _l("Counties"),
        most=400,
        description=_l(
            "FIPS code, or name and state: “21111” or “Jefferson County, KY”. At least one."
        ),
    )


class BrokerForm(Form):
    """The address of the person who is to be a broker."""

    email = EmailField(
        _l("E-mail address"), is_required=True, description=_l("Of somebody who has signed up.")
    )
