"""Writes `docs/reference/`: permissions, routes, settings and commands, read off the code.

`python -m script.reference` writes the files; a test compares them with what stands there.
"""

import inspect
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from flask import Flask

import config
from portal.app import create_app
from portal.kernel.authorization import scope_of

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"


def pages(app: Flask) -> dict[str, str]:
    """Return the text of every page by file name."""
    with app.test_request_context():
        return {
            "permissions.md": _permissions(app),
            "routes.md": _routes(app),
            "settings.md": _settings(),
            "commands.md": _commands(app),
        }


def _permissions(app: Flask) -> str:
    lines = [
        "# Permissions",
        "",
        "Generated from the domains' `policies.py`. A token also needs the scope.",
    ]
    for manifest in app.extensions["portal-manifests"]:
        if manifest.policy is None:
            continue
        lines += ["", f"## {manifest.name}", "", "| permission | scope | who |", "|---|---|---|"]
        lines += [
            f"| `{permission}` | `{scope_of(permission)}` | {rule.words} |"
            for permission, rule in manifest.policy.table.items()
        ]
    return "\n".join(lines) + "\n"


def _routes(app: Flask) -> str:
    lines = [
        "# Routes",
        "",
        "Generated from the URL map. Who may reach each stands in the tests' permission matrix.",
        "",
        "| address | methods | what it does |",
        "|---|---|---|",
    ]
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        methods = ", ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        words = (inspect.getdoc(app.view_functions[rule.endpoint]) or "").split("\n")[0]
        if rule.endpoint == "static" or rule.endpoint.endswith(".static"):
            words = "Answer with a static file."
        lines.append(f"| `{rule.rule}` | {methods} | {words} |")
    return "\n".join(lines) + "\n"


def _settings() -> str:
    lines = [
        "# Settings",
        "",
        "Generated from `config.py`. A variable of the same name in the environment wins.",
        "`PORTAL_ENVIRONMENT` chooses the class: `development` (default), `testing`, `production`.",
        "",
        "| setting | default | what it is |",
        "|---|---|---|",
    ]
    text = inspect.getsource(config.Config)
    for comment, name, default in re.findall(r"((?:    #: ?.*\n)+)    ([A-Z_]+) = (.+)", text):
        words = " ".join(line.strip().removeprefix("#:").strip() for line in comment.splitlines())
        lines.append(f"| `{name}` | `{default.split('  #')[0]}` | {words} |")
    for environment in config.ENVIRONMENTS.values():
        own = {key: value for key, value in vars(environment).items() if key.isupper()}
        lines += ["", f"## {environment.__name__}", "", inspect.getdoc(environment) or "", ""]
        lines += [f"- `{key} = {value!r}`" for key, value in own.items()]
    return "\n".join(lines) + "\n"


def _commands(app: Flask) -> str:
    lines = [
        "# Commands",
        "",
        "Generated from the commands themselves. Run them as `flask --app wsgi …`.",
    ]
    for path, command in _walk(app.cli, ()):
        usage = " ".join(path)
        lines += ["", f"## `{usage}`", "", (command.help or "").strip()]
        context = click.Context(command, info_name=usage)
        for parameter in command.get_params(context):
            record = parameter.get_help_record(context)
            if record and "--help" not in record[0]:
                lines.append(f"- `{record[0]}` {record[1]}".rstrip())
            elif isinstance(parameter, click.Argument):
                lines.append(f"- `{parameter.make_metavar(context)}`")
    return "\n".join(lines) + "\n"


def _walk(
    group: click.Group, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in sorted(group.commands.items()):
        if path == () and name in ("run", "shell", "routes", "db"):
            continue
        if isinstance(command, click.Group):
            yield from _walk(command, (*path, name))
        else:
            yield (*path, name), command


def main() -> None:
    """Write the pages."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app("testing", INSTANCE_PATH=folder)
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name, text in pages(app).items():
            (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
