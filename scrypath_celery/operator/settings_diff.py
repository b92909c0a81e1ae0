"""Where the settings of an index differ from what its schema declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from ..convergence.live_settings import differing
from ..declaration.schema import Schema
from ..declaration.setting_names import own_name
from ..declaration.settings import masked
from ..ledger import notes
from ..runtime import Runtime
from .display_name import display_name
from .serialization import to_datetime


class Parity(StrEnum):
    """How declared settings and those of the index compare."""

    PARITY = "parity"
    DRIFT = "drift"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One declared setting that the index does not have."""

    key: str
    declared: Any
    applied: Any


@dataclass(frozen=True, kw_only=True)
class HotApplied:
    """Settings that were applied beside the declaration: when, by whom, and which."""

    at: datetime | None
    by: str
    keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SettingsDiff:
    """One index: the declared settings, the same ones as the index has them, and where they differ.

    `status` is `missing` where there is no index. What may be secret in embedders is left out.
    """

    schema: str
    index: str
    status: Parity
    declared: Mapping[str, Any]
    applied: Mapping[str, Any]
    drift: tuple[Difference, ...] = ()
    hot_applied: tuple[HotApplied, ...] = field(default_factory=tuple)


def settings_diff(runtime: Runtime, schema: Schema, *, ledger: bool = True) -> SettingsDiff:
    """Compare what is declared with what the engine has now. `ledger=False` asks the ledger nothing.

    Raises:
        EngineError: the engine could not be asked. LedgerError: the ledger could not be read.
    """
    declared, index = schema.declared_settings(), runtime.uid_of(schema)
    live = runtime.engine.settings(index)
    hot = runtime.ledger.read(lambda tx: recorded(tx, schema.uid)) if ledger else ()
    common: dict[str, Any] = {"schema": display_name(runtime.schemas, schema), "index": index, "hot_applied": hot}
    shown = own_names(declared)
    if live is None:
        return SettingsDiff(**common, status=Parity.MISSING, declared=shown, applied={})
    return SettingsDiff(
        **common,
        status=Parity.DRIFT if (drift := drifting(runtime, declared, live)) else Parity.PARITY,
        declared=shown,
        applied=own_names({key: live.get(key) for key in declared}),
        drift=drift,
    )


def drifting(runtime: Runtime, declared: Mapping[str, Any], live: Mapping[str, Any]) -> tuple[Difference, ...]:
    """The declared settings that are not live, in the order of the declaration."""
    found = differing(runtime, declared, live)
    return tuple(
        Difference(key=own_name(key), declared=hidden(key, declared[key]), applied=hidden(key, live.get(key)))
        for key in found
    )


def own_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings under our names, with nothing secret among them."""
    return {own_name(key): value for key, value in masked(settings).items()}


def hidden(key: str, value: Any) -> Any:
    """The value of a setting with nothing secret in it."""
    return masked({key: value})[key]


def keys_of(hot: Sequence[HotApplied]) -> list[str]:
    """The settings that were hot-applied, each once."""
    return list(dict.fromkeys(key for one in hot for key in one.keys))


def recorded(connection: Connection, uid: str) -> tuple[HotApplied, ...]:
    """What the ledger notes of hot applies to an index (the unprefixed uid)."""
    return tuple(map(_hot, notes.hot_applied(connection, uid)))


def _hot(note: Mapping[str, Any]) -> HotApplied:
    return HotApplied(at=to_datetime(note["at"]), by=str(note["by"]), keys=tuple(note["keys"]))
