"""Which columns a document depends on: those that are declared, where no code of the model's decides."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.errors import SchemaError


class Base(DeclarativeBase):
    pass


class Plain(Base):
    __tablename__ = "plain"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    views: Mapped[int]
    secret: Mapped[bool]

    @hybrid_property
    def loud(self) -> str:
        return self.title + "!"


class Own(Base):
    __tablename__ = "own"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]

    def search_document(self) -> dict[str, Any]:
        return {"id": self.id}


CASES: dict[str, tuple[type[Any], dict[str, Any], set[str] | None]] = {
    "plain columns": (Plain, {"fields": ["title"]}, {"id", "title"}),
    "a column that decides": (Plain, {"fields": ["title"], "index_if": "secret"}, {"id", "title", "secret"}),
    "a callable that decides": (Plain, {"fields": ["title"], "index_if": lambda record: True}, None),
    "a hybrid": (Plain, {"fields": ["loud"]}, None),
    "a statement of its own": (Plain, {"fields": ["title"], "select": lambda: select(Plain)}, None),
    "a projection of its own": (Own, {"fields": ["title"]}, None),
    "a projection whose columns are named": (Own, {"fields": ["title"], "depends_on": ["title"]}, {"id", "title"}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_document_depends_on_the_columns_that_it_is_made_of(name: str) -> None:
    model, declaration, expected = CASES[name]
    schema = Schemas().add(model, **declaration)
    Base.registry.configure()
    assert schema.dependencies == expected


def test_what_is_no_column_cannot_be_depended_on() -> None:
    schema = Schemas().add(Plain, fields=["title"], depends_on=["loud"])
    Base.registry.configure()
    with pytest.raises(SchemaError, match="depends_on names columns, and 'loud' is none"):
        schema.check()


def test_a_typo_in_what_is_depended_on_is_refused_with_the_nearest() -> None:
    schema = Schemas().add(Plain, fields=["title"], depends_on=["titel"])
    Base.registry.configure()
    with pytest.raises(SchemaError, match="did you mean 'title'"):
        schema.check()
