"""Files of imports, and the clock that works them off."""

import csv
import io

import pytest

from portal.intake.reactions import work_off_imports
from portal.intake.rules.uniquip import UNIQUIP


def table(rows, columns=None):
    """Write rows (dictionaries) as a CSV file."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns or list(rows[0]), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def uniquip(*rows):
    """Write rows in all columns of UNIQUIP."""
    return table(rows, UNIQUIP)


@pytest.fixture
def work_off(app):
    """Let the clock work until no import waits."""

    def work():
        while work_off_imports():
            pass

    return work
