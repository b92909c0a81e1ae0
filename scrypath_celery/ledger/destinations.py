"""Where the processes of this ledger send documents, as they note it themselves: so that two that differ are seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Connection, select

from ..work import Mark
from .clock import now
from .tables import worker

LIVE = 120.0
"""Seconds after its last note for which a process is taken to be there."""


@dataclass(frozen=True, kw_only=True)
class Destination:
    """The engine (its URL without secrets) and prefix that a process is configured with, and the indexes it declares.

    `task` is one that it saw in that engine, if any: who sees it too is at the same engine, under whatever URL.
    """

    url: str
    prefix: str
    indexes: frozenset[str]
    task: Mark | None = None

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Self:
        """The destination that `written` wrote."""
        task = found.get("task")
        return cls(
            url=found["url"],
            prefix=found["prefix"],
            indexes=frozenset(found["indexes"]),
            task=None if task is None else Mark(**task),
        )

    def written(self) -> dict[str, Any]:
        """It as JSON."""
        task = self.task
        known = None if task is None else {"index_uid": task.index_uid, "uid": task.uid, "token": task.token}
        return {"url": self.url, "prefix": self.prefix, "indexes": sorted(self.indexes), "task": known}

    def is_as(self, other: Self) -> bool:
        """Whether another one is the same, whatever tasks were seen."""
        return (self.url, self.prefix, self.indexes) == (other.url, other.prefix, other.indexes)


@dataclass(frozen=True, kw_only=True)
class Sender:
    """A process (a worker's node name; host and process id of others), seen `ago` seconds ago, and where it sends."""

    name: str
    ago: float
    to: Destination


def live(connection: Connection) -> list[Sender]:
    """The processes that noted lately where they send, by name."""
    ago = now() - worker.c.seen_at
    query = select(worker.c.name, worker.c.sends_to, ago.label("ago")).where(
        worker.c.seen_at > now() - LIVE, worker.c.sends_to.is_not(None)
    )
    rows = connection.execute(query.order_by(worker.c.name))
    return [Sender(name=row.name, ago=max(float(row.ago), 0.0), to=Destination.read(row.sends_to)) for row in rows]
