"""Where schedules are played: one database in memory for all of them, with a clock that the schedule turns."""

from __future__ import annotations

from typing import Any

from sqlalchemy import create_engine, delete, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker
from sqlalchemy.pool import StaticPool

from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.ledger import Ledger, engine_uids, indexes, tables
from scrypath_celery.source import Source


class Base(DeclarativeBase):
    pass


class Record(Base):
    __tablename__ = "record"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]

    @property
    def doubled(self) -> int:
        return 2 * self.version


class Stage:
    """A database with the application's table and the ledger; its time is `clock` (seconds)."""

    def __init__(self) -> None:
        self.clock = 0
        self.engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        event.listen(self.engine, "connect", self._set_clock)
        Base.metadata.create_all(self.engine)
        self.ledger = Ledger(lambda: self.engine)
        self.ledger.create_all()
        self.schemas = Schemas()
        self.schema = self.schemas.add(Record, fields=["version"])
        sessions = sessionmaker(self.engine)
        self.source = Source(lambda: sessions)

    def clear(self) -> None:
        """Forget all records, works, claims and indexes."""
        self.clock = 1_000_000
        with self.engine.begin() as connection:
            for table in (Record.__table__, tables.work, tables.claim, tables.index):
                connection.execute(delete(table))  # type: ignore[arg-type]
            indexes.ensure(connection, self.schema.uid)
            engine_uids.note(connection, self.schema.uid, self.schema.uid)  # whose it is, is no question here

    def close(self) -> None:
        """Close the database."""
        self.engine.dispose()

    def _set_clock(self, connection: Any, _: Any) -> None:
        connection.create_function("julianday", 1, lambda when: self.clock / 86400.0 + 2440587.5)
