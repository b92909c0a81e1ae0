"""Publishers, their imprints, the titles of those: related without a foreign key, by a chain, and within one table."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, foreign, mapped_column, relationship, remote

from scrypath_celery import FanOut
from scrypath_celery.declaration.registry import Schemas


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: String(100)}


class Title(Base):
    __tablename__ = "title"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    imprint_id: Mapped[int | None]
    follows_id: Mapped[int | None]
    sequels: Mapped[list[Title]] = relationship(
        primaryjoin=lambda: Title.id == remote(foreign(Title.follows_id)), viewonly=True
    )


class Imprint(Base):
    __tablename__ = "imprint"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    publisher_code: Mapped[str | None]
    titles: Mapped[list[Title]] = relationship(
        primaryjoin=lambda: Imprint.id == foreign(Title.imprint_id), viewonly=True
    )


class Publisher(Base):
    __tablename__ = "publisher"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    visits: Mapped[int] = mapped_column(default=0)
    imprints: Mapped[list[Imprint]] = relationship(
        primaryjoin=lambda: Publisher.code == foreign(Imprint.publisher_code), viewonly=True
    )


class Award(Base):
    """It refers to an imprint, and names what it depends on."""

    __tablename__ = "award"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    note: Mapped[str | None]
    imprint_id: Mapped[int | None]
    imprint: Mapped[Imprint | None] = relationship(
        primaryjoin=lambda: foreign(Award.imprint_id) == Imprint.id, viewonly=True
    )


ROWS = (
    "INSERT INTO publisher (id, code, name, visits) VALUES (1, 'a', 'Ann', 0), (2, 'b', 'Bob', 0)",
    "INSERT INTO imprint (id, name, publisher_code) VALUES (1, 'one', 'a'), (2, 'two', 'b')",
    "INSERT INTO title (id, name, imprint_id) VALUES (1, 'x', 1), (2, 'y', 2)",
    "INSERT INTO title (id, name, imprint_id, follows_id) VALUES (3, 'z', 2, 1)",
    "INSERT INTO award (id, name, imprint_id) VALUES (1, 'best', 1)",
)
"""A few of each, as a plain client inserts them."""


def declared() -> Schemas:
    """Titles and imprints are searched; publishers and awards show in their documents."""
    schemas = Schemas()
    schemas.add(Title, fields=["name"], fan_outs={"sequels": FanOut(depends_on=["name"])})
    schemas.add(Imprint, fields=["name"], fan_outs=["titles"])
    schemas.add_owner(Publisher, {"imprints": FanOut(resolve="imprints", chain=True, depends_on=["name"])})
    schemas.add_owner(Award, {"imprint": FanOut(resolve="imprint", chain=True, depends_on=["name"])})
    return schemas
