"""What demo data plug into the app."""

from portal.kernel.manifest import Manifest

manifest = Manifest(name="demo")
