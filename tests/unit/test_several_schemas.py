"""Several schemas of one class: declared, named, and found again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from scrypath_celery import Scrypath
from scrypath_celery.declaration import changes
from scrypath_celery.declaration.document import project
from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.errors import ProjectionError, SchemaError


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    posts: Mapped[list[Post]] = relationship(back_populates="author")


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(default="post")
    title: Mapped[str]
    notes: Mapped[str] = mapped_column(default="")
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author | None] = relationship(back_populates="posts")

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "post"}

    def search_document(self) -> dict[str, Any]:
        return {"title": self.title.upper()}


class Essay(Post):
    __mapper_args__ = {"polymorphic_identity": "essay"}


def internal(post: Post) -> dict[str, Any]:
    return {"title": post.title, "notes": post.notes}


def shouted(post: Post) -> dict[str, Any]:
    return {"title": post.title.upper(), "notes": post.notes}


@pytest.fixture
def schemas() -> Schemas:
    """A public index that goes by the class's name, and an internal one."""
    schemas = Schemas()
    schemas.add(Post, fields=["title"])
    schemas.add(Post, name="posts_internal", fields=["title", "notes"], document=internal)
    return schemas


def names(found: Any) -> list[str]:
    return [schema.name for schema in found]


def test_each_schema_has_a_name_and_an_index_of_its_own(schemas: Schemas) -> None:
    assert [(schema.name, schema.uid) for schema in schemas] == [("Post", "post"), ("posts_internal", "posts_internal")]
    assert len(schemas) == 2


def test_decorators_can_be_stacked() -> None:
    schemas = Schemas()
    schemas.declare(name="posts_internal")(schemas.declare(name="posts_public")(Post))
    assert names(schemas.all_of(Post)) == ["posts_public", "posts_internal"]


@pytest.mark.parametrize("target", [Post, Post(), Essay, Essay()])
def test_where_one_is_needed_a_class_with_several_is_refused_by_their_names(schemas: Schemas, target: Any) -> None:
    with pytest.raises(SchemaError, match=r"^Post has several search schemas: name one of Post, posts_internal$"):
        schemas.of(target)


@pytest.mark.parametrize("name", ["Post", f"{__name__}.Post"])
def test_a_schema_that_goes_by_the_name_of_its_class_is_found_by_it(schemas: Schemas, name: str) -> None:
    assert names(schemas.all_of(name)) == ["Post"]
    assert names([schemas.searched(name)]) == ["Post"]


@pytest.mark.parametrize("name", ["Post", f"{__name__}.Post"])
def test_the_name_of_a_class_stands_for_all_its_schemas_where_none_is_called_so(name: str) -> None:
    schemas = Schemas()
    schemas.add(Post, name="posts_public")
    schemas.add(Post, name="posts_internal")
    assert names(schemas.all_of(name)) == ["posts_public", "posts_internal"]
    with pytest.raises(SchemaError, match=r"name one of posts_public, posts_internal$"):
        schemas.of(name)


def test_a_schema_is_found_by_its_name(schemas: Schemas) -> None:
    assert schemas.of("posts_internal").uid == "posts_internal"
    with pytest.raises(SchemaError, match=r"^no schema 'post_internal'; did you mean 'posts_internal'\?$"):
        schemas.of("post_internal")


def test_a_record_is_held_by_the_schemas_of_its_class_and_of_its_bases(schemas: Schemas) -> None:
    schemas.add(Essay, index="essays")
    schemas.add(Essay, name="essays_internal")
    assert names(schemas.covering(Essay)) == ["Essay", "essays_internal", "Post", "posts_internal"]
    assert names(schemas.of_record(Essay(), "posts_internal")) == ["posts_internal"]
    assert names(schemas.of_record(Post())) == ["Post", "posts_internal"]
    with pytest.raises(SchemaError, match=r"Post has no schema 'Essay': its schemas are Post, posts_internal$"):
        schemas.of_record(Post(), "Essay")


def test_a_further_schema_needs_a_name() -> None:
    schemas = Schemas()
    schemas.add(Post)
    with pytest.raises(SchemaError, match=r"Post is declared twice: give the further schema a name=$"):
        schemas.add(Post, index="posts_internal")


@pytest.mark.parametrize("name", ["posts_internal", "Post"])
def test_names_are_unique_across_classes(schemas: Schemas, name: str) -> None:
    with pytest.raises(SchemaError, match=r"have one name: give one of them another name=$"):
        schemas.add(Essay, name=name, index="essays")


def test_a_class_of_the_name_of_another_schema_is_refused() -> None:
    schemas = Schemas()
    schemas.add(Post, name="Essay")
    with pytest.raises(SchemaError, match="have one name"):
        schemas.add(Essay, index="essays")


def test_an_index_belongs_to_one_schema(schemas: Schemas) -> None:
    with pytest.raises(SchemaError, match=r"\(second\) and .*Post \(posts_internal\) have one index, 'posts_internal'"):
        schemas.add(Post, name="second", index="posts_internal")


@pytest.mark.parametrize("name", ["", "-A", "a b", "x" * 101, 7])
def test_a_name_is_a_word_that_a_command_line_can_hold(name: Any) -> None:
    with pytest.raises(SchemaError, match=r"name .* must be 1 to 100 of a-z, A-Z, 0-9, - and _"):
        Schemas().add(Post, name=name)


def test_a_projection_must_be_a_function() -> None:
    with pytest.raises(SchemaError, match="document must be a function of a record, not 'title'"):
        Schemas().add(Post, document="title")  # type: ignore[arg-type]


def test_each_schema_has_documents_of_its_own(schemas: Schemas) -> None:
    post = Post(id=7, title="Hello", notes="secret")
    assert project(schemas.of("Post"), post) == {"id": 7, "title": "HELLO"}
    assert project(schemas.of("posts_internal"), post) == {"id": 7, "title": "Hello", "notes": "secret"}


def test_the_source_of_a_projection_is_part_of_the_declaration() -> None:
    declared = []
    for function in (internal, shouted):
        schemas = Schemas()
        declared.append(schemas.add(Post, name="posts_internal", fields=["title"], document=function))
    one, other = declared
    assert set(one.sources) == {"document"}
    assert one.fingerprint() != other.fingerprint()
    assert [change.name for change in changes.changes(one.declared, other.declared)] == ["document"]
    assert not one.plain


def test_the_default_document_of_a_projection_is_that_of_its_schema() -> None:
    search = Scrypath()
    search.schema(fields=["title"])(Post)

    def with_length(post: Post) -> dict[str, Any]:
        return {**search.default_document(post), "length": len(post.title)}

    search.schema(name="posts_internal", fields=["notes"], document=with_length)(Post)
    post = Post(id=7, title="Hello", notes="secret")
    assert search.document(post, "posts_internal") == {"id": 7, "notes": "secret", "length": 5}
    assert search.default_document(post, "Post") == {"id": 7, "title": "Hello"}
    with pytest.raises(SchemaError, match="several search schemas: name one of Post, posts_internal"):
        search.document(post)


def test_a_projection_may_start_from_the_document_of_another_schema() -> None:
    search = Scrypath()
    search.schema(fields=["title"])(Post)
    search.schema(name="internal", document=lambda post: {**search.document(post, "Post"), "notes": post.notes})(Post)
    search.schema(name="endless", document=lambda post: search.document(post))(Post)
    post = Post(id=7, title="Hello", notes="secret")
    assert search.document(post, "internal") == {"id": 7, "title": "HELLO", "notes": "secret"}
    with pytest.raises(ProjectionError, match=r"^endless 7: <lambda> cannot call search.document, which calls it"):
        search.document(post, "endless")


def test_a_projection_that_gives_no_document_is_named(schemas: Schemas) -> None:
    schemas.add(Post, name="broken", document=lambda post: [])  # type: ignore[arg-type, return-value]
    with pytest.raises(ProjectionError, match=r"^broken 7: <lambda> has to return a dict"):
        project(schemas.of("broken"), Post(id=7, title=""))


def test_fan_outs_lead_to_every_index_of_their_target(schemas: Schemas) -> None:
    schemas.add_owner(Author, ["posts"])
    (owner,) = schemas.routes.owners_of(Author)
    assert [(route.key, route.target.name) for route in schemas.routes.of(owner)] == [
        ("Author.posts", "Post"),
        ("Author.posts", "posts_internal"),
    ]


def test_each_schema_of_an_owner_may_have_fan_outs(schemas: Schemas) -> None:
    schemas.add(Author, name="authors", fan_outs=["posts"])
    schemas.add(Author, name="writers", fan_outs=["posts"])
    assert [owner.name for owner in schemas.routes.owners_of(Author)] == ["authors", "writers"]
    assert {route.key for route in schemas.routes} == {"authors.posts", "writers.posts"}
