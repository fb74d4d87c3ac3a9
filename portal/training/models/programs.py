"""Programs: what can be learned where, with the skills that they teach."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import User
from portal.kernel.database import NO_NUMBER_TWICE, Identified, Model, Timestamped, known_values
from portal.kernel.listing import Listed, visibility_check
from portal.organizations.models import Organization
from portal.skills.models import Credential, Occupation, Skill
from portal.training.rules.programs import DELIVERIES, LANGUAGES, PROGRAM_KINDS


class ProgramSkill(Model):
    """A skill that a program teaches."""

    program_id: Mapped[int] = mapped_column(
        ForeignKey("training_program.id", ondelete="CASCADE"), primary_key=True
    )
    skill_key: Mapped[str] = mapped_column(ForeignKey("skill.key"), primary_key=True, index=True)


class Program(Identified, Timestamped, Listed, Model):
    """Something that can be learned from an organization, its provider.

    duration_hours: of instruction; duration_weeks: from beginning to end.
    cost_cents: what a seat costs where a section says nothing else; None: not said.
    funding: keys of `FUNDING_SOURCES`.
    sponsor, occupation_code, wage_schedule, related_instruction: of apprenticeships.
    wage_schedule: rows of {period, wage_cents}, cents per hour.
    is_archived: kept for those who took part; no new section, in no list and not in search.
    external_id, external_values: its id in the catalog it was imported from, and what that catalog
    says of it for which there is no field here.
    """

    __tablename__ = "training_program"
    __table_args__ = (
        visibility_check(),
        known_values("kind", PROGRAM_KINDS),
        known_values("delivery", DELIVERIES),
        known_values("language", LANGUAGES),
        CheckConstraint("cost_cents IS NULL OR cost_cents >= 0", name="cost_not_negative"),
        CheckConstraint("duration_hours IS NULL OR duration_hours > 0", name="hours_positive"),
        CheckConstraint("duration_weeks IS NULL OR duration_weeks > 0", name="weeks_positive"),
        Index("ix_training_program_title_id", "title", "id"),
        UniqueConstraint("organization_id", "external_id"),
        NO_NUMBER_TWICE,
    )

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    title: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(16), default="course")
    summary: Mapped[str] = mapped_column(String(280), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    credential_id: Mapped[int | None] = mapped_column(
        ForeignKey("credential.id", ondelete="SET NULL"), index=True
    )
    prerequisites: Mapped[str] = mapped_column(String(2000), default="")
    duration_hours: Mapped[int | None]
    duration_weeks: Mapped[int | None]
    delivery: Mapped[str] = mapped_column(String(12), default="in_person")
    language: Mapped[str] = mapped_column(String(8), default="en")
    cost_cents: Mapped[int | None]
    cost_note: Mapped[str] = mapped_column(String(500), default="")
    funding: Mapped[list[str]] = mapped_column(default=list)
    eligibility: Mapped[str] = mapped_column(String(2000), default="")
    outcomes: Mapped[str] = mapped_column(Text, default="")
    accessibility: Mapped[str] = mapped_column(String(2000), default="")
    contact_name: Mapped[str] = mapped_column(String(120), default="")
    contact_email: Mapped[str] = mapped_column(String(254), default="")
    contact_phone: Mapped[str] = mapped_column(String(30), default="")
    website: Mapped[str] = mapped_column(String(500), default="")
    sponsor: Mapped[str] = mapped_column(String(200), default="")
    occupation_code: Mapped[str | None] = mapped_column(
        ForeignKey("occupation.code", ondelete="SET NULL"), index=True
    )
    wage_schedule: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    related_instruction: Mapped[str] = mapped_column(String(2000), default="")
    is_archived: Mapped[bool] = mapped_column(default=False)
    external_id: Mapped[str | None] = mapped_column(String(200))
    external_values: Mapped[dict[str, Any]] = mapped_column(default=dict)

    organization: Mapped[Organization] = relationship(lazy="raise_on_sql")
    credential: Mapped[Credential | None] = relationship(lazy="raise_on_sql")
    occupation: Mapped[Occupation | None] = relationship(lazy="raise_on_sql")
    skills: Mapped[list[Skill]] = relationship(
        secondary=ProgramSkill.__table__, order_by=Skill.label, lazy="raise_on_sql"
    )
    confirmed_by: Mapped[User | None] = relationship(
        foreign_keys="Program.confirmed_by_id", lazy="raise_on_sql"
    )
