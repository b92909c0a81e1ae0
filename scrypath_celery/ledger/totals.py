"""The ledger's cumulative figures: what was settled in a transaction is added to them by its last statement.

They outlive the works, which are pruned. Last, since all workers of an index share the rows: they are locked from then
to the commit alone, in one order, when the index's own row mostly is locked already.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy import Connection, TextClause, select, text

from ..totals import Total, Totals
from ..work import Failure, Operation, State, Work
from .tables import total

SUCCEEDED, CANCELLED, DEAD_LETTER, RETRIED = "succeeded", "cancelled", "dead_letter", "retried"
SUPERSEDED = "superseded"
"""Names of totals of works and the documents in them (`amount`); dead letters and retries by reason class.

`superseded` are documents that several works of one claim named: they were sent once.
"""
SEARCHABLE = "searchable"
"""The name of the histogram of the time from the writing of a single change until it was known to be searchable."""
PHASE = "phase"
"""What the names of the histograms of phases begin with: `phase.read`; those of backfills and rebuilds: `bulk.read`."""
BULK = "bulk"

_OPTION = "scrypath_totals"
_SINGLE = (Operation.UPSERT, Operation.DELETE)

IndexTotals = dict[tuple[str, str, str], Total]
"""Totals by index, name and label."""


def begin(connection: Connection) -> Totals:
    """The totals that what happens on this connection is added to from now on."""
    noted = Totals()
    connection.execution_options(**{_OPTION: noted})
    return noted


def of(connection: Connection) -> Totals:
    """The totals of this connection's transaction; some that nobody keeps, where it is none of the ledger's."""
    found = connection.get_execution_options().get(_OPTION)
    return found if isinstance(found, Totals) else Totals()


def add(connection: Connection, uid: str, name: str, label: str = "", *, times: int, documents: int) -> None:
    """Count works of an index, and the documents in them."""
    if times:
        of(connection).add(uid, name, label, times=times, amount=float(documents))


def ended_badly(connection: Connection, item: Work, state: State, failure: Failure, documents: int) -> None:
    """Count a work that is a dead letter (`failed`), or will be tried again."""
    name = DEAD_LETTER if state is State.FAILED else RETRIED
    add(connection, item.index_uid, name, failure.reason_class.value, times=1, documents=documents)


def succeeded(connection: Connection, uid: str, items: Sequence[Work], *, at: float) -> None:
    """Count works that were found to have succeeded `at` a time (seconds since the epoch on the ledger's clock)."""
    noted = of(connection)
    if items:
        noted.add(uid, SUCCEEDED, "", times=len(items), amount=float(sum(item.documents for item in items)))
    single = (item for item in items if item.operation in _SINGLE and item.rebuild_id is None)
    noted.observe_all(uid, SEARCHABLE, durations=(max(at - _begun(item), 0.0) for item in single))


def _begun(item: Work) -> float:
    """When somebody began to wait for a work: when it was written, or when it was due where it is one for later."""
    return max([item.created_at, *(float(event["due"]) for event in item.history if event.get("due"))])


def write(connection: Connection, noted: Totals) -> None:
    """Add what was noted in a transaction, with one statement; none where there is nothing."""
    rows = sorted(noted.read().items())
    if not rows:
        return
    values: dict[str, object] = {}
    for place, ((uid, name, label), found) in enumerate(rows):
        row = {"uid": uid, "name": name, "label": label, "times": found.times, "amount": found.amount}
        values |= {f"{column}{place}": value for column, value in row.items()}
    connection.execute(_statement(connection.dialect.name, len(rows)), values)


@cache
def _statement(dialect: str, rows: int) -> TextClause:
    # Written out: SQLAlchemy builds an INSERT of several rows anew each time.
    places = ", ".join(f"(:uid{n}, :name{n}, :label{n}, :times{n}, :amount{n})" for n in range(rows))
    insert = f"INSERT INTO scrypath_total (index_uid, name, label, times, amount) VALUES {places}"
    if dialect in ("mysql", "mariadb"):
        return text(f"{insert} ON DUPLICATE KEY UPDATE times = times + VALUES(times), amount = amount + VALUES(amount)")
    sums = ", ".join(f"{name} = scrypath_total.{name} + excluded.{name}" for name in ("times", "amount"))
    return text(f"{insert} ON CONFLICT (index_uid, name, label) DO UPDATE SET {sums}")


def listed(connection: Connection) -> IndexTotals:
    """All totals of all indexes."""
    rows = connection.execute(select(total.c.index_uid, total.c.name, total.c.label, total.c.times, total.c.amount))
    return {(row.index_uid, row.name, row.label): Total(int(row.times), float(row.amount)) for row in rows}
