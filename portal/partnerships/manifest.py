"""What requests and responses plug into the app."""

from portal.kernel.manifest import Manifest
from portal.partnerships.policies import policy

manifest = Manifest(name="partnerships", policy=policy)
