"""The portal's own engine, through its port, with nothing switched off.

It always counts all facets and highlights all hits, also where the others are spared that. A name's
beginning is what the search box asks while somebody types.
"""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.corpus import Ask
from benchmarks.engines import Answer, size_of
from portal.kernel.fulltext.index import Index
from portal.kernel.fulltext.port import KIND_FACET, Document, Query


class Engine:
    """`Index` as the web processes have it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = Index(folder)

    def build(self, documents: Iterable[Document]) -> None:
        self.index.rebuild(documents)

    def open(self) -> None:
        self.index.status()

    def warm(self) -> None:
        self.index.warm()

    def answer(self, ask: Ask) -> Answer:
        if ask.is_prefix:
            offered = self.index.suggest(ask.words[0], ask.audience, ask.limit)
            return Answer(len(offered), [item.id for item in offered])
        text = " ".join(ask.words)
        facets = {
            name: frozenset(values) for name, values in ask.chosen.items() if name != KIND_FACET
        }
        found = self.index.search(
            Query(
                audience=ask.audience,
                text=f'"{text}"' if ask.is_phrase else text,
                kinds=frozenset(ask.chosen.get(KIND_FACET, ())),
                facets=facets,
                near=ask.near,
                sort="distance" if ask.near else "relevance",
                limit=ask.limit,
            )
        )
        return Answer(
            found.total,
            [hit.id for hit in found.hits],
            {
                name: dict(zip(values.names, values.counts, strict=True))
                for name, values in found.facets.items()
            }
            if ask.has_facets
            else {},
            [fragment.__html__() for hit in found.hits for fragment in hit.highlights]
            if ask.has_highlights
            else [],
        )

    def size(self) -> int:
        return size_of(self.folder)

    def close(self) -> None:
        return
