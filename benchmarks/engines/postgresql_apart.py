"""The same PostgreSQL, asked as applications that are made of queries ask it.

A statement for the hits with their highlights, one for their number and one for each facet, each of
which finds the matches anew. Server, table, indexes and settings are those of `postgresql`.
"""

from typing import Any

from benchmarks.corpus import FACETS, SEVERAL_FACETS, Ask
from benchmarks.engines import Answer, postgresql


class Engine(postgresql.Engine):
    """Eight statements for a page."""

    def _page(self, ask: Ask, asked: tuple[str, str], matches: str, values: list[Any]) -> Answer:
        assert self.connection is not None
        ask_for = self.connection.execute
        source = matches[matches.index("FROM ") :]
        answer = Answer(0, [])
        if ask.limit:
            shown = "''"
            if ask.has_highlights:
                shown = f"ts_headline('english', summary || ' ' || body, query, {postgresql.SHOWN})"
            hits = ask_for(
                f"SELECT id, {shown} AS shown, {matches} ORDER BY score DESC, id LIMIT %s",
                (*values, ask.limit),
            ).fetchall()
            answer.ids = [row[0] for row in hits]
            answer.fragments = [row[1] for row in hits]
        (answer.total,) = ask_for(f"SELECT count(*) {source}", values).fetchone() or (0,)
        for name in FACETS:
            value = f"unnest({name})" if name in SEVERAL_FACETS else name
            answer.facets[name] = dict(
                ask_for(f"SELECT {value}, count(*) {source} GROUP BY 1", values).fetchall()
            )
        return answer
