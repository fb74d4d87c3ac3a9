"""What bookings plug into the app."""

from portal.bookings.api.blueprint import blueprint as api_blueprint
from portal.bookings.policies import policy
from portal.bookings.views.blueprint import blueprint
from portal.kernel.manifest import Manifest

manifest = Manifest(name="bookings", blueprints=(blueprint, api_blueprint), policy=policy)
