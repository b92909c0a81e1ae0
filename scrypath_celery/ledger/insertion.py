"""The INSERT of a work, which is part of every commit that registers something: it is rendered once, not each time."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Text, bindparam, literal_column

from ..work import State
from .clock import now
from .tables import work

COLUMNS = (
    "index_uid",
    "operation",
    "ids",
    "documents",
    "priority",
    "mode",
    "history",
    "rebuild_id",
    "fan_out",
    "traceparent",
)
"""What a row says; `publish_in` and `available_in` (seconds from now) stand beside that."""

_INSERT = work.insert().values(
    **{name: bindparam(name, type_=Text() if name in ("ids", "history") else None) for name in COLUMNS},
    state=literal_column(f"'{State.PENDING.value}'"),
    attempts=literal_column("0"),
    claims=literal_column("0"),
    created_at=now(),
    publish_after=now() + bindparam("publish_in"),
    available_at=now() + bindparam("available_in"),
)


class _Rendered(NamedTuple):
    """The statement as its driver takes it, and the order of its parameters, where they have one."""

    text: str
    order: tuple[str, ...] | None


def insert(connection: Connection, row: dict[str, Any]) -> int:
    """Write a pending work on the caller's connection; its id. `row` has all `COLUMNS`, what is JSON encoded."""
    dialect = connection.dialect
    if not dialect.insert_returning:
        key = connection.execute(_INSERT, row).inserted_primary_key
        assert key is not None
        return int(key[0])
    text, order = _rendered(dialect)
    # What SQLAlchemy does for an expression each time it is executed costs more than the driver's part of it.
    given = row if order is None else tuple([row[name] for name in order])
    id = connection.exec_driver_sql(text, given).scalar()
    assert id is not None
    return int(id)


@lru_cache(maxsize=16)
def _rendered(dialect: Dialect) -> _Rendered:
    compiled = _INSERT.returning(work.c.id).compile(dialect=dialect)
    return _Rendered(str(compiled), None if compiled.positiontup is None else tuple(compiled.positiontup))
