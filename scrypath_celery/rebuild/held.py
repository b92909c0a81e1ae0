"""A rebuild in the hands of the process that drives it: every change is a compare-and-set on the epoch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection

from ..declaration.schema import Schema
from ..errors import LedgerError, RebuildError
from ..ledger import noted, overview, rebuilds
from ..ledger.rebuilds import Rebuild
from ..notices import RebuildFinished, RebuildProgress
from ..runtime import Runtime, identity, is_dead
from .phases import ENDS, Phase, allowed


@dataclass(kw_only=True)
class Held:
    """A rebuild and its owner's right to change it; `row` is as this process wrote it last."""

    runtime: Runtime
    schema: Schema
    row: Rebuild

    @property
    def phase(self) -> Phase:
        """What comes next."""
        return Phase(self.row.phase)

    @property
    def live(self) -> str:
        """The engine's uid of the live index."""
        return self.runtime.uid_of(self.schema)

    @property
    def target(self) -> str:
        """The engine's uid of the target."""
        assert self.row.target is not None
        return self.row.target

    def save(self, *, also: Callable[[Connection], None] | None = None, **changes: Any) -> None:
        """Write these changes down, and what `also` does, in one transaction; the lease is renewed.

        Raises:
            RebuildError: another process took the rebuild over; nothing was changed.
        """
        if "phase" in changes:
            assert allowed(self.row.phase, changes["phase"]), (self.row.phase, changes["phase"])
            changes["phase"] = Phase(changes["phase"]).value
            if Phase(changes["phase"]) in ENDS:
                changes["finished_at"] = True

        def write(tx: Connection) -> Rebuild:
            lease = self.runtime.options.lease
            changed = rebuilds.change(tx, self.row.id, self.row.epoch, lease, **changes)
            if changed is None:
                raise lost(self.row)
            if also is not None:
                also(tx)
            if changes.keys() & {"phase", "counts", "blocked"}:
                note(tx, changed, before=self.row)
            return rebuilds.get(tx, self.row.id) or changed

        self.row = self.runtime.ledger.run(write)

    def renew(self) -> None:
        """Renew the lease; right before what cannot be taken back.

        Raises:
            RebuildError: another process took the rebuild over.
        """
        renewed = partial(rebuilds.renew, id=self.row.id, epoch=self.row.epoch, lease=self.runtime.options.lease)
        if not self.runtime.ledger.run(renewed):
            raise lost(self.row)

    def count(self, **more: int) -> dict[str, Any]:
        """The row's counts with these added."""
        return {**self.row.counts, **{name: self.row.counts.get(name, 0) + value for name, value in more.items()}}

    def release(self) -> None:
        """Let the rebuild go; where the ledger is unreachable its lease runs out instead."""
        with suppress(LedgerError):
            self.runtime.ledger.run(partial(rebuilds.release, id=self.row.id, epoch=self.row.epoch))


def note(connection: Connection, row: Rebuild, *, before: Rebuild | None = None) -> None:
    """Note how far a rebuild is, or that it is over; `before` is its row before the change, None where it is new."""
    documents = row.counts.get("filled", 0) + row.counts.get("orphans", 0)
    about: dict[str, Any] = {"index_uid": row.index_uid, "rebuild": row.id, "operation": row.operation}
    if row.finished_at is not None:
        seconds = row.finished_at - row.created_at
        noted.note(connection, RebuildFinished(**about, outcome=row.phase, documents=documents, seconds=seconds))
        return
    known = () if before is None else before.blocked
    progress = RebuildProgress(
        **about,
        phase=row.phase,
        documents=documents,
        total=row.counts.get("total"),
        blocked=tuple(reason["code"] for reason in row.blocked if reason not in known),
        phase_began=before is None or before.phase != row.phase,
    )
    noted.note(connection, progress)


def lost(row: Rebuild) -> RebuildError:
    """The error of a process that finds its epoch gone."""
    return RebuildError(f"rebuild {row.id} of {row.index_uid} was taken over by another process", why="lost")


def is_driven(row: Rebuild, at: float) -> bool:
    """Whether a living process holds the rebuild at this time of the ledger."""
    return row.owner is not None and row.lease_until > at and not is_dead(row.owner)


def is_followed(row: Rebuild, at: float) -> bool:
    """Whether a living process follows it at this time of the ledger."""
    return row.followed_until is not None and row.followed_until > at and not is_dead(row.asked_by or "")


def acquire(runtime: Runtime, schema: Schema, row: Rebuild, *, steal: bool = False) -> Held | None:
    """Become the owner of a rebuild; None where a living process has it, or was quicker. `steal` asks nobody."""

    def take(tx: Connection) -> Rebuild | None:
        now = rebuilds.get(tx, row.id)
        if now is None or now.finished_at is not None or (not steal and is_driven(now, overview.time(tx))):
            return None
        taken = rebuilds.acquire(tx, now, identity(), runtime.options.lease)
        return rebuilds.get(tx, row.id) if taken else None

    found = runtime.ledger.run(take)
    return None if found is None else Held(runtime=runtime, schema=schema, row=found)
