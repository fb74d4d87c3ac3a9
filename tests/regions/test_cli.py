"""The command line: loading reference data, drawing and listing regions."""

import pytest

from portal.regions.queries.counties import list_counties, outlines_of


@pytest.mark.sqlite
def test_reference_load_says_what_it_did_and_at_last_that_nothing_changed(
    app, monkeypatch, tmp_path
):
    runner = app.test_cli_runner()
    with monkeypatch.context() as patch:
        patch.setitem(app.config, "COUNTY_OUTLINES", str(tmp_path / "missing.json"))
        first = runner.invoke(args=["reference", "load"])
    assert first.exit_code == 0, first.output
    assert " added, " in first.output
    assert "No county outlines" in first.output
    second = runner.invoke(args=["reference", "load"])
    assert second.exit_code == 0, second.output
    assert "0 added, 3231 changed, 0 removed." in second.output
    codes = [county.fips for county in list_counties()]
    assert set(outlines_of(codes)) == set(codes)
    third = runner.invoke(args=["reference", "load"])
    assert "nothing changed" in third.output


def test_a_region_is_drawn_and_listed(app):
    runner = app.test_cli_runner()
    made = runner.invoke(
        args=["regions", "create", "Falls Cities", "--county", "21111", "--county", "Clark, IN"]
    )
    assert made.exit_code == 0, made.output
    assert "falls-cities" in made.output
    listed = runner.invoke(args=["regions", "list"]).output
    assert "falls-cities\tFalls Cities\tClark, IN; Jefferson, KY" in listed
    assert "wichita" in listed


@pytest.mark.parametrize("county", ["99999", "Nowhere, KY"])
def test_an_unknown_county_is_refused_in_words(app, county):
    result = app.test_cli_runner().invoke(args=["regions", "create", "Nowhere", "--county", county])
    assert result.exit_code == 1
    assert "not known" in result.output
