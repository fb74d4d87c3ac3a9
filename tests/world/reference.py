"""Places, industries, capabilities and skills: what the world is described with."""

from portal.kernel.database import session
from portal.regions.models import (
    Capability,
    CapabilityLabel,
    Cluster,
    ClusterIndustry,
    County,
    NaicsCode,
    State,
    ZipCode,
)
from portal.regions.rules import name_key
from portal.skills.models import Credential, Occupation, Skill, SkillName
from tests.cast import World

_STATES = [("KY", "21", "Kentucky"), ("IN", "18", "Indiana"), ("KS", "20", "Kansas")]
_COUNTIES = [
    ("21111", "Jefferson", "KY", 38.187, -85.657),
    ("18019", "Clark", "IN", 38.477, -85.707),
    ("20173", "Sedgwick", "KS", 37.684, -97.461),
]
_ZIPS = [
    ("40202", "Louisville", "KY", "21111", 38.2529, -85.7514),
    ("40210", "Louisville", "KY", "21111", 38.2305, -85.7905),
    ("47130", "Jeffersonville", "IN", "18019", 38.3006, -85.7266),
    ("67202", "Wichita", "KS", "20173", 37.6889, -97.3361),
]
_NAICS = [
    ("332710", "Machine Shops"),
    ("336413", "Other Aircraft Parts and Auxiliary Equipment Manufacturing"),
    ("611210", "Junior Colleges"),
]
# key, label, Spanish label, broader, alternate labels
_CAPABILITIES: list[tuple[str, str, str, list[str], list[str]]] = [
    ("machining", "Machining", "Mecanizado", [], ["metal cutting"]),
    ("cnc-milling", "CNC milling", "Fresado CNC", ["machining"], ["CNC mill"]),
    ("5-axis-milling", "5-axis milling", "Fresado de 5 ejes", ["cnc-milling"], ["five-axis"]),
    ("metrology", "Metrology", "Metrología", [], ["measurement"]),
    (
        "coordinate-measuring",
        "Coordinate measuring",
        "Medición por coordenadas",
        ["metrology"],
        ["CMM", "coordinate measuring machine"],
    ),
    ("welding", "Welding", "Soldadura", [], ["weld shop"]),
]
# key, kind, name, Spanish name, capability, other names
_SKILLS: list[tuple[str, str, str, str, str, list[str]]] = [
    (
        "cnc-mill-operation",
        "machining",
        "CNC mill operation",
        "Operación de fresadora CNC",
        "cnc-milling",
        ["VMC operation"],
    ),
    (
        "cmm-operation",
        "metrology",
        "CMM operation",
        "Operación de máquina de medición por coordenadas",
        "coordinate-measuring",
        ["CMM operator"],
    ),
    ("mig-welding", "welding", "MIG welding", "Soldadura MIG", "welding", ["GMAW"]),
]
_OCCUPATIONS = [
    ("51-4041", "Machinists", "Maquinistas de herramientas"),
    ("51-4121", "Welders, Cutters, Solderers, and Brazers", "Soldadores y cortadores"),
]


def add_reference() -> None:
    session.add_all(State(code=code, fips=fips, name=name) for code, fips, name in _STATES)
    session.flush()
    session.add_all(
        County(fips=fips, name=name, state=state, latitude=latitude, longitude=longitude)
        for fips, name, state, latitude, longitude in _COUNTIES
    )
    session.flush()
    session.add_all(
        ZipCode(
            zip_code=code,
            place=place,
            state=state,
            county_fips=fips,
            latitude=lat,
            longitude=lon,
            time_zone="America/Chicago" if state == "KS" else "America/Kentucky/Louisville",
        )
        for code, place, state, fips, lat, lon in _ZIPS
    )
    session.add_all(NaicsCode(code=code, title=title) for code, title in _NAICS)
    cluster = Cluster(key="metalworking-technology", name="Metalworking Technology", kind="traded")
    session.add(cluster)
    session.flush()
    session.add(ClusterIndustry(naics_code="332710", cluster_id=cluster.id))
    known: dict[str, Capability] = {}
    for key, label, label_es, broader, also in _CAPABILITIES:
        known[key] = Capability(
            key=key, label=label, label_es=label_es, definition=f"What {label.lower()} means."
        )
        known[key].broader = [known[other] for other in broader]
        known[key].labels = [
            CapabilityLabel(text=text, match_key=name_key(text), kind=kind, language=language)
            for text, kind, language in [
                (label, "preferred", "en"),
                (label_es, "preferred", "es"),
                *((name, "alternate", "en") for name in also),
            ]
        ]
        session.add(known[key])
    session.flush()


def add_skills(world: World) -> None:
    """Three skills, the institute's "nims" that proves the first, the college's own for the second.

    Both credentials are good for three years.
    """
    session.add_all(
        Occupation(code=code, title=title, title_es=title_es)
        for code, title, title_es in _OCCUPATIONS
    )
    session.flush()
    for key, kind, name, name_es, capability, others in _SKILLS:
        skill = Skill(key=key, kind=kind, label=name, label_es=name_es)
        welders = kind == "welding"
        skill.occupations = [session.get_one(Occupation, "51-4121" if welders else "51-4041")]
        skill.capabilities = [capability_of(capability)]
        session.add(skill)
        names = [
            (name, "preferred", "en"),
            (name_es, "preferred", "es"),
            *((other, "alternate", "en") for other in others),
        ]
        session.add_all(
            SkillName(
                skill_key=key, text=text, match_key=name_key(text), kind=usual, language=language
            )
            for text, usual, language in names
        )
        session.flush()
    for name, title, own, skill_key in (
        ("nims", "CNC Milling: Operations", {"key": "nims-cnc-milling-operations"}, _SKILLS[0][0]),
        (
            "college",
            "Coordinate Measuring Operator",
            {"issuer_organization_id": world.organizations["college"]},
            _SKILLS[1][0],
        ),
    ):
        credential = Credential(
            kind="certification",
            name=title,
            name_key=name_key(title),
            issuer="Falls City Community College"
            if name == "college"
            else "Institute for Metalworking",
            url="https://issuer.example/",
            valid_months=36,
            skills=[session.get_one(Skill, skill_key)],
            **own,
        )
        session.add(credential)
        session.flush()
        world.credentials[name] = credential.id


def capability_of(key: str) -> Capability:
    return session.get_one(Capability, key)
