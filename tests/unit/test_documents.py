"""The rules by which a record becomes a document."""

from __future__ import annotations

import enum
from collections import OrderedDict, UserDict
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import orjson
import pytest
from sqlalchemy import JSON, Date, Integer, LargeBinary, Numeric, String, Uuid
from sqlalchemy import Enum as EnumType
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from scrypath_celery.declaration.document import default_document, document_id, encode, project
from scrypath_celery.declaration.document_ids import id_text, id_value, valid_id
from scrypath_celery.declaration.json_values import json_value
from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.declaration.schema import Schema
from scrypath_celery.errors import ProjectionError, SchemaError


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
    tenant: Mapped[str | None]
    slug: Mapped[str | None]


class Own(Base):
    """Builds its document itself."""

    __tablename__ = "own"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    answer: ClassVar[Any] = None

    def search_document(self) -> Any:
        return self.answer


class Colour(enum.Enum):
    RED = "red"
    WHEN = date(2026, 5, 1)


class Level(enum.IntEnum):
    HIGH = 3


def declared(model: type[Any], **declaration: Any) -> Schema:
    return Schemas().add(model, **declaration)


def own(answer: Any, **declaration: Any) -> dict[str, Any]:
    record = Own(id=5, tenant="acme")
    vars(record)["answer"] = answer
    return project(declared(Own, **declaration), record)


WINTER = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        (None, None),
        (True, True),
        (2**64 - 1, 2**64 - 1),
        (1.5, 1.5),
        (Decimal("12"), 12),
        (Decimal("12.00"), 12),
        (Decimal("0.10"), 0.1),
        (Decimal("1E+30"), 1e30),
        (date(2026, 5, 1), "2026-05-01"),
        (time(12, 30), "12:30:00"),
        (datetime(2026, 5, 1, 12), "2026-05-01T12:00:00"),
        (datetime(2026, 5, 1, 12, tzinfo=UTC), "2026-05-01T12:00:00+00:00"),
        (datetime(2026, 5, 1, 12, tzinfo=WINTER), "2026-05-01T11:00:00+00:00"),
        (timedelta(minutes=1), 60.0),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Colour.RED, "red"),
        (Colour.WHEN, "2026-05-01"),
        (Level.HIGH, 3),
        ([1, (2, [Decimal("3")])], [1, [2, [3]]]),
        ({"a": {"b": [date(2026, 5, 1)]}}, {"a": {"b": ["2026-05-01"]}}),
        (OrderedDict(a=1), {"a": 1}),
        (UserDict(a=1), {"a": 1}),
        ({"b", "a"}, ["a", "b"]),
    ],
)
def test_a_value_projects_to_json(value: Any, expected: Any) -> None:
    found = json_value(value)
    assert found == expected
    assert type(found) is type(expected)
    assert orjson.loads(encode({"value": found})) == {"value": expected}


@pytest.mark.parametrize(
    "value",
    [
        b"bytes",
        bytearray(b"bytes"),
        memoryview(b"bytes"),
        float("nan"),
        float("-inf"),
        Decimal("NaN"),
        Decimal("1E+400"),
        2**64,
        -(2**63) - 1,
        object(),
        {1: "a key that is no string"},
        [[object()]],
        Thing(),
        {"deep": {"deeper": b"x"}},
    ],
)
def test_a_value_without_json_is_refused_with_schema_id_and_field_but_never_itself(value: Any) -> None:
    thing = Thing(id=7, value=value)
    with pytest.raises(ProjectionError) as caught:
        default_document(declared(Thing, fields=["value"]), thing)
    assert str(caught.value).startswith("Thing 7: field 'value' holds ")
    assert caught.value.permanent
    assert "bytes" not in str(caught.value).replace("the type bytes", "").replace("bytearray", "")


def test_what_is_nested_too_deeply_is_refused() -> None:
    deep: Any = []
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(ProjectionError, match="Thing 7: field 'value' is nested too deeply"):
        default_document(declared(Thing, fields=["value"]), Thing(id=7, value=deep))


def test_text_that_is_no_utf8_is_refused_when_it_is_encoded() -> None:
    document = default_document(declared(Thing, fields=["value"]), Thing(id=7, value="\ud800"))
    with pytest.raises(ProjectionError, match="Thing 7: field 'value'"):
        encode(document, shown="Thing 7")


def test_the_default_document_holds_all_declared_fields_and_the_id_first() -> None:
    schema = declared(Thing, fields=["value"], filterable=["slug", "tenant"], sortable=["slug"])
    document = project(schema, Thing(id=7, value=1, slug="a", tenant="t"))
    assert list(document.items()) == [("id", 7), ("value", 1), ("slug", "a"), ("tenant", "t")]


def test_a_schema_without_fields_has_documents_of_an_id() -> None:
    assert project(declared(Thing), Thing(id=7)) == {"id": 7}


def test_search_document_replaces_the_default() -> None:
    assert own({"id": 5, "at": date(2026, 5, 1)}) == {"id": 5, "at": "2026-05-01"}


def test_the_default_document_leaves_to_search_document_what_no_record_has() -> None:
    schema = declared(Own, fields=["tenant", "words"])
    assert default_document(schema, Own(id=5, tenant="acme")) == {"id": 5, "tenant": "acme"}
    assert schema.names == ("id", "tenant", "words")


def test_the_id_and_the_tenant_are_put_back_if_they_are_forgotten() -> None:
    assert own({"x": 1}, tenant_field="tenant") == {"id": 5, "x": 1, "tenant": "acme"}
    assert own({"tenant": "other"}, tenant_field="tenant") == {"id": 5, "tenant": "acme"}


@pytest.mark.parametrize("answer", [None, [1], "text", {1: 2}])
def test_search_document_has_to_return_a_dict(answer: Any) -> None:
    with pytest.raises(ProjectionError, match="Own 5: search_document has to return a dict"):
        own(answer)


@pytest.mark.parametrize("id", [6, "6", 5.0, None, True])
def test_search_document_cannot_give_another_id(id: Any) -> None:
    with pytest.raises(ProjectionError) as caught:
        own({"id": id})
    assert caught.value.error_code == "invalid_document_id"
    assert own({"id": "5"}) == {"id": "5"}


def test_errors_of_the_models_own_code_pass_through() -> None:
    class Broken(Own):
        def search_document(self) -> Any:
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        project(declared(Broken, index="broken"), Broken(id=1))


@pytest.mark.parametrize(
    "geo",
    ["nonsense", {"lat": 1}, {"lat": 1, "lng": 2, "alt": 3}, {"lat": True, "lng": 1}, {"lat": "x", "lng": "1"}, [1, 2]],
)
def test_a_geo_field_that_would_fail_others_with_it_is_refused(geo: Any) -> None:
    with pytest.raises(ProjectionError) as caught:
        own({"_geo": geo}, filterable=["_geo"])
    assert caught.value.error_code == "invalid_document_geo_field"
    with pytest.raises(ProjectionError):
        own({"_geo": geo}, sortable=["_geo"])
    assert own({"_geo": geo})["_geo"] == geo


@pytest.mark.parametrize("geo", [None, {"lat": 1, "lng": 2.5}, {"lat": "59.91", "lng": "-1e1"}])
def test_a_geo_field_that_the_engine_takes_passes(geo: Any) -> None:
    assert own({"_geo": geo}, filterable=["_geo"])["_geo"] == geo


@pytest.mark.parametrize(
    ("value", "text"),
    [(5, "5"), ("a-B_9", "a-B_9"), (UUID(int=1), str(UUID(int=1))), (Level.HIGH, "3"), (Colour.RED, "red"),
     (Decimal("5.0"), "5"), (date(2026, 5, 1), "2026-05-01")],
)  # fmt: skip
def test_an_id_is_text_for_the_engine(value: Any, text: str) -> None:
    assert valid_id(value) == text


@pytest.mark.parametrize("value", [None, "", "a b", "x" * 512, "\u00e9", "a\n", True, 1.5, b"x", "a.b", Decimal("1.5")])
def test_an_id_that_the_engine_would_refuse_is_refused_before(value: Any) -> None:
    with pytest.raises(ProjectionError) as caught:
        document_id(declared(Thing, document_id="value"), Thing(value=value))
    assert caught.value.error_code == "invalid_document_id"
    assert "Thing.value" in str(caught.value)


class Wrapped(TypeDecorator[Any]):
    impl = LargeBinary
    cache_ok = True


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Integer(), 12), (String(), "a-b"), (Uuid(), UUID(int=3)), (EnumType(Colour), Colour.RED),
     (EnumType(Level), Level.HIGH), (Numeric(), Decimal(4)), (Date(), date(2026, 5, 1)), (Wrapped(), UUID(int=4))],
)  # fmt: skip
def test_the_text_of_an_id_leads_back_to_its_value(kind: Any, value: Any) -> None:
    assert id_value(kind, id_text(value)) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [(Integer(), "x"), (Integer(), "007"), (Integer(), "1_0"), (Integer(), str(2**63)), (Uuid(), "x"),
     (Uuid(), str(UUID(int=3)).upper().replace("0", "A")), (EnumType(Colour), "blue"), (Numeric(), "x"), (Date(), "x")],
)  # fmt: skip
def test_a_text_that_no_value_has_stands_for_no_record(kind: Any, text: str) -> None:
    with pytest.raises(LookupError):
        id_value(kind, text)


def test_a_column_that_cannot_hold_ids_is_named() -> None:
    with pytest.raises(SchemaError, match="cannot be a column of type"):
        id_value(LargeBinary(), "x")
