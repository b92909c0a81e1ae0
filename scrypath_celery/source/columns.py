"""Reading columns instead of records: the same documents, without an object of the application for each.

It is chosen where nothing of the application's own code has a part in a document: every field is a plain column, or a
hybrid with an expression of its own; there is no `search_document` or `document`, no `index_if` that Python decides, no
statement with loader options, and nothing listens to records being loaded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, Select

from ..declaration import mapping
from ..declaration.document import encode, project
from ..declaration.document_ids import valid_id
from ..declaration.json_values import json_value
from ..declaration.schema import Schema
from ..errors import ProjectionError

_AS_THEY_ARE = frozenset({str, int, bool, type(None)})
"""What orjson writes as our rules want it, or refuses (integers beyond 64 bits, text that is no UTF-8)."""


def by_columns(schema: Schema, statement: Select[Any]) -> bool:
    """Whether the documents of a schema, read with this statement, can be read as columns; mappers are configured."""
    return (
        schema.plain
        and not schema.padded
        and not mapping.observed(schema.mapper)
        and (schema.select is None or _reads_only(statement, schema))
    )


def expressions(schema: Schema) -> list[ColumnElement[Any]]:
    """What is selected: one column for each field, in the order of `schema.names`."""
    return [getattr(schema.model, name) for name in schema.names]


def encoder(schema: Schema) -> Callable[[Row[Any]], bytes]:
    """Makes the document of a row in JSON.

    What it raises is what the projection of a record raises: a `ProjectionError` that names schema, id and field.
    """
    names = schema.names
    careful = "_geo" in names

    def encoded(row: Row[Any]) -> bytes:
        if not careful:
            key = row[0]
            try:
                if type(key) is not int:
                    valid_id(key)
                values = [value if type(value) in _AS_THEY_ARE else json_value(value) for value in row]
                return orjson.dumps(dict(zip(names, values, strict=True)))
            except (ProjectionError, TypeError, RecursionError):
                pass  # what is wrong is said as of a record, below
        return _as_of_a_record(schema, row)

    return encoded


def together(schema: Schema, rows: Sequence[Row[Any]]) -> dict[str, bytes] | None:
    """The documents of many rows by id, in JSON, a column at a time; None where some row needs the closer look.

    That is one that `encoder` refuses, or whose position must be checked.
    """
    if not rows or "_geo" in schema.names:
        return None if rows else {}
    try:
        columns = [_ready(values) for values in zip(*rows, strict=True)]
        keys = [row[0] for row in rows]
        ids = schema.ids_of(keys)
        if set(map(type, keys)) != {int}:
            ids = tuple(map(valid_id, ids))
        names, dumps = schema.names, orjson.dumps
        bodies = [dumps(dict(zip(names, values, strict=True))) for values in zip(*columns, strict=True)]
    except (ProjectionError, TypeError, RecursionError):
        return None
    return dict(zip(ids, bodies, strict=True))


def _ready(values: Sequence[Any]) -> Sequence[Any]:
    kinds = set(map(type, values))
    if kinds <= _AS_THEY_ARE or (kinds == {float} and math.isfinite(sum(values))):
        return values
    return [value if type(value) in _AS_THEY_ARE else json_value(value) for value in values]


def _as_of_a_record(schema: Schema, row: Sequence[Any]) -> bytes:
    record = SimpleNamespace(**dict(zip(schema.names, row, strict=True)))
    document = project(schema, record)
    return encode(document, shown=f"{schema.name} {document[schema.key]}")


def _reads_only(statement: Select[Any], schema: Schema) -> bool:
    """Whether a statement is `select(Model)` with criteria alone."""
    selected = statement.column_descriptions
    # Private, as nothing public tells the options of a statement: one that loads otherwise is not read by columns.
    return len(selected) == 1 and selected[0]["expr"] is schema.model and not statement._with_options
