"""What demo data plug into the app."""

from portal.demo import cli
from portal.demo.policies import policy
from portal.kernel.manifest import Manifest

manifest = Manifest(
    name="demo",
    policy=policy,
    cli=(cli.demo_group,),
    first_data=cli.load_if_empty,
)
