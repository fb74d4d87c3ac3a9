"""Programs and sections as linked data: schema.org with the classes of CTDL beside them.

https://schema.org/Course, /CourseInstance, /EducationalOccupationalProgram; CTDL: https://credreg.net/ctdl/terms
"""

from typing import Any

from portal.training.models.programs import Program
from portal.training.models.sections import Section
from portal.training.queries.sections import title_of
from portal.training.rules.programs import PROGRAM_ADDRESS
from portal.training.rules.sections import SECTION_ADDRESS, price_range

CONTEXT: list[Any] = [
    "https://schema.org",
    {"ceterms": "https://purl.org/ctdl/terms/", "commons": "urn:industrial-commons:"},
]
#: The classes of a kind of program: schema.org's, then CTDL's.
TYPES = {
    "course": ["Course", "ceterms:Course"],
    "certificate": ["EducationalOccupationalProgram", "ceterms:LearningProgram"],
    "degree": ["EducationalOccupationalProgram", "ceterms:LearningProgram"],
    "apprenticeship": ["EducationalOccupationalProgram", "ceterms:LearningProgram"],
    "on_the_job": ["EducationalOccupationalProgram", "ceterms:LearningOpportunityProfile"],
    "workshop": ["Course", "ceterms:Course"],
    "online": ["Course", "ceterms:Course"],
}
MODES = {
    "in_person": "onsite",
    "online": "online",
    "self_paced": "online",
    "hybrid": "blended",
    "at_work": "onsite",
}


def program_linked_data(program: Program, sections: list[Section], *, root: str) -> dict[str, Any]:
    """Return a program with sections as JSON-LD; empty values are left out.

    root: the portal's public address, without a slash at its end.
    """
    url = root + PROGRAM_ADDRESS % program.id
    is_course = TYPES[program.kind][0] == "Course"
    credential, occupation = program.credential, program.occupation
    provider = {
        "@type": "Organization",
        "@id": f"{root}/organizations/{program.organization_id}",
        "name": program.organization.name,
    }
    data: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": TYPES[program.kind],
        "@id": url,
        "url": url,
        "identifier": program.external_id,
        "name": program.title,
        "description": program.summary or program.description[:500],
        "provider": provider,
        "commons:kind": program.kind,
        "commons:delivery": program.delivery,
        "inLanguage": program.language,
        "teaches": [_skill(skill, root) for skill in program.skills],
        "educationalCredentialAwarded": credential
        and {
            "@type": "EducationalOccupationalCredential",
            "name": credential.name,
            "recognizedBy": {"@type": "Organization", "name": credential.issuer},
            "url": credential.url or f"{root}/credentials/{credential.id}",
        },
        "timeRequired": f"PT{program.duration_hours}H" if program.duration_hours else None,
        "timeToComplete": f"P{program.duration_weeks}W" if program.duration_weeks else None,
        "coursePrerequisites" if is_course else "programPrerequisites": program.prerequisites,
        "educationalProgramMode": None if is_course else MODES[program.delivery],
        "occupationalCategory": occupation
        and {
            "@type": "CategoryCode",
            "codeValue": occupation.code,
            "name": occupation.title,
            "inCodeSet": "https://www.bls.gov/soc/2018/",
        },
        "audience": program.eligibility and {"@type": "Audience", "name": program.eligibility},
        "offers": program.cost_cents is not None
        and {
            "@type": "Offer",
            "category": "Free" if program.cost_cents == 0 else "Paid",
            **_price(program.cost_cents),
        },
        "hasCourseInstance": [section_linked_data(one, root=root) for one in sections],
    }
    if not is_course:
        # schema.org knows instances of courses alone.
        data["hasCourse"] = data["hasCourseInstance"] and {
            "@type": "Course",
            "name": program.title,
            "description": data["description"],
            "provider": provider,
            "hasCourseInstance": data["hasCourseInstance"],
        }
        del data["hasCourseInstance"]
    return _filled(data)


def section_linked_data(section: Section, *, root: str) -> dict[str, Any]:
    """Return a section as a schema.org CourseInstance. The link to its online room stays out."""
    program = section.program
    lowest, highest = price_range(section.price_by_class, program.cost_cents)
    url = root + SECTION_ADDRESS % section.id
    is_online = program.delivery in ("online", "self_paced")
    return _filled(
        {
            "@type": "CourseInstance",
            "@id": url,
            "url": url,
            "name": title_of(section),
            "startDate": section.starts_on.isoformat(),
            "endDate": section.ends_on.isoformat(),
            "courseMode": MODES[program.delivery],
            "courseWorkload": f"PT{program.duration_hours}H" if program.duration_hours else None,
            "instructor": section.instructor and {"@type": "Person", "name": section.instructor},
            "maximumAttendeeCapacity": section.seats,
            "location": None if is_online else _place(section),
            "offers": lowest is not None
            and highest is not None
            and {
                "@type": "AggregateOffer",
                "priceCurrency": "USD",
                "lowPrice": f"{lowest / 100:.2f}",
                "highPrice": f"{highest / 100:.2f}",
            },
        }
    )


def _skill(skill: Any, root: str) -> dict[str, Any]:
    return {
        "@type": "DefinedTerm",
        "@id": f"{root}/skills/{skill.key}",
        "termCode": skill.key,
        "name": skill.label,
    }


def _price(cents: int) -> dict[str, str]:
    return {"price": f"{cents / 100:.2f}", "priceCurrency": "USD"}


def _place(section: Section) -> dict[str, Any]:
    parts = {
        "streetAddress": section.street,
        "addressLocality": section.city,
        "addressRegion": section.state,
        "postalCode": section.zip_code,
    }
    return {
        "@type": "Place",
        "name": section.place or section.city or section.organization.name,
        "address": {"@type": "PostalAddress", **{key: text for key, text in parts.items() if text}},
    }


def _filled(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value}
