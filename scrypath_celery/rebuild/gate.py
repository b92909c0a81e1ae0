"""The gate before the swap: what speaks against it, as stable codes with a text for people.

The count: with D records that the database wants indexed, F documents of failed works, and M documents of live works
that are open or were claimed since the last note, the target must hold between D - F - M and D + M documents. And it
must not hold less than nine tenths of the live index's documents, less M, unless that was allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from ..convergence.live_settings import differing
from ..ledger import rebuilds
from .catch_up import failed_works, open_works
from .held import Held

SHRINK = 0.9
"""The part of the live index's documents that the target must hold, unless a shrunken index is allowed."""
WRITES = ("documentAdditionOrUpdate", "documentDeletion", "documentEdition")
"""Types of tasks that change documents; those of ours bear a token."""


class Code(StrEnum):
    """Why an index is not swapped in (`blocked_by`)."""

    DECLARATION_CHANGED = "declaration_changed"
    ENGINE_REPLACED = "engine_replaced"
    TARGET_MISSING = "target_missing"
    TARGET_REPLACED = "target_replaced"
    TARGET_KEY = "target_key"
    TARGET_SETTINGS = "target_settings"
    TARGET_CHANGED = "target_changed"
    TARGET_BUSY = "target_busy"
    OPEN_WORKS = "open_works"
    FAILED_WORKS = "failed_works"
    COUNT_UNEXPLAINED = "count_unexplained"
    SHRUNK = "shrunk"


SPOILT = frozenset(
    {
        Code.DECLARATION_CHANGED,
        Code.ENGINE_REPLACED,
        Code.TARGET_MISSING,
        Code.TARGET_REPLACED,
        Code.TARGET_KEY,
        Code.TARGET_SETTINGS,
        Code.TARGET_CHANGED,
    }
)
"""Those that nothing but a new start can mend."""

Blocks = dict[str, str]


def blocks(held: Held) -> Blocks:
    """All reasons against the swap, by code; empty where there is none.

    Raises:
        EngineError, SourceError, LedgerError: a part could not be asked.
    """
    found = spoilt(held)
    if not found:
        for look in (_busy, _works, _counts):
            found |= look(held)
    return found


def spoilt(held: Held) -> Blocks:
    """The reasons why the target can never go live, by code.

    Raises:
        EngineError, LedgerError: a part could not be asked.
    """
    looks: tuple[Callable[[Held], Blocks], ...] = (_declaration, _identity, _engine, _changed)
    for look in looks:
        found = look(held)
        if found:
            return found
    return {}


def _declaration(held: Held) -> Blocks:
    if held.row.fingerprint == held.schema.fingerprint():
        return {}
    return {Code.DECLARATION_CHANGED: f"the declaration of {held.schema.name} is not the one that the target has"}


def _identity(held: Held) -> Blocks:
    target, engine = held.target, held.runtime.engine
    found = engine.index(target)
    if found is None:
        return {Code.TARGET_MISSING: f"the target {target} is gone"}
    if found["createdAt"] != held.row.target_created:
        return {Code.TARGET_REPLACED: f"the target {target} is another index than the one that was made"}
    if found["primaryKey"] not in (None, held.schema.key):
        return {Code.TARGET_KEY: f"the target {target} has the primary key {found['primaryKey']!r}"}
    if held.row.options.get("rollback"):
        return {}
    wrong = differing(held.runtime, held.schema.declared_settings(), engine.settings(target) or {})
    if wrong:
        return {Code.TARGET_SETTINGS: f"settings of the target {target} were changed: {', '.join(sorted(wrong))}"}
    return {}


def _engine(held: Held) -> Blocks:
    """The engine's task of our last send bears our token, unless the engine was restored or replaced since."""
    sent = held.runtime.ledger.read(lambda tx: rebuilds.last_send(tx, held.row.id))
    newest = held.runtime.engine.newest_task()
    uid = sent[0] if sent is not None else held.row.target_uid
    if uid is None:
        return {}
    known = held.runtime.engine.tasks([uid]).get(uid)
    gone = newest is None or newest.uid < uid
    other = sent is not None and known is not None and not (known.metadata or "").startswith(f"scrypath:{sent[1]}:")
    if gone or other:
        return {Code.ENGINE_REPLACED: f"the engine's task {uid} is not ours: it was restored or replaced meanwhile"}
    return {}


def _changed(held: Held) -> Blocks:
    """Somebody else wrote to the target, or changed it."""
    after = held.row.target_uid
    if after is None:
        return {}
    for task in held.runtime.engine.tasks_of(held.target, types=WRITES):
        ours = (task.metadata or "").startswith("scrypath:")
        if task.status == "succeeded" and task.uid > after and not ours:
            return {Code.TARGET_CHANGED: f"the engine's task {task.uid} ({task.type}) on {held.target} is not ours"}
    return {}


def _busy(held: Held) -> Blocks:
    pending = held.runtime.engine.count_tasks(index=held.target, statuses=("enqueued", "processing"))
    return {Code.TARGET_BUSY: f"{pending} tasks of the target {held.target} are not over"} if pending else {}


def _works(held: Held) -> Blocks:
    found: Blocks = {}
    left = open_works(held)
    if left:
        found[Code.OPEN_WORKS] = f"{left} works of the rebuild are not settled"
    failed, documents = failed_works(held)
    if documents > int(held.row.options.get("allow_failed") or 0):
        found[Code.FAILED_WORKS] = f"{failed} works of the rebuild failed or were cancelled ({documents} documents)"
    return found


def _counts(held: Held) -> Blocks:
    if held.row.options.get("rollback"):
        return {}  # what the present declaration wants may be the reason for going back
    runtime, schema, row = held.runtime, held.schema, held.row
    wanted = runtime.source.count(schema)
    target = _documents(held, held.target)
    live = _documents(held, held.live)
    moving = runtime.ledger.read(lambda tx: rebuilds.moving(tx, row.index_uid, row.noted))
    _, failed = failed_works(held)
    found: Blocks = {}
    if wanted is not None and not wanted - failed - moving <= target <= wanted + moving:
        found[Code.COUNT_UNEXPLAINED] = (
            f"the target holds {target} documents; the database has {wanted}, {failed} failed, {moving} are moving"
        )
    if not row.options.get("allow_shrink") and target < live * SHRINK - moving:
        found[Code.SHRUNK] = f"the target holds {target} documents, the live index {live}"
    return found


def _documents(held: Held, index: str) -> int:
    stats: Mapping[str, int] = held.runtime.engine.stats(index) or {}
    return int(stats.get("numberOfDocuments", 0))
