"""What the application's own class of sessions does to statements holds for what workers read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.source import Source


class Base(DeclarativeBase):
    """Models of their own."""


class Note(Base):
    """A row that is read as columns."""

    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


class Hiding(Session):
    """Sessions that never show some rows."""

    def execute(self, statement: Any, *args: Any, **options: Any) -> Any:
        return super().execute(statement.where(Note.text != "hidden"), *args, **options)


def test_a_session_that_executes_in_its_own_way_reads_all(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'notes.db'}")
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add_all([Note(id=1, text="shown"), Note(id=2, text="hidden")])
    source, schema = Source(lambda: sessionmaker(engine, class_=Hiding)), Schemas().add(Note, fields=["text"])
    assert source.by_columns(schema)
    assert source.read(schema, ["1", "2"]).gone == ("2",)
    assert list(source.pages(schema, 5)) == [("1",)]
    assert source.present(schema, ["1", "2"]) == {"1"}
    engine.dispose()
