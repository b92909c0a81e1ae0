"""Installing, upgrading, removing and showing the triggers of schemas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from ...declaration.fan_out import Route
from ...declaration.generation import index_of
from ...declaration.schema import Schema
from ...errors import SchemaError
from . import mariadb, postgresql, sqlite
from .foreign_actions import undeclared_actions
from .installed import all_installed, installed
from .names import quoting
from .places import in_turn, refuse_elsewhere, refuse_missing
from .remembered import HOLDER, remembered
from .trigger import Found, TableStatus, TableTriggers, TriggerState

if TYPE_CHECKING:
    from ..database import Ledger


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What the triggers of all schemas have in common."""

    routes: Iterable[Route]
    notify: bool


class Triggers:
    """The triggers with which the database itself writes the works of schemas, whoever changes their records.

    They are on the tables of the records, on the link tables of their relationships, and on those of the owners whose
    fan-outs (`routes`) lead to them. With `notify` those on PostgreSQL notify workers of what they write.

    They write in the transaction of the change, so a rollback takes the work along; the relay publishes it within its
    period. They work beside calls and `track`: a change that both see has two works, which one claim takes and sends
    once. `SET LOCAL scrypath.capture = off` switches them off for a transaction on PostgreSQL, `SET @scrypath_capture
    = 'off'` until further notice for a connection on MariaDB, `UPDATE scrypath_ledger SET capture_off = 1` (and back
    to 0 before the commit) on SQLite.
    """

    def __init__(
        self, ledger: Ledger, schemas: Sequence[Schema], *, routes: Iterable[Route] = (), notify: bool = False
    ) -> None:
        self._ledger = ledger
        self._schemas = tuple(schemas)
        self._plan = _Plan(routes=routes, notify=notify)

    def status(self) -> tuple[TableStatus, ...]:
        """How the triggers of each table stand.

        Raises:
            SchemaError: a schema's writes cannot be captured by triggers. LedgerError: the database cannot be asked.
        """
        return self._ledger.read(self.standing)

    def standing(self, connection: Connection) -> tuple[TableStatus, ...]:
        """The same, on a connection of the ledger's."""
        return tuple(one for schema in self._schemas for one in _standing(connection, schema, self._plan))

    def standing_if_any(self, connection: Connection) -> tuple[TableStatus, ...]:
        """The same of schemas that have any triggers at all; raises nothing for what they cannot capture."""
        return tuple(one for schema in self._schemas for one in _standing_if_any(connection, schema, self._plan))

    def statements(self) -> tuple[str, ...]:
        """The statements that `install` runs, each to be run as it is; those that make what is there already, too.

        Run them in one transaction: between a trigger that is dropped and its successor a write would be missed.

        Raises:
            SchemaError: as `status`. LedgerError: as `status`.
        """
        wanted = self._ledger.read(
            lambda tx: [one for schema in self._schemas for one in _wanted(tx, schema, self._plan)]
        )
        return tuple(statement for one in wanted for statement in one.statements)

    def script(self) -> str:
        """The same statements as the database's own client takes them from a file (`psql`, `mariadb`, `sqlite3`).

        Raises:
            SchemaError: as `status`. LedgerError: as `status`.
        """
        name = self._ledger.database.dialect.name
        delimited = name in ("mysql", "mariadb")
        statements = [_ended(one, delimited=delimited) for one in self.statements()]
        if delimited:  # its statements commit by themselves
            return "\n".join(statements)
        # Between a trigger that is dropped and its successor a write would be missed.
        begin = "BEGIN IMMEDIATE;" if name == "sqlite" else "BEGIN;"
        return "\n".join((begin, *statements, "COMMIT;"))

    def install(self) -> tuple[TableStatus, ...]:
        """Install what is missing, renew what is outdated or switched off, remove what is left over; what was done.

        Again changes nothing. It waits for transactions that have written to these tables, and holds up new ones.

        Raises:
            SchemaError: as `status`. LedgerError: the ledger is missing or older, or the database refused.
        """

        def install(connection: Connection) -> tuple[TableStatus, ...]:
            with in_turn(connection):
                return tuple(one for schema in self._schemas for one in _install(connection, schema, self._plan))

        return self._ledger.run(install)

    def remove(self) -> tuple[TableStatus, ...]:
        """Remove all triggers and functions of these schemas, also where the ledger is gone; what was there.

        Raises:
            LedgerError: the database refused.
        """

        def remove(connection: Connection) -> tuple[TableStatus, ...]:
            with in_turn(connection):
                return tuple(one for schema in self._schemas for one in _remove(connection, schema))

        return self._ledger.run(remove, checked=False)


def undeclared(ledger: Ledger, schemas: Iterable[Schema]) -> dict[str, list[str]]:
    """The tables with triggers for indexes that no schema has, in whichever generation, by index.

    They write works that nobody here runs: an index that has another name now, or a schema that is gone, left them.
    """
    known, found = {index_of(one.uid) for one in schemas}, dict[str, list[str]]()
    for one in ledger.read(all_installed):
        if index_of(one.index_uid) not in known and one.table not in (*found.get(one.index_uid, ()), HOLDER.name):
            found.setdefault(one.index_uid, []).append(one.table)
    return found


def remove_index(ledger: Ledger, index_uid: str) -> tuple[TableStatus, ...]:
    """Remove all triggers for an index by its uid, which need not be declared; what was there."""

    def remove(connection: Connection) -> tuple[TableStatus, ...]:
        with in_turn(connection):
            tables = _dropped(connection, index_uid)
        return tuple(TableStatus(schema=index_uid, table=one, state=TriggerState.INSTALLED) for one in tables)

    return ledger.run(remove, checked=False)


def _wanted(connection: Connection, schema: Schema, plan: _Plan) -> list[TableTriggers]:
    schema.check()
    dialect = connection.dialect
    if dialect.name == "postgresql":
        return postgresql.wanted(schema, plan.routes, dialect, _search_path(connection), notify=plan.notify)
    of_rows = sqlite.wanted if dialect.name == "sqlite" else mariadb.wanted
    found = of_rows(schema, plan.routes, dialect)
    refuse_elsewhere(connection, schema, found)
    return [*found, remembered(schema, dialect)]


def _standing(connection: Connection, schema: Schema, plan: _Plan) -> Iterator[TableStatus]:
    there, wanted = installed(connection, schema.uid), _wanted(connection, schema, plan)
    tables: dict[str, list[TableTriggers]] = {}
    for one in wanted:
        if one.on is not HOLDER:  # what only remembers is nobody's concern
            tables.setdefault(one.table, []).append(one)
    for table, several in tables.items():
        told = [one.misses for one in several] + [undeclared_actions(connection, several[0].on)]
        misses = "; ".join(one for one in told if one)
        found = _told(schema, table, _together({_state(one, there) for one in several}), misses or None)
        version, of_wanted = _versions(several, there)
        yield replace(found, version=version, wanted=of_wanted)
    for table in dict.fromkeys(found.table for found in _left_over(wanted, there)):
        yield _told(schema, table, TriggerState.LEFT_OVER)


def _versions(wanted: list[TableTriggers], there: list[Found]) -> tuple[str | None, str | None]:
    """The versions of triggers that are there, and of those that are to be in their place, where they differ."""
    pairs = [(found.mark, one.mark) for one in wanted for found in there if one.holds(found)]
    differing = [pair for pair in pairs if pair[0] != pair[1]]
    if not differing:
        return None, None
    there_now, to_be = zip(*differing, strict=True)
    return ",".join(dict.fromkeys(there_now)), ",".join(dict.fromkeys(to_be))


def _standing_if_any(connection: Connection, schema: Schema, plan: _Plan) -> list[TableStatus]:
    there = installed(connection, schema.uid)
    try:
        return list(_standing(connection, schema, plan)) if there else []
    except SchemaError:  # they were installed when it was declared otherwise
        tables = dict.fromkeys(one.table for one in there if one.table != HOLDER.name)
        return [_told(schema, table, TriggerState.LEFT_OVER) for table in tables]


def _install(connection: Connection, schema: Schema, plan: _Plan) -> list[TableStatus]:
    wanted = _wanted(connection, schema, plan)
    done = [one for one in _standing(connection, schema, plan) if one.state is not TriggerState.INSTALLED]
    _drop(connection, _left_over(wanted, installed(connection, schema.uid)))
    there = installed(connection, schema.uid)
    lacking = [one for one in wanted if _state(one, there) is not TriggerState.INSTALLED]
    refuse_missing(connection, schema, lacking)
    for one in lacking:
        _execute(connection, one.statements)
    return done


def _remove(connection: Connection, schema: Schema) -> list[TableStatus]:
    return [_told(schema, table, TriggerState.INSTALLED) for table in _dropped(connection, schema.uid)]


def _dropped(connection: Connection, index_uid: str) -> list[str]:
    """Remove all triggers for an index; the tables that had some."""
    there = installed(connection, index_uid)
    _drop(connection, there)
    return list(dict.fromkeys(one.table for one in there if one.table != HOLDER.name))


def _told(schema: Schema, table: str, state: TriggerState, misses: str | None = None) -> TableStatus:
    return TableStatus(schema=schema.name, table=table, state=state, misses=misses)


def _left_over(wanted: list[TableTriggers], there: list[Found]) -> list[Found]:
    return [found for found in there if not any(one.holds(found) for one in wanted)]


def _state(wanted: TableTriggers, there: list[Found]) -> TriggerState:
    found = [one for one in there if wanted.holds(one)]
    if not found:
        return TriggerState.MISSING
    if len(found) < len(wanted.names) or any(one.mark != wanted.mark for one in found):
        return TriggerState.OUTDATED
    return TriggerState.INSTALLED if all(one.enabled for one in found) else TriggerState.DISABLED


def _together(states: set[TriggerState]) -> TriggerState:
    """How a table stands whose several triggers stand so."""
    if len(states) == 1:
        return states.pop()
    complete = states == {TriggerState.INSTALLED, TriggerState.DISABLED}
    return TriggerState.DISABLED if complete else TriggerState.OUTDATED


def _drop(connection: Connection, found: list[Found]) -> None:
    _execute(connection, dict.fromkeys(statement for one in found for statement in one.drop))


def _execute(connection: Connection, statements: Iterable[str]) -> None:
    for statement in statements:  # as they are: a percent sign stands for no parameter
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _ended(statement: str, *, delimited: bool) -> str:
    """A statement with its end; the client of MariaDB and MySQL takes each semicolon for one, unless it is told."""
    return f"DELIMITER //\n{statement} //\nDELIMITER ;" if delimited and ";" in statement else f"{statement};"


def _search_path(connection: Connection) -> str:
    """The schemas that are searched now, for functions that run under anybody's search path."""
    quote = quoting(connection.dialect).quote
    found = connection.execute(text("SELECT unnest(current_schemas(false))")).scalars()
    return ", ".join([*(quote(str(name)) for name in found), "pg_temp"])
