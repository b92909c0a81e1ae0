"""The one clock of the ledger: that of its database, as seconds since the epoch."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Double
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement


class now(FunctionElement[float]):  # noqa: N801 - reads as the SQL function that it is
    """The database's time when the statement began, in seconds since the epoch (a double).

    It is one value throughout a statement, so that a comparison with it can use an index; and it does not follow the
    session's time zone, whose summer time would make it jump.
    """

    type = Double()
    inherit_cache = True
    name = "scrypath_now"


@compiles(now)
def _standard(element: now, compiler: SQLCompiler, **kw: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM statement_timestamp()) AS DOUBLE PRECISION)"


@compiles(now, "sqlite")
def _sqlite(element: now, compiler: SQLCompiler, **kw: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "mysql")
@compiles(now, "mariadb")
def _mysql(element: now, compiler: SQLCompiler, **kw: Any) -> str:
    # UNIX_TIMESTAMP() would read a local time, which the hour at the end of summer time has twice; and SYSDATE() may
    # change within a statement, which keeps it from using an index.
    return "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1.0E6)"


class hour(FunctionElement[float]):  # noqa: N801 - reads as an SQL function
    """The start of the hour that a time lies in, in seconds since the epoch."""

    type = Double()
    inherit_cache = True
    name = "scrypath_hour"


@compiles(hour)
def _hour(element: hour, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(FLOOR({compiler.process(element.clauses, **kw)} / 3600.0) * 3600.0)"


@compiles(hour, "sqlite")
def _sqlite_hour(element: hour, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(CAST({compiler.process(element.clauses, **kw)} / 3600.0 AS INTEGER) * 3600.0)"
