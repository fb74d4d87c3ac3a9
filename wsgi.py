"""The app: `python -m script.web … wsgi:server`, `flask --app wsgi …`."""

import gc
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from portal.app import app_of_process, warm_up
from portal.kernel.web.server import Server


def begin() -> Flask:
    """Make the app, and what its process keeps; commands of the terminal do without the latter."""
    made = app_of_process()
    if os.environ.get("FLASK_RUN_FROM_CLI") != "true":
        warm_up(made)
    # What stays for good is no concern of the collector's: else every full collection walks through
    # it all while a page waits.
    gc.collect()
    gc.freeze()
    # A request makes some thousands of objects, and lets go of nearly all by itself.
    gc.set_threshold(5_000)
    return made


def step_back() -> None:
    """Let the processes that serve already go first, where a thread has a priority of its own."""
    if sys.platform == "linux":
        os.nice(10)


# In a thread that ends: nobody may raise a priority again.
with ThreadPoolExecutor(1, initializer=step_back) as apart:
    app = apart.submit(begin).result()
server = Server(app, app.config["MAX_CONTENT_LENGTH"])
