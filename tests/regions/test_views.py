"""The pages of regions, capabilities and clusters, and the administration of regions."""

import pytest

from portal.kernel.authorization import SYSTEM
from portal.regions import services
from portal.regions.queries.brokers import list_brokers
from portal.regions.queries.regions import find_region, get_region, get_region_by_key
from tests.support.statements import count_statements

OUTSIDERS = ["ana", "ben", "cleo", "dov", "eve"]


def text_of(response):
    return response.get_data(as_text=True)


def test_everybody_sees_the_regions_with_their_counties(client_of):
    page = text_of(client_of("nobody").get("/regions"))
    assert "Greater Louisville" in page
    assert "The makers of Wichita." in page
    assert "Jefferson, KY" in page
    assert "<svg" in page
    assert "Add a region" not in page


def test_the_list_of_regions_takes_the_same_statements_for_two_and_for_ten(app, client_of):
    client = client_of("nobody")
    client.get("/regions")
    with count_statements() as few:
        client.get("/regions")
    for number in range(8):
        services.create_region(SYSTEM, name=f"Region {number}", county_fips=["21111", "20173"])
    with count_statements() as many:
        client.get("/regions")
    assert few.count == many.count


def test_the_thesaurus_is_shown_as_a_tree(client_of):
    page = text_of(client_of("nobody").get("/capabilities"))
    assert page.index(">Machining<") < page.index(">CNC milling<") < page.index(">5-axis milling<")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("cmm", "also “CMM”"),
        ("5-axis", "5-axis milling"),
        ("basket weaving", "No capability has such a name"),
        ("<script>", "No capability has such a name"),
    ],
)
def test_the_thesaurus_can_be_searched(client_of, typed, expected):
    page = text_of(client_of("nobody").get("/capabilities", query_string={"q": typed}))
    assert expected in page
    assert "<script>" not in page.split("</head>")[1]


def test_a_capability_has_a_page_with_its_names_and_neighbors(client_of):
    page = text_of(client_of("nobody").get("/capabilities/cnc-milling"))
    assert "What cnc milling means." in page
    assert "/capabilities/machining" in page
    assert "/capabilities/5-axis-milling" in page
    assert "<li>CNC mill</li>" in page
    assert "capability=cnc-milling" in page


def test_a_capability_speaks_the_language_of_the_reader(client_of):
    client = client_of("nobody")
    page = text_of(client.get("/capabilities/cnc-milling", headers={"Accept-Language": "es"}))
    assert ">Fresado CNC<" in page
    assert "<li>CNC milling</li>" in page


def test_an_unchanged_capability_is_not_sent_again(client_of):
    client = client_of("nobody")
    tag = client.get("/capabilities/cnc-milling").headers["ETag"]
    again = client.get("/capabilities/cnc-milling", headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)


def test_an_unknown_capability_is_not_found(client_of):
    answer = client_of("nobody").get("/capabilities/basket-weaving")
    assert answer.status_code == 404
    assert "There is no such capability." in text_of(answer)


def test_capabilities_are_suggested_while_typing(client_of):
    page = text_of(client_of("nobody").get("/capabilities/suggestions?q=five"))
    assert "/capabilities/5-axis-milling" in page
    assert "<html" not in page


def test_clusters_are_listed_with_their_industries(client_of):
    page = text_of(client_of("nobody").get("/clusters"))
    assert "Metalworking Technology" in page
    assert "332710 Machine Shops" in page
    spanish = client_of("nobody").get("/clusters", headers={"Accept-Language": "es"}).text
    assert '<div lang="en"><dt>' in spanish, "industries keep their official titles"


def test_an_administrator_draws_a_region_and_corrects_it(client_of):
    client = client_of("root")
    made = client.post(
        "/administration/regions/new",
        data={
            "name": "Falls Cities",
            "summary": "Both banks.",
            "county_fips": "21111\nClark, IN",
        },
    )
    region = get_region_by_key("falls-cities")
    assert made.status_code == 303
    assert [county.fips for county in region.counties] == ["18019", "21111"]
    url = f"/administration/regions/{region.id}"
    page = text_of(client.get(url))
    assert "Falls Cities was created." in page
    assert "21111 Jefferson, KY" in page
    saved = client.post(
        url, data={"name": "Falls", "summary": "", "county_fips": "21111 Jefferson, KY"}
    )
    assert saved.status_code == 303
    changed = get_region_by_key("falls-cities")
    assert (changed.name, changed.summary) == ("Falls", "")
    assert [county.fips for county in changed.counties] == ["21111"]


def test_what_was_typed_stays_when_a_county_is_unknown(client_of):
    refused = client_of("root").post(
        "/administration/regions/new", data={"name": "Falls", "county_fips": "Nowhere, KY"}
    )
    page = text_of(refused)
    assert refused.status_code == 422
    assert "These counties are not known: Nowhere, KY." in page
    assert 'value="Falls"' in page
    assert find_region("falls") is None


def test_an_administrator_appoints_and_dismisses_a_broker(client_of, actor, world):
    client = client_of("root")
    url = f"/administration/regions/{world.regions['wichita']}"
    refused = client.post(f"{url}/brokers", data={"email": "stranger@cast.example"})
    assert "Nobody has signed up with this address yet." in text_of(refused)
    assert client.post(f"{url}/brokers", data={"email": "eve@cast.example"}).status_code == 303
    assert actor("eve").brokered_counties == {"20173"}
    assert "Eve is now a broker of Wichita." in text_of(client.get(url))
    dismiss = f"{url}/brokers/{world.users['eve']}/dismiss"
    asked = client.post(dismiss)
    assert "Dismiss Eve as broker?" in text_of(asked)
    assert actor("eve").brokered_counties == {"20173"}
    done = client.post(dismiss, data={"confirmed": "yes"})
    assert done.status_code == 303
    assert actor("eve").brokered_counties == frozenset()


@pytest.mark.parametrize("name", OUTSIDERS)
def test_others_find_no_administration_of_regions(client_of, world, name):
    client = client_of(name)
    number = world.regions["greater-louisville"]
    for url in (
        "/administration/regions",
        "/administration/regions/new",
        f"/administration/regions/{number}",
        f"/administration/regions/{number}/brokers",
    ):
        assert client.get(url).status_code == 403
    for url, values in (
        ("/administration/regions/new", {"name": "Mine", "county_fips": "21111"}),
        (f"/administration/regions/{number}", {"name": "Mine", "county_fips": "21111"}),
        (f"/administration/regions/{number}/brokers", {"email": f"{name}@cast.example"}),
        (
            f"/administration/regions/{number}/brokers/{world.users['dov']}/dismiss",
            {"confirmed": "yes"},
        ),
    ):
        assert client.post(url, data=values).status_code == 403
    assert find_region("mine") is None
    assert get_region(number).name == "Greater Louisville"
    assert [broker.name for broker in list_brokers(number)] == ["Dov"]


def test_nobody_is_asked_to_sign_in_first(client_of):
    answer = client_of("nobody").get("/administration/regions")
    assert answer.status_code == 303
    assert "next=" in answer.headers["Location"]


@pytest.mark.database
@pytest.mark.parametrize(
    "url", ["/administration/regions/99999999999999999999", "/regions?cursor=x"]
)
def test_broken_addresses_are_no_errors_of_ours(client_of, url):
    assert 400 <= client_of("root").get(url).status_code < 500
