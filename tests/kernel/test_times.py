from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale

from portal.kernel.times import minutes_of, read_time, write_hours, write_time


@pytest.fixture
def speak(app: Flask) -> Any:
    with app.test_request_context():
        yield force_locale


@pytest.mark.parametrize(
    ("language", "time", "written"),
    [
        ("en", "00:00", "12:00 AM"),
        ("en", "08:30", "8:30 AM"),
        ("en", "12:00", "12:00 PM"),
        ("en", "17:05", "5:05 PM"),
        ("en", "24:00", "midnight"),
        ("es", "08:30", "8:30"),
        ("es", "17:05", "17:05"),
        ("es", "24:00", "24:00"),
    ],
)
def test_a_time_is_written_as_the_language_counts_hours(
    speak: Callable[[str], Any], language: str, time: str, written: str
) -> None:
    with speak(language):
        assert write_time(minutes_of(time)).replace("\u202f", " ") == written


@pytest.mark.parametrize(
    ("language", "first", "last", "written"),
    [
        ("en", "09:00", "11:00", "9:00–11:00 AM"),
        ("en", "08:00", "12:00", "8:00 AM–12:00 PM"),
        ("en", "12:00", "17:30", "12:00–5:30 PM"),
        ("en", "22:00", "02:00", "10:00 PM–2:00 AM"),
        ("en", "06:00", "24:00", "6:00 AM–midnight"),
        ("en", "06:00", "00:00", "6:00 AM–midnight"),
        ("es", "09:00", "17:30", "9:00–17:30"),
        ("es", "09:00", "00:00", "9:00–24:00"),
    ],
)
def test_hours_say_the_half_of_the_day_once_where_it_is_the_same(
    speak: Callable[[str], Any], language: str, first: str, last: str, written: str
) -> None:
    with speak(language):
        assert write_hours(minutes_of(first), minutes_of(last)).replace("\u202f", " ") == written


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("08:00", "08:00"),
        (" 8:30 ", "08:30"),
        ("23:59", "23:59"),
        ("24:00", "24:00"),
        ("24:01", None),
        ("8 am", "08:00"),
        ("5:30PM", "17:30"),
        ("12 p.m.", "12:00"),
        ("12am", "00:00"),
        ("13 pm", None),
        ("8a", "08:00"),
        ("5.30 p. m.", "17:30"),
        ("1730", "17:30"),
        ("0800", "08:00"),
        ("800", None),
        ("17.30", "17:30"),
        ("17 h", "17:00"),
        ("17h30", "17:30"),
        ("25 h", None),
        ("8", None),
        ("8:60", None),
        ("Noon", "12:00"),
        ("midnight", "24:00"),
        ("8:00\u202fAM", "08:00"),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_of_day_are_read_as_people_write_them(
    speak: Callable[[str], Any], text: str, time: str | None
) -> None:
    with speak("en"):
        assert read_time(text) == time
