"""Runs the web server, Granian, with its arguments: `python -m script.web … wsgi:server`.

It makes the app before its processes part from it: one that takes another's place finds it there,
while those that still serve keep their cores.
"""

import gc
import multiprocessing
import sys

from granian.cli import entrypoint

from portal.app import app_of_process


def main() -> None:
    app_of_process()
    # What they share is not to be copied because a collector has marked it.
    gc.collect()
    gc.freeze()
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork")
    entrypoint()


if __name__ == "__main__":
    main()
