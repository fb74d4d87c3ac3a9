"""Counts requests in the memory of a process, minute by minute of the clock.

The limiter's own counts in memory start a thread for nearly every request.
"""

import threading
import time
from collections import Counter

from limits.storage import Storage


class Minutes(Storage):
    """Counts of one period of the clock; those of the last one are gone with it."""

    SCHEME = "minutes"
    STORAGE_SCHEME = [SCHEME]

    def __init__(self, uri: str | None = None, **_options: object) -> None:
        super().__init__(uri)
        self._lock = threading.Lock()
        self._period = (0, 0)
        self._counts: Counter[str] = Counter()

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return what may go wrong with it: nothing."""
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count for a key, and return what it has in this period of so many seconds."""
        period = (expiry, int(time.time()) // expiry)
        with self._lock:
            if self._period != period:
                self._period = period
                self._counts.clear()
            self._counts[key] += amount
            return self._counts[key]

    def get(self, key: str) -> int:
        """Return what a key has."""
        return self._counts[key]

    def get_expiry(self, key: str) -> float:
        """Return when the present period ends."""
        seconds, number = self._period
        return seconds * (number + 1)

    def check(self) -> bool:
        """Tell that it works."""
        return True

    def reset(self) -> int | None:
        """Forget everything."""
        self._counts.clear()
        return None

    def clear(self, key: str) -> None:
        """Forget what a key has."""
        self._counts.pop(key, None)
