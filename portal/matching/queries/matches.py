"""Reads of matches for pages, the API and the desk."""

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.kernel.authorization import Actor, authorize
from portal.kernel.database import session
from portal.kernel.errors import NotFound
from portal.matching.models import Match
from portal.matching.policies import Permission
from portal.partnerships.queries.requests import REQUEST_OPTIONS

MATCH_OPTIONS = (
    joinedload(Match.request).options(*REQUEST_OPTIONS),
    joinedload(Match.organization),
)


def get_match(match_id: int) -> Match:
    """Return a match with its request and the candidate's organization, whoever asks."""
    match = session.scalar(select(Match).options(*MATCH_OPTIONS).where(Match.id == match_id))
    if match is None:
        raise NotFound(_("There is no such match."))
    return match


def get_visible_match(actor: Actor, match_id: int) -> Match:
    """Return a match that the actor may see. Raises NotFound."""
    match = get_match(match_id)
    authorize(actor, Permission.MATCH_VIEW, match)
    return match
