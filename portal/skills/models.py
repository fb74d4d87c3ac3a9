"""Occupations, skills and credentials.

All but the credentials that organizations issue themselves is reference data, loaded by
`flask skills load`.
"""

from flask_babel import get_locale
from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.kernel.database import Identified, Model, Timestamped, known_values
from portal.organizations.models import Organization
from portal.regions.models import Capability
from portal.skills.rules import CREDENTIAL_KINDS, SKILL_KINDS

skill_occupation = Table(
    "skill_occupation",
    Model.metadata,
    Column("skill_key", ForeignKey("skill.key", ondelete="CASCADE"), primary_key=True),
    Column("occupation_code", ForeignKey("occupation.code"), primary_key=True, index=True),
)

skill_capability = Table(
    "skill_capability",
    Model.metadata,
    Column("skill_key", ForeignKey("skill.key", ondelete="CASCADE"), primary_key=True),
    Column("capability_key", ForeignKey("capability.key"), primary_key=True, index=True),
)

credential_skill = Table(
    "credential_skill",
    Model.metadata,
    Column("credential_id", ForeignKey("credential.id", ondelete="CASCADE"), primary_key=True),
    Column("skill_key", ForeignKey("skill.key"), primary_key=True, index=True),
)


class Occupation(Model):
    """An occupation of the Standard Occupational Classification of 2018."""

    code: Mapped[str] = mapped_column(String(7), primary_key=True)
    title: Mapped[str] = mapped_column(String(200), unique=True)
    title_es: Mapped[str] = mapped_column(String(200))

    @property
    def name(self) -> str:
        """The title in the reader's language: Spanish, or else English."""
        return self.title_es if _is_spanish() else self.title


class Skill(Model):
    """Something that people learn to do; `kind` is its field of work.

    label, label_es: what it is called in each language; in the database `name` and `name_es`.
    """

    __table_args__ = (
        known_values("kind", SKILL_KINDS),
        Index("ix_skill_kind_name", "kind", "name"),
    )

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column("name", String(120), unique=True)
    label_es: Mapped[str] = mapped_column("name_es", String(120), unique=True)

    names: Mapped[list["SkillName"]] = relationship(
        order_by=lambda: SkillName.text, lazy="raise_on_sql", passive_deletes=True
    )
    occupations: Mapped[list[Occupation]] = relationship(
        secondary=skill_occupation, order_by=Occupation.title, lazy="raise_on_sql"
    )
    capabilities: Mapped[list[Capability]] = relationship(
        secondary=skill_capability, order_by=Capability.label, lazy="raise_on_sql"
    )

    @property
    def name(self) -> str:
        """The name in the reader's language: Spanish, or else English."""
        return self.label_es if _is_spanish() else self.label


class SkillName(Identified, Model):
    """A name of a skill; `match_key` is the folded text, and no two skills share one."""

    __table_args__ = (
        known_values("kind", ("preferred", "alternate")),
        Index("ix_skill_name_skill_key", "skill_key"),
    )

    skill_key: Mapped[str] = mapped_column(ForeignKey("skill.key", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(String(120))
    match_key: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    language: Mapped[str] = mapped_column(String(8))


class Credential(Identified, Timestamped, Model):
    """What somebody gets who has learned something, and whoever issues it.

    key: of reference data only. issuer: the name of who issues it; an organization of the portal
    that issues its own stands in `issuer_organization_id` as well. valid_months: None is for good.
    """

    __table_args__ = (
        known_values("kind", CREDENTIAL_KINDS),
        CheckConstraint(
            "(key IS NULL) = (issuer_organization_id IS NOT NULL)", name="reference_or_own"
        ),
        CheckConstraint(
            "valid_months IS NULL OR valid_months BETWEEN 1 AND 600", name="valid_months_plausible"
        ),
        UniqueConstraint("issuer_organization_id", "name_key"),
        Index("ix_credential_name_id", "name", "id"),
    )

    key: Mapped[str | None] = mapped_column(String(80), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(200), index=True)
    abbreviation: Mapped[str] = mapped_column(String(20), default="")
    issuer: Mapped[str] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(String(500), default="")
    valid_months: Mapped[int | None]
    issuer_organization_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )

    issuer_organization: Mapped[Organization | None] = relationship(lazy="raise_on_sql")
    skills: Mapped[list[Skill]] = relationship(
        secondary=credential_skill, order_by=Skill.label, lazy="raise_on_sql"
    )


def _is_spanish() -> bool:
    return str(get_locale() or "en")[:2] == "es"
