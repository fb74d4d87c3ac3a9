"""What organizations plug into the app."""

from portal.kernel.manifest import Manifest
from portal.organizations import queries
from portal.organizations.policies import policy

manifest = Manifest(name="organizations", policy=policy, actor_facts=queries.actor_facts)
