"""Which tasks or batches a list, a cancelation or a deletion of tasks means: filters as SQL."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters of tasks and the page to show; None stands for "no filter".

    `dates` are exclusive bounds in the clock's form, by the name of the query parameter (`afterEnqueuedAt` ...).
    """

    uids: list[int] | None = None
    batches: list[int] | None = None
    canceled_by: list[int] | None = None
    kinds: list[str] | None = None
    statuses: list[str] | None = None
    indexes: list[str] | None = None
    dates: dict[str, str] = field(default_factory=dict)
    limit: int = 20
    start: int | None = None
    reverse: bool = False

    @property
    def order(self) -> str:
        """The direction of the list, as SQL."""
        return "ASC" if self.reverse else "DESC"

    @property
    def empty(self) -> bool:
        """Whether there is no filter at all."""
        filters = (self.uids, self.batches, self.canceled_by, self.kinds, self.statuses, self.indexes)
        return all(one is None for one in filters) and not self.dates

    def where(self) -> tuple[str, list[Any]]:
        """A condition on table `tasks` and its values."""
        parts: list[str] = []
        values: list[Any] = []
        columns = {
            "uid": self.uids,
            "batch": self.batches,
            "canceled_by": self.canceled_by,
            "kind": self.kinds,
            "status": self.statuses,
        }
        for column, wanted in columns.items():
            if wanted is not None:
                parts.append(f"{column} IN (SELECT value FROM json_each(?))")
                values.append(json.dumps(wanted))
        if self.indexes is not None:
            parts.append(
                '("index" IN (SELECT value FROM json_each(?)) OR mentions IS NOT NULL AND EXISTS (SELECT 1 FROM'
                " json_each(mentions) AS m WHERE m.value IN (SELECT value FROM json_each(?))))"
            )
            values += [json.dumps(self.indexes)] * 2
        for name, moment in self.dates.items():
            parts.append(f"{_column(name)} {'>' if name.startswith('after') else '<'} ?")
            values.append(moment)
        return " AND ".join(parts) or "1", values

    def from_where(self, column: str) -> tuple[str, list[int]]:
        """The condition that begins the page at `start`, inclusively."""
        if self.start is None:
            return "1", []
        return f"{column} {'>=' if self.reverse else '<='} ?", [self.start]


def _column(name: str) -> str:
    words = {"EnqueuedAt": "enqueued_at", "StartedAt": "started_at", "FinishedAt": "finished_at"}
    return next(column for word, column in words.items() if name.endswith(word))
