"""Retrying and cancelling work by its id: an explicit act, which changes nothing where it does not apply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from ..capture.inline import run_now
from ..declaration.schema import Schema
from ..errors import WorkError
from ..ledger import indexes, rebuilds, transitions, works
from ..runtime import Runtime
from ..work import Mode, Operation, State, Work
from .acting import somebody
from .display_name import display_name
from .serialization import one_line


@dataclass(frozen=True, kw_only=True)
class Retried:
    """What became of a retried work.

    In the mode `celery` its status is `pending`: accepted, not yet visible. `reference` names what carries it: the
    uids of the engine's tasks where it ran here, else the work's id in the ledger.
    """

    id: int
    schema: str
    status: State
    mode: Mode
    reference: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    """A work that was given up, and the state that it had."""

    id: int
    schema: str | None
    before: State


def retry(
    runtime: Runtime,
    id: int,
    schemas: Sequence[Schema] | None = None,
    *,
    mode: Mode | None = None,
    by: str | None = None,
) -> Retried:
    """Give one failed work to the workers again; with the modes `inline` and `manual` it runs here.

    `by` is who did it, as the ledger keeps it: the user and host of this process where it is not given.

    Raises:
        WorkError: there is none, it is another schema's, or it cannot be retried; nothing was changed.
        LedgerError: the ledger cannot be used.
    """
    chosen = mode or Mode(runtime.options.sync_mode)
    chosen = Mode.CELERY if chosen is Mode.OFF else chosen
    check = partial(check_retry, runtime, schemas)
    before = runtime.ledger.run(
        lambda tx: transitions.move_one(tx, id, State.PENDING, by=by or somebody(), check=partial(check, tx))
    )
    uid = before.index_uid
    if chosen is Mode.CELERY:
        runtime.publish(uid, (id,))
    else:
        run_now(runtime, uid, (id,), chosen)
    after = runtime.ledger.read(lambda tx: works.get(tx, id))
    named = runtime.schemas.by_uid(uid)
    assert named is not None
    # A worker may have taken it already; what was promised is that it is pending.
    status = State.PENDING if chosen is Mode.CELERY else after.state
    ran = chosen is not Mode.CELERY and after.claim_token is not None
    return Retried(
        id=id,
        schema=display_name(runtime.schemas, named),
        status=status,
        mode=chosen,
        reference=",".join(map(str, after.engine_uids)) if ran and after.engine_uids else str(id),
        reason=one_line(after.reason) if status in (State.FAILED, State.RETRYING) else None,
    )


def cancel(runtime: Runtime, id: int, schemas: Sequence[Schema] | None = None, *, by: str | None = None) -> Cancelled:
    """Give up one work that no process holds: its documents are not re-synced. `by` is as in `retry`.

    Raises:
        WorkError: there is none, it is another schema's, or it runs or is settled; nothing was changed.
        LedgerError: the ledger cannot be used.
    """
    check = partial(of_schemas, runtime, schemas)
    who = by or somebody()
    before = runtime.ledger.run(lambda tx: transitions.move_one(tx, id, State.CANCELLED, by=who, check=check))
    found = runtime.schemas.by_uid(before.index_uid)
    return Cancelled(
        id=id, schema=display_name(runtime.schemas, found) if found is not None else None, before=before.state
    )


def check_retry(runtime: Runtime, schemas: Sequence[Schema] | None, connection: Connection, item: Work) -> None:
    """Refuse what nothing here can run; a work of a backfill that is over becomes like any other.

    Raises:
        WorkError: it is another schema's, no schema here declares its index, or it filled a rebuild that is over.
    """
    of_schemas(runtime, schemas, item)
    if runtime.schemas.by_uid(item.index_uid) is None:
        raise WorkError(f"work {item.id} cannot be retried: no schema here declares the index {item.index_uid!r}")
    if item.rebuild_id is None and item.operation is not Operation.REINDEX:
        return
    row = indexes.get(connection, item.index_uid)
    present = row.rebuild.get("id") if row is not None and row.rebuild else None
    over = item.rebuild_id is None or item.rebuild_id != present
    if item.operation is Operation.REINDEX and over:
        raise WorkError(f"work {item.id} cannot be retried: it filled the target of a rebuild that is over")
    if over and item.state in transitions.ALLOWED[State.PENDING]:
        rebuilds.leave(connection, item.id)  # its backfill is over: from now on it is like any other work


def of_schemas(runtime: Runtime, schemas: Sequence[Schema] | None, item: Work) -> None:
    """Check that a work is of one of some schemas, where any are given.

    Raises:
        WorkError: it is another's.
    """
    if schemas is None or item.index_uid in {schema.uid for schema in schemas}:
        return
    owner = runtime.schemas.by_uid(item.index_uid)
    whose = display_name(runtime.schemas, owner) if owner is not None else f"the index {item.index_uid!r}"
    names = " or ".join(display_name(runtime.schemas, schema) for schema in schemas)
    raise WorkError(f"work {item.id} is of {whose}, not of {names}")
