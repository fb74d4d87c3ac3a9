"""Who may import whom, in the portal and in small houses built to break each rule once."""

import ast
import importlib
import logging
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType

import pytest
from importlinter.cli import lint_imports

import portal
from portal.kernel.commands import is_command
from portal.registry import DOMAINS
from tests.architecture.contracts import ROOM_NAMES, configuration, rooms_of

PORTAL = Path(__file__).resolve().parents[2] / "portal"
SOURCES = sorted(PORTAL.rglob("*.py"))


def is_kept(package: Path, domains: tuple[str, ...], folder: Path) -> bool:
    path = folder / "contracts.ini"
    path.write_text(configuration(package, domains))
    heard = [log for log in all_logs() if not log.disabled]
    try:
        return lint_imports(config_filename=str(path), no_cache=True) == 0
    finally:
        # It configures logging anew, which turns off every log that there is.
        for log in heard:
            log.disabled = False


def all_logs() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [log for log in known if isinstance(log, logging.Logger)]


def test_the_portal_keeps_every_import_contract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = is_kept(PORTAL, DOMAINS, tmp_path)
    assert kept, capsys.readouterr().out
    assert [log.name for log in all_logs() if log.disabled] == []


def test_the_registry_names_every_domain_that_has_a_folder() -> None:
    folders = {path.parent.name for path in PORTAL.glob("*/__init__.py")}
    assert folders - {"kernel"} == set(DOMAINS)


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domain_has_only_the_rooms_of_the_floor_plan(domain: str) -> None:
    assert [room for room in rooms_of(PORTAL, domain) if room not in ROOM_NAMES] == []


def test_an_init_file_holds_a_docstring_and_nothing_else() -> None:
    full = [
        str(path.relative_to(PORTAL))
        for path in SOURCES
        if path.name == "__init__.py" and not is_only_docstring(path)
    ]
    assert full == []


def is_only_docstring(path: Path) -> bool:
    tree = ast.parse(path.read_text())
    return len(tree.body) == 1 and ast.get_docstring(tree) is not None


def test_only_the_kernel_commits() -> None:
    commits = [
        f"{path.relative_to(PORTAL)}:{node.lineno}"
        for path in SOURCES
        if path.relative_to(PORTAL).parts[0] != "kernel"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "commit"
    ]
    assert commits == []


def test_pages_programs_and_events_change_nothing_but_by_commands() -> None:
    """What they call of services is a command, or checks something and writes nothing."""
    others = [
        f"{room}: {found.__module__}.{found.__name__}"
        for room in (module.name for module in pkgutil.walk_packages(portal.__path__, "portal."))
        if room.count(".") > 1 and room.split(".")[2] in CALLERS
        for found in called_of_services(importlib.import_module(room))
        if not is_command(found) and not found.__name__.startswith("check_")
    ]
    assert others == []


CALLERS = ("manifest", "views", "api", "cli", "reactions")


def called_of_services(module: ModuleType) -> list[FunctionType]:
    known = vars(module)
    nodes = list(ast.walk(ast.parse(Path(str(module.__file__)).read_text())))
    found = [known.get(node.id) for node in nodes if isinstance(node, ast.Name)]
    found += [
        getattr(known[node.value.id], node.attr)
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and type(known.get(node.value.id)) is ModuleType
    ]
    # A proxy of Flask would look for its request if it were asked for its class.
    return [one for one in found if type(one) is FunctionType and ".services" in one.__module__]


CLEAN = {
    "kernel/database.py": "import sqlalchemy",
    "kernel/web/answers.py": "import flask",
    "low/events.py": "import dataclasses",
    "low/rules.py": "from flask_babel import lazy_gettext",
    "low/models.py": "import sqlalchemy\nimport house.kernel.database\nimport house.low.rules",
    "low/services.py": "import house.low.models, house.low.events",
    "low/forms.py": "import wtforms",
    "low/api.py": "import house.low.services",
    "low/views.py": "import flask, house.low.services, house.low.forms, house.kernel.web.answers",
    "low/manifest.py": "import house.low.views, house.low.api",
    "high/models.py": "import house.low.models",
    "high/services.py": "import house.high.models, house.low.services",
    "high/manifest.py": "import house.high.services",
}
BREACHES = {
    "a domain imports one above it": ("low/services.py", "import house.high.services"),
    "the kernel imports a domain": ("kernel/web/answers.py", "import house.low.rules"),
    "a model imports a service": ("low/models.py", "import house.low.services"),
    "a model imports a service of a lower domain": ("high/models.py", "import house.low.services"),
    "a view imports a model": ("low/views.py", "import house.low.models"),
    "a view imports SQLAlchemy": ("low/views.py", "from sqlalchemy import select"),
    "an API imports the session": ("low/api.py", "from house.kernel.database import session"),
    "an API imports a view": ("low/api.py", "import house.low.views"),
    "a form imports a service": ("low/forms.py", "import house.low.services"),
    "a service imports Flask": ("low/services.py", "from flask import request"),
    "a service imports the web glue": ("high/services.py", "import house.kernel.web.answers"),
    "a rule imports SQLAlchemy": ("low/rules.py", "import sqlalchemy.orm"),
    "an event imports a socket": ("low/events.py", "import socket"),
    "a service imports a manifest": ("high/services.py", "import house.low.manifest"),
}


@pytest.fixture
def build_house(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, str]], Path]:
    """Writes a package `house` with the domains `low` and `high` and makes it importable."""

    def build(files: dict[str, str]) -> Path:
        house = tmp_path / "house"
        for name, text in files.items():
            path = house / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
        for folder in {house, *(path.parent for path in house.rglob("*.py"))}:
            (folder / "__init__.py").touch()
        for name in [name for name in sys.modules if name.split(".")[0] == "house"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.syspath_prepend(tmp_path)
        return house

    return build


def test_a_house_in_order_keeps_every_contract(
    build_house: Callable[[dict[str, str]], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = is_kept(build_house(CLEAN), ("low", "high"), tmp_path)
    assert kept, capsys.readouterr().out


@pytest.mark.parametrize(("file", "line"), BREACHES.values(), ids=BREACHES)
def test_each_breach_breaks_a_contract(
    file: str,
    line: str,
    build_house: Callable[[dict[str, str]], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    house = build_house({**CLEAN, file: f"{CLEAN[file]}\n{line}"})
    assert not is_kept(house, ("low", "high"), tmp_path)
    assert "BROKEN" in capsys.readouterr().out
