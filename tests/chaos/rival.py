"""A second writer of the application, which takes the same rows in the opposite order."""

from __future__ import annotations

import random
import threading
from typing import Self

from sqlalchemy.exc import DBAPIError

from tests.chaos.shop import HOT, Item, Shop


class Rival:
    """A thread that changes the hot rows from the last to the first, over and over."""

    def __init__(self, shop: Shop, *, seed: int) -> None:
        self._shop, self._chance = shop, random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> Self:
        """Begin to write."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Write no more; returns when the last transaction is over."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.005):
            try:
                self._write()
            except DBAPIError:
                continue  # the victim of a deadlock, as an application may be that writes so

    def _write(self) -> None:
        with self._shop.session.begin() as session:
            for id in reversed(range(HOT)):
                item = session.get(Item, id)
                if item is not None and self._chance.random() < 0.7:
                    item.version = self._chance.randrange(1_000_000_000)
                    self._shop.search.sync_record(item, session=session)
                    session.flush()
