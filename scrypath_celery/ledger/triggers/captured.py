"""Which tables are captured for a schema, and what a change of their rows writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Table

from ...declaration.fan_out import Route
from ...declaration.schema import Schema
from ...work import Operation
from .related_ids import RelatedIds
from .row_ids import Pairs, RowIds, referring, row_ids, shown_columns


@dataclass(frozen=True, kw_only=True, eq=False)
class Write:
    """What is written for a row: a work of this operation with these ids, for a fan-out where one is named."""

    operation: Operation
    ids: RowIds | RelatedIds
    fan_out: str | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Captured:
    """A table whose changes are captured.

    `changed` is written for a row that is inserted or updated (as it was, too), `deleted` for one that is deleted, or
    whose columns that lead to what is related change. `purpose` tells apart what one table is captured for, `misses`
    says what of its changes is not captured.
    """

    table: Table
    purpose: str = ""
    changed: Write | None = None
    deleted: Write | None = None
    misses: str = ""


def captured(schema: Schema, routes: Iterable[Route]) -> list[Captured]:
    """The tables whose changes change documents of a schema: of its records, of links to them, of fan-outs to them.

    `routes` are all fan-outs of the application.

    Raises:
        SchemaError: an id is no column, or of a type that SQL cannot write down as Python does.
    """
    known = list(routes)
    found = list(_of_records(schema))
    found += _of_links(schema)
    for route in known:
        if route.target.model is schema.model and route.target.index == schema.index:
            found += _of_fan_out(route)
            for first in known:
                if first.chain and first.target is route.owner:
                    found += _of_chain(first, route)
    return list({(one.table, one.purpose): one for one in found}.values())


def _of_records(schema: Schema) -> Iterator[Captured]:
    for ids in row_ids(schema, schema.dependencies):
        yield Captured(
            table=ids.table,
            changed=Write(operation=Operation.UPSERT, ids=ids),
            deleted=Write(operation=Operation.DELETE, ids=ids),
        )


def _of_links(schema: Schema) -> Iterator[Captured]:
    """The link tables of a schema's relationships (many to many), which code that makes documents may show."""
    if schema.plain and schema.select is None:
        return
    for relation in schema.mapper.relationships:
        if isinstance(relation.secondary, Table) and not relation.viewonly:
            yield _of_link(schema, relation.secondary, relation.synchronize_pairs)


def _of_link(schema: Schema, table: Table, synchronized: Iterable[tuple[object, object]]) -> Captured:
    pairs: Pairs = tuple((there, here) for there, here in synchronized)  # type: ignore[misc]
    link = Write(operation=Operation.UPSERT, ids=referring(schema, table, pairs, None))
    purpose = " ".join(here.name for _, here in pairs)
    return Captured(table=table, purpose=f"link {purpose}", changed=link, deleted=link)


def _of_fan_out(route: Route) -> Iterator[Captured]:
    if route.is_reference:
        yield _of_reference(route, Operation.UPSERT, None)
        return
    relation = route.relation if route.relationship is not None else None
    if relation is not None and isinstance(relation.secondary, Table) and relation.secondary_synchronize_pairs:
        yield _of_link(route.target, relation.secondary, relation.secondary_synchronize_pairs)
    read = list(row_ids(route.owner, route.attributes_to_watch))
    deleted = {ids.table: _deleted(route, ids.table, Operation.UPSERT, None) for ids in read}
    misses = "" if any(deleted.values()) else f"deletions: Python alone knows what {route.key} leads to"
    for ids in read:
        changed = Write(operation=Operation.FAN_OUT, ids=ids, fan_out=route.key)
        yield Captured(table=ids.table, purpose=route.key, changed=changed, deleted=deleted[ids.table], misses=misses)


def _of_chain(first: Route, then: Route) -> Iterator[Captured]:
    """What a change of the owner of `first` writes for the fan-out `then` of its target."""
    purpose = f"{first.key} {then.key}"
    if first.is_reference:
        yield _of_reference(first, Operation.FAN_OUT, then.key, purpose=purpose)
        return
    for table in first.owner.mapper.tables:  # its changes are resolved by workers, who follow the chain
        if isinstance(table, Table) and (deleted := _deleted(first, table, Operation.FAN_OUT, then.key)) is not None:
            yield Captured(table=table, purpose=purpose, deleted=deleted)


def _of_reference(route: Route, operation: Operation, fan_out: str | None, *, purpose: str = "") -> Captured:
    here, there = route.reference
    table = here.table
    names = route.attributes_to_watch
    shown = None if names is None else shown_columns(route.owner.mapper, table, names)
    ids = referring(route.target, table, ((there, here),), shown)
    write = Write(operation=operation, ids=ids, fan_out=fan_out)
    return Captured(table=table, purpose=purpose or route.key, changed=write, deleted=write)


def _deleted(route: Route, table: Table, operation: Operation, fan_out: str | None) -> Write | None:
    if route.relationship is None:
        return None
    ids = RelatedIds(route=route, table=table)
    return Write(operation=operation, ids=ids, fan_out=fan_out) if ids.are_readable else None
