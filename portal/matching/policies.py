"""Who sees matches, judges them, and answers the questions in them."""

from enum import StrEnum

from portal.kernel.authorization import (
    Policy,
    administrator,
    brokers_anywhere,
    clock,
    county_brokered,
    related,
    role_in,
    signed_in,
    value_in,
)
from portal.matching.models import Match
from portal.partnerships.models import Request
from portal.partnerships.policies import Permission as RequestPermission
from portal.partnerships.policies import policy as partnerships
from portal.partnerships.rules.workflows import LISTED_STATUSES


class Permission(StrEnum):
    MATCH_VIEW = "match.view"
    MATCH_VIEW_CANDIDATES = "match.view_candidates"
    MATCH_VIEW_OWN = "match.view_own"
    MATCH_VIEW_FEEDBACK = "match.view_feedback"
    MATCH_JUDGE = "match.judge"
    MATCH_ANSWER = "match.answer"
    MATCH_CHOOSE_MAIL = "match.choose_mail"
    MATCH_COMPUTE = "match.compute"


_seen = partnerships.table[RequestPermission.REQUEST_VIEW]
_keepers = role_in(Request.organization_id)
_brokers = county_brokered(Request.county_fips) & _seen
#: The request's people see what was ruled out, too, and brokers with them.
_request_side = related(Match.request, _keepers | _brokers)
_owner_side = (
    role_in(Match.organization_id)
    & value_in(Match.status, "open")
    & related(Match.request, value_in(Request.status, *LISTED_STATUSES) & _seen)
)
_sides = (_request_side | _owner_side).described(
    "people of the request's organization; brokers of its region who see the request; people of "
    "the candidate's organization who see it, while it is open"
)

policy = Policy(
    write_scope="matches:write",
    views={Match: Permission.MATCH_VIEW},
    table={
        Permission.MATCH_VIEW: _sides | administrator,
        Permission.MATCH_VIEW_CANDIDATES: (_keepers | _brokers | administrator).described(
            "people of the request's organization, brokers of its region who see the request, "
            "administrators"
        ),
        Permission.MATCH_VIEW_OWN: signed_in,
        Permission.MATCH_VIEW_FEEDBACK: brokers_anywhere | administrator,
        Permission.MATCH_JUDGE: _sides,
        Permission.MATCH_ANSWER: _owner_side.described(
            "people of the candidate's organization who see the request, while it is open"
        ),
        Permission.MATCH_CHOOSE_MAIL: signed_in,
        Permission.MATCH_COMPUTE: clock,
    },
)
