"""Who may do what with calendars, bookings, and what opens their gates."""

from enum import StrEnum

from portal.bookings.models.access import AccessRequest, Clearance, Qualification, Recognition
from portal.bookings.models.booking import Booking, WaitingEntry
from portal.bookings.models.calendar import Resource
from portal.bookings.models.charging import Dispute
from portal.facilities.models import Equipment, Facility
from portal.kernel.authorization import (
    Policy,
    administrator,
    clock,
    has_membership,
    is_self,
    related,
    role_in,
    signed_in,
    value_in,
)
from portal.kernel.listing import visible_record
from portal.organizations.models import Organization


class Permission(StrEnum):
    CALENDAR_VIEW = "calendar.view"
    CALENDAR_OPEN = "calendar.open"
    CALENDAR_EDIT = "calendar.edit"
    BOOKING_VIEW = "booking.view"
    BOOKING_VIEW_OWN = "booking.view_own"
    BOOKING_VIEW_HOSTED = "booking.view_hosted"
    BOOKING_CREATE = "booking.create"
    BOOKING_OVERRIDE = "booking.override"
    BOOKING_DECIDE = "booking.decide"
    BOOKING_MOVE = "booking.move"
    BOOKING_HAND_OVER = "booking.hand_over"
    BOOKING_DESCRIBE = "booking.describe"
    BOOKING_CANCEL = "booking.cancel"
    BOOKING_USE = "booking.use"
    BOOKING_CLOSE = "booking.close"
    WAITING_JOIN = "waiting.join"
    WAITING_LEAVE = "waiting.leave"
    WAITING_OFFER = "waiting.offer"
    QUALIFICATION_VIEW = "qualification.view"
    QUALIFICATION_VIEW_OWN = "qualification.view_own"
    QUALIFICATION_VIEW_LEDGER = "qualification.view_ledger"
    QUALIFICATION_GRANT = "qualification.grant"
    QUALIFICATION_EDIT = "qualification.edit"
    QUALIFICATION_KEEP = "qualification.keep"
    RECOGNITION_VIEW = "recognition.view"
    RECOGNITION_ADD = "recognition.add"
    RECOGNITION_EDIT = "recognition.edit"
    CLEARANCE_VIEW = "clearance.view"
    CLEARANCE_FILE = "clearance.file"
    CLEARANCE_EDIT = "clearance.edit"
    CHARGE_VIEW = "charge.view"
    CHARGE_ADJUST = "charge.adjust"
    CHARGE_SETTLE = "charge.settle"
    STATEMENT_VIEW = "statement.view"
    DISPUTE_VIEW = "dispute.view"
    DISPUTE_RAISE = "dispute.raise"
    DISPUTE_DECIDE = "dispute.decide"
    INCIDENT_REPORT = "incident.report"
    NOTICES_CHOOSE = "notices.choose"
    NOTICES_REMIND = "notices.remind"
    FEED_MAKE = "feed.make"
    ACCESS_VIEW = "access.view"
    ACCESS_ASK = "access.ask"
    ACCESS_DECIDE = "access.decide"
    ACCESS_WITHDRAW = "access.withdraw"


_equipment = value_in(Resource.kind, "equipment") & related(
    Resource.equipment, visible_record(Equipment, Organization)
)
_facility = value_in(Resource.kind, "facility") & related(
    Resource.facility, visible_record(Facility, Organization)
)
# An operator is booked along by whoever may book; as a calendar of its own it is the host's.
_operator = value_in(Resource.kind, "operator") & value_in(Resource.is_bookable, True)
_keepers = role_in(Resource.organization_id, "owner", "manager")
_sees = (_equipment | _facility | role_in(Resource.organization_id) | administrator).described(
    "everyone who sees the equipment or facility"
)
_hosts = role_in(Booking.host_organization_id, "owner", "manager")
_person = is_self(Booking.user_id)
_member = role_in(Booking.organization_id)
_booker = is_self(Booking.booked_by_id) & _member
_managers = role_in(Booking.organization_id, "owner", "manager")
# Whoever left the organization books and uses nothing in its name any more.
_users = (_person & _member) | _booker | _managers

policy = Policy(
    write_scope="bookings:write",
    views={
        Resource: Permission.CALENDAR_VIEW,
        Booking: Permission.BOOKING_VIEW,
        WaitingEntry: Permission.WAITING_LEAVE,
        Qualification: Permission.QUALIFICATION_VIEW,
        Clearance: Permission.CLEARANCE_VIEW,
        Dispute: Permission.DISPUTE_VIEW,
        Recognition: Permission.RECOGNITION_VIEW,
        AccessRequest: Permission.ACCESS_VIEW,
    },
    table={
        Permission.CALENDAR_VIEW: _sees,
        # What it opens is empty; who may see the record is asked beside it.
        Permission.CALENDAR_OPEN: (has_membership | administrator).described(
            "people of any organization who see the equipment or facility, administrators"
        ),
        Permission.CALENDAR_EDIT: (_keepers | administrator).described(
            "owners and managers of the organization, administrators"
        ),
        Permission.BOOKING_VIEW: (
            _person
            | role_in(Booking.organization_id)
            | role_in(Booking.host_organization_id)
            | administrator
        ).described("people of the two organizations, the person concerned, administrators"),
        Permission.BOOKING_VIEW_OWN: signed_in,
        Permission.BOOKING_VIEW_HOSTED: (role_in(Organization.id) | administrator).described(
            "people of the organization, administrators"
        ),
        Permission.BOOKING_CREATE: (has_membership & (_sees | _operator)).described(
            "people of any organization who see the equipment or facility; operators along with it"
        ),
        Permission.BOOKING_OVERRIDE: _keepers.described(
            "owners and managers of the organization whose it is"
        ),
        Permission.BOOKING_DECIDE: _hosts.described(
            "owners and managers of the organization whose it is"
        ),
        Permission.BOOKING_MOVE: (_users | _hosts).described(
            "the person concerned and who booked, as long as they belong to its organization, and "
            "owners and managers of the two organizations"
        ),
        # To whom a host's managers could give it they would learn only from the customer's people.
        Permission.BOOKING_HAND_OVER: _users.described(
            "the person concerned, who booked, and owners and managers, all of the organization "
            "that booked"
        ),
        Permission.BOOKING_DESCRIBE: _users.described(
            "the person concerned, who booked, and owners and managers, all of the organization "
            "that booked"
        ),
        Permission.BOOKING_CANCEL: (_person | _users | _hosts).described(
            "the person concerned, who booked, and owners and managers of the two organizations"
        ),
        Permission.BOOKING_USE: (_users | _hosts).described(
            "the person concerned and who booked, as long as they belong to its organization, and "
            "owners and managers of the two organizations"
        ),
        Permission.BOOKING_CLOSE: clock,
        Permission.WAITING_JOIN: (has_membership & _sees).described(
            "people of any organization who see the equipment or facility"
        ),
        Permission.WAITING_LEAVE: is_self(WaitingEntry.user_id),
        Permission.WAITING_OFFER: clock,
        Permission.QUALIFICATION_VIEW: (
            is_self(Qualification.user_id)
            | role_in(Qualification.host_organization_id)
            | administrator
        ).described("the person concerned, people of the host, administrators"),
        Permission.QUALIFICATION_VIEW_OWN: signed_in,
        Permission.QUALIFICATION_VIEW_LEDGER: role_in(
            Organization.id, "owner", "manager"
        ).described("owners and managers of the organization"),
        Permission.QUALIFICATION_GRANT: role_in(Organization.id, "owner", "manager"),
        Permission.QUALIFICATION_EDIT: role_in(
            Qualification.host_organization_id, "owner", "manager"
        ),
        Permission.QUALIFICATION_KEEP: clock,
        Permission.RECOGNITION_VIEW: role_in(Recognition.host_organization_id, "owner", "manager"),
        Permission.RECOGNITION_ADD: role_in(Organization.id, "owner", "manager"),
        Permission.RECOGNITION_EDIT: role_in(Recognition.host_organization_id, "owner", "manager"),
        Permission.CLEARANCE_VIEW: (
            is_self(Clearance.user_id)
            | role_in(Clearance.organization_id)
            | role_in(Clearance.host_organization_id)
            | administrator
        ).described("who it is about, people of the host, administrators"),
        Permission.CLEARANCE_FILE: role_in(Organization.id, "owner", "manager"),
        Permission.CLEARANCE_EDIT: role_in(Clearance.host_organization_id, "owner", "manager"),
        Permission.CHARGE_VIEW: (
            _booker | _managers | role_in(Booking.host_organization_id) | administrator
        ).described(
            "who booked, owners and managers of its organization, people of the host, "
            "administrators"
        ),
        Permission.CHARGE_ADJUST: _hosts.described(
            "owners and managers of the organization whose it is"
        ),
        Permission.CHARGE_SETTLE: clock,
        Permission.STATEMENT_VIEW: (
            role_in(Organization.id, "owner", "manager") | administrator
        ).described("owners and managers of the organization, administrators"),
        Permission.DISPUTE_VIEW: (
            role_in(Dispute.organization_id, "owner", "manager")
            | role_in(Dispute.host_organization_id, "owner", "manager")
            | administrator
        ).described("owners and managers of the two organizations, administrators"),
        Permission.DISPUTE_RAISE: _managers.described(
            "owners and managers of the organization that booked"
        ),
        Permission.DISPUTE_DECIDE: role_in(Dispute.host_organization_id, "owner", "manager"),
        Permission.NOTICES_CHOOSE: signed_in,
        Permission.NOTICES_REMIND: clock,
        Permission.FEED_MAKE: role_in(Resource.organization_id).described(
            "people of the organization whose it is"
        ),
        Permission.INCIDENT_REPORT: (_users | _hosts).described(
            "the person concerned and who booked, as long as they belong to its organization, and "
            "owners and managers of the two organizations"
        ),
        Permission.ACCESS_VIEW: (
            is_self(AccessRequest.user_id)
            | role_in(AccessRequest.host_organization_id, "owner", "manager")
        ).described("who asks, and owners and managers of the host"),
        Permission.ACCESS_ASK: has_membership,
        Permission.ACCESS_DECIDE: role_in(AccessRequest.host_organization_id, "owner", "manager"),
        Permission.ACCESS_WITHDRAW: is_self(AccessRequest.user_id),
    },
)
