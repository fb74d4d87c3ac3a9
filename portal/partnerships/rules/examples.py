"""What each kind of request is for, and an example of each: help for those who write one."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

#: What a kind is for, and what its readers must learn from it.
KIND_HELP: Mapping[str, Any] = {
    "equipment_sharing": _l(
        "Time on a machine or instrument. Say which parts, how large, how many, and how often."
    ),
    "rd_cooperation": _l(
        "A joint project. Say what is to be found out, who does what, and for how long."
    ),
    "technology": _l(
        "A technology to license, adapt or try. Say how far it is developed and what it replaces."
    ),
    "supply_chain": _l(
        "Parts, materials or processes. Say the quantity, the tolerance, the standard and the date."
    ),
    "training": _l(
        "Courses and teachers. Say the skill, for how many people, where and at what hours."
    ),
    "consortium": _l(
        "Partners for a call. Name the call, its deadline and the role that is still open."
    ),
}

#: By kind and direction: an example for the title, the summary, and the field that carries most
#: (the expertise that a need seeks, the advantages that an offer has).
EXAMPLES: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("equipment_sharing", "need"): {
        "title": _l("A bridge CMM for two days a month"),
        "summary": _l(
            "We measure first articles of aluminum housings, 600 mm at most, about 20 a month. "
            "Our own machine is too small from March on."
        ),
        "expertise_sought": _l("An operator who programs the runs from our STEP files."),
    },
    ("equipment_sharing", "offer"): {
        "title": _l("Waterjet free on three evenings a week"),
        "summary": _l("5-axis waterjet, 10 by 6 feet, steel to 6 inches. Free from 4 p.m. on."),
        "advantages": _l("You pay for the hours alone; our operator sets up your first job."),
    },
    ("rd_cooperation", "need"): {
        "title": _l("Partner to test recycled carbon fiber in brackets"),
        "summary": _l(
            "We mold 40,000 brackets a year and want half of the fiber to be recycled. "
            "Twelve months, samples from our own line."
        ),
        "expertise_sought": _l("Fatigue testing of short-fiber composites, and a model of it."),
    },
    ("rd_cooperation", "offer"): {
        "title": _l("Friction stir welding trials with a university team"),
        "summary": _l("Two engineers and a machine for aluminum up to 12 mm, for one year."),
        "advantages": _l("Your parts are the samples, and the weld data are yours."),
    },
    ("technology", "need"): {
        "title": _l("Way to see porosity in castings within a minute"),
        "summary": _l("Zinc die castings of 2 pounds, 900 a shift; we now cut one in fifty open."),
        "expertise_sought": _l("X-ray, ultrasound or another method that works beside the press."),
    },
    ("technology", "offer"): {
        "title": _l("Coating that doubles the life of trim dies"),
        "summary": _l("Tried on 14 dies over two years. We look for shops that press steel."),
        "advantages": _l("Regrinding every 80,000 strokes instead of every 40,000."),
    },
    ("supply_chain", "need"): {
        "title": _l("500 anodized brackets a week from March on"),
        "summary": _l("6061-T6, 5 by 3 inches, plus or minus 0.1 mm, type II anodized, AS9100."),
        "expertise_sought": _l("Milling and anodizing in one place, with PPAP level 3."),
    },
    ("supply_chain", "offer"): {
        "title": _l("Heat treating in three days, lots of 50 pounds and more"),
        "summary": _l("Vacuum and salt bath, Nadcap; pickup within 60 miles twice a week."),
        "advantages": _l("No minimum charge for first articles, and you get the furnace chart."),
    },
    ("training", "need"): {
        "title": _l("TIG welding for eight people, on Saturdays"),
        "summary": _l("Stainless tube of 2 mm. Our people weld MIG and have never welded TIG."),
        "expertise_sought": _l("A teacher who certifies to AWS D1.6, here or within 20 miles."),
    },
    ("training", "offer"): {
        "title": _l("CNC basics, 40 hours, ten seats in May"),
        "summary": _l("Evenings at our lab, on the controls that your shop runs."),
        "advantages": _l("Your own parts are the exercises; seats are free for apprentices."),
    },
    ("consortium", "need"): {
        "title": _l("Foundry to lead work on low-carbon casting"),
        "summary": _l("Four partners are found; the call pays 50 percent for 36 months."),
        "expertise_sought": _l("A plant that melts 5,000 tons a year and lets us measure."),
    },
    ("consortium", "offer"): {
        "title": _l("Materials lab joins a battery recycling proposal"),
        "summary": _l("We bring 10 people and the analysis line, and have led two such projects."),
        "advantages": _l("Samples are analyzed within two days, and the data are in your format."),
    },
}


def examples_of(kind: str, direction: str) -> Mapping[str, Any]:
    """Return the example of each field that has one, for a kind and direction."""
    return EXAMPLES.get((kind, direction), {})
