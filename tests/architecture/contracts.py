"""The import rules of the house as contracts of import-linter, generated from the registry.

A new domain or room is covered as soon as it is there; no file here has to change for it.
"""

from pathlib import Path
from typing import Any

#: The rooms of a domain from its face to its ground; those of one row do not import each other.
ROOMS: tuple[tuple[str, ...], ...] = (
    ("manifest",),
    ("views", "api", "cli"),
    ("reactions",),
    ("forms",),
    ("schemas",),
    ("services",),
    ("documents",),
    ("queries",),
    ("policies",),
    ("models",),
    ("rules",),
    ("events",),
)
ROOM_NAMES = frozenset(name for row in ROOMS for name in row)

# Not werkzeug: an uploaded file is a plain value that services hand on to the kernel's files.
WEB = ("flask", "flask_limiter", "flask_login", "flask_wtf")
DATABASE = ("sqlalchemy", "flask_sqlalchemy", "psycopg", "sqlite3")
OUTSIDE = ("http", "requests", "smtplib", "socket", "subprocess", "werkzeug", "whoosh")


def rooms_of(package: Path, domain: str) -> list[str]:
    """The modules that stand in a domain's folder, in the order of the alphabet."""
    folder = package / domain
    modules = [path.stem for path in folder.glob("*.py") if path.stem != "__init__"]
    packages = [path.parent.name for path in folder.glob("*/__init__.py")]
    return sorted({*modules, *packages})


def contracts(package: Path, domains: tuple[str, ...]) -> list[dict[str, Any]]:
    """The contracts for the domains that stand already; domains come bottom to top."""
    name = package.name
    built = {domain: rooms_of(package, domain) for domain in domains if rooms_of(package, domain)}
    kernel = rooms_of(package, "kernel")

    def modules(*rooms: str) -> list[str]:
        return [
            f"{name}.{domain}.{room}"
            for domain, has in built.items()
            for room in has
            if room in rooms
        ]

    def of_kernel(*parts: str) -> list[str]:
        return [f"{name}.kernel.{part}" for part in parts if part in kernel]

    def forbidden(title: str, sources: list[str], targets: list[str]) -> dict[str, Any]:
        return {
            "name": title,
            "type": "forbidden",
            "source_modules": sources,
            "forbidden_modules": targets,
            "allow_indirect_imports": "true",
        }

    rows = [" : ".join(modules(*row)) for row in ROOMS]
    siblings = [
        (f"{name}.{domain}", f"{name}.{domain}.{one}", f"{name}.{domain}.{other}")
        for domain, has in built.items()
        for row in ROOMS
        for one in row
        for other in row
        if one != other and one in has and other in has
    ]
    rules = [
        {
            "name": "A domain imports only domains below it, and the kernel none",
            "type": "layers",
            "layers": [
                *(f"{name}.{domain}" for domain in reversed(domains) if domain in built),
                f"{name}.kernel",
            ],
        },
        {
            "name": "A room imports only rooms below it, in its own domain and in others",
            "type": "layers",
            "layers": [row for row in rows if row],
        },
        *(
            forbidden(f"{one} and {other} stand side by side", [one], [other])
            for _, one, other in siblings
        ),
        forbidden(
            "Views and APIs leave the database to queries and services",
            modules("views", "api"),
            [*modules("models"), *DATABASE, *of_kernel("database")],
        ),
        forbidden(
            "Forms know no database",
            modules("forms"),
            [*DATABASE, *of_kernel("database"), *modules("queries", "services")],
        ),
        forbidden(
            "Services, queries, policies and models know no web",
            modules("services", "queries", "policies", "models"),
            [*WEB, *of_kernel("web", "api", "forms")],
        ),
        forbidden(
            "Rules and events read and write nothing",
            modules("rules", "events"),
            [*WEB, *DATABASE, *OUTSIDE, *of_kernel("database", "web", "api", "files", "mail")],
        ),
        forbidden(
            "Nobody but the app imports a manifest",
            [*modules(*(ROOM_NAMES - {"manifest"})), f"{name}.kernel"],
            modules("manifest"),
        ),
    ]
    return [rule for rule in rules if _has_something_to_check(rule)]


def _has_something_to_check(rule: dict[str, Any]) -> bool:
    if rule["type"] == "layers":
        return len(rule["layers"]) > 1
    return bool(rule["source_modules"] and rule["forbidden_modules"])


def configuration(package: Path, domains: tuple[str, ...]) -> str:
    """What import-linter reads, as an INI file."""
    lines = [
        "[importlinter]",
        f"root_package = {package.name}",
        "include_external_packages = true",
        "exclude_type_checking_imports = true",
    ]
    for number, rule in enumerate(contracts(package, domains)):
        lines.append(f"\n[importlinter:contract:{number}]")
        for key, value in rule.items():
            text = "".join(f"\n    {item}" for item in value) if isinstance(value, list) else value
            lines.append(f"{key} = {text}")
    return "\n".join(lines) + "\n"
