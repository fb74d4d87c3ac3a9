"""What domains put into the full-text index and get out of it, in words no engine owns.

Plain values only: no engine, no database, no Flask. `index.Index` answers these questions.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias, overload

Key: TypeAlias = tuple[str, int]
"""(kind, id): what identifies a document. A newer document with the same key replaces the older."""

Sort: TypeAlias = Literal["relevance", "newest", "distance", "title"]

SORTS: Final[tuple[Sort, ...]] = ("relevance", "newest", "distance", "title")
KIND_FACET: Final = "kind"
MAX_LIMIT: Final = 50
FEW: Final = 20
MAX_OFFSET: Final = 1_000
DIGEST_BYTES: Final = 8
# No document keeps such characters in what is shown of it.
MATCH: Final = "\1"
MATCH_END: Final = "\2"
_MATCH, _MATCH_END = MATCH.encode(), MATCH_END.encode()


class IndexUnavailable(Exception):
    """The index is missing or cannot be read; `Index.rebuild` recovers from it."""


class IndexOutOfReach(IndexUnavailable):
    """The index does not answer at present; to rebuild it would not help."""


class QueryTooCostly(IndexOutOfReach):
    """The answer was given up, because it would have taken longer than any may."""


class IndexBusy(Exception):
    """Another process kept on writing for longer than the caller was willing to wait; try again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One record as searchers may find it.

    Whoever holds one of the `audience` tokens ("public", "member", "org:12") sees the whole
    document, so a field that fewer people may read belongs in none of its texts. Texts are plain,
    not Markdown or HTML. `facets` maps a facet's name to this document's values; "kind" is a facet
    of every document already. `keywords` are searched and suggested but not shown: capability
    labels with their alternates, model numbers. `extra` is returned with hits, never searched.
    """

    kind: str
    id: int
    title: str
    url: str
    audience: frozenset[str]
    updated_at: datetime
    summary: str = ""
    body: str = ""
    organization: str = ""
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
    latitude: float | None = None
    longitude: float | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if KIND_FACET in self.facets:
            raise ValueError("'kind' is a facet of every document and cannot be given")
        if self.updated_at.tzinfo is None:
            raise ValueError("updated_at must be aware")

    @property
    def key(self) -> Key:
        return (self.kind, self.id)

    @property
    def digest(self) -> bytes:
        """A few bytes that differ when anything about the document does."""
        content = (
            *(getattr(self, name) for name in _PLAIN_FIELDS),
            self.updated_at.timestamp(),
            sorted(self.audience),
            sorted((name, tuple(values)) for name, values in self.facets.items()),
            tuple(self.keywords),
            sorted(self.extra.items()),
        )
        return hashlib.blake2b(repr(content).encode(), digest_size=DIGEST_BYTES).digest()


_PLAIN_FIELDS: Final = (
    "kind", "id", "title", "url", "summary", "body", "organization", "latitude", "longitude",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Near:
    """A point, and how far around it documents may lie (miles; None: anywhere)."""

    latitude: float
    longitude: float
    radius_miles: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What one searcher asks.

    `text` is as typed: words, "phrases", +must, -not; all else is plain text, and nothing in it is
    ever an error. Words must all match somewhere in a document; only if no visible document has
    them all are misspelled words corrected, and then any of the words suffices. `kinds` and
    `facets` keep documents with one of the given values in each facet named; empty means any.
    `among` keeps only those documents, for what is worked out elsewhere ("free in May"), and
    `updated_since` only those updated then or later; None means any, and the counts heed both.
    Documents in `hidden` are as those that the audience may not see.
    Sorting by distance without `near`, or by relevance without words, sorts by newest.
    """

    audience: frozenset[str]
    hidden: frozenset[Key] = frozenset()
    text: str = ""
    kinds: frozenset[str] = frozenset()
    facets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    near: Near | None = None
    among: frozenset[Key] | None = None
    updated_since: datetime | None = None
    sort: Sort = "relevance"
    limit: int = 20
    offset: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.limit <= MAX_LIMIT:
            raise ValueError(f"limit must be 0 to {MAX_LIMIT}")
        if not 0 <= self.offset <= MAX_OFFSET:
            raise ValueError(f"offset must be 0 to {MAX_OFFSET}")
        if self.sort not in SORTS:
            raise ValueError(f"sort must be one of {', '.join(SORTS)}")
        if KIND_FACET in self.facets:
            raise ValueError("select kinds with `kinds`")
        if self.updated_since is not None and self.updated_since.tzinfo is None:
            raise ValueError("updated_since must be aware")

    def wants_partial(self, total: int) -> bool:
        """Whether so few results leave room for those that have only some of the words."""
        return total < FEW and self.sort == "relevance" and not self.offset and self.limit > total


class Fragment(NamedTuple):
    """A piece of a hit's text. In `marked` each match stands between `MATCH` and `MATCH_END`.

    `{{ fragment }}` in a template is safe: it prints the text escaped and the matches in <mark>.
    """

    marked: str

    @property
    def text(self) -> str:
        return self.marked.replace(MATCH, "").replace(MATCH_END, "")

    def __html__(self) -> str:
        return with_matches(html.escape(self.marked).encode()).decode()


def with_matches(escaped: bytes) -> bytes:
    """Marked text that is escaped already, in UTF-8, with its matches in <mark>."""
    return escaped.replace(_MATCH, b"<mark>").replace(_MATCH_END, b"</mark>")


class Hit(NamedTuple):
    """A document found. `highlights` show where the words stand; empty if the query had none."""

    kind: str
    id: int
    url: str
    title: str
    summary: str
    organization: str
    facets: Mapping[str, tuple[str, ...]]
    extra: Mapping[str, str]
    updated_at: datetime
    latitude: float | None
    longitude: float | None
    highlights: tuple[Fragment, ...]
    score: float
    distance_miles: float | None

    @property
    def key(self) -> Key:
        return (self.kind, self.id)


class FacetValue(NamedTuple):
    """A value of a facet, and how many hits choosing it (as well) would show."""

    value: str
    count: int  # type: ignore[assignment] # instead of the method of tuples
    is_selected: bool


class FacetValues(Sequence[FacetValue]):
    """The values of a facet, the most frequent first.

    There may be thousands of which a page shows some: each is made when it is looked at.
    """

    __slots__ = ("counts", "names", "selected")

    def __init__(
        self, names: Sequence[str], counts: Sequence[int], selected: Collection[str] = frozenset()
    ) -> None:
        self.names = names
        self.counts = counts
        self.selected = selected

    def first(self, most: int | None) -> FacetValues:
        """So many of the most frequent (None: all) and every other one that is selected."""
        if most is None or most >= len(self.names):
            return self
        names, counts = list(self.names[:most]), list(self.counts[:most])
        if self.selected:
            for at in range(most, len(self.names)):
                if self.names[at] in self.selected:
                    names.append(self.names[at])
                    counts.append(self.counts[at])
        return FacetValues(names, counts, self.selected)

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, at: int) -> FacetValue: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[FacetValue, ...]: ...
    def __getitem__(self, at: int | slice) -> FacetValue | tuple[FacetValue, ...]:
        if isinstance(at, slice):
            return tuple(FacetValues(self.names[at], self.counts[at], self.selected))
        name = self.names[at]
        return FacetValue(name, self.counts[at], name in self.selected)

    def __iter__(self) -> Iterator[FacetValue]:
        for name, count in zip(self.names, self.counts, strict=True):
            yield FacetValue(name, count, name in self.selected)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """One page of hits, and what holds for all of them.

    `total` and the counts are exact. A facet's counts ignore the selection within that same facet,
    so that siblings stay visible; "kind" is among the facets. Values come most frequent first; a
    selected value is there even if its count is 0. `is_fuzzy` says that no document had all the
    words as typed; `suggestion` is a spelling that does find some, if there is one.

    If fewer than `FEW` have all the words, `partial` fills up the first page, sorted by relevance,
    with documents that have only some of them. They pass the filters, but nothing counts them.
    """

    total: int
    hits: tuple[Hit, ...]
    facets: Mapping[str, FacetValues]
    suggestion: str | None = None
    is_fuzzy: bool = False
    partial: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A document offered while the searcher is still typing."""

    kind: str
    id: int
    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of the index in use: live documents, its generation's name and its segments."""

    documents: int
    generation: str
    segments: int


#: Asks for all that a search may need; it need not find anything.
WARMING: Final = Query(audience=frozenset({"public"}), text="machine shop")


class Engine(Protocol):
    """What every engine of full-text search answers, for any number of threads and processes.

    Every call sees the latest commit. Reading from and applying to an index that is missing or
    damaged raises `IndexUnavailable`, waiting too long for another writer `IndexBusy`.
    """

    def warm(self) -> None:
        """Do once in a process what the first search would have to wait for."""

    def search(self, query: Query) -> Results:
        """Find one page of hits and count all of them."""

    def matching(self, query: Query, *, is_waited_for: bool = False) -> frozenset[Key]:
        """Return everything that has the words as typed; limit, offset and sort do not matter.

        is_waited_for: somebody waits for the answer, which may take some seconds at most.
        """

    def suggest(
        self, prefix: str, audience: frozenset[str], limit: int = 8
    ) -> tuple[Suggestion, ...]:
        """Return visible documents whose titles or keywords have words beginning like those typed.

        The best come first, but those of a kind stand together. At most 50.
        """

    def keys(self) -> Mapping[Key, datetime]:
        """Return every document in the index with its `updated_at`."""

    def digests(self) -> Mapping[Key, bytes]:
        """Return the `digest` that each document in the index had when it was put in."""

    def status(self) -> Status:
        """Tell the size and the generation of the index in use."""

    def apply(self, documents: Iterable[Document] = (), deleted: Iterable[Key] = ()) -> None:
        """Delete and then add or replace documents, all in one commit."""

    def rebuild(
        self, documents: Iterable[Document], progress: Callable[[int], None] | None = None
    ) -> None:
        """Replace the whole index while the old one serves.

        Of several documents with one key the first counts. `progress` is told how many have been
        added so far.
        """
