"""What all benchmarks share: percentiles, memory, the machine, tables, progress."""

import os
import platform
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which such a share of the values lies (the nearest of them)."""
    if not values:
        raise ValueError("there is nothing to measure")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def memory_of(process: int | str = "self") -> tuple[int, int] | None:
    """Return private and resident bytes of a process, or None where the system does not tell.

    Private is what it wrote itself: pages of mapped files are shared with all who map them.
    """
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text("ascii")
    except OSError:
        return None
    sizes = {name: int(size) * 1024 for name, size in re.findall(r"(\w+): +(\d+) kB", text)}
    return sizes["Private_Dirty"], sizes["Rss"]


def machine() -> str:
    """Return what was measured on."""
    model = platform.processor() or platform.machine()
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text("utf-8"))
        model = found[1] if found else model
    except OSError:
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = f"{cores} cores of {model}"
    return f"{name}, {platform.system()}, Python {platform.python_version()}"


def processor_seconds() -> float:
    """Return the processor's time that this process and those it has seen end have used."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def load() -> str:
    """Return how busy the machine is, since a neighbor's work spoils every figure."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def milliseconds(seconds: float | None) -> str:
    """Write a duration with three digits that count."""
    if seconds is None:
        return "–"
    value = seconds * 1000
    return (
        f"{value:,.0f}"
        if value >= 100
        else f"{value:.{2 if value < 10 else 1}f}"
        if value >= 1
        else f"{value:.2f}"
    )


def megabytes(size: float | None) -> str:
    """Write a number of bytes."""
    return "–" if size is None else f"{size / 1e6:,.0f} MB"


def ratio(value: float | None, other: float | None) -> str:
    """Write how many times `other` a value is."""
    if value is None or not other:
        return "–"
    times = value / other
    return f"{times:.3f}" if times < 0.1 else f"{times:.2f}" if times < 10 else f"{times:,.0f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table that also reads well as it stands: the first column left."""
    widths = [max(len(row[at]) for row in (header, *rows)) for at in range(len(header))]

    def line(row: Sequence[str]) -> str:
        first, *rest = row
        cells = [
            first.ljust(widths[0]),
            *(c.rjust(w) for c, w in zip(rest, widths[1:], strict=True)),
        ]
        return f"| {' | '.join(cells)} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join((line(header), f"| {' | '.join(rule)} |", *map(line, rows)))


def verdict(is_met: bool | None) -> str:
    """Write whether a goal was reached."""
    return {True: "met", False: "NOT MET", None: "not measured"}[is_met]


class Progress:
    """A line on the terminal that says how far the work is; nothing where nobody looks."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.done = 0
        self.started = time.monotonic()

    def say(self, text: str) -> None:
        """Say what is being done now."""
        self.text = text
        self._show()

    def step(self, count: int = 1) -> None:
        """Say that so much more is done."""
        self.done = min(self.done + count, self.steps)
        self._show()

    def _show(self) -> None:
        if sys.stderr.isatty():
            filled = 30 * self.done // max(self.steps, 1)
            bar = "#" * filled + "." * (30 - filled)
            passed = time.monotonic() - self.started
            print(
                f"\r\033[K[{bar}] {passed:4.0f} s {self.text}", end="", file=sys.stderr, flush=True
            )

    def close(self) -> None:
        """Leave a clean line."""
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
