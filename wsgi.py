"""The WSGI app: `granian --interface wsgi wsgi:app`, `flask --app wsgi …`."""

import gc

from portal.app import create_app

app = create_app()
# What stays for good is no concern of the collector's: else every full collection walks through it
# all while a page waits.
gc.collect()
gc.freeze()
