"""Hot apply: a few settings on the live index, at once and beside the declaration, which they drift from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..declaration.schema import Schema
from ..declaration.setting_checks import declared_form
from ..declaration.setting_names import engine_name, own_name
from ..errors import (
    EmptyHotApplyPayload,
    EngineError,
    HotApplyFailed,
    LiveAckRequired,
    SchemaError,
    SettingsError,
    UnsupportedHotApplyKeys,
)
from ..ledger import notes, rebuilds
from ..rebuild.phases import Phase
from ..runtime import Runtime
from .acting import somebody
from .display_name import display_name
from .settings_apply import send

ALLOWED = ("synonyms", "stop_words", "typo_tolerance")
"""What may be hot-applied: settings that change which words match, and neither documents nor filters."""


@dataclass(frozen=True, kw_only=True)
class HotApply:
    """What was applied, and to which indexes (during a rebuild to the one that it fills too)."""

    schema: str
    index: str
    indexes: tuple[str, ...]
    keys: tuple[str, ...]
    by: str


def hot_apply(
    runtime: Runtime, schema: Schema, settings: Mapping[str, Any], *, ack_live: bool, by: str | None = None
) -> HotApply:
    """Apply these settings to the live index now, and note who did it (`by`: the user and host where left out).

    They are not declared: `settings diff` shows the note, and `settings apply` or a rebuild drops them.

    Raises:
        LiveAckRequired, EmptyHotApplyPayload, UnsupportedHotApplyKeys, SettingsError: refused before any request.
        HotApplyFailed: the engine did not take them.
    """
    wanted = allowed(settings, ack_live=ack_live)
    by = by or somebody()
    targets = written_to(runtime, schema)
    if not targets:
        create = f"`scrypath-celery settings apply {display_name(runtime.schemas, schema)}`"
        raise HotApplyFailed(f"there is no index {runtime.uid_of(schema)}: create it with {create}")
    try:
        for index in targets:
            send(runtime, index, wanted)
    except (EngineError, SettingsError) as exc:
        raise HotApplyFailed(f"hot apply to {', '.join(targets)} failed: {exc}") from exc
    keys = tuple(map(own_name, wanted))
    runtime.ledger.run(lambda tx: notes.note_hot_apply(tx, schema.uid, keys, by))
    return HotApply(
        schema=display_name(runtime.schemas, schema),
        index=runtime.uid_of(schema),
        indexes=tuple(targets),
        keys=keys,
        by=by,
    )


def allowed(settings: Mapping[str, Any], *, ack_live: bool) -> dict[str, Any]:
    """The settings in the engine's spelling, if all of them may be hot-applied.

    Raises:
        LiveAckRequired, EmptyHotApplyPayload, UnsupportedHotApplyKeys: they may not.
        SettingsError: one of them is not what the engine takes.
    """
    if not ack_live:
        raise LiveAckRequired(
            "hot apply changes what users find at once: say that you mean the live index with --ack-live"
        )
    if not settings:
        raise EmptyHotApplyPayload(f"no settings to apply: give at least one of {', '.join(ALLOWED)}")
    others = sorted(str(key) for key in settings if own_name(engine_name(str(key))) not in ALLOWED)
    if others:
        raise UnsupportedHotApplyKeys(
            f"these settings cannot be hot-applied: {', '.join(others)}; only {', '.join(ALLOWED)} can: declare the"
            " others and run `scrypath-celery settings apply`, or reindex"
        )
    try:
        return declared_form(settings, "hot apply")
    except SchemaError as exc:
        raise SettingsError(str(exc)) from exc


def written_to(runtime: Runtime, schema: Schema) -> list[str]:
    """The engine's indexes that stand for a schema now: the live one, and the one that a rebuild fills."""
    row = runtime.ledger.run(lambda tx: rebuilds.active(tx, schema.uid))
    filled = row is not None and row.target is not None and row.phase in (Phase.FILL, Phase.CATCH_UP, Phase.CUT_OVER)
    names = [runtime.uid_of(schema), *((str(row.target),) if row is not None and filled else ())]
    return [name for name in names if runtime.engine.index(name) is not None]
