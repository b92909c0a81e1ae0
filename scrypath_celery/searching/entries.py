"""Several searches at once: what each of them asks, from its own options and the shared ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import TypeVar

from ..declaration.mapping import nearest
from ..declaration.registry import Schemas
from ..declaration.schema import Schema
from ..errors import QueryError
from .query.body import DEFAULT_PER_PAGE, MAX_PER_PAGE
from .query.options import EntryOptions, SearchOptions, SharedOptions

T = TypeVar("T", default=Any)

ALL: Final = ":all"
"""Stands for every class of `global_schemas`, in an entry of `search_many`."""

Entry = tuple[type[T] | str, str] | tuple[type[T] | str, str, EntryOptions]
"""One of several searches: the class, or the name of its schema, the query, and what this one says for itself."""

AnyEntry = tuple[Any, str] | tuple[Any, str, EntryOptions]
"""The same, where the class may be `ALL`."""

MAX_SCHEMAS = 10

TOGETHER = frozenset(SharedOptions.__optional_keys__) - SearchOptions.__optional_keys__
"""Shared options that are about all searches together."""

OF_ENTRY = frozenset(EntryOptions.__optional_keys__)

NOT_MERGED = ("page", "per_page", "offset", "facets")
"""What an entry of a merged list cannot have: pages are those of the list, and facets are never merged."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One of several searches: its place among them, its schema and all its options."""

    position: int
    schema: Schema
    q: str
    options: Mapping[str, Any]
    weight: float


@dataclass(frozen=True, kw_only=True)
class Together:
    """What holds for several searches as a whole; times in seconds."""

    limit: int = DEFAULT_PER_PAGE
    offset: int = 0
    engine_seconds: float | None = None
    records_seconds: float | None = None


def expanded(schemas: Schemas, entries: Sequence[AnyEntry], shared: SharedOptions) -> list[Asked]:
    """Every search that the entries stand for, in their order.

    Raises:
        QueryError: an entry is not one, an option is unknown, or there are more searches than `max_schemas`.
        SchemaError: a class is not declared.
    """
    _check_shared(shared)
    most = shared.get("max_schemas", MAX_SCHEMAS)
    if not _is_whole(most) or most < 1:
        raise QueryError(f"max_schemas is a whole number from 1 on, not {most!r}")
    found = list(_each(schemas, entries, shared))
    if not found:
        raise QueryError("there is nothing to search: give at least one entry, as (Post, 'words')")
    if len(found) > most:
        raise QueryError(f"{len(found)} searches are more than max_schemas={most}: name fewer, or raise it")
    return found


def together(shared: SharedOptions, *, federated: bool) -> Together:
    """What the shared options say of all searches as a whole.

    Raises:
        QueryError: a number is out of range, or stands where nothing is merged.
    """
    limit, offset = shared.get("federation_limit", DEFAULT_PER_PAGE), shared.get("federation_offset", 0)
    if not federated and ("federation_limit" in shared or "federation_offset" in shared):
        raise QueryError("federation_limit and federation_offset pick from a merged list: give federated=True")
    if not _is_whole(limit) or not 1 <= limit <= MAX_PER_PAGE:
        raise QueryError(f"federation_limit is a whole number from 1 to {MAX_PER_PAGE}, not {limit!r}")
    if not _is_whole(offset) or offset < 0:
        raise QueryError(f"federation_offset is a whole number from 0 on, not {offset!r}")
    return Together(
        limit=limit,
        offset=offset,
        engine_seconds=_seconds("federation_timeout", shared.get("federation_timeout")),
        records_seconds=_seconds("hydration_timeout", shared.get("hydration_timeout")),
    )


def _each(schemas: Schemas, entries: Sequence[AnyEntry], shared: SharedOptions) -> Iterator[Asked]:
    position = 0
    inherited = {name: value for name, value in shared.items() if name not in TOGETHER}
    for entry in entries:
        model, q, own = _parts(entry)
        for schema in _meant(schemas, model, shared):
            options = {**_fitting(schema, inherited), **own}
            weight = _weight(schema, options.pop("federation_weight", 1.0))
            yield Asked(position=position, schema=schema, q=q, options=options, weight=weight)
            position += 1


def _parts(entry: Any) -> tuple[Any, str, Mapping[str, Any]]:
    if not isinstance(entry, tuple | list) or len(entry) not in (2, 3):
        raise QueryError("an entry of search_many is (class, query) or (class, query, options)")
    own = entry[2] if len(entry) == 3 else {}
    if not isinstance(own, Mapping):
        raise QueryError(f"the options of an entry are a dict, not {type(own).__name__}")
    for name in own:
        if name not in OF_ENTRY:
            raise QueryError(f"an entry of search_many has no option {name!r}{nearest(str(name), OF_ENTRY)}")
    return entry[0], entry[1], own


def _meant(schemas: Schemas, model: Any, shared: SharedOptions) -> list[Schema]:
    if model != ALL:
        return [schemas.searched(model)]
    allowed = shared.get("global_schemas") or ()
    if not allowed:
        raise QueryError("ALL stands for the classes of global_schemas=: name them there")
    return list(dict.fromkeys(schemas.searched(one) for one in allowed))


def _fitting(schema: Schema, inherited: Mapping[str, Any]) -> dict[str, Any]:
    """The shared options; a tenant is none of a schema that has no tenants."""
    if schema.tenant_field is not None:
        return dict(inherited)
    return {name: value for name, value in inherited.items() if name not in ("tenant", "across_tenants")}


def _check_shared(shared: Mapping[str, Any]) -> None:
    for name in shared:
        if name not in SharedOptions.__optional_keys__:
            near = nearest(name, SharedOptions.__optional_keys__)
            raise QueryError(f"search_many has no option {name!r}{near}")


def _weight(schema: Schema, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise QueryError(f"{schema.name}: federation_weight is a number from 0 on, not {value!r}")
    return float(value)


def _seconds(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise QueryError(f"{name} is a number of seconds above 0, not {value!r}")
    return float(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
