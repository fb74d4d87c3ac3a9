"""The comparison of search engines, with a corpus small enough for every day."""

import re
from pathlib import Path

import pytest

from benchmarks import measuring, search
from benchmarks.corpus import CLASSES, FACETS, Corpus


def test_corpus_is_the_same_for_one_seed_and_another_for_another() -> None:
    vocabulary = Corpus(1).vocabulary
    first, again, other = (list(Corpus(60, seed, vocabulary).documents()) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert Corpus(60, 1, vocabulary).asks(5) == Corpus(60, 1, vocabulary).asks(5)


def test_records_of_the_corpus_are_like_real_ones() -> None:
    documents = list(Corpus(200).documents())
    assert [document.id for document in documents] == list(range(1, 201))
    words = [
        len(f"{item.title} {item.organization} {item.summary} {item.body}".split())
        for item in documents
    ]
    assert 75 < sum(words) / len(words) < 105
    assert {name for item in documents for name in item.facets} == set(FACETS) - {"kind"}
    assert all(-90 < (item.latitude or 99) < 90 for item in documents)
    assert any("public" not in item.audience for item in documents)


def test_engines_that_need_no_server_are_compared_from_end_to_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "result.md"
    engines = ("--engines", "ours,sqlite", "--markdown", str(file))
    assert search.main(["--records", "200", "--queries", "3", *engines]) == 0
    text = file.read_text("utf-8")
    assert text in capsys.readouterr().out
    for label in (*CLASSES.values(), "ours", "SQLite FTS5", "private, used", "first touch"):
        assert label in text
    # Without changing a record none is found again.
    assert re.search(r"A changed record is found by another process after [\d.,]+ ms", text)
    alike = r"^\| (?:six facets|geo radius|facet counts) .* (\d+)% \|$"
    agreement = re.findall(alike, text, re.MULTILINE)
    assert agreement == ["100", "100", "100"]
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 5
    for lines in tables:
        assert len({line.count("|") for line in lines}) == 1


def test_an_engine_that_is_not_installed_is_named_and_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = search.ENGINES["sqlite"].__class__("Another", "no_such_module")
    monkeypatch.setitem(search.ENGINES, "another", missing)
    assert search.main(["--engines", "another"]) == 1
    assert "Another is left out: no_such_module is not installed." in capsys.readouterr().out


def test_an_unknown_engine_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        search.main(["--engines", "ours,another"])
    assert "no such engine: another" in capsys.readouterr().err


def test_goals_are_judged_by_what_was_measured() -> None:
    def measured(seconds: float) -> search.Measured:
        found = search.Measured("x", first=[seconds] * 9, times={"page": [seconds] * 9})
        found.build_seconds, found.open_seconds = 100.0, 0.01
        found.memory_used = (110_000_000, 200_000_000)
        return found

    engines = {"ours": measured(0.001), "tantivy": measured(0.002), "whoosh": measured(0.1)}
    runs = {100_000: search.Run(100_000, engines, freshness=[0.2])}
    met = {words: is_met for words, _, is_met in search.goals(runs, 100_000)}
    assert met == {
        "warm page p50 ≤ 0.7 × Tantivy's": True,
        "warm page p95 ≤ 0.65 × Tantivy's": True,
        "≥ 200 times faster than Whoosh's own": False,
        "≥ 50 times faster than PostgreSQL, asked statement by statement": None,
        "≥ 50 times faster than PostgreSQL, asked by one": None,
        "first touch ≤ 2 × warm": True,
        "a change is found in ≤ 120 ms (p95)": False,
        "opening under 20 ms": True,
        "private memory under 120 MB": True,
        "rebuild of 100,000 under 150 s on 2 cores (processor time)": True,
    }


def test_curve_has_a_line_for_each_size_and_a_column_for_each_engine() -> None:
    slow = search.Measured("whoosh", times={"page": [0.1]})
    fast = search.Measured("ours", times={"page": [0.002]})
    runs = {
        100: search.Run(100, {"ours": fast, "whoosh": slow}),
        1000: search.Run(1000, {"ours": fast}),
    }
    assert search.curve(runs).splitlines()[2:] == [
        "| 100     | 2.00 / 2.00 |    100 / 100 |",
        "| 1,000   | 2.00 / 2.00 |            – |",
    ]


def test_percentiles_are_values_that_were_measured() -> None:
    assert measuring.percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert measuring.percentile([1.0], 0.95) == 1.0
    assert measuring.percentile(list(map(float, range(101))), 0.95) == 95.0
    with pytest.raises(ValueError, match="nothing to measure"):
        measuring.percentile([], 0.5)
