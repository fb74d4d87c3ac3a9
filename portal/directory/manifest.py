"""What the directory plugs into the app."""

from flask_babel import lazy_gettext as _l

from portal.directory import api, views
from portal.kernel.manifest import Manifest, NavigationItem

manifest = Manifest(
    name="directory",
    blueprints=(views.blueprint, api.blueprint),
    navigation=(NavigationItem(_l("Directory"), "directory.search", order=10),),
)
