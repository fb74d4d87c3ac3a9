"""What may stand in a text that others read before they know whom it is about."""

import re

from portal.directory.rules import has_long_number

_ADDRESS = re.compile(r"\S@\S|https?:|\bwww\.", re.IGNORECASE)


def gives_address(text: str) -> bool:
    """Tell whether a text has an e-mail or web address, or a number as long as a telephone's."""
    return bool(_ADDRESS.search(text)) or has_long_number(text)
