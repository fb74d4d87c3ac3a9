"""What bookings plug into the app."""

from portal.bookings.policies import policy
from portal.kernel.manifest import Manifest

manifest = Manifest(name="bookings", policy=policy)
