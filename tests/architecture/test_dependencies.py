"""Dependencies: pinned with hashes, the same for portal and tests, from no particular host."""

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = (
    "requirements.txt",
    "requirements-test.txt",
    "requirements-install.txt",
    "requirements-node.txt",
)


def pins(name: str) -> dict[str, str]:
    """What a requirements file pins: "package ; condition" to everything that follows it."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line and not line.startswith("#")]
    return dict(re.split(r"\s+(?=--hash)", line, maxsplit=1) for line in lines)


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=~! ;]", requirement)[0].lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_to_one_version_with_its_hashes(lock: str) -> None:
    loose = [
        requirement
        for requirement, hashes in pins(lock).items()
        if "==" not in requirement or not re.fullmatch(r"(--hash=sha256:[0-9a-f]{64}\s*)+", hashes)
    ]
    assert loose == []


def test_the_tests_run_on_the_versions_that_the_portal_runs_on() -> None:
    assert pins("requirements.txt").items() <= pins("requirements-test.txt").items()


def test_every_direct_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    locked = {name_of(requirement) for requirement in pins("requirements.txt")}
    assert {name_of(item) for item in project["project"]["dependencies"]} <= locked
    locked_for_tests = {name_of(requirement) for requirement in pins("requirements-test.txt")}
    assert {name_of(item) for item in project["dependency-groups"]["test"]} <= locked_for_tests


def test_every_front_end_package_has_its_hash_and_no_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    wanted = json.loads((ROOT / "package.json").read_text())
    assert {f"node_modules/{name}" for name in wanted["dependencies"]} <= set(packages)
    assert [name for name, package in packages.items() if "integrity" not in package] == []
    assert [name for name, package in packages.items() if "resolved" in package] == []


@pytest.mark.parametrize("lock", [*LOCKS, "package-lock.json", ".npmrc", "pyproject.toml"])
def test_no_lock_file_names_a_host_to_download_from(lock: str) -> None:
    assert re.findall(r"https?://\S+", (ROOT / lock).read_text()) == []
