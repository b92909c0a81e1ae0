"""Tracking names the classes whose documents change without an event, and what to do about it."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from scrypath_celery.capture.track import Tracker
from scrypath_celery.declaration.registry import Schemas
from tests.blog import Blog


class Base(DeclarativeBase):
    pass


shelf_mark = Table(
    "shelf_mark",
    Base.metadata,
    Column("shelf_id", ForeignKey("shelf.id", ondelete="CASCADE"), primary_key=True),
    Column("mark_id", ForeignKey("mark.id", ondelete="CASCADE"), primary_key=True),
)


class Mark(Base):
    __tablename__ = "mark"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    shelves: Mapped[list[Shelf]] = relationship(secondary=shelf_mark, back_populates="marks")


class Room(Base):
    __tablename__ = "room"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Shelf(Base):
    __tablename__ = "shelf"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    room_id: Mapped[int | None] = mapped_column(ForeignKey("room.id", ondelete="SET NULL", onupdate="CASCADE"))
    above_id: Mapped[int | None] = mapped_column(ForeignKey("shelf.id", ondelete="CASCADE"))
    room: Mapped[Room | None] = relationship()
    marks: Mapped[list[Mark]] = relationship(secondary=shelf_mark, back_populates="shelves")

    @property
    def mark_names(self) -> list[str]:
        return [mark.name for mark in self.marks]


class DeepShelf(Shelf):
    """Its table is joined by a foreign key that cascades: what it deletes is its own row."""

    __tablename__ = "deep_shelf"
    id: Mapped[int] = mapped_column(ForeignKey("shelf.id", ondelete="CASCADE"), primary_key=True)
    floor_id: Mapped[int | None] = mapped_column(ForeignKey("room.id", ondelete="SET DEFAULT", onupdate="SET NULL"))


OF_COLUMNS = [
    "Shelf is reached by ON DELETE CASCADE of shelf: .* call delete_documents",
    "Shelf is reached by ON DELETE SET NULL of room: .* call sync_records",
    "Shelf is reached by ON UPDATE CASCADE of room: .* call sync_records",
]
OF_RELATED = [
    "documents of Shelf may show Mark, Room: .* call sync_records",
]
OF_DEEP = [
    OF_COLUMNS[0].replace("Shelf is", "DeepShelf is"),
    "DeepShelf is reached by ON DELETE SET DEFAULT of room: .* call sync_records",
    "DeepShelf is reached by ON DELETE SET NULL of room: .* call sync_records",
    "DeepShelf is reached by ON UPDATE CASCADE of room: .* call sync_records",
    "DeepShelf is reached by ON UPDATE SET NULL of room: .* call sync_records",
]


def said(blog: Blog, model: Any, **declaration: Any) -> list[str]:
    """What tracking warns of, for one declared class."""
    Base.registry.configure()
    schemas = Schemas()
    schemas.add(model, **declaration)
    tracker = Tracker(schemas, blog.capture)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tracker.track(blog.make)
        tracker.track(blog.make)
    tracker.untrack(blog.make)
    return [str(one.message) for one in caught]


@pytest.mark.parametrize(
    ("model", "declaration", "expected"),
    [
        (Shelf, {"fields": ["name"]}, OF_COLUMNS),
        (Shelf, {"fields": ["name", "mark_names"]}, OF_COLUMNS + OF_RELATED),
        (Shelf, {"fields": ["name"], "index_if": lambda shelf: shelf.room is not None}, OF_COLUMNS + OF_RELATED),
        (DeepShelf, {"fields": ["name"]}, OF_DEEP),
        (Room, {"fields": ["name"]}, []),
    ],
    ids=["columns alone", "a property", "a condition", "joined tables", "nothing reaches it"],
)
def test_a_class_that_changes_unseen_is_named_once(
    blog: Blog, model: Any, declaration: dict[str, Any], expected: list[str]
) -> None:
    found = said(blog, model, **declaration)
    assert [bool(re.fullmatch(pattern + ".*", message)) for pattern, message in zip(expected, found, strict=True)] == [
        True for _ in expected
    ], found
