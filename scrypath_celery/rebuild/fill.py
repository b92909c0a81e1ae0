"""Filling by ranges of the key: pages of ids become works, and a range's cursor moves when its works are settled.

A range is a mapping of the row: `after` and `until` bound it, `read` is the last id that became part of a work,
`cursor` the last one before which all is settled, `open` the works in between (id, last document id, documents),
`over` says that the range was read to its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection

from ..ledger import rebuilds, works
from ..ledger.rebuilds import Rebuild
from ..work import MAX_IDS, Mode, cause_of
from .held import Held, lost

WINDOW = 30
"""Works of a range that may be open at once while nobody else writes: the engine's queue must not run dry."""
LIVE_WINDOW = 8
"""The same while single changes come in; how much of that is sent, the option `bulk_seconds` bounds."""
AT_ONCE = 5
"""Works of a range that one look at the database makes, as far as these bounds allow."""
LIVE_SECONDS = 10.0
"""A single change within this time counts as coming in."""

Range = Mapping[str, Any]


def ranges_of(held: Held) -> list[Range]:
    """The ranges that the records are parted into; one where only some of them are chosen."""
    options, schema, source = held.row.options, held.schema, held.runtime.source
    if options.get("ids") is not None or options.get("where") or options.get("since"):
        return [_range(None, None)]
    parts = held.runtime.options.rebuild_ranges
    bounds = source.boundaries(schema, parts) if parts > 1 else []
    return [_range(after, until) for after, until in zip([None, *bounds], [*bounds, None], strict=True)]


def _range(after: str | None, until: str | None) -> Range:
    return {"after": after, "until": until, "read": after, "cursor": after, "open": [], "done": 0, "over": False}


def is_filled(ranges: Sequence[Range]) -> bool:
    """Whether all is read, and settled one way or the other."""
    return all(one["over"] and not one["open"] for one in ranges)


def pump(held: Held) -> bool:
    """Move the cursors past what is settled, and make works of the next pages; whether anything moved.

    Works and cursors are written in one transaction: a crash repeats and skips none.
    """
    runtime = held.runtime
    lately = partial(rebuilds.written_lately, index_uid=held.row.index_uid, seconds=LIVE_SECONDS)
    window = LIVE_WINDOW if runtime.ledger.read(lately) else WINDOW
    moved = _moved(held)
    room = [0 if one["over"] else min(window - len(one["open"]), _at_once(one)) for one in moved]
    pages = [_read(held, one, most * MAX_IDS) if most > 0 else None for one, most in zip(moved, room, strict=True)]
    if moved == list(held.row.ranges) and all(page is None for page in pages):
        held.renew()
        return False
    written: list[int] = []

    def write(tx: Connection) -> Rebuild:
        written.clear()  # a transaction that lost a deadlock runs again
        ranges = [
            _with_page(held, tx, one, page, written, over=page is not None and len(page) < most * MAX_IDS)
            for one, page, most in zip(moved, pages, room, strict=True)
        ]
        counts = {**held.row.counts, "filled": sum(one["done"] for one in ranges)}
        lease = runtime.options.lease
        changed = rebuilds.change(tx, held.row.id, held.row.epoch, lease, ranges=ranges, counts=counts)
        if changed is None:
            raise lost(held.row)
        return changed

    held.row = runtime.ledger.run(write)
    if written and held.row.mode == Mode.CELERY:
        documents = sum(len(page) for page in pages if page)
        cause = cause_of(held.row.operation)
        runtime.publish(held.row.index_uid, tuple(written), cause=cause, documents=documents)
    return True


def _at_once(one: Range) -> int:
    """Works that are made at once: one of a range that was not begun, so that the engine soon has something to do."""
    return 1 if one["read"] == one["after"] else AT_ONCE


def _moved(held: Held) -> list[Range]:
    any_open = any(one["open"] for one in held.row.ranges)
    unsettled = held.runtime.ledger.read(partial(rebuilds.open_of, id=held.row.id)) if any_open else set()
    return [_past(one, unsettled) for one in held.row.ranges]


def _past(one: Range, unsettled: set[int]) -> Range:
    waiting, cursor, done = list(one["open"]), one["cursor"], one["done"]
    while waiting and waiting[0][0] not in unsettled:
        _, cursor, documents = waiting.pop(0)
        done += documents
    return {**one, "open": waiting, "cursor": cursor, "done": done}


def _read(held: Held, one: Range, size: int) -> tuple[str, ...]:
    options = held.row.options
    if options.get("ids") is not None:
        ids: list[str] = options["ids"]
        start = int(one["read"] or 0)
        return tuple(ids[start : start + size])
    return held.runtime.source.page(
        held.schema,
        size,
        after=one["read"],
        until=one["until"],
        where=options.get("where"),
        since=options.get("since"),
    )


def _with_page(
    held: Held, tx: Connection, one: Range, page: tuple[str, ...] | None, written: list[int], *, over: bool
) -> Range:
    """The range with works for this page; None where it was not read this time."""
    if not page:
        return {**one, "over": one["over"] or over}
    write = partial(works.write, tx, held.row.index_uid, held.row.operation, mode=Mode.CELERY, rebuild_id=held.row.id)
    read = 0 if held.row.options.get("ids") is None else int(one["read"] or 0)
    added = []
    for start in range(0, len(page), MAX_IDS):
        part = page[start : start + MAX_IDS]
        ids = write(part)
        read += len(part)
        last = part[-1] if held.row.options.get("ids") is None else str(read)
        added += [[id, last, len(part)] for id in ids]
        written += ids
    return {**one, "open": [*one["open"], *added], "read": last, "over": over}
