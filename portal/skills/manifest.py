"""What skills and credentials plug into the app."""

from flask_babel import lazy_gettext as _l

from portal.kernel.manifest import Manifest, NavigationItem
from portal.skills import api, cli, queries, views
from portal.skills.policies import policy

manifest = Manifest(
    name="skills",
    blueprints=(views.blueprint, api.blueprint),
    policy=policy,
    concepts=queries.list_concepts,
    navigation=(
        NavigationItem(_l("Skills"), "skills.list_skills", section="help", order=33),
        NavigationItem(_l("Credentials"), "skills.list_credentials", section="help", order=34),
    ),
    cli=(cli.skills_group,),
    first_data=cli.load_skills,
)
