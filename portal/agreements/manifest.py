"""What agreements and outcomes plug into the app."""

from portal.agreements.policies import policy
from portal.kernel.manifest import Manifest

manifest = Manifest(name="agreements", policy=policy)
