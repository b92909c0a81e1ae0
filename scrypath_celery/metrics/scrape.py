"""What a scrape is answered with."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client.registry import Collector as AnyCollector

from ..engine.transport import REQUEST
from ..errors import EngineError
from ..logs import log
from ..operator.engine_health import EngineHealth, engine_health
from ..operator.probe import Probe, with_timeouts
from ..runtime import Runtime
from ..searching.measured import HYDRATED, MISSING, SEARCH, SEVERAL
from ..totals import Key, Total
from .families import FAMILIES, OF_PROCESS, AnyFamily
from .ledger_look import look_at_ledger, name_of
from .ledger_samples import add_ledger
from .part import Part
from .samples import Samples

if TYPE_CHECKING:
    from ..app import Scrypath


class Collector(AnyCollector):
    """The metrics of one `Scrypath`; see `collector`, which makes it. Every scrape looks anew."""

    def __init__(self, search: Scrypath, *, timeout: float, count_limit: int, shared: bool, process: bool) -> None:
        self._search, self._timeout, self._process = search, timeout, process
        self._down: dict[str, str | None] = {}
        self._parts: dict[str, Part[Any]] = {}
        if shared:
            self._parts = {
                "ledger": Part(lambda: look_at_ledger(search.runtime, seconds=timeout, limit=count_limit)),
                "engine": Part(lambda: _look_at_engine(search.runtime, timeout)),
            }

    def describe(self) -> Iterable[AnyFamily]:
        """All its metrics, without a look at anything: a registry asks for their names."""
        of = {True: self._process, False: bool(self._parts)}
        return [family.new() for name, family in FAMILIES.items() if of[name in OF_PROCESS]]

    def collect(self) -> Iterator[AnyFamily]:
        """Look at all parts beside each other; those that do not answer in time are told to be down."""
        samples, end = Samples(), time.monotonic() + self._timeout
        for part in self._parts.values():
            part.ask()
        for name, part in self._parts.items():
            answer = part.answer(end - time.monotonic())
            samples.add("scrypath_up", answer.found is not None, name)
            samples.add("scrypath_scrape_seconds", answer.seconds, name)
            self._tell(name, answer.why)
            if name == "ledger" and answer.found is not None:
                add_ledger(samples, self._search.runtime, answer.found)
            elif answer.found is not None:
                _add_engine(samples, answer.found)
        if self._process:
            _add_process(samples, self._search.runtime)
        yield from samples.families()

    def _tell(self, name: str, why: str | None) -> None:
        """Log that a part is down, once for each reason: metrics hold none."""
        if why is not None and self._down.get(name) != why:
            log("metrics_unknown", part=name, error=why)
        self._down[name] = why


def _look_at_engine(runtime: Runtime, seconds: float) -> EngineHealth:
    short = with_timeouts(runtime, connect=min(seconds / 2, 3.0), answer=seconds / 2)
    found = engine_health(short, Probe(seconds))
    if found.unknown is not None:
        raise EngineError(found.unknown)
    return found


def _add_engine(samples: Samples, found: EngineHealth) -> None:
    samples.add("scrypath_engine_tasks_waiting", found.backlog)
    waits = found.backlog is not None  # without a task that waits nothing is old
    samples.add("scrypath_engine_oldest_task_seconds", (found.oldest_age or 0.0) if waits else None)
    samples.add("scrypath_engine_unmoved_seconds", (found.unmoved or 0.0) if waits else None)
    samples.add("scrypath_engine_disk_bytes", found.disk_bytes)
    samples.add("scrypath_engine_disk_used_bytes", found.disk_used_bytes)
    samples.add("scrypath_engine_task_database_ratio", found.task_database_fill)


def _add_process(samples: Samples, runtime: Runtime) -> None:
    """Add what this process counted of its searches and requests."""
    durations: dict[Key, dict[str, Total]] = {}
    for (name, *labels), total in runtime.totals.read().items():
        if name == HYDRATED:
            samples.add("scrypath_hits_hydrated_total", total.times, name_of(runtime, labels[0]))
        elif name == MISSING:
            samples.add("scrypath_hits_missing_total", total.times, name_of(runtime, labels[0]))
        else:
            durations.setdefault((name, *labels[:-1]), {})[labels[-1]] = total
    for (name, *labels), buckets in durations.items():
        if name == SEARCH:
            uid, *rest = labels
            samples.observe("scrypath_search_seconds", buckets, name_of(runtime, uid) if uid != SEVERAL else "", *rest)
        elif name == REQUEST:
            samples.observe("scrypath_engine_request_seconds", buckets, *labels)
