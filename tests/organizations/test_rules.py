"""Names as compared, freshness, and what readers get of a profile."""

import datetime as dt

import pytest

from portal.organizations.rules import (
    certificates,
    hidden_fields,
    higher_role,
    is_stale,
    match_key,
)

MOMENT = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Falls City Precision, Inc.", "falls city precision"),
        ("FALLS CITY PRECISION LLC", "falls city precision"),
        ("Falls-City  Precision L.L.C.", "falls city precision"),
        ("The Bolt & Nut Co., Inc.", "bolt and nut"),
        ("Smith & Co.", "smith"),
        ("Ana's Machine Shop", "anas machine shop"),
        ("Ana’s Machine Shop Corp", "anas machine shop"),
        ("U.S. Steel Corporation", "us steel"),
        ("Métaux Précis GmbH", "metaux precis"),
        ("Company", "company"),
        ("The The", "the"),
        ("3M", "3m"),
        ("???", ""),
        ("x" * 300, "x" * 200),
    ],
)
def test_names_of_one_organization_share_a_key(name, key):
    assert match_key(name) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ohio Valley Institute", "Ohio Valley Institutes"), ("Prairie Aero", "Prairie Tool")],
)
def test_different_names_keep_different_keys(one, other):
    assert match_key(one) != match_key(other)


@pytest.mark.parametrize(
    ("one", "other", "higher"),
    [
        ("member", "manager", "manager"),
        ("owner", "member", "owner"),
        ("manager", "owner", "owner"),
        ("member", "member", "member"),
    ],
)
def test_the_higher_role_allows_more(one, other, higher):
    assert higher_role(one, other) == higher


@pytest.mark.parametrize(
    ("days_ago", "stale"), [(None, True), (0, False), (180, False), (181, True)]
)
def test_a_profile_is_stale_after_half_a_year(days_ago, stale):
    confirmed_at = None if days_ago is None else MOMENT - dt.timedelta(days=days_ago)
    assert is_stale(confirmed_at, MOMENT) is stale


def test_only_what_may_be_kept_for_members_is_hidden_from_outsiders():
    kept = ["phone", "name", "contacts"]
    assert hidden_fields(kept, sees_members_fields=False) == {"phone", "contacts"}
    assert hidden_fields(kept, sees_members_fields=True) == frozenset()


def test_a_certificate_holds_through_its_last_day():
    rows = [
        {"name": "UL", "expires_on": "2026-11-22"},
        {"name": "Nadcap", "expires_on": "2026-11-21"},
        {"name": "AS9100", "expires_on": None},
    ]
    found = certificates(rows, dt.date(2026, 11, 22))
    assert [item.is_expired for item in found] == [False, True, False]
