"""How close two capabilities are in the thesaurus."""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from portal.kernel.fulltext.language import terms_of, words_of
from portal.regions.rules import closure

#: How much a capability that was chosen counts if the words never mention it, and one that only
#: the words name.
UNMENTIONED = 0.65
NAMED = 0.5
#: Who can do something already needs it to be there rather than to be brought.
OWN = 0.5
#: What a step down from what is asked for costs: a 5-axis mill is a CNC mill, if not any one.
STEP_DOWN = 0.05
#: What is broader, or a sibling, serves at most so far.
BESIDE = 0.7


class Kinship:
    """The thesaurus as distances; `broader` gives for a concept what is directly above it.

    Two concepts are the closer, the fewer others share what both stand under: all kinds of arc
    welding are close to each other, all that happens to surfaces is not.
    """

    def __init__(self, broader: Mapping[str, Sequence[str]]) -> None:
        self._broader = broader
        self._above: dict[str, dict[str, int]] = {}
        below: dict[str, int] = defaultdict(int)
        for key in broader:
            for above in self._closure(key):
                below[above] += 1
        self._size = max(2, len(broader))
        self._below = below

    def closeness(self, asked: str, offered: str) -> float:
        """Return how far a capability serves who asks for another, from 0 to 1."""
        if asked == offered:
            return 1.0
        above = self._closure(offered)
        if asked in above:
            return 1.0 - STEP_DOWN * above[asked]
        shared = self._closure(asked).keys() & above.keys()
        if not shared:
            return 0.0
        together = max(self._weight(key) for key in shared)
        apart = self._weight(asked) + self._weight(offered)
        return BESIDE * 2 * together / apart if apart else 0.0

    def best(self, asked: str, offered: Sequence[str], share: float = 1.0) -> tuple[float, str]:
        """Return how close the closest of several capabilities is, and which; (0, "") for none."""
        close = ((share * self.closeness(asked, key), key) for key in offered)
        return max(close, default=(0.0, ""))

    def _closure(self, key: str) -> dict[str, int]:
        if key not in self._above:
            self._above[key] = closure([key], self._broader)
        return self._above[key]

    def _weight(self, key: str) -> float:
        """How much a concept says: nothing, if all others stand below it."""
        return 1.0 - math.log(max(1, self._below.get(key, 1))) / math.log(self._size)


def emphasis(
    text: str, labels: Mapping[str, str], named: Sequence[str], own: Collection[str] = ()
) -> dict[str, float]:
    """Return how much each capability counts by its key, the more the words speak of it.

    labels: the names of those that were chosen; named: the keys of those that only words name;
    own: what the organization can do itself.
    """
    spoken = set(terms_of(words_of(text)))
    counts = dict.fromkeys(named, NAMED)
    for key, label in labels.items():
        terms = terms_of(words_of(label))
        share = sum(term in spoken for term in terms) / len(terms) if terms else 0.0
        counts[key] = UNMENTIONED + (1.0 - UNMENTIONED) * share
    return {key: count * (OWN if key in own else 1.0) for key, count in counts.items()}
