"""Fan-outs: which documents of other classes are to be re-synced when a record changes. Metadata only."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Select, select
from sqlalchemy.orm import Mapper, RelationshipDirection, RelationshipProperty, aliased

from ..errors import SchemaError
from . import mapping

if TYPE_CHECKING:
    from .schema import Schema

Resolve = str | Callable[..., Any]
"""The name of a relationship of the owner, or a callable that gives the related records or ids."""

FanOuts = Sequence[str] | Mapping[str, "FanOut | str"]
"""What a declaration takes: names of relationships, or fan-outs by a name of the declaration's own."""

NAME_LENGTH = 255
"""The longest name that the ledger keeps, of class and fan-out together."""


@dataclass(frozen=True, kw_only=True)
class FanOut:
    """Related documents that are re-synced when a record of the declaring class (the owner) changes.

    `target` is the related class, or its name; it must be declared searchable. `resolve` says which records: the name
    of a relationship of the owner, or a callable of the owner (or of the owner and a session) that returns a
    `select()` of the target or of its document ids, or else records or ids. A `select()` is read in pages; other
    answers are held in memory. Without `resolve` it is the one relationship that leads to the target, or that of the
    fan-out's name; without `target` it is the class that the relationship leads to. With `chain` the fan-outs of the
    target follow, too. `depends_on` names the columns of the owner that related documents show; changes of others are
    left alone.
    """

    target: type[Any] | str | None = None
    resolve: Resolve | None = None
    chain: bool = False
    depends_on: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Route:
    """A fan-out that was checked: from an owner to the schema of its target.

    Related records are found through `relationship`, or else by `resolve`. `depends_on` are the columns of the owner
    whose change matters; None where any does.
    """

    owner: Schema
    name: str
    target: Schema
    relationship: str | None = None
    resolve: Callable[..., Any] | None = None
    chain: bool = False
    depends_on: tuple[str, ...] | None = None

    @property
    def key(self) -> str:
        """How the ledger names it: `Owner.name`."""
        return f"{self.owner.name}.{self.name}"

    @cached_property
    def reference(self) -> tuple[Any, Any]:
        """The column of the owner that names one record of the target, and the column that it names."""
        assert self.is_reference
        return self.relation.local_remote_pairs[0]

    @cached_property
    def is_reference(self) -> bool:
        """Whether each owner names its one related record by a column (many to one)."""
        if self.relationship is None:
            return False
        relation = self.relation
        return relation.direction is RelationshipDirection.MANYTOONE and len(relation.local_remote_pairs) == 1

    @cached_property
    def attributes_to_watch(self) -> frozenset[str] | None:
        """The attributes of the owner whose change matters, also those that lead to what is related; None: any."""
        if self.depends_on is None or any(mapping.changes_unasked(self.owner.mapper, one) for one in self.depends_on):
            return None
        local = self.relation.local_columns if self.relationship is not None else ()
        leading = (self.owner.mapper.get_property_by_column(one).key for one in local if isinstance(one, Column))
        return frozenset((*self.depends_on, *leading))

    @property
    def relation(self) -> RelationshipProperty[Any]:
        """The relationship of the owner through which related records are found."""
        assert self.relationship is not None
        return self.owner.mapper.relationships[self.relationship]

    def leading_to(self, owner: Any = None) -> Select[Any]:
        """The statement that gives the ids that the relationship leads to, from all owners; `owner` is an alias."""
        assert self.relationship is not None
        start = self.owner.model if owner is None else owner
        relation = getattr(start, self.relationship)
        reached = relation.property.mapper
        entity = aliased(self.target.model if self.target.mapper.isa(reached) else reached.class_)
        return select(getattr(entity, self.target.key)).select_from(start).join(relation.of_type(entity))

    def related(self, owner: Any, session: Any) -> Any:
        """What the application's callable says is related to an owner."""
        assert self.resolve is not None
        return self.resolve(owner, session) if _takes_session(self.resolve) else self.resolve(owner)


def declared(model: type[Any], given: FanOuts | None, owner: str | None = None) -> dict[str, FanOut]:
    """Fan-outs by name, out of what a declaration says; `owner` is the name of its schema, if it has one of its own.

    Raises:
        SchemaError: it is none of the forms that are taken.
    """
    if isinstance(given, str):
        raise SchemaError(f"{model.__qualname__}: fan_outs must be a list of relationships or a mapping, not a string")
    pairs = given.items() if isinstance(given, Mapping) else [(name, name) for name in given or ()]
    found: dict[str, FanOut] = {}
    for name, value in pairs:
        fan_out = FanOut(resolve=value) if isinstance(value, str) else value
        if not isinstance(name, str) or not isinstance(fan_out, FanOut):
            raise SchemaError(
                f"{model.__qualname__}: fan-out {name!r} must be a FanOut or the name of a relationship,"
                f" not {type(value).__name__}"
            )
        if fan_out.target is None and fan_out.resolve is None:
            fan_out = replace(fan_out, resolve=name)
        if fan_out.target is None and not isinstance(fan_out.resolve, str):
            raise SchemaError(f"{model.__qualname__}: fan-out {name!r} must name its target= beside a callable")
        if len(f"{owner or model.__name__}.{name}") > NAME_LENGTH:
            raise SchemaError(f"{model.__qualname__}: the name of fan-out {name!r} is too long")
        found[name] = fan_out
    return found


def routes_of(
    owner: Schema, name: str, fan_out: FanOut, schemas_of: Callable[[Any], Sequence[Schema]]
) -> tuple[Route, ...]:
    """Check one fan-out, which leads to each schema of its target; ask only once the mappers are configured.

    Raises:
        SchemaError: its relationship or its target is unknown (the nearest name is suggested), or it does not say how
            to get from one to the other.
    """
    targets = () if fan_out.target is None else schemas_of(fan_out.target)
    common: dict[str, Any] = {"owner": owner, "name": name, "chain": fan_out.chain}
    common["depends_on"] = _dependencies(owner, name, fan_out.depends_on)
    if fan_out.resolve is not None and not isinstance(fan_out.resolve, str):
        _ = owner.key  # a composite primary key is refused
        return tuple(Route(**common, target=target, resolve=fan_out.resolve) for target in targets)
    relationship = _relationship(owner, name, fan_out.resolve, targets)
    reached = owner.mapper.relationships[relationship].mapper
    routes = tuple(
        Route(**common, target=target, relationship=relationship) for target in targets or schemas_of(reached.class_)
    )
    for route in routes:
        if not _leads_to(reached, route.target):
            raise SchemaError(
                f"{owner.name}: fan-out {name!r}: {owner.name}.{relationship} leads to {reached.class_.__name__}, not"
                f" {route.target.name}"
            )
        if not route.is_reference:
            _ = owner.key  # a composite primary key is refused
    return routes


def _dependencies(owner: Schema, name: str, given: Sequence[str] | None) -> tuple[str, ...] | None:
    if isinstance(given, str):
        raise SchemaError(f"{owner.name}: fan-out {name!r}: depends_on must be a list of columns, not a string")
    for one in given or ():
        if not mapping.is_column(owner.mapper, one):
            near = mapping.nearest(one, [str(column.key) for column in owner.mapper.column_attrs])
            raise SchemaError(f"{owner.name}: fan-out {name!r}: depends_on names columns, and {one!r} is none{near}")
    return None if given is None else tuple(given)


def _relationship(owner: Schema, name: str, given: str | None, targets: Sequence[Schema]) -> str:
    """The relationship of a fan-out: the one that is given, or the only one that leads to its target."""
    relations = _relationships(owner.mapper)
    if given is None:
        chosen = [key for key, one in relations.items() if _leads_to(one.mapper, targets[0])]
        if len(chosen) == 1:
            return chosen[0]
        raise SchemaError(
            f"{owner.name}: fan-out {name!r}: {len(chosen) or 'no'} relationships of {owner.name} lead to"
            f" {targets[0].name}: give resolve="
        )
    if given not in relations:
        raise SchemaError(
            f"{owner.name}: fan-out {name!r}: {owner.name} has no relationship {given!r}"
            f"{mapping.nearest(given, relations)}"
        )
    return given


def refuse_cycle(edges: Iterable[tuple[Any, Any]], name: Callable[[Any], str]) -> None:
    """Refuse fan-outs that would follow each other without end.

    Raises:
        SchemaError: the edges, of owners and their targets, lead back to where they came from.
    """
    graph: dict[Any, list[Any]] = {}
    for owner, target in edges:
        graph.setdefault(owner, []).append(target)
    done: set[Any] = set()

    def walk(node: Any, way: list[Any]) -> None:
        if node in way:
            circle = [*way[way.index(node) :], node]
            raise SchemaError(f"fan-outs with chain=True lead in a circle: {' -> '.join(map(name, circle))}")
        if node not in done:
            for target in graph.get(node, ()):
                walk(target, [*way, node])
            done.add(node)

    for node in tuple(graph):
        walk(node, [])


def _relationships(mapper: Mapper[Any]) -> dict[str, RelationshipProperty[Any]]:
    return {str(one.key): one for one in mapper.relationships}


def _leads_to(mapper: Mapper[Any], target: Schema) -> bool:
    return mapper.isa(target.mapper) or target.mapper.isa(mapper)


def _takes_session(resolve: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(resolve).parameters.values()
    except (TypeError, ValueError):
        return False
    plain = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return len([one for one in plain if one.default is one.empty]) > 1
