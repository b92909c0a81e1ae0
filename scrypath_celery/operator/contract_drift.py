"""Contract drift: where an index is not what its schema declares, dimension by dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ..convergence.destinations import Elsewhere
from ..convergence.live_settings import differing
from ..declaration.changes import Declared, Remedy, changes, cheapest
from ..declaration.schema import Schema
from ..declaration.setting_names import own_name
from ..ledger.triggers.trigger import TableStatus, TriggerState
from ..runtime import Runtime
from .display_name import display_name
from .settings_diff import hidden

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
    CHANGED = "changed"


@dataclass(frozen=True, kw_only=True)
class Detail:
    """One difference: `not_delivered` is a declared field that no document of the index has, `changed` a part of the
    declaration that is another one than the index was made with."""

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
    """One index against its schema. Without an index nothing matches, and `dimensions` is empty.

    `declaration` says what was declared otherwise when the index was made, as far as the ledger knows. `triggers` says
    how those of its tables stand, where it has some (None: not known), `elsewhere` which processes send the same index
    to another engine or prefix; neither is a part of what matches.
    """

    schema: str
    index: str
    index_exists: bool
    match: bool
    primary_key: Dimension
    dimensions: Mapping[str, Dimension]
    declaration: Dimension = Dimension(match=True)
    remedies: tuple[Remedy, ...] = ()
    triggers: tuple[TableStatus, ...] | None = None
    elsewhere: tuple[Elsewhere, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What differs, by name: the primary key, settings, fields."""
        parts = [self.primary_key, *self.dimensions.values(), self.declaration]
        return tuple(dict.fromkeys(detail.name for part in parts for detail in part.details))

    @property
    def triggers_incomplete(self) -> bool:
        """Whether it has triggers, and some of them are not installed as they are to be."""
        return any(one.state is not TriggerState.INSTALLED for one in self.triggers or ())


def contract_drift(runtime: Runtime, schema: Schema, made_with: Declared | None = None) -> ContractDrift:
    """Compare an index with its schema, with one read of its settings; `made_with` is what the ledger notes of it.

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
    fixes = {remedy for remedy, wanted in _wanted(key, unlike, delivered).items() if wanted}
    seen = ContractDrift(
        **common,
        index_exists=True,
        match=not fixes,
        primary_key=key,
        dimensions=dimensions,
        remedies=cheapest(fixes),
    )
    return with_declaration(seen, schema, made_with)


def with_declaration(found: ContractDrift, schema: Schema, made_with: Declared | None) -> ContractDrift:
    """The same, with what was declared otherwise when the index was made, as the ledger notes it."""
    changed = changes(made_with, schema.declared) if found.index_exists else ()
    if not changed:
        return found
    return replace(
        found,
        match=False,
        declaration=_dimension([Detail(name=one.name, problem=Problem.CHANGED) for one in changed]),
        remedies=cheapest({*found.remedies, *(one.remedy for one in changed)}),
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


def undelivered(schema: Schema, stats: Mapping[str, Any]) -> list[str]:
    """The declared fields that no document of an index has, by the engine's count of its fields; none where it has no
    documents, or is about to change."""
    names = _held(stats)
    return [name for name in schema.names if name not in names] if names else []


def _delivered(schema: Schema, stats: Mapping[str, Any]) -> list[Detail]:
    """Fields that are declared and that no document has; and, where documents are ours alone to make, the reverse."""
    missing = [Detail(name=name, problem=Problem.NOT_DELIVERED) for name in undelivered(schema, stats)]
    if schema.projection is not None:
        return missing
    ours = {*schema.names, schema.tenant_field, "_geo", "_vectors"}
    return missing + [Detail(name=name, problem=Problem.NOT_DECLARED) for name in sorted(_held(stats) - ours)]


def _held(stats: Mapping[str, Any]) -> set[str]:
    """The top-level fields that any document has; none where the counts are about to change."""
    held: Mapping[str, int] = stats.get("fieldDistribution") or {}
    if not int(stats.get("numberOfDocuments") or 0) or stats.get("isIndexing"):
        return set()
    return {name.partition(".")[0] for name in held}


def _wanted(key: Dimension, settings: Sized, delivered: Sized) -> dict[Remedy, bool]:
    """Which actions the differences ask for."""
    return {Remedy.REINDEX: not key.match, Remedy.SETTINGS_APPLY: bool(settings), Remedy.BACKFILL: bool(delivered)}
