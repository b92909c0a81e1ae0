"""Rows that refer to documents of other records: of link tables (many to many), and of owners that name one target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, select
from sqlalchemy.orm import PassiveFlag, RelationshipProperty, aliased
from sqlalchemy.orm.attributes import get_history

from ..declaration import mapping
from ..declaration.fan_out import Route
from ..declaration.registry import Schemas
from ..declaration.schema import Schema
from ..source.related import by_relationship
from .record_ids import state_of
from .statement_parts import spellings

_KNOWN = PassiveFlag.PASSIVE_NO_INITIALIZE | PassiveFlag.INCLUDE_PENDING_MUTATIONS


@dataclass(frozen=True, kw_only=True)
class Link:
    """A table and the schema whose documents its rows belong to.

    `pairs` are the columns of the table beside those of the record that they name; `names` how a statement may call
    the former. Rows belong to records by the criterion `joined`, or as the fan-out `route` says.
    """

    schema: Schema
    table: Any
    pairs: tuple[tuple[Column[Any], Column[Any]], ...]
    names: dict[Column[Any], set[str]] = field(default_factory=dict)
    joined: ColumnElement[bool] | None = None
    route: Route | None = None

    def ids(self, criterion: ColumnElement[bool] | None) -> Select[Any]:
        """The statement that gives the document ids of the rows that meet a criterion."""
        if self.route is not None:
            return by_relationship(self.route, criterion)
        model = self.schema.model
        query = select(getattr(model, self.schema.key)).select_from(model).join(self.table, self.joined)
        return query if criterion is None else query.where(criterion)


def links_of(schemas: Schemas, table: Any) -> list[Link]:
    """What the rows of a table refer to: as `secondary` of declared classes or fan-outs, or as an owner's table."""
    found: dict[Schema, Link] = {}
    for schema in schemas:
        for relation in many_to_many(schema.mapper):
            if relation.secondary is table:
                pairs = relation.synchronize_pairs
                found.setdefault(schema, _link(schema, table, pairs, joined=relation.primaryjoin))
    for route in schemas.routes:
        of_owner = route.owner.mapper.relationships.get(route.relationship or "")
        if of_owner is None:
            continue
        if of_owner.secondary is table and of_owner.secondaryjoin is not None:
            pairs = of_owner.secondary_synchronize_pairs or []
            found.setdefault(route.target, _link(route.target, table, pairs, joined=of_owner.secondaryjoin))
        elif route.is_reference and route.reference[0].table is table:
            found.setdefault(route.target, _link(route.target, table, [route.reference[::-1]], route=route))
    return list(found.values())


def changed_links(schemas: Schemas, record: Any) -> Iterator[tuple[Schema, Any]]:
    """The declared records that a flush links to a record, or takes from it, with their schemas."""
    for relation in many_to_many(state_of(record).mapper):
        history = get_history(record, relation.key, passive=_KNOWN)
        for other in (*(history.added or ()), *(history.deleted or ())):
            for schema in schemas.covering(type(other)) if other is not None else ():
                yield schema, other


def changes_links(schema: Schema, record: Any) -> bool:
    """Whether a flush links a record to others, or takes such a link away, which code that makes documents may show."""
    if schema.plain:
        return False
    relations = many_to_many(state_of(record).mapper)
    return any(get_history(record, relation.key, passive=_KNOWN).has_changes() for relation in relations)


def linked_to(schemas: Schemas, model: Any, criterion: ColumnElement[bool]) -> Iterator[tuple[Schema, Select[Any]]]:
    """The statements that give the documents linked to records of a class: with those their links are deleted, too."""
    mapper = mapping.mapper_of(model)
    for schema in schemas if mapper is not None else ():
        for relation in many_to_many(schema.mapper):
            if mapper is not None and (mapper.isa(relation.mapper) or relation.mapper.isa(mapper)):
                entity = aliased(schema.model)
                query = select(getattr(entity, schema.key)).join(getattr(entity, relation.key))
                yield schema, query.where(criterion)


def many_to_many(mapper: Any) -> Iterable[RelationshipProperty[Any]]:
    """The relationships of a class that write rows of a link table."""
    return [one for one in mapper.relationships if isinstance(one.secondary, Table) and not one.viewonly]


def _link(schema: Schema, table: Any, pairs: Any, *, joined: Any = None, route: Route | None = None) -> Link:
    named = tuple((ours, theirs) for theirs, ours in pairs)
    names = {ours: {str(ours.key), str(ours.name)} for ours, _ in named}
    if route is not None:
        mapper = route.owner.mapper
        names = {ours: spellings(mapper, mapper.get_property_by_column(ours).key) for ours, _ in named}
    return Link(schema=schema, table=table, pairs=named, names=names, joined=joined, route=route)
