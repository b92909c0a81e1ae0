"""The searchable forms of the indexes: built from the documents on first use, then kept in step when they are used."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import orjson

from .catalogue import Catalogue, Index
from .database import Database
from .documents import Documents
from .search import SearchIndex

_T = TypeVar("_T")
_CHUNK = 2_000


class _Searchable:
    """One index's searchable form, and the ids that changed since it was last brought up to date."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.index: SearchIndex | None = None
        self.version = -1
        self.stale: set[str] = set()
        self.rebuild = True


class Searchables:
    """The searchable forms by index number.

    A write only notes which ids it changed (under the database's lock, with the commit); whoever searches brings the
    form up to date first. So a write never waits for a search, and an index that is never searched costs nothing.
    """

    def __init__(self, database: Database, catalogue: Catalogue, documents: Documents) -> None:
        self._database, self._catalogue, self._documents = database, catalogue, documents
        self._all: dict[int, _Searchable] = {}
        self._several = threading.Lock()

    def touch(self, number: int, ids: Iterable[str]) -> None:
        """Note changed documents, in the transaction that changes them."""
        one = self._all.get(number)
        if one is not None and not one.rebuild:
            one.stale.update(ids)

    def drop(self, number: int) -> None:
        """Note that an index was cleared or removed, in the transaction that does it."""
        self._all.pop(number, None)

    def forget(self) -> None:
        """Drop everything, after the database was replaced by another state."""
        self._all.clear()

    def use(self, uid: str, act: Callable[[SearchIndex], _T]) -> _T:
        """Do something with the searchable form of an index, brought up to date; Refusal `index_not_found`."""
        with contextlib.ExitStack() as stack:
            return act(self._locked(uid, stack))

    def use_many(self, act: Callable[[Callable[[str], SearchIndex]], _T]) -> _T:
        """Do something with the searchable forms of several indexes; `act` is given the way to find each."""
        # One such search at a time: two could else wait for each other's indexes.
        with self._several, contextlib.ExitStack() as stack:
            return act(lambda uid: self._locked(uid, stack))

    def _locked(self, uid: str, stack: contextlib.ExitStack) -> SearchIndex:
        while True:
            with self._database.lock:
                index = self._catalogue.get(uid)
                one = self._all.setdefault(index.number, _Searchable())
            with contextlib.ExitStack() as trial:
                trial.enter_context(one.lock)
                if self._refresh(one, uid, index.number):
                    assert one.index is not None
                    stack.push(trial.pop_all())
                    return one.index

    def _refresh(self, one: _Searchable, uid: str, number: int) -> bool:
        """Bring a form up to date; False where the index went away or got another name meanwhile."""
        with self._database.lock:
            index = self._catalogue.find(uid)
            if index is None or index.number != number or self._all.get(number) is not one:
                return False
            if one.index is None:
                one.index = SearchIndex(uid, index.settings, index.primary_key)
            elif one.version != index.version:
                one.index.configure(uid, index.settings, index.primary_key)
            one.version = index.version
            if one.rebuild or len(one.stale) * 2 > len(one.index):
                # From here on writes note what they change: what the copying misses is caught up with after it.
                one.index.clear()
                one.rebuild, one.stale, copying = False, set(), True
            else:
                copying = False
        try:
            if copying:
                one.index.put(_decoded(self._documents.each(index)))
            while self._catch_up(one, index):
                pass
        except sqlite3.OperationalError:  # the table went away under the reading
            one.rebuild = True
            return False
        return True

    def _catch_up(self, one: _Searchable, index: Index) -> bool:
        """Take over some of the documents that changed; False where none is left."""
        assert one.index is not None
        # Piece by piece, so that writes get the lock in between.
        with self._database.lock:
            ids = [one.stale.pop() for _ in range(min(_CHUNK, len(one.stale)))]
            found = self._documents.of_ids(index, ids)
            one.index.delete(identity for identity in ids if identity not in found)
            one.index.put(_decoded(found.items()))
            return bool(one.stale)


def _decoded(rows: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for identity, body in rows:
        yield identity, orjson.loads(body)
