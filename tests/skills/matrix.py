"""Who reaches the pages and the API of skills and credentials."""

from collections.abc import Mapping
from typing import Any

from tests.architecture.matrix import EVERYBODY, SIGNED_IN, Row
from tests.cast import World


def milling(_world: World) -> Mapping[str, Any]:
    return {"key": "cnc-mill-operation"}


def of_college(world: World) -> Mapping[str, Any]:
    return {"credential_id": world.credentials["college"]}


def new(world: World) -> Mapping[str, Any]:
    return {**changed(world), "organization_id": world.organizations["college"]}


def changed(_world: World) -> Mapping[str, Any]:
    return {"name": "Mill Operator", "kind": "certificate"}


ROUTES = [
    Row("skills.list_skills", "GET", EVERYBODY),
    Row("skills.show_skill", "GET", EVERYBODY, values=milling),
    Row("skills.suggest_skills", "GET", EVERYBODY, data=lambda world: {"q": "mill"}),
    Row("skills.suggest_occupations", "GET", EVERYBODY, data=lambda world: {"q": "weld"}),
    Row("skills.suggest_credentials", "GET", EVERYBODY, data=lambda world: {"q": "mill"}),
    Row("skills.list_credentials", "GET", EVERYBODY),
    Row("skills.show_credential", "GET", EVERYBODY, values=of_college),
    Row("skills.new_credential", "GET", SIGNED_IN),
    Row("skills.new_credential", "POST", "cleo", data=new),
    Row("skills.edit_credential", "GET", "cleo root", values=of_college),
    Row("skills.edit_credential", "POST", "cleo root", values=of_college, data=changed),
    Row("skills_api.list_skills", "GET", EVERYBODY),
    Row("skills_api.show_skill", "GET", EVERYBODY, values=milling),
    Row("skills_api.list_occupations", "GET", EVERYBODY),
    Row("skills_api.list_credentials", "GET", EVERYBODY),
    Row("skills_api.create_credential", "POST", "cleo", data=new, is_json=True),
    Row("skills_api.show_credential", "GET", EVERYBODY, values=of_college),
    Row(
        "skills_api.change_credential",
        "PATCH",
        "cleo root",
        values=of_college,
        data=changed,
        is_json=True,
    ),
]
