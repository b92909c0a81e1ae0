"""The documents of the indexes: one table an index, in internal order, with the shapes of their fields."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from .catalogue import Index
from .database import Database

_CHUNK = 5_000


class Place(NamedTuple):
    """Where a document is: its internal number, and what the tallies say of it."""

    docid: int
    shape: int
    size: int


class Documents:
    """Reads and writes documents. Bodies are JSON, their fields in the order of the index's field list."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, index: Index) -> int:
        """How many documents the index holds."""
        row = self._database.one('SELECT SUM(documents) FROM tallies WHERE "index" = ?', (index.number,))
        return int(row[0] or 0) if row else 0

    def body(self, index: Index, identity: str) -> bytes | None:
        """One document as JSON, or None."""
        row = self._database.one(f"SELECT body FROM {index.table} WHERE id = ?", (identity,))
        return None if row is None else bytes(row[0])

    def page(self, index: Index, offset: int, limit: int) -> list[bytes]:
        """Documents in internal order."""
        statement = f"SELECT body FROM {index.table} ORDER BY docid LIMIT ? OFFSET ?"
        return [row[0] for row in self._database.all(statement, (_clamp(limit), _clamp(offset)))]

    def of_ids(self, index: Index, ids: Iterable[str]) -> dict[str, bytes]:
        """The documents of the given ids that exist, in internal order."""
        rows = self._database.all(
            f"SELECT id, body FROM {index.table} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY docid",
            (json.dumps(list(ids)),),
        )
        return {row[0]: row[1] for row in rows}

    def places(self, index: Index, ids: Sequence[str]) -> dict[str, Place]:
        """Where the documents of the given ids are, as far as they exist."""
        found: dict[str, Place] = {}
        if not self.count(index):
            return found
        for start in range(0, len(ids), _CHUNK):
            listed = json.dumps(ids[start : start + _CHUNK])
            rows = self._database.all(
                f"SELECT id, docid, shape, LENGTH(body) FROM {index.table}"
                " WHERE id IN (SELECT value FROM json_each(?))",
                (listed,),
            )
            found.update((row[0], Place(row[1], row[2], row[3])) for row in rows)
        return found

    def each(self, index: Index) -> Iterator[tuple[str, bytes]]:
        """All documents in internal order, in pieces, so that others get the lock in between."""
        last = -1
        while True:
            statement = f"SELECT docid, id, body FROM {index.table} WHERE docid > ? ORDER BY docid LIMIT ?"
            rows = self._database.all(statement, (last, _CHUNK))
            if not rows:
                return
            last = rows[-1][0]
            yield from ((row[1], row[2]) for row in rows)

    def free_places(self, index: Index, wanted: int) -> list[int]:
        """The lowest internal numbers that no document has: the engine fills gaps before it goes on."""
        row = self._database.one(f"SELECT COUNT(*), MAX(docid) FROM {index.table}")
        count, highest = (row[0], row[1]) if row else (0, None)
        after = 0 if highest is None else highest + 1
        gaps: list[int] = []
        if count < after:
            taken = {row[0] for row in self._database.all(f"SELECT docid FROM {index.table}")}
            gaps = [place for place in range(after) if place not in taken][:wanted]
        return gaps + list(range(after, after + wanted - len(gaps)))

    def write(self, index: Index, rows: Iterable[tuple[int, str, int, bytes]]) -> None:
        """Insert or replace `(internal number, id, shape, body)`, inside the caller's transaction."""
        self._database.connection.executemany(
            f"INSERT INTO {index.table} VALUES (?, ?, ?, ?)"
            " ON CONFLICT (docid) DO UPDATE SET shape = excluded.shape, body = excluded.body",
            rows,
        )

    def remove(self, index: Index, places: Iterable[int]) -> None:
        """Delete by internal numbers, inside the caller's transaction."""
        statement = f"DELETE FROM {index.table} WHERE docid = ?"
        self._database.connection.executemany(statement, ((place,) for place in places))

    def tally(self, index: Index, changes: Mapping[int, tuple[int, int]]) -> None:
        """Add to the numbers of documents and bytes by shape, inside the caller's transaction."""
        self._database.connection.executemany(
            "INSERT INTO tallies VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET documents = documents + excluded.documents, bytes = bytes + excluded.bytes",
            [(index.number, shape, documents, size) for shape, (documents, size) in changes.items()],
        )

    def clear(self, index: Index) -> None:
        """Delete all documents of an index, inside the caller's transaction."""
        self._database.connection.execute(f"DELETE FROM {index.table}")
        self._database.connection.execute('DELETE FROM tallies WHERE "index" = ?', (index.number,))

    def stats(self, index: Index) -> dict[str, Any]:
        """The counts of `GET /indexes/{uid}/stats` that come from documents."""
        fields: dict[str, int] = {}
        count = size = 0
        rows = self._database.all(
            "SELECT keys, documents, bytes FROM tallies JOIN shapes ON number = shape"
            ' WHERE "index" = ? AND documents > 0',
            (index.number,),
        )
        for keys, documents, bytes_ in rows:
            count, size = count + documents, size + bytes_
            for name in json.loads(keys):
                fields[name] = fields.get(name, 0) + documents
        return {
            "numberOfDocuments": count,
            "rawDocumentDbSize": size,
            "avgDocumentSize": size // count if count else 0,
            "fieldDistribution": dict(sorted(fields.items())),
        }


class Shapes:
    """The sets of top-level fields that documents have, numbered; also puts fields into the index's order."""

    def __init__(self, database: Database, index: Index) -> None:
        self._database = database
        self._order = {name: place for place, name in enumerate(index.fields)}
        self._fields = index.fields
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.numbers: dict[tuple[str, ...], int] = {}

    def encode(self, document: dict[str, Any]) -> tuple[tuple[str, ...], bytes]:
        """The ordered field names of a document and its JSON in that order; new fields join the index's list."""
        names = tuple(document)
        ordered = self._known.get(names)
        if ordered is None:
            ordered = self._known[names] = self._arrange(names)
        whole = document if ordered == names else {name: document[name] for name in ordered}
        # A copy: what orjson returns lies in a buffer of its own making, several times as large.
        return ordered, bytes(memoryview(orjson.dumps(whole)))

    def _arrange(self, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in self._order:
                self._order[name] = len(self._fields)
                self._fields.append(name)
        return tuple(sorted(names, key=self._order.__getitem__))

    def number(self, names: tuple[str, ...]) -> int:
        """The number of a shape, inside the caller's transaction."""
        known = self.numbers.get(names)
        if known is None:
            text = orjson.dumps(names).decode()
            connection = self._database.connection
            connection.execute("INSERT OR IGNORE INTO shapes (keys) VALUES (?)", (text,))
            known = connection.execute("SELECT number FROM shapes WHERE keys = ?", (text,)).fetchone()[0]
            self.numbers[names] = known
        return known


def _clamp(number: int) -> int:
    return min(number, 2**62)
