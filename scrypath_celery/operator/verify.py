"""Verification: database and index compared document by document, on a live system.

A difference counts only if two looks at that id agree and no work for it was open between them. Both sides are
streamed, and the ids that differ are kept on disk.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ..declaration.schema import Schema
from ..ledger import notes
from ..notices import DriftFound
from ..rebuild.runner import Progress
from ..runtime import Runtime
from ..work import MAX_IDS
from .comparison import Kind
from .display_name import display_name
from .found_ids import UNDECIDED, FoundIds
from .index_pages import index_pages, sampled_pages
from .looks import Looks

PATIENCE = 60.0
"""Seconds without any progress after which documents that work keeps changing are given up as undecided."""
SHOWN_FIELDS = 1_000
"""The most stale documents whose differing fields are told."""
LISTED = 100_000
"""The most ids of a kind that a verification lists; its counts are of all."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was compared, how many documents differ by kind, and their ids in the order in which they were found.

    `fields` names what differs in stale documents (of the first thousand). `undecided` are ids that work kept
    changing while they were looked at, `complete` is false where only a sample was looked at, `truncated` says that
    more ids of a kind were counted than are listed (100,000).
    """

    schema: str
    index: str
    complete: bool
    index_exists: bool
    records: int
    documents: int
    counts: Mapping[str, int]
    missing: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    ghost: tuple[str, ...] = ()
    unprojectable: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    truncated: bool = False
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def differs(self) -> bool:
        """Whether any document differs."""
        return any(self.counts[kind.value] for kind in Kind)


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
    with FoundIds() as found:
        return look(runtime, schema, found, sample=sample, ledger=ledger, progress=progress, patience=patience)


def look(
    runtime: Runtime,
    schema: Schema,
    found: FoundIds,
    *,
    sample: int | None = None,
    ledger: bool = True,
    progress: Progress | None = None,
    patience: float = PATIENCE,
) -> Verification:
    """`verify`, with the ids left in `found`."""
    begun = time.monotonic()
    index = runtime.uid_of(schema)
    looks = Looks(runtime=runtime, schema=schema, index=index, ledger=ledger, patience=patience, found=found)
    exists = runtime.engine.index(index) is not None
    records = _stream(looks, _record_pages(runtime, schema, sample), "records", runtime.source.count(schema), progress)
    documents = 0
    if exists:
        pages = index_pages(runtime, schema, index) if sample is None else sampled_pages(runtime, schema, index, sample)
        stats = runtime.engine.stats(index) or {}
        narrow = partial(_without_record, runtime, schema)
        documents = _stream(looks, pages, "documents", stats.get("numberOfDocuments"), progress, narrow)
    looks.finish()
    counts = found.counts()
    done = Verification(
        schema=display_name(runtime.schemas, schema),
        index=index,
        complete=sample is None,
        index_exists=exists,
        records=records,
        documents=documents,
        counts=counts,
        truncated=any(number > LISTED for number in counts.values()),
        fields=found.fields(SHOWN_FIELDS),
        seconds=round(time.monotonic() - begun, 3),
        **{name: found.ids(name, LISTED) for name in (*(kind.value for kind in Kind), UNDECIDED)},
    )
    if ledger:
        summary = {**counts, "records": records, "documents": documents, "complete": done.complete}
        runtime.ledger.run(lambda tx: notes.note_verified(tx, schema.uid, summary))
    if done.differs:
        differing = {kind.value: counts[kind.value] for kind in Kind if counts[kind.value]}
        runtime.tell([DriftFound(index_uid=schema.uid, found_by="verify", kinds=tuple(differing), counts=differing)])
    return done


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
