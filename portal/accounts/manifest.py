"""What accounts plug into the app."""

from portal.accounts import queries
from portal.accounts.policies import policy
from portal.kernel.manifest import Manifest

manifest = Manifest(name="accounts", policy=policy, actor_facts=queries.actor_facts)
