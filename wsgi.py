"""The WSGI app: `granian --interface wsgi wsgi:app`, `flask --app wsgi …`."""

import gc
import os

from portal.app import create_app, warm_up

app = create_app()
# Commands of the terminal, which load this too, do without.
if os.environ.get("FLASK_RUN_FROM_CLI") != "true":
    warm_up(app)
# What stays for good is no concern of the collector's: else every full collection walks through it
# all while a page waits.
gc.collect()
gc.freeze()
# A request makes some thousands of objects, and lets go of nearly all by itself.
gc.set_threshold(5_000)
