"""The one clock of the ledger: that of its database, as seconds since the epoch."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Double
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement


class now(FunctionElement[float]):  # noqa: N801 - reads as the SQL function that it is
    """The database's time when the statement runs, in seconds since the epoch (a double)."""

    type = Double()
    inherit_cache = True
    name = "scrypath_now"


@compiles(now)
def _standard(element: now, compiler: SQLCompiler, **kw: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


@compiles(now, "sqlite")
def _sqlite(element: now, compiler: SQLCompiler, **kw: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "mysql")
@compiles(now, "mariadb")
def _mysql(element: now, compiler: SQLCompiler, **kw: Any) -> str:
    # NOW() may be frozen by the session's `timestamp` variable and by replication; SYSDATE() is the real clock.
    return "(UNIX_TIMESTAMP(SYSDATE(6)) + 0.0E0)"
