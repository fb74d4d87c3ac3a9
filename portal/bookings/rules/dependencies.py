"""What follows from "this does not work without that"."""

from collections.abc import Iterable, Mapping


def reached(edges: Mapping[int, Iterable[int]], start: int) -> set[int]:
    """Return all that can be reached from one along edges, itself included."""
    found: set[int] = set()
    waiting = [start]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(edges.get(one, ()))
    return found


def closes_circle(needs: Mapping[int, Iterable[int]], one: int, needed: int) -> bool:
    """Tell whether something would come to need itself, if it needed another one."""
    return one in reached(needs, needed)
