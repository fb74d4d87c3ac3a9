"""What matching plugs into the app."""

from portal.kernel.manifest import Manifest
from portal.matching.policies import policy

manifest = Manifest(name="matching", policy=policy)
