"""Outcomes: asserted by one, confirmed by another, and one however many tell of it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from portal.agreements.models import Agreement, Outcome
from portal.agreements.queries import outcomes as queries
from portal.agreements.queries import reports
from portal.agreements.queries.reports import (
    Period,
    load_report,
    period_of,
    read_chain_rows,
    year_of,
)
from portal.agreements.rules.counting import (
    CATEGORIES,
    CATEGORY_OF_AGREEMENT,
    CATEGORY_OF_OUTCOME,
    LINES,
    OUTPUTS,
    Claimed,
    Passed,
    Result,
    are_alike,
    count_passed,
)
from portal.agreements.rules.words import AGREEMENT_KINDS, OUTCOME_KINDS
from portal.agreements.services import outcomes as services
from portal.agreements.services.agreements import act_on_agreement
from portal.kernel.clock import now, today_here
from portal.kernel.database import session, unit_of_work
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from portal.kernel.spreadsheets import read_sheet
from portal.partnerships.models import Request
from portal.skills.models import Credential
from portal.training.models.certificates import Certificate
from tests.agreements.conftest import ActorOf, Make, a_document
from tests.cast import World

Tell = Callable[..., Outcome]
Confirm = Callable[[str, Outcome], Outcome]
REGION = "greater-louisville"


def jobs(actor: ActorOf, key: str = REGION, name: str = "dov") -> tuple[int, int]:
    """How many jobs a region's report has: confirmed, and waiting for that."""
    period = period_of(today_here() - dt.timedelta(days=90), today_here())
    line = load_report(actor(name), key, period).of("jobs_created")
    return line.confirmed // 100, line.waiting // 100


# Rules

RESULTS = st.builds(
    Result,
    st.integers(1, 2),
    st.sampled_from(["jobs_created", "savings"]),
    st.integers(1, 10_000),
    st.dates(dt.date(2026, 1, 1), dt.date(2026, 12, 31)),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(RESULTS, RESULTS)
def test_likeness_goes_both_ways_and_holds_for_oneself(one: Result, other: Result) -> None:
    assert are_alike(one, one)
    assert are_alike(one, other) == are_alike(other, one)
    if one.kind != other.kind:
        assert not are_alike(one, other)


def test_amounts_of_one_organization_may_be_rounded_and_days_be_near() -> None:
    one = Result(1, "savings", 100_000, dt.date(2026, 3, 1))
    for amount, day, organization, expected in (
        (91_000, dt.date(2026, 4, 14), 1, True),
        (89_000, dt.date(2026, 3, 1), 1, False),
        (100_000, dt.date(2026, 4, 16), 1, False),
        (100_000, dt.date(2026, 3, 9), 2, True),
        (99_000, dt.date(2026, 3, 1), 2, False),
    ):
        assert are_alike(one, Result(organization, "savings", amount, day)) is expected


def test_everything_that_is_recorded_has_its_place_in_funders_categories() -> None:
    assert set(CATEGORY_OF_OUTCOME) == set(OUTCOME_KINDS)
    assert set(CATEGORY_OF_AGREEMENT) == set(AGREEMENT_KINDS)
    assert {line.category for line in LINES} == set(CATEGORIES)
    assert len({(line.source, line.key) for line in LINES}) == len(LINES)
    assert {line.section for line in LINES if line.category in OUTPUTS} == {"output"}


# Who says what


def test_one_asserts_and_another_confirms(
    actor: ActorOf, make: Make, tell: Tell, confirm: Confirm
) -> None:
    outcome = tell("ben", make("shop", "college"))
    assert jobs(actor) == (0, 3)

    for name in ("ben", "ana"):
        with pytest.raises(Forbidden):
            confirm(name, outcome)
    with pytest.raises(NotFound):
        confirm("eve", outcome)

    confirmed = confirm("cleo", outcome)
    assert confirmed.confirmed_by_id == confirmed.claims[0].agreement.parties[1].organization_id
    assert jobs(actor) == (3, 0)


def test_broker_of_the_region_confirms_what_brokers_may_see(
    actor: ActorOf, make: Make, tell: Tell, confirm: Confirm
) -> None:
    seen = confirm("dov", tell("ana", make("shop", "college")))
    assert queries.show(actor("ana"), seen).is_by_broker

    kept = tell("ana", make("shop", "aero", is_reported=False), kind="savings")
    with pytest.raises(NotFound):
        confirm("dov", kept)


def test_disputed_outcome_is_not_counted_until_it_is_corrected_and_confirmed(
    actor: ActorOf, make: Make, tell: Tell, confirm: Confirm
) -> None:
    outcome = confirm("cleo", tell("ana", make("shop", "college")))
    services.act_on_outcome(actor("cleo"), outcome, "dispute", note="It was one.")
    assert jobs(actor) == (0, 0)

    services.correct_outcome(
        actor("ana"), outcome, amount_hundredths=100, happened_on=outcome.happened_on
    )
    assert jobs(actor) == (0, 1)
    confirm("cleo", outcome)
    assert jobs(actor) == (1, 0)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "people_trained", "amount_hundredths": 150}, "amount_hundredths"),
        ({"amount_hundredths": 0}, "amount_hundredths"),
        ({"happened_on": dt.date(2999, 1, 1)}, "happened_on"),
        ({"happened_on": dt.date(2000, 1, 1)}, "happened_on"),
        ({"at": "aero"}, "organization_id"),
    ],
)
def test_what_cannot_be_is_refused(
    make: Make, tell: Tell, values: dict[str, Any], field: str
) -> None:
    active = make("shop", "college")
    with pytest.raises(Invalid) as refusal:
        tell("ana", active, **values)
    assert refusal.value.field == field


def test_nothing_comes_of_what_never_was_active(actor: ActorOf, make: Make, tell: Tell) -> None:
    proposed = make("shop", "college", "proposed")
    with pytest.raises(Conflict):
        tell("ana", proposed)
    act_on_agreement(actor("cleo"), proposed, "decline", note="No.")
    with pytest.raises(Conflict):
        tell("ana", proposed)


# Told twice


def test_second_party_of_an_agreement_is_shown_what_the_first_has_told(
    make: Make, tell: Tell
) -> None:
    active = make("shop", "college")
    first = tell("ana", active)
    with pytest.raises(services.Alike) as found:
        tell("cleo", active, at="shop", amount_hundredths=310)
    assert [row.id for row in found.value.outcomes] == [first.id]
    with pytest.raises(Conflict, match="not recorded twice"):
        tell("cleo", active, at="shop", same_as=first.id)

    other = tell("cleo", active, at="shop", distinct_reason="These are apprentices.")
    assert other.id != first.id
    assert other.twin_id is None


def test_outcome_shared_by_two_agreements_counts_once(
    actor: ActorOf, make: Make, tell: Tell, confirm: Confirm
) -> None:
    one, two = make("shop", "college"), make("shop", "aero")
    first = confirm("cleo", tell("ana", one))
    with pytest.raises(services.Alike):
        tell("ana", two)
    shared = tell("ana", two, same_as=first.id, evidence="The same three.")

    assert shared.id == first.id
    assert [claim.agreement_id for claim in shared.claims] == [one.id, two.id]
    assert jobs(actor) == (3, 0)
    period = period_of(today_here() - dt.timedelta(days=90), today_here())
    rows = [
        (row.agreement.id, row.counted)
        for row in read_chain_rows(actor("dov"), REGION, period)
        if row.outcome is not None and row.outcome.id == first.id
    ]
    assert sorted(rows) == [(one.id, 300), (two.id, 0)]


def test_who_shares_an_outcome_learns_nothing_of_the_other_agreement(
    world: World, actor: ActorOf, make: Make, tell: Tell, client_of: Any
) -> None:
    one = make("shop", "college", title="Secret of the college")
    first = tell("cleo", one, at="shop", evidence="Cleo's payroll")
    two = make("shop", "aero")
    tell("ana", two, same_as=first.id)

    page = client_of("eve").get(f"/outcomes/{first.id}").text
    assert "shop and aero" in page
    for word in ("Secret of the college", "Cleo", "Falls City"):
        assert word not in page
        assert word not in client_of("eve").get(f"/api/v1/outcomes/{first.id}").text


def test_what_the_asserter_cannot_see_is_told_apart_by_whose_it_is(
    actor: ActorOf, make: Make, tell: Tell, confirm: Confirm, drain: Any, mails: list[Any]
) -> None:
    first = confirm("cleo", tell("ana", make("shop", "college")))
    # Eve sees nothing of the agreement with the college.
    second = tell("eve", make("shop", "aero"), at="shop", amount_hundredths=290)
    assert second.twin_id == first.id
    assert jobs(actor) == (3, 2)
    with pytest.raises(Conflict, match="same as another"):
        confirm("ana", second)
    with pytest.raises(Forbidden):
        services.tell_apart(actor("eve"), second, is_same=False, note="It is ours.")
    mails.clear()
    drain()
    assert [m["to"] for m in mails if "twice" in m["subject"]] == ["ana@cast.example"]
    assert [item.url for item in queries.list_to_tell_apart(actor("ana"), 9)] == [
        f"/outcomes/{second.id}"
    ]

    left = services.tell_apart(actor("ana"), second, is_same=True)

    assert left.id == first.id
    assert len(left.claims) == 2
    assert jobs(actor) == (3, 0)
    assert queries.list_to_tell_apart(actor("ana"), 9) == []


def test_two_things_that_look_alike_both_count(
    actor: ActorOf, make: Make, tell: Tell, confirm: Confirm
) -> None:
    confirm("cleo", tell("ana", make("shop", "college")))
    second = tell("eve", make("shop", "aero"), at="shop")
    with pytest.raises(Invalid):
        services.tell_apart(actor("ana"), second, is_same=False)
    services.tell_apart(actor("ana"), queries.get_outcome(second.id), is_same=False, note="Others.")
    confirm("ana", second)
    assert jobs(actor) == (6, 0)


def test_withdrawing_leaves_what_others_claim(actor: ActorOf, make: Make, tell: Tell) -> None:
    first = tell("cleo", make("shop", "college"), at="shop")
    two = make("shop", "aero")
    tell("ana", two, same_as=first.id)

    left = services.act_on_outcome(actor("cleo"), queries.get_outcome(first.id), "withdraw")

    assert [claim.agreement_id for claim in left.claims] == [two.id]
    assert left.status == "asserted"
    alone = services.act_on_outcome(actor("ana"), queries.get_outcome(first.id), "withdraw")
    assert alone.status == "withdrawn"


def test_evidence_is_for_those_who_see_its_agreement(
    make: Make, tell: Tell, client_of: Any
) -> None:
    outcome = tell("ana", make("shop", "college"), document=a_document(b"Payroll."))
    address = f"/outcomes/{outcome.id}/evidence/{outcome.claims[0].id}"
    assert client_of("cleo").get(address).data == b"Payroll."
    assert client_of("dov").get(address).status_code == 200
    assert client_of("eve").get(address).status_code == 404


def test_page_offers_what_is_recorded_already(make: Make, tell: Tell, client_of: Any) -> None:
    first = tell("ana", make("shop", "college"))
    two = make("shop", "aero")
    form = {
        "kind": "jobs_created",
        "amount_hundredths": "3",
        "happened_on": first.happened_on.isoformat(),
    }
    client = client_of("ana")
    address = f"/agreements/{two.id}/outcomes/new"
    answer = client.post(address, data=form)
    assert answer.status_code == 422
    assert "Is it one of these?" in answer.text
    assert client.post(address, data={**form, "same_as": first.id}).location.endswith(
        f"/outcomes/{first.id}"
    )
    refused = client.post(
        f"/api/v1/agreements/{two.id}/outcomes",
        json={**form, "amount_hundredths": 300},
    )
    assert refused.status_code == 409
    assert refused.json["alike"] == [first.id]


# What a region has to show


def test_report_and_the_chains_behind_it_say_the_same(
    actor: ActorOf, make: Make, tell: Tell, confirm: Confirm
) -> None:
    one = make("shop", "college", kind="equipment_use", role="receiver", private_cents=120_000)
    two = make("shop", "aero", kind="rd_cooperation", public_cents=50_000)
    make("shop", "aero", is_reported=False, private_cents=7)
    first = confirm("cleo", tell("ana", one))
    tell("ana", two, same_as=first.id)
    confirm("ana", tell("eve", two, at="aero", kind="savings", amount_hundredths=900))
    confirm("cleo", tell("ana", one, kind="savings", amount_hundredths=84_000))
    kept = make("college", "aero", is_reported=False)
    confirm("eve", tell("cleo", kept, kind="savings", amount_hundredths=1))

    period = period_of(today_here() - dt.timedelta(days=90), today_here())
    for key, name, savings in ((REGION, "dov", 84_000), ("wichita", "root", 900)):
        report = load_report(actor(name), key, period)
        rows = list(read_chain_rows(actor(name), key, period))
        assert report.of("savings").confirmed == savings
        for line in report.lines:
            if line.line.source == "outcomes":
                behind = [
                    row.counted
                    for row in rows
                    if row.outcome is not None and row.outcome.kind == line.line.key
                ]
                assert sum(behind) == line.confirmed, line.line.key
        counted = {row.agreement.id: row.agreement for row in rows if row.is_agreement_counted}
        for column in ("private_cents", "public_cents"):
            assert report.of(column).confirmed == sum(
                getattr(row, column) for row in counted.values()
            )
    assert load_report(actor("dov"), REGION, period).of("private_cents").confirmed == 120_000


def passed(provider: int, holder: str, day: dt.date, payer: int | None = None) -> Passed:
    return Passed(provider, payer, holder, day, is_credential=holder != "Ann")


def test_training_counts_by_whole_sums_of_four_people_and_once() -> None:
    spring, autumn = dt.date(2026, 5, 2), dt.date(2026, 10, 30)
    rows = [
        *(passed(1, name, spring, payer=7) for name in ("Ann", "Bo", "Cy", "Di", "Di")),
        *(passed(1, name, autumn) for name in ("Ann", "Bo", "Cy")),
        passed(1, "Flo", dt.date(2026, 1, 9)),
        *(passed(2, name, autumn) for name in ("Ann", "Bo", "Cy")),
    ]

    def count(since: dt.date, until: dt.date, *claims: Claimed) -> tuple[int, int]:
        return tuple(count_passed(rows, claims, since, until).values())

    year = (dt.date(2026, 1, 1), dt.date(2026, 12, 31))
    # Four in spring; four more in what is left of the year; of the other provider only three.
    assert count(*year) == (8, 7)
    # Only three of those got a credential.
    assert count(dt.date(2026, 4, 1), dt.date(2026, 6, 30)) == (4, 0)
    assert count(dt.date(2026, 4, 2), dt.date(2026, 12, 30)) == (0, 0)
    assert count(dt.date(2026, 10, 1), dt.date(2026, 12, 31)) == (0, 0)
    # What outcomes claim is not counted again: between their parties, as far as they reach.
    at_firm = Claimed("people_trained", 7, frozenset({1, 7}), 3)
    assert count(*year, at_firm) == (5, 7)
    assert count(*year, at_firm._replace(amount=60)) == (0, 7)
    others = Claimed("people_trained", 8, frozenset({1, 8}), 60)
    assert count(*year, others) == (4, 7)
    assert count(*year, others._replace(organization_id=1, kind="credentials")) == (8, 0)
    assert count(*year, others._replace(party_ids=frozenset({2, 7, 8}))) == (8, 7)


def test_report_counts_certificates_besides_what_outcomes_tell_of_them(
    world: World, actor: ActorOf, make: Make, tell: Tell, confirm: Confirm
) -> None:
    year, day = year_of(today_here().year - 1), dt.date(today_here().year - 1, 5, 2)

    def people(period: Period = year) -> tuple[int, int]:
        report = load_report(actor("dov"), REGION, period)
        found = report.of("people_passed"), report.of("credentials_awarded")
        return found[0].confirmed // 100, found[1].confirmed // 100

    credential = session.scalars(select(Credential).order_by(Credential.id)).first()
    with unit_of_work():
        session.execute(delete(Certificate))
        for number in range(6):
            session.add(
                Certificate(
                    number=f"TEST-{number}",
                    organization_id=world.organizations["college"],
                    credential_id=credential.id if number else None,
                    holder_name=f"Person {number}",
                    title="Milling",
                    issuer_name="College",
                    issued_on=day,
                    revoked_at=now() if number == 5 else None,
                    revoked_reason="Mixed up." if number == 5 else "",
                )
            )
    assert people() == (5, 4)
    contract = make("shop", "college", kind="training_contract", role="receiver", starts_on=day)
    trained = tell("ana", contract, kind="people_trained", amount_hundredths=200, happened_on=day)
    assert people() == (5, 4)
    confirm("cleo", trained)
    assert people() == (3, 4)
    assert load_report(actor("root"), "wichita", year).of("people_passed").confirmed == 0
    # Of what is not over, two days would differ by single people.
    with unit_of_work():
        session.execute(update(Certificate).values(issued_on=today_here()))
    assert people(year_of(today_here().year)) == (0, 0)


def test_outcome_of_another_time_is_not_in_the_report(
    actor: ActorOf, make: Make, tell: Tell, confirm: Confirm
) -> None:
    confirm("cleo", tell("ana", make("shop", "college")))
    earlier = period_of(dt.date(2025, 1, 1), dt.date(2025, 12, 31))
    assert load_report(actor("dov"), REGION, earlier).of("jobs_created").confirmed == 0


def test_tables_are_in_the_words_of_funders(
    make: Make, tell: Tell, confirm: Confirm, client_of: Any
) -> None:
    confirm("cleo", tell("ana", make("shop", "college", title="=1+1"), kind="savings"))
    client = client_of("dov")
    since = today_here() - dt.timedelta(days=60)
    period = f"since={since}&until={today_here()}"
    report = client.get(f"/regions/{REGION}/outcomes.csv?{period}").text
    assert f"Greater Louisville,{since}" in report
    assert ",outcome,capacity,savings,usd,3,0,1" in report
    # A workbook is for people: it says the same in words.
    book = client.get(f"/regions/{REGION}/outcomes.xlsx?{period}").data
    rows = [row.cells for row in read_sheet(book).rows]
    (row,) = (row for row in rows if row["What is counted"] == "Savings")
    assert (row["Category"], row["Section"]) == ("Regional capacity", "Outcome")
    assert (row["Confirmed"], row["Records"]) == ("3", "1")
    chains = client.get(f"/regions/{REGION}/chains.csv?{period}").text
    assert "savings,capacity" in chains
    assert ": =1+1" in chains
    assert "Ana's Machine Shop; Falls City Community College" in chains


def test_each_agreement_about_a_request_says_how_well_it_was_matched(
    world: World, make: Make, actor: ActorOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [make("shop", "college").id for _ in range(3)]
    with unit_of_work():
        for days, number in enumerate(made):
            row = session.get_one(Agreement, number)
            row.request_id = world.requests["shop_public"]
            row.activated_at = now() - dt.timedelta(days=days)
    monkeypatch.setattr(reports, "CHAINS_AT_ONCE", 2)
    week = period_of(today_here() - dt.timedelta(days=7), today_here())
    rows = list(read_chain_rows(actor("dov"), REGION, week))
    scores = {row.agreement.id: row.score for row in rows if row.agreement.id in made}
    # The oldest comes first, in however many parts they are read.
    assert list(scores) == made[::-1]
    assert None not in scores.values()


def test_chain_begins_with_the_search_that_found_nothing(
    world: World, make: Make, tell: Tell, client_of: Any, indexed: None
) -> None:
    client = client_of("ana")
    found = client.get("/search?q=zinc+plating").text
    assert "searched=zinc+plating" in found
    form = client.get("/requests/new?direction=need&title=Plating&searched=zinc+plating").text
    assert "You searched for “zinc plating”" in form
    saved = client.post(
        "/requests/new",
        data={
            "kind": "supply_chain",
            "direction": "need",
            "title": "Plated bolts",
            "visibility": "public",
            "search_words": "zinc plating",
            "action": "draft",
        },
    )
    active = make("shop", "college")
    tell("ana", active)
    with unit_of_work():
        row = session.get_one(Agreement, active.id)
        row.request_id = int(saved.location.rpartition("/")[2])

    page = client.get(f"/agreements/{active.id}/chain").text
    places = [
        page.find(word) for word in ("zinc plating", "Plated bolts", "shop and college", "Jobs")
    ]
    assert -1 not in places
    assert "zinc plating,Plated bolts" in client.get(f"/agreements/{active.id}/chain.csv").text
    assert (
        client.get(f"/api/v1/agreements/{active.id}/chain").json["search_words"] == "zinc plating"
    )


def test_anonymous_request_stays_anonymous_for_brokers(
    world: World, actor: ActorOf, make: Make, client_of: Any
) -> None:
    """Beside an agreement that names its organization it would be anonymous no more."""
    active = make("shop", "college")
    with unit_of_work():
        session.get_one(Agreement, active.id).request_id = world.requests["shop_public"]
        session.get_one(Request, world.requests["shop_public"]).is_anonymous = True
    title = "Shop public need"
    assert title in client_of("cleo").get(f"/agreements/{active.id}/chain").text
    for address in (
        f"/agreements/{active.id}/chain",
        f"/agreements/{active.id}/chain.csv",
        f"/agreements/{active.id}",
        f"/regions/{REGION}/chains.csv",
        f"/api/v1/agreements/{active.id}",
        f"/api/v1/agreements/{active.id}/chain",
    ):
        answer = client_of("dov").get(address)
        assert answer.status_code == 200
        assert title not in answer.text, address
        assert f"/requests/{world.requests['shop_public']}" not in answer.text
    assert client_of("dov").get(f"/api/v1/agreements/{active.id}").json["request_id"] is None
