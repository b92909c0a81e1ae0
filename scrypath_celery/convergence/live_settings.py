"""Declared settings against those that an index has; what None means is asked of the engine, where versions differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..declaration.settings import defaults_of, differences
from ..runtime import Runtime


def differing(runtime: Runtime, declared: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """The declared settings that are not live.

    Raises:
        EngineError: the engine's version had to be asked, and was not told.
    """
    if declared.get("rankingRules", ()) is None:
        return differences(declared, live, defaults_of(runtime.engine.version()))
    return differences(declared, live)
