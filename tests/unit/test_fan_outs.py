"""Declarations of fan-outs: what they take, and what is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from scrypath_celery.declaration.fan_out import FanOut
from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.errors import SchemaError
from tests.related.library import Author, Book, Copy, Review, Shelf, Tag

GOOD: dict[str, tuple[Any, str | None]] = {
    "a list of relationships": (["books"], "books"),
    "a relationship under another name": ({"works": "books"}, "books"),
    "a relationship that is found": ({"works": FanOut(target=Book)}, "books"),
    "a target by name": ({"works": FanOut(target="Book", resolve="books")}, "books"),
    "a callable": ({"works": FanOut(target=Book, resolve=lambda author: [])}, None),
    "the name of a relationship": ({"books": FanOut(depends_on=["name"])}, "books"),
}


@pytest.mark.parametrize("form", GOOD)
def test_a_fan_out_is_declared_in_several_forms(form: str) -> None:
    given, relationship = GOOD[form]
    schemas = Schemas()
    schemas.add_owner(Author, given)
    schemas.add(Book, fields=["title"])
    schemas.check()
    [route] = schemas.routes
    assert (route.target.model, route.relationship) == (Book, relationship)
    assert route.key == f"Author.{next(iter(given))}"


WRONG: dict[str, tuple[Any, str]] = {
    "a misspelt relationship": (["boks"], r"Author has no relationship 'boks'; did you mean 'books'\?"),
    "a misspelt target": ({"books": FanOut(target="Bok", resolve="books")}, r"no schema 'Bok'; did you mean 'Book'\?"),
    "a target without an index": ({"books": FanOut(target=Shelf)}, "Shelf has no search schema"),
    "another target": ({"books": FanOut(target=Tag, resolve="books")}, r"Author.books leads to Book, not Tag"),
    "no way to the target": ({"tags": FanOut(target=Tag)}, "no relationships of Author lead to Tag: give resolve="),
    "a callable without a target": ({"books": FanOut(resolve=lambda author: [])}, "must name its target="),
    "a column that is none": (
        {"books": FanOut(depends_on=["nam"])},
        r"depends_on names columns, and 'nam' is none; did you mean 'name'\?",
    ),
    "a string of columns": ({"books": FanOut(depends_on="name")}, "depends_on must be a list of columns"),
    "a string": ("books", "must be a list of relationships or a mapping"),
    "something else": ({"books": 5}, "must be a FanOut or the name of a relationship, not int"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_fan_out_that_leads_nowhere_is_refused_by_name(case: str) -> None:
    given, message = WRONG[case]
    schemas = Schemas()
    schemas.add(Book, fields=["title"])
    schemas.add(Tag, fields=["name"])
    with pytest.raises(SchemaError, match=message):
        declare(schemas, given)


def declare(schemas: Schemas, given: Any) -> None:
    schemas.add_owner(Author, given)
    schemas.check()


def test_a_misspelt_option_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(SchemaError, match=r"unknown option 'fan_out' of a schema; did you mean 'fan_outs'\?"):
        Schemas().add(Tag, fields=["name"], fan_out=["books"])  # type: ignore[call-arg]


def test_chained_fan_outs_that_lead_in_a_circle_are_refused_at_their_declaration() -> None:
    schemas = Schemas()
    schemas.add(Book, fields=["title"], fan_outs={"tags": FanOut(target=Tag, resolve="tags", chain=True)})
    with pytest.raises(SchemaError, match="chain=True lead in a circle: Book -> Tag -> Book"):
        schemas.add(Tag, fields=["name"], fan_outs={"books": FanOut(target=Book, chain=True)})


def test_a_circle_of_relationships_is_refused_once_they_are_known() -> None:
    schemas = Schemas()
    schemas.add(Book, fields=["title"], fan_outs={"tags": FanOut(resolve="tags", chain=True)})
    schemas.add(Tag, fields=["name"], fan_outs={"books": FanOut(resolve="books", chain=True)})
    with pytest.raises(SchemaError, match="circle"):
        schemas.check()


def test_fan_outs_that_do_not_follow_each_other_may_lead_to_each_other() -> None:
    schemas = Schemas()
    schemas.add(Book, fields=["title"], fan_outs=["tags"])
    schemas.add(Tag, fields=["name"], fan_outs=["books"])
    schemas.check()
    assert [route.key for route in schemas.routes] == ["Book.tags", "Tag.books"]


def test_a_composite_key_will_do_where_the_owner_names_its_target() -> None:
    schemas = Schemas()
    schemas.add(Book, fields=["title"])
    schemas.add_owner(Review, ["book"])
    schemas.add_owner(Copy, ["book"])
    schemas.check()
    assert all(route.is_reference for route in schemas.routes)


def test_a_composite_key_will_not_do_where_it_must_be_remembered() -> None:
    schemas = Schemas()
    schemas.add(Book, fields=["title"])
    schemas.add_owner(Review, {"all": FanOut(target=Book, resolve=lambda review: [])})
    with pytest.raises(SchemaError, match="composite primary key"):
        schemas.check()


def test_a_class_declares_its_fan_outs_once() -> None:
    schemas = Schemas()
    schemas.add(Tag, fields=["name"])
    with pytest.raises(SchemaError, match="Tag is declared twice"):
        schemas.add_owner(Tag, ["books"])
    schemas.add_owner(Author, ["books"])
    with pytest.raises(SchemaError, match="declare them in its schema, as fan_outs="):
        schemas.add(Author, fields=["name"])
