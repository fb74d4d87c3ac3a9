"""What a domain plugs into the app: one frozen value per domain, read by the composition root."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import click
from flask import Blueprint, Flask, current_app

from portal.kernel.authorization import Actor, Policy, Viewing, can
from portal.kernel.fulltext.port import Document, Key
from portal.kernel.fulltext.vocabulary import Concept
from portal.kernel.outbox import Event, Reaction

Text = Any  # a str or a lazy translation of one


@dataclass(frozen=True)
class Searchable:
    """A kind of record that the directory finds.

    documents(ids): the documents of those that exist and may be found at all, with audiences.
    list_ids(after, limit): ids in ascending order, for a rebuild.
    changed_by: for each event, the ids of this kind whose documents it changes.
    viewing: how one knows which of them somebody may see right now.
    """

    kind: str
    label: Text
    documents: Callable[[Sequence[int]], list[Document]]
    list_ids: Callable[[int, int], list[int]]
    changed_by: Mapping[type[Event], Callable[[Any], list[int]]]
    viewing: Viewing


@dataclass(frozen=True)
class Facet:
    """A facet of the directory: its name in documents and queries, and its values' labels."""

    name: str
    label: Text
    labels: Callable[[Sequence[str]], Mapping[str, Text]]


@dataclass(frozen=True)
class FilterField:
    """A value that a filter of the directory asks for; `type` is that of an HTML input.

    `name` is an argument of the search's address, and no other field's.
    """

    name: str
    label: Text
    type: str = "text"


@dataclass(frozen=True)
class SearchFilter:
    """A filter of the directory that a domain works out from its own tables ("free in May").

    read(values): the values of its fields as addresses keep them, or nothing where they do not
    say enough to filter by. keys(values): the (kind, id) of every record it lets through, of
    whatever audience; the search finds those among them that its reader may see.
    """

    name: str
    label: Text
    fields: tuple[FilterField, ...]
    read: Callable[[Mapping[str, str]], Mapping[str, str]]
    keys: Callable[[Mapping[str, str]], frozenset[Key]]


@dataclass(frozen=True)
class NavigationItem:
    """An entry of a menu.

    section: "main" or "help"; in the menu of one's account "account" (what is on top), "sharing",
    "partners", "self" or "administration".
    """

    label: Text
    endpoint: str
    permission: str | None = None
    section: str = "main"
    order: int = 50


@dataclass(frozen=True)
class DeskItem:
    """Something that waits for the actor: what it is, where it is read, since when.

    action: a button to where it is read; with `action_url`, it is done at once by a POST there.
    number: by which it is chosen for what its section does with several at once.
    """

    title: Text
    url: str
    since: datetime
    detail: Text = ""
    action: Text = ""
    action_url: str = ""
    number: int | None = None


@dataclass(frozen=True)
class Together:
    """What is done with several items of a desk at once: a POST of their numbers as `name`."""

    label: Text
    url: str
    name: str


@dataclass(frozen=True)
class DeskSection:
    """A part of a desk: `items(actor, limit)` returns the oldest first.

    permission: whose desk has it; everybody's, without one.
    places: "desk" is everybody's own, "broker" the one where brokers look after their regions.
    together: what the broker's place offers to do with several of its items.
    """

    title: Text
    empty: Text
    items: Callable[[Actor, int], list[DeskItem]]
    order: int = 50
    permission: str | None = None
    places: tuple[str, ...] = ("desk",)
    together: tuple[Together, ...] = ()


@dataclass(frozen=True)
class Waiting:
    """A part of a desk with what is in it, the oldest first."""

    title: Text
    empty: Text
    items: list[DeskItem]
    together: tuple[Together, ...] = ()


@dataclass(frozen=True)
class Happening:
    """Something that happened in the course of a record, for its timeline."""

    at: datetime
    what: Text
    text: Text = ""
    who: str = ""
    url: str = ""


@dataclass(frozen=True)
class Timeline:
    """What a domain adds to the timeline of a kind of record of a lower domain.

    load(actor, record): what happened, as far as the actor may see it elsewhere.
    """

    kind: str
    load: Callable[[Actor, Any], list[Happening]]


@dataclass(frozen=True)
class RecordSection:
    """A part that a domain adds to the record page of a kind of a lower domain.

    load(actor, record) returns the template's `section.content`, or None to leave the part out.
    """

    kind: str
    title: Text
    template: str
    load: Callable[[Actor, Any], Any]
    order: int = 50


@dataclass(frozen=True)
class Party:
    """One side of a conversation: an organization, by the name that the other sides may read now.

    is_named: whether they may know who it is, and so read the names of its people as well.
    """

    organization_id: int
    name: Text
    is_named: bool = True


@dataclass(frozen=True)
class ThreadSubject:
    """A kind of record that a conversation hangs on ("response", "booking").

    load(ids): the rows that exist, by id, with what the functions below need of them.
    view: the permission on the row that one needs, besides belonging to a party, to read along.
    parties(row), title(row), url(row): who talks, about what, and the page that shows it.
    parties_for_others(row): who talks as those may know it who take no part and decide a report of
    a message; where none is given, as the parties know it of each other.
    """

    kind: str
    load: Callable[[Sequence[int]], Mapping[int, Any]]
    view: str
    parties: Callable[[Any], tuple[Party, ...]]
    title: Callable[[Any], Text]
    url: Callable[[Any], str]
    parties_for_others: Callable[[Any], tuple[Party, ...]] | None = None


@dataclass(frozen=True)
class WayToQualify:
    """Where somebody gets what opens a gate: something to take part in, and when it begins next."""

    title: str
    provider: str
    url: str
    starts_on: date


class Hindrance(NamedTuple):
    """What somebody has to settle before the account can be closed, and where."""

    text: str
    url: str


@dataclass(frozen=True)
class Leaving:
    """What of a domain somebody leaves behind who closes the account.

    hindrances(actor): what others count on, and the person hands over or calls off first.
    losses(actor): what ends along with it, each in a sentence.
    leave(actor): ends that, in the transaction that closes the account.
    """

    hindrances: Callable[[Actor], list[Hindrance]] | None = None
    losses: Callable[[Actor], list[str]] | None = None
    leave: Callable[[Actor], None] | None = None


@dataclass(frozen=True)
class CalendarEntry:
    """Something that a person goes to; kind and number make its identity in calendar programs."""

    kind: str
    number: int
    sequence: int
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    summary: str
    location: str
    url: str


@dataclass(frozen=True)
class Job:
    """What only the clock does: `run()` about every `every_seconds`, in one worker at a time.

    is_due: asked first, as often; a job that has nothing to do leaves the database unwritten, and
    with it whatever is kept while nothing is written.
    """

    name: str
    every_seconds: int
    run: Callable[[], object]
    is_due: Callable[[], bool] | None = None


@dataclass(frozen=True)
class Manifest:
    """Everything that the composition root needs to know of a domain.

    calendar: what of the domain a person (by id) goes to between two instants, for the feed of
    everything that the person has booked.
    concepts: reads those whose other names, and narrower concepts, a search finds as well.
    first_data: fills an empty database, and leaves alone what people wrote; for `flask setup`.
    warm_up: makes what a web process keeps, before anybody waits for it.
    ways_to_qualify(actor, credentials, host_id, limit): where one of these credentials is to be
    had so that it counts at a host, the soonest first, as far as the actor may see it; for each the
    providers that the host names, or None.
    """

    name: str
    blueprints: tuple[Blueprint, ...] = ()
    policy: Policy | None = None
    reactions: tuple[Reaction, ...] = ()
    searchables: tuple[Searchable, ...] = ()
    facets: tuple[Facet, ...] = ()
    filters: tuple[SearchFilter, ...] = ()
    concepts: Callable[[], Sequence[Concept]] | None = None
    navigation: tuple[NavigationItem, ...] = ()
    desk: tuple[DeskSection, ...] = ()
    sections: tuple[RecordSection, ...] = ()
    timelines: tuple[Timeline, ...] = ()
    thread_subjects: tuple[ThreadSubject, ...] = ()
    calendar: Callable[[int, datetime, datetime], list[CalendarEntry]] | None = None
    leaving: Leaving | None = None
    jobs: tuple[Job, ...] = ()
    cli: tuple[click.Command, ...] = ()
    actor_facts: Callable[[int], Mapping[str, Any]] | None = None
    set_up: Callable[[Flask], None] | None = None
    first_data: Callable[[], None] | None = None
    warm_up: Callable[[], object] | None = None
    ways_to_qualify: (
        Callable[[Actor, Mapping[int, Sequence[int] | None], int, int], list[WayToQualify]] | None
    ) = None


def installed_manifests() -> list[Manifest]:
    """Return the manifests of the present app, bottom to top."""
    found: list[Manifest] = current_app.extensions["portal-manifests"]
    return found


def ways_to_qualify(
    actor: Actor, credentials: Mapping[int, Sequence[int] | None], host_id: int, limit: int = 2
) -> list[WayToQualify]:
    """Return where a credential that a host recognizes is to be had, the soonest first."""
    found = [
        way
        for manifest in installed_manifests()
        if manifest.ways_to_qualify is not None and credentials
        for way in manifest.ways_to_qualify(actor, credentials, host_id, limit)
    ]
    return sorted(found, key=lambda way: way.starts_on)[:limit]


def calendar_of(user_id: int, after: datetime, until: datetime) -> list[CalendarEntry]:
    """Return what a person goes to by what the domains say, besides what was booked."""
    return [
        entry
        for manifest in installed_manifests()
        if manifest.calendar is not None
        for entry in manifest.calendar(user_id, after, until)
    ]


def leavings() -> list[Leaving]:
    """Return what the domains say of leaving, top to bottom: each stands on those below."""
    return [one.leaving for one in reversed(installed_manifests()) if one.leaving is not None]


def hindrances_of_leaving(actor: Actor) -> list[Hindrance]:
    """Return what the actor has to settle before closing the account."""
    return [item for one in leavings() if one.hindrances for item in one.hindrances(actor)]


def waiting_on_desk(actor: Actor, place: str = "desk", limit: int = 20) -> list[Waiting]:
    """Return what waits for the actor in a place, section by section as the domains declare them.

    limit: how many each section shows at most.
    """
    sections = sorted(
        (
            section
            for manifest in installed_manifests()
            for section in manifest.desk
            if place in section.places
            and (section.permission is None or can(actor, section.permission))
        ),
        key=lambda section: section.order,
    )
    return [
        Waiting(section.title, section.empty, section.items(actor, limit), section.together)
        for section in sections
    ]


def happenings_of(actor: Actor, kind: str, record: Any) -> list[Happening]:
    """Return what domains add to the timeline of a record, in no order."""
    return [
        happening
        for manifest in installed_manifests()
        for timeline in manifest.timelines
        if timeline.kind == kind
        for happening in timeline.load(actor, record)
    ]
