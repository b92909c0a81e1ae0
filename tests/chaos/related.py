"""Entries whose documents show related records: owners, and labels by links, all written by plain statements."""

from __future__ import annotations

import random
from typing import Any

from sqlalchemy import Column, Engine, ForeignKey, Table, event, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload

from scrypath_celery import Scrypath
from tests.chaos.base import Base

ENTRIES, OTHERS = 40, 8

_FOLLOWS: dict[str, Any] = {"ondelete": "CASCADE", "onupdate": "CASCADE"}
labelled = Table(
    "labelled",
    Base.metadata,
    Column("entry_id", ForeignKey("entries.id", **_FOLLOWS), primary_key=True),
    Column("label_id", ForeignKey("labels.id", **_FOLLOWS), primary_key=True),
)


class Owner(Base):
    """Its name stands in the documents of its entries."""

    __tablename__ = "owners"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
    entries: Mapped[list[Entry]] = relationship(back_populates="owner")


class Label(Base):
    """Its name stands in the documents of all entries that have it."""

    __tablename__ = "labels"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
    entries: Mapped[list[Entry]] = relationship(secondary=labelled, back_populates="labels")


class Entry(Base):
    """What is indexed."""

    __tablename__ = "entries"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id", ondelete="SET NULL", onupdate="CASCADE"))
    owner: Mapped[Owner | None] = relationship(back_populates="entries")
    labels: Mapped[list[Label]] = relationship(secondary=labelled, back_populates="entries")

    def search_document(self) -> dict[str, Any]:
        """The document."""
        labels = sorted(label.version for label in self.labels)
        return {"id": self.id, "owner": self.owner and self.owner.version, "labels": labels}


def declare(search: Scrypath, engine: Engine) -> None:
    """Declare entries and what leads to them."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = on"))
    search.schema(fields=["owner", "labels"])(Entry)
    search.fan_outs("entries")(Owner)
    search.fan_outs("entries")(Label)


STATEMENTS = (
    ["UPDATE owners SET version = :version WHERE id = :one"],
    ["UPDATE labels SET version = :version WHERE id BETWEEN :one AND :other"],
    ["DELETE FROM owners WHERE id = :one", "INSERT INTO owners (id, version) VALUES (:one, :version)"],
    ["DELETE FROM labels WHERE id = :one", "INSERT INTO labels (id, version) VALUES (:one, :version)"],
    ["DELETE FROM owners WHERE id = :away", "UPDATE owners SET id = :away WHERE id = :one"],
    ["DELETE FROM labels WHERE id = :away", "UPDATE labels SET id = :away WHERE id = :one"],
    ["DELETE FROM owners WHERE id > :one"],
    ["UPDATE entries SET owner_id = (SELECT id FROM owners WHERE id = :one) WHERE id BETWEEN :low AND :high"],
    ["DELETE FROM entries WHERE id BETWEEN :low AND :high"],
    ["DELETE FROM entries WHERE id = :low", "INSERT INTO entries (id) VALUES (:low)"],
    ["DELETE FROM labelled WHERE label_id = :one AND entry_id < :low"],
    [
        "DELETE FROM labelled WHERE label_id = :one",
        (
            "INSERT INTO labelled SELECT entries.id, labels.id FROM entries, labels"
            " WHERE labels.id = :one AND entries.id BETWEEN :low AND :high"
        ),
    ],
    [
        "DELETE FROM labelled WHERE label_id = :other",
        (
            "UPDATE labelled SET label_id = :other WHERE label_id = :one"
            " AND EXISTS (SELECT 1 FROM labels WHERE labels.id = :other)"
        ),
    ],
)


def fill(engine: Engine) -> None:
    """The first rows; entries that are there stay."""
    with Session(engine) as session:
        for id in range(OTHERS):
            session.merge(Owner(id=id, version=id))
            session.merge(Label(id=id, version=id))
        for id in range(ENTRIES):
            session.merge(Entry(id=id, owner_id=id % OTHERS))
        session.commit()


def write(engine: Engine, chance: random.Random) -> None:
    """Change some rows by statements of a plain client, in one transaction."""
    low, one = chance.randrange(ENTRIES), chance.randrange(OTHERS)
    row = {
        "low": low,
        "high": low + 5,
        "one": one,
        "other": (one + 1) % OTHERS,
        "away": OTHERS + one,
        "version": chance.randrange(1_000_000_000),
    }
    with engine.begin() as connection:
        for statement in chance.choice(STATEMENTS):
            names = {name: value for name, value in row.items() if f":{name}" in statement}
            connection.execute(text(statement), names)


def wanted(engine: Engine) -> dict[int, Any]:
    """Id and document of each entry."""
    loaded = select(Entry).options(selectinload(Entry.labels), selectinload(Entry.owner))
    with Session(engine) as session:
        return {entry.id: entry.search_document() for entry in session.scalars(loaded)}
