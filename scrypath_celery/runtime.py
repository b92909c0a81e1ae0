"""What the services work with: one frozen value, passed in."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

from .config import Options
from .engine import Engine
from .ledger import Ledger
from .schema import Schema
from .schemas import Schemas
from .source import Source

Publish = Callable[[str, tuple[int, ...]], None]
"""Hand the ids of committed works of one index to Celery; never raises and never blocks."""


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Options, declarations and adapters of one `Scrypath`."""

    options: Options
    schemas: Schemas
    ledger: Ledger
    engine: Engine
    source: Source
    publish: Publish

    def engine_uid(self, uid: str) -> str:
        """The engine's uid of an index: `prefix_uid`."""
        return f"{self.options.index_prefix}_{uid}" if self.options.index_prefix else uid

    def uid_of(self, schema: Schema) -> str:
        """The engine's uid of a schema's index."""
        return self.engine_uid(schema.uid)


def identity() -> str:
    """This thread of this process, as claims name their worker."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_native_id()}"[:200]
