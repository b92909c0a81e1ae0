"""The ids that a verification finds, kept in a file of SQLite's own, so that memory stays small however many differ."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Self

from ..work import MAX_IDS
from .comparison import Finding, Kind

UNDECIDED = "undecided"
"""What work kept changing until patience was over."""
_PUT_OFF = "put_off"


class FoundIds:
    """Ids by kind, each once, in the order in which they were found; a `with` block ends them.

    Beside them are the findings that are put off: looked at once, and to be looked at again later.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # a temporary file, which SQLite removes
        self._database.execute(
            "CREATE TABLE found (place INTEGER PRIMARY KEY, id TEXT UNIQUE, state TEXT, kind TEXT, mark INTEGER,"
            " fields TEXT, since REAL)"
        )
        self._database.execute("CREATE INDEX by_state ON found (state, place)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._database.close()

    def add(self, findings: Mapping[str, Finding]) -> None:
        """These ids differ."""
        self._write(findings, None, 0.0)

    def give_up(self, findings: Mapping[str, Finding]) -> None:
        """These ids stay undecided."""
        self._write(findings, UNDECIDED, 0.0)

    def put_off(self, findings: Mapping[str, Finding], since: float) -> None:
        """These ids are to be looked at again; `since` is when they were looked at."""
        self._write(findings, _PUT_OFF, since)

    def some_put_off(self) -> bool:
        """Whether any are put off."""
        query = "SELECT EXISTS (SELECT 1 FROM found WHERE state = ?)"
        return bool(self._database.execute(query, (_PUT_OFF,)).fetchone()[0])

    def take_put_off(self) -> tuple[dict[str, Finding], float]:
        """Some of those that were put off, which they are no longer, and when the first of them was looked at."""
        query = "SELECT id, kind, mark, fields, since FROM found WHERE state = ? ORDER BY place LIMIT ?"
        rows = self._database.execute(query, (_PUT_OFF, MAX_IDS)).fetchall()
        self._database.executemany("DELETE FROM found WHERE id = ?", [(row[0],) for row in rows])
        found = {
            id: Finding(kind=Kind(kind), mark=mark, fields=tuple(json.loads(fields)))
            for id, kind, mark, fields, _ in rows
        }
        return found, min((row[4] for row in rows), default=0.0)

    def known(self, ids: Sequence[str]) -> set[str]:
        """Those of these ids that are here."""
        asked = "SELECT id FROM found WHERE id IN (SELECT value FROM json_each(?))"
        return {row[0] for row in self._database.execute(asked, (json.dumps(list(ids)),))}

    def counts(self) -> dict[str, int]:
        """How many there are, by kind, and how many are undecided."""
        names = (*(kind.value for kind in Kind), UNDECIDED)
        counted = dict(self._database.execute("SELECT state, COUNT(*) FROM found GROUP BY state").fetchall())
        return {name: counted.get(name, 0) for name in names}

    def ids(self, state: str, limit: int = -1) -> tuple[str, ...]:
        """The first ids of a kind, or of those that are undecided (at most `limit`)."""
        query = "SELECT id FROM found WHERE state = ? ORDER BY place LIMIT ?"
        return tuple(row[0] for row in self._database.execute(query, (state, limit)))

    def pages(self, kinds: Collection[Kind], size: int = MAX_IDS) -> Iterator[list[str]]:
        """All ids of these kinds, `size` at a time."""
        query = "SELECT id FROM found WHERE state IN (SELECT value FROM json_each(?)) ORDER BY place"
        rows = self._database.execute(query, (json.dumps([kind.value for kind in kinds]),))
        while page := rows.fetchmany(size):
            yield [row[0] for row in page]

    def fields(self, limit: int) -> dict[str, tuple[str, ...]]:
        """The fields that differ, of the first stale documents."""
        query = "SELECT id, fields FROM found WHERE state = ? ORDER BY place LIMIT ?"
        return {
            id: tuple(json.loads(fields)) for id, fields in self._database.execute(query, (Kind.STALE.value, limit))
        }

    def _write(self, findings: Mapping[str, Finding], state: str | None, since: float) -> None:
        self._database.executemany(
            "INSERT OR REPLACE INTO found (id, state, kind, mark, fields, since) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (id, state or one.kind.value, one.kind.value, one.mark, json.dumps(one.fields), since)
                for id, one in findings.items()
            ],
        )
