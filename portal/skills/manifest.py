"""What skills and credentials plug into the app."""

from portal.kernel.manifest import Manifest
from portal.skills import cli
from portal.skills.policies import policy

manifest = Manifest(
    name="skills",
    policy=policy,
    cli=(cli.skills_group,),
    first_data=cli.load_skills,
)
