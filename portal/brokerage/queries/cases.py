"""Reads of cases: the board by stages, one case with all that happened, what is due."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import format_date, ngettext
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from portal.accounts.models import User
from portal.brokerage.models.cases import Case, CaseFilter, CaseNote, CaseTask
from portal.brokerage.models.introductions import Introduction
from portal.brokerage.policies import Permission
from portal.brokerage.queries.disclosure import history_of
from portal.brokerage.rules.introductions import INTRODUCTIONS
from portal.brokerage.rules.stages import CASES, CLOSED_STAGES, OPEN_STAGES, STAGES
from portal.conversations.queries.messages import exchanges
from portal.kernel.authorization import Actor, authorize, can, visible
from portal.kernel.clock import now, today_here
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.kernel.manifest import DeskItem, Happening, happenings_of
from portal.kernel.paging import Page, keyset_page
from portal.organizations.models import Organization
from portal.organizations.policies import Permission as OrganizationPermission
from portal.partnerships.models import Request
from portal.partnerships.policies import Permission as RequestPermission
from portal.partnerships.queries.requests import CARD_OPTIONS
from portal.partnerships.rules.workflows import REQUESTS
from portal.regions.models import BrokerAppointment, Region
from portal.regions.queries.regions import regions_by_id

#: So many cases of one stage the board shows; the rest is a link away.
MOST_OF_A_STAGE = 25
DUES: Mapping[str, Any] = {"overdue": 0, "week": 7}

_OPTIONS = (
    joinedload(Case.region),
    joinedload(Case.organization),
    joinedload(Case.keeper),
    joinedload(Case.request).options(*CARD_OPTIONS, joinedload(Request.asked_organization)),
)


@dataclass(frozen=True)
class CaseCard:
    """A case as lists show it."""

    id: int
    title: str
    status: str
    organization: str | None
    region: str
    keeper: str | None
    next_action: str
    next_on: dt.date | None
    is_late: bool

    @property
    def url(self) -> str:
        """Where it is read."""
        return f"/broker/cases/{self.id}"


@dataclass(frozen=True)
class Stage:
    """A column of the board: how many cases it has, and the first of them."""

    name: str
    label: Any
    number: int
    cards: list[CaseCard]


@dataclass(frozen=True)
class Choice:
    """Which cases one looks at.

    keeper: "me", "nobody", a user's number as text, or "" for all; stage: one of the stages,
    "closed", or "" for those that are open; due: "overdue", "week" or "".
    """

    region_id: int | None = None
    keeper: str = ""
    stage: str = ""
    due: str = ""
    words: str = ""

    def values(self) -> dict[str, Any]:
        """What of it is chosen, as the arguments of an address."""
        named = {
            "region": self.region_id,
            "keeper": self.keeper,
            "stage": self.stage,
            "due": self.due,
            "q": self.words,
        }
        return {name: value for name, value in named.items() if value}


# Lists


def list_board(actor: Actor, choice: Choice) -> list[Stage]:
    """Return the stages with the cases that the actor looks at, the most pressing first."""
    condition = and_(*_conditions(actor, choice))
    numbers = dict(
        session.execute(
            select(Case.status, func.count()).where(condition).group_by(Case.status)
        ).all()
    )
    ranked = _cards(condition).add_columns(
        func.row_number()
        .over(partition_by=Case.status, order_by=(_soonest(), Case.id))
        .label("place")
    )
    rows = ranked.subquery()
    found = session.execute(
        select(rows).where(rows.c.place <= MOST_OF_A_STAGE).order_by(rows.c.place)
    ).all()
    return [
        Stage(
            name,
            STAGES[name],
            numbers.get(name, 0),
            [_card(row) for row in found if row.status == name],
        )
        for name in _stages(choice)
    ]


def list_cases(
    actor: Actor, choice: Choice, *, cursor: str | None = None, limit: int = 20
) -> Page[Case]:
    """Return the cases that the actor looks at, the newest first."""
    statement = select(Case).options(*_OPTIONS).where(*_conditions(actor, choice))
    return keyset_page(statement, [Case.id], cursor=cursor, limit=limit, descending=True)


def _stages(choice: Choice) -> tuple[str, ...]:
    if choice.stage == "closed":
        return CLOSED_STAGES
    return (choice.stage,) if choice.stage else OPEN_STAGES


def _conditions(actor: Actor, choice: Choice) -> list[ColumnElement[bool]]:
    found = [visible(actor, Permission.CASE_VIEW), Case.status.in_(_stages(choice))]
    if choice.region_id:
        found.append(Case.region_id == choice.region_id)
    if choice.keeper == "nobody":
        found.append(Case.keeper_id.is_(None))
    elif choice.keeper:
        chosen = actor.user_id if choice.keeper == "me" else int(choice.keeper)
        found.append(Case.keeper_id == chosen)
    if choice.due:
        last = today_here() + dt.timedelta(days=DUES[choice.due])
        found.append(Case.next_on < last)
    for word in choice.words.split()[:8]:
        is_named = Organization.name.icontains(word, autoescape=True)
        named = select(Organization.id).where(is_named)
        is_titled = Case.title.icontains(word, autoescape=True)
        found.append(or_(is_titled, Case.organization_id.in_(named)))
    return found


def _soonest() -> ColumnElement[dt.date]:
    # What has no date comes last, in either database.
    return func.coalesce(Case.next_on, dt.date(9999, 1, 1))


def _cards(condition: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    keeper = aliased(User)
    return (
        select(
            Case.id,
            Case.title,
            Case.status,
            Organization.name.label("organization"),
            Region.name.label("region"),
            keeper.name.label("keeper"),
            Case.next_action,
            Case.next_on,
        )
        .join(Region, Region.id == Case.region_id)
        .outerjoin(Organization, Organization.id == Case.organization_id)
        .outerjoin(keeper, keeper.id == Case.keeper_id)
        .where(condition)
    )


def _card(row: Any) -> CaseCard:
    return CaseCard(
        row.id,
        row.title,
        row.status,
        row.organization,
        row.region,
        row.keeper,
        row.next_action,
        row.next_on,
        is_late=row.next_on is not None and row.next_on < today_here(),
    )


# One case


def get_visible_case(actor: Actor, case_id: int) -> Case:
    """Return a case to the brokers of its region. Raises NotFound."""
    case = session.scalar(
        select(Case)
        .options(*_OPTIONS)
        .where(Case.id == case_id)
        .execution_options(populate_existing=True)
    )
    if case is None:
        raise NotFound()
    authorize(actor, Permission.CASE_VIEW, case)
    return case


def list_visible_cases(actor: Actor, case_ids: list[int]) -> tuple[Case, ...]:
    """Return those of some cases that the actor sees, by their ids."""
    return tuple(
        session.scalars(
            select(Case)
            .options(*_OPTIONS)
            .where(Case.id.in_(case_ids), visible(actor, Permission.CASE_VIEW))
            .order_by(Case.id)
        )
    )


def list_tasks(case: Case, limit: int = 100) -> list[CaseTask]:
    """Return the tasks of a case: the open ones first, by their days."""
    return list(
        session.scalars(
            select(CaseTask)
            .options(joinedload(CaseTask.keeper))
            .where(CaseTask.case_id == case.id)
            .order_by(
                CaseTask.done_at.is_not(None),
                func.coalesce(CaseTask.due_on, dt.date(9999, 1, 1)),
                CaseTask.id,
            )
            .limit(limit)
        )
    )


def get_task(case: Case, task_id: int) -> CaseTask:
    """Return a task of the case. Raises NotFound."""
    task = session.get(CaseTask, task_id)
    if task is None or task.case_id != case.id:
        raise NotFound(_("This task is no longer here."))
    return task


def timeline(actor: Actor, case: Case, tasks: list[CaseTask], limit: int = 200) -> list[Happening]:
    """Return all that happened in a case, the newest first: its steps, notes, tasks, its request.

    tasks: those of `list_tasks`. What the actor may not see elsewhere is not told here. Of the
    conversations of its introductions, how many messages there are and since when, and no word.
    """
    found = [Happening(case.created_at, _("The case was opened"))]
    found += [
        Happening(
            step.taken_at,
            _("Stage: %(stage)s", stage=STAGES[step.target]),
            step.note,
            step.who,
        )
        for step in CASES.history(case)
    ]
    found += [
        Happening(note.created_at, _("Note"), note.text, note.author.name if note.author else "")
        for note in list_notes(case, limit=100).items
    ]
    found += [
        Happening(
            task.done_at,
            _("Done: %(task)s", task=task.title),
            who=task.keeper.name if task.keeper else "",
        )
        for task in tasks
        if task.done_at
    ]
    request = case.request
    if request is not None and can(actor, RequestPermission.REQUEST_VIEW, request):
        found += [
            Happening(
                step.taken_at,
                str(REQUESTS.transitions[step.action].done),
                url=f"/requests/{request.id}",
            )
            for step in REQUESTS.history(request)
        ]
    introductions = {row.id: row for row in _introductions(actor, case)}
    found += [
        Happening(
            talk.last_at,
            ngettext(
                "%(num)s message was exchanged", "%(num)s messages were exchanged", talk.messages
            ),
            _("Since %(day)s", day=format_date(talk.first_at)) if talk.messages > 1 else "",
            url=f"/introductions/{talk.subject_id}",
        )
        for talk in exchanges("introduction", sorted(introductions))
    ]
    found += happenings_of(actor, "case", case)
    for introduction in introductions.values():
        found += [
            Happening(
                step.taken_at,
                str(INTRODUCTIONS.transitions[step.action].done),
                introduction.title,
                who,
                f"/introductions/{introduction.id}",
            )
            for step, who in history_of(introduction)
        ]
    # Each of them came in its own order, so what one moment did stays in that order, too.
    found.sort(key=lambda entry: entry.at)
    return found[: -limit - 1 : -1]


def _introductions(actor: Actor, case: Case) -> list[Introduction]:
    """Return the introductions for the request of a case that the actor reads as its broker."""
    if case.request_id is None:
        return []
    return list(
        session.scalars(
            select(Introduction)
            .options(selectinload(Introduction.parties), selectinload(Introduction.reveals))
            .where(
                Introduction.request_id == case.request_id,
                visible(actor, Permission.INTRODUCTION_VIEW_WHOLE),
            )
            .order_by(Introduction.id.desc())
            .limit(20)
        )
    )


def list_notes(case: Case, *, cursor: str | None = None, limit: int = 20) -> Page[CaseNote]:
    """Return the notes of a case, the newest first."""
    statement = (
        select(CaseNote).options(joinedload(CaseNote.author)).where(CaseNote.case_id == case.id)
    )
    return keyset_page(statement, [CaseNote.id], cursor=cursor, limit=limit, descending=True)


# What commands and forms need to know


def find_organization(
    actor: Actor, organization_id: int | None, *, known_id: int | None = None
) -> Organization | None:
    """Return an organization that the actor may see, or that they read of anyway; else None."""
    found = session.get(Organization, organization_id) if organization_id is not None else None
    if found is None or found.id == known_id:
        return found
    return found if can(actor, OrganizationPermission.ORGANIZATION_VIEW, found) else None


def find_request(actor: Actor, request_id: int | None) -> Request | None:
    """Return a request that the actor may see, with whose it is, or None."""
    if request_id is None:
        return None
    request = session.scalar(
        select(Request)
        .options(*CARD_OPTIONS, joinedload(Request.asked_organization))
        .where(Request.id == request_id)
    )
    is_shown = request is not None and can(actor, RequestPermission.REQUEST_VIEW, request)
    return request if is_shown else None


def known_organization_id(request: Request) -> int | None:
    """Return whose a request is, unless it is anonymous.

    All brokers of the region read the case, also where the one who opens it knows more.
    """
    return None if request.is_anonymous else request.organization_id


def find_case_of_request(region_id: int, request_id: int) -> Case | None:
    """Return the region's case of a request, if there is one."""
    return session.scalar(
        select(Case).where(Case.region_id == region_id, Case.request_id == request_id)
    )


def list_open_of_request(request_id: int) -> list[Case]:
    """Return the open cases of a request, of whichever region."""
    return list(
        session.scalars(
            select(Case)
            .where(Case.request_id == request_id, Case.status.in_(OPEN_STAGES))
            .order_by(Case.id)
            .limit(50)
        )
    )


def brokers_of(region_id: int) -> list[User]:
    """Return the brokers of a region whose accounts are open."""
    return list(
        session.scalars(
            select(User)
            .join(BrokerAppointment, BrokerAppointment.user_id == User.id)
            .where(BrokerAppointment.region_id == region_id, User.is_active)
            .order_by(User.id)
        )
    )


def count_asked(actor: Actor) -> int:
    """Return how many questions somebody put to brokers of other regions within a day."""
    asked = select(func.count()).where(
        Case.created_by_id == actor.user_id,
        Case.region_id.not_in(sorted(actor.brokered_regions)),
        Case.created_at > now() - dt.timedelta(days=1),
    )
    return session.scalar(asked) or 0


def first_note(case: Case) -> CaseNote | None:
    """Return what was written down first about a case, with who wrote it."""
    return session.scalars(
        select(CaseNote)
        .options(joinedload(CaseNote.author))
        .where(CaseNote.case_id == case.id)
        .order_by(CaseNote.id)
        .limit(1)
    ).first()


def find_asker(case: Case) -> User | None:
    """Return who asked the brokers what a case is about, if they did not open it themselves."""
    if case.created_by_id is None or case.created_by_id in broker_ids(case.region_id):
        return None
    person = session.get(User, case.created_by_id)
    return person if person is not None and person.is_active else None


def list_new(actor: Actor, limit: int) -> list[DeskItem]:
    """Return new cases that nobody looks after, or that others gave the actor, oldest first."""
    rows = session.execute(
        select(Case.id, Case.title, Case.created_at, Region.name)
        .join(Region, Region.id == Case.region_id)
        .where(
            visible(actor, Permission.CASE_VIEW),
            Case.status == "new",
            Case.keeper_id.is_(None)
            | ((Case.keeper_id == actor.user_id) & (Case.created_by_id != actor.user_id)),
        )
        .order_by(Case.created_at, Case.id)
        .limit(limit)
    )
    return [
        DeskItem(
            row.title,
            f"/broker/cases/{row.id}",
            row.created_at,
            detail=row.name,
            action=_("Open the case"),
        )
        for row in rows
    ]


def broker_ids(region_id: int) -> set[int]:
    """Return the users who may keep cases of a region."""
    return set(
        session.scalars(
            select(BrokerAppointment.user_id).where(BrokerAppointment.region_id == region_id)
        )
    )


def keeper_choices(region_ids: Collection[int]) -> list[tuple[int, str]]:
    """Return the brokers of some regions by name, each once."""
    rows = session.execute(
        select(User.id, User.name)
        .join(BrokerAppointment, BrokerAppointment.user_id == User.id)
        .where(BrokerAppointment.region_id.in_(sorted(region_ids)), User.is_active)
        .distinct()
        .order_by(User.name, User.id)
        .limit(200)
    )
    return [(row.id, row.name) for row in rows]


def region_choices(actor: Actor) -> list[tuple[int, str]]:
    """Return the regions that the actor brokers, by name."""
    return [(region.id, region.name) for region in regions_by_id(actor.brokered_regions)]


def record_choices(
    actor: Actor,
    *,
    organization_id: int | None,
    request_id: int | None = None,
    known_id: int | None = None,
) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Return (number, name) of the organization and the request that a form came with.

    known_id: the organization that the actor reads of anyway.
    """
    organization = find_organization(actor, organization_id, known_id=known_id)
    request = find_request(actor, request_id)
    return (
        [(organization.id, organization.name)] if organization else [],
        [(request.id, request.title)] if request else [],
    )


def list_filters(actor: Actor) -> list[CaseFilter]:
    """Return the actor's kept filters by name."""
    return list(
        session.scalars(
            select(CaseFilter)
            .where(CaseFilter.user_id == actor.user_id)
            .order_by(CaseFilter.name)
            .limit(50)
        )
    )


def get_own_filter(actor: Actor, filter_id: int) -> CaseFilter:
    """Return a kept filter to whose it is. Raises NotFound."""
    kept = session.get(CaseFilter, filter_id)
    if kept is None or not can(actor, Permission.CASE_FILTER_DROP, kept):
        raise NotFound()
    return kept


# The desk


def list_due(actor: Actor, limit: int) -> list[DeskItem]:
    """Return the actor's cases and tasks whose day has come, oldest first."""
    cases = session.execute(
        select(Case.id, Case.title, Case.next_action, Case.next_on, Case.staged_at)
        .where(
            visible(actor, Permission.CASE_VIEW),
            Case.keeper_id == actor.user_id,
            Case.status.in_(OPEN_STAGES),
            Case.next_on <= today_here(),
        )
        .order_by(Case.next_on, Case.id)
        .limit(limit)
    )
    tasks = session.execute(
        select(Case.id, Case.title, CaseTask.title.label("next_action"), CaseTask.due_on)
        .join(Case, Case.id == CaseTask.case_id)
        .where(
            visible(actor, Permission.CASE_VIEW),
            CaseTask.keeper_id == actor.user_id,
            CaseTask.done_at.is_(None),
            CaseTask.due_on <= today_here(),
        )
        .order_by(CaseTask.due_on, CaseTask.id)
        .limit(limit)
    )
    due = [(row.next_on, row) for row in cases] + [(row.due_on, row) for row in tasks]
    return [
        DeskItem(
            row.next_action,
            f"/broker/cases/{row.id}",
            dt.datetime.combine(day, dt.time(), dt.UTC),
            detail=_("%(case)s, by %(day)s", case=row.title, day=format_date(day)),
            action=_("Open the case"),
        )
        for day, row in sorted(due, key=lambda item: item[0])[:limit]
    ]
