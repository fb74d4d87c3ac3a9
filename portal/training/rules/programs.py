"""The fixed words of programs: kinds, delivery, languages, who may pay.

Pure functions and tables; nothing here reads the database.
"""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Invalid

PROGRAM_KINDS: Mapping[str, Any] = {
    "course": _l("Course"),
    "certificate": _l("Certificate program"),
    "degree": _l("Degree program"),
    "apprenticeship": _l("Apprenticeship"),
    "on_the_job": _l("On-the-job training"),
    "workshop": _l("Workshop"),
    "online": _l("Online course"),
}

#: What people call a kind who search for it, in English and Spanish.
SEARCH_WORDS: Mapping[str, tuple[str, ...]] = {
    "course": ("course", "class", "curso"),
    "certificate": ("certificate program", "programa con certificado"),
    "degree": ("degree program", "carrera con título"),
    "apprenticeship": ("apprenticeship", "apprentice", "aprendiz"),
    "on_the_job": ("on-the-job training", "capacitación en el trabajo"),
    "workshop": ("workshop", "taller"),
    "online": ("online course", "curso en línea"),
}

DELIVERIES: Mapping[str, Any] = {
    "in_person": _l("In person"),
    "online": _l("Online, at fixed times"),
    "self_paced": _l("Online, at one’s own pace"),
    "hybrid": _l("Partly in person, partly online"),
    "at_work": _l("At the workplace"),
}

#: Languages in which training is held, by their ISO 639 codes.
LANGUAGES: Mapping[str, Any] = {
    "en": _l("English"),
    "es": _l("Spanish"),
    "en-es": _l("English and Spanish"),
    "ase": _l("American Sign Language"),
    "ar": _l("Arabic"),
    "fr": _l("French"),
    "ht": _l("Haitian Creole"),
    "ko": _l("Korean"),
    "pt": _l("Portuguese"),
    "ru": _l("Russian"),
    "so": _l("Somali"),
    "tl": _l("Tagalog"),
    "vi": _l("Vietnamese"),
    "zh": _l("Chinese"),
}

#: Who may pay for a seat, wholly or in part.
FUNDING_SOURCES: Mapping[str, Any] = {
    "free": _l("It is free"),
    "self": _l("The person who learns"),
    "employer": _l("The employer"),
    "union": _l("A union’s training fund"),
    "workforce_board": _l("The workforce board (WIOA)"),
    "federal_aid": _l("Federal student aid (Pell grant, loans)"),
    "veterans": _l("Veterans’ education benefits"),
    "state": _l("A state’s training grant"),
    "apprenticeship_grant": _l("A grant for apprenticeships"),
    "scholarship": _l("A scholarship"),
}

#: What its history tells of a program.
PROGRAM_STEPS: Mapping[str, Any] = {
    "create": _l("Added"),
    "change": _l("Changed"),
    "confirm": _l("Confirmed"),
    "archive": _l("Put into the archive"),
    "restore": _l("Taken out of the archive"),
}

#: Where a program's page is; the worker writes it into the search index without a request.
PROGRAM_ADDRESS = "/training/programs/%d"

MOST_SKILLS = 60
MOST_WAGE_STEPS = 20
MOST_HOURS = 20_000
MOST_WEEKS = 520

#: The columns that a person fills in, as forms, commands and exports name them.
PROGRAM_FIELDS = (
    "title",
    "kind",
    "summary",
    "delivery",
    "language",
    "duration_hours",
    "duration_weeks",
    "cost_cents",
    "cost_note",
    "funding",
    "description",
    "prerequisites",
    "eligibility",
    "outcomes",
    "accessibility",
    "sponsor",
    "wage_schedule",
    "related_instruction",
    "contact_name",
    "contact_email",
    "contact_phone",
    "website",
    "visibility",
)

#: What an apprenticeship names before others see it.
_OF_APPRENTICESHIPS = ("sponsor", "occupation", "wage_schedule", "related_instruction")


def unsaid_of_apprenticeship(values: Mapping[str, Any]) -> list[str]:
    """Return which of its fields a program lacks as an apprenticeship, if it is one."""
    if values.get("kind") != "apprenticeship":
        return []
    return [name for name in _OF_APPRENTICESHIPS if not values.get(name)]


def check_apprenticeship(values: Mapping[str, Any]) -> None:
    """Refuse to show an apprenticeship that does not say what apprentices decide by."""
    unsaid = unsaid_of_apprenticeship(values)
    if values.get("visibility") != "draft" and unsaid:
        raise Invalid(
            unsaid[0],
            _(
                "An apprenticeship names its sponsor, occupation, wages and related instruction "
                "before others see it."
            ),
        )
