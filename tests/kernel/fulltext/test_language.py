"""How texts become terms, and what is understood of what people type."""

from __future__ import annotations

import pytest

from portal.kernel.fulltext.asked import MAX_CHARACTERS, MAX_TERMS, understand
from portal.kernel.fulltext.language import terms_of, tokens, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CNC Machining", ["cnc", "machining"]),
        ("AS9100D", ["as", "9100", "d"]),
        ("316L", ["316", "l"]),
        ("5-axis", ["5", "axis"]),
        ("17-4PH", ["17", "4", "ph"]),
        ("3/8 in., 1-1/2", ["3/8", "in", "1", "1/2"]),
        ("2.5 m", ["2.5", "m"]),
        (".005 and 0.005", ["0.005", "and", "0.005"]),
        ("12,500 lb", ["12500", "lb"]),
        ("C++, C#, C", ["c++", "c#", "c"]),
        ("R&D", ["r", "d"]),
        ("½ inch, ±5 µm, 20 m²", ["1/2", "inch", "5", "um", "20", "m", "2"]),
        ("machinist's O’Brien", ["machinist", "obrien"]),
        (
            "Fresado de precisión, señal, Ångström",
            ["fresado", "de", "precision", "senal", "angstrom"],
        ),
        (
            "cafe\u0301 soft\u00adhyphen right\u200fto\u202eleft",
            ["cafe", "softhyphen", "righttoleft"],
        ),
        ("Kapton™ Straße", ["kapton", "strasse"]),
        ("zero\0byte lone\ud800surrogate", ["zero", "byte", "lonesurrogate"]),
        ("工作机械", ["工作机械"]),
        (" \t\n?!* ", []),
    ],
)
def test_text_is_split_into_words_that_keep_units_and_model_numbers(
    text: str, words: list[str]
) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    "forms",
    [
        ["machining", "machine", "machines", "machined", "machinist", "machinery"],
        ["welding", "weld", "welder", "welders"],
        ["grinder", "grinding"],
        ["calibration", "calibrate", "calibrated"],
        ["heat treatment", "heat treating", "heat treater", "heat treat"],
        ["inspector", "inspection"],
        ["moulder", "molding"],
        ["certified", "certification", "certificate"],
        ["PLC", "PLCs"],
        ["milling", "mills", "mill"],
        ["axis", "axes"],
        ["battery", "batteries"],
        ["máquina", "maquinas"],
        ["anodising", "anodizing", "anodised", "anodize"],
        ["precise", "precision"],
        ["moulding", "molds"],
        ["aluminium", "Aluminum"],
        ["gage", "gauges"],
        ["fibre", "fiber"],
        ["X-ray", "xray", "X-rays"],
    ],
)
def test_forms_of_a_word_share_a_term(forms: list[str]) -> None:
    assert len({tuple(terms_of(words_of(form))) for form in forms}) == 1


@pytest.mark.parametrize(
    "others",
    [
        ["gas", "ga"],
        ["316", "316l"],
        ["die", "dye"],
        ["ph", "phs"],
        ["center", "cent"],
        ["press", "pres"],
    ],
)
def test_different_words_keep_different_terms(others: list[str]) -> None:
    assert len({tuple(terms_of(words_of(other))) for other in others}) == len(others)


def test_tokens_say_where_they_stand_in_the_text_as_written() -> None:
    text = "Ø½ e\u0301talon, ﬁxture: 316L"
    assert [text[token.start : token.end] for token in tokens(text)] == [
        "Ø",
        "½",
        "e\u0301talon",
        "ﬁxture",
        "316",
        "L",
    ]


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("laser welding", ["laser", "weld"], []),
        ('"laser welding" -robot', ["laser weld"], ["robot"]),
        ("+laser cutting", ["+laser", "cut"], []),
        ('-"heat treating" +"5 axis"', ["+5 axi"], ["heat treat"]),
        ("5-axis AS9100D", ["5 axi", "as 9100 d"], []),
        ("ISO 9001:2015", ["iso", "9001 2015"], []),
        ("oven -40 to 85 °C", ["oven", "40", "85", "c"], []),
        ("cabinet −65°F -316 -5-axis", ["cabinet", "65", "f"], ["316", "5 axi"]),
        ("where can I find a lab that has an X-ray?", ["find", "lab", "xray"], []),
        ("CNC/EDM, waterjet", ["cnc", "edm", "waterjet"], []),
        ("CNC and EDM for the shop", ["cnc", "edm", "shop"], []),
        ("+and CNC", ["+and", "cnc"], []),
        ("of the", ["of", "the"], []),
        ("C++", ["c++"], []),
        ("CNC - EDM – laser", ["cnc", "edm", "laser"], []),
        ("--robot ++ -- + -", ["robot"], []),
        ('3/8" bolt 1/2"', ["3/8", "bolt", "1/2"], []),
        ('"never closed', ["never", "close"], []),
        ('"" """ "', [], []),
        ("“laser welding”", ["laser weld"], []),
        ("mill* title:laser (a OR b)~2 [x]", ["mill", "titl", "laser", "b", "2", "x"], []),
        ("laser Laser LASERS", ["laser"], []),
    ],
)
def test_only_words_phrases_plus_and_minus_are_syntax(
    text: str, wanted: list[str], unwanted: list[str]
) -> None:
    asked = understand(text)
    assert [u.sign + " ".join(u.terms) for u in asked.wanted] == wanted
    assert [" ".join(u.terms) for u in asked.unwanted] == unwanted


@pytest.mark.parametrize("text", ["word " * 5000, "a1" * 5000, '"' + "ab c " * 5000, "-x1 " * 5000])
def test_of_an_endless_query_only_the_beginning_is_considered(text: str) -> None:
    distinct = " ".join(f"{word}{at}" for at, word in enumerate(text.split()[:5000]))
    asked = understand(distinct)
    units = [*asked.wanted, *asked.unwanted]
    assert len(asked.text) == MAX_CHARACTERS
    assert 0 < sum(len(unit.terms) for unit in units) <= MAX_TERMS
