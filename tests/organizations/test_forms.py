"""The form of a profile, as page, JSON and spreadsheet row fill it."""

import datetime as dt

import pytest

from portal.organizations.forms import OrganizationForm

LEAST = {"name": "Salt River Springs", "kind": "sme"}


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("state", "ky", "KY"),
        ("ror", "https://ror.org/05xpvk416", "05xpvk416"),
        ("cage", "1abc2", "1ABC2"),
        ("website", "springs.example", "https://springs.example"),
        ("capabilities", [" CMM ", "CMM", "welding"], ["CMM", "welding"]),
        (
            "certifications",
            [{"name": "UL", "expires_on": "2027-01-31"}, {"name": "", "expires_on": None}],
            [{"name": "UL", "expires_on": dt.date(2027, 1, 31)}],
        ),
        (
            "contacts",
            [{"name": "Bo", "email": "bo@springs.example"}],
            [{"name": "Bo", "role": "", "email": "bo@springs.example", "phone": ""}],
        ),
        ("certifications", [], []),
    ],
)
def test_values_are_brought_into_one_form(app, field, value, kept):
    with app.test_request_context():
        form = OrganizationForm.from_json({**LEAST, field: value})
        assert form.validate(), form.errors_by_name
        assert form.data[field] == kept


@pytest.mark.parametrize(
    ("field", "value", "at"),
    [
        ("name", "", "name"),
        ("name", "???", "name"),
        ("kind", "circus", "kind"),
        ("summary", "x" * 281, "summary"),
        ("state", "Kentucky", "state"),
        ("zip_code", "4", "zip_code"),
        ("latitude", 91, "latitude"),
        ("uei", "short", "uei"),
        ("ror", "12", "ror"),
        ("ipeds_id", "abc", "ipeds_id"),
        ("employee_band", "7", "employee_band"),
        ("website", "javascript:alert(1)", "website"),
        ("members_only_fields", ["name"], "members_only_fields"),
        ("certifications", [{"name": "Best Shop"}], "certifications-0-name"),
        ("certifications", [{"name": "", "expires_on": "2027-01-31"}], "certifications-0-name"),
        ("contacts", [{"name": "", "email": "bo@springs.example"}], "contacts-0-name"),
        ("contacts", [{"name": "Bo", "email": "bo"}], "contacts-0-email"),
        ("certifications", [{"name": "UL"}] * 31, "certifications"),
        ("status", "archived", ""),
        ("verified_at", "2026-01-01", ""),
        ("source", "demo", ""),
    ],
)
def test_what_is_not_right_is_refused_at_its_field(app, field, value, at):
    with app.test_request_context():
        form = OrganizationForm.from_json({**LEAST, field: value})
        assert not form.validate()
        assert at in form.errors_by_name


def test_a_spreadsheet_row_gives_lists_in_its_cells(app):
    with app.test_request_context():
        form = OrganizationForm.from_row(
            {
                **LEAST,
                "certifications": "ISO 9001 2027-03-31; UL",
                "contacts": "Bo Li | quotes | bo@springs.example | 502-555-0100; Al",
                "capabilities": "CMM; welding",
                "ownership": "family_owned;hubzone",
            }
        )
        assert form.validate(), form.errors_by_name
        assert form.data["certifications"] == [
            {"name": "ISO 9001", "expires_on": dt.date(2027, 3, 31)},
            {"name": "UL", "expires_on": None},
        ]
        assert [row["name"] for row in form.data["contacts"]] == ["Bo Li", "Al"]
        assert form.data["contacts"][0]["phone"] == "502-555-0100"
        assert form.data["capabilities"] == ["CMM", "welding"]
        assert form.data["ownership"] == ["family_owned", "hubzone"]
