"""What may stand in a text that others read before they know whom it is about."""

import re
from collections.abc import Iterable

from portal.directory.rules import has_long_number
from portal.organizations.rules import match_key, name_words

_ADDRESS = re.compile(r"\S@\S|https?:|\bwww\.", re.IGNORECASE)
_SHORTEST_NAME = 4


def gives_address(text: str) -> bool:
    """Tell whether a text has an e-mail or web address, or a number as long as a telephone's."""
    return bool(_ADDRESS.search(text)) or has_long_number(text)


def gives_name(text: str, names: Iterable[str]) -> bool:
    """Tell whether one of an organization's names stands in a text, however it is written.

    A name of three letters or fewer is not looked for: too many words have them by chance.
    """
    words = f" {' '.join(name_words(text))} "
    keys = (match_key(name) for name in names)
    return any(len(key) >= _SHORTEST_NAME and f" {key} " in words for key in keys)
