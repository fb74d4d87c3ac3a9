"""How much a state machine tries: little in a run of all tests, much before a release."""

import os

from hypothesis import HealthCheck, settings

from portal.kernel.database import db


def machine_settings(*, runs: int, steps: int) -> settings:
    """Return the settings of a machine that tries so much, if the environment names no numbers.

    On the second database half as many: what a step does to it is tried by the tests of commands.
    """
    is_first = db.engine.dialect.name == "sqlite"
    return settings(
        max_examples=int(os.environ.get("MACHINE_RUNS", runs if is_first else runs // 2)),
        stateful_step_count=int(os.environ.get("MACHINE_STEPS", steps)),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
