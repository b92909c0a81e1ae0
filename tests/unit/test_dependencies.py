"""Which columns a document depends on: those that are declared, where no code of the model's decides."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Computed, FetchedValue, Integer, select, text
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


class Stamped(Base):
    """Each UPDATE changes more than it names."""

    __tablename__ = "stamped"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    by_python: Mapped[int] = mapped_column(onupdate=lambda: 1)
    by_database: Mapped[int] = mapped_column(server_onupdate=FetchedValue())
    by_mariadb: Mapped[str] = mapped_column(server_default=text("CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"))
    computed: Mapped[int] = mapped_column(Computed("id + 1"))
    version = mapped_column(Integer)
    __mapper_args__ = {"version_id_col": version}


class Animal(Base):
    __tablename__ = "animal"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}


class Cat(Animal):
    __mapper_args__ = {"polymorphic_identity": "cat"}


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


@pytest.mark.parametrize("field", ["by_python", "by_database", "by_mariadb", "computed", "version"])
def test_a_column_that_every_update_changes_makes_every_update_count(field: str) -> None:
    schema = Schemas().add(Stamped, fields=["title", field])
    Base.registry.configure()
    assert schema.attributes_to_watch is None


def test_columns_that_change_when_they_are_set_are_watched() -> None:
    schema = Schemas().add(Stamped, fields=["title"])
    Base.registry.configure()
    assert schema.attributes_to_watch == frozenset({"id", "title"})


def test_a_record_that_may_leave_its_class_is_watched_for_that() -> None:
    schema = Schemas().add(Cat, fields=["name"], depends_on=["name"])
    Base.registry.configure()
    assert schema.attributes_to_watch == frozenset({"id", "name", "kind"})


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
