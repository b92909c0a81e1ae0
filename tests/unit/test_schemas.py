"""Declaring schemas, and finding them again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, Table
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, configure_mappers, mapped_column, registry, relationship

from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.errors import SchemaError


class Base(DeclarativeBase):
    pass


class Writer(Base):
    __tablename__ = "writer"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Article(Base):
    __tablename__ = "article"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    title: Mapped[str]
    writer_id: Mapped[int] = mapped_column(ForeignKey("writer.id"))
    writer: Mapped[Writer] = relationship(backref="articles")
    writer_name: AssociationProxy[str] = association_proxy("writer", "name")

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "article"}

    @hybrid_property
    def long(self) -> bool:
        return self.title == "long"

    @property
    def shout(self) -> str:
        return self.title.upper()

    def rename(self) -> None: ...


class Essay(Article):
    __mapper_args__ = {"polymorphic_identity": "essay"}


class Place(Base):
    __tablename__ = "place"
    row: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]

    @property
    def code(self) -> str:
        return f"{self.row}-{self.number}"


@pytest.fixture
def schemas() -> Schemas:
    return Schemas()


def test_the_decorator_gives_the_class_back_as_it_is(schemas: Schemas) -> None:
    assert schemas.declare(fields=["title"])(Article) is Article
    schema = schemas.of(Article)
    assert (schema.uid, schema.name, schema.key) == ("article", "Article", "id")
    assert schema.path == f"{__name__}.Article"


def test_declaring_configures_no_mapper() -> None:
    class Own(DeclarativeBase):
        pass

    schemas = Schemas()

    @schemas.declare(fields=["title", "owner_name"], filterable=["parts"], index_if="title")
    class Early(Own):
        __tablename__ = "early"
        id: Mapped[int] = mapped_column(primary_key=True)
        title: Mapped[str]
        late_id: Mapped[int] = mapped_column(ForeignKey("late.id"))
        late: Mapped[Any] = relationship("Late", backref="earlies")

    schema = schemas.of(Early)
    assert schema.names == ("id", "title", "owner_name", "parts")
    schemas.check()
    assert schema.counted_by_database
    assert schema.declared_settings()["searchableAttributes"] == ["title", "owner_name"]
    assert not Early.__mapper__.configured

    class Late(Own):
        __tablename__ = "late"
        id: Mapped[int] = mapped_column(primary_key=True)

    configure_mappers()
    with pytest.raises(SchemaError, match="'owner_name'"):
        schemas.check()
    assert hasattr(Late, "earlies")


def test_a_field_may_come_from_a_class_that_is_declared_later() -> None:
    class Own(DeclarativeBase):
        pass

    class Parent(Own):
        __tablename__ = "parent"
        id: Mapped[int] = mapped_column(primary_key=True)

    configure_mappers()
    schemas = Schemas()
    schemas.add(Parent, fields=["kids"])

    class Kid(Own):
        __tablename__ = "kid"
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int] = mapped_column(ForeignKey("parent.id"))
        parent: Mapped[Parent] = relationship(backref="kids")

    schemas.check()
    configure_mappers()
    with pytest.raises(SchemaError, match=r"Parent\.kids is a relationship"):
        schemas.check()
    assert Kid.__tablename__ == "kid"


def test_columns_hybrids_properties_and_proxies_are_fields(schemas: Schemas) -> None:
    configure_mappers()
    schemas.add(Article, fields=["title", "shout", "writer_name"], filterable=["long"])
    schemas.check()


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ({"fields": ["titel"]}, "no field 'titel'; did you mean 'title'"),
        ({"filterable": ["shoutt"]}, "did you mean 'shout'"),
        ({"sortable": ["lang"]}, "did you mean 'long'"),
        ({"fields": ["writer"]}, "relationship"),
        ({"fields": ["rename"]}, "no field 'rename'"),
        ({"tenant_field": "tenant"}, "no field 'tenant'"),
        ({"index_if": "longg"}, "did you mean 'long'"),
        ({"document_id": "shout"}, "must be a column or a hybrid"),
        ({"document_id": "nope"}, "no field 'nope'"),
    ],
)
def test_a_wrong_name_is_refused_once_the_mappers_are_configured(
    schemas: Schemas, declaration: Any, message: str
) -> None:
    configure_mappers()
    schemas.add(Article, **declaration)
    with pytest.raises(SchemaError, match=message):
        schemas.check()


def test_names_are_free_where_the_model_builds_its_own_document() -> None:
    class Own(DeclarativeBase):
        pass

    class Free(Own):
        __tablename__ = "free"
        id: Mapped[int] = mapped_column(primary_key=True)

        def search_document(self) -> dict[str, Any]:
            return {"anything": 1}

    configure_mappers()
    schemas = Schemas()
    schemas.add(Free, fields=["anything"], filterable=["_geo"])
    schemas.check()


def test_classes_of_somebody_elses_are_declared_by_a_call(schemas: Schemas) -> None:
    class Imported:
        pass

    other = registry()
    table = Table("imported", other.metadata, Column("key", Integer, primary_key=True), Column("name", String))
    other.map_imperatively(Imported, table)
    assert schemas.declare(fields=["name"])(Imported) is Imported
    assert (schemas.of(Imported).uid, schemas.of(Imported).key) == ("imported", "key")
    other.dispose()


def test_the_column_of_a_key_may_have_another_name_than_its_attribute(schemas: Schemas) -> None:
    class Own(DeclarativeBase):
        pass

    class Renamed(Own):
        __tablename__ = "renamed"
        identity: Mapped[int] = mapped_column("id", primary_key=True)

    assert schemas.add(Renamed).key == "identity"


@pytest.mark.parametrize(
    ("model", "declaration", "message"),
    [
        (int, {}, "not a mapped class"),
        (Article, {"index": "a b"}, "1 to 400"),
        (Article, {"index": "x" * 401}, "1 to 400"),
        (Article, {"index": "art\u00efcle"}, "1 to 400"),
        (Article, {"index": "a\n"}, "1 to 400"),
        (Article, {"fields": "title"}, "list of names, not str"),
        (Article, {"sortable": [1]}, "list of names"),
        (Article, {"settings": {"rankingRule": []}}, "unknown setting 'rankingRule'; did you mean 'ranking_rules'"),
        (Article, {"settings": {"filterableAttributes": []}}, "declare filterableAttributes as filterable="),
        (Article, {"feilds": ["title"]}, "unknown option 'feilds' of a schema; did you mean 'fields'"),
        (Place, {}, "composite primary key"),
    ],
)
def test_a_wrong_declaration_is_refused_by_name(
    schemas: Schemas, model: type[Any], declaration: Any, message: str
) -> None:
    with pytest.raises(SchemaError, match=message):
        schemas.add(model, **declaration)
    assert len(schemas) == 0


def test_a_composite_key_names_its_document_id(schemas: Schemas) -> None:
    assert schemas.add(Place, document_id="label").key == "label"


def test_two_schemas_with_one_index_are_refused(schemas: Schemas) -> None:
    schemas.add(Article)
    with pytest.raises(SchemaError, match=r"Writer and .*Article have one index, 'article'"):
        schemas.add(Writer, index="article")
    with pytest.raises(SchemaError, match="declared twice"):
        schemas.add(Article, index="other")


def test_an_undeclared_subclass_uses_its_bases_schema(schemas: Schemas) -> None:
    base = schemas.add(Article)
    assert schemas.of(Essay) is base
    assert schemas.of(Essay(title="x")) is base
    own = schemas.add(Essay, index="essays")
    assert schemas.of(Essay) is own
    assert schemas.covering(Essay) == (own, base)
    assert schemas.covering(Article) == (base,)


def test_an_undeclared_subclass_cannot_be_searched(schemas: Schemas) -> None:
    base = schemas.add(Article)
    assert schemas.searched(Article) is schemas.searched("Article") is base
    with pytest.raises(SchemaError, match="Essay has no search schema of its own: search Article"):
        schemas.searched(Essay)
    own = schemas.add(Essay, index="essays")
    assert schemas.searched(Essay) is own


def test_schemas_are_found_by_class_name_path_and_index(schemas: Schemas) -> None:
    schema = schemas.add(Article)
    assert schemas.of("Article") is schemas.of(f"{__name__}.Article") is schemas.of(schema) is schema
    assert schemas.by_uid("article") is schema
    assert schemas.by_uid("nothing") is None
    assert list(schemas) == [schema]


def test_an_unknown_name_is_answered_with_the_nearest(schemas: Schemas) -> None:
    schemas.add(Article)
    with pytest.raises(SchemaError, match="no schema 'Artikle'; did you mean 'Article'"):
        schemas.of("Artikle")
    with pytest.raises(SchemaError, match="Writer has no search schema; declared are Article"):
        schemas.of(Writer)


def test_an_ambiguous_name_lists_the_paths(schemas: Schemas) -> None:
    class Own(DeclarativeBase):
        pass

    other = type("Article", (Own,), {"__tablename__": "other", "id": mapped_column(Integer, primary_key=True)})
    schemas.add(Article)
    schemas.add(other)
    with pytest.raises(SchemaError, match=rf"'Article' is ambiguous: {__name__}\.Article, "):
        schemas.of("Article")


def test_only_what_is_declared_is_in_the_settings(schemas: Schemas) -> None:
    schema = schemas.add(
        Article,
        fields=["title"],
        filterable=["long"],
        sortable=["id"],
        faceting={"attributes": ["long", "kind"], "maxValuesPerFacet": 7},
        settings={"stopWords": ["the"]},
        tenant_field="writer_id",
    )
    assert schema.declared_settings() == {
        "searchableAttributes": ["title"],
        "filterableAttributes": ["long", "kind", "writer_id"],
        "sortableAttributes": ["id"],
        "faceting": {"maxValuesPerFacet": 7},
        "stopWords": ["the"],
    }
    assert schema.names == ("id", "title", "long", "kind", "writer_id")


def test_the_fingerprint_follows_what_is_declared() -> None:
    def fingerprint(**declaration: Any) -> str:
        return Schemas().add(Article, **declaration).fingerprint()

    same = fingerprint(fields=["title"])
    assert same == fingerprint(fields=["title"])
    others = [
        fingerprint(fields=["title", "kind"]),
        fingerprint(fields=["title"], filterable=["kind"]),
        fingerprint(fields=["title"], settings={"stopWords": ["a"]}),
        fingerprint(fields=["title"], document_id="title"),
    ]
    assert len({same, *others}) == 5


def test_the_database_counts_by_column_or_hybrid_alone() -> None:
    def counted(index_if: Any) -> bool:
        return Schemas().add(Article, index_if=index_if).counted_by_database

    assert counted(None)
    assert counted("long")
    assert counted("kind")
    assert not counted("shout")
    assert not counted(lambda article: True)
