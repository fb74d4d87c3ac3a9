"""What a file's rows become before anything is written: values, problems, repeats, countries."""

import pytest

from portal.intake.forms import read_candidates
from portal.intake.rules.countries import country_code
from portal.intake.rules.ipeds import ipeds_texts
from portal.intake.rules.organizations import place_texts
from portal.kernel.errors import Invalid
from tests.intake.conftest import table, uniquip


@pytest.fixture(autouse=True)
def _in_an_app(app):
    """Messages are in somebody's language."""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("CN", "CN"),
        ("China", "CN"),
        ("CHINA", "CN"),
        ("chn", "CN"),
        ("P.R. China", "CN"),
        ("中国", "CN"),
        ("United States of America", "US"),
        ("usa", "US"),
        ("Côte d’Ivoire", "CI"),
        ("Viet Nam", "VN"),
        ("Korea, Republic of", "KR"),
        ("Deutschland", "DE"),
        ("Atlantis", None),
        ("", None),
    ],
)
def test_a_country_is_known_in_any_usual_spelling(text, code):
    assert country_code(text) == code


@pytest.mark.parametrize(
    ("address", "country", "expected"),
    [
        (
            "100 Main St, Louisville, KY 40202",
            "US",
            {"street": "100 Main St", "city": "Louisville", "state": "KY", "zip_code": "40202"},
        ),
        ("Somewhere on the river", "US", {"street": "Somewhere on the river"}),
        ("1 Road,  Dongguan", "CN", {"street": "1 Road, Dongguan"}),
    ],
)
def test_an_address_is_taken_apart_as_far_as_it_says_so_itself(address, country, expected):
    assert place_texts({"address": address}, country) == expected


def test_a_list_is_read_with_repeats_merged_and_namesakes_noticed():
    rows = [
        {"Country": "CN", "Name": "東莞精密工業", "Address": "1 Road"},
        {"Country": "China", "Name": "東莞精密工業", "Address": "1  road"},
        {"Country": "CHINA", "Name": "東莞精密工業", "Address": "2 Road"},
    ]
    reading = read_candidates(table(rows), "csv")
    assert reading.repeated == 1
    assert [(item.line, item.country, item.namesake_line) for item in reading.candidates] == [
        (2, "CN", None),
        (4, "CN", 2),
    ]


def test_every_problem_of_a_list_names_its_line_and_the_files_own_column():
    rows = [
        {"Name": "", "Address": "x", "Country": "US", "Web": "x.example", "Color": "red"},
        {"Name": "A", "Address": "y" * 300, "Country": "Oz", "Web": "not a url", "Color": ""},
    ]
    reading = read_candidates(table(rows), "csv")
    found = [(item.line, item.column) for row in reading.candidates for item in row.findings]
    assert found == [(2, "Name"), (3, "Country"), (3, "Web"), (3, "Address")]
    assert [(item.column, item.kind) for item in reading.findings] == [("Color", "note")]
    assert not any(candidate.is_good for candidate in reading.candidates)


def test_names_of_officers_are_never_read():
    row = {"UNITID": "100654", "INSTNM": "A", "SECTOR": "4", "STABBR": "AL", "COUNTYCD": "1089"}
    texts, _country = ipeds_texts({**row, "CHFNM": "Dr. Somebody", "CHFTITLE": "President"})
    assert "Somebody" not in str(texts)
    assert (texts["county_fips"], texts["kind"]) == ("01089", "community_college")


def test_a_catalog_puts_facilities_first_and_needs_a_name_or_a_description():
    data = uniquip(
        {"Type": "equipment", "Name": "CMM", "ID": "E-1", "Related Facility ID": "F-1"},
        {"Type": "facility", "Description": "A lab for\nmeasuring", "ID": "F-1"},
        {"Type": "robot", "Name": "R", "ID": "E-2"},
        {"Type": "equipment", "ID": "E-3"},
        {"Type": "equipment", "Name": "Twin", "ID": "E-1"},
        {"Type": "Facility", "Name": "L", "ID": "F-2", "Contact Email": "nobody"},
    )
    reading = read_candidates(data, "uniquip")
    assert [item.kind for item in reading.candidates][:2] == ["facility", "facility"]
    assert reading.candidates[0].title == "A lab for"
    found = {(item.line, item.column) for row in reading.candidates for item in row.findings}
    assert found == {(5, "Type"), (6, "Name"), (7, "ID"), (8, "Contact Email")}


@pytest.mark.parametrize(
    ("data", "source"),
    [(b"a,b\n1,2\n", "csv"), (b"INSTNM\nA\n", "ipeds"), (b"ID,Color\n1,red\n", "uniquip")],
)
def test_a_file_that_lacks_its_columns_is_refused_whole(data, source):
    with pytest.raises(Invalid, match="lacks the column"):
        read_candidates(data, source)
