"""The statements that read a schema's records, and the values that document ids stand for in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Integer, Row, Select, String, any_, bindparam, cast, func, select
from sqlalchemy.orm import Session

from ..declaration import mapping
from ..declaration.document_ids import id_value, id_values
from ..declaration.field_values import field_value
from ..declaration.schema import Schema
from ..errors import SourceError
from ..work import MAX_IDS
from .ranges import can_hold


def records_of(schema: Schema) -> Select[Any]:
    """The statement that reads the schema's records; those that SQL knows as not indexable are left out."""
    statement = select(schema.model) if schema.select is None else schema.select()
    if isinstance(schema.index_if, str) and schema.counted_by_database:
        statement = statement.where(getattr(schema.model, schema.index_if))
    return statement


def ids_of(schema: Schema) -> Select[Any]:
    expression = id_expression(schema)
    statement = records_of(schema).with_only_columns(expression, maintain_column_froms=True).order_by(None)
    return statement.where(expression.is_not(None))


def count_of(schema: Schema) -> Select[Any]:
    """Counts the records of the schema, under the execution options that they are read with."""
    ids = ids_of(schema)
    if schema.select is not None or not schema.by_primary_key:  # else each is there once
        ids = ids.distinct()
    return select(func.count()).select_from(ids.subquery()).execution_options(**ids.get_execution_options())


def at_places(schema: Schema, places: Sequence[int]) -> Select[Any]:
    """The ids at these places (from 1) of the order that the database gives them; they are counted in one pass."""
    ids, expression = ids_of(schema), id_expression(schema)
    place = func.row_number().over(order_by=expression).label("scrypath_place")
    numbered = ids.with_only_columns(expression.label("scrypath_id"), place, maintain_column_froms=True).subquery()
    chosen = select(numbered.c.scrypath_id).where(numbered.c.scrypath_place.in_(places))
    return chosen.order_by(numbered.c.scrypath_place).execution_options(**ids.get_execution_options())


def id_expression(schema: Schema) -> ColumnElement[Any]:
    expression: ColumnElement[Any] = getattr(schema.model, schema.key)
    return expression


def among(session: Session, schema: Schema, values: Sequence[Any]) -> ColumnElement[bool]:
    """The criterion that the id is one of these values."""
    expression = id_expression(schema)
    if session.get_bind(schema.mapper).dialect.name != "postgresql":
        return expression.in_(values)
    # One parameter instead of a thousand, which driver and database would parse one by one: half the time of a read.
    if values and type(values[0]) is type(values[-1]) is int and isinstance(expression.type, Integer):
        # As text, which the driver writes down as it is.
        written = bindparam(None, f"{{{','.join(map(str, values))}}}", type_=String)
        return expression == any_(cast(written, ARRAY(expression.type)))
    return expression == any_(bindparam(None, list(values), type_=ARRAY(expression.type)))


def value_of(schema: Schema, id: str) -> Any:
    try:
        return id_value(id_expression(schema).type, id)
    except LookupError as exc:
        raise SourceError(f"{schema.name} has no id {id!r}") from exc


def rows_of(session: Session, schema: Schema, statement: Select[Any]) -> Sequence[Row[Any]]:
    """The rows of a statement that selects columns, past what the session does to load entities.

    Where the application has a say in its sessions' statements (a listener, a method of its own, options), they go
    through the session.
    """
    own = type(session).execute is not Session.execute or getattr(session, "execution_options", None)
    if own or session.dispatch.do_orm_execute:
        return session.execute(statement).all()
    connection = session.connection({"mapper": schema.mapper, "clause": statement})
    return connection.execute(statement).all()


def criteria(schema: Schema, wanted: Mapping[str, str], *, least: bool) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for name, text in wanted.items():
        if not mapping.has_expression(schema.model, name):
            raise SourceError(f"{schema.name} has no column {name!r} to choose records by")
        attribute = getattr(schema.model, name)
        try:
            value = field_value(attribute.type, text)
        except ValueError as exc:
            raise SourceError(f"{text!r} is not a value of {schema.name}.{name}") from exc
        found.append(attribute >= value if least else attribute == value)
    return found


def values_of(session: Session, schema: Schema, ids: Sequence[str]) -> list[Any]:
    """The ids as values that the column can hold; the others stand for no record."""
    kind, dialect = id_expression(schema).type, session.get_bind(schema.mapper).dialect.name
    values = id_values(kind, ids)
    if values and type(values[0]) is int and all(can_hold(dialect, kind, end) for end in (min(values), max(values))):
        return values  # of one type all of them, so that the ends tell of what is between
    return [value for value in values if can_hold(dialect, kind, value)]


def chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, max(len(values), 1), MAX_IDS):  # asked for nothing, the database is asked all the same
        yield values[start : start + MAX_IDS]
