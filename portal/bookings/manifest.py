"""What bookings plug into the app."""

from portal.bookings.policies import policy
from portal.bookings.views.blueprint import blueprint
from portal.kernel.manifest import Manifest

manifest = Manifest(name="bookings", blueprints=(blueprint,), policy=policy)
