"""Runs the web server, Granian, with its arguments: `python -m script.web --workers 2 … wsgi:app`.

It loads the portal's modules before its processes part from it: one that takes another's place
finds them there, while those that still serve keep their cores.
"""

import gc
import multiprocessing
import sys

from granian.cli import entrypoint

from portal.app import load_manifests


def main() -> None:
    load_manifests()
    # What they share is not to be copied because a collector has marked it.
    gc.collect()
    gc.freeze()
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork")
    entrypoint()


if __name__ == "__main__":
    main()
