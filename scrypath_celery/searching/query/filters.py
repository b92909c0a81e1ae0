"""Filters as values: fields and what they must be, joined by `any`, `all` and `not`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from ...declaration.schema import Schema
from ...errors import QueryError, TenantRequired
from .conditions import conditions, is_list
from .literals import literal, projected, quoted
from .raw import raw_expression

Filter = str | Mapping[str, Any] | Sequence[Any]
"""Fields and what they must be (`{"status": "published", "price": {"gte": 10}}`), an expression in the engine's own
language, or a list of both: all of them must hold, and of a list within the list any one."""

DEEPEST = 40
"""How deep filters may be nested."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Whose documents a search means: those of one `tenant`, or all (`across_tenants`)."""

    tenant: Any = None
    across_tenants: bool = False


def where(schema: Schema, filter: Filter | None, scope: Scope, also: Iterable[str] = ()) -> str:
    """The whole filter of a search as the engine reads it, the tenant's condition first; empty where there is none.

    Raises:
        QueryError: the filter asks for what the schema does not declare. TenantRequired: it does not say whose
            documents it means.
    """
    owner = tenant_condition(schema, scope)
    parts = [owner] if owner else []
    parts += _Reading(schema, raw=owner is None).all_of(filter)
    return _joined([*parts, *also])


def tenant_condition(schema: Schema, scope: Scope) -> str | None:
    """The condition that keeps a search to one tenant; None where there are no tenants, or all are meant.

    Raises:
        TenantRequired: the schema has a tenant field and the search says neither. QueryError: it says both, or names a
            tenant where there are none, or what is no tenant.
    """
    name = schema.tenant_field
    if name is None:
        if scope.tenant is not None:
            raise QueryError(f"{schema.name} has no tenants: declare tenant_field=, or leave tenant= out")
        return None
    if scope.tenant is None:
        if scope.across_tenants is True:
            return None
        raise TenantRequired(
            f"{schema.name} belongs to tenants by {name!r}: give tenant=, or across_tenants=True to search all"
        )
    if scope.across_tenants:
        raise QueryError(f"{schema.name}: give tenant= or across_tenants=True, not both")
    if isinstance(scope.tenant, bool) or not isinstance(scope.tenant, str | int | UUID | Enum):
        raise QueryError(f"{schema.name}: tenant= takes text, a whole number or a UUID, not {_kind(scope.tenant)}")
    return f"{quoted(name)} = {literal(schema, name, scope.tenant)}"


def tenant_text(schema: Schema, scope: Scope) -> str | None:
    """The tenant that a search is kept to, as documents spell it; None where it is kept to none."""
    if schema.tenant_field is None or scope.tenant is None:
        return None
    return str(projected(schema, schema.tenant_field, scope.tenant))


@dataclass(frozen=True)
class _Reading:
    """Turns one filter into expressions; `raw` says whether the engine's own language is taken."""

    schema: Schema
    raw: bool

    def all_of(self, filter: Any, depth: int = 0) -> list[str]:
        """The expressions that must all hold."""
        if depth > DEEPEST:
            raise QueryError(f"{self.schema.name}: the filter is nested deeper than {DEEPEST} levels")
        if filter is None:
            return []
        if isinstance(filter, str):
            return self._raw(filter)
        if isinstance(filter, Mapping):
            return [part for name, value in filter.items() for part in self._entry(name, value, depth)]
        if is_list(filter):
            return [part for item in filter for part in self._element(item, depth)]
        raise QueryError(f"{self.schema.name}: a filter is a dict, a list or text, not {_kind(filter)}")

    def _element(self, item: Any, depth: int) -> list[str]:
        if is_list(item):
            return [self._any_of(item, depth)]
        return self.all_of(item, depth + 1)

    def _entry(self, name: Any, value: Any, depth: int) -> list[str]:
        if not isinstance(name, str):
            raise QueryError(f"{self.schema.name}: a filter names fields by text, not by {_kind(name)}")
        if name == "any":
            return [self._any_of(value, depth)]
        if name == "all":
            if not is_list(value):
                raise QueryError(f"{self.schema.name}: all takes a list of filters")
            return self.all_of(value, depth + 1)
        if name == "not":
            return [f"NOT ({self._something(value, depth)})"]
        return conditions(self.schema, name, value)

    def _any_of(self, filters: Any, depth: int) -> str:
        if not is_list(filters) or not filters:
            raise QueryError(f"{self.schema.name}: any takes a list of at least one filter")
        return f"({' OR '.join(self._something(item, depth) for item in filters)})"

    def _something(self, filter: Any, depth: int) -> str:
        found = _joined(self.all_of(filter, depth + 1))
        if not found:
            raise QueryError(f"{self.schema.name}: a filter within any or not says nothing")
        return found

    def _raw(self, text: str) -> list[str]:
        if not text.strip():
            return []
        if not self.raw:
            raise QueryError(
                f"{self.schema.name}: a filter in the engine's own language cannot be given with tenant=: use a dict"
            )
        return [_Raw(raw_expression(text))]


class _Raw(str):
    """An expression that needs parentheses beside others."""

    __slots__ = ()


def _joined(parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return str(parts[0])
    return " AND ".join(f"({part})" if isinstance(part, _Raw) else part for part in parts)


def _kind(value: Any) -> str:
    return type(value).__name__
