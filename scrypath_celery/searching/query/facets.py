"""Facets: what to count, and the choices that users made among what was counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from ...declaration.schema import Schema
from ...errors import QueryError
from .conditions import conditions
from .fields import require_filterable

DEEPEST_LEVEL = 10


class Hierarchy(TypedDict):
    """A facet of several levels, each a field: `base.lvl0`, `base.lvl1`, and so on for `depth` levels (2 if left out).

    A value of a level holds those above it: `{"lvl0": "Books", "lvl1": "Books > Poetry"}`; see `facet_levels`.
    """

    base: str
    depth: NotRequired[int]


Facets = Sequence[str | Hierarchy]
"""The fields to count by; `"*"` means all."""

FacetFilter = Mapping[str, Any]
"""Fields and the values chosen among their facets: a value, a list of values (any of them), or operators."""


@dataclass(frozen=True, kw_only=True)
class Faceting:
    """What is counted: the fields of `names`, and of each chosen field the conditions of its choice."""

    names: tuple[str, ...]
    chosen: Mapping[str, tuple[str, ...]]
    levels: Mapping[str, tuple[str, int]]

    def conditions(self) -> list[str]:
        """All choices, as conditions of the hits."""
        return [part for parts in self.chosen.values() for part in parts]

    def open(self) -> list[str]:
        """The counted fields among which something was chosen: their counts are taken without that choice."""
        if "*" in self.names:
            return list(self.chosen)
        chosen = {self.levels[name][0] for name in self.chosen if name in self.levels}
        return [name for name in self.names if name in self.chosen or self.levels.get(name, ("", 0))[0] in chosen]

    def others(self, name: str) -> list[str]:
        """The choices that hold while `name` is counted: not its own, nor those of the levels below it."""
        return [part for other, parts in self.chosen.items() if not self._off(name, other) for part in parts]

    def _off(self, name: str, other: str) -> bool:
        if name == other:
            return True
        mine, theirs = self.levels.get(name), self.levels.get(other)
        return mine is not None and theirs is not None and mine[0] == theirs[0] and theirs[1] >= mine[1]


def faceting(schema: Schema, facets: Facets | None, facet_filter: FacetFilter | None) -> Faceting:
    """What to count, and the choices as conditions.

    Raises:
        QueryError: a field is not filterable, or a hierarchy is not one.
    """
    if facet_filter is not None and not isinstance(facet_filter, Mapping):
        raise QueryError(f"{schema.name}: facet_filter= takes a dict of fields, not {type(facet_filter).__name__}")
    if facets is not None and not isinstance(facets, list | tuple):
        raise QueryError(f"{schema.name}: facets= takes a list of fields, not {type(facets).__name__}")
    names: list[str] = []
    levels: dict[str, tuple[str, int]] = {}
    for item in facets or ():
        found = _levels(schema, item) if isinstance(item, Mapping) else [item]
        if isinstance(item, Mapping):
            levels.update({name: (item["base"], level) for level, name in enumerate(found)})
        names += found
    for name in names:
        if not isinstance(name, str):
            raise QueryError(f"{schema.name}: facets= takes names of fields, not {type(name).__name__}")
        if name != "*":
            require_filterable(schema, name)
    chosen = {name: tuple(conditions(schema, name, value)) for name, value in (facet_filter or {}).items()}
    return Faceting(names=tuple(dict.fromkeys(names)), chosen=chosen, levels=levels)


def facet_levels(*path: str, separator: str = " > ") -> dict[str, str]:
    """The levels of a hierarchical facet, for a document: `facet_levels("Books", "Poetry")` gives
    `{"lvl0": "Books", "lvl1": "Books > Poetry"}`.
    """
    return {f"lvl{level}": separator.join(path[: level + 1]) for level in range(len(path))}


def _levels(schema: Schema, item: Mapping[str, Any]) -> list[str]:
    base, depth = item.get("base"), item.get("depth", 2)
    unknown = sorted(set(item) - {"base", "depth"})
    if unknown or not isinstance(base, str) or isinstance(depth, bool) or not isinstance(depth, int):
        raise QueryError(f"{schema.name}: a hierarchy in facets= is {{'base': field, 'depth': levels}}")
    if not 1 <= depth <= DEEPEST_LEVEL:
        raise QueryError(f"{schema.name}: a hierarchy in facets= has 1 to {DEEPEST_LEVEL} levels, not {depth}")
    return [f"{base}.lvl{level}" for level in range(depth)]
