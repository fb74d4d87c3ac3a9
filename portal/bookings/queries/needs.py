"""What somebody needs to book a record, for its page: which gates there are, which are open."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.bookings.models.calendar import Resource
from portal.bookings.policies import Permission
from portal.bookings.queries.access import load_gates
from portal.bookings.queries.asking import list_asked_of
from portal.bookings.queries.bookings import get_resource, list_bookers
from portal.bookings.queries.calendar import load_rules
from portal.bookings.queries.recognitions import list_credentials_for
from portal.bookings.queries.resources import resource_of
from portal.bookings.rules.attempt import BookingRules, Gates
from portal.bookings.rules.customers import customer_class_of
from portal.facilities.models import Equipment, Facility
from portal.kernel.authorization import Actor, can
from portal.kernel.clock import today_here
from portal.kernel.manifest import WayToQualify, ways_to_qualify
from portal.organizations.models import Organization

#: The gates in the order of a page: what the rules say, what opens it, what it is.
_GATES: tuple[tuple[str, str, Any], ...] = (
    ("qualification", "is_qualified", _l("A qualification of whoever operates it")),
    ("agreement", "has_agreement", _l("A signed agreement of your organization")),
    ("insurance", "has_insurance", _l("An insurance certificate of your organization")),
    ("induction", "has_induction", _l("A safety induction of whoever comes")),
)


@dataclass(frozen=True)
class Need:
    """One gate: its kind (as to ask for it), what it is, and whether it is open for the reader.

    is_open: None for who books for no organization, so that nobody can tell.
    ways: where one learns what opens it, unless it is open.
    asked_id: the reader's request that waits for the host's answer.
    """

    kind: str
    label: Any
    is_open: bool | None
    ways: list[WayToQualify]
    asked_id: int | None = None


@dataclass(frozen=True)
class Needs:
    """The gates of a record for one organization that the reader books for, "" for none.

    host_id: the host, where the reader is one of those who open its gates.
    """

    organization: str
    organization_id: int | None
    needs: list[Need]
    address: Mapping[str, int]
    host_id: int | None = None


def needs_section(actor: Actor, record: Equipment | Facility) -> Needs | None:
    """Return what the reader needs to book it, or None where it needs nothing or is not booked."""
    resource = resource_of(record)
    if not resource.is_open:
        return None
    organization = next(iter(list_bookers(actor, record.organization_id)), None)
    return _find_needs(actor, record, resource, organization)


def find_missing(
    actor: Actor, record: Equipment | Facility, resource: Resource, organization: Organization
) -> Needs | None:
    """Return what the reader needs to book it for an organization, if any of that is missing."""
    found = _find_needs(actor, record, resource, organization)
    is_missing = found is not None and any(need.is_open is False for need in found.needs)
    return found if is_missing else None


def _find_needs(
    actor: Actor,
    record: Equipment | Facility,
    resource: Resource,
    organization: Organization | None,
) -> Needs | None:
    customer_class = (
        customer_class_of(record.organization_id, organization.id, organization.kind)
        if organization
        else "other"
    )
    rules = load_rules(resource, customer_class)
    if not any(getattr(rules, f"needs_{name}") for name, _gate, _label in _GATES):
        return None
    gates = (
        load_gates(
            resource,
            user_id=actor.user_id,
            organization=organization,
            until=today_here(),
            rules=rules,
        )
        if organization
        else None
    )
    host = record.organization
    return Needs(
        organization.name if organization else "",
        organization.id if organization else None,
        _needs(actor, resource, rules, gates, organization),
        {resource.kind: record.id},
        host.id if can(actor, Permission.QUALIFICATION_GRANT, host) else None,
    )


def _needs(
    actor: Actor,
    resource: Resource,
    rules: BookingRules,
    gates: Gates | None,
    organization: Organization | None,
) -> list[Need]:
    found = []
    asked: dict[str, int] | None = None
    for kind, gate, label in _GATES:
        if getattr(rules, f"needs_{kind}"):
            is_open = getattr(gates, gate) if gates else None
            is_learned = kind == "qualification" and not is_open
            ways = find_ways_to_qualify(actor, resource) if is_learned else []
            asked_id = None
            if organization is not None and not is_open:
                if asked is None:
                    asked = list_asked_of(actor, resource, organization.id)
                asked_id = asked.get(kind)
            found.append(Need(kind, label, is_open, ways, asked_id))
    return found


def ways_finder(
    actor: Actor, resource: Resource | None = None
) -> Callable[[int | None], list[WayToQualify]]:
    """Return what tells where one gets the qualification that a resource wants, by its id.

    resource: the one that is meant where a problem names none.
    """

    def find(resource_id: int | None) -> list[WayToQualify]:
        wanted = get_resource(resource_id) if resource_id is not None else resource
        return find_ways_to_qualify(actor, wanted) if wanted is not None else []

    return find


def find_ways_to_qualify(actor: Actor, resource: Resource) -> list[WayToQualify]:
    """Return where one gets a credential by which its host lets people use a resource."""
    return ways_to_qualify(actor, list_credentials_for(resource), resource.organization_id)
