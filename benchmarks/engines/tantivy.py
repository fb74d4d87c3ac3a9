"""Tantivy, by its Python wheel.

Two fields, because each field costs a posting list per word: `text` holds everything and must
match, `title` raises the score. Visibility and facet values are filters with a constant score over
raw terms; facets are terms aggregations over fast fields; one writing thread with a large heap, so
that there is one segment. Highlights by its snippet generator. For a radius it finds the square
around it by fast fields and measures the distances of what is in it in numpy. Misspelled words are
fuzzy terms over unstemmed words; a prefix is a regular expression over the words of names.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tantivy
from tantivy import Filter, Occur, Query, SchemaBuilder, TextAnalyzerBuilder, Tokenizer

from benchmarks.corpus import FACETS, Ask
from benchmarks.engines import Answer, size_of
from benchmarks.engines.shared import facets_of, keep_within, square_around, whole_text
from portal.kernel.fulltext.port import Document


def _schema() -> Any:
    builder = SchemaBuilder()
    builder.add_unsigned_field("id", stored=True, indexed=True, fast=True)
    builder.add_text_field("title", stored=True, tokenizer_name="stemmed")
    builder.add_text_field("text", stored=True, tokenizer_name="stemmed")
    builder.add_text_field("words", tokenizer_name="plain", index_option="basic")
    builder.add_text_field("names", tokenizer_name="plain", index_option="basic")
    builder.add_text_field("audience", tokenizer_name="raw", index_option="basic")
    for name in FACETS:
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_float_field("latitude", fast=True)
    builder.add_float_field("longitude", fast=True)
    return builder.build()


def _lower() -> Any:
    return TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.lowercase())


class Engine:
    """An index of one segment and a searcher over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.schema = _schema()

    def _index(self) -> Any:
        index = tantivy.Index(self.schema, str(self.folder))
        self.analyzer = _lower().filter(Filter.stemmer("english")).build()
        index.register_tokenizer("stemmed", self.analyzer)
        index.register_tokenizer("plain", _lower().build())
        return index

    def build(self, documents: Iterable[Document]) -> None:
        self.folder.mkdir(parents=True)
        index = self._index()
        writer = index.writer(heap_size=1_500_000_000, num_threads=1)
        for document in documents:
            text = whole_text(document)
            found = tantivy.Document()
            found.add_unsigned("id", document.id)
            found.add_text("title", document.title)
            found.add_text("text", text)
            found.add_text("words", text)
            found.add_text("names", " ".join((document.title, *document.keywords)))
            for token in document.audience:
                found.add_text("audience", token)
            for name, values in facets_of(document).items():
                for value in values:
                    found.add_text(name, value)
            found.add_float("latitude", document.latitude or 0.0)
            found.add_float("longitude", document.longitude or 0.0)
            writer.add_document(found)
        writer.commit()
        writer.wait_merging_threads()

    def open(self) -> None:
        self.index = self._index()
        self.searcher = self.index.searcher()

    def warm(self) -> None:
        return

    def answer(self, ask: Ask) -> Answer:
        query = self._query(ask)
        if ask.near:
            return self._near(ask, query)
        result = self.searcher.search(query, ask.limit or 1, count=not ask.is_prefix)
        hits = [address for _, address in result.hits][: ask.limit]
        documents = [self.searcher.doc(address) for address in hits]
        answer = Answer(
            len(hits) if ask.is_prefix else result.count, [one.get_first("id") for one in documents]
        )
        if ask.has_facets:
            answer.facets = self._facets(query)
        if ask.has_highlights:
            generator = tantivy.SnippetGenerator.create(self.searcher, query, self.schema, "text")
            answer.fragments = [generator.snippet_from_doc(one).to_html() for one in documents]
        return answer

    def _query(self, ask: Ask) -> Any:
        parts = [(Occur.Must, self._visible(ask))]
        for name, values in ask.chosen.items():
            parts.append((Occur.Must, self._any_of(name, values)))
        if ask.is_prefix:
            parts.append((Occur.Must, Query.regex_query(self.schema, "names", f"{ask.words[0]}.*")))
        elif ask.is_fuzzy:
            parts.append(
                (Occur.Must, Query.fuzzy_term_query(self.schema, "words", ask.words[0], 1))
            )
        elif ask.is_phrase:
            words = self._stemmed(ask)
            parts.append((Occur.Must, Query.phrase_query(self.schema, "text", words)))
            title = Query.phrase_query(self.schema, "title", words)
            parts.append((Occur.Should, Query.boost_query(title, 5.0)))
        else:
            for word in self._stemmed(ask):
                parts.append((Occur.Must, Query.term_query(self.schema, "text", word, "freq")))
                title = Query.term_query(self.schema, "title", word, "freq")
                parts.append((Occur.Should, Query.boost_query(title, 5.0)))
        if ask.near:
            south, north, west, east = square_around(ask.near)
            for name, low, high in (("latitude", south, north), ("longitude", west, east)):
                kind = tantivy.FieldType.Float
                parts.append((Occur.Must, Query.range_query(self.schema, name, kind, low, high)))
        return parts[0][1] if len(parts) == 1 else Query.boolean_query(parts)

    def _stemmed(self, ask: Ask) -> list[str]:
        return [self.analyzer.analyze(word)[0] for word in ask.words]

    def _visible(self, ask: Ask) -> Any:
        return self._any_of("audience", ask.audience)

    def _any_of(self, name: str, values: Iterable[str]) -> Any:
        terms = [Query.term_query(self.schema, name, value, "basic") for value in sorted(values)]
        found = (
            terms[0] if len(terms) == 1 else Query.boolean_query([(Occur.Should, t) for t in terms])
        )
        return Query.const_score_query(found, 0.0)

    def _facets(self, query: Any) -> dict[str, dict[str, int]]:
        wanted = {
            name: {"terms": {"field": name, "size": 1000, "segment_size": 1000}} for name in FACETS
        }
        counted = self.searcher.aggregate(query, wanted)
        return {
            name: {bucket["key"]: bucket["doc_count"] for bucket in counted[name]["buckets"]}
            for name in FACETS
        }

    def _near(self, ask: Ask, query: Any) -> Answer:
        result = self.searcher.search(query, self.searcher.num_docs, count=False)
        addresses = [address for _, address in result.hits]
        kept = keep_within(
            ask.near,
            np.array(self.searcher.fast_field_values("latitude", addresses)),
            np.array(self.searcher.fast_field_values("longitude", addresses)),
        )
        nearest = [addresses[at] for at in kept[: ask.limit]]
        return Answer(len(kept), [self.searcher.doc(one).get_first("id") for one in nearest])

    def size(self) -> int:
        return size_of(self.folder)

    def close(self) -> None:
        return
