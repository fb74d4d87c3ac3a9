"""What brokerage plugs into the app."""

from portal.brokerage.policies import policy
from portal.kernel.manifest import Manifest

manifest = Manifest(name="brokerage", policy=policy)
