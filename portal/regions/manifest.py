"""What regions and classifications plug into the app."""

from flask_babel import lazy_gettext as _l

from portal.kernel.manifest import Leaving, Manifest, NavigationItem
from portal.regions import api, cli, views
from portal.regions.policies import Permission, policy
from portal.regions.queries.brokers import actor_facts, list_hindrances
from portal.regions.queries.capabilities import list_concepts

manifest = Manifest(
    name="regions",
    blueprints=(views.blueprint, api.blueprint),
    policy=policy,
    actor_facts=actor_facts,
    leaving=Leaving(list_hindrances),
    concepts=list_concepts,
    navigation=(
        NavigationItem(_l("Capabilities"), "regions.list_capabilities", section="help", order=30),
        NavigationItem(_l("Regions"), "regions.list_regions", section="help", order=31),
        NavigationItem(_l("Clusters"), "regions.list_clusters", section="help", order=32),
        NavigationItem(
            _l("Regions and brokers"),
            "regions.administer_regions",
            permission=Permission.REGION_MANAGE,
            section="administration",
            order=40,
        ),
    ),
    cli=(cli.reference_group, cli.regions_group),
    first_data=cli.load_reference,
)
