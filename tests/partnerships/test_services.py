"""What the commands of requests and responses do, refuse and record."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import time_machine
from sqlalchemy import func, select

from portal.kernel.authorization import SYSTEM
from portal.kernel.clock import today_here
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from portal.kernel.outbox import OutboxEvent
from portal.organizations.models import Organization
from portal.organizations.services import records
from portal.partnerships.models import Request, Response
from portal.partnerships.queries import requests as queries
from portal.partnerships.queries import responses as response_queries
from portal.partnerships.rules.publishing import Incomplete
from portal.partnerships.rules.workflows import REQUESTS
from portal.partnerships.services import requests as services
from portal.partnerships.services import responses as response_services
from tests.cast import World
from tests.partnerships.conftest import ActorOf

OrganizationOf = Callable[[str], Organization]
RequestOf = Callable[[str], Request]
Change = Callable[..., Request]


def in_days(days: int) -> dt.date:
    return today_here() + dt.timedelta(days=days)


def events() -> list[str]:
    return list(session.scalars(select(OutboxEvent.name).order_by(OutboxEvent.id)))


def test_a_member_writes_a_draft_with_a_title_alone(
    actor: ActorOf, organization: OrganizationOf
) -> None:
    draft = services.create_request(
        actor("ben"), organization("shop"), kind="training", direction="need", title="Welding class"
    )
    found = queries.get_request(draft.id)
    assert (found.status, found.published_at) == ("draft", None)
    assert found.expires_on == in_days(90)
    assert found.county_fips == "21111"
    assert events() == ["partnerships.RequestSaved"]


def test_a_complete_request_is_published_at_once(
    actor: ActorOf, organization: OrganizationOf, complete: Mapping[str, Any]
) -> None:
    request = services.create_request(
        actor("ana"), organization("shop"), publish=True, **complete, zip_code="47130"
    )
    found = queries.get_request(request.id)
    assert found.status == "published"
    assert found.published_at is not None
    assert [item.key for item in found.capabilities] == ["coordinate-measuring"]
    assert found.county_fips == "18019"
    assert [step.action for step in REQUESTS.history(found)] == ["publish"]


def test_publication_is_refused_with_all_that_is_missing_and_writes_nothing(
    actor: ActorOf, organization: OrganizationOf
) -> None:
    with pytest.raises(Incomplete) as refusal:
        services.create_request(
            actor("ana"),
            organization("shop"),
            publish=True,
            kind="technology",
            direction="offer",
            title="A new coating",
        )
    assert [name for name, _ in refusal.value.problems] == [
        "summary",
        "capabilities",
        "advantages",
        "innovations",
        "ip_status",
        "trl",
    ]
    assert session.scalar(select(Request.id).where(Request.title == "A new coating")) is None


def test_a_refused_change_leaves_the_draft_as_it_was(actor: ActorOf, request_of: RequestOf) -> None:
    draft = request_of("shop_draft")
    with pytest.raises(Incomplete):
        services.change_request(actor("ana"), draft, title="Changed", summary="", publish=True)
    assert queries.get_request(draft.id).title == "Shop draft need"


def test_what_is_published_stays_fit_to_be_published(
    actor: ActorOf, organization: OrganizationOf, complete: Mapping[str, Any]
) -> None:
    request = services.create_request(actor("ana"), organization("shop"), publish=True, **complete)
    with pytest.raises(Incomplete):
        services.change_request(actor("ana"), request, expertise_sought="")
    assert queries.get_request(request.id).expertise_sought == "Somebody who measures."


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"capabilities": ["basket weaving"]}, "capabilities"),
        ({"zip_code": "00000"}, "zip_code"),
        ({"expires_on": dt.date(2001, 1, 1)}, "expires_on"),
        ({"expires_on": dt.date(2199, 1, 1)}, "expires_on"),
    ],
)
def test_values_that_cannot_be_are_refused_at_their_field(
    actor: ActorOf, organization: OrganizationOf, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        services.create_request(
            actor("ana"),
            organization("shop"),
            kind="training",
            direction="need",
            title="Classes",
            **values,
        )
    assert refusal.value.field == field


def test_365_days_count_from_the_publication(
    actor: ActorOf, organization: OrganizationOf, complete: Mapping[str, Any]
) -> None:
    with time_machine.travel(dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC), tick=False):
        request = services.create_request(
            actor("ana"),
            organization("shop"),
            publish=True,
            **complete,
            expires_on=dt.date(2027, 3, 1),
        )
    with time_machine.travel(dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC), tick=False):
        with pytest.raises(Invalid):
            services.change_request(actor("ana"), request, expires_on=dt.date(2027, 3, 2))
        services.change_request(actor("ana"), request, expires_on=dt.date(2027, 2, 1))
        assert request.expires_on == dt.date(2027, 2, 1)


def test_a_request_is_open_until_its_last_day_is_over_where_the_portal_is(
    actor: ActorOf, organization: OrganizationOf, complete: Mapping[str, Any]
) -> None:
    last = dt.date(2026, 3, 1)
    with time_machine.travel(dt.datetime(2026, 3, 2, 3, tzinfo=dt.UTC), tick=False):
        request = services.create_request(
            actor("ana"), organization("shop"), publish=True, **complete, expires_on=last
        )
        services.expire_overdue(SYSTEM)
        assert request.status == "published", "ten o'clock in the evening of that day"
    with time_machine.travel(dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC), tick=False):
        services.expire_overdue(SYSTEM)
    session.refresh(request)
    assert request.status == "expired"


@pytest.mark.parametrize("name", ["ben", "cleo", "eve", "dov"])
def test_strangers_and_plain_members_cannot_change_a_request_of_another(
    actor: ActorOf, request_of: RequestOf, name: str
) -> None:
    with pytest.raises(Forbidden):
        services.change_request(actor(name), request_of("shop_public"), title="Mine now")


@pytest.mark.parametrize("name", ["ben", "cleo", "nobody"])
def test_a_draft_is_there_for_its_writer_and_the_managers_alone(
    actor: ActorOf, world: World, name: str
) -> None:
    with pytest.raises(NotFound):
        queries.get_visible_request(actor(name), world.requests["shop_draft"])


def test_a_member_runs_the_request_that_the_member_wrote(
    actor: ActorOf, organization: OrganizationOf, complete: Mapping[str, Any]
) -> None:
    request = services.create_request(actor("ben"), organization("shop"), publish=True, **complete)
    services.act_on_request(actor("ben"), request, "pause")
    assert request.status == "paused"


@pytest.mark.parametrize("name", ["ana", "root", "cleo"])
def test_nobody_but_the_clock_lets_a_request_expire(
    actor: ActorOf, request_of: RequestOf, name: str
) -> None:
    with pytest.raises(Forbidden):
        services.act_on_request(actor(name), request_of("shop_public"), "expire")


def test_the_clock_lets_overdue_requests_expire_and_no_others(
    actor: ActorOf, change: Change, request_of: RequestOf
) -> None:
    change("shop_public", expires_on=in_days(-1))
    change("college_public", expires_on=in_days(0))
    change("shop_draft", expires_on=in_days(-1))
    assert services.expire_overdue(SYSTEM) == 1
    assert request_of("shop_public").status == "expired"
    assert request_of("college_public").status == "published"
    assert request_of("shop_draft").status == "draft"
    assert services.expire_overdue(SYSTEM) == 0
    with pytest.raises(Forbidden):
        services.expire_overdue(actor("ana"))


def test_a_request_is_renewed_once_and_is_open_again(
    actor: ActorOf, change: Change, request_of: RequestOf
) -> None:
    request = change("shop_public", status="expired", expires_on=in_days(-10))
    services.renew_request(actor("ana"), request, expires_on=in_days(200))
    assert (request.status, request.renewals) == ("published", 1)
    [step] = REQUESTS.history(request)
    assert (step.action, step.source, step.target) == ("reopen", "expired", "published")
    change("shop_public", expires_on=in_days(5))
    with pytest.raises(Conflict):
        services.renew_request(actor("ana"), request_of("shop_public"), expires_on=in_days(100))
    with pytest.raises(Invalid):
        services.change_request(actor("ana"), request_of("shop_public"), expires_on=in_days(100))


def test_a_paused_request_stays_paused_when_it_is_renewed(actor: ActorOf, change: Change) -> None:
    request = change("shop_public", status="paused", expires_on=in_days(5))
    services.renew_request(actor("ana"), request, expires_on=in_days(200))
    assert request.status == "paused"
    assert [step.action for step in REQUESTS.history(request)] == ["renew"]


@pytest.mark.parametrize("action", ["renew", "reopen"])
def test_a_renewal_is_no_action_without_its_day(
    actor: ActorOf, request_of: RequestOf, action: str
) -> None:
    with pytest.raises(NotFound):
        services.act_on_request(actor("ana"), request_of("shop_public"), action)


def test_withdrawing_a_request_answers_those_who_wait(
    actor: ActorOf, request_of: RequestOf, response: Callable[[], Response]
) -> None:
    services.act_on_request(actor("ana"), request_of("shop_public"), "withdraw")
    assert response().status == "declined"
    assert response().decided_at is not None
    assert "partnerships.ResponseDecided" in events()


def test_a_response_to_a_withdrawn_request_is_not_accepted(
    actor: ActorOf, change: Change, response: Callable[[], Response]
) -> None:
    change("shop_public", status="withdrawn")
    with pytest.raises(Conflict, match="was withdrawn"):
        response_services.act_on_response(actor("ana"), response(), "accept")
    assert response().status == "sent"


@pytest.mark.parametrize(("end", "most"), [(10, 375), (-10, 355)])
def test_a_renewal_ends_later_than_before_and_within_a_year_of_its_first_end(
    actor: ActorOf, change: Change, end: int, most: int
) -> None:
    status = "published" if end > 0 else "expired"
    request = change("shop_public", status=status, expires_on=in_days(end))
    for days in (-1, end, most + 1):
        with pytest.raises(Invalid) as refusal:
            services.renew_request(actor("ana"), request, expires_on=in_days(days))
        assert refusal.value.field == "expires_on"
    services.renew_request(actor("ana"), request, expires_on=in_days(most))
    assert request.expires_on == in_days(most)


def test_it_is_too_early_to_renew_far_from_the_end(actor: ActorOf, request_of: RequestOf) -> None:
    with pytest.raises(Conflict):
        services.renew_request(actor("ana"), request_of("shop_public"), expires_on=in_days(200))


def test_only_drafts_are_deleted(actor: ActorOf, request_of: RequestOf, world: World) -> None:
    with pytest.raises(Conflict, match="Withdraw"):
        services.delete_request(actor("ana"), request_of("shop_public"))
    services.delete_request(actor("ana"), request_of("shop_draft"))
    with pytest.raises(NotFound):
        queries.get_request(world.requests["shop_draft"])
    assert events()[-1] == "partnerships.RequestDeleted"


def test_a_closed_request_is_not_changed(actor: ActorOf, request_of: RequestOf) -> None:
    request = request_of("shop_public")
    services.act_on_request(actor("ana"), request, "fulfil")
    with pytest.raises(Conflict):
        services.change_request(actor("ana"), request, title="Too late")


def test_publishing_twice_is_a_conflict(actor: ActorOf, request_of: RequestOf) -> None:
    with pytest.raises(Conflict):
        services.act_on_request(actor("ana"), request_of("shop_public"), "publish")


def test_a_withdrawn_request_is_gone_for_outsiders_and_kept_for_its_people(
    actor: ActorOf, request_of: RequestOf, world: World
) -> None:
    services.act_on_request(actor("ana"), request_of("shop_public"), "withdraw")
    for name in ("nobody", "cleo", "dov"):
        with pytest.raises(NotFound):
            queries.get_visible_request(actor(name), world.requests["shop_public"])
    for name in ("ana", "ben", "root"):
        assert queries.get_visible_request(actor(name), world.requests["shop_public"])


# Responses


def test_any_person_of_another_organization_responds_once(
    actor: ActorOf, request_of: RequestOf, world: World
) -> None:
    response = response_services.send_response(
        actor("ben"), request_of("college_public"), message="We can."
    )
    assert response.organization_id == world.organizations["shop"]
    assert events() == ["partnerships.ResponseSent"]
    with pytest.raises(Conflict, match="already"):
        response_services.send_response(
            actor("ana"), request_of("college_public"), message="We too."
        )


@pytest.mark.parametrize("name", ["ana", "ben", "dov", "root"])
def test_own_people_and_people_without_an_organization_do_not_respond(
    actor: ActorOf, request_of: RequestOf, name: str
) -> None:
    with pytest.raises(Forbidden):
        response_services.send_response(actor(name), request_of("shop_public"), message="Hello.")


@pytest.mark.parametrize("status", ["draft", "paused", "fulfilled", "expired", "withdrawn"])
def test_a_request_that_is_not_open_takes_no_response(
    actor: ActorOf, change: Change, status: str
) -> None:
    request = change("shop_public", status=status)
    with pytest.raises((Conflict, NotFound)):
        response_services.send_response(actor("eve"), request, message="Hello.")
    assert session.scalar(select(func.count()).select_from(Response)) == 1


@pytest.mark.parametrize("visibility", ["shop_organization", "shop_draft"])
def test_nobody_responds_to_what_they_cannot_see(
    actor: ActorOf, request_of: RequestOf, visibility: str
) -> None:
    with pytest.raises(NotFound):
        response_services.send_response(actor("eve"), request_of(visibility), message="Hello.")


def test_nobody_responds_for_an_organization_of_others(
    actor: ActorOf, request_of: RequestOf, world: World
) -> None:
    for organization_id in (world.organizations["college"], 999_999):
        with pytest.raises(Invalid) as refusal:
            response_services.send_response(
                actor("ana"),
                request_of("aero_public"),
                organization_id=organization_id,
                message="x",
            )
        assert refusal.value.field == "organization_id"


def test_who_has_several_organizations_says_for_which_one(
    actor: ActorOf, request_of: RequestOf, organization: OrganizationOf
) -> None:
    records.register_organization(actor("ana"), name="Second Shop", kind="sme")
    with pytest.raises(Invalid) as refusal:
        response_services.send_response(actor("ana"), request_of("aero_public"), message="x")
    assert refusal.value.field == "organization_id"


def test_an_archived_organization_is_none_to_choose(
    actor: ActorOf, request_of: RequestOf, world: World
) -> None:
    archived = records.register_organization(actor("cleo"), name="Old Lab", kind="sme")
    records.archive_organization(actor("cleo"), archived)

    sent = response_services.send_response(
        actor("cleo"), request_of("aero_public"), message="We can."
    )
    assert sent.organization_id == world.organizations["college"]


@pytest.mark.parametrize("action", ["accept", "decline"])
@pytest.mark.parametrize("name", ["ben", "cleo", "root"])
def test_only_managers_of_the_receiving_organization_decide(
    actor: ActorOf, response: Callable[[], Response], name: str, action: str
) -> None:
    with pytest.raises(Forbidden):
        response_services.act_on_response(actor(name), response(), action, note="No.")


@pytest.mark.parametrize("name", ["eve", "dov", "nobody"])
def test_a_response_is_not_there_for_third_parties(actor: ActorOf, world: World, name: str) -> None:
    with pytest.raises(NotFound):
        response_queries.get_visible_response(actor(name), world.responses["college_to_shop"])


def test_declining_needs_a_reason_and_accepting_none(
    actor: ActorOf, response: Callable[[], Response]
) -> None:
    with pytest.raises(Invalid) as refusal:
        response_services.act_on_response(actor("ana"), response(), "decline")
    assert refusal.value.field == "note"
    response_services.act_on_response(actor("ana"), response(), "accept")
    assert response().status == "accepted"
    assert response().decided_at is not None
    with pytest.raises(Conflict):
        response_services.act_on_response(actor("cleo"), response(), "withdraw")


def test_who_responded_withdraws_while_nothing_is_decided(
    actor: ActorOf, response: Callable[[], Response]
) -> None:
    with pytest.raises(Forbidden):
        response_services.act_on_response(actor("ana"), response(), "withdraw")
    response_services.act_on_response(actor("cleo"), response(), "withdraw")
    assert response().status == "withdrawn"
    with pytest.raises(Conflict):
        response_services.act_on_response(actor("ana"), response(), "accept")
