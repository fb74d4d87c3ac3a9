"""What training plugs into the app."""

from portal.kernel.manifest import Manifest
from portal.training.policies import policy
from portal.training.views.blueprint import blueprint

manifest = Manifest(name="training", blueprints=(blueprint,), policy=policy)
