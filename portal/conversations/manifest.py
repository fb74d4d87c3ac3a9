"""What conversations plug into the app."""

from portal.conversations.policies import policy
from portal.kernel.manifest import Manifest

manifest = Manifest(name="conversations", policy=policy)
