"""Another process over the test's database.

It is forked, since a process that is begun anew takes seconds to load the app.
"""

import contextlib
import os
import signal
import socket
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NoReturn

import pytest
from flask import Flask

PATIENCE_SECONDS = 60

#: Say a word to the test, and wait until it has the process go on.
Say = Callable[[str], None]
Begin = Callable[[Callable[[Say], None]], AbstractContextManager["Process"]]


class Process:
    """A process of a test's own making, and the line between the two."""

    def __init__(self, pid: int, line: socket.socket) -> None:
        self._pid = pid
        self._line = line
        self._words = line.makefile("r", encoding="utf-8")
        self._code: int | None = None

    def heard(self) -> str:
        """Wait for the next word that the process says."""
        return self._words.readline().strip()

    def go_on(self) -> None:
        """Let the process go on after its word, even if it was stopped."""
        os.kill(self._pid, signal.SIGCONT)
        self._line.sendall(b"\n")

    def wait(self) -> int:
        """Wait for the end; return the exit code, or minus the signal that killed it."""
        if self._code is None:
            self._words.read()
            _pid, status = os.waitpid(self._pid, 0)
            self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def stop(self) -> None:
        """Let the process stand still as it is, whatever it holds."""
        os.kill(self._pid, signal.SIGSTOP)

    def kill(self) -> None:
        """End the process without its doing."""
        if self._code is None:
            os.kill(self._pid, signal.SIGKILL)

    def close(self) -> None:
        """Leave nothing of it behind."""
        self.kill()
        self.wait()
        self._words.close()
        self._line.close()


@pytest.fixture
def another_process(app: Flask, _databases: Any) -> Begin:
    """Begin a process that does some work over the same database, inside an app context."""

    @contextmanager
    def begin(work: Callable[[Say], None]) -> Iterator[Process]:
        # What is open belongs to one process.
        _databases.release()
        ours, theirs = socket.socketpair()
        with warnings.catch_warnings():
            # Newer Pythons warn of threads, of which the work needs none.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            ours.close()
            _work(app, work, theirs)
        theirs.close()
        ours.settimeout(PATIENCE_SECONDS)
        with contextlib.closing(Process(pid, ours)) as process:
            yield process

    return begin


def _work(app: Flask, work: Callable[[Say], None], line: socket.socket) -> NoReturn:
    """Do it and be gone: never return into the test."""
    code = 1

    def say(word: str) -> None:
        line.sendall(f"{word}\n".encode())
        line.recv(1)

    try:
        with app.app_context():
            work(say)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
