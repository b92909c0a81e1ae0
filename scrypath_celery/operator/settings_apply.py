"""Applying what is declared to a live index: only what differs, awaited and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..convergence.executor import await_tasks
from ..convergence.live_settings import differing
from ..convergence.ownership import refuse_foreign
from ..declaration.changes import KEY, SETTINGS
from ..declaration.schema import Schema
from ..declaration.setting_names import own_name
from ..errors import PrimaryKeyDiffers, SettingsError
from ..ledger import declared, indexes, notes
from ..runtime import Runtime
from .display_name import display_name


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What was done: whether the index was created, and which settings were sent (none where all was as declared)."""

    schema: str
    index: str
    created: bool
    applied: tuple[str, ...]
    dry_run: bool = False


def settings_apply(runtime: Runtime, schema: Schema, *, everything: bool = False, dry_run: bool = False) -> Applied:
    """Make the index have the declared settings; where it is missing it is created with its primary key.

    Only what differs is sent. `everything` sends all that is declared, such as an embedder's key that was changed,
    which cannot be read back. `dry_run` says what would be done.

    Raises:
        IndexTaken: the index is another application's. PrimaryKeyDiffers: it has another primary key than the schema.
        SettingsError: the engine did not take them.
        EngineError: the engine could not be asked. LedgerError: the ledger could not be written.
    """
    index, settings = runtime.uid_of(schema), schema.declared_settings()
    refuse_foreign(runtime, schema, index)
    found = runtime.engine.index(index)
    if found is not None and found.get("primaryKey") not in (None, schema.key):
        raise PrimaryKeyDiffers(
            f"index {index} has the primary key {found['primaryKey']!r}, the schema {schema.key!r}: reindex it"
        )
    live = runtime.engine.settings(index) if found is not None else None
    wanted = settings if everything or live is None else differing(runtime, settings, live)
    done = Applied(
        schema=display_name(runtime.schemas, schema),
        index=index,
        created=found is None,
        applied=tuple(map(own_name, wanted)),
        dry_run=dry_run,
    )
    if dry_run:
        return done
    if found is None:
        finish(runtime, runtime.engine.create(index, schema.key), index, already="index_already_exists")
    if wanted:
        send(runtime, index, wanted)
    runtime.ledger.run(lambda tx: _note(tx, schema, wanted, created=found is None))
    return done


def send(runtime: Runtime, index: str, settings: Mapping[str, Any]) -> None:
    """Apply these settings, wait for the engine, and read them back.

    Raises:
        SettingsError: the engine did not take them, or its task did not end in time.
    """
    finish(runtime, runtime.engine.apply(index, settings), index)
    wrong = differing(runtime, settings, runtime.engine.settings(index) or {})
    if wrong:
        names = ", ".join(map(own_name, wrong))
        raise SettingsError(f"index {index} does not have these settings as they were sent: {names}")


def finish(runtime: Runtime, uid: int, index: str, *, already: str | None = None) -> None:
    """Wait for one task of the engine. A failure with the code `already` is fine.

    Raises:
        SettingsError: it failed, or is not over yet.
    """
    task = await_tasks(runtime, [uid]).get(uid)
    if task is None or not task.terminal:
        raise SettingsError(
            f"index {index}: the engine has not finished task {uid} after {runtime.options.await_seconds:g} s;"
            " it may still do so: look again with `settings diff`"
        )
    error = (task.error or {}).get("code")
    if task.status != "succeeded" and not (already is not None and error == already):
        raise SettingsError(f"index {index}: the engine's task {uid} {task.status} (code {error})")


def _note(connection: Any, schema: Schema, sent: Mapping[str, Any], *, created: bool) -> None:
    indexes.ensure(connection, schema.uid)
    notes.forget_hot_applies(connection, schema.uid, [own_name(key) for key in sent])
    declared.note(connection, schema.uid, schema.declared, declared.WHOLE if created else (KEY, SETTINGS))
