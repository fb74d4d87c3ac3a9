"""Saved searches with what each has found, and what was searched for and not found."""

import datetime as dt

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.directory.rules import CHANNELS, FREQUENCIES, LONGEST_QUERY, LONGEST_WORDS
from portal.kernel.clock import now
from portal.kernel.database import NO_NUMBER_TWICE, Identified, Model, Timestamped, known_values
from portal.organizations.models import Organization


class SavedSearch(Identified, Timestamped, Model):
    """A search that tells what it finds anew: a person's, or an organization's for all its people.

    query: the search as the part of an address after "?", without page, order and view.
    round: counts the times that something new was found.
    due_at: when it runs next. seen_event_id: the newest event of the outbox that the index had
    taken up at the last run; a search that tells at once runs again when there is a newer one.
    """

    __table_args__ = (
        CheckConstraint("(user_id IS NULL) <> (organization_id IS NULL)", name="one_owner"),
        CheckConstraint("round >= 0", name="round_not_negative"),
        known_values("channel", CHANNELS),
        known_values("frequency", FREQUENCIES),
        Index("ix_saved_search_due_at_id", "due_at", "id"),
        NO_NUMBER_TWICE,
    )

    is_settled = False

    name: Mapped[str] = mapped_column(String(120))
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    organization_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    query: Mapped[str] = mapped_column(String(LONGEST_QUERY))
    channel: Mapped[str] = mapped_column(String(8))
    frequency: Mapped[str] = mapped_column(String(8))
    is_paused: Mapped[bool] = mapped_column(default=False)
    round: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[dt.datetime] = mapped_column(default=now)
    seen_event_id: Mapped[int | None]

    organization: Mapped[Organization | None] = relationship(lazy="raise_on_sql")


class SavedSearchBaseline(Model):
    """What a saved search found of one kind when it was saved, which is no news.

    numbers: the records' numbers as `rules.pack_numbers` writes them: a search that finds
    100,000 records takes some kilobytes instead of 100,000 rows.
    """

    is_settled = False

    saved_search_id: Mapped[int] = mapped_column(
        ForeignKey("saved_search.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    numbers: Mapped[bytes] = mapped_column(LargeBinary)


class SavedSearchResult(Identified, Model):
    """A record that a saved search has reported: no more than once, whatever happens to it."""

    __table_args__ = (
        UniqueConstraint("saved_search_id", "kind", "record_id"),
        Index("ix_saved_search_result_saved_search_id_id", "saved_search_id", "id"),
        Index("ix_saved_search_result_kind_record_id", "kind", "record_id"),
    )

    is_settled = False

    saved_search_id: Mapped[int] = mapped_column(ForeignKey("saved_search.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    record_id: Mapped[int]
    round: Mapped[int]
    found_at: Mapped[dt.datetime] = mapped_column(default=now)


class SavedSearchReader(Model):
    """How far a person has read a saved search, and whether it may still send them e-mail."""

    is_settled = False

    saved_search_id: Mapped[int] = mapped_column(
        ForeignKey("saved_search.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    seen_round: Mapped[int] = mapped_column(default=0)
    is_stopped: Mapped[bool] = mapped_column(default=False)


class UnmetDemand(Identified, Model):
    """How often words were searched for on a day and not found. Nothing says who searched.

    county_fips: around where, or empty.
    """

    __table_args__ = (
        UniqueConstraint("day", "words", "county_fips"),
        CheckConstraint("searches > 0", name="searches_positive"),
    )

    is_settled = False

    day: Mapped[dt.date]
    words: Mapped[str] = mapped_column(String(LONGEST_WORDS))
    county_fips: Mapped[str] = mapped_column(String(5), default="")
    searches: Mapped[int] = mapped_column(default=1)
