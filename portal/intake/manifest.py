"""What imports and exports plug into the app."""

from flask_babel import lazy_gettext as _l

from portal.intake import cli, queries, reactions, services, views
from portal.intake.events import ImportFinished
from portal.intake.policies import Permission, policy
from portal.kernel.authorization import SYSTEM
from portal.kernel.manifest import DeskSection, Job, Manifest, NavigationItem
from portal.kernel.outbox import Reaction

manifest = Manifest(
    name="intake",
    blueprints=(views.blueprint,),
    policy=policy,
    cli=(cli.import_group, cli.export_group),
    reactions=(Reaction(ImportFinished, reactions.email_person_on_import_finished),),
    jobs=(
        Job("work_off_imports", 1, reactions.work_off_imports, reactions.has_imports),
        Job("delete_old_import_files", 3600, lambda: services.delete_old_files(SYSTEM)),
    ),
    navigation=(
        NavigationItem(
            _l("Imports and exports"),
            "intake.list_imports",
            permission=Permission.IMPORT_BEGIN,
            section="sharing",
            order=40,
        ),
    ),
    desk=(
        DeskSection(
            _l("Imports"),
            _l("No import waits for you."),
            queries.list_runs_for_desk,
            order=30,
        ),
    ),
)
