"""What an attempt to book raises that breaks rules: all of its problems, and what would work."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from portal.bookings.rules.attempt import Problem, Span
from portal.bookings.rules.suggestions import Suggestion
from portal.kernel.errors import PortalError
from portal.kernel.manifest import WayToQualify


@dataclass(frozen=True)
class Elsewhere:
    """Other equipment with the same capability that can be booked for the same time.

    zone: by whose clock its times are told.
    """

    equipment_id: int
    name: str
    organization: str
    distance_miles: float
    span: Span
    zone: str

    def as_json(self) -> dict[str, Any]:
        """Return what the API says of it, among the suggestions."""
        return {
            "kind": "elsewhere",
            "starts_at": self.span.starts_at.isoformat(),
            "ends_at": self.span.ends_at.isoformat(),
            "equipment_id": self.equipment_id,
            "name": self.name,
            "organization": self.organization,
            "distance_miles": round(self.distance_miles, 1),
        }


class Refused(PortalError):
    """An attempt that breaks rules; 409 where the time is taken, else 422.

    find_suggestions: looks for what would work; called when first asked for, so that nobody waits
    for it who holds the lock.
    leaves_some: of what repeats, others could be booked.
    find_elsewhere: looks for other equipment for the same time; set by who knows for whom.
    find_ways: looks for where one gets the qualification that a resource (by its id) wants; set
    likewise. resource_id: what the problems stand against, where they do not say so themselves.
    """

    find_elsewhere: Callable[[], Sequence[Elsewhere]] = tuple
    find_ways: Callable[[int | None], Sequence[WayToQualify]]

    def __init__(
        self,
        problems: Sequence[Problem],
        find_suggestions: Callable[[], Sequence[Suggestion]] = tuple,
        *,
        resource_id: int | None = None,
        leaves_some: bool = False,
    ) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = [
            replace(problem, resource_id=problem.resource_id or resource_id) for problem in problems
        ]
        self.leaves_some = leaves_some
        self.find_ways = lambda _resource_id: ()
        self._ways: dict[int | None, list[WayToQualify]] = {}
        self._find_suggestions = find_suggestions
        is_taken = any(problem.code == "conflict" for problem in problems)
        self.code = "conflict" if is_taken else "refused"
        self.status = 409 if is_taken else 422

    def ways_past(self, problem: Problem) -> list[WayToQualify]:
        """Return where one gets the qualification that is missing, if that is the problem."""
        if problem.code != "not_qualified":
            return []
        if problem.resource_id not in self._ways:
            self._ways[problem.resource_id] = list(self.find_ways(problem.resource_id))
        return self._ways[problem.resource_id]

    @cached_property
    def suggestions(self) -> list[Suggestion]:
        """What would work instead."""
        return list(self._find_suggestions())

    def details(self) -> Mapping[str, Any]:
        """Return the stable code, the problems, and the suggestions."""
        offered: list[Suggestion | Elsewhere] = [*self.suggestions, *self.find_elsewhere()]
        return {
            "code": self.code,
            "problems": [self._as_json(problem) for problem in self.problems],
            "suggestions": [one.as_json() for one in offered],
        }

    def _as_json(self, problem: Problem) -> dict[str, Any]:
        """Return a problem, and of a missing qualification where one gets it."""
        ways = self.ways_past(problem)
        if not ways:
            return problem.as_json()
        return {
            **problem.as_json(),
            "ways": [
                {
                    "title": way.title,
                    "provider": way.provider,
                    "url": way.url,
                    "starts_on": way.starts_on.isoformat(),
                }
                for way in ways
            ],
        }
