"""Verification: database and index compared document by document, on a live system.

A difference counts only if two looks at that id agree and no work for it was open between them. Both sides are
streamed: what is kept is the ids that differ.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ..declaration.schema import Schema
from ..ledger import changes, notes
from ..rebuild.runner import Progress
from ..runtime import Runtime
from ..work import MAX_IDS
from .comparison import Finding, Kind, compare
from .display_name import display_name
from .index_pages import index_pages, sampled_pages

PATIENCE = 60.0
"""Seconds without any progress after which documents that work keeps changing are given up as undecided."""
SECOND_LOOK = 2.0
"""Seconds between two looks where no ledger says what is under way."""
SHOWN_FIELDS = 1_000
"""The most stale documents whose differing fields are kept."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was compared, and the ids that differ, in the order in which they were found.

    `fields` names what differs in stale documents (of the first thousand). `undecided` are ids that work kept
    changing while they were looked at, `complete` is false where only a sample was looked at.
    """

    schema: str
    index: str
    complete: bool
    index_exists: bool
    records: int
    documents: int
    missing: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    ghost: tuple[str, ...] = ()
    unprojectable: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def differs(self) -> bool:
        """Whether any document differs."""
        return bool(self.missing or self.stale or self.ghost or self.unprojectable)

    @property
    def counts(self) -> dict[str, int]:
        """How many documents differ, by kind, and how many are undecided."""
        return {name: len(getattr(self, name)) for name in (*(kind.value for kind in Kind), "undecided")}


def verify(
    runtime: Runtime,
    schema: Schema,
    *,
    sample: int | None = None,
    ledger: bool = True,
    progress: Progress | None = None,
    patience: float = PATIENCE,
) -> Verification:
    """Compare every record and every document, or about `sample` of each; changes nothing but the ledger's note of it.

    `ledger=False` asks no ledger: for an index that somebody's own tasks fill. Then a document that changes all the
    time may be reported as stale. `patience` (seconds) is how long documents that work keeps changing are waited for.

    Raises:
        SourceError, EngineError, LedgerError: a part could not be read.
    """
    begun = time.monotonic()
    index = runtime.uid_of(schema)
    looks = Looks(runtime=runtime, schema=schema, index=index, ledger=ledger, patience=patience)
    exists = runtime.engine.index(index) is not None
    records = _stream(looks, _record_pages(runtime, schema, sample), "records", runtime.source.count(schema), progress)
    documents = 0
    if exists:
        pages = index_pages(runtime, schema, index) if sample is None else sampled_pages(runtime, schema, index, sample)
        stats = runtime.engine.stats(index) or {}
        narrow = partial(_without_record, runtime, schema)
        documents = _stream(looks, pages, "documents", stats.get("numberOfDocuments"), progress, narrow)
    looks.finish()
    done = Verification(
        schema=display_name(runtime.schemas, schema),
        index=index,
        complete=sample is None,
        index_exists=exists,
        records=records,
        documents=documents,
        fields=looks.fields,
        undecided=tuple(looks.waiting),
        seconds=round(time.monotonic() - begun, 3),
        **{kind.value: tuple(looks.found[kind]) for kind in Kind},
    )
    if ledger:
        summary = {**done.counts, "records": records, "documents": documents, "complete": done.complete}
        runtime.ledger.run(lambda tx: notes.note_verified(tx, schema.uid, summary))
    return done


@dataclass(kw_only=True)
class Looks:
    """Ids that were looked at once and differed, until a second look decides; then they are in `found`."""

    runtime: Runtime
    schema: Schema
    index: str
    ledger: bool
    patience: float
    waiting: dict[str, Finding] = field(default_factory=dict)
    since: float = 0.0
    found: dict[Kind, dict[str, None]] = field(default_factory=lambda: {kind: {} for kind in Kind})
    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def first(self, ids: Sequence[str]) -> None:
        """Look at these ids for the first time; once enough of them differ, decide what can be decided."""
        known = [id for id in ids if id not in self.waiting and not any(id in part for part in self.found.values())]
        if not known:
            return
        since = self._moment()
        differing = compare(self.runtime, self.schema, self.index, known)
        if differing and not self.waiting:
            self.since = since
        self.waiting.update(differing)
        if len(self.waiting) >= MAX_IDS:
            self.decide()

    def decide(self) -> int:
        """Look again at all that wait; how many of them are decided. The others wait, with what was seen now."""
        ids, before = list(self.waiting), len(self.waiting)
        if not ids:
            return 0
        since, again = self._moment(), dict[str, Finding]()
        for start in range(0, len(ids), MAX_IDS):
            again.update(compare(self.runtime, self.schema, self.index, ids[start : start + MAX_IDS]))
        changing = self._changing(list(again))
        for id, one in self.waiting.items():
            seen = again.get(id)
            if seen is not None and id not in changing and seen == one:
                self.found[seen.kind][id] = None
                if seen.fields and len(self.fields) < SHOWN_FIELDS:
                    self.fields[id] = seen.fields
        self.waiting = {id: one for id, one in again.items() if not any(id in part for part in self.found.values())}
        self.since = since
        return before - len(self.waiting)

    def finish(self) -> None:
        """Decide until nothing waits, or nothing was decided for the time of patience."""
        pause, interval = threading.Event(), 0.1
        if not self.ledger and self.waiting:
            pause.wait(SECOND_LOOK)
        end = time.monotonic() + self.patience
        while self.waiting and time.monotonic() < end:
            if self.decide():
                end, interval = time.monotonic() + self.patience, 0.1
            elif self.waiting:
                pause.wait(interval)
                interval = min(interval * 1.5, 2.0)

    def _moment(self) -> float:
        return self.runtime.ledger.read(changes.moment) if self.ledger else 0.0

    def _changing(self, ids: Sequence[str]) -> set[str]:
        """Those of these ids whose difference may be work under way, as the ledger saw it between both looks."""
        if not self.ledger or not ids:
            return set()
        uid = self.schema.uid
        if self.runtime.ledger.read(lambda tx: changes.cutting_over(tx, uid)):
            return set(ids)
        return self.runtime.ledger.read(partial(changes.changing, index_uid=uid, since=self.since, ids=ids))


def _stream(
    looks: Looks,
    pages: Iterable[Sequence[str]],
    phase: str,
    total: int | None,
    progress: Callable[[str, int, int | None], None] | None,
    narrow: Callable[[Sequence[str]], Sequence[str]] = lambda page: page,
) -> int:
    done = 0
    for page in pages:
        looks.first(narrow(page))
        done += len(page)
        if progress is not None:
            progress(f"verify {phase}", done, total)
    return done


def _record_pages(runtime: Runtime, schema: Schema, sample: int | None) -> Iterator[Sequence[str]]:
    """Pages of the ids of all records, or of a random sample of them."""
    if sample is None:
        yield from runtime.source.pages(schema, MAX_IDS)
        return
    chosen, seen = list[str](), 0
    for page in runtime.source.pages(schema, MAX_IDS):
        for id in page:
            seen += 1
            if len(chosen) < sample:
                chosen.append(id)
            elif (at := random.randrange(seen)) < sample:
                chosen[at] = id
    for start in range(0, len(chosen), MAX_IDS):
        yield chosen[start : start + MAX_IDS]


def _without_record(runtime: Runtime, schema: Schema, page: Sequence[str]) -> list[str]:
    there = runtime.source.present(schema, page)
    return [id for id in page if id not in there]
