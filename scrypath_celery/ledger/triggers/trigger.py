"""What triggers are made of, and how one is known again in a database."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Table

PREFIX = "scrypath_"
"""How the names of all our triggers and functions begin."""

_MARK = re.compile(r"scrypath-celery (\S+) ([0-9a-f]{12})")


class TriggerState(StrEnum):
    """How the triggers of a table stand: there, of another release or declaration, switched off, or not there.

    `left_over` are triggers of the schema on a table that it does not read any more.
    """

    INSTALLED = "installed"
    OUTDATED = "outdated"
    DISABLED = "disabled"
    MISSING = "missing"
    LEFT_OVER = "left_over"


@dataclass(frozen=True, kw_only=True)
class TableTriggers:
    """Triggers that one table needs for one index: their names, and the statements that make them.

    `table` is the quoted name of the table that they are `on`, `mark` changes with what they do, `misses` says what of
    the table's changes they do not capture.
    """

    table: str
    on: Table
    names: tuple[str, ...]
    mark: str
    statements: tuple[str, ...]
    misses: str = ""

    def holds(self, found: Found) -> bool:
        """Whether a trigger is one of these, and still on this table: one that is renamed takes its triggers along."""
        ours, its = _plain(self.table), _plain(found.table)
        return found.name in self.names and (ours == its or ours.endswith(f".{its}"))


@dataclass(frozen=True, kw_only=True)
class Found:
    """A trigger of ours in the database; `drop` are the statements that remove it, `mark` and `index_uid` its own."""

    name: str
    table: str
    index_uid: str
    mark: str
    enabled: bool
    drop: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TableStatus:
    """How the triggers of one table stand for one schema; `misses` says what they cannot capture of its changes.

    Where their versions differ, `version` is that of the triggers that are there, `wanted` that of those that are to
    be: twelve hexadecimal digits that change with what a trigger does, several with commas between.
    """

    schema: str
    table: str
    state: TriggerState
    misses: str | None = None
    version: str | None = None
    wanted: str | None = None

    @property
    def told(self) -> str:
        """The state, and the versions where they differ."""
        return self.state if self.wanted is None else f"{self.state}({self.version},wanted={self.wanted})"


def base_name(index_uid: str, table: str, *, purpose: str = "") -> str:
    """The beginning of the names of a table's triggers for an index; triggers of one database share their names."""
    digest = hashlib.sha256(f"{index_uid} {table} {purpose}".encode()).hexdigest()[:8]
    short = re.sub(r"[^a-z0-9_]", "_", table.rpartition(".")[2].lower())[:30]
    return f"{PREFIX}{short}_{digest}"


def _plain(table: str) -> str:
    return re.sub(r'["`]', "", table).casefold()


def mark_of(text: str) -> str:
    """Twelve hexadecimal digits that change with the text of a trigger."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def signature(index_uid: str, mark: str) -> str:
    """What stands in the body of a trigger, so that `read_mark` knows it again."""
    return f"scrypath-celery {index_uid} {mark}"


def read_mark(body: str) -> tuple[str, str] | None:
    """The index and mark that the body of a trigger bears; None where it is not ours."""
    found = _MARK.search(body)
    return None if found is None else (found[1], found[2])
