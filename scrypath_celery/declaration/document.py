"""Documents: what the index holds for one record."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any

import orjson

from ..errors import ProjectionError
from .document_ids import id_text, valid_id
from .json_values import PLAIN, json_value
from .schema import Schema
from .settings import attributes

_under_way: ContextVar[tuple[tuple[Schema, int], ...]] = ContextVar("scrypath_projections_under_way", default=())
"""The schemas and records (by identity) of which the application's own projection runs now, the innermost last."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def document_id(schema: Schema, record: Any) -> str:
    """The id of a record's document.

    Raises:
        ProjectionError: the engine would refuse it (code `invalid_document_id`).
    """
    try:
        return valid_id(schema.id_of(getattr(record, schema.key)))
    except ProjectionError as exc:
        message = f"{schema.name}.{schema.key}: {exc}"
        raise ProjectionError(message, error_code=exc.error_code) from exc


def default_document(schema: Schema, record: Any) -> dict[str, Any]:
    """The default projection: the declared fields as JSON-ready values, the id first.

    A declared field that the class does not have is left to its `search_document`.

    Raises:
        ProjectionError: a value has no JSON form; the message names schema, id and field, never the value.
    """
    found = schema.values(record)
    values = found if len(schema.own_names) > 1 else (found,)
    try:
        ready = [value if type(value) in PLAIN else json_value(value) for value in values]
    except (ProjectionError, RecursionError):  # which one it is, is found field by field
        return _ready(schema, record, dict(zip(schema.own_names, values, strict=True)))
    return dict(zip(schema.own_names, ready, strict=True))


def being_projected(record: Any) -> Schema | None:
    """The schema for which the application's own projection of a record runs now."""
    return next((schema for schema, one in reversed(_under_way.get()) if one == id(record)), None)


def project(schema: Schema, record: Any) -> dict[str, Any]:
    """The document of a record: what `document` or its method `search_document` gives, else the default projection.

    The id is put in where a document of the application's own lacks it, and the tenant field is always the record's.

    Raises:
        ProjectionError: it is no document that the engine takes, or the projection asked for itself. Errors of the
            application's own code pass through.
    """
    id = document_id(schema, record)
    own = getattr(record, "search_document", None) if schema.document is None else partial(schema.document, record)
    if own is None:
        document = default_document(schema, record)
    else:
        document = _completed(schema, record, id, _called(schema, record, own))
    if schema.padded:
        document[schema.key] = id
    if "_geo" in document:
        _check_geo(schema, id, document["_geo"])
    return document


def encode(document: Mapping[str, Any], *, shown: str = "the document") -> bytes:
    """The document in JSON, as it is sent; `shown` is what an error calls it.

    Raises:
        ProjectionError: it holds text that is no UTF-8, or is nested too deeply; the message names the field.
    """
    try:
        return orjson.dumps(document)
    except TypeError as exc:
        for name, value in document.items():
            try:
                orjson.dumps({name: value})
            except TypeError:
                raise ProjectionError(f"{shown}: field {name!r} cannot be written as JSON") from exc
        raise ProjectionError(f"{shown}: it cannot be written as JSON") from exc


def _ready(schema: Schema, record: Any, document: Mapping[str, Any]) -> dict[str, Any]:
    ready: dict[str, Any] = {}
    name = ""
    try:
        for name, value in document.items():
            ready[name] = json_value(value)
    except RecursionError as exc:
        raise ProjectionError(f"{_shown(schema, record)}: field {name!r} is nested too deeply") from exc
    except ProjectionError as exc:
        raise ProjectionError(f"{_shown(schema, record)}: field {name!r} {exc}") from exc
    return ready


def _called(schema: Schema, record: Any, own: Callable[[], Any]) -> Any:
    """What the projection gives; one that asks for the document that it is to make would ask for ever."""
    under_way, this = _under_way.get(), (schema, id(record))
    if this in under_way:
        raise ProjectionError(
            f"{_shown(schema, record)}: {schema.projection_name} cannot call search.document, which calls it:"
            " start from search.default_document",
            permanent=False,
            error_code="search_document_calls_itself",
        )
    token = _under_way.set((*under_way, this))
    try:
        return own()
    finally:
        _under_way.reset(token)


def _completed(schema: Schema, record: Any, id: str, document: Any) -> dict[str, Any]:
    if not isinstance(document, Mapping) or not all(isinstance(name, str) for name in document):
        raise ProjectionError(f"{schema.name} {id}: {schema.projection_name} has to return a dict with string keys")
    if schema.key not in document:
        document = {schema.key: getattr(record, schema.key), **document}
    if schema.tenant_field is not None:
        document = {**document, schema.tenant_field: getattr(record, schema.tenant_field)}
    ready = _ready(schema, record, document)
    key = document[schema.key]
    if isinstance(key, bool | float) or key is None or schema.id_of(key) != id:
        raise ProjectionError(
            f"{schema.name} {id}: {schema.projection_name} gives another {schema.key!r} than the record has",
            error_code="invalid_document_id",
        )
    return ready


def _check_geo(schema: Schema, id: str, value: Any) -> None:
    """Refuse a `_geo` that would fail not only this document but all that the engine merges with it."""
    if value is None or "_geo" not in (*attributes(schema.filterable), *schema.sortable):
        return
    if not isinstance(value, Mapping) or set(value) != {"lat", "lng"} or not all(map(_is_number, value.values())):
        raise ProjectionError(
            f"{schema.name} {id}: field '_geo' must be null or an object of the numbers lat and lng",
            error_code="invalid_document_geo_field",
        )


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shown(schema: Schema, record: Any) -> str:
    return f"{schema.name} {id_text(getattr(record, schema.key))}"
