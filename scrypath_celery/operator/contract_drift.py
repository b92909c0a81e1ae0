"""Contract drift: where an index is not what its schema declares, dimension by dimension."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..declaration import mapping
from ..declaration.schema import Schema
from ..declaration.setting_names import own_name
from ..runtime import Runtime
from .display_name import display_name
from .settings_diff import differing, hidden

CAP = 50
"""The most details of one dimension."""

_OF_A_DIMENSION = {
    "searchableAttributes": "fields",
    "filterableAttributes": "filterable_attributes",
    "sortableAttributes": "sortable_attributes",
    "faceting": "faceting",
}
"""The settings that have a dimension of their own; all others are families of `settings`."""


class Problem(StrEnum):
    """What is wrong with one name."""

    NOT_APPLIED = "not_applied"
    NOT_DECLARED = "not_declared"
    DIFFERS = "differs"
    NOT_DELIVERED = "not_delivered"


class Remedy(StrEnum):
    """The cheapest action that fixes a drift."""

    SETTINGS_APPLY = "settings_apply"
    BACKFILL = "backfill"
    REINDEX = "reindex"


@dataclass(frozen=True, kw_only=True)
class Detail:
    """One difference: `not_delivered` is a declared field that no document of the index has."""

    name: str
    problem: Problem
    declared: Any = None
    applied: Any = None


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """One part of the contract; at most 50 details, `truncated` where there are more."""

    match: bool
    details: tuple[Detail, ...] = ()
    truncated: bool = False


@dataclass(frozen=True, kw_only=True)
class ContractDrift:
    """One index against its schema. Without an index nothing matches, and `dimensions` is empty."""

    schema: str
    index: str
    index_exists: bool
    match: bool
    primary_key: Dimension
    dimensions: Mapping[str, Dimension]
    remedies: tuple[Remedy, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What differs, by name: the primary key, settings, fields."""
        parts = [self.primary_key, *self.dimensions.values()]
        return tuple(dict.fromkeys(detail.name for part in parts for detail in part.details))


def contract_drift(runtime: Runtime, schema: Schema) -> ContractDrift:
    """Compare an index with its schema, with one read of its settings.

    Raises:
        EngineError: the engine could not be asked.
    """
    index = runtime.uid_of(schema)
    common: dict[str, Any] = {"schema": display_name(runtime.schemas, schema), "index": index}
    found = runtime.engine.index(index)
    live = runtime.engine.settings(index) if found is not None else None
    stats = runtime.engine.stats(index) if live is not None else None
    if found is None or live is None or stats is None:
        fine, make = Dimension(match=True), (Remedy.SETTINGS_APPLY,)
        return ContractDrift(**common, index_exists=False, match=False, primary_key=fine, dimensions={}, remedies=make)
    key = _primary_key(schema, found.get("primaryKey"))
    unlike = differing(runtime, schema.declared_settings(), live)
    settings: dict[str, list[Detail]] = {name: [] for name in (*_OF_A_DIMENSION.values(), "settings")}
    for name, declared in unlike.items():
        settings[_OF_A_DIMENSION.get(name, "settings")] += _details(name, declared, live.get(name))
    delivered = _delivered(schema, stats)
    dimensions = {
        name: _dimension([*details, *delivered] if name == "fields" else details) for name, details in settings.items()
    }
    remedies = _remedies(key, bool(unlike), bool(delivered))
    return ContractDrift(
        **common,
        index_exists=True,
        match=not remedies,
        primary_key=key,
        dimensions=dimensions,
        remedies=remedies,
    )


def _primary_key(schema: Schema, live: str | None) -> Dimension:
    if live in (None, schema.key):
        return Dimension(match=True)
    detail = Detail(name="primary_key", problem=Problem.DIFFERS, declared=schema.key, applied=live)
    return Dimension(match=False, details=(detail,))


def _dimension(details: Sequence[Detail]) -> Dimension:
    return Dimension(match=not details, details=tuple(details[:CAP]), truncated=len(details) > CAP)


def _details(key: str, declared: Any, applied: Any) -> list[Detail]:
    """The differences of one setting: name by name for a list of attributes, the whole for all others."""
    if key not in ("searchableAttributes", "filterableAttributes", "sortableAttributes"):
        return _family(key, declared, applied)
    wanted, live = list(map(_named, declared or ())), list(map(_named, applied or ()))
    missing = [Detail(name=name, problem=Problem.NOT_APPLIED) for name in dict.fromkeys(wanted) if name not in live]
    extra = [Detail(name=name, problem=Problem.NOT_DECLARED) for name in dict.fromkeys(live) if name not in wanted]
    order = Detail(name=own_name(key), problem=Problem.DIFFERS, declared=declared, applied=applied)
    return [*missing, *extra] or [order]


def _named(item: Any) -> str:
    return item if isinstance(item, str) else ", ".join(item.get("attributePatterns", ()))


def _family(key: str, declared: Any, applied: Any) -> list[Detail]:
    detail = Detail(
        name=own_name(key), problem=Problem.DIFFERS, declared=hidden(key, declared), applied=hidden(key, applied)
    )
    return [detail]


def _delivered(schema: Schema, stats: Mapping[str, Any]) -> list[Detail]:
    """Fields that are declared and that no document has; and, where documents are ours alone to make, the reverse."""
    held: Mapping[str, int] = stats.get("fieldDistribution") or {}
    if not int(stats.get("numberOfDocuments") or 0) or stats.get("isIndexing"):
        return []
    names = {name.partition(".")[0] for name in held}
    missing = [Detail(name=name, problem=Problem.NOT_DELIVERED) for name in schema.names if name not in names]
    if mapping.static(schema.model, "search_document") is not None:
        return missing
    ours = {*schema.names, schema.tenant_field, "_geo", "_vectors"}
    return missing + [Detail(name=name, problem=Problem.NOT_DECLARED) for name in sorted(names - ours)]


def _remedies(key: Dimension, settings: bool, delivered: bool) -> tuple[Remedy, ...]:
    """The cheapest actions that fix all of it, in this order."""
    if not key.match:
        return (Remedy.REINDEX,)
    found: Iterable[Remedy] = (
        *((Remedy.SETTINGS_APPLY,) if settings else ()),
        *((Remedy.BACKFILL,) if delivered else ()),
    )
    return tuple(found)
