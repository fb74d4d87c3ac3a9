"""Reads of industries (NAICS) and the clusters that they stand in."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from flask_babel import get_locale
from sqlalchemy import ColumnElement, func, select

from portal.kernel.database import session
from portal.regions.models import Cluster, ClusterIndustry, NaicsCode
from portal.regions.queries.many import tuples_in


@dataclass(frozen=True)
class ClusterView:
    """A cluster with its industries: (NAICS code, title) by subcluster."""

    key: str
    name: str
    kind: str
    industries: dict[str, list[tuple[str, str]]]


def naics_titles(codes: Iterable[str]) -> dict[str, str]:
    """Return the titles of the NAICS 2022 codes that exist."""
    statement = select(NaicsCode.code, NaicsCode.title)
    return dict(tuples_in(statement, NaicsCode.code, codes))


def industries_named(words: str, limit: int = 3) -> list[tuple[str, str]]:
    """Return so many industries of six digits whose titles have all of these words, shortest first.

    Each with its title. A plural may be asked for in the singular.
    """
    wanted = [word.casefold().removesuffix("s") for word in re.findall(r"\w+", words)]
    if not wanted:
        return []
    title = func.lower(NaicsCode.title)
    rows = session.execute(
        select(NaicsCode.code, NaicsCode.title)
        .where(
            func.length(NaicsCode.code) == 6,
            *(title.contains(word, autoescape=True) for word in wanted),
        )
        .order_by(func.length(NaicsCode.title), NaicsCode.code)
        .limit(limit)
    )
    return [(row.code, row.title) for row in rows]


def cluster_keys_of(codes: Collection[str]) -> dict[str, str]:
    """Return the key of the cluster of each NAICS code that has one.

    A code of fewer than six digits has one where all its industries stand in the same.
    """
    statement = select(ClusterIndustry.naics_code, Cluster.key).join(
        Cluster, Cluster.id == ClusterIndustry.cluster_id
    )
    full = {code for code in codes if len(code) == 6}
    found = dict(tuples_in(statement, ClusterIndustry.naics_code, full))
    wider = set(codes) - full
    within: dict[str, set[str]] = defaultdict(set)
    if wider:
        for industry, key in session.execute(statement.order_by(ClusterIndustry.naics_code)):
            for length in range(2, 6):
                within[industry[:length]].add(key)
    return found | {code: min(within[code]) for code in wider if len(within[code]) == 1}


def cluster_labels(keys: Iterable[str]) -> dict[str, str]:
    """Return the names of clusters in the reader's language by key, for facets."""
    statement = select(Cluster.key, _cluster_name())
    return dict(tuples_in(statement, Cluster.key, keys))


def list_clusters() -> list[ClusterView]:
    """Return all clusters with their industries, traded ones first, by name.

    Names of clusters are in the reader's language, those of their industries in English.
    """
    name = _cluster_name()
    rows = session.execute(
        select(
            Cluster.key,
            name,
            Cluster.kind,
            ClusterIndustry.subcluster,
            NaicsCode.code,
            NaicsCode.title,
        )
        .join(ClusterIndustry, ClusterIndustry.cluster_id == Cluster.id)
        .join(NaicsCode, NaicsCode.code == ClusterIndustry.naics_code)
        .order_by(Cluster.kind.desc(), name, ClusterIndustry.subcluster, NaicsCode.code)
    )
    found: dict[str, ClusterView] = {}
    for key, label, kind, subcluster, code, title in rows:
        view = found.setdefault(key, ClusterView(key, label, kind, {}))
        view.industries.setdefault(subcluster, []).append((code, title))
    return list(found.values())


def _cluster_name() -> ColumnElement[str]:
    if str(get_locale()) != "es":
        return Cluster.name.expression
    return func.coalesce(func.nullif(Cluster.name_es, ""), Cluster.name)
