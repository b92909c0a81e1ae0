"""What triggers a row write for each event: those of MariaDB and SQLite differ in how they read the ids alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Dialect

from .captured import Captured, Write
from .related_ids import RelatedIds
from .row_ids import RowIds

EVENTS = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, kw_only=True)
class RowReads:
    """How a database reads the ids of a row.

    `changed` gives the SQL for the ids of some versions of a row (OLD, NEW, or both, where only a change counts).
    `moved` gives what follows the columns in the SELECT of one version: nothing, or (from the columns of OLD and NEW
    that lead to what is related) what chooses it where they differ.
    """

    changed: Callable[[RowIds, tuple[str, ...], Dialect], str]
    moved: Callable[[list[str], list[str]], str]

    def of(self, source: Captured, event: str, dialect: Dialect) -> Iterator[tuple[Write, str]]:
        """What an event writes, each with the SQL that gives its ids."""
        changed, deleted = source.changed, source.deleted
        if changed is not None and event != "DELETE":
            assert isinstance(changed.ids, RowIds)
            yield changed, self.changed(changed.ids, ("NEW",) if event == "INSERT" else ("OLD", "NEW"), dialect)
        if deleted is None or event == "INSERT":
            return
        if isinstance(deleted.ids, RelatedIds):
            ids = deleted.ids
            listed = [ids.listed(row, dialect) for row in ("OLD", "NEW")]
            origin = self.moved(*listed) if event == "UPDATE" else ""
            yield deleted, ids.read(ids.of_row("OLD", origin, dialect), dialect)
        elif event == "DELETE":
            yield deleted, self.changed(deleted.ids, ("OLD",), dialect)
