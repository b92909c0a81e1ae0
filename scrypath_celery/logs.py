"""The log lines of this package: each event once, with its level and text, in one table.

A line is a record of the logger `scrypath_celery`. Its attribute `event` is stable, and what its text says is an
attribute each (`schema`, `works`, `reason_class`, `seconds` ...). None is a key, a document, a document id or the text
of an error that we did not write.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping
from logging import DEBUG, ERROR, INFO, WARNING
from typing import NamedTuple

logger = logging.getLogger("scrypath_celery")


class Line(NamedTuple):
    """The level of a log line, and its text with the names of its fields."""

    level: int
    text: str


LINES: Mapping[str, Line] = {
    # works
    "work_enqueued": Line(
        DEBUG, "%(schema)s: written: operation=%(operation)s works=%(count)d documents=%(documents)d"
    ),
    "claimed": Line(DEBUG, "%(schema)s: claimed: number=%(number)d works=%(count)d documents=%(documents)d"),
    "claim_settled": Line(
        INFO,
        "%(schema)s: settled: works=%(count)d documents=%(documents)d succeeded=%(succeeded)d submitted=%(submitted)d"
        " retrying=%(retrying)d failed=%(failed)d seconds=%(seconds)s",
    ),
    "dead_letter": Line(
        WARNING, "%(schema)s: dead letters: works=%(count)d class=%(reason_class)s code=%(code)s ids=%(works)s"
    ),
    "registration_discarded": Line(WARNING, "a registration of %(schema)s is discarded: %(reason)s"),
    "record_unheld": Line(
        WARNING,
        "a %(schema)s that was synced is in no session, so nobody saves it: add or merge it into the session first; the"
        " index gets what the database holds",
    ),
    "works_left_to_worker": Line(WARNING, "%(count)d works of index %(index)s are left to a worker: %(error)s"),
    # indexes
    "index_paused": Line(
        WARNING, "%(schema)s: paused: index=%(index)s class=%(reason_class)s by_hand=%(by_hand)s seconds=%(seconds)s"
    ),
    "index_resumed": Line(INFO, "%(schema)s: resumed: index=%(index)s by_hand=%(by_hand)s seconds=%(seconds)s"),
    "drift_found": Line(
        WARNING, "%(schema)s: database and index differ: found_by=%(found_by)s kinds=%(kinds)s counts=%(counts)s"
    ),
    "contract_drift": Line(
        WARNING,
        "the declaration of %(schema)s changed since the index %(index)s was made (%(changes)s): run scrypath-celery"
        " %(commands)s",
    ),
    "sent_elsewhere": Line(
        ERROR,
        "two processes of this ledger send the same indexes to different places: %(told)s; give all of them the same"
        " %(options)s, restart those that differ, then reindex",
    ),
    "engine_restored": Line(
        ERROR,
        "the engine at %(url)s was restored, emptied or replaced: documents that were settled before may be missing or"
        " stale until each index is rebuilt",
    ),
    # rebuilds
    "rebuild_phase": Line(INFO, "%(schema)s: rebuild: id=%(rebuild)d operation=%(operation)s phase=%(phase)s"),
    "rebuild_progress": Line(
        DEBUG, "%(schema)s: rebuild: id=%(rebuild)d phase=%(phase)s documents=%(documents)d total=%(total)s"
    ),
    "rebuild_blocked": Line(ERROR, "%(schema)s: rebuild: id=%(rebuild)d is not cut over: %(blocked)s"),
    "rebuild_finished": Line(
        INFO,
        "%(schema)s: rebuild: id=%(rebuild)d operation=%(operation)s outcome=%(outcome)s documents=%(documents)d"
        " seconds=%(seconds)s",
    ),
    "rebuild_not_continued": Line(
        WARNING, "%(schema)s: rebuild: id=%(rebuild)d could not go on (%(error)s): it is tried again"
    ),
    "rebuild_waits_for_worker": Line(WARNING, "%(advice)s"),
    # the relay, claims and their processes
    "relay_passed": Line(DEBUG, "the relay made a pass: %(done)s"),
    "nothing_synced": Line(ERROR, "nothing is synced: %(error)s"),
    "relay_step_failed": Line(ERROR, "a step of the relay failed: %(step)s (%(error)s)"),
    "claim_not_released": Line(WARNING, "a claim could not be released (%(error)s): its lease runs out"),
    "watched_claim_not_noted": Line(WARNING, "a watched claim could not be written down (%(error)s)"),
    "projection_hangs": Line(
        WARNING, "a record of %(schema)s has been projected for %(seconds)s s, in a claim of the works %(works)s"
    ),
    "lazy_loads": Line(
        WARNING,
        "%(schema)s: its projection loads %(loaded)s one by one (%(count)d queries in one reading, N+1): load it with"
        " the records, by select=lambda: select(%(schema)s).options(selectinload(...) or undefer(...))",
    ),
    "unseen_changes": Line(WARNING, "%(advice)s"),
    "connect_arguments_dropped": Line(
        WARNING,
        "connect arguments of %(driver)s that workers and commands cannot use: %(names)s; give option 'database' a"
        " synchronous engine of its own if they matter",
    ),
    # messages and those who watch
    "publication_failed": Line(WARNING, "work could not be published (%(error)s); the relay publishes it again"),
    "message_refused": Line(ERROR, "refused a message for %(task)s: content type %(content_type)s, only JSON is taken"),
    "metrics_unknown": Line(WARNING, "no metrics of the %(part)s: %(error)s"),
    "not_listening": Line(WARNING, "ledger_notify needs %(needs)s: works of triggers wait for the relay"),
    "listener_ended": Line(WARNING, "the listener for notifications has ended: another one is started"),
    "no_notifications": Line(WARNING, "no notifications of the ledger's database (%(error)s): again in %(seconds)s s"),
    "span_not_kept": Line(DEBUG, "a span could not be kept (%(error)s)"),
    "nudge_not_sent": Line(DEBUG, "a message could not be sent (%(error)s)"),
    "publisher_behind": Line(DEBUG, "the publisher is behind; the relay publishes the rest"),
    "publication_not_noted": Line(DEBUG, "a failed publication could not be noted (%(error)s)"),
    "destinations_not_compared": Line(DEBUG, "where others send documents could not be seen (%(error)s)"),
    "declaration_not_compared": Line(DEBUG, "the declaration of %(schema)s could not be compared (%(error)s)"),
    "notice_not_told": Line(DEBUG, "what happened could not be told (%(error)s)"),
    "events_not_sent": Line(DEBUG, "events could not be sent (%(error)s)"),
    "reply_not_sent": Line(DEBUG, "a reply could not be sent (%(error)s)"),
    "progress_not_stored": Line(DEBUG, "the progress of a task could not be stored (%(error)s)"),
}
"""Each event; levels: INFO what was done, WARNING what was not, ERROR what needs a person, DEBUG the rest."""


def wants(event: str, level: int | None = None) -> bool:
    """Whether anybody logs this event (at another `level` than its own)."""
    return logger.isEnabledFor(LINES[event].level if level is None else level)


def log(event: str, *, level: int | None = None, trace: BaseException | None = None, **fields: object) -> None:
    """Log one line of the table, at another `level` than its own where one is given.

    `trace` adds where an error was raised, without what it says. A handler or filter of the application's that raises
    is told on stderr, as `logging` tells of its own: whoever logs goes on.
    """
    line = LINES[event]
    chosen = line.level if level is None else level
    if logger.isEnabledFor(chosen):
        withheld = None if trace is None else TextWithheld(type(trace).__name__).with_traceback(trace.__traceback__)
        try:
            given, extra = ((fields,) if fields else ()), _free({"event": event, **fields})
            logger.log(chosen, line.text, *given, extra=extra, exc_info=withheld, stacklevel=2)
        except Exception:  # noqa: BLE001 - works are written and settled whether or not somebody can be told
            if logging.raiseExceptions and sys.stderr is not None:
                traceback.print_exc()


def _free(extra: dict[str, object]) -> dict[str, object]:
    """The attributes that the host's own records do not have already: `logging` refuses to overwrite one."""
    factory = logging.getLogRecordFactory()
    if factory is logging.LogRecord:
        return extra
    taken = vars(factory(logger.name, logging.DEBUG, "", 0, "", (), None))
    return {name: value for name, value in extra.items() if name not in taken}


class TextWithheld(Exception):
    """Stands in a log for an error whose own text may hold what records hold."""
