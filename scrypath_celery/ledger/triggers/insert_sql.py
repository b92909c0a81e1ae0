"""The statement inside a trigger that writes the work."""

from __future__ import annotations

from sqlalchemy import Dialect

from ...work import PRIORITY, Mode, State
from ..clock import now
from ..tables import work
from .captured import Write
from .names import literal_sql

COLUMNS = (
    "index_uid",
    "operation",
    "fan_out",
    "documents",
    "priority",
    "mode",
    "state",
    "attempts",
    "claims",
    "created_at",
    "publish_after",
    "available_at",
)
"""What a work has beside its ids."""


INSERT_INTO = f"INSERT INTO {work.name} (ids, {', '.join(COLUMNS)})"
"""The beginning of the statement; what it selects is the ids, then `values`."""


def values(index_uid: str, write: Write, dialect: Dialect) -> str:
    """The values of `COLUMNS`, as SQL that counts the ids."""
    time = str(now().compile(dialect=dialect))
    texts = {
        "index_uid": literal_sql(index_uid, dialect),
        "operation": literal_sql(write.operation.value, dialect),
        "fan_out": "NULL" if write.fan_out is None else literal_sql(write.fan_out, dialect),
        "documents": "count(*)",
        "priority": str(PRIORITY[write.operation]),
        "mode": literal_sql(Mode.CELERY.value, dialect),
        "state": literal_sql(State.PENDING.value, dialect),
        "attempts": "0",
        "claims": "0",
        "created_at": time,
        "publish_after": time,
        "available_at": time,
    }
    return ", ".join(texts[name] for name in COLUMNS)
