"""Linked data of programs that means harm: it is refused, or read as far as it makes sense."""

import json

import pytest

from portal.training.rules.catalogs import read_linked_data


@pytest.mark.parametrize("depth", [400, 600, 100_000])
def test_what_is_nested_without_end_is_refused_or_read_and_breaks_nothing(depth):
    data = b'{"@type": "Course", "name": ' + b"[" * depth + b"]" * depth + b"}"
    try:
        (texts,) = read_linked_data(data)
    except ValueError:
        return
    assert texts == {"kind": "course"}


@pytest.mark.parametrize("duration", ["P" + "9" * 400 + "D", "PT" + "9" * 5000 + "H"])
def test_a_duration_that_nobody_can_live_through_is_no_duration(duration):
    data = json.dumps({"@type": "Course", "name": "Milling", "timeRequired": duration})
    assert read_linked_data(data.encode()) == [{"title": "Milling", "kind": "course"}]
