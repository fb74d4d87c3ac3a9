"""What facilities plug into the app."""

from portal.facilities.policies import policy
from portal.kernel.manifest import Manifest

manifest = Manifest(name="facilities", policy=policy)
