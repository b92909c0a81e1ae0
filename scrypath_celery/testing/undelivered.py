"""Declared fields that no document of a test has: found where the documents are still few."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from ..errors import EngineError
from ..operator.contract_drift import undelivered

if TYPE_CHECKING:
    from ..app import Scrypath


class UndeliveredField(UserWarning):
    """A schema declares a field that no document of its index has: its projection leaves it out."""


def warn_of_undelivered(search: Scrypath, told: set[tuple[str, str]]) -> None:
    """Warn of the declared fields that no document in the engine has; of each once (`told` are those of before)."""
    for schema in search.schemas:
        try:
            stats = search.runtime.engine.stats(search.runtime.uid_of(schema))
        except EngineError:
            return  # a test without an engine
        for name in undelivered(schema, stats or {}):
            if (schema.path, name) not in told:
                told.add((schema.path, name))
                warnings.warn(
                    f"{schema.name} declares the field {name!r}, and no document of this test has it: return it from"
                    f" {schema.projection_name} (None where a record has none), or declare it no more",
                    UndeliveredField,
                    stacklevel=3,
                )
