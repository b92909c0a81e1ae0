"""Keep a Meilisearch index in step with SQLAlchemy models, through Celery, without lying about it.

`Scrypath` is where everything begins; what it raises is in `scrypath_celery.errors`.
"""

from __future__ import annotations

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
