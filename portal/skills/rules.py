"""The fields of work that skills belong to, the kinds of credentials, and occupations' codes."""

import re
from typing import Any

from flask_babel import lazy_gettext as _l

#: What a skill belongs to, in the order in which pages show them.
SKILL_KINDS: dict[str, Any] = {
    "machining": _l("Machining"),
    "cnc": _l("CNC programming and CAM"),
    "welding": _l("Welding and joining"),
    "fabrication": _l("Metal fabrication and forming"),
    "casting": _l("Casting and forging"),
    "finishing": _l("Heat and surface treatment"),
    "metrology": _l("Measuring and inspection"),
    "quality": _l("Quality"),
    "design": _l("Design and engineering"),
    "additive": _l("Additive manufacturing"),
    "composites": _l("Composites"),
    "plastics": _l("Plastics and molding"),
    "electrical": _l("Electrical work"),
    "automation": _l("Automation and robotics"),
    "maintenance": _l("Maintenance"),
    "electronics": _l("Electronics and soldering"),
    "semiconductors": _l("Semiconductors"),
    "battery": _l("Batteries and energy"),
    "process": _l("Chemicals and life sciences"),
    "food": _l("Food and drink"),
    "aviation": _l("Aviation"),
    "assembly": _l("Assembly"),
    "logistics": _l("Logistics and planning"),
    "safety": _l("Safety and environment"),
    "improvement": _l("Lean and improvement"),
    "digital": _l("Data, software and security"),
    "leadership": _l("Leadership and training"),
    "foundation": _l("Foundations of work"),
}

CREDENTIAL_KINDS: dict[str, Any] = {
    "certification": _l("Certification"),
    "certificate": _l("Certificate"),
    "license": _l("License"),
    "degree": _l("Degree"),
    "badge": _l("Badge"),
    "apprenticeship": _l("Certificate of apprenticeship"),
}

_SOC_CODE = re.compile(r"\d{2}-\d{4}")


def is_soc_code(text: str) -> bool:
    """Tell whether a text has the form of an occupation's code: "51-4041"."""
    return _SOC_CODE.fullmatch(text) is not None
