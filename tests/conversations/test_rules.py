"""Who is called by name, whom a block concerns, and the links that stop e-mail."""

import pytest

from portal.conversations.rules import Blocked, blocks_between, mentioned, read_stop, sign_stop
from portal.kernel.manifest import Party

NAMES = {1: "Ana Lee", 2: "Ana Lee Grant", 3: "Ben", 4: "ben", 5: ""}


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("Dear @Ana Lee, please look.", {1}),
        ("@ANA  LEE\nGRANT should know", {2}),
        ("@Ben and @Ana Lee", {1, 3, 4}),
        ("write to shop@ben.example", set()),
        ("@Benjamin", set()),
        ("Ana Lee", set()),
        ("@", set()),
    ],
)
def test_a_text_calls_whom_it_names_after_the_sign(text: str, called: set[int]) -> None:
    assert mentioned(text, NAMES) == called


def test_nobody_is_called_where_nobody_can_be() -> None:
    assert mentioned("@Ana Lee", {}) == set()


KNOWN = (Party(1, "A"), Party(2, "B"), Party(3, "C"))
HIDDEN = (Party(1, "A"), Party(2, "Somebody", is_named=False))


@pytest.mark.parametrize(
    ("parties", "block", "expected"),
    [
        (KNOWN, Blocked(1, 2, True), (True, False)),
        (KNOWN, Blocked(2, 1, True), (False, True)),
        (KNOWN, Blocked(2, 3, True), (False, False)),
        (KNOWN, Blocked(1, 9, True), (False, False)),
        # Whether two know each other elsewhere tells nothing here.
        (HIDDEN, Blocked(1, 2, True), (False, False)),
        (HIDDEN, Blocked(2, 1, True), (False, False)),
        (HIDDEN, Blocked(1, 2, False), (True, False)),
        (HIDDEN, Blocked(2, 1, False), (False, True)),
    ],
)
def test_a_block_counts_between_those_who_may_know_of_it(
    parties: tuple[Party, ...], block: Blocked, expected: tuple[bool, bool]
) -> None:
    assert blocks_between(1, parties, [block]) == expected


@pytest.mark.parametrize("thread_id", [None, 7])
def test_a_stop_link_says_whom_and_what_it_stops(thread_id: int | None) -> None:
    token = sign_stop("secret", 3, thread_id)

    assert read_stop("secret", token) == (3, thread_id)
    assert read_stop("another", token) is None
    assert read_stop("secret", token.replace("3-", "4-", 1)) is None
    assert read_stop("secret", "3-7") is None
    assert read_stop("secret", "x-y-é") is None
