"""Who reaches the pages and the API of training."""

import io
from collections.abc import Callable, Mapping
from typing import Any

from tests.architecture.matrix import EVERYBODY, SIGNED_IN, Row
from tests.cast import World
from tests.training.enrollments_matrix import ROUTES as ENROLLMENTS

Values = Callable[[World], Mapping[str, Any]]

MEMBERS = "ana ben cleo eve root"
EDITORS = "ana root"
PEOPLE = "ana ben root"
TEACHERS = "cleo root"


def program(world: World) -> Mapping[str, Any]:
    return {"program_id": world.programs["shop_members"]}


def draft(world: World) -> Mapping[str, Any]:
    return {"program_id": world.programs["college_draft"]}


def in_shop(world: World) -> Mapping[str, Any]:
    return {"organization_id": world.organizations["shop"]}


def new_program(world: World) -> Mapping[str, Any]:
    return {
        **in_shop(world),
        "title": "Something new",
        "kind": "course",
        "delivery": "online",
        "language": "en",
        "visibility": "public",
    }


def changed(_world: World) -> Mapping[str, Any]:
    return {
        "title": "Something else",
        "kind": "course",
        "delivery": "online",
        "language": "en",
        "visibility": "public",
    }


def to_public(_world: World) -> Mapping[str, Any]:
    return {"visibility": "public"}


def yes(_world: World) -> Mapping[str, Any]:
    return {"confirmed": "yes"}


def section(status: str, **more: Any) -> Values:
    return lambda world: {"section_id": world.sections[status], **more}


def meeting(world: World) -> Mapping[str, Any]:
    return {"section_id": world.sections["open"], "meeting_id": world.meetings["open"]}


def facts(_world: World) -> Mapping[str, Any]:
    return {"seats": 9}


def dates(_world: World) -> Mapping[str, Any]:
    return {"date": "2027-09-01", "last_day": "2027-10-01"}


def new_section(_world: World) -> Mapping[str, Any]:
    return {**facts(_world), **dates(_world)}


def span(_world: World) -> Mapping[str, Any]:
    return {"date": "2027-09-01", "starts": "09:00", "ends": "12:00"}


def instants(_world: World) -> Mapping[str, Any]:
    return {"starts_at": "2027-09-14T22:00:00Z", "ends_at": "2027-09-15T01:00:00Z"}


def reason(_world: World) -> Mapping[str, Any]:
    return {"note": "The mill broke down."}


PROGRAMS = [
    Row("training.list_programs", "GET", EVERYBODY),
    Row("training.list_own", "GET", SIGNED_IN),
    Row("training.confirm_own", "POST", PEOPLE, data=in_shop),
    Row("training.show_program", "GET", MEMBERS, program),
    Row("training.show_program_data", "GET", MEMBERS, program),
    Row("training.show_program_calendar", "GET", MEMBERS, program),
    Row("training.new_program", "GET", SIGNED_IN),
    Row("training.new_program", "POST", PEOPLE, data=new_program),
    Row("training.edit_program", "GET", EDITORS, program),
    Row("training.edit_program", "POST", EDITORS, program, changed),
    Row("training.copy_program", "POST", EDITORS, program),
    Row("training.confirm_program", "POST", PEOPLE, program),
    Row("training.change_program_visibility", "POST", EDITORS, program, to_public),
    Row("training.archive_program", "POST", EDITORS, program),
    Row("training.restore_program", "POST", EDITORS, program),
    Row("training.delete_program", "POST", TEACHERS, draft, yes),
]
SECTIONS = [
    Row("training.show_section", "GET", EVERYBODY, section("open")),
    Row("training.show_section_data", "GET", EVERYBODY, section("open")),
    Row("training.new_section", "GET", EDITORS, program),
    Row("training.new_section", "POST", EDITORS, program, new_section),
    Row("training.edit_section", "GET", TEACHERS, section("open")),
    Row("training.edit_section", "POST", TEACHERS, section("open"), facts),
    Row("training.move_section", "GET", TEACHERS, section("open")),
    Row("training.move_section", "POST", TEACHERS, section("open"), dates),
    Row("training.new_meeting", "GET", TEACHERS, section("open")),
    Row("training.new_meeting", "POST", TEACHERS, section("open"), span),
    Row("training.move_meeting", "GET", TEACHERS, meeting),
    Row("training.move_meeting", "POST", TEACHERS, meeting, span),
    Row("training.drop_meeting", "POST", TEACHERS, meeting),
    Row("training.act_on_section", "POST", TEACHERS, section("open", action="cancel"), reason),
    Row("training.delete_section", "POST", TEACHERS, section("planned"), yes),
]
API = [
    Row("training_api.list_programs", "GET", EVERYBODY),
    Row("training_api.create_program", "POST", PEOPLE, data=new_program, is_json=True),
    Row("training_api.show_program", "GET", MEMBERS, program),
    Row("training_api.update_program", "PATCH", EDITORS, program, changed, is_json=True),
    Row("training_api.delete_program", "DELETE", TEACHERS, draft),
    Row("training_api.list_sections", "GET", EVERYBODY),
    Row(
        "training_api.create_section",
        "POST",
        EDITORS,
        data=lambda world: {**program(world), **new_section(world)},
        is_json=True,
    ),
    Row("training_api.show_section", "GET", EVERYBODY, section("open")),
    Row("training_api.update_section", "PATCH", TEACHERS, section("open"), facts, is_json=True),
    Row(
        "training_api.act_on_section",
        "POST",
        TEACHERS,
        section("open", action="cancel"),
        reason,
        is_json=True,
    ),
    Row("training_api.move_meeting", "PATCH", TEACHERS, meeting, instants, is_json=True),
    Row("training_api.delete_section", "DELETE", TEACHERS, section("planned")),
]


def demand(world: World) -> Mapping[str, Any]:
    return {"demand_id": world.demands["shop"]}


def new_demand(world: World) -> Mapping[str, Any]:
    return {**in_shop(world), **changed_demand(world)}


def changed_demand(_world: World) -> Mapping[str, Any]:
    return {"skill": "mig-welding", "people": 3, "needed_by": "2031-05-31", "county": "21111"}


def withdrawn(world: World) -> Mapping[str, Any]:
    return {**demand(world), "action": "withdraw"}


def invitation(world: World) -> Mapping[str, Any]:
    return {"invitation_id": world.cohort_invitations["shop"]}


def declined(world: World) -> Mapping[str, Any]:
    return {**invitation(world), "action": "decline"}


def sheet(world: World) -> Mapping[str, Any]:
    rows = b"skill,people,needed_by\nmig-welding,3,2031-05-31\n"
    return {**in_shop(world), "file": (io.BytesIO(rows), "needs.csv")}


# Nobody has verified the college of the cast; test_gaps.py has it verified.
GAP_READERS = "dov root"

DEMANDS = [
    Row("training.list_demands", "GET", SIGNED_IN),
    Row("training.new_demand", "GET", SIGNED_IN),
    Row("training.new_demand", "POST", "ana ben", data=new_demand),
    Row("training.show_demand", "GET", "ana ben dov root", demand),
    Row("training.edit_demand", "GET", "ana", demand),
    Row("training.edit_demand", "POST", "ana", demand, changed_demand),
    Row("training.confirm_demand", "POST", "ana", demand),
    Row("training.act_on_demand", "POST", "ana", withdrawn, lambda world: {"confirmed": "yes"}),
    Row("training.export_demands", "GET", SIGNED_IN),
    Row("training.import_demands", "GET", SIGNED_IN),
    Row("training.import_demands", "POST", "ana ben", data=sheet),
    Row("training.show_invitation", "GET", "ana ben", invitation),
    Row("training.show_invitation", "POST", "ana", invitation, lambda world: {"people": "2"}),
    Row("training.act_on_invitation", "POST", "ana", declined),
    Row("training.show_gaps", "GET", GAP_READERS),
    Row("training.export_gaps", "GET", GAP_READERS),
    # Too few firms ask for anything in the cast's world; test_cohorts.py has more of them.
    Row("training.offer_cohort", "GET", ""),
    Row("training.offer_cohort", "POST", ""),
    Row("training.list_offers", "GET", GAP_READERS),
    Row(
        "training.show_offer",
        "GET",
        "cleo root",
        lambda world: {"offer_id": world.cohort_offers["college"]},
    ),
    Row("training_api.list_demands", "GET", EVERYBODY),
    Row("training_api.state_demand", "POST", "ana ben", data=new_demand, is_json=True),
    Row("training_api.show_demand", "GET", "ana ben dov root", demand),
    Row("training_api.change_demand", "PATCH", "ana", demand, changed_demand, is_json=True),
    Row("training_api.act_on_demand", "POST", "ana", withdrawn, is_json=True),
    Row("training_api.list_gaps", "GET", GAP_READERS),
]

ROUTES: list[Row] = [*PROGRAMS, *SECTIONS, *ENROLLMENTS, *API, *DEMANDS]
