"""Places and classifications: states, counties, ZIP codes, NAICS, clusters, capabilities, regions.

All but regions and appointments are reference data, loaded by `flask reference load`.
"""

import datetime as dt
from typing import Any

from flask_babel import get_locale
from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, Text, func
from sqlalchemy.orm import Mapped, declared_attr, foreign, mapped_column, relationship

from portal.kernel.clock import now
from portal.kernel.database import Identified, Model, Timestamped


class State(Model):
    """A state of the United States, the District of Columbia or a territory."""

    code: Mapped[str] = mapped_column(String(2), primary_key=True)
    fips: Mapped[str] = mapped_column(String(2), unique=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)


class County(Model):
    """A county by its five-digit FIPS code; `outline` is a list of rings of [lon, lat]."""

    fips: Mapped[str] = mapped_column(String(5), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(ForeignKey("state.code"), index=True)
    latitude: Mapped[float]
    longitude: Mapped[float]
    outline: Mapped[list[dict[str, Any]] | None] = mapped_column(deferred=True)

    @property
    def label(self) -> str:
        return f"{self.name}, {self.state}"


class ZipCode(Model):
    """A ZIP code with its place, county, a point inside, and its IANA time zone ("": unknown)."""

    zip_code: Mapped[str] = mapped_column(String(5), primary_key=True)
    place: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(2))
    county_fips: Mapped[str | None] = mapped_column(ForeignKey("county.fips"), index=True)
    latitude: Mapped[float]
    longitude: Mapped[float]
    time_zone: Mapped[str] = mapped_column(String(60), default="")


class NaicsCode(Model):
    """An industry code of NAICS 2022, two to six digits."""

    code: Mapped[str] = mapped_column(String(6), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))


class Cluster(Identified, Model):
    """An industry cluster of the U.S. benchmark definitions; `name_es` is our translation."""

    __table_args__ = (CheckConstraint("kind IN ('traded', 'local')", name="kind_known"),)

    key: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    name_es: Mapped[str] = mapped_column(String(120), default="")
    kind: Mapped[str] = mapped_column(String(8))


class ClusterIndustry(Model):
    """An industry's place in a cluster."""

    naics_code: Mapped[str] = mapped_column(ForeignKey("naics_code.code"), primary_key=True)
    cluster_id: Mapped[int] = mapped_column(
        ForeignKey("cluster.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    subcluster: Mapped[str] = mapped_column(String(120), default="")


capability_broader = Table(
    "capability_broader",
    Model.metadata,
    Column("capability_key", ForeignKey("capability.key"), primary_key=True),
    Column("broader_key", ForeignKey("capability.key"), primary_key=True, index=True),
    CheckConstraint("capability_key <> broader_key", name="not_broader_than_itself"),
)


class Capability(Model):
    """A concept of the capability thesaurus."""

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    label: Mapped[str] = mapped_column(String(120), unique=True)
    label_es: Mapped[str] = mapped_column(String(120))
    definition: Mapped[str] = mapped_column(Text)

    broader: Mapped[list["Capability"]] = relationship(
        secondary=capability_broader,
        primaryjoin=lambda: Capability.key == capability_broader.c.capability_key,
        secondaryjoin=lambda: Capability.key == capability_broader.c.broader_key,
        order_by=lambda: Capability.label,
        lazy="raise_on_sql",
        back_populates="narrower",
    )
    narrower: Mapped[list["Capability"]] = relationship(
        secondary=capability_broader,
        primaryjoin=lambda: Capability.key == capability_broader.c.broader_key,
        secondaryjoin=lambda: Capability.key == capability_broader.c.capability_key,
        order_by=lambda: Capability.label,
        lazy="raise_on_sql",
        back_populates="broader",
    )
    labels: Mapped[list["CapabilityLabel"]] = relationship(
        order_by=lambda: CapabilityLabel.text, lazy="raise_on_sql", passive_deletes=True
    )

    @property
    def name(self) -> str:
        """The concept's name in the reader's language: Spanish, or else English."""
        return self.label_es if str(get_locale()) == "es" else self.label


class CapabilityLabel(Identified, Model):
    """A name of a concept; `match_key` is the folded text, and no two concepts share one.

    Hidden ones are what else people type for it: searches know them, and nobody is shown them.
    """

    __table_args__ = (
        CheckConstraint("kind IN ('preferred', 'alternate', 'hidden')", name="kind_known"),
        Index("ix_capability_label_capability_key", "capability_key"),
    )

    capability_key: Mapped[str] = mapped_column(ForeignKey("capability.key", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(String(120))
    match_key: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    language: Mapped[str] = mapped_column(String(8))


class Region(Identified, Timestamped, Model):
    """A named set of counties, for which brokers are appointed."""

    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    summary: Mapped[str] = mapped_column(String(500), default="")
    is_demo: Mapped[bool] = mapped_column(default=False)

    counties: Mapped[list[County]] = relationship(
        secondary="region_county",
        order_by=lambda: (County.state, County.name),
        lazy="raise_on_sql",
        passive_deletes=True,
    )


class RegionCounty(Model):
    """A county's membership in a region."""

    region_id: Mapped[int] = mapped_column(
        ForeignKey("region.id", ondelete="CASCADE"), primary_key=True
    )
    county_fips: Mapped[str] = mapped_column(
        ForeignKey("county.fips"), primary_key=True, index=True
    )


class BrokerAppointment(Model):
    """A user's appointment as broker of a region."""

    region_id: Mapped[int] = mapped_column(
        ForeignKey("region.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    appointed_at: Mapped[dt.datetime] = mapped_column(default=now)
    appointed_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )

    region: Mapped[Region] = relationship(lazy="raise_on_sql")


class Placed:
    """Mixin: where a record is. Coordinates in degrees (WGS 84); county by FIPS code."""

    street: Mapped[str] = mapped_column(String(200), default="")
    city: Mapped[str] = mapped_column(String(100), default="")
    state: Mapped[str] = mapped_column(String(2), default="")
    zip_code: Mapped[str] = mapped_column(String(10), default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]

    @declared_attr
    def county_fips(cls) -> Mapped[str | None]:
        return mapped_column(ForeignKey("county.fips"), index=True)

    @declared_attr
    def county(cls) -> Mapped[County | None]:
        return relationship(lazy="raise_on_sql")

    @declared_attr
    def zip_place(cls) -> Mapped[ZipCode | None]:
        column: Any = cls.zip_code
        return relationship(
            primaryjoin=lambda: func.substr(foreign(column), 1, 5) == ZipCode.zip_code,
            viewonly=True,
            lazy="raise_on_sql",
        )

    @property
    def coarse_point(self) -> tuple[float, float] | None:
        """The middle of the ZIP code or else of the county, for who keeps the street to oneself.

        Nothing of the true point is in it, so that no number of distances measures it out.
        """
        middle = self.zip_place or self.county
        return (middle.latitude, middle.longitude) if middle and self.latitude is not None else None
