"""Reads the tokens out of the stylesheet and computes contrast by WCAG 2.2."""

import re
from pathlib import Path

STYLESHEET = Path(__file__).resolve().parents[2] / "static" / "css" / "portal.css"

_DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{(.*?)\n  \}", re.DOTALL)
_COLOR = re.compile(r"--([a-z-]+): (#[0-9a-f]{3,6});")


def layer(name: str) -> str:
    """Return the text of one cascade layer."""
    text = STYLESHEET.read_text(encoding="utf-8")
    found = re.search(rf"@layer {name} \{{(.*?)\n\}}", text, re.DOTALL)
    assert found, f"there is no layer {name}"
    return found[1]


def colors(scheme: str) -> dict[str, str]:
    """Return the color tokens of the scheme "light" or "dark"."""
    tokens = layer("tokens")
    dark = _DARK.search(tokens)
    assert dark, "there is no dark scheme"
    light = dict(_COLOR.findall(tokens.replace(dark[0], "")))
    return light if scheme == "light" else light | dict(_COLOR.findall(dark[1]))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colors like "#14223b"."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
