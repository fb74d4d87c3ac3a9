"""Which passwords are taken, and how they are kept."""

import pytest
from flask import Flask

from portal.accounts import rules
from portal.accounts.forms import SignUpForm, common_passwords
from portal.accounts.rules import PasswordCost

CHEAP = PasswordCost(memory_kib=8, passes=1, lanes=1)
DEARER = PasswordCost(memory_kib=16, passes=1, lanes=1)

REFUSED = {
    "seven letters": "tiniest",
    "129 letters": "x7 " * 43,
    "a word everybody takes": "sunshine1",
    "one with capitals": "SunShine1",
    "one in quotes and marks": '"sunshine1!!"',
    "a walk on the keyboard": "1qaz2wsx",
    "digits": "12345678",
    "full-width digits": "１２３４５６７８",
    "the name of the site": "my industrial commons 9",
    "the name of the site in one word": "IndustrialCommons77",
    "one's own name": "okonkwo forever",
    "one's own address": "xx.turnery.xx",
    "nothing": "",
    "a control character": "violet\x00tractor",
}
TAKEN = {
    "eight letters": "vqztrumb",
    "128 letters": "ab" * 64,
    "words with spaces": "violet tractor moon",
    "only letters": "blauekutschefliegt",
    "another script": "синий трактор летит",
    "a short name inside": "toast with jam and ada",
}


def sign_up_form(password: str) -> SignUpForm:
    data = {"name": "Ada Okonkwo", "email": "turnery@shop.example", "password": password}
    return SignUpForm.from_json(data)


@pytest.mark.parametrize("password", REFUSED.values(), ids=REFUSED)
def test_weak_password_is_refused(app: Flask, password: str) -> None:
    with app.test_request_context():
        form = sign_up_form(password)
        assert not form.validate()
        assert set(form.errors_by_name) == {"password"}


@pytest.mark.parametrize("password", TAKEN.values(), ids=TAKEN)
def test_strong_password_is_taken_whatever_its_letters(app: Flask, password: str) -> None:
    with app.test_request_context():
        assert sign_up_form(password).validate()


def test_at_least_three_thousand_common_passwords_are_known() -> None:
    known = common_passwords()
    assert len(known) >= 3000
    assert all(len(word) >= rules.SHORTEST_PASSWORD for word in known)
    assert all(word == word.casefold() for word in known)


def test_a_password_is_kept_as_argon2id_with_the_parameters_of_the_settings() -> None:
    kept = rules.hash_password("violet tractor moon", DEARER)
    assert kept.startswith("$argon2id$v=19$m=16,t=1,p=1$")
    assert kept != rules.hash_password("violet tractor moon", DEARER)


@pytest.mark.parametrize(
    ("typed", "is_right"),
    [
        ("violet tractor moon", True),
        ("Violet tractor moon", False),
        ("violet tractor moon ", False),
        ("", False),
    ],
)
def test_only_the_very_password_is_right(typed: str, is_right: bool) -> None:
    kept = rules.hash_password("violet tractor moon", CHEAP)
    assert rules.is_password_right(kept, typed, CHEAP) is is_right


def test_a_password_is_the_same_however_its_accents_are_encoded() -> None:
    kept = rules.hash_password("caf\u00e9 am Ring", CHEAP)
    assert rules.is_password_right(kept, "cafe\u0301 am Ring", CHEAP)


def test_without_a_hash_no_password_is_right() -> None:
    assert not rules.is_password_right(None, "violet tractor moon", CHEAP)
    assert not rules.is_password_right("not a hash", "violet tractor moon", CHEAP)


def test_a_hash_with_old_parameters_is_renewed() -> None:
    kept = rules.hash_password("violet tractor moon", CHEAP)
    assert rules.needs_new_hash(kept, DEARER)
    assert not rules.needs_new_hash(kept, CHEAP)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        (None, "unknown"),
        ("unix", "unknown"),
    ],
)
def test_a_network_is_an_ipv4_address_or_64_bits_of_ipv6(address: str | None, network: str) -> None:
    assert rules.network_of(address) == network


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", ("Firefox", "Linux")),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            ("Edge", "Windows"),
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            ("Safari", "iPhone"),
        ),
        ("curl/8.0", ("", "")),
    ],
)
def test_a_browser_is_named_as_its_owner_knows_it(header: str, words: tuple[str, str]) -> None:
    assert rules.describe_browser(header) == words
