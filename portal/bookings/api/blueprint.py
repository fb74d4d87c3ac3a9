"""The blueprint that the parts of the API of bookings share."""

from portal.kernel.api import api_blueprint

blueprint = api_blueprint("bookings", __name__)
