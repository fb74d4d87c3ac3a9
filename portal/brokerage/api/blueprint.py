"""The blueprint that the JSON API of brokerage shares."""

from portal.kernel.api import api_blueprint

blueprint = api_blueprint("brokerage", __name__)
