"""Document ids: the text that an attribute's value becomes, and the way back to the value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy.types import TypeDecorator, TypeEngine

from ..errors import ProjectionError, SchemaError

DOCUMENT_ID = re.compile(r"[A-Za-z0-9_-]{1,511}")
"""What Meilisearch takes as the id of a document."""

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def id_text(value: Any) -> str:
    """The text of an id's value; whether the engine takes it is another question (`valid_id`).

    Raises:
        ProjectionError: it is None, or of a type that ids cannot have.
    """
    kind = type(value)
    if kind is int or kind is str:  # nearly all; the rest is slower
        return str(value)
    if isinstance(value, Enum):
        return id_text(value.value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | UUID | Decimal) and not isinstance(value, bool):
        return str(value)
    raise ProjectionError(f"a document id cannot be a {type(value).__name__}", error_code="invalid_document_id")


def valid_id(value: Any) -> str:
    """The text of an id that the engine takes.

    Raises:
        ProjectionError: the engine would refuse it (code `invalid_document_id`).
    """
    text = id_text(value)
    if type(value) is int:
        return text
    if not DOCUMENT_ID.fullmatch(text):
        wanted = "1 to 511 of a-z, A-Z, 0-9, - and _"
        raise ProjectionError(f"a document id must be {wanted}, not {text[:60]!r}", error_code="invalid_document_id")
    return text


def is_valid_id(text: str) -> bool:
    """Whether the engine takes this text for a document id."""
    return DOCUMENT_ID.fullmatch(text) is not None


def id_value(kind: TypeEngine[Any], text: str) -> Any:
    """The value of a column's type that a document id stands for.

    Raises:
        LookupError: no value of this type has this text, so there is no such record.
        SchemaError: ids cannot be of this type.
    """
    return id_reader(kind)(text)


def id_reader(kind: TypeEngine[Any]) -> Callable[[str], Any]:
    """What makes values of a column's type of document ids, for many of them; it raises `LookupError` as `id_value`.

    Raises:
        SchemaError: ids cannot be of this type.
    """
    if isinstance(kind, sqlalchemy.Enum) and kind.enum_class is not None:
        return partial(_member, kind.enum_class)
    rule = _RULES.get(_python_type(kind))
    if rule is None:
        raise SchemaError(f"a document id cannot be a column of type {kind!r}")
    if rule is str:
        return str
    read = partial(_read, rule)
    # What a type of the application's own takes need not be of the type that the database keeps.
    return partial(_read_or_same, read) if isinstance(kind, TypeDecorator) else read


def id_values(kind: TypeEngine[Any], texts: Sequence[str]) -> list[Any]:
    """The values of many document ids; those that no value has are left out.

    Raises:
        SchemaError: ids cannot be of this type.
    """
    if _RULES.get(_python_type(kind)) is _integer:
        numbers = _whole_numbers(texts)
        if numbers:
            return numbers
    read, values = id_reader(kind), []
    for text in texts:
        try:
            values.append(read(text))
        except LookupError:
            continue
    return values


def may_be_respelt(kind: TypeEngine[Any], value: Any) -> bool:
    """Whether the database alone knows how a column of this type gives back a value that it was given."""
    if isinstance(kind, sqlalchemy.Uuid) and isinstance(value, str):
        try:
            return str(UUID(value)) != value
        except ValueError:
            return True
    return isinstance(kind, TypeDecorator)


def respelt(kind: TypeEngine[Any], texts: Sequence[str]) -> set[str]:
    """The ids of the values that texts stand for which are not the ids of these values: "7" for "007".

    Raises:
        SchemaError: ids cannot be of this type.
    """
    rule = _RULES.get(_python_type(kind))
    found: set[str] = set()
    if rule is None or rule is str or isinstance(kind, sqlalchemy.Enum):
        return found
    if rule is _integer and _whole_numbers(texts):
        return found
    for text in texts:
        try:
            spelt = id_text(rule(text))
        except (ValueError, InvalidOperation, ProjectionError):
            continue
        if spelt != text:
            found.add(spelt)
    return found


def _whole_numbers(texts: Sequence[str]) -> list[int]:
    """The numbers that texts stand for, quickly; none of them where one is spelt otherwise, or too large."""
    try:
        numbers = list(map(int, texts))
    except ValueError:
        return []
    same = bool(numbers) and list(map(str, numbers)) == list(texts)
    return numbers if same and _fits(min(numbers)) and _fits(max(numbers)) else []


def _fits(value: int) -> bool:
    return _SMALLEST <= value <= _LARGEST


def _read(rule: Callable[[str], Any], text: str) -> Any:
    try:
        value = rule(text)
    except (ValueError, InvalidOperation) as exc:
        raise LookupError(text) from exc
    # The text must be the one that this value gets: "007" is not record 7.
    if id_text(value) != text:
        raise LookupError(text)
    return value


def _read_or_same(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except LookupError:
        return text


def _member(members: Any, text: str) -> Any:
    for member in members:
        if id_text(member) == text:
            return member
    raise LookupError(text)


def _python_type(kind: TypeEngine[Any]) -> type[Any]:
    inner = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    try:
        found = inner.python_type
    except NotImplementedError:
        return str
    # A UUID kept in bytes by a type of the application's own.
    return UUID if inner is not kind and found is bytes else found


def _integer(text: str) -> int:
    value = int(text)
    if not _fits(value):
        raise ValueError("beyond what databases hold")
    return value


_RULES: Mapping[type[Any], Callable[[str], Any]] = {
    str: str,
    int: _integer,
    UUID: UUID,
    Decimal: Decimal,
    date: date.fromisoformat,
}
