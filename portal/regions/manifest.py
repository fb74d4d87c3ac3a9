"""What regions and classifications plug into the app."""

from portal.kernel.manifest import Manifest

manifest = Manifest(name="regions")
