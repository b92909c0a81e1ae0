"""Keep a Meilisearch index in step with SQLAlchemy models, through Celery, without lying about it.

`Scrypath` is where everything begins; what it raises is in `scrypath_celery.errors`. The names below are imported at
their first use, so that what needs little of the package (a command's `--help`) loads little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app import Scrypath
    from .capture.result import SyncResult
    from .errors import ScrypathError
    from .ledger.autogenerate import include_name, ledger_metadata
    from .work import Mode, Operation, ReasonClass, State

__all__ = [
    "Mode",
    "Operation",
    "ReasonClass",
    "Scrypath",
    "ScrypathError",
    "State",
    "SyncResult",
    "include_name",
    "ledger_metadata",
]

_HOMES = {
    "Mode": "work",
    "Operation": "work",
    "ReasonClass": "work",
    "Scrypath": "app",
    "ScrypathError": "errors",
    "State": "work",
    "SyncResult": "capture.result",
    "include_name": "ledger.autogenerate",
    "ledger_metadata": "ledger.autogenerate",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
