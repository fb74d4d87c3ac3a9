"""Counts the lines and branches of portal/ that tests run: `pytest -p tests.support.counting`.

SlipCover writes a probe into the byte code of every line, and the probe goes once the line has run.
So only the import costs, where a function that traces would make all tests two thirds slower.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from slipcover import FileMatcher, ImportManager, Slipcover, merge_coverage, print_coverage

LEAST_PERCENT = 97.0
NOT_COUNTED = [r"if TYPE_CHECKING:", r"^\s*\.\.\.$"]
PORTAL = str(Path(__file__).parents[2] / "portal")

counter = pytest.StashKey[Slipcover]()
counts = pytest.StashKey[list[dict[str, Any]]]()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Begin before a conftest.py imports the portal."""
    early_config.stash[counts] = []
    hands_tests_out = early_config.known_args_namespace.numprocesses
    if hands_tests_out and "PYTEST_XDIST_WORKER" not in os.environ:
        return
    # `immediate`: each probe goes by itself. Else all functions are searched for to take it out.
    early_config.stash[counter] = Slipcover(
        immediate=True, branch=True, source=[PORTAL], exclude_also=NOT_COUNTED
    )
    ImportManager(early_config.stash[counter], FileMatcher(sources=[PORTAL])).__enter__()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker counted; one that crashed has nothing to tell."""
    if "counted" in getattr(node, "workeroutput", {}):
        node.config.stash[counts].append(json.loads(node.workeroutput["counted"]))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if counter in config.stash:
        counted = config.stash[counter].get_coverage()
        if hasattr(config, "workeroutput"):
            config.workeroutput["counted"] = json.dumps(counted)
            return
        config.stash[counts].append(counted)
    total, *others = config.stash[counts]
    for other in others:
        merge_coverage(total, other)
    if total["summary"]["percent_covered"] < LEAST_PERCENT and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    total = config.stash[counts][0]
    print_coverage(total, outfile=terminalreporter, skip_covered=True)
    percent = total["summary"]["percent_covered"]
    terminalreporter.write_line(
        f"Lines and branches run: {percent:.2f} %. At least {LEAST_PERCENT} % must be."
    )
