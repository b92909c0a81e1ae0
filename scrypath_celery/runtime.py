"""What the services work with: one frozen value, passed in."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .config import Options
from .declaration.registry import Schemas
from .declaration.schema import Schema
from .ledger import Ledger
from .notices import Notice, Tell
from .source import Source
from .totals import Totals
from .work import Cause, Mark

if TYPE_CHECKING:
    from .engine import Engine


class Publish(Protocol):
    """Hand the ids of committed works of one index to Celery; never raises and never blocks."""

    def __call__(
        self, index: str, ids: tuple[int, ...], /, *, cause: Cause = Cause.SYNC, documents: int | None = None
    ) -> None:
        """`cause` and `documents` (how many, None: not known) are for those who look at Celery."""


@dataclass(kw_only=True)
class Seen:
    """What this process saw last in its engine: a task that bears a token of this ledger's."""

    task: Mark | None = None


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Options, declarations and adapters of one `Scrypath`."""

    options: Options
    schemas: Schemas
    ledger: Ledger
    engine: Engine
    source: Source
    publish: Publish
    eager: Callable[[], bool] = lambda: False
    """Whether Celery runs tasks where they are sent (`task_always_eager`), so that nobody else takes works."""
    node: str = ""
    """The node name of the Celery worker that this process belongs to; empty elsewhere."""
    totals: Totals = field(default_factory=Totals)
    """What this process counts of its searches and requests."""
    declaration_changed: Callable[[Ledger, Schema], None] = lambda ledger, schema: None
    """Tell, once in a process, what of a declaration is different since its index was made; never raises."""

    seen: Seen = field(default_factory=Seen)
    moved: Callable[[], None] = lambda: None
    """Look who else writes to this ledger, since an index was last sent to another engine or prefix; never raises."""
    tell: Tell = lambda notices: None
    """Tell what happened and is committed to whoever listens."""
    hears: Callable[[type[Notice]], bool] = lambda kind: True
    """Whether anybody listens to a kind of notice now."""

    def engine_uid(self, uid: str) -> str:
        """The engine's uid of an index: `prefix_uid`."""
        return f"{self.options.index_prefix}_{uid}" if self.options.index_prefix else uid

    def uid_of(self, schema: Schema) -> str:
        """The engine's uid of a schema's index."""
        return self.engine_uid(schema.uid)


def identity(node: str = "") -> str:
    """This thread of this process, as claims name their worker: host, system, process, thread, and node if any."""
    found = f"{_system()}:{os.getpid()}:{threading.get_native_id()}"
    return f"{found}:{node}"[:200] if node else found


def is_dead(worker: str) -> bool:
    """Whether a worker that a claim names was a process of this system that is no more.

    Hosts may share a name, and containers on one host count their processes apart: a process id says something only
    where it was given, so a worker of any other system is never taken for dead.
    """
    system, _, rest = worker.partition(":")
    pid = rest.partition(":")[0]
    if system != _system() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


@cache
def _system() -> str:
    """The host's name, and what tells its present boot and its space of process ids from those of any other."""
    told: list[str] = []
    with suppress(OSError):
        told.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        told.append(os.readlink("/proc/self/ns/pid"))
    mark = hashlib.sha256(" ".join(told).encode()).hexdigest()[:12] if told else "-"
    return f"{socket.gethostname()[:100].replace(':', '-')}/{mark}"
