"""What came with a request outside a form: arguments of its address, ticked boxes, numbers."""

import datetime as dt
import re
from collections.abc import Iterable

from flask import request
from flask_babel import gettext as _

from portal.kernel.api import whole_number
from portal.kernel.clock import today_here
from portal.kernel.errors import Invalid

LARGEST_ID = 2**31 - 1
#: So many things one bulk action takes.
MOST_AT_ONCE = 50
#: No month that a page is about is before it.
_FIRST_YEAR = 2000
#: NUL and lone surrogates are in no honest request, and databases choke on them.
UNWANTED = re.compile("[\x00\ud800-\udfff]")


def confirmed() -> bool:
    """Tell whether the person has confirmed a step that cannot be undone."""
    return request.form.get("confirmed") == "yes"


def form_text(name: str) -> str:
    """Return a text that was sent without a form of its own, less what no database keeps."""
    return UNWANTED.sub("", request.form.get(name, ""))


def text_argument(name: str, longest: int = 200) -> str:
    """Return a query argument, stripped and cut to its bound."""
    return request.args.get(name, "").strip()[:longest]


def record_number(text: str) -> int:
    """Read the number of a record: plain digits, no larger than a database id can be.

    Raises ValueError, as what serves for the `type` of a request's value must.
    """
    number = whole_number(text.strip(), 0, LARGEST_ID)
    if number is None:
        raise ValueError(text)
    return number


def chosen_numbers(name: str) -> list[int]:
    """Return the numbers of the boxes that were ticked, once each. Raises Invalid for none."""
    return check_chosen(form_numbers(name))


def check_chosen(numbers: Iterable[int | None]) -> list[int]:
    """Return numbers that a bulk action is to take, once each. Raises Invalid for none, or many."""
    chosen = list(dict.fromkeys(number for number in numbers if number is not None))
    if not chosen:
        raise Invalid(None, _("Please choose at least one."))
    if len(chosen) > MOST_AT_ONCE:
        raise Invalid(None, _("Please choose %(most)d at most.", most=MOST_AT_ONCE))
    return chosen


def form_numbers(name: str) -> list[int]:
    """Return the record numbers of the boxes of a form that were ticked. Raises Invalid."""
    try:
        return [record_number(text) for text in request.form.getlist(name)]
    except ValueError as error:
        raise Invalid(None, _("Please give a number.")) from error


def month_argument(name: str = "month", *, years_ahead: int = 1) -> dt.date:
    """Return the first day of the month that a query argument names ("2027-03"), else of this one.

    years_ahead: how far off it may lie.
    """
    this_month = today_here().replace(day=1)
    try:
        month = dt.datetime.strptime(text_argument(name), "%Y-%m").date()  # noqa: DTZ007
    except ValueError:
        return this_month
    return month if _FIRST_YEAR <= month.year <= this_month.year + years_ahead else this_month


def number_argument(name: str) -> int | None:
    """Return the record number of a query argument, or None without one. Raises Invalid."""
    text = text_argument(name)
    try:
        return record_number(text) if text else None
    except ValueError as error:
        raise Invalid(name, _("Please give a number.")) from error


def choice_argument(name: str, known: Iterable[str]) -> str:
    """Return a query argument that is one of the known words, or nothing. Raises Invalid."""
    text = text_argument(name)
    if text and text not in known:
        raise Invalid(name, _("This is one of: %(values)s.", values=", ".join(known)))
    return text


def date_argument(name: str) -> dt.date | None:
    """Return the calendar date of a query argument, or None without one. Raises Invalid."""
    text = text_argument(name, 20)
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid(name, _("Please give a date such as 2027-03-01.")) from error
