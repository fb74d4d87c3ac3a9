"""Matches of requests with candidates, what people said of them, and when they are computed."""

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, known_values
from portal.matching.rules.words import CANDIDATE_KINDS, CRITERIA, MATCH_STATUSES, SIDES
from portal.organizations.models import Organization
from portal.partnerships.models import Request


class Match(Identified, Model):
    """A request and a candidate for it: something that stands in the portal, and whose it is.

    criteria: rows of {name, verdict, variant, values}; `rules.wording` makes sentences of them.
    status: "open"; "ruled_out" by a hard criterion; "gone" when it is no candidate any more.
    request_told_at, owner_told_at: when each of the two sides was told, which happens once.
    """

    is_settled = False

    __table_args__ = (
        UniqueConstraint("request_id", "candidate_kind", "candidate_id"),
        known_values("candidate_kind", CANDIDATE_KINDS),
        known_values("status", MATCH_STATUSES),
        CheckConstraint("score BETWEEN 0 AND 1", name="score_in_range"),
        Index("ix_match_candidate_kind_candidate_id", "candidate_kind", "candidate_id"),
        Index("ix_match_organization_id_status", "organization_id", "status"),
    )

    request_id: Mapped[int] = mapped_column(ForeignKey("request.id", ondelete="CASCADE"))
    candidate_kind: Mapped[str] = mapped_column(String(20))
    candidate_id: Mapped[int]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    score: Mapped[float]
    criteria: Mapped[list[dict[str, Any]]]
    status: Mapped[str] = mapped_column(String(10))
    computed_at: Mapped[dt.datetime] = mapped_column(default=now)
    request_told_at: Mapped[dt.datetime | None]
    owner_told_at: Mapped[dt.datetime | None]

    request: Mapped[Request] = relationship(lazy="raise_on_sql")
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")


class MatchFeedback(Identified, Model):
    """What a person said of a match: useful or not, and which criterion says why ("": none).

    side: whether the person stood with the request, with the candidate's owner, or was a broker.
    verdicts: how each criterion stood then, by its name.
    """

    is_settled = False

    __table_args__ = (
        UniqueConstraint("match_id", "user_id"),
        known_values("side", SIDES),
        known_values("criterion", CRITERIA, is_optional=True),
    )

    match_id: Mapped[int] = mapped_column(ForeignKey("match.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    side: Mapped[str] = mapped_column(String(10))
    is_useful: Mapped[bool]
    criterion: Mapped[str] = mapped_column(String(20), default="")
    note: Mapped[str] = mapped_column(String(500), default="")
    verdicts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    given_at: Mapped[dt.datetime] = mapped_column(default=now)

    match: Mapped[Match] = relationship(lazy="raise_on_sql")


class MatchAnswer(Identified, Model):
    """What the candidate's owner answered about a criterion that nobody could tell."""

    is_settled = False

    __table_args__ = (
        UniqueConstraint("match_id", "criterion"),
        known_values("criterion", CRITERIA),
    )

    match_id: Mapped[int] = mapped_column(ForeignKey("match.id", ondelete="CASCADE"))
    criterion: Mapped[str] = mapped_column(String(20))
    is_met: Mapped[bool]
    note: Mapped[str] = mapped_column(String(500), default="")
    answered_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    answered_at: Mapped[dt.datetime] = mapped_column(default=now)

    match: Mapped[Match] = relationship(lazy="raise_on_sql")
    answered_by: Mapped[User | None] = relationship(lazy="raise_on_sql")


class MatchRound(Model):
    """When the matches of a request are computed next, and when they were last."""

    is_settled = False

    request_id: Mapped[int] = mapped_column(
        ForeignKey("request.id", ondelete="CASCADE"), primary_key=True
    )
    due_at: Mapped[dt.datetime] = mapped_column(default=now, index=True)
    computed_at: Mapped[dt.datetime | None]


class MatchChoice(Model):
    """Whether a person wants to be e-mailed about matches; who has no row does."""

    is_settled = False

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    wants_mail: Mapped[bool]
