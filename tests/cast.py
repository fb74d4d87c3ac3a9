"""The cast: the same people in every test, in the world that `tests/world` writes.

Ana owns a firm, Ben is a member of it, Cleo manages a college, Dov brokers their region, Eve owns
a firm in another region, Root administers; "nobody" is anonymous.
"""

from dataclasses import dataclass, field

from flask import current_app
from sqlalchemy import select

from portal.accounts.models import User
from portal.app import load_actor
from portal.kernel.authorization import NOBODY, Actor
from portal.kernel.database import session

CAST = ("nobody", "ana", "ben", "cleo", "dov", "eve", "root")
PEOPLE = CAST[1:]
PASSWORD = "correct horse battery staple"
MANDATE_TOKEN = "token-of-the-question-to-a-firm"
SEAT_TOKEN = "token-of-the-seat-that-a-firm-keeps"
INVITATION_TOKEN = "token-of-the-invitation-to-a-newcomer"


@dataclass(frozen=True)
class World:
    """Ids of the world's rows, and the session tokens of its people."""

    users: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    organizations: dict[str, int] = field(default_factory=dict)
    memberships: dict[str, int] = field(default_factory=dict)
    invitations: dict[str, int] = field(default_factory=dict)
    join_requests: dict[str, int] = field(default_factory=dict)
    claims: dict[str, int] = field(default_factory=dict)
    facilities: dict[str, int] = field(default_factory=dict)
    equipment: dict[str, int] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    responses: dict[str, int] = field(default_factory=dict)
    proposals: dict[str, int] = field(default_factory=dict)
    mandates: dict[str, int] = field(default_factory=dict)
    regions: dict[str, int] = field(default_factory=dict)
    import_runs: dict[str, int] = field(default_factory=dict)
    saved_searches: dict[str, int] = field(default_factory=dict)
    resources: dict[str, int] = field(default_factory=dict)
    bookings: dict[str, int] = field(default_factory=dict)
    qualifications: dict[str, int] = field(default_factory=dict)
    clearances: dict[str, int] = field(default_factory=dict)
    recognitions: dict[str, int] = field(default_factory=dict)
    access_requests: dict[str, int] = field(default_factory=dict)
    threads: dict[str, int] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)
    message_reports: dict[str, int] = field(default_factory=dict)
    blocks: dict[str, int] = field(default_factory=dict)
    webhooks: dict[str, int] = field(default_factory=dict)
    matches: dict[str, int] = field(default_factory=dict)
    cases: dict[str, int] = field(default_factory=dict)
    agreements: dict[str, int] = field(default_factory=dict)
    milestones: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    introductions: dict[str, int] = field(default_factory=dict)
    introduction_parties: dict[str, int] = field(default_factory=dict)
    credentials: dict[str, int] = field(default_factory=dict)
    demands: dict[str, int] = field(default_factory=dict)
    cohort_offers: dict[str, int] = field(default_factory=dict)
    cohort_invitations: dict[str, int] = field(default_factory=dict)
    programs: dict[str, int] = field(default_factory=dict)
    sections: dict[str, int] = field(default_factory=dict)
    meetings: dict[str, int] = field(default_factory=dict)
    enrollments: dict[str, int] = field(default_factory=dict)
    certificates: dict[str, str] = field(default_factory=dict)


def token_of(name: str) -> str:
    """Return the session token that a person of the cast is signed in with."""
    return f"session-token-of-{name}"


def actor_named(name: str) -> Actor:
    """Return the actor of a member of the cast, as a request of theirs would have it."""
    if name == "nobody":
        return NOBODY
    user_id = session.scalar(select(User.id).where(User.email == f"{name}@cast.example"))
    assert user_id is not None
    return load_actor(current_app.extensions["portal-manifests"], user_id)
