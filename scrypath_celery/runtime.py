"""What the services work with: one frozen value, passed in."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .config import Options
from .declaration.registry import Schemas
from .declaration.schema import Schema
from .ledger import Ledger
from .source import Source

if TYPE_CHECKING:
    from .engine import Engine

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
    return f"{socket.gethostname()[:150]}:{os.getpid()}:{threading.get_native_id()}"


def is_dead(worker: str) -> bool:
    """Whether a worker that a claim names was a process of this host that is no more.

    A wrong yes (hosts of one name) costs a claim that is run again, never a lost write: who wakes up without its claim
    reports what it sent.
    """
    host, _, rest = worker.partition(":")
    pid = rest.partition(":")[0]
    if host != socket.gethostname()[:150] or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
