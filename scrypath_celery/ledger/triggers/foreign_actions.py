"""What the database's foreign keys do to the rows of a table without a trigger of ours that knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, ForeignKeyConstraint, Table, inspect

_ACTS = ("CASCADE", "SET NULL", "SET DEFAULT")


def undeclared_actions(connection: Connection, table: Table) -> str:
    """What foreign keys of a table do on MariaDB and MySQL that its metadata does not say; empty where nothing.

    Their actions fire no trigger of the table itself, and the referenced table bears one where the action is declared.
    """
    if connection.dialect.name not in ("mysql", "mariadb"):
        return ""
    inspector = inspect(connection)
    if not inspector.has_table(table.name, schema=table.schema):
        return ""
    declared = {tuple(one.column_keys): _declared(one) for one in table.foreign_key_constraints}
    found = []
    for one in inspector.get_foreign_keys(table.name, schema=table.schema):
        known = declared.get(tuple(one["constrained_columns"]), set())
        more = sorted(_reflected(one["options"]) - known)
        found += [f"{action} of {one['name']}, which is not declared" for action in more]
    return "; ".join(found)


def _declared(one: ForeignKeyConstraint) -> set[str]:
    return _acting(one.ondelete, one.onupdate)


def _reflected(options: Mapping[str, Any]) -> set[str]:
    return _acting(options.get("ondelete"), options.get("onupdate"))


def _acting(ondelete: str | None, onupdate: str | None) -> set[str]:
    both = {"ON DELETE": (ondelete or "").upper(), "ON UPDATE": (onupdate or "").upper()}
    return {f"{when} {action}" for when, action in both.items() if action in _ACTS}
