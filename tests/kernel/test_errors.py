"""What commands refuse is told all at once."""

import pytest

from portal.kernel.errors import Invalid, check_all
from portal.kernel.fields import TextField
from portal.kernel.forms import Form


class PlaceForm(Form):
    name = TextField("Name")
    zip_code = TextField("ZIP code")


def refuse(field: str | None, message: str, *more: tuple[str | None, str]) -> None:
    raise Invalid(field, message, *more)


def test_checks_that_do_not_build_on_each_other_refuse_together() -> None:
    with pytest.raises(Invalid) as refusal:
        check_all(
            lambda: refuse("name", "Taken."),
            lambda: None,
            lambda: refuse("zip_code", "Unknown.", (None, "Nobody lives there.")),
        )
    assert (refusal.value.field, refusal.value.message) == ("name", "Taken.")
    assert refusal.value.problems == (
        ("name", "Taken."),
        ("zip_code", "Unknown."),
        (None, "Nobody lives there."),
    )
    check_all(lambda: None)


def test_all_that_a_command_refuses_stands_at_its_fields() -> None:
    form = PlaceForm(data={"name": "Here", "zip_code": "00000"})
    more = (("zip_code", "Unknown."), (None, "Nobody lives there."))
    assert form.attempt(refuse, "name", "Taken.", *more) is None
    assert form.errors_by_name == {
        "": ["Nobody lives there."],
        "name": ["Taken."],
        "zip_code": ["Unknown."],
    }
