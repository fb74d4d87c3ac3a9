"""What the pages of the whole portal plug into the app."""

from flask_babel import lazy_gettext as _l

from portal.home import queries, views
from portal.home.policies import Permission, policy
from portal.kernel.manifest import DeskSection, Manifest, NavigationItem

manifest = Manifest(
    name="home",
    blueprints=(views.blueprint,),
    policy=policy,
    desk=(
        DeskSection(
            _l("E-mail of the portal"),
            _l("All e-mail was sent."),
            queries.list_mail_trouble,
            order=5,
            permission=Permission.MAIL_STATE_VIEW,
        ),
    ),
    navigation=(
        NavigationItem(_l("Your desk"), "home.desk", Permission.DESK_VIEW, "account", 10),
        NavigationItem(_l("Help"), "home.help_page", section="help", order=10),
        NavigationItem(_l("API"), "openapi.guide", section="help", order=90),
        NavigationItem(
            _l("Administration"),
            "home.administration",
            Permission.ADMINISTRATION_VIEW,
            "administration",
            10,
        ),
    ),
)
