"""Tables of every shape that triggers have to know, with a `Scrypath` on them."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine, ForeignKey, String, Uuid, event, select
from sqlalchemy.ext.declarative import ConcreteBase
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from scrypath_celery import Scrypath
from scrypath_celery.ledger.tables import work


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: String(100)}


class Country(Base):
    __tablename__ = "country"
    id: Mapped[int] = mapped_column(primary_key=True)


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    country_id: Mapped[int | None] = mapped_column(ForeignKey("country.id", ondelete="CASCADE", onupdate="CASCADE"))
    visits: Mapped[int | None]


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(default="")
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id", ondelete="CASCADE", onupdate="CASCADE"))
    editor_id: Mapped[int | None] = mapped_column(ForeignKey("author.id", ondelete="SET NULL", onupdate="CASCADE"))


class Label(Base):
    """Its key is a text."""

    __tablename__ = "label"
    name: Mapped[str] = mapped_column(primary_key=True)
    note: Mapped[str] = mapped_column(default="")
    views: Mapped[int | None]


class Page(Base):
    """Its document id is another column, which may be empty."""

    __tablename__ = "page"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str | None]


class Seat(Base):
    """Its primary key is composite."""

    __tablename__ = "seat"
    row: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[str]


class Device(Base):
    """Its key is a UUID."""

    __tablename__ = "device"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    note: Mapped[str] = mapped_column(default="")


class Chip(Base):
    """Its key is a UUID that is kept as digits everywhere; a name holds what drivers take for a parameter."""

    __tablename__ = "chip"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(native_uuid=False), primary_key=True)
    share: Mapped[str] = mapped_column("share %s", default="")


class Day(Base):
    """Its key is a date."""

    __tablename__ = "day"
    id: Mapped[date] = mapped_column(primary_key=True)


class Topic(Base):
    """Its rows go with others of the same table."""

    __tablename__ = "topic"
    id: Mapped[int] = mapped_column(primary_key=True)
    above_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"))
    next_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id", ondelete="SET NULL"))


class Remark(Base):
    __tablename__ = "remark"
    id: Mapped[int] = mapped_column(primary_key=True)
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id", ondelete="CASCADE"))


class Part(Base):
    """Rows of its own table follow it, which refer to it, and none that goes with it."""

    __tablename__ = "part"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id", ondelete="CASCADE"))
    before_id: Mapped[int | None] = mapped_column(ForeignKey("part.id", ondelete="SET NULL"))


class Plant(ConcreteBase, Base):
    """Concrete inheritance: records of subclasses lie in tables of their own, and are read along."""

    __tablename__ = "plant"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(default="")
    __mapper_args__ = {"polymorphic_identity": "plant", "concrete": True}


class Tree(Plant):
    __tablename__ = "tree"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(default="")
    __mapper_args__ = {"polymorphic_identity": "tree", "concrete": True}


class Vehicle(Base):
    __tablename__ = "vehicle"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "vehicle"}


class Truck(Vehicle):
    """Joined inheritance: its records lie in two tables."""

    __tablename__ = "truck"
    id: Mapped[int] = mapped_column(ForeignKey("vehicle.id", ondelete="CASCADE"), primary_key=True)
    load: Mapped[int] = mapped_column(default=0)
    __mapper_args__ = {"polymorphic_identity": "truck"}


class Shape(Base):
    __tablename__ = "shape"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "shape"}


class Circle(Shape):
    """Single-table inheritance: its records lie among others."""

    __mapper_args__ = {"polymorphic_identity": "circle"}


MODELS: dict[type[Any], dict[str, Any]] = {
    Book: {"fields": ["title"], "depends_on": ["title", "author_id", "editor_id"]},
    Label: {"fields": ["note"]},
    Page: {"fields": ["slug"], "document_id": "slug"},
    Seat: {"fields": ["place"], "document_id": "place"},
    Device: {"fields": ["note"]},
    Chip: {"fields": ["share"]},
    Day: {"fields": []},
    Topic: {"fields": ["above_id", "next_id"]},
    Remark: {"fields": ["topic_id"]},
    Part: {"fields": ["before_id"]},
    Plant: {"fields": ["name"]},
    Truck: {"fields": ["name", "load"], "index": "truck"},
    Circle: {"fields": ["kind"], "index": "circle"},
}


def open_library(engine: Engine, **options: Any) -> Scrypath:
    """The tables, the ledger, and the declarations; no trigger yet."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = on"))
    search = Scrypath(None, database=engine, **options)
    for model, declaration in MODELS.items():
        search.schema(**declaration)(model)
    Base.metadata.create_all(engine)
    search.ledger.create_all()
    return search


def works(connection: Connection, index_uid: str) -> list[tuple[str, list[str]]]:
    """Operation and sorted ids of each work of an index that this transaction sees."""
    query = select(work.c.operation, work.c.ids).where(work.c.index_uid == index_uid).order_by(work.c.id)
    return [(operation, sorted(ids)) for operation, ids in connection.execute(query)]
