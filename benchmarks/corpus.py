"""A synthetic corpus and the queries asked of it, the same for one seed and number of records.

Records of about 90 words from the thesaurus, the demo's texts and the titles of industries, with a
long tail of made-up words, all drawn by Zipf's law; six facets, audiences, places and dates.
"""

import csv
import datetime as dt
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from portal.kernel.fulltext.port import Document, Near

PORTAL = Path(__file__).resolve().parent.parent / "portal"
MADE_UP_WORDS = 60_000
_CHUNK = 5_000
_WORDS_PER_TEXT = 92
_KINDS = ("equipment", "organization", "request", "facility")
_ORGANIZATION_KINDS = (
    *("sme", "large_firm", "community_college", "university", "trade_association"),
    *("research_lab", "economic_development_organization", "labor_union", "government_agency"),
    "other_intermediary",
)
_CERTIFICATIONS = (
    *("ISO 9001", "AS9100D", "ISO 13485", "IATF 16949", "NADCAP", "ITAR", "ISO 14001", "ISO 17025"),
)
_NOUNS = ("Works", "shop", "center", "services", "laboratory", "line", "company", "wanted", "cell")
_START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)

FACETS = ("kind", "organization_kind", "county", "cluster", "capability", "certification")
SINGLE_FACETS = FACETS[:3]
SEVERAL_FACETS = FACETS[3:]
CLASSES: Mapping[str, str] = {
    "common": "one common word",
    "two": "two words",
    "rare": "a rare word",
    "phrase": "a phrase",
    "prefix": "a prefix",
    "fuzzy": "a misspelled word",
    "filtered": "filtered",
    "facets": "six facets",
    "geo": "geo radius",
    "page": "results page",
}


@dataclass(frozen=True)
class Ask:
    """A query in no engine's words.

    words: all must match (phrase: in this order and side by side; prefix: the only word is the
    beginning of one in a name; fuzzy: the only word is one letter away from one in the corpus).
    chosen: the values chosen in a facet. has_facets: count all values of the six facets over all
    matches. has_highlights: show where the words stand in each hit.
    """

    words: tuple[str, ...] = ()
    audience: frozenset[str] = frozenset({"public"})
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    near: Near | None = None
    limit: int = 20
    is_phrase: bool = False
    is_prefix: bool = False
    is_fuzzy: bool = False
    has_facets: bool = False
    has_highlights: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """Words by falling frequency, and the multi-word names of capabilities."""

    words: tuple[str, ...]
    names: tuple[str, ...]

    @cached_property
    def chances(self) -> Any:
        """Return how likely each word is: Zipf's law as Mandelbrot bent it."""
        weights = 1 / (np.arange(len(self.words)) + 2.7)
        return weights / weights.sum()


def read_vocabulary() -> Vocabulary:
    """Read the portal's own words and add made-up ones, so that the tail is long."""
    thesaurus = tomllib.loads((PORTAL / "regions/data/capabilities.toml").read_text("utf-8"))
    texts: list[str] = []
    names: list[str] = []
    for concept in thesaurus.values():
        texts += [concept["definition"], concept["label"], *concept["also"]]
        label = concept["label"].lower()
        if re.fullmatch(r"[a-z]{3,}( [a-z]{3,})+", label):
            names.append(label)
    with (PORTAL / "regions/data/naics_2022.csv").open(encoding="utf-8") as file:
        texts += [row["title"] for row in csv.DictReader(file)]
    for path in sorted((PORTAL / "demo/data").glob("*/*.toml")):
        texts += _strings(tomllib.loads(path.read_text("utf-8")))
    counts = Counter(word for text in texts for word in re.findall(r"[a-z]{2,}", text.lower()))
    real = sorted(counts, key=lambda word: (-counts[word], word))
    return Vocabulary((*real, *_made_up(frozenset(real))), tuple(names))


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return []
    return [text for item in value for text in _strings(item)]


def _made_up(known: frozenset[str]) -> list[str]:
    """Return words that sound like trade names."""
    starts = ("bal", "cor", "dar", "fen", "gal", "hex", "kor", "lum", "mar", "nov", "pol", "quin")
    middles = ("a", "ane", "ari", "edo", "ilo", "imu", "ora", "ova", "upa", "yta")
    ends = ("bex", "cron", "dyne", "flux", "gard", "kote", "lok", "max", "plex", "tron", "vex", "x")
    chance = np.random.default_rng(1)
    found: dict[str, None] = {}
    while len(found) < MADE_UP_WORDS:
        for row in chance.integers(0, 1 << 16, (MADE_UP_WORDS, 5)).tolist():
            word = starts[row[0] % 12] + middles[row[1] % 10] + starts[row[2] % 12]
            word += middles[row[3] % 10] + ends[row[4] % 12]
            if word not in known:
                found[word] = None
    return list(found)[:MADE_UP_WORDS]


@dataclass(frozen=True)
class Corpus:
    """So many records, made anew for each engine: they do not all stay in memory."""

    records: int
    seed: int = 1
    vocabulary: Vocabulary = field(default_factory=read_vocabulary)

    @cached_property
    def _counties(self) -> list[tuple[str, float, float]]:
        with (PORTAL / "regions/data/counties.csv").open(encoding="utf-8") as file:
            rows = [
                (row["fips"], float(row["latitude"]), float(row["longitude"]))
                for row in csv.DictReader(file)
            ]
        order = np.random.default_rng(self.seed).permutation(len(rows))[:300]
        return [rows[number] for number in order]

    @cached_property
    def _capabilities(self) -> list[tuple[str, str]]:
        """Return key and name of 300 capabilities."""
        return [(name.replace(" ", "-"), name) for name in self.vocabulary.names[:300]]

    def documents(self) -> Iterator[Document]:
        """Make all records, in the order of their numbers from 1 on."""
        words = np.array(self.vocabulary.words, dtype=object)
        limits = np.cumsum(self.vocabulary.chances)
        counties, capabilities = self._counties, self._capabilities
        falling = 1 / (np.arange(len(counties)) + 5)
        county_limits = np.cumsum(falling / falling.sum())
        falling = 1 / (np.arange(len(capabilities)) + 10)
        capability_limits = np.cumsum(falling / falling.sum())
        for start in range(0, self.records, _CHUNK):
            size = min(_CHUNK, self.records - start)
            chance = np.random.default_rng((self.seed, start))
            drawn = chance.random((size, _WORDS_PER_TEXT))
            texts = words[np.searchsorted(limits, drawn.ravel()).clip(max=len(words) - 1)]
            texts = texts.reshape(drawn.shape).tolist()
            lengths = chance.integers(56, _WORDS_PER_TEXT, size).tolist()
            places = np.searchsorted(county_limits, chance.random(size)).clip(max=299).tolist()
            own = np.searchsorted(capability_limits, chance.random((size, 4))).clip(max=299)
            dice = chance.random((size, 8)).tolist()
            for row, (text, length, place, keys, roll) in enumerate(
                zip(texts, lengths, places, own.tolist(), dice, strict=True)
            ):
                number = start + row + 1
                fips, latitude, longitude = counties[place]
                known = [capabilities[key] for key in dict.fromkeys(keys[: 2 + int(roll[0] * 3)])]
                kind = _KINDS[int(roll[1] ** 1.5 * 4)]
                yield Document(
                    kind=kind,
                    id=number,
                    title=f"{text[0]} {text[1]} {known[0][1]} {_NOUNS[int(roll[2] * 9)]}",
                    url=f"/{kind}/{number}",
                    audience=_audience(roll[3]),
                    updated_at=_START + dt.timedelta(minutes=int(roll[4] * 500_000)),
                    organization=f"{text[2]} {text[3]} {_NOUNS[int(roll[4] * 9)]}",
                    summary=f"{' '.join(text[4:15])} {known[-1][1]}",
                    body=f"{' '.join(text[15:30])} {known[0][1]} {' '.join(text[30:length])}",
                    keywords=tuple(name for _, name in known),
                    facets={
                        "organization_kind": (_ORGANIZATION_KINDS[int(roll[5] ** 3 * 10)],),
                        "county": (fips,),
                        "cluster": tuple(
                            sorted(
                                {f"cluster-{(key * 7) % 40}" for key in keys[: int(roll[6] * 3)]}
                            )
                        ),
                        "capability": tuple(sorted(key for key, _ in known)),
                        "certification": tuple(
                            sorted(
                                {
                                    _CERTIFICATIONS[int(roll[7] * 8)],
                                    _CERTIFICATIONS[int(roll[2] * 4)],
                                }
                            )
                            if roll[0] < 0.6
                            else ()
                        ),
                    },
                    latitude=round(latitude + roll[5] / 4 - 0.125, 5),
                    longitude=round(longitude + roll[6] / 4 - 0.125, 5),
                )

    def asks(self, count: int) -> dict[str, list[Ask]]:
        """Return so many queries of each class; words of the results pages are used only once.

        A word's place in the vocabulary says in how many records it stands.
        """
        chance = np.random.default_rng((self.seed, 99))
        share = 1 - (1 - self.vocabulary.chances) ** 60
        plain = np.array([_is_plain(word) for word in self.vocabulary.words])
        pages = self._pick(chance, plain, share, (0.008, 0.15), 2 * count)
        common = self._pick(chance, plain, share, (0.03, 0.25), count)
        some = self._pick(chance, plain, share, (0.015, 0.12), 3 * count)
        rare = self._pick(chance, plain, share, (3 / self.records, 60 / self.records), count)
        real = plain & (np.char.str_len(self.vocabulary.words) >= 7)
        long = self._pick(chance, real, share, (30 / self.records, 0.02), count)
        prefixes = [self._capabilities[int(key)][1][:3] for key in chance.integers(0, 300, count)]
        names = [self._capabilities[int(key)][1] for key in chance.integers(0, 300, count)]
        audiences = [_searcher(roll) for roll in chance.random(count)]
        counties = [self._counties[int(roll**2 * 40)] for roll in chance.random(count)]
        found: dict[str, list[Ask]] = {name: [] for name in CLASSES}
        for at, (audience, county) in enumerate(zip(audiences, counties, strict=True)):
            near = Near(county[1] + 0.05, county[2] - 0.05, 50.0)
            found["common"].append(Ask((common[at],)))
            found["two"].append(Ask((some[at], some[count + at])))
            found["rare"].append(Ask((rare[at],)))
            found["phrase"].append(Ask(tuple(names[at].split()), is_phrase=True))
            found["prefix"].append(Ask((prefixes[at],), limit=8, is_prefix=True))
            found["fuzzy"].append(Ask((_misspelled(long[at], at),), is_fuzzy=True))
            facet = FACETS[at % 3]
            value = {
                "kind": _KINDS[at % 4],
                "organization_kind": _ORGANIZATION_KINDS[at % 4],
                "county": county[0],
            }[facet]
            found["filtered"].append(Ask((some[2 * count + at],), audience, {facet: (value,)}))
            found["facets"].append(Ask((), audience, limit=0, has_facets=True))
            found["geo"].append(Ask((), audience, near=near))
            words = (pages[at],) if at % 2 else (pages[at], pages[count + at])
            found["page"].append(Ask(words, audience, has_facets=True, has_highlights=True))
        return found

    def _pick(
        self, chance: Any, allowed: Any, share: Any, between: tuple[float, float], count: int
    ) -> list[str]:
        """Draw words that stand in such a share of the records, all different while there are."""
        low, high = between
        (found,) = np.nonzero(allowed & (share >= low) & (share <= high))
        if len(found) < 20:  # a corpus too small for words so rare
            (found,) = np.nonzero(allowed & (share <= high))
            found = found[:200]
        turns = -(-count // len(found))
        order = np.concatenate([chance.permutation(found) for _ in range(turns)])[:count]
        return [self.vocabulary.words[number] for number in order]


def _audience(roll: float) -> frozenset[str]:
    if roll < 0.85:
        return frozenset({"public"})
    if roll < 0.93:
        return frozenset({"member"})
    return frozenset({f"org:{int(roll * 10_000) % 500}"})


def _searcher(roll: float) -> frozenset[str]:
    """Most searchers are nobody, some are members of an organization."""
    if roll < 0.6:
        return frozenset({"public"})
    return frozenset({"public", "member", f"org:{int(roll * 10_000) % 500}"})


# Words that some engines leave out, and plurals and the like, where stemmers differ.
_LEFT_OUT = frozenset({
    "about", "above", "after", "again", "all", "and", "any", "are", "before", "being", "below",
    "between", "both", "but", "can", "did", "does", "doing", "down", "during", "each", "few", "for",
    "from", "further", "had", "has", "have", "having", "her", "here", "his", "how", "into", "its",
    "itself", "just", "more", "most", "near", "nor", "not", "now", "off", "once", "only", "other",
    "our", "out", "over", "own", "same", "she", "should", "some", "such", "than", "that", "the",
    "their", "them", "then", "there", "these", "they", "this", "those", "through", "too", "under",
    "until", "very", "was", "were", "what", "when", "where", "which", "while", "who", "whom", "why",
    "will", "with", "you", "your",
})  # fmt: skip


def _is_plain(word: str) -> bool:
    return (
        len(word) >= 4
        and word not in _LEFT_OUT
        and not word.endswith(("s", "y", "e", "ed", "ly", "ing", "ion", "ic", "al", "er", "i"))
    )


def _misspelled(word: str, at: int) -> str:
    """Leave out a letter, not the first."""
    place = 1 + at % (len(word) - 2)
    return word[:place] + word[place + 1 :]
