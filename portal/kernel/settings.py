"""The settings, for code that knows no Flask."""

from typing import Any

from flask import current_app


def setting(name: str) -> Any:
    """Return a setting of the present app by its name in `config.py`."""
    return current_app.config[name]
