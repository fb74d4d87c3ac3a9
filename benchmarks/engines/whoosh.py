"""Whoosh's own query executor, used as its documentation says.

`text` holds everything, `title` raises the score; stemming analyzers; visibility and facet values
by `filter=`; facets by `groupedby`, where single-valued ones are sortable columns; highlights by
`Hit.highlights`; fuzzy terms and prefixes by its query classes. Built with two processes, which
write one segment each. A radius is two numeric ranges, then measured in numpy.
"""

from collections.abc import Iterable
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Any

import numpy as np
from whoosh import fields, query, sorting
from whoosh.analysis import SimpleAnalyzer, StemmingAnalyzer
from whoosh.index import create_in, open_dir

from benchmarks.corpus import SEVERAL_FACETS, SINGLE_FACETS, Ask
from benchmarks.engines import Answer, size_of
from benchmarks.engines.shared import facets_of, keep_within, square_around, whole_text
from portal.kernel.fulltext.port import Document

_DEGREES = 100_000


def _schema() -> Any:
    stemming = StemmingAnalyzer()
    return fields.Schema(
        id=fields.NUMERIC(stored=True, sortable=True),
        title=fields.TEXT(stemming, field_boost=5.0),
        text=fields.TEXT(stemming, stored=True),
        words=fields.KEYWORD(lowercase=True),
        names=fields.TEXT(SimpleAnalyzer(), phrase=False),
        audience=fields.KEYWORD,
        **{name: fields.ID(sortable=True) for name in SINGLE_FACETS},
        **{name: fields.KEYWORD(commas=True) for name in SEVERAL_FACETS},
        # Floating point numbers cannot be sortable.
        latitude=fields.NUMERIC(int, signed=True, sortable=True),
        longitude=fields.NUMERIC(int, signed=True, sortable=True),
    )


class Engine:
    """An index and one searcher over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.searcher: Any = None

    def build(self, documents: Iterable[Document]) -> None:
        self.folder.mkdir(parents=True)
        writer = create_in(str(self.folder), _schema()).writer(
            procs=2, multisegment=True, limitmb=256
        )
        for document in documents:
            facets = {name: list(values) for name, values in facets_of(document).items()}
            text = whole_text(document)
            writer.add_document(
                id=document.id,
                title=document.title,
                text=text,
                words=text,
                names=" ".join((document.title, *document.keywords)),
                audience=" ".join(document.audience),
                **{name: facets[name][0] for name in SINGLE_FACETS},
                **{name: ",".join(facets[name]) for name in SEVERAL_FACETS},
                latitude=round((document.latitude or 0.0) * _DEGREES),
                longitude=round((document.longitude or 0.0) * _DEGREES),
            )
        writer.commit()

    def open(self) -> None:
        self.index = open_dir(str(self.folder))
        self.searcher = self.index.searcher()

    def warm(self) -> None:
        return

    def answer(self, ask: Ask) -> Answer:
        filters = [query.Or([query.Term("audience", token) for token in sorted(ask.audience)])]
        for name, values in ask.chosen.items():
            filters.append(query.Or([query.Term(name, value) for value in values]))
        if ask.near:
            return self._near(ask, filters)
        # A facet's counts hold for all matches only if all are collected.
        limit = None if ask.has_facets else ask.limit
        grouped = {
            **{name: sorting.FieldFacet(name) for name in SINGLE_FACETS},
            **{name: sorting.FieldFacet(name, allow_overlap=True) for name in SEVERAL_FACETS},
        }
        results = self.searcher.search(
            self._query(ask),
            limit=limit,
            filter=reduce(and_, filters),
            groupedby=grouped if ask.has_facets else None,
            maptype=sorting.Count,
            terms=ask.has_highlights,
        )
        hits = results[: ask.limit]
        answer = Answer(len(hits) if ask.is_prefix else len(results), [hit["id"] for hit in hits])
        if ask.has_facets:
            answer.facets = {
                name: {value: count for value, count in results.groups(name).items() if value}
                for name in grouped
            }
        if ask.has_highlights:
            answer.fragments = [hit.highlights("text", top=2) for hit in hits]
        return answer

    def _query(self, ask: Ask) -> Any:
        if not ask.words:
            return query.Every()
        if ask.is_prefix:
            return query.Prefix("names", ask.words[0])
        if ask.is_fuzzy:
            return query.FuzzyTerm("words", ask.words[0], maxdist=1, prefixlength=1)
        words = [token.text for word in ask.words for token in self._analyzer()(word)]
        if ask.is_phrase:
            return query.Or([query.Phrase(name, words) for name in ("title", "text")])
        return query.And(
            [query.Or([query.Term(name, word) for name in ("title", "text")]) for word in words]
        )

    def _analyzer(self) -> Any:
        return self.index.schema["text"].analyzer

    def _near(self, ask: Ask, filters: list[Any]) -> Answer:
        assert ask.near is not None
        south, north, west, east = (round(d * _DEGREES) for d in square_around(ask.near))
        square = query.And(
            [
                query.NumericRange("latitude", south, north),
                query.NumericRange("longitude", west, east),
            ]
        )
        numbers = np.array(sorted(self.searcher.docs_for_query(reduce(and_, filters, square))), int)
        reader = self.searcher.reader()
        columns = [reader.column_reader(name) for name in ("latitude", "longitude")]
        places = [np.array([column[n] for n in numbers]) / _DEGREES for column in columns]
        kept = keep_within(ask.near, *places)
        nearest = [reader.stored_fields(int(numbers[at]))["id"] for at in kept[: ask.limit]]
        return Answer(len(kept), nearest)

    def size(self) -> int:
        return size_of(self.folder)

    def close(self) -> None:
        if self.searcher is not None:
            self.searcher.close()
