"""What the pages of the whole portal plug into the app."""

from portal.kernel.manifest import Manifest

manifest = Manifest(name="home")
