"""A rebuild under traffic: a new index is filled and swapped in while others search and write."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from sqlalchemy import select

from .cities import City, search
from .script import Scene
from .stage import Broken

_TOWN = "Springfield"


class Traffic:
    """A thread that writes and searches all the time; `writes` and `searches` count what succeeded."""

    def __init__(self, scene: Scene, ids: Sequence[int]) -> None:
        self.writes = self.searches = 0
        self.empty = 0
        self._scene, self._ids = scene, ids
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._error is not None and error is None:
            raise Broken(f"a write or a search failed during the rebuild ({self._error})") from self._error

    def _run(self) -> None:
        try:
            for id in itertools.cycle(self._ids):
                self._write(id)
                self._search()
                if self._over.wait(0.02):
                    return
        except Exception as exc:  # noqa: BLE001 - whatever it is, the demo has to end with it
            self._error = exc

    def _write(self, id: int) -> None:
        with self._scene.session.begin() as session:
            city = session.get_one(City, id)
            city.population += 1
            search.sync_record(city, session=session)
        self.writes += 1

    def _search(self) -> None:
        if self._scene.found(_TOWN):
            self.searches += 1
        else:
            self.empty += 1


def rebuild(scene: Scene) -> None:
    """Reindex with a cut-over, under traffic."""
    voice = scene.voice
    voice.step("Rebuild: a new index beside the live one, swapped in while people write and search")
    voice.call("search.reindex(City, cutover=True)  # or: scrypath-celery reindex City")
    with scene.session() as session:
        ids = session.scalars(select(City.id).order_by(City.id).limit(997)).all()
    before = search.meilisearch.index(City).fetch_info().created_at
    start = time.monotonic()
    with Traffic(scene, ids) as traffic:
        done = search.reindex(City, cutover=True, progress=voice.progress)
    seconds = time.monotonic() - start
    scene.settled()
    after = search.meilisearch.index(City).fetch_info().created_at
    voice.hold(done.cut_over and after != before, f"the live index is the new one, after {seconds:.1f} s")
    voice.say(f"meanwhile {traffic.writes} transactions wrote, and {traffic.searches} searches were answered;")
    voice.say(f"{done.caught_up} documents were caught up before the swap, {done.requeued} re-synced after it")
    voice.hold(traffic.empty == 0 and traffic.searches > 0, f'no search for "{_TOWN}" came back empty')
    voice.hold(done.failed == 0 and not scene.counts(), "no work has failed")
    scene.figures["rebuild"] = f"{done.filled:,} documents in {seconds:.1f} s, {traffic.writes} writes meanwhile"
