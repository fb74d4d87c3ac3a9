"""Commands of cases: opening, moving on, notes, tasks, handing over, and kept filters.

Work of one kind that follows from others' steps (an introduction, an agreement) comes here by
`advance_cases`, which never takes a case back.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from portal.brokerage.events import CaseHandedOver, CaseTaskGiven
from portal.brokerage.models.cases import Case, CaseFilter, CaseNote, CaseTask
from portal.brokerage.policies import Permission
from portal.brokerage.queries import cases as queries
from portal.brokerage.rules.stages import CASES, STEP_TO, is_ahead
from portal.kernel.authorization import Actor
from portal.kernel.clock import now
from portal.kernel.commands import command
from portal.kernel.database import session
from portal.kernel.errors import Conflict, Invalid
from portal.kernel.outbox import record
from portal.regions.models import Region

#: So many cases one bulk action takes, and so many filters one person keeps.
MOST_AT_ONCE = 50
MOST_FILTERS = 20
#: So many tasks one case has.
MOST_TASKS = 100


@command(Permission.CASE_OPEN)
def open_case(
    actor: Actor,
    region: Region,
    *,
    title: str = "",
    organization_id: int | None = None,
    request_id: int | None = None,
    keeper_id: int | None = None,
    next_action: str = "",
    next_on: dt.date | None = None,
    note: str = "",
) -> Case:
    """Open a case of a region; its keeper is who opens it, where no other broker is named.

    request_id: the request that it follows, which gives its title and organization where none is
    given. Raises Conflict where the region follows that request already.
    """
    request = queries.find_request(actor, request_id)
    if request_id is not None and request is None:
        raise Invalid("request_id", _("This request is no longer here."))
    if request is not None and queries.find_case_of_request(region.id, request.id) is not None:
        raise Conflict(_("This region has a case of “%(title)s” already.", title=request.title))
    if request is not None and not title:
        title = request.title
    if request is not None and organization_id is None:
        organization_id = queries.known_organization_id(request)
    if not title:
        raise Invalid("title", _("Please say in a few words what this case is about."))
    _check_organization(actor, organization_id)
    _check_next(next_action, next_on)
    case = Case(
        region_id=region.id,
        title=title,
        organization_id=organization_id,
        request_id=request_id,
        status="new",
        keeper_id=_keeper(region.id, actor.user_id if keeper_id is None else keeper_id),
        next_action=next_action,
        next_on=next_on,
        created_by_id=actor.user_id,
    )
    session.add(case)
    session.flush()
    if note:
        _note(actor, case, note)
    if case.keeper_id != actor.user_id:
        record(CaseHandedOver(case.id, actor.user_id))
    return case


@command(Permission.CASE_OPEN)
def open_cases_of_requests(actor: Actor, region: Region, *, request_ids: list[int]) -> list[Case]:
    """Open a case for each of some requests, but for those that the region follows already."""
    _check_number(request_ids)
    return [
        open_case(actor, region, request_id=request_id)
        for request_id in dict.fromkeys(request_ids)
        if queries.find_case_of_request(region.id, request_id) is None
        and queries.find_request(actor, request_id) is not None
    ]


@command(Permission.CASE_EDIT)
def change_case(
    actor: Actor,
    case: Case,
    *,
    title: str,
    organization_id: int | None,
    next_action: str,
    next_on: dt.date | None,
) -> Case:
    """Change what a case is about, and what is to be done next."""
    _check_organization(actor, organization_id, known_id=case.organization_id)
    _check_next(next_action, next_on)
    case.title, case.organization_id = title, organization_id
    case.next_action, case.next_on = next_action, next_on
    return case


@command(CASES.permission)
def act_on_case(actor: Actor, case: Case, action: str, *, note: str = "") -> Case:
    """Bring a case to another stage, close it or open it again."""
    CASES.apply(actor, case, action, note=note)
    case.staged_at = now()
    return case


@command(Permission.CASE_EDIT)
def hand_over_case(actor: Actor, case: Case, *, keeper_id: int | None, note: str = "") -> Case:
    """Give a case to another broker of its region, who is told, or to nobody."""
    keeper_id = _keeper(case.region_id, keeper_id)
    if keeper_id == case.keeper_id:
        return case
    case.keeper_id = keeper_id
    if note:
        _note(actor, case, note)
    if keeper_id is not None and keeper_id != actor.user_id:
        record(CaseHandedOver(case.id, actor.user_id))
    return case


@command(Permission.CASE_EDIT)
def change_cases(
    actor: Actor,
    cases: tuple[Case, ...],
    *,
    action: str = "",
    keeper_id: int | None = None,
    next_action: str = "",
    next_on: dt.date | None = None,
    note: str = "",
) -> tuple[Case, ...]:
    """Do the same to several cases: move them, hand them over, or say what is next; all or none."""
    _check_number(cases)
    if not (action or keeper_id or next_action):
        raise Invalid(None, _("Please choose what is to be done with these cases."))
    _check_next(next_action, next_on)
    for case in cases:
        if action and case.status != CASES.transitions[action].target:
            act_on_case(actor, case, action, note=note)
        if keeper_id is not None:
            hand_over_case(actor, case, keeper_id=keeper_id)
        if next_action:
            case.next_action, case.next_on = next_action, next_on
    return cases


@command(Permission.CASE_EDIT)
def add_note(actor: Actor, case: Case, *, text: str) -> CaseNote:
    """Write something down about a case."""
    return _note(actor, case, text)


@command(Permission.CASE_EDIT)
def add_task(
    actor: Actor,
    case: Case,
    *,
    title: str,
    due_on: dt.date | None = None,
    keeper_id: int | None = None,
) -> CaseTask:
    """Add something to do, for the actor where nobody else is named."""
    number = session.scalar(
        select(func.count()).select_from(CaseTask).where(CaseTask.case_id == case.id)
    )
    if (number or 0) >= MOST_TASKS:
        raise Conflict(_("A case has %(most)d tasks at most.", most=MOST_TASKS))
    task = CaseTask(
        case_id=case.id,
        title=title,
        due_on=due_on,
        keeper_id=_keeper(case.region_id, actor.user_id if keeper_id is None else keeper_id),
        created_by_id=actor.user_id,
    )
    session.add(task)
    session.flush()
    if task.keeper_id is not None and task.keeper_id != actor.user_id:
        record(CaseTaskGiven(task.id, actor.user_id))
    return task


@command(Permission.CASE_EDIT)
def mark_task(actor: Actor, case: Case, *, task_id: int, is_done: bool = True) -> CaseTask:
    """Mark a task of the case as done, or as open again."""
    task = queries.get_task(case, task_id)
    if is_done != (task.done_at is not None):
        task.done_at = now() if is_done else None
    return task


@command(Permission.CASE_ADVANCE)
def advance_cases(actor: Actor, *, request_id: int | None, stage: str) -> int:
    """Bring the open cases of a request on to a stage, where they are not as far; say how many.

    Why is not written down with them: the request may have cases in several regions, and what
    brought them on is shown beside each to those who may read it.
    """
    found = queries.list_open_of_request(request_id) if request_id is not None else []
    behind = [case for case in found if is_ahead(stage, case.status)]
    for case in behind:
        CASES.apply(actor, case, STEP_TO[stage])
        case.staged_at = now()
    return len(behind)


@command(Permission.CASE_FILTER_KEEP)
def keep_filter(actor: Actor, *, name: str, values: Mapping[str, Any]) -> CaseFilter:
    """Keep a choice among the cases under a name; the same name is written over."""
    kept = session.scalar(
        select(CaseFilter).where(CaseFilter.user_id == actor.user_id, CaseFilter.name == name)
    )
    if kept is None:
        if len(queries.list_filters(actor)) >= MOST_FILTERS:
            raise Conflict(_("You keep %(most)d filters already.", most=MOST_FILTERS))
        kept = CaseFilter(user_id=actor.user_id, name=name)
        session.add(kept)
    kept.values = dict(values)
    return kept


@command(Permission.CASE_FILTER_DROP)
def drop_filter(actor: Actor, kept: CaseFilter) -> None:
    """Forget a filter."""
    session.delete(kept)


def _note(actor: Actor, case: Case, text: str) -> CaseNote:
    note = CaseNote(case_id=case.id, text=text, author_id=actor.user_id)
    session.add(note)
    case.updated_at = now()
    return note


def _keeper(region_id: int, user_id: int | None) -> int | None:
    """Return the user who keeps a case or task. Raises Invalid for who is no broker there."""
    if user_id is None or user_id in queries.broker_ids(region_id):
        return user_id
    raise Invalid("keeper_id", _("Please choose a broker of this region."))


def _check_organization(
    actor: Actor, organization_id: int | None, *, known_id: int | None = None
) -> None:
    if organization_id is None:
        return
    if queries.find_organization(actor, organization_id, known_id=known_id) is None:
        raise Invalid("organization_id", _("There is no such organization."))


def _check_next(next_action: str, next_on: dt.date | None) -> None:
    if next_on is not None and not next_action:
        raise Invalid("next_action", _("Please say what is to be done by that day."))


def _check_number(chosen: Any) -> None:
    if not chosen:
        raise Invalid(None, _("Please choose at least one."))
    if len(chosen) > MOST_AT_ONCE:
        raise Invalid(None, _("Please choose %(most)d at most.", most=MOST_AT_ONCE))
