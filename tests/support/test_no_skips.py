"""Skips, as a run with and without CI=true sees them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUITES = {
    "in a test": "import pytest\ndef test_it(): pytest.skip('no such machine')\n",
    "by a mark": "import pytest\n@pytest.mark.skip('no such machine')\ndef test_it(): pass\n",
    "in a fixture": (
        "import pytest\n@pytest.fixture\ndef machine(): pytest.skip('no such machine')\n"
        "def test_it(machine): pass\n"
    ),
    "of a module": "import pytest\npytest.skip('no such machine', allow_module_level=True)\n",
}


def run(suite: str, folder: Path, ci: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_suite.py").write_text(suite)
    options = ["-p", "tests.support.no_skips", "-p", "no:cacheprovider", "-c", os.devnull, "-rs"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--rootdir={folder}", str(folder)],
        cwd=ROOT,
        env={**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_a_skip_fails_the_run_under_ci_and_still_tells_its_reason(
    suite: str, tmp_path: Path
) -> None:
    done = run(suite, tmp_path, ci="true")
    assert done.returncode != 0
    assert "no such machine" in done.stdout
    assert "nothing may be skipped" in done.stdout


def test_a_skip_elsewhere_is_only_reported(tmp_path: Path) -> None:
    done = run(SUITES["in a fixture"], tmp_path, ci="")
    assert done.returncode == 0
    assert "1 skipped" in done.stdout


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    suite = "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_it(): assert False\n"
    done = run(suite, tmp_path, ci="true")
    assert done.returncode == 0
    assert "1 xfailed" in done.stdout
