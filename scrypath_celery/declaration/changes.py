"""What an index was made with, and what of the declaration is different now. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .setting_names import own_name
from .settings import canonical

Declared = Mapping[str, Any]
"""A declaration as the ledger keeps it: `key`, `settings` and `documents` (fields and what else decides documents).
One that is known in part lacks parts."""

KEY, SETTINGS, DOCUMENTS, FIELDS = "key", "settings", "documents", "fields"


class Remedy(StrEnum):
    """The cheapest action that fixes a drift, in the order in which they are taken."""

    REINDEX = "reindex"
    SETTINGS_APPLY = "settings_apply"
    BACKFILL = "backfill"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing of a declaration that is not as it was: a field, a setting, the key, what decides the documents."""

    name: str
    remedy: Remedy


def fingerprint(declared: Declared) -> str:
    """64 hexadecimal digits that are the same for equal declarations."""
    return hashlib.sha256(canonical(declared).encode()).hexdigest()


def changes(made_with: Declared | None, declared: Declared) -> tuple[Change, ...]:
    """What of a declaration differs from the one that an index was made with, as far as that is known."""
    before = made_with or {}
    return (*_key(before, declared), *_settings(before, declared), *_documents(before, declared))


def cheapest(wanted: Collection[Remedy]) -> tuple[Remedy, ...]:
    """Which of these actions are taken, in their order: a reindex makes all others superfluous."""
    return (Remedy.REINDEX,) if Remedy.REINDEX in wanted else tuple(one for one in Remedy if one in wanted)


def _key(made_with: Declared, declared: Declared) -> Iterator[Change]:
    if KEY in made_with and made_with[KEY] != declared[KEY]:
        yield Change(name="document_id", remedy=Remedy.REINDEX)


def _settings(made_with: Declared, declared: Declared) -> Iterator[Change]:
    if SETTINGS not in made_with:
        return
    before, now = made_with[SETTINGS], declared[SETTINGS]
    for name in sorted(before.keys() | now.keys()):
        if (name in before) != (name in now) or before.get(name) != now.get(name):
            yield Change(name=own_name(name), remedy=Remedy.SETTINGS_APPLY)


def _documents(made_with: Declared, declared: Declared) -> Iterator[Change]:
    if DOCUMENTS not in made_with:
        return
    before, now = made_with[DOCUMENTS], declared[DOCUMENTS]
    for name in sorted(set(before.get(FIELDS, ())) ^ set(now[FIELDS])):
        yield Change(name=name, remedy=Remedy.BACKFILL)
    for name in sorted((before.keys() | now.keys()) - {FIELDS}):
        if before.get(name) != now.get(name):
            yield Change(name=name, remedy=Remedy.BACKFILL)
