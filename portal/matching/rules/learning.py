"""What texts say of training: for how many people, in which language, toward which credential."""

import re
from collections.abc import Iterable, Mapping

_NUMBERS: Mapping[str, int] = {
    word: number
    for number, words in enumerate(
        (
            "one un una",
            "two dos",
            "three tres",
            "four cuatro",
            "five cinco",
            "six seis",
            "seven siete",
            "eight ocho",
            "nine nueve",
            "ten diez",
            "eleven once",
            "twelve doce",
            "thirteen trece",
            "fourteen catorce",
            "fifteen quince",
        ),
        1,
    )
    for word in words.split()
} | {"twenty": 20, "veinte": 20, "thirty": 30, "treinta": 30}
_PEOPLE = (
    r"apprentices?|assemblers?|employees|helpers?|inspectors?|machinists?|mechanics?|operators?|"
    r"people|persons?|places|seats|students|supervisors?|technicians?|trainees|welders?|workers?|"
    r"aprendices|ayudantes|empleados|inspectores|mecánicos|operadores|personas|lugares|"
    r"soldadores|técnicos|trabajadores"
)
_COUNTED = re.compile(
    rf"\b(?P<number>\d{{1,3}}|{'|'.join(_NUMBERS)})(?:\s+[\w-]+){{0,2}}?\s+(?:{_PEOPLE})\b",
    re.IGNORECASE,
)
#: Languages by the words that name them; English is taken for granted.
_LANGUAGES: Mapping[str, re.Pattern[str]] = {
    code: re.compile(rf"\b(?:{names})\b", re.IGNORECASE)
    for code, names in {
        "es": "spanish|español|castellano",
        "vi": "vietnamese|vietnamita",
        "zh": "chinese|mandarin|chino|mandarín",
        "tl": "tagalog|filipino",
        "ko": "korean|coreano",
        "ar": "arabic|árabe",
        "so": "somali|somalí",
        "ht": "haitian creole|criollo haitiano",
        "fr": "french|francés",
        "pt": "portuguese|portugués",
        "ru": "russian|ruso",
        "ase": "american sign language|lengua de señas",
    }.items()
}


def people_in(text: str) -> int | None:
    """Return for how many people a text asks, by the largest number that it names; or None."""
    found = [
        _NUMBERS.get(match["number"].lower()) or int(match["number"])
        for match in _COUNTED.finditer(text)
    ]
    return max(found, default=None)


def languages_in(text: str) -> frozenset[str]:
    """Return the languages other than English that a text names, by their codes."""
    return frozenset(code for code, names in _LANGUAGES.items() if names.search(text))


def credentials_in(text: str, known: Mapping[int, Iterable[str]]) -> dict[int, str]:
    """Return the credentials that a text names, with the name it uses, by their ids.

    known: what each is called; hyphens and spaces count as one, an abbreviation as it is written.
    """
    found = {}
    for number, names in known.items():
        for name in names:
            words = [re.escape(word) for word in re.split(r"[\s-]+", name) if word]
            flags = re.NOFLAG if len(words) == 1 else re.IGNORECASE
            pattern = r"(?<!\w)" + r"[\s-]+".join(words) + r"(?!\w)"
            if words and re.search(pattern, text, flags):
                found[number] = name
                break
    return found
