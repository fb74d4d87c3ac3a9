"""What firms lack: their demands for skills, and the cohorts that providers offer to meet them."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.kernel.database import Identified, Model, Timestamped, known_values
from portal.kernel.listing import Confirmed
from portal.organizations.models import Organization
from portal.regions.models import County
from portal.skills.models import Occupation, Skill
from portal.training.models.sections import Section
from portal.training.rules.demands import DEMAND_STATUSES, INVITATION_STATUSES


class SkillDemand(Identified, Timestamped, Confirmed, Model):
    """An organization's need for people with a skill, in a county, by a day.

    quarter: that of `needed_by`, as `quarter_of` numbers it.
    wage_min_cents, wage_max_cents: per hour. note: for its own people and the region's brokers.
    is_shared: others read that somebody lacks this (not who), and can join.
    joined_id: the shared demand that this one joined.
    """

    __table_args__ = (
        known_values("status", DEMAND_STATUSES),
        CheckConstraint("people > 0", name="people_positive"),
        CheckConstraint(
            "wage_min_cents IS NULL OR wage_min_cents >= 0", name="wage_min_not_negative"
        ),
        CheckConstraint(
            "wage_max_cents IS NULL OR wage_min_cents IS NOT NULL"
            " AND wage_max_cents >= wage_min_cents",
            name="wages_in_order",
        ),
        Index("ix_skill_demand_organization_id_id", "organization_id", "id"),
        # All that tells whether the demands of a skill have changed.
        Index("ix_skill_demand_skill_key_version", "skill_key", "status", "quarter", "updated_at"),
    )

    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    skill_key: Mapped[str] = mapped_column(ForeignKey("skill.key"))
    occupation_code: Mapped[str | None] = mapped_column(ForeignKey("occupation.code"), index=True)
    county_fips: Mapped[str] = mapped_column(ForeignKey("county.fips"), index=True)
    people: Mapped[int]
    needed_by: Mapped[dt.date]
    quarter: Mapped[int]
    wage_min_cents: Mapped[int | None]
    wage_max_cents: Mapped[int | None]
    is_cofunding: Mapped[bool] = mapped_column(default=False)
    hosts_apprentices: Mapped[bool] = mapped_column(default=False)
    is_shared: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(String(2000), default="")
    status: Mapped[str] = mapped_column(String(10), default="open")
    joined_id: Mapped[int | None] = mapped_column(
        ForeignKey("skill_demand.id", ondelete="SET NULL"), index=True
    )
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    is_demo: Mapped[bool] = mapped_column(default=False)

    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    skill: Mapped[Skill] = relationship(lazy="raise_on_sql")
    occupation: Mapped[Occupation | None] = relationship(lazy="raise_on_sql")
    county: Mapped[County] = relationship(lazy="raise_on_sql")
    joined: Mapped["SkillDemand | None"] = relationship(
        remote_side=lambda: SkillDemand.id, lazy="raise_on_sql"
    )
    confirmed_by: Mapped[User | None] = relationship(
        foreign_keys="SkillDemand.confirmed_by_id", lazy="raise_on_sql"
    )


class CohortOffer(Identified, Timestamped, Model):
    """A section that a provider offers to the firms that asked for a skill, without knowing them.

    area: the county or the region for which the demand was shown, in words.
    """

    __table_args__ = (Index("ix_cohort_offer_organization_id_id", "organization_id", "id"),)

    is_settled = False
    locked_after = "section"

    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    section_id: Mapped[int] = mapped_column(
        ForeignKey("section.id", ondelete="CASCADE"), unique=True
    )
    skill_key: Mapped[str] = mapped_column(ForeignKey("skill.key"), index=True)
    area: Mapped[str] = mapped_column(String(160))
    message: Mapped[str] = mapped_column(String(2000), default="")
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )

    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    section: Mapped[Section] = relationship(lazy="raise_on_sql")
    skill: Mapped[Skill] = relationship(lazy="raise_on_sql")
    invitations: Mapped[list["CohortInvitation"]] = relationship(
        back_populates="offer",
        order_by=lambda: CohortInvitation.id,
        lazy="raise_on_sql",
        passive_deletes=True,
    )


class CohortInvitation(Identified, Timestamped, Model):
    """An offer of a cohort to one firm. Its name opens to the provider when it accepts.

    people: how many it sends, once it has accepted; wanted: how many it asked for.
    held_until: until when seats are held for those whom it has not named yet, once people can
    enroll; None before that, and when it is over.
    """

    __table_args__ = (
        UniqueConstraint("offer_id", "organization_id"),
        known_values("status", INVITATION_STATUSES),
        CheckConstraint("wanted > 0", name="wanted_positive"),
        CheckConstraint(
            "(status = 'accepted') = (people IS NOT NULL) AND (people IS NULL OR people > 0)",
            name="people_once_accepted",
        ),
        CheckConstraint("held_until IS NULL OR status = 'accepted'", name="held_once_accepted"),
        Index("ix_cohort_invitation_organization_id_status", "organization_id", "status"),
    )

    is_settled = False
    locked_after = "offer"

    offer_id: Mapped[int] = mapped_column(ForeignKey("cohort_offer.id", ondelete="CASCADE"))
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    wanted: Mapped[int]
    people: Mapped[int | None]
    status: Mapped[str] = mapped_column(String(10), default="waiting")
    held_until: Mapped[dt.datetime | None] = mapped_column(index=True)
    answered_at: Mapped[dt.datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )

    offer: Mapped[CohortOffer] = relationship(back_populates="invitations", lazy="raise_on_sql")
    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
