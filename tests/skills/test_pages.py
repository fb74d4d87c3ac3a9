"""Pages and API of skills and credentials, as people and programs use them."""

import pytest

from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Invalid
from portal.kernel.search import search_index
from portal.skills import queries
from portal.skills.models import Credential


def test_a_skill_says_its_names_occupations_credentials_and_capabilities(client_of):
    page = client_of("nobody").get("/skills/cnc-mill-operation").text
    for text in ("VMC operation", "51-4041", "CNC Milling: Operations", "CNC milling", "Machining"):
        assert text in page


def test_skills_are_listed_by_field_of_work_and_found_by_any_name(client_of):
    nobody = client_of("nobody")
    assert "Welding and joining" in nobody.get("/skills").text
    found = nobody.get("/skills?q=gma").text
    assert "MIG welding" in found
    assert "also “GMAW”" in found
    assert "No skill has such a name" in nobody.get("/skills?q=basket+weaving").text
    spanish = nobody.get("/skills/mig-welding", headers={"Accept-Language": "es"}).text
    assert "<h1>Soldadura MIG</h1>" in spanish
    assert "Soldadores y cortadores" in spanish


@pytest.mark.parametrize(
    ("address", "offered"),
    [
        ("/skills/suggestions?q=vmc", "CNC mill operation"),
        ("/skills/suggestions?skill=vmc", "CNC mill operation"),
        ("/occupations/suggestions?q=solder", "51-4121 Welders"),
        ("/occupations/suggestions?occupation=51-40", "51-4041 Machinists"),
        ("/credentials/suggestions?q=milling institute", "CNC Milling: Operations (Institute"),
    ],
)
def test_what_is_typed_into_forms_is_offered(client_of, address, offered):
    assert offered in client_of("nobody").get(address).text


def test_a_college_writes_down_what_it_issues(client_of, world):
    cleo = client_of("cleo")
    form = {
        "organization_id": world.organizations["college"],
        "name": "Mill Operator",
        "kind": "certificate",
        "skills": "GMAW\nCNC mill operation",
        "valid_months": "24",
    }
    made = cleo.get(cleo.post("/credentials/new", data=form).headers["Location"])
    assert "“Mill Operator” was saved." in made.text
    assert "24 months" in made.text
    assert "MIG welding" in made.text
    again = cleo.post("/credentials/new", data={**form, "name": "mill  operator"})
    assert "issues a credential of this name already" in again.text
    unknown = cleo.post("/credentials/new", data={**form, "name": "Other", "skills": "MIG weld"})
    assert "Did you mean “MIG welding”?" in unknown.text
    nothing = cleo.post("/credentials/new", data={**form, "name": "Other", "skills": "Juggling"})
    assert "We do not know “Juggling”" in nothing.text
    edit = f"/credentials/{world.credentials['college']}/edit"
    assert "CMM operation" in cleo.get(edit).text
    cleo.post(edit, data={"name": "CMM Operator", "kind": "badge"})
    changed = session.get_one(Credential, world.credentials["college"])
    assert (changed.name, changed.kind, changed.valid_months) == ("CMM Operator", "badge", None)


@pytest.mark.parametrize(
    ("name", "abbreviation"),
    [("CNC  milling: operations", ""), ("Milling", "nims cnc"), ("NIMS CNC", "")],
)
def test_nobody_issues_what_is_called_like_a_credential_of_the_portal(
    client_of, world, name, abbreviation
):
    with unit_of_work():
        session.get_one(Credential, world.credentials["nims"]).abbreviation = "NIMS CNC"
    answer = client_of("cleo").post(
        "/credentials/new",
        data={
            "organization_id": str(world.organizations["college"]),
            "name": name,
            "abbreviation": abbreviation,
            "kind": "certification",
        },
    )
    assert "A credential of this name comes with the portal." in answer.text


def test_what_came_with_the_portal_cannot_be_changed(client_of, world):
    answer = client_of("root").post(
        f"/credentials/{world.credentials['nims']}/edit",
        data={"name": "Mine", "kind": "badge"},
    )
    assert answer.status_code == 409
    listed = client_of("nobody").get("/credentials?q=milling").text
    assert "CNC Milling: Operations" in listed
    assert "Coordinate Measuring Operator" not in listed
    assert "No credential has such a name" in client_of("nobody").get("/credentials?q=zz").text


def test_programs_read_and_write_the_same(client_of, world):
    cleo = client_of("cleo")
    assert [row["key"] for row in cleo.get("/api/v1/skills?q=gmaw").json["items"]] == [
        "mig-welding"
    ]
    for filters, found in (
        ("kind=welding", ["mig-welding"]),
        ("capability=cnc-milling", ["cnc-mill-operation"]),
        ("occupation=51-4041", ["cmm-operation", "cnc-mill-operation"]),
    ):
        items = cleo.get(f"/api/v1/skills?{filters}").json["items"]
        assert [row["key"] for row in items] == found
    assert cleo.get("/api/v1/skills?q=mill&kind=welding").status_code == 422
    skill = cleo.get("/api/v1/skills/cmm-operation").json
    assert skill["other_names"] == ["CMM operator"]
    assert skill["occupations"][0]["title_es"] == "Maquinistas de herramientas"
    assert len(cleo.get("/api/v1/occupations").json["items"]) == 2
    made = cleo.post(
        "/api/v1/credentials",
        json={
            "organization_id": world.organizations["college"],
            "name": "Weld Basics",
            "kind": "badge",
            "skills": ["mig-welding"],
        },
    )
    assert made.status_code == 201
    assert made.json["issuer"] == "Falls City Community College"
    changed = cleo.patch(made.headers["Location"], json={"valid_months": 12}).json
    assert (changed["name"], changed["skills"], changed["valid_months"]) == (
        "Weld Basics",
        ["mig-welding"],
        12,
    )
    of_college = f"/api/v1/credentials?organization_id={world.organizations['college']}"
    assert [row["name"] for row in cleo.get(of_college).json["items"]] == [
        "Coordinate Measuring Operator",
        "Weld Basics",
    ]
    proving = cleo.get("/api/v1/credentials?skill=cnc-mill-operation").json["items"]
    assert [row["id"] for row in proving] == [world.credentials["nims"]]


def test_forms_take_keys_names_and_what_was_offered(world):
    assert queries.get_named_skill("mig-welding").key == "mig-welding"
    assert queries.get_occupation("51-4121 Welders, Cutters").code == "51-4121"
    assert queries.get_occupation("maquinistas de herramientas").code == "51-4041"
    nims = world.credentials["nims"]
    for text in (
        str(nims),
        "CNC milling: operations",
        "nims-cnc-milling-operations",
        "CNC Milling: Operations (Institute for Metalworking)",
    ):
        assert queries.get_named_credential(text).id == nims
    for refused in (
        lambda: queries.get_occupation("51-9999"),
        lambda: queries.get_named_credential("Juggler (Circus)"),
    ):
        with pytest.raises(Invalid):
            refused()
    assert queries.capability_keys_of(["mig-welding"]) == {"mig-welding": ["welding"]}
    assert queries.names_of_skills(["mig-welding"])["mig-welding"][0] == "MIG welding"


def test_the_search_knows_the_other_names_of_skills(world):
    known = search_index().thesaurus()
    names = [terms for terms, _weight in known.alternatives(["gmaw"])]
    assert {("mig", "weld"), ("soldadura", "mig")} <= set(names)
