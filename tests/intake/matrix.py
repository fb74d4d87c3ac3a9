"""Who reaches the pages of imports and exports."""

import io
from collections.abc import Mapping
from typing import Any

from tests.architecture.matrix import EVERYBODY, Row
from tests.cast import World

CATALOG = b"Type,Name,ID\nequipment,Bridge CMM,E-1\n"
BEGINNERS = "ana cleo dov eve root"


def of_college(world: World) -> Mapping[str, Any]:
    return {
        "what": "equipment",
        "organization_id": world.organizations["college"],
        "visibility": "public",
        "file": (io.BytesIO(CATALOG), "catalog.csv"),
    }


def checked_run(world: World) -> Mapping[str, Any]:
    return {"run_id": world.import_runs["cleo_college"]}


def start(world: World) -> Mapping[str, Any]:
    return {**checked_run(world), "action": "start"}


ROUTES = [
    Row("intake.list_imports", "GET", BEGINNERS),
    Row("intake.create_import", "GET", BEGINNERS),
    Row("intake.create_import", "POST", "cleo root", data=of_college),
    Row("intake.download_columns", "GET", BEGINNERS, lambda _world: {"what": "equipment"}),
    Row("intake.show_import", "GET", "cleo root", checked_run),
    Row("intake.show_progress", "GET", "cleo root", checked_run),
    Row("intake.download_findings", "GET", "cleo root", checked_run),
    Row("intake.act_on_import", "POST", "cleo", start),
    Row("intake.export_equipment", "GET", EVERYBODY),
    Row("intake.export_organizations", "GET", EVERYBODY),
    Row("intake.export_programs", "GET", EVERYBODY),
    Row("intake.export_sections", "GET", EVERYBODY),
    Row("intake.export_linked_programs", "GET", EVERYBODY),
]
