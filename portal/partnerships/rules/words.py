"""The vocabularies of requests, and how long they live."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

REQUEST_KINDS: Mapping[str, Any] = {
    "equipment_sharing": _l("Equipment sharing"),
    "rd_cooperation": _l("R&D cooperation"),
    "technology": _l("Technology"),
    "supply_chain": _l("Supply chain"),
    "training": _l("Training"),
    "consortium": _l("Consortium"),
}

DIRECTIONS: Mapping[str, Any] = {"need": _l("Need"), "offer": _l("Offer")}

IP_STATUSES: Mapping[str, Any] = {
    "none": _l("None"),
    "secret_know_how": _l("Secret know-how"),
    "applied_for": _l("Patent applied for"),
    "granted": _l("Patent granted"),
}

AGREEMENT_KINDS: Mapping[str, Any] = {
    "equipment_use": _l("Use of equipment"),
    "training_contract": _l("Training contract"),
    "rd_cooperation": _l("R&D cooperation"),
    "supply": _l("Supply"),
    "licence": _l("License"),
    "joint_venture": _l("Joint venture"),
    "consortium": _l("Consortium"),
    "other": _l("Something else"),
}

#: What came of a request, as its people say when it is over.
RESULTS: Mapping[str, Any] = {
    "found_here": _l("We found a partner through a response here"),
    "found_elsewhere": _l("We found a partner another way"),
    "not_needed": _l("We no longer need it"),
    "nobody": _l("We found nobody suitable"),
}

#: Why an anonymous request let somebody know whose it is.
REVEAL_CAUSES: Mapping[str, Any] = {
    "accept": _l("A response was accepted"),
    "owner": _l("Shown by your organization"),
}

#: How it stands with the word of a firm for which a broker writes.
MANDATE_STATUSES: Mapping[str, Any] = {
    "asked": _l("Asked"),
    "given": _l("Confirmed"),
    "refused": _l("Refused"),
    "lapsed": _l("Not answered in time"),
    "revoked": _l("Taken back"),
}

#: Technology readiness levels in words.
TRL_WORDS: Mapping[int, Any] = {
    1: _l("1 – basic principles observed"),
    2: _l("2 – concept formulated"),
    3: _l("3 – concept proven in experiments"),
    4: _l("4 – tested in the laboratory"),
    5: _l("5 – tested in a relevant environment"),
    6: _l("6 – demonstrated in a relevant environment"),
    7: _l("7 – prototype demonstrated in operation"),
    8: _l("8 – complete and qualified"),
    9: _l("9 – proven in operation, on the market"),
}

USUAL_LIFE_DAYS = 90
LONGEST_LIFE_DAYS = 365
MOST_RENEWALS = 1
#: Renewal is offered from so many days before the end.
RENEWABLE_DAYS = 30
#: So many days before the end, the people of a request are told.
REMINDER_DAYS = 14

#: An urgent request is over in days: those that it usually runs for, and the most.
USUAL_URGENT_DAYS = 3
LONGEST_URGENT_DAYS = 7
#: Its end is near a day before.
URGENT_REMINDER_DAYS = 1
#: So many urgent requests of one organization may be open at once.
MOST_URGENT = 2
#: A firm has so many days to answer whether a broker may post for it, and gets so many
#: e-mails about it in a day.
MANDATE_DAYS = 14
MOST_MANDATE_MAILS = 3
